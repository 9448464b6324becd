/*
 * announce_views.c - HyParView's messages (DSN 2007): who gets a place in the active view, and how walks
 * fill the passive one.
 *
 *     JOIN           always a place; FORWARDJOIN to all others                               (4.2)
 *     FORWARDJOIN    at its end a place, at PRWL hops a memory; else to a random neighbour    (4.2)
 *     NEIGHBOR       a place where there is room; the urgent ask with effect                  (4.3)
 *     SHUFFLE        a walk; at its end samples are swapped                                   (4.4)
 *
 * Deviations. The end of a joining walk dials, instead of being dialled, and so do all who want a place: whoever opens
 * a link speaks first on it. The reply of a shuffle goes back over the links of the walk, because a link to a
 * stranger costs a handshake; a walk whose way broke meanwhile is lost, the next one is 30 s away.
 */
#include "base/check.h"
#include "discovery/announce_internal.h"

#include <string.h>

struct announce_link *announce_views_random(struct announce *announce, const struct id *not_this, const struct id *nor_this)
{
	struct announce_link *chosen = NULL;
	uint64_t seen = 0;

	for (size_t i = 0; i < announce->neighbours.count; i++) {
		const struct id *peer = &announce->neighbours.slot[i].key;

		if ((not_this != NULL && id_equal(peer, not_this)) || (nor_this != NULL && id_equal(peer, nor_this)))
			continue;
		if (rng_below(&announce->rng, ++seen) == 0)
			chosen = announce->neighbours.slot[i].value;
	}
	return chosen;
}

bool announce_views_is_urgent(const struct announce *announce, const struct contact *contact)
{
	/* HyParView, NEIGHBOR: high priority for whoever has nobody. The lost and bootstrap peers may be another network's half. */
	return announce->neighbours.count == 0 || contact->is_urgent || contact->kind == CONTACT_BOOTSTRAP;
}

void announce_views_first_word(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	struct announce_message message = {.kind = ANNOUNCE_NEIGHBOR};

	ASSERT(link->contact != NULL);
	message.flag = announce_views_is_urgent(announce, link->contact);
	if (announce->neighbours.count == 0 && !link->contact->is_urgent)
		message.kind = ANNOUNCE_JOIN;
	announce_links_tell(announce, link, &message, out);
}

/* --- joining --- */

static void forward_join(struct announce *announce, const struct id *newcomer, struct outbox *out)
{
	struct announce_message message = {.kind = ANNOUNCE_FORWARD_JOIN, .round = MEMBERSHIP_ARWL, .id.peer = *newcomer};

	for (size_t i = 0; i < announce->neighbours.count; i++)
		if (!id_equal(&announce->neighbours.slot[i].key, newcomer))
			announce_links_tell(announce, announce->neighbours.slot[i].value, &message, out);
}

static void receive_first_word(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	bool is_join = message->kind == ANNOUNCE_JOIN;
	bool has_room = announce->neighbours.count < ANNOUNCE_NEIGHBOURS_MAX;
	struct id peer = link->link.peer;

	/* Once a link: a word costs the network a walk. Nor does the side speak that was dialled. */
	if (link->has_spoken || link->contact != NULL)
		return;
	link->has_spoken = true;
	link->has_joined = is_join;
	if (link->state == LINK_UP && is_join) {
		announce_gossip_greet(announce, link, out);
	} else if (link->state == LINK_WAITING) {
		if (!is_join && !message->flag && !has_room) {
			announce_links_refuse(link, ERROR_NO_CAPACITY, out);
			return;
		}
		announce_links_admit(announce, link, out);
	}
	if (is_join)
		forward_join(announce, &peer, out);
}

static bool is_candidate(const struct announce *announce, const struct id *peer)
{
	return !id_equal(peer, &announce->catalog->self) && id_table_get(&announce->neighbours, peer) == NULL &&
	       catalog_find(announce->catalog, peer) != NULL;
}

static void receive_forward_join(struct announce *announce, const struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	unsigned left = message->round < MEMBERSHIP_ARWL ? message->round : MEMBERSHIP_ARWL;
	struct announce_link *next = announce_views_random(announce, &link->link.peer, &message->id.peer);
	struct announce_message onward = *message;

	if (left == 0 || next == NULL) {
		if (is_candidate(announce, &message->id.peer))
			(void)announce_contacts_dial_now(announce, &message->id.peer, false, out);
		return;
	}
	if (left == MEMBERSHIP_PRWL && is_candidate(announce, &message->id.peer))
		membership_add(&announce->membership, &message->id.peer, &announce->rng);
	onward.round = left - 1;
	announce_links_tell(announce, next, &onward, out);
}

/* --- shuffling --- */

static void shuffle(struct announce *announce, struct outbox *out)
{
	struct announce_message message = {.kind = ANNOUNCE_SHUFFLE, .sample = {announce->catalog->self}, .sample_count = 1};
	struct announce_link *to = announce_views_random(announce, NULL, NULL);
	size_t count = announce->neighbours.count;

	ASSERT(to != NULL);
	/* Neighbours in a row from a random place: as good as a random few of so few. */
	for (size_t i = 0, at = (size_t)rng_below(&announce->rng, count); i < count; i++) {
		const struct id *peer = &announce->neighbours.slot[(at + i) % count].key;

		if (!id_equal(peer, &to->link.peer) && message.sample_count <= MEMBERSHIP_SHUFFLE_ACTIVE)
			message.sample[message.sample_count++] = *peer;
	}
	message.sample_count += membership_sample(
		&announce->membership, &announce->rng, message.sample + message.sample_count, MEMBERSHIP_SHUFFLE_PASSIVE);
	announce->counters.shuffles++;
	announce_links_tell(announce, to, &message, out);
}

/* Only who is listed: the view says who was there lately, not who exists. */
static void learn(struct announce *announce, const struct announce_message *message)
{
	for (size_t i = 0; i < message->sample_count; i++)
		if (is_candidate(announce, &message->sample[i]))
			membership_add(&announce->membership, &message->sample[i], &announce->rng);
}

static void receive_shuffle(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	struct announce_link *next = announce_views_random(announce, &link->link.peer,
		message->way_count > 0 ? &message->way[0] : NULL);
	struct announce_message answer = *message;

	if (message->way_count < ANNOUNCE_WAY_MAX - 1 && next != NULL) {
		answer.way[answer.way_count++] = link->link.peer;
		announce_links_tell(announce, next, &answer, out);
		return;
	}
	answer.kind = ANNOUNCE_SHUFFLE_REPLY;
	answer.sample_count =
		membership_sample(&announce->membership, &announce->rng, answer.sample, ANNOUNCE_SAMPLE_MAX);
	learn(announce, message);
	announce_links_tell(announce, link, &answer, out);
}

static void receive_shuffle_reply(struct announce *announce, const struct announce_message *message, struct outbox *out)
{
	struct announce_message onward = *message;
	struct announce_link *back;

	if (message->way_count == 0) {
		learn(announce, message);
		return;
	}
	back = id_table_get(&announce->neighbours, &message->way[message->way_count - 1]);
	onward.way_count--;
	if (back != NULL)
		announce_links_tell(announce, back, &onward, out);
}

void announce_views_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	if (message->kind == ANNOUNCE_JOIN || message->kind == ANNOUNCE_NEIGHBOR) {
		receive_first_word(announce, link, message, out);
	} else if (message->kind == ANNOUNCE_FORWARD_JOIN) {
		receive_forward_join(announce, link, message, out);
	} else if (message->kind == ANNOUNCE_SHUFFLE) {
		receive_shuffle(announce, link, message, out);
	} else {
		ASSERT(message->kind == ANNOUNCE_SHUFFLE_REPLY);
		receive_shuffle_reply(announce, message, out);
	}
}

void announce_views_tick(struct announce *announce, struct outbox *out)
{
	if (announce->shuffle_at > announce->now)
		return;
	announce->shuffle_at =
		announce->now + rng_jitter(&announce->rng, ANNOUNCE_SHUFFLE_INTERVAL, ANNOUNCE_JITTER_PERCENT);
	if (announce->neighbours.count > 0)
		shuffle(announce, out);
}
