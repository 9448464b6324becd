/*
 * change.c - see change.h.
 */
#include "collections/change.h"

#include "base/check.h"
#include "wire/cbor.h"

const char *change_name(enum change_op op)
{
	static const char *const names[CHANGE_OPS] = {
		[CHANGE_PUT] = "put",
		[CHANGE_REMOVE] = "remove",
		[CHANGE_CLEAR] = "clear",
		[CHANGE_INSERT] = "insert",
		[CHANGE_SWAP] = "swap",
		[CHANGE_TRUNCATE] = "truncate",
	};

	ASSERT(op < CHANGE_OPS);
	return names[op];
}

static void put_optional(struct buffer *out, bool present, struct bytes value)
{
	if (present)
		cbor_put_bytes(out, value);
	else
		cbor_put_null(out);
}

void change_put(struct buffer *out, const struct change *change)
{
	ASSERT(change->op < CHANGE_OPS);
	cbor_put_array(out, change->has_priority ? 4 : 3);
	cbor_put_uint(out, change->op);
	put_optional(out, change->has_key, change->key);
	put_optional(out, change->has_value, change->value);
	if (change->has_priority)
		cbor_put_bytes(out, change->priority);
}

static bool read_optional(struct cbor *in, struct bytes *value)
{
	if (cbor_peek(in) == CBOR_NULL) {
		cbor_null(in);
		return false;
	}
	*value = cbor_bytes(in);
	return true;
}

enum error change_decode(struct bytes encoded, struct change *out)
{
	struct change change = {0};
	struct cbor in;
	size_t parts;
	uint64_t op;

	cbor_init(&in, encoded);
	parts = cbor_array(&in, 4);
	op = cbor_uint(&in);
	change.has_key = read_optional(&in, &change.key);
	change.has_value = read_optional(&in, &change.value);
	change.has_priority = parts == 4;
	if (change.has_priority)
		change.priority = cbor_bytes(&in);
	if (cbor_end(&in) != OK || op >= CHANGE_OPS)
		return ERROR_MALFORMED;
	change.op = (enum change_op)op;
	*out = change;
	return OK;
}
