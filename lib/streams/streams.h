/*
 * streams.h - the machine behind /mosaik/streams/1.0: producers, consumers and the subscriptions between them.
 *
 * One link a subscription, opened by the consumer's node:
 *
 *     C -> P  SUBSCRIBE [1, stream, criteria]      criteria: empty byte string = everything; else criteria.h
 *     P -> C  QUEUED    [6]                        no place now: in line for one, STARTED comes later
 *     P -> C  REFUSED   [9, fault, issuer, audience]   a ticket (of these, if not empty) is lacking; 10403 follows
 *     P -> C  STARTED   [2, next sequence]
 *     P -> C  BATCH     [3, sequence of its first record, count, records]
 *     P -> C  PICKED    [7, sequence, span, skipped, picked, records]     a BATCH for criteria: of the `span` records
 *                       from `sequence` on, those whose bit is set; `skipped` before them were not asked for either
 *     P -> C  NEXT      [8, next sequence, skipped]     only before an END: what came after the last record sent
 *     P -> C  END       [4, count, bytes, hash]    of what this subscription was sent
 *     C -> P  END_ACK   [5, verified?]             after the reader has everything; then P closes the link
 *
 * `records` is a byte string that holds a CBOR sequence (RFC 8742) of byte strings, one a record. hash is
 * BLAKE3(C(records of batch 1) || C(records of batch 2) || ...): a batch is hashed once, whoever reads it. C is XXH3 (checksum.h):
 * TLS has authenticated every byte already, and BLAKE3 of all of them was a fifth of the work at either end.
 * A batch is encoded once into one blob that every subscriber's link sends.
 *
 * A sequence number counts the records of a producer from its start, read or not; a subscriber begins at the next
 * one. A number that is missed, in a link or between one link and the next, is a gap and is reported; between links it
 * counts what was written meanwhile, asked for or not.
 *
 * Refusals end the link: 10404 StreamNotFound, 10403 NotAllowed, 10509 NoCapacity, 10413 TooSlow.
 */
#ifndef STREAMS_STREAMS_H
#define STREAMS_STREAMS_H

#include "base/log.h"
#include "base/machine.h"
#include "streams/consumer.h"
#include "streams/criteria.h"
#include "streams/picking.h"
#include "streams/producer.h"
#include "streams/records.h"

#define STREAM_REFUSAL_MAX 1000        /* msec for REFUSED to get there, before the link is closed */
#define STREAM_HANDSHAKE_MAX 5000      /* msec for SUBSCRIBE to come on a new link, and for its answer */

struct streams_options {
	struct id self;
	const struct catalog *catalog;     /* borrowed; for rules about peers. NULL: knows nobody */
	const struct log *log;             /* borrowed; NULL: silent */
	uint64_t seed;                     /* of the jitter; nodes with one seed still differ by self */
};

struct streams *streams_new(const struct streams_options *options, msec now);
void streams_free(struct streams *streams);   /* and every producer and consumer of it. NULL is fine */
extern const struct machine_ops streams_ops;

/*
 * Every PRODUCER_SUBSCRIBED is followed by one PRODUCER_UNSUBSCRIBED, every CONSUMER_SUBSCRIBED by one CONSUMER_ENDED
 * or one CONSUMER_LOST with `retry_failed` false, of the same link.
 */
enum streams_fact_kind {
	PRODUCER_SUBSCRIBED,       /* producer, peer, link, sequence */
	PRODUCER_UNSUBSCRIBED,     /* producer, peer, link, reason, acknowledged, verified, count: sent, missed: dropped */
	PRODUCER_QUEUED,           /* producer, peer, link: waits in line; SUBSCRIBED may follow */
	PRODUCER_REFUSED,          /* producer, peer, link, reason */
	/* producer, sequence: of the first, count, message, records: nobody was there for them; with tell_undelivered */
	PRODUCER_UNDELIVERED,
	PRODUCER_ROOM,             /* producer: has room again after having had none */
	CONSUMER_SUBSCRIBED,       /* consumer, peer, link, sequence */
	CONSUMER_QUEUED,           /* consumer, peer, link: no place at that producer, in line for one */
	CONSUMER_BATCH,            /* consumer, peer, link, sequence, count, picked, message, records */
	CONSUMER_GAP,              /* consumer, peer, link, sequence, count: records missed from there on */
	CONSUMER_ENDED,            /* consumer, peer, link, verified, count: owner answers with consumer_acknowledge */
	/*
	 * consumer, peer, link, reason, retry_failed: no end was seen. It tries again by itself, except after
	 * ERROR_GRACEFUL (the producer left without an end) and ERROR_CANCELLED (consumer_producer_gone). With
	 * ERROR_NOT_ALLOWED, if the producer said it, message and lack: which ticket it wants.
	 */
	CONSUMER_LOST
};

struct streams_fact {
	enum streams_fact_kind kind;
	struct producer *producer;
	struct consumer *consumer;
	struct id peer;
	link_id link;
	enum error reason;
	bool acknowledged;         /* UNSUBSCRIBED: END was acknowledged */
	bool verified;             /* what was received matches END; UNSUBSCRIBED: the subscriber says so */
	bool retry_failed;         /* LOST: this was an attempt that failed, not a running subscription */
	bool was_there;            /* LOST: the peer had at least taken the link */
	uint64_t sequence;         /* of the first record */
	uint64_t count;            /* records */
	uint64_t missed;           /* UNSUBSCRIBED: records dropped because it was too slow */
	struct bytes picked;       /* BATCH, with criteria: bit i, the lowest first, stands for record sequence + i */
	struct peer_verdict verdict;   /* UNSUBSCRIBED and REFUSED, with ERROR_NOT_ALLOWED: what it lacks */
	struct ticket_lack lack;   /* LOST with a message: what it says */
	struct blob *message;      /* BATCH: the reader drops it; credit is blob_size(message). UNDELIVERED, LOST: too */
	struct bytes records;      /* BATCH, UNDELIVERED: the records part, inside message */
};

/*
 * In order; batches of one link in sequence. false: none. Facts about batches are as many as flow control lets in.
 */
bool streams_next_fact(struct streams *streams, struct streams_fact *fact);

#endif
