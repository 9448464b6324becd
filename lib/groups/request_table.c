/*
 * request_table.c - see request_table.h.
 */
#include "groups/request_table.h"

#include "base/check.h"
#include "base/memory.h"

#define BUCKETS_FIRST 64

static struct request_node **bucket_of(const struct request_table *table, uint64_t ticket)
{
	return &table->bucket[ticket & (table->buckets - 1)];
}

static void link_in(struct request_table *table, struct request_node *node)
{
	struct request_node **bucket = bucket_of(table, node->ticket);

	node->next = *bucket;
	*bucket = node;
}

static void grow(struct request_table *table)
{
	struct request_table old = *table;

	table->buckets = old.buckets ? 2 * old.buckets : BUCKETS_FIRST;
	table->bucket = memory_new(table->buckets * sizeof *table->bucket);
	for (size_t i = 0; i < old.buckets; i++) {
		for (struct request_node *node = old.bucket[i], *next; node; node = next) {
			next = node->next;
			link_in(table, node);
		}
	}
	memory_free(old.bucket);
}

void request_table_fini(struct request_table *table)
{
	ASSERT(table->count == 0);
	memory_free(table->bucket);
	*table = (struct request_table){0};
}

void request_table_put(struct request_table *table, struct request_node *node)
{
	if (table->count == table->buckets)
		grow(table);
	link_in(table, node);
	table->count++;
}

struct request_node *request_table_get(const struct request_table *table, uint64_t ticket)
{
	struct request_node *node = table->buckets ? *bucket_of(table, ticket) : NULL;

	while (node && node->ticket != ticket)
		node = node->next;
	return node;
}

void request_table_remove(struct request_table *table, struct request_node *node)
{
	struct request_node **place = bucket_of(table, node->ticket);

	while (*place != node) {
		ASSERT(*place);
		place = &(*place)->next;
	}
	*place = node->next;
	table->count--;
}
