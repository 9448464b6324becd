/*
 * hmac.c - over nettle.
 */
#include "base/hmac.h"

#include "base/memory.h"

#include <nettle/hmac.h>

_Static_assert(ID_SIZE == SHA256_DIGEST_SIZE, "the code has the size of an id");

struct id hmac_sha256(struct bytes key, struct bytes message)
{
	struct hmac_sha256_ctx state;
	struct id code;

	hmac_sha256_set_key(&state, key.size, key.data);
	hmac_sha256_update(&state, message.size, message.data);
	hmac_sha256_digest(&state, sizeof(code.byte), code.byte);
	memory_wipe(&state, sizeof(state));
	return code;
}
