/*
 * raft_test.c - a cluster as a whole: it elects, replicates, survives.
 */
#include "cluster.h"

static void one_voter_leads_at_once(void **state)
{
	struct cluster *c = cluster_new(1, 1);

	(void)state;
	cluster_run(c, 2);
	assert_int_equal(cluster_leader(c), 0);
	assert_int_equal(raft_term(c->node[0].raft), 2);   /* the first election is of term 2 */
	assert_int_equal(cluster_write(c, "a"), 3);
	cluster_free(c);
}

static void three_elect_and_replicate(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	uint64_t index;

	(void)state;
	cluster_elect(c, NOBODY);
	assert_true(c->now < 1000 + 600);
	index = cluster_write(c, "a");
	cluster_run(c, 5);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(raft_commit(c->node[i].raft), index);
	cluster_free(c);
}

static void a_crashed_leader_is_replaced_and_nothing_is_lost(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t first, second;
	uint64_t index;

	(void)state;
	index = cluster_write(c, "a");
	first = cluster_leader(c);
	cluster_crash(c, first, false);
	second = cluster_elect(c, first);
	assert_true(raft_commit(c->node[second].raft) >= index);
	index = cluster_write(c, "b");
	cluster_restart(c, first);
	cluster_run(c, 3000);
	assert_int_equal(raft_commit(c->node[first].raft), raft_commit(c->node[second].raft));
	assert_true(raft_commit(c->node[first].raft) >= index);
	cluster_free(c);
}

static void a_closed_connection_is_noticed_within_a_jitter(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t first = cluster_elect(c, NOBODY);
	msec then = c->now;

	(void)state;
	cluster_run(c, 100);
	cluster_crash(c, first, true);
	cluster_elect(c, first);
	assert_true(c->now - then < 1000);
	cluster_free(c);
}

static void an_idle_group_costs_heartbeats_only(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t before;

	(void)state;
	cluster_write(c, "a");
	cluster_run(c, 3000);
	before = c->sent;
	cluster_run(c, 10000);
	assert_in_range(c->sent - before, 1, 20 * 2 * 2 + 4);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_voter_leads_at_once),
		cmocka_unit_test(three_elect_and_replicate),
		cmocka_unit_test(a_crashed_leader_is_replaced_and_nothing_is_lost),
		cmocka_unit_test(a_closed_connection_is_noticed_within_a_jitter),
		cmocka_unit_test(an_idle_group_costs_heartbeats_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
