/*
 * sim_swarm.h - one seed, one small world full of faults, and what must be true of it nevertheless.
 *
 *     safety    20-40 s: faults of the kinds that this seed has switched on, with streams running through them.
 *               Every machine's invariants hold after every event; records come in order, once, gaps reported.
 *     heal      cuts end, pauses end, who is down starts again with its identity (but in worlds of the dead)
 *     liveness  within a bound everybody lists exactly those that run; every reader reads on from every producer that
 *               runs, and sees its end
 *
 * Every eighth seed is a world of the dead: some that crashed never come back, or come back as somebody else, and must be
 * gone from every list when the purge is due.
 */
#ifndef TESTS_SIM_SIM_SWARM_H
#define TESTS_SIM_SIM_SWARM_H

#include "tests/sim/sim.h"

struct swarm_result {
	const char *failure;       /* NULL: none */
	uint64_t hash;
	struct sim_counters count;
	msec simulated;
	msec agreed_after;         /* from the heal */
	unsigned faults;
	bool of_the_dead;          /* or a goodbye was lost in a cut: agreement waits for the purge */
	char why[256];             /* more about the failure */
};

/* log: NULL, or where every node's log lines and every fault go. */
void swarm_run(uint64_t seed, FILE *log, struct swarm_result *result);
/* Should an assertion end the process, it now says how to replay this seed. */
void swarm_prepare(uint64_t seed);
/* Each twice, and figures on stdout; failures on stderr, stop: after the first one. How many failed. */
uint64_t swarm_run_many(uint64_t first, uint64_t seeds, bool stop);

#endif
