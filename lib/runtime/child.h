/*
 * child.h - a command that a program runs for somebody: its own process group, its end noticed by the loop, no zombie.
 *
 * Wrapping a command means owning its signals and its death: the group gets what we are told (child_signal), and the
 * command gets SIGTERM from the kernel when we die without a chance to say anything.
 */
#ifndef RUNTIME_CHILD_H
#define RUNTIME_CHILD_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/error.h"

struct uv_loop_s;   /* libuv; from runtime_loop */
struct child;

struct child_options {
	char *const *argv;            /* argv[0] is looked up in PATH; NULL ends */
	const struct bytes *input;    /* its stdin; NULL: ours, and the terminal if we have it */
	int *pipes;                   /* [2], NULL: none. Filled in: a pipe to its stdin, one from its stdout; the caller's */
};

/*
 * A turn follows its end. ERROR_SYSTEM: nothing runs, errno says why (ENOENT: no such program; EACCES, ENOEXEC: it cannot
 * be run).
 */
MUST_CHECK enum error child_start(struct uv_loop_s *loop, const struct child_options *options, struct child **out);
bool child_has_ended(const struct child *child, int *status);   /* *status: 0 to 255, or 128 + the signal it died of */
void child_signal(struct child *child, int signal_number);      /* to its whole group; nothing once it has ended */
/* Ends it: SIGTERM to its group, SIGKILL when it is still there after `within` msec. Blocks for so long at the most. */
void child_stop(struct child *child, int within);
/* Once it has ended. The loop must run once more. NULL is fine. */
void child_free(struct child *child);

#endif
