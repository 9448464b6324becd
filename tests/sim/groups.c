/*
 * groups.c - the swarm of groups.
 *
 *     groups [--first SEED] [--seeds N] [--events N] [--state KIND] [--workers N] [--until-failure]
 *     groups --seed SEED [--state KIND] [--verbose] [--messages]                        one seed, with its log
 *
 * Exit 1 if a seed failed. KIND: cells, map, vec, set, cell, once, pqueue; without it, each seed draws one.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/group_swarm.h"

#define MEMORY_KEPT (1 << 28)

/* One for each processor. */
static size_t workers(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < 1 ? 1 : count > GROUP_WORKERS_MAX ? GROUP_WORKERS_MAX : (size_t)count;
}

static int run_one(uint64_t seed, uint64_t events, const struct group_how *how)
{
	struct group_result result;

	setvbuf(stdout, NULL, _IOLBF, 0);   /* an assertion may end it in the middle */
	group_swarm_prepare(seed);
	group_swarm_run(seed, events, how, &result);
	printf("seed %" PRIu64 " (%s): %s, hash %016" PRIx64 ", %" PRIu64 " events, %" PRId64 " s simulated, settled after %" PRId64
		" ms, %" PRIu64 " faults, %" PRIu64 " operations, %" PRIu64 " acknowledged\n", seed, result.state,
		result.failed ? result.why : "ok", result.hash, result.events, result.simulated / 1000000,
		result.settled_after / 1000, result.faults, result.operations, result.acknowledged);
	return result.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct group_runs runs = {.first = 1, .seeds = 200, .events = 20000, .twice_every = 200, .workers = workers()};
	struct group_how how = {0};
	bool one = false;

	/* One world after another: what the last one gave back is what the next one needs. */
	mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(argv[i], "--verbose") == 0 || strcmp(argv[i], "--messages") == 0) {
			how.log = stdout;
			how.messages |= strcmp(argv[i], "--messages") == 0;
			continue;
		}
		if (strcmp(argv[i], "--until-failure") == 0) {
			runs.until_failure = true;
			continue;
		}
		if (strcmp(argv[i], "--seed") == 0 || strcmp(argv[i], "--first") == 0)
			runs.first = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--seeds") == 0)
			runs.seeds = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--events") == 0)
			runs.events = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--workers") == 0)
			runs.workers = strtoull(value, NULL, 10);
		else if (strcmp(argv[i], "--state") == 0 && workload_knows(value))
			runs.state = how.state = value;
		else
			return fprintf(stderr, "usage: groups [--first SEED] [--seeds N] [--events N] [--state KIND] [--workers N]"
				" [--until-failure]\n       groups --seed SEED [--state KIND] [--verbose] [--messages]\n"), 2;
		one |= strcmp(argv[i], "--seed") == 0;
		i++;
	}
	if (runs.workers == 0 || runs.workers > GROUP_WORKERS_MAX)
		return fprintf(stderr, "groups: --workers is 1 to %d\n", GROUP_WORKERS_MAX), 2;
	if (one)
		return run_one(runs.first, runs.events, &how);
	return group_swarm_run_many(&runs) > 0 ? 1 : 0;
}
