/*
 * changes.h - what happened between two listings: who came, who says something else, who is gone.
 */
#ifndef CATALOG_CHANGES_H
#define CATALOG_CHANGES_H

#include "node/node.h"

struct change {
	enum catalog_event_kind kind;
	struct entry *entry;           /* the newest; of who left the last; whoever takes it drops it */
};

/* Zero-initialised: nobody was there, nothing happened. */
struct changes {
	struct id_table seen;          /* id -> struct entry */
	struct change *change;         /* change[first .. count) are not taken yet */
	size_t first;
	size_t count;
	size_t capacity;
};

void changes_fini(struct changes *changes);
/* Compares with what was seen last; in id order, those who left first. */
void changes_compare(struct changes *changes, const struct catalog *catalog);
void changes_all_gone(struct changes *changes);
bool changes_waiting(const struct changes *changes);
bool changes_next(struct changes *changes, struct change *change);   /* false: all are taken */

#endif
