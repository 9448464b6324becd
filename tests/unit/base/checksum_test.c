/*
 * checksum_test.c - every accident that the checksum is for changes it.
 */
#include "base/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SIZE 1000

static void fill(uint8_t *data)
{
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
}

static bool differs(const uint8_t *data, size_t size, const struct id *from)
{
	struct id other = checksum(bytes_of(data, size));

	return !id_equal(&other, from);
}

static void the_same_bytes_have_one_wherever_they_lie(void **state)
{
	uint8_t data[SIZE], moved[SIZE + 8];
	struct id one;

	(void)state;
	fill(data);
	one = checksum(bytes_of(data, SIZE));
	for (size_t at = 0; at < 8; at++) {
		memcpy(moved + at, data, SIZE);
		assert_false(differs(moved + at, SIZE, &one));
	}
}

static void every_bit_counts(void **state)
{
	uint8_t data[SIZE];
	struct id one;

	(void)state;
	fill(data);
	one = checksum(bytes_of(data, SIZE));
	for (size_t bit = 0; bit < SIZE * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(differs(data, SIZE, &one));
		data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* Pieces of any size, also of whole stripes and of zeros. */
static void order_counts(void **state)
{
	uint8_t data[SIZE], moved[SIZE];
	struct id one;

	(void)state;
	fill(data);
	memset(data + 500, 0, 300);
	one = checksum(bytes_of(data, SIZE));
	for (size_t piece = 1; piece <= 250; piece++) {
		memcpy(moved, data, SIZE);
		memcpy(moved, data + piece, piece);
		memcpy(moved + piece, data, piece);
		assert_true(differs(moved, SIZE, &one));
		memmove(moved, data + piece, SIZE - piece);
		memcpy(moved + SIZE - piece, data, piece);
		assert_true(differs(moved, SIZE, &one));
	}
}

static void the_end_counts(void **state)
{
	uint8_t data[SIZE] = {0};

	(void)state;
	for (size_t size = 0; size < SIZE; size++) {
		struct id one = checksum(bytes_of(data, size));

		assert_true(differs(data, size + 1, &one));
	}
}

/* On the wire: another machine, another compiler must find the same. Worked out by a second program, in Python. */
static void it_is_the_same_everywhere(void **state)
{
	static const struct {
		size_t size;
		const char *hex;
	} known[] = {
		{0, "3129a9b41c90c623f10f8d13e04b3389adf4282ea047b4c38fe1e7df382c5722"},
		{1, "7ca49021fa45918062bab3a19f980ac187144e3cc290af9b59cfffcf5c4dcfec"},
		{128, "f4c73e721003219ae8b7dbf3d9a3308946071601d39cea09a6fa1026148b4d6e"},
		{1000, "0fbac1d154e2c58508bc6cc6dfa1cc92562475e8a965db98f103d29c236c945e"},
	};
	uint8_t data[SIZE];

	(void)state;
	fill(data);
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		struct id found = checksum(bytes_of(data, known[i].size));
		char hex[ID_TEXT_SIZE];

		id_format(&found, hex);
		assert_string_equal(hex, known[i].hex);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_bytes_have_one_wherever_they_lie),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(order_counts),
		cmocka_unit_test(the_end_counts),
		cmocka_unit_test(it_is_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
