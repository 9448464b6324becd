/*
 * public_key.h - public keys of those who issue tickets, from PEM (RFC 7468: SubjectPublicKeyInfo).
 */
#ifndef NET_PUBLIC_KEY_H
#define NET_PUBLIC_KEY_H

#include "base/p256.h"

struct public_key {
	enum { PUBLIC_KEY_ED25519, PUBLIC_KEY_P256 } kind;
	struct id ed25519;
	struct p256_point p256;
};

/* ERROR_BAD_TEXT: no PEM of a public key; ERROR_BAD_KEY: of another kind, or a point that is none. */
MUST_CHECK enum error public_key_parse(struct bytes pem, struct public_key *out);

#endif
