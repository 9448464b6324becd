/*
 * key_file.c - see key_file.h.
 */
#include "cmd/common/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd/common/exit.h"
#include "cmd/common/options.h"
#include "runtime/key.h"

/* Ends the process for what no program can use; errors of the system too if `wanted`. */
static void check(enum error error, const char *path, bool wanted)
{
	static const char *const make_hints[] = {"mosaik-key gen FILE makes one", NULL};
	static const char *const mode_hints[] = {"a secret key is for its owner alone: chmod 600, and chown to yourself", NULL};

	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_REFUSED, "key-mode", mode_hints, "key file '%s' can be read by others, or is not yours", path);
	if (error == ERROR_SYSTEM && wanted)
		fail(EXIT_CONFIG, "key", make_hints, "key file '%s': %s", path, strerror(errno));
	if (error != OK && error != ERROR_SYSTEM)
		fail(EXIT_CONFIG, "key", make_hints, "'%s' is not a key file", path);
}

void key_file_load(const char *path, struct keypair *out)
{
	check(key_load(path, out), path, true);
}

bool key_file_keep(const char *path, struct keypair *out, int *lock)
{
	enum error error = key_load(path, out);

	if (error == ERROR_SYSTEM && errno == ENOENT) {
		key_random(out);
		error = key_save(path, out);
		if (error == ERROR_SYSTEM && errno == EEXIST)
			error = key_load(path, out);   /* another one made it meanwhile */
	}
	check(error, path, false);
	if (error != OK)
		return false;
	*lock = open(path, O_RDONLY | O_CLOEXEC);
	return *lock >= 0 && flock(*lock, LOCK_EX | LOCK_NB) == 0;
}
