/*
 * group_swarms.c - many seeds. A broken invariant inside a machine is an assertion and ends the process in the middle of a
 * seed; what to say of the seed is prepared before it runs, and said by a handler of SIGABRT.
 */
#include "tests/sim/group_swarm.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define ENOUGH 2000            /* seeds: everything rare must have happened */

static char replay[256];       /* for the handler */

static void on_abort(int number)
{
	(void)number;
	fputs(replay, stderr);   /* not buffered; and abort was called by nobody in the middle of stdio */
}

void group_swarm_prepare(uint64_t seed)
{
	signal(SIGABRT, on_abort);
	snprintf(replay, sizeof(replay), "FAILED seed %" PRIu64 "; replay: make sim-groups SEED=%" PRIu64 "\n", seed, seed);
}

static bool run_one(const struct group_runs *runs, uint64_t seed, struct group_result *result)
{
	const struct group_how how = {.state = runs->state};
	struct group_result again;

	group_swarm_prepare(seed);
	group_swarm_run(seed, runs->events, &how, result);
	if (!result->failed && runs->twice_every > 0 && seed % runs->twice_every == 0) {
		group_swarm_run(seed, runs->events, &how, &again);
		if (again.hash != result->hash || again.events != result->events) {
			result->failed = true;
			snprintf(result->why, sizeof(result->why), "two runs of one seed differ");
		}
	}
	if (result->failed)
		fprintf(stderr, "%s\n%s", result->why, replay);
	return !result->failed;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(struct group_result *sum, const struct group_result *one)
{
	sum->events += one->events;
	sum->simulated += one->simulated;
	sum->settled_after += one->settled_after;
	sum->faults += one->faults;
	sum->operations += one->operations;
	sum->acknowledged += one->acknowledged;
	sum->checked += one->checked;
	sum->undecided += one->undecided;
	for (int i = 0; i < SAW_EVENTS; i++)
		sum->saw[i] += one->saw[i];
}

static void tell(const struct group_result *sum, uint64_t seeds, uint64_t failed, double took)
{
	printf("# %" PRIu64 " seeds: %" PRIu64 " failed; %.1f s, %.1f seeds/s, %.0f events/s, %.0f events a seed, %" PRId64
		" s simulated\n", seeds, failed, took, (double)seeds / took, (double)sum->events / took,
		(double)sum->events / (double)seeds, sum->simulated / 1000000);
	printf("# %" PRIu64 " faults, %" PRIu64 " operations, %" PRIu64 " acknowledged; settled %" PRId64 " ms after the heal"
		" on average; %" PRIu64 " histories searched, %" PRIu64 " undecided\n", sum->faults, sum->operations,
		sum->acknowledged, sum->settled_after / 1000 / (int64_t)seeds, sum->checked, sum->undecided);
	printf("# saw");
	for (int i = 0; i < SAW_EVENTS; i++)
		printf(" %s:%" PRIu64, group_event_name[i], sum->saw[i]);
	printf("\n");
}

/* A simulator that never sees it does not test it. */
static bool never_seen(const struct group_result *sum, int event)
{
	if (sum->saw[event] == 0)
		fprintf(stderr, "never seen: %s\n", group_event_name[event]);
	return sum->saw[event] == 0;
}

uint64_t group_swarm_run_many(const struct group_runs *runs)
{
	struct group_result sum = {0}, result;
	uint64_t failed = 0, done = 0;
	double began = seconds();

	while (done < runs->seeds && !(failed > 0 && runs->until_failure)) {
		failed += !run_one(runs, runs->first + done, &result);
		done++;
		add(&sum, &result);
	}
	tell(&sum, done, failed, seconds() - began);
	if (done >= ENOUGH)
		for (int i = 0; i < SAW_EVENTS; i++)
			failed += never_seen(&sum, i);
	return failed;
}
