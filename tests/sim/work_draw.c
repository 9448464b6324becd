/* work_draw.c - see work.h. */
#include "tests/sim/work.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

#define NUMBER_SIZE 8
#define LONG_VEC 40              /* then rather shorter than longer */
#define LIST_OF_LARGE 8          /* as many large values as an answer holds anyway */

/* ---- parts of entries ---- */

void work_put_key(uint64_t key, struct buffer *out)
{
	char text[8];

	snprintf(text, sizeof(text), "k%02u", (unsigned)key % 100);
	buffer_append(out, bytes_of_text(text));
}

uint64_t work_key_of(struct bytes key)
{
	if (key.size != 3 || key.data[0] != 'k')
		return WORK_NONE;
	return (uint64_t)(key.data[1] - '0') * 10 + (uint64_t)(key.data[2] - '0');
}

static size_t filling(const struct work_shape *shape, uint64_t value)
{
	return (size_t)(linear_chain(0, value) % (shape->ballast + 1));
}

void work_put_value(const struct work_shape *shape, uint64_t value, struct buffer *out)
{
	size_t size = filling(shape, value);

	for (int i = NUMBER_SIZE; i-- > 0;)
		*buffer_extend(out, 1) = (uint8_t)(value >> 8 * i);
	if (size > 0)
		memset(buffer_extend(out, size), (int)(value & 0xFF), size);
}

uint64_t work_value_of(const struct work_shape *shape, struct bytes value)
{
	uint64_t number = 0;

	if (value.size < NUMBER_SIZE)
		return WORK_NONE;
	for (int i = 0; i < NUMBER_SIZE; i++)
		number = number << 8 | value.data[i];
	return value.size == NUMBER_SIZE + filling(shape, number) ? number : WORK_NONE;
}

/* Where priorities are bytes: in order, some of them the beginning of another, with zeroes that have to be escaped. */
void work_put_priority(const struct work_shape *shape, unsigned priority, struct buffer *out)
{
	static const struct bytes text[WORK_PRIORITIES] = {{(const uint8_t *)"", 0}, {(const uint8_t *)"\0", 1},
		{(const uint8_t *)"\0\0", 2}, {(const uint8_t *)"\0\1", 2}, {(const uint8_t *)"\1", 1},
		{(const uint8_t *)"\1\0", 2}, {(const uint8_t *)"\1\0b", 3}, {(const uint8_t *)"b", 1}};
	uint8_t number[TYPE_NUMBER_SIZE];

	ASSERT(priority < WORK_PRIORITIES);
	if (shape->shape.type[PART_PRIORITY] == TYPE_BYTES) {
		buffer_append(out, text[priority]);
		return;
	}
	type_put_i64((int64_t)priority - WORK_PRIORITIES / 2, number);
	buffer_append(out, bytes_of(number, sizeof(number)));
}

/* ---- arguments ---- */

static bool has_keys(const struct work_shape *shape)
{
	return collection_has(shape->shape.kind, PART_KEY);
}

static struct work_item draw_item(struct rng *rng, const struct work_shape *shape, uint64_t value)
{
	return (struct work_item){
		.priority = shape->shape.kind == COLLECTION_PQUEUE ? (unsigned)rng_below(rng, WORK_PRIORITIES) : 0,
		.key = has_keys(shape) ? rng_below(rng, shape->keys) : 0,
		.value = value,
	};
}

/* A value that stands somewhere, preferably under that key. */
static uint64_t draw_seen(struct rng *rng, const struct work_content *seen, uint64_t key)
{
	size_t at = work_find(seen, key);

	if (at < seen->count && rng_below(rng, 3) > 0)
		return seen->item[at].value;
	return seen->count > 0 ? seen->item[rng_below(rng, seen->count)].value : 0;
}

static void draw_expectation(struct rng *rng, const struct work_shape *shape, const struct work_content *seen,
	struct work_op *op)
{
	bool queue = shape->shape.kind == COLLECTION_PQUEUE;

	op->expected = draw_seen(rng, seen, op->with.key);
	if (!queue && (work_find(seen, op->with.key) == seen->count ? rng_below(rng, 4) > 0 : rng_below(rng, 6) == 0))
		op->expected = WORK_NONE;
	if (rng_below(rng, 3) == 0)
		op->with.value = WORK_NONE;
}

static void draw_range(struct rng *rng, struct work_op *op)
{
	op->range.from = (enum pqueue_bound)rng_below(rng, PQUEUE_EXCLUDED + 1);
	op->range.to = (enum pqueue_bound)rng_below(rng, PQUEUE_EXCLUDED + 1);
	op->low = (unsigned)rng_below(rng, WORK_PRIORITIES);
	op->high = op->low + (unsigned)rng_below(rng, WORK_PRIORITIES - op->low);
}

/* ---- verbs: as often as they stand here ---- */

static const enum work_verb map_verbs[] = {WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT, WORK_CAS, WORK_CAS, WORK_CAS,
	WORK_CAS, WORK_REMOVE, WORK_REMOVE, WORK_PUT_MANY, WORK_PUT_MANY, WORK_REMOVE_MANY};
static const enum work_verb set_verbs[] = {WORK_PUT, WORK_PUT, WORK_PUT, WORK_REMOVE, WORK_REMOVE, WORK_PUT_MANY,
	WORK_REMOVE_MANY};
static const enum work_verb vec_verbs[] = {WORK_PUSH, WORK_PUSH, WORK_PUSH_FRONT, WORK_INSERT, WORK_INSERT, WORK_INSERT,
	WORK_PUT_MANY, WORK_POP, WORK_POP_FRONT, WORK_REMOVE_AT, WORK_REMOVE_AT, WORK_SWAP, WORK_SWAP};
static const enum work_verb cell_verbs[] = {WORK_PUT, WORK_PUT, WORK_CAS, WORK_CAS, WORK_CAS};
static const enum work_verb once_verbs[] = {WORK_PUT};
static const enum work_verb pqueue_verbs[] = {WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT, WORK_PUT_MANY,
	WORK_TAKE_MIN, WORK_TAKE_MIN, WORK_TAKE_MIN, WORK_TAKE_MAX, WORK_SET_PRIORITY, WORK_SET_PRIORITY, WORK_SET_VALUE,
	WORK_CAS, WORK_CAS, WORK_REMOVE, WORK_REMOVE_MANY, WORK_REMOVE_RANGE};
static const enum work_verb map_queries[] = {WORK_GET, WORK_GET, WORK_GET, WORK_LIST, WORK_LEN, WORK_RANK};
static const enum work_verb set_queries[] = {WORK_GET, WORK_GET, WORK_HAS_ALL, WORK_LIST, WORK_LEN, WORK_RANK};
static const enum work_verb vec_queries[] = {WORK_GET_AT, WORK_GET_AT, WORK_LAST, WORK_INDEX_OF, WORK_LIST, WORK_LEN};
static const enum work_verb single_queries[] = {WORK_GET};
static const enum work_verb pqueue_queries[] = {WORK_GET, WORK_GET, WORK_MIN, WORK_MAX, WORK_LIST, WORK_LEN};

#define VERBS(list) {list, sizeof(list) / sizeof(list[0])}
struct verbs {
	const enum work_verb *verb;
	size_t count;
};

static const struct verbs commands[COLLECTION_KINDS] = {
	[COLLECTION_MAP] = VERBS(map_verbs), [COLLECTION_SET] = VERBS(set_verbs), [COLLECTION_VEC] = VERBS(vec_verbs),
	[COLLECTION_CELL] = VERBS(cell_verbs), [COLLECTION_ONCE] = VERBS(once_verbs), [COLLECTION_PQUEUE] = VERBS(pqueue_verbs)};
static const struct verbs queries[COLLECTION_KINDS] = {
	[COLLECTION_MAP] = VERBS(map_queries), [COLLECTION_SET] = VERBS(set_queries), [COLLECTION_VEC] = VERBS(vec_queries),
	[COLLECTION_CELL] = VERBS(single_queries), [COLLECTION_ONCE] = VERBS(single_queries),
	[COLLECTION_PQUEUE] = VERBS(pqueue_queries)};

static enum work_verb pick(struct rng *rng, const struct verbs *verbs)
{
	return verbs->verb[rng_below(rng, verbs->count)];
}

struct work_op work_draw_command(struct rng *rng, const struct work_shape *shape, const struct work_content *seen,
	uint64_t first)
{
	enum collection_kind kind = shape->shape.kind;
	struct work_op op = {.verb = pick(rng, &commands[kind]), .with = draw_item(rng, shape, first)};

	if (kind != COLLECTION_ONCE && rng_below(rng, 40) == 0)
		op.verb = kind == COLLECTION_VEC && rng_below(rng, 2) == 0 ? WORK_TRUNCATE : WORK_CLEAR;
	if (kind == COLLECTION_VEC && seen->count > LONG_VEC && rng_below(rng, 2) == 0)
		op.verb = WORK_TRUNCATE;
	/* Beyond the end, too. */
	op.index = rng_below(rng, seen->count + 4);
	op.other = rng_below(rng, seen->count + 4);
	op.many = op.verb == WORK_PUT_MANY || op.verb == WORK_REMOVE_MANY ? (size_t)rng_below(rng, WORK_MANY + 1) : 0;
	for (size_t i = 0; i < op.many; i++)
		op.item[i] = draw_item(rng, shape, first + i);
	if (op.verb == WORK_CAS)
		draw_expectation(rng, shape, seen, &op);
	if (op.verb == WORK_REMOVE_RANGE)
		draw_range(rng, &op);
	return op;
}

struct work_op work_draw_query(struct rng *rng, const struct work_shape *shape, const struct work_content *seen)
{
	struct work_op op = {.verb = pick(rng, &queries[shape->shape.kind]), .with = draw_item(rng, shape, 0)};

	op.with.value = draw_seen(rng, seen, WORK_NONE);
	op.index = op.verb == WORK_GET_AT ? rng_below(rng, seen->count + 4) : 0;
	if (op.verb == WORK_LIST) {
		op.other = shape->ballast > 1000 || rng_below(rng, 2) == 0 ? 1 + rng_below(rng, LIST_OF_LARGE) : 0;
		op.index = shape->shape.kind == COLLECTION_VEC ? rng_below(rng, seen->count + 4) : 0;
		op.descending = shape->shape.kind == COLLECTION_PQUEUE && rng_below(rng, 2) == 0;
	}
	op.many = op.verb == WORK_HAS_ALL ? (size_t)rng_below(rng, WORK_MANY + 1) : 0;
	for (size_t i = 0; i < op.many; i++)
		op.item[i] = draw_item(rng, shape, 0);
	return op;
}

/* ---- on the wire ---- */

struct wire {                            /* the parts of an operation, encoded */
	struct buffer priority, key, value, expected, many, low, high;
};

static void put_many(const struct work_shape *shape, const struct work_op *op, struct buffer *out)
{
	bool putting = op->verb == WORK_PUT_MANY;
	struct buffer part = {0};

	for (size_t i = 0; i < op->many; i++) {
		if (putting && collection_has(shape->shape.kind, PART_PRIORITY)) {
			work_put_priority(shape, op->item[i].priority, &part);
			sequence_put(out, buffer_bytes(&part));
			buffer_clear(&part);
		}
		if (has_keys(shape)) {
			work_put_key(op->item[i].key, &part);
			sequence_put(out, buffer_bytes(&part));
			buffer_clear(&part);
		}
		if (putting && collection_has(shape->shape.kind, PART_VALUE)) {
			work_put_value(shape, op->item[i].value, &part);
			sequence_put(out, buffer_bytes(&part));
			buffer_clear(&part);
		}
	}
	buffer_fini(&part);
}

static void encode_map(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	struct bytes key = buffer_bytes(&wire->key), value = buffer_bytes(&wire->value);
	struct map_swap swap = {key, op->expected != WORK_NONE, op->with.value != WORK_NONE, buffer_bytes(&wire->expected), value};

	switch ((int)op->verb) {
	case WORK_PUT:
		map_put(out, key, value);
		break;
	case WORK_PUT_MANY:
		map_put_many(out, buffer_bytes(&wire->many));
		break;
	case WORK_REMOVE:
		map_remove(out, key);
		break;
	case WORK_REMOVE_MANY:
		map_remove_many(out, buffer_bytes(&wire->many));
		break;
	case WORK_CLEAR:
		map_clear(out);
		break;
	case WORK_CAS:
		map_cas(out, &swap);
		break;
	case WORK_GET:
		map_get(out, key);
		break;
	case WORK_LEN:
		map_len(out, bytes_of(NULL, 0));
		break;
	case WORK_RANK:
		map_rank(out, key);
		break;
	default:
		map_list(out, &(struct map_list){.limit = op->other, .parts = MAP_PAIRS});
	}
}

static void encode_set(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	struct bytes key = buffer_bytes(&wire->key), many = buffer_bytes(&wire->many);

	switch ((int)op->verb) {
	case WORK_PUT:
		set_add(out, key);
		break;
	case WORK_PUT_MANY:
		set_add_many(out, many);
		break;
	case WORK_REMOVE:
		set_remove(out, key);
		break;
	case WORK_REMOVE_MANY:
		set_remove_many(out, many);
		break;
	case WORK_CLEAR:
		set_clear(out);
		break;
	case WORK_GET:
		set_has(out, key);
		break;
	case WORK_HAS_ALL:
		set_has_all(out, many);
		break;
	case WORK_LEN:
		set_len(out, bytes_of(NULL, 0));
		break;
	case WORK_RANK:
		set_rank(out, key);
		break;
	default:
		set_list(out, &(struct set_list){.limit = op->other});
	}
}

static void encode_vec_query(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	switch ((int)op->verb) {
	case WORK_GET_AT:
		vec_get(out, op->index);
		break;
	case WORK_LAST:
		vec_last(out);
		break;
	case WORK_LEN:
		vec_len(out);
		break;
	case WORK_INDEX_OF:
		vec_index_of(out, buffer_bytes(&wire->value));
		break;
	default:
		vec_list(out, op->index, op->other);
	}
}

static void encode_vec(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	struct bytes value = buffer_bytes(&wire->value);

	switch ((int)op->verb) {
	case WORK_PUSH:
		vec_push(out, value);
		break;
	case WORK_PUSH_FRONT:
		vec_push_front(out, value);
		break;
	case WORK_POP:
		vec_pop(out);
		break;
	case WORK_POP_FRONT:
		vec_pop_front(out);
		break;
	case WORK_INSERT:
		vec_insert(out, op->index, value);
		break;
	case WORK_REMOVE_AT:
		vec_remove(out, op->index);
		break;
	case WORK_SWAP:
		vec_swap(out, op->index, op->other);
		break;
	case WORK_TRUNCATE:
		vec_truncate(out, op->index);
		break;
	case WORK_PUT_MANY:
		vec_extend(out, buffer_bytes(&wire->many));
		break;
	case WORK_CLEAR:
		vec_clear(out);
		break;
	default:
		encode_vec_query(op, wire, out);
	}
}

static void encode_cell(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	struct bytes value = buffer_bytes(&wire->value);
	struct cell_swap swap = {op->expected != WORK_NONE, op->with.value != WORK_NONE, buffer_bytes(&wire->expected), value};

	switch ((int)op->verb) {
	case WORK_PUT:
		cell_set(out, value);
		break;
	case WORK_CAS:
		cell_cas(out, &swap);
		break;
	case WORK_CLEAR:
		cell_clear(out);
		break;
	default:
		cell_get(out);
	}
}

static void encode_once(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	if (op->verb == WORK_PUT)
		once_set(out, buffer_bytes(&wire->value));
	else
		once_get(out);
}

static void encode_pqueue_query(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	switch ((int)op->verb) {
	case WORK_GET:
		pqueue_get(out, buffer_bytes(&wire->key));
		break;
	case WORK_LEN:
		pqueue_len(out);
		break;
	case WORK_MIN:
		pqueue_min(out);
		break;
	case WORK_MAX:
		pqueue_max(out);
		break;
	default:
		pqueue_list(out, &(struct pqueue_list){.descending = op->descending, .limit = op->other});
	}
}

static void encode_pqueue(const struct work_op *op, const struct wire *wire, struct buffer *out)
{
	struct bytes key = buffer_bytes(&wire->key), value = buffer_bytes(&wire->value);
	struct pqueue_range range = op->range;

	switch ((int)op->verb) {
	case WORK_PUT:
		pqueue_push(out, &(struct pqueue_entry){buffer_bytes(&wire->priority), key, value});
		break;
	case WORK_PUT_MANY:
		pqueue_push_many(out, buffer_bytes(&wire->many));
		break;
	case WORK_SET_PRIORITY:
		pqueue_set_priority(out, key, buffer_bytes(&wire->priority));
		break;
	case WORK_SET_VALUE:
		pqueue_set_value(out, key, value);
		break;
	case WORK_CAS:
		pqueue_cas(out, &(struct pqueue_swap){key, buffer_bytes(&wire->expected), op->with.value != WORK_NONE, value});
		break;
	case WORK_REMOVE:
		pqueue_remove(out, key);
		break;
	case WORK_REMOVE_MANY:
		pqueue_remove_many(out, buffer_bytes(&wire->many));
		break;
	case WORK_REMOVE_RANGE:
		range.low = buffer_bytes(&wire->low);
		range.high = buffer_bytes(&wire->high);
		pqueue_remove_range(out, &range);
		break;
	case WORK_TAKE_MIN:
		pqueue_take_min(out);
		break;
	case WORK_TAKE_MAX:
		pqueue_take_max(out);
		break;
	case WORK_CLEAR:
		pqueue_clear(out);
		break;
	default:
		encode_pqueue_query(op, wire, out);
	}
}

void work_encode(const struct work_shape *shape, const struct work_op *op, struct buffer *out)
{
	static void (*const encode[COLLECTION_KINDS])(const struct work_op *, const struct wire *, struct buffer *) = {
		[COLLECTION_MAP] = encode_map, [COLLECTION_SET] = encode_set, [COLLECTION_VEC] = encode_vec,
		[COLLECTION_CELL] = encode_cell, [COLLECTION_ONCE] = encode_once, [COLLECTION_PQUEUE] = encode_pqueue};
	struct wire wire = {0};
	struct buffer *part[] = {&wire.priority, &wire.key, &wire.value, &wire.expected, &wire.many, &wire.low, &wire.high};

	work_put_priority(shape, op->with.priority, &wire.priority);
	work_put_key(op->with.key, &wire.key);
	work_put_value(shape, op->with.value, &wire.value);
	work_put_value(shape, op->expected, &wire.expected);
	put_many(shape, op, &wire.many);
	work_put_priority(shape, op->low, &wire.low);
	work_put_priority(shape, op->high, &wire.high);
	encode[shape->shape.kind](op, &wire, out);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		buffer_fini(part[i]);
}
