/*
 * heap.h - binary heap of deadlines; a node knows its place, so that changing and removing cost O(log n).
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;      /* the smallest key is first; equal keys in no particular order */
	size_t place;      /* 0: not in a heap */
};

/* Zero-initialised is empty and valid. Does not own its nodes. */
struct heap {
	struct heap_node **node;
	size_t count;
	size_t capacity;
};

void heap_fini(struct heap *heap);
struct heap_node *heap_first(const struct heap *heap);            /* NULL: empty */
void heap_set(struct heap *heap, struct heap_node *node, uint64_t key);   /* inserts or moves */
void heap_remove(struct heap *heap, struct heap_node *node);      /* nothing if it is not in */

#endif
