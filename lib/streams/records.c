/*
 * records.c - walks over the records of a batch.
 *
 *      43 x x x | 40 | 58 1e x x x ... | ...        head, bytes; head, no bytes; head of two, bytes; ...
 *
 * This is the inner loop of a stream: the checker runs once over every byte's head before a batch becomes a fact, and
 * then the reader walks again without checking. Heads of one and two bytes (records under 256 bytes, where the head
 * matters against the record) are read here, the others by the codec.
 */
#include "streams/records.h"

#include "base/check.h"
#include "wire/cbor.h"

enum {
	HEAD_SHORT = 0x40,         /* RFC 8949 section 3.1: major type 2; its length in the low five bits, below 24 */
	HEAD_ONE_BYTE = 0x58       /* its length in the next byte, 24 or more */
};

/* Size of the head at data (not empty), with its string's length in *length. 0: not a whole, shortest-form head. */
static inline size_t read_head(struct bytes data, size_t *length)
{
	uint8_t first = data.data[0];

	if (first >= HEAD_SHORT && first < HEAD_ONE_BYTE) {
		*length = first - HEAD_SHORT;
		return 1;
	}
	if (first == HEAD_ONE_BYTE && data.size >= 2) {
		*length = data.data[1];
		return *length < HEAD_ONE_BYTE - HEAD_SHORT ? 0 : 2;
	}
	return cbor_bytes_head_read(data, length);
}

bool records_next(struct bytes *rest, struct bytes *record)
{
	size_t length = 0, head;

	if (rest->size == 0)
		return false;
	head = read_head(*rest, &length);
	ASSERT(head > 0 && length <= rest->size - head);   /* records_check said so */
	*record = (struct bytes){rest->data + head, length};
	*rest = (struct bytes){rest->data + head + length, rest->size - head - length};
	return true;
}

bool records_check(struct bytes records, uint64_t count, size_t record_max)
{
	uint64_t found = 0;

	ASSERT(records.data != NULL || records.size == 0);
	while (records.size > 0) {
		size_t length = 0, head = read_head(records, &length);

		/* The head lies within the bytes that are left, so the subtraction does not wrap. */
		if (head == 0 || length > record_max || length > records.size - head)
			return false;
		records.data += head + length;
		records.size -= head + length;
		found++;
	}
	return found == count;
}
