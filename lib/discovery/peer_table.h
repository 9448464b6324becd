/*
 * peer_table.h - the peers of a catalog in the order of their ids. The key is not stored: a peer's entry has it. Lookups run
 * over the first bits of the ids in an array of their own, and look at one entry at the end. Peers lie in blocks that never
 * move, so a pointer to one is good until it is removed; its order costs 8 bytes, and inserting moves little. Entries are not
 * the table's; zero-initialised is empty and valid.
 */
#ifndef DISCOVERY_PEER_TABLE_H
#define DISCOVERY_PEER_TABLE_H

#include "base/id.h"

struct catalog_peer;

struct entry;

struct peer_table {
	uint32_t *prefix;              /* prefix[0 .. count), ascending: the first 32 bits of the ids */
	uint32_t *place;               /* place[0 .. count): where in the blocks the peer is */
	size_t count;
	size_t capacity;
	struct catalog_peer **block;   /* block[0 .. block_count) */
	size_t block_count;
	uint32_t used;                 /* places that were ever taken */
	uint32_t vacant;               /* the last one that was given back, plus 1; 0: none */
};

void peer_table_fini(struct peer_table *table);
struct catalog_peer *peer_table_get(const struct peer_table *table, const struct id *id);   /* NULL: absent */
struct catalog_peer *peer_table_at(const struct peer_table *table, size_t at);
const struct id *peer_table_id(const struct peer_table *table, size_t at);
struct catalog_peer *peer_table_add(struct peer_table *table, struct entry *entry);   /* its peer is not there yet; the rest is zero */
struct entry *peer_table_remove(struct peer_table *table, const struct id *id);   /* the entry it had; NULL: absent */
size_t peer_table_lower(const struct peer_table *table, const struct id *id);   /* the first place whose id is >= id */

#endif
