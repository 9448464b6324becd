/*
 * crypto_test.c - Ed25519 against RFC 8032 section 7.1, and keys that nobody may have.
 */
#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SMALL_26 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
#define SMALL_C7 "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
#define ALL_F "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

static struct id from_hex(const char *text)
{
	struct id id = {{0}};

	assert_int_equal(id_from_hex(text, &id), OK);
	return id;
}

static struct keypair pair_of(const char *seed)
{
	struct id bytes = from_hex(seed);
	struct keypair pair;

	memcpy(pair.seed, bytes.byte, SEED_SIZE);
	crypto_ed25519.derive(&pair);
	return pair;
}

static struct signature signature_of(const char *first, const char *second)
{
	struct id r = from_hex(first), s = from_hex(second);
	struct signature signature;

	memcpy(signature.byte, r.byte, 32);
	memcpy(signature.byte + 32, s.byte, 32);
	return signature;
}

static void assert_vector(const struct keypair *pair, const char *key, struct bytes message, struct signature expected)
{
	struct id public_key = from_hex(key);
	struct signature signature;

	assert_true(id_equal(&pair->public_key, &public_key));
	crypto_ed25519.sign(pair, message, &signature);
	assert_memory_equal(&signature, &expected, sizeof(expected));
	assert_true(crypto_ed25519.verify(&public_key, message, &signature));
}

static void signs_as_the_standard(void **state)
{
	struct keypair first = pair_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
	struct keypair second = pair_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");

	(void)state;
	assert_vector(&first, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", bytes_of(NULL, 0),
		signature_of("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155",
			"5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
	assert_vector(&second, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", bytes_of("\x72", 1),
		signature_of("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
			"085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"));
}

static void any_flipped_bit_is_refused(void **state)
{
	struct keypair pair = pair_of("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
	struct bytes message = bytes_of_text("message");
	struct signature signature;

	(void)state;
	crypto_ed25519.sign(&pair, message, &signature);
	for (size_t i = 0; i < 64; i += 9) {
		struct signature changed = signature;

		changed.byte[i] ^= (uint8_t)(1u << i % 8);
		assert_false(crypto_ed25519.verify(&pair.public_key, message, &changed));
	}
	assert_false(crypto_ed25519.verify(&pair.public_key, bytes_of_text("messagf"), &signature));
	assert_false(crypto_ed25519.verify(&pair.public_key, bytes_of_text("messag"), &signature));
	pair.public_key.byte[5] ^= 1;
	assert_false(crypto_ed25519.verify(&pair.public_key, message, &signature));
}

/* S + L verifies as well as S where a verifier forgets RFC 8032 section 5.1.7: "0 <= S < L". */
static void second_form_of_a_signature_is_refused(void **state)
{
	struct keypair pair = pair_of("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
	struct id order = from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
	struct signature signature;
	unsigned carry = 0;

	(void)state;
	crypto_ed25519.sign(&pair, bytes_of(NULL, 0), &signature);
	for (size_t i = 0; i < 32; i++) {
		carry += (unsigned)signature.byte[32 + i] + order.byte[i];
		signature.byte[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_int_equal(carry, 0);
	assert_false(crypto_ed25519.verify(&pair.public_key, bytes_of(NULL, 0), &signature));
}

static void assert_unusable(const char *text)
{
	struct id key = from_hex(text);

	if (crypto_key_is_usable(&key))
		fail_msg("%s is taken", text);
	key.byte[31] ^= 0x80;   /* the other sign of x: the other point of the pair, or the non-canonical form */
	if (crypto_key_is_usable(&key))
		fail_msg("%s with the other sign is taken", text);
}

static void small_orders_and_second_encodings_are_refused(void **state)
{
	(void)state;
	assert_unusable("0000000000000000000000000000000000000000000000000000000000000000");
	assert_unusable("0100000000000000000000000000000000000000000000000000000000000000");
	assert_unusable("ec" ALL_F "7f");
	assert_unusable(SMALL_26);
	assert_unusable(SMALL_C7);
	/* y from p to 2^255 - 1 */
	for (unsigned low = 0xED; low <= 0xFF; low++) {
		struct id key = from_hex("ed" ALL_F "7f");

		key.byte[0] = (uint8_t)low;
		assert_false(crypto_key_is_usable(&key));
		key.byte[31] |= 0x80;
		assert_false(crypto_key_is_usable(&key));
	}
}

/* The neutral element "signs" everything with R = S * B: R = B and S = 1 pass the equation for any message. */
static void forgery_with_the_neutral_key_is_refused(void **state)
{
	struct id neutral = from_hex("0100000000000000000000000000000000000000000000000000000000000000");
	struct signature forged = signature_of("5866666666666666666666666666666666666666666666666666666666666666",
		"0100000000000000000000000000000000000000000000000000000000000000");

	(void)state;
	assert_false(crypto_ed25519.verify(&neutral, bytes_of_text("anything"), &forged));
}

static void neighbours_of_bad_keys_are_usable(void **state)
{
	struct id key = from_hex("eb" ALL_F "7f");   /* p - 2 */

	(void)state;
	assert_true(crypto_key_is_usable(&key));
	key = from_hex("0200000000000000000000000000000000000000000000000000000000000000");
	assert_true(crypto_key_is_usable(&key));
	key.byte[31] |= 0x80;   /* a negative x is nothing bad */
	assert_true(crypto_key_is_usable(&key));
	key = from_hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
	assert_true(crypto_key_is_usable(&key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_the_standard),
		cmocka_unit_test(any_flipped_bit_is_refused),
		cmocka_unit_test(second_form_of_a_signature_is_refused),
		cmocka_unit_test(small_orders_and_second_encodings_are_refused),
		cmocka_unit_test(forgery_with_the_neutral_key_is_refused),
		cmocka_unit_test(neighbours_of_bad_keys_are_usable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
