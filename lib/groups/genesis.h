/*
 * genesis.h - how a group begins, once: members that have no history agree on one.
 *
 *      wait until who is there has settled; the smallest of those that are eligible proposes
 *
 *      proposer                          every participant
 *         |-- BIRTH lineage, voters -------->|   bound: it begins and joins nothing else, and writes that down
 *         |<------------------------ READY --|
 *         |   (all of them)                  |
 *         |   the history begins here, and is written down
 *         |-- SEALED ----------------------->|   it begins there
 *         or ABANDONED, after a refusal or a timeout: a new lineage next time
 *
 * Only when all participants are bound is a lineage sealed: with `expect` N, two lineages would need 2 N members. A bound
 * member that hears no more asks the proposer. If that one lives on as another incarnation, it asks all participants:
 * those that answer UNSEALED will refuse the seal from then on, and when nobody is left who could have it, the lineage is
 * dead and its participants are free.
 *
 * A participant is bound on its disk before it says READY, and after a restart it is bound again: else a crash would let it
 * take part in a second lineage, and fewer than 2 N members could have two. What it wrote is erased when it is free again, or
 * by the request that writes down the beginning. The proposer writes nothing: until its first entry is durable, nobody else
 * can have begun, and whoever asks it hears so.
 *
 * The proposer is one of the first voters, and nobody hears of the lineage before its first entry is durable there: else
 * a crash could leave members of a lineage whose first entry nobody has.
 */
#ifndef GROUPS_GENESIS_H
#define GROUPS_GENESIS_H

#include "base/list.h"
#include "base/rng.h"
#include "base/table.h"
#include "base/time.h"
#include "groups/group_wire.h"

#define GENESIS_PARTICIPANTS_MAX 255
#define GENESIS_REFUSED_MAX 16

struct candidate {
	struct member member;
	enum preference preference;
	bool durable;
	bool join_only;                  /* takes no part in a beginning */
	uint8_t expect;
};

struct genesis_options {
	struct id group;
	struct candidate self;
	uint8_t voters_cap;
	uint8_t copies_min;
	msec delay;                      /* who is there has settled after so long */
	uint64_t seed;
};

struct participant {
	struct member member;
	bool is_ready;
	bool is_unsealed;                /* said so, or is dead */
};

struct genesis {
	struct genesis_options options;
	struct rng rng;
	msec started_at;
	msec changed_at;
	msec not_before;                 /* after a failure */
	size_t missing;                  /* peers that should be there and are not bonded */
	struct id_table candidates;      /* bonded, without a lineage: struct candidate * */
	enum { GENESIS_WAITING, GENESIS_PROPOSING, GENESIS_BOUND, GENESIS_OVER } state;
	struct birth {
		struct id lineage;
		struct configuration first;
		struct participant participant[GENESIS_PARTICIPANTS_MAX];
		size_t count;
	} birth;                         /* PROPOSING, BOUND */
	struct id proposer;              /* BOUND */
	bool is_written;                 /* BOUND: on our disk, so READY may be said */
	bool promised;                   /* BOUND: to refuse the seal */
	bool seals;                      /* OVER: it began here, and the others are to hear of it */
	msec act_at;                     /* PROPOSING: give up; BOUND: ask */
	struct id refused[GENESIS_REFUSED_MAX];   /* lineages that never come to be, as far as we are concerned */
	size_t refused_next;
	struct list outputs;
};

void genesis_init(struct genesis *genesis, const struct genesis_options *options, msec now);
void genesis_fini(struct genesis *genesis);

/* A bonded peer, or news of it: its lineage is zero if it has none. */
void genesis_peer(struct genesis *genesis, msec now, const struct candidate *peer, const struct id *lineage);
void genesis_peer_gone(struct genesis *genesis, msec now, const struct id *peer);
void genesis_missing(struct genesis *genesis, msec now, size_t missing);
void genesis_receive(struct genesis *genesis, msec now, const struct id *peer, const struct group_message *message);
/* An operator's word that a participant will never speak again. */
void genesis_declare_dead(struct genesis *genesis, msec now, const struct id *peer);
void genesis_tick(struct genesis *genesis, msec now);
msec genesis_deadline(const struct genesis *genesis);

/* What stood in the last GENESIS_PROMISE is written down. */
void genesis_promised(struct genesis *genesis, msec now);
/* What a former process of this incarnation had written down last; right after genesis_init. */
MUST_CHECK enum error genesis_restore(struct genesis *genesis, msec now, struct bytes promise);
/* The lineage of such a promise; zero: it is none. */
struct id genesis_promise_lineage(struct bytes promise);
/* What began here is written down. */
void genesis_durable(struct genesis *genesis);
/* Whether another lineage may be joined now. */
bool genesis_is_free(const struct genesis *genesis, const struct id *lineage);
/* One was joined, or has begun. */
void genesis_over(struct genesis *genesis);

struct genesis_output {
	struct list node;
	enum { GENESIS_SEND, GENESIS_BEGIN, GENESIS_PROMISE } kind;
	struct id to;                    /* SEND */
	struct blob *payload;            /* the reader's. SEND; PROMISE: to be written down, NULL: to be erased */
	struct id lineage;               /* BEGIN */
	struct configuration first;      /* BEGIN; we may be no voter of it */
};
bool genesis_next(struct genesis *genesis, struct genesis_output *out);

#endif
