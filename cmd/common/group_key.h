/*
 * group_key.h - the secret of a group, and the name under which its members list it.
 *
 * Without a key file the secret is derived from the network and the name: whoever is in the network may join. A listed
 * name is "KIND NAME TYPES" for a collection ("map users str:u64") and NAME for a plain group.
 */
#ifndef CMD_GROUP_KEY_H
#define CMD_GROUP_KEY_H

#include "cmd/common/options.h"

/* path: a file as mosaik-key makes it, NULL: none. Ends the process, like -i, if it cannot be used. */
struct id group_key(const struct common *common, const char *kind, const char *name, const char *path);

/* True if `listed` is a group of this kind and name; *types: what follows, "" for nothing. kind "group": plain ones. */
bool group_name_matches(const char *listed, const char *kind, const char *name, const char **types);

/* Ends the process unless the name can be one: not empty, no control characters, at most 128 bytes. */
void group_name_check(const char *kind, const char *name);

#endif
