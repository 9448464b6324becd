/*
 * print.h - the lists of mosaik-catalog.
 */
#ifndef CATALOG_PRINT_H
#define CATALOG_PRINT_H

#include "cmd/common/exit.h"
#include "cmd/mosaik-catalog/settings.h"
#include "cmd/common/listing.h"
#include "node/node.h"

/* Exit 64 if that list, or that of "me", has no such column as -o names. */
void print_check(const struct settings *settings, const char *what);
/* what: peers, tags, streams or groups; peer: the beginning of an id, or NULL. Returns the exit status: 1 for an empty list. */
int print_catalog(const struct settings *settings, const char *what, const char *peer, const struct catalog *catalog, msec now);

/* The cells addr, tags, streams, groups of a peer, from this column on. */
void print_card(struct listing *listing, size_t column, const struct card *card);
/* Ends a list on stdout. The status is 1 for an empty list, 74 for EIO. */
int print_close(struct listing *listing);
/* The text behind an id by this card; empty: not known. */
struct bytes print_name_of(const struct card *card, const struct id *id);

int print_self(const struct settings *settings, struct dial token);

#endif
