/* one_network_test.c - the first seeds of splits and of changes. More: swarm --splits, swarm --changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim_split.h"
#include "tests/sim/sim_spread.h"

static void test_splits_heal(void **state)
{
	(void)state;
	assert_int_equal(split_run_many(1, 12, false), 0);
}

static void test_changes_spread(void **state)
{
	(void)state;
	assert_int_equal(spread_run_many(1, 5, false), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_splits_heal), cmocka_unit_test(test_changes_spread)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
