/*
 * heap.c - binary heap of deadlines in an array.
 *
 *            place 1                 node[place - 1] is the node at a place;
 *           /       \                the parent of place p is p / 2, its children are 2p and 2p + 1;
 *       place 2   place 3            no node has a smaller key than its parent.
 *
 * Places count from 1, so that the 0 of a zeroed node means "not in a heap".
 */
#include "base/heap.h"

#include "base/check.h"
#include "base/memory.h"

static struct heap_node *at(const struct heap *heap, size_t place)
{
	ASSERT(place >= 1 && place <= heap->count);
	return heap->node[place - 1];
}

static void settle(struct heap *heap, size_t place, struct heap_node *node)
{
	heap->node[place - 1] = node;
	node->place = place;
}

/* Both move the hole at `place`, not the node, and put the node down once: half the writes of swapping. */
static void sift_up(struct heap *heap, size_t place, struct heap_node *node)
{
	while (place > 1 && at(heap, place / 2)->key > node->key) {
		settle(heap, place, at(heap, place / 2));
		place /= 2;
	}
	settle(heap, place, node);
}

static void sift_down(struct heap *heap, size_t place, struct heap_node *node)
{
	for (;;) {
		size_t child = 2 * place;

		if (child > heap->count)
			break;
		if (child < heap->count && at(heap, child + 1)->key < at(heap, child)->key)
			child++;
		if (at(heap, child)->key >= node->key)
			break;
		settle(heap, place, at(heap, child));
		place = child;
	}
	settle(heap, place, node);
}

static void sift(struct heap *heap, size_t place, struct heap_node *node)
{
	if (place > 1 && at(heap, place / 2)->key > node->key)
		sift_up(heap, place, node);
	else
		sift_down(heap, place, node);
}

void heap_fini(struct heap *heap)
{
	/* The nodes outlive the heap; one that still claimed a place would corrupt the next heap it is put into. */
	for (size_t place = 1; place <= heap->count; place++)
		at(heap, place)->place = 0;
	memory_free(heap->node);
	*heap = (struct heap){0};
}

struct heap_node *heap_first(const struct heap *heap)
{
	return heap->count > 0 ? at(heap, 1) : NULL;
}

void heap_set(struct heap *heap, struct heap_node *node, uint64_t key)
{
	size_t place = node->place;

	if (place == 0) {
		heap->node = memory_grow(heap->node, &heap->capacity, heap->count + 1, sizeof(*heap->node));
		place = ++heap->count;
		settle(heap, place, node);
	}
	ASSERT(at(heap, place) == node);
	node->key = key;
	sift(heap, place, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	size_t place = node->place;
	struct heap_node *last;

	if (place == 0)
		return;
	ASSERT(at(heap, place) == node);
	last = at(heap, heap->count);
	heap->count--;
	node->place = 0;
	if (last != node)
		sift(heap, place, last);
}
