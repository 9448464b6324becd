/*
 * collection.h - the collections that a group replicates: six kinds, each a state (groups/state.h).
 *
 *      map      keys to values                          set      keys
 *      vec      a sequence of values                    cell     one value or none
 *      once     one value, set once for ever            pqueue   keys with a priority and a value, from both ends
 *
 * Commands, queries and what they give back: map_wire.h, vec_wire.h, ...; changes for watchers: change.h. Content is
 * canonical: whatever led to it, equal content has equal items, equal bytes and equal hash.
 */
#ifndef COLLECTIONS_COLLECTION_H
#define COLLECTIONS_COLLECTION_H

#include "collections/type.h"
#include "groups/state.h"

enum collection_kind {
	COLLECTION_MAP,
	COLLECTION_VEC,
	COLLECTION_SET,
	COLLECTION_CELL,
	COLLECTION_ONCE,
	COLLECTION_PQUEUE,
	COLLECTION_KINDS
};

/* What an entry can consist of, in this order wherever several stand together. */
enum part { PART_PRIORITY, PART_KEY, PART_VALUE, PARTS };

/* What all members must agree on. */
struct collection_shape {
	enum collection_kind kind;
	enum type type[PARTS];           /* of the parts that the kind has; others are ignored */
	uint64_t capacity;               /* pqueue: entries; 0: no bound. Others: 0 */
};

const char *collection_kind_name(enum collection_kind kind);                                     /* "map" */
MUST_CHECK enum error collection_kind_from_name(struct bytes name, enum collection_kind *out);   /* ERROR_BAD_TEXT */
bool collection_has(enum collection_kind kind, enum part part);

/* The types of a shape as "str:u64": one for each part that its kind has. ERROR_BAD_TEXT: others, or not as many. */
MUST_CHECK enum error collection_types_from_text(struct bytes text, struct collection_shape *shape);
void collection_types_print(const struct collection_shape *shape, struct buffer *out);

struct state collection_new(const struct collection_shape *shape);   /* empty; released by its ops */
void collection_check(const struct state *state);                    /* asserts every invariant; O(n) */

#endif
