/*
 * peer_table.h - the peers of a catalog in the order of their ids. The key is not stored: a peer's entry has it. Lookups run
 * over the first bits of the ids in an array of their own, 4 bytes a peer, and look at one entry at the end; so a
 * catalog costs 12 bytes a peer for its order, and inserting moves little. It does not own its peers; zero-initialised
 * is empty and valid.
 */
#ifndef DISCOVERY_PEER_TABLE_H
#define DISCOVERY_PEER_TABLE_H

#include "base/id.h"

struct catalog_peer;

struct peer_table {
	uint32_t *prefix;              /* prefix[0 .. count), ascending: the first 32 bits of the ids */
	struct catalog_peer **peer;    /* peer[0 .. count), ascending by id */
	size_t count;
	size_t capacity;
};

void peer_table_fini(struct peer_table *table);
struct catalog_peer *peer_table_get(const struct peer_table *table, const struct id *id);   /* NULL: absent */
const struct id *peer_table_id(const struct peer_table *table, size_t at);
void peer_table_add(struct peer_table *table, struct catalog_peer *peer);   /* it has its entry, and is not there yet */
struct catalog_peer *peer_table_remove(struct peer_table *table, const struct id *id);   /* NULL: absent */
size_t peer_table_lower(const struct peer_table *table, const struct id *id);   /* the first place whose id is >= id */

#endif
