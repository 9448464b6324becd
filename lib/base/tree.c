/*
 * tree.c - a copy-on-write B+-tree with counts.
 *
 *      branch   [ count 3 | least a | * ] [ count 2 | least d | * ]
 *                              |                      |
 *      leaf             [ a ] [ b ] [ c ]      [ d ] [ e ]          each slot: a counted entry
 *
 * A change goes down by rank, with nothing but the counts to look at, and makes every node on its way its own: one with
 * a second reference is copied first, and with that its children (or entries) have one reference more, so that whatever
 * hangs below a shared node is found to be shared when a change gets there. That is all there is to snapshots: a second
 * reference to the root. A node with one reference, reached through nodes with one reference, is changed in place.
 *
 * What a search in a large tree does is wait for memory, so nodes hold a part of their keys: the 8 bytes after those with
 * which all of their keys begin. Most comparisons end there and touch no entry. How many bytes all keys share is found
 * when a node is split or two are joined, and falls when a key is put in that begins otherwise.
 *
 * A full node is split where that helps the next insertion: at the end when something was put at its end, so that what
 * is filled in order (a log, a restored snapshot) has nodes three quarters full, not half.
 */
#include "base/tree_internal.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* --- entries --- */

static struct tree_entry *entry_new(struct bytes key, struct bytes value)
{
	struct tree_entry *entry;

	ASSERT(key.size <= UINT32_MAX && value.size <= UINT32_MAX);
	entry = memory_resize(NULL, sizeof *entry + key.size + value.size);
	entry->references = 1;
	entry->key_size = (uint32_t)key.size;
	entry->value_size = (uint32_t)value.size;
	if (key.size > 0)
		memcpy(entry->data, key.data, key.size);
	if (value.size > 0)
		memcpy(entry->data + key.size, value.data, value.size);
	return entry;
}

static void entry_keep(struct tree_entry *entry)
{
	ASSERT(entry->references > 0 && entry->references < UINT32_MAX);
	entry->references++;
}

void tree_entry_drop(struct tree_entry *entry)
{
	if (entry == NULL)
		return;
	ASSERT(entry->references > 0);
	if (--entry->references == 0)
		memory_free(entry);
}

/* --- nodes --- */

static struct tree_node *node_new(uint8_t height)
{
	struct tree_node *node;

	ASSERT(height < TREE_DEPTH_MAX);
	node = memory_resize(NULL, height > 0 ? sizeof(struct tree_branch) : sizeof(struct tree_leaf));
	node->references = 1;
	node->used = 0;
	node->height = height;
	node->summed = false;
	node->skip = 0;
	node->count = 0;
	return node;
}

static void node_drop(struct tree_node *node)
{
	ASSERT(node->references > 0);
	if (--node->references > 0)
		return;
	for (size_t i = 0; i < node->used; i++) {
		if (node->height > 0)
			node_drop(tree_branch_of(node)->child[i]);
		else
			tree_entry_drop(tree_leaf_of(node)->entry[i]);
	}
	memory_free(node);
}

/* Moves slots between nodes of one height, or inside one. Counts and references are the caller's. */
static void move_slots(struct tree_node *to, size_t to_at, struct tree_node *from, size_t from_at, size_t n)
{
	ASSERT(to->height == from->height);
	ASSERT(to_at + n <= TREE_FANOUT && from_at + n <= TREE_FANOUT);
	memmove(&to->key_head[to_at], &from->key_head[from_at], n * sizeof(uint64_t));
	if (to->height == 0) {
		memmove(&tree_leaf_of(to)->entry[to_at], &tree_leaf_of(from)->entry[from_at], n * sizeof(void *));
		memmove(&tree_leaf_of(to)->hash[to_at], &tree_leaf_of(from)->hash[from_at], n * sizeof(struct tree_hash));
		return;
	}
	memmove(&tree_branch_of(to)->child[to_at], &tree_branch_of(from)->child[from_at], n * sizeof(void *));
	memmove(&tree_branch_of(to)->least[to_at], &tree_branch_of(from)->least[from_at], n * sizeof(void *));
	memmove(&tree_branch_of(to)->count[to_at], &tree_branch_of(from)->count[from_at], n * sizeof(uint64_t));
}

static void open_slot(struct tree_node *node, size_t at)
{
	ASSERT(at <= node->used && node->used < TREE_FANOUT);
	move_slots(node, at + 1, node, at, node->used - at);
	node->used++;
}

static void close_slot(struct tree_node *node, size_t at)
{
	ASSERT(at < node->used);
	move_slots(node, at, node, at + 1, node->used - at - 1);
	node->used--;
}

/* The entry of a slot, or the first one below it. */
static const struct tree_entry *slot_entry(const struct tree_node *node, size_t at)
{
	ASSERT(at < node->used);
	return node->height > 0 ? ((const struct tree_branch *)node)->least[at] : ((const struct tree_leaf *)node)->entry[at];
}

static size_t common_size(struct bytes a, struct bytes b)
{
	size_t most = a.size < b.size ? a.size : b.size, size = 0;

	while (size < most && a.data[size] == b.data[size])
		size++;
	return size;
}

/* Looks at all keys: keys ascend, so that what the first and the last share they all share. */
static void find_heads(struct tree_node *node)
{
	struct bytes first = tree_entry_key(slot_entry(node, 0));

	node->skip = (uint32_t)common_size(first, tree_entry_key(slot_entry(node, node->used - 1u)));
	for (size_t i = 0; i < node->used; i++)
		node->key_head[i] = tree_key_head(tree_entry_key(slot_entry(node, i)), node->skip);
}

/* After a key was put into a slot. */
static void set_head(struct tree_node *node, size_t at)
{
	struct bytes key = tree_entry_key(slot_entry(node, at));
	struct bytes other = tree_entry_key(slot_entry(node, at > 0 ? 0 : node->used - 1u));

	if (node->skip > 0 && (key.size < node->skip || other.size < node->skip ||
		memcmp(key.data, other.data, node->skip) != 0))
		find_heads(node);
	else
		node->key_head[at] = tree_key_head(key, node->skip);
}

/* After its slots moved. */
static void recount(struct tree_node *node)
{
	node->summed = false;
	node->count = node->used;
	if (node->height == 0)
		return;
	node->count = 0;
	for (size_t i = 0; i < node->used; i++)
		node->count += tree_branch_of(node)->count[i];
}

static void set_child(struct tree_node *node, size_t at, struct tree_node *child)
{
	struct tree_branch *branch = tree_branch_of(node);

	ASSERT(node->height == child->height + 1);
	ASSERT(child->used > 0);
	branch->child[at] = child;
	branch->count[at] = child->count;
	branch->least[at] = slot_entry(child, 0);
}

/* After something below it changed. */
static void refresh_child(struct tree_node *node, size_t at)
{
	const struct tree_entry *before = tree_branch_of(node)->least[at];

	set_child(node, at, tree_branch_of(node)->child[at]);
	if (tree_branch_of(node)->least[at] != before)
		set_head(node, at);
}

static void set_entry(struct tree_node *node, size_t at, struct tree_entry *entry)
{
	tree_leaf_of(node)->entry[at] = entry;
	tree_leaf_of(node)->hash[at].lane[0] = TREE_UNHASHED;
}

/* Makes the node at *place ours alone. Whoever holds *place has done so with its own node before. */
static struct tree_node *own(struct tree_node **place)
{
	struct tree_node *shared = *place, *node;

	if (shared->references == 1)
		return shared;
	node = node_new(shared->height);
	move_slots(node, 0, shared, 0, shared->used);
	node->used = shared->used;
	node->skip = shared->skip;
	node->count = shared->count;
	for (size_t i = 0; i < node->used; i++) {
		if (node->height > 0)
			tree_branch_of(node)->child[i]->references++;
		else
			entry_keep(tree_leaf_of(node)->entry[i]);
	}
	shared->references--;
	*place = node;
	return node;
}

/* The child that holds the entry of this rank, or one after it; takes the entries before that child off the rank. */
static size_t child_of(const struct tree_node *node, uint64_t *rank)
{
	const struct tree_branch *branch = (const struct tree_branch *)node;
	size_t at = 0;

	while (at + 1 < node->used && *rank >= branch->count[at])
		*rank -= branch->count[at++];
	return at;
}

/* --- insertion --- */

/* Splits a full node before something is put at slot *at; returns the right part and corrects *at and *node. */
static struct tree_node *split(struct tree_node **node, size_t *at)
{
	struct tree_node *left = *node, *right = node_new(left->height);
	size_t keep = TREE_FANOUT / 2;

	ASSERT(left->used == TREE_FANOUT);
	if (*at == left->used)
		keep = TREE_FANOUT - TREE_FILL_MIN;
	else if (*at == 0)
		keep = TREE_FILL_MIN;
	move_slots(right, 0, left, keep, TREE_FANOUT - keep);
	right->used = (uint16_t)(TREE_FANOUT - keep);
	left->used = (uint16_t)keep;
	find_heads(left);
	find_heads(right);
	if (*at > keep) {
		*at -= keep;
		*node = right;
	}
	return right;
}

/* Puts an entry or a child into a slot. Returns what was split off to the right, NULL if nothing was. */
static struct tree_node *put_slot(struct tree_node *node, size_t at, struct tree_entry *entry, struct tree_node *child)
{
	struct tree_node *left = node, *right = NULL;

	if (node->used == TREE_FANOUT)
		right = split(&node, &at);
	open_slot(node, at);
	if (node->height > 0)
		set_child(node, at, child);
	else
		set_entry(node, at, entry);
	set_head(node, at);
	recount(left);
	if (right != NULL)
		recount(right);
	return right;
}

static struct tree_node *insert(struct tree_node **place, uint64_t rank, struct tree_entry *entry)
{
	struct tree_node *node = own(place), *right;
	size_t at;

	ASSERT(rank <= node->count);
	if (node->height == 0)
		return put_slot(node, (size_t)rank, entry, NULL);
	at = child_of(node, &rank);
	right = insert(&tree_branch_of(node)->child[at], rank, entry);
	refresh_child(node, at);
	if (right != NULL)
		return put_slot(node, at + 1, NULL, right);
	node->count++;
	node->summed = false;
	return NULL;
}

static void insert_entry(struct tree *tree, uint64_t rank, struct tree_entry *entry)
{
	struct tree_node *right, *root;

	if (tree->root == NULL)
		tree->root = node_new(0);
	right = insert(&tree->root, rank, entry);
	if (right == NULL)
		return;
	root = node_new((uint8_t)(tree->root->height + 1));
	root->used = 2;
	set_child(root, 0, tree->root);
	set_child(root, 1, right);
	find_heads(root);
	recount(root);
	tree->root = root;
}

/* --- removal and replacement --- */

/* Evens out two neighbours, or makes them one: the left one of them is at slot `at`. */
static void join(struct tree_node *node, size_t at)
{
	struct tree_branch *branch = tree_branch_of(node);
	struct tree_node *left = own(&branch->child[at]), *right = own(&branch->child[at + 1]);
	size_t both = (size_t)left->used + right->used;

	if (both <= TREE_FANOUT) {
		move_slots(left, left->used, right, 0, right->used);
		left->used = (uint16_t)both;
		right->used = 0;
		node_drop(right);
		close_slot(node, at + 1);
	} else if (left->used < right->used) {
		size_t n = both / 2 - left->used;

		move_slots(left, left->used, right, 0, n);
		move_slots(right, 0, right, n, right->used - n);
		left->used = (uint16_t)(left->used + n);
		right->used = (uint16_t)(right->used - n);
	} else {
		size_t n = left->used - both / 2;

		move_slots(right, n, right, 0, right->used);
		move_slots(right, 0, left, left->used - n, n);
		left->used = (uint16_t)(left->used - n);
		right->used = (uint16_t)(right->used + n);
	}
	find_heads(left);
	recount(left);
	refresh_child(node, at);
	if (both > TREE_FANOUT) {
		find_heads(right);
		recount(right);
		refresh_child(node, at + 1);
	}
}

static struct tree_entry *take(struct tree_node **place, uint64_t rank)
{
	struct tree_node *node = own(place), *child;
	struct tree_entry *entry;
	size_t at;

	ASSERT(rank < node->count);
	node->count--;
	node->summed = false;
	if (node->height == 0) {
		entry = tree_leaf_of(node)->entry[rank];
		close_slot(node, (size_t)rank);
		return entry;
	}
	at = child_of(node, &rank);
	entry = take(&tree_branch_of(node)->child[at], rank);
	child = tree_branch_of(node)->child[at];
	refresh_child(node, at);
	if (child->used < TREE_FILL_MIN)
		join(node, at > 0 ? at - 1 : at);
	return entry;
}

/* Returns the entry that was there. */
static struct tree_entry *replace(struct tree *tree, uint64_t rank, struct tree_entry *entry)
{
	struct tree_node **place = &tree->root, *path[TREE_DEPTH_MAX], *node;
	size_t slot[TREE_DEPTH_MAX], depth = 0;
	struct tree_entry *old;

	for (node = own(place); node->height > 0; node = own(place)) {
		path[depth] = node;
		slot[depth] = child_of(node, &rank);
		node->summed = false;
		place = &tree_branch_of(node)->child[slot[depth++]];
	}
	old = tree_leaf_of(node)->entry[rank];
	set_entry(node, (size_t)rank, entry);
	set_head(node, (size_t)rank);
	node->summed = false;
	while (depth-- > 0)
		refresh_child(path[depth], slot[depth]);
	return old;
}

/* --- search --- */

/* past: nothing but the part of the entry's key that could be the prefix counts. */
static int compare(const struct tree_entry *entry, struct bytes key, bool past)
{
	struct bytes have = tree_entry_key(entry);

	if (past && have.size > key.size)
		have.size = key.size;
	return bytes_compare(have, key);
}

/* The slots that have to be looked at to place a key: all before `low` are smaller, all from `high` on are greater. */
static void narrow(const struct tree_node *node, struct bytes key, size_t *low, size_t *high)
{
	const struct tree_entry *first = slot_entry(node, 0);
	uint64_t head = tree_key_head(key, node->skip);
	size_t from = 0, to = node->used;

	*low = 0;
	*high = node->used;
	if (key.size < node->skip || (node->skip > 0 && memcmp(first->data, key.data, node->skip) != 0))
		return;
	while (from < to) {
		size_t middle = (from + to) / 2;

		if (node->key_head[middle] < head)
			from = middle + 1;
		else
			to = middle;
	}
	*low = from;
	while (to < node->used && node->key_head[to] == head)
		to++;
	*high = to;
}

/*
 * How many slots come before a key: their keys are smaller, or equal if `equal_too`. *equal: the entry with that key, if
 * it is one of those that were looked at. past: see compare.
 */
static size_t count_before(const struct tree_node *node, struct bytes key, bool past, bool equal_too,
	const struct tree_entry **equal)
{
	size_t low = 0, high = node->used;

	if (!past)
		narrow(node, key, &low, &high);
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct tree_entry *entry = slot_entry(node, middle);
		int order = compare(entry, key, past);

		if (order == 0)
			*equal = entry;
		if (order < 0 || (order == 0 && equal_too))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Where a key is or would be: the number of entries before it. *entry: the one with that key; NULL if there is none. */
static uint64_t find(const struct tree *tree, struct bytes key, bool past, const struct tree_entry **entry)
{
	const struct tree_node *node = tree->root;
	uint64_t rank = 0;

	*entry = NULL;
	if (node == NULL)
		return 0;
	while (node->height > 0) {      /* the last child whose first key is not greater; the first if there is none */
		const struct tree_branch *branch = (const struct tree_branch *)node;
		size_t at = count_before(node, key, past, true, entry);

		for (size_t i = 0; i + 1 < at; i++)
			rank += branch->count[i];
		node = branch->child[at > 0 ? at - 1 : 0];
	}
	return rank + count_before(node, key, past, past, entry);
}

/* --- the whole --- */

void tree_fini(struct tree *tree)
{
	if (tree->root != NULL)
		node_drop(tree->root);
	tree->root = NULL;
}

struct tree tree_snapshot(const struct tree *tree)
{
	if (tree->root != NULL) {
		ASSERT(tree->root->references < UINT32_MAX);
		tree->root->references++;
	}
	return *tree;
}

uint64_t tree_count(const struct tree *tree)
{
	return tree->root != NULL ? tree->root->count : 0;
}

const struct tree_entry *tree_get(const struct tree *tree, struct bytes key)
{
	const struct tree_entry *entry;

	find(tree, key, false, &entry);
	return entry;
}

struct tree_entry *tree_put(struct tree *tree, struct bytes key, struct bytes value)
{
	struct tree_entry *entry = entry_new(key, value);
	const struct tree_entry *old;
	uint64_t rank = find(tree, key, false, &old);

	if (old != NULL)
		return replace(tree, rank, entry);
	insert_entry(tree, rank, entry);
	return NULL;
}

struct tree_entry *tree_remove(struct tree *tree, struct bytes key)
{
	const struct tree_entry *entry;
	uint64_t rank = find(tree, key, false, &entry);

	return entry != NULL ? tree_remove_at(tree, rank) : NULL;
}

uint64_t tree_rank(const struct tree *tree, struct bytes key)
{
	const struct tree_entry *entry;

	return find(tree, key, false, &entry);
}

uint64_t tree_rank_past(const struct tree *tree, struct bytes prefix)
{
	const struct tree_entry *entry;

	return find(tree, prefix, true, &entry);
}

/* The leaf that holds this rank, and the rank of its first entry. */
static const struct tree_node *leaf_at(const struct tree *tree, uint64_t rank, uint64_t *first)
{
	const struct tree_node *node = tree->root;
	uint64_t inside = rank;

	ASSERT(rank < tree_count(tree));
	while (node->height > 0)
		node = ((const struct tree_branch *)node)->child[child_of(node, &inside)];
	*first = rank - inside;
	return node;
}

const struct tree_entry *tree_at(const struct tree *tree, uint64_t rank)
{
	uint64_t first;
	const struct tree_node *leaf = leaf_at(tree, rank, &first);

	return ((const struct tree_leaf *)leaf)->entry[rank - first];
}

void tree_insert_at(struct tree *tree, uint64_t rank, struct bytes key, struct bytes value)
{
	ASSERT(rank <= tree_count(tree));
	insert_entry(tree, rank, entry_new(key, value));
}

struct tree_entry *tree_replace_at(struct tree *tree, uint64_t rank, struct bytes key, struct bytes value)
{
	ASSERT(rank < tree_count(tree));
	return replace(tree, rank, entry_new(key, value));
}

struct tree_entry *tree_remove_at(struct tree *tree, uint64_t rank)
{
	struct tree_entry *entry;
	struct tree_node *root;

	ASSERT(rank < tree_count(tree));
	entry = take(&tree->root, rank);
	root = tree->root;
	if (root->used == 0) {
		tree_fini(tree);
	} else if (root->height > 0 && root->used == 1) {
		tree->root = tree_branch_of(root)->child[0];
		root->used = 0;
		node_drop(root);
	}
	return entry;
}

void tree_swap_at(struct tree *tree, uint64_t a, uint64_t b)
{
	uint64_t first;
	const struct tree_node *leaf = leaf_at(tree, a, &first);
	struct tree_entry *one = ((const struct tree_leaf *)leaf)->entry[a - first], *other;

	entry_keep(one);
	leaf = leaf_at(tree, b, &first);
	other = ((const struct tree_leaf *)leaf)->entry[b - first];
	entry_keep(other);
	tree_entry_drop(replace(tree, a, other));
	tree_entry_drop(replace(tree, b, one));
}

/* --- walking --- */

struct tree_cursor tree_seek(const struct tree *tree, uint64_t rank)
{
	ASSERT(rank <= tree_count(tree));
	return (struct tree_cursor){.tree = tree, .rank = rank};
}

static const struct tree_entry *entry_at(struct tree_cursor *cursor, uint64_t rank)
{
	const struct tree_node *leaf = cursor->leaf;

	if (leaf == NULL || rank < cursor->first || rank - cursor->first >= leaf->used)
		cursor->leaf = leaf_at(cursor->tree, rank, &cursor->first);
	return ((const struct tree_leaf *)cursor->leaf)->entry[rank - cursor->first];
}

const struct tree_entry *tree_next(struct tree_cursor *cursor)
{
	return cursor->rank < tree_count(cursor->tree) ? entry_at(cursor, cursor->rank++) : NULL;
}

const struct tree_entry *tree_previous(struct tree_cursor *cursor)
{
	return cursor->rank > 0 ? entry_at(cursor, --cursor->rank) : NULL;
}
