/*
 * hmac.h - HMAC with SHA-256 (RFC 2104). Compared with id_equal_secret, in constant time.
 */
#ifndef BASE_HMAC_H
#define BASE_HMAC_H

#include "base/id.h"

struct id hmac_sha256(struct bytes key, struct bytes message);

#endif
