/*
 * dial.c - which addresses of a peer to try, best first.
 *
 * An entry lists every address its owner has, loopback too. A loopback address is good only on the owner's own
 * host, and there it is the best one; elsewhere it would reach a stranger. Two nodes are on one host when they list a
 * common address that is not loopback, or when one of them lists nothing else. The address at which a peer was met comes
 * last: it is right for a peer that does not know its own address (behind a translator, say).
 */
#include "base/check.h"
#include "node/node_internal.h"
#include "wire/limits.h"

static bool has_only_loopback(const struct card *card)
{
	for (size_t i = 0; i < card->address_count; i++)
		if (!address_is_loopback(&card->address[i]))
			return false;
	return true;
}

static bool same_host(const struct card *a, const struct card *b)
{
	if (has_only_loopback(a) || has_only_loopback(b))
		return true;
	for (size_t i = 0; i < a->address_count; i++)
		for (size_t j = 0; j < b->address_count; j++)
			if (!address_is_loopback(&a->address[i]) && bytes_equal(bytes_of(a->address[i].ip, 16), bytes_of(b->address[j].ip, 16)))
				return true;
	return false;
}

static void dial_add(struct dial *dial, const struct address *address)
{
	for (size_t i = 0; i < dial->count; i++)
		if (address_equal(&dial->address[i], address))
			return;
	if (dial->count < DIAL_ADDRESSES_MAX)
		dial->address[dial->count++] = *address;
}

static void dial_add_kind(struct dial *dial, const struct card *card, bool loopback)
{
	for (size_t i = 0; i < card->address_count; i++)
		if (address_is_loopback(&card->address[i]) == loopback)
			dial_add(dial, &card->address[i]);
}

void node_fill_dial(const struct node *node, struct dial *dial)
{
	const struct catalog_peer *peer = catalog_find(&node->catalog, &dial->peer);
	const struct address *observed = id_table_get(&node->observed, &dial->peer);

	ASSERT(dial->count == 0);
	if (peer) {
		const struct card *theirs = &peer->entry->card;
		const struct card *ours = announce_card(node->announce);

		if (ours->address_count > 0 && same_host(ours, theirs))
			dial_add_kind(dial, theirs, true);
		dial_add_kind(dial, theirs, false);
	}
	if (observed)
		dial_add(dial, observed);
}
