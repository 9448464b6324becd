/*
 * pqueue_internal.h - for pqueue.c and pqueue_query.c.
 */
#ifndef COLLECTIONS_PQUEUE_INTERNAL_H
#define COLLECTIONS_PQUEUE_INTERNAL_H

#include "collections/collection_internal.h"
#include "collections/pqueue_wire.h"

extern query_function *const pqueue_queries[PQUEUE_LIST + 1];

/* With what all keys of the order begin that have this priority. */
void pqueue_order_prefix(const struct collection *self, struct bytes priority, struct buffer *out);
/* The entry of this rank in the order. */
const struct tree_entry *pqueue_at(const struct collection *self, uint64_t rank);

void pqueue_range_read(struct cbor *in, struct pqueue_range *out);
/* The ranks in the order that a range takes in: from `from` to `to`, excluded. */
void pqueue_range_ranks(const struct collection *self, const struct pqueue_range *range, uint64_t *from, uint64_t *to);

#endif
