/* swarm_test.c - the first seeds of the swarm, and that the swarm can fail. Many more: make sim. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim_swarm.h"

static void test_seeds(void **state)
{
	(void)state;
	assert_int_equal(swarm_run_many(1, 200, false), 0);
}

/* Each showed a fault of the library once; what it was stands in the commit that mended it. */
static void test_seeds_that_failed_once(void **state)
{
	(void)state;
	assert_int_equal(swarm_run_many(5380, 1, false), 0);   /* gone without neighbours: its goodbye waits for the purge */
	assert_int_equal(swarm_run_many(5564, 1, false), 0);   /* a node that leaves met newcomers with its entry */
	assert_int_equal(swarm_run_many(5662, 1, false), 0);   /* a late "graceful" of an old life ended the reading of the new */
	assert_int_equal(swarm_run_many(1952, 1, false), 0);   /* likewise, when the old life had been held for dead */
}

static void test_seeds_differ(void **state)
{
	struct swarm_result one, other;

	(void)state;
	swarm_run(1, NULL, &one);
	swarm_run(2, NULL, &other);
	assert_true(one.hash != other.hash);
	assert_true(one.faults > 0 && one.count.checks > 0);
}

/* Two nodes that never hear of each other do not agree, and two that do, do. */
static void test_agreement_is_noticed(void **state)
{
	struct sim_options options = sim_defaults;
	struct sim *sim;
	size_t wrong;

	(void)state;
	options.places = 2;
	sim = sim_new(&options);
	sim_start(sim, 0, false);
	sim_start(sim, 1, false);
	assert_false(sim_run_until_agreed(sim, 60000, 1000));
	assert_int_equal(sim_missing(sim, &sim->node[0], &wrong), 1);
	sim_bootstrap(sim, 1, 0);
	assert_true(sim_run_until_agreed(sim, 61000, 100));
	sim_crash(sim, 1, true);
	assert_false(sim_agreed(sim));
	assert_int_equal(sim_missing(sim, &sim->node[0], &wrong), 0);
	assert_int_equal(wrong, 1);
	sim_free(sim);
}

static void test_tampered_signatures_fail(void **state)
{
	struct keypair pair = {.seed = {1}}, other = {.seed = {2}};
	struct signature signature;

	(void)state;
	sim_crypto.derive(&pair);
	sim_crypto.derive(&other);
	sim_crypto.sign(&pair, bytes_of_text("words"), &signature);
	assert_true(sim_crypto.verify(&pair.public_key, bytes_of_text("words"), &signature));
	assert_false(sim_crypto.verify(&pair.public_key, bytes_of_text("wordz"), &signature));
	assert_false(sim_crypto.verify(&other.public_key, bytes_of_text("words"), &signature));
	signature.byte[63] ^= 1;
	assert_false(sim_crypto.verify(&pair.public_key, bytes_of_text("words"), &signature));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tampered_signatures_fail),
		cmocka_unit_test(test_agreement_is_noticed),
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_seeds_that_failed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
