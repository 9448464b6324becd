/*
 * bytes.c - runs of bytes: compare, collect, read as text.
 *
 * memcpy and memcmp are undefined for NULL even with size 0, and an empty run has NULL data, so every call below
 * stands behind a test of the size.
 */
#include "base/bytes.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

struct bytes bytes_of(const void *data, size_t size)
{
	ASSERT(data != NULL || size == 0);
	return (struct bytes){data, size};
}

struct bytes bytes_of_text(const char *text)
{
	ASSERT(text != NULL);
	return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = a.size < b.size ? a.size : b.size;
	int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

void buffer_fini(struct buffer *buffer)
{
	ASSERT(buffer->size <= buffer->capacity);
	memory_free(buffer->data);
	*buffer = (struct buffer){0};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
}

void buffer_append(struct buffer *buffer, struct bytes tail)
{
	uint8_t *at = buffer_extend(buffer, tail.size);

	ASSERT(tail.data != NULL || tail.size == 0);
	if (tail.size > 0)
		memcpy(at, tail.data, tail.size);
}

uint8_t *buffer_extend(struct buffer *buffer, size_t size)
{
	uint8_t *at;

	ASSERT(size <= SIZE_MAX - buffer->size);
	buffer->data = memory_grow(buffer->data, &buffer->capacity, buffer->size + size, 1);
	at = buffer->data + buffer->size;
	buffer->size += size;
	return at;
}

void buffer_drop_front(struct buffer *buffer, size_t size)
{
	ASSERT(size <= buffer->size);
	buffer->size -= size;
	if (size > 0 && buffer->size > 0)
		memmove(buffer->data, buffer->data + size, buffer->size);
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
	return (struct bytes){buffer->data, buffer->size};
}

void bytes_put_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

uint32_t bytes_get_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void bytes_put_be64(uint8_t *at, uint64_t value)
{
	bytes_put_be32(at, (uint32_t)(value >> 32));
	bytes_put_be32(at + 4, (uint32_t)value);
}

uint64_t bytes_get_be64(const uint8_t *at)
{
	return (uint64_t)bytes_get_be32(at) << 32 | bytes_get_be32(at + 4);
}

/*
 * Bytes of the well-formed sequence at the front of text, 0 if there is none. RFC 3629 section 4: only the second
 * byte has a range that depends on the first one, and that range is what keeps out overlong forms (E0, F0),
 * surrogates (ED) and what lies beyond U+10FFFF (F4).
 */
static size_t utf8_sequence(struct bytes text)
{
	uint8_t first = text.data[0];
	uint8_t low = 0x80, high = 0xBF;
	size_t size;

	if (first < 0x80)
		return 1;
	if (first < 0xC2 || first > 0xF4)
		return 0;
	size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
	if (text.size < size)
		return 0;
	if (first == 0xE0)
		low = 0xA0;
	else if (first == 0xED)
		high = 0x9F;
	else if (first == 0xF0)
		low = 0x90;
	else if (first == 0xF4)
		high = 0x8F;
	if (text.data[1] < low || text.data[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++) {
		if ((text.data[i] & 0xC0) != 0x80)
			return 0;
	}
	return size;
}

bool bytes_are_utf8(struct bytes text)
{
	while (text.size > 0) {
		size_t size = utf8_sequence(text);

		if (size == 0)
			return false;
		text.data += size;
		text.size -= size;
	}
	return true;
}
