/*
 * blob.h - an immutable, counted payload: one copy in memory, however many links send it.
 *
 * A blob is writable while its maker is alone with it; from the moment it is handed to somebody it is read only.
 * The visible bytes are data[start .. end). A maker may leave headroom before `start` so that a lower layer can
 * put its header in front without a copy.
 */
#ifndef BASE_BLOB_H
#define BASE_BLOB_H

#include "base/bytes.h"

struct blob {
	uint32_t references;
	uint32_t start;    /* first visible byte */
	size_t end;        /* one past the last visible byte */
	size_t capacity;   /* start <= end <= capacity */
	uint8_t data[];
};

struct blob *blob_new(size_t headroom, size_t capacity);   /* start = end = headroom, capacity bytes fit after it */
struct blob *blob_copy(struct bytes data);
struct blob *blob_grow(struct blob *blob, size_t capacity);   /* so many bytes fit after start; may move */
struct blob *blob_keep(struct blob *blob);                 /* one more reference; returns blob */
void blob_drop(struct blob *blob);                         /* frees with the last reference; NULL is fine */

static inline struct bytes blob_bytes(const struct blob *blob)
{
	return (struct bytes){blob->data + blob->start, blob->end - blob->start};
}

static inline size_t blob_size(const struct blob *blob)
{
	return blob->end - blob->start;
}

#endif
