/*
 * blob_test.c - headroom, counting, growing.
 */
#include "base/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void headroom_lies_before_the_bytes(void **state)
{
	struct blob *blob = blob_new(4, 10);

	(void)state;
	assert_int_equal(blob_size(blob), 0);
	assert_int_equal(blob->start, 4);
	assert_int_equal(blob->capacity, 14);
	memcpy(blob->data + blob->end, "0123456789", 10);
	blob->end += 10;
	memcpy(blob->data, "head", 4);
	assert_true(bytes_equal(blob_bytes(blob), bytes_of_text("0123456789")));
	blob->start = 0;
	assert_true(bytes_equal(blob_bytes(blob), bytes_of_text("head0123456789")));
	blob_drop(blob);
}

static void last_drop_frees(void **state)
{
	struct blob *blob = blob_copy(bytes_of_text("payload"));

	(void)state;
	assert_ptr_equal(blob_keep(blob), blob);
	assert_int_equal(blob->references, 2);
	blob_drop(blob);
	/* Still readable: the sanitizers of the san build would see a use after free here, and a leak below. */
	assert_true(bytes_equal(blob_bytes(blob), bytes_of_text("payload")));
	blob_drop(blob);
	blob_drop(NULL);
}

static void copy_of_nothing(void **state)
{
	struct blob *blob = blob_copy(bytes_of(NULL, 0));

	(void)state;
	assert_int_equal(blob_size(blob), 0);
	blob_drop(blob);
}

static void grow_keeps_bytes_and_headroom(void **state)
{
	struct blob *blob = blob_new(2, 3);

	(void)state;
	memcpy(blob->data + 2, "abc", 3);
	blob->end = 5;
	assert_ptr_equal(blob_grow(blob, 3), blob);
	assert_int_equal(blob->capacity, 5);
	blob = blob_grow(blob, 100000);
	assert_int_equal(blob->capacity, 100002);
	assert_true(bytes_equal(blob_bytes(blob), bytes_of_text("abc")));
	blob->data[100001] = 1;
	blob_drop(blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headroom_lies_before_the_bytes),
		cmocka_unit_test(last_drop_frees),
		cmocka_unit_test(copy_of_nothing),
		cmocka_unit_test(grow_keeps_bytes_and_headroom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
