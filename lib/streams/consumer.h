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

#define CONSUMER_RETRY_MIN 250         /* msec; x 1.5 up to the maximum, each +- 20 % */
#define CONSUMER_RETRY_REFUSED 5000    /* the first after a refusal */
#define CONSUMER_RETRY_MAX 60000

struct streams;
struct consumer;

struct consumer_options {
	struct id stream;
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
 * not tried again; otherwise as gone.
 */
void consumer_producer_doubted(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/*
 * No longer listed. A subscription that runs, or that the producer has not answered yet, is cancelled: CONSUMER_LOST
 * with ERROR_CANCELLED. Unknown peers are fine.
 */
void consumer_producer_gone(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out);

/* With a subscription right now that has started and not ended. */
size_t consumer_producers(const struct consumer *consumer);

/* Producers from which more may come soon: subscribed, ending, or being called without a failed attempt so far. */
size_t consumer_unsettled(const struct consumer *consumer);

/* The reader is done with the bytes of a batch: blob_size(message). A link that is gone is fine. */
void consumer_consumed(struct streams *streams, link_id link, size_t message_bytes, struct outbox *out);

/* The reader has everything of this subscription up to its END, safely: END_ACK. A link that is gone is fine. */
void consumer_acknowledge(struct streams *streams, link_id link, struct outbox *out);

#endif
