/*
 * runtime.h - a node in the real world: its event loop, links, clock, disk, signals and same-host rendezvous.
 *
 * The runtime owns the turn. Once before the loop would block it ticks the node, lets the program take its turn (pull
 * facts, move data, call node verbs), carries out the node's effects and flushes the packets:
 *
 *     packets, timers, descriptors -> node events -> node_tick -> program->turn -> effects -> links_flush
 *
 * Then it may go on looking for a little while before it sleeps: see spin.h.
 */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "base/log.h"
#include "node/node.h"

struct uv_loop_s;
struct runtime;
struct bearer;

struct program {
	/* Pull facts, move data. Called again at once after runtime_again(), else when something happened. */
	void (*turn)(void *self, msec now);
	/* When turn() is due although nothing happened; may be NULL. */
	msec (*deadline)(void *self);
	/*
	 * SIGINT, SIGTERM or SIGHUP, the first of them (a second one ends the process); SIGUSR1; SIGPIPE, of which see
	 * runtime_mind_reader. A SIGHUP that was ignored when we started, as nohup has it, stays so.
	 */
	void (*signal)(void *self, int signal_number);
};

struct runtime_options {
	struct id network;
	const struct keypair *identity;     /* borrowed */
	const char *bind;                   /* "[::]:0", "0.0.0.0:6677", NULL: a wildcard, port by the system */
	char *const *peer;            /* PEERID@HOST:PORT[,HOST:PORT...] or HOST:PORT; names are resolved, for ever */
	size_t peer_count;
	char *const *tag;
	size_t tag_count;
	struct bearer *bearer;              /* taken, also on failure; tickets to present; NULL: none */
	const char *advertise;              /* HOST:PORT put first into the entry; NULL */
	bool guest;                         /* asks only: see node_options */
	bool local;                         /* same-host rendezvous */
	bool no_names;
	msec purge_after;                   /* see node_options */
	size_t record_max;                  /* 0: RECORD_MAX */
	enum log_level log_level;
	const char *program_name;           /* starts log lines on stderr */
	const struct program *program;
	void *self;                         /* first argument of the program's functions */
};

/*
 * Everything is up when it returns: socket bound, entry signed, rendezvous file written, first dials under way.
 * ERROR_BAD_TEXT (bind, peer or advertise: *what says which), ERROR_SYSTEM (errno; *what says doing what).
 */
MUST_CHECK enum error runtime_open(const struct runtime_options *options, struct runtime **out, const char **what);

/* Runs until the end of runtime_leave(). */
void runtime_run(struct runtime *runtime);
/* Not inside a turn. Closes everything; asserts that libuv has nothing left. NULL is fine. */
void runtime_close(struct runtime *runtime);

struct node *runtime_node(struct runtime *runtime);
struct uv_loop_s *runtime_loop(struct runtime *runtime);   /* for stdio.h */
msec runtime_now(struct runtime *runtime);
msec runtime_wall(struct runtime *runtime);                /* since 1970 */

void runtime_again(struct runtime *runtime);    /* another turn soon, without blocking */

/*
 * Leaves in good order: goodbye to everybody, what was accepted is flushed for at most `within`, connections closed;
 * then runtime_run returns. The program's turn is not called any more.
 */
void runtime_leave(struct runtime *runtime, msec within);

/* From now on the program's signal() is told SIGPIPE when nobody reads stdout any more, also when there is nothing to write. */
void runtime_mind_reader(struct runtime *runtime);

/* Our own token: id and addresses, as others can dial it. */
struct dial runtime_token(const struct runtime *runtime);
/* UDP datagrams and their payloads, since the start. */
struct runtime_traffic {
	uint64_t bytes_received, bytes_sent, packets_received, packets_sent;
};
struct runtime_traffic runtime_traffic(const struct runtime *runtime);

/*
 * Guests: asks the members that are known (rendezvous and -p), a few at once, and later those whose names are being looked
 * up; the first answer counts. Returns how many are being asked or looked up: 0, there is nobody. May be called again
 * after NODE_LIST_FAILED.
 */
size_t runtime_ask(struct runtime *runtime);
/* Nobody could be asked the last time, and all names that are being looked up have failed once. */
bool runtime_is_asking_in_vain(const struct runtime *runtime);

/* After everything is closed: dies of the signal, so that the parent sees 128 + n. */
_Noreturn void runtime_die_of(int signal_number);

#endif
