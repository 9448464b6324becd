/*
 * entry_wire.c - see entry_wire.h.
 *
 * Decoding is strict: every bound of wire/limits.h, every set sorted, every field there. One card has exactly one
 * encoding, so that what two peers hold can be compared by version alone. What a newer node adds comes in keys
 * above the last one we know: those are stepped over, and stay in the bytes that are passed on.
 */
#include "discovery/entry_wire.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"
#include "wire/limits.h"

#include <string.h>

enum { KIND_ENTRY = 1, KIND_GOODBYE = 2 };

/* Keys of a body. */
enum {
	KEY_WIRE_VERSION,
	KEY_NETWORK,
	KEY_PEER,
	KEY_VERSION,
	KEY_ADDRESSES,
	KEY_TAGS,
	KEY_STREAMS,
	KEY_GROUPS,
	KEY_TICKETS,
	KEY_NAMES,
	KEY_LAST = KEY_NAMES
};

#define ENTRY_KEYS 10
#define GOODBYE_KEYS 3
#define UNKNOWN_KEYS_MAX 64
#define IP_SIZE 16

static const char context[] = "mosaik card";

/* --- the envelope --- */

enum error entry_wire_open(struct bytes signed_bytes, struct entry_wire *out)
{
	struct cbor in;
	struct bytes signature;
	uint64_t kind;

	if (signed_bytes.size > ENTRY_SIZE_MAX)
		return ERROR_MALFORMED;
	cbor_init(&in, signed_bytes);
	cbor_array_of(&in, 3);
	kind = cbor_uint(&in);
	out->is_goodbye = kind == KIND_GOODBYE;
	out->body = cbor_bytes(&in);
	signature = cbor_bytes(&in);
	if (cbor_end(&in) != OK || (kind != KIND_ENTRY && kind != KIND_GOODBYE))
		return ERROR_MALFORMED;
	if (signature.size != sizeof(out->signature.byte))
		return ERROR_MALFORMED;
	memcpy(out->signature.byte, signature.data, signature.size);
	return OK;
}

struct blob *entry_wire_close(const struct entry_wire *wire)
{
	struct buffer out = {0};
	struct blob *blob;

	ASSERT(wire->body.size > 0);
	cbor_put_array(&out, 3);
	cbor_put_uint(&out, wire->is_goodbye ? KIND_GOODBYE : KIND_ENTRY);
	cbor_put_bytes(&out, wire->body);
	cbor_put_bytes(&out, bytes_of(wire->signature.byte, sizeof(wire->signature.byte)));
	blob = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	return blob;
}

void entry_wire_message(const struct entry_wire *wire, struct buffer *out)
{
	uint8_t kind = wire->is_goodbye ? KIND_GOODBYE : KIND_ENTRY;

	/* The kind is signed too: nobody can make a goodbye out of an entry. */
	buffer_append(out, bytes_of_text(context));
	buffer_append(out, bytes_of(&kind, 1));
	buffer_append(out, wire->body);
}

/* --- writing a body --- */

static void put_set(struct buffer *out, uint64_t key, const struct id_set *set)
{
	ASSERT(key >= KEY_TAGS && key <= KEY_GROUPS);
	id_set_check(set);
	cbor_put_uint(out, key);
	cbor_put_array(out, set->count);
	for (size_t i = 0; i < set->count; i++)
		cbor_put_id(out, &set->id[i]);
}

static void put_addresses(struct buffer *out, const struct card *card)
{
	cbor_put_uint(out, KEY_ADDRESSES);
	cbor_put_array(out, card->address_count);
	for (size_t i = 0; i < card->address_count; i++) {
		ASSERT(card->address[i].port != 0);
		cbor_put_array(out, 2);
		cbor_put_bytes(out, bytes_of(card->address[i].ip, IP_SIZE));
		cbor_put_uint(out, card->address[i].port);
	}
}

static void put_tickets(struct buffer *out, const struct card *card)
{
	ASSERT(card->ticket_count <= CARD_TICKETS_MAX);
	cbor_put_uint(out, KEY_TICKETS);
	cbor_put_map(out, card->ticket_count);
	for (size_t i = 0; i < card->ticket_count; i++) {
		cbor_put_id(out, &card->ticket[i].id);
		cbor_put_bytes(out, blob_bytes(card->ticket[i].data));
	}
}

static void put_names(struct buffer *out, const struct card *card)
{
	ASSERT(card->name_count <= CARD_NAMES_MAX);
	cbor_put_uint(out, KEY_NAMES);
	cbor_put_map(out, card->name_count);
	for (size_t i = 0; i < card->name_count; i++) {
		cbor_put_id(out, &card->name[i].id);
		cbor_put_text(out, bytes_of_text(card->name[i].text));
	}
}

void entry_wire_put_body(const struct card *card, bool is_goodbye, struct buffer *out)
{
	card_check(card);
	cbor_put_map(out, is_goodbye ? GOODBYE_KEYS : ENTRY_KEYS);
	if (!is_goodbye) {
		cbor_put_uint(out, KEY_WIRE_VERSION);
		cbor_put_uint(out, ENTRY_WIRE_VERSION);
	}
	cbor_put_uint(out, KEY_NETWORK);
	cbor_put_id(out, &card->network);
	cbor_put_uint(out, KEY_PEER);
	cbor_put_id(out, &card->peer);
	cbor_put_uint(out, KEY_VERSION);
	cbor_put_array(out, 2);
	cbor_put_uint(out, card->version.start);
	cbor_put_uint(out, card->version.update);
	if (is_goodbye)
		return;
	put_addresses(out, card);
	put_set(out, KEY_TAGS, &card->tags);
	put_set(out, KEY_STREAMS, &card->streams);
	put_set(out, KEY_GROUPS, &card->groups);
	put_tickets(out, card);
	put_names(out, card);
}

/* --- reading a body --- */

static void expect_key(struct cbor *in, uint64_t key)
{
	if (cbor_uint(in) != key)
		cbor_fail(in);
}

/* Returns how many pairs come after those we know. */
static size_t get_head(struct cbor *in, struct entry_label *head)
{
	size_t known = head->is_goodbye ? GOODBYE_KEYS : ENTRY_KEYS;
	size_t pairs = cbor_map(in, known + UNKNOWN_KEYS_MAX);

	if (pairs < known)
		cbor_fail(in);
	if (!head->is_goodbye) {
		expect_key(in, KEY_WIRE_VERSION);
		/* A later version only adds keys; one that does more would come as another kind. */
		if (cbor_uint(in) < ENTRY_WIRE_VERSION)
			cbor_fail(in);
	}
	expect_key(in, KEY_NETWORK);
	head->network = cbor_id(in);
	expect_key(in, KEY_PEER);
	head->peer = cbor_id(in);
	expect_key(in, KEY_VERSION);
	cbor_array_of(in, 2);
	head->version.start = cbor_uint(in);
	head->version.update = cbor_uint(in);
	return in->failed ? 0 : pairs - known;
}

static void get_addresses(struct cbor *in, struct card *card)
{
	size_t count;

	ASSERT(card->address == NULL);
	expect_key(in, KEY_ADDRESSES);
	count = cbor_array(in, ENTRY_ADDRESSES_MAX);
	if (count == 0)
		return;
	card->address = memory_new(count * sizeof(*card->address));
	card->address_count = count;
	for (size_t i = 0; i < count; i++) {
		struct bytes ip;
		uint64_t port;

		cbor_array_of(in, 2);
		ip = cbor_bytes(in);
		port = cbor_uint(in);
		/* Port 0 cannot be dialled; who lists it means something that we do not understand. */
		if (ip.size != IP_SIZE || port == 0 || port > UINT16_MAX) {
			cbor_fail(in);
			return;
		}
		memcpy(card->address[i].ip, ip.data, IP_SIZE);
		card->address[i].port = (uint16_t)port;
	}
}

static void get_set(struct cbor *in, uint64_t key, struct id_set *set)
{
	size_t count;

	ASSERT(set->id == NULL && set->count == 0);
	expect_key(in, key);
	count = cbor_array(in, ENTRY_SET_MAX);
	if (count == 0)
		return;
	set->id = memory_new(count * sizeof(*set->id));
	for (size_t i = 0; i < count; i++) {
		set->id[i] = cbor_id(in);
		if (i > 0 && id_compare(&set->id[i - 1], &set->id[i]) >= 0) {
			cbor_fail(in);
			return;
		}
		set->count = i + 1;
	}
}

/* That the ids ascend is seen to by the reader of maps, for tickets and names. */
static void get_tickets(struct cbor *in, struct card *card)
{
	size_t count;

	ASSERT(card->ticket == NULL);
	expect_key(in, KEY_TICKETS);
	count = cbor_map(in, CARD_TICKETS_MAX);
	if (count == 0)
		return;
	card->ticket = memory_new(count * sizeof(*card->ticket));
	for (size_t i = 0; i < count; i++) {
		struct id id = cbor_id(in);
		struct bytes data = cbor_bytes(in);

		if (data.size == 0 || data.size > ENTRY_TICKET_MAX) {
			cbor_fail(in);
			return;
		}
		card->ticket[i] = (struct card_ticket){.id = id, .data = blob_copy(data)};
		card->ticket_count = i + 1;
	}
}

static char *copy_name(struct bytes text)
{
	char *copy = memory_new(text.size + 1);

	memcpy(copy, text.data, text.size);
	return copy;
}

static void get_names(struct cbor *in, struct card *card)
{
	size_t count;

	ASSERT(card->name == NULL);
	expect_key(in, KEY_NAMES);
	count = cbor_map(in, CARD_NAMES_MAX);
	if (count == 0)
		return;
	card->name = memory_new(count * sizeof(*card->name));
	for (size_t i = 0; i < count; i++) {
		struct id id = cbor_id(in);
		struct bytes text = cbor_text(in);

		/* Our own cards hold no such name (card_set_name), so nobody is refused for one by accident. */
		if (!card_is_name(text)) {
			cbor_fail(in);
			return;
		}
		card->name[i] = (struct card_name){.id = id, .text = copy_name(text)};
		card->name_count = i + 1;
	}
}

static void skip_unknown(struct cbor *in, size_t pairs)
{
	for (size_t i = 0; i < pairs; i++) {
		/* Keys ascend, so one above the last we know is enough to know that none of ours comes twice. */
		if (cbor_uint(in) <= KEY_LAST)
			cbor_fail(in);
		cbor_skip(in);
	}
}

enum error entry_wire_get_head(const struct entry_wire *wire, struct entry_label *out)
{
	struct entry_label head = {.is_goodbye = wire->is_goodbye};
	struct cbor in;

	cbor_init(&in, wire->body);
	get_head(&in, &head);
	/* Not cbor_end(): what comes behind the head is looked at when it turns out to be news. */
	if (in.failed)
		return ERROR_MALFORMED;
	*out = head;
	return OK;
}

enum error entry_wire_get_body(const struct entry_wire *wire, struct card *out)
{
	struct entry_label head = {.is_goodbye = wire->is_goodbye};
	struct cbor in;
	size_t unknown;

	cbor_init(&in, wire->body);
	unknown = get_head(&in, &head);
	out->network = head.network;
	out->peer = head.peer;
	out->version = head.version;
	if (!wire->is_goodbye) {
		get_addresses(&in, out);
		get_set(&in, KEY_TAGS, &out->tags);
		get_set(&in, KEY_STREAMS, &out->streams);
		get_set(&in, KEY_GROUPS, &out->groups);
		get_tickets(&in, out);
		get_names(&in, out);
	}
	skip_unknown(&in, unknown);
	return cbor_end(&in);
}
