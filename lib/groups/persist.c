/*
 * persist.c - see persist.h.
 */
#include "groups/persist.h"

#include "base/memory.h"

#include <string.h>

static void put_number(struct hash *hash, uint64_t number)
{
	uint8_t byte[8];

	bytes_put_be64(byte, number);
	hash_update(hash, bytes_of(byte, sizeof(byte)));
}

struct chain chain_extend(const struct chain *previous, const struct entry_head *head, struct bytes payload)
{
	struct chain chain;
	struct hash hash;
	struct id whole;

	hash_init(&hash);
	hash_update(&hash, bytes_of(previous->byte, sizeof(previous->byte)));
	put_number(&hash, head->index);
	put_number(&hash, head->term);
	put_number(&hash, head->kind);
	put_number(&hash, head->commands);
	put_number(&hash, head->position);
	hash_update(&hash, payload);
	whole = hash_final(&hash);
	memcpy(chain.byte, whole.byte, sizeof(chain.byte));
	return chain;
}

struct persist *persist_new(uint64_t token)
{
	struct persist *persist = memory_new(sizeof *persist);

	persist->token = token;
	return persist;
}

void persist_append(struct persist *persist, const struct log_entry *entry)
{
	persist->entry = memory_grow(persist->entry, &persist->capacity, persist->count + 1, sizeof *persist->entry);
	persist->entry[persist->count] = *entry;
	blob_keep(entry->payload);
	persist->count++;
}

static void drop_entries(struct log_entry *entry, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blob_drop(entry[i].payload);
	memory_free(entry);
}

void persist_free(struct persist *persist)
{
	if (!persist)
		return;
	drop_entries(persist->entry, persist->count);
	blob_drop(persist->chunk);
	memory_free(persist);
}

void image_fini(struct image *image)
{
	drop_entries(image->entry, image->count);
	for (uint32_t i = 0; i < image->meta.chunks; i++)
		blob_drop(image->chunk[i]);
	memory_free(image->chunk);
	*image = (struct image){0};
}
