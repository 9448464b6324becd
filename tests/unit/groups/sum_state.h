/*
 * sum_state.h - a state that is one number: the sum of the sizes of all commands. Each is answered with the sum. Its owner may
 * reach in and spoil it.
 */
#ifndef TESTS_UNIT_GROUPS_SUM_STATE_H
#define TESTS_UNIT_GROUPS_SUM_STATE_H

#include "base/memory.h"
#include "groups/state.h"
#include "wire/cbor.h"

struct sum {
	uint64_t sum;
};

static inline void sum_signature(const void *self, struct buffer *out)
{
	(void)self;
	buffer_append(out, bytes_of_text("sum"));
}

static inline void sum_put(const void *self, struct buffer *out)
{
	cbor_put_uint(out, ((const struct sum *)self)->sum);
}

static inline void sum_apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	(void)moment;
	((struct sum *)self)->sum += command.size;
	sum_put(self, result);
	if (changes != NULL)
		sum_put(self, changes);
}

static inline enum error sum_query(const void *self, struct bytes query, struct buffer *answer)
{
	(void)query;
	sum_put(self, answer);
	return OK;
}

static inline void *sum_freeze(const void *self)
{
	return memory_copy(self, sizeof(struct sum));
}

static inline bool sum_items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	struct buffer item = {0};

	(void)enough;
	if ((*cursor)++ > 0)
		return false;
	sum_put(frozen, &item);
	cbor_put_bytes(out, buffer_bytes(&item));
	buffer_fini(&item);
	return true;
}

static inline void sum_thaw(void *frozen)
{
	memory_free(frozen);
}

static inline void sum_clear(void *self)
{
	((struct sum *)self)->sum = 0;
}

static inline enum error sum_restore(void *self, struct bytes item)
{
	struct cbor in;

	cbor_init(&in, item);
	((struct sum *)self)->sum = cbor_uint(&in);
	return cbor_end(&in);
}

static inline struct id sum_hash(const void *self)
{
	return id_hash(bytes_of(self, sizeof(struct sum)));
}

static const struct state_ops sum_ops = {
	.signature = sum_signature,
	.apply = sum_apply,
	.query = sum_query,
	.freeze = sum_freeze,
	.items = sum_items,
	.thaw = sum_thaw,
	.clear = sum_clear,
	.restore = sum_restore,
	.hash = sum_hash,
	.free = memory_free,
};

static inline struct state sum_new(void)
{
	return (struct state){&sum_ops, memory_new(sizeof(struct sum))};
}

#endif
