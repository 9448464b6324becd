/*
 * cbor_test.c - the writer against the examples of RFC 8949 appendix A, the reader against everything that is not
 * deterministic.
 */
#include "wire/cbor.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cbor/encoding.h>
#include <cbor/streaming.h>
#include <cmocka.h>

/* Bytes from hex; blanks are for the reader. */
static struct bytes hex(const char *text, uint8_t out[256])
{
	size_t size = 0;

	for (; *text != '\0'; text++) {
		unsigned value;

		if (*text == ' ')
			continue;
		assert_true(size < 256);
		assert_int_equal(sscanf(text++, "%2x", &value), 1);
		out[size++] = (uint8_t)value;
	}
	return bytes_of(out, size);
}

static void assert_written(struct buffer *out, const char *expected)
{
	uint8_t data[256];

	if (!bytes_equal(buffer_bytes(out), hex(expected, data)))
		fail_msg("not written as %s", expected);
	buffer_clear(out);
}

static void writes_uint(uint64_t value, const char *expected)
{
	struct buffer out = {0};
	uint8_t data[256];
	struct cbor in;

	cbor_put_uint(&out, value);
	assert_written(&out, expected);
	buffer_fini(&out);
	cbor_init(&in, hex(expected, data));
	assert_int_equal(cbor_peek(&in), CBOR_UINT);
	assert_true(cbor_uint(&in) == value);
	assert_int_equal(cbor_peek(&in), CBOR_NOTHING);
	assert_int_equal(cbor_end(&in), OK);
}

static void writes_int(int64_t value, const char *expected)
{
	struct buffer out = {0};
	uint8_t data[256];
	struct cbor in;

	cbor_put_int(&out, value);
	assert_written(&out, expected);
	buffer_fini(&out);
	cbor_init(&in, hex(expected, data));
	assert_int_equal(cbor_peek(&in), value < 0 ? CBOR_NEGATIVE : CBOR_UINT);
	assert_true(cbor_int(&in) == value);
	assert_int_equal(cbor_end(&in), OK);
}

static void integers_as_in_the_standard(void **state)
{
	(void)state;
	writes_uint(0, "00");
	writes_uint(23, "17");
	writes_uint(24, "1818");
	writes_uint(255, "18ff");
	writes_uint(256, "190100");
	writes_uint(65535, "19ffff");
	writes_uint(65536, "1a00010000");
	writes_uint(UINT32_MAX, "1affffffff");
	writes_uint((uint64_t)UINT32_MAX + 1, "1b0000000100000000");
	writes_uint(UINT64_MAX, "1bffffffffffffffff");
	writes_int(0, "00");
	writes_int(1000, "1903e8");
	writes_int(-1, "20");
	writes_int(-24, "37");
	writes_int(-25, "3818");
	writes_int(-1000, "3903e7");
	writes_int(INT64_MAX, "1b7fffffffffffffff");
	writes_int(INT64_MIN, "3b7fffffffffffffff");
}

static void other_items_as_in_the_standard(void **state)
{
	struct id id = {{1, 2, 3}};
	struct buffer out = {0};

	(void)state;
	cbor_put_bool(&out, false);
	cbor_put_bool(&out, true);
	cbor_put_null(&out);
	assert_written(&out, "f4 f5 f6");
	cbor_put_bytes(&out, bytes_of(NULL, 0));
	cbor_put_bytes(&out, bytes_of("\1\2\3\4", 4));
	assert_written(&out, "40 4401020304");
	cbor_put_text(&out, bytes_of_text(""));
	cbor_put_text(&out, bytes_of_text("\xC3\xBC"));
	assert_written(&out, "60 62c3bc");
	cbor_put_array(&out, 0);
	cbor_put_array(&out, 25);
	cbor_put_map(&out, 0);
	cbor_put_map(&out, 2);
	assert_written(&out, "80 9819 a0 a2");
	cbor_put_id(&out, &id);
	assert_written(&out, "5820 010203 0000000000 0000000000 0000000000 0000000000 0000000000 00000000");
	buffer_fini(&out);
}

/* {1: [h'..', "hi", -5, true, null], 2: id, 3: {}} */
static void message_round_trips(void **state)
{
	struct id id = id_hash(bytes_of_text("x")), read;
	struct buffer out = {0};
	struct cbor in;

	(void)state;
	cbor_put_map(&out, 3);
	cbor_put_uint(&out, 1);
	cbor_put_array(&out, 5);
	cbor_put_bytes(&out, bytes_of("\xFF", 1));
	cbor_put_text(&out, bytes_of_text("hi"));
	cbor_put_int(&out, -5);
	cbor_put_bool(&out, true);
	cbor_put_null(&out);
	cbor_put_uint(&out, 2);
	cbor_put_id(&out, &id);
	cbor_put_uint(&out, 3);
	cbor_put_map(&out, 0);

	cbor_init(&in, buffer_bytes(&out));
	assert_int_equal(cbor_map(&in, 3), 3);
	assert_int_equal(cbor_uint(&in), 1);
	cbor_array_of(&in, 5);
	assert_true(bytes_equal(cbor_bytes(&in), bytes_of("\xFF", 1)));
	assert_true(bytes_equal(cbor_text(&in), bytes_of_text("hi")));
	assert_int_equal(cbor_int(&in), -5);
	assert_int_equal(cbor_peek(&in), CBOR_BOOL);
	assert_true(cbor_bool(&in));
	assert_int_equal(cbor_peek(&in), CBOR_NULL);
	cbor_null(&in);
	assert_int_equal(cbor_uint(&in), 2);
	read = cbor_id(&in);
	assert_true(id_equal(&id, &read));
	assert_int_equal(cbor_uint(&in), 3);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);   /* not yet: something is left */
	assert_int_equal(cbor_peek(&in), CBOR_MAP);
	assert_int_equal(cbor_map(&in, 0), 0);
	assert_int_equal(cbor_end(&in), OK);
	buffer_fini(&out);
}

static enum error skip_all(const char *text)
{
	uint8_t data[256];
	struct cbor in;

	cbor_init(&in, hex(text, data));
	cbor_skip(&in);
	return cbor_end(&in);
}

static void whole_items_are_taken(void **state)
{
	static const char *const good[] = {
		"00", "20", "40", "60", "80", "a0", "f4", "f5", "f6", "83 01 82 02 03 80", "a2 01 02 03 a1 04 05",
		"a3 00 01 20 02 40 03",                        /* keys of several types, in order of their encodings */
		"a2 18 18 00 20 00",                           /* 24 before -1 */
		"a2 61 7a 00 62 61 61 00",                     /* "z" before "aa" */
		"81 81 81 81 81 81 81 81 80",                  /* eight levels, the empty array opens none */
		"5818 000000000000000000000000000000000000000000000000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (skip_all(good[i]) != OK)
			fail_msg("%s was refused", good[i]);
	}
}

static void what_is_not_deterministic_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "0000", "8000", "f600",                                         /* nothing; bytes after the end */
		"1800", "1817", "190018", "1900ff", "1a0000ffff", "1b00000000ffffffff",   /* not shortest */
		"3800", "3817", "3900ff", "3a0000ffff", "3b00000000ffffffff",
		"5800", "581700", "5900 18", "7800", "7801 61", "9800", "9801 00", "b800", "b801 00 00",
		"9b0000000000000000",
		"5f4100ff", "5fff", "7f6161ff", "9fff", "9f00ff", "bfff", "bf0000ff", "ff",   /* indefinite; break */
		"c000", "d81800", "c11a514b67b0", "d9d9f700",                       /* tags */
		"f97e00", "f90000", "fa00000000", "fb0000000000000000",             /* floats */
		/* undefined, simple values; reserved */
		"f7", "f0", "f3", "f8ff", "f814", "f818", "f8f5", "e0", "fc", "fd", "fe",
		"1c", "1d", "1e", "1f", "3c", "3f", "5c", "5d", "7e", "9c", "bd", "dc",
		"18", "19", "1900", "1a000000", "1b00000000000000", "41", "42 00", "61", "5818",
		"81", "8200", "a1", "a100",
		"61ff", "62c328", "63eda080", "62c080",                             /* not UTF-8 */
		"a2 01 00 01 00", "a2 02 00 01 00", "a2 20 00 00 00",               /* repeated; unsorted */
		"a2 62 61 61 00 61 7a 00", "a2 41 00 00 40 00",
		"a1 80 00", "a1 a0 00", "a1 81 00 00",                              /* containers for keys */
		"a2 01 a2 01 00 01 00 02 00",                                       /* repeated, one level down */
		"81 81 81 81 81 81 81 81 81 00",                                    /* nine levels */
		"9a ffffffff", "9b ffffffffffffffff", "ba ffffffff", "bb ffffffffffffffff", "bb 8000000000000000 00 00",
		"5a ffffffff 00", "5b ffffffffffffffff 00", "7b 7fffffffffffffff 00", "83 00 00", "a2 00 00 01",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (skip_all(bad[i]) != ERROR_MALFORMED)
			fail_msg("%s was taken", bad[i]);
	}
}

static void errors_stick(void **state)
{
	uint8_t data[256];
	struct cbor in;
	struct id id;

	(void)state;
	cbor_init(&in, hex("84 01 02 03 04", data));
	cbor_array_of(&in, 4);
	assert_int_equal(cbor_uint(&in), 1);
	assert_int_equal(cbor_text(&in).size, 0);   /* 2 is not a text */
	assert_int_equal(cbor_peek(&in), CBOR_NOTHING);
	assert_int_equal(cbor_uint(&in), 0);
	assert_int_equal(cbor_int(&in), 0);
	assert_false(cbor_bool(&in));
	assert_int_equal(cbor_bytes(&in).size, 0);
	assert_int_equal(cbor_array(&in, 10), 0);
	assert_int_equal(cbor_map(&in, 10), 0);
	id = cbor_id(&in);
	assert_true(id_is_zero(&id));
	cbor_null(&in);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
}

static void counts_and_sizes_are_held(void **state)
{
	uint8_t data[256];
	struct id id;
	struct cbor in;

	(void)state;
	cbor_init(&in, hex("83 01 02 03", data));
	assert_int_equal(cbor_array(&in, 2), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("82 01 02", data));
	cbor_array_of(&in, 3);
	cbor_skip(&in);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("a2 01 02 03 04", data));
	assert_int_equal(cbor_map(&in, 1), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	/* Counts that the bytes behind them cannot hold: what makes a loop over a count safe. */
	cbor_init(&in, hex("83 01 02", data));
	assert_int_equal(cbor_array(&in, 10), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("a2 01 02 03", data));
	assert_int_equal(cbor_map(&in, 10), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("43 010203", data));
	id = cbor_id(&in);
	assert_true(id_is_zero(&id));
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("1b8000000000000000", data));   /* one above INT64_MAX */
	assert_int_equal(cbor_int(&in), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("3b8000000000000000", data));   /* one below INT64_MIN */
	assert_int_equal(cbor_int(&in), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
}

static void too_little_or_too_much_read_is_seen(void **state)
{
	uint8_t data[256];
	struct cbor in;

	(void)state;
	cbor_init(&in, hex("82 01 02", data));
	cbor_array_of(&in, 2);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), OK);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("01 02", data));   /* a message is one item, also for who would read a second */
	assert_int_equal(cbor_uint(&in), 1);
	assert_int_equal(cbor_peek(&in), CBOR_NOTHING);
	assert_int_equal(cbor_uint(&in), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, hex("01", data));
	assert_int_equal(cbor_uint(&in), 1);
	cbor_fail(&in);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
	cbor_init(&in, bytes_of(NULL, 0));
	assert_int_equal(cbor_peek(&in), CBOR_NOTHING);
	assert_int_equal(cbor_uint(&in), 0);
	assert_int_equal(cbor_end(&in), ERROR_MALFORMED);
}

/* Skipping the last item of several levels at once closes all of them, and no more than them. */
static void skip_takes_exactly_one_item(void **state)
{
	uint8_t data[256];
	struct cbor in;

	(void)state;
	cbor_init(&in, hex("83 82 01 82 02 03 a1 05 06 07", data));
	cbor_array_of(&in, 3);
	cbor_skip(&in);
	assert_int_equal(cbor_peek(&in), CBOR_MAP);
	cbor_skip(&in);
	assert_int_equal(cbor_uint(&in), 7);
	assert_int_equal(cbor_end(&in), OK);
	cbor_init(&in, hex("82 00 82 01 82 02 03", data));
	cbor_array_of(&in, 2);
	cbor_skip(&in);
	cbor_array_of(&in, 2);
	cbor_skip(&in);
	cbor_skip(&in);
	assert_int_equal(cbor_end(&in), OK);
}

static void items_are_counted(void **state)
{
	struct buffer out = {0};
	struct cbor in;

	(void)state;
	for (int over = 0; over <= 1; over++) {
		size_t count = CBOR_ITEMS_MAX - 1 + (size_t)over;   /* the array itself is one */

		buffer_clear(&out);
		cbor_put_array(&out, count);
		memset(buffer_extend(&out, count), 0, count);
		cbor_init(&in, buffer_bytes(&out));
		cbor_skip(&in);
		assert_int_equal(cbor_end(&in), over ? ERROR_MALFORMED : OK);
	}
	buffer_fini(&out);
}

struct read_by_libcbor {
	int major;
	uint64_t argument;
};

#define READ_BY_LIBCBOR(name, type, number) \
	static void name(void *context, type value) \
	{ \
		*(struct read_by_libcbor *)context = (struct read_by_libcbor){number, value}; \
	}
READ_BY_LIBCBOR(read_uint8, uint8_t, 0)
READ_BY_LIBCBOR(read_uint16, uint16_t, 0)
READ_BY_LIBCBOR(read_uint32, uint32_t, 0)
READ_BY_LIBCBOR(read_uint64, uint64_t, 0)
READ_BY_LIBCBOR(read_array, size_t, 4)

/* What is written and read by hand, libcbor writes and reads alike. */
static void heads_agree_with_libcbor(void **state)
{
	struct cbor_callbacks callbacks = cbor_empty_callbacks;

	(void)state;
	callbacks.uint8 = read_uint8;
	callbacks.uint16 = read_uint16;
	callbacks.uint32 = read_uint32;
	callbacks.uint64 = read_uint64;
	callbacks.array_start = read_array;
	for (unsigned shift = 0; shift < 64; shift++) {
		for (uint64_t near = 0; near < 5; near++) {
			uint64_t value = (UINT64_C(1) << shift) - 2 + near + (shift == 4 ? 8 : 0);   /* 22 to 26 too */
			uint8_t theirs[2 * CBOR_HEAD_MAX];
			size_t size = cbor_encode_uint(value, theirs, CBOR_HEAD_MAX);
			size_t both = size + cbor_encode_array_start((size_t)value, theirs + size, CBOR_HEAD_MAX);
			struct read_by_libcbor number = {-1, 0}, array = {-1, 0};
			struct buffer ours = {0};
			struct cbor in;

			cbor_put_uint(&ours, value);
			cbor_put_array(&ours, (size_t)value);
			assert_int_equal(ours.size, both);
			assert_memory_equal(ours.data, theirs, both);
			assert_int_equal(cbor_stream_decode(ours.data, ours.size, &callbacks, &number).read, size);
			assert_int_equal(cbor_stream_decode(ours.data + size, ours.size - size, &callbacks, &array).read, both - size);
			assert_true(number.major == 0 && number.argument == value && array.major == 4 && array.argument == value);
			cbor_init(&in, bytes_of(theirs, size));
			assert_true(cbor_uint(&in) == value);
			assert_int_equal(cbor_end(&in), OK);
			buffer_fini(&ours);
		}
	}
}

/* And those of byte strings. */
static void heads_of_byte_strings_agree(void **state)
{
	static const size_t lengths[] = {0, 1, 23, 24, 255, 256, 65535, 65536, 1000000};
	struct buffer out = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t length = 0, head;
		struct cbor in;

		buffer_clear(&out);
		memset(buffer_extend(&out, CBOR_HEAD_MAX + lengths[i]), 0, CBOR_HEAD_MAX + lengths[i]);
		head = cbor_bytes_head(out.data, lengths[i]);
		assert_int_equal(cbor_bytes_head_read(bytes_of(out.data, head), &length), head);
		assert_int_equal(length, lengths[i]);
		assert_int_equal(cbor_bytes_head_read(bytes_of(out.data, head - 1), &length), 0);
		cbor_init(&in, bytes_of(out.data, head + lengths[i]));
		assert_int_equal(cbor_bytes(&in).size, lengths[i]);
		assert_int_equal(cbor_end(&in), OK);
	}
	buffer_fini(&out);
}

static void large_heads_by_hand(void **state)
{
	uint8_t head[CBOR_HEAD_MAX], data[256];
	size_t length = 0;

	(void)state;
	assert_int_equal(cbor_bytes_head(head, UINT32_MAX), 5);
	assert_memory_equal(head, hex("5affffffff", data).data, 5);
	assert_int_equal(cbor_bytes_head(head, (size_t)UINT32_MAX + 1), 9);
	assert_memory_equal(head, hex("5b0000000100000000", data).data, 9);
	assert_int_equal(cbor_bytes_head_read(bytes_of(head, 9), &length), 9);
	assert_true(length == (size_t)UINT32_MAX + 1);
}

static void other_heads_are_not_byte_strings(void **state)
{
	static const char *const bad[] = {
		"", "00", "3f", "60", "ff", "5c", "5d", "5e", "5f", "58", "5817", "59", "5900", "5900ff", "5a000000",
		"5a0000ffff", "5b00000000000000", "5b00000000ffffffff",
	};
	uint8_t data[256];
	size_t length = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (cbor_bytes_head_read(hex(bad[i], data), &length) != 0)
			fail_msg("%s was taken", bad[i]);
	}
	assert_int_equal(length, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_as_in_the_standard),
		cmocka_unit_test(other_items_as_in_the_standard),
		cmocka_unit_test(message_round_trips),
		cmocka_unit_test(whole_items_are_taken),
		cmocka_unit_test(what_is_not_deterministic_is_refused),
		cmocka_unit_test(errors_stick),
		cmocka_unit_test(counts_and_sizes_are_held),
		cmocka_unit_test(too_little_or_too_much_read_is_seen),
		cmocka_unit_test(skip_takes_exactly_one_item),
		cmocka_unit_test(items_are_counted),
		cmocka_unit_test(heads_agree_with_libcbor),
		cmocka_unit_test(heads_of_byte_strings_agree),
		cmocka_unit_test(large_heads_by_hand),
		cmocka_unit_test(other_heads_are_not_byte_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
