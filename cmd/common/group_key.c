/*
 * group_key.c - see group_key.h.
 */
#include "cmd/common/group_key.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/exit.h"
#include "cmd/common/key_file.h"

static struct id key_from_file(const char *path)
{
	struct keypair pair;
	struct id key;

	key_file_load(path, &pair);
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
