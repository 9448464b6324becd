/*
 * broadcast.h - Plumtree: who gets news whole, who gets only its name, and what to do about names without news
 * (Leitao, Pereira, Rodrigues: Epidemic Broadcast Trees, SRDS 2007, section 3).
 *
 *     news ---> every EAGER branch, whole        (3.5: push gossip over the tree)
 *          \--> every LAZY branch, as an IHAVE   (3.5: lazy push; collected for 50 ms)
 *
 *     a second copy came:    PRUNE its sender; the branch is lazy on both sides             (3.5)
 *     an IHAVE without news: wait; then GRAFT from who named it, the branch is eager again  (3.6)
 *     a far shorter way:     GRAFT it, PRUNE the long one                                   (3.8)
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

#define BROADCAST_LAZY_DELAY 50      /* msec an IHAVE may wait for company */
#define BROADCAST_REFRESH_DELAY 1000 /* the same, of one who only announces itself again */
#define BROADCAST_MISSING_FIRST 500  /* msec from the first IHAVE to the first GRAFT: the tree is usually just slower */
#define BROADCAST_MISSING_NEXT 250   /* and to the next one, from somebody else */
#define BROADCAST_MISSING_MAX 512    /* names without news; further ones are left to anti-entropy */
#define BROADCAST_SOURCES_MAX 4      /* of one name */
#define BROADCAST_RECENT_MAX 512     /* ids of which we know who sent them: a copy of an older one prunes nobody */
#define BROADCAST_SHORTER_BY 5       /* hops that make another way worth it: 3.8, threshold; every source has its own best tree */

enum broadcast_kind { BROADCAST_GOSSIP, BROADCAST_IHAVE, BROADCAST_GRAFT, BROADCAST_PRUNE };

struct broadcast_action {
	enum broadcast_kind kind;
	struct id to;
	struct message_id id;
	unsigned round;                  /* GOSSIP */
	bool wanted;                     /* GRAFT: and send it */
	struct announce_have have[ANNOUNCE_HAVE_MAX];   /* IHAVE */
	size_t have_count;
};

struct broadcast_recent {
	struct message_id id;
	struct id from;                  /* zero: not by a branch */
};

struct broadcast {
	struct id_table branches;        /* neighbour -> struct branch */
	struct broadcast_recent recent[BROADCAST_RECENT_MAX];   /* ring */
	size_t recent_count;
	size_t recent_next;
	struct missing *missing;         /* missing[0 .. missing_count) */
	size_t missing_count;
	size_t missing_capacity;
	struct broadcast_action *action; /* action[action_first .. action_count) are waiting */
	size_t action_first;
	size_t action_count;
	size_t action_capacity;
};

/* Zero-initialised is empty and valid. */
void broadcast_fini(struct broadcast *broadcast);

/* 3.7: a new neighbour is eager; one that is gone is no source of anything. */
void broadcast_peer_up(struct broadcast *broadcast, const struct id *peer);
void broadcast_peer_down(struct broadcast *broadcast, const struct id *peer);

/* The catalog has just taken it; from NULL: by hello or ourselves. round: hops it has made. */
void broadcast_news(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from);
/*
 * The catalog has just taken it from anti-entropy with `from`. It is only named, to everybody: mostly the tree brings it
 * in the same moment, and copies along a good tree would be answered by PRUNEs that tear it.
 */
void broadcast_offer(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from);
/* Came by a branch and was no news. true: it had come by another branch before. */
bool broadcast_duplicate(struct broadcast *broadcast, const struct message_id *id, const struct id *from);
/* Named by a branch; the catalog says that it would be news. */
void broadcast_named(struct broadcast *broadcast, msec now, const struct announce_have *have, const struct id *from);
void broadcast_grafted(struct broadcast *broadcast, const struct id *by);
void broadcast_pruned(struct broadcast *broadcast, const struct id *by);

void broadcast_tick(struct broadcast *broadcast, msec now);
msec broadcast_deadline(const struct broadcast *broadcast);
bool broadcast_next_action(struct broadcast *broadcast, struct broadcast_action *action);
bool broadcast_is_eager(const struct broadcast *broadcast, const struct id *peer);
void broadcast_check(const struct broadcast *broadcast);

#endif
