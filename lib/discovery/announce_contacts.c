/*
 * announce_contacts.c - whom to dial, and when.
 *
 *     bootstrap      ---- dialled for ever while it is neither a neighbour nor listed, cap 15 s
 *     passive view   ---- drawn at random while there are too few neighbours,
 *     catalog        ---- when the view has nobody left
 *
 * Whoever is not listed any more is remembered and dialled elsewhere: announce_strangers.c.
 */
#include "base/check.h"
#include "base/memory.h"
#include "discovery/announce_internal.h"

#include <string.h>

#define DRAWN_MAX 64   /* memories of peers that could not be dialled */

static bool is_self(const struct announce *announce, const struct id *peer)
{
	return id_equal(peer, &announce->catalog->self);
}

/* Nothing to do for it: it is a neighbour, whichever way, or it turned out to be ourselves. */
static bool is_satisfied(const struct announce *announce, const struct contact *contact)
{
	if (id_is_zero(&contact->answered))
		return false;
	if (is_self(announce, &contact->answered) || id_table_get(&announce->neighbours, &contact->answered) != NULL)
		return true;
	/* HyParView joins once: a bootstrap peer that everybody insisted on would evict one for the other all day. */
	return contact->kind == CONTACT_BOOTSTRAP && announce->neighbours.count > 0 &&
	       catalog_find(announce->catalog, &contact->answered) != NULL;
}

static bool waits_for_dial(const struct announce *announce, const struct contact *contact)
{
	return contact->link == 0 && contact->kind == CONTACT_BOOTSTRAP && !is_satisfied(announce, contact);
}

void announce_contacts_add(struct announce *announce, enum contact_kind kind, const struct dial *dial)
{
	struct contact *contact = memory_new(sizeof(*contact));

	ASSERT(dial->count > 0 || !id_is_zero(&dial->peer));
	contact->kind = kind;
	contact->dial = *dial;
	contact->answered = dial->peer;
	contact->retry_at = announce->now;
	contact->retry_span = ANNOUNCE_RETRY_MIN;
	announce->contact = memory_grow(announce->contact, &announce->contact_capacity, announce->contact_count + 1,
		sizeof(struct contact *));
	announce->contact[announce->contact_count++] = contact;
}

static void contact_remove(struct announce *announce, size_t at)
{
	ASSERT(at < announce->contact_count);
	ASSERT(announce->contact[at]->link == 0);
	memory_free(announce->contact[at]);
	announce->contact_count--;
	memmove(announce->contact + at, announce->contact + at + 1,
		(announce->contact_count - at) * sizeof(struct contact *));
}

/* Of the contacts of a kind without a link, the one that failed longest makes room. */
static void keep_below(struct announce *announce, enum contact_kind kind, size_t most)
{
	size_t count = 0;
	size_t worst = SIZE_MAX;

	for (size_t i = 0; i < announce->contact_count; i++) {
		const struct contact *contact = announce->contact[i];

		if (contact->kind != kind)
			continue;
		count++;
		if (contact->link == 0 &&
			(worst == SIZE_MAX || contact->retry_span > announce->contact[worst]->retry_span))
			worst = i;
	}
	if (count >= most && worst != SIZE_MAX)
		contact_remove(announce, worst);
}

/* The instant after the next wait; the one after that is longer. */
static msec back_off(struct announce *announce, msec *span, msec cap)
{
	msec at = announce->now + rng_jitter(&announce->rng, *span, ANNOUNCE_JITTER_PERCENT);

	ASSERT(*span >= ANNOUNCE_RETRY_MIN && *span <= ANNOUNCE_RETRY_MAX);
	*span = msec_min(*span * 3 / 2, cap);
	return at;
}

void announce_contacts_failed(struct announce *announce, struct contact *contact)
{
	membership_remove(&announce->membership, &contact->answered);
	contact->retry_at = back_off(announce, &contact->retry_span, ANNOUNCE_RETRY_MAX);
	if (contact->kind == CONTACT_DRAWN && announce->draw_at <= announce->now)
		announce->draw_at = back_off(announce, &announce->draw_span, ANNOUNCE_RETRY_MAX);
}

void announce_contacts_succeeded(struct announce *announce)
{
	announce->draw_span = ANNOUNCE_RETRY_MIN;
}

/* Whoever ended the link on purpose knows where to find us. */
bool announce_contacts_is_line_broken(enum error reason)
{
	return reason != OK && reason != ERROR_GRACEFUL && reason != ERROR_CANCELLED && reason != ERROR_NO_CAPACITY;
}

void announce_contacts_neighbour_down(struct announce *announce, const struct announce_link *link)
{
	bool was_steady = announce->now - link->up_at >= ANNOUNCE_STEADY;

	for (size_t i = 0; i < announce->contact_count; i++) {
		struct contact *contact = announce->contact[i];

		if (!id_equal(&contact->answered, &link->link.peer))
			continue;
		if (was_steady)
			contact->retry_span = ANNOUNCE_RETRY_MIN;
		announce_contacts_failed(announce, contact);
	}
}

void announce_contacts_unlinked(struct announce *announce, struct contact *contact)
{
	size_t at = 0;

	ASSERT(contact->link != 0);
	contact->link = 0;
	if (contact->kind != CONTACT_ONCE)
		return;
	while (announce->contact[at] != contact) {
		at++;
		ASSERT(at < announce->contact_count);
	}
	contact_remove(announce, at);
}

void announce_contacts_departed(struct announce *announce, const struct id *peer)
{
	for (size_t i = announce->contact_count; i-- > 0;) {
		struct contact *contact = announce->contact[i];

		if (contact->kind == CONTACT_BOOTSTRAP || !id_equal(&contact->answered, peer))
			continue;
		if (contact->link == 0)
			contact_remove(announce, i);
		else
			contact->kind = CONTACT_ONCE;
	}
}

/* --- drawing from the catalog --- */

static bool may_be_drawn(const struct announce *announce, const struct id *peer)
{
	if (is_self(announce, peer) || id_table_get(&announce->neighbours, peer) != NULL)
		return false;
	for (size_t i = 0; i < announce->contact_count; i++) {
		const struct contact *contact = announce->contact[i];

		if (id_equal(&contact->answered, peer) && (contact->link != 0 || contact->retry_at > announce->now))
			return false;
	}
	return true;
}

const struct id *announce_contacts_draw_listed(struct announce *announce)
{
	const struct peer_table *peers = &announce->catalog->peers;
	size_t first = peers->count > 0 ? (size_t)rng_below(&announce->rng, peers->count) : 0;

	for (size_t i = 0; i < peers->count; i++) {
		const struct id *peer = peer_table_id(peers, (first + i) % peers->count);

		if (catalog_find(announce->catalog, peer) != NULL && may_be_drawn(announce, peer))
			return peer;
	}
	return NULL;
}

static const struct id *draw(struct announce *announce)
{
	const struct id *drawn = NULL;
	uint64_t seen = 0;

	/* The n-th candidate replaces the one in hand with chance 1/n: all are equally likely, in one pass. */
	for (size_t i = 0; i < announce->membership.count; i++) {
		const struct id *passive = &announce->membership.passive[i];

		if (catalog_find(announce->catalog, passive) != NULL && may_be_drawn(announce, passive) &&
			rng_below(&announce->rng, ++seen) == 0)
			drawn = passive;
	}
	return drawn != NULL ? drawn : announce_contacts_draw_listed(announce);
}

static struct contact *contact_of(struct announce *announce, const struct id *peer)
{
	for (size_t i = 0; i < announce->contact_count; i++)
		if (id_equal(&announce->contact[i]->answered, peer) && announce->contact[i]->link == 0)
			return announce->contact[i];
	keep_below(announce, CONTACT_DRAWN, DRAWN_MAX);
	announce_contacts_add(announce, CONTACT_DRAWN, &(struct dial){.peer = *peer});
	return announce->contact[announce->contact_count - 1];
}

bool announce_contacts_wants_more(const struct announce *announce)
{
	return announce->neighbours.count + announce->dialling < ANNOUNCE_NEIGHBOURS;
}

bool announce_contacts_dial_now(struct announce *announce, const struct id *peer, bool is_probe, struct outbox *out)
{
	struct contact *contact;

	if (announce->options.guest || is_self(announce, peer))
		return false;
	for (size_t i = 0; i < announce->contact_count; i++)
		if (id_equal(&announce->contact[i]->answered, peer) && announce->contact[i]->link != 0)
			return true;
	if (catalog_find(announce->catalog, peer) == NULL)
		return false;
	announce_contacts_add(announce, CONTACT_ONCE, &(struct dial){.peer = *peer});
	contact = announce->contact[announce->contact_count - 1];
	contact->is_probe = is_probe;
	contact->is_urgent = !is_probe;
	announce_links_dial(announce, contact, out);
	return true;
}

/* Memories of peers that nobody lists any more. */
static void forget_unlisted(struct announce *announce)
{
	for (size_t i = announce->contact_count; i-- > 0;) {
		const struct contact *contact = announce->contact[i];

		if (contact->kind == CONTACT_DRAWN && contact->link == 0 &&
			catalog_find(announce->catalog, &contact->answered) == NULL)
			contact_remove(announce, i);
	}
}

static void fill_up(struct announce *announce, struct outbox *out)
{
	const struct id *peer;

	if (announce->now < announce->draw_at)
		return;
	announce->drawn_revision = announce->catalog->revision;
	forget_unlisted(announce);
	while (announce_contacts_wants_more(announce) && (peer = draw(announce)) != NULL) {
		struct id drawn = *peer;   /* its place in a view may be given away */

		announce_links_dial(announce, contact_of(announce, &drawn), out);
	}
}

void announce_contacts_tick(struct announce *announce, struct outbox *out)
{
	if (announce->options.guest)
		return;
	for (size_t i = 0; i < announce->contact_count; i++) {
		struct contact *contact = announce->contact[i];

		if (contact->retry_at <= announce->now && waits_for_dial(announce, contact))
			announce_links_dial(announce, contact, out);
	}
	if (announce_contacts_wants_more(announce))
		fill_up(announce, out);
}

msec announce_contacts_deadline(const struct announce *announce)
{
	bool draws = announce_contacts_wants_more(announce);
	msec due = MSEC_NEVER;

	if (announce->options.guest)
		return MSEC_NEVER;
	if (draws && announce->drawn_revision != announce->catalog->revision)
		due = announce->draw_at;
	for (size_t i = 0; i < announce->contact_count; i++) {
		const struct contact *contact = announce->contact[i];
		bool may_be_redrawn = draws && contact->kind == CONTACT_DRAWN && contact->link == 0 &&
			!is_satisfied(announce, contact);

		if (may_be_redrawn)
			due = msec_min(
				due, contact->retry_at > announce->draw_at ? contact->retry_at : announce->draw_at);
		else if (waits_for_dial(announce, contact))
			due = msec_min(due, contact->retry_at);
	}
	return due;
}

void announce_contacts_init(struct announce *announce)
{
	announce->draw_at = announce->now;
	announce->draw_span = ANNOUNCE_RETRY_MIN;
}

void announce_contacts_free(struct announce *announce)
{
	for (size_t i = 0; i < announce->contact_count; i++)
		memory_free(announce->contact[i]);
	memory_free(announce->contact);
}

void announce_contacts_check(const struct announce *announce)
{
	ASSERT(!announce->options.guest || announce->contact_count == 0);
	for (size_t i = 0; i < announce->contact_count; i++) {
		const struct contact *contact = announce->contact[i];
		const struct announce_link *link = number_table_get(&announce->links, contact->link);

		ASSERT(contact->dial.count <= DIAL_ADDRESSES_MAX);
		ASSERT(contact->retry_span >= ANNOUNCE_RETRY_MIN && contact->retry_span <= ANNOUNCE_RETRY_MAX);
		ASSERT(contact->kind != CONTACT_ONCE || contact->link != 0);
		ASSERT(contact->link == 0 ? link == NULL : link != NULL && link->contact == contact);
	}
}
