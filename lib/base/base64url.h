/*
 * base64url.h - RFC 4648 section 5 without padding, as JOSE has it (RFC 7515 section 2), and one text for each run of bytes:
 * padding, white space, the other alphabet and unused bits that are set are all refused.
 */
#ifndef BASE_BASE64URL_H
#define BASE_BASE64URL_H

#include "base/bytes.h"

#define BASE64URL_DECODED_MAX(size) ((size) / 4 * 3 + 2)

void base64url_encode(struct buffer *out, struct bytes data);   /* appends */
/* out: room for BASE64URL_DECODED_MAX(text.size) bytes. false: not such a text; out may be written. */
bool base64url_decode(struct bytes text, uint8_t *out, size_t *size);

#endif
