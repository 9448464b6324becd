/*
 * announce_gossip.c - entries and goodbyes of others: judged by the catalog and the clock, spread over the tree.
 *
 *     GOSSIP  news      --> catalog --> broadcast_news        (whole to eager branches, named to lazy ones)
 *             known     --> broadcast_duplicate               (PRUNE)
 *     IHAVE   would be news --> broadcast_named               (later: GRAFT)
 *     GRAFT, WANT --> the newest the catalog has of that peer
 */
#include "base/check.h"
#include "base/memory.h"
#include "discovery/announce_internal.h"
#include "wire/limits.h"

#include <inttypes.h>
#include <string.h>

/* A goodbye has the version of the last entry, which may have been made this long ago. */
#define GOODBYE_AGE_MAX (ANNOUNCE_DRIFT_MAX + 2 * ANNOUNCE_INTERVAL_MAX)

/* A new neighbour may have missed what went round before there was a link to it: as long as a join takes that lost packets. */
#define RECENT 3000
#define RECENT_MAX ANNOUNCE_GOSSIP_MAX   /* one frame; where more is going on the exchange sends less that is known already */

#define BUNDLE_TARGET (48u * KIB)   /* of 64 of a frame: fuller ones would hardly be fewer */
#define WHOLE_OVERHEAD 8   /* a round and the head of a byte string */
_Static_assert(BUNDLE_TARGET + WHOLE_OVERHEAD * ANNOUNCE_GOSSIP_MAX + 16 <= FRAME_ANNOUNCE_MAX, "a bundle fits a frame");
_Static_assert(ENTRY_SIZE_MAX + WHOLE_OVERHEAD + 16 <= FRAME_ANNOUNCE_MAX, "the largest entry fits a frame");

static const char protocol[] = "announce";

/* How far the clock that made this version is ahead of ours. */
static msec drift_of(const struct announce *announce, const struct version *version)
{
	uint64_t wall = (uint64_t)(announce->wall + (announce->now - announce->wall_at));
	uint64_t apart = version->update > wall ? version->update - wall : wall - version->update;

	if (apart > (uint64_t)MSEC_NEVER)
		apart = (uint64_t)MSEC_NEVER;
	return version->update > wall ? (msec)apart : -(msec)apart;
}

static bool is_within(msec drift, msec most)
{
	return drift <= most && drift >= -most;
}

bool announce_gossip_is_young(const struct announce *announce, const struct version *version)
{
	return is_within(drift_of(announce, version), ANNOUNCE_DRIFT_MAX);
}

static void name_skew(const struct announce *announce, struct announce_link *link, const struct id *peer, msec drift)
{
	char text[ID_SHORT_SIZE];

	if (link->skew_named)
		return;   /* once a link: it says it again and again */
	link->skew_named = true;
	id_format_short(peer, text);
	log_event(announce->options.log, LOG_WARN, announce->now, protocol,
		"skewed-clock peer=%s clock %" PRId64 " s %s", text, (drift < 0 ? -drift : drift) / 1000,
		drift < 0 ? "behind" : "ahead");
}

static bool is_accused(const struct announce *announce, const struct id *peer)
{
	const struct catalog_peer *known = peer_table_get(&announce->catalog->peers, peer);

	return known != NULL && (known->is_suspected || suspicion_holds(&announce->suspicion, peer));
}

/* Is this news as young as an announcement has to be? */
static bool is_timely(const struct announce *announce, const struct message_id *id)
{
	struct version known;
	bool is_goodbye;

	/* Whoever is thought dead and speaks is alive, whatever the clock says: it has seconds to be heard. */
	if (!id->is_goodbye)
		return announce_gossip_is_young(announce, &id->version) || is_accused(announce, &id->peer);
	/* A goodbye of a peer we know ends what we know, however old that is; one of a stranger might be a replay. */
	return catalog_version(announce->catalog, &id->peer, &known, &is_goodbye) ||
	       is_within(drift_of(announce, &id->version), GOODBYE_AGE_MAX);
}

static struct message_id id_of(const struct entry *entry)
{
	return (struct message_id){
		.peer = entry->card.peer, .version = entry->card.version, .is_goodbye = entry->is_goodbye};
}

static bool is_news(const struct announce *announce, const struct message_id *id)
{
	struct entry_label head = {.is_goodbye = id->is_goodbye, .network = announce->catalog->network, .peer = id->peer,
		.version = id->version};
	enum catalog_result result = catalog_judge(announce->catalog, &head, true);

	return result == CATALOG_NEW || result == CATALOG_UPDATED || result == CATALOG_LEFT;
}

/* --- sending --- */

static const struct catalog_peer *may_be_sent(const struct announce *announce, const struct id *peer)
{
	const struct catalog_peer *known = peer_table_get(&announce->catalog->peers, peer);

	return known == NULL || known->entry->signed_bytes == NULL || known->is_suspected ? NULL : known;
}

/* The newest that is known of the peer, whatever was asked for: it answers that, too. */
static void send_newest(struct announce *announce, struct announce_link *link, const struct id *peer, unsigned round,
	struct outbox *out)
{
	const struct catalog_peer *known = may_be_sent(announce, peer);

	if (known == NULL)
		return;
	announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_GOSSIP, .whole_count = 1,
		.whole = {{.round = round, .signed_bytes = blob_bytes(known->entry->signed_bytes)}}}, out);
}

/* Entries for one neighbour, in as many frames as it takes. */
struct parcel {
	struct announce_link *link;
	struct announce_message message;
	size_t size;
};

static void parcel_send(struct announce *announce, struct parcel *parcel, struct outbox *out)
{
	if (parcel->message.whole_count > 0)
		announce_links_tell(announce, parcel->link, &parcel->message, out);
	parcel->message.whole_count = parcel->size = 0;
}

static void parcel_put(struct announce *announce, struct parcel *parcel, const struct announce_whole *whole,
	struct outbox *out)
{
	struct announce_message *message = &parcel->message;

	if (message->whole_count == ANNOUNCE_GOSSIP_MAX || parcel->size + whole->signed_bytes.size > BUNDLE_TARGET)
		parcel_send(announce, parcel, out);
	message->whole[message->whole_count++] = *whole;
	parcel->size += whole->signed_bytes.size + WHOLE_OVERHEAD;
}

/* Of each peer the newest. */
static void send_bundle(struct announce *announce, struct announce_link *link, const struct broadcast_action *action,
	struct outbox *out)
{
	struct parcel parcel = {.link = link, .message.kind = ANNOUNCE_GOSSIP};

	for (size_t i = 0; i < action->have_count; i++) {
		const struct catalog_peer *known = may_be_sent(announce, &action->have[i].id.peer);

		if (known != NULL)
			parcel_put(announce, &parcel, &(struct announce_whole){action->have[i].round,
				blob_bytes(known->entry->signed_bytes)}, out);
	}
	parcel_send(announce, &parcel, out);
}

/*
 * Is this one of the entries that a new neighbour may not have, because they went round before there was a link to it? Goodbyes
 * are left to the rounds: where many come for one record and go, everybody would read the signatures of all before him.
 */
static bool is_recent(const struct announce *announce, const struct catalog_peer *peer)
{
	return !peer->entry->is_goodbye && peer->heard_at + RECENT >= announce->now && !peer->is_refresh &&
		may_be_sent(announce, &peer->entry->card.peer) != NULL &&
		announce_gossip_is_young(announce, &peer->entry->card.version);
}

static size_t count_recent(const struct announce *announce)
{
	size_t count = 0;

	for (size_t i = 0; i < announce->catalog->peers.count; i++)
		count += is_recent(announce, peer_table_at(&announce->catalog->peers, i));
	return count;
}

void announce_gossip_greet(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	const struct peer_table *peers = &announce->catalog->peers;
	struct parcel parcel = {.link = link, .message.kind = ANNOUNCE_GOSSIP};

	if (!link->has_joined && count_recent(announce) > RECENT_MAX)
		return;
	for (size_t i = 0; i < peers->count; i++) {
		const struct catalog_peer *peer = peer_table_at(peers, i);
		const struct id *id = &peer->entry->card.peer;

		if (!id_equal(id, &link->link.peer) && !id_equal(id, &announce->catalog->self) && is_recent(announce, peer))
			parcel_put(announce, &parcel, &(struct announce_whole){0, blob_bytes(peer->entry->signed_bytes)}, out);
	}
	parcel_send(announce, &parcel, out);
}

static void carry_out(struct announce *announce, struct announce_link *link, const struct broadcast_action *action,
	struct outbox *out)
{
	struct announce_message message = {.id = action->id, .flag = action->wanted};

	switch (action->kind) {
	case BROADCAST_GOSSIP:
		send_bundle(announce, link, action, out);
		return;
	case BROADCAST_IHAVE:
		message.kind = ANNOUNCE_IHAVE;
		message.have_count = action->have_count;
		memcpy(message.have, action->have, action->have_count * sizeof(action->have[0]));
		break;
	case BROADCAST_GRAFT:
		message.kind = ANNOUNCE_GRAFT;
		announce->counters.grafts++;
		break;
	case BROADCAST_WANT:
		message.kind = ANNOUNCE_WANT;
		announce->counters.wants++;
		break;
	case BROADCAST_PRUNE:
		message.kind = ANNOUNCE_PRUNE;
		announce->counters.prunes++;
		break;
	}
	announce_links_tell(announce, link, &message, out);
}

void announce_gossip_carry_out(struct announce *announce, struct outbox *out)
{
	struct broadcast_action action;

	broadcast_flush(&announce->broadcast, announce->now);
	while (broadcast_next_action(&announce->broadcast, &action)) {
		struct announce_link *link = id_table_get(&announce->neighbours, &action.to);

		if (link != NULL)
			carry_out(announce, link, &action, out);
		memory_free(action.have);
	}
}

static bool is_refresh(const struct announce *announce, const struct entry *news)
{
	const struct catalog_peer *known = peer_table_get(&announce->catalog->peers, &news->card.peer);

	/* What refutes a suspicion is urgent. */
	return known != NULL && known->is_refresh && !suspicion_holds(&announce->suspicion, &news->card.peer);
}

void announce_gossip_offer(struct announce *announce, struct entry *news, const struct id *from, struct outbox *out)
{
	struct announce_have have = {.id = id_of(news), .round = 1, .is_refresh = is_refresh(announce, news)};

	broadcast_offer(&announce->broadcast, announce->now, &have, from);
	announce_gossip_carry_out(announce, out);
	if (news->is_goodbye)
		announce_links_part(announce, &news->card.peer, out);
}

void announce_gossip_spread(struct announce *announce, struct entry *news, unsigned round, const struct id *from,
	struct outbox *out)
{
	struct announce_have have = {.id = id_of(news), .round = round, .is_refresh = is_refresh(announce, news)};

	ASSERT(news->signed_bytes != NULL);
	broadcast_news(&announce->broadcast, announce->now, &have, from);
	if (!announce->is_unbundling)
		announce_gossip_carry_out(announce, out);
	if (news->is_goodbye)
		announce_links_part(announce, &news->card.peer, out);
}

/* --- receiving --- */

/* A newer node may say what we do not understand; one that says much of it is broken or hostile. */
static enum error strike(const struct announce *announce, struct announce_link *link)
{
	char text[ID_SHORT_SIZE];

	id_format_short(&link->link.peer, text);
	log_event(announce->options.log, LOG_DEBUG, announce->now, protocol, "bad-entry from=%s", text);
	return ++link->bad > ANNOUNCE_BAD_MAX ? ERROR_MALFORMED : OK;
}

static enum error receive_entry(struct announce *announce, struct announce_link *link,
	const struct announce_whole *whole, struct outbox *out)
{
	struct id from = link->link.peer;   /* a goodbye may end the link */
	struct message_id id;
	struct entry_label head;
	struct entry *entry = NULL;
	enum catalog_result result;

	announce->counters.gossip_received++;
	if (catalog_peek(announce->catalog, whole->signed_bytes, &head) == OK && id_equal(&head.network, &announce->catalog->network)) {
		id = (struct message_id){.peer = head.peer, .version = head.version, .is_goodbye = head.is_goodbye};
		/* Only news is judged by its clock: what another way has brought before is neither named nor passed on. */
		if (!is_news(announce, &id)) {
			announce->counters.duplicates++;
			/* Its owner may always tell us itself: a greeting is no sign of a second way. */
			if (!id_equal(&head.peer, &from))
				(void)broadcast_duplicate(&announce->broadcast, announce->now, &id, whole->round, &from);
			if (!id_equal(&head.peer, &announce->catalog->self))
				return OK;
		} else if (!is_timely(announce, &id)) {
			if (!head.is_goodbye)
				name_skew(announce, link, &head.peer, drift_of(announce, &head.version));
			return OK;
		}
	}
	if (catalog_put_signed(announce->catalog, announce->now, whole->signed_bytes, &result, &entry) != OK ||
		result == CATALOG_FOREIGN)
		return strike(announce, link);
	if (entry == NULL)
		return OK;
	announce_gossip_spread(announce, entry, whole->round, &from, out);
	suspicion_refuted(&announce->suspicion, &head.peer, &head.version);
	return OK;
}

/* What a bundle brings is passed on in bundles, after all of it was looked at. */
static enum error receive_bundle(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	enum error error = OK;

	announce->is_unbundling = true;
	for (size_t i = 0; i < message->whole_count && error == OK && link->state == LINK_UP; i++)
		error = receive_entry(announce, link, &message->whole[i], out);
	announce->is_unbundling = false;
	announce_gossip_carry_out(announce, out);
	return error;
}

static void receive_names(struct announce *announce, const struct announce_link *link,
	const struct announce_message *message)
{
	for (size_t i = 0; i < message->have_count; i++) {
		const struct announce_have *have = &message->have[i];

		if (is_news(announce, &have->id) && is_timely(announce, &have->id))
			broadcast_named(&announce->broadcast, announce->now, have, &link->link.peer);
	}
}

enum error announce_gossip_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	ASSERT(link->state == LINK_UP);
	if (message->kind == ANNOUNCE_GOSSIP)
		return receive_bundle(announce, link, message, out);
	if (message->kind == ANNOUNCE_IHAVE) {
		receive_names(announce, link, message);
	} else if (message->kind == ANNOUNCE_WANT) {
		send_newest(announce, link, &message->id.peer, 0, out);
	} else if (message->kind == ANNOUNCE_GRAFT) {
		broadcast_grafted(&announce->broadcast, &link->link.peer);
		if (message->flag)
			send_newest(announce, link, &message->id.peer, 1, out);
	} else {
		ASSERT(message->kind == ANNOUNCE_PRUNE);
		broadcast_pruned(&announce->broadcast, announce->now, &link->link.peer);
		announce_gossip_carry_out(announce, out);
	}
	return OK;
}
