/*
 * announce.c - see announce.h: our own entry, and the messages.
 *
 *     changed ------- 20 ms ---+
 *     every 15 s +- 50 % ------+--> sign a new version --> own catalog --> every neighbour
 *     the first neighbour -----+                                            a new neighbour, if it is young
 *
 * An announcement is judged by its clock (10 s), so one that is older is not handed to a new neighbour: it would look
 * like a clock that is slow. The new neighbour has it from our hello or by anti-entropy. A node that gets its first
 * neighbour signs anew instead, because until then its announcements reached nobody.
 */
#include "discovery/announce.h"

#include "base/check.h"
#include "base/memory.h"
#include "discovery/announce_internal.h"
#include "wire/limits.h"
#include "wire/protocol.h"

#include <string.h>

#define YOUNG (ANNOUNCE_DRIFT_MAX / 2)   /* msec; the way to the neighbour may take as long again */
#define FRESH 2000                       /* msec; who is linked that soon after its start need not sign twice */
#define SLEPT 2000                       /* msec */
#define FLOOD 32                         /* news: eight neighbours that name as many fill BROADCAST_MISSING_MAX */
#define FLOOD_SPAN 1000                  /* msec: about what asking for names takes a hop */
#define FACTS_MAX 1024                   /* the owner pulls them after each call */

/* --- small things --- */

static msec wall_now(const struct announce *announce)
{
	return announce->wall + (announce->now - announce->wall_at);
}

/* Time goes on with every call; the tests of a driver may hand in the same instant many times. */
static void advance(struct announce *announce, msec now)
{
	/* A node that has neighbours hears from them, or asks them, far more often than that. */
	if (now - announce->now > SLEPT)
		announce->has_slept = true;
	if (now > announce->now)
		announce->now = now;
}

void announce_put_fact(struct announce *announce, const struct announce_fact *fact)
{
	if (announce->fact_first == announce->fact_count)
		announce->fact_first = announce->fact_count = 0;
	ASSERT(announce->fact_count < FACTS_MAX);
	announce->fact = memory_grow(announce->fact, &announce->fact_capacity, announce->fact_count + 1,
		sizeof(*announce->fact));
	announce->fact[announce->fact_count++] = *fact;
}

/* --- our entry --- */

static bool speaks(const struct announce *announce)
{
	return !announce->options.guest && !announce->departed;
}

/* In proportion to the peers: what a node hears a second stays the same until the cap. See announce.h. */
static msec interval_of(const struct announce *announce)
{
	msec interval = ANNOUNCE_INTERVAL * (msec)announce->catalog->live / ANNOUNCE_SMALL;

	if (interval < ANNOUNCE_INTERVAL)
		return ANNOUNCE_INTERVAL;
	return msec_min(interval, ANNOUNCE_INTERVAL_MAX);
}

static unsigned jitter_percent(msec interval)
{
	msec most = ANNOUNCE_JITTER_MAX * 100 / interval;

	return most < ANNOUNCE_JITTER_PERCENT ? (unsigned)most : ANNOUNCE_JITTER_PERCENT;
}

static void sign(struct announce *announce)
{
	struct version *version = &announce->card.version;
	msec wall = wall_now(announce), interval = interval_of(announce);

	ASSERT(speaks(announce));
	/* A clock that stands still or is set back must not stop our news. */
	version->update = version->update + 1 > (uint64_t)wall ? version->update + 1 : (uint64_t)wall;
	entry_drop(announce->entry);
	announce->entry = entry_sign(&announce->card, announce->options.identity, announce->options.crypto);
	catalog_put_self(announce->catalog, announce->now, announce->entry);
	announce->signed_at = announce->now;
	announce->sign_at = MSEC_NEVER;
	/* Whoever starts knows nobody and so comes back soon: that first round of everybody is what shapes the tree. */
	announce->announce_at = announce->now + rng_jitter(&announce->rng, interval, jitter_percent(interval));
	announce->unsent = true;
	announce_put_fact(
		announce, &(struct announce_fact){.kind = ANNOUNCE_ENTRY_SIGNED, .peer = announce->card.peer});
}

/* A change that was taken back before it was signed is none. */
static void sign_change(struct announce *announce)
{
	announce->sign_at = MSEC_NEVER;
	if (announce->entry == NULL || !card_equal(&announce->card, &announce->entry->card))
		sign(announce);
}

static void flood_own(struct announce *announce, struct outbox *out)
{
	ASSERT(announce->entry != NULL);
	announce->unsent = false;
	announce_gossip_spread(announce, announce->entry, 0, NULL, out);
}

/* A link that was dialled before we left and is up only now: who presented our entry there still lists us. */
static void tell_goodbye(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	const struct catalog_peer *own = peer_table_get(&announce->catalog->peers, &announce->catalog->self);

	if (own != NULL && own->entry->is_goodbye)
		announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_GOSSIP,
			.whole = {{.signed_bytes = blob_bytes(own->entry->signed_bytes)}}, .whole_count = 1}, out);
}

void announce_greet(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	msec age = announce->now - announce->signed_at;

	if (announce->departed) {
		tell_goodbye(announce, link, out);
		return;
	}
	announce_doubts_greet(announce, link, out);
	announce_gossip_greet(announce, link, out);
	if (!speaks(announce) || announce->entry == NULL)
		return;
	if (announce->neighbours.count == 1 && age > FRESH)
		sign(announce);
	if (announce->unsent) {
		flood_own(announce, out);   /* to this one, too */
		return;
	}
	if (age > YOUNG)
		return;
	announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_GOSSIP,
		.whole = {{.signed_bytes = blob_bytes(announce->entry->signed_bytes)}}, .whole_count = 1}, out);
}

/* --- the machine --- */

static void on_linked(void *self, msec now, const struct link *link, struct outbox *out)
{
	struct announce *announce = self;

	advance(announce, now);
	announce_links_linked(announce, link, out);
}

static void on_unlinked(void *self, msec now, link_id link, enum error reason, struct outbox *out)
{
	struct announce *announce = self;

	advance(announce, now);
	announce_links_unlinked(announce, link, reason, out);
}

static enum error dispatch(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	bool is_first_word = message->kind == ANNOUNCE_JOIN || message->kind == ANNOUNCE_NEIGHBOR;

	/* Whoever has no place yet can only ask for one. */
	if (link->state == LINK_WAITING && !is_first_word) {
		announce_links_refuse(link, ERROR_NO_CAPACITY, out);
		return OK;
	}
	announce_doubts_heard(announce, link, out);
	link->has_spoken_last = false;
	switch (message->kind) {
	case ANNOUNCE_GOSSIP:
	case ANNOUNCE_IHAVE:
	case ANNOUNCE_GRAFT:
	case ANNOUNCE_PRUNE:
	case ANNOUNCE_WANT:
		return announce_gossip_receive(announce, link, message, out);
	case ANNOUNCE_JOIN:
	case ANNOUNCE_FORWARD_JOIN:
	case ANNOUNCE_NEIGHBOR:
	case ANNOUNCE_SHUFFLE:
	case ANNOUNCE_SHUFFLE_REPLY:
		announce_views_receive(announce, link, message, out);
		return OK;
	case ANNOUNCE_PING:
	case ANNOUNCE_PROBE:
	case ANNOUNCE_PROBED:
	case ANNOUNCE_SUSPECT:
		announce_doubts_receive(announce, link, message, out);
		return OK;
	}
	return ERROR_MALFORMED;
}

static enum error on_receive(void *self, msec now, link_id id, struct blob *message, struct outbox *out)
{
	struct announce *announce = self;
	struct announce_link *link = number_table_get(&announce->links, id);
	struct announce_message in;
	enum error error;

	ASSERT(link != NULL && link->state != LINK_DIALLING);
	advance(announce, now);
	announce->counters.messages_received++;
	announce->counters.bytes_received += blob_size(message);
	if (link->state == LINK_CLOSING)
		return OK;
	error = announce_wire_get(blob_bytes(message), &in);
	if (error != OK)
		return error;
	return dispatch(announce, link, &in, out);
}

static void on_sent(void *self, link_id id, size_t bytes, struct outbox *out)
{
	struct announce *announce = self;
	struct announce_link *link = number_table_get(&announce->links, id);

	ASSERT(link != NULL);
	link->outstanding -= bytes < link->outstanding ? bytes : link->outstanding;
	/* As of the last time we were told, which is not before the message was sent. */
	if (link->state != LINK_UP)
		return;
	announce_doubts_heard(announce, link, out);
	link->has_spoken_last = true;
}

static void on_tick(void *self, msec now, struct outbox *out)
{
	struct announce *announce = self;

	advance(announce, now);
	announce_links_tick(announce, out);
	announce_doubts_tick(announce, out);
	if (speaks(announce)) {
		if (announce->announce_at <= announce->now)
			sign(announce);
		else if (announce->sign_at <= announce->now)
			sign_change(announce);
		if (announce->unsent)
			flood_own(announce, out);
	}
	broadcast_tick(&announce->broadcast, announce->now);
	announce_gossip_carry_out(announce, out);
	announce_views_tick(announce, out);
	announce_contacts_tick(announce, out);
	announce_strangers_tick(announce, out);
}

static msec on_deadline(const void *self)
{
	const struct announce *announce = self;
	msec due = announce_contacts_deadline(announce);

	due = msec_min(due, broadcast_deadline(&announce->broadcast));
	due = msec_min(due, announce_doubts_deadline(announce));
	due = msec_min(due, announce_links_deadline(announce));
	due = msec_min(due, announce_strangers_deadline(announce));
	if (announce->neighbours.count > 0)
		due = msec_min(due, announce->shuffle_at);
	if (!speaks(announce))
		return due;
	if (announce->unsent)
		return announce->now;
	return msec_min(due, msec_min(announce->sign_at, announce->announce_at));
}

static void on_check(const void *self)
{
	const struct announce *announce = self;

	card_check(&announce->card);
	ASSERT(id_equal(&announce->card.peer, &announce->catalog->self));
	ASSERT(id_equal(&announce->card.network, &announce->catalog->network));
	ASSERT(announce->fact_first <= announce->fact_count && announce->fact_count <= FACTS_MAX);
	ASSERT(!announce->options.guest || (announce->entry == NULL && announce->neighbours.count == 0));
	if (announce->entry != NULL)
		ASSERT(version_compare(&announce->entry->card.version, &announce->card.version) == 0);
	ASSERT(announce->broadcast.branches.count == announce->neighbours.count);
	ASSERT(announce->asker_count <= ASKERS_MAX);
	membership_check(&announce->membership);
	broadcast_check(&announce->broadcast);
	suspicion_check(&announce->suspicion);
	announce_links_check(announce);
	announce_contacts_check(announce);
	announce_strangers_check(announce);
}

const struct machine_ops announce_ops = {
	.protocol = PROTOCOL_ANNOUNCE,
	.credit_at_once = true,
	.linked = on_linked,
	.unlinked = on_unlinked,
	.receive = on_receive,
	.sent = on_sent,
	.tick = on_tick,
	.deadline = on_deadline,
	.check = on_check,
};

/* --- for its owner --- */

struct announce *announce_new(const struct announce_options *options, msec now, msec wall)
{
	struct announce *announce = memory_new(sizeof(*announce));

	ASSERT(now >= 0 && wall >= 0);
	ASSERT(id_equal(&options->identity->public_key, &options->catalog->self));
	announce->options = *options;
	announce->catalog = options->catalog;
	rng_init(&announce->rng, options->seed);
	announce->now = announce->wall_at = now;
	announce->wall = wall;
	announce->card.network = options->catalog->network;
	announce->card.peer = options->catalog->self;
	announce->card.version.start = (uint64_t)wall;
	announce->sign_at = options->guest ? MSEC_NEVER : now;
	announce->announce_at = MSEC_NEVER;
	announce->shuffle_at = now + rng_jitter(&announce->rng, ANNOUNCE_SHUFFLE_INTERVAL, ANNOUNCE_JITTER_PERCENT);
	announce_contacts_init(announce);
	announce_strangers_init(announce);
	return announce;
}

void announce_free(struct announce *announce)
{
	if (announce == NULL)
		return;
	announce_links_free(announce);
	broadcast_fini(&announce->broadcast);
	suspicion_fini(&announce->suspicion);
	announce_contacts_free(announce);
	announce_strangers_free(announce);
	card_fini(&announce->card);
	entry_drop(announce->entry);
	memory_free(announce->fact);
	memory_free(announce);
}

void announce_set_wall(struct announce *announce, msec now, msec wall)
{
	ASSERT(wall >= 0);
	advance(announce, now);
	announce->wall = wall;
	announce->wall_at = announce->now;
}

struct card *announce_card(struct announce *announce)
{
	return &announce->card;
}

void announce_changed(struct announce *announce, msec now)
{
	advance(announce, now);
	if (speaks(announce))
		announce->sign_at = msec_min(announce->sign_at, announce->now + ANNOUNCE_COALESCE);
}

struct entry *announce_entry(struct announce *announce, msec now)
{
	advance(announce, now);
	if (speaks(announce) && announce->sign_at != MSEC_NEVER)
		sign_change(announce);
	return announce->entry;
}

void announce_add_bootstrap(struct announce *announce, msec now, const struct dial *dial)
{
	advance(announce, now);
	if (!announce->options.guest)
		announce_contacts_add(announce, CONTACT_BOOTSTRAP, dial);
}

static bool is_busy_with(const struct announce *announce, const struct dial *dial)
{
	if (id_is_zero(&dial->peer))
		return false;
	if (id_table_get(&announce->neighbours, &dial->peer) != NULL || id_equal(&dial->peer, &announce->catalog->self))
		return true;
	for (size_t i = 0; i < announce->contact_count; i++)
		if (announce->contact[i]->link != 0 && id_equal(&announce->contact[i]->answered, &dial->peer))
			return true;
	return false;
}

void announce_add_hint(struct announce *announce, msec now, const struct dial *dial, struct outbox *out)
{
	advance(announce, now);
	if (announce->options.guest || is_busy_with(announce, dial))
		return;
	announce_contacts_add(announce, CONTACT_ONCE, dial);
	announce_links_dial(announce, announce->contact[announce->contact_count - 1], out);
}

/*
 * A lot of it: catalogs of two parts of a young network meet, and the tree, which has not been where it comes from, brings
 * none of it. To be asked for each by name would take its neighbours a second, and theirs another.
 */
static bool is_flood(struct announce *announce)
{
	if (announce->now - announce->flood_at > FLOOD_SPAN) {
		announce->flood_at = announce->now;
		announce->flood_count = 0;
	}
	return ++announce->flood_count > FLOOD;
}

bool announce_spread_from(struct announce *announce, const struct id *from, struct entry *news, struct outbox *out)
{
	suspicion_refuted(&announce->suspicion, &news->card.peer, &news->card.version);
	if (news->signed_bytes == NULL || announce->options.guest)
		return true;
	/* Neighbours would take an old one for a skewed clock. The exchange brings it to them. */
	if (!news->is_goodbye && !announce_gossip_is_young(announce, &news->card.version))
		return false;
	if (from != NULL && !is_flood(announce))
		announce_gossip_offer(announce, news, from, out);
	else
		announce_gossip_spread(announce, news, 0, from, out);
	return true;
}

void announce_spread(struct announce *announce, struct entry *news, struct outbox *out)
{
	(void)announce_spread_from(announce, NULL, news, out);
}

void announce_heard(struct announce *announce, msec now, const struct id *peer, struct outbox *out)
{
	struct announce_link *link = id_table_get(&announce->neighbours, peer);

	advance(announce, now);
	if (link != NULL)
		announce_doubts_heard(announce, link, out);
}

void announce_outdo(struct announce *announce, msec now, const struct version *rival)
{
	advance(announce, now);
	if (!speaks(announce) || version_compare(rival, &announce->card.version) <= 0)
		return;
	announce->card.version.start = rival->start + 1;
	sign(announce);
}

void announce_depart(struct announce *announce, msec now, struct outbox *out)
{
	struct entry *goodbye;
	struct blob *message;

	advance(announce, now);
	if (!speaks(announce))
		return;
	announce->departed = true;
	announce->unsent = false;
	if (announce->entry == NULL)
		return;   /* nobody has heard of us */
	/* It bears the version of the last entry, so it ends that one and no later life of ours. */
	goodbye = entry_sign_goodbye(&announce->entry->card, announce->options.identity, announce->options.crypto);
	catalog_put_self(announce->catalog, announce->now, goodbye);
	message = announce_wire_put(&(struct announce_message){.kind = ANNOUNCE_GOSSIP,
		.whole = {{.signed_bytes = blob_bytes(goodbye->signed_bytes)}}, .whole_count = 1});
	announce_links_flood(announce, NULL, NULL, message, out);   /* whole to all: nobody can graft it from us later */
	blob_drop(message);
	entry_drop(goodbye);
}

bool announce_next_fact(struct announce *announce, struct announce_fact *fact)
{
	if (announce->fact_first == announce->fact_count)
		return false;
	*fact = announce->fact[announce->fact_first++];
	return true;
}

struct announce_counters announce_count(const struct announce *announce)
{
	return announce->counters;
}

size_t announce_neighbours(const struct announce *announce)
{
	return announce->neighbours.count;
}
