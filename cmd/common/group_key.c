/*
 * group_key.c - see group_key.h.
 */
#include "cmd/common/group_key.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/exit.h"
#include "runtime/key.h"

#define NAME_MAX_BYTES 128

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

bool group_name_matches(const char *listed, const char *kind, const char *name, const char **types)
{
	size_t kind_size = strlen(kind), name_size = strlen(name);

	*types = "";
	if (strcmp(kind, "group") == 0)
		return strcmp(listed, name) == 0;
	if (strncmp(listed, kind, kind_size) != 0 || listed[kind_size] != ' ')
		return false;
	listed += kind_size + 1;
	if (strncmp(listed, name, name_size) != 0 || (listed[name_size] != ' ' && listed[name_size] != '\0'))
		return false;
	if (listed[name_size] == ' ')
		*types = listed + name_size + 1;
	return true;
}

void group_name_check(const char *kind, const char *name)
{
	size_t size = strlen(name);

	if (size == 0 || size > NAME_MAX_BYTES)
		usage_error("the name of a %s has 1 to %d bytes", kind, NAME_MAX_BYTES);
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at <= ' ' || *at == 0x7f)
			usage_error("the name of a %s has no spaces and no control characters", kind);
	if (!bytes_are_utf8(bytes_of_text(name)))
		usage_error("the name of a %s is not UTF-8", kind);
}
