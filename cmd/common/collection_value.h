/*
 * collection_value.h - the one value behind a key of a map or pqueue, at an index of a vec, or of a cell or once; of a set,
 * whether the key is there.
 */
#ifndef CMD_COLLECTION_VALUE_H
#define CMD_COLLECTION_VALUE_H

#include "collections/collection.h"

/* Whether values of the kind have a key in front: an operand more. */
bool value_has_key(enum collection_kind kind);
/* The stored form of what was typed. ERROR_BAD_TEXT: it is not of the type; then *out is as it was. */
MUST_CHECK enum error value_key(const struct collection_shape *shape, const char *text, struct buffer *out);

void value_query(const struct collection_shape *shape, struct bytes key, struct buffer *out);
/* *value: borrowed from answer; empty of a set, and if it is absent. */
MUST_CHECK enum error value_read(const struct collection_shape *shape, struct bytes answer, bool *is_there, struct bytes *value);

struct value_swap {
	struct bytes key;
	bool was_there;
	struct bytes before;
	struct bytes after;
};
/* Of a map, cell or pqueue: the command that puts `after` in if what is there is still `before`. */
void value_swap(const struct collection_shape *shape, const struct value_swap *swap, struct buffer *out);

#endif
