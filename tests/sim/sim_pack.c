/* sim_pack.c - see sim_pack.h. */
#include "tests/sim/sim_pack.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define WORTH_IT 1024   /* bytes of a message */
#define ENTRY_MIN 128   /* bytes; whatever is shorter stays as it is */

struct sim_pack {
	size_t size;            /* of the message */
	struct buffer rest;     /* its bytes that are of no entry */
	struct sim_pack_entry {
		size_t at;          /* in the message */
		struct entry *entry;
	} *entry;               /* ascending */
	size_t count, capacity;
};

/* A byte string of so many bytes begins here, its head is *head long. 0: none does that could be an entry. */
static size_t string_at(struct bytes data, size_t at, size_t *head)
{
	const uint8_t *byte = data.data + at;
	size_t left = data.size - at, size = 0;

	if (left > 3 && byte[0] == 0x58) {
		*head = 2;
		size = byte[1];
	} else if (left > 3 && byte[0] == 0x59) {
		*head = 3;
		size = (size_t)byte[1] << 8 | byte[2];
	}
	return size >= ENTRY_MIN && *head + size <= left ? size : 0;
}

/* The entry whose signed bytes begin at `at`, after the head of their string, or NULL. */
static struct entry *entry_at(const struct entry_pool *pool, struct bytes data, size_t *at)
{
	size_t head = 0, size = string_at(data, *at, &head);
	struct entry *entry = size > 0 ? entry_pool_find(pool, bytes_of(data.data + *at + head, size)) : NULL;

	*at += entry ? head : 0;
	return entry;
}

struct sim_pack *sim_pack_new(const struct entry_pool *pool, const struct blob *message)
{
	struct bytes data = blob_bytes(message);
	struct sim_pack *pack;
	size_t from = 0;

	if (data.size < WORTH_IT)
		return NULL;
	pack = memory_new(sizeof(*pack));
	pack->size = data.size;
	for (size_t at = 0; at < data.size; at++) {
		struct entry *entry = entry_at(pool, data, &at);

		if (!entry)
			continue;
		buffer_append(&pack->rest, bytes_of(data.data + from, at - from));
		pack->entry = memory_grow(pack->entry, &pack->capacity, pack->count + 1, sizeof(*pack->entry));
		pack->entry[pack->count++] = (struct sim_pack_entry){at, entry_keep(entry)};
		from = at + blob_size(entry->signed_bytes);
		at = from - 1;
	}
	buffer_append(&pack->rest, bytes_of(data.data + from, data.size - from));
	/* Hundreds of thousands of them are under way at once: no spare room. */
	pack->rest.data = memory_resize(pack->rest.data, pack->rest.size);
	pack->rest.capacity = pack->rest.size;
	pack->entry = memory_resize(pack->entry, pack->count * sizeof(*pack->entry));
	return pack;
}

struct blob *sim_pack_open(struct sim_pack *pack)
{
	struct blob *blob = blob_new(0, pack->size);
	size_t at = 0, used = 0;

	blob->end = pack->size;
	for (size_t i = 0; i < pack->count; i++) {
		struct bytes entry = blob_bytes(pack->entry[i].entry->signed_bytes);
		size_t before = pack->entry[i].at - at;

		memcpy(blob->data + at, pack->rest.data + used, before);
		used += before;
		memcpy(blob->data + at + before, entry.data, entry.size);
		at += before + entry.size;
	}
	ASSERT(pack->size - at == pack->rest.size - used);
	if (at < pack->size)
		memcpy(blob->data + at, pack->rest.data + used, pack->size - at);
	sim_pack_free(pack);
	return blob;
}

void sim_pack_free(struct sim_pack *pack)
{
	if (!pack)
		return;
	for (size_t i = 0; i < pack->count; i++)
		entry_drop(pack->entry[i].entry);
	memory_free(pack->entry);
	buffer_fini(&pack->rest);
	memory_free(pack);
}
