/*
 * rng.h - seeded random numbers (xoshiro256**, Blackman and Vigna 2018). Not for secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

#include "base/time.h"

struct rng {
	uint64_t state[4];
};

void rng_init(struct rng *rng, uint64_t seed);            /* seed is stretched by splitmix64 */
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound);      /* uniform in [0, bound); bound > 0 */
msec rng_jitter(struct rng *rng, msec span, unsigned percent);   /* uniform in span +- percent % */

#endif
