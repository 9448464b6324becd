/*
 * guardian.h - a process between us and a command that may run only while a lease holds.
 *
 * We may be stopped, or hang, or be killed; the command must end all the same when nobody renews its lease. So a small
 * process of its own runs it, knows until when it may, and needs nothing from us to stop it: SIGTERM to its group when the
 * lease is over, SIGKILL when the grace is over, too. It sees our death as the end of the lease.
 */
#ifndef GROUP_GUARDIAN_H
#define GROUP_GUARDIAN_H

#include <stdbool.h>

#include "base/error.h"
#include "base/time.h"

struct uv_loop_s;
struct guardian;

struct guardian_options {
	char *const *argv;
	msec lease;                  /* from now on, until it is renewed */
	msec grace;
	const char *token;           /* MOSAIK_LOCK_TOKEN of the command */
};

/* ERROR_SYSTEM: nothing runs, errno says why. */
MUST_CHECK enum error guardian_start(struct uv_loop_s *loop, const struct guardian_options *options, struct guardian **out);
void guardian_renew(struct guardian *guardian, msec lease);          /* it holds for so long from now on */
void guardian_signal(struct guardian *guardian, int signal_number);  /* to the command's group */

struct guardian_end {
	int status;                  /* of the command: 0 to 255, 128 + signal, or 126, 127 if it could not be run */
	bool lease_was_over;         /* it was stopped for that */
	bool unknown;                /* the guardian itself died: nobody knows what the command did */
};
/* A turn follows its end. */
bool guardian_has_ended(struct guardian *guardian, struct guardian_end *out);
void guardian_free(struct guardian *guardian);   /* once it has ended; the loop must run once more. NULL is fine */

#endif
