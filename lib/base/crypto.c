/*
 * crypto.c - Ed25519 over nettle, and the keys that it should not be used with.
 *
 * A point of small order has eight or fewer multiples, so a signature that is valid under it for one message is
 * valid for one in eight of all others: such a "key" identifies nobody. RFC 8032 does not ask a verifier to refuse
 * them; we do, because here a key is a name. A second encoding of one point would be a second name for one peer,
 * so encodings that are not canonical are refused as well.
 *
 * An encoding is the 255-bit little-endian y coordinate and, in the top bit, the sign of x (RFC 8032 section 5.1.2).
 */
#include "base/crypto.h"

#include "base/check.h"

#include <nettle/eddsa.h>

#include <string.h>

_Static_assert(ID_SIZE == ED25519_KEY_SIZE && SEED_SIZE == ED25519_KEY_SIZE, "a peer id is an Ed25519 key");
_Static_assert(sizeof(struct signature) == ED25519_SIGNATURE_SIZE, "a signature is an Ed25519 signature");

/* p = 2^255 - 19 */
static const uint8_t prime[ID_SIZE] = {
	0xED, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
	0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
};

/* y of the eight points whose order divides 8; the sign of x does not matter, they come in pairs. */
static const uint8_t small_order[][ID_SIZE] = {
	{0},   /* y = 0: order 4 */
	{1},   /* y = 1: the neutral element */
	{      /* y = p - 1: order 2 */
		0xEC, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F,
	},
	{      /* order 8: d y^4 + 2 y^2 = 1 */
		0x26, 0xE8, 0x95, 0x8F, 0xC2, 0xB2, 0x27, 0xB0, 0x45, 0xC3, 0xF4, 0x89, 0xF2, 0xEF, 0x98, 0xF0,
		0xD5, 0xDF, 0xAC, 0x05, 0xD3, 0xC6, 0x33, 0x39, 0xB1, 0x38, 0x02, 0x88, 0x6D, 0x53, 0xFC, 0x05,
	},
	{      /* p minus the one above */
		0xC7, 0x17, 0x6A, 0x70, 0x3D, 0x4D, 0xD8, 0x4F, 0xBA, 0x3C, 0x0B, 0x76, 0x0D, 0x10, 0x67, 0x0F,
		0x2A, 0x20, 0x53, 0xFA, 0x2C, 0x39, 0xCC, 0xC6, 0x4E, 0xC7, 0xFD, 0x77, 0x92, 0xAC, 0x03, 0x7A,
	},
};

static bool is_below_prime(const uint8_t y[ID_SIZE])
{
	for (size_t i = ID_SIZE; i-- > 0;) {
		if (y[i] != prime[i])
			return y[i] < prime[i];
	}
	return false;
}

bool crypto_key_is_usable(const struct id *public_key)
{
	struct id y = *public_key;

	y.byte[ID_SIZE - 1] &= 0x7F;
	if (!is_below_prime(y.byte))
		return false;
	/* The list also holds the only two y with x = 0, whose "negative" x would be the other non-canonical form. */
	for (size_t i = 0; i < sizeof(small_order) / sizeof(small_order[0]); i++) {
		if (memcmp(y.byte, small_order[i], ID_SIZE) == 0)
			return false;
	}
	return true;
}

static void derive(struct keypair *pair)
{
	ed25519_sha512_public_key(pair->public_key.byte, pair->seed);
	ASSERT(crypto_key_is_usable(&pair->public_key));
}

static void sign(const struct keypair *pair, struct bytes message, struct signature *out)
{
	/* A pair that was never derived: signatures under two public keys of one seed give the seed's secret away. */
	ASSERT(!id_is_zero(&pair->public_key));
	ASSERT(message.data != NULL || message.size == 0);
	ed25519_sha512_sign(pair->public_key.byte, pair->seed, message.size, message.data, out->byte);
}

static bool verify(const struct id *public_key, struct bytes message, const struct signature *signature)
{
	ASSERT(message.data != NULL || message.size == 0);
	if (!crypto_key_is_usable(public_key))
		return false;
	return ed25519_sha512_verify(public_key->byte, message.size, message.data, signature->byte) == 1;
}

const struct crypto crypto_ed25519 = {
	.derive = derive,
	.sign = sign,
	.verify = verify,
};
