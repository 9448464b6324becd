/*
 * catalog.c - see catalog.h.
 *
 * For one peer, what can be known is ordered: by version, and a goodbye comes after the entry whose version it bears.
 *
 *      entry v1  <  goodbye v1  <  entry v2  <  entry v3  <  goodbye v3
 *
 * Only what comes later than what is here is news; so whatever way and how often an entry travels, every catalog ends
 * with the same one, and a flood of it ends when everybody has it. An unsigned entry (put by hand) is before all
 * signed ones.
 */
#include "discovery/catalog.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

#define RTT_MAX ((UINT32_C(1) << 30) - 1)   /* microseconds */

static const char protocol[] = "catalog";

void catalog_init(struct catalog *catalog, const struct id *network, const struct id *self, const struct crypto *crypto,
	const struct log *log)
{
	*catalog = (struct catalog){.network = *network, .self = *self, .crypto = crypto, .log = log};
	catalog->purge_after = CATALOG_PURGE_AFTER;
	catalog->oldest = MSEC_NEVER;
	catalog->wall_ahead = MSEC_NEVER;
}

void catalog_fini(struct catalog *catalog)
{
	struct catalog_event event;

	while (catalog_next_event(catalog, &event))
		entry_drop(event.entry);
	for (size_t i = 0; i < catalog->peers.count; i++)
		entry_drop(peer_table_at(&catalog->peers, i)->entry);
	peer_table_fini(&catalog->peers);
	entry_drop(catalog->rival_entry);
	catalog->rival_entry = NULL;
	catalog->live = 0;
}

/* --- events --- */

static void push_event(struct catalog *catalog, enum catalog_event_kind kind, struct entry *entry)
{
	size_t at;

	ASSERT(!entry->is_goodbye);
	if (id_equal(&entry->card.peer, &catalog->self))
		return;   /* nobody discovers himself */
	/* A reader that sleeps loses the oldest: the newest state of a peer is worth more. */
	if (catalog->event_count == CATALOG_EVENTS_MAX) {
		entry_drop(catalog->event[catalog->event_first].entry);
		catalog->event_first = (catalog->event_first + 1) % CATALOG_EVENTS_MAX;
		catalog->event_count--;
		catalog->events_lost++;
	}
	at = (catalog->event_first + catalog->event_count) % CATALOG_EVENTS_MAX;
	catalog->event[at] = (struct catalog_event){.kind = kind, .entry = entry_keep(entry)};
	catalog->event_count++;
}

static void log_peer(const struct catalog *catalog, msec now, const char *what, const struct id *peer)
{
	char text[ID_SHORT_SIZE];

	if (!log_wants(catalog->log, LOG_DEBUG))
		return;
	id_format_short(peer, text);
	log_event(catalog->log, LOG_DEBUG, now < 0 ? 0 : now, protocol, "%s peer=%s", what, text);
}

/* --- what is news --- */

static struct entry_label head_of(const struct entry *entry)
{
	return (struct entry_label){.is_goodbye = entry->is_goodbye, .network = entry->card.network,
		.peer = entry->card.peer, .version = entry->card.version};
}

static int head_compare(const struct entry_label *a, const struct entry_label *b)
{
	int order = version_compare(&a->version, &b->version);

	return order != 0 ? order : (int)a->is_goodbye - (int)b->is_goodbye;
}

enum catalog_result catalog_judge(const struct catalog *catalog, const struct entry_label *head, bool is_signed)
{
	const struct catalog_peer *known = peer_table_get(&catalog->peers, &head->peer);
	struct entry_label ours;
	bool known_signed;
	int order;

	if (!id_equal(&head->network, &catalog->network))
		return CATALOG_FOREIGN;
	if (id_equal(&head->peer, &catalog->self))
		return CATALOG_REFUSED;
	if (known == NULL) {
		if (catalog->peers.count >= CATALOG_PEERS_MAX)
			return CATALOG_REFUSED;
		return head->is_goodbye ? CATALOG_LEFT : CATALOG_NEW;
	}
	known_signed = known->entry->signed_bytes != NULL;
	ours = head_of(known->entry);
	order = known_signed == is_signed ? head_compare(head, &ours) : (int)is_signed - (int)known_signed;
	if (order <= 0)
		return order == 0 ? CATALOG_KNOWN : CATALOG_OLDER;
	if (head->is_goodbye)
		return CATALOG_LEFT;
	return known->entry->is_goodbye || known->is_suspected ? CATALOG_NEW : CATALOG_UPDATED;
}

/* Somebody else speaks for us, with a good signature. Ours from before a restart are older, and no surprise. */
static void meet_rival(struct catalog *catalog, msec now, struct entry *entry)
{
	const struct catalog_peer *own = peer_table_get(&catalog->peers, &catalog->self);
	struct entry_label theirs = head_of(entry), *head = &theirs;
	struct entry_label ours;

	if (own == NULL)
		return;
	ours = head_of(own->entry);
	if (head_compare(head, &ours) <= 0 || version_compare(&head->version, &catalog->rival) <= 0)
		return;
	catalog->rival = head->version;
	entry_drop(catalog->rival_entry);
	catalog->rival_entry = entry_keep(entry);
	log_event(catalog->log, LOG_WARN, now < 0 ? 0 : now, protocol,
		"duplicate-identity another process signs with our key, or our clock was set back");
}

/* --- changing --- */

static bool is_news(enum catalog_result result)
{
	return result == CATALOG_NEW || result == CATALOG_UPDATED || result == CATALOG_LEFT;
}

static bool says_the_same(const struct entry *before, const struct entry *after)
{
	return before->card.version.start == after->card.version.start && card_equal(&before->card, &after->card);
}

static void tell(struct catalog *catalog, struct entry *before, struct entry *after)
{
	bool was_live = before != NULL && !before->is_goodbye;

	if (after == NULL || after->is_goodbye) {
		if (was_live)
			push_event(catalog, PEER_DEPARTED, before);
	} else if (!was_live) {
		push_event(catalog, PEER_DISCOVERED, after);
	} else if (!says_the_same(before, after)) {
		push_event(catalog, PEER_UPDATED, after);
	}
}

static uint32_t span_between(const struct entry *before, const struct entry *after)
{
	uint64_t span = after->card.version.update - before->card.version.update;

	return span <= UINT32_MAX ? (uint32_t)span : 0;
}

/* `entry` takes the place of what is known of its peer. */
static void replace(struct catalog *catalog, msec heard_at, struct entry *entry)
{
	struct catalog_peer *peer = peer_table_get(&catalog->peers, &entry->card.peer);
	struct entry *before = NULL;

	if (peer == NULL) {
		peer = peer_table_add(&catalog->peers, entry_keep(entry));
		peer->heard_at = heard_at;
	} else {
		before = peer->entry;
		peer->entry = entry_keep(entry);
	}
	/* A newer version that took longer to get here does not make its peer older. */
	if (heard_at > peer->heard_at)
		peer->heard_at = heard_at;
	/* Whoever is thought dead has departed already; this brings it back, or confirms it. */
	if (before != NULL && !before->is_goodbye && !peer->is_suspected)
		catalog->live--;
	if (!entry->is_goodbye)
		catalog->live++;
	if (!id_equal(&entry->card.peer, &catalog->self))
		catalog->oldest = msec_min(catalog->oldest, peer->heard_at);
	catalog->revision++;
	tell(catalog, peer->is_suspected ? NULL : before, entry);
	peer->is_refresh = before != NULL && !before->is_goodbye && !entry->is_goodbye && !peer->is_suspected &&
		says_the_same(before, entry);
	peer->before = peer->is_refresh ? span_between(before, entry) : 0;
	peer->is_suspected = false;
	entry_drop(before);
}

enum catalog_result catalog_put(struct catalog *catalog, msec heard_at, struct entry *entry)
{
	struct entry_label head = head_of(entry);
	enum catalog_result result = catalog_judge(catalog, &head, entry->signed_bytes != NULL);

	ASSERT(!entry->is_goodbye || entry->signed_bytes != NULL);
	if (id_equal(&head.peer, &catalog->self) && entry->signed_bytes != NULL)
		meet_rival(catalog, heard_at, entry);
	if (is_news(result)) {
		replace(catalog, heard_at, entry);
		log_peer(catalog, heard_at, result == CATALOG_NEW ? "new" : result == CATALOG_LEFT ? "left" : "updated",
			&head.peer);
	}
	return result;
}

void catalog_put_self(struct catalog *catalog, msec now, struct entry *entry)
{
	const struct catalog_peer *own = peer_table_get(&catalog->peers, &catalog->self);
	struct entry_label head = head_of(entry);

	ASSERT(id_equal(&head.peer, &catalog->self) && id_equal(&head.network, &catalog->network));
	if (own != NULL) {
		struct entry_label before = head_of(own->entry);

		ASSERT(head_compare(&head, &before) > 0);
	}
	replace(catalog, now, entry);
}

enum error catalog_peek(const struct catalog *catalog, struct bytes signed_bytes, struct entry_label *out)
{
	const struct entry *shared = entry_pool_find(catalog->pool, signed_bytes);

	if (shared == NULL)
		return entry_peek(signed_bytes, out);
	*out = head_of(shared);
	return OK;
}

static enum error decode(struct catalog *catalog, struct bytes signed_bytes, struct entry **out)
{
	struct entry *shared = entry_pool_find(catalog->pool, signed_bytes);
	enum error error = OK;

	if (shared != NULL) {
		*out = entry_keep(shared);
		return OK;
	}
	error = entry_decode(signed_bytes, catalog->crypto, out);
	if (error == OK)
		entry_pool_add(catalog->pool, *out);
	return error;
}

enum error catalog_put_signed(struct catalog *catalog, msec heard_at, struct bytes signed_bytes,
	enum catalog_result *result, struct entry **entry)
{
	struct entry_label head;
	struct entry *decoded;
	enum error error = catalog_peek(catalog, signed_bytes, &head);
	bool about_self;

	if (error != OK) {
		catalog->entries_refused++;
		return error;
	}
	*result = catalog_judge(catalog, &head, true);
	about_self = *result == CATALOG_REFUSED && id_equal(&head.peer, &catalog->self);
	if (*result == CATALOG_FOREIGN)
		catalog->entries_refused++;
	/* A claim in our own name is looked at closely once; a flood brings the rest of news many times over. */
	if (!is_news(*result) && !(about_self && version_compare(&head.version, &catalog->rival) > 0))
		return OK;
	error = decode(catalog, signed_bytes, &decoded);
	if (error != OK) {
		catalog->entries_refused++;
		return error;
	}
	*result = catalog_put(catalog, heard_at, decoded);
	if (entry != NULL && is_news(*result))
		*entry = decoded;   /* the catalog's own reference keeps it */
	entry_drop(decoded);
	return OK;
}

bool catalog_suspect(struct catalog *catalog, msec now, const struct id *id, const struct version *version)
{
	struct catalog_peer *peer = peer_table_get(&catalog->peers, id);

	if (peer == NULL || peer->entry->is_goodbye || peer->is_suspected || peer->entry->signed_bytes == NULL ||
		id_equal(id, &catalog->self) || version_compare(&peer->entry->card.version, version) > 0)
		return false;
	peer->is_suspected = true;
	catalog->live--;
	catalog->revision++;
	push_event(catalog, PEER_DEPARTED, peer->entry);
	log_peer(catalog, now, "dead", id);
	return true;
}

/* --- reading --- */

const struct catalog_peer *catalog_find(const struct catalog *catalog, const struct id *peer)
{
	const struct catalog_peer *found = peer_table_get(&catalog->peers, peer);

	return found != NULL && !found->entry->is_goodbye && !found->is_suspected ? found : NULL;
}

const struct catalog_peer *catalog_next(const struct catalog *catalog, size_t *at)
{
	while (*at < catalog->peers.count) {
		const struct catalog_peer *peer = peer_table_at(&catalog->peers, (*at)++);

		if (!peer->entry->is_goodbye && !peer->is_suspected)
			return peer;
	}
	return NULL;
}

bool catalog_version(const struct catalog *catalog, const struct id *peer, struct version *version, bool *is_goodbye)
{
	const struct catalog_peer *known = peer_table_get(&catalog->peers, peer);

	if (known == NULL || known->entry->signed_bytes == NULL)
		return false;
	*version = known->entry->card.version;
	*is_goodbye = known->entry->is_goodbye;
	return true;
}

void catalog_set_wall(struct catalog *catalog, msec now, msec wall)
{
	catalog->wall_ahead = wall - now;
}

msec catalog_wall(const struct catalog *catalog, msec now)
{
	return catalog->wall_ahead == MSEC_NEVER ? MSEC_NEVER : now + catalog->wall_ahead;
}

uint64_t catalog_cut(const struct catalog *catalog, msec now)
{
	if (catalog->wall_ahead == MSEC_NEVER || now + catalog->wall_ahead < CATALOG_SETTLE)
		return 0;
	return (uint64_t)(now + catalog->wall_ahead - CATALOG_SETTLE);
}

/* What counts of a peer at the cut. false: nothing does. */
static bool mark_at(const struct catalog_peer *peer, uint64_t cut, struct entry_mark *mark)
{
	const struct entry *entry = peer->entry;
	struct version version = entry->card.version;

	if (entry->signed_bytes == NULL || entry->is_goodbye)
		return false;
	*mark = entry->mark;
	if (peer->before > 0 && version.update > cut && version.update - peer->before <= cut) {
		version.update -= peer->before;
		*mark = entry_mark(&entry->card.peer, &version);
	}
	return true;
}

struct catalog_digest catalog_digest(const struct catalog *catalog, uint64_t cut)
{
	struct catalog_digest digest = {{0}};
	struct entry_mark mark;

	for (size_t i = 0; i < catalog->peers.count; i++) {
		if (!mark_at(peer_table_at(&catalog->peers, i), cut, &mark))
			continue;
		digest.part[0] += mark.part[0];
		digest.part[1] += mark.part[1];
	}
	return digest;
}

bool catalog_digest_equal(const struct catalog_digest *a, const struct catalog_digest *b)
{
	return a->part[0] == b->part[0] && a->part[1] == b->part[1];
}

void catalog_sums(const struct catalog *catalog, uint64_t cut, unsigned bits, uint64_t *sum)
{
	struct entry_mark mark;

	ASSERT(bits > 0 && bits < 32);
	memset(sum, 0, sizeof(*sum) << bits);
	for (size_t i = 0; i < catalog->peers.count; i++)
		if (mark_at(peer_table_at(&catalog->peers, i), cut, &mark))
			sum[bytes_get_be32(peer_table_id(&catalog->peers, i)->byte) >> (32 - bits)] += mark.part[0];
}

void catalog_set_rtt(struct catalog *catalog, const struct id *peer, uint64_t rtt_us)
{
	struct catalog_peer *known = peer_table_get(&catalog->peers, peer);

	if (known != NULL)
		known->rtt_us = rtt_us < RTT_MAX ? (uint32_t)rtt_us & RTT_MAX : RTT_MAX;
}

/* --- forgetting --- */

static bool is_stale(const struct catalog *catalog, const struct catalog_peer *peer, msec now)
{
	return !id_equal(&peer->entry->card.peer, &catalog->self) && now - peer->heard_at >= catalog->purge_after;
}

static void drop(struct catalog *catalog, msec now, const struct id *id)
{
	const struct catalog_peer *peer = peer_table_get(&catalog->peers, id);

	ASSERT(peer != NULL);
	ASSERT(!id_equal(id, &catalog->self));
	log_peer(catalog, now, peer->entry->is_goodbye ? "forgotten" : "purged", id);
	if (!peer->entry->is_goodbye && !peer->is_suspected)
		catalog->live--;
	catalog->revision++;
	tell(catalog, peer->is_suspected ? NULL : peer->entry, NULL);
	entry_drop(peer_table_remove(&catalog->peers, id));
}

void catalog_forget(struct catalog *catalog, msec now, const struct id *peer)
{
	struct id id = *peer;   /* it may be a key of the table that shrinks */

	if (peer_table_get(&catalog->peers, &id) != NULL)
		drop(catalog, now, &id);
}

void catalog_purge(struct catalog *catalog, msec now)
{
	if (now < catalog_deadline(catalog))
		return;
	catalog->oldest = MSEC_NEVER;
	/* Downwards: what is removed moves only what was looked at already. */
	for (size_t i = catalog->peers.count; i-- > 0;) {
		struct id id = *peer_table_id(&catalog->peers, i);
		const struct catalog_peer *peer = peer_table_at(&catalog->peers, i);

		if (is_stale(catalog, peer, now))
			drop(catalog, now, &id);
		else if (!id_equal(&id, &catalog->self))
			catalog->oldest = msec_min(catalog->oldest, peer->heard_at);
	}
}

msec catalog_deadline(const struct catalog *catalog)
{
	return catalog->oldest == MSEC_NEVER ? MSEC_NEVER : catalog->oldest + catalog->purge_after;
}

struct entry *catalog_take_rival(struct catalog *catalog)
{
	struct entry *rival = catalog->rival_entry;

	catalog->rival_entry = NULL;
	return rival;
}

bool catalog_next_event(struct catalog *catalog, struct catalog_event *event)
{
	if (catalog->event_count == 0)
		return false;
	*event = catalog->event[catalog->event_first];
	catalog->event_first = (catalog->event_first + 1) % CATALOG_EVENTS_MAX;
	catalog->event_count--;
	return true;
}

/* --- invariants --- */

static void check_peer(const struct catalog *catalog, const struct id *id, const struct catalog_peer *peer)
{
	const struct entry *entry = peer->entry;

	ASSERT(entry != NULL && entry->references > 0);
	ASSERT(id_equal(id, &entry->card.peer));
	ASSERT(id_equal(&entry->card.network, &catalog->network));
	ASSERT(!entry->is_goodbye || entry->signed_bytes != NULL);
	card_check(&entry->card);
	if (!id_equal(id, &catalog->self))
		ASSERT(peer->heard_at >= catalog->oldest);
}

void catalog_check(const struct catalog *catalog)
{
	size_t live = 0;

	ASSERT(catalog->peers.count <= CATALOG_PEERS_MAX + 1);   /* our own entry always has room */
	for (size_t i = 0; i < catalog->peers.count; i++) {
		const struct catalog_peer *peer = peer_table_at(&catalog->peers, i);

		check_peer(catalog, peer_table_id(&catalog->peers, i), peer);
		live += !peer->entry->is_goodbye && !peer->is_suspected;
		ASSERT(!peer->is_suspected || (!peer->entry->is_goodbye && peer->entry->signed_bytes != NULL));
	}
	ASSERT(live == catalog->live);
	ASSERT(catalog->event_first < CATALOG_EVENTS_MAX && catalog->event_count <= CATALOG_EVENTS_MAX);
	for (size_t i = 0; i < catalog->event_count; i++)
		ASSERT(catalog->event[(catalog->event_first + i) % CATALOG_EVENTS_MAX].entry != NULL);
}
