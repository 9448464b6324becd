/*
 * find.h - peers of a listing, as something that can be dialled.
 */
#ifndef CATALOG_FIND_H
#define CATALOG_FIND_H

#include "cmd/common/ask.h"
#include "runtime/local.h"

struct found {
	struct id peer;
	char token[LOCAL_TOKEN_SIZE];
};

/*
 * Asks the network for the peers whose id begins with `prefix` (all: ""). Memory_free(*out). Ends the process when nobody
 * answers.
 */
size_t find_peers(const struct common *common, const char *prefix, struct found **out);

#endif
