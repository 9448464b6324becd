/*
 * recovery.h - the last way out: a majority of the voters is lost for ever, and what one survivor has on its disk goes on as
 * another history (a lineage of its own), whose only voter is that survivor in a new life.
 *
 *      lineage L    ... entries | last            voters A B C, of whom B and C are gone
 *      lineage L'   ... entries | last | CONFIGURATION {A'}
 *
 * All entries and the snapshot stay as they are, and with them positions and sessions: what was acknowledged behind `last` is
 * lost, and what stands there without having been committed counts from now on. L is not told: should a majority of it come
 * back after all, these are two histories that meet (lineage.h). Whatever else was left of L has no say in L', since its
 * promises name L, and comes in as a learner.
 */
#ifndef GROUPS_RECOVERY_H
#define GROUPS_RECOVERY_H

#include "groups/persist.h"

struct recovered {
	uint64_t index, term;            /* of the last entry */
	uint64_t position;               /* users' commands up to there */
	size_t voters;                   /* that were in force there */
};

enum recovery {
	RECOVERY_POSSIBLE,
	RECOVERY_EMPTY,                  /* nothing of any history is there */
	RECOVERY_DISSOLVED               /* it gave way to another history, and members of that one have what counts */
};

/*
 * image: what the store of `peer` holds, which nobody uses. POSSIBLE: *request (the caller's) is to be written there, as one
 * transaction, before the next start. seed: random.
 */
MUST_CHECK enum recovery recovery_plan(const struct image *image, const struct id *peer, uint64_t seed, struct recovered *out,
	struct persist **request);

#endif
