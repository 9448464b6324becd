/*
 * state.h - what a group can replicate: a deterministic machine that is fed commands in one order on every member.
 *
 * Equal commands in equal order make equal content on every replica, and equal content makes equal items in equal
 * order: snapshots are compared by hash. No command, however made, may crash or diverge a replica: one that cannot be
 * carried out is answered, and changes nothing.
 */
#ifndef GROUPS_STATE_H
#define GROUPS_STATE_H

#include "base/blob.h"
#include "base/error.h"
#include "base/id.h"

#define STATE_RESULT_MAX (64u << 10)    /* of one command; what would be longer is refused by the state itself */
#define STATE_ITEM_MAX (16u << 20)      /* encoded */

/* Where a command stands. */
struct state_moment {
	uint64_t position;               /* 1 for the first command of the group: the version of what it changes */
	uint64_t term;
};

struct state_ops {
	/* Kind and parameters ("map str u64"): part of the group's identity, so that unlike states never meet. */
	void (*signature)(const void *self, struct buffer *out);

	/*
	 * Carries out one command. Appends its result to *result, and what it changed to *changes, one CBOR item a change
	 * (NULL: nobody watches). Appending nothing is an answer too.
	 */
	void (*apply)(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
		struct buffer *changes);

	/* What commands came to outside, a part of it: see log_base.h. NULL: this state is all there is. */
	void (*fold)(void *self, struct bytes part);

	/* Reads. ERROR_MALFORMED: not a query of this state. */
	enum error (*query)(const void *self, struct bytes query, struct buffer *answer);

	/* The content of this moment, kept apart from later commands; O(1) or nearly. Released by `thaw`. */
	void *(*freeze)(const void *self);
	/*
	 * Appends encoded items of a frozen content to *out, in canonical order, from the item after the one that `*cursor`
	 * numbers (0 at first), until at least `enough` bytes were appended; moves the cursor. false: no items were left.
	 * Each item goes as a CBOR byte string.
	 */
	bool (*items)(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out);
	void (*thaw)(void *frozen);

	/* Empties the state; then `restore` is called with every item in canonical order. ERROR_MALFORMED: not an item. */
	void (*clear)(void *self);
	enum error (*restore)(void *self, struct bytes item);

	/* Hash of the content, kept up incrementally: equal content, equal hash. */
	struct id (*hash)(const void *self);

	void (*free)(void *self);        /* NULL is fine */
};

/* A state and its operations. Whoever is handed one by value takes `self`. */
struct state {
	const struct state_ops *ops;
	void *self;
};

#endif
