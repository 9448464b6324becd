/* One object, strictly. What must be refused is a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "wire/json.h"

/* Reads a copy of its own size, so that a sanitizer sees a byte too far. */
static bool reads(struct bytes text, struct json_object *out, uint8_t **copy)
{
	*copy = memory_copy(text.data, text.size);
	return json_read(*copy, text.size, out);
}

static bool is_object(const char *text)
{
	struct json_object object;
	uint8_t *copy;
	bool good = reads(bytes_of_text(text), &object, &copy);

	memory_free(copy);
	return good;
}

static void what_is_written_is_read(void **state)
{
	static const char text[] = " { \"a\" : \"x\\u00e9\\n\" ,\"b\":12,\"\\u0063\":[1,\"y\",{\"k\":\"y\"}, \"z\\u002F\"],\"d\":{\"d\":{}},\"e\":null}\r\n";
	struct json_object object;
	uint64_t number;
	uint8_t *copy;

	(void)state;
	assert_true(reads(bytes_of_text(text), &object, &copy));
	assert_int_equal(object.count, 5);
	assert_true(json_is_text(json_find(&object, "a"), bytes_of_text("x\xC3\xA9\n")));
	assert_false(json_is_text(json_find(&object, "a"), bytes_of_text("x\xC3\xA9")));
	assert_true(json_whole(json_find(&object, "b"), 12, &number) && number == 12);
	assert_false(json_whole(json_find(&object, "b"), 11, &number));
	assert_true(json_array_has(json_find(&object, "c"), bytes_of_text("y")));
	assert_true(json_array_has(json_find(&object, "c"), bytes_of_text("z/")));
	assert_false(json_array_has(json_find(&object, "c"), bytes_of_text("k")));
	assert_false(json_array_has(json_find(&object, "c"), bytes_of_text("z")));
	assert_int_equal(json_find(&object, "d")->kind, JSON_OBJECT);
	assert_int_equal(json_find(&object, "e")->kind, JSON_LITERAL);
	assert_null(json_find(&object, "f"));
	assert_false(json_is_text(NULL, bytes_of_text("")) || json_array_has(NULL, bytes_of_text("")) || json_whole(NULL, 1, &number));
	memory_free(copy);
}

static void what_is_no_such_object_is_refused(void **state)
{
	static const char *const texts[] = {
		"", " ", "[]", "null", "1", "\"a\"", "{", "}", "{}x", "{} {}", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}",
		"{a:1}", "{'a':1}", "{\"a\":1 \"b\":2}", "{\"a\":01}", "{\"a\":+1}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":1e}", "{\"a\":-}",
		"{\"a\":0x1}", "{\"a\":NaN}", "{\"a\":nul}", "{\"a\":True}", "{\"a\":truex}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[1}", "{\"a\":{\"b\"}}",
		"{\"a\":\"x}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}",
		"{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\xFF\"}", "{\"a\":\"\xED\xA0\x80\"}", "\xEF\xBB\xBF{}", "{\"a\":1/**/}",
		/* a name twice, however it is written */
		"{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"\\u0061\":3}", "{\"\":1,\"\":2}",
		/* nine deep */
		"{\"a\":[[[[[[[[1]]]]]]]]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (is_object(texts[i]))
			fail_msg("read: %s", texts[i]);
	assert_true(is_object("{\"a\":[[[[[[[1]]]]]]]}"));
	assert_true(is_object("{\"a\":-0.5e+7,\"b\":0,\"c\":1E2,\"\\ud83d\\ude00\":true}"));
}

static void a_nul_is_refused_and_an_escaped_one_is_a_byte(void **state)
{
	struct json_object object;
	uint8_t *copy;

	(void)state;
	assert_false(reads(bytes_of("{\"a\":\"x\0\"}", 10), &object, &copy));
	memory_free(copy);
	assert_true(reads(bytes_of_text("{\"a\":\"x\\u0000y\"}"), &object, &copy));
	assert_false(json_is_text(json_find(&object, "a"), bytes_of_text("x")));
	assert_true(json_is_text(json_find(&object, "a"), bytes_of("x\0y", 3)));
	memory_free(copy);
}

static void whole_numbers_stay_within_their_bounds(void **state)
{
	static const struct {
		const char *text;
		uint64_t most;
		bool good;
	} rows[] = {
		{"{\"n\":0}", 0, true}, {"{\"n\":7}", 6, false}, {"{\"n\":18446744073709551615}", UINT64_MAX, true},
		{"{\"n\":18446744073709551616}", UINT64_MAX, false}, {"{\"n\":99999999999999999999999999}", UINT64_MAX, false},
		{"{\"n\":-1}", UINT64_MAX, false}, {"{\"n\":-0}", UINT64_MAX, false}, {"{\"n\":1.0}", UINT64_MAX, false},
		{"{\"n\":1e3}", UINT64_MAX, false}, {"{\"n\":\"1\"}", UINT64_MAX, false}, {"{\"n\":true}", UINT64_MAX, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct json_object object;
		uint64_t number;
		uint8_t *copy;

		assert_true(reads(bytes_of_text(rows[i].text), &object, &copy));
		if (json_whole(json_find(&object, "n"), rows[i].most, &number) != rows[i].good)
			fail_msg("%s", rows[i].text);
		memory_free(copy);
	}
}

static void members_are_bounded(void **state)
{
	char text[JSON_MEMBERS_MAX * 16] = "{";
	size_t at = 1;

	(void)state;
	for (int i = 0; i < JSON_MEMBERS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s\"m%d\":1", i > 0 ? "," : "", i);
	snprintf(text + at, sizeof text - at, "}");
	assert_true(is_object(text));
	snprintf(text + at, sizeof text - at, ",\"x\":1}");
	assert_false(is_object(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_is_no_such_object_is_refused),
		cmocka_unit_test(a_nul_is_refused_and_an_escaped_one_is_a_byte),
		cmocka_unit_test(whole_numbers_stay_within_their_bounds),
		cmocka_unit_test(members_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
