/*
 * store_recover.h - what groups/recovery.h plans, done to a store that nobody uses. Blocking; nothing else of the directory is
 * touched, and nothing at all unless the outcome is DONE.
 */
#ifndef RUNTIME_STORE_RECOVER_H
#define RUNTIME_STORE_RECOVER_H

#include "groups/recovery.h"

struct store_recovery {
	const char *directory;           /* as in struct store_options, like the next two */
	struct id group;
	struct id peer;
	uint64_t seed;                   /* random */
	bool is_trial;                   /* only look */
};

enum store_recovered {
	STORE_RECOVERED,                 /* or, of a trial: it could be */
	STORE_RECOVER_ABSENT,            /* there is no store of this group */
	STORE_RECOVER_IN_USE,
	STORE_RECOVER_DAMAGED,
	STORE_RECOVER_FOREIGN,           /* another peer's */
	STORE_RECOVER_EMPTY,             /* these two as in groups/recovery.h */
	STORE_RECOVER_DISSOLVED,
	STORE_RECOVER_FAILED             /* errno says why */
};

/* *out: set when RECOVERED. */
MUST_CHECK enum store_recovered store_recover(const struct store_recovery *recovery, struct recovered *out);

#endif
