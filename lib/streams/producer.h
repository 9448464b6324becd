/*
 * producer.h - the sending end of a stream: one sequence of batches to every subscriber.
 *
 * Back-pressure (policy block): a producer has room while every subscriber has less than LINK_OUTSTANDING_MAX bytes
 * sent and unacknowledged; its owner does not write without room. So memory is bounded by that maximum and one batch
 * a subscriber, and nothing is lost while both sides live.
 */
#ifndef STREAMS_PRODUCER_H
#define STREAMS_PRODUCER_H

#include "base/machine.h"

#define BATCH_HEADROOM 64              /* blobs given to producer_write start at least this far in */

struct streams;
struct producer;

struct producer_options {
	struct id stream;
	size_t subscribers_max;            /* 0: STREAM_SUBSCRIBERS_MAX; further ones get ERROR_NO_CAPACITY */
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

struct subscription_stats {
	struct id peer;
	link_id link;
	uint64_t records;
	uint64_t bytes;                    /* of records parts */
	size_t outstanding;                /* bytes sent and not acknowledged by the transport */
	msec since;                        /* when it was subscribed */
	bool ended;                        /* END sent */
};

/* The n-th subscriber in link order; false: there are not so many. */
bool producer_subscription(const struct producer *producer, size_t n, struct subscription_stats *stats);

#endif
