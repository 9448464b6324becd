/*
 * bytes_test.c - comparing runs, growing buffers, big-endian numbers, UTF-8.
 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void compare_orders_prefix_first(void **state)
{
	struct bytes none = bytes_of(NULL, 0);
	struct bytes ab = bytes_of_text("ab");
	struct bytes abc = bytes_of_text("abc");
	struct bytes b = bytes_of_text("b");

	(void)state;
	assert_int_equal(abc.size, 3);
	assert_true(bytes_compare(none, ab) < 0);
	assert_true(bytes_compare(ab, abc) < 0);
	assert_true(bytes_compare(abc, ab) > 0);
	assert_true(bytes_compare(abc, b) < 0);
	assert_int_equal(bytes_compare(abc, bytes_of("abcd", 3)), 0);
	assert_int_equal(bytes_compare(none, none), 0);
	assert_true(bytes_compare(bytes_of("\x7F", 1), bytes_of("\x80", 1)) < 0);
}

static void equal_looks_at_size_and_bytes(void **state)
{
	(void)state;
	assert_true(bytes_equal(bytes_of(NULL, 0), bytes_of("", 0)));
	assert_true(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0b", 3)));
	assert_false(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
	assert_false(bytes_equal(bytes_of("a", 1), bytes_of("ab", 2)));
}

static void buffer_grows_and_shrinks(void **state)
{
	struct buffer buffer = {0};

	(void)state;
	assert_int_equal(buffer_bytes(&buffer).size, 0);
	buffer_append(&buffer, bytes_of(NULL, 0));
	for (int i = 0; i < 1000; i++)
		buffer_append(&buffer, bytes_of_text("0123456789"));
	assert_int_equal(buffer.size, 10000);
	memcpy(buffer_extend(&buffer, 3), "end", 3);
	assert_memory_equal(buffer.data + 9990, "0123456789end", 13);
	buffer_drop_front(&buffer, 9995);
	assert_true(bytes_equal(buffer_bytes(&buffer), bytes_of_text("56789end")));
	buffer_drop_front(&buffer, 0);
	buffer_drop_front(&buffer, 8);
	assert_int_equal(buffer.size, 0);
	buffer_append(&buffer, bytes_of_text("again"));
	buffer_clear(&buffer);
	assert_int_equal(buffer.size, 0);
	assert_true(buffer.capacity >= 10003);
	buffer_fini(&buffer);
	assert_null(buffer.data);
	buffer_append(&buffer, bytes_of_text("valid after fini"));
	buffer_fini(&buffer);
}

static void be32_is_big_endian(void **state)
{
	uint8_t at[5] = {0};

	(void)state;
	bytes_put_be32(at + 1, 0x81020304);
	assert_memory_equal(at, "\0\x81\x02\x03\x04", 5);
	assert_int_equal(bytes_get_be32(at + 1), 0x81020304);
	assert_int_equal(bytes_get_be32(at), 0x00810203);
}

static bool utf8(const char *text)
{
	return bytes_are_utf8(bytes_of_text(text));
}

/* Both ends of every row of the table in RFC 3629 section 4. */
static void utf8_takes_what_is_well_formed(void **state)
{
	(void)state;
	assert_true(bytes_are_utf8(bytes_of(NULL, 0)));
	assert_true(bytes_are_utf8(bytes_of("a\0b", 3)));
	assert_true(utf8("plain\x7F"));
	assert_true(utf8("\xC2\x80 \xDF\xBF"));
	assert_true(utf8("\xE0\xA0\x80 \xE0\xBF\xBF"));
	assert_true(utf8("\xE1\x80\x80 \xEC\xBF\xBF"));
	assert_true(utf8("\xED\x80\x80 \xED\x9F\xBF"));
	assert_true(utf8("\xEE\x80\x80 \xEF\xBF\xBF"));
	assert_true(utf8("\xF0\x90\x80\x80 \xF3\xBF\xBF\xBF \xF4\x8F\xBF\xBF"));
}

static void utf8_refuses_the_rest(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xBF", "\xC0\x80", "\xC1\xBF",                           /* lone tail; overlong in two */
		"\xC2", "\xC2\x7F", "\xC2\xC0",                                   /* cut; tail out of range */
		"\xE0\x9F\xBF", "\xE1\x80", "\xE1\x80\x7F", "\xED\xA0\x80",       /* overlong; cut; surrogate */
		"\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",           /* surrogate; overlong; too high */
		"\xF1\x80\x80", "\xF1\x80\x80\xC0", "\xF5\x80\x80\x80", "\xFF",   /* cut; tail; never a first byte */
		"fine until \xC3(",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (utf8(bad[i]))
			fail_msg("text %zu was taken", i);
	}
	/* Bytes beyond the size do not complete a sequence. */
	assert_false(bytes_are_utf8(bytes_of("\xE1\x80\x80", 2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compare_orders_prefix_first),
		cmocka_unit_test(equal_looks_at_size_and_bytes),
		cmocka_unit_test(buffer_grows_and_shrinks),
		cmocka_unit_test(be32_is_big_endian),
		cmocka_unit_test(utf8_takes_what_is_well_formed),
		cmocka_unit_test(utf8_refuses_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
