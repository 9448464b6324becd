/*
 * exchange.h - the machine behind /mosaik/catalog-sync: two catalogs are made equal, sending only what is missing.
 *
 *     A -> B  [1, cut, digest, count]         my catalog has this digest (catalog_digest), and so many entries
 *     B -> A  [2]                             so has mine: done
 *         or  [8, bits, sums]                 mine has not; of the entries whose ids begin with these bits the sums are these
 *     A -> B  [9, bits, bucket set]           in these buckets we differ; none: done
 *     B -> A  [3, [[id, start, update, goodbye?]...], more?]   what I know, in id order, in frames of bounded size
 *     A -> B  [4, [id...]]                    send me these
 *     A -> B  [5, [[signed bytes, age ms]...], more?]   and you lack these
 *     B -> A  [5, ...]                        the wanted ones; then the next [3], if there was more
 *     G -> B  [6]                             a guest asks for everything
 *     B -> G  [7, [[signed bytes, age ms, rtt us]...], more?]
 *     G -> B  [1], [4], [5, [], false]        later, on a link that was kept: only what changed; a guest gives nothing
 *
 * [8] is left out between small catalogs, and if A knows next to nothing; then [3] is about everything. Sums are 8 bytes each,
 * a bucket set one bit each, the lowest bit first.
 *
 * A [4] and the [5]s of both sides belong to one [3]; the [5]s with more? false may be empty. Ids ascend. Age is how
 * long ago the sender heard of this version: without it an entry whose owner is gone would live on by being told in
 * circles. A bad entry inside a frame is skipped and counted; it never spoils the others.
 *
 * Who opens a link asks on it. It stays open for later rounds with the same neighbour. When two nodes ask each other at
 * once, the smaller id's question is worked through first, and the other is answered by its result.
 */
#ifndef DISCOVERY_EXCHANGE_H
#define DISCOVERY_EXCHANGE_H

#include "base/machine.h"
#include "base/rng.h"
#include "base/table.h"
#include "discovery/catalog.h"

#define EXCHANGE_INTERVAL_MIN 1000     /* msec between rounds, drawn anew each time */
#define EXCHANGE_INTERVAL_MAX 2000
#define EXCHANGE_AGAIN 300             /* the same after a round that found differences: there may be more of them elsewhere */
#define EXCHANGE_AGAIN_JITTER 50       /* per cent */
#define EXCHANGE_FIRST 10              /* msec until the first round with a new neighbour, begun by the smaller id; */
#define EXCHANGE_SECOND 60             /* and by the larger, which then finds a connection: they need only one */
#define EXCHANGE_HURRY 50              /* msec until the rounds after a hurry; the rest of its news may be on the way */
#define EXCHANGE_STALL 5000            /* msec without progress until a round is given up and its link closed */
#define EXCHANGE_ACCEPTED_MAX 256      /* links that others may have open to us; */
#define EXCHANGE_ACCEPTED_PEER_MAX 4   /* of one peer */

struct exchange_options {
	struct catalog *catalog;           /* borrowed */
	const struct log *log;
	uint64_t seed;
	bool guest;
};

struct exchange;

struct exchange *exchange_new(const struct exchange_options *options, msec now);
void exchange_free(struct exchange *exchange);
extern const struct machine_ops exchange_ops;

/*
 * Neighbours come and go (facts of announce): one is drawn for a round every 1-2 s; a new one is due soon, but not at once:
 * whoever comes to say one thing and goes again would pay a handshake, as large as all else it does.
 */
void exchange_neighbour_up(struct exchange *exchange, msec now, const struct id *peer);
void exchange_neighbour_down(struct exchange *exchange, const struct id *peer, struct outbox *out);

/*
 * News came that only anti-entropy carries on: after a split, or about a skewed clock. A round with every neighbour is
 * due as soon as what comes with it has come; otherwise it would take a random walk's time to get everywhere.
 */
void exchange_hurry(struct exchange *exchange, msec now);

/* One round with a peer, now, on a link of its own. Guests ask for the whole list. dial as in outbox_connect. */
link_id exchange_with(struct exchange *exchange, msec now, const struct dial *dial, struct outbox *out);

/*
 * Guests that go on watching: the first link whose round ends from now on is kept, and exchange_again asks on it again.
 * Such a round makes our catalog what the peer's is: what it does not list is forgotten. false: no link was kept, or its
 * round is still under way.
 */
void exchange_keep(struct exchange *exchange);
bool exchange_again(struct exchange *exchange, msec now, struct outbox *out);

/*
 * Pulled by the owner after each call. EXCHANGE_ASKED: a peer began a round. EXCHANGE_DONE: one that we began, also with a
 * neighbour, is through.
 */
struct exchange_fact {
	enum { EXCHANGE_NEWS, EXCHANGE_ASKED, EXCHANGE_DONE, EXCHANGE_FAILED } kind;
	struct entry *news;                /* EXCHANGE_NEWS: an entry the catalog just took; the reader drops it */
	link_id link;
	struct id peer;
	enum error reason;                 /* EXCHANGE_FAILED: the link of exchange_with ended before its round did */
};
bool exchange_next_fact(struct exchange *exchange, struct exchange_fact *fact);

/* Since the start. */
struct exchange_counters {
	uint64_t messages_sent, messages_received;
	uint64_t bytes_sent, bytes_received;
	uint64_t rounds;                   /* begun by us */
	uint64_t syncs;                    /* of them, the digests differed */
};
struct exchange_counters exchange_count(const struct exchange *exchange);

#endif
