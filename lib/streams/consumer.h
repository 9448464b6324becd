/*
 * consumer.h - the receiving end of a stream: a subscription at every producer that the catalog lists.
 *
 * One source a producer peer: connecting, running, waiting to try again, or ended. The owner says who produces
 * (found, gone); the consumer subscribes, and again after every loss with exponential back-off and jitter. A refusal
 * (NotAllowed, NoCapacity, and whatever shows that the two will not understand each other) starts at 5 s at once.
 *
 * Flow control is the owner's: a batch is credited to the producer when the owner says that it is done with it, so
 * what is held here is bounded by the link's window whatever stalls.
 */
#ifndef STREAMS_CONSUMER_H
#define STREAMS_CONSUMER_H

#include "base/machine.h"
#include "streams/peer_rule.h"

#define CONSUMER_RETRY_MIN 250         /* msec; x 1.5 up to the maximum, each +- 20 % */
#define CONSUMER_RETRY_REFUSED 5000    /* the first after a refusal */
#define CONSUMER_RETRY_MAX 60000

struct streams;
struct consumer;

struct consumer_options {
	struct id stream;
	struct peer_rule producers;        /* looked at by node/wiring: only these are found */
	struct bytes criteria;             /* borrowed as long as the consumer lives: criteria_encode; empty: everything */
	size_t record_max;                 /* a batch with a larger record ends the link with ERROR_FRAME_TOO_LARGE */
};

struct consumer *consumer_new(struct streams *streams, msec now, const struct consumer_options *options);

/* Links get ERROR_CANCELLED, or OK once their end is acknowledged; facts about the consumer that wait are dropped. NULL is fine. */
void consumer_free(struct streams *streams, struct consumer *consumer, struct outbox *out);

/*
 * The catalog lists this peer as a producer of the stream: subscribes, and again with back-off whenever the link is
 * lost, until consumer_producer_gone. A known peer: nothing happens.
 */
void consumer_producer_found(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/*
 * As found, and the catalog shows a newer incarnation of the peer: if its end was seen, it subscribes anew, and if a
 * retry is due later, it is tried now.
 */
void consumer_producer_renewed(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/*
 * No longer listed because others think that it crashed. A subscription that runs goes on until its link ends, and is then
 * not tried again; otherwise as gone, but for this: an end that was seen of it is remembered, and when it is found once
 * more, that is the same producer, and nothing is expected of it.
 */
void consumer_producer_doubted(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/* After a doubt: whoever comes back under this id now is another producer. A subscription that runs is left. */
void consumer_producer_forgotten(struct streams *streams, struct consumer *consumer, const struct id *peer);

/*
 * No longer listed. A subscription that runs, or that the producer has not answered yet, is cancelled: CONSUMER_LOST
 * with ERROR_CANCELLED. Unknown peers are fine.
 */
void consumer_producer_gone(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/* With a subscription right now that has started and not ended. */
size_t consumer_producers(const struct consumer *consumer);

enum channel_state {
	CHANNEL_CONNECTING,        /* called, or asked */
	CHANNEL_QUEUED,            /* no place there yet: in line */
	CHANNEL_RUNNING,
	CHANNEL_ENDED,
	CHANNEL_WAITING            /* for the next attempt */
};

struct channel_stats {
	struct id peer;
	enum channel_state state;
	uint64_t records;          /* of the last subscription that started */
	uint64_t bytes;            /* of its records parts */
	uint64_t missed;           /* records in gaps, over all subscriptions */
	size_t held;               /* bytes received that the reader is not done with */
	msec since;                /* RUNNING, ENDED: when it started */
};

/* The n-th producer, in the order of ids, that is listed or still subscribed; false: there are not so many. */
bool consumer_channel(const struct consumer *consumer, size_t n, struct channel_stats *stats);

/* Producers from which more may come soon: subscribed, ending, or being called without a failed attempt so far. */
size_t consumer_unsettled(const struct consumer *consumer);

/* The reader is done with the bytes of a batch: blob_size(message). A link that is gone is fine. */
void consumer_consumed(struct streams *streams, link_id link, size_t message_bytes, struct outbox *out);

/* The reader has everything of this subscription up to its END, safely: END_ACK. A link that is gone is fine. */
void consumer_acknowledge(struct streams *streams, link_id link, struct outbox *out);

#endif
