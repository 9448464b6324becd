/*
 * key.c - see key.h. Programs may not reach into net/, where keys and TLS live together.
 */
#include "runtime/key.h"

#include "net/identity.h"

enum error key_load(const char *path, struct keypair *out)
{
	return identity_load(path, out);
}

enum error key_save(const char *path, const struct keypair *pair)
{
	return identity_save(path, pair);
}

void key_random(struct keypair *out)
{
	identity_random(out);
}

void key_from_seed_text(const char *text, struct keypair *out)
{
	identity_from_seed_text(text, out);
}
