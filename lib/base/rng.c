/*
 * rng.c - xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018, figure 1) and
 * splitmix64 (Steele, Lea and Flood 2014) to stretch a seed over its state.
 *
 * Every choice of every machine comes from such a generator, so that a run repeats from its seed.
 */
#include "base/rng.h"

#include "base/check.h"

static uint64_t rotate_left(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9E3779B97F4A7C15;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
	z = (z ^ z >> 27) * 0x94D049BB133111EB;
	return z ^ z >> 31;
}

void rng_init(struct rng *rng, uint64_t seed)
{
	/* splitmix64 gives each number once in 2^64 steps, so the state cannot become all zero, where it would stay. */
	for (unsigned i = 0; i < 4; i++)
		rng->state[i] = splitmix64(&seed);
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	ASSERT((s[0] | s[1] | s[2] | s[3]) != 0);   /* rng_init was called */
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	uint64_t surplus, value;

	ASSERT(bound > 0);
	/* 2^64 mod bound: the numbers below it are drawn again, so that the rest is a whole multiple of bound. */
	surplus = -bound % bound;
	do {
		value = rng_next(rng);
	} while (value < surplus);
	return value % bound;
}

msec rng_jitter(struct rng *rng, msec span, unsigned percent)
{
	msec width;

	ASSERT(percent <= 100);
	ASSERT(span >= 0 && span <= INT64_MAX / 200);   /* the product and the sum below stay in range */
	width = span * percent / 100;
	return span - width + (msec)rng_below(rng, (uint64_t)(2 * width + 1));
}
