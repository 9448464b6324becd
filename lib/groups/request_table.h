/*
 * request_table.h - requests by their ticket, tens of thousands at once: a hash table with chains through the requests.
 *
 * Tickets are drawn one after the other, so their low bits spread them evenly: no peer chooses where one goes.
 */
#ifndef GROUPS_REQUEST_TABLE_H
#define GROUPS_REQUEST_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct request_node {
	uint64_t ticket;
	struct request_node *next;       /* of the same bucket */
};

/* Zero-initialised is empty and valid. Does not own its nodes. */
struct request_table {
	struct request_node **bucket;
	size_t buckets;                  /* 0, or a power of two */
	size_t count;
};

void request_table_fini(struct request_table *table);
void request_table_put(struct request_table *table, struct request_node *node);               /* a new ticket */
struct request_node *request_table_get(const struct request_table *table, uint64_t ticket);   /* NULL: absent */
void request_table_remove(struct request_table *table, struct request_node *node);            /* it is in the table */

#endif
