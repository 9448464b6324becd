/*
 * group_key.h - the secret of a group.
 *
 * Without a key file the secret is derived from the network and the name: whoever is in the network may join.
 */
#ifndef CMD_GROUP_KEY_H
#define CMD_GROUP_KEY_H

#include "cmd/common/options.h"

/* path: a file as mosaik-key makes it, NULL: none. Ends the process, like -i, if it cannot be used. */
struct id group_key(const struct common *common, const char *kind, const char *name, const char *path);

#endif
