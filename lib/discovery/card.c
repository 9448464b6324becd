/*
 * card.c - see card.h. Three owned arrays and three sets; everything is small, so plain insertion will do.
 */
#include "discovery/card.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/limits.h"

#include <string.h>

void card_fini(struct card *card)
{
	memory_free(card->address);
	id_set_fini(&card->tags);
	id_set_fini(&card->streams);
	id_set_fini(&card->groups);
	for (size_t i = 0; i < card->ticket_count; i++)
		blob_drop(card->ticket[i].data);
	memory_free(card->ticket);
	for (size_t i = 0; i < card->name_count; i++)
		memory_free(card->name[i].text);
	memory_free(card->name);
	*card = (struct card){0};
}

void card_copy(struct card *to, const struct card *from)
{
	*to = (struct card){.network = from->network, .peer = from->peer, .version = from->version};
	card_set_addresses(to, from->address, from->address_count);
	id_set_copy(&to->tags, &from->tags);
	id_set_copy(&to->streams, &from->streams);
	id_set_copy(&to->groups, &from->groups);
	if (from->ticket_count > 0)
		to->ticket = memory_copy(from->ticket, from->ticket_count * sizeof(*from->ticket));
	to->ticket_count = from->ticket_count;
	for (size_t i = 0; i < to->ticket_count; i++)
		blob_keep(to->ticket[i].data);
	if (from->name_count > 0)
		to->name = memory_copy(from->name, from->name_count * sizeof(*from->name));
	to->name_count = from->name_count;
	for (size_t i = 0; i < to->name_count; i++)
		to->name[i].text = memory_copy_text(from->name[i].text);
}

static bool addresses_equal(const struct card *a, const struct card *b)
{
	if (a->address_count != b->address_count)
		return false;
	for (size_t i = 0; i < a->address_count; i++)
		if (!address_equal(&a->address[i], &b->address[i]))
			return false;
	return true;
}

static bool tickets_equal(const struct card *a, const struct card *b)
{
	if (a->ticket_count != b->ticket_count)
		return false;
	for (size_t i = 0; i < a->ticket_count; i++)
		if (!id_equal(&a->ticket[i].id, &b->ticket[i].id) ||
			!bytes_equal(blob_bytes(a->ticket[i].data), blob_bytes(b->ticket[i].data)))
			return false;
	return true;
}

static bool names_equal(const struct card *a, const struct card *b)
{
	if (a->name_count != b->name_count)
		return false;
	for (size_t i = 0; i < a->name_count; i++)
		if (!id_equal(&a->name[i].id, &b->name[i].id) || strcmp(a->name[i].text, b->name[i].text) != 0)
			return false;
	return true;
}

/* The version is left out: what is asked here is whether a new one has anything new to say. */
bool card_equal(const struct card *a, const struct card *b)
{
	return id_equal(&a->network, &b->network) && id_equal(&a->peer, &b->peer) && addresses_equal(a, b) &&
		id_set_equal(&a->tags, &b->tags) && id_set_equal(&a->streams, &b->streams) &&
		id_set_equal(&a->groups, &b->groups) && tickets_equal(a, b) && names_equal(a, b);
}

void card_set_addresses(struct card *card, const struct address *address, size_t count)
{
	/* Copied first: the new addresses may be some of the old ones. */
	struct address *copy = count > 0 ? memory_copy(address, count * sizeof(*address)) : NULL;

	ASSERT(count <= ENTRY_ADDRESSES_MAX);
	memory_free(card->address);
	card->address = copy;
	card->address_count = count;
}

bool card_is_name(struct bytes text)
{
	if (text.size == 0 || text.size > ENTRY_NAME_MAX || !bytes_are_utf8(text))
		return false;
	/* A name that brings an escape sequence would paint on somebody else's terminal. */
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] < 0x20 || text.data[i] == 0x7F)
			return false;
	return true;
}

/* First name whose id is not below `id`. */
static size_t name_lower(const struct card *card, const struct id *id)
{
	size_t at = 0;

	while (at < card->name_count && id_compare(&card->name[at].id, id) < 0)
		at++;
	return at;
}

static void name_remove(struct card *card, size_t at)
{
	ASSERT(at < card->name_count);
	memory_free(card->name[at].text);
	memmove(card->name + at, card->name + at + 1, (card->name_count - at - 1) * sizeof(*card->name));
	card->name_count--;
}

void card_set_name(struct card *card, const struct id *id, const char *text)
{
	size_t at = name_lower(card, id);

	if (at < card->name_count && id_equal(&card->name[at].id, id))
		name_remove(card, at);
	if (text == NULL || !card_is_name(bytes_of_text(text)) || card->name_count >= CARD_NAMES_MAX)
		return;
	card->name = memory_resize(card->name, (card->name_count + 1) * sizeof(*card->name));
	memmove(card->name + at + 1, card->name + at, (card->name_count - at) * sizeof(*card->name));
	card->name[at] = (struct card_name){.id = *id, .text = memory_copy_text(text)};
	card->name_count++;
}

const char *card_name(const struct card *card, const struct id *id)
{
	size_t at = name_lower(card, id);

	return at < card->name_count && id_equal(&card->name[at].id, id) ? card->name[at].text : NULL;
}

bool card_set_ticket(struct card *card, const struct id *id, struct blob *data)
{
	size_t at = 0;

	if (data != NULL && (blob_size(data) == 0 || blob_size(data) > ENTRY_TICKET_MAX))
		return false;
	while (at < card->ticket_count && id_compare(&card->ticket[at].id, id) < 0)
		at++;
	if (at < card->ticket_count && id_equal(&card->ticket[at].id, id)) {
		blob_drop(card->ticket[at].data);
		memmove(card->ticket + at, card->ticket + at + 1,
			(card->ticket_count - at - 1) * sizeof(*card->ticket));
		card->ticket_count--;
	}
	if (data == NULL)
		return true;
	if (card->ticket_count >= CARD_TICKETS_MAX)
		return false;
	card->ticket = memory_resize(card->ticket, (card->ticket_count + 1) * sizeof(*card->ticket));
	memmove(card->ticket + at + 1, card->ticket + at, (card->ticket_count - at) * sizeof(*card->ticket));
	card->ticket[at] = (struct card_ticket){.id = *id, .data = blob_keep(data)};
	card->ticket_count++;
	return true;
}

void card_check(const struct card *card)
{
	ASSERT(card->address_count <= ENTRY_ADDRESSES_MAX);
	id_set_check(&card->tags);
	id_set_check(&card->streams);
	id_set_check(&card->groups);
	ASSERT(card->ticket_count <= CARD_TICKETS_MAX);
	for (size_t i = 0; i < card->ticket_count; i++) {
		ASSERT(blob_size(card->ticket[i].data) <= ENTRY_TICKET_MAX);
		ASSERT(i == 0 || id_compare(&card->ticket[i - 1].id, &card->ticket[i].id) < 0);
	}
	ASSERT(card->name_count <= CARD_NAMES_MAX);
	for (size_t i = 0; i < card->name_count; i++) {
		ASSERT(card_is_name(bytes_of_text(card->name[i].text)));
		ASSERT(i == 0 || id_compare(&card->name[i - 1].id, &card->name[i].id) < 0);
	}
}
