/*
 * fuzz_tree.c - any bytes as steps on a tree and on an array that it must equal.
 *
 * First byte: whether the steps go by key (even) or by rank (odd). Then two bytes a step: what, and its argument. What
 * is repeated 1 to 16 times with neighbouring arguments, so that few bytes fill and empty whole nodes.
 */
#include "base/check.h"
#include "base/tree.h"

#include <string.h>

#define ROOM 4096
#define STEPS_MAX 150
#define SNAPSHOTS 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct model {
	uint16_t item[ROOM];
	size_t count;
};

struct rig {
	struct tree tree;
	struct tree snapshot[SNAPSHOTS];
	struct id digest[SNAPSHOTS];         /* of the snapshots when they were taken */
};

static struct model model;               /* too large for the stack of a fuzzer; emptied by every run */

#define TEXT_MAX 16

/* In the order of items. Longer than the part of a key that a node holds, and alike at the beginning. */
static struct bytes text_of(uint16_t item, uint8_t out[TEXT_MAX])
{
	memset(out, '.', TEXT_MAX);
	out[3] = (uint8_t)(item >> 12);
	out[7] = (uint8_t)(item >> 8 & 15);
	out[TEXT_MAX - 1] = (uint8_t)item;
	return bytes_of(out, TEXT_MAX);
}

static void insert(size_t at, uint16_t item)
{
	memmove(&model.item[at + 1], &model.item[at], (model.count - at) * sizeof item);
	model.item[at] = item;
	model.count++;
}

static void take(size_t at)
{
	model.count--;
	memmove(&model.item[at], &model.item[at + 1], (model.count - at) * sizeof model.item[0]);
}

static void by_key(struct tree *tree, uint8_t what, uint16_t item)
{
	uint8_t text[TEXT_MAX];
	struct bytes key = text_of(item, text);
	struct tree_entry *old;
	size_t at = 0, end = model.count;
	bool there;

	while (at < end) {
		size_t middle = (at + end) / 2;

		if (model.item[middle] < item)
			at = middle + 1;
		else
			end = middle;
	}
	there = at < model.count && model.item[at] == item;
	ASSERT(tree_rank(tree, key) == at);
	ASSERT(tree_rank_past(tree, key) == at + there);
	ASSERT((tree_get(tree, key) != NULL) == there);
	if (what % 2 == 0 && !there && model.count == ROOM)
		return;
	old = what % 2 == 0 ? tree_put(tree, key, key) : tree_remove(tree, key);
	ASSERT((old != NULL) == there);
	tree_entry_drop(old);
	if (what % 2 == 0 && !there)
		insert(at, item);
	else if (what % 2 != 0 && there)
		take(at);
}

static void by_rank(struct tree *tree, uint8_t what, uint16_t item)
{
	uint8_t text[TEXT_MAX];
	size_t at = item % (model.count + 1), last = model.count > 0 ? model.count - 1 : 0;

	if (what % 4 < 2 && model.count < ROOM) {
		at = what % 4 == 0 ? at : item % 2 == 0 ? 0 : model.count;
		tree_insert_at(tree, at, bytes_of(NULL, 0), text_of(item, text));
		insert(at, item);
	} else if (at == model.count) {
		return;
	} else if (what % 4 == 2) {
		tree_entry_drop(tree_remove_at(tree, at));
		take(at);
	} else if (item % 2 == 0) {
		tree_entry_drop(tree_replace_at(tree, at, bytes_of(NULL, 0), text_of(item, text)));
		model.item[at] = item;
	} else {
		uint16_t kept = model.item[at];

		tree_swap_at(tree, at, last);
		model.item[at] = model.item[last];
		model.item[last] = kept;
	}
}

static void renew_snapshot(struct rig *rig, size_t which)
{
	struct id digest = tree_digest(&rig->snapshot[which]);

	ASSERT(tree_count(&rig->snapshot[which]) == 0 || id_equal(&digest, &rig->digest[which]));
	tree_check(&rig->snapshot[which]);
	tree_fini(&rig->snapshot[which]);
	rig->snapshot[which] = tree_snapshot(&rig->tree);
	rig->digest[which] = tree_digest(&rig->tree);
}

static void assert_is_model(const struct tree *tree)
{
	struct tree_cursor cursor = tree_seek(tree, 0);
	struct tree fresh = {0};
	struct id one, other;
	uint8_t text[TEXT_MAX];

	tree_check(tree);
	ASSERT(tree_count(tree) == model.count);
	for (size_t i = 0; i < model.count; i++) {
		const struct tree_entry *entry = tree_next(&cursor);

		ASSERT(bytes_equal(tree_entry_value(entry), text_of(model.item[i], text)));
		tree_insert_at(&fresh, i, tree_entry_key(entry), tree_entry_value(entry));
	}
	one = tree_digest(tree);
	other = tree_digest(&fresh);
	ASSERT(id_equal(&one, &other));
	tree_fini(&fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = {0};

	model.count = 0;
	for (size_t at = 1; at + 2 <= size && at < 2 * STEPS_MAX; at += 2) {
		unsigned times = 1 + (data[at] >> 2) % 16;

		if (data[at] >= 252)
			renew_snapshot(&rig, data[at] % SNAPSHOTS);
		for (unsigned i = 0; i < times; i++) {
			uint16_t item = (uint16_t)(data[at + 1] * 16u + i);

			if (data[0] % 2 == 0)
				by_key(&rig.tree, data[at], item);
			else
				by_rank(&rig.tree, data[at], item);
		}
	}
	assert_is_model(&rig.tree);
	for (size_t i = 0; i < SNAPSHOTS; i++) {
		renew_snapshot(&rig, i);
		tree_fini(&rig.snapshot[i]);
	}
	tree_fini(&rig.tree);
	return 0;
}
