/*
 * memory_test.c - zeroed, copied and growing memory.
 */
#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void new_memory_is_zero(void **state)
{
	static const unsigned char zero[300];
	unsigned char *data = memory_new(sizeof(zero));

	(void)state;
	assert_memory_equal(data, zero, sizeof(zero));
	memory_free(data);
	memory_free(NULL);
}

static void size_zero_is_a_pointer(void **state)
{
	void *made = memory_new(0);
	void *copied = memory_copy(NULL, 0);
	void *resized = memory_resize(NULL, 0);

	(void)state;
	assert_non_null(made);
	assert_non_null(copied);
	assert_non_null(resized);
	memory_free(made);
	memory_free(copied);
	memory_free(resized);
}

static void copies_are_apart(void **state)
{
	char text[] = "first";
	char *copy = memory_copy_text(text);
	char *part = memory_copy(text, 3);

	(void)state;
	text[0] = 'X';
	assert_string_equal(copy, "first");
	assert_memory_equal(part, "fir", 3);
	memory_free(copy);
	memory_free(part);
}

static void wipe_zeroes(void **state)
{
	char secret[8] = "secret!";

	(void)state;
	memory_wipe(secret + 2, 4);
	assert_memory_equal(secret, "se\0\0\0\0!", 8);
	memory_wipe(NULL, 0);
}

static void grow_doubles_and_keeps(void **state)
{
	size_t capacity = 0;
	uint32_t *array = memory_grow(NULL, &capacity, 1, sizeof(*array));
	size_t first = capacity;
	uint32_t *same;

	(void)state;
	assert_true(capacity >= 1);
	for (size_t i = 0; i < first; i++)
		array[i] = (uint32_t)i;
	same = memory_grow(array, &capacity, first, sizeof(*array));
	assert_ptr_equal(same, array);
	assert_int_equal(capacity, first);
	array = memory_grow(array, &capacity, first + 1, sizeof(*array));
	assert_int_equal(capacity, 2 * first);
	for (size_t i = 0; i < first; i++)
		assert_int_equal(array[i], i);
	array = memory_grow(array, &capacity, 10 * first, sizeof(*array));
	assert_int_equal(capacity, 16 * first);
	memory_free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(size_zero_is_a_pointer),
		cmocka_unit_test(copies_are_apart),
		cmocka_unit_test(wipe_zeroes),
		cmocka_unit_test(grow_doubles_and_keeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
