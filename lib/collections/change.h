/*
 * change.h - what a command changed, for those who watch: each change is one CBOR item
 *
 *      [op, key, value]  or  [op, key, value, priority]        null for what a change does not have
 *
 * To follow them from an empty collection is to have its content.
 */
#ifndef COLLECTIONS_CHANGE_H
#define COLLECTIONS_CHANGE_H

#include "base/bytes.h"
#include "base/error.h"

enum change_op {
	CHANGE_PUT,              /* key and value (set: key; cell, once: value; pqueue: all): new, or instead of the old one */
	CHANGE_REMOVE,           /* key; vec: the index as a stored u64; cell: neither */
	CHANGE_CLEAR,            /* everything */
	CHANGE_INSERT,           /* vec: index and value; what stood there and after it moves up by one */
	CHANGE_SWAP,             /* vec: index and, as value, the other index */
	CHANGE_TRUNCATE,         /* vec: the new length as key */
	CHANGE_OPS
};

struct change {
	enum change_op op;
	bool has_key, has_value, has_priority;
	struct bytes key, value, priority;       /* borrowed; stored forms */
};

const char *change_name(enum change_op op);                  /* "put" */
void change_put(struct buffer *out, const struct change *change);
MUST_CHECK enum error change_decode(struct bytes encoded, struct change *out);     /* ERROR_MALFORMED */

#endif
