/*
 * entry_pool.c - see entry_pool.h: a hash table with open addressing. What only the pool still keeps is dropped when the table
 * is rebuilt, which happens each time it is half full.
 */
#include "discovery/entry_pool.h"

#include "base/check.h"
#include "base/memory.h"

#define SIZE_MIN 1024   /* a power of two, as every size */

struct entry_pool {
	struct entry **slot;
	size_t size;
	size_t count;
};

/* Signed bytes end with the signature; its first bytes are as good as random. */
static size_t hash_of(struct bytes signed_bytes)
{
	ASSERT(signed_bytes.size >= sizeof(struct signature));
	return (size_t)bytes_get_be64(signed_bytes.data + signed_bytes.size - sizeof(struct signature));
}

static size_t place_of(const struct entry_pool *pool, struct bytes signed_bytes)
{
	size_t at = hash_of(signed_bytes) & (pool->size - 1);

	while (pool->slot[at] != NULL && !bytes_equal(blob_bytes(pool->slot[at]->signed_bytes), signed_bytes))
		at = (at + 1) & (pool->size - 1);
	return at;
}

static void rebuild(struct entry_pool *pool)
{
	struct entry_pool old = *pool;
	size_t used = 0;

	for (size_t i = 0; i < old.size; i++)
		used += old.slot[i] != NULL && old.slot[i]->references > 1;
	pool->size = SIZE_MIN;
	while (pool->size < 4 * used)
		pool->size *= 2;
	pool->slot = memory_new(pool->size * sizeof(struct entry *));
	pool->count = used;
	for (size_t i = 0; i < old.size; i++) {
		struct entry *entry = old.slot[i];

		if (entry != NULL && entry->references > 1)
			pool->slot[place_of(pool, blob_bytes(entry->signed_bytes))] = entry;
		else
			entry_drop(entry);
	}
	memory_free(old.slot);
}

struct entry_pool *entry_pool_new(void)
{
	struct entry_pool *pool = memory_new(sizeof(*pool));

	rebuild(pool);
	return pool;
}

void entry_pool_free(struct entry_pool *pool)
{
	if (pool == NULL)
		return;
	for (size_t i = 0; i < pool->size; i++)
		entry_drop(pool->slot[i]);
	memory_free(pool->slot);
	memory_free(pool);
}

struct entry *entry_pool_find(const struct entry_pool *pool, struct bytes signed_bytes)
{
	if (pool == NULL || signed_bytes.size < sizeof(struct signature))
		return NULL;
	return pool->slot[place_of(pool, signed_bytes)];
}

void entry_pool_add(struct entry_pool *pool, struct entry *entry)
{
	size_t at;

	if (pool == NULL || entry->signed_bytes == NULL)
		return;
	if (2 * (pool->count + 1) > pool->size)
		rebuild(pool);
	at = place_of(pool, blob_bytes(entry->signed_bytes));
	if (pool->slot[at] != NULL)
		return;
	pool->slot[at] = entry_keep(entry);
	pool->count++;
}
