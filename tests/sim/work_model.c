/* work_model.c - see work.h. */
#include "tests/sim/work.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "collections/sequence.h"

struct step {
	const struct work_shape *shape;
	struct work_content *content;
	const struct work_op *op;
	struct work_result *result;
};

void work_content_fini(struct work_content *content)
{
	memory_free(content->item);
	*content = (struct work_content){0};
}

void work_result_fini(struct work_result *result)
{
	for (size_t i = 0; i < RESULT_VALUES_MAX; i++)
		buffer_fini(&result->value[i]);
}

bool work_is_result(const struct work_result *expected, const struct result *result)
{
	if (expected->outcome != result->outcome || expected->count != result->count
		|| expected->values != result->values || result->left_out)
		return false;
	for (size_t i = 0; i < expected->values; i++)
		if (!bytes_equal(buffer_bytes(&expected->value[i]), result->value[i]))
			return false;
	return true;
}

/* ---- the array ---- */

size_t work_find(const struct work_content *content, uint64_t key)
{
	size_t at = 0;

	while (at < content->count && content->item[at].key != key)
		at++;
	return at;
}

static void insert(struct work_content *content, size_t at, const struct work_item *item)
{
	struct work_item kept = *item;   /* which may be one of those that move */

	ASSERT(at <= content->count);
	content->item = memory_grow(content->item, &content->capacity, content->count + 1, sizeof(kept));
	memmove(&content->item[at + 1], &content->item[at], (content->count - at) * sizeof(kept));
	content->item[at] = kept;
	content->count++;
}

static void take(struct work_content *content, size_t at)
{
	ASSERT(at < content->count);
	content->count--;
	memmove(&content->item[at], &content->item[at + 1], (content->count - at) * sizeof(content->item[0]));
}

static bool is_before(const struct work_item *one, const struct work_item *other)
{
	return one->priority != other->priority ? one->priority < other->priority : one->key < other->key;
}

static void put(struct work_content *content, const struct work_item *item)
{
	size_t at = work_find(content, item->key);

	if (at < content->count)
		take(content, at);
	for (at = 0; at < content->count && is_before(&content->item[at], item); at++)
		;
	insert(content, at, item);
}

/* ---- results ---- */

static void answer(struct step *step, enum outcome outcome, uint64_t count)
{
	step->result->outcome = outcome;
	step->result->count = count;
}

static void tell_value(struct step *step, uint64_t value)
{
	work_put_value(step->shape, value, &step->result->value[step->result->values++]);
}

static void tell_entry(struct step *step, const struct work_item *item)
{
	work_put_priority(step->shape, item->priority, &step->result->value[0]);
	work_put_key(item->key, &step->result->value[1]);
	work_put_value(step->shape, item->value, &step->result->value[2]);
	step->result->values = 3;
}

static bool has_values(const struct step *step)
{
	return collection_has(step->shape->shape.kind, PART_VALUE);
}

/* ---- map, set, cell, once ---- */

static void do_put(struct step *step)
{
	size_t at = work_find(step->content, step->op->with.key);
	bool there = at < step->content->count;

	if (there && step->shape->shape.kind == COLLECTION_ONCE) {
		answer(step, OUTCOME_MISMATCH, 0);
		tell_value(step, step->content->item[at].value);
		return;
	}
	answer(step, there && !has_values(step) ? OUTCOME_NOTHING : OUTCOME_DONE, !there);
	if (there && has_values(step))
		tell_value(step, step->content->item[at].value);
	put(step->content, &step->op->with);
}

static void do_put_many(struct step *step)
{
	size_t before = step->content->count;
	uint64_t new;

	for (size_t i = 0; i < step->op->many; i++)
		put(step->content, &step->op->item[i]);
	new = step->content->count - before;
	answer(step, (has_values(step) ? step->op->many : new) > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, new);
}

static void do_remove(struct step *step)
{
	size_t at = work_find(step->content, step->op->with.key);
	bool there = at < step->content->count;

	answer(step, there ? OUTCOME_DONE : OUTCOME_NOTHING, there);
	if (!there)
		return;
	if (step->shape->shape.kind == COLLECTION_PQUEUE)
		tell_entry(step, &step->content->item[at]);
	else if (has_values(step))
		tell_value(step, step->content->item[at].value);
	take(step->content, at);
}

static void do_remove_many(struct step *step)
{
	uint64_t removed = 0;

	for (size_t i = 0; i < step->op->many; i++) {
		size_t at = work_find(step->content, step->op->item[i].key);

		if (at == step->content->count)
			continue;
		take(step->content, at);
		removed++;
	}
	answer(step, removed > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, removed);
}

static void do_clear(struct step *step)
{
	answer(step, step->content->count > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, step->content->count);
	step->content->count = 0;
}

static void do_cas(struct step *step)
{
	size_t at = work_find(step->content, step->op->with.key);
	bool there = at < step->content->count;
	struct work_item item = there ? step->content->item[at] : step->op->with;

	if ((there ? item.value : WORK_NONE) != step->op->expected) {
		answer(step, OUTCOME_MISMATCH, 0);
		if (there)
			tell_value(step, item.value);
		return;
	}
	answer(step, OUTCOME_DONE, there || step->op->with.value != WORK_NONE);
	if (step->shape->shape.kind == COLLECTION_PQUEUE && step->op->with.value != WORK_NONE)
		tell_entry(step, &item);
	item.value = step->op->with.value;
	if (item.value != WORK_NONE)
		put(step->content, &item);
	else if (there)
		take(step->content, at);
}

/* ---- vec ---- */

static void insert_at(struct step *step, uint64_t at)
{
	bool able = at <= step->content->count;

	if (able)
		insert(step->content, (size_t)at, &step->op->with);
	answer(step, able ? OUTCOME_DONE : OUTCOME_RANGE, step->content->count);
}

static void take_at(struct step *step, uint64_t at)
{
	bool able = at < step->content->count;

	if (able) {
		tell_value(step, step->content->item[at].value);
		take(step->content, (size_t)at);
	}
	answer(step, able ? OUTCOME_DONE : OUTCOME_NOTHING, step->content->count);
}

static void do_extend(struct step *step)
{
	for (size_t i = 0; i < step->op->many; i++)
		insert(step->content, step->content->count, &step->op->item[i]);
	answer(step, step->op->many > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, step->content->count);
}

static void do_swap(struct step *step)
{
	size_t a = (size_t)step->op->index, b = (size_t)step->op->other, count = step->content->count;
	bool able = a < count && b < count && a != b;

	if (able) {
		struct work_item kept = step->content->item[a];

		step->content->item[a] = step->content->item[b];
		step->content->item[b] = kept;
	}
	answer(step, able ? OUTCOME_DONE : OUTCOME_NOTHING, count);
}

static void do_truncate(struct step *step)
{
	bool able = step->op->index < step->content->count;

	if (able)
		step->content->count = (size_t)step->op->index;
	answer(step, able ? OUTCOME_DONE : OUTCOME_NOTHING, step->content->count);
}

/* ---- pqueue ---- */

/* false: refused. *out: replaced or driven out, if *tells. */
static bool push_one(struct step *step, const struct work_item *item, struct work_item *out, bool *tells)
{
	struct work_content *content = step->content;
	size_t at = work_find(content, item->key);
	uint64_t capacity = step->shape->shape.capacity;

	*tells = at < content->count;
	if (*tells) {
		*out = content->item[at];
	} else if (capacity > 0 && content->count == capacity) {
		if (is_before(item, &content->item[0]))
			return false;
		*out = content->item[0];
		*tells = true;
		take(content, 0);
	}
	put(content, item);
	return true;
}

static void do_push(struct step *step)
{
	bool is_new = work_find(step->content, step->op->with.key) == step->content->count, tells;
	struct work_item out;

	if (!push_one(step, &step->op->with, &out, &tells)) {
		answer(step, OUTCOME_FULL, 0);
		return;
	}
	answer(step, OUTCOME_DONE, is_new);
	if (tells)
		tell_entry(step, &out);
}

static void do_push_many(struct step *step)
{
	uint64_t pushed = 0;
	struct work_item out;
	bool tells;

	for (size_t i = 0; i < step->op->many; i++)
		pushed += push_one(step, &step->op->item[i], &out, &tells);
	answer(step, pushed > 0 ? OUTCOME_DONE : step->op->many > 0 ? OUTCOME_FULL : OUTCOME_NOTHING, pushed);
}

static void do_update(struct step *step)
{
	size_t at = work_find(step->content, step->op->with.key);
	struct work_item item;

	answer(step, at < step->content->count ? OUTCOME_DONE : OUTCOME_NOTHING, at < step->content->count);
	if (at == step->content->count)
		return;
	item = step->content->item[at];
	tell_entry(step, &item);
	if (step->op->verb == WORK_SET_PRIORITY)
		item.priority = step->op->with.priority;
	else
		item.value = step->op->with.value;
	put(step->content, &item);
}

static bool is_inside(const struct work_op *op, unsigned priority)
{
	if (op->range.from != PQUEUE_UNBOUNDED && (priority < op->low
		|| (priority == op->low && op->range.from == PQUEUE_EXCLUDED)))
		return false;
	return op->range.to == PQUEUE_UNBOUNDED || priority < op->high
		|| (priority == op->high && op->range.to == PQUEUE_INCLUDED);
}

static void do_remove_range(struct step *step)
{
	uint64_t removed = 0;

	for (size_t i = step->content->count; i-- > 0;) {
		if (!is_inside(step->op, step->content->item[i].priority))
			continue;
		take(step->content, i);
		removed++;
	}
	answer(step, removed > 0 ? OUTCOME_DONE : OUTCOME_NOTHING, removed);
}

static void do_take(struct step *step)
{
	size_t at = step->op->verb == WORK_TAKE_MAX && step->content->count > 0 ? step->content->count - 1 : 0;

	if (step->content->count == 0) {
		answer(step, OUTCOME_NOTHING, 0);
		return;
	}
	tell_entry(step, &step->content->item[at]);
	take(step->content, at);
	answer(step, OUTCOME_DONE, step->content->count);
}

/* ---- queries ---- */

static void tell_at(struct step *step, size_t at, uint64_t count)
{
	answer(step, OUTCOME_DONE, count);
	if (step->shape->shape.kind == COLLECTION_PQUEUE)
		tell_entry(step, &step->content->item[at]);
	else if (has_values(step))
		tell_value(step, step->content->item[at].value);
}

static void do_get(struct step *step)
{
	size_t at = work_find(step->content, step->op->with.key);

	if (at < step->content->count)
		tell_at(step, at, 1);
	else
		answer(step, OUTCOME_NOTHING, 0);
}

static void do_end(struct step *step)
{
	if (step->content->count > 0)
		tell_at(step, step->op->verb == WORK_MAX ? step->content->count - 1 : 0, 1);
	else
		answer(step, OUTCOME_NOTHING, 0);
}

static void do_get_at(struct step *step, uint64_t at)
{
	if (at < step->content->count)
		tell_at(step, (size_t)at, at);
	else
		answer(step, OUTCOME_NOTHING, step->content->count);
}

static void do_rank(struct step *step)
{
	uint64_t rank = 0;

	for (size_t i = 0; i < step->content->count; i++)
		rank += step->content->item[i].key < step->op->with.key;
	answer(step, work_find(step->content, step->op->with.key) < step->content->count ? OUTCOME_DONE : OUTCOME_NOTHING,
		rank);
}

static void do_index_of(struct step *step)
{
	size_t at = 0;

	while (at < step->content->count && step->content->item[at].value != step->op->with.value)
		at++;
	answer(step, at < step->content->count ? OUTCOME_DONE : OUTCOME_NOTHING, at < step->content->count ? at : 0);
}

static void do_has_all(struct step *step)
{
	uint64_t here = 0;

	for (size_t i = 0; i < step->op->many; i++)
		here += work_find(step->content, step->op->item[i].key) < step->content->count;
	answer(step, here == step->op->many ? OUTCOME_DONE : OUTCOME_NOTHING, here);
}

static void list_item(struct step *step, const struct work_item *item)
{
	struct buffer *list = &step->result->value[0], part = {0};
	enum collection_kind kind = step->shape->shape.kind;

	if (collection_has(kind, PART_PRIORITY)) {
		work_put_priority(step->shape, item->priority, &part);
		sequence_put(list, buffer_bytes(&part));
		buffer_clear(&part);
	}
	if (collection_has(kind, PART_KEY)) {
		work_put_key(item->key, &part);
		sequence_put(list, buffer_bytes(&part));
		buffer_clear(&part);
	}
	if (collection_has(kind, PART_VALUE)) {
		work_put_value(step->shape, item->value, &part);
		sequence_put(list, buffer_bytes(&part));
	}
	buffer_fini(&part);
}

static void do_list(struct step *step)
{
	size_t count = step->content->count, from = step->op->index < count ? (size_t)step->op->index : count;
	size_t told = count - from;

	if (step->op->other > 0 && told > step->op->other)
		told = (size_t)step->op->other;
	for (size_t i = 0; i < told; i++)
		list_item(step, &step->content->item[step->op->descending ? count - 1 - i : from + i]);
	step->result->values = 1;
	answer(step, OUTCOME_DONE, from + told < count);
}

static void apply_command(struct step *step)
{
	bool queue = step->shape->shape.kind == COLLECTION_PQUEUE, vec = step->shape->shape.kind == COLLECTION_VEC;
	uint64_t count = step->content->count;

	switch ((int)step->op->verb) {
	case WORK_PUT:
		(queue ? do_push : do_put)(step);
		break;
	case WORK_PUT_MANY:
		(queue ? do_push_many : vec ? do_extend : do_put_many)(step);
		break;
	case WORK_REMOVE:
		do_remove(step);
		break;
	case WORK_REMOVE_MANY:
		do_remove_many(step);
		break;
	case WORK_CLEAR:
		do_clear(step);
		break;
	case WORK_CAS:
		do_cas(step);
		break;
	case WORK_PUSH:
		insert_at(step, count);
		break;
	case WORK_PUSH_FRONT:
		insert_at(step, 0);
		break;
	case WORK_INSERT:
		insert_at(step, step->op->index);
		break;
	case WORK_POP:
		take_at(step, count > 0 ? count - 1 : 0);
		break;
	case WORK_POP_FRONT:
		take_at(step, 0);
		break;
	case WORK_REMOVE_AT:
		take_at(step, step->op->index);
		break;
	case WORK_SWAP:
		do_swap(step);
		break;
	case WORK_TRUNCATE:
		do_truncate(step);
		break;
	case WORK_SET_PRIORITY:
	case WORK_SET_VALUE:
		do_update(step);
		break;
	case WORK_REMOVE_RANGE:
		do_remove_range(step);
		break;
	default:
		do_take(step);
	}
}

static void apply_query(struct step *step)
{
	switch ((int)step->op->verb) {
	case WORK_GET:
		do_get(step);
		break;
	case WORK_LEN:
		answer(step, OUTCOME_DONE, step->content->count);
		break;
	case WORK_RANK:
		do_rank(step);
		break;
	case WORK_LIST:
		do_list(step);
		break;
	case WORK_HAS_ALL:
		do_has_all(step);
		break;
	case WORK_GET_AT:
		do_get_at(step, step->op->index);
		break;
	case WORK_LAST:
		do_get_at(step, step->content->count > 0 ? step->content->count - 1 : 0);
		break;
	case WORK_INDEX_OF:
		do_index_of(step);
		break;
	default:
		do_end(step);
	}
}

void work_apply(const struct work_shape *shape, struct work_content *content, const struct work_op *op,
	struct work_result *result)
{
	struct step step = {shape, content, op, result};

	if (op->verb < WORK_GET)
		apply_command(&step);
	else
		apply_query(&step);
}
