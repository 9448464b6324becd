/*
 * lock_state.h - mutexes with queues and fencing tokens, as a replicated state.
 *
 * A lock is held by the first of its queue. Its token is greater than any given out for that lock before; a resource that
 * remembers the greatest token it saw can refuse a holder who has been replaced without knowing it.
 *
 * There is no clock in a state. A holder renews; whoever waits and has seen no renewal for long enough by its own clock
 * proposes to expire the holder, naming the renewal it saw last: the holder goes only if it has not renewed since.
 */
#ifndef GROUPS_LOCK_STATE_H
#define GROUPS_LOCK_STATE_H

#include "groups/state.h"

#define LOCK_NAME_MAX 128
#define LOCK_QUEUE_MAX 1024          /* of one lock; and so many locks */

struct state lock_state_new(void);

enum lock_verb {
	LOCK_ACQUIRE,      /* at the end of the queue; if it is in the queue already: nothing changes */
	LOCK_TRY,          /* the same if nobody holds it; else nothing */
	LOCK_RENEW,
	LOCK_RELEASE,      /* out of the queue, holding it or not */
	LOCK_EXPIRE        /* the holder goes, if it is still at `renewals`: not a clean release */
};

struct lock_command {
	enum lock_verb verb;
	struct bytes name;
	struct id owner;           /* a random number of whoever wants the lock; EXPIRE: the holder */
	uint64_t token_min;        /* ACQUIRE, TRY: the token is not less; wall-clock milliseconds of the owner */
	uint64_t grace;            /* ACQUIRE, TRY: msec for which the owner's work may outlive its right to the lock */
	uint64_t renewals;         /* EXPIRE: seen; RELEASE: not 0 if we still waited for an unclean one before us to be dead */
};

/* The result of every command, and the answer to the query of a name: how the lock stands afterwards. */
struct lock_standing {
	bool held;                 /* by somebody: the next four say how */
	struct id holder;
	uint64_t token;
	uint64_t renewals;         /* of the holder */
	uint64_t wait;             /* msec: the one before was expired, and its work may live so long. 0: it went in good order */
	bool queued;               /* the owner of the command is in the queue, holding or waiting */
	uint64_t ahead;            /* how many are in front of it */
};

void lock_command_encode(const struct lock_command *command, struct buffer *out);
MUST_CHECK enum error lock_command_decode(struct bytes encoded, struct lock_command *out);
MUST_CHECK enum error lock_standing_decode(struct bytes encoded, struct lock_standing *out);
/* A query: how does it stand, for this owner? */
void lock_query_encode(struct bytes name, const struct id *owner, struct buffer *out);

#endif
