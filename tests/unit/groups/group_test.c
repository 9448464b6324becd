/*
 * Whole groups over a network in memory: who proposes where, what comes of it, and what every member has in the end.
 */
#include "groups_cluster.h"

static void one_member_answers_at_once(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init(&c, 1);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == 0, 5000);
	ticket = cluster_propose(&c, 0, "first");
	cluster_settle(&c);
	assert_true(cluster_is_ok(&c, 0, ticket));
	assert_int_equal(c.node[0].result[ticket].position, 1);
	assert_int_equal(cluster_times(&c, 0, "first"), 1);
	cluster_fini(&c);
}

static void everybody_proposes_and_everybody_has_it(void **unused)
{
	struct cluster c;
	uint64_t ticket[3];

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 10000);
	for (size_t n = 0; n < 3; n++)
		ticket[n] = cluster_propose(&c, n, "command");
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, cluster_is_ok(&c, n, ticket[n]), 1000);
	cluster_run(&c, 100);
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(cluster_times(&c, n, "command"), 3);
		assert_int_equal(c.node[n].facts[GROUP_APPLIED], 3);
		assert_int_equal(cluster_status(&c, n).position, 3);
	}
	cluster_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_member_answers_at_once),
		cmocka_unit_test(everybody_proposes_and_everybody_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
