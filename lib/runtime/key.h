/*
 * key.h - secret keys for the programs: what net/identity.h offers, passed on to the floor above.
 */
#ifndef RUNTIME_KEY_H
#define RUNTIME_KEY_H

#include "base/crypto.h"

/* Errors as identity_load: ERROR_SYSTEM (errno), ERROR_NOT_ALLOWED (mode or owner), ERROR_BAD_TEXT. */
MUST_CHECK enum error key_load(const char *path, struct keypair *out);
/* A new file, 0600, never over an existing one; missing parent folders are made. */
MUST_CHECK enum error key_save(const char *path, const struct keypair *pair);
void key_random(struct keypair *out);
void key_from_seed_text(const char *text, struct keypair *out);

#endif
