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

/* A process is stopped for that long, again and again: what the others made of it. */
static struct announce_counters stop_for(msec span)
{
	struct sim_options options = sim_defaults;
	struct announce_counters sum = {0};
	struct sim *sim;

	options.places = 6;
	options.latency_min = 1;
	options.latency_max = 20;
	sim = sim_new(&options);
	for (size_t i = 0; i < options.places; i++) {
		sim_start(sim, i, false);
		sim_bootstrap(sim, i, 0);
	}
	assert_true(sim_run_until_agreed(sim, 10000, 100));
	for (size_t i = 0; i < 60; i++) {
		sim_run_until(sim, sim->now + 1000 + 137 * (msec)(i % 20));
		sim_pause(sim, i % options.places, span);
		sim_run_until(sim, sim->now + span);
	}
	for (size_t i = 0; i < options.places; i++) {
		struct announce_counters one = node_count(sim->node[i].node).announce;

		sum.doubts += one.doubts;
		sum.suspicions += one.suspicions;
		sum.deaths += one.deaths;
	}
	sim_free(sim);
	return sum;
}

static void test_who_stops_for_a_moment_lives(void **state)
{
	struct announce_counters half_a_second = stop_for(500), longer = stop_for(1500);

	(void)state;
	assert_true(half_a_second.doubts > 0);
	assert_int_equal(half_a_second.suspicions, 0);
	assert_true(longer.suspicions > 0);   /* and then it speaks for itself */
	assert_int_equal(longer.deaths, 0);
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
		cmocka_unit_test(test_who_stops_for_a_moment_lives),
		cmocka_unit_test(test_seeds_differ),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_seeds_that_failed_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
