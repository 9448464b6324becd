/*
 * sim_split.h - ten minutes in two halves, both alive, and how soon they are one network again.
 *
 * A seed draws 2 to 30 nodes (or as many as are asked for), who knows whom at first, latencies up to 100 ms one way, loss up
 * to 5 %, and who is on which side. The catalogs of each half have long forgotten the other one when the cut heals.
 */
#ifndef TESTS_SIM_SIM_SPLIT_H
#define TESTS_SIM_SIM_SPLIT_H

#include "tests/sim/sim.h"

#define SPLIT_FOR 600000
#define SPLIT_HEALED_WITHIN 5000

struct split_result {
	const char *failure;       /* NULL: none */
	size_t nodes, smaller;     /* of them, the smaller side */
	msec one_after;            /* from the heal until everybody lists all */
	uint64_t bytes_s;          /* a node received in a second of the last minute of the split */
	uint64_t dials_failed;     /* in that minute, of all */
};

/* nodes: 0 draws. */
void split_run(uint64_t seed, size_t nodes, struct split_result *result);
/* Figures on stdout, failures on stderr, stop: after the first one. How many failed. */
uint64_t split_run_many(uint64_t first, uint64_t seeds, bool stop);

#endif
