/*
 * stream_wire.h - the messages of /mosaik/streams/1.0 (drawn in streams.h), to bytes and back.
 */
#ifndef STREAMS_STREAM_WIRE_H
#define STREAMS_STREAM_WIRE_H

#include "base/blob.h"
#include "base/id.h"
#include "streams/peer_rule.h"

enum stream_message_kind {
	STREAM_SUBSCRIBE = 1,
	STREAM_STARTED = 2,
	STREAM_BATCH = 3,
	STREAM_END = 4,
	STREAM_END_ACK = 5,
	STREAM_QUEUED = 6,
	STREAM_PICKED = 7,
	STREAM_NEXT = 8,
	STREAM_REFUSED = 9
};

/* What END says of a subscription, and what both sides keep while it runs. */
struct stream_sum {
	uint64_t count;            /* records */
	uint64_t bytes;            /* of records parts */
	struct id hash;
};

struct stream_message {
	enum stream_message_kind kind;
	struct id stream;          /* SUBSCRIBE */
	struct bytes criteria;     /* SUBSCRIBE; borrowed */
	uint64_t sequence;         /* STARTED, NEXT: of the next record; BATCH, PICKED: of the first */
	uint64_t count;            /* BATCH, PICKED: records, at least 1 */
	uint64_t span;             /* BATCH, PICKED: sequence numbers that it covers; sequence + span does not overflow */
	uint64_t skipped;          /* PICKED, NEXT: so many before `sequence` were not asked for; at most `sequence` */
	struct bytes picked;       /* PICKED: bit i of `span`, the lowest first: record sequence + i is here; borrowed */
	struct bytes records;      /* BATCH, PICKED; borrowed, not looked into */
	struct stream_sum sum;     /* END */
	bool verified;             /* END_ACK */
	struct ticket_lack lack;   /* REFUSED; what it names is borrowed */
};

/* Each gives a new blob. */
struct blob *stream_wire_subscribe(const struct id *stream, struct bytes criteria);
struct blob *stream_wire_started(uint64_t sequence);
struct blob *stream_wire_end(const struct stream_sum *sum);
struct blob *stream_wire_end_ack(bool verified);
struct blob *stream_wire_queued(void);
struct blob *stream_wire_refused(const struct ticket_lack *lack);
struct blob *stream_wire_next(uint64_t sequence, uint64_t skipped);
/* Of a message's sequence, span, skipped, picked and records. */
struct blob *stream_wire_picked(const struct stream_message *message);

/* Makes a BATCH of a records part, in place: its start moves down into the headroom by this much at most. */
#define STREAM_BATCH_HEAD_MAX 29
void stream_wire_batch(struct blob *records, uint64_t sequence, uint64_t count);

/* ERROR_MALFORMED; what is borrowed lies inside body. */
MUST_CHECK enum error stream_wire_decode(struct bytes body, struct stream_message *out);

#endif
