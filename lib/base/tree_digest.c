/*
 * tree_digest.c - a hash of a sequence that does not depend on how it is cut into nodes.
 *
 * Each entry has a hash h of TREE_DIGEST_LANES numbers below the prime p = 2^31 - 1, out of its BLAKE3. In every lane a
 * sequence of n entries sums to
 *
 *      h[0] R^(n-1) + h[1] R^(n-2) + ... + h[n-1]   (mod p)
 *
 * with one R of high order a lane. Of two sequences one after the other the sum is sum(left) R^n(right) + sum(right), so
 * a node needs the sum and R^n of its children only, and keeps its own until something below it changes. A node of a
 * snapshot keeps it too: it is a cache, and the only thing that changes in a node that is shared.
 */
#include "base/tree_internal.h"

#include "base/check.h"

#define PRIME 0x7FFFFFFFu

/* One base a lane, each of order p - 1 (a unit test proves it), so that no two places weigh the same. */
static const uint32_t bases[TREE_DIGEST_LANES] = {TREE_DIGEST_BASES};

static uint32_t reduce(uint64_t x)
{
	uint32_t folded = (uint32_t)((x & PRIME) + (x >> 31));

	return folded >= PRIME ? folded - PRIME : folded;
}

/* a b + c, all of them below the prime: below 2^62, which folds to at most 2^32 - 2. */
static uint32_t multiply_add(uint32_t a, uint32_t b, uint32_t c)
{
	return reduce((uint64_t)a * b + c);
}

static void hash_entry(const struct tree_entry *entry, struct tree_hash *out)
{
	uint8_t sizes[8];
	struct hash hash;
	struct id id;

	bytes_put_be32(sizes, entry->key_size);
	bytes_put_be32(sizes + 4, entry->value_size);
	hash_init(&hash);
	hash_update(&hash, bytes_of(sizes, sizeof sizes));
	hash_update(&hash, bytes_of(entry->data, (size_t)entry->key_size + entry->value_size));
	id = hash_final(&hash);
	for (size_t lane = 0; lane < TREE_DIGEST_LANES; lane++)
		out->lane[lane] = reduce(bytes_get_be32(id.byte + 4 * lane));
}

static void add_entry(struct tree_node *node, const struct tree_entry *entry, struct tree_hash *hash)
{
	if (hash->lane[0] == TREE_UNHASHED)
		hash_entry(entry, hash);
	for (size_t lane = 0; lane < TREE_DIGEST_LANES; lane++) {
		node->sum[lane] = multiply_add(node->sum[lane], bases[lane], hash->lane[lane]);
		node->power[lane] = multiply_add(node->power[lane], bases[lane], 0);
	}
}

static void add_child(struct tree_node *node, const struct tree_node *child)
{
	ASSERT(child->summed);
	for (size_t lane = 0; lane < TREE_DIGEST_LANES; lane++) {
		node->sum[lane] = multiply_add(node->sum[lane], child->power[lane], child->sum[lane]);
		node->power[lane] = multiply_add(node->power[lane], child->power[lane], 0);
	}
}

static void sum_up(struct tree_node *node)
{
	if (node->summed)
		return;
	for (size_t lane = 0; lane < TREE_DIGEST_LANES; lane++) {
		node->sum[lane] = 0;
		node->power[lane] = 1;
	}
	for (size_t i = 0; i < node->used; i++) {
		if (node->height == 0) {
			add_entry(node, tree_leaf_of(node)->entry[i], &tree_leaf_of(node)->hash[i]);
			continue;
		}
		sum_up(tree_branch_of(node)->child[i]);
		add_child(node, tree_branch_of(node)->child[i]);
	}
	node->summed = true;
}

struct id tree_digest(const struct tree *tree)
{
	uint8_t text[8 + 4 * TREE_DIGEST_LANES] = {0};

	if (tree->root == NULL)
		return id_hash(bytes_of(text, sizeof text));
	sum_up(tree->root);
	bytes_put_be64(text, tree->root->count);
	for (size_t lane = 0; lane < TREE_DIGEST_LANES; lane++)
		bytes_put_be32(text + 8 + 4 * lane, tree->root->sum[lane]);
	return id_hash(bytes_of(text, sizeof text));
}
