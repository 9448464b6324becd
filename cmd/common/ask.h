/*
 * ask.h - questions to a network that we do not join: a guest asks one member for its catalog, once or again and again.
 */
#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "cmd/common/session.h"

struct ask {
	/* From the asker. */
	struct common common;        /* a copy of the settings', so that one question may go elsewhere than the others */
	bool patient;                /* nobody there, or no answer: asked again until -W has passed */
	bool stays;                  /* the link is kept, and later questions bring only what changed */
	void (*answered)(struct ask *ask, msec now);   /* the catalog is filled: leaves, or calls ask_again */
	void (*failed)(struct ask *ask, msec now);     /* patient ones: told each time; may be NULL */
	void (*turn)(struct ask *ask, msec now);       /* once a turn; may be NULL */
	void (*stopped)(struct ask *ask, int status);  /* instead of leaving: -W has passed, or 128 + a signal; may be NULL */
	void (*fact)(struct ask *ask, msec now, const struct node_fact *fact);   /* every other fact; may be NULL */
	void (*closing)(void *self);                   /* of `self`: the loop has ended, nothing is closed yet; may be NULL */
	void *self;

	/* From the question. */
	struct session session;
	bool under_way;
	msec ask_at;                 /* when the next question is due */
	msec turn_at;                /* the asker's: a turn is due then, whatever happens; MSEC_NEVER at first */
	enum error failure;          /* the last one */
	bool nobody;                 /* there was nobody to ask */
	size_t answers;
	struct id member;            /* who answered last */
	bool is_compared;            /* the question under way is one for changes */
};

/* Runs until somebody leaves the session. The exit status; nothing is told. */
int ask_run(struct ask *ask);
/* The same, and when nobody answered says so and exits. */
int ask_run_or_fail(struct ask *ask);
/* Says why there was no answer; exits with this status. */
_Noreturn void ask_fail(const struct ask *ask, int status);

/* From `answered`: another question at that time. */
void ask_again(struct ask *ask, msec at);
const struct catalog *ask_catalog(const struct ask *ask);

/* A question for nobody but this peer: any form of -p, borrowed. */
void ask_only(struct ask *ask, char **token);

#endif
