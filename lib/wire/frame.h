/*
 * frame.h - messages in a byte sequence: a 4-byte big-endian length, then that many bytes (the body).
 *
 * The reader takes pieces as the network delivers them and gives whole bodies as blobs. Memory grows with what has
 * arrived, never with what a length promises.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "base/blob.h"
#include "base/error.h"

#define FRAME_PREFIX_SIZE 4

struct frame_reader {
	size_t body_max;              /* a longer body is refused */
	uint8_t prefix[FRAME_PREFIX_SIZE];
	uint8_t prefix_size;          /* bytes of prefix that are here */
	size_t body_size;             /* of the frame under way, once the prefix is whole */
	struct blob *body;            /* under way; NULL between frames */
};

void frame_reader_init(struct frame_reader *reader, size_t body_max);
void frame_reader_fini(struct frame_reader *reader);

/*
 * Takes bytes from the front of *piece until one body is whole or the piece is used up. *body: a blob the caller
 * owns, or NULL when more bytes are needed. An empty body is ERROR_MALFORMED: no message is empty.
 * ERROR_FRAME_TOO_LARGE as soon as the prefix says so.
 */
MUST_CHECK enum error frame_reader_take(struct frame_reader *reader, struct bytes *piece, struct blob **body);

/* True between frames: an end of the sequence here cuts nothing. */
bool frame_reader_is_idle(const struct frame_reader *reader);

#endif
