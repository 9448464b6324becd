/*
 * table.h - ordered maps from ids or numbers to pointers: sorted arrays, so that iteration is in key order on
 * every machine, never in hash or address order. Lookup O(log n); insertion moves pointers, cheap to tens of
 * thousands. The table does not own its values. Zero-initialised is empty and valid.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/id.h"

struct id_table {
	struct id_table_slot {
		struct id key;
		void *value;
	} *slot;                /* slot[0 .. count), ascending */
	size_t count;
	size_t capacity;
};

void id_table_fini(struct id_table *table);
void *id_table_get(const struct id_table *table, const struct id *key);   /* NULL: absent */
void id_table_put(struct id_table *table, const struct id *key, void *value);   /* replaces; value is not NULL */
void *id_table_remove(struct id_table *table, const struct id *key);      /* the value removed, or NULL */
size_t id_table_lower(const struct id_table *table, const struct id *key);   /* first index with slot.key >= key */

struct number_table {
	struct number_table_slot {
		uint64_t key;
		void *value;
	} *slot;
	size_t count;
	size_t capacity;
};

void number_table_fini(struct number_table *table);
void *number_table_get(const struct number_table *table, uint64_t key);
void number_table_put(struct number_table *table, uint64_t key, void *value);
void *number_table_remove(struct number_table *table, uint64_t key);

#endif
