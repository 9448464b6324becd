/*
 * type_test.c - texts to stored forms and back; the order of stored forms.
 */
#include "collections/type.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static bool is_refused(enum type type, const char *text)
{
	struct buffer out = {0};
	bool refused = type_from_text(type, bytes_of_text(text), &out) == ERROR_BAD_TEXT;

	assert_true(!refused || out.size == 0);
	buffer_fini(&out);
	return refused;
}

static void assert_prints(enum type type, const char *text, const char *want)
{
	struct buffer stored = {0}, printed = {0};

	assert_int_equal(type_from_text(type, bytes_of_text(text), &stored), OK);
	assert_true(type_holds(type, buffer_bytes(&stored)));
	type_print(type, buffer_bytes(&stored), &printed);
	assert_true(bytes_equal(buffer_bytes(&printed), bytes_of_text(want)));
	buffer_fini(&stored);
	buffer_fini(&printed);
}

static void names(void **state)
{
	enum type type = TYPES;

	(void)state;
	for (unsigned i = 0; i < TYPES; i++) {
		assert_int_equal(type_from_name(bytes_of_text(type_name((enum type)i)), &type), OK);
		assert_int_equal(type, i);
	}
	assert_int_equal(type_from_name(bytes_of_text("int"), &type), ERROR_BAD_TEXT);
	assert_int_equal(type_from_name(bytes_of_text(""), &type), ERROR_BAD_TEXT);
}

static void unsigned_numbers(void **state)
{
	static const char *const wrong[] = {
		"", "-1", "+1", " 1", "1 ", "1.0", "0x10", "18446744073709551616", "99999999999999999999", "one", "1e3"};

	(void)state;
	assert_prints(TYPE_U64, "0", "0");
	assert_prints(TYPE_U64, "007", "7");
	assert_prints(TYPE_U64, "18446744073709551615", "18446744073709551615");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_true(is_refused(TYPE_U64, wrong[i]));
}

static void signed_numbers(void **state)
{
	static const char *const wrong[] = {"", "-", "+", "--1", "9223372036854775808", "-9223372036854775809", "1.", "a"};

	(void)state;
	assert_prints(TYPE_I64, "0", "0");
	assert_prints(TYPE_I64, "-0", "0");
	assert_prints(TYPE_I64, "+12", "12");
	assert_prints(TYPE_I64, "9223372036854775807", "9223372036854775807");
	assert_prints(TYPE_I64, "-9223372036854775808", "-9223372036854775808");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_true(is_refused(TYPE_I64, wrong[i]));
}

static void floating_numbers(void **state)
{
	static const char *const wrong[] = {
		"", "nan", "-nan", "0x1p3", " 1", "1 ", "1e999", "-1e999", "infinity", "INF", "1..2", "1e", "e", ".", "+-1"};

	(void)state;
	assert_prints(TYPE_F64, "0", "0");
	assert_prints(TYPE_F64, "-0", "0");
	assert_prints(TYPE_F64, "-0.0", "0");
	assert_prints(TYPE_F64, "0.1", "0.1");
	assert_prints(TYPE_F64, "100000", "100000");
	assert_prints(TYPE_F64, "1.5e300", "1.5e+300");
	assert_prints(TYPE_F64, "0.30000000000000004", "0.30000000000000004");
	assert_prints(TYPE_F64, "inf", "inf");
	assert_prints(TYPE_F64, "-inf", "-inf");
	assert_prints(TYPE_F64, "1e-400", "0");
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_true(is_refused(TYPE_F64, wrong[i]));
}

static void bools_texts_and_bytes(void **state)
{
	(void)state;
	assert_prints(TYPE_BOOL, "true", "true");
	assert_prints(TYPE_BOOL, "false", "false");
	assert_true(is_refused(TYPE_BOOL, "1"));
	assert_true(is_refused(TYPE_BOOL, ""));
	assert_prints(TYPE_STR, "", "");
	assert_prints(TYPE_STR, "\xC3\xA9", "\xC3\xA9");
	assert_true(is_refused(TYPE_STR, "\xE9"));
	assert_prints(TYPE_BYTES, "\xE9", "\xE9");
	assert_prints(TYPE_JSON, "{}", "{}");
	assert_true(is_refused(TYPE_JSON, "\xE9"));
}

static void stored_forms_that_are_none(void **state)
{
	static const uint8_t minus_zero[] = {0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
	static const uint8_t not_a_number[] = {0xFF, 0xF8, 0, 0, 0, 0, 0, 0};
	static const uint8_t number[] = {0x80, 0, 0, 0, 0, 0, 0, 0};

	(void)state;
	assert_false(type_holds(TYPE_F64, bytes_of(minus_zero, 8)));
	assert_false(type_holds(TYPE_F64, bytes_of(not_a_number, 8)));
	assert_true(type_holds(TYPE_F64, bytes_of(number, 8)));
	assert_true(type_holds(TYPE_U64, bytes_of(minus_zero, 8)));
	for (size_t size = 0; size < 8; size++) {
		assert_false(type_holds(TYPE_U64, bytes_of(number, size)));
		assert_false(type_holds(TYPE_F64, bytes_of(number, size)));
	}
	assert_false(type_holds(TYPE_BOOL, bytes_of("\2", 1)));
	assert_false(type_holds(TYPE_BOOL, bytes_of(NULL, 0)));
}

static int sign(int order)
{
	return (order > 0) - (order < 0);
}

static void order_of_stored_forms_is_the_order_of_values(void **state)
{
	static const int64_t whole[] = {INT64_MIN, INT64_MIN + 1, -256, -255, -1, 0, 1, 255, 256, INT64_MAX};
	static const double real[] = {-1e308, -2.5, -1.0, -1e-308, -5e-324, 0.0, 5e-324, 1e-308, 1.0, 2.5, 1e308};
	uint8_t a[TYPE_NUMBER_SIZE], b[TYPE_NUMBER_SIZE];
	struct rng rng;

	(void)state;
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 10; j++) {
			type_put_i64(whole[i], a);
			type_put_i64(whole[j], b);
			assert_int_equal(type_get_i64(a), whole[i]);
			assert_int_equal(sign(memcmp(a, b, sizeof a)), sign(i - j));
		}
	}
	for (int i = 0; i < 11; i++) {
		for (int j = 0; j < 11; j++) {
			assert_int_equal(type_put_f64(real[i], a), OK);
			assert_int_equal(type_put_f64(real[j], b), OK);
			assert_int_equal(sign(memcmp(a, b, sizeof a)), sign(i - j));
		}
	}
	rng_init(&rng, 4);
	for (int i = 0; i < 1000; i++) {
		uint64_t one = rng_next(&rng) >> rng_below(&rng, 64), other = rng_next(&rng) >> rng_below(&rng, 64);

		type_put_u64(one, a);
		type_put_u64(other, b);
		assert_true(type_get_u64(a) == one);
		assert_int_equal(sign(memcmp(a, b, sizeof a)), (one > other) - (one < other));
	}
}

/* Bits at random, so that every exponent occurs. */
static void floating_numbers_survive_their_text(void **state)
{
	uint8_t stored[TYPE_NUMBER_SIZE];
	struct buffer text = {0}, again = {0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 5);
	for (int i = 0; i < 5000; i++) {
		type_put_u64(rng_next(&rng), stored);
		if (!type_holds(TYPE_F64, bytes_of(stored, sizeof stored)))
			continue;
		buffer_clear(&text);
		buffer_clear(&again);
		type_print(TYPE_F64, bytes_of(stored, sizeof stored), &text);
		assert_int_equal(type_from_text(TYPE_F64, buffer_bytes(&text), &again), OK);
		assert_memory_equal(again.data, stored, sizeof stored);
	}
	buffer_fini(&text);
	buffer_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(floating_numbers),
		cmocka_unit_test(bools_texts_and_bytes),
		cmocka_unit_test(stored_forms_that_are_none),
		cmocka_unit_test(order_of_stored_forms_is_the_order_of_values),
		cmocka_unit_test(floating_numbers_survive_their_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
