/*
 * stream_tally.h - what both ends of a subscription count while it runs, so that its END can be verified.
 */
#ifndef STREAMS_STREAM_TALLY_H
#define STREAMS_STREAM_TALLY_H

#include "base/checksum.h"
#include "streams/stream_wire.h"

struct stream_tally {
	uint64_t count;
	uint64_t bytes;
	struct hash hash;          /* of the checksums of the batches */
};

void stream_tally_init(struct stream_tally *tally);

/* One batch: the checksum of its records part, the size of that, and how many records it has. */
void stream_tally_add(struct stream_tally *tally, const struct checksum *digest, size_t bytes, uint64_t count);

struct stream_sum stream_tally_sum(const struct stream_tally *tally);
bool stream_tally_matches(const struct stream_tally *tally, const struct stream_sum *sum);

#endif
