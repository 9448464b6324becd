/*
 * table_test.c - ordered maps against a plain array that marks which keys are in.
 */
#include "base/table.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEYS 200

/* Spread so that neither insertion order nor byte order of the number is the order of the ids. */
static struct id key_of(size_t i)
{
	uint8_t byte = (uint8_t)i;

	return id_hash(bytes_of(&byte, 1));
}

static void check_id_order(const struct id_table *table, size_t expected)
{
	assert_int_equal(table->count, expected);
	for (size_t i = 1; i < table->count; i++)
		assert_true(id_compare(&table->slot[i - 1].key, &table->slot[i].key) < 0);
}

static void ids_behave_as_a_map(void **state)
{
	struct id_table table = {0};
	int values[KEYS];
	void *model[KEYS] = {NULL};
	size_t count = 0;
	struct rng rng;

	(void)state;
	rng_init(&rng, 5);
	for (int step = 0; step < 4000; step++) {
		size_t i = (size_t)rng_below(&rng, KEYS);
		struct id key = key_of(i);

		assert_ptr_equal(id_table_get(&table, &key), model[i]);
		if (rng_below(&rng, 2) == 0) {
			count += model[i] == NULL;
			model[i] = &values[rng_below(&rng, KEYS)];
			id_table_put(&table, &key, model[i]);
		} else {
			count -= model[i] != NULL;
			assert_ptr_equal(id_table_remove(&table, &key), model[i]);
			model[i] = NULL;
		}
		assert_ptr_equal(id_table_get(&table, &key), model[i]);
		check_id_order(&table, count);
	}
	id_table_fini(&table);
	assert_int_equal(table.count, 0);
}

static void lower_finds_the_place(void **state)
{
	struct id_table table = {0};
	struct id key = {{0}};
	int value;

	(void)state;
	assert_int_equal(id_table_lower(&table, &key), 0);
	for (uint8_t i = 1; i <= 5; i++) {
		key.byte[0] = (uint8_t)(i * 10);
		id_table_put(&table, &key, &value);
	}
	for (uint8_t i = 0; i <= 60; i++) {
		key.byte[0] = i;
		assert_int_equal(id_table_lower(&table, &key), i <= 10 ? 0 : i > 50 ? 5 : (i - 1) / 10);
	}
	id_table_fini(&table);
}

static void numbers_behave_as_a_map(void **state)
{
	struct number_table table = {0};
	int values[KEYS];
	void *model[KEYS] = {NULL};
	struct rng rng;

	(void)state;
	rng_init(&rng, 6);
	for (int step = 0; step < 4000; step++) {
		uint64_t i = rng_below(&rng, KEYS);
		/* Large keys: a comparison by subtraction would get their order wrong. */
		uint64_t key = i * (UINT64_MAX / KEYS);

		assert_ptr_equal(number_table_get(&table, key), model[i]);
		if (rng_below(&rng, 2) == 0) {
			model[i] = &values[i];
			number_table_put(&table, key, model[i]);
		} else {
			assert_ptr_equal(number_table_remove(&table, key), model[i]);
			model[i] = NULL;
		}
		assert_ptr_equal(number_table_get(&table, key), model[i]);
		for (size_t k = 1; k < table.count; k++)
			assert_true(table.slot[k - 1].key < table.slot[k].key);
	}
	number_table_fini(&table);
}

static void empty_tables_answer(void **state)
{
	struct number_table numbers = {0};
	struct id_table ids = {0};
	struct id key = {{0}};

	(void)state;
	assert_null(number_table_get(&numbers, 0));
	assert_null(number_table_remove(&numbers, 0));
	assert_null(id_table_get(&ids, &key));
	assert_null(id_table_remove(&ids, &key));
	number_table_fini(&numbers);
	id_table_fini(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_behave_as_a_map),
		cmocka_unit_test(lower_finds_the_place),
		cmocka_unit_test(numbers_behave_as_a_map),
		cmocka_unit_test(empty_tables_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
