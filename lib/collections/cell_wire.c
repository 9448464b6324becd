/*
 * cell_wire.c - see cell_wire.h.
 */
#include "collections/cell_wire.h"

#include "collections/collection_internal.h"

void cell_set(struct buffer *out, struct bytes value)
{
	command_head(out, CELL_SET, 1);
	cbor_put_bytes(out, value);
}

void cell_clear(struct buffer *out)
{
	command_head(out, CELL_CLEAR, 0);
}

void cell_cas(struct buffer *out, const struct cell_swap *swap)
{
	command_head(out, CELL_CAS, 2);
	command_optional(out, swap->has_expected, swap->expected);
	command_optional(out, swap->has_replacement, swap->replacement);
}

void cell_get(struct buffer *out)
{
	command_head(out, SINGLE_GET, 0);
}
