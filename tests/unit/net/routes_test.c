/*
 * routes_test.c - ids to connections, against a plain list, through growth and removals.
 */
#include "net/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define KEYS 600

struct known {
	uint8_t key[ROUTE_KEY_MAX];
	size_t size;
	int target;
	bool present;
};

static struct bytes key_of(const struct known *known)
{
	return bytes_of(known->key, known->size);
}

static void it_agrees_with_a_list(void **state)
{
	static struct known known[KEYS];
	struct routes routes;
	struct rng rng;

	(void)state;
	rng_init(&rng, 3);
	routes_init(&routes, 42);
	for (size_t i = 0; i < KEYS; i++) {
		known[i].size = 8 + (size_t)rng_below(&rng, ROUTE_KEY_MAX - 7);
		for (size_t j = 0; j < known[i].size; j++)
			known[i].key[j] = (uint8_t)rng_next(&rng);
	}
	for (int step = 0; step < 20000; step++) {
		struct known *one = &known[rng_below(&rng, KEYS)];
		if (rng_below(&rng, 2)) {
			routes_put(&routes, key_of(one), &one->target);
			one->present = true;
		} else {
			routes_remove(&routes, key_of(one), &one->target);
			one->present = false;
		}
	}
	size_t count = 0;
	for (size_t i = 0; i < KEYS; i++) {
		void *found = routes_get(&routes, key_of(&known[i]));
		assert_ptr_equal(found, known[i].present ? &known[i].target : NULL);
		count += known[i].present;
	}
	assert_int_equal(routes.count, count);
	routes_fini(&routes);
}

static void a_route_that_leads_elsewhere_stays(void **state)
{
	struct routes routes;
	int mine, other;

	(void)state;
	routes_init(&routes, 1);
	routes_put(&routes, bytes_of("0123456789", 10), &other);
	routes_remove(&routes, bytes_of("0123456789", 10), &mine);
	assert_ptr_equal(routes_get(&routes, bytes_of("0123456789", 10)), &other);
	assert_null(routes_get(&routes, bytes_of("012345678", 9)));
	assert_null(routes_get(&routes, bytes_of("0123456789012345678901234", 25)));
	routes_fini(&routes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_agrees_with_a_list),
		cmocka_unit_test(a_route_that_leads_elsewhere_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
