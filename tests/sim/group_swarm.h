/*
 * group_swarm.h - one seed: one small group full of faults, and what must be true of it nevertheless.
 *
 *     safety     faults of the kinds that this seed has switched on, clients all the time, the oracle after every step
 *     heal       cuts, pauses and faults of disks end; who is down and not dead for ever runs again
 *     liveness   within a bound one leader, every member carries out a new write, all hold the same, no joint configuration,
 *                as many voters as there should be; then the contents are held against what was acknowledged, and the
 *                history against linear_check (of one seed in ten)
 *
 * Faults destroy what a member promised (a crash without storage, a wiped or failing disk, a departure) only while a
 * majority of every configuration in anybody's log survives: groups that lost more than that are promised nothing.
 */
#ifndef TESTS_SIM_GROUP_SWARM_H
#define TESTS_SIM_GROUP_SWARM_H

#include "tests/sim/group_sim.h"

struct group_result {
	bool failed;
	char why[512];
	uint64_t hash, events;
	usec simulated, settled_after;
	uint64_t faults, operations, acknowledged, undecided, checked;
	const char *state;           /* what was replicated */
	uint64_t saw[SAW_EVENTS];
};

struct group_how {
	FILE *log;                   /* every line of every member and every fault; NULL: nowhere */
	bool messages;               /* and every message */
	const char *state;           /* what is replicated: "cells", or a collection, "map", ..; NULL: the seed draws it */
};
/* events: of the safety phase, about. */
void group_swarm_run(uint64_t seed, uint64_t events, const struct group_how *how, struct group_result *out);

/* group_draw.c: the world of a seed, without what goes wrong in it; and a chance of so many in a hundred. */
void group_draw(struct rng *shape, uint64_t seed, struct world_options *options);
bool group_chance(struct rng *shape, unsigned of_a_hundred);

#define GROUP_WORKERS_MAX 64

struct group_runs {
	uint64_t first, seeds;
	uint64_t events;
	uint64_t twice_every;        /* so many seeds, one runs twice; 0: none */
	const char *state;           /* as in group_how */
	size_t workers;              /* processes, 1 to GROUP_WORKERS_MAX */
	bool until_failure;          /* begin no more after the first; of several, the lowest is what one worker would find */
};
/* Failures on stderr, each with how to see it again; figures on stdout. How many failed. */
uint64_t group_swarm_run_many(const struct group_runs *runs);
/* Should an assertion end the process, it now says how to replay this seed. */
void group_swarm_prepare(uint64_t seed);

#endif
