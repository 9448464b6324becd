/*
 * stream_wire.h - the messages of /mosaik/streams/1.0 (drawn in streams.h), to bytes and back.
 */
#ifndef STREAMS_STREAM_WIRE_H
#define STREAMS_STREAM_WIRE_H

#include "base/blob.h"
#include "base/id.h"

enum stream_message_kind {
	STREAM_SUBSCRIBE = 1,
	STREAM_STARTED = 2,
	STREAM_BATCH = 3,
	STREAM_END = 4,
	STREAM_END_ACK = 5
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
	uint64_t sequence;         /* STARTED, BATCH: of the next record, of the first record */
	uint64_t count;            /* BATCH: at least 1; sequence + count does not overflow */
	struct bytes records;      /* BATCH; borrowed, not looked into */
	struct stream_sum sum;     /* END */
	bool verified;             /* END_ACK */
};

/* Each gives a new blob. */
struct blob *stream_wire_subscribe(const struct id *stream, struct bytes criteria);
struct blob *stream_wire_started(uint64_t sequence);
struct blob *stream_wire_end(const struct stream_sum *sum);
struct blob *stream_wire_end_ack(bool verified);

/* Makes a BATCH of a records part, in place: its start moves down into the headroom by this much at most. */
#define STREAM_BATCH_HEAD_MAX 29
void stream_wire_batch(struct blob *records, uint64_t sequence, uint64_t count);

/* ERROR_MALFORMED; what is borrowed lies inside body. */
MUST_CHECK enum error stream_wire_decode(struct bytes body, struct stream_message *out);

#endif
