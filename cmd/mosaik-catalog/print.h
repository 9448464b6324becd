/*
 * print.h - the lists of mosaik-catalog.
 */
#ifndef CATALOG_PRINT_H
#define CATALOG_PRINT_H

#include "cmd/common/exit.h"
#include "cmd/mosaik-catalog/settings.h"
#include "node/node.h"

/* what: peers, tags, streams or groups; peer: the beginning of an id, or NULL. Returns the exit status: 1 for an empty list. */
int print_catalog(const struct settings *settings, const char *what, const char *peer, const struct catalog *catalog, msec now);

int print_self(const struct settings *settings, struct dial token);

#endif
