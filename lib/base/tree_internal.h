/*
 * tree_internal.h - nodes, for tree.c, tree_digest.c and tree_check.c.
 */
#ifndef BASE_TREE_INTERNAL_H
#define BASE_TREE_INTERNAL_H

#include "base/tree.h"

#include <string.h>

#define TREE_FANOUT 32
#define TREE_FILL_MIN (TREE_FANOUT / 4)      /* of every node but the root */

#define TREE_DIGEST_LANES 8
#define TREE_UNHASHED UINT32_MAX             /* no lane of a hash is that large */

/* Of the digest, see tree_digest.c: each of order 2^31 - 2 modulo 2^31 - 1. */
#define TREE_DIGEST_BASES \
	0x1AF68340, 0x555184AF, 0x7F2943A5, 0x2515975A, 0x5B14C6F3, 0x275281A6, 0x7E0426EB, 0x45EF7F94

/* Head of both kinds of node. A node with more than one reference is read only, and so is everything below it. */
struct tree_node {
	uint32_t references;
	uint16_t used;                       /* slots; at least TREE_FILL_MIN, in a root 1 (leaf) or 2 (branch) */
	uint8_t height;                      /* 0: a leaf */
	bool summed;                         /* sum and power belong to the present entries */
	uint32_t skip;                       /* with so many bytes all keys of its slots begin alike */
	uint64_t count;                      /* entries in it and below */
	uint32_t sum[TREE_DIGEST_LANES];     /* see tree_digest.c */
	uint32_t power[TREE_DIGEST_LANES];
	uint64_t key_head[TREE_FANOUT];      /* of each slot's (first) key the 8 bytes after those; padded with zeroes */
};

/* The hash of an entry, once it was asked for: beside the others of its leaf, so that to sum them up touches no entry. */
struct tree_hash {
	uint32_t lane[TREE_DIGEST_LANES];    /* lane[0] TREE_UNHASHED: not yet */
};

struct tree_leaf {
	struct tree_node head;
	struct tree_entry *entry[TREE_FANOUT];
	struct tree_hash hash[TREE_FANOUT];
};

/* What a branch knows of a child, so that a search need not touch the others. */
struct tree_branch {
	struct tree_node head;
	uint64_t count[TREE_FANOUT];
	const struct tree_entry *least[TREE_FANOUT];   /* its first entry; the child's reference keeps it */
	struct tree_node *child[TREE_FANOUT];
};

/* The 8 bytes of a key after the first `skip`, as a number that orders as they do. */
static inline uint64_t tree_key_head(struct bytes key, size_t skip)
{
	uint8_t text[8] = {0};
	size_t left = key.size > skip ? key.size - skip : 0;

	if (left > 0)
		memcpy(text, key.data + skip, left < sizeof text ? left : sizeof text);
	return bytes_get_be64(text);
}

static inline struct tree_leaf *tree_leaf_of(struct tree_node *node)
{
	return (struct tree_leaf *)node;
}

static inline struct tree_branch *tree_branch_of(struct tree_node *node)
{
	return (struct tree_branch *)node;
}

#endif
