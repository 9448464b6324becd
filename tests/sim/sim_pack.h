/*
 * sim_pack.h - a message on its way, without what all nodes share: entries that their pool holds, and ids of nodes, are referred
 * to. What is under way is much of what a world of thousands needs in its first seconds: lists of entries, and lists of ids of
 * entries that somebody knows or wants.
 */
#ifndef TESTS_SIM_SIM_PACK_H
#define TESTS_SIM_SIM_PACK_H

#include "base/blob.h"
#include "discovery/entry_pool.h"

/* Ids by number, in the order in which they were added. Zero-initialised is empty and valid. */
struct sim_ids {
	struct id *id;
	size_t count, capacity;
	uint32_t *slot;        /* number + 1; 0: vacant */
	size_t size;           /* a power of two */
};

void sim_ids_add(struct sim_ids *ids, const struct id *id);
void sim_ids_fini(struct sim_ids *ids);

struct sim_pack;

/* NULL: not worth it, keep the blob. */
struct sim_pack *sim_pack_new(const struct entry_pool *pool, const struct sim_ids *ids, const struct blob *message);
struct blob *sim_pack_open(const struct sim_ids *ids, struct sim_pack *pack);   /* the same bytes; the pack is gone */
void sim_pack_free(struct sim_pack *pack);                                      /* NULL is fine */
size_t sim_pack_size(const struct sim_pack *pack);                              /* bytes of memory */

#endif
