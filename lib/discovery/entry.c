/*
 * entry.c - see entry.h. Bytes from a stranger pass the cheap doors first: size, form, bounds, a key that is one;
 * the signature is the dearest check by a factor of a hundred and comes last.
 */
#include "discovery/entry.h"

#include "base/check.h"
#include "base/memory.h"
#include "discovery/entry_wire.h"
#include "wire/cbor.h"
#include "wire/limits.h"

#include <string.h>

/* Around the body: array and kind, the head of the body (3 for more than 255 bytes, 5 at most), head and signature. */
#define ENVELOPE_MAX (2 + 5 + 2 + sizeof(struct signature))

static struct entry *entry_new(bool is_goodbye)
{
	struct entry *entry = memory_new(sizeof(*entry));

	entry->references = 1;
	entry->is_goodbye = is_goodbye;
	return entry;
}

struct entry_mark entry_mark(const struct id *peer, const struct version *version)
{
	uint8_t said[ID_SIZE + 16];
	struct id hash;

	memcpy(said, peer->byte, ID_SIZE);
	bytes_put_be64(said + ID_SIZE, version->start);
	bytes_put_be64(said + ID_SIZE + 8, version->update);
	hash = id_hash(bytes_of(said, sizeof(said)));
	return (struct entry_mark){{bytes_get_be64(hash.byte), bytes_get_be64(hash.byte + 8)}};
}

/* What a name takes in the body: the id and the text, each with its head. */
static size_t encoded_size(const struct card_name *name)
{
	size_t size = bytes_of_text(name->text).size;
	uint8_t head[CBOR_HEAD_MAX];

	return cbor_bytes_head(head, ID_SIZE) + ID_SIZE + cbor_bytes_head(head, size) + size;
}

/* Names are for people; everything else in a card is bounded so that it fits (card.h). */
static void leave_out_names(struct card *card, size_t excess)
{
	ASSERT(card->name_count > 0);
	while (excess > 0) {
		struct card_name last = card->name[card->name_count - 1];
		size_t freed = encoded_size(&last);

		excess = excess > freed ? excess - freed : 0;
		card_set_name(card, &last.id, NULL);
		ASSERT(excess == 0 || card->name_count > 0);
	}
}

static void put_fitting_body(struct entry *entry, struct buffer *body)
{
	size_t most = ENTRY_SIZE_MAX - ENVELOPE_MAX;

	entry_wire_put_body(&entry->card, entry->is_goodbye, body);
	if (body->size <= most)
		return;
	leave_out_names(&entry->card, body->size - most);
	buffer_clear(body);
	entry_wire_put_body(&entry->card, entry->is_goodbye, body);
	ASSERT(body->size <= most);
}

static void sign(struct entry *entry, const struct keypair *pair, const struct crypto *crypto)
{
	struct entry_wire wire = {.is_goodbye = entry->is_goodbye};
	struct buffer body = {0};
	struct buffer message = {0};

	ASSERT(id_equal(&entry->card.peer, &pair->public_key));
	put_fitting_body(entry, &body);
	wire.body = buffer_bytes(&body);
	entry_wire_message(&wire, &message);
	crypto->sign(pair, buffer_bytes(&message), &wire.signature);
	entry->signed_bytes = entry_wire_close(&wire);
	entry->mark = entry_mark(&entry->card.peer, &entry->card.version);
	ASSERT(blob_size(entry->signed_bytes) <= ENTRY_SIZE_MAX);
	buffer_fini(&message);
	buffer_fini(&body);
}

struct entry *entry_sign(const struct card *card, const struct keypair *pair, const struct crypto *crypto)
{
	struct entry *entry = entry_new(false);

	card_copy(&entry->card, card);
	sign(entry, pair, crypto);
	return entry;
}

struct entry *entry_sign_goodbye(const struct card *card, const struct keypair *pair, const struct crypto *crypto)
{
	struct entry *entry = entry_new(true);

	entry->card.network = card->network;
	entry->card.peer = card->peer;
	entry->card.version = card->version;
	sign(entry, pair, crypto);
	return entry;
}

struct entry *entry_unsigned(const struct card *card)
{
	struct entry *entry = entry_new(false);

	card_check(card);
	card_copy(&entry->card, card);
	return entry;
}

static enum error verify(const struct entry_wire *wire, const struct id *peer, const struct crypto *crypto)
{
	struct buffer message = {0};
	bool is_good;

	/* Zero means "whoever answers" where peers are dialled: nobody may be called that, whatever the crypto says. */
	if (id_is_zero(peer))
		return ERROR_BAD_KEY;
	entry_wire_message(wire, &message);
	is_good = crypto->verify(peer, buffer_bytes(&message), &wire->signature);
	buffer_fini(&message);
	if (is_good)
		return OK;
	return crypto_key_is_usable(peer) ? ERROR_BAD_SIGNATURE : ERROR_BAD_KEY;
}

enum error entry_decode(struct bytes signed_bytes, const struct crypto *crypto, struct entry **out)
{
	struct entry_wire wire;
	struct entry *entry;
	enum error error = entry_wire_open(signed_bytes, &wire);

	if (error != OK)
		return error;
	entry = entry_new(wire.is_goodbye);
	error = entry_wire_get_body(&wire, &entry->card);
	if (error == OK)
		error = verify(&wire, &entry->card.peer, crypto);
	if (error != OK) {
		entry_drop(entry);
		return error;
	}
	entry->signed_bytes = blob_copy(signed_bytes);
	entry->mark = entry_mark(&entry->card.peer, &entry->card.version);
	*out = entry;
	return OK;
}

enum error entry_peek(struct bytes signed_bytes, struct entry_label *out)
{
	struct entry_wire wire;
	enum error error = entry_wire_open(signed_bytes, &wire);

	return error == OK ? entry_wire_get_head(&wire, out) : error;
}

struct entry *entry_keep(struct entry *entry)
{
	ASSERT(entry->references > 0 && entry->references < UINT32_MAX);
	entry->references++;
	return entry;
}

void entry_drop(struct entry *entry)
{
	if (entry == NULL)
		return;
	ASSERT(entry->references > 0);
	if (--entry->references > 0)
		return;
	card_fini(&entry->card);
	blob_drop(entry->signed_bytes);
	memory_free(entry);
}
