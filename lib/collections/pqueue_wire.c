/*
 * pqueue_wire.c - see pqueue_wire.h.
 */
#include "collections/pqueue_wire.h"

#include "collections/collection_internal.h"

void pqueue_push(struct buffer *out, const struct pqueue_entry *entry)
{
	command_head(out, PQUEUE_PUSH, 3);
	cbor_put_bytes(out, entry->priority);
	cbor_put_bytes(out, entry->key);
	cbor_put_bytes(out, entry->value);
}

void pqueue_push_many(struct buffer *out, struct bytes entries)
{
	command_head(out, PQUEUE_PUSH_MANY, 1);
	cbor_put_bytes(out, entries);
}

void pqueue_set_priority(struct buffer *out, struct bytes key, struct bytes priority)
{
	command_head(out, PQUEUE_SET_PRIORITY, 2);
	cbor_put_bytes(out, key);
	cbor_put_bytes(out, priority);
}

void pqueue_set_value(struct buffer *out, struct bytes key, struct bytes value)
{
	command_head(out, PQUEUE_SET_VALUE, 2);
	cbor_put_bytes(out, key);
	cbor_put_bytes(out, value);
}

void pqueue_remove(struct buffer *out, struct bytes key)
{
	command_head(out, PQUEUE_REMOVE, 1);
	cbor_put_bytes(out, key);
}

void pqueue_remove_many(struct buffer *out, struct bytes keys)
{
	command_head(out, PQUEUE_REMOVE_MANY, 1);
	cbor_put_bytes(out, keys);
}

void pqueue_cas(struct buffer *out, const struct pqueue_swap *swap)
{
	command_head(out, PQUEUE_CAS, 3);
	cbor_put_bytes(out, swap->key);
	cbor_put_bytes(out, swap->expected);
	command_optional(out, swap->has_replacement, swap->replacement);
}

void pqueue_remove_range(struct buffer *out, const struct pqueue_range *range)
{
	command_head(out, PQUEUE_REMOVE_RANGE, 4);
	cbor_put_uint(out, range->from);
	command_optional(out, range->from != PQUEUE_UNBOUNDED, range->low);
	cbor_put_uint(out, range->to);
	command_optional(out, range->to != PQUEUE_UNBOUNDED, range->high);
}

void pqueue_take_min(struct buffer *out)
{
	command_head(out, PQUEUE_TAKE_MIN, 0);
}

void pqueue_take_max(struct buffer *out)
{
	command_head(out, PQUEUE_TAKE_MAX, 0);
}

void pqueue_clear(struct buffer *out)
{
	command_head(out, PQUEUE_CLEAR, 0);
}

void pqueue_get(struct buffer *out, struct bytes key)
{
	command_head(out, PQUEUE_GET, 1);
	cbor_put_bytes(out, key);
}

void pqueue_min(struct buffer *out)
{
	command_head(out, PQUEUE_MIN, 0);
}

void pqueue_max(struct buffer *out)
{
	command_head(out, PQUEUE_MAX, 0);
}

void pqueue_len(struct buffer *out)
{
	command_head(out, PQUEUE_LEN, 0);
}

void pqueue_list(struct buffer *out, const struct pqueue_list *list)
{
	command_head(out, PQUEUE_LIST, 4);
	cbor_put_bool(out, list->descending);
	command_optional(out, list->resumes, list->after_priority);
	command_optional(out, list->resumes, list->after_key);
	cbor_put_uint(out, list->limit);
}
