/*
 * raft_chaos_test.c - seeded worlds of loss, repetition, cuts, crashes, slow disks and new lives; the oracle of cluster.h
 * sees every commit, and what was committed is there at the end.
 */
#include "cluster.h"

#define WRITES_MAX 2000

static void propose_somewhere(struct cluster *c, uint64_t *wanted, size_t *count)
{
	size_t leader = cluster_leader(c);
	uint64_t index;

	if (leader == NOBODY || *count == WRITES_MAX)
		return;
	if (cluster_propose(c, leader, "w", &index) == OK)
		wanted[(*count)++] = index;
}

static size_t pick(struct cluster *c)
{
	return (size_t)rng_below(&c->rng, c->count);
}

/* Memory is lost one voter at a time: the next one only when the last was replaced. */
static bool all_voters_live(const struct cluster *c)
{
	size_t leader = cluster_leader(c);
	const struct configuration *now;

	if (leader == NOBODY)
		return false;
	now = raft_config_effective(c->node[leader].raft);
	for (size_t i = 0; i < now->incoming.count; i++) {
		size_t n = cluster_number(&now->incoming.member[i].peer);

		if (!c->node[n].raft || !member_equal(&c->node[n].self, &now->incoming.member[i]))
			return false;
	}
	return !configuration_is_joint(now) && raft_config_index(c->node[leader].raft) <= raft_commit(c->node[leader].raft);
}

static void toggle_life(struct cluster *c, bool memory_only)
{
	size_t n = pick(c);
	size_t down = 0;

	for (size_t i = 0; i < c->count; i++)
		down += c->node[i].raft == NULL;
	if (!c->node[n].raft && memory_only)
		cluster_rebirth(c, n);
	else if (!c->node[n].raft)
		cluster_restart(c, n);
	else if (memory_only ? all_voters_live(c) : down < c->count - 1)
		cluster_crash(c, n, rng_below(&c->rng, 2) == 0);
}

static void trouble(struct cluster *c, bool memory_only)
{
	size_t a = pick(c), b = pick(c);

	switch (rng_below(&c->rng, 9)) {
	case 0:
		toggle_life(c, memory_only);
		break;
	case 1:
		cluster_isolate(c, a, rng_below(&c->rng, 2) == 0);
		break;
	case 2:
		c->cut[a][b] = rng_below(&c->rng, 2) == 0;
		break;
	case 3:
		c->node[a].disk_delay = (msec)rng_below(&c->rng, 4) * 200;
		break;
	case 4:
		for (size_t i = 0; i < c->count; i++)
			cluster_isolate(c, i, false);
		break;
	case 5:
		if (c->node[a].raft)
			raft_transfer(c->node[a].raft, c->now, NULL);
		break;
	case 6:
		c->delay = 1 + (msec)rng_below(&c->rng, 100);
		break;
	case 7:
		if (c->node[a].raft)
			cluster_compact(c, a, c->node[a].applied + 1 - rng_below(&c->rng, 20) % (c->node[a].applied + 1));
		break;
	default:
		c->loss = (unsigned)rng_below(&c->rng, 4) * 8;
		c->repeat = (unsigned)rng_below(&c->rng, 3) * 5;
	}
}

static void heal(struct cluster *c, bool memory_only)
{
	c->loss = c->repeat = 0;
	c->delay = 1;
	for (size_t i = 0; i < c->count; i++) {
		cluster_isolate(c, i, false);
		c->node[i].disk_delay = 0;
		if (!c->node[i].raft && memory_only)
			cluster_rebirth(c, i);
		else if (!c->node[i].raft)
			cluster_restart(c, i);
	}
}

static void all_agree(struct cluster *c)
{
	uint64_t index = cluster_write(c, "end");

	cluster_run(c, 5000);
	for (size_t i = 0; i < c->count; i++) {
		if (raft_commit(c->node[i].raft) < index)
			cluster_print(c);
		assert_false(c->node[i].diverged || c->node[i].regressed || c->node[i].halted);
		assert_true(raft_commit(c->node[i].raft) >= index);
	}
}

static void world(uint64_t seed, bool memory_only)
{
	uint64_t wanted[WRITES_MAX];
	size_t count = 0;
	size_t nodes = 3 + seed % 3;
	struct cluster *c = cluster_new(nodes, nodes - (nodes % 2 == 0));

	rng_init(&c->rng, seed);
	for (size_t round = 0; round < 150; round++) {
		msec end = c->now + 20 + (msec)rng_below(&c->rng, 300);

		trouble(c, memory_only);
		while (c->now < end) {
			if (rng_below(&c->rng, 10) == 0)
				propose_somewhere(c, wanted, &count);
			cluster_step(c);
		}
	}
	heal(c, memory_only);
	all_agree(c);
	cluster_free(c);
}

static void durable_members_lose_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		world(seed, false);
}

static void memory_members_come_back_as_others(void **state)
{
	(void)state;
	for (uint64_t seed = 101; seed <= 120; seed++)
		world(seed, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durable_members_lose_nothing),
		cmocka_unit_test(memory_members_come_back_as_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
