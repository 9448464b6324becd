/*
 * set_wire.h - commands and queries of a set, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 */
#ifndef COLLECTIONS_SET_WIRE_H
#define COLLECTIONS_SET_WIRE_H

#include "base/bytes.h"

/* Commands. */
void set_add(struct buffer *out, struct bytes key);              /* DONE, or NOTHING: it was there */
void set_add_many(struct buffer *out, struct bytes keys);        /* sequence.h. count: how many were not there */
void set_remove(struct buffer *out, struct bytes key);           /* DONE, or NOTHING: it was not there */
void set_remove_many(struct buffer *out, struct bytes keys);     /* count: how many were there */
void set_clear(struct buffer *out);                              /* count: how many there were */

/* Queries. */
void set_has(struct buffer *out, struct bytes key);              /* DONE or NOTHING */
void set_has_all(struct buffer *out, struct bytes keys);         /* DONE: all of them are; count: how many are */
void set_len(struct buffer *out, struct bytes prefix);           /* count: keys that begin so */
void set_rank(struct buffer *out, struct bytes key);             /* count: keys before it; DONE: it is there itself */

struct set_list {
	struct bytes prefix;             /* empty: all */
	bool resumes;                    /* begins after the key `after` */
	struct bytes after;
	uint64_t limit;                  /* of keys; 0: as many as an answer holds */
};
/* DONE with one value: a sequence (sequence.h), ascending. count: 1 if there is more. */
void set_list(struct buffer *out, const struct set_list *list);

#endif
