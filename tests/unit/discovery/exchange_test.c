/*
 * exchange_test.c - two catalogs are made equal: only what is missing travels, whatever the size, and neither bad
 * entries nor silent or hostile peers spoil it.
 */
#include "discovery/exchange.h"

#include "discovery/exchange_wire.h"
#include "harness.h"
#include "wire/cbor.h"
#include "wire/limits.h"

/* Entries of peers without addresses, in the catalog of member `index`; [first .. last). */
static void add_entries(struct world *world, size_t index, unsigned first, unsigned last)
{
	for (unsigned i = first; i < last; i++) {
		struct entry *entry = fake_entry(i, WALL_START, WALL_START);

		assert_int_equal(catalog_put(&world->member[index].catalog, world->now, entry), CATALOG_NEW);
		entry_drop(entry);
	}
}

static void ask(struct world *world, size_t from, size_t to)
{
	struct member *member = &world->member[from];
	struct dial dial = member_dial(to);

	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	exchange_with(member->exchange, world->now, &dial, &member->out);
	member_settle(world, from);
}

static void assert_equal_catalogs(struct world *world, size_t a, size_t b)
{
	struct catalog_digest of_a = catalog_digest(&world->member[a].catalog, 0);
	struct catalog_digest of_b = catalog_digest(&world->member[b].catalog, 0);

	assert_true(catalog_digest_equal(&of_a, &of_b));
}

static void start_pair(struct world *world)
{
	world_init(world, 2);
	world_start(world, 0);
	world_start(world, 1);
}

static void one_round_makes_both_equal(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 110);
	add_entries(&world, 0, 120, 130);
	add_entries(&world, 1, 110, 125);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[0].catalog.live, 32);
	assert_int_equal(world.member[0].rounds_done, 1);
	assert_int_equal(world.member[0].rounds_failed, 0);
	world_fini(&world);
}

static void only_what_is_missing_travels(void **state)
{
	struct world world;
	uint64_t sent;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 400);
	add_entries(&world, 1, 100, 399);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_equal_catalogs(&world, 0, 1);
	sent = world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_in_range(sent, 200, 1200);   /* digest, buckets, one entry each way, our own */
	/* 64 sums, the lists of the buckets of three entries, one entry */
	assert_in_range(world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC], 64 * 8, 64 * 8 + 40 * 56 + 400);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_in_range(world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC] - sent, 20, 60);   /* equal: a digest */
	assert_int_equal(world.member[0].rounds_done, 2);
	world_fini(&world);
}

static void newer_versions_and_goodbyes_go_both_ways(void **state)
{
	struct entry *ours[2] = {fake_entry(100, 1, 5), fake_goodbye(101, 1, 1)};
	struct entry *theirs[2] = {fake_entry(100, 1, 4), fake_entry(101, 1, 1)};
	struct world world;
	struct version version;
	bool is_goodbye;

	(void)state;
	for (size_t asker = 0; asker < 2; asker++) {
		start_pair(&world);
		for (size_t i = 0; i < 2; i++) {
			catalog_put(&world.member[0].catalog, 0, ours[i]);
			catalog_put(&world.member[1].catalog, 0, theirs[i]);
		}
		ask(&world, asker, 1 - asker);
		world_run(&world, 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
		assert_true(catalog_version(&world.member[1].catalog, &ours[0]->card.peer, &version, &is_goodbye));
		assert_int_equal(version.update, 5);
		assert_false(world_knows(&world, 1, 101));
		world_fini(&world);
	}
	for (size_t i = 0; i < 2; i++) {
		entry_drop(ours[i]);
		entry_drop(theirs[i]);
	}
}

/* Who never heard of a peer does not fetch its goodbye, from neither side, and the catalogs count as equal. */
static void a_goodbye_of_a_stranger_stays_where_it_is(void **state)
{
	struct entry *goodbye = fake_goodbye(101, 1, 1);
	struct entry *other = fake_entry(102, 1, 1);
	struct world world;
	struct version version;
	bool is_goodbye;

	(void)state;
	for (size_t asker = 0; asker < 2; asker++) {
		start_pair(&world);
		catalog_put(&world.member[0].catalog, 0, goodbye);
		catalog_put(&world.member[0].catalog, 0, other);
		ask(&world, asker, 1 - asker);
		world_run(&world, 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
		assert_true(world_knows(&world, 1, 102));
		assert_false(catalog_version(&world.member[1].catalog, &goodbye->card.peer, &version, &is_goodbye));
		world_fini(&world);
	}
	entry_drop(goodbye);
	entry_drop(other);
}

/* More than a frame of heads and many frames of entries, both ways at once. */
static void large_catalogs_are_cut_into_frames(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 1000, 8000);
	add_entries(&world, 1, 6000, 9000);
	ask(&world, 1, 0);
	world_run(&world, 2000);
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[1].catalog.live, 8002);
	assert_true(world.member[0].messages_sent[PROTOCOL_CATALOG_SYNC] > 15);
	assert_true(world.member[0].largest_sent <= FRAME_CATALOG_MAX);
	world_fini(&world);
}

static void a_guest_lists_everybody_with_age_and_rtt(void **state)
{
	struct world world;
	struct keypair far = fake_pair(100);
	struct entry *goodbye = fake_goodbye(5000, 1, 1);
	const struct catalog_peer *peer;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	add_entries(&world, 1, 100, 3100);
	catalog_set_rtt(&world.member[1].catalog, &far.public_key, 777);
	catalog_put(&world.member[1].catalog, 0, goodbye);
	entry_drop(goodbye);
	world_run(&world, 40000);
	ask(&world, 0, 1);
	world_run(&world, 500);
	assert_int_equal(world.member[0].rounds_done, 1);
	assert_int_equal(world.member[0].catalog.live, 3001);   /* the member itself, not the guest */
	peer = catalog_find(&world.member[0].catalog, &far.public_key);
	assert_int_equal(peer->rtt_us, 777);
	assert_in_range(peer->heard_at, 0, 100);   /* 40 s ago, as the member heard it */
	assert_false(world_knows(&world, 1, 0));
	/* Nobody can ask a guest. */
	ask(&world, 1, 0);
	world_run(&world, 500);
	assert_int_equal(world.member[1].rounds_failed, 1);
	world_fini(&world);
}

static bool again(struct world *world, size_t guest)
{
	struct member *member = &world->member[guest];
	bool began;

	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	began = exchange_again(member->exchange, world->now, &member->out);
	member_settle(world, guest);
	world_run(world, 10 * LATENCY);
	return began;
}

/* Only the first answer is everything; then what changed travels, departures and what was forgotten included. */
static void a_guest_that_stays_hears_of_changes_only(void **state)
{
	struct keypair gone = fake_pair(105), forgotten = fake_pair(107);
	struct entry *goodbye = fake_goodbye(105, WALL_START, WALL_START);
	struct world world;
	uint64_t sent;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	add_entries(&world, 1, 100, 400);
	exchange_keep(world.member[0].exchange);
	assert_false(again(&world, 0));   /* nobody was asked yet */
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	assert_int_equal(world.member[0].catalog.live, 301);
	sent = world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_true(again(&world, 0));
	assert_int_equal(world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC] - sent, 2);   /* [2] */
	assert_int_equal(catalog_put(&world.member[1].catalog, world.now, goodbye), CATALOG_LEFT);
	entry_drop(goodbye);
	catalog_forget(&world.member[1].catalog, world.now, &forgotten.public_key);
	add_entries(&world, 1, 400, 403);
	assert_true(again(&world, 0));
	assert_int_equal(world.member[0].catalog.live, 302);
	assert_null(catalog_find(&world.member[0].catalog, &gone.public_key));
	assert_null(catalog_find(&world.member[0].catalog, &forgotten.public_key));
	assert_equal_catalogs(&world, 0, 1);
	assert_int_equal(world.member[0].rounds_done, 3);
	assert_int_equal(world.member[1].catalog.live, 302);   /* a guest gives nothing */
	world_fini(&world);
}

static void a_kept_link_that_ends_is_no_link(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2);
	world.member[0].is_guest = true;
	world_start(&world, 0);
	world_start(&world, 1);
	exchange_keep(world.member[0].exchange);
	ask(&world, 0, 1);
	world_run(&world, 10 * LATENCY);
	world_kill(&world, 1);
	assert_true(again(&world, 0));
	assert_false(again(&world, 0));   /* the answer is still due */
	world_run(&world, 2 * SILENCE);
	assert_int_equal(world.member[0].rounds_failed, 1);
	assert_false(again(&world, 0));
	world_fini(&world);
}

static void a_dial_that_fails_is_told(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 2);
	world_start(&world, 0);
	ask(&world, 0, 1);
	world_run(&world, 100);
	assert_int_equal(world.member[0].rounds_failed, 1);
	assert_int_equal(world.member[0].rounds_done, 0);
	world_fini(&world);
}

/* Both ask each other in the same instant: the entries go over the line once, and both are told of the end. */
static void rounds_that_cross_do_the_work_once(void **state)
{
	struct world world;
	uint64_t entries;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 1100);
	ask(&world, 0, 1);
	ask(&world, 1, 0);
	world_run(&world, 100);
	assert_equal_catalogs(&world, 0, 1);
	assert_true(world.member[0].rounds_done > 0);
	assert_true(world.member[1].rounds_done > 0);
	entries = world.member[0].bytes_sent[PROTOCOL_CATALOG_SYNC] + world.member[1].bytes_sent[PROTOCOL_CATALOG_SYNC];
	assert_in_range(entries, 1000 * 180, 1000 * 380);
	world_fini(&world);
}

static void a_round_that_stalls_is_given_up(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 1, 100, 110);
	ask(&world, 0, 1);
	world_run(&world, 2 * LATENCY + 1);   /* the question is on its way */
	for (size_t i = 0; i < world.wire_count; i++)
		world.wire[i].is_cut = true;      /* and nobody will ever say so */
	world_run(&world, EXCHANGE_STALL - 10);
	assert_int_equal(world.member[0].rounds_failed, 0);
	world_run(&world, 20);
	assert_int_equal(world.member[0].rounds_failed, 1);
	world_fini(&world);
}

static void neighbours_are_visited_again_and_again(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	world_bootstrap(&world, 0, 1);
	world_run(&world, 1000);
	for (unsigned i = 0; i < 5; i++) {
		add_entries(&world, i % 2, 100 + i, 101 + i);
		world_run(&world, EXCHANGE_INTERVAL_MAX + 10 * LATENCY);
		assert_equal_catalogs(&world, 0, 1);
	}
	world_fini(&world);
}

/* There may be more of them with other neighbours. */
static void differences_are_followed_by_another_round_soon(void **state)
{
	struct world world;
	uint64_t syncs[2], rounds;
	size_t asker = 2;

	(void)state;
	start_pair(&world);
	world_bootstrap(&world, 0, 1);
	world_run(&world, 5000);
	for (size_t i = 0; i < 2; i++)
		syncs[i] = exchange_count(world.member[i].exchange).syncs;
	add_entries(&world, 0, 100, 101);
	while (asker == 2) {
		assert_true(world.now < 5000 + EXCHANGE_INTERVAL_MAX + 10 * LATENCY);
		world_run(&world, 1);
		for (size_t i = 0; i < 2; i++)
			if (exchange_count(world.member[i].exchange).syncs > syncs[i])
				asker = i;
	}
	rounds = exchange_count(world.member[asker].exchange).rounds;
	world_run(&world, EXCHANGE_AGAIN * 3 / 2 + 10 * LATENCY);
	assert_true(exchange_count(world.member[asker].exchange).rounds > rounds);
	world_fini(&world);
}

/* An entry that its owner abandoned is told with its age, so it ends for the hearer when it ends for the teller. */
static void age_travels_with_an_entry(void **state)
{
	struct world world;
	struct keypair pair = fake_pair(100);
	msec early;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 101);
	world_run(&world, 200000);
	ask(&world, 1, 0);
	world_run(&world, 100);
	early = catalog_find(&world.member[1].catalog, &pair.public_key)->heard_at;
	assert_in_range(early, 0, 20);
	world_run(&world, 85000);
	assert_true(world_knows(&world, 1, 100));
	world_fini(&world);
}

static void the_fading_are_no_news(void **state)
{
	struct world world;

	(void)state;
	start_pair(&world);
	add_entries(&world, 0, 100, 101);
	world_run(&world, CATALOG_PURGE_AFTER - 20000);
	ask(&world, 1, 0);
	world_run(&world, 100);
	assert_true(world.member[1].rounds_done > 0);
	assert_true(world_knows(&world, 0, 100));
	assert_false(world_knows(&world, 1, 100));
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_round_makes_both_equal),
		cmocka_unit_test(only_what_is_missing_travels),
		cmocka_unit_test(newer_versions_and_goodbyes_go_both_ways),
		cmocka_unit_test(a_goodbye_of_a_stranger_stays_where_it_is),
		cmocka_unit_test(large_catalogs_are_cut_into_frames),
		cmocka_unit_test(a_guest_lists_everybody_with_age_and_rtt),
		cmocka_unit_test(a_guest_that_stays_hears_of_changes_only),
		cmocka_unit_test(a_kept_link_that_ends_is_no_link),
		cmocka_unit_test(a_dial_that_fails_is_told),
		cmocka_unit_test(rounds_that_cross_do_the_work_once),
		cmocka_unit_test(a_round_that_stalls_is_given_up),
		cmocka_unit_test(neighbours_are_visited_again_and_again),
		cmocka_unit_test(differences_are_followed_by_another_round_soon),
		cmocka_unit_test(age_travels_with_an_entry),
		cmocka_unit_test(the_fading_are_no_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
