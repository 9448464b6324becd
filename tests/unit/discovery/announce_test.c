/*
 * announce_test.c - one announce machine, and neighbours that the test plays by hand.
 */
#include "discovery/announce.h"

#include "discovery/announce_wire.h"
#include "discovery/broadcast.h"
#include "fake.h"
#include "wire/limits.h"

#define WALL 1700000000000

struct solo {
	struct catalog catalog;
	struct keypair pair;
	struct announce *announce;
	struct outbox out;
	struct log log;
	unsigned warnings;
	char warning[256];
	msec now;
};

static void keep_warning(void *context, enum log_level level, const char *line, size_t size)
{
	struct solo *solo = context;

	(void)level;
	solo->warnings++;
	snprintf(solo->warning, sizeof(solo->warning), "%.*s", (int)size, line);
}

static void solo_init(struct solo *solo, bool guest)
{
	struct id network = fake_network();

	memset(solo, 0, sizeof(*solo));
	solo->pair = fake_pair(0);
	solo->now = 1000;
	solo->log = (struct log){.level = LOG_WARN, .write = keep_warning, .context = solo};
	catalog_init(&solo->catalog, &network, &solo->pair.public_key, &fake_crypto, NULL);
	solo->announce = announce_new(&(struct announce_options){.catalog = &solo->catalog, .identity = &solo->pair,
		.crypto = &fake_crypto, .log = &solo->log, .seed = 1, .guest = guest}, solo->now, WALL);
}

static void solo_fini(struct solo *solo)
{
	announce_free(solo->announce);
	catalog_fini(&solo->catalog);
	outbox_fini(&solo->out);
}

/* Into the catalog, by another way than the machine; takes the entry. */
static void put(struct solo *solo, struct entry *entry)
{
	assert_int_equal(catalog_put(&solo->catalog, solo->now, entry), CATALOG_NEW);
	entry_drop(entry);
}

static void check(struct solo *solo)
{
	announce_ops.check(solo->announce);
	catalog_check(&solo->catalog);
}

static void tick(struct solo *solo)
{
	announce_ops.tick(solo->announce, solo->now, &solo->out);
	check(solo);
}

static void link_up(struct solo *solo, link_id link, unsigned number)
{
	announce_ops.linked(solo->announce, solo->now, &(struct link){.id = link, .peer = fake_pair(number).public_key},
		&solo->out);
	check(solo);
}

static void link_down(struct solo *solo, link_id link, enum error reason)
{
	announce_ops.unlinked(solo->announce, solo->now, link, reason, &solo->out);
	check(solo);
}

static struct blob *message_of(const struct entry *entry)
{
	return announce_wire_put(&(struct announce_message){
		.kind = ANNOUNCE_GOSSIP, .whole = {{.signed_bytes = blob_bytes(entry->signed_bytes)}}, .whole_count = 1});
}

/* Takes the entry. */
static enum error hear(struct solo *solo, link_id link, struct entry *entry)
{
	struct blob *message = message_of(entry);
	enum error error = announce_ops.receive(solo->announce, solo->now, link, message, &solo->out);

	check(solo);
	blob_drop(message);
	entry_drop(entry);
	return error;
}

static void say(struct solo *solo, link_id link, const struct announce_message *message)
{
	struct blob *blob = announce_wire_put(message);

	assert_int_equal(announce_ops.receive(solo->announce, solo->now, link, blob, &solo->out), OK);
	check(solo);
	blob_drop(blob);
}

struct counts {
	unsigned connects, sends, closes;   /* sends: gossip only */
	unsigned of_kind[ANNOUNCE_WANT + 1];
	struct announce_message last;       /* its signed bytes are gone */
	link_id connected, sent_to, closed;
	enum error reason;
	struct dial dial;
	struct entry_label said;
};

/* What waits in the outbox. */
static struct counts drain(struct solo *solo)
{
	struct counts counts = {0};
	struct effect effect;

	while (outbox_next(&solo->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT) {
			counts.connects++;
			counts.connected = effect.link;
			counts.dial = *effect.dial;
		} else if (effect.kind == EFFECT_CLOSE) {
			counts.closes++;
			counts.closed = effect.link;
			counts.reason = effect.reason;
		} else if (effect.kind == EFFECT_SEND) {
			struct announce_message message;

			assert_int_equal(announce_wire_get(blob_bytes(effect.payload), &message), OK);
			counts.of_kind[message.kind]++;
			counts.last = message;
			if (message.kind == ANNOUNCE_GOSSIP) {
				counts.sends++;
				counts.sent_to = effect.link;
				assert_int_equal(entry_peek(message.whole[0].signed_bytes, &counts.said), OK);
			}
		}
		effect_drop(&effect);
	}
	return counts;
}

static unsigned facts(struct solo *solo, struct announce_fact *last)
{
	struct announce_fact fact;
	unsigned count = 0;

	while (announce_next_fact(solo->announce, &fact)) {
		*last = fact;
		count++;
	}
	return count;
}

static void the_first_announcement_is_made_at_once(void **state)
{
	struct solo solo;
	struct announce_fact fact = {0};
	struct entry *entry;

	(void)state;
	solo_init(&solo, false);
	assert_int_equal(announce_ops.deadline(solo.announce), solo.now);
	tick(&solo);
	assert_int_equal(facts(&solo, &fact), 1);
	assert_int_equal(fact.kind, ANNOUNCE_ENTRY_SIGNED);
	entry = announce_entry(solo.announce, solo.now);
	assert_int_equal(entry->card.version.start, WALL);
	assert_true(catalog_find(&solo.catalog, &solo.pair.public_key)->entry == entry);
	assert_in_range(
		announce_ops.deadline(solo.announce) - solo.now, ANNOUNCE_INTERVAL / 2, ANNOUNCE_INTERVAL * 3 / 2);
	solo_fini(&solo);
}

static void an_entry_that_is_asked_for_does_not_wait(void **state)
{
	struct solo solo;
	struct id tag = fake_id("tag");
	struct version before;

	(void)state;
	solo_init(&solo, false);
	before = announce_entry(solo.announce, solo.now)->card.version;
	id_set_add(&announce_card(solo.announce)->tags, &tag);
	announce_changed(solo.announce, solo.now);
	assert_true(id_set_has(&announce_entry(solo.announce, solo.now)->card.tags, &tag));
	/* In the same millisecond, and still newer. */
	assert_true(version_compare(&before, &announce_entry(solo.announce, solo.now)->card.version) < 0);
	link_up(&solo, 1, 1);
	assert_int_equal(drain(&solo).sends, 1);
	solo_fini(&solo);
}

static void versions_grow_when_the_clock_is_set_back(void **state)
{
	struct solo solo;
	struct version before;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	before = announce_entry(solo.announce, solo.now)->card.version;
	announce_set_wall(solo.announce, solo.now, WALL - 3600000);
	solo.now += 2 * ANNOUNCE_INTERVAL;
	tick(&solo);
	assert_int_equal(announce_entry(solo.announce, solo.now)->card.version.update, before.update + 1);
	solo_fini(&solo);
}

static void a_guest_leaves_no_trace(void **state)
{
	struct solo solo;
	struct dial dial = {.peer = fake_pair(1).public_key};
	struct counts counts;

	(void)state;
	solo_init(&solo, true);
	announce_add_bootstrap(solo.announce, solo.now, &dial);
	announce_add_hint(solo.announce, solo.now, &dial, &solo.out);
	announce_changed(solo.announce, solo.now);
	put(&solo, fake_entry(1, WALL, WALL));
	tick(&solo);
	assert_null(announce_entry(solo.announce, solo.now));
	assert_true(announce_ops.deadline(solo.announce) == MSEC_NEVER);
	link_up(&solo, 1, 1);
	counts = drain(&solo);
	assert_int_equal(counts.connects + counts.sends, 0);
	assert_int_equal(counts.closes, 1);
	assert_int_equal(announce_neighbours(solo.announce), 0);
	announce_depart(solo.announce, solo.now, &solo.out);
	assert_int_equal(drain(&solo).sends, 0);
	solo_fini(&solo);
}

/* The waits before each dial of a bootstrap peer that never answers. */
static void bootstrap_dials_back_off_and_never_end(void **state)
{
	struct solo solo;
	struct dial dial = {.count = 1, .address = {{.port = 1}}};
	struct announce_fact fact = {0};
	msec expected = ANNOUNCE_RETRY_MIN;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	announce_add_bootstrap(solo.announce, solo.now, &dial);
	for (unsigned i = 0; i < 20; i++) {
		struct counts counts;
		msec started = solo.now;

		tick(&solo);
		counts = drain(&solo);
		assert_int_equal(counts.connects, 1);
		assert_int_equal(counts.dial.address[0].port, 1);
		facts(&solo, &fact);
		link_down(&solo, counts.connected, ERROR_REFUSED);
		assert_int_equal(facts(&solo, &fact), 1);
		assert_true(fact.kind == ANNOUNCE_NEIGHBOUR_DOWN && fact.bootstrap && fact.reason == ERROR_REFUSED);
		while (announce_ops.deadline(solo.announce) - started < expected / 2 - 1) {
			solo.now = announce_ops.deadline(solo.announce);   /* our own announcement comes first */
			tick(&solo);
			assert_int_equal(drain(&solo).connects, 0);
		}
		solo.now = started + expected * 3 / 2 + 1;
		expected = msec_min(expected * 3 / 2, ANNOUNCE_RETRY_MAX);
	}
	assert_int_equal(expected, ANNOUNCE_RETRY_MAX);
	/* It answers and stays: the next loss is retried soon. */
	tick(&solo);
	link_up(&solo, drain(&solo).connected, 1);
	solo.now += ANNOUNCE_STEADY;
	link_down(&solo, 2 * 21, ERROR_IDLE);
	solo.now += ANNOUNCE_RETRY_MIN * 3 / 2 + 1;
	tick(&solo);
	assert_int_equal(drain(&solo).connects, 1);
	solo_fini(&solo);
}

/* Whoever is full says so after the link is up: that is no success, or we would come back four times a second. */
static void a_short_link_is_no_success(void **state)
{
	struct solo solo;
	struct dial dial = {.count = 1, .address = {{.port = 1}}};
	unsigned dials = 0;

	(void)state;
	solo_init(&solo, false);
	announce_add_bootstrap(solo.announce, solo.now, &dial);
	for (msec until = solo.now + 60000; solo.now < until; solo.now += 10) {
		struct counts counts;

		tick(&solo);
		counts = drain(&solo);
		if (counts.connects == 0)
			continue;
		dials++;
		link_up(&solo, counts.connected, 1);
		link_down(&solo, counts.connected, ERROR_NO_CAPACITY);
		drain(&solo);
	}
	assert_in_range(dials, 6, 16);
	solo_fini(&solo);
}

static void a_full_table_refuses(void **state)
{
	struct solo solo;
	struct counts counts;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	for (unsigned i = 0; i < ANNOUNCE_NEIGHBOURS_MAX; i++) {
		link_up(&solo, 1 + 2 * i, 1 + i);
		counts = drain(&solo);
		assert_int_equal(counts.closes, 0);
	}
	link_up(&solo, 1001, 1000);
	assert_int_equal(drain(&solo).closes, 0);   /* it may be urgent */
	say(&solo, 1001, &(struct announce_message){.kind = ANNOUNCE_NEIGHBOR});
	counts = drain(&solo);
	assert_int_equal(counts.closes, 1);
	assert_int_equal(counts.closed, 1001);
	assert_int_equal(counts.reason, ERROR_NO_CAPACITY);
	assert_int_equal(announce_neighbours(solo.announce), ANNOUNCE_NEIGHBOURS_MAX);
	link_down(&solo, 1, ERROR_IDLE);
	link_up(&solo, 1003, 1000);
	assert_int_equal(announce_neighbours(solo.announce), ANNOUNCE_NEIGHBOURS_MAX);
	assert_int_equal(drain(&solo).closes, 0);
	solo_fini(&solo);
}

/* A catalog of peers that cannot be reached costs a few dials, not a storm. */
static void dead_catalogs_are_not_dialled_in_a_storm(void **state)
{
	struct solo solo;
	unsigned dials = 0;

	(void)state;
	solo_init(&solo, false);
	for (unsigned i = 1; i <= 500; i++)
		put(&solo, fake_entry(i, WALL, WALL));
	for (msec until = solo.now + 60000; solo.now < until; solo.now += 50) {
		struct effect effect;

		tick(&solo);
		while (outbox_next(&solo.out, &effect)) {
			if (effect.kind == EFFECT_CONNECT) {
				dials++;
				announce_ops.unlinked(
					solo.announce, solo.now, effect.link, ERROR_UNREACHABLE, &solo.out);
			}
			effect_drop(&effect);
		}
	}
	assert_in_range(dials, 20, 120);
	solo_fini(&solo);
}

/* Two links to one peer: which one stays does not depend on who looks. */
static void the_smaller_id_keeps_its_link(void **state)
{
	struct solo solo;
	struct dial dial = {.peer = fake_pair(1).public_key, .count = 1};
	struct announce_fact fact = {0};
	struct counts counts;
	bool we_are_smaller;

	(void)state;
	solo_init(&solo, false);
	we_are_smaller = id_compare(&solo.pair.public_key, &dial.peer) < 0;
	for (int ours_first = 0; ours_first < 2; ours_first++) {
		link_id ours;
		link_id theirs = ours_first ? 11 : 13;

		announce_add_hint(solo.announce, solo.now, &dial, &solo.out);
		ours = drain(&solo).connected;
		link_up(&solo, ours_first ? ours : theirs, 1);
		facts(&solo, &fact);
		drain(&solo);
		link_up(&solo, ours_first ? theirs : ours, 1);
		assert_int_equal(facts(&solo, &fact), 0);
		counts = drain(&solo);
		assert_int_equal(counts.closes, 1);
		assert_int_equal(counts.reason, ERROR_CANCELLED);
		assert_int_equal(counts.closed, we_are_smaller ? theirs : ours);
		assert_int_equal(announce_neighbours(solo.announce), 1);
		link_down(&solo, counts.closed, ERROR_CANCELLED);
		assert_int_equal(announce_neighbours(solo.announce), 1);
		link_down(&solo, counts.closed == ours ? theirs : ours, ERROR_CANCELLED);
		assert_int_equal(announce_neighbours(solo.announce), 0);
		facts(&solo, &fact);
	}
	solo_fini(&solo);
}

/* The same side opened both: it was started again, and the older link is a corpse. */
static void a_restarted_peer_is_a_neighbour_at_once(void **state)
{
	struct solo solo;
	struct counts counts;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	drain(&solo);
	link_up(&solo, 3, 1);
	counts = drain(&solo);
	assert_int_equal(counts.closed, 1);
	assert_int_equal(counts.sent_to, 3);   /* greeted */
	assert_int_equal(announce_neighbours(solo.announce), 1);
	solo_fini(&solo);
}

static void news_goes_to_all_but_its_source_once(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	for (unsigned i = 1; i <= 4; i++)
		link_up(&solo, 2 * i - 1, i);
	drain(&solo);
	assert_int_equal(hear(&solo, 1, fake_entry(50, WALL, WALL + 1)), OK);
	assert_int_equal(drain(&solo).sends, 3);
	for (unsigned older = 0; older < 2; older++)
		assert_int_equal(hear(&solo, 3, fake_entry(50, WALL, WALL + 1 - older)), OK);
	assert_int_equal(drain(&solo).sends, 0);
	solo.now += BROADCAST_BUNDLE_DELAY;   /* nor does it go to its owner, if that is a neighbour: */
	assert_int_equal(hear(&solo, 1, fake_entry(2, WALL, WALL + 1)), OK);
	assert_int_equal(drain(&solo).sends, 2);
	solo_fini(&solo);
}

static void a_skewed_clock_is_named_and_not_passed_on(void **state)
{
	struct solo solo;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	link_up(&solo, 3, 2);
	drain(&solo);
	assert_int_equal(hear(&solo, 1, fake_entry(1, WALL, WALL + 73000)), OK);
	assert_int_equal(drain(&solo).sends, 0);
	assert_int_equal(solo.warnings, 1);
	assert_non_null(strstr(solo.warning, "clock 73 s ahead"));
	assert_int_equal(hear(&solo, 1, fake_entry(1, WALL, WALL + 88000)), OK);
	assert_int_equal(solo.warnings, 1);
	assert_int_equal(hear(&solo, 3, fake_entry(2, WALL - 60000, WALL - 11000)), OK);
	assert_non_null(strstr(solo.warning, "clock 11 s behind"));
	assert_int_equal(solo.catalog.live, 1);
	assert_int_equal(hear(&solo, 3, fake_entry(2, 1, WALL + ANNOUNCE_DRIFT_MAX)), OK);
	assert_int_equal(solo.catalog.live, 2);
	/* Anti-entropy has brought it meanwhile: nothing more to say. */
	put(&solo, fake_entry(3, WALL, WALL + 99000));
	assert_int_equal(hear(&solo, 3, fake_entry(3, WALL, WALL + 99000)), OK);
	assert_int_equal(solo.warnings, 2);
	solo_fini(&solo);
}

static void a_goodbye_is_spread_and_ends_the_link(void **state)
{
	struct solo solo;
	struct announce_fact fact = {0};
	struct counts counts;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	for (unsigned i = 1; i <= 3; i++)
		link_up(&solo, 2 * i - 1, i);
	assert_int_equal(hear(&solo, 1, fake_entry(1, WALL - 60000, WALL)), OK);
	drain(&solo);
	facts(&solo, &fact);
	solo.now += 60000;   /* a goodbye has the age of the last entry; that is no skew */
	announce_set_wall(solo.announce, solo.now, WALL + 60000);
	assert_int_equal(hear(&solo, 1, fake_goodbye(1, WALL - 60000, WALL)), OK);
	counts = drain(&solo);
	assert_int_equal(counts.sends, 2);
	assert_true(counts.said.is_goodbye);
	assert_int_equal(counts.closes, 1);
	assert_int_equal(counts.closed, 1);
	assert_int_equal(counts.reason, OK);
	assert_int_equal(facts(&solo, &fact), 1);
	assert_true(fact.kind == ANNOUNCE_NEIGHBOUR_DOWN && !fact.bootstrap && fact.reason == ERROR_GRACEFUL);
	assert_int_equal(announce_neighbours(solo.announce), 2);
	assert_int_equal(hear(&solo, 1, fake_entry(9, WALL, WALL + 60000)), OK);   /* what it still says is not heard */
	assert_int_equal(drain(&solo).sends, 0);
	link_down(&solo, 1, OK);
	assert_int_equal(solo.warnings, 0);
	solo_fini(&solo);
}

/* Of a peer nobody knows, an old goodbye would be a replay that fills the catalog. */
static void an_old_goodbye_of_a_stranger_is_dropped(void **state)
{
	struct solo solo;
	struct id stranger = fake_pair(50).public_key;
	struct version version;
	bool is_goodbye;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	assert_int_equal(hear(&solo, 1, fake_goodbye(50, 1, WALL - 3600000)), OK);
	assert_false(catalog_version(&solo.catalog, &stranger, &version, &is_goodbye));
	assert_int_equal(hear(&solo, 1, fake_goodbye(50, 1, WALL - 20000)), OK);
	assert_true(catalog_version(&solo.catalog, &stranger, &version, &is_goodbye) && is_goodbye);
	solo_fini(&solo);
}

static void our_goodbye_goes_to_all_neighbours_once(void **state)
{
	struct solo solo;
	struct counts counts;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	link_up(&solo, 3, 2);
	drain(&solo);
	announce_depart(solo.announce, solo.now, &solo.out);
	check(&solo);
	counts = drain(&solo);
	assert_int_equal(counts.sends, 2);
	assert_true(counts.said.is_goodbye && id_equal(&counts.said.peer, &solo.pair.public_key));
	assert_null(catalog_find(&solo.catalog, &solo.pair.public_key));
	announce_depart(solo.announce, solo.now, &solo.out);
	announce_changed(solo.announce, solo.now);
	solo.now += 10 * ANNOUNCE_INTERVAL;
	tick(&solo);
	link_up(&solo, 5, 3);   /* whoever is met only now hears that, and nothing else */
	counts = drain(&solo);
	assert_int_equal(counts.sends, 1);
	assert_true(counts.said.is_goodbye && id_equal(&counts.said.peer, &solo.pair.public_key));
	announce_set_wall(solo.announce, solo.now, WALL);
	assert_int_equal(hear(&solo, 1, fake_entry(50, WALL, WALL + 1)), OK);   /* others are still passed on */
	assert_int_equal(drain(&solo).sends, 2);
	solo_fini(&solo);
}

static void few_bad_entries_are_skipped_many_end_the_link(void **state)
{
	struct solo solo;
	enum error error = OK;
	unsigned heard = 0;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	while (error == OK) {
		struct entry *forged = fake_entry(50 + heard, WALL, WALL);

		forged->signed_bytes->data[forged->signed_bytes->end - 1] ^= 1;
		error = hear(&solo, 1, forged);
		heard++;
	}
	assert_int_equal(error, ERROR_MALFORMED);
	assert_int_equal(heard, ANNOUNCE_BAD_MAX + 1);
	assert_int_equal(solo.catalog.entries_refused, heard);
	assert_int_equal(solo.catalog.live, 1);
	solo_fini(&solo);
}

static void messages_are_exact(void **state)
{
	static const char *const bad[] = {
		"\x80", "\x82\x01", "\x82\x01\x01", "\x82\x02\x40", "\x83\x01\x40\x40", "\x82\x01\x40\x01"};
	struct solo solo;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct blob *message = blob_copy(bytes_of_text(bad[i]));

		assert_int_equal(announce_ops.receive(solo.announce, solo.now, 1, message, &solo.out), ERROR_MALFORMED);
		blob_drop(message);
	}
	solo_fini(&solo);
}

static void a_line_that_takes_nothing_is_not_filled(void **state)
{
	struct solo solo;
	size_t sent = 0;
	struct effect effect;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	link_up(&solo, 3, 2);
	for (unsigned i = 0; i < 30000; i++) {
		struct entry *entry = fake_entry(50, WALL, WALL + i / 8);
		struct entry *newer;

		entry->card.version.start += i;
		newer = entry_sign(&entry->card, &(struct keypair){.public_key = entry->card.peer}, &fake_crypto);
		entry_drop(entry);
		catalog_put(&solo.catalog, solo.now, newer);
		announce_spread(solo.announce, newer, &solo.out);
		entry_drop(newer);
		while (outbox_next(&solo.out, &effect)) {
			if (effect.link == 1)
				sent += blob_size(effect.payload);
			effect_drop(&effect);
		}
	}
	assert_in_range(sent, LINK_OUTSTANDING_MAX - FRAME_ANNOUNCE_MAX, LINK_OUTSTANDING_MAX);
	announce_ops.sent(solo.announce, 1, sent, &solo.out);
	announce_spread(solo.announce, announce_entry(solo.announce, solo.now), &solo.out);
	check(&solo);
	solo_fini(&solo);
}

static void old_news_is_kept_back(void **state)
{
	struct solo solo;
	struct entry *old = fake_entry(50, 1, WALL - ANNOUNCE_DRIFT_MAX - 1);
	struct entry *young = fake_entry(51, 1, WALL - ANNOUNCE_DRIFT_MAX);
	struct entry *goodbye = fake_goodbye(52, 1, 1);
	struct counts counts;
	struct id from = fake_pair(2).public_key;

	(void)state;
	solo_init(&solo, false);
	tick(&solo);
	link_up(&solo, 1, 1);
	link_up(&solo, 3, 2);
	drain(&solo);
	catalog_put(&solo.catalog, solo.now, old);
	catalog_put(&solo.catalog, solo.now, young);
	catalog_put(&solo.catalog, solo.now, goodbye);
	announce_spread(solo.announce, old, &solo.out);
	assert_int_equal(drain(&solo).sends, 0);
	announce_spread(solo.announce, young, &solo.out);
	assert_int_equal(drain(&solo).sends, 2);
	/* From anti-entropy: named, a moment later, to all but its source. */
	announce_spread_from(solo.announce, &from, young, &solo.out);
	assert_int_equal(drain(&solo).sends, 0);
	solo.now += BROADCAST_LAZY_DELAY;
	tick(&solo);
	counts = drain(&solo);
	assert_int_equal(counts.of_kind[ANNOUNCE_IHAVE], 1);
	assert_true(message_id_equal(&counts.last.have[0].id,
		&(struct message_id){.peer = young->card.peer, .version = young->card.version}));
	announce_spread(solo.announce, goodbye, &solo.out);
	assert_int_equal(drain(&solo).sends, 2);
	entry_drop(old);
	entry_drop(young);
	entry_drop(goodbye);
	solo_fini(&solo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_announcement_is_made_at_once),
		cmocka_unit_test(an_entry_that_is_asked_for_does_not_wait),
		cmocka_unit_test(versions_grow_when_the_clock_is_set_back),
		cmocka_unit_test(a_guest_leaves_no_trace),
		cmocka_unit_test(bootstrap_dials_back_off_and_never_end),
		cmocka_unit_test(a_short_link_is_no_success),
		cmocka_unit_test(a_full_table_refuses),
		cmocka_unit_test(dead_catalogs_are_not_dialled_in_a_storm),
		cmocka_unit_test(the_smaller_id_keeps_its_link),
		cmocka_unit_test(a_restarted_peer_is_a_neighbour_at_once),
		cmocka_unit_test(news_goes_to_all_but_its_source_once),
		cmocka_unit_test(a_skewed_clock_is_named_and_not_passed_on),
		cmocka_unit_test(a_goodbye_is_spread_and_ends_the_link),
		cmocka_unit_test(an_old_goodbye_of_a_stranger_is_dropped),
		cmocka_unit_test(our_goodbye_goes_to_all_neighbours_once),
		cmocka_unit_test(few_bad_entries_are_skipped_many_end_the_link),
		cmocka_unit_test(messages_are_exact),
		cmocka_unit_test(a_line_that_takes_nothing_is_not_filled),
		cmocka_unit_test(old_news_is_kept_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
