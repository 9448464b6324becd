/*
 * fuzz_collections.c - any bytes as commands, queries and items of every collection.
 *
 *      kind, type, capacity    then, again and again:    what to do, length (2 bytes), bytes
 *
 * Two replicas get the same commands and must answer and end alike. One of them is thrown away and restored from the
 * other's snapshot now and then, so that "alike" does not rest on their common past.
 */
#include "base/check.h"
#include "base/memory.h"
#include "collections/change.h"
#include "collections/collection.h"
#include "collections/result.h"
#include "collections/sequence.h"
#include "wire/limits.h"

#include <string.h>

#define CALLS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct collection_shape shape;
	struct state state;
	struct state twin;
	uint64_t position;
	struct buffer one, other;    /* what they answer */
	struct buffer changes;
};

static uint8_t take_byte(struct bytes *rest)
{
	uint8_t byte;

	if (rest->size == 0)
		return 0;
	byte = rest->data[0];
	*rest = bytes_of(rest->data + 1, rest->size - 1);
	return byte;
}

static struct bytes take_bytes(struct bytes *rest)
{
	size_t length = (size_t)take_byte(rest) << 8;
	struct bytes taken = *rest;

	length |= take_byte(rest);
	taken = bytes_of(rest->data, length < rest->size ? length : rest->size);
	*rest = bytes_of(rest->data + taken.size, rest->size - taken.size);
	return taken;
}

static void assert_alike(const struct rig *rig)
{
	struct id one = rig->state.ops->hash(rig->state.self), other = rig->twin.ops->hash(rig->twin.self);

	ASSERT(id_equal(&one, &other));
}

static void command(struct rig *rig, struct bytes bytes)
{
	struct state_moment moment = {.position = ++rig->position, .term = 1};
	struct result result;

	rig->state.ops->apply(rig->state.self, &moment, bytes, &rig->one, &rig->changes);
	rig->twin.ops->apply(rig->twin.self, &moment, bytes, &rig->other, NULL);
	ASSERT(bytes_equal(buffer_bytes(&rig->one), buffer_bytes(&rig->other)));
	ASSERT(rig->one.size <= STATE_RESULT_MAX);
	ASSERT(result_decode(buffer_bytes(&rig->one), &result) == OK);
	ASSERT(!outcome_is_refusal(result.outcome) || rig->changes.size == 0);
	assert_alike(rig);
}

static void query(struct rig *rig, struct bytes bytes)
{
	enum error status = rig->state.ops->query(rig->state.self, bytes, &rig->one);
	struct result result;

	ASSERT(rig->twin.ops->query(rig->twin.self, bytes, &rig->other) == status);
	ASSERT(bytes_equal(buffer_bytes(&rig->one), buffer_bytes(&rig->other)));
	ASSERT(rig->one.size <= COLLECTION_ANSWER_MAX);
	if (status == OK)
		ASSERT(result_decode(buffer_bytes(&rig->one), &result) == OK);
	else
		ASSERT(rig->one.size == 0);
}

/* The twin becomes what a newcomer would be. */
static void renew_twin(struct rig *rig, uint8_t enough)
{
	void *frozen = rig->state.ops->freeze(rig->state.self);
	struct bytes rest, item;
	uint64_t cursor = 0;

	while (rig->state.ops->items(frozen, &cursor, enough, &rig->one))
		;
	rig->state.ops->thaw(frozen);
	rig->twin.ops->clear(rig->twin.self);
	for (rest = buffer_bytes(&rig->one); sequence_next(&rest, &item);)
		ASSERT(rig->twin.ops->restore(rig->twin.self, item) == OK);
	ASSERT(rest.size == 0);
	assert_alike(rig);
}

/* A foreign item, to both of them. */
static void restore(struct rig *rig, struct bytes bytes)
{
	ASSERT(rig->state.ops->restore(rig->state.self, bytes) == rig->twin.ops->restore(rig->twin.self, bytes));
	assert_alike(rig);
}

static void decode(struct bytes bytes)
{
	struct result result;
	struct change change;
	struct buffer again = {0};

	if (result_decode(bytes, &result) == OK) {
		result_put(&again, &result, SIZE_MAX);
		ASSERT(bytes_equal(buffer_bytes(&again), bytes));
	}
	buffer_clear(&again);
	if (change_decode(bytes, &change) == OK) {
		change_put(&again, &change);
		ASSERT(bytes_equal(buffer_bytes(&again), bytes));
	}
	buffer_fini(&again);
}

static void call(struct rig *rig, struct bytes *rest)
{
	uint8_t what = take_byte(rest);
	struct bytes bytes = take_bytes(rest);

	buffer_clear(&rig->one);
	buffer_clear(&rig->other);
	buffer_clear(&rig->changes);
	switch (what % 8) {
	case 0: case 1: case 2: case 3:
		command(rig, bytes);
		break;
	case 4:
		query(rig, bytes);
		break;
	case 5:
		renew_twin(rig, what);
		break;
	case 6:
		restore(rig, bytes);
		break;
	default:
		decode(bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_of(data, size);
	struct rig rig = {.shape = {.kind = (enum collection_kind)(take_byte(&rest) % COLLECTION_KINDS)}};

	for (unsigned part = 0; part < PARTS; part++)
		rig.shape.type[part] = (enum type)(take_byte(&rest) % TYPES);
	rig.shape.capacity = rig.shape.kind == COLLECTION_PQUEUE ? take_byte(&rest) % 4 : 0;
	rig.state = collection_new(&rig.shape);
	rig.twin = collection_new(&rig.shape);
	for (unsigned i = 0; i < CALLS_MAX && rest.size > 0; i++)
		call(&rig, &rest);
	collection_check(&rig.state);
	collection_check(&rig.twin);
	rig.state.ops->free(rig.state.self);
	rig.twin.ops->free(rig.twin.self);
	buffer_fini(&rig.one);
	buffer_fini(&rig.other);
	buffer_fini(&rig.changes);
	return 0;
}
