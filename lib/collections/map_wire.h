/*
 * map_wire.h - commands and queries of a map, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 */
#ifndef COLLECTIONS_MAP_WIRE_H
#define COLLECTIONS_MAP_WIRE_H

#include "base/bytes.h"

/* Commands. DONE. count: 1 if the key was not there; else the value is what it replaced. */
void map_put(struct buffer *out, struct bytes key, struct bytes value);
/* pairs: sequence.h, key and value in turn; the last of equal keys wins. count: keys that were not there. */
void map_put_many(struct buffer *out, struct bytes pairs);
void map_remove(struct buffer *out, struct bytes key);           /* DONE with the value removed, or NOTHING */
void map_remove_many(struct buffer *out, struct bytes keys);     /* count: how many were there */
void map_clear(struct buffer *out);                              /* count: how many there were */

struct map_swap {
	struct bytes key;
	bool has_expected;               /* else: the key must be absent */
	bool has_replacement;            /* else: the key is removed */
	struct bytes expected;
	struct bytes replacement;
};
/* DONE: it was as expected; count: 1 unless it was absent and stays so. MISMATCH with the value that is there, if any. */
void map_cas(struct buffer *out, const struct map_swap *swap);

/* Queries. */
void map_get(struct buffer *out, struct bytes key);              /* DONE with the value, or NOTHING */
void map_len(struct buffer *out, struct bytes prefix);           /* count: keys that begin so */
void map_rank(struct buffer *out, struct bytes key);             /* count: keys before it; DONE: it is there itself */

enum map_parts { MAP_KEYS = 2, MAP_VALUES = 4, MAP_PAIRS = MAP_KEYS | MAP_VALUES };
struct map_list {
	struct bytes prefix;             /* of keys; empty: all */
	bool resumes;                    /* begins after the key `after` */
	struct bytes after;
	uint64_t limit;                  /* of entries; 0: as many as an answer holds */
	enum map_parts parts;
};
/* DONE with one value: a sequence (sequence.h) in the order of keys. count: 1 if there is more. */
void map_list(struct buffer *out, const struct map_list *list);

#endif
