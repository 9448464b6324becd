/*
 * group_swarms.c - many seeds, side by side. Workers are processes that take one seed after another from a number that they
 * share, and add what came of it to a sum of their own, which the parent can read. A broken invariant inside a machine is an
 * assertion and ends its process in the middle of a seed: what to say of the seed is prepared before it runs, and said by a
 * handler of SIGABRT; the parent counts it and lets another worker go on with the seeds that are left. One worker alone is
 * this process itself, and ends with it.
 */
#include "tests/sim/group_swarm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"

#define ENOUGH 3000            /* seeds: everything rare must have happened */

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

/* ---- workers ---- */

struct shared {
	atomic_uint_fast64_t begun;          /* seeds handed out */
	atomic_uint_fast64_t failed;
	struct worker {
		struct group_result sum;
		uint64_t done;
	} worker[GROUP_WORKERS_MAX];
};

static void work(const struct group_runs *runs, struct shared *shared, struct worker *self)
{
	struct group_result result;

	while (!(runs->until_failure && atomic_load(&shared->failed) > 0)) {
		uint64_t number = atomic_fetch_add(&shared->begun, 1);

		if (number >= runs->seeds)
			return;
		if (!run_one(runs, runs->first + number, &result))
			atomic_fetch_add(&shared->failed, 1);
		add(&self->sum, &result);
		self->done++;
	}
}

static pid_t employ(const struct group_runs *runs, struct shared *shared, size_t number)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	ASSERT(pid >= 0);
	if (pid > 0)
		return pid;
	work(runs, shared, &shared->worker[number]);
	_exit(0);
}

/* Until every worker found nothing more to do. One that died counts its seed as failed, and gets a successor. */
static void employ_all(const struct group_runs *runs, struct shared *shared)
{
	pid_t pid[GROUP_WORKERS_MAX];
	int status;

	if (runs->workers == 1) {
		work(runs, shared, &shared->worker[0]);   /* in this process: whoever looks for leaks at its end sees them */
		return;
	}
	for (size_t i = 0; i < runs->workers; i++)
		pid[i] = employ(runs, shared, i);
	for (size_t i = 0; i < runs->workers; i++)
		while (waitpid(pid[i], &status, 0) == pid[i] && status != 0) {
			atomic_fetch_add(&shared->failed, 1);
			shared->worker[i].done++;
			pid[i] = employ(runs, shared, i);
		}
}

uint64_t group_swarm_run_many(const struct group_runs *runs)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct group_result sum = {0};
	uint64_t failed, done = 0;
	double began = seconds();

	ASSERT(shared != MAP_FAILED && runs->workers > 0 && runs->workers <= GROUP_WORKERS_MAX);
	employ_all(runs, shared);
	for (size_t i = 0; i < runs->workers; i++) {
		add(&sum, &shared->worker[i].sum);
		done += shared->worker[i].done;
	}
	failed = atomic_load(&shared->failed);
	munmap(shared, sizeof(*shared));
	tell(&sum, done, failed, seconds() - began);
	if (done >= ENOUGH)
		for (int i = 0; i < SAW_EVENTS; i++)
			failed += never_seen(&sum, i);
	return failed;
}
