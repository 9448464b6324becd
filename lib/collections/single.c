/*
 * single.c - cell and once: one value or none, an entry without a key. See cell_wire.h and once_wire.h.
 */
#include "base/check.h"
#include "collections/collection_internal.h"

static const struct tree_entry *present(const struct collection *self)
{
	return tree_count(&self->tree) > 0 ? tree_at(&self->tree, 0) : NULL;
}

/* Sets the value; returns what was there, the caller's to drop, or NULL. */
static struct tree_entry *put(struct call *call, struct bytes value)
{
	struct parts parts = parts_of_value(value);

	call_changed(call, CHANGE_PUT, &parts);
	return tree_put(&call->self->tree, bytes_of(NULL, 0), value);
}

static void cell_set(struct call *call)
{
	struct parts parts = parts_of_value(cbor_bytes(&call->in));
	struct tree_entry *old;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	old = put(call, parts.part[PART_VALUE]);
	if (old != NULL)
		call_found(call, 0, tree_entry_value(old));
	else
		call_outcome(call, OUTCOME_DONE, 1);
	tree_entry_drop(old);
}

static void cell_cas(struct call *call)
{
	bool has_expected, has_replacement;
	struct bytes expected = call_optional(&call->in, &has_expected);
	struct bytes replacement = call_optional(&call->in, &has_replacement);
	struct parts parts = parts_of_value(replacement);
	struct result result = {.outcome = OUTCOME_MISMATCH};
	const struct tree_entry *entry = present(call->self);

	if (!has_replacement)
		parts.mask = 0;
	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	if (entry != NULL)
		result.value[result.values++] = tree_entry_value(entry);
	if ((entry != NULL) == has_expected && (entry == NULL || bytes_equal(tree_entry_value(entry), expected))) {
		result = (struct result){.outcome = OUTCOME_DONE, .count = has_replacement || entry != NULL};
		if (has_replacement) {
			tree_entry_drop(put(call, replacement));
		} else if (entry != NULL) {
			tree_fini(&call->self->tree);
			call_changed(call, CHANGE_REMOVE, &parts);
		}
	}
	call_answer(call, &result);
}

static void once_set(struct call *call)
{
	struct parts parts = parts_of_value(cbor_bytes(&call->in));
	const struct tree_entry *entry = present(call->self);
	struct result lost = {.outcome = OUTCOME_MISMATCH, .values = 1};

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	if (entry != NULL) {
		lost.value[0] = tree_entry_value(entry);
		call_answer(call, &lost);
		return;
	}
	tree_entry_drop(put(call, parts.part[PART_VALUE]));
	call_outcome(call, OUTCOME_DONE, 1);
}

static void query_get(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	const struct tree_entry *entry = present(self);
	struct result found = {.outcome = OUTCOME_DONE, .count = 1, .values = 1};

	if (cbor_end(in) != OK)
		return;
	if (entry == NULL) {
		answer_outcome(answer, OUTCOME_NOTHING, 0);
		return;
	}
	found.value[0] = tree_entry_value(entry);
	answer_put(answer, &found);
}

static command_function *const cell_commands[] = {
	[CELL_SET] = cell_set,
	[CELL_CLEAR] = call_clear,
	[CELL_CAS] = cell_cas,
};
static command_function *const once_commands[] = {
	[ONCE_SET] = once_set,
};
static query_function *const queries[] = {
	[SINGLE_GET] = query_get,
};

const struct kind cell_kind = {
	.name = "cell",
	.mask = WITH_VALUE,
	.single = true,
	.commands = cell_commands,
	.command_count = sizeof cell_commands / sizeof cell_commands[0],
	.queries = queries,
	.query_count = sizeof queries / sizeof queries[0],
};

const struct kind once_kind = {
	.name = "once",
	.mask = WITH_VALUE,
	.single = true,
	.commands = once_commands,
	.command_count = sizeof once_commands / sizeof once_commands[0],
	.queries = queries,
	.query_count = sizeof queries / sizeof queries[0],
};
