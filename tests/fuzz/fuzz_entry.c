/*
 * fuzz_entry.c - whatever is taken for an entry keeps every bound, says the same when it is encoded again, and was
 * seen the same way by the glance that decides whether it is news.
 */
#include "discovery/entry.h"

#include "discovery/entry_wire.h"
#include "discovery_input.h"
#include "wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_again(const struct entry *entry)
{
	struct keypair pair = {.public_key = entry->card.peer};
	struct entry *again = entry->is_goodbye ? entry_sign_goodbye(&entry->card, &pair, &trusting_crypto)
		: entry_sign(&entry->card, &pair, &trusting_crypto);
	struct entry *back = NULL;
	enum error error = entry_decode(blob_bytes(again->signed_bytes), &trusting_crypto, &back);

	ASSERT(error == OK);
	ASSERT(back->is_goodbye == entry->is_goodbye);
	ASSERT(version_compare(&back->card.version, &entry->card.version) == 0);
	/* Names may have made room for the longer wire version or unknown keys that were not kept. */
	ASSERT(back->card.name_count <= entry->card.name_count);
	if (back->card.name_count == entry->card.name_count)
		ASSERT(card_equal(&back->card, &entry->card));
	entry_drop(back);
	entry_drop(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_of(data, size);
	struct entry *entry = NULL;
	struct entry_label head;
	enum error peeked = entry_peek(input, &head);

	if (entry_decode(input, &trusting_crypto, &entry) != OK) {
		ASSERT(entry == NULL);
		return 0;
	}
	ASSERT(peeked == OK);
	ASSERT(head.is_goodbye == entry->is_goodbye);
	ASSERT(id_equal(&head.peer, &entry->card.peer) && id_equal(&head.network, &entry->card.network));
	ASSERT(version_compare(&head.version, &entry->card.version) == 0);
	ASSERT(!id_is_zero(&entry->card.peer));
	ASSERT(bytes_equal(blob_bytes(entry->signed_bytes), input) && size <= ENTRY_SIZE_MAX);
	card_check(&entry->card);
	compare_again(entry);
	entry_drop(entry);
	return 0;
}
