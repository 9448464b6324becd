/*
 * sim_pack.h - a message on its way, without the entries that the pool of all nodes holds: those are referred to. What is
 * under way is most of what a world of thousands needs in its first second.
 */
#ifndef TESTS_SIM_SIM_PACK_H
#define TESTS_SIM_SIM_PACK_H

#include "base/blob.h"
#include "discovery/entry_pool.h"

struct sim_pack;

/* NULL: not worth it, keep the blob. */
struct sim_pack *sim_pack_new(const struct entry_pool *pool, const struct blob *message);
struct blob *sim_pack_open(struct sim_pack *pack);   /* the same bytes; the pack is gone */
void sim_pack_free(struct sim_pack *pack);           /* NULL is fine */

#endif
