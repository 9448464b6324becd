/*
 * announce.h - the machine behind /mosaik/announce: neighbours, and the flood of entries and goodbyes over them.
 *
 * A node keeps links to a few neighbours: bootstrap peers first, for ever and with back-off, then peers drawn from
 * the catalog until there are ANNOUNCE_NEIGHBOURS. Neighbours that were lost without a goodbye are dialled again, for
 * ever: so two halves of a network find each other after a split, however long it was. News (an entry or a goodbye
 * the catalog did not have) is passed to every neighbour but the one it came from; since the catalog takes each version
 * once, a flood ends by itself.
 *
 * Our own entry is signed anew when the card changed (changes within 20 ms make one) and every 15 s +- 50 %.
 * Messages: CBOR [1, signed bytes]. An announcement whose clock is more than 10 s off ours is named in the log and not
 * passed on; anti-entropy still carries it, so that skew never empties a catalog.
 */
#ifndef DISCOVERY_ANNOUNCE_H
#define DISCOVERY_ANNOUNCE_H

#include "base/machine.h"
#include "base/rng.h"
#include "discovery/catalog.h"

#define ANNOUNCE_NEIGHBOURS 5          /* links we dial towards; accepted ones come on top */
#define ANNOUNCE_NEIGHBOURS_MAX 64     /* further ones are refused with ERROR_NO_CAPACITY */
#define ANNOUNCE_INTERVAL 15000
#define ANNOUNCE_JITTER_PERCENT 50
#define ANNOUNCE_COALESCE 20
#define ANNOUNCE_DRIFT_MAX 10000       /* msec between a peer's wall clock and ours */
#define ANNOUNCE_RETRY_MIN 250         /* back-off: x 1.5 up to the cap, +- 50 % */
#define ANNOUNCE_RETRY_MAX 15000       /* of bootstrap peers */
#define ANNOUNCE_RETRY_LOST_MAX 60000  /* of all others */
#define ANNOUNCE_STEADY 5000           /* a link that was up for this long was a success: back-off starts over */
#define ANNOUNCE_LOST_MAX 16           /* lost neighbours that are dialled for ever, with the addresses they had */
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

/* News that came by another way (hello, exchange): goes to the neighbours, unless it is too old for them. */
void announce_spread(struct announce *announce, struct entry *news, struct outbox *out);
/* The same, but not to the neighbour it came from. */
void announce_spread_from(struct announce *announce, const struct id *from, struct entry *news, struct outbox *out);

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

size_t announce_neighbours(const struct announce *announce);
/* The n-th neighbour in id order; false: no more. */
bool announce_neighbour(const struct announce *announce, size_t n, struct id *peer);

#endif
