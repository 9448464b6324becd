/*
 * key.h - secret keys for the programs: what net/identity.h offers, passed on to the floor above.
 */
#ifndef RUNTIME_KEY_H
#define RUNTIME_KEY_H

#include "base/crypto.h"
#include "net/public_key.h"

/* Errors as identity_load: ERROR_SYSTEM (errno), ERROR_NOT_ALLOWED (mode or owner), ERROR_BAD_TEXT. */
MUST_CHECK enum error key_load(const char *path, struct keypair *out);
/* A new file, 0600, never over an existing one; missing parent folders are made. */
MUST_CHECK enum error key_save(const char *path, const struct keypair *pair);
/*
 * Of others, for their tickets. ERROR_SYSTEM (errno), ERROR_BAD_TEXT, and as public_key_parse.
 */
MUST_CHECK enum error key_load_public(const char *path, struct public_key *out);
/*
 * Appends what a file holds that only we may read. Text of one line loses its newline, which people do not see. out is
 * secret: memory_wipe when done. Errors as key_load; ERROR_FULL: larger than `most`.
 */
MUST_CHECK enum error key_load_secret(const char *path, size_t most, struct buffer *out);
void key_random(struct keypair *out);
void key_from_seed_text(const char *text, struct keypair *out);

#endif
