/*
 * runner.h - a command for every record, the record on its stdin, some of them at a time.
 */
#ifndef CONSUME_RUNNER_H
#define CONSUME_RUNNER_H

#include "cmd/common/command.h"

struct runner;

/* argv: borrowed. At most `parallel` commands run side by side; they start in the order of the records. */
struct runner *runner_new(struct runtime *runtime, char *const *argv, size_t parallel);
void runner_free(struct runner *runner);          /* nothing of it runs any more. NULL is fine */

/* Records whose commands are still to be started. */
struct runner_job {
	const char *stream;          /* borrowed; MOSAIK_STREAM for the command */
	struct id producer;          /* MOSAIK_PRODUCER */
	uint64_t sequence;           /* of the first; MOSAIK_SEQUENCE */
	struct bytes picked;         /* inside message; see record_origin */
	struct blob *message;        /* taken */
	struct bytes records;        /* inside message */
	uint64_t most;               /* so many of them at most */
};

bool runner_has_job(const struct runner *runner);
void runner_give(struct runner *runner, const struct runner_job *job);   /* runner_has_job is false */

/*
 * Looks who has ended and starts who can be. 0, or the exit status of a program whose command cannot be run; then the job is
 * dropped. *failed: how many ended with something else than 0.
 */
int runner_turn(struct runner *runner, size_t *failed);
bool runner_is_idle(const struct runner *runner);   /* no job, and nothing runs */
void runner_drop_job(struct runner *runner);        /* what runs goes on */
void runner_signal(struct runner *runner, int signal_number);

#endif
