/*
 * command.c - the form of commands and queries: [op, argument, ...], deterministic CBOR.
 */
#include "collections/collection_internal.h"

void command_head(struct buffer *out, unsigned op, size_t arguments)
{
	cbor_put_array(out, 1 + arguments);
	cbor_put_uint(out, op);
}

void command_optional(struct buffer *out, bool present, struct bytes value)
{
	if (present)
		cbor_put_bytes(out, value);
	else
		cbor_put_null(out);
}
