/*
 * catalog_test.c - what is news, what is not, and what is forgotten when.
 */
#include "discovery/catalog.h"

#include "base/check.h"
#include "fake.h"

/* The catalog of peer 0. */
static struct catalog new_catalog(void)
{
	struct id network = fake_network();
	struct keypair self = fake_pair(0);
	struct catalog catalog;

	catalog_init(&catalog, &network, &self.public_key, &fake_crypto, NULL);
	return catalog;
}

/* Takes the caller's reference. */
static enum catalog_result put(struct catalog *catalog, msec now, struct entry *entry)
{
	enum catalog_result result = catalog_put(catalog, now, entry);

	entry_drop(entry);
	catalog_check(catalog);
	return result;
}

static void put_self(struct catalog *catalog, msec now, struct entry *entry)
{
	catalog_put_self(catalog, now, entry);
	entry_drop(entry);
	catalog_check(catalog);
}

/* -1: none; else the kind of the oldest event, which has to be about peer `number`. */
static int next_event(struct catalog *catalog, unsigned number)
{
	struct keypair pair = fake_pair(number);
	struct catalog_event event;

	if (!catalog_next_event(catalog, &event))
		return -1;
	assert_true(id_equal(&event.entry->card.peer, &pair.public_key));
	assert_false(event.entry->is_goodbye);
	entry_drop(event.entry);
	return (int)event.kind;
}

static bool lists(const struct catalog *catalog, unsigned number)
{
	struct keypair pair = fake_pair(number);

	return catalog_find(catalog, &pair.public_key) != NULL;
}

static void only_newer_versions_are_news(void **state)
{
	struct catalog catalog = new_catalog();

	(void)state;
	assert_int_equal(put(&catalog, 1, fake_entry(1, 5, 5)), CATALOG_NEW);
	assert_int_equal(put(&catalog, 2, fake_entry(1, 5, 5)), CATALOG_KNOWN);
	assert_int_equal(put(&catalog, 3, fake_entry(1, 5, 4)), CATALOG_OLDER);
	assert_int_equal(put(&catalog, 4, fake_entry(1, 5, 6)), CATALOG_UPDATED);
	assert_int_equal(put(&catalog, 5, fake_entry(1, 6, 1)), CATALOG_UPDATED);
	assert_int_equal(put(&catalog, 6, fake_entry(1, 5, 99)), CATALOG_OLDER);
	assert_int_equal(catalog.live, 1);
	catalog_fini(&catalog);
}

static void a_goodbye_ends_its_version_and_all_before(void **state)
{
	struct catalog catalog = new_catalog();

	(void)state;
	put(&catalog, 1, fake_entry(1, 5, 5));
	assert_int_equal(put(&catalog, 2, fake_goodbye(1, 5, 4)), CATALOG_OLDER);
	assert_true(lists(&catalog, 1));
	assert_int_equal(put(&catalog, 3, fake_goodbye(1, 5, 5)), CATALOG_LEFT);
	assert_false(lists(&catalog, 1));
	assert_int_equal(catalog.live, 0);
	assert_int_equal(put(&catalog, 4, fake_entry(1, 5, 5)), CATALOG_OLDER);
	assert_int_equal(put(&catalog, 4, fake_goodbye(1, 5, 5)), CATALOG_KNOWN);
	assert_int_equal(put(&catalog, 5, fake_entry(1, 6, 6)), CATALOG_NEW);
	assert_true(lists(&catalog, 1));
	assert_int_equal(put(&catalog, 6, fake_goodbye(2, 1, 1)), CATALOG_LEFT);
	assert_int_equal(put(&catalog, 7, fake_entry(2, 1, 1)), CATALOG_OLDER);
	catalog_fini(&catalog);
}

static void events_tell_what_a_reader_would_see(void **state)
{
	struct catalog catalog = new_catalog();
	struct card card = fake_card(1, 5, 7);
	struct keypair pair = fake_pair(1);
	struct id tag = fake_id("tag");

	(void)state;
	put(&catalog, 1, fake_entry(1, 5, 5));
	assert_int_equal(next_event(&catalog, 1), PEER_DISCOVERED);
	put(&catalog, 2, fake_entry(1, 5, 6));
	assert_int_equal(next_event(&catalog, 1), -1);   /* it only announced itself again */
	id_set_add(&card.tags, &tag);
	put(&catalog, 3, entry_sign(&card, &pair, &fake_crypto));
	assert_int_equal(next_event(&catalog, 1), PEER_UPDATED);
	card.version.start = 8;
	put(&catalog, 4, entry_sign(&card, &pair, &fake_crypto));
	assert_int_equal(next_event(&catalog, 1), PEER_UPDATED);   /* it was started again */
	put(&catalog, 5, fake_goodbye(1, 8, 7));
	assert_int_equal(next_event(&catalog, 1), PEER_DEPARTED);
	put(&catalog, 6, fake_goodbye(2, 1, 1));
	assert_int_equal(next_event(&catalog, 2), -1);   /* nobody had seen it */
	put_self(&catalog, 7, fake_entry(0, 1, 1));
	assert_int_equal(next_event(&catalog, 0), -1);
	card_fini(&card);
	catalog_fini(&catalog);
}

static void a_slow_reader_is_told_how_many_it_lost(void **state)
{
	struct catalog catalog = new_catalog();

	(void)state;
	for (unsigned i = 1; i <= CATALOG_EVENTS_MAX + 7; i++)
		put(&catalog, 1, fake_entry(i, 1, 1));
	assert_int_equal(catalog.events_lost, 7);
	for (unsigned i = 8; i <= CATALOG_EVENTS_MAX + 7; i++)
		assert_int_equal(next_event(&catalog, i), PEER_DISCOVERED);
	assert_int_equal(next_event(&catalog, 0), -1);
	catalog_fini(&catalog);
}

static void nobody_else_speaks_for_us(void **state)
{
	struct catalog catalog = new_catalog();
	struct version version;
	bool is_goodbye;

	(void)state;
	assert_int_equal(put(&catalog, 1, fake_entry(0, 9, 9)), CATALOG_REFUSED);
	assert_false(lists(&catalog, 0));
	put_self(&catalog, 2, fake_entry(0, 5, 5));
	assert_int_equal(put(&catalog, 3, fake_entry(0, 4, 4)), CATALOG_REFUSED);   /* ours, from before a restart */
	assert_int_equal(catalog.rival.start, 0);
	assert_int_equal(put(&catalog, 3, fake_entry(0, 6, 6)), CATALOG_REFUSED);
	assert_int_equal(catalog.rival.start, 6);
	assert_int_equal(put(&catalog, 3, fake_goodbye(0, 7, 7)), CATALOG_REFUSED);
	assert_true(catalog_version(&catalog, &catalog.self, &version, &is_goodbye));
	assert_int_equal(version.start, 5);
	assert_false(is_goodbye);
	catalog_fini(&catalog);
}

static void count_line(void *context, enum log_level level, const char *line, size_t size)
{
	(void)size;
	assert_int_equal(level, LOG_WARN);
	assert_non_null(strstr(line, "duplicate-identity"));
	++*(int *)context;
}

/* Two live processes with one key: named once for each version, and only if its signature is good. */
static void a_duplicate_identity_is_named(void **state)
{
	int lines = 0;
	struct log log = {.level = LOG_WARN, .write = count_line, .context = &lines};
	struct catalog catalog = new_catalog();
	struct entry *rival = fake_entry(0, 6, 6);
	struct blob *forged = blob_copy(blob_bytes(rival->signed_bytes));
	enum catalog_result result = CATALOG_NEW;

	(void)state;
	catalog.log = &log;
	put_self(&catalog, 1, fake_entry(0, 5, 5));
	forged->data[forged->end - 1] ^= 1;
	assert_int_equal(catalog_put_signed(&catalog, 2, blob_bytes(forged), &result, NULL), ERROR_BAD_SIGNATURE);
	assert_int_equal(lines, 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(catalog_put_signed(&catalog, 2, blob_bytes(rival->signed_bytes), &result, NULL), OK);
		assert_int_equal(result, CATALOG_REFUSED);
	}
	assert_int_equal(lines, 1);
	blob_drop(forged);
	entry_drop(rival);
	catalog_fini(&catalog);
}

static void foreign_and_bad_entries_are_counted(void **state)
{
	struct catalog catalog = new_catalog();
	struct keypair pair = fake_pair(1);
	struct card card = fake_card(1, 1, 1);
	struct entry *foreign;
	enum catalog_result result = CATALOG_NEW;

	(void)state;
	card.network = fake_id("another network");
	foreign = entry_sign(&card, &pair, &fake_crypto);
	assert_int_equal(catalog_put_signed(&catalog, 1, blob_bytes(foreign->signed_bytes), &result, NULL), OK);
	assert_int_equal(result, CATALOG_FOREIGN);
	assert_int_equal(catalog_put_signed(&catalog, 1, bytes_of_text("garbage"), &result, NULL), ERROR_MALFORMED);
	assert_int_equal(catalog.entries_refused, 2);
	assert_int_equal(catalog.live, 0);
	entry_drop(foreign);
	catalog_fini(&catalog);
}

static bool must_not_verify(const struct id *public_key, struct bytes message, const struct signature *signature)
{
	(void)public_key;
	(void)message;
	(void)signature;
	fail_msg("a signature was verified for no news");
	return false;
}

static void no_news_costs_no_signature(void **state)
{
	static const struct crypto crypto = {.derive = fake_derive, .sign = fake_sign, .verify = must_not_verify};
	struct catalog catalog = new_catalog();
	struct entry *entry = fake_entry(1, 5, 5);
	struct entry *taken = NULL;
	enum catalog_result result = CATALOG_NEW;

	(void)state;
	assert_int_equal(catalog_put_signed(&catalog, 1, blob_bytes(entry->signed_bytes), &result, &taken), OK);
	assert_int_equal(result, CATALOG_NEW);
	assert_true(taken == catalog_find(&catalog, &entry->card.peer)->entry);
	catalog.crypto = &crypto;
	assert_int_equal(catalog_put_signed(&catalog, 2, blob_bytes(entry->signed_bytes), &result, &taken), OK);
	assert_int_equal(result, CATALOG_KNOWN);
	entry_drop(entry);
	catalog_fini(&catalog);
}

static void unsigned_entries_are_local_and_give_way(void **state)
{
	struct catalog catalog = new_catalog();
	struct card card = fake_card(1, 9, 9);
	struct catalog_digest empty = catalog_digest(&catalog, 0);
	struct catalog_digest digest;
	struct version version;
	bool is_goodbye;

	(void)state;
	assert_int_equal(put(&catalog, 1, entry_unsigned(&card)), CATALOG_NEW);
	assert_true(lists(&catalog, 1));
	digest = catalog_digest(&catalog, 0);
	assert_true(catalog_digest_equal(&digest, &empty));
	assert_false(catalog_version(&catalog, &card.peer, &version, &is_goodbye));
	assert_int_equal(put(&catalog, 2, fake_entry(1, 1, 1)), CATALOG_UPDATED);
	assert_int_equal(put(&catalog, 3, entry_unsigned(&card)), CATALOG_OLDER);
	assert_true(catalog_version(&catalog, &card.peer, &version, &is_goodbye));
	assert_int_equal(version.start, 1);
	catalog_fini(&catalog);
}

static void equal_catalogs_have_equal_digests(void **state)
{
	struct catalog a = new_catalog();
	struct catalog b = new_catalog();
	struct catalog_digest of_a;
	struct catalog_digest of_b;

	(void)state;
	put(&a, 1, fake_entry(1, 1, 1));
	put(&a, 2, fake_entry(2, 1, 1));
	put(&b, 5, fake_entry(2, 1, 1));
	of_a = catalog_digest(&a, 0);
	of_b = catalog_digest(&b, 0);
	assert_false(catalog_digest_equal(&of_a, &of_b));
	put(&b, 6, fake_entry(1, 1, 1));
	of_b = catalog_digest(&b, 0);
	assert_true(catalog_digest_equal(&of_a, &of_b));
	put(&b, 7, fake_goodbye(1, 1, 1));
	of_b = catalog_digest(&b, 0);
	assert_false(catalog_digest_equal(&of_a, &of_b));
	catalog_fini(&a);
	catalog_fini(&b);
}

/* Entry 1 of a catalog, as it says the same again and again. */
static struct catalog_digest digest_of_versions(uint64_t first, uint64_t second, uint64_t cut)
{
	struct catalog catalog = new_catalog();
	struct catalog_digest digest;

	put(&catalog, 1, fake_entry(1, 1, first));
	if (second > 0)
		put(&catalog, 2, fake_entry(1, 1, second));
	digest = catalog_digest(&catalog, cut);
	catalog_fini(&catalog);
	return digest;
}

static void a_refresh_counts_when_it_had_time_to_get_everywhere(void **state)
{
	struct catalog_digest old = digest_of_versions(1000, 0, 5000);
	struct catalog_digest fresh = digest_of_versions(1000, 6000, 5000);
	struct catalog_digest settled = digest_of_versions(1000, 6000, 6000);
	struct catalog_digest ahead = digest_of_versions(1000, 6000, 500);   /* its clock, not ours, is before either */
	struct catalog_digest newest = digest_of_versions(6000, 0, 500);

	(void)state;
	assert_true(catalog_digest_equal(&old, &fresh));
	assert_false(catalog_digest_equal(&old, &settled));
	assert_true(catalog_digest_equal(&settled, &newest));
	assert_true(catalog_digest_equal(&ahead, &newest));
}

static void a_change_counts_at_once(void **state)
{
	struct catalog catalog = new_catalog();
	struct card card = fake_card(1, 1, 6000);
	struct keypair pair = fake_pair(1);
	struct catalog_digest before, after;

	(void)state;
	put(&catalog, 1, fake_entry(1, 1, 1000));
	before = catalog_digest(&catalog, 5000);
	id_set_add(&card.tags, &card.network);
	put(&catalog, 2, entry_sign(&card, &pair, &fake_crypto));
	after = catalog_digest(&catalog, 5000);
	assert_false(catalog_digest_equal(&before, &after));
	card_fini(&card);
	catalog_fini(&catalog);
}

static void sums_are_the_digest_in_parts(void **state)
{
	struct catalog catalog = new_catalog();
	struct catalog_digest digest;
	uint64_t sum[1 << 4], total = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		put(&catalog, 1, fake_entry(i + 1, 1, 1));
	digest = catalog_digest(&catalog, 0);
	catalog_sums(&catalog, 0, 4, sum);
	for (size_t i = 0; i < 1 << 4; i++)
		total += sum[i];
	assert_true(total == digest.part[0]);
	catalog_fini(&catalog);
}

static void silence_purges_and_tombstones_go(void **state)
{
	struct catalog catalog = new_catalog();

	(void)state;
	put_self(&catalog, 0, fake_entry(0, 1, 1));
	assert_true(catalog_deadline(&catalog) == MSEC_NEVER);
	put(&catalog, 1000, fake_entry(1, 1, 1));
	put(&catalog, 2000, fake_entry(2, 1, 1));
	put(&catalog, 3000, fake_goodbye(3, 1, 1));
	assert_int_equal(catalog_deadline(&catalog), 1000 + CATALOG_PURGE_AFTER);
	catalog_purge(&catalog, 999 + CATALOG_PURGE_AFTER);
	assert_true(lists(&catalog, 1));
	catalog_purge(&catalog, 1000 + CATALOG_PURGE_AFTER);
	assert_false(lists(&catalog, 1));
	assert_true(lists(&catalog, 2));
	catalog_check(&catalog);
	assert_int_equal(catalog_deadline(&catalog), 2000 + CATALOG_PURGE_AFTER);
	put(&catalog, 5000, fake_entry(2, 1, 2));   /* news in time */
	catalog_purge(&catalog, 4000 + CATALOG_PURGE_AFTER);
	assert_true(lists(&catalog, 2));
	assert_int_equal(catalog.peers.count, 2);   /* the tombstone is gone, we never are */
	catalog_purge(&catalog, 100 * CATALOG_PURGE_AFTER);
	assert_true(lists(&catalog, 0));
	assert_int_equal(catalog.live, 1);
	assert_int_equal(next_event(&catalog, 1), PEER_DISCOVERED);
	assert_int_equal(next_event(&catalog, 2), PEER_DISCOVERED);
	assert_int_equal(next_event(&catalog, 1), PEER_DEPARTED);
	assert_int_equal(next_event(&catalog, 2), PEER_DEPARTED);
	catalog_check(&catalog);
	catalog_fini(&catalog);
}

static void an_old_entry_has_less_time_left(void **state)
{
	struct catalog catalog = new_catalog();

	(void)state;
	put(&catalog, 1000 - 200000, fake_entry(1, 1, 1));   /* our own clock may have started a moment ago */
	assert_int_equal(catalog_deadline(&catalog), 1000 + CATALOG_PURGE_AFTER - 200000);
	put(&catalog, 500 - 200000, fake_entry(1, 1, 2));    /* newer, though it took longer to get here */
	catalog_purge(&catalog, 1000 + CATALOG_PURGE_AFTER - 200000 - 1);
	assert_true(lists(&catalog, 1));
	catalog_purge(&catalog, 1000 + CATALOG_PURGE_AFTER - 200000);
	assert_false(lists(&catalog, 1));
	catalog_fini(&catalog);
}

static void walks_are_in_id_order_and_skip_tombstones(void **state)
{
	struct catalog catalog = new_catalog();
	const struct catalog_peer *peer;
	struct id last = {{0}};
	size_t at = 0;
	size_t seen = 0;

	(void)state;
	for (unsigned i = 1; i <= 20; i++)
		put(&catalog, 1, i % 4 == 0 ? fake_goodbye(i, 1, 1) : fake_entry(i, 1, 1));
	while ((peer = catalog_next(&catalog, &at)) != NULL) {
		assert_true(id_compare(&last, &peer->entry->card.peer) < 0);
		last = peer->entry->card.peer;
		seen++;
	}
	assert_int_equal(seen, 15);
	assert_int_equal(catalog.live, 15);
	catalog_fini(&catalog);
}

static void round_trips_are_kept_with_the_peer(void **state)
{
	struct catalog catalog = new_catalog();
	struct keypair pair = fake_pair(1);

	(void)state;
	catalog_set_rtt(&catalog, &pair.public_key, 5);   /* unknown: nothing happens */
	put(&catalog, 1, fake_entry(1, 1, 1));
	catalog_set_rtt(&catalog, &pair.public_key, 1234);
	put(&catalog, 2, fake_entry(1, 1, 2));
	assert_int_equal(catalog_find(&catalog, &pair.public_key)->rtt_us, 1234);
	catalog_fini(&catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_newer_versions_are_news),
		cmocka_unit_test(a_goodbye_ends_its_version_and_all_before),
		cmocka_unit_test(events_tell_what_a_reader_would_see),
		cmocka_unit_test(a_slow_reader_is_told_how_many_it_lost),
		cmocka_unit_test(nobody_else_speaks_for_us),
		cmocka_unit_test(a_duplicate_identity_is_named),
		cmocka_unit_test(foreign_and_bad_entries_are_counted),
		cmocka_unit_test(no_news_costs_no_signature),
		cmocka_unit_test(unsigned_entries_are_local_and_give_way),
		cmocka_unit_test(equal_catalogs_have_equal_digests),
		cmocka_unit_test(a_refresh_counts_when_it_had_time_to_get_everywhere),
		cmocka_unit_test(a_change_counts_at_once),
		cmocka_unit_test(sums_are_the_digest_in_parts),
		cmocka_unit_test(silence_purges_and_tombstones_go),
		cmocka_unit_test(an_old_entry_has_less_time_left),
		cmocka_unit_test(walks_are_in_id_order_and_skip_tombstones),
		cmocka_unit_test(round_trips_are_kept_with_the_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
