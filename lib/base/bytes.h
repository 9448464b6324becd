/*
 * bytes.h - a borrowed run of bytes, a growable one, and big-endian numbers.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed: valid for the call it is passed to, unless the receiver says otherwise. data may be NULL if size is 0. */
struct bytes {
	const uint8_t *data;
	size_t size;
};

struct bytes bytes_of(const void *data, size_t size);
struct bytes bytes_of_text(const char *text);         /* without the NUL */
bool bytes_equal(struct bytes a, struct bytes b);
int bytes_compare(struct bytes a, struct bytes b);    /* as memcmp; a prefix sorts first */

/* A byte array that grows at its end. Zero-initialised is empty and valid; buffer_fini releases. */
struct buffer {
	uint8_t *data;
	size_t size;
	size_t capacity;
};

void buffer_fini(struct buffer *buffer);              /* leaves it empty and valid */
void buffer_clear(struct buffer *buffer);             /* size 0, memory kept */
void buffer_append(struct buffer *buffer, struct bytes tail);
uint8_t *buffer_extend(struct buffer *buffer, size_t size);   /* size more bytes, not zeroed; good until it grows */
void buffer_drop_front(struct buffer *buffer, size_t size);
struct bytes buffer_bytes(const struct buffer *buffer);

void bytes_put_be32(uint8_t *at, uint32_t value);
uint32_t bytes_get_be32(const uint8_t *at);
void bytes_put_be64(uint8_t *at, uint64_t value);
uint64_t bytes_get_be64(const uint8_t *at);

bool bytes_are_utf8(struct bytes text);               /* RFC 3629: no surrogates, no overlong forms */

#endif
