/*
 * announce_links.c - links, and the neighbours they make.
 *
 *     we dial   DIALLING --linked--> UP --unlinked--> gone
 *     they do       (new) --linked--> UP, or WAITING for its first word while we are full
 *                                     | a better link to the same peer, a goodbye, or no room
 *                                     v
 *                                  CLOSING --unlinked--> gone
 *
 * A peer is a neighbour by one link. When two nodes dial each other at once, both keep the link that the smaller id
 * opened; of two links that the same side opened, both keep the newer one, because the older may be a corpse that
 * nobody has found yet (its node was started again with the same key).
 */
#include "base/check.h"
#include "base/memory.h"
#include "discovery/announce_internal.h"
#include "wire/limits.h"

static const char protocol[] = "announce";

static bool is_ours(const struct link *link)
{
	return link->id % 2 == 0;
}

static struct announce_link *link_new(struct announce *announce, link_id id, struct contact *contact)
{
	struct announce_link *link = memory_new(sizeof(*link));

	ASSERT(number_table_get(&announce->links, id) == NULL);
	link->link.id = id;
	link->contact = contact;
	number_table_put(&announce->links, id, link);
	return link;
}

void announce_links_dial(struct announce *announce, struct contact *contact, struct outbox *out)
{
	ASSERT(contact->link == 0);
	ASSERT(!announce->options.guest);
	contact->link = outbox_connect(out, &contact->dial);
	link_new(announce, contact->link, contact)->state = LINK_DIALLING;
	announce->dialling += !contact->is_lost;
}

static void log_link(const struct announce *announce, const char *what, const struct id *peer, enum error reason)
{
	char text[ID_SHORT_SIZE];

	if (!log_wants(announce->options.log, LOG_DEBUG))
		return;
	id_format_short(peer, text);
	log_event(announce->options.log, LOG_DEBUG, announce->now, protocol, "%s peer=%s reason=%s", what, text,
		error_name(reason));
}

/* The link is no neighbour's any more, but known until unlinked(). */
static void close_link(struct announce_link *link, enum error reason, struct outbox *out)
{
	ASSERT(link->state == LINK_UP || link->state == LINK_WAITING);
	link->state = LINK_CLOSING;
	outbox_close(out, link->link.id, reason);
}

static void neighbour_up(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	link->state = LINK_UP;
	id_table_put(&announce->neighbours, &link->link.peer, link);
	broadcast_peer_up(&announce->broadcast, &link->link.peer);
	membership_remove(&announce->membership, &link->link.peer);
	log_link(announce, "neighbour-up", &link->link.peer, OK);
	announce_put_fact(announce, &(struct announce_fact){.kind = ANNOUNCE_NEIGHBOUR_UP, .peer = link->link.peer});
	announce_greet(announce, link, out);
}

static void neighbour_down(struct announce *announce, struct announce_link *link, enum error reason)
{
	struct announce_link *gone = id_table_remove(&announce->neighbours, &link->link.peer);

	ASSERT(gone == link);
	broadcast_peer_down(&announce->broadcast, &link->link.peer);
	/* HyParView, DISCONNECT: whoever ended it in good order is still there to be asked another time. */
	if (reason == ERROR_CANCELLED || reason == ERROR_NO_CAPACITY)
		membership_add(&announce->membership, &link->link.peer, &announce->rng);
	log_link(announce, "neighbour-down", &link->link.peer, reason);
	announce_put_fact(announce, &(struct announce_fact){.kind = ANNOUNCE_NEIGHBOUR_DOWN, .peer = link->link.peer,
		.reason = reason});
	announce_contacts_neighbour_down(announce, link);
}

static bool is_better(
	const struct announce *announce, const struct announce_link *link, const struct announce_link *other)
{
	bool we_are_smaller = id_compare(&announce->catalog->self, &link->link.peer) < 0;

	if (is_ours(&link->link) == is_ours(&other->link))
		return true;   /* the newer of two that one side opened */
	return is_ours(&link->link) == we_are_smaller;
}

static void settle_duplicate(struct announce *announce, struct announce_link *link, struct announce_link *other,
	struct outbox *out)
{
	ASSERT(other->state == LINK_UP);
	log_link(announce, "duplicate", &link->link.peer, ERROR_CANCELLED);
	if (!is_better(announce, link, other)) {
		close_link(link, ERROR_CANCELLED, out);
		return;
	}
	link->state = LINK_UP;
	/* It stays a neighbour all the while: no facts. What the old link held may be lost, so it is greeted anew. */
	close_link(other, ERROR_CANCELLED, out);
	link->up_at = other->up_at;
	id_table_put(&announce->neighbours, &link->link.peer, link);
	announce_greet(announce, link, out);
}

/* Gives a link its place, takes somebody else's for it, lets it wait for its first word, or ends it. */
static void place(struct announce *announce, struct announce_link *link, struct announce_link *other, struct outbox *out)
{
	bool is_full = announce->neighbours.count >= ANNOUNCE_NEIGHBOURS_MAX;

	if (link->contact == NULL && is_full && other == NULL)
		return;
	if (link->contact != NULL && other == NULL) {
		bool is_urgent = announce_views_is_urgent(announce, link->contact);

		if ((link->contact->is_probe && !announce_contacts_wants_more(announce)) || (is_full && !is_urgent)) {
			close_link(link, ERROR_CANCELLED, out);
			return;
		}
		if (is_full)
			announce_links_evict(announce, out);
	}
	if (link->contact != NULL)
		announce_views_first_word(announce, link, out);
	if (other != NULL)
		settle_duplicate(announce, link, other, out);
	else
		neighbour_up(announce, link, out);
}

void announce_links_linked(struct announce *announce, const struct link *opened, struct outbox *out)
{
	struct announce_link *link = number_table_get(&announce->links, opened->id);
	struct announce_link *other = id_table_get(&announce->neighbours, &opened->peer);

	if (link == NULL) {
		ASSERT(!is_ours(opened));
		link = link_new(announce, opened->id, NULL);
	} else {
		ASSERT(link->state == LINK_DIALLING);
		announce->dialling -= !link->contact->is_lost;
		announce_contacts_succeeded(announce);
		link->contact->answered = opened->peer;
	}
	link->link.peer = opened->peer;
	link->state = LINK_WAITING;
	link->up_at = link->heard_at = announce->now;
	link->quiet = rng_jitter(&announce->rng, ANNOUNCE_QUIET, ANNOUNCE_QUIET_JITTER);
	/* A bootstrap address may well be our own; that link has served its purpose when we know it. */
	if (announce->options.guest || id_equal(&opened->peer, &announce->catalog->self)) {
		close_link(link, ERROR_CANCELLED, out);
		return;
	}
	announce_doubts_heard(announce, link, out);
	place(announce, link, other, out);
}

static void dial_failed(
	struct announce *announce, struct announce_link *link, enum error reason, struct outbox *out)
{
	struct contact *contact = link->contact;

	ASSERT(contact != NULL);
	announce->dialling -= !contact->is_lost;
	announce_contacts_failed(announce, contact);
	announce_strangers_dial_failed(announce, contact, reason);
	if (!id_is_zero(&contact->answered))
		announce_doubts_dial_failed(announce, &contact->answered, out);
	log_link(announce, "dial-failed", &contact->dial.peer, reason);
	if (contact->kind == CONTACT_BOOTSTRAP)
		announce_put_fact(announce, &(struct announce_fact){.kind = ANNOUNCE_NEIGHBOUR_DOWN,
			.peer = contact->dial.peer, .reason = reason, .bootstrap = true});
}

void announce_links_unlinked(struct announce *announce, link_id id, enum error reason, struct outbox *out)
{
	struct announce_link *link = number_table_remove(&announce->links, id);
	struct id peer;
	bool is_doubtful;

	ASSERT(link != NULL);
	peer = link->link.peer;
	is_doubtful = link->state == LINK_UP && announce_contacts_is_line_broken(reason);
	switch (link->state) {
	case LINK_DIALLING:
		dial_failed(announce, link, reason, out);
		break;
	case LINK_UP:
		neighbour_down(announce, link, reason);
		break;
	case LINK_WAITING:
		break;
	case LINK_CLOSING:
		/* We ended it. If its contact is still wanted, it is not dialled again at once. */
		if (link->contact != NULL)
			announce_contacts_failed(announce, link->contact);
		break;
	}
	if (link->contact != NULL)
		announce_contacts_unlinked(announce, link->contact);
	announce->drawn_revision = UINT64_MAX;   /* there may be room for somebody else now */
	memory_free(link);
	if (is_doubtful)
		announce_doubts_begin(announce, &peer, out);
}

void announce_links_send(
	struct announce *announce, struct announce_link *link, struct blob *message, struct outbox *out)
{
	ASSERT(link->state == LINK_UP || link->state == LINK_WAITING);
	/* A neighbour that takes nothing for this long misses some news; anti-entropy brings it when it is back. */
	if (link->outstanding + blob_size(message) > LINK_OUTSTANDING_MAX)
		return;
	link->outstanding += blob_size(message);
	announce->counters.messages_sent++;
	announce->counters.bytes_sent += blob_size(message);
	outbox_send(out, link->link.id, blob_keep(message));
}

void announce_links_flood(struct announce *announce, const struct id *from, const struct id *owner,
	struct blob *message, struct outbox *out)
{
	for (size_t i = 0; i < announce->neighbours.count; i++) {
		const struct id *peer = &announce->neighbours.slot[i].key;

		if ((from != NULL && id_equal(peer, from)) || (owner != NULL && id_equal(peer, owner)))
			continue;
		announce_links_send(announce, announce->neighbours.slot[i].value, message, out);
	}
}

void announce_links_tell(struct announce *announce, struct announce_link *link, const struct announce_message *message,
	struct outbox *out)
{
	struct blob *blob = announce_wire_put(message);

	announce_links_send(announce, link, blob, out);
	blob_drop(blob);
}

void announce_links_evict(struct announce *announce, struct outbox *out)
{
	struct announce_link *oldest = NULL;

	for (size_t i = 0; i < announce->neighbours.count; i++) {
		struct announce_link *link = announce->neighbours.slot[i].value;

		if (oldest == NULL || link->up_at < oldest->up_at)
			oldest = link;
	}
	ASSERT(oldest != NULL);
	neighbour_down(announce, oldest, ERROR_CANCELLED);
	close_link(oldest, ERROR_CANCELLED, out);
}

void announce_links_admit(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	struct announce_link *other = id_table_get(&announce->neighbours, &link->link.peer);

	ASSERT(link->state == LINK_WAITING && link->contact == NULL);
	if (other == NULL && announce->neighbours.count >= ANNOUNCE_NEIGHBOURS_MAX)
		announce_links_evict(announce, out);
	place(announce, link, other, out);
}

void announce_links_refuse(struct announce_link *link, enum error reason, struct outbox *out)
{
	ASSERT(link->state == LINK_WAITING);
	close_link(link, reason, out);
}

void announce_links_bury(struct announce *announce, const struct id *peer, struct outbox *out)
{
	struct announce_link *link = id_table_get(&announce->neighbours, peer);

	if (link == NULL)
		return;
	neighbour_down(announce, link, ERROR_IDLE);
	close_link(link, ERROR_IDLE, out);
}

/* Who keeps silent on a link that waits for a place gets none. */
void announce_links_tick(struct announce *announce, struct outbox *out)
{
	for (size_t i = 0; i < announce->links.count; i++) {
		struct announce_link *link = announce->links.slot[i].value;

		if (link->state == LINK_WAITING && link->up_at + ANNOUNCE_STEADY <= announce->now)
			announce_links_refuse(link, ERROR_NO_CAPACITY, out);
	}
}

msec announce_links_deadline(const struct announce *announce)
{
	msec due = MSEC_NEVER;

	for (size_t i = 0; i < announce->links.count; i++) {
		const struct announce_link *link = announce->links.slot[i].value;

		if (link->state == LINK_WAITING)
			due = msec_min(due, link->up_at + ANNOUNCE_STEADY);
	}
	return due;
}

void announce_links_part(struct announce *announce, const struct id *peer, struct outbox *out)
{
	struct announce_link *link = id_table_get(&announce->neighbours, peer);

	/* OK: what we still owe it is delivered first, it may be waiting for acknowledgements of its own. */
	if (link != NULL) {
		neighbour_down(announce, link, ERROR_GRACEFUL);
		close_link(link, OK, out);
	}
	announce_contacts_departed(announce, peer);
}

void announce_links_free(struct announce *announce)
{
	for (size_t i = 0; i < announce->links.count; i++)
		memory_free(announce->links.slot[i].value);
	number_table_fini(&announce->links);
	id_table_fini(&announce->neighbours);
}

void announce_links_check(const struct announce *announce)
{
	size_t up = 0;
	size_t dialling = 0;

	ASSERT(announce->neighbours.count <= ANNOUNCE_NEIGHBOURS_MAX);
	for (size_t i = 0; i < announce->links.count; i++) {
		const struct announce_link *link = announce->links.slot[i].value;

		ASSERT(link->link.id == announce->links.slot[i].key);
		ASSERT(is_ours(&link->link) == (link->contact != NULL));
		ASSERT(link->outstanding <= LINK_OUTSTANDING_MAX);
		ASSERT(link->bad <= ANNOUNCE_BAD_MAX + 1);
		if (link->contact != NULL)
			ASSERT(link->contact->link == link->link.id);
		if (link->state == LINK_UP)
			ASSERT(id_table_get(&announce->neighbours, &link->link.peer) == link);
		up += link->state == LINK_UP;
		dialling += link->state == LINK_DIALLING && !link->contact->is_lost;
	}
	ASSERT(up == announce->neighbours.count);
	ASSERT(dialling == announce->dialling);
	ASSERT(id_table_get(&announce->neighbours, &announce->catalog->self) == NULL);
}
