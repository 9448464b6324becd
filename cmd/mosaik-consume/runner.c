/*
 * runner.c - see runner.h.
 *
 * One batch is in hand at a time, so what waits is bounded by what a producer puts into one; the rest stays uncredited.
 */
#include "cmd/mosaik-consume/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/options.h"

struct runner {
	struct runtime *runtime;
	char *const *argv;
	struct child **child;        /* [parallel]; NULL: free */
	size_t parallel;
	size_t running;
	struct runner_job job;       /* message NULL: none */
	uint64_t at;                 /* of the next record, before picks; job.sequence + at is its number */
};

struct runner *runner_new(struct runtime *runtime, char *const *argv, size_t parallel)
{
	struct runner *runner = memory_new(sizeof *runner);

	ASSERT(parallel > 0);
	runner->runtime = runtime;
	runner->argv = argv;
	runner->parallel = parallel;
	runner->child = memory_new(parallel * sizeof(struct child *));
	return runner;
}

void runner_free(struct runner *runner)
{
	if (!runner)
		return;
	ASSERT(runner->running == 0);
	runner_drop_job(runner);
	memory_free(runner->child);
	memory_free(runner);
}

bool runner_has_job(const struct runner *runner)
{
	return runner->job.message != NULL;
}

void runner_give(struct runner *runner, const struct runner_job *job)
{
	ASSERT(!runner_has_job(runner));
	runner->job = *job;
	runner->at = 0;
}

void runner_drop_job(struct runner *runner)
{
	blob_drop(runner->job.message);
	runner->job = (struct runner_job){.message = NULL};
}

bool runner_is_idle(const struct runner *runner)
{
	return runner->running == 0 && !runner_has_job(runner);
}

static void set_variables(const struct runner *runner)
{
	char peer[ID_TEXT_SIZE], sequence[24];

	id_format(&runner->job.producer, peer);
	snprintf(sequence, sizeof sequence, "%" PRIu64, runner->job.sequence + runner->at);
	setenv("MOSAIK_STREAM", runner->job.stream, 1);
	setenv("MOSAIK_PRODUCER", peer, 1);
	setenv("MOSAIK_SEQUENCE", sequence, 1);
}

static void reap(struct runner *runner, size_t *failed)
{
	for (size_t i = 0; i < runner->parallel; i++) {
		int status;

		if (!runner->child[i] || !child_has_ended(runner->child[i], &status))
			continue;
		child_free(runner->child[i]);
		runner->child[i] = NULL;
		runner->running--;
		if (status == 0)
			continue;
		++*failed;
		warn("'%s' ended with status %d", runner->argv[0], status);
	}
}

static struct child **free_place(struct runner *runner)
{
	for (size_t i = 0; i < runner->parallel; i++)
		if (!runner->child[i])
			return &runner->child[i];
	return NULL;
}

/* The next record of the job into `record`; false: that was all, and there is no job any more. */
static bool next_record(struct runner *runner, struct bytes *record)
{
	struct runner_job *job = &runner->job;

	if (job->most == 0 || !records_next(&job->records, record)) {
		runner_drop_job(runner);
		return false;
	}
	job->most--;
	while (runner->at / 8 < job->picked.size && !picking_bit(job->picked, runner->at))
		runner->at++;
	return true;
}

int runner_turn(struct runner *runner, size_t *failed)
{
	struct child **place;
	struct bytes record;
	int status = 0;

	*failed = 0;
	reap(runner, failed);
	while (runner_has_job(runner) && (place = free_place(runner)) != NULL && next_record(runner, &record)) {
		set_variables(runner);
		*place = command_start(runner->runtime, runner->argv, &record, &status);
		if (!*place) {
			runner_drop_job(runner);
			return status;
		}
		runner->at++;
		runner->running++;
	}
	/* A job whose last record was started is done with, even if all places are taken. */
	if (runner_has_job(runner) && (runner->job.most == 0 || runner->job.records.size == 0))
		runner_drop_job(runner);
	return 0;
}

void runner_signal(struct runner *runner, int signal_number)
{
	for (size_t i = 0; i < runner->parallel; i++)
		if (runner->child[i])
			child_signal(runner->child[i], signal_number);
}
