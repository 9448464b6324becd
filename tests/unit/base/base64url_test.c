/* Vectors of RFC 4648 section 10 and RFC 7515 appendix C, and what is not such a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/base64url.h"

static const struct {
	const char *bytes, *text;
} vectors[] = {
	{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
	{"\x03\xEC\xFF\xE0\xC1", "A-z_4ME"},
};

static void vectors_go_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		struct bytes bytes = bytes_of_text(vectors[i].bytes), text = bytes_of_text(vectors[i].text);
		struct buffer made = {0};
		uint8_t out[64];
		size_t size;

		base64url_encode(&made, bytes);
		assert_true(bytes_equal(buffer_bytes(&made), text));
		assert_true(base64url_decode(text, out, &size));
		assert_true(bytes_equal(bytes_of(out, size), bytes));
		buffer_fini(&made);
	}
}

static void every_byte_comes_back(void **state)
{
	uint8_t all[256], out[BASE64URL_DECODED_MAX(344)];
	struct buffer made = {0};
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (uint8_t)i;
	for (size_t length = 250; length <= sizeof all; length++) {
		buffer_clear(&made);
		base64url_encode(&made, bytes_of(all, length));
		assert_true(base64url_decode(buffer_bytes(&made), out, &size));
		assert_true(bytes_equal(bytes_of(out, size), bytes_of(all, length)));
	}
	buffer_fini(&made);
}

/* Padding, one letter over, the alphabet of section 4, white space, bits that nothing uses. */
static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {"Zg==", "Zm8=", "Z", "Zm9vY", "A+z/4ME", "Zm 9v", "Zm9v\n", "Zh", "Zm9", "Z\x80", "=", "Zm.v"};
	uint8_t out[64];
	size_t size;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_false(base64url_decode(bytes_of_text(texts[i]), out, &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_go_both_ways),
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(other_texts_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
