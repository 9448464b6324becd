/*
 * sim_spread.h - a change, and how soon it is everywhere: worlds of 40 to 80 nodes, 10-100 ms one way, 5 % loss.
 * Every fourth is one of 200 that joined in families: without mixing these stay a chain, seven or eight links long.
 *
 * Each change has to be known to all within two seconds, and redundancy (copies of it that were no news, a node) has to stay
 * below 1 on average over the changes of a seed.
 */
#ifndef TESTS_SIM_SIM_SPREAD_H
#define TESTS_SIM_SIM_SPREAD_H

#include "tests/sim/sim.h"

#define SPREAD_WITHIN 2000

struct spread {
	msec took;                 /* until everybody knew it, or SPREAD_GIVEN_UP */
	size_t missed;             /* who did not know it then */
	uint64_t announced;        /* copies that were received */
	uint64_t synced;           /* by anti-entropy */
	double redundancy;
};

#define SPREAD_GIVEN_UP 20000

/* A node at random changes its entry, in a world where all run. */
void spread_change(struct sim *sim, size_t number, struct spread *result);
/*
 * Every node starts within a second, told of one that started before it: any, or (family > 0) the first of its family, and
 * that one the first of the family before.
 */
void spread_grow(struct sim *sim, size_t family);

/* Figures on stdout, failures on stderr, stop: after the first one. How many failed. */
uint64_t spread_run_many(uint64_t first, uint64_t seeds, bool stop);

#endif
