/*
 * tree_check.c - what is always true of a tree.
 */
#include "base/tree_internal.h"

#include "base/check.h"

static const struct tree_entry *check_node(const struct tree_node *node, bool is_root);

static void check_head(const struct tree_node *node, size_t at, const struct tree_entry *entry)
{
	ASSERT(node->key_head[at] == tree_key_head(tree_entry_key(entry), node->skip));
}

static void check_child(const struct tree_node *node, size_t at)
{
	const struct tree_branch *branch = (const struct tree_branch *)node;

	ASSERT(branch->child[at]->height + 1 == node->height);
	ASSERT(branch->count[at] == branch->child[at]->count);
	ASSERT(branch->least[at] == check_node(branch->child[at], false));
	ASSERT(!node->summed || branch->child[at]->summed);
	check_head(node, at, branch->least[at]);
}

/* Returns its first entry. */
static const struct tree_entry *check_node(const struct tree_node *node, bool is_root)
{
	const struct tree_leaf *leaf = (const struct tree_leaf *)node;
	uint64_t count = 0;

	ASSERT(node->references > 0);
	ASSERT(node->height < TREE_DEPTH_MAX);
	ASSERT(node->used <= TREE_FANOUT);
	ASSERT(node->used >= (is_root ? (node->height > 0 ? 2 : 1) : TREE_FILL_MIN));
	if (node->height == 0) {
		for (size_t i = 0; i < node->used; i++) {
			ASSERT(leaf->entry[i]->references > 0);
			check_head(node, i, leaf->entry[i]);
			ASSERT(!node->summed || leaf->hash[i].lane[0] != TREE_UNHASHED);
		}
		ASSERT(node->count == node->used);
		return leaf->entry[0];
	}
	for (size_t i = 0; i < node->used; i++) {
		check_child(node, i);
		count += ((const struct tree_branch *)node)->count[i];
	}
	ASSERT(node->count == count);
	return ((const struct tree_branch *)node)->least[0];
}

void tree_check(const struct tree *tree)
{
	if (tree->root != NULL)
		check_node(tree->root, true);
}

static void check_shared(const struct tree_node *node)
{
	const struct tree_branch *branch = (const struct tree_branch *)node;
	const struct tree_leaf *leaf = (const struct tree_leaf *)node;

	for (size_t i = 0; i < node->used; i++) {
		const struct tree_entry *first = node->height > 0 ? branch->least[0] : leaf->entry[0];
		const struct tree_entry *entry = node->height > 0 ? branch->least[i] : leaf->entry[i];

		ASSERT(entry->key_size >= node->skip);
		ASSERT(bytes_equal(bytes_of(first->data, node->skip), bytes_of(entry->data, node->skip)));
		if (node->height > 0)
			check_shared(branch->child[i]);
	}
}

void tree_check_order(const struct tree *tree)
{
	struct tree_cursor cursor = tree_seek(tree, 0);
	const struct tree_entry *last = NULL, *entry;

	while ((entry = tree_next(&cursor)) != NULL) {
		ASSERT(last == NULL || bytes_compare(tree_entry_key(last), tree_entry_key(entry)) < 0);
		last = entry;
	}
	if (tree->root != NULL)
		check_shared(tree->root);
}
