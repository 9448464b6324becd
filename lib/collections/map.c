/*
 * map.c - keys to values; see map_wire.h.
 */
#include "base/check.h"
#include "collections/keyed_internal.h"

static void put(struct call *call)
{
	struct bytes key = cbor_bytes(&call->in), value = cbor_bytes(&call->in);
	struct parts parts = parts_of_pair(key, value);
	struct tree_entry *old;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	keyed_put(call, &parts, &old);
	if (old != NULL)
		call_found(call, 0, tree_entry_value(old));
	else
		call_outcome(call, OUTCOME_DONE, 1);
	tree_entry_drop(old);
}

struct swap {
	bool has_expected, has_replacement;
	struct bytes key, expected, replacement;
};

/* Carries out a compare-and-swap whose expectation holds. Returns how many entries that changed. */
static uint64_t carry_out(struct call *call, const struct swap *swap, bool is_there)
{
	struct parts parts = parts_of_pair(swap->key, swap->replacement);
	struct tree_entry *old = NULL;

	if (swap->has_replacement) {
		keyed_put(call, &parts, &old);
	} else if (is_there) {
		parts.mask = WITH_KEY;
		old = tree_remove(&call->self->tree, swap->key);
		call_changed(call, CHANGE_REMOVE, &parts);
	}
	tree_entry_drop(old);
	return swap->has_replacement || is_there;
}

static void compare_and_swap(struct call *call)
{
	struct swap swap;
	struct parts parts;
	struct result result = {.outcome = OUTCOME_MISMATCH};
	const struct tree_entry *entry;

	swap.key = cbor_bytes(&call->in);
	swap.expected = call_optional(&call->in, &swap.has_expected);
	swap.replacement = call_optional(&call->in, &swap.has_replacement);
	parts = parts_of_pair(swap.key, swap.replacement);
	if (!swap.has_replacement)
		parts.mask = WITH_KEY;
	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	entry = tree_get(&call->self->tree, swap.key);
	if (entry != NULL)
		result.value[result.values++] = tree_entry_value(entry);
	if ((entry != NULL) == swap.has_expected &&
		(entry == NULL || bytes_equal(tree_entry_value(entry), swap.expected)))
		result = (struct result){.outcome = OUTCOME_DONE, .count = carry_out(call, &swap, entry != NULL)};
	call_answer(call, &result);
}

static command_function *const commands[] = {
	[MAP_PUT] = put,
	[MAP_PUT_MANY] = keyed_put_many,
	[MAP_REMOVE] = keyed_remove,
	[MAP_REMOVE_MANY] = keyed_remove_many,
	[MAP_CLEAR] = call_clear,
	[MAP_CAS] = compare_and_swap,
};

const struct kind map_kind = {
	.name = "map",
	.mask = WITH_KEY | WITH_VALUE,
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.queries = keyed_queries,
	.query_count = KEYED_HAS_ALL + 1,
};
