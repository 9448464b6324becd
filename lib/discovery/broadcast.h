/*
 * broadcast.h - Plumtree: who gets news whole, who gets only its name, and what to do about names without news
 * (Leitao, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007).
 *
 *     news ---> every EAGER branch, whole        (push gossip over the tree; much news at once in bundles)
 *          \--> every LAZY branch, as an IHAVE   (lazy push; collected for 20 ms)
 *
 *     a second copy came:    PRUNE its sender; the branch is lazy on both sides             (tree construction)
 *     an IHAVE without news: wait; then WANT it from who named it, every fourth time GRAFT  (tree repair)
 *     a new neighbour:       its branch is eager                                            (a change of the overlay)
 *
 * Deviations. In the paper few send; here everybody does, over one shared tree, and many at once.
 *
 *     Two copies that go round a circle in different ways cut it in two places, and the part between them is off the tree.
 *     So a node cuts one branch at a time, and answers a PRUNE that comes too soon after another cut with a GRAFT. Its
 *     own cuts are rarer than that, or all would refuse all.
 *     A copy that comes over a lazy branch does not make it eager: it was on its way when the branch was cut.
 *     A name without news mostly means that the way over the tree is long for this source, not that it is broken. A GRAFT
 *     would make a circle that the copy to come cuts again, somewhere. So mostly it is only asked for, and the answer
 *     (round 0) neither makes a branch nor cuts one. A branch that is broken is grafted a few messages later.
 *     The exchange of branches for shorter ones (the optimization by hop counts) is left out: each source would have another tree.
 *
 * What this is worth, with whole nodes, stands in tests/sim/README.md.
 *
 * A pure sub-machine of announce. It holds ids, never payloads: the catalog is the message store, bounded by its peers,
 * and holds of each peer the only message that is still worth having, the newest. So nothing that can be grafted is
 * ever evicted, a graft is answered by the newest whatever it asked for, and large entries cost no second copy.
 */
#ifndef DISCOVERY_BROADCAST_H
#define DISCOVERY_BROADCAST_H

#include "base/table.h"
#include "base/time.h"
#include "discovery/announce_wire.h"

#define BROADCAST_LAZY_DELAY 20      /* msec an IHAVE may wait for company */
#define BROADCAST_REFRESH_DELAY 2000 /* the same, of one who only announces itself again; asked for within CATALOG_SETTLE */
#define BROADCAST_REFRESH_COMPANY 2  /* of so many in a row the names go to the same lazy branch, in one message */
#define BROADCAST_MISSING_FIRST 300  /* msec from the first IHAVE until it is asked for: the tree is usually just slower */
#define BROADCAST_MISSING_NEXT 200   /* and to the next one, from somebody else */
#define BROADCAST_CUT_INTERVAL 400   /* msec between two cuts of ours, +- 50 % */
#define BROADCAST_CALM 150           /* msec after a cut in which we refuse another: about a copy's way round a circle */
#define BROADCAST_GRAFT_EVERY 4      /* of so many who are asked, one is grafted */
#define BROADCAST_MISSING_MAX 256    /* names without news; further ones are left to anti-entropy */
#define BROADCAST_SOURCES_MAX 4      /* of one name */
#define BROADCAST_RECENT_MAX 256     /* places for ids of which we know who sent them: a copy of another prunes nobody */
#define BROADCAST_BUNDLE_DELAY 20    /* msec between two bundles of news on one branch: what comes meanwhile waits for the next */

enum broadcast_kind { BROADCAST_GOSSIP, BROADCAST_IHAVE, BROADCAST_WANT, BROADCAST_GRAFT, BROADCAST_PRUNE };

struct broadcast_action {
	enum broadcast_kind kind;
	struct id to;
	struct message_id id;            /* WANT, GRAFT */
	bool wanted;                     /* WANT, GRAFT: and send it */
	struct announce_have *have;      /* GOSSIP, IHAVE: what to send or to name, with its round; whoever pulls it frees it */
	size_t have_count;
};

struct broadcast_recent {
	struct message_id id;
	struct id from;                  /* zero: not by a branch */
	bool is_beside;                  /* the tree may still bring it */
};

struct broadcast {
	struct id_table branches;        /* neighbour -> struct branch */
	struct broadcast_recent recent[BROADCAST_RECENT_MAX];   /* by the first bits of the peer's id */
	uint64_t spread;                 /* news so far */
	msec cut_at;                     /* we cut no branch before, */
	msec calm_until;                 /* and nobody else one of ours */
	uint64_t asked;                  /* so far */
	struct id_table missing;         /* peer -> struct missing */
	msec missing_due;                /* not after the due of any of them; without meaning while there are none */
	struct broadcast_action *action; /* action[action_first .. action_count) are waiting */
	size_t action_first;
	size_t action_count;
	size_t action_capacity;
};

/* Zero-initialised is empty and valid. */
void broadcast_fini(struct broadcast *broadcast);

/* A new neighbour is eager; one that is gone is no source of anything. */
void broadcast_peer_up(struct broadcast *broadcast, const struct id *peer);
void broadcast_peer_down(struct broadcast *broadcast, const struct id *peer);

/* The catalog has just taken it; from NULL: by hello or ourselves. round: hops it has made; 0: not over the tree. */
void broadcast_news(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from);
/*
 * The catalog has just taken it from anti-entropy with `from`. It is only named, to everybody: mostly the tree brings it
 * in the same moment, and copies along a good tree would be answered by PRUNEs that tear it.
 */
void broadcast_offer(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from);
/* Came by a branch and was no news. true: it had come by another way before. */
bool broadcast_duplicate(struct broadcast *broadcast, msec now, const struct message_id *id, unsigned round, const struct id *from);
/* Named by a branch; the catalog says that it would be news. */
void broadcast_named(struct broadcast *broadcast, msec now, const struct announce_have *have, const struct id *from);
void broadcast_grafted(struct broadcast *broadcast, const struct id *by);
void broadcast_pruned(struct broadcast *broadcast, msec now, const struct id *by);

/* The news of a call is complete: what may leave becomes actions. */
void broadcast_flush(struct broadcast *broadcast, msec now);
void broadcast_tick(struct broadcast *broadcast, msec now);
msec broadcast_deadline(const struct broadcast *broadcast);
bool broadcast_next_action(struct broadcast *broadcast, struct broadcast_action *action);
bool broadcast_is_eager(const struct broadcast *broadcast, const struct id *peer);
void broadcast_check(const struct broadcast *broadcast);

#endif
