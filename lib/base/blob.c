/*
 * blob.c - counted payloads.
 *
 * The count is a plain integer: all machines and links of a node live on one thread, and a payload never crosses
 * to another one. The bytes are not zeroed, because their maker fills them and a record can be 16 MiB.
 */
#include "base/blob.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

static struct blob *resize(struct blob *blob, size_t capacity)
{
	ASSERT(capacity <= SIZE_MAX - sizeof(struct blob));
	blob = memory_resize(blob, sizeof(struct blob) + capacity);
	blob->capacity = capacity;
	return blob;
}

struct blob *blob_new(size_t headroom, size_t capacity)
{
	struct blob *blob;

	ASSERT(headroom <= UINT32_MAX);
	ASSERT(capacity <= SIZE_MAX - headroom);
	blob = resize(NULL, headroom + capacity);
	blob->references = 1;
	blob->start = (uint32_t)headroom;
	blob->end = headroom;
	return blob;
}

struct blob *blob_copy(struct bytes data)
{
	struct blob *blob = blob_new(0, data.size);

	ASSERT(data.data != NULL || data.size == 0);
	if (data.size > 0)
		memcpy(blob->data, data.data, data.size);
	blob->end = data.size;
	return blob;
}

struct blob *blob_grow(struct blob *blob, size_t capacity)
{
	/* A second holder would keep the old place. */
	ASSERT(blob->references == 1);
	ASSERT(capacity <= SIZE_MAX - blob->start);
	return blob->start + capacity <= blob->capacity ? blob : resize(blob, blob->start + capacity);
}

struct blob *blob_keep(struct blob *blob)
{
	ASSERT(blob->references > 0);
	ASSERT(blob->references < UINT32_MAX);
	blob->references++;
	return blob;
}

void blob_drop(struct blob *blob)
{
	if (blob == NULL)
		return;
	ASSERT(blob->references > 0);
	ASSERT(blob->start <= blob->end && blob->end <= blob->capacity);
	if (--blob->references == 0)
		memory_free(blob);
}
