/*
 * keyed_internal.h - what map and set share: entries found by key.
 */
#ifndef COLLECTIONS_KEYED_INTERNAL_H
#define COLLECTIONS_KEYED_INTERNAL_H

#include "collections/collection_internal.h"

/* Puts an entry; *old: what was there, the caller's to drop, or NULL. */
void keyed_put(struct call *call, const struct parts *parts, struct tree_entry **old);
/* Whole commands. */
void keyed_put_many(struct call *call);      /* count: keys that were not there */
void keyed_remove(struct call *call);
void keyed_remove_many(struct call *call);   /* count: keys that were there */

extern query_function *const keyed_queries[KEYED_HAS_ALL + 1];

#endif
