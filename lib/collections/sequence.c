/*
 * sequence.c - see sequence.h.
 */
#include "collections/sequence.h"

#include "base/check.h"
#include "wire/cbor.h"

void sequence_put(struct buffer *sequence, struct bytes item)
{
	cbor_put_bytes(sequence, item);
}

size_t sequence_size(struct bytes item)
{
	uint8_t head[CBOR_HEAD_MAX];

	return cbor_bytes_head(head, item.size) + item.size;
}

bool sequence_next(struct bytes *rest, struct bytes *item)
{
	size_t length, head = cbor_bytes_head_read(*rest, &length);

	if (head == 0 || length > rest->size - head)
		return false;
	*item = bytes_of(rest->data + head, length);
	*rest = bytes_of(rest->data + head + length, rest->size - head - length);
	return true;
}
