/*
 * entry_pool.h - entries that many nodes of one process share: the same signed bytes are decoded and verified once. Entries
 * are immutable and counted, so nobody can tell. A node alone needs none; a simulator of thousands could not hold
 * their catalogs without it.
 */
#ifndef DISCOVERY_ENTRY_POOL_H
#define DISCOVERY_ENTRY_POOL_H

#include "discovery/entry.h"

struct entry_pool;

struct entry_pool *entry_pool_new(void);
void entry_pool_free(struct entry_pool *pool);   /* NULL is fine; entries that others keep live on */

/* Borrowed from the pool; NULL: not there, or there is no pool. */
struct entry *entry_pool_find(const struct entry_pool *pool, struct bytes signed_bytes);
/* Kept, until only the pool keeps it. pool may be NULL. */
void entry_pool_add(struct entry_pool *pool, struct entry *entry);

#endif
