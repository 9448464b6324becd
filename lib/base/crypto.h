/*
 * crypto.h - Ed25519 identities (RFC 8032) through a small table, so that a simulator may hand in a cheap one.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/id.h"

#define SEED_SIZE 32

struct signature {
	uint8_t byte[64];
};

struct keypair {
	uint8_t seed[SEED_SIZE];    /* secret; memory_wipe when done */
	struct id public_key;       /* the peer id */
};

struct crypto {
	void (*derive)(struct keypair *pair);   /* public_key from seed */
	void (*sign)(const struct keypair *pair, struct bytes message, struct signature *out);
	bool (*verify)(const struct id *public_key, struct bytes message, const struct signature *signature);
};

extern const struct crypto crypto_ed25519;   /* over nettle; verify also refuses keys that are not usable */

/* False for the encodings of the points of small order (they verify anything) and for non-canonical encodings. */
bool crypto_key_is_usable(const struct id *public_key);

#endif
