/*
 * producer.h - the sending end of a stream: one sequence of batches to every subscriber.
 *
 * A subscriber is full when LINK_OUTSTANDING_MAX bytes are sent to it and not acknowledged. What follows is the policy:
 *
 *   block        the producer has no room, and its owner does not write without room: nothing is lost while both live
 *   disconnect   the subscriber has a queue of its own; when that is full it is closed with ERROR_TOO_SLOW
 *   drop         the same, but what finds no place in the queue is left out; the subscriber sees the gap
 *
 * So memory is bounded by the link's maximum, the queue and one batch a subscriber.
 */
#ifndef STREAMS_PRODUCER_H
#define STREAMS_PRODUCER_H

#include "base/machine.h"
#include "streams/peer_rule.h"

#define BATCH_HEADROOM 64              /* blobs given to producer_write start at least this far in */

struct streams;
struct producer;

enum slow_policy { SLOW_BLOCK, SLOW_DISCONNECT, SLOW_DROP };

struct producer_options {
	struct id stream;
	size_t subscribers_max;            /* 0: STREAM_SUBSCRIBERS_MAX; further ones wait in line for a place */
	size_t waiting_max;                /* length of that line; whoever finds it full gets ERROR_NO_CAPACITY */
	struct peer_rule accept;           /* others get ERROR_NOT_ALLOWED, at once or when they (or time) come to be others */
	enum slow_policy on_slow;
	uint64_t buffer;                   /* records in the queue of a full subscriber; not for SLOW_BLOCK */
	bool tell_undelivered;             /* PRODUCER_UNDELIVERED */
	/*
	 * A subscriber that acknowledges nothing for this long, with data waiting, is closed with ERROR_TOO_SLOW; seen
	 * at most a quarter late. MSEC_NEVER: waits as long as the link lives.
	 */
	msec max_stall;
	/*
	 * After the end, how long a subscriber that has got everything may take to acknowledge it; then it is closed
	 * with ERROR_TOO_SLOW too, and reported as unacknowledged.
	 */
	msec linger;
};

/* One producer a stream id in a node: ASSERTs that there is none yet. */
struct producer *producer_new(struct streams *streams, msec now, const struct producer_options *options);

/* Subscribers get 204 at once, whatever is under way. Facts about the producer that wait are dropped. NULL is fine. */
void producer_free(struct streams *streams, struct producer *producer, struct outbox *out);

struct id producer_stream(const struct producer *producer);
size_t producer_subscribers(const struct producer *producer);
size_t producer_waiting(const struct producer *producer);     /* in line */
/* Subscribers that the rule allows, as the catalog knows them now. */
size_t producer_subscribers_of(const struct producer *producer, msec now, const struct peer_rule *rule);

/* ASSERTed by producer_write. PRODUCER_ROOM tells when it becomes true again. */
bool producer_has_room(const struct producer *producer);

struct batch {
	struct blob *blob;                 /* visible: the records part (records.h), start >= BATCH_HEADROOM */
	uint64_t count;                    /* of its records */
};

/*
 * Sends a batch to every subscriber. The blob is taken, and nobody else holds it yet: the message is built in front of
 * the records in place, and every subscriber's link sends the same blob. Without a subscriber the batch is dropped and
 * the sequence goes on.
 */
void producer_write(struct streams *streams, msec now, struct producer *producer, struct batch batch,
	struct outbox *out);

/* No more records: END to every subscriber. New subscribers get STARTED and END at once. A second call does nothing. */
void producer_end(struct streams *streams, msec now, struct producer *producer, struct outbox *out);

/*
 * Somebody says something else of itself, or left: whom `accept` no longer allows is closed with ERROR_NOT_ALLOWED, in line
 * or subscribed. (Whoever is allowed only now comes by itself.) That a ticket expires is seen without this.
 */
void producer_judge(struct streams *streams, msec now, struct producer *producer, const struct id *peer,
	struct outbox *out);

struct subscription_stats {
	struct id peer;
	link_id link;
	uint64_t records;                  /* sent or queued */
	uint64_t bytes;                    /* of their records parts */
	uint64_t queued;                   /* records in its queue */
	uint64_t dropped;                  /* records left out because it was too slow */
	size_t outstanding;                /* bytes sent and not acknowledged by the transport */
	msec since;                        /* when it was subscribed */
	bool filtered;                     /* it asked for a part of the records */
	bool ended;                        /* END sent */
};

/* The n-th subscriber in link order; false: there are not so many. */
bool producer_subscription(const struct producer *producer, size_t n, struct subscription_stats *stats);

#endif
