/*
 * pqueue_wire.h - commands and queries of a pqueue, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 *
 * Entries are told as three values: priority, key, value. Low and high are of priorities, and of keys among equals.
 * A queue with a capacity that is full drives its lowest entry out for a new key; if the new entry would be the lowest,
 * it is refused (FULL). What has its key in the queue already is never refused and drives nothing out.
 */
#ifndef COLLECTIONS_PQUEUE_WIRE_H
#define COLLECTIONS_PQUEUE_WIRE_H

#include "base/bytes.h"

struct pqueue_entry {
	struct bytes priority;
	struct bytes key;
	struct bytes value;
};

/* Commands. Values of the result: the entry that was replaced (count 0) or driven out (count 1), if any. */
void pqueue_push(struct buffer *out, const struct pqueue_entry *entry);
/* sequence.h, three of each entry, in turn; as if pushed one by one. count: those that were not refused. */
void pqueue_push_many(struct buffer *out, struct bytes entries);
/* DONE with the entry as it was, or NOTHING: no such key. */
void pqueue_set_priority(struct buffer *out, struct bytes key, struct bytes priority);
void pqueue_set_value(struct buffer *out, struct bytes key, struct bytes value);
void pqueue_remove(struct buffer *out, struct bytes key);
void pqueue_remove_many(struct buffer *out, struct bytes keys);  /* count: how many were there */

struct pqueue_swap {
	struct bytes key;
	struct bytes expected;           /* value */
	bool has_replacement;            /* else: the entry is removed */
	struct bytes replacement;
};
/* The priority stays. DONE. MISMATCH with the value that is there, if any. */
void pqueue_cas(struct buffer *out, const struct pqueue_swap *swap);

enum pqueue_bound { PQUEUE_UNBOUNDED, PQUEUE_INCLUDED, PQUEUE_EXCLUDED };
struct pqueue_range {
	enum pqueue_bound from, to;
	struct bytes low, high;          /* priorities; of no meaning where unbounded */
};
void pqueue_remove_range(struct buffer *out, const struct pqueue_range *range);   /* count: how many */
/* DONE with the entry, count: how many are left; NOTHING: empty; LARGE: it would not fit a result, and stays. */
void pqueue_take_min(struct buffer *out);
void pqueue_take_max(struct buffer *out);
void pqueue_clear(struct buffer *out);                           /* count: how many there were */

/* Queries: DONE with the entry, or NOTHING. */
void pqueue_get(struct buffer *out, struct bytes key);
void pqueue_min(struct buffer *out);
void pqueue_max(struct buffer *out);
void pqueue_len(struct buffer *out);                             /* count */

struct pqueue_list {
	bool descending;
	bool resumes;                    /* begins after the entry of that priority and key */
	struct bytes after_priority;
	struct bytes after_key;
	uint64_t limit;                  /* of entries; 0: as many as an answer holds */
};
/* DONE with one value: a sequence (sequence.h), three of each entry. count: 1 if there is more. */
void pqueue_list(struct buffer *out, const struct pqueue_list *list);

#endif
