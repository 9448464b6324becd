/*
 * vec.c - a sequence of values; see vec_wire.h. Entries without keys, found by rank.
 *
 * What is out of range is answered: an insertion beyond the end by OUTCOME_RANGE, everything else by OUTCOME_NOTHING.
 */
#include "base/check.h"
#include "collections/collection_internal.h"

/* An index as it stands in changes. */
struct index_text {
	uint8_t stored[TYPE_NUMBER_SIZE];
};

static struct bytes index_bytes(uint64_t index, struct index_text *text)
{
	type_put_u64(index, text->stored);
	return bytes_of(text->stored, sizeof text->stored);
}

static uint64_t length(const struct call *call)
{
	return tree_count(&call->self->tree);
}

static void changed_at(struct call *call, enum change_op op, uint64_t index)
{
	struct index_text text;
	struct parts parts = parts_of_key(index_bytes(index, &text));

	call_changed(call, op, &parts);
}

/* --- commands --- */

static void put_at(struct call *call, uint64_t index, struct bytes value)
{
	struct index_text text;
	struct parts parts = parts_of_pair(index_bytes(index, &text), value);

	tree_insert_at(&call->self->tree, index, bytes_of(NULL, 0), value);
	call_changed(call, CHANGE_INSERT, &parts);
}

/* The value is the argument that is left. */
static void insert_at(struct call *call, uint64_t index)
{
	struct parts parts = parts_of_value(cbor_bytes(&call->in));

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	if (index > length(call)) {
		call_outcome(call, OUTCOME_RANGE, length(call));
		return;
	}
	put_at(call, index, parts.part[PART_VALUE]);
	call_outcome(call, OUTCOME_DONE, length(call));
}

static void push(struct call *call)
{
	insert_at(call, length(call));
}

static void push_front(struct call *call)
{
	insert_at(call, 0);
}

static void insert(struct call *call)
{
	insert_at(call, cbor_uint(&call->in));
}

/* must_tell: what does not fit the result stays. */
static void take_at(struct call *call, uint64_t index, bool must_tell)
{
	struct result result = {.outcome = OUTCOME_DONE, .values = 1};
	struct tree_entry *entry;

	if (cbor_end(&call->in) != OK)
		return;
	if (index >= length(call)) {
		call_outcome(call, OUTCOME_NOTHING, length(call));
		return;
	}
	result.value[0] = tree_entry_value(tree_at(&call->self->tree, index));
	if (must_tell && !result_fits(&result, STATE_RESULT_MAX)) {
		call_outcome(call, OUTCOME_LARGE, length(call));
		return;
	}
	entry = tree_remove_at(&call->self->tree, index);
	result.count = length(call);
	call_answer(call, &result);
	changed_at(call, CHANGE_REMOVE, index);
	tree_entry_drop(entry);
}

static void pop(struct call *call)
{
	take_at(call, length(call) > 0 ? length(call) - 1 : 0, true);
}

static void pop_front(struct call *call)
{
	take_at(call, 0, true);
}

static void remove_at(struct call *call)
{
	take_at(call, cbor_uint(&call->in), false);
}

static void swap(struct call *call)
{
	uint64_t a = cbor_uint(&call->in), b = cbor_uint(&call->in);
	struct index_text text_a, text_b;
	struct parts parts = parts_of_pair(index_bytes(a, &text_a), index_bytes(b, &text_b));

	if (cbor_end(&call->in) != OK)
		return;
	if (a >= length(call) || b >= length(call) || a == b) {
		call_outcome(call, OUTCOME_NOTHING, length(call));
		return;
	}
	tree_swap_at(&call->self->tree, a, b);
	call_changed(call, CHANGE_SWAP, &parts);
	call_outcome(call, OUTCOME_DONE, length(call));
}

static void truncate(struct call *call)
{
	uint64_t wanted = cbor_uint(&call->in);

	if (cbor_end(&call->in) != OK)
		return;
	if (wanted >= length(call)) {
		call_outcome(call, OUTCOME_NOTHING, length(call));
		return;
	}
	if (wanted == 0)
		tree_fini(&call->self->tree);
	while (length(call) > wanted)
		tree_entry_drop(tree_remove_at(&call->self->tree, length(call) - 1));
	changed_at(call, CHANGE_TRUNCATE, wanted);
	call_outcome(call, OUTCOME_DONE, wanted);
}

static void extend(struct call *call)
{
	uint64_t before = length(call);
	struct parts parts;
	struct walk walk;

	if (!call_reads_many(call, WITH_VALUE, &walk))
		return;
	while (walk_next(&walk, &parts))
		put_at(call, length(call), parts.part[PART_VALUE]);
	call_outcome(call, length(call) > before ? OUTCOME_DONE : OUTCOME_NOTHING, length(call));
}

/* --- queries --- */

static void answer_at(const struct collection *self, uint64_t index, struct buffer *answer)
{
	struct result found = {.outcome = OUTCOME_DONE, .count = index, .values = 1};

	if (index >= tree_count(&self->tree)) {
		answer_outcome(answer, OUTCOME_NOTHING, tree_count(&self->tree));
		return;
	}
	found.value[0] = tree_entry_value(tree_at(&self->tree, index));
	answer_put(answer, &found);
}

static void query_get(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	uint64_t index = cbor_uint(in);

	if (cbor_end(in) == OK)
		answer_at(self, index, answer);
}

static void query_last(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	uint64_t count = tree_count(&self->tree);

	if (cbor_end(in) == OK)
		answer_at(self, count > 0 ? count - 1 : 0, answer);
}

static void query_len(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	if (cbor_end(in) == OK)
		answer_outcome(answer, OUTCOME_DONE, tree_count(&self->tree));
}

static void query_index_of(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes value = cbor_bytes(in);
	struct tree_cursor cursor = tree_seek(&self->tree, 0);
	const struct tree_entry *entry;

	if (cbor_end(in) != OK)
		return;
	while ((entry = tree_next(&cursor)) != NULL) {
		if (bytes_equal(tree_entry_value(entry), value)) {
			answer_outcome(answer, OUTCOME_DONE, cursor.rank - 1);
			return;
		}
	}
	answer_outcome(answer, OUTCOME_NOTHING, 0);
}

/* [from, limit] */
static void query_list(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	uint64_t from = cbor_uint(in), count = tree_count(&self->tree);
	struct page page = page_new(cbor_uint(in));
	struct tree_cursor cursor;

	if (cbor_end(in) != OK)
		return;
	for (cursor = tree_seek(&self->tree, from < count ? from : count); cursor.rank < count;) {
		struct parts parts = parts_of_value(tree_entry_value(tree_next(&cursor)));

		if (!page_add(&page, &parts)) {
			cursor.rank--;
			break;
		}
	}
	page_answer(&page, cursor.rank < count, answer);
}

static command_function *const commands[] = {
	[VEC_PUSH] = push,
	[VEC_PUSH_FRONT] = push_front,
	[VEC_POP] = pop,
	[VEC_POP_FRONT] = pop_front,
	[VEC_INSERT] = insert,
	[VEC_REMOVE] = remove_at,
	[VEC_SWAP] = swap,
	[VEC_TRUNCATE] = truncate,
	[VEC_EXTEND] = extend,
	[VEC_CLEAR] = call_clear,
};
static query_function *const queries[] = {
	[VEC_GET] = query_get,
	[VEC_LAST] = query_last,
	[VEC_LEN] = query_len,
	[VEC_INDEX_OF] = query_index_of,
	[VEC_LIST] = query_list,
};

const struct kind vec_kind = {
	.name = "vec",
	.mask = WITH_VALUE,
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.queries = queries,
	.query_count = sizeof queries / sizeof queries[0],
};
