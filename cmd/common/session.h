/*
 * session.h - what every program that joins a network does: identity, runtime, deadline, readiness, statistics, and the way out.
 */
#ifndef CMD_SESSION_H
#define CMD_SESSION_H

#include "cmd/common/exit.h"
#include "cmd/common/options.h"
#include "runtime/runtime.h"

#define LEAVE_WITHIN 1000        /* msec for goodbyes and flushes at the end */
#define INTERRUPT_WITHIN 2000    /* msec for what was accepted before a signal */

struct session {
	struct runtime *runtime;
	struct keypair identity;
	const struct common *common;
	msec started_at;
	msec deadline;               /* -W; MSEC_NEVER: none */
	msec stats_due;              /* --stats; MSEC_NEVER: none */
	int status;                  /* what session_close returns */
	int died_of;                 /* signal to die of after everything is closed; 0: none */
	bool leaving;
	void (*closing)(void *self);
	void *self;
};

struct session_options {
	const struct common *common;
	const struct program *program;
	void *self;                  /* of the program's functions */
	bool guest;
	const char *bind;            /* used when -b was not given; NULL: a wildcard and any port */
	const char *advertise;
	size_t record_max;
	msec purge_after;            /* 0: as the library has it */
	const struct keypair *identity;   /* instead of -i; copied; NULL */
	void (*closing)(void *self);      /* the loop has ended, nothing is closed yet; NULL */
};

/* Opens everything or ends the process with one line and an exit status. Owner of the session: the caller. */
void session_open(struct session *session, const struct session_options *options);
/* Runs until it leaves, closes everything and returns the exit status, or dies of session->died_of. */
int session_run(struct session *session);

/* Writes the newline of --ready-fd, once. */
void session_ready(struct session *session);
/* Ends the session in good order with this exit status, or death if it is 128 + SIGPIPE; the first call counts. */
void session_leave(struct session *session, int status);
/* Leaves, and then dies of the signal, so that the parent sees 128 + n. */
void session_leave_signal(struct session *session, int signal_number);

/*
 * What every program does with a fact that is not its own business: another process that runs with our key is named, with
 * both addresses. true: it is the older one, and the program has to leave with EXIT_REFUSED.
 */
bool session_hear(struct session *session, const struct node_fact *fact);

/* True when -W has passed. */
bool session_is_late(const struct session *session, msec now);
/* True when a statistics line is due; sets the next. */
bool session_stats_due(struct session *session, msec now);
/* Both deadlines. */
msec session_deadline(const struct session *session);

#endif
