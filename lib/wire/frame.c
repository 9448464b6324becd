/*
 * frame.c - cuts a byte sequence into messages.
 *
 *      | 00 00 00 05 | h e l l o | 00 00 00 02 | ...
 *        prefix        body
 *
 * A length costs its sender four bytes, so it buys no memory: a body starts with at most BODY_FIRST bytes and its
 * room doubles only when that is full. Whoever wants us to hold 16 MiB has to send half of it first.
 */
#include "wire/frame.h"

#include "base/check.h"
#include "wire/limits.h"

#include <string.h>

/* Whole messages of the control protocols fit; a connection that only promises has cost no more than this. */
#define BODY_FIRST (256u * KIB)

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void move_front(struct bytes *piece, uint8_t *to, size_t size)
{
	ASSERT(size <= piece->size);
	if (size == 0)
		return;
	memcpy(to, piece->data, size);
	piece->data += size;
	piece->size -= size;
}

/* Collects the prefix; with its last byte the body begins. */
static enum error take_prefix(struct frame_reader *reader, struct bytes *piece)
{
	size_t size = smaller((size_t)(FRAME_PREFIX_SIZE - reader->prefix_size), piece->size);
	size_t body_size;

	ASSERT(reader->body == NULL);
	move_front(piece, reader->prefix + reader->prefix_size, size);
	reader->prefix_size = (uint8_t)(reader->prefix_size + size);
	if (reader->prefix_size < FRAME_PREFIX_SIZE)
		return OK;
	body_size = bytes_get_be32(reader->prefix);
	if (body_size == 0)
		return ERROR_MALFORMED;
	if (body_size > reader->body_max)
		return ERROR_FRAME_TOO_LARGE;
	reader->body_size = body_size;
	reader->body = blob_new(0, smaller(body_size, BODY_FIRST));
	return OK;
}

/* Moves what belongs to the body; true when it is whole. */
static bool take_body(struct frame_reader *reader, struct bytes *piece)
{
	struct blob *body = reader->body;
	size_t missing = reader->body_size - blob_size(body);
	size_t size = smaller(missing, piece->size);

	/* Bytes that are here are no promise: they may ask for more than a doubling. */
	if (blob_size(body) + size > body->capacity) {
		size_t doubled = smaller(2 * body->capacity, reader->body_size);

		body = blob_grow(body, doubled > blob_size(body) + size ? doubled : blob_size(body) + size);
		reader->body = body;
	}
	move_front(piece, body->data + body->end, size);
	body->end += size;
	ASSERT(blob_size(body) <= reader->body_size);
	return blob_size(body) == reader->body_size;
}

void frame_reader_init(struct frame_reader *reader, size_t body_max)
{
	ASSERT(body_max > 0 && body_max <= FRAME_MAX);
	*reader = (struct frame_reader){.body_max = body_max};
}

void frame_reader_fini(struct frame_reader *reader)
{
	blob_drop(reader->body);
	*reader = (struct frame_reader){.body_max = reader->body_max};
}

enum error frame_reader_take(struct frame_reader *reader, struct bytes *piece, struct blob **body)
{
	ASSERT(piece->data != NULL || piece->size == 0);
	*body = NULL;
	if (reader->body == NULL) {
		enum error error = take_prefix(reader, piece);

		if (error != OK)
			return error;
		if (reader->body == NULL)
			return OK;
	}
	if (!take_body(reader, piece))
		return OK;
	*body = reader->body;
	reader->body = NULL;
	reader->prefix_size = 0;
	return OK;
}

bool frame_reader_is_idle(const struct frame_reader *reader)
{
	return reader->prefix_size == 0;
}
