/*
 * p256.h - ECDSA over the curve P-256 with SHA-256 (FIPS 186-4; "ES256" of RFC 7518 section 3.4): verifying only, nobody
 * here has such a secret key.
 */
#ifndef BASE_P256_H
#define BASE_P256_H

#include "base/crypto.h"

#define P256_POINT_SIZE 64

struct p256_point {
	uint8_t byte[P256_POINT_SIZE];   /* x || y, big-endian */
};

bool p256_is_point(const struct p256_point *point);    /* on the curve; the point at infinity has no such form */
/* signature: r || s, big-endian. A key that is no point verifies nothing. */
bool p256_verify(const struct p256_point *key, struct bytes message, const struct signature *signature);

#endif
