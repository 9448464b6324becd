/*
 * collection.c - the operations of a state, the same for all kinds; what differs stands in their tables of commands and
 * queries.
 *
 * The content of every kind is one tree, so that freezing is a snapshot of it and the hash is its digest. Commands are
 * foreign bytes: they are taken apart and judged as a whole before anything is changed.
 */
#include "collections/collection_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "collections/sequence.h"

#include <stdio.h>

static const struct kind *const kinds[COLLECTION_KINDS] = {
	[COLLECTION_MAP] = &map_kind,
	[COLLECTION_VEC] = &vec_kind,
	[COLLECTION_SET] = &set_kind,
	[COLLECTION_CELL] = &cell_kind,
	[COLLECTION_ONCE] = &once_kind,
	[COLLECTION_PQUEUE] = &pqueue_kind,
};

/* --- shapes --- */

const char *collection_kind_name(enum collection_kind kind)
{
	ASSERT(kind < COLLECTION_KINDS);
	return kinds[kind]->name;
}

enum error collection_kind_from_name(struct bytes name, enum collection_kind *out)
{
	for (unsigned i = 0; i < COLLECTION_KINDS; i++) {
		if (bytes_equal(name, bytes_of_text(kinds[i]->name))) {
			*out = (enum collection_kind)i;
			return OK;
		}
	}
	return ERROR_BAD_TEXT;
}

bool collection_has(enum collection_kind kind, enum part part)
{
	ASSERT(kind < COLLECTION_KINDS && part < PARTS);
	return kinds[kind]->mask & PART_BIT(part);
}

/* The text up to the next colon; takes it and the colon off *rest. */
static struct bytes next_word(struct bytes *rest, bool *last)
{
	struct bytes word = *rest;

	for (size_t i = 0; i < rest->size; i++) {
		if (rest->data[i] != ':')
			continue;
		word.size = i;
		*rest = bytes_of(rest->data + i + 1, rest->size - i - 1);
		return word;
	}
	*last = true;
	return word;
}

enum error collection_types_from_text(struct bytes text, struct collection_shape *shape)
{
	struct collection_shape parsed = *shape;
	bool last = false;

	for (unsigned part = 0; part < PARTS; part++) {
		if (!collection_has(shape->kind, (enum part)part))
			continue;
		if (last || type_from_name(next_word(&text, &last), &parsed.type[part]) != OK)
			return ERROR_BAD_TEXT;
	}
	if (!last)
		return ERROR_BAD_TEXT;
	*shape = parsed;
	return OK;
}

static void print_types(const struct collection_shape *shape, char separator, struct buffer *out)
{
	bool first = true;

	for (unsigned part = 0; part < PARTS; part++) {
		if (!collection_has(shape->kind, (enum part)part))
			continue;
		if (!first)
			buffer_append(out, bytes_of(&separator, 1));
		buffer_append(out, bytes_of_text(type_name(shape->type[part])));
		first = false;
	}
}

void collection_types_print(const struct collection_shape *shape, struct buffer *out)
{
	print_types(shape, ':', out);
}

/* --- parts --- */

struct parts parts_of_key(struct bytes key)
{
	return (struct parts){.mask = WITH_KEY, .part = {[PART_KEY] = key}};
}

struct parts parts_of_value(struct bytes value)
{
	return (struct parts){.mask = WITH_VALUE, .part = {[PART_VALUE] = value}};
}

struct parts parts_of_pair(struct bytes key, struct bytes value)
{
	return (struct parts){.mask = WITH_KEY | WITH_VALUE, .part = {[PART_KEY] = key, [PART_VALUE] = value}};
}

struct parts collection_parts(const struct collection *self, const struct tree_entry *entry)
{
	struct parts parts = parts_of_pair(tree_entry_key(entry), tree_entry_value(entry));

	if (self->kind->mask & WITH_PRIORITY)
		return pqueue_parts(entry);
	parts.mask = self->kind->mask;
	return parts;
}

static size_t parts_count(unsigned mask)
{
	size_t count = 0;

	for (unsigned part = 0; part < PARTS; part++)
		count += mask >> part & 1;
	return count;
}

static size_t parts_size(const struct parts *parts)
{
	size_t size = 0;

	for (unsigned part = 0; part < PARTS; part++) {
		if (parts->mask & PART_BIT(part))
			size += parts->part[part].size;
	}
	return size;
}

/* DONE, or why these parts are refused. */
static enum outcome judge(const struct collection *self, const struct parts *parts)
{
	for (unsigned part = 0; part < PARTS; part++) {
		if ((parts->mask & PART_BIT(part)) && !type_holds(self->shape.type[part], parts->part[part]))
			return OUTCOME_TYPE;
	}
	return parts_size(parts) <= COLLECTION_ENTRY_MAX ? OUTCOME_DONE : OUTCOME_LARGE;
}

bool walk_next(struct walk *walk, struct parts *out)
{
	struct parts parts = {.mask = walk->mask};

	ASSERT(walk->mask != 0);
	if (walk->rest.size == 0 || walk->broken)
		return false;
	for (unsigned part = 0; part < PARTS && !walk->broken; part++) {
		if ((walk->mask & PART_BIT(part)) && !sequence_next(&walk->rest, &parts.part[part]))
			walk->broken = true;
	}
	if (!walk->broken)
		*out = parts;
	return !walk->broken;
}

/* --- commands --- */

void call_answer(struct call *call, const struct result *result)
{
	result_put(call->result, result, STATE_RESULT_MAX);
}

void call_outcome(struct call *call, enum outcome outcome, uint64_t count)
{
	call_answer(call, &(struct result){.outcome = outcome, .count = count});
}

void call_found(struct call *call, uint64_t count, struct bytes value)
{
	call_answer(call, &(struct result){.outcome = OUTCOME_DONE, .count = count, .value = {value}, .values = 1});
}

bool call_accepts(struct call *call, const struct parts *parts)
{
	enum outcome outcome = judge(call->self, parts);

	if (outcome != OUTCOME_DONE)
		call_outcome(call, outcome, 0);
	return outcome == OUTCOME_DONE;
}

void call_changed(struct call *call, enum change_op op, const struct parts *parts)
{
	struct change change = {
		.op = op,
		.has_priority = parts->mask & WITH_PRIORITY,
		.has_key = parts->mask & WITH_KEY,
		.has_value = parts->mask & WITH_VALUE,
		.priority = parts->part[PART_PRIORITY],
		.key = parts->part[PART_KEY],
		.value = parts->part[PART_VALUE],
	};

	if (call->changes != NULL)
		change_put(call->changes, &change);
}

void call_clear(struct call *call)
{
	uint64_t count = tree_count(&call->self->tree);

	if (cbor_end(&call->in) != OK)
		return;
	tree_fini(&call->self->tree);
	tree_fini(&call->self->order);
	call_outcome(call, count > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, count);
	if (count > 0)
		call_changed(call, CHANGE_CLEAR, &(struct parts){0});
}

bool call_reads_many(struct call *call, unsigned mask, struct walk *out)
{
	struct walk walk = {.rest = cbor_bytes(&call->in), .mask = mask};
	struct parts parts;

	if (cbor_end(&call->in) != OK)
		return false;
	*out = walk;
	while (walk_next(&walk, &parts)) {
		if (!call_accepts(call, &parts))
			return false;
	}
	if (walk.broken)
		cbor_fail(&call->in);
	return !walk.broken;
}

void call_remove_many(struct call *call, struct tree_entry *(*take)(struct call *call, struct bytes key))
{
	uint64_t removed = 0;
	struct tree_entry *old;
	struct parts parts;
	struct walk walk;

	if (!call_reads_many(call, WITH_KEY, &walk))
		return;
	while (walk_next(&walk, &parts)) {
		old = take(call, parts.part[PART_KEY]);
		removed += old != NULL;
		tree_entry_drop(old);
	}
	call_outcome(call, removed > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, removed);
}

struct bytes call_optional(struct cbor *in, bool *present)
{
	*present = cbor_peek(in) != CBOR_NULL;
	if (*present)
		return cbor_bytes(in);
	cbor_null(in);
	return bytes_of(NULL, 0);
}

static void apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	struct collection *collection = self;
	struct call call = {.self = collection, .result = result, .changes = changes};
	size_t before = result->size;
	uint64_t op;

	(void)moment;
	cbor_init(&call.in, command);
	cbor_array(&call.in, SIZE_MAX);
	op = cbor_uint(&call.in);
	if (!call.in.failed && op < collection->kind->command_count)
		collection->kind->commands[op](&call);
	ASSERT((result->size > before) == (op < collection->kind->command_count && cbor_end(&call.in) == OK));
	if (result->size == before)
		call_outcome(&call, OUTCOME_MALFORMED, 0);
}

/* --- queries --- */

void answer_put(struct buffer *answer, const struct result *result)
{
	result_put(answer, result, COLLECTION_ANSWER_MAX);
}

void answer_outcome(struct buffer *answer, enum outcome outcome, uint64_t count)
{
	answer_put(answer, &(struct result){.outcome = outcome, .count = count});
}

struct page page_new(uint64_t limit)
{
	return (struct page){.left = limit > 0 ? limit : UINT64_MAX};
}

bool page_add(struct page *page, const struct parts *parts)
{
	size_t size = page->entries.size;

	for (unsigned part = 0; part < PARTS; part++) {
		if (parts->mask & PART_BIT(part))
			size += sequence_size(parts->part[part]);
	}
	if (page->left == 0 || (page->entries.size > 0 && size > COLLECTION_ENTRY_MAX))
		return false;
	page->left--;
	for (unsigned part = 0; part < PARTS; part++) {
		if (parts->mask & PART_BIT(part))
			sequence_put(&page->entries, parts->part[part]);
	}
	return true;
}

void page_answer(struct page *page, bool more, struct buffer *answer)
{
	answer_put(answer, &(struct result){
		.outcome = OUTCOME_DONE,
		.count = more,
		.value = {buffer_bytes(&page->entries)},
		.values = 1,
	});
	buffer_fini(&page->entries);
}

static enum error query(const void *self, struct bytes encoded, struct buffer *answer)
{
	const struct collection *collection = self;
	size_t before = answer->size;
	struct cbor in;
	uint64_t op;

	cbor_init(&in, encoded);
	cbor_array(&in, SIZE_MAX);
	op = cbor_uint(&in);
	if (in.failed || op >= collection->kind->query_count)
		return ERROR_MALFORMED;
	collection->kind->queries[op](collection, &in, answer);
	ASSERT((answer->size > before) == (cbor_end(&in) == OK));
	return cbor_end(&in);
}

/* --- content --- */

static void signature(const void *self, struct buffer *out)
{
	const struct collection *collection = self;
	char capacity[24];

	buffer_append(out, bytes_of_text(collection->kind->name));
	buffer_append(out, bytes_of_text(" "));
	print_types(&collection->shape, ' ', out);
	if (collection->shape.capacity == 0)
		return;
	snprintf(capacity, sizeof capacity, " %llu", (unsigned long long)collection->shape.capacity);
	buffer_append(out, bytes_of_text(capacity));
}

/* A frozen content is a collection without the other tree. */
static void *freeze(const void *self)
{
	const struct collection *collection = self;
	struct collection *frozen = memory_new(sizeof *frozen);

	frozen->kind = collection->kind;
	frozen->shape = collection->shape;
	frozen->tree = tree_snapshot(&collection->tree);
	return frozen;
}

static void put_item(const struct collection *self, const struct tree_entry *entry, struct buffer *item)
{
	struct parts parts = collection_parts(self, entry);

	buffer_clear(item);
	cbor_put_array(item, parts_count(parts.mask));
	for (unsigned part = 0; part < PARTS; part++) {
		if (parts.mask & PART_BIT(part))
			cbor_put_bytes(item, parts.part[part]);
	}
}

static bool items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	const struct collection *self = frozen;
	struct buffer item = {0};
	struct tree_cursor walk;
	const struct tree_entry *entry;
	size_t before = out->size;

	if (*cursor >= tree_count(&self->tree))
		return false;
	walk = tree_seek(&self->tree, *cursor);
	do {
		entry = tree_next(&walk);
		if (entry == NULL)
			break;
		put_item(self, entry, &item);
		cbor_put_bytes(out, buffer_bytes(&item));
	} while (out->size - before < enough);
	*cursor = walk.rank;
	buffer_fini(&item);
	return true;
}

static void clear(void *self)
{
	struct collection *collection = self;

	tree_fini(&collection->tree);
	tree_fini(&collection->order);
}

static void free_collection(void *self)
{
	if (self != NULL)
		clear(self);
	memory_free(self);
}

/* Whether the parts may follow what is there. */
static bool may_follow(const struct collection *self, const struct parts *parts)
{
	uint64_t count = tree_count(&self->tree);

	if (judge(self, parts) != OUTCOME_DONE || (self->kind->single && count > 0))
		return false;
	if (self->shape.capacity > 0 && count >= self->shape.capacity)
		return false;
	return !(self->kind->mask & WITH_KEY) || count == 0 ||
		bytes_compare(tree_entry_key(tree_at(&self->tree, count - 1)), parts->part[PART_KEY]) < 0;
}

static enum error restore(void *self, struct bytes item)
{
	struct collection *collection = self;
	struct parts parts = {.mask = collection->kind->mask};
	struct buffer packed = {0};
	struct bytes value;
	struct cbor in;

	cbor_init(&in, item);
	cbor_array_of(&in, parts_count(parts.mask));
	for (unsigned part = 0; part < PARTS; part++) {
		if (parts.mask & PART_BIT(part))
			parts.part[part] = cbor_bytes(&in);
	}
	if (cbor_end(&in) != OK || !may_follow(collection, &parts))
		return ERROR_MALFORMED;
	value = parts.part[PART_VALUE];
	if (parts.mask & WITH_PRIORITY) {
		pqueue_pack(&parts, &packed);
		pqueue_enter(collection, &parts);
		value = buffer_bytes(&packed);
	}
	tree_insert_at(&collection->tree, tree_count(&collection->tree), parts.part[PART_KEY], value);
	buffer_fini(&packed);
	return OK;
}

static struct id hash(const void *self)
{
	return tree_digest(&((const struct collection *)self)->tree);
}

static const struct state_ops ops = {
	.signature = signature,
	.apply = apply,
	.query = query,
	.freeze = freeze,
	.items = items,
	.thaw = free_collection,
	.clear = clear,
	.restore = restore,
	.hash = hash,
	.free = free_collection,
};

struct state collection_new(const struct collection_shape *shape)
{
	struct collection *self = memory_new(sizeof *self);

	ASSERT(shape->kind < COLLECTION_KINDS);
	ASSERT(shape->kind == COLLECTION_PQUEUE || shape->capacity == 0);
	self->kind = kinds[shape->kind];
	self->shape = *shape;
	return (struct state){.ops = &ops, .self = self};
}

void collection_check(const struct state *state)
{
	const struct collection *self = state->self;
	struct tree_cursor cursor = tree_seek(&self->tree, 0);
	const struct tree_entry *entry;

	ASSERT(state->ops == &ops);
	tree_check(&self->tree);
	if (self->kind->mask & WITH_KEY)
		tree_check_order(&self->tree);
	ASSERT(!self->kind->single || tree_count(&self->tree) <= 1);
	ASSERT(self->shape.capacity == 0 || tree_count(&self->tree) <= self->shape.capacity);
	while ((entry = tree_next(&cursor)) != NULL) {
		struct parts parts = collection_parts(self, entry);

		ASSERT(judge(self, &parts) == OUTCOME_DONE);
	}
	if (self->kind->mask & WITH_PRIORITY)
		pqueue_check(self);
	else
		ASSERT(self->order.root == NULL);
}
