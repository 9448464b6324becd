/*
 * key_file.c - see key_file.h.
 */
#include "cmd/common/key_file.h"

#include <errno.h>
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"
#include "runtime/key.h"

void key_file_load(const char *path, struct keypair *out)
{
	static const char *const make_hints[] = {"mosaik-key gen FILE makes one", NULL};
	static const char *const mode_hints[] = {"a secret key is for its owner alone: chmod 600, and chown to yourself", NULL};
	enum error error = key_load(path, out);

	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_REFUSED, "key-mode", mode_hints, "key file '%s' can be read by others, or is not yours", path);
	if (error == ERROR_SYSTEM)
		fail(EXIT_CONFIG, "key", make_hints, "key file '%s': %s", path, strerror(errno));
	if (error != OK)
		fail(EXIT_CONFIG, "key", make_hints, "'%s' is not a key file", path);
}
