/*
 * framing_read.c - finding one record at the front of the input, for the framings whose records lie there as they are.
 *
 * Every length is held against record_max before more input is waited for, so that a hostile or mistaken length
 * costs nothing.
 */
#include "cmd/common/framing_internal.h"

#include <string.h>

#include "base/check.h"

#define U32_SIZE 4

static enum error too_large(struct record_reader *reader, size_t size, bool at_least)
{
	return framing_fail(reader, ERROR_FRAME_TOO_LARGE, "a record of %s%zu bytes is over the maximum of %zu",
		at_least ? "at least " : "", size, reader->record_max);
}

enum error framing_scan_until(struct record_reader *reader, uint8_t separator, size_t size_max, struct found *found)
{
	struct bytes here = framing_here(reader);
	const uint8_t *at = NULL;
	size_t size = here.size;

	ASSERT(reader->searched <= here.size);
	if (reader->searched < here.size)
		at = memchr(here.data + reader->searched, separator, here.size - reader->searched);
	if (at)
		size = (size_t)(at - here.data);
	else
		reader->searched = here.size;
	if (size > size_max)
		return too_large(reader, size, !at);
	found->is_whole = at || (reader->ended && size > 0);
	found->record = (struct bytes){here.data, size};
	found->size = size + (at != NULL);
	return OK;
}

enum error framing_scan_lines(struct record_reader *reader, struct found *found)
{
	return framing_scan_until(reader, '\n', reader->record_max, found);
}

enum error framing_scan_null(struct record_reader *reader, struct found *found)
{
	return framing_scan_until(reader, '\0', reader->record_max, found);
}

enum error framing_scan_whole(struct record_reader *reader, struct found *found)
{
	struct bytes here = framing_here(reader);

	if (here.size > reader->record_max)
		return too_large(reader, here.size, !reader->ended);
	found->is_whole = reader->ended && !reader->whole_done;
	found->record = here;
	found->size = here.size;
	return OK;
}

/* A head of `head` bytes promises `length` more. */
static enum error take_sized(struct record_reader *reader, size_t head, uint64_t length, struct found *found)
{
	struct bytes here = framing_here(reader);

	if (length > reader->record_max)
		return too_large(reader, (size_t)length, false);
	if (here.size - head < length) {
		if (reader->ended)
			return framing_fail(reader, ERROR_MALFORMED,
				"the input ends inside a record: %zu of %zu bytes are here", here.size - head,
				(size_t)length);
		return OK;
	}
	found->is_whole = true;
	found->record = (struct bytes){here.data + head, (size_t)length};
	found->size = head + (size_t)length;
	return OK;
}

/* The head itself is not whole yet. */
static enum error wait_for_head(struct record_reader *reader, size_t here)
{
	if (reader->ended && here > 0)
		return framing_fail(reader, ERROR_MALFORMED, "the input ends inside the length of a record");
	return OK;
}

enum error framing_scan_u32(struct record_reader *reader, struct found *found)
{
	struct bytes here = framing_here(reader);

	if (here.size < U32_SIZE)
		return wait_for_head(reader, here.size);
	return take_sized(reader, U32_SIZE, bytes_get_be32(here.data), found);
}

/*
 * Other writers need not use the shortest head, so any definite length is taken (RFC 8949 section 3). Strings of
 * indefinite length are not: what they are cut into would be lost.
 */
enum error framing_scan_cbor(struct record_reader *reader, struct found *found)
{
	struct bytes here = framing_here(reader);
	uint8_t info;
	uint64_t length = 0;
	size_t head;

	if (here.size == 0)
		return OK;
	info = here.data[0] & 0x1F;
	if (here.data[0] >> 5 != 2 || info > 27)
		return framing_fail(reader, ERROR_MALFORMED, "0x%02x does not begin a CBOR byte string", here.data[0]);
	head = info < 24 ? 1 : 1 + ((size_t)1 << (info - 24));
	if (here.size < head)
		return wait_for_head(reader, here.size);
	if (info < 24)
		length = info;
	for (size_t i = 1; i < head; i++)
		length = length << 8 | here.data[i];
	return take_sized(reader, head, length, found);
}
