/*
 * id_test.c - digests against published BLAKE3 vectors, and what counts as a typo.
 */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define HEX "00112233445566778899aabbccddeeffFFEEDDCCBBAA99887766554433221100"
#define HEX_LOWER "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100"

static void assert_id(struct id id, const char *expected)
{
	char text[ID_TEXT_SIZE];

	id_format(&id, text);
	assert_string_equal(text, expected);
}

/* The first two digests are of the test vectors that BLAKE3's authors publish (input length 0). */
static void hashes_as_published(void **state)
{
	struct id key;

	(void)state;
	memcpy(key.byte, "whats the Elvish word for friend", ID_SIZE);
	assert_id(id_hash(bytes_of(NULL, 0)), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
	assert_id(id_keyed(&key, bytes_of(NULL, 0)),
		"92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26");
	assert_id(id_hash(bytes_of_text("abc")), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
}

static void derive_hashes_the_join(void **state)
{
	struct id from = id_hash(bytes_of_text("network"));
	uint8_t joined[ID_SIZE + 5];
	struct id derived;
	struct id expected;

	(void)state;
	memcpy(joined, from.byte, ID_SIZE);
	memcpy(joined + ID_SIZE, "proof", 5);
	derived = id_derive(&from, bytes_of_text("proof"));
	expected = id_hash(bytes_of(joined, sizeof(joined)));
	assert_true(id_equal(&derived, &expected));
}

static void incremental_hash_may_go_on(void **state)
{
	struct hash hash;
	struct id part, whole, expected = id_hash(bytes_of_text("one two"));

	(void)state;
	hash_init(&hash);
	hash_update(&hash, bytes_of_text("one"));
	hash_update(&hash, bytes_of(NULL, 0));
	part = hash_final(&hash);
	hash_update(&hash, bytes_of_text(" two"));
	whole = hash_final(&hash);
	assert_true(id_equal(&whole, &expected));
	expected = id_hash(bytes_of_text("one"));
	assert_true(id_equal(&part, &expected));
}

static void text_of_64_digits_is_literal(void **state)
{
	struct id id;

	(void)state;
	assert_int_equal(id_from_text(HEX, &id), OK);
	assert_id(id, HEX_LOWER);
	assert_int_equal(id_from_hex(HEX, &id), OK);
	assert_id(id, HEX_LOWER);
}

static void other_text_is_hashed(void **state)
{
	static const char *const words[] = {
		"chat", "deadbeef", "0123456789abcdef0123456789abcde",   /* 31 digits: short enough to be meant */
		"00112233445566778899aabbccddeeffg", "a b", "\xC3\xA9",
		("0x" HEX),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct id id = {{0}}, expected = id_hash(bytes_of_text(words[i]));

		assert_int_equal(id_from_text(words[i], &id), OK);
		assert_true(id_equal(&id, &expected));
		assert_int_equal(id_from_hex(words[i], &id), ERROR_BAD_TEXT);
	}
}

static void near_hex_is_refused(void **state)
{
	struct id id = {{7}};

	(void)state;
	assert_int_equal(id_from_text("0123456789abcdef0123456789ABCDEF", &id), ERROR_NEAR_HEX);
	assert_int_equal(id_from_text(HEX "0", &id), ERROR_NEAR_HEX);
	assert_int_equal(id_from_text(&HEX[1], &id), ERROR_NEAR_HEX);
	assert_int_equal(id_from_text("", &id), ERROR_BAD_TEXT);
	assert_int_equal(id_from_hex("", &id), ERROR_BAD_TEXT);
	assert_int_equal(id_from_hex(HEX "0", &id), ERROR_BAD_TEXT);
	assert_int_equal(id.byte[0], 7);
}

static void formats_short_and_long(void **state)
{
	struct id id;
	char text[ID_SHORT_SIZE];

	(void)state;
	assert_int_equal(id_from_hex(HEX, &id), OK);
	id_format_short(&id, text);
	assert_string_equal(text, "0011223344");
}

static void compares_bytewise(void **state)
{
	struct id low = {{0}}, high = {{0}};

	(void)state;
	assert_true(id_is_zero(&low));
	high.byte[31] = 0x80;
	assert_false(id_is_zero(&high));
	assert_true(id_compare(&low, &high) < 0);
	assert_false(id_equal(&low, &high));
	assert_false(id_equal_secret(&low, &high));
	low.byte[31] = 0x80;
	assert_true(id_equal(&low, &high));
	assert_true(id_equal_secret(&low, &high));
	low.byte[0] = 1;
	assert_true(id_compare(&low, &high) > 0);
	assert_false(id_equal_secret(&low, &high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_as_published),
		cmocka_unit_test(derive_hashes_the_join),
		cmocka_unit_test(incremental_hash_may_go_on),
		cmocka_unit_test(text_of_64_digits_is_literal),
		cmocka_unit_test(other_text_is_hashed),
		cmocka_unit_test(near_hex_is_refused),
		cmocka_unit_test(formats_short_and_long),
		cmocka_unit_test(compares_bytewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
