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

#include "base/checksum_internal.h"

#define SIZE 1000

static void fill(uint8_t *data)
{
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
}

static bool differs(const uint8_t *data, size_t size, const struct checksum *from)
{
	struct checksum other = checksum_of(bytes_of(data, size));

	return memcmp(other.byte, from->byte, CHECKSUM_SIZE) != 0;
}

static void the_same_bytes_have_one_wherever_they_lie(void **state)
{
	uint8_t data[SIZE], moved[SIZE + 8];
	struct checksum one;

	(void)state;
	fill(data);
	one = checksum_of(bytes_of(data, SIZE));
	for (size_t at = 0; at < 8; at++) {
		memcpy(moved + at, data, SIZE);
		assert_false(differs(moved + at, SIZE, &one));
	}
}

static void every_bit_counts(void **state)
{
	uint8_t data[SIZE];
	struct checksum one;

	(void)state;
	fill(data);
	one = checksum_of(bytes_of(data, SIZE));
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
	struct checksum one;

	(void)state;
	fill(data);
	memset(data + 500, 0, 300);
	one = checksum_of(bytes_of(data, SIZE));
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
		struct checksum one = checksum_of(bytes_of(data, size));

		assert_true(differs(data, size + 1, &one));
	}
}

/* On the wire. The value of nothing is that of xxhash's own documents (XXH128 of the empty input, seed 0). */
static void it_is_the_same_everywhere(void **state)
{
	static const uint8_t of_nothing[CHECKSUM_SIZE] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47, 0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24, 0x46,
		0x8d, 0x49, 0x7f};
	struct checksum found = checksum_of(bytes_of(NULL, 0));

	(void)state;
	assert_memory_equal(found.byte, of_nothing, CHECKSUM_SIZE);
}

/* Which of two ways is taken depends on the processor; a peer may take the other. */
static void both_ways_give_the_same(void **state)
{
	static uint8_t data[70000];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t size = 0; size <= sizeof data; size += 1 + size / 16) {
		struct checksum plain = checksum_here(bytes_of(data, size)), taken = checksum_of(bytes_of(data, size));

		assert_memory_equal(plain.byte, taken.byte, CHECKSUM_SIZE);
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
		cmocka_unit_test(both_ways_give_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
