/*
 * group_name.h - the name under which the members of a group list it: "KIND NAME TYPES" for a collection ("map users
 * str:u64", "pqueue jobs u64:str:bytes 1000"), NAME for a plain group.
 */
#ifndef CMD_GROUP_NAME_H
#define CMD_GROUP_NAME_H

#include <stdbool.h>

#include "base/bytes.h"
#include "node/node.h"

struct group_name {
	struct bytes kind;               /* "group" for a plain one */
	struct bytes name;
	const char *types;               /* "" for a plain one */
};

/* Borrowed from the text, whatever it is: other peers wrote it. */
struct group_name group_name_read(const char *listed);

/* True if `listed` is a group of this kind and name; *types: what follows, "" for nothing. */
bool group_name_matches(const char *listed, const char *kind, const char *name, const char **types);
/* Whether a store listed with `types` is one that -T `wanted` means: a capacity behind them is not said there. */
bool group_name_types_match(const char *types, const char *wanted);

/*
 * Whether a person who says `text` can mean the group that is listed so: all of it, its kind and name, or its name alone.
 */
bool group_name_says(const char *listed, const char *text);
/* The listed name of the group in the card that a person means by `text`: its id, or as above. "": it lists none. */
const char *group_name_in(const struct card *card, const char *text);   /* NULL: it is in no such group */

/* Ends the process unless the name can be one: not empty, no control characters, at most 128 bytes. */
void group_name_check(const char *kind, const char *name);

#endif
