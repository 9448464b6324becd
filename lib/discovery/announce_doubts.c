/*
 * announce_doubts.c - are the neighbours there, and what to do when one is not.
 *
 *     silent 1.3 s -> PING -300 ms--> doubt: PROBE to 3 others, a dial of our own --> SUSPECT to everybody
 *     line broken --------------------/
 *     PROBE: a neighbour heard just now is there; another is pinged, a stranger dialled; PROBED says what came of it
 *
 * Any message is a sign of life, and so is the acknowledgement of one of ours, which takes a living process; and so is a round
 * of the exchange, on its own connection. So a link that talks costs no ping, and where a ping is needed, one packet each way
 * serves both sides. They take turns: whoever only ever acknowledged would ask for an acknowledgement himself now and then
 * (RFC 9000 section 13.2.4), a packet more. On one host a dead process refuses the dial at once, and a doubt is settled in a
 * round trip.
 */
#include "base/check.h"
#include "discovery/announce_internal.h"

#define PROBES_MAX 3
#define HEARD_JUST_NOW 200   /* msec; far less than the silence that made somebody ask */
#define REFUTE_INTERVAL 200  /* msec between refutations: who lies about us does not make us sign all day */
#define GREETED_DEAD_MAX 512 /* suspicions told to one new neighbour */

static void answer_askers(struct announce *announce, const struct id *target, bool is_alive, struct outbox *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < announce->asker_count; i++) {
		const struct asker *asker = &announce->asker[i];
		struct announce_link *link = id_table_get(&announce->neighbours, &asker->asker);

		if (!id_equal(&asker->target, target)) {
			if (asker->until > announce->now)
				announce->asker[kept++] = *asker;
		} else if (link != NULL) {
			announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_PROBED,
				.id.peer = *target, .flag = is_alive}, out);
		}
	}
	announce->asker_count = kept;
}

void announce_doubts_heard(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	link->heard_at = announce->now;
	link->ping_due = 0;
	suspicion_alive(&announce->suspicion, &link->link.peer);
	if (announce->asker_count > 0)
		answer_askers(announce, &link->link.peer, true, out);
}

void announce_doubts_dial_failed(struct announce *announce, const struct id *peer, struct outbox *out)
{
	if (id_table_get(&announce->neighbours, peer) != NULL)
		return;
	suspicion_denied(&announce->suspicion, announce->now, peer);
	answer_askers(announce, peer, false, out);
}

static msec ping_at(const struct announce_link *link)
{
	return link->heard_at + link->quiet + (link->has_spoken_last ? ANNOUNCE_QUIET_SPOKE : 0);
}

static void ping(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	if (link->ping_due != 0)
		return;
	link->ping_due = announce->now + ANNOUNCE_ANSWER;
	announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_PING}, out);
}

/* Different neighbours: each is one after a random first in id order. */
static void ask_others(struct announce *announce, const struct id *peer, size_t asked, struct outbox *out)
{
	size_t count = announce->neighbours.count;
	size_t at = count > 0 ? (size_t)rng_below(&announce->rng, count) : 0;

	for (size_t i = 0; i < count && asked > 0; i++) {
		const struct id_table_slot *slot = &announce->neighbours.slot[(at + i) % count];

		if (id_equal(&slot->key, peer))
			continue;
		asked--;
		announce_links_tell(announce, slot->value,
			&(struct announce_message){.kind = ANNOUNCE_PROBE, .id.peer = *peer}, out);
	}
	ASSERT(asked == 0);
}

void announce_doubts_begin(struct announce *announce, const struct id *peer, struct outbox *out)
{
	const struct catalog_peer *known = catalog_find(announce->catalog, peer);
	bool is_neighbour = id_table_get(&announce->neighbours, peer) != NULL;
	size_t others = announce->neighbours.count - is_neighbour;
	size_t asked = others < PROBES_MAX ? others : PROBES_MAX;

	/* Whoever has not a single witness, and sees others fall silent, has fallen silent itself. */
	if (known == NULL || known->entry->signed_bytes == NULL || announce->options.guest)
		return;
	if (!suspicion_doubt(&announce->suspicion, announce->now, peer, &known->entry->card.version, asked))
		return;
	announce->counters.doubts++;
	ask_others(announce, peer, asked, out);
	if (!is_neighbour && !announce_contacts_dial_now(announce, peer, true, out))
		suspicion_denied(&announce->suspicion, announce->now, peer);
}

/* --- questions of others --- */

static void receive_probe(struct announce *announce, struct announce_link *from, const struct id *target,
	struct outbox *out)
{
	struct announce_link *link = id_table_get(&announce->neighbours, target);
	struct announce_message answer = {.kind = ANNOUNCE_PROBED, .id.peer = *target};

	answer.flag = id_equal(target, &announce->catalog->self) ||
		(link != NULL && announce->now - link->heard_at <= HEARD_JUST_NOW);
	if (!answer.flag && announce->asker_count < ASKERS_MAX) {
		if (link != NULL)
			ping(announce, link, out);
		if (link != NULL || announce_contacts_dial_now(announce, target, true, out)) {
			announce->asker[announce->asker_count++] = (struct asker){.asker = from->link.peer,
				.target = *target, .until = announce->now + SUSPICION_DOUBT};
			return;
		}
	}
	announce_links_tell(announce, from, &answer, out);
}

/* --- suspicions --- */

static void tell_all(struct announce *announce, const struct id *from, const struct id *peer,
	const struct version *version, struct outbox *out)
{
	struct announce_message message = {.kind = ANNOUNCE_SUSPECT, .id = {.peer = *peer, .version = *version}};
	struct blob *blob = announce_wire_put(&message);

	/* Not left out: the accused. It is the one who has to hear of it. */
	announce_links_flood(announce, from, NULL, blob, out);
	blob_drop(blob);
}

static void refute(struct announce *announce, const struct version *version)
{
	const struct entry *own = announce->entry;

	/* Of an older word of ours a newer one is on its way already; of one we never said nobody has to be told. */
	if (own == NULL || announce->departed || version_compare(version, &own->card.version) != 0)
		return;
	announce->counters.refutations++;
	announce->announce_at = msec_min(announce->announce_at, announce->signed_at + REFUTE_INTERVAL);
}

static void receive_suspicion(struct announce *announce, const struct announce_link *link, const struct message_id *id,
	struct outbox *out)
{
	const struct catalog_peer *known = peer_table_get(&announce->catalog->peers, &id->peer);

	if (id_equal(&id->peer, &announce->catalog->self)) {
		refute(announce, &id->version);
		return;
	}
	if (known != NULL && (known->entry->is_goodbye || known->is_suspected ||
		version_compare(&known->entry->card.version, &id->version) > 0))
		return;
	if (!suspicion_told(&announce->suspicion, announce->now, &id->peer, &id->version))
		return;
	announce->counters.suspicions++;
	/* Of a stranger: it is kept, the entry may be on its way; but nobody is bothered with it. */
	if (known != NULL)
		tell_all(announce, &link->link.peer, &id->peer, &id->version, out);
}

void announce_doubts_greet(struct announce *announce, struct announce_link *link, struct outbox *out)
{
	size_t left = GREETED_DEAD_MAX;

	for (size_t i = 0; i < announce->catalog->peers.count && left > 0; i++) {
		const struct catalog_peer *peer = peer_table_at(&announce->catalog->peers, i);

		if (!peer->is_suspected)
			continue;
		left--;
		announce_links_tell(announce, link, &(struct announce_message){.kind = ANNOUNCE_SUSPECT,
			.id = {.peer = peer->entry->card.peer, .version = peer->entry->card.version}}, out);
	}
}

void announce_doubts_receive(struct announce *announce, struct announce_link *link,
	const struct announce_message *message, struct outbox *out)
{
	if (message->kind == ANNOUNCE_PROBE) {
		receive_probe(announce, link, &message->id.peer, out);
	} else if (message->kind == ANNOUNCE_PROBED) {
		if (message->flag)
			suspicion_alive(&announce->suspicion, &message->id.peer);
		else
			suspicion_denied(&announce->suspicion, announce->now, &message->id.peer);
	} else if (message->kind == ANNOUNCE_SUSPECT) {
		receive_suspicion(announce, link, &message->id, out);
	}
}

/* --- time --- */

static void decide(struct announce *announce, struct outbox *out)
{
	struct suspicion_verdict verdict;

	while (suspicion_next(&announce->suspicion, announce->now, &verdict)) {
		const struct catalog_peer *known = catalog_find(announce->catalog, &verdict.peer);

		if (known == NULL || version_compare(&known->entry->card.version, &verdict.version) > 0)
			continue;   /* it spoke, or left */
		if (verdict.kind == SUSPICION_TELL) {
			announce->counters.suspicions++;
			tell_all(announce, NULL, &verdict.peer, &verdict.version, out);
		} else if (catalog_suspect(announce->catalog, announce->now, &verdict.peer, &verdict.version)) {
			announce->counters.deaths++;
			announce_links_bury(announce, &verdict.peer, out);
		}
	}
}

void announce_doubts_tick(struct announce *announce, struct outbox *out)
{
	/* What others had to say meanwhile still waits to be read; nothing is decided before. */
	if (announce->has_slept)
		suspicion_put_off(&announce->suspicion, announce->now);
	announce->has_slept = false;
	decide(announce, out);
	for (size_t i = 0; i < announce->neighbours.count; i++) {
		struct announce_link *link = announce->neighbours.slot[i].value;

		if (link->ping_due == 0 && ping_at(link) <= announce->now) {
			ping(announce, link, out);
		} else if (link->ping_due != 0 && link->ping_due <= announce->now) {
			link->ping_due = MSEC_NEVER;
			announce_doubts_begin(announce, &link->link.peer, out);
		}
	}
}

msec announce_doubts_deadline(const struct announce *announce)
{
	msec due = suspicion_deadline(&announce->suspicion);

	for (size_t i = 0; i < announce->neighbours.count; i++) {
		const struct announce_link *link = announce->neighbours.slot[i].value;

		due = msec_min(due, link->ping_due != 0 ? link->ping_due : ping_at(link));
	}
	return due;
}
