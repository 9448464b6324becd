/*
 * key.c - see key.h. Programs may not reach into net/, where keys and TLS live together.
 */
#include "runtime/key.h"

#include "net/identity.h"

#define PEM_MAX 65536

enum error key_load(const char *path, struct keypair *out)
{
	return identity_load(path, out);
}

enum error key_save(const char *path, const struct keypair *pair)
{
	return identity_save(path, pair);
}

enum error key_load_public(const char *path, struct public_key *out)
{
	struct buffer pem = {0};
	enum error error = identity_read(path, false, PEM_MAX, &pem);

	if (error == OK)
		error = public_key_parse(buffer_bytes(&pem), out);
	buffer_fini(&pem);
	return error == ERROR_FULL ? ERROR_BAD_TEXT : error;
}

static bool is_a_line(struct bytes data)
{
	for (size_t i = 0; i + 1 < data.size; i++)
		if (data.data[i] < 0x20 || data.data[i] > 0x7E)
			return false;
	return data.size > 0 && data.data[data.size - 1] == '\n';
}

enum error key_load_secret(const char *path, size_t most, struct buffer *out)
{
	enum error error = identity_read(path, true, most, out);

	if (error == OK && is_a_line(buffer_bytes(out)))
		out->size--;
	return error;
}

void key_random(struct keypair *out)
{
	identity_random(out);
}

void key_from_seed_text(const char *text, struct keypair *out)
{
	identity_from_seed_text(text, out);
}
