/*
 * raft_log_test.c - the log in memory against a plain list, and the arithmetic of majorities.
 */
#include "lone.h"

static void put(struct raft_log *log, uint64_t term)
{
	raft_log_append(log, &(struct entry_head){.term = term, .kind = ENTRY_COMMANDS, .commands = 2},
		blob_copy(bytes_of_text("xy")));
}

static void entries_are_where_they_belong(void **state)
{
	struct raft_log log = {0};
	uint64_t term[2000] = {0};
	uint64_t last = 0;
	uint64_t first = 1;
	struct rng rng;

	(void)state;
	rng_init(&rng, 3);
	for (size_t step = 0; step < 20000; step++) {
		uint64_t what = rng_below(&rng, 20);

		if (what < 12 && last < 1999) {
			term[last + 1] = term[last] + (rng_below(&rng, 10) == 0) + (last == 0);
			last++;
			put(&log, term[last]);
		} else if (what == 12 && last >= first) {
			last -= rng_below(&rng, last - first + 1);
			raft_log_truncate(&log, last + 1);
		} else if (what == 13) {
			first += rng_below(&rng, last - first + 2) / 8;
			raft_log_compact(&log, first);
		}
		assert_int_equal(raft_log_last(&log), last);
		assert_int_equal(log.base.index, first - 1);
		for (uint64_t i = first - 1; i <= last; i += 1 + (last - first + 1) / 7) {
			assert_int_equal(raft_log_term(&log, i), term[i]);
			assert_true(i == 0 || raft_log_head(&log, i)->position == 2 * (i - 1));
		}
	}
	assert_null(raft_log_entry(&log, first - 1));
	assert_null(raft_log_entry(&log, last + 1));
	raft_log_fini(&log);
}

static void the_last_one_not_after_a_term(void **state)
{
	struct raft_log log = {0};
	static const uint64_t term[] = {1, 1, 3, 3, 3, 6};

	(void)state;
	for (size_t i = 0; i < 6; i++)
		put(&log, term[i]);
	assert_int_equal(raft_log_not_after(&log, 6, 9), 6);
	assert_int_equal(raft_log_not_after(&log, 6, 5), 5);
	assert_int_equal(raft_log_not_after(&log, 4, 5), 4);
	assert_int_equal(raft_log_not_after(&log, 6, 2), 2);
	assert_int_equal(raft_log_not_after(&log, 6, 0), 0);
	raft_log_compact(&log, 4);
	assert_int_equal(raft_log_not_after(&log, 6, 2), 3);   /* nothing before it is known */
	raft_log_fini(&log);
}

static void equal_histories_have_equal_chains(void **state)
{
	struct raft_log a = {0}, b = {0};

	(void)state;
	put(&a, 1);
	put(&a, 2);
	put(&b, 1);
	put(&b, 2);
	assert_memory_equal(&raft_log_head(&a, 2)->chain, &raft_log_head(&b, 2)->chain, sizeof(struct chain));
	raft_log_truncate(&b, 1);
	put(&b, 2);
	put(&b, 2);   /* the same entry behind another */
	assert_memory_not_equal(&raft_log_head(&a, 2)->chain, &raft_log_head(&b, 2)->chain, sizeof(struct chain));
	raft_log_fini(&a);
	raft_log_fini(&b);
}

static uint64_t by_incarnation(const struct raft *raft, const struct member *member)
{
	(void)raft;
	return member->incarnation;
}

static void quorums_are_majorities_of_both(void **state)
{
	struct configuration configuration = {.incoming = lone_voters(0, 5).incoming};   /* 1 2 3 4 5 */

	(void)state;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 3);
	configuration.incoming = lone_voters(0, 4).incoming;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 2);
	configuration.incoming = lone_voters(3, 1).incoming;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 4);
	configuration.outgoing = lone_voters(0, 3).incoming;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 2);
	configuration.outgoing = lone_voters(6, 3).incoming;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 4);
	configuration.incoming.count = 0;
	assert_int_equal(raft_config_quorum(NULL, &configuration, by_incarnation), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_where_they_belong),
		cmocka_unit_test(the_last_one_not_after_a_term),
		cmocka_unit_test(equal_histories_have_equal_chains),
		cmocka_unit_test(quorums_are_majorities_of_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
