/*
 * vec_wire.c - see vec_wire.h.
 */
#include "collections/vec_wire.h"

#include "collections/collection_internal.h"

void vec_push(struct buffer *out, struct bytes value)
{
	command_head(out, VEC_PUSH, 1);
	cbor_put_bytes(out, value);
}

void vec_push_front(struct buffer *out, struct bytes value)
{
	command_head(out, VEC_PUSH_FRONT, 1);
	cbor_put_bytes(out, value);
}

void vec_pop(struct buffer *out)
{
	command_head(out, VEC_POP, 0);
}

void vec_pop_front(struct buffer *out)
{
	command_head(out, VEC_POP_FRONT, 0);
}

void vec_insert(struct buffer *out, uint64_t index, struct bytes value)
{
	command_head(out, VEC_INSERT, 2);
	cbor_put_uint(out, index);
	cbor_put_bytes(out, value);
}

void vec_remove(struct buffer *out, uint64_t index)
{
	command_head(out, VEC_REMOVE, 1);
	cbor_put_uint(out, index);
}

void vec_swap(struct buffer *out, uint64_t a, uint64_t b)
{
	command_head(out, VEC_SWAP, 2);
	cbor_put_uint(out, a);
	cbor_put_uint(out, b);
}

void vec_truncate(struct buffer *out, uint64_t length)
{
	command_head(out, VEC_TRUNCATE, 1);
	cbor_put_uint(out, length);
}

void vec_extend(struct buffer *out, struct bytes values)
{
	command_head(out, VEC_EXTEND, 1);
	cbor_put_bytes(out, values);
}

void vec_clear(struct buffer *out)
{
	command_head(out, VEC_CLEAR, 0);
}

void vec_get(struct buffer *out, uint64_t index)
{
	command_head(out, VEC_GET, 1);
	cbor_put_uint(out, index);
}

void vec_last(struct buffer *out)
{
	command_head(out, VEC_LAST, 0);
}

void vec_len(struct buffer *out)
{
	command_head(out, VEC_LEN, 0);
}

void vec_index_of(struct buffer *out, struct bytes value)
{
	command_head(out, VEC_INDEX_OF, 1);
	cbor_put_bytes(out, value);
}

void vec_list(struct buffer *out, uint64_t from, uint64_t limit)
{
	command_head(out, VEC_LIST, 2);
	cbor_put_uint(out, from);
	cbor_put_uint(out, limit);
}
