/*
 * fuzz_framing.c - any bytes as the input of any framing: no crash, bounded memory, and the same records and the same
 * verdict however the input is cut.
 *
 * Input: kind, record_max / 8, seed of the cuts, then what stdin would give.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/rng.h"
#include "cmd/common/framing.h"
#include "node/node.h"

#define HEAD 3
#define KINDS 7

/* What came out: all records one after the other as CBOR, and how it ended. */
struct result {
	struct buffer records;
	uint64_t count;
	enum error error;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error drain(struct record_reader *reader, size_t record_max, struct result *result)
{
	for (;;) {
		struct blob *batch;
		uint64_t count;
		enum error error = record_reader_batch(reader, &batch, &count);

		ASSERT(error == OK || (!batch && record_reader_where(reader)[0] != '\0'));
		if (!batch)
			return error;
		ASSERT(batch->start >= BATCH_HEADROOM && count > 0);
		ASSERT(records_check(blob_bytes(batch), count, record_max));
		buffer_append(&result->records, blob_bytes(batch));
		result->count += count;
		blob_drop(batch);
	}
}

/* rng NULL: as few reads as there is room for. */
static struct result read_all(enum framing framing, size_t record_max, struct bytes text, struct rng *rng)
{
	struct record_reader *reader = record_reader_new(framing, record_max);
	struct result result = {.error = OK};

	while (text.size > 0 && result.error == OK) {
		size_t room, part;
		uint8_t *space = record_reader_space(reader, &room);

		ASSERT(room > 0 && room <= 1024 * 1024 + 16 * record_max);
		part = rng ? 1 + (size_t)rng_below(rng, 16) : text.size;
		part = part < text.size ? part : text.size;
		part = part < room ? part : room;
		memcpy(space, text.data, part);
		record_reader_filled(reader, part);
		text.data += part;
		text.size -= part;
		result.error = drain(reader, record_max, &result);
	}
	if (result.error == OK) {
		record_reader_end(reader);
		result.error = drain(reader, record_max, &result);
	}
	record_reader_free(reader);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum framing framing;
	struct result once, cut;
	struct rng rng;
	size_t record_max;

	if (size < HEAD)
		return 0;
	framing = (enum framing)(data[0] % KINDS);
	record_max = 8u * data[1] + 1;
	rng_init(&rng, data[2]);
	once = read_all(framing, record_max, bytes_of(data + HEAD, size - HEAD), NULL);
	cut = read_all(framing, record_max, bytes_of(data + HEAD, size - HEAD), &rng);
	ASSERT(once.error == cut.error);
	/* raw promises the bytes, which are the same by construction, but not where the records end. */
	ASSERT(framing == FRAMING_RAW || bytes_equal(buffer_bytes(&once.records), buffer_bytes(&cut.records)));
	ASSERT(framing == FRAMING_RAW || once.count == cut.count);
	buffer_fini(&once.records);
	buffer_fini(&cut.records);
	return 0;
}
