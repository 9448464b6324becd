/*
 * group_wire.c - see group_wire.h. One table says which fields a kind has.
 */
#include "groups/group_wire.h"

#include "base/check.h"
#include "wire/cbor.h"

#include <string.h>

enum field {
	LINEAGE = 1,
	WHAT = 2,
	INDEX = 4,
	NUMBER = 8,
	ROOT = 16,
	META = 32,
	BYTES = 64,
	FIELDS = 7
};

static const unsigned fields[MESSAGE_END - MESSAGE_PROPOSE] = {
	[MESSAGE_PROPOSE - MESSAGE_PROPOSE] = LINEAGE | WHAT | NUMBER | BYTES,
	[MESSAGE_REFUSED - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_SNAPSHOT_ASK - MESSAGE_PROPOSE] = LINEAGE | INDEX,
	[MESSAGE_OFFER - MESSAGE_PROPOSE] = LINEAGE | META | BYTES,
	[MESSAGE_CHUNK_ASK - MESSAGE_PROPOSE] = LINEAGE | INDEX | NUMBER | ROOT,
	[MESSAGE_CHUNK - MESSAGE_PROPOSE] = LINEAGE | INDEX | NUMBER | BYTES,
	[MESSAGE_CHUNK_GONE - MESSAGE_PROPOSE] = LINEAGE | INDEX | NUMBER,
	[MESSAGE_REPORT - MESSAGE_PROPOSE] = LINEAGE | WHAT | INDEX | ROOT,
	[MESSAGE_BIRTH - MESSAGE_PROPOSE] = LINEAGE | BYTES,
	[MESSAGE_BIRTH_READY - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_BIRTH_REFUSED - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_BIRTH_SEALED - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_BIRTH_ABANDONED - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_BIRTH_ASK - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_BIRTH_UNSEALED - MESSAGE_PROPOSE] = LINEAGE,
	[MESSAGE_STATEMENT - MESSAGE_PROPOSE] = LINEAGE | INDEX | NUMBER,
	[MESSAGE_DISSOLVED - MESSAGE_PROPOSE] = LINEAGE | INDEX | ROOT,
};

static unsigned fields_of(enum group_message_kind kind)
{
	ASSERT(kind >= MESSAGE_PROPOSE && kind < MESSAGE_END);
	return fields[kind - MESSAGE_PROPOSE];
}

static size_t count_of(unsigned set)
{
	size_t count = 0;

	for (unsigned i = 0; i < FIELDS; i++)
		count += set >> i & 1;
	return count;
}

void snapshot_meta_encode(const struct snapshot_meta *meta, struct buffer *out)
{
	struct buffer configuration = {0};

	configuration_encode(&meta->configuration, &configuration);
	cbor_put_array(out, 8);
	cbor_put_uint(out, meta->index);
	cbor_put_uint(out, meta->term);
	cbor_put_uint(out, meta->position);
	cbor_put_bytes(out, bytes_of(meta->chain.byte, sizeof meta->chain.byte));
	cbor_put_bytes(out, buffer_bytes(&configuration));
	cbor_put_uint(out, meta->configuration_index);
	cbor_put_uint(out, meta->chunks);
	cbor_put_id(out, &meta->root);
	buffer_fini(&configuration);
}

static void decode_meta(struct cbor *in, struct snapshot_meta *out)
{
	struct bytes chain, configuration;
	uint64_t chunks;

	cbor_array_of(in, 8);
	out->index = cbor_uint(in);
	out->term = cbor_uint(in);
	out->position = cbor_uint(in);
	chain = cbor_bytes(in);
	configuration = cbor_bytes(in);
	out->configuration_index = cbor_uint(in);
	chunks = cbor_uint(in);
	out->root = cbor_id(in);
	if (chain.size == sizeof out->chain.byte)
		memcpy(out->chain.byte, chain.data, chain.size);
	else
		cbor_fail(in);
	if (chunks > UINT32_MAX || out->index == 0 || out->configuration_index == 0
		|| out->configuration_index > out->index
		|| configuration_decode(configuration, &out->configuration) != OK)
		cbor_fail(in);
	out->chunks = (uint32_t)chunks;
}

struct blob *group_wire_encode(const struct group_message *message)
{
	unsigned set = fields_of(message->kind);
	struct buffer out = {0};
	struct blob *blob;

	cbor_put_array(&out, 1 + count_of(set));
	cbor_put_uint(&out, message->kind);
	if (set & LINEAGE)
		cbor_put_id(&out, &message->lineage);
	if (set & WHAT)
		cbor_put_uint(&out, message->what);
	if (set & INDEX)
		cbor_put_uint(&out, message->index);
	if (set & NUMBER)
		cbor_put_uint(&out, message->number);
	if (set & ROOT)
		cbor_put_id(&out, &message->root);
	if (set & META)
		snapshot_meta_encode(&message->meta, &out);
	if (set & BYTES)
		cbor_put_bytes(&out, message->bytes);
	blob = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	return blob;
}

bool group_wire_is_ours(struct bytes encoded)
{
	/* An array head, and a number of one byte behind its head: 64 to 255. */
	return encoded.size >= 3 && encoded.data[0] >> 5 == 4 && encoded.data[1] == 0x18 && encoded.data[2] >= MESSAGE_PROPOSE;
}

enum error group_wire_decode(struct bytes encoded, struct group_message *out)
{
	struct group_message read = {0};
	struct cbor in;
	size_t count;
	uint64_t kind;
	unsigned set;

	cbor_init(&in, encoded);
	count = cbor_array(&in, 1 + FIELDS);
	kind = cbor_uint(&in);
	if (kind < MESSAGE_PROPOSE || kind >= MESSAGE_END)
		return ERROR_MALFORMED;
	read.kind = (enum group_message_kind)kind;
	set = fields_of(read.kind);
	if (count != 1 + count_of(set))
		return ERROR_MALFORMED;
	if (set & LINEAGE)
		read.lineage = cbor_id(&in);
	if (set & WHAT)
		read.what = cbor_uint(&in);
	if (set & INDEX)
		read.index = cbor_uint(&in);
	if (set & NUMBER)
		read.number = cbor_uint(&in);
	if (set & ROOT)
		read.root = cbor_id(&in);
	if (set & META)
		decode_meta(&in, &read.meta);
	if (set & BYTES)
		read.bytes = cbor_bytes(&in);
	if (cbor_end(&in) != OK || id_is_zero(&read.lineage))
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}
