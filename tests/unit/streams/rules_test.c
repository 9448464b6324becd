/* Rules about peers, held against a catalog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "streams/peer_rule.h"
#include "tests/unit/discovery/fake.h"

static struct peer_condition tag(const char *text)
{
	return (struct peer_condition){.kind = PEER_HAS_TAG, .id = id_hash(bytes_of_text(text))};
}

/* A catalog of node 0 that knows peer 1, with two tags and a round trip of 5 ms. */
static struct id set_up(struct catalog *catalog)
{
	struct keypair self = fake_pair(0), pair = fake_pair(1);
	struct card card = fake_card(1, 1, 1);
	struct id network = fake_network(), gold = tag("gold").id, paid = tag("paid").id;
	struct entry *entry;

	catalog_init(catalog, &network, &self.public_key, &fake_crypto, NULL);
	id_set_add(&card.tags, &gold);
	id_set_add(&card.tags, &paid);
	entry = entry_sign(&card, &pair, &fake_crypto);
	assert_int_equal(catalog_put(catalog, 0, entry), CATALOG_NEW);
	catalog_set_rtt(catalog, &pair.public_key, 5000);
	entry_drop(entry);
	card_fini(&card);
	return pair.public_key;
}

static bool allows(const struct catalog *catalog, const struct id *peer, const struct peer_condition *condition, size_t count)
{
	return peer_rule_judge(&(struct peer_rule){condition, count}, 0, catalog, peer).allowed;
}

static void all_tags_have_to_be_there(void **state)
{
	struct catalog catalog;
	struct id peer = set_up(&catalog), stranger = fake_pair(2).public_key;
	struct peer_condition both[] = {tag("gold"), tag("paid")}, other[] = {tag("gold"), tag("lead")};

	(void)state;
	assert_true(allows(&catalog, &peer, both, 1) && allows(&catalog, &peer, both, 2));
	assert_false(allows(&catalog, &peer, other, 2));
	assert_false(allows(&catalog, &stranger, both, 1));
	assert_true(allows(&catalog, &stranger, NULL, 0));
	catalog_fini(&catalog);
}

static void one_of_the_named_is_enough_and_tags_count_too(void **state)
{
	struct catalog catalog;
	struct id peer = set_up(&catalog), stranger = fake_pair(2).public_key;
	struct peer_condition named[] = {{.kind = PEER_IS, .id = stranger}, {.kind = PEER_IS, .id = peer}, tag("lead")};

	(void)state;
	assert_false(allows(&catalog, &peer, named, 1));
	assert_true(allows(&catalog, &peer, named, 2) && allows(&catalog, &stranger, named, 2));
	assert_false(allows(&catalog, &peer, named, 3));
	catalog_fini(&catalog);
}

static void a_round_trip_counts_once_it_is_known(void **state)
{
	struct catalog catalog;
	struct id peer = set_up(&catalog), stranger = fake_pair(2).public_key;
	struct peer_condition near = {.kind = PEER_RTT_WITHIN, .rtt_us = 4999}, far = {.kind = PEER_RTT_WITHIN, .rtt_us = 5000};

	(void)state;
	assert_false(allows(&catalog, &peer, &near, 1));
	assert_true(allows(&catalog, &peer, &far, 1));
	assert_true(allows(&catalog, &stranger, &near, 1));
	catalog_fini(&catalog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_tags_have_to_be_there),
		cmocka_unit_test(one_of_the_named_is_enough_and_tags_count_too),
		cmocka_unit_test(a_round_trip_counts_once_it_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
