/*
 * changes.c - see changes.h.
 *
 * A mere new announcement is no change: what counts is what a peer says, and that it is still the same process.
 */
#include "cmd/mosaik-catalog/changes.h"

#include "base/check.h"
#include "base/memory.h"

static void put(struct changes *changes, enum catalog_event_kind kind, struct entry *entry)
{
	changes->change = memory_grow(changes->change, &changes->capacity, changes->count + 1, sizeof *changes->change);
	changes->change[changes->count++] = (struct change){.kind = kind, .entry = entry_keep(entry)};
}

/* Downwards: what is removed moves only what was looked at already. catalog: NULL, everybody left. */
static void put_departures(struct changes *changes, const struct catalog *catalog)
{
	for (size_t i = changes->seen.count; i-- > 0;) {
		struct id peer = changes->seen.slot[i].key;
		struct entry *before = changes->seen.slot[i].value;

		if (catalog && catalog_find(catalog, &peer))
			continue;
		put(changes, PEER_DEPARTED, before);
		id_table_remove(&changes->seen, &peer);
		entry_drop(before);
	}
}

static void see(struct changes *changes, struct entry *entry)
{
	struct entry *before = id_table_get(&changes->seen, &entry->card.peer);

	if (before == entry)
		return;
	if (!before)
		put(changes, PEER_DISCOVERED, entry);
	else if (before->card.version.start != entry->card.version.start || !card_equal(&before->card, &entry->card))
		put(changes, PEER_UPDATED, entry);
	id_table_put(&changes->seen, &entry->card.peer, entry_keep(entry));
	entry_drop(before);
}

void changes_fini(struct changes *changes)
{
	struct change change;

	while (changes_next(changes, &change))
		entry_drop(change.entry);
	for (size_t i = 0; i < changes->seen.count; i++)
		entry_drop(changes->seen.slot[i].value);
	id_table_fini(&changes->seen);
	memory_free(changes->change);
}

void changes_compare(struct changes *changes, const struct catalog *catalog)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	ASSERT(changes->first == changes->count);   /* so there is never more than one difference to work off */
	changes->first = changes->count = 0;
	put_departures(changes, catalog);
	while ((peer = catalog_next(catalog, &at)) != NULL)
		see(changes, peer->entry);
}

void changes_all_gone(struct changes *changes)
{
	put_departures(changes, NULL);
}

bool changes_waiting(const struct changes *changes)
{
	return changes->first < changes->count;
}

bool changes_next(struct changes *changes, struct change *change)
{
	if (changes->first == changes->count)
		return false;
	*change = changes->change[changes->first++];
	return true;
}
