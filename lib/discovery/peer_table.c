/*
 * peer_table.c - see peer_table.h. Ids are hashes or keys, so prefixes rarely tie; ties are settled by the entries.
 */
#include "discovery/peer_table.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/memory.h"
#include "discovery/catalog.h"

#include <string.h>

#define NEAR 16    /* a cache line of prefixes */
#define BLOCK 64   /* peers */

static uint32_t prefix_of(const struct id *id)
{
	return bytes_get_be32(id->byte);
}

static struct catalog_peer *peer_in(const struct peer_table *table, uint32_t place)
{
	return &table->block[place / BLOCK][place % BLOCK];
}

struct catalog_peer *peer_table_at(const struct peer_table *table, size_t at)
{
	ASSERT(at < table->count);
	return peer_in(table, table->place[at]);
}

const struct id *peer_table_id(const struct peer_table *table, size_t at)
{
	return &peer_table_at(table, at)->entry->card.peer;
}

static bool is_at(const struct peer_table *table, size_t at, const struct id *id)
{
	return at < table->count && table->prefix[at] == prefix_of(id) && id_equal(peer_table_id(table, at), id);
}

void peer_table_fini(struct peer_table *table)
{
	for (size_t i = 0; i < table->block_count; i++)
		memory_free(table->block[i]);
	memory_free(table->block);
	memory_free(table->prefix);
	memory_free(table->place);
	*table = (struct peer_table){0};
}

struct catalog_peer *peer_table_get(const struct peer_table *table, const struct id *id)
{
	size_t at = peer_table_lower(table, id);

	return is_at(table, at, id) ? peer_table_at(table, at) : NULL;
}

/* A quarter more, not twice: where many nodes share a process this is most of what they hold. */
static void make_room(struct peer_table *table)
{
	if (table->count < table->capacity)
		return;
	table->capacity += table->capacity / 4 + 8;
	table->prefix = memory_resize(table->prefix, table->capacity * sizeof(*table->prefix));
	table->place = memory_resize(table->place, table->capacity * sizeof(*table->place));
}

/* A place that nobody has. Those that were given back are a chain, each with the next one in `before`. */
static uint32_t take_place(struct peer_table *table)
{
	uint32_t place = table->used;

	if (table->vacant > 0) {
		place = table->vacant - 1;
		table->vacant = peer_in(table, place)->before;
		return place;
	}
	if (place / BLOCK == table->block_count) {
		table->block = memory_resize(table->block, (table->block_count + 1) * sizeof(struct catalog_peer *));
		table->block[table->block_count++] = memory_new(BLOCK * sizeof(struct catalog_peer));
	}
	table->used++;
	return place;
}

struct catalog_peer *peer_table_add(struct peer_table *table, struct entry *entry)
{
	const struct id *id = &entry->card.peer;
	size_t at = peer_table_lower(table, id), after = table->count - at;
	uint32_t place = take_place(table);

	ASSERT(!is_at(table, at, id));
	make_room(table);
	memmove(table->prefix + at + 1, table->prefix + at, after * sizeof(*table->prefix));
	memmove(table->place + at + 1, table->place + at, after * sizeof(*table->place));
	table->prefix[at] = prefix_of(id);
	table->place[at] = place;
	table->count++;
	*peer_in(table, place) = (struct catalog_peer){.entry = entry};
	return peer_in(table, place);
}

struct entry *peer_table_remove(struct peer_table *table, const struct id *id)
{
	size_t at = peer_table_lower(table, id);
	struct catalog_peer *peer;
	struct entry *entry;
	uint32_t place;

	if (!is_at(table, at, id))
		return NULL;
	place = table->place[at];
	peer = peer_in(table, place);
	entry = peer->entry;
	*peer = (struct catalog_peer){.before = table->vacant};
	table->vacant = place + 1;
	table->count--;
	memmove(table->prefix + at, table->prefix + at + 1, (table->count - at) * sizeof(*table->prefix));
	memmove(table->place + at, table->place + at + 1, (table->count - at) * sizeof(*table->place));
	return entry;
}

/* Everything before *low is smaller than the prefix, everything from *high on is not. */
static void bracket(const struct peer_table *table, uint32_t prefix, size_t *low, size_t *high)
{
	size_t guess = (size_t)((uint64_t)prefix * table->count >> 32);

	/* Ids are spread evenly, so the place is near the guess; each step that does not reach it is followed by a longer one. */
	*low = *high = guess;
	for (size_t step = NEAR; *low > 0 && table->prefix[*low - 1] >= prefix; step *= 4) {
		*high = *low;
		*low = *low > step ? *low - step : 0;
	}
	for (size_t step = NEAR; *high < table->count && table->prefix[*high] < prefix; step *= 4) {
		*low = *high + 1;
		*high = *high + step < table->count ? *high + step : table->count;
	}
}

size_t peer_table_lower(const struct peer_table *table, const struct id *id)
{
	uint32_t prefix = prefix_of(id);
	size_t low, high;

	bracket(table, prefix, &low, &high);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table->prefix[middle] < prefix)
			low = middle + 1;
		else
			high = middle;
	}
	while (low < table->count && table->prefix[low] == prefix && id_compare(peer_table_id(table, low), id) < 0)
		low++;
	return low;
}
