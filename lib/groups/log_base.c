/*
 * log_base.c - see log_base.h.
 */
#include "groups/log_base.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

void log_part_encode(const struct log_part *part, struct buffer *out)
{
	cbor_put_array(out, 5);
	cbor_put_uint(out, part->position);
	cbor_put_uint(out, part->term);
	cbor_put_uint(out, part->number);
	cbor_put_uint(out, part->count);
	cbor_put_bytes(out, part->bytes);
}

enum error log_part_decode(struct bytes item, struct log_part *out)
{
	uint64_t number, count;
	struct log_part read;
	struct cbor in;

	cbor_init(&in, item);
	cbor_array_of(&in, 5);
	read.position = cbor_uint(&in);
	read.term = cbor_uint(&in);
	number = cbor_uint(&in);
	count = cbor_uint(&in);
	read.bytes = cbor_bytes(&in);
	if (cbor_end(&in) != OK || read.position == 0 || count == 0 || count > LOG_PARTS_MAX || number >= count)
		return ERROR_MALFORMED;
	if (read.bytes.size > LOG_PART_MAX || (read.bytes.size == 0 && count > 1))
		return ERROR_MALFORMED;
	read.number = (uint32_t)number;
	read.count = (uint32_t)count;
	*out = read;
	return OK;
}

uint32_t log_part_count(size_t size)
{
	ASSERT(size <= LOG_BASE_MAX);
	return size == 0 ? 1 : (uint32_t)((size + LOG_PART_MAX - 1) / LOG_PART_MAX);
}

struct bytes log_part_cut(struct bytes content, uint32_t number)
{
	size_t start = (size_t)number * LOG_PART_MAX, left = content.size - start;

	ASSERT(start <= content.size);
	return bytes_of(content.data + start, left < LOG_PART_MAX ? left : LOG_PART_MAX);
}

void log_base_fini(struct log_base *base)
{
	for (uint32_t i = 0; i < base->have; i++)
		blob_drop(base->part[i]);
	memory_free(base->part);
	*base = (struct log_base){0};
}

void log_base_copy(const struct log_base *from, struct log_base *out)
{
	*out = *from;
	out->part = memory_copy(from->part, from->have * sizeof(struct blob *));
	out->capacity = from->have;
	for (uint32_t i = 0; i < from->have; i++)
		(void)blob_keep(from->part[i]);
}

bool log_base_add(struct log_base *base, const struct log_part *part)
{
	if (part->number == 0) {
		log_base_fini(base);
		*base = (struct log_base){.position = part->position, .term = part->term, .count = part->count};
	}
	if (part->position != base->position || part->term != base->term || part->count != base->count || part->number != base->have)
		return false;
	base->part = memory_grow(base->part, &base->capacity, base->have + 1, sizeof(struct blob *));
	base->part[base->have++] = blob_copy(part->bytes);
	return true;
}

bool log_base_is_whole(const struct log_base *base)
{
	return base->count > 0 && base->have == base->count;
}

size_t log_base_size(const struct log_base *base)
{
	size_t size = 0;

	for (uint32_t i = 0; i < base->have; i++)
		size += blob_size(base->part[i]);
	return size;
}

struct log_part log_base_part(const struct log_base *base, uint32_t number)
{
	ASSERT(number < base->have);
	return (struct log_part){base->position, base->term, number, base->count, blob_bytes(base->part[number])};
}

void log_base_hash(const struct log_base *base, struct hash *hash)
{
	struct buffer item = {0};

	for (uint32_t i = 0; i < base->have; i++) {
		struct log_part part = log_base_part(base, i);

		buffer_clear(&item);
		log_part_encode(&part, &item);
		hash_update(hash, buffer_bytes(&item));
	}
	buffer_fini(&item);
}
