/*
 * set.c - keys; see set_wire.h.
 */
#include "base/check.h"
#include "collections/keyed_internal.h"

static void add(struct call *call)
{
	struct parts parts = parts_of_key(cbor_bytes(&call->in));
	struct tree_entry *old;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	keyed_put(call, &parts, &old);
	call_outcome(call, old == NULL ? OUTCOME_DONE : OUTCOME_NOTHING, old == NULL);
	tree_entry_drop(old);
}

static command_function *const commands[] = {
	[SET_ADD] = add,
	[SET_ADD_MANY] = keyed_put_many,
	[SET_REMOVE] = keyed_remove,
	[SET_REMOVE_MANY] = keyed_remove_many,
	[SET_CLEAR] = call_clear,
};

const struct kind set_kind = {
	.name = "set",
	.mask = WITH_KEY,
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.queries = keyed_queries,
	.query_count = KEYED_HAS_ALL + 1,
};
