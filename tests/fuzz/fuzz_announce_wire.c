/*
 * fuzz_announce_wire.c - what the decoder of announce takes, the encoder writes again byte for byte: the encoding of
 * a message is the only one. A hop count above the maximum is the exception: it is cut.
 */
#include "base/check.h"
#include "discovery/announce_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has_largest_round(const struct announce_message *message)
{
	bool has = message->round == ANNOUNCE_ROUND_MAX;

	for (size_t i = 0; i < message->have_count; i++)
		has = has || message->have[i].round == ANNOUNCE_ROUND_MAX;
	return has;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes bytes = bytes_of(data, size);
	struct announce_message message;
	struct blob *again;

	if (size > 60000 || announce_wire_get(bytes, &message) != OK)
		return 0;
	again = announce_wire_put(&message);
	ASSERT(has_largest_round(&message) || bytes_equal(blob_bytes(again), bytes));
	blob_drop(again);
	return 0;
}
