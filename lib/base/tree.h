/*
 * tree.h - a persistent sequence of entries, each a key and a value, with O(1) snapshots.
 *
 * An entry is found by its rank (its place, from 0) or, where the owner keeps the keys ascending, by its key. The two
 * families do not mix: tree_put, tree_remove and tree_rank are for trees that were only ever changed by key (or whose
 * changes by rank kept the order).
 *
 * A snapshot shares everything with its tree until one of the two changes; then only the path to the change is copied.
 * Everything costs O(log n) unless it says otherwise; recursion is as deep as the tree, TREE_DEPTH_MAX at the most.
 * An entry costs about 110 bytes beside its key and its value. Keys and values are shorter than 4 GiB.
 */
#ifndef BASE_TREE_H
#define BASE_TREE_H

#include "base/id.h"

#define TREE_DEPTH_MAX 20

struct tree_node;

/* Zero-initialised is empty and valid. Not to be copied but by tree_snapshot. */
struct tree {
	struct tree_node *root;
};

/* Counted and immutable; shared by a tree and its snapshots. */
struct tree_entry {
	uint32_t references;
	uint32_t key_size;
	uint32_t value_size;
	uint8_t data[];                          /* key, then value */
};

static inline struct bytes tree_entry_key(const struct tree_entry *entry)
{
	return (struct bytes){entry->data, entry->key_size};
}

static inline struct bytes tree_entry_value(const struct tree_entry *entry)
{
	return (struct bytes){entry->data + entry->key_size, entry->value_size};
}

void tree_entry_drop(struct tree_entry *entry);                    /* NULL is fine */

void tree_fini(struct tree *tree);                                 /* leaves it empty and valid; O(n) at worst */
struct tree tree_snapshot(const struct tree *tree);                /* O(1); released by tree_fini */
uint64_t tree_count(const struct tree *tree);                      /* O(1) */

/* By key. Borrowed until the tree changes; NULL: absent. */
const struct tree_entry *tree_get(const struct tree *tree, struct bytes key);
/* The entry that was there before, now the caller's to drop; NULL: none was. */
MUST_CHECK struct tree_entry *tree_put(struct tree *tree, struct bytes key, struct bytes value);
MUST_CHECK struct tree_entry *tree_remove(struct tree *tree, struct bytes key);
uint64_t tree_rank(const struct tree *tree, struct bytes key);     /* how many keys are smaller */
/* How many keys are smaller than `prefix` or begin with it: what begins with it has ranks tree_rank to this, excluded. */
uint64_t tree_rank_past(const struct tree *tree, struct bytes prefix);

/* By rank: rank < count, for an insertion rank <= count. Entries that are removed or replaced are the caller's to drop. */
const struct tree_entry *tree_at(const struct tree *tree, uint64_t rank);   /* borrowed until the tree changes */
void tree_insert_at(struct tree *tree, uint64_t rank, struct bytes key, struct bytes value);
MUST_CHECK struct tree_entry *tree_replace_at(struct tree *tree, uint64_t rank, struct bytes key, struct bytes value);
MUST_CHECK struct tree_entry *tree_remove_at(struct tree *tree, uint64_t rank);
void tree_swap_at(struct tree *tree, uint64_t a, uint64_t b);

/* Walks in either direction; O(1) a step on average. Of no more use once the tree changed. */
struct tree_cursor {
	const struct tree *tree;
	uint64_t rank;                           /* of what tree_next gives next */
	const struct tree_node *leaf;            /* holds ranks from `first` on; NULL: none yet */
	uint64_t first;
};
struct tree_cursor tree_seek(const struct tree *tree, uint64_t rank);       /* rank <= count */
const struct tree_entry *tree_next(struct tree_cursor *cursor);             /* NULL: at the end */
const struct tree_entry *tree_previous(struct tree_cursor *cursor);         /* NULL: at the beginning */

/*
 * A digest of the sequence of entries: equal sequences, equal digests, whatever was done to get there. Parts that did
 * not change since it was last asked for (of this tree or of one it shares them with) are not looked at again.
 * It tells honest replicas apart (2^-240); who can choose entries can make two trees of equal digest.
 */
struct id tree_digest(const struct tree *tree);

void tree_check(const struct tree *tree);        /* asserts every invariant but the order of keys; O(n) */
void tree_check_order(const struct tree *tree);  /* asserts that keys ascend */

#endif
