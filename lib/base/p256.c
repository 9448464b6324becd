/*
 * p256.c - over hogweed. Numbers travel as a pair in nettle's type for a signature, also the coordinates of a point: so
 * GMP stays behind nettle.
 */
#include "base/p256.h"

#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/sha2.h>

#define HALF (P256_POINT_SIZE / 2)

_Static_assert(sizeof(struct signature) == P256_POINT_SIZE, "both are two numbers of the curve's size");

static void pair_init(struct dsa_signature *pair, const uint8_t byte[P256_POINT_SIZE])
{
	dsa_signature_init(pair);
	nettle_mpz_set_str_256_u(pair->r, HALF, byte);
	nettle_mpz_set_str_256_u(pair->s, HALF, byte + HALF);
}

/* Initialised whatever is answered; false: not on the curve. */
static bool point_init(struct ecc_point *point, const struct p256_point *from)
{
	struct dsa_signature at;
	bool on_curve;

	ecc_point_init(point, nettle_get_secp_256r1());
	pair_init(&at, from->byte);
	on_curve = ecc_point_set(point, at.r, at.s) != 0;
	dsa_signature_clear(&at);
	return on_curve;
}

bool p256_is_point(const struct p256_point *point)
{
	struct ecc_point made;
	bool on_curve = point_init(&made, point);

	ecc_point_clear(&made);
	return on_curve;
}

bool p256_verify(const struct p256_point *key, struct bytes message, const struct signature *signature)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash;
	struct dsa_signature pair;
	struct ecc_point point;
	bool good;

	sha256_init(&hash);
	sha256_update(&hash, message.size, message.data);
	sha256_digest(&hash, sizeof(digest), digest);
	pair_init(&pair, signature->byte);
	/* That r and s are within 1 .. n - 1 is looked at by ecdsa_verify. */
	good = point_init(&point, key) && ecdsa_verify(&point, sizeof(digest), digest, &pair) == 1;
	ecc_point_clear(&point);
	dsa_signature_clear(&pair);
	return good;
}
