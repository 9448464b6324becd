/*
 * rng_test.c - the published sequence, and fair bounds.
 */
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* xoshiro256** behind splitmix64(0), computed independently of this library. */
static void sequence_is_the_published_one(void **state)
{
	static const uint64_t expected[] = {
		0x99EC5F36CB75F2B4, 0xBF6E1F784956452A, 0x1A5F849D4933E6E0, 0x6AA594F1262D2D2C,
	};
	struct rng rng;

	(void)state;
	rng_init(&rng, 0);
	for (size_t i = 0; i < 4; i++)
		assert_true(rng_next(&rng) == expected[i]);
}

static void seeds_differ_and_repeat(void **state)
{
	struct rng a, b, c;

	(void)state;
	rng_init(&a, 1);
	rng_init(&b, 1);
	rng_init(&c, 2);
	for (int i = 0; i < 100; i++) {
		uint64_t value = rng_next(&a);

		assert_true(value == rng_next(&b));
		assert_true(value != rng_next(&c));
	}
}

static void below_is_fair(void **state)
{
	unsigned count[7] = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 42);
	for (int i = 0; i < 70000; i++) {
		uint64_t value = rng_below(&rng, 7);

		assert_true(value < 7);
		count[value]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(count[i], 9600, 10400);   /* expected 10000, four standard deviations are 370 */
	assert_int_equal(rng_below(&rng, 1), 0);
}

/* With a bound of 3/4 of all numbers, plain modulo would hit the lowest third in half of the cases. */
static void below_is_fair_for_large_bounds(void **state)
{
	const uint64_t third = (uint64_t)1 << 62;
	unsigned lowest = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 43);
	for (int i = 0; i < 30000; i++)
		lowest += rng_below(&rng, 3 * third) < third;
	assert_in_range(lowest, 9600, 10400);
	for (int i = 0; i < 1000; i++)
		assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

static void jitter_stays_within_and_reaches_both_ends(void **state)
{
	struct rng rng;
	msec low = INT64_MAX, high = 0;

	(void)state;
	rng_init(&rng, 3);
	for (int i = 0; i < 2000; i++) {
		msec value = rng_jitter(&rng, 100, 10);

		low = msec_min(low, value);
		high = value > high ? value : high;
	}
	assert_int_equal(low, 90);
	assert_int_equal(high, 110);
	assert_int_equal(rng_jitter(&rng, 15000, 0), 15000);
	assert_int_equal(rng_jitter(&rng, 0, 50), 0);
	for (int i = 0; i < 1000; i++)
		assert_in_range(rng_jitter(&rng, 15000, 50), 7500, 22500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_is_the_published_one),
		cmocka_unit_test(seeds_differ_and_repeat),
		cmocka_unit_test(below_is_fair),
		cmocka_unit_test(below_is_fair_for_large_bounds),
		cmocka_unit_test(jitter_stays_within_and_reaches_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
