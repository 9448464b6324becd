/* Equality on a field of a JSON record: what counts as the same, and what is not readable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "streams/json_field.h"

static bool equals(const char *record, const char *path, const char *value)
{
	return json_field_equals(bytes_of_text(record), bytes_of_text(path), bytes_of_text(value));
}

static void strings_and_literals_are_compared(void **state)
{
	(void)state;
	assert_true(equals("{\"a\":\"x\"}", "a", "x"));
	assert_true(equals(" { \"b\" : 1 , \"a\" : \"x\" } ", "a", "x"));
	assert_false(equals("{\"a\":\"x\"}", "a", "xx"));
	assert_false(equals("{\"a\":\"xx\"}", "a", "x"));
	assert_false(equals("{\"a\":\"x\"}", "b", "x"));
	assert_true(equals("{\"a\":\"\"}", "a", ""));
	assert_true(equals("{\"a\":12}", "a", "12"));
	assert_true(equals("{\"a\":12 ,\"b\":0}", "a", "12"));
	assert_false(equals("{\"a\":12.0}", "a", "12"));
	assert_true(equals("{\"a\":true}", "a", "true"));
	assert_true(equals("{\"a\":null}", "a", "null"));
	assert_false(equals("{\"a\":null}", "a", ""));
	assert_true(equals("{\"a\":1,\"a\":2}", "a", "1"));
	assert_false(equals("{\"a\":1,\"a\":2}", "a", "2"));
}

static void paths_go_into_objects(void **state)
{
	(void)state;
	assert_true(equals("{\"z\":[{\"a\":0},\"}\"],\"a\":{\"q\":{},\"b\":{\"c\":3}}}", "a.b.c", "3"));
	assert_false(equals("{\"a\":{\"c\":3}}", "c", "3"));
	assert_false(equals("{\"a\":[3]}", "a.0", "3"));
	assert_false(equals("{\"a\":{\"b\":3}}", "a", "3"));
	assert_false(equals("{\"a\":3}", "a.b", "3"));
}

static void escapes_are_read(void **state)
{
	(void)state;
	assert_true(equals("{\"\\u0061\":\"\\u00e9\\n\\\"\\\\\\/\"}", "a", "\xC3\xA9\n\"\\/"));
	assert_true(equals("{\"a\":\"\\ud83d\\ude00\"}", "a", "\xF0\x9F\x98\x80"));
	assert_true(equals("{\"a\":\"\\u20ac\"}", "a", "\xE2\x82\xAC"));
	assert_true(equals("{\"q\\\"\":\"}\",\"a\":1}", "a", "1"));
}

static void what_cannot_be_read_is_false(void **state)
{
	static const char *const bad[] = {"", " ", "a", "[]", "{", "{}", "{\"a\"", "{\"a\":", "{\"a\" 1}", "{a:1}", "{\"a\":\"1",
		"{\"b\":\"\\x\",\"a\":1}", "{\"b\":\"\\u12\",\"a\":1}", "{\"b\":\"\\ud83d\",\"a\":1}", "{\"b\":\"\\ud83d\\u0041\",\"a\":1}",
		"{\"b\":},\"a\":1}", "{\"b\":],\"a\":1}", "{\"b\":[,\"a\":1", "{,\"a\":1}", "{\"b\":1 \"a\":1}", "\"a\":1", "{\"b\":\"\\"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(equals(bad[i], "a", "1"));
	assert_false(json_field_equals(bytes_of(NULL, 0), bytes_of_text("a"), bytes_of_text("1")));
}

/* Every prefix in memory of its own size, so that a sanitizer sees a byte too far; depth is no recursion. */
static void no_prefix_is_read_beyond(void **state)
{
	static const char whole[] = "{\"z\":[1,{\"y\":\"\\u00e9\"}],\"a\":{\"b\":\"\\ud83d\\ude00x\"}}";
	size_t deep_size = 200000;
	char *deep = memory_new(deep_size + 1);

	(void)state;
	for (size_t size = 0; size < sizeof(whole); size++) {
		uint8_t *copy = memory_copy(whole, size);

		json_field_equals(bytes_of(copy, size), bytes_of_text("a.b"), bytes_of_text("\xF0\x9F\x98\x80x"));
		memory_free(copy);
	}
	assert_true(equals(whole, "a.b", "\xF0\x9F\x98\x80x"));
	for (size_t i = 0; i < deep_size; i++)
		deep[i] = '[';
	deep[0] = '{', deep[1] = '"', deep[2] = '"', deep[3] = ':';
	assert_false(equals(deep, "a", "1"));
	memory_free(deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_and_literals_are_compared),
		cmocka_unit_test(paths_go_into_objects),
		cmocka_unit_test(escapes_are_read),
		cmocka_unit_test(what_cannot_be_read_is_false),
		cmocka_unit_test(no_prefix_is_read_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
