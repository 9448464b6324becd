/*
 * map_wire.c - see map_wire.h.
 */
#include "collections/map_wire.h"

#include "collections/collection_internal.h"

_Static_assert(MAP_KEYS == WITH_KEY && MAP_VALUES == WITH_VALUE, "a list names parts as the state does");

void map_put(struct buffer *out, struct bytes key, struct bytes value)
{
	command_head(out, MAP_PUT, 2);
	cbor_put_bytes(out, key);
	cbor_put_bytes(out, value);
}

void map_put_many(struct buffer *out, struct bytes pairs)
{
	command_head(out, MAP_PUT_MANY, 1);
	cbor_put_bytes(out, pairs);
}

void map_remove(struct buffer *out, struct bytes key)
{
	command_head(out, MAP_REMOVE, 1);
	cbor_put_bytes(out, key);
}

void map_remove_many(struct buffer *out, struct bytes keys)
{
	command_head(out, MAP_REMOVE_MANY, 1);
	cbor_put_bytes(out, keys);
}

void map_clear(struct buffer *out)
{
	command_head(out, MAP_CLEAR, 0);
}

void map_cas(struct buffer *out, const struct map_swap *swap)
{
	command_head(out, MAP_CAS, 3);
	cbor_put_bytes(out, swap->key);
	command_optional(out, swap->has_expected, swap->expected);
	command_optional(out, swap->has_replacement, swap->replacement);
}

void map_get(struct buffer *out, struct bytes key)
{
	command_head(out, KEYED_GET, 1);
	cbor_put_bytes(out, key);
}

void map_len(struct buffer *out, struct bytes prefix)
{
	command_head(out, KEYED_LEN, 1);
	cbor_put_bytes(out, prefix);
}

void map_rank(struct buffer *out, struct bytes key)
{
	command_head(out, KEYED_RANK, 1);
	cbor_put_bytes(out, key);
}

void map_list(struct buffer *out, const struct map_list *list)
{
	command_head(out, KEYED_LIST, 4);
	cbor_put_bytes(out, list->prefix);
	command_optional(out, list->resumes, list->after);
	cbor_put_uint(out, list->limit);
	cbor_put_uint(out, list->parts);
}
