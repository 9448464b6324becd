/*
 * set_wire.c - see set_wire.h.
 */
#include "collections/set_wire.h"

#include "collections/collection_internal.h"

void set_add(struct buffer *out, struct bytes key)
{
	command_head(out, SET_ADD, 1);
	cbor_put_bytes(out, key);
}

void set_add_many(struct buffer *out, struct bytes keys)
{
	command_head(out, SET_ADD_MANY, 1);
	cbor_put_bytes(out, keys);
}

void set_remove(struct buffer *out, struct bytes key)
{
	command_head(out, SET_REMOVE, 1);
	cbor_put_bytes(out, key);
}

void set_remove_many(struct buffer *out, struct bytes keys)
{
	command_head(out, SET_REMOVE_MANY, 1);
	cbor_put_bytes(out, keys);
}

void set_clear(struct buffer *out)
{
	command_head(out, SET_CLEAR, 0);
}

void set_has(struct buffer *out, struct bytes key)
{
	command_head(out, KEYED_GET, 1);
	cbor_put_bytes(out, key);
}

void set_has_all(struct buffer *out, struct bytes keys)
{
	command_head(out, KEYED_HAS_ALL, 1);
	cbor_put_bytes(out, keys);
}

void set_len(struct buffer *out, struct bytes prefix)
{
	command_head(out, KEYED_LEN, 1);
	cbor_put_bytes(out, prefix);
}

void set_rank(struct buffer *out, struct bytes key)
{
	command_head(out, KEYED_RANK, 1);
	cbor_put_bytes(out, key);
}

void set_list(struct buffer *out, const struct set_list *list)
{
	command_head(out, KEYED_LIST, 4);
	cbor_put_bytes(out, list->prefix);
	command_optional(out, list->resumes, list->after);
	cbor_put_uint(out, list->limit);
	cbor_put_uint(out, WITH_KEY);
}
