/*
 * lineage.h - two histories of one group that meet: which of them stays, and how the other ends.
 *
 * A history's strength is (users' commands committed, its id): the first only grows, the second is constant. Its leader
 * tells it, confirmed like a linearizable read, to members of other histories (STATEMENT). The leader of the weaker one
 *
 *      commits FREEZE: no command is carried out from there on
 *      hears the stronger one once more, and commits DISSOLVE with what it heard; or THAW, if it is silent or weaker now
 *
 * DISSOLVE counts only if, where it stands in the log, this history is still the weaker one. So if L gives way to W, then
 * strength(L, at its end) < strength(W, some time) <= strength(W, at its end), and not both can give way. A history
 * without commands is dissolved without being frozen: nothing is lost with it.
 */
#ifndef GROUPS_LINEAGE_H
#define GROUPS_LINEAGE_H

#include "base/time.h"
#include "groups/replica.h"

#define LINEAGE_STATEMENT_TTL 5000         /* msec */
#define LINEAGE_DISSOLVED_MAX 16

struct dissolved {
	struct id lineage;
	struct surrender to;
};

struct lineage {
	bool fence;                      /* stay frozen until `adopt` */
	bool adopt;
	struct surrender heard;          /* the strongest other history; lineage zero: none */
	msec heard_at;
	msec frozen_at;                  /* seen frozen since; MSEC_NEVER */
	struct dissolved dissolved[LINEAGE_DISSOLVED_MAX];   /* that we know of, so that its members learn of it */
	size_t dissolved_next;
};

void lineage_init(struct lineage *lineage, bool fence);
/* true: the first time that we hear of it. */
bool lineage_heard(struct lineage *lineage, msec now, const struct surrender *other);

enum lineage_step { LINEAGE_STAY, LINEAGE_FREEZE, LINEAGE_THAW, LINEAGE_DISSOLVE };
/* What a leader should commit next. DISSOLVE and FREEZE: *to is their payload. */
enum lineage_step lineage_next(struct lineage *lineage, msec now, const struct replica *replica, struct surrender *to);
msec lineage_deadline(const struct lineage *lineage);

void lineage_note_dissolved(struct lineage *lineage, const struct id *which, const struct surrender *to);
const struct surrender *lineage_dissolved(const struct lineage *lineage, const struct id *which);   /* NULL: not known */

#endif
