/*
 * fuzz_records.c - the records part of a batch: the checker and the walker against the plain codec.
 *
 * The first byte is the count that is claimed, the second chooses the largest record allowed, the rest is the part.
 */
#include "base/check.h"
#include "streams/records.h"
#include "wire/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What records_check promises, without its shortcuts. */
static bool check_plainly(struct bytes rest, uint64_t count, size_t record_max)
{
	while (rest.size > 0) {
		size_t length, head = cbor_bytes_head_read(rest, &length);

		if (head == 0 || length > record_max || length > rest.size - head || count-- == 0)
			return false;
		rest = bytes_of(rest.data + head + length, rest.size - head - length);
	}
	return count == 0;
}

/* What passes is walked record by record to its very end, and encoded again it is the same. */
static void walk(struct bytes part, uint64_t count, size_t record_max)
{
	struct buffer again = {0};
	struct bytes rest = part, record;
	uint64_t walked = 0;

	while (records_next(&rest, &record)) {
		ASSERT(record.size <= record_max);
		cbor_put_bytes(&again, record);
		walked++;
	}
	ASSERT(walked == count);
	ASSERT(bytes_equal(buffer_bytes(&again), part));
	buffer_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes part;
	size_t record_max;
	bool is_good;

	if (size < 2)
		return 0;
	record_max = ((size_t)1 << data[1] % 20) - 1;
	part = bytes_of(data + 2, size - 2);
	is_good = records_check(part, data[0], record_max);
	ASSERT(is_good == check_plainly(part, data[0], record_max));
	if (is_good)
		walk(part, data[0], record_max);
	return 0;
}
