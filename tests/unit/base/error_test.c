/*
 * error_test.c - every error has a name and words; close codes go there and back.
 */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void names_are_kebab_case_and_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ERROR_COUNT; i++) {
		const char *name = error_name((enum error)i);

		assert_true(strlen(name) > 0);
		assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz-"), strlen(name));
		assert_true(strlen(error_text((enum error)i)) > 0);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(name, error_name((enum error)k));
	}
	assert_string_equal(error_name(ERROR_DIFFERENT_NETWORK), "different-network");
	assert_string_equal(error_text(ERROR_DIFFERENT_NETWORK), "is in another network");
}

static void close_codes_are_the_documented_ones(void **state)
{
	static const struct {
		enum error error;
		uint64_t code;
	} rows[] = {
		{OK, 200}, {ERROR_GRACEFUL, 204}, {ERROR_INVALID_ALPN, 100}, {ERROR_DIFFERENT_NETWORK, 101},
		{ERROR_CANCELLED, 102}, {ERROR_UNEXPECTED_CLOSE, 103}, {ERROR_MALFORMED, 400},
		{ERROR_UNKNOWN_PEER, 401}, {ERROR_FRAME_TOO_LARGE, 413}, {ERROR_RATE_LIMITED, 429},
		{ERROR_NOT_ALLOWED, 10403}, {ERROR_STREAM_NOT_FOUND, 10404}, {ERROR_TOO_SLOW, 10413},
		{ERROR_NO_CAPACITY, 10509}, {ERROR_GROUP_NOT_FOUND, 30404},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(error_close_code(rows[i].error), rows[i].code);
		assert_int_equal(error_from_close_code(rows[i].code), rows[i].error);
	}
}

static void private_errors_travel_as_unexpected_close(void **state)
{
	(void)state;
	for (unsigned i = ERROR_WRONG_PEER; i < ERROR_COUNT; i++)
		assert_int_equal(error_close_code((enum error)i), 103);
	/* A peer may send any code; 0 is what a QUIC stack sends by default. */
	assert_int_equal(error_from_close_code(0), ERROR_UNEXPECTED_CLOSE);
	assert_int_equal(error_from_close_code(201), ERROR_UNEXPECTED_CLOSE);
	assert_int_equal(error_from_close_code(UINT64_MAX), ERROR_UNEXPECTED_CLOSE);
	assert_int_equal(error_from_close_code(65536 + 204), ERROR_UNEXPECTED_CLOSE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_kebab_case_and_unique),
		cmocka_unit_test(close_codes_are_the_documented_ones),
		cmocka_unit_test(private_errors_travel_as_unexpected_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
