/*
 * group_key.c - see group_key.h.
 */
#include "cmd/common/group_key.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/exit.h"
#include "runtime/key.h"

static struct id key_from_file(const char *path)
{
	static const char *const make_hints[] = {"mosaik-key gen FILE makes one; copy it to every member", NULL};
	static const char *const mode_hints[] = {"a secret key is for its owner alone: chmod 600, and chown to yourself", NULL};
	struct keypair pair;
	struct id key;
	enum error error = key_load(path, &pair);

	if (error == ERROR_NOT_ALLOWED)
		fail(EXIT_REFUSED, "key-mode", mode_hints, "key file '%s' can be read by others, or is not yours", path);
	if (error == ERROR_SYSTEM)
		fail(EXIT_CONFIG, "key", make_hints, "key file '%s': %s", path, strerror(errno));
	if (error != OK)
		fail(EXIT_CONFIG, "key", make_hints, "'%s' is not a key file", path);
	memcpy(key.byte, pair.seed, sizeof key.byte);
	key = id_derive(&key, bytes_of_text("group key"));
	memory_wipe(&pair, sizeof pair);
	return key;
}

struct id group_key(const struct common *common, const char *kind, const char *name, const char *path)
{
	struct id key;

	if (path)
		return key_from_file(path);
	key = id_derive(&common->network, bytes_of_text(kind));
	return id_derive(&key, bytes_of_text(name));
}
