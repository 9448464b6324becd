/*
 * id_set.h - a sorted set of digests: the tags, streams and groups of a card. At most ENTRY_SET_MAX of them.
 */
#ifndef DISCOVERY_ID_SET_H
#define DISCOVERY_ID_SET_H

#include "base/id.h"

/* Zero-initialised is empty and valid. */
struct id_set {
	struct id *id;     /* ascending, no repeats */
	size_t count;
};

void id_set_fini(struct id_set *set);                             /* leaves it empty and valid */
void id_set_copy(struct id_set *to, const struct id_set *from);   /* `to` is not initialised */
bool id_set_has(const struct id_set *set, const struct id *id);
bool id_set_equal(const struct id_set *a, const struct id_set *b);

/* true: it changed. false: it is there already, or the set is full. */
bool id_set_add(struct id_set *set, const struct id *id);
bool id_set_remove(struct id_set *set, const struct id *id);

void id_set_check(const struct id_set *set);

#endif
