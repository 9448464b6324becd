/*
 * id.h - the 32-byte digests that name everything: networks, peers, tags, streams, groups, stores.
 *
 * From text: 64 hex digits are taken literally, anything else is hashed with BLAKE3. A text that looks like a
 * mistyped id (32 or more characters, all of them hex digits, but not 64) is refused, not hashed.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <blake3.h>

#include "base/bytes.h"
#include "base/error.h"

#define ID_SIZE 32
#define ID_TEXT_SIZE 65    /* 64 lower-case hex digits and the NUL */
#define ID_SHORT_SIZE 11   /* the first 10 digits and the NUL */

struct id {
	uint8_t byte[ID_SIZE];
};

struct id id_hash(struct bytes data);                         /* BLAKE3 */
struct id id_derive(const struct id *from, struct bytes tail); /* BLAKE3(from || tail) */
struct id id_keyed(const struct id *key, struct bytes data);   /* BLAKE3 in keyed mode */

enum error id_from_text(const char *text, struct id *out);    /* ERROR_NEAR_HEX: refused as a typo */
enum error id_from_hex(const char *text, struct id *out);     /* exactly 64 hex digits, else ERROR_BAD_TEXT */

void id_format(const struct id *id, char out[ID_TEXT_SIZE]);
void id_format_short(const struct id *id, char out[ID_SHORT_SIZE]);

int id_compare(const struct id *a, const struct id *b);       /* as memcmp */
bool id_equal(const struct id *a, const struct id *b);
bool id_equal_secret(const struct id *a, const struct id *b); /* constant time */
bool id_is_zero(const struct id *id);

/* Incremental BLAKE3. hash_final may be called more than once. */
struct hash {
	blake3_hasher state;
};
void hash_init(struct hash *hash);
void hash_update(struct hash *hash, struct bytes data);
struct id hash_final(const struct hash *hash);

#endif
