/*
 * gossip_test.c - what announcing costs and how soon it gets everywhere: a hundred nodes on a slow, lossy network.
 *
 * 10 to 100 ms a hop and 5 % loss, which an ordered link shows as delay. GOSSIP_NODES (an environment variable) runs the
 * same measurement with more nodes, and prints it; `make check` runs a hundred.
 */
#define MEMBERS_MAX 1024
#include "harness.h"

#include <stdlib.h>

#define CRASHES 30

static struct world world;   /* too large for a stack */

static size_t nodes(void)
{
	const char *text = getenv("GOSSIP_NODES");
	size_t count = text != NULL ? (size_t)atol(text) : 100;

	return count < MEMBERS_MAX ? count : MEMBERS_MAX;
}

static void grow(size_t count, msec latency_min, msec latency_max, unsigned loss_percent)
{
	world_init(&world, count);
	world.is_unchecked = true;
	world.latency_min = latency_min;
	world.latency_max = latency_max;
	world.loss_percent = loss_percent;
	for (size_t i = 0; i < count; i++) {
		world_start(&world, i);
		if (i > 0)
			world_bootstrap(&world, i, i / 10);
		if (i % 10 == 9)
			world_run(&world, 100);
	}
	world_converge(&world, 60000);
	world_run(&world, 10000);
}

static struct announce_counters sum(void)
{
	struct announce_counters all = {0};

	for (size_t i = 0; i < world.count; i++) {
		struct announce_counters one = announce_count(world.member[i].announce);

		all.gossip_received += one.gossip_received;
		all.duplicates += one.duplicates;
		all.grafts += one.grafts;
		all.prunes += one.prunes;
		all.deaths += one.deaths;
		all.suspicions += one.suspicions;
		all.refutations += one.refutations;
	}
	return all;
}

static size_t lacking(const struct id *peer, const struct id *tag)
{
	size_t count = 0;

	for (size_t i = 0; i < world.count; i++) {
		const struct catalog_peer *known = catalog_find(&world.member[i].catalog, peer);

		count += world.member[i].is_alive && (known == NULL || !id_set_has(&known->entry->card.tags, tag));
	}
	return count;
}

/* Milliseconds until everybody has it. */
static msec change(size_t who)
{
	struct member *member = &world.member[who];
	struct keypair tag = fake_pair(5000 + (unsigned)who);
	msec start = world.now;

	id_set_add(&announce_card(member->announce)->tags, &tag.public_key);
	announce_changed(member->announce, world.now);
	while (lacking(&member->pair.public_key, &tag.public_key) > 0) {
		world_run(&world, 10);
		assert_true(world.now - start < 10000);
	}
	return world.now - start;
}

static void a_change_is_everywhere_soon_and_cheap(void **state)
{
	struct announce_counters before, after;
	uint64_t useful;
	msec worst = 0;

	(void)state;
	grow(nodes(), 10, 100, 5);
	for (size_t i = 0; i < 5; i++)
		change(i * 7);   /* the tree settles */
	before = sum();
	for (size_t i = 0; i < 10; i++) {
		msec took = change(world.count - 1 - i * 3);

		worst = took > worst ? took : worst;
		world_run(&world, 500);
	}
	after = sum();
	useful = after.gossip_received - before.gossip_received - (after.duplicates - before.duplicates);
	print_message("%zu nodes: worst %d ms, gossip %llu, duplicates %llu, grafts %llu, prunes %llu\n", world.count,
		(int)worst, (unsigned long long)(after.gossip_received - before.gossip_received),
		(unsigned long long)(after.duplicates - before.duplicates), (unsigned long long)(after.grafts - before.grafts),
		(unsigned long long)(after.prunes - before.prunes));
	assert_true(worst <= 2000);
	assert_true(after.duplicates - before.duplicates < useful);   /* redundancy below 1 */
	assert_true(after.deaths == 0);
	world_fini(&world);
}

static void idle_talk_of_a_hundred_is_small(void **state)
{
	uint64_t announce = 0;
	uint64_t sync = 0;
	size_t seconds = 120;
	size_t count;

	(void)state;
	grow(nodes(), 1, 5, 0);
	count = world.count;
	for (size_t i = 0; i < count; i++)
		memset(world.member[i].bytes_sent, 0, sizeof(world.member[i].bytes_sent));
	world_run(&world, (msec)seconds * 1000);
	for (size_t i = 0; i < count; i++) {
		announce += world.member[i].bytes_sent[PROTOCOL_ANNOUNCE];
		sync += world.member[i].bytes_sent[PROTOCOL_CATALOG_SYNC];
	}
	print_message("%zu nodes idle: announce %llu, sync %llu bytes a node a second\n", count,
		(unsigned long long)(announce / count / seconds), (unsigned long long)(sync / count / seconds));
	assert_in_range((announce + sync) / count / seconds, 1, 1000);
	assert_true(sum().deaths == 0);
	world_fini(&world);
}

/* Milliseconds until all who live have noticed. */
static msec kill_one(size_t dead)
{
	msec died = world.now;
	size_t ignorant;

	world_kill(&world, dead);
	do {
		world_run(&world, 10);
		ignorant = 0;
		for (size_t i = 0; i < world.count; i++)
			ignorant += world.member[i].is_alive && world_knows(&world, i, dead);
		assert_true(world.now - died < 5000);
	} while (ignorant > 0);
	return world.now - died;
}

static void a_crash_is_known_to_all(void **state)
{
	msec worst = 0, total = 0;

	(void)state;
	grow(100, 1, 5, 0);
	world.is_local = true;
	for (size_t i = 0; i < CRASHES; i++) {
		msec took = kill_one(2 + 3 * i);

		worst = took > worst ? took : worst;
		total += took;
		world_run(&world, 1100 + 137 * (msec)i);
	}
	print_message("%d crashes among 100: known to all after %d ms, %d at most\n", CRASHES, (int)(total / CRASHES), (int)worst);
	assert_true(worst <= 1900);
	/* One comes back under the same name. */
	world_start(&world, 2);
	world_bootstrap(&world, 2, 3);
	world_converge(&world, 2000);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_change_is_everywhere_soon_and_cheap),
		cmocka_unit_test(idle_talk_of_a_hundred_is_small),
		cmocka_unit_test(a_crash_is_known_to_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
