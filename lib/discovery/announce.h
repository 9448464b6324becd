/*
 * announce.h - the machine behind /mosaik/announce: neighbours, the news that goes over them, and the doubts about them.
 *
 * NEIGHBOURS are HyParView's active view (announce_views.c, membership.h): a node dials until it has ANNOUNCE_NEIGHBOURS
 * and holds at most ANNOUNCE_NEIGHBOURS_MAX. What the paper says by messages is said by links where they can: an accepted
 * NEIGHBOR is a link that stays, a refused one ends with ERROR_NO_CAPACITY, a DISCONNECT is an end with ERROR_CANCELLED.
 * A refusal costs a handshake here, so the view has three places of slack, for those who ask without urgency.
 * Bootstrap peers are dialled until they answer, and again for ever while they are neither a neighbour nor listed.
 * Whoever is lost without a goodbye is remembered, and dialled now and then for ever: so two halves of a network find each
 * other after a split, however long it was (announce_strangers.c).
 *
 * NEWS (an entry or a goodbye that the catalog did not have) goes over Plumtree's tree (announce_gossip.c, broadcast.h).
 *
 * DOUBTS: a neighbour that is silent for about 1.3 s is pinged, by whichever side did not speak last; one that does not
 * answer, or whose line broke, is asked for directly and through up to three others; then everybody is told, it may refute, and
 * 1 s later it is departed (announce_doubts.c, suspicion.h). Suspicions are flooded over all links, not over the tree: they are
 * tiny and rare, and the tree is broken just when they are needed. A new neighbour is told of everybody we hold for dead: after a
 * split the living of the other half hear of it, refute, and are back everywhere.
 *
 * Our own entry is signed anew when the card changed (changes within 20 ms make one) and from time to time, so that
 * the catalogs of others do not purge it after 300 s: every 15 s +- 50 % in a small network, in a larger one in proportion
 * to its size, up to 135 s +- 11 %. Crashes are found by neighbours within seconds, so this is needed for nothing else, and it is
 * what costs: each version is one message to everybody and makes digests differ until it got there. A signed heartbeat
 * instead would save half of its bytes, and need a second kind of truth about liveness that anti-entropy does not
 * carry; the longer period saves five sixths and needs nothing.
 * An announcement whose clock is more than 10 s off ours is named in the log and not passed on; anti-entropy still
 * carries it, so that skew never empties a catalog.
 */
#ifndef DISCOVERY_ANNOUNCE_H
#define DISCOVERY_ANNOUNCE_H

#include "base/machine.h"
#include "base/rng.h"
#include "base/table.h"
#include "discovery/catalog.h"

#define ANNOUNCE_NEIGHBOURS 5          /* the active view we dial towards */
#define ANNOUNCE_NEIGHBOURS_MAX 8      /* with slack; full: ERROR_NO_CAPACITY, or the oldest makes room for the urgent */
#define ANNOUNCE_INTERVAL 15000        /* of up to ANNOUNCE_SMALL peers */
#define ANNOUNCE_INTERVAL_MAX 135000   /* with jitter, two within CATALOG_PURGE_AFTER: one may be lost */
#define ANNOUNCE_SMALL 12
#define ANNOUNCE_SHUFFLE_INTERVAL 60000
#define ANNOUNCE_QUIET 1300            /* msec of silence until the one who was spoken to pings; */
#define ANNOUNCE_QUIET_JITTER 2        /* +- per cent */
#define ANNOUNCE_QUIET_SPOKE 60        /* and so many later the one who spoke last: clear of the other's jitter */
#define ANNOUNCE_ANSWER 300            /* msec until silence becomes a doubt */
#define ANNOUNCE_JITTER_PERCENT 50
#define ANNOUNCE_JITTER_MAX 15000      /* msec */
#define ANNOUNCE_COALESCE 20
#define ANNOUNCE_DRIFT_MAX 10000       /* msec between a peer's wall clock and ours */
#define ANNOUNCE_RETRY_MIN 250         /* back-off: x 1.5 up to the cap, +- 50 % */
#define ANNOUNCE_RETRY_MAX 15000
#define ANNOUNCE_STEADY 5000           /* a link that was up for this long was a success: back-off starts over */
#define ANNOUNCE_BAD_MAX 16            /* bad entries on one link until it is closed; up to then they are skipped */

struct announce_options {
	struct catalog *catalog;           /* borrowed, shared with exchange */
	const struct keypair *identity;    /* borrowed */
	const struct crypto *crypto;
	const struct log *log;
	uint64_t seed;                     /* of its random numbers */
	bool guest;                        /* no card of our own, no neighbours: dials nobody */
};

struct announce;

struct announce *announce_new(const struct announce_options *options, msec now, msec wall);
void announce_free(struct announce *announce);
extern const struct machine_ops announce_ops;

/* The wall clock now; told by the driver once a turn. */
void announce_set_wall(struct announce *announce, msec now, msec wall);

/* Our card, to change; then announce_changed. network, peer and version are kept by the machine. */
struct card *announce_card(struct announce *announce);
void announce_changed(struct announce *announce, msec now);
/* Signs at once what waits for the coalescing window: a node that starts needs its entry before its first dial. */
struct entry *announce_entry(struct announce *announce, msec now);   /* newest own entry, borrowed; NULL for a guest */

/* Dialled for ever, with back-off, while no neighbour link to it is up. dial->peer zero: whoever answers. Copied. */
void announce_add_bootstrap(struct announce *announce, msec now, const struct dial *dial);

/* Dialled once, without a retry: a peer that is probably there, such as one on the same host. */
void announce_add_hint(struct announce *announce, msec now, const struct dial *dial, struct outbox *out);

/* News that the catalog took from a hello: goes to the neighbours, unless it is too old for them. */
void announce_spread(struct announce *announce, struct entry *news, struct outbox *out);
/*
 * News that it took from anti-entropy with `from`: is named to the others, who ask for it if the tree does not bring it.
 * false: it is too old to be announced; anti-entropy has to carry it on (exchange_hurry).
 */
bool announce_spread_from(struct announce *announce, const struct id *from, struct entry *news, struct outbox *out);

/* The catalog stopped listing it, without its goodbye. `entry` is the last one; copied. */
void announce_lost(struct announce *announce, msec now, const struct entry *entry);

/* It said something on a link of another machine: a sign of life. Nothing happens if it is no neighbour. */
void announce_heard(struct announce *announce, msec now, const struct id *peer, struct outbox *out);

/* Somebody else's version of our own entry stands in the catalogs of others: ours becomes newer than that. */
void announce_outdo(struct announce *announce, msec now, const struct version *rival);

/* Floods our signed goodbye; our entry is not announced any more. */
void announce_depart(struct announce *announce, msec now, struct outbox *out);

/* Facts, pulled by the owner. */
struct announce_fact {
	enum { ANNOUNCE_NEIGHBOUR_UP, ANNOUNCE_NEIGHBOUR_DOWN, ANNOUNCE_ENTRY_SIGNED } kind;
	struct id peer;                    /* of the neighbour */
	enum error reason;                 /* NEIGHBOUR_DOWN; a bootstrap dial that failed is one, with bootstrap set */
	bool bootstrap;                    /* such a dial: there was no neighbour, peer is whom we dialled or zero */
};
bool announce_next_fact(struct announce *announce, struct announce_fact *fact);

/* Since the start. */
struct announce_counters {
	uint64_t messages_sent, messages_received;
	uint64_t bytes_sent, bytes_received;
	uint64_t gossip_received;          /* entries and goodbyes, whole */
	uint64_t duplicates;               /* of them, known already */
	uint64_t wants, grafts, prunes;    /* sent */
	uint64_t shuffles;                 /* begun */
	uint64_t doubts;                   /* begun */
	uint64_t suspicions;               /* begun by us or heard of */
	uint64_t refutations;              /* ours */
	uint64_t deaths;                   /* that were not refuted */
};
struct announce_counters announce_count(const struct announce *announce);

size_t announce_neighbours(const struct announce *announce);

#endif
