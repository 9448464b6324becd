/*
 * pqueue.c - keys with a priority and a value, reached by key and from both ends; see pqueue_wire.h.
 *
 *      tree     key                          ->  size of the priority (4 bytes), priority, value
 *      order    priority made orderable, key ->  nothing
 *
 * The tree is the content; the order is made from it and goes neither into snapshots nor into the hash. A priority of
 * fixed size stands in the order as it is. In others each 0 becomes 0 1, and 0 0 ends it: so neither a priority nor what
 * follows it can be mistaken for the other, and the order of the bytes is that of the priorities. Equal priorities are
 * ordered by key, which makes "the lowest" one and the same entry on every replica.
 */
#include "collections/pqueue_internal.h"

#include "base/check.h"
#include "collections/sequence.h"

#define SIZE_BYTES 4u

/* --- stored forms --- */

void pqueue_pack(const struct parts *parts, struct buffer *out)
{
	ASSERT(parts->part[PART_PRIORITY].size <= UINT32_MAX);
	bytes_put_be32(buffer_extend(out, SIZE_BYTES), (uint32_t)parts->part[PART_PRIORITY].size);
	buffer_append(out, parts->part[PART_PRIORITY]);
	buffer_append(out, parts->part[PART_VALUE]);
}

struct parts pqueue_parts(const struct tree_entry *entry)
{
	struct bytes packed = tree_entry_value(entry);
	size_t size;

	ASSERT(packed.size >= SIZE_BYTES);
	size = bytes_get_be32(packed.data);
	ASSERT(size <= packed.size - SIZE_BYTES);
	return (struct parts){
		.mask = WITH_PRIORITY | WITH_KEY | WITH_VALUE,
		.part = {
			[PART_PRIORITY] = bytes_of(packed.data + SIZE_BYTES, size),
			[PART_KEY] = tree_entry_key(entry),
			[PART_VALUE] = bytes_of(packed.data + SIZE_BYTES + size, packed.size - SIZE_BYTES - size),
		},
	};
}

static bool is_fixed(const struct collection *self)
{
	return type_size(self->shape.type[PART_PRIORITY]) > 0;
}

void pqueue_order_prefix(const struct collection *self, struct bytes priority, struct buffer *out)
{
	static const uint8_t zero[] = {0, 1}, end[] = {0, 0};
	size_t from = 0;

	if (is_fixed(self)) {
		buffer_append(out, priority);
		return;
	}
	for (size_t i = 0; i < priority.size; i++) {
		if (priority.data[i] != 0)
			continue;
		buffer_append(out, bytes_of(priority.data + from, i - from));
		buffer_append(out, bytes_of(zero, sizeof zero));
		from = i + 1;
	}
	buffer_append(out, bytes_of(priority.data + from, priority.size - from));
	buffer_append(out, bytes_of(end, sizeof end));
}

/* The key in a key of the order. */
static struct bytes key_of(const struct collection *self, struct bytes place)
{
	size_t at = type_size(self->shape.type[PART_PRIORITY]);

	if (!is_fixed(self)) {
		while (place.data[at] != 0 || place.data[at + 1] != 0)
			at += place.data[at] == 0 ? 2 : 1;
		at += 2;
	}
	ASSERT(at <= place.size);
	return bytes_of(place.data + at, place.size - at);
}

static void order_key(const struct collection *self, const struct parts *parts, struct buffer *out)
{
	pqueue_order_prefix(self, parts->part[PART_PRIORITY], out);
	buffer_append(out, parts->part[PART_KEY]);
}

void pqueue_enter(struct collection *self, const struct parts *parts)
{
	struct buffer place = {0};
	struct tree_entry *old;

	order_key(self, parts, &place);
	old = tree_put(&self->order, buffer_bytes(&place), bytes_of(NULL, 0));
	ASSERT(old == NULL);
	buffer_fini(&place);
}

static void leave(struct collection *self, const struct parts *parts)
{
	struct buffer place = {0};
	struct tree_entry *old;

	order_key(self, parts, &place);
	old = tree_remove(&self->order, buffer_bytes(&place));
	ASSERT(old != NULL);
	tree_entry_drop(old);
	buffer_fini(&place);
}

const struct tree_entry *pqueue_at(const struct collection *self, uint64_t rank)
{
	const struct tree_entry *entry =
		tree_get(&self->tree, key_of(self, tree_entry_key(tree_at(&self->order, rank))));

	ASSERT(entry != NULL);
	return entry;
}

/* --- commands --- */

/* Puts an entry; returns what was there under its key, the caller's to drop, or NULL. */
static struct tree_entry *put(struct call *call, const struct parts *parts)
{
	struct buffer packed = {0};
	struct tree_entry *old;

	pqueue_pack(parts, &packed);
	old = tree_put(&call->self->tree, parts->part[PART_KEY], buffer_bytes(&packed));
	buffer_fini(&packed);
	if (old != NULL) {
		struct parts before = pqueue_parts(old);

		leave(call->self, &before);
	}
	pqueue_enter(call->self, parts);
	call_changed(call, CHANGE_PUT, parts);
	return old;
}

/* Removes an entry; returns it, the caller's to drop, or NULL. */
static struct tree_entry *take(struct call *call, struct bytes key)
{
	struct tree_entry *old = tree_remove(&call->self->tree, key);
	struct parts parts;

	if (old == NULL)
		return NULL;
	parts = pqueue_parts(old);
	leave(call->self, &parts);
	parts.mask = WITH_KEY;
	call_changed(call, CHANGE_REMOVE, &parts);
	return old;
}

/* DONE with all parts of an entry. */
static struct result found(const struct tree_entry *entry, uint64_t count)
{
	struct parts parts = pqueue_parts(entry);

	return (struct result){
		.outcome = OUTCOME_DONE,
		.count = count,
		.value = {parts.part[PART_PRIORITY], parts.part[PART_KEY], parts.part[PART_VALUE]},
		.values = 3,
	};
}

enum pushed { PUSHED_NEW, PUSHED_OVER, PUSHED_NOT };

/*
 * A new key in a full queue drives the lowest entry out, unless it would be the lowest itself. *out: the entry that was
 * replaced or driven out, the caller's to drop, or NULL.
 */
static enum pushed push_one(struct call *call, const struct parts *parts, struct tree_entry **out)
{
	struct collection *self = call->self;
	bool is_full = self->shape.capacity > 0 && tree_count(&self->tree) == self->shape.capacity;
	struct buffer place = {0};
	bool is_lowest;

	*out = NULL;
	if (!is_full || tree_get(&self->tree, parts->part[PART_KEY]) != NULL) {
		*out = put(call, parts);
		return *out != NULL ? PUSHED_OVER : PUSHED_NEW;
	}
	order_key(self, parts, &place);
	is_lowest = tree_rank(&self->order, buffer_bytes(&place)) == 0;
	buffer_fini(&place);
	if (is_lowest)
		return PUSHED_NOT;
	*out = take(call, tree_entry_key(pqueue_at(self, 0)));
	tree_entry_drop(put(call, parts));
	return PUSHED_NEW;
}

static struct parts read_all(struct cbor *in)
{
	struct parts parts = {.mask = WITH_PRIORITY | WITH_KEY | WITH_VALUE};

	for (unsigned part = 0; part < PARTS; part++)
		parts.part[part] = cbor_bytes(in);
	return parts;
}

static void push(struct call *call)
{
	struct parts parts = read_all(&call->in);
	struct tree_entry *out;
	struct result result;
	enum pushed pushed;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	pushed = push_one(call, &parts, &out);
	if (out != NULL) {
		result = found(out, pushed == PUSHED_NEW);
		call_answer(call, &result);
	} else {
		call_outcome(call, pushed == PUSHED_NOT ? OUTCOME_FULL : OUTCOME_DONE, pushed == PUSHED_NEW);
	}
	tree_entry_drop(out);
}

static void push_many(struct call *call)
{
	uint64_t put_in = 0;
	struct tree_entry *out;
	struct parts parts;
	struct walk walk;
	bool any = false;

	if (!call_reads_many(call, call->self->kind->mask, &walk))
		return;
	while (walk_next(&walk, &parts)) {
		put_in += push_one(call, &parts, &out) != PUSHED_NOT;
		tree_entry_drop(out);
		any = true;
	}
	if (put_in > 0)
		call_outcome(call, OUTCOME_DONE, put_in);
	else
		call_outcome(call, any ? OUTCOME_FULL : OUTCOME_NOTHING, 0);
}

/* Gives the entry of a key another priority or another value: the parts in `with` that are not its key. */
static void update(struct call *call, const struct parts *with)
{
	const struct tree_entry *entry;
	struct parts parts;
	struct buffer kept = {0};
	size_t size;

	if (cbor_end(&call->in) != OK || !call_accepts(call, with))
		return;
	entry = tree_get(&call->self->tree, with->part[PART_KEY]);
	if (entry == NULL) {
		call_outcome(call, OUTCOME_NOTHING, 0);
		return;
	}
	parts = pqueue_parts(entry);
	size = parts.part[PART_PRIORITY].size;
	buffer_append(&kept, parts.part[PART_PRIORITY]);     /* what is kept must outlive the entry */
	buffer_append(&kept, parts.part[PART_VALUE]);
	parts.part[PART_PRIORITY] = bytes_of(kept.data, size);
	parts.part[PART_KEY] = with->part[PART_KEY];
	parts.part[PART_VALUE] = bytes_of(kept.data + size, kept.size - size);
	for (unsigned part = 0; part < PARTS; part++) {
		if (with->mask & PART_BIT(part))
			parts.part[part] = with->part[part];
	}
	if (call_accepts(call, &parts)) {
		struct tree_entry *old = put(call, &parts);
		struct result result = found(old, 1);

		call_answer(call, &result);
		tree_entry_drop(old);
	}
	buffer_fini(&kept);
}

static void set_priority(struct call *call)
{
	struct parts parts = parts_of_key(cbor_bytes(&call->in));

	parts.part[PART_PRIORITY] = cbor_bytes(&call->in);
	parts.mask |= WITH_PRIORITY;
	update(call, &parts);
}

static void set_value(struct call *call)
{
	struct bytes key = cbor_bytes(&call->in), value = cbor_bytes(&call->in);
	struct parts parts = parts_of_pair(key, value);

	update(call, &parts);
}

static void compare_and_swap(struct call *call)
{
	struct bytes key = cbor_bytes(&call->in), expected = cbor_bytes(&call->in), replacement;
	struct result result = {.outcome = OUTCOME_MISMATCH};
	const struct tree_entry *entry;
	bool has_replacement;
	struct parts parts;

	replacement = call_optional(&call->in, &has_replacement);
	parts = parts_of_pair(key, replacement);
	if (!has_replacement)
		parts.mask = WITH_KEY;
	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	entry = tree_get(&call->self->tree, key);
	if (entry != NULL)
		result.value[result.values++] = pqueue_parts(entry).part[PART_VALUE];
	if (entry == NULL || !bytes_equal(result.value[0], expected)) {
		call_answer(call, &result);
	} else if (has_replacement) {
		update(call, &parts);
	} else {
		tree_entry_drop(take(call, key));
		call_outcome(call, OUTCOME_DONE, 1);
	}
}

static void remove_key(struct call *call)
{
	struct parts parts = parts_of_key(cbor_bytes(&call->in));
	struct tree_entry *old;
	struct result result;

	if (cbor_end(&call->in) != OK || !call_accepts(call, &parts))
		return;
	old = take(call, parts.part[PART_KEY]);
	if (old != NULL) {
		result = found(old, 1);
		call_answer(call, &result);
	} else {
		call_outcome(call, OUTCOME_NOTHING, 0);
	}
	tree_entry_drop(old);
}

static void remove_many(struct call *call)
{
	call_remove_many(call, take);
}

/* [bound, priority or null, bound, priority or null]; a bound without a priority is none. */
static void remove_range(struct call *call)
{
	struct pqueue_range range;
	uint64_t from, to, count = tree_count(&call->self->tree);
	struct parts low, high;

	pqueue_range_read(&call->in, &range);
	low = high = (struct parts){0};
	low.part[PART_PRIORITY] = range.low;
	low.mask = range.from != PQUEUE_UNBOUNDED ? WITH_PRIORITY : 0;
	high.part[PART_PRIORITY] = range.high;
	high.mask = range.to != PQUEUE_UNBOUNDED ? WITH_PRIORITY : 0;
	if (cbor_end(&call->in) != OK || !call_accepts(call, &low) || !call_accepts(call, &high))
		return;
	pqueue_range_ranks(call->self, &range, &from, &to);
	if (count > 0 && from == 0 && to == count) {
		call_clear(call);
		return;
	}
	for (uint64_t i = from; i < to; i++)
		tree_entry_drop(take(call, tree_entry_key(pqueue_at(call->self, from))));
	call_outcome(call, to > from ? OUTCOME_DONE : OUTCOME_NOTHING, to - from);
}

static void take_end(struct call *call, bool highest)
{
	uint64_t count = tree_count(&call->self->tree);
	struct tree_entry *old;
	struct result result;

	if (cbor_end(&call->in) != OK)
		return;
	if (count == 0) {
		call_outcome(call, OUTCOME_NOTHING, 0);
		return;
	}
	result = found(pqueue_at(call->self, highest ? count - 1 : 0), count - 1);
	if (!result_fits(&result, STATE_RESULT_MAX)) {
		call_outcome(call, OUTCOME_LARGE, count);
		return;
	}
	call_answer(call, &result);
	old = take(call, result.value[1]);
	tree_entry_drop(old);
}

static void take_min(struct call *call)
{
	take_end(call, false);
}

static void take_max(struct call *call)
{
	take_end(call, true);
}

static command_function *const commands[] = {
	[PQUEUE_PUSH] = push,
	[PQUEUE_PUSH_MANY] = push_many,
	[PQUEUE_SET_PRIORITY] = set_priority,
	[PQUEUE_SET_VALUE] = set_value,
	[PQUEUE_CAS] = compare_and_swap,
	[PQUEUE_REMOVE] = remove_key,
	[PQUEUE_REMOVE_MANY] = remove_many,
	[PQUEUE_REMOVE_RANGE] = remove_range,
	[PQUEUE_TAKE_MIN] = take_min,
	[PQUEUE_TAKE_MAX] = take_max,
	[PQUEUE_CLEAR] = call_clear,
};

const struct kind pqueue_kind = {
	.name = "pqueue",
	.mask = WITH_PRIORITY | WITH_KEY | WITH_VALUE,
	.commands = commands,
	.command_count = sizeof commands / sizeof commands[0],
	.queries = pqueue_queries,
	.query_count = PQUEUE_LIST + 1,
};
