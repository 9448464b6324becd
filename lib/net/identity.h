/*
 * identity.h - secret keys: made at random, from a seed text, or kept in a file.
 *
 * A key file is 64 hex digits (the Ed25519 seed) and a newline, mode 0600, owned by the user.
 */
#ifndef NET_IDENTITY_H
#define NET_IDENTITY_H

#include "base/crypto.h"

void identity_random(struct keypair *out);                  /* from the system's generator; aborts if there is none */
void identity_from_seed_text(const char *text, struct keypair *out);   /* 64 hex digits literally, else BLAKE3 of the text */

/*
 * ERROR_SYSTEM (errno; ENOENT when absent), ERROR_NOT_ALLOWED: readable by group or others, or not our own;
 * ERROR_BAD_TEXT: not a key file.
 */
MUST_CHECK enum error identity_load(const char *path, struct keypair *out);
/* Writes a new file, mode 0600, fsynced, never over an existing one (EEXIST). Missing parent folders are made, 0700. */
MUST_CHECK enum error identity_save(const char *path, const struct keypair *pair);

/* All of a file, appended. `only_ours`: ERROR_NOT_ALLOWED as identity_load. ERROR_SYSTEM, ERROR_FULL: larger than `most`. */
MUST_CHECK enum error identity_read(const char *path, bool only_ours, size_t most, struct buffer *out);

/* Fills `size` bytes from the system's generator. */
void identity_entropy(void *out, size_t size);

#endif
