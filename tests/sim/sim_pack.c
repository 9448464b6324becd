/*
 * sim_pack.c - see sim_pack.h. A message is CBOR: an entry or an id is a byte string, and is looked for wherever one of its
 * length may begin. What looks like one and is none stays as it is.
 */
#include "tests/sim/sim_pack.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define WORTH_IT 1024   /* bytes of a message */
#define ENTRY_MIN 128   /* bytes; whatever is shorter stays as it is */
#define ID_HEAD 2       /* bytes before an id: 0x58, 32 */
#define AN_ENTRY UINT32_MAX

struct sim_pack {
	size_t size;            /* of the message */
	size_t rest_size;
	uint8_t *rest;          /* its bytes that are of no part */
	struct part {
		uint32_t at;    /* in the message */
		uint32_t what;  /* the number of an id, or AN_ENTRY: the next one of those */
	} *part;                /* ascending */
	size_t count;
	struct entry **entry;
	size_t entry_count;
};

/* ---- ids ---- */

/* Ids are keys: their first bytes are as good as random. */
static size_t slot_of(const struct sim_ids *ids, const uint8_t *id)
{
	size_t at = (size_t)bytes_get_be64(id) & (ids->size - 1);

	while (ids->slot[at] != 0 && memcmp(ids->id[ids->slot[at] - 1].byte, id, sizeof(struct id)) != 0)
		at = (at + 1) & (ids->size - 1);
	return at;
}

void sim_ids_add(struct sim_ids *ids, const struct id *id)
{
	ids->id = memory_grow(ids->id, &ids->capacity, ids->count + 1, sizeof(*ids->id));
	ids->id[ids->count++] = *id;
	if (4 * ids->count > ids->size) {
		ids->size = ids->size > 0 ? 2 * ids->size : 64;
		memory_free(ids->slot);
		ids->slot = memory_new(ids->size * sizeof(*ids->slot));
		for (size_t i = 0; i + 1 < ids->count; i++)
			ids->slot[slot_of(ids, ids->id[i].byte)] = (uint32_t)i + 1;
	}
	ids->slot[slot_of(ids, id->byte)] = (uint32_t)ids->count;
}

void sim_ids_fini(struct sim_ids *ids)
{
	memory_free(ids->id);
	memory_free(ids->slot);
	*ids = (struct sim_ids){0};
}

/* ---- packing ---- */

struct packing {
	const struct entry_pool *pool;
	const struct sim_ids *ids;
	struct bytes data;
	struct buffer rest;
	struct part *part;
	struct entry **entry;
	size_t count, capacity, entry_count, entry_capacity;
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

static void put_part(struct packing *packing, size_t at, uint32_t what)
{
	packing->part = memory_grow(packing->part, &packing->capacity, packing->count + 1, sizeof(*packing->part));
	packing->part[packing->count++] = (struct part){(uint32_t)at, what};
}

/* An id begins here and is put aside: how long it is; else 0. */
static size_t put_id(struct packing *packing, size_t at)
{
	const uint8_t *byte = packing->data.data + at;
	uint32_t number;

	if (packing->data.size - at < ID_HEAD + sizeof(struct id) || byte[0] != 0x58 || byte[1] != sizeof(struct id) ||
		packing->ids->size == 0)
		return 0;
	number = packing->ids->slot[slot_of(packing->ids, byte + ID_HEAD)];
	if (number == 0)
		return 0;
	put_part(packing, at, number - 1);
	return ID_HEAD + sizeof(struct id);
}

static size_t put_entry(struct packing *packing, size_t at)
{
	size_t head = 0, size = string_at(packing->data, at, &head);
	struct entry *entry = size > 0 ? entry_pool_find(packing->pool, bytes_of(packing->data.data + at + head, size)) : NULL;

	if (!entry)
		return 0;
	put_part(packing, at + head, AN_ENTRY);
	packing->entry = memory_grow(packing->entry, &packing->entry_capacity, packing->entry_count + 1, sizeof(struct entry *));
	packing->entry[packing->entry_count++] = entry_keep(entry);
	return head + size;
}

static void put_rest(struct packing *packing, size_t from, size_t end)
{
	buffer_append(&packing->rest, bytes_of(packing->data.data + from, end - from));
}

struct sim_pack *sim_pack_new(const struct entry_pool *pool, const struct sim_ids *ids, const struct blob *message)
{
	struct packing packing = {.pool = pool, .ids = ids, .data = blob_bytes(message)};
	struct sim_pack *pack;
	size_t from = 0;

	if (packing.data.size < WORTH_IT)
		return NULL;
	ASSERT(packing.data.size < UINT32_MAX);
	for (size_t at = 0; at < packing.data.size;) {
		size_t size = put_id(&packing, at);

		if (size == 0)
			size = put_entry(&packing, at);
		if (size > 0) {
			put_rest(&packing, from, packing.part[packing.count - 1].at);
			from = at + size;
		}
		at += size > 0 ? size : 1;
	}
	put_rest(&packing, from, packing.data.size);
	pack = memory_new(sizeof(*pack));
	*pack = (struct sim_pack){.size = packing.data.size, .rest_size = packing.rest.size, .count = packing.count,
		.entry_count = packing.entry_count};
	/* Hundreds of thousands are under way at once: no spare room. */
	pack->rest = memory_resize(packing.rest.data, packing.rest.size);
	pack->part = memory_resize(packing.part, packing.count * sizeof(*packing.part));
	pack->entry = memory_resize(packing.entry, packing.entry_count * sizeof(struct entry *));
	return pack;
}

struct blob *sim_pack_open(const struct sim_ids *ids, struct sim_pack *pack)
{
	struct blob *blob = blob_new(0, pack->size);
	struct entry **entry = pack->entry;
	size_t at = 0, used = 0;

	blob->end = pack->size;
	for (size_t i = 0; i < pack->count; i++) {
		size_t before = pack->part[i].at - at;

		memcpy(blob->data + at, pack->rest + used, before);
		used += before;
		at += before;
		if (pack->part[i].what == AN_ENTRY) {
			struct bytes bytes = blob_bytes((*entry++)->signed_bytes);

			memcpy(blob->data + at, bytes.data, bytes.size);
			at += bytes.size;
		} else {
			blob->data[at] = 0x58;
			blob->data[at + 1] = sizeof(struct id);
			memcpy(blob->data + at + ID_HEAD, ids->id[pack->part[i].what].byte, sizeof(struct id));
			at += ID_HEAD + sizeof(struct id);
		}
	}
	ASSERT(pack->size - at == pack->rest_size - used);
	if (at < pack->size)
		memcpy(blob->data + at, pack->rest + used, pack->size - at);
	sim_pack_free(pack);
	return blob;
}

void sim_pack_free(struct sim_pack *pack)
{
	if (!pack)
		return;
	for (size_t i = 0; i < pack->entry_count; i++)
		entry_drop(pack->entry[i]);
	memory_free(pack->entry);
	memory_free(pack->part);
	memory_free(pack->rest);
	memory_free(pack);
}

size_t sim_pack_size(const struct sim_pack *pack)
{
	return sizeof(*pack) + pack->rest_size + pack->count * sizeof(*pack->part) + pack->entry_count * sizeof(struct entry *);
}
