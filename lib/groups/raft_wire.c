/*
 * raft_wire.c - see raft_wire.h. The entries of an APPEND are one flat array, four items an entry: term, kind, commands,
 * payload. Index, position and chain follow from what is before them, so they are computed and never believed.
 */
#include "groups/raft_wire.h"

#include "base/check.h"
#include "groups/raft.h"

#include <string.h>

#define HEAD_FIELDS 5
#define FIELDS_MAX (HEAD_FIELDS + 5)
#define ENTRY_FIELDS 4
#define USUAL_SIZE 128           /* bytes of a message without commands, and of one with a few short ones */

/* Items of each kind after the head. */
static const uint8_t fields[RAFT_KINDS] = {
	[RAFT_PREVOTE] = 2,
	[RAFT_PREVOTE_REPLY] = 1,
	[RAFT_VOTE] = 3,
	[RAFT_VOTE_REPLY] = 1,
	[RAFT_APPEND] = 5,
	[RAFT_APPEND_OK] = 2,
	[RAFT_APPEND_NO] = 3,
	[RAFT_HEARTBEAT] = 3,
	[RAFT_HEARTBEAT_REPLY] = 3,
	[RAFT_COMMIT] = 1,
	[RAFT_LAGGING] = 1,
	[RAFT_TIMEOUT_NOW] = 1,
	[RAFT_READ] = 1,
	[RAFT_READ_REPLY] = 3,
	[RAFT_LEAVE] = 0,
};

_Static_assert(RAFT_KINDS <= RAFT_KIND_MAX, "kinds above are the group's");

static void put_entries(struct buffer *out, const struct raft_message *message)
{
	cbor_put_array(out, (size_t)message->count * ENTRY_FIELDS);
	for (uint32_t i = 0; i < message->count; i++) {
		const struct log_entry *entry = &message->entry[i];

		cbor_put_uint(out, entry->head.term);
		cbor_put_uint(out, entry->head.kind);
		cbor_put_uint(out, entry->head.commands);
		cbor_put_bytes(out, blob_bytes(entry->payload));
	}
}

static void put_fields(struct buffer *out, const struct raft_message *message)
{
	switch (message->kind) {
	case RAFT_VOTE:
	case RAFT_PREVOTE:
		cbor_put_uint(out, message->last_index);
		cbor_put_uint(out, message->last_term);
		if (message->kind == RAFT_VOTE)
			cbor_put_bool(out, message->transfer);
		break;
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE_REPLY:
		cbor_put_bool(out, message->granted);
		break;
	case RAFT_APPEND:
		cbor_put_uint(out, message->prev_index);
		cbor_put_uint(out, message->prev_term);
		cbor_put_bytes(out, bytes_of(message->prev_chain.byte, sizeof(message->prev_chain.byte)));
		cbor_put_uint(out, message->commit);
		put_entries(out, message);
		break;
	case RAFT_APPEND_OK:
	case RAFT_APPEND_NO:
		cbor_put_uint(out, message->match);
		cbor_put_uint(out, message->index);
		if (message->kind == RAFT_APPEND_NO)
			cbor_put_uint(out, message->index_term);
		break;
	case RAFT_HEARTBEAT:
		cbor_put_uint(out, message->match);
		cbor_put_uint(out, message->commit);
		cbor_put_uint(out, message->round);
		break;
	case RAFT_HEARTBEAT_REPLY:
		cbor_put_uint(out, message->match);
		cbor_put_uint(out, message->index);
		cbor_put_uint(out, message->round);
		break;
	case RAFT_COMMIT:
		cbor_put_uint(out, message->commit);
		break;
	case RAFT_LAGGING:
	case RAFT_TIMEOUT_NOW:
		cbor_put_uint(out, message->index);
		break;
	case RAFT_READ:
		cbor_put_uint(out, message->id);
		break;
	case RAFT_READ_REPLY:
		cbor_put_uint(out, message->id);
		cbor_put_bool(out, message->granted);
		cbor_put_uint(out, message->index);
		break;
	case RAFT_LEAVE:
	case RAFT_KINDS:
		break;
	}
}

struct blob *raft_wire_encode(const struct raft_message *message)
{
	struct buffer out = {0};
	struct blob *blob;

	ASSERT(message->kind > 0 && message->kind < RAFT_KINDS);
	ASSERT(message->from != 0 && message->to != 0);
	buffer_extend(&out, USUAL_SIZE);   /* one allocation; what is longer grows */
	buffer_clear(&out);
	cbor_put_array(&out, HEAD_FIELDS + (size_t)fields[message->kind]);
	cbor_put_uint(&out, message->kind);
	cbor_put_id(&out, &message->lineage);
	cbor_put_uint(&out, message->from);
	cbor_put_uint(&out, message->to);
	cbor_put_uint(&out, message->term);
	put_fields(&out, message);
	ASSERT(out.size <= FRAME_GROUPS_MAX);
	blob = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	return blob;
}

static uint64_t take_index(struct cbor *in)
{
	uint64_t index = cbor_uint(in);

	if (index > RAFT_INDEX_MAX)
		cbor_fail(in);
	return index;
}

struct raft_wire_entry raft_wire_next(struct cbor *walk)
{
	struct raft_wire_entry entry = {.term = cbor_uint(walk)};
	uint64_t kind = cbor_uint(walk);
	uint64_t commands = cbor_uint(walk);

	entry.payload = cbor_bytes(walk);
	if (kind >= ENTRY_KINDS || commands > UINT32_MAX)
		cbor_fail(walk);
	entry.kind = (enum entry_kind)kind;
	entry.commands = (uint32_t)commands;
	return entry;
}

static bool entry_is_sound(const struct raft_wire_entry *entry, uint64_t index)
{
	struct configuration configuration;

	if ((entry->kind == ENTRY_GENESIS) != (index == 1) || entry->payload.size > RAFT_ENTRY_MAX)
		return false;
	if (entry->commands > 0 && entry->kind != ENTRY_COMMANDS)
		return false;
	if (entry->kind != ENTRY_GENESIS && entry->kind != ENTRY_CONFIGURATION)
		return true;
	return configuration_decode(entry->payload, &configuration) == OK;
}

static void take_entries(struct cbor *in, struct raft_message *message)
{
	size_t items = cbor_array(in, (size_t)RAFT_APPEND_ENTRIES_MAX * ENTRY_FIELDS);
	uint64_t term = message->prev_term;

	if (items % ENTRY_FIELDS != 0)
		cbor_fail(in);
	message->count = (uint32_t)(items / ENTRY_FIELDS);
	message->walk = *in;
	for (uint32_t i = 0; i < message->count && !in->failed; i++) {
		struct raft_wire_entry entry = raft_wire_next(in);

		if (in->failed || entry.term < term || entry.term > message->term || entry.term == 0 ||
			!entry_is_sound(&entry, message->prev_index + 1 + i))
			cbor_fail(in);
		term = entry.term;
	}
}

static void take_append(struct cbor *in, struct raft_message *message)
{
	struct bytes chain;

	message->prev_index = take_index(in);
	message->prev_term = take_index(in);
	chain = cbor_bytes(in);
	message->commit = take_index(in);
	if (chain.size != sizeof(message->prev_chain.byte) || message->prev_term > message->term ||
		(message->prev_index == 0) != (message->prev_term == 0)) {
		cbor_fail(in);
		return;
	}
	memcpy(message->prev_chain.byte, chain.data, chain.size);
	take_entries(in, message);
}

static void take_fields(struct cbor *in, struct raft_message *message)
{
	switch (message->kind) {
	case RAFT_VOTE:
	case RAFT_PREVOTE:
		message->last_index = take_index(in);
		message->last_term = take_index(in);
		if (message->kind == RAFT_VOTE)
			message->transfer = cbor_bool(in);
		break;
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE_REPLY:
		message->granted = cbor_bool(in);
		break;
	case RAFT_APPEND:
		take_append(in, message);
		break;
	case RAFT_APPEND_OK:
		message->match = take_index(in);
		message->index = take_index(in);
		break;
	case RAFT_APPEND_NO:
		message->match = take_index(in);
		message->index = take_index(in);
		message->index_term = take_index(in);
		break;
	case RAFT_HEARTBEAT:
		message->match = take_index(in);
		message->commit = take_index(in);
		message->round = cbor_uint(in);
		break;
	case RAFT_HEARTBEAT_REPLY:
		message->match = take_index(in);
		message->index = take_index(in);
		message->round = cbor_uint(in);
		break;
	case RAFT_COMMIT:
		message->commit = take_index(in);
		break;
	case RAFT_LAGGING:
	case RAFT_TIMEOUT_NOW:
		message->index = take_index(in);
		break;
	case RAFT_READ:
		message->id = cbor_uint(in);
		break;
	case RAFT_READ_REPLY:
		message->id = cbor_uint(in);
		message->granted = cbor_bool(in);
		message->index = take_index(in);
		break;
	case RAFT_LEAVE:
	case RAFT_KINDS:
		break;
	}
}

enum error raft_wire_decode(struct bytes bytes, struct raft_message *out)
{
	struct cbor in;
	size_t count;
	uint64_t kind;

	*out = (struct raft_message){0};
	cbor_init(&in, bytes);
	count = cbor_array(&in, FIELDS_MAX);
	kind = cbor_uint(&in);
	if (kind == 0 || kind >= RAFT_KINDS || count != HEAD_FIELDS + (size_t)fields[kind])
		return ERROR_MALFORMED;
	out->kind = (enum raft_message_kind)kind;
	out->lineage = cbor_id(&in);
	out->from = cbor_uint(&in);
	out->to = cbor_uint(&in);
	out->term = take_index(&in);
	if (out->from == 0 || out->to == 0)
		cbor_fail(&in);
	take_fields(&in, out);
	return cbor_end(&in);
}
