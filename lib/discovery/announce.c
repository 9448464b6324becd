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
#include "wire/cbor.h"
#include "wire/limits.h"
#include "wire/protocol.h"

#include <inttypes.h>
#include <string.h>

#define MESSAGE_ENTRY 1
#define YOUNG (ANNOUNCE_DRIFT_MAX / 2)   /* msec; the way to the neighbour may take as long again */
#define FRESH 2000                       /* msec; as good as just signed */
#define GOODBYE_AGE_MAX (ANNOUNCE_DRIFT_MAX + 2 * ANNOUNCE_INTERVAL)   /* it has the version of the last entry */
#define FACTS_MAX 1024                   /* the owner pulls them after each call */

static const char protocol[] = "announce";

/* --- small things --- */

static msec wall_now(const struct announce *announce)
{
	return announce->wall + (announce->now - announce->wall_at);
}

/* Time goes on with every call; the tests of a driver may hand in the same instant many times. */
static void advance(struct announce *announce, msec now)
{
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

static struct blob *message_of(const struct entry *entry)
{
	struct buffer out = {0};
	struct blob *message;

	ASSERT(entry->signed_bytes != NULL);
	cbor_put_array(&out, 2);
	cbor_put_uint(&out, MESSAGE_ENTRY);
	cbor_put_bytes(&out, blob_bytes(entry->signed_bytes));
	message = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	ASSERT(blob_size(message) <= FRAME_ANNOUNCE_MAX);
	return message;
}

static void flood(struct announce *announce, const struct id *from, const struct entry *entry, struct outbox *out)
{
	struct blob *message;

	if (announce->neighbours.count == 0)
		return;
	message = message_of(entry);
	announce_links_flood(announce, from, &entry->card.peer, message, out);
	blob_drop(message);
}

/* --- our entry --- */

static bool speaks(const struct announce *announce)
{
	return !announce->options.guest && !announce->departed;
}

static void sign(struct announce *announce)
{
	struct version *version = &announce->card.version;
	msec wall = wall_now(announce);

	ASSERT(speaks(announce));
	/* A clock that stands still or is set back must not stop our news. */
	version->update = version->update + 1 > (uint64_t)wall ? version->update + 1 : (uint64_t)wall;
	entry_drop(announce->entry);
	announce->entry = entry_sign(&announce->card, announce->options.identity, announce->options.crypto);
	catalog_put_self(announce->catalog, announce->now, announce->entry);
	announce->signed_at = announce->now;
	announce->sign_at = MSEC_NEVER;
	announce->announce_at = announce->now + rng_jitter(&announce->rng, ANNOUNCE_INTERVAL, ANNOUNCE_JITTER_PERCENT);
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
	flood(announce, NULL, announce->entry, out);
}

void announce_greet(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	msec age = announce->now - announce->signed_at;
	struct blob *message;

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
	message = message_of(announce->entry);
	announce_links_send(link, message, out);
	blob_drop(message);
}

/* --- what others say --- */

/* How far the clock that made this version is ahead of ours. */
static msec drift_of(const struct announce *announce, const struct version *version)
{
	uint64_t wall = (uint64_t)wall_now(announce);
	uint64_t apart = version->update > wall ? version->update - wall : wall - version->update;

	if (apart > (uint64_t)MSEC_NEVER)
		apart = (uint64_t)MSEC_NEVER;
	return version->update > wall ? (msec)apart : -(msec)apart;
}

static bool is_within(msec drift, msec most)
{
	return drift <= most && drift >= -most;
}

static void name_skew(const struct announce *announce, struct announce_link *link, const struct id *peer, msec drift)
{
	char text[ID_SHORT_SIZE];

	if (link->skew_named)
		return;   /* once a link: it says it again every 15 s */
	link->skew_named = true;
	id_format_short(peer, text);
	log_event(announce->options.log, LOG_WARN, announce->now, protocol,
		"skewed-clock peer=%s clock %" PRId64 " s %s", text, (drift < 0 ? -drift : drift) / 1000,
		drift < 0 ? "behind" : "ahead");
}

/* Is this news as young as an announcement has to be? */
static bool is_timely(const struct announce *announce, struct announce_link *link, const struct entry_head *head)
{
	msec drift = drift_of(announce, &head->version);
	struct version known;
	bool is_goodbye;

	if (!head->is_goodbye) {
		if (is_within(drift, ANNOUNCE_DRIFT_MAX))
			return true;
		name_skew(announce, link, &head->peer, drift);
		return false;
	}
	/* A goodbye of a peer we know ends what we know, however old that is; one of a stranger might be a replay. */
	return catalog_version(announce->catalog, &head->peer, &known, &is_goodbye) ||
		is_within(drift, GOODBYE_AGE_MAX);
}

static void pass_on(struct announce *announce, const struct id *from, struct entry *news, struct outbox *out)
{
	flood(announce, from, news, out);
	if (news->is_goodbye)
		announce_links_part(announce, &news->card.peer, out);
}

/* A newer node may say what we do not understand; one that says much of it is broken or hostile. */
static enum error strike(const struct announce *announce, struct announce_link *link)
{
	char text[ID_SHORT_SIZE];

	id_format_short(&link->link.peer, text);
	log_event(announce->options.log, LOG_DEBUG, announce->now, protocol, "bad-entry from=%s", text);
	return ++link->bad > ANNOUNCE_BAD_MAX ? ERROR_MALFORMED : OK;
}

static enum error receive_entry(struct announce *announce, struct announce_link *link, struct bytes signed_bytes,
	struct outbox *out)
{
	enum catalog_result result;
	struct entry_head head;
	struct entry *entry = NULL;
	struct id from = link->link.peer;   /* a goodbye may end the link */

	/* Only news is judged by its clock: what another way has brought before is neither named nor passed on. */
	if (entry_peek(signed_bytes, &head) == OK) {
		result = catalog_judge(announce->catalog, &head, true);
		if ((result == CATALOG_NEW || result == CATALOG_UPDATED || result == CATALOG_LEFT) &&
			!is_timely(announce, link, &head))
			return OK;
	}
	if (catalog_put_signed(announce->catalog, announce->now, signed_bytes, &result, &entry) != OK ||
		result == CATALOG_FOREIGN)
		return strike(announce, link);
	if (entry != NULL)
		pass_on(announce, &from, entry, out);
	return OK;
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

static enum error on_receive(void *self, msec now, link_id id, struct blob *message, struct outbox *out)
{
	struct announce *announce = self;
	struct announce_link *link = number_table_get(&announce->links, id);
	struct cbor in;
	struct bytes signed_bytes;
	uint64_t kind;

	ASSERT(link != NULL && link->state != LINK_DIALLING);
	advance(announce, now);
	if (link->state == LINK_CLOSING)
		return OK;
	cbor_init(&in, blob_bytes(message));
	cbor_array_of(&in, 2);
	kind = cbor_uint(&in);
	signed_bytes = cbor_bytes(&in);
	if (cbor_end(&in) != OK || kind != MESSAGE_ENTRY)
		return ERROR_MALFORMED;
	return receive_entry(announce, link, signed_bytes, out);
}

static void on_sent(void *self, link_id id, size_t bytes, struct outbox *out)
{
	struct announce *announce = self;
	struct announce_link *link = number_table_get(&announce->links, id);

	(void)out;
	ASSERT(link != NULL);
	link->outstanding -= bytes < link->outstanding ? bytes : link->outstanding;
}

static void on_tick(void *self, msec now, struct outbox *out)
{
	struct announce *announce = self;

	advance(announce, now);
	if (speaks(announce)) {
		if (announce->announce_at <= announce->now)
			sign(announce);
		else if (announce->sign_at <= announce->now)
			sign_change(announce);
		if (announce->unsent)
			flood_own(announce, out);
	}
	announce_contacts_tick(announce, out);
}

static msec on_deadline(const void *self)
{
	const struct announce *announce = self;
	msec due = announce_contacts_deadline(announce);

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
	announce_links_check(announce);
	announce_contacts_check(announce);
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
	announce_contacts_init(announce);
	return announce;
}

void announce_free(struct announce *announce)
{
	if (announce == NULL)
		return;
	announce_links_free(announce);
	announce_contacts_free(announce);
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

void announce_spread_from(struct announce *announce, const struct id *from, struct entry *news, struct outbox *out)
{
	if (news->signed_bytes == NULL || announce->options.guest)
		return;
	/* Neighbours would take an old one for a skewed clock. The exchange brings it to them. */
	if (news->is_goodbye || is_within(drift_of(announce, &news->card.version), ANNOUNCE_DRIFT_MAX))
		pass_on(announce, from, news, out);
}

void announce_spread(struct announce *announce, struct entry *news, struct outbox *out)
{
	announce_spread_from(announce, NULL, news, out);
}

void announce_depart(struct announce *announce, msec now, struct outbox *out)
{
	struct entry *goodbye;

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
	flood(announce, NULL, goodbye, out);
	entry_drop(goodbye);
}

bool announce_next_fact(struct announce *announce, struct announce_fact *fact)
{
	if (announce->fact_first == announce->fact_count)
		return false;
	*fact = announce->fact[announce->fact_first++];
	return true;
}

size_t announce_neighbours(const struct announce *announce)
{
	return announce->neighbours.count;
}

bool announce_neighbour(const struct announce *announce, size_t n, struct id *peer)
{
	if (n >= announce->neighbours.count)
		return false;
	*peer = announce->neighbours.slot[n].key;
	return true;
}
