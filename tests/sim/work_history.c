/*
 * work_history.c - see work.h. One operation on a collection says something of many keys; a history of operations on
 * registers, one for each key, is what linear_check can search. What is not known of a key is left open, so that every
 * violation found is one: an operation that may have removed a key becomes a removal that may never have happened.
 *
 *      map, pqueue      a register of values for each key           set      a register of 1 or nothing for each key
 *      cell, once       one register                                vec      a register of 1 or nothing for each element:
 *                                                                            its values are never written twice
 *
 * Of priorities and of the order of a vec nothing is said here; the model knows of them.
 */
#include "tests/sim/work.h"

#include "base/check.h"
#include "base/memory.h"
#include "collections/sequence.h"

struct view {
	const struct work_shape *shape;
	const struct work_seen *seen;
	struct linear_history *history;
};

static bool is_pending(const struct view *view)
{
	return view->seen->returned == LINEAR_PENDING;
}

static void add(struct view *view, uint64_t key, struct linear_op op)
{
	op.client = view->seen->client;
	op.key = key;
	op.invoked = view->seen->invoked;
	op.returned = op.returned == LINEAR_PENDING ? op.returned : view->seen->returned;
	linear_history_add(view->history, &op);
}

/* What stands under a key as a register holds it. */
static uint64_t held(const struct view *view, uint64_t value)
{
	bool is_value = collection_has(view->shape->shape.kind, PART_VALUE) && view->shape->shape.kind != COLLECTION_VEC;

	return is_value || value == WORK_NONE ? value : 1;
}

static void reads(struct view *view, uint64_t key, uint64_t value)
{
	add(view, key, (struct linear_op){.kind = LINEAR_READ, .result = held(view, value)});
}

static void writes(struct view *view, uint64_t key, uint64_t value)
{
	add(view, key, (struct linear_op){.kind = LINEAR_WRITE, .value = held(view, value), .blind = is_pending(view)});
}

static void swaps(struct view *view, uint64_t key, uint64_t value, uint64_t before)
{
	add(view, key, (struct linear_op){.kind = LINEAR_SWAP, .value = held(view, value), .result = held(view, before)});
}

static void removes(struct view *view, uint64_t key)
{
	add(view, key, (struct linear_op){.kind = LINEAR_DELETE, .blind = true});
}

static void may_remove(struct view *view, uint64_t key)
{
	add(view, key, (struct linear_op){.kind = LINEAR_DELETE, .blind = true, .returned = LINEAR_PENDING});
}

static void of_all(struct view *view, void (*say)(struct view *, uint64_t key))
{
	if (view->shape->shape.kind != COLLECTION_VEC)
		for (uint64_t key = 0; key < view->shape->keys; key++)
			say(view, key);
}

static void is_absent(struct view *view, uint64_t key)
{
	reads(view, key, WORK_NONE);
}

/* ---- parts of results ---- */

static uint64_t value_at(const struct view *view, const struct result *result, size_t at)
{
	return at < result->values ? work_value_of(view->shape, result->value[at]) : WORK_NONE;
}

/* Of [priority, key, value]; of the value alone, key is what was asked for. */
static uint64_t value_told(const struct view *view, const struct result *result)
{
	return value_at(view, result, view->shape->shape.kind == COLLECTION_PQUEUE && result->values == 3 ? 2 : 0);
}

static uint64_t key_told(const struct view *view, const struct result *result)
{
	bool tells = view->shape->shape.kind == COLLECTION_PQUEUE && result->values == 3;

	return tells ? work_key_of(result->value[1]) : view->seen->op.with.key;
}

/* ---- commands ---- */

static bool may_drive_out(const struct view *view)
{
	return view->shape->shape.capacity > 0;
}

static void pending_command(struct view *view)
{
	const struct work_op *op = &view->seen->op;
	bool vec = view->shape->shape.kind == COLLECTION_VEC;

	switch ((int)op->verb) {
	case WORK_PUT:
		if (view->shape->shape.kind == COLLECTION_ONCE)
			add(view, 0, (struct linear_op){.kind = LINEAR_CAS, .expected = WORK_NONE, .value = op->with.value, .blind = true});
		else
			writes(view, op->with.key, op->with.value);
		break;
	case WORK_SET_VALUE:
		writes(view, op->with.key, op->with.value);
		break;
	case WORK_CAS:
		add(view, op->with.key, (struct linear_op){.kind = LINEAR_CAS, .expected = op->expected,
			.value = op->with.value, .blind = true});
		break;
	case WORK_REMOVE:
		removes(view, op->with.key);
		break;
	case WORK_CLEAR:
	case WORK_REMOVE_RANGE:
	case WORK_TAKE_MIN:
	case WORK_TAKE_MAX:
		of_all(view, may_remove);
		break;
	case WORK_PUSH:
	case WORK_PUSH_FRONT:
	case WORK_INSERT:
		writes(view, op->with.value, 1);
		break;
	default:
		for (size_t i = 0; i < op->many; i++)
			if (op->verb == WORK_PUT_MANY)
				writes(view, vec ? op->item[i].value : op->item[i].key, op->item[i].value);
			else
				removes(view, op->item[i].key);
	}
	if (may_drive_out(view) && (op->verb == WORK_PUT || op->verb == WORK_PUT_MANY))
		of_all(view, may_remove);
}

static void put(struct view *view, const struct result *result)
{
	const struct work_item *with = &view->seen->op.with;
	enum collection_kind kind = view->shape->shape.kind;
	uint64_t told = key_told(view, result);

	if (kind == COLLECTION_ONCE && result->outcome == OUTCOME_MISMATCH) {
		reads(view, 0, value_told(view, result));
	} else if (kind == COLLECTION_SET) {
		swaps(view, with->key, with->value, result->outcome == OUTCOME_DONE ? WORK_NONE : 1);
	} else if (result->outcome == OUTCOME_FULL) {
		reads(view, with->key, WORK_NONE);
	} else {
		swaps(view, with->key, with->value, told == with->key ? value_told(view, result) : WORK_NONE);
		if (told != with->key)   /* driven out */
			swaps(view, told, WORK_NONE, value_told(view, result));
	}
}

static void put_many(struct view *view)
{
	const struct work_op *op = &view->seen->op;

	if (view->shape->shape.kind == COLLECTION_VEC) {
		for (size_t i = 0; i < op->many; i++)
			writes(view, op->item[i].value, 1);
		return;
	}
	if (may_drive_out(view)) {       /* who was, of these and of the others, is not told */
		struct work_seen unknown = *view->seen;

		unknown.returned = LINEAR_PENDING;
		pending_command(&(struct view){view->shape, &unknown, view->history});
		return;
	}
	for (size_t i = 0; i < op->many; i++) {
		bool last = true;

		for (size_t other = i + 1; other < op->many; other++)
			last &= op->item[other].key != op->item[i].key;
		if (last)
			writes(view, op->item[i].key, op->item[i].value);
	}
}

static void remove_many(struct view *view)
{
	for (size_t i = 0; i < view->seen->op.many; i++)
		removes(view, view->seen->op.item[i].key);
}

static void taken(struct view *view, const struct result *result)
{
	uint64_t key = view->shape->shape.kind == COLLECTION_VEC ? value_told(view, result) : key_told(view, result);

	if (view->seen->op.verb == WORK_REMOVE && view->shape->shape.kind == COLLECTION_SET)
		swaps(view, key, WORK_NONE, 1);
	else
		swaps(view, key, WORK_NONE, value_told(view, result));
}

static void compared(struct view *view, const struct result *result)
{
	const struct work_op *op = &view->seen->op;

	if (result->outcome == OUTCOME_MISMATCH)
		reads(view, op->with.key, value_told(view, result));
	else
		swaps(view, op->with.key, op->with.value, op->expected);
}

static void command(struct view *view, const struct result *result)
{
	const struct work_op *op = &view->seen->op;
	bool done = result->outcome == OUTCOME_DONE;

	switch ((int)op->verb) {
	case WORK_PUT:
		put(view, result);
		break;
	case WORK_PUT_MANY:
		put_many(view);
		break;
	case WORK_REMOVE_MANY:
		remove_many(view);
		break;
	case WORK_CAS:
		compared(view, result);
		break;
	case WORK_CLEAR:
		of_all(view, done ? removes : is_absent);
		break;
	case WORK_REMOVE_RANGE:
		if (done)
			of_all(view, may_remove);
		break;
	case WORK_SET_PRIORITY:
		reads(view, op->with.key, value_told(view, result));
		break;
	case WORK_SET_VALUE:
		swaps(view, op->with.key, done ? op->with.value : WORK_NONE, value_told(view, result));
		break;
	case WORK_PUSH:
	case WORK_PUSH_FRONT:
	case WORK_INSERT:
		if (done)
			writes(view, op->with.value, 1);
		break;
	case WORK_TAKE_MIN:
	case WORK_TAKE_MAX:
		if (done)
			taken(view, result);
		else
			of_all(view, is_absent);
		break;
	case WORK_REMOVE:
		if (done)
			taken(view, result);
		else
			reads(view, op->with.key, WORK_NONE);
		break;
	case WORK_POP:
	case WORK_POP_FRONT:
	case WORK_REMOVE_AT:
		if (done)
			taken(view, result);
		break;
	default:                         /* SWAP, TRUNCATE: which elements is not told */
		break;
	}
}

/* ---- queries ---- */

static void listed(struct view *view, const struct result *result)
{
	enum collection_kind kind = view->shape->shape.kind;
	struct bytes rest = result->values > 0 ? result->value[0] : bytes_of(NULL, 0), part;
	uint64_t value[WORK_KEYS_MAX];

	for (size_t key = 0; key < WORK_KEYS_MAX; key++)
		value[key] = WORK_NONE;
	while (rest.size > 0) {
		uint64_t key = 0, number = 1;

		if (collection_has(kind, PART_PRIORITY) && !sequence_next(&rest, &part))
			return;
		if (collection_has(kind, PART_KEY) && sequence_next(&rest, &part))
			key = work_key_of(part);
		if (collection_has(kind, PART_VALUE) && sequence_next(&rest, &part))
			number = work_value_of(view->shape, part);
		if (kind == COLLECTION_VEC)
			reads(view, number, 1);
		else if (key < WORK_KEYS_MAX)
			value[key] = number;
	}
	for (uint64_t key = 0; key < view->shape->keys && kind != COLLECTION_VEC; key++)
		if (result->count == 0 || value[key] != WORK_NONE)
			reads(view, key, value[key]);
}

static void query(struct view *view, const struct result *result)
{
	const struct work_op *op = &view->seen->op;
	bool vec = view->shape->shape.kind == COLLECTION_VEC, set = view->shape->shape.kind == COLLECTION_SET;
	bool done = result->outcome == OUTCOME_DONE;

	switch ((int)op->verb) {
	case WORK_GET:
		reads(view, op->with.key, set ? done ? 1 : WORK_NONE : value_told(view, result));
		break;
	case WORK_RANK:
		if (!done || set)
			reads(view, op->with.key, done ? 1 : WORK_NONE);
		break;
	case WORK_LEN:
		if (result->count == 0)
			of_all(view, is_absent);
		break;
	case WORK_LIST:
		listed(view, result);
		break;
	case WORK_HAS_ALL:
		for (size_t i = 0; done && i < op->many; i++)
			reads(view, op->item[i].key, 1);
		break;
	case WORK_INDEX_OF:
		if (op->with.value != 0)
			reads(view, op->with.value, done ? 1 : WORK_NONE);
		break;
	default:                         /* at a place, at an end */
		if (done)
			reads(view, vec ? value_told(view, result) : key_told(view, result), value_told(view, result));
		else
			of_all(view, is_absent);
	}
}

void work_project(const struct work_shape *shape, const struct work_seen *seen, const struct result *result,
	struct linear_history *history)
{
	struct view view = {shape, seen, history};

	if (seen->op.verb >= WORK_GET && !is_pending(&view))
		query(&view, result);
	else if (!is_pending(&view))
		command(&view, result);
	else if (seen->op.verb < WORK_GET && seen->op.verb != WORK_SET_PRIORITY)
		pending_command(&view);
}

/* Which elements of a vec a truncation took is not told: each may be gone at any time after it came. */
void work_project_end(const struct work_shape *shape, struct linear_history *history)
{
	size_t count = history->count;

	for (size_t i = 0; i < count && shape->shape.kind == COLLECTION_VEC; i++) {
		struct linear_op op = history->op[i];

		if (op.kind != LINEAR_WRITE)
			continue;
		op.kind = LINEAR_DELETE;
		op.blind = true;
		op.returned = LINEAR_PENDING;
		linear_history_add(history, &op);
	}
}
