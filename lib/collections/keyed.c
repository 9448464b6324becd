/*
 * keyed.c - see keyed_internal.h.
 */
#include "collections/keyed_internal.h"

#include "base/check.h"
#include "collections/sequence.h"

/* --- commands --- */

void keyed_put(struct call *call, const struct parts *parts, struct tree_entry **old)
{
	*old = tree_put(&call->self->tree, parts->part[PART_KEY], parts->part[PART_VALUE]);
	if (*old == NULL || (parts->mask & WITH_VALUE))
		call_changed(call, CHANGE_PUT, parts);
}

void keyed_put_many(struct call *call)
{
	uint64_t before = tree_count(&call->self->tree);
	bool changed = false;
	struct tree_entry *old;
	struct parts parts;
	struct walk walk;

	if (!call_reads_many(call, call->self->kind->mask, &walk))
		return;
	while (walk_next(&walk, &parts)) {
		keyed_put(call, &parts, &old);
		changed = changed || old == NULL || (parts.mask & WITH_VALUE);
		tree_entry_drop(old);
	}
	call_outcome(call, changed ? OUTCOME_DONE : OUTCOME_NOTHING, tree_count(&call->self->tree) - before);
}

static struct tree_entry *take(struct call *call, struct bytes key)
{
	struct tree_entry *old = tree_remove(&call->self->tree, key);
	struct parts parts = parts_of_key(key);

	if (old != NULL)
		call_changed(call, CHANGE_REMOVE, &parts);
	return old;
}

void keyed_remove(struct call *call)
{
	struct parts parts = parts_of_key(cbor_bytes(&call->in));
	struct tree_entry *old;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	old = take(call, parts.part[PART_KEY]);
	if (old != NULL && (call->self->kind->mask & WITH_VALUE))
		call_found(call, 1, tree_entry_value(old));
	else
		call_outcome(call, old != NULL ? OUTCOME_DONE : OUTCOME_NOTHING, old != NULL);
	tree_entry_drop(old);
}

void keyed_remove_many(struct call *call)
{
	call_remove_many(call, take);
}

/* --- queries --- */

static void query_get(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes key = cbor_bytes(in);
	const struct tree_entry *entry;
	struct result result = {.outcome = OUTCOME_NOTHING};

	if (cbor_end(in) != OK)
		return;
	entry = tree_get(&self->tree, key);
	if (entry != NULL) {
		result = (struct result){.outcome = OUTCOME_DONE, .count = 1, .value = {tree_entry_value(entry)}};
		result.values = self->kind->mask & WITH_VALUE ? 1 : 0;
	}
	answer_put(answer, &result);
}

static void query_len(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes prefix = cbor_bytes(in);

	if (cbor_end(in) == OK)
		answer_outcome(answer, OUTCOME_DONE, tree_rank_past(&self->tree, prefix) - tree_rank(&self->tree, prefix));
}

static void query_rank(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes key = cbor_bytes(in);

	if (cbor_end(in) != OK)
		return;
	answer_outcome(answer, tree_get(&self->tree, key) != NULL ? OUTCOME_DONE : OUTCOME_NOTHING,
		tree_rank(&self->tree, key));
}

/* [prefix, after or null, limit, parts] */
static void query_list(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes prefix = cbor_bytes(in), after;
	bool has_after;
	struct page page;
	struct tree_cursor cursor;
	uint64_t from, to, mask;

	after = call_optional(in, &has_after);
	page = page_new(cbor_uint(in));
	mask = cbor_uint(in);
	if (mask == 0 || (mask & ~(uint64_t)self->kind->mask) != 0)
		cbor_fail(in);
	if (cbor_end(in) != OK)
		return;
	from = tree_rank(&self->tree, prefix);
	to = tree_rank_past(&self->tree, prefix);
	if (has_after) {
		uint64_t next = tree_rank(&self->tree, after) + (tree_get(&self->tree, after) != NULL);

		from = next > from ? next : from;
		from = from < to ? from : to;
	}
	for (cursor = tree_seek(&self->tree, from); cursor.rank < to;) {
		struct parts parts = collection_parts(self, tree_next(&cursor));

		parts.mask &= (unsigned)mask;
		if (!page_add(&page, &parts)) {
			cursor.rank--;
			break;
		}
	}
	page_answer(&page, cursor.rank < to, answer);
}

/* Counts the keys that are here; DONE when all are. */
static void query_has_all(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct walk walk = {.rest = cbor_bytes(in), .mask = WITH_KEY};
	uint64_t asked = 0, here = 0;
	struct parts parts;

	if (cbor_end(in) != OK)
		return;
	for (; walk_next(&walk, &parts); asked++)
		here += tree_get(&self->tree, parts.part[PART_KEY]) != NULL;
	if (walk.broken)
		cbor_fail(in);
	else
		answer_outcome(answer, here == asked ? OUTCOME_DONE : OUTCOME_NOTHING, here);
}

query_function *const keyed_queries[KEYED_HAS_ALL + 1] = {
	[KEYED_GET] = query_get,
	[KEYED_LEN] = query_len,
	[KEYED_RANK] = query_rank,
	[KEYED_LIST] = query_list,
	[KEYED_HAS_ALL] = query_has_all,
};
