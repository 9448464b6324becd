/*
 * once_wire.c - see once_wire.h.
 */
#include "collections/once_wire.h"

#include "collections/collection_internal.h"

void once_set(struct buffer *out, struct bytes value)
{
	command_head(out, ONCE_SET, 1);
	cbor_put_bytes(out, value);
}

void once_get(struct buffer *out)
{
	command_head(out, SINGLE_GET, 0);
}
