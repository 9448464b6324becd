/*
 * heap_test.c - the heap against a plain array of keys, through thousands of random steps.
 */
#include "base/heap.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NODES 100

static void check_order(const struct heap *heap)
{
	for (size_t place = 1; place <= heap->count; place++) {
		assert_int_equal(heap->node[place - 1]->place, place);
		if (place > 1)
			assert_true(heap->node[place / 2 - 1]->key <= heap->node[place - 1]->key);
	}
}

static uint64_t smallest(const struct heap_node *nodes)
{
	uint64_t key = UINT64_MAX;

	for (size_t i = 0; i < NODES; i++) {
		if (nodes[i].place != 0 && nodes[i].key < key)
			key = nodes[i].key;
	}
	return key;
}

static void first_is_smallest_whatever_happened(void **state)
{
	struct heap_node nodes[NODES] = {{0}};
	struct heap heap = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 9);
	assert_null(heap_first(&heap));
	for (int step = 0; step < 10000; step++) {
		struct heap_node *node = &nodes[rng_below(&rng, NODES)];

		if (rng_below(&rng, 3) > 0) {
			heap_set(&heap, node, rng_below(&rng, 50));   /* few keys: equal ones occur all the time */
		} else {
			heap_remove(&heap, node);
			assert_int_equal(node->place, 0);
		}
		check_order(&heap);
		if (heap.count > 0)
			assert_true(heap_first(&heap)->key == smallest(nodes));
	}
	heap_fini(&heap);
	for (size_t i = 0; i < NODES; i++)
		assert_int_equal(nodes[i].place, 0);
}

static void drains_in_order(void **state)
{
	struct heap_node nodes[NODES] = {{0}};
	struct heap heap = {0};
	uint64_t last = 0;

	(void)state;
	for (size_t i = 0; i < NODES; i++)
		heap_set(&heap, &nodes[i], (i * 37) % NODES);
	for (size_t i = 0; i < NODES; i++) {
		struct heap_node *first = heap_first(&heap);

		assert_true(first->key >= last);
		last = first->key;
		heap_remove(&heap, first);
		heap_remove(&heap, first);   /* the second time nothing happens */
	}
	assert_null(heap_first(&heap));
	heap_fini(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_is_smallest_whatever_happened),
		cmocka_unit_test(drains_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
