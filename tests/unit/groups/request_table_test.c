/*
 * request_table_test.c - against a plain array.
 */
#include "base/rng.h"
#include "groups/request_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define TICKETS 20000
#define FIRST (1ull << 63)

static struct request_node node[TICKETS];
static bool is_in[TICKETS];

static void holds_what_was_put_and_not_removed(void **state)
{
	struct request_table table = {0};
	struct rng rng;
	size_t next = 0, count = 0;

	(void)state;
	rng_init(&rng, 1);
	assert_null(request_table_get(&table, FIRST));
	while (next < TICKETS) {
		if (rng_below(&rng, 3) > 0) {
			node[next].ticket = FIRST + next;
			request_table_put(&table, &node[next]);
			is_in[next++] = true;
			count++;
		} else {
			size_t which = rng_below(&rng, next + 1);
			struct request_node *found = request_table_get(&table, FIRST + which);
			assert_ptr_equal(found, which < next && is_in[which] ? &node[which] : NULL);
			if (!found)
				continue;
			request_table_remove(&table, found);
			is_in[which] = false;
			count--;
		}
		assert_int_equal(table.count, count);
	}
	for (size_t i = 0; i < TICKETS; i++) {
		assert_ptr_equal(request_table_get(&table, FIRST + i), is_in[i] ? &node[i] : NULL);
		if (is_in[i])
			request_table_remove(&table, &node[i]);
	}
	request_table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_what_was_put_and_not_removed),
	};

	return cmocka_run_group_tests_name("request_table", tests, NULL, NULL);
}
