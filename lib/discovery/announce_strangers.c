/*
 * announce_strangers.c - dials beyond the neighbourhood, so that the network stays one.
 *
 *     LOST    whoever the catalog stopped listing without a goodbye is remembered with its addresses, and one of them is
 *             dialled now and then, for ever: so two halves find each other after a split of any length
 *     MIXING  a new node, and one that others bring no news of their kind to, gives its oldest neighbour's place to a
 *             random stranger: so no few shut themselves in
 *
 * The lost are HyParView's passive view where it has to outlive the catalog (Leitao et al., DSN 2007). A dial into
 * a cut costs some 8 KB of packets without an answer, so the work is shared: a half dials about one every LOST_PACE,
 * however many it has, and the side that lost less than half (it may just have seen a host die) leaves it to the other.
 * After LOST_RECENT without a new loss all of that gets slower.
 *
 * Mixing is no part of the paper. There, joins alone are said to mix well enough. But walks are short: of 200 nodes that join
 * in families of ten, each by its first member at the family before, the furthest stay 7 or 8 links apart instead of 5, and
 * news is late for them; and where who is evicted is drawn, a few were seen to hold only each other. Dials of a node that
 * lives for long and hears from all cost nothing.
 */
#include "base/check.h"
#include "base/memory.h"
#include "discovery/announce_internal.h"

#include <string.h>

#define LOST_MAX 64
#define LOST_PACE 400            /* msec between the dials of one half */
#define LOST_INTERVAL_MIN 1500
#define LOST_INTERVAL_MAX 20000
#define LOST_SLOWER 4            /* times, for the larger part; for all when nobody was lost lately */
#define LOST_RECENT 900000
#define REFUSED_UNTIL 1800000    /* its host answers, and it is still not there: its port may be another's by now */
#define MIX_FIRST 500            /* doubled each time */
#define MIX_URGENT 4000
#define MIX_LAST 32000           /* from then on only with a reason */
#define OVERDUE (ANNOUNCE_INTERVAL_MAX + ANNOUNCE_JITTER_MAX + 40000)   /* msec without news: no announcement is as late as that */

struct lost {
	struct dial dial;
	msec since;
};

/* --- the lost --- */

static size_t place_of(const struct announce *announce, const struct id *peer)
{
	size_t at = 0;

	while (at < announce->lost_count && !id_equal(&announce->lost[at].dial.peer, peer))
		at++;
	return at;
}

static void forget(struct announce *announce, size_t at)
{
	ASSERT(at < announce->lost_count);
	announce->lost[at] = announce->lost[--announce->lost_count];
}

static size_t count_recent(const struct announce *announce)
{
	size_t count = 0;

	for (size_t i = 0; i < announce->lost_count; i++)
		count += announce->now - announce->lost[i].since < LOST_RECENT;
	return count;
}

static msec lost_interval(const struct announce *announce)
{
	size_t live = announce->catalog->live;
	size_t recent = count_recent(announce);
	msec interval = (msec)live * LOST_PACE;

	if (interval < LOST_INTERVAL_MIN)
		interval = LOST_INTERVAL_MIN;
	interval = msec_min(interval, LOST_INTERVAL_MAX);
	return recent == 0 || recent < live ? interval * LOST_SLOWER : interval;
}

void announce_lost(struct announce *announce, msec now, const struct entry *entry)
{
	const struct card *card = &entry->card;
	struct lost *lost;
	size_t at = place_of(announce, &card->peer);

	if (now > announce->now)
		announce->now = now;
	if (announce->options.guest || card->address_count == 0 || id_equal(&card->peer, &announce->catalog->self))
		return;
	if (at == announce->lost_count && at == LOST_MAX)
		at = (size_t)rng_below(&announce->rng, LOST_MAX);
	else if (at == announce->lost_count)
		announce->lost = memory_grow(
			announce->lost, &announce->lost_capacity, ++announce->lost_count, sizeof(*announce->lost));
	lost = &announce->lost[at];
	*lost = (struct lost){.dial = {.peer = card->peer, .count = card->address_count}, .since = announce->now};
	memcpy(lost->dial.address, card->address, card->address_count * sizeof(card->address[0]));
	announce->lost_at = msec_min(announce->lost_at,
		announce->now + rng_jitter(&announce->rng, lost_interval(announce), ANNOUNCE_JITTER_PERCENT));
}

/* Those who came back, or whose goodbye got here after all. */
static void forget_the_found(struct announce *announce)
{
	for (size_t i = announce->lost_count; i-- > 0;) {
		const struct catalog_peer *peer = peer_table_get(&announce->catalog->peers, &announce->lost[i].dial.peer);

		if (peer != NULL && (peer->entry->is_goodbye || !peer->is_suspected))
			forget(announce, i);
	}
}

static bool is_busy_with(const struct announce *announce, const struct id *peer)
{
	for (size_t i = 0; i < announce->contact_count; i++)
		if (announce->contact[i]->link != 0 && id_equal(&announce->contact[i]->answered, peer))
			return true;
	return false;
}

static struct contact *add_stranger(struct announce *announce, const struct dial *dial)
{
	announce_contacts_add(announce, CONTACT_ONCE, dial);
	return announce->contact[announce->contact_count - 1];
}

static void dial_lost(struct announce *announce, const struct dial *dial, struct outbox *out)
{
	struct contact *contact = add_stranger(announce, dial);

	contact->is_urgent = contact->is_lost = true;
	announce_links_dial(announce, contact, out);
}

static void seek_lost(struct announce *announce, struct outbox *out)
{
	forget_the_found(announce);
	announce->lost_at = MSEC_NEVER;
	if (announce->lost_count == 0)
		return;
	announce->lost_at =
		announce->now + rng_jitter(&announce->rng, lost_interval(announce), ANNOUNCE_JITTER_PERCENT);
	const struct lost *lost = &announce->lost[rng_below(&announce->rng, announce->lost_count)];

	if (!is_busy_with(announce, &lost->dial.peer))
		dial_lost(announce, &lost->dial, out);
}

void announce_strangers_dial_failed(struct announce *announce, const struct contact *contact, enum error reason)
{
	size_t at = place_of(announce, &contact->dial.peer);

	if (!contact->is_lost || at == announce->lost_count)
		return;
	if (reason == ERROR_WRONG_PEER ||
		(reason == ERROR_REFUSED && announce->now - announce->lost[at].since > REFUSED_UNTIL))
		forget(announce, at);
}

/* --- mixing --- */

/* Somebody is listed whose announcements should have come: whoever brings them is not among those around us. */
static bool somebody_is_overdue(const struct announce *announce)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(announce->catalog, &at)) != NULL)
		if (announce->now - peer->heard_at > OVERDUE && !id_equal(&peer->entry->card.peer, &announce->catalog->self))
			return true;
	return false;
}

static void mix(struct announce *announce, struct outbox *out)
{
	const struct id *chosen = announce_contacts_draw_listed(announce);
	struct contact *contact;

	if (chosen == NULL)
		return;
	if (announce->neighbours.count > ANNOUNCE_NEIGHBOURS)
		announce_links_evict(announce, out);
	contact = add_stranger(announce, &(struct dial){.peer = *chosen});
	/* While many start at once everybody is full, and whoever asks politely stays among those he knows. */
	contact->is_urgent = announce->mix_span <= MIX_URGENT;
	announce_links_dial(announce, contact, out);
}

static void mix_if_due(struct announce *announce, struct outbox *out)
{
	/* Many came since the last time: the views are as new as they are. */
	if (announce->catalog->live > 2 * announce->mix_live)
		announce->mix_span = MIX_FIRST;
	announce->mix_live = announce->catalog->live;
	announce->mix_at = announce->now + rng_jitter(&announce->rng, announce->mix_span, ANNOUNCE_JITTER_PERCENT);
	if (announce->mix_span < MIX_LAST)
		announce->mix_span *= 2;
	else if (!somebody_is_overdue(announce))
		return;
	mix(announce, out);
}

/* --- time --- */

void announce_strangers_init(struct announce *announce)
{
	announce->lost_at = MSEC_NEVER;
	announce->mix_span = MIX_FIRST;
	announce->mix_at = announce->now + rng_jitter(&announce->rng, MIX_FIRST, ANNOUNCE_JITTER_PERCENT);
}

void announce_strangers_tick(struct announce *announce, struct outbox *out)
{
	if (announce->options.guest)
		return;
	if (announce->lost_at <= announce->now)
		seek_lost(announce, out);
	if (announce->mix_at <= announce->now && announce->neighbours.count > 0)
		mix_if_due(announce, out);
}

msec announce_strangers_deadline(const struct announce *announce)
{
	if (announce->options.guest)
		return MSEC_NEVER;
	return announce->neighbours.count > 0 ? msec_min(announce->lost_at, announce->mix_at) : announce->lost_at;
}

void announce_strangers_free(struct announce *announce)
{
	memory_free(announce->lost);
}

void announce_strangers_check(const struct announce *announce)
{
	ASSERT(announce->lost_count <= LOST_MAX);
	ASSERT(announce->lost_count == 0 || announce->lost_at != MSEC_NEVER);
	ASSERT(announce->mix_span >= MIX_FIRST && announce->mix_span <= MIX_LAST);
	for (size_t i = 0; i < announce->lost_count; i++) {
		ASSERT(place_of(announce, &announce->lost[i].dial.peer) == i);
		ASSERT(announce->lost[i].dial.count > 0 && announce->lost[i].since <= announce->now);
	}
}
