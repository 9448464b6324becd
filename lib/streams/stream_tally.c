/*
 * stream_tally.c - count, bytes and hash of a subscription.
 *
 * The hash is over the checksums of the batches and not over their bytes: a producer sums up a batch once and then adds
 * 16 bytes a subscriber, so a thousand subscribers cost little more than one. Batches arrive as they were sent, so
 * both ends see the same boundaries.
 */
#include "streams/stream_tally.h"

#include "base/check.h"

void stream_tally_init(struct stream_tally *tally)
{
	tally->count = 0;
	tally->bytes = 0;
	hash_init(&tally->hash);
}

void stream_tally_add(struct stream_tally *tally, const struct checksum *digest, size_t bytes, uint64_t count)
{
	ASSERT(count > 0 && bytes >= count);   /* an empty record takes one byte */
	tally->count += count;
	tally->bytes += bytes;
	hash_update(&tally->hash, bytes_of(digest->byte, CHECKSUM_SIZE));
}

struct stream_sum stream_tally_sum(const struct stream_tally *tally)
{
	ASSERT(tally->bytes >= tally->count);
	return (struct stream_sum){
		.count = tally->count,
		.bytes = tally->bytes,
		.hash = hash_final(&tally->hash),
	};
}

bool stream_tally_matches(const struct stream_tally *tally, const struct stream_sum *sum)
{
	struct stream_sum own = stream_tally_sum(tally);

	return own.count == sum->count && own.bytes == sum->bytes && id_equal(&own.hash, &sum->hash);
}
