/*
 * network_test.c - whole discoveries of several nodes: they find each other, floods end, the departed stay away,
 * the dead are purged, splits heal.
 */
#include "harness.h"

static void start_all(struct world *world, size_t count)
{
	world_init(world, count);
	for (size_t i = 0; i < count; i++)
		world_start(world, i);
	for (size_t i = 1; i < count; i++)
		world_bootstrap(world, i, 0);
}

static void ten_nodes_agree_over_one_bootstrap_peer(void **state)
{
	struct world world;

	(void)state;
	start_all(&world, 10);
	assert_in_range(world_converge(&world, 1000), 1, 200);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(world.member[i].catalog.live, 10);
	world_run(&world, 1000);
	for (size_t i = 0; i < 10; i++)
		assert_true(announce_neighbours(world.member[i].announce) >= ANNOUNCE_NEIGHBOURS);
	world_fini(&world);
}

/* A newcomer with one bootstrap peer lists everybody within three round trips and 100 ms. */
static void a_newcomer_lists_everybody_soon(void **state)
{
	struct world world;
	msec start;

	(void)state;
	start_all(&world, 8);
	world_converge(&world, 1000);
	world_run(&world, 20000);
	world.count = 9;
	world_start(&world, 8);
	world_bootstrap(&world, 8, 3);
	start = world.now;
	while (world.member[8].catalog.live < 9)
		world_step(&world, start + 3 * 2 * LATENCY + 100);
	assert_true(world.now - start < 3 * 2 * LATENCY + 100);
	world_converge(&world, 100);
	world_fini(&world);
}

/* Whichever comes first, bootstrap peers are dialled until they are there. */
static void a_late_bootstrap_peer_is_found(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 4);
	for (size_t i = 1; i < 4; i++) {
		world_start(&world, i);
		world_bootstrap(&world, i, 0);
	}
	world_run(&world, 60000);
	assert_int_equal(world.member[1].catalog.live, 1);
	assert_in_range(world.member[1].bootstraps_failed, 5, 30);   /* with back-off */
	world_start(&world, 0);
	world_converge(&world, ANNOUNCE_RETRY_MAX * 3 / 2 + 2000);
	world_fini(&world);
}

/* A bootstrap dial that reaches ourselves is not repeated for ever. */
static void our_own_address_is_no_bootstrap_peer(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1);
	world_start(&world, 0);
	world_bootstrap(&world, 0, 0);
	world_run(&world, 120000);
	assert_int_equal(world.member[0].links_opened, 1);
	assert_int_equal(announce_neighbours(world.member[0].announce), 0);
	assert_int_equal(world.member[0].ups, 0);
	world_fini(&world);
}

/* Both dial each other, and twice: one neighbour each, and no fact about the links that were too many. */
static void duplicate_links_become_one_neighbour(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2);
	world_start(&world, 0);
	world_start(&world, 1);
	world_bootstrap(&world, 0, 1);
	world_bootstrap(&world, 0, 1);
	world_bootstrap(&world, 1, 0);
	world_run(&world, 60000);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(announce_neighbours(world.member[i].announce), 1);
		assert_int_equal(world.member[i].ups - world.member[i].downs, 1);
		assert_in_range(world.member[i].ups, 1, 2);
	}
	assert_in_range(world.member[0].links_opened + world.member[1].links_opened, 4, 12);
	world_fini(&world);
}

static uint64_t announcements(const struct world *world)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < world->count; i++)
		sum += announce_count(world->member[i].announce).gossip_received;
	return sum;
}

/* One change costs at most one message each way on every neighbour link, and then there is silence. */
static void a_flood_reaches_all_and_ends(void **state)
{
	struct id tag = fake_id("tag");
	struct world world;
	uint64_t before;
	size_t degrees = 0;

	(void)state;
	start_all(&world, 10);
	world_run(&world, 72000);   /* views are not mixed any more, and nobody announces itself in the next second */
	before = announcements(&world);
	id_set_add(&announce_card(world.member[4].announce)->tags, &tag);
	announce_changed(world.member[4].announce, world.now);
	for (size_t i = 0; i < 10; i++)
		degrees += announce_neighbours(world.member[i].announce);
	world_run(&world, ANNOUNCE_COALESCE + 10 * LATENCY);
	for (size_t i = 0; i < 10; i++)
		assert_true(id_set_has(
			&catalog_find(&world.member[i].catalog, &world.member[4].pair.public_key)->entry->card.tags,
			&tag));
	assert_in_range(announcements(&world) - before, 9, degrees);
	before = announcements(&world);
	world_run(&world, 1000);
	assert_int_equal(announcements(&world), before);
	world_fini(&world);
}

static void changes_within_the_window_make_one_version(void **state)
{
	struct world world;
	struct member *member = &world.member[0];

	(void)state;
	start_all(&world, 2);
	world_run(&world, 1000);
	member->entries_signed = 0;
	for (unsigned i = 0; i < 10; i++) {
		struct keypair tag = fake_pair(500 + i);

		id_set_add(&announce_card(member->announce)->tags, &tag.public_key);
		announce_changed(member->announce, world.now);
		world_run(&world, 1);
	}
	world_run(&world, ANNOUNCE_COALESCE);
	assert_int_equal(member->entries_signed, 1);
	announce_changed(member->announce, world.now);   /* nothing did */
	world_run(&world, 1000);
	assert_int_equal(member->entries_signed, 1);
	world_fini(&world);
}

static void entries_are_announced_again_and_again(void **state)
{
	struct world world;

	(void)state;
	start_all(&world, 3);
	world_run(&world, 10 * ANNOUNCE_INTERVAL);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(world.member[i].entries_signed, 7, 20);
	world_run(&world, 3 * CATALOG_PURGE_AFTER);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world.member[i].catalog.live, 3);
	world_fini(&world);
}

static void the_departed_stay_away(void **state)
{
	struct world world;

	(void)state;
	start_all(&world, 6);
	world_run(&world, 5000);
	/* Member 5 is away while 4 leaves, and still has its entry when it comes back. */
	world_split(&world, 5);
	world_depart(&world, 4);
	world_run(&world, 3 * LATENCY);
	world_kill(&world, 4);
	for (size_t i = 0; i < 4; i++)
		assert_false(world_knows(&world, i, 4));
	assert_true(world_knows(&world, 5, 4));
	world_run(&world, 20000);
	world_split(&world, 6);
	for (msec t = 0; t < 60000; t += 100) {
		world_run(&world, 100);
		for (size_t i = 0; i < 4; i++)
			assert_false(world_knows(&world, i, 4));
	}
	assert_false(world_knows(&world, 5, 4));
	/* Started again it is new. */
	world_start(&world, 4);
	world_bootstrap(&world, 4, 0);
	world_converge(&world, 1000);
	world_fini(&world);
}

/* After its goodbye a node says nothing of itself any more, but goes on listening and passing on. */
static void nothing_follows_a_goodbye(void **state)
{
	struct world world;
	unsigned signed_before;

	(void)state;
	start_all(&world, 3);
	world_run(&world, 1000);
	world_depart(&world, 0);
	signed_before = world.member[0].entries_signed;
	announce_changed(world.member[0].announce, world.now);
	world_run(&world, 3 * ANNOUNCE_INTERVAL);
	assert_int_equal(world.member[0].entries_signed, signed_before);
	assert_false(world_knows(&world, 1, 0));
	assert_false(world_knows(&world, 0, 0));
	assert_true(world_knows(&world, 0, 1));
	world_fini(&world);
}

/* The dead end everywhere at about the same time, and nobody brings them back in circles. */
static void the_dead_are_purged_everywhere(void **state)
{
	struct world world;
	msec died;

	(void)state;
	start_all(&world, 6);
	world_run(&world, 30000);
	world_kill(&world, 5);
	died = world.now;
	/* Its neighbours miss it; everybody holds it for departed; its entry stays known, so that nobody brings it back. */
	world_run(&world, 4000);
	for (size_t i = 0; i < 5; i++) {
		assert_false(world_knows(&world, i, 5));
		assert_int_equal(world.member[i].catalog.peers.count, 6);
	}
	world_run(&world, CATALOG_PURGE_AFTER - ANNOUNCE_INTERVAL * 2);
	/* A node that starts late hears of it from others, and does not give it another life. */
	world_kill(&world, 4);
	world_start(&world, 4);
	world_bootstrap(&world, 4, 0);
	while (world.now < died + CATALOG_PURGE_AFTER + 1000)
		world_run(&world, 100);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(world.member[i].catalog.peers.count, 5);
	world_run(&world, CATALOG_PURGE_AFTER);
	for (size_t i = 0; i < 5; i++) {
		assert_false(world_knows(&world, i, 5));
		assert_int_equal(world.member[i].catalog.live, 5);
	}
	world_fini(&world);
}

/* Two halves without a common bootstrap peer, apart for longer than the catalog remembers. */
static void a_long_split_heals(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 12);
	for (size_t i = 0; i < 12; i++)
		world_start(&world, i);
	for (size_t i = 1; i < 12; i++)
		world_bootstrap(&world, i, i - 1);
	world_converge(&world, 5000);
	world_run(&world, 10000);
	/* Everybody is started anew in turn, so that no bootstrap peer is left to fall back on. */
	for (size_t i = 0; i < 12; i++) {
		struct dial dial = member_dial((i + 6) % 12);

		world_kill(&world, i);
		world_start(&world, i);
		announce_add_hint(world.member[i].announce, world.now, &dial, &world.member[i].out);
		member_settle(&world, i);
		world_run(&world, 10000);
	}
	assert_true(world_agrees(&world));
	world_split(&world, 6);
	world_run(&world, 3 * CATALOG_PURGE_AFTER);
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(world.member[i].catalog.live, 6);
	world_split(&world, 12);
	world_converge(&world, 2 * ANNOUNCE_RETRY_MAX);
	world_fini(&world);
}

/* A clock that is an hour off is named, not announced, and still known by everybody. */
static void skew_keeps_nobody_out(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 5);
	world.member[2].skew = 3600 * 1000;
	world.member[3].skew = -3600 * 1000;
	for (size_t i = 0; i < 5; i++)
		world_start(&world, i);
	for (size_t i = 1; i < 5; i++)
		world_bootstrap(&world, i, 0);
	world_converge(&world, 5000);
	world_run(&world, 2 * CATALOG_PURGE_AFTER);
	assert_true(world_agrees(&world));
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(world.member[i].catalog.live, 5);
	world_fini(&world);
}

/* The same key in two processes: neither loses its own entry, both know. */
static void a_duplicate_identity_replaces_nobody(void **state)
{
	struct world world;
	struct entry *rival;
	struct card card;
	enum catalog_result result = CATALOG_NEW;

	(void)state;
	start_all(&world, 3);
	world_run(&world, 1000);
	card = fake_card(2, WALL_START + 500, WALL_START + 5000);
	rival = entry_sign(&card, &world.member[2].pair, &fake_crypto);
	assert_int_equal(
		catalog_put_signed(&world.member[0].catalog, world.now, blob_bytes(rival->signed_bytes), &result, NULL),
		OK);
	assert_int_equal(result, CATALOG_UPDATED);
	world_run(&world, 5000);
	assert_int_equal(world.member[2].catalog.rival.start, WALL_START + 500);
	assert_int_equal(catalog_find(&world.member[2].catalog, &card.peer)->entry->card.version.start, WALL_START);
	entry_drop(rival);
	world_fini(&world);
}

/* Nothing is said twice when nothing changes: only periodic announcements and equal digests. */
static void idle_talk_is_small(void **state)
{
	struct world world;
	uint64_t bytes = 0;

	(void)state;
	start_all(&world, 10);
	world_run(&world, 10000);
	for (size_t i = 0; i < 10; i++)
		memset(world.member[i].bytes_sent, 0, sizeof(world.member[i].bytes_sent));
	world_run(&world, 100000);
	for (size_t i = 0; i < 10; i++)
		bytes += world.member[i].bytes_sent[PROTOCOL_ANNOUNCE] +
			 world.member[i].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_in_range(bytes / 10 / 100, 1, 1500);   /* bytes a node a second */
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ten_nodes_agree_over_one_bootstrap_peer),
		cmocka_unit_test(a_newcomer_lists_everybody_soon),
		cmocka_unit_test(a_late_bootstrap_peer_is_found),
		cmocka_unit_test(our_own_address_is_no_bootstrap_peer),
		cmocka_unit_test(duplicate_links_become_one_neighbour),
		cmocka_unit_test(a_flood_reaches_all_and_ends),
		cmocka_unit_test(changes_within_the_window_make_one_version),
		cmocka_unit_test(entries_are_announced_again_and_again),
		cmocka_unit_test(the_departed_stay_away),
		cmocka_unit_test(nothing_follows_a_goodbye),
		cmocka_unit_test(the_dead_are_purged_everywhere),
		cmocka_unit_test(a_long_split_heals),
		cmocka_unit_test(skew_keeps_nobody_out),
		cmocka_unit_test(a_duplicate_identity_replaces_nobody),
		cmocka_unit_test(idle_talk_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
