/*
 * sim_swarms.c - many seeds, each twice, and how to see a failed one again.
 *
 * A broken invariant is an assertion and ends the process in the middle of a seed; so what to say of the seed is
 * prepared before it runs, and said by a handler of SIGABRT.
 */
#include "tests/sim/sim_swarm.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RARE_WITHIN 100        /* seeds */

static char replay[256];       /* for the handler */

static void on_abort(int number)
{
	ssize_t written = write(STDERR_FILENO, replay, strlen(replay));

	(void)number;
	(void)written;
}

void swarm_prepare(uint64_t seed)
{
	signal(SIGABRT, on_abort);
	snprintf(replay, sizeof(replay), "FAILED seed %" PRIu64 "; replay: make sim SEED=%" PRIu64 "\n", seed, seed);
}

static bool run_twice(uint64_t seed, struct swarm_result *result)
{
	struct swarm_result again;

	swarm_prepare(seed);
	swarm_run(seed, NULL, result);
	if (!result->failure) {
		swarm_run(seed, NULL, &again);
		if (again.hash != result->hash || again.count.events != result->count.events)
			result->failure = "two runs of one seed differ";
	}
	if (result->failure)
		fprintf(stderr, "%s (%s)\n%s", result->failure, result->why, replay);
	return !result->failure;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t swarm_run_many(uint64_t first, uint64_t seeds, bool stop)
{
	struct swarm_result result;
	struct sim_counters sum = {0};
	double began = seconds(), took;
	msec simulated = 0, slowest = 0, together = 0;
	uint64_t failed = 0, faults = 0, agreed = 0;

	for (uint64_t seed = first; seed < first + seeds && !(stop && failed > 0); seed++) {
		failed += !run_twice(seed, &result);
		sum.events += 2 * result.count.events;
		sum.records += result.count.records;
		sum.gaps += result.count.gaps;
		sum.missed += result.count.missed;
		sum.queued += result.count.queued;
		sum.filtered += result.count.filtered;
		sum.dropped += result.count.dropped;
		sum.too_slow += result.count.too_slow;
		sum.ends += result.count.ends;
		faults += result.faults;
		simulated += 2 * result.simulated;
		if (!result.of_the_dead && !result.failure) {
			together += result.agreed_after;
			slowest = result.agreed_after > slowest ? result.agreed_after : slowest;
			agreed++;
		}
	}
	/* What never happens is not tested, however many seeds pass. */
	if (seeds >= RARE_WITHIN && (sum.queued == 0 || sum.filtered == 0 || sum.too_slow == 0 || sum.dropped == 0)) {
		fprintf(stderr, "of what is rare in streams, something never happened\n");
		failed++;
	}
	took = seconds() - began;
	printf("# %" PRIu64 " seeds, each twice: %" PRIu64 " failed; %.1f s, %.1f seeds/s, %.0f events/s, %" PRId64
		" s simulated\n", seeds, failed, took, (double)seeds / took, (double)sum.events / took, simulated / 1000);
	printf("# %" PRIu64 " records picked by criteria, %" PRIu64 " missed and reported, %" PRIu64 " readers stood in line, %" PRIu64
		" put out as too slow, %" PRIu64 " records left out for slow ones\n", sum.filtered, sum.missed, sum.queued,
		sum.too_slow, sum.dropped);
	printf("# %" PRIu64 " faults, %" PRIu64 " records read, %" PRIu64 " gaps reported, %" PRIu64 " ends verified; agreed %"
		PRId64 " ms after the heal on average, %" PRId64 " ms at most\n", faults, sum.records, sum.gaps, sum.ends,
		agreed > 0 ? together / (msec)agreed : 0, slowest);
	return failed;
}
