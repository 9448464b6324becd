/*
 * vec_wire.h - commands and queries of a vec, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 * Indices begin at 0. count of a command's result is the length after it.
 */
#ifndef COLLECTIONS_VEC_WIRE_H
#define COLLECTIONS_VEC_WIRE_H

#include "base/bytes.h"

/* Commands. */
void vec_push(struct buffer *out, struct bytes value);
void vec_push_front(struct buffer *out, struct bytes value);
/* DONE with the value removed; NOTHING: empty; LARGE: it would not fit a result, and stays. */
void vec_pop(struct buffer *out);
void vec_pop_front(struct buffer *out);
void vec_insert(struct buffer *out, uint64_t index, struct bytes value);   /* index <= length, else RANGE */
void vec_remove(struct buffer *out, uint64_t index);             /* DONE with the value removed; NOTHING: out of range */
void vec_swap(struct buffer *out, uint64_t a, uint64_t b);       /* NOTHING: out of range, or the same */
void vec_truncate(struct buffer *out, uint64_t length);          /* NOTHING: not longer than that */
void vec_extend(struct buffer *out, struct bytes values);        /* sequence.h */
void vec_clear(struct buffer *out);                              /* count: how many there were */

/* Queries. */
void vec_get(struct buffer *out, uint64_t index);                /* DONE with the value; NOTHING: count is the length */
void vec_last(struct buffer *out);                               /* the same; count: its index */
void vec_len(struct buffer *out);                                /* count */
void vec_index_of(struct buffer *out, struct bytes value);       /* DONE, count: the first that is equal; or NOTHING. O(n) */
/* DONE with one value: a sequence (sequence.h). count: 1 if there is more. limit 0: as many as an answer holds. */
void vec_list(struct buffer *out, uint64_t from, uint64_t limit);

#endif
