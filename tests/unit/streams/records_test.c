/* The records part of a batch: what the checker lets through, the reader walks; everything else is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "streams/records.h"
#include "wire/cbor.h"

static void add(struct buffer *part, size_t size, uint8_t fill)
{
	uint8_t head[CBOR_HEAD_MAX];

	buffer_append(part, bytes_of(head, cbor_bytes_head(head, size)));
	memset(buffer_extend(part, size), fill, size);
}

/* The sizes at which the form of the head changes, and their neighbours. */
static const size_t edges[] = {0, 1, 23, 24, 25, 255, 256, 257, 65535, 65536, 1048576};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static void walks_over_all_sizes_of_head(void **state)
{
	struct buffer part = {0};
	struct bytes rest, record;

	(void)state;
	for (size_t i = 0; i < EDGES; i++)
		add(&part, edges[i], (uint8_t)i);
	assert_true(records_check(buffer_bytes(&part), EDGES, 1048576));
	rest = buffer_bytes(&part);
	for (size_t i = 0; i < EDGES; i++) {
		assert_true(records_next(&rest, &record));
		assert_int_equal(record.size, edges[i]);
		for (size_t at = 0; at < record.size; at++)
			assert_true(record.data[at] == (uint8_t)i);
	}
	assert_false(records_next(&rest, &record));
	assert_false(records_next(&rest, &record));
	buffer_fini(&part);
}

static void counts_exactly(void **state)
{
	struct buffer part = {0};

	(void)state;
	assert_true(records_check(buffer_bytes(&part), 0, 10));
	assert_false(records_check(buffer_bytes(&part), 1, 10));
	add(&part, 3, 'a');
	add(&part, 0, 0);
	assert_true(records_check(buffer_bytes(&part), 2, 10));
	assert_false(records_check(buffer_bytes(&part), 1, 10));
	assert_false(records_check(buffer_bytes(&part), 3, 10));
	assert_false(records_check(buffer_bytes(&part), UINT64_MAX, 10));
	buffer_fini(&part);
}

static void bounds_each_record(void **state)
{
	struct buffer part = {0};

	(void)state;
	add(&part, 100, 'a');
	add(&part, 101, 'b');
	assert_true(records_check(buffer_bytes(&part), 2, 101));
	assert_false(records_check(buffer_bytes(&part), 2, 100));
	buffer_fini(&part);
}

/* Cut anywhere, a part is not whole, whatever count is claimed. */
static void refuses_every_prefix(void **state)
{
	struct buffer part = {0};

	(void)state;
	add(&part, 300, 'a');
	for (size_t size = 1; size < part.size; size++) {
		assert_false(records_check(bytes_of(part.data, size), 1, 1000));
		assert_false(records_check(bytes_of(part.data, size), 0, 1000));
	}
	assert_true(records_check(buffer_bytes(&part), 1, 1000));
	buffer_fini(&part);
}

static void refuses_what_is_no_byte_string(void **state)
{
	static const struct {
		uint8_t data[10];
		size_t size;
	} bad[] = {
		{{0x00}, 1},                               /* a number */
		{{0x60}, 1},                               /* text */
		{{0x80}, 1},                               /* an array */
		{{0x5F, 0x41, 'a', 0xFF}, 4},              /* an indefinite byte string */
		{{0x5C}, 1},                               /* reserved */
		{{0x58}, 1},                               /* a head without its length */
		{{0x58, 0x17}, 2},                         /* 23 in two bytes: not the shortest form, and cut */
		{{0x58, 0x01, 'a'}, 3},                    /* 1 in two bytes, whole */
		{{0x59, 0x00, 0x01, 'a'}, 4},              /* 1 in three */
		{{0x5B, 255, 255, 255, 255, 255, 255, 255, 255}, 9},   /* as long as can be said */
		{{0x5B, 255, 255, 255, 255, 255, 255, 255, 247}, 9},   /* and so that head + length wraps to 0 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(records_check(bytes_of(bad[i].data, bad[i].size), 1, SIZE_MAX));
		assert_false(records_check(bytes_of(bad[i].data, bad[i].size), 0, SIZE_MAX));
	}
}

/* Random parts, one byte changed: never a read outside (the sanitizers see it), and what passes can be walked. */
static void survives_random_damage(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 1);
	for (unsigned round = 0; round < 2000; round++) {
		struct buffer part = {0};
		uint64_t count = rng_below(&rng, 20), walked = 0;
		struct bytes exact, rest, record;

		for (uint64_t i = 0; i < count; i++)
			add(&part, (size_t)rng_below(&rng, rng_below(&rng, 2) == 0 ? 30 : 300), (uint8_t)i);
		assert_true(records_check(buffer_bytes(&part), count, 300));
		if (part.size > 0)
			part.data[rng_below(&rng, part.size)] = (uint8_t)rng_next(&rng);
		exact = rest = buffer_bytes(&part);
		if (records_check(exact, count, 300)) {
			while (records_next(&rest, &record))
				walked++;
			assert_true(walked == count);
		}
		buffer_fini(&part);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walks_over_all_sizes_of_head),
		cmocka_unit_test(counts_exactly),
		cmocka_unit_test(bounds_each_record),
		cmocka_unit_test(refuses_every_prefix),
		cmocka_unit_test(refuses_what_is_no_byte_string),
		cmocka_unit_test(survives_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
