/*
 * replicas.h - a collection as tests use it: every command goes to two replicas, which must answer and end alike, and
 * what it changed goes to a third that only follows changes. Texts stand for keys and values.
 */
#ifndef TESTS_REPLICAS_H
#define TESTS_REPLICAS_H

#include "base/check.h"
#include "base/memory.h"
#include "collections/cell_wire.h"
#include "collections/change.h"
#include "collections/collection.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/pqueue_wire.h"
#include "collections/result.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"
#include "wire/cbor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct replicas {
	struct collection_shape shape;
	struct state state;
	struct state twin;
	struct state follower;
	uint64_t position;
	struct buffer command;       /* the next one: filled by a builder, emptied when it is carried out or asked */
	struct buffer answer;        /* of the last one; `result` borrows from it */
	struct buffer changes;       /* of the last command */
	struct result result;
};

static inline struct bytes T(const char *text)
{
	return bytes_of_text(text);
}

static inline void replicas_open(struct replicas *r, const struct collection_shape *shape)
{
	*r = (struct replicas){.shape = *shape};
	r->state = collection_new(shape);
	r->twin = collection_new(shape);
	r->follower = collection_new(shape);
}

static inline void replicas_close(struct replicas *r)
{
	r->state.ops->free(r->state.self);
	r->twin.ops->free(r->twin.self);
	r->follower.ops->free(r->follower.self);
	buffer_fini(&r->command);
	buffer_fini(&r->answer);
	buffer_fini(&r->changes);
}

/* What a change means, as a command. */
static inline void replicas_command_of(enum collection_kind kind, const struct change *change, struct buffer *out)
{
	switch (kind) {
	case COLLECTION_MAP:
		if (change->op == CHANGE_PUT)
			map_put(out, change->key, change->value);
		else if (change->op == CHANGE_REMOVE)
			map_remove(out, change->key);
		else
			map_clear(out);
		break;
	case COLLECTION_SET:
		if (change->op == CHANGE_PUT)
			set_add(out, change->key);
		else if (change->op == CHANGE_REMOVE)
			set_remove(out, change->key);
		else
			set_clear(out);
		break;
	case COLLECTION_VEC:
		if (change->op == CHANGE_INSERT)
			vec_insert(out, type_get_u64(change->key.data), change->value);
		else if (change->op == CHANGE_REMOVE)
			vec_remove(out, type_get_u64(change->key.data));
		else if (change->op == CHANGE_SWAP)
			vec_swap(out, type_get_u64(change->key.data), type_get_u64(change->value.data));
		else if (change->op == CHANGE_TRUNCATE)
			vec_truncate(out, type_get_u64(change->key.data));
		else
			vec_clear(out);
		break;
	case COLLECTION_CELL:
		if (change->op == CHANGE_PUT)
			cell_set(out, change->value);
		else
			cell_clear(out);
		break;
	case COLLECTION_ONCE:
		once_set(out, change->value);
		break;
	case COLLECTION_PQUEUE:
		if (change->op == CHANGE_PUT)
			pqueue_push(out, &(struct pqueue_entry){change->priority, change->key, change->value});
		else if (change->op == CHANGE_REMOVE)
			pqueue_remove(out, change->key);
		else
			pqueue_clear(out);
		break;
	case COLLECTION_KINDS:
		fail();
	}
}

/* The first whole CBOR item of *rest, taken off it. */
static inline struct bytes replicas_next_change(struct bytes *rest)
{
	struct cbor in;
	struct bytes item;

	cbor_init(&in, *rest);
	cbor_skip(&in);
	assert_false(in.failed);
	item = bytes_of(rest->data, in.at);
	*rest = bytes_of(rest->data + in.at, rest->size - in.at);
	return item;
}

static inline void replicas_follow(struct replicas *r)
{
	struct bytes rest = buffer_bytes(&r->changes);
	struct buffer command = {0}, result = {0};
	struct state_moment moment = {.position = r->position, .term = 1};
	struct change change;
	struct result decoded;

	while (rest.size > 0) {
		assert_int_equal(change_decode(replicas_next_change(&rest), &change), OK);
		buffer_clear(&command);
		buffer_clear(&result);
		replicas_command_of(r->shape.kind, &change, &command);
		r->follower.ops->apply(r->follower.self, &moment, buffer_bytes(&command), &result, NULL);
		assert_int_equal(result_decode(buffer_bytes(&result), &decoded), OK);
		assert_int_equal(decoded.outcome, OUTCOME_DONE);
	}
	buffer_fini(&command);
	buffer_fini(&result);
}

static inline void assert_same_hash(const struct state *a, const struct state *b)
{
	struct id one = a->ops->hash(a->self), other = b->ops->hash(b->self);

	assert_memory_equal(&one, &other, sizeof one);
}

/* Carries out r->command; returns the outcome. */
static inline enum outcome replicas_do(struct replicas *r)
{
	struct state_moment moment = {.position = ++r->position, .term = 1};
	struct buffer twin = {0};

	buffer_clear(&r->answer);
	buffer_clear(&r->changes);
	r->state.ops->apply(r->state.self, &moment, buffer_bytes(&r->command), &r->answer, &r->changes);
	r->twin.ops->apply(r->twin.self, &moment, buffer_bytes(&r->command), &twin, NULL);
	assert_true(bytes_equal(buffer_bytes(&r->answer), buffer_bytes(&twin)));
	assert_true(twin.size <= STATE_RESULT_MAX);
	assert_int_equal(result_decode(buffer_bytes(&r->answer), &r->result), OK);
	replicas_follow(r);
	assert_same_hash(&r->state, &r->twin);
	assert_same_hash(&r->state, &r->follower);
	buffer_fini(&twin);
	buffer_clear(&r->command);
	return r->result.outcome;
}

/* Asks r->command; returns the outcome. */
static inline enum outcome replicas_ask(struct replicas *r)
{
	buffer_clear(&r->answer);
	assert_int_equal(r->state.ops->query(r->state.self, buffer_bytes(&r->command), &r->answer), OK);
	assert_true(r->answer.size <= COLLECTION_ANSWER_MAX);
	assert_int_equal(result_decode(buffer_bytes(&r->answer), &r->result), OK);
	buffer_clear(&r->command);
	return r->result.outcome;
}

static inline void assert_bytes(struct bytes have, const char *want)
{
	if (!bytes_equal(have, T(want)))
		print_error("have '%.*s', want '%s'\n", (int)have.size, (const char *)have.data, want);
	assert_true(bytes_equal(have, T(want)));
}

/* The only value of the last result. */
static inline void assert_value(const struct replicas *r, const char *want)
{
	assert_int_equal(r->result.values, 1);
	assert_bytes(r->result.value[0], want);
}

/* The entries of the last answer, a list, put together with blanks. */
static inline void assert_list(const struct replicas *r, const char *want)
{
	struct buffer text = {0};
	struct bytes rest, item;

	assert_int_equal(r->result.outcome, OUTCOME_DONE);
	assert_int_equal(r->result.values, 1);
	rest = r->result.value[0];
	while (sequence_next(&rest, &item)) {
		if (text.size > 0)
			buffer_append(&text, T(" "));
		buffer_append(&text, item);
	}
	assert_int_equal(rest.size, 0);
	assert_bytes(buffer_bytes(&text), want);
	buffer_fini(&text);
}

/* A sequence of the blank-separated words of a text; valid until the next call. */
static inline struct bytes words(const char *text)
{
	static struct buffer kept;
	static uint8_t copy[4096];
	size_t size;

	buffer_fini(&kept);
	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		sequence_put(&kept, bytes_of(text, length));
		text += length + (text[length] == ' ');
	}
	size = kept.size;
	assert_true(size <= sizeof copy);
	if (size > 0)
		memcpy(copy, kept.data, size);
	buffer_fini(&kept);
	return bytes_of(copy, size);
}

/* All items of the content of now, as a snapshot would have them. */
static inline void replicas_dump(const struct state *state, size_t enough, struct buffer *out)
{
	void *frozen = state->ops->freeze(state->self);
	uint64_t cursor = 0;

	while (state->ops->items(frozen, &cursor, enough, out))
		;
	state->ops->thaw(frozen);
}

static inline enum error replicas_restore(const struct state *state, struct bytes dump)
{
	enum error status = OK;
	struct bytes item;

	state->ops->clear(state->self);
	while (status == OK && sequence_next(&dump, &item))
		status = state->ops->restore(state->self, item);
	assert_true(status != OK || dump.size == 0);
	return status;
}

/* A dump restores to equal bytes and an equal hash, whatever the pieces it was taken in. */
static inline void replicas_check(const struct replicas *r)
{
	struct state fresh = collection_new(&r->shape);
	struct buffer dump = {0}, pieces = {0}, again = {0};

	collection_check(&r->state);
	collection_check(&r->twin);
	collection_check(&r->follower);
	replicas_dump(&r->state, SIZE_MAX, &dump);
	replicas_dump(&r->state, 1, &pieces);
	assert_true(bytes_equal(buffer_bytes(&dump), buffer_bytes(&pieces)));
	assert_int_equal(replicas_restore(&fresh, buffer_bytes(&dump)), OK);
	collection_check(&fresh);
	replicas_dump(&fresh, 100, &again);
	assert_true(bytes_equal(buffer_bytes(&dump), buffer_bytes(&again)));
	assert_same_hash(&r->state, &fresh);
	fresh.ops->free(fresh.self);
	buffer_fini(&dump);
	buffer_fini(&pieces);
	buffer_fini(&again);
}

#endif
