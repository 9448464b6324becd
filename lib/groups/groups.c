/*
 * groups.c - the doors: finds out whose link a word is about, and carries out what groups want.
 *
 *      linked, unlinked, receive, sent  ->  by link id   ->  bond | served
 *      tick                             ->  by deadline  ->  guest | bond | group
 *      effects, facts of a group        ->  by peer, by ticket  ->  bond | served | our owner
 *
 * A link that a peer opened is a guest until its handshake has proven that it knows the group's key. Groups that we are not
 * in are answered after the same work as a wrong proof: how long an answer takes tells nothing.
 *
 * Every door ends with groups_settle for the groups that were touched, at once or, where a client asked, in the tick that
 * follows: machines never see each other's half-done work.
 */
#include "groups/groups_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/protocol.h"

#include <string.h>

#define HANDSHAKE_SIZE_MAX 1024

/* ---- timers ---- */

void groups_timer_set(struct groups *groups, struct groups_timer *timer, msec due)
{
	if (due == MSEC_NEVER)
		heap_remove(&groups->timers, &timer->node);
	else
		heap_set(&groups->timers, &timer->node, due > 0 ? (uint64_t)due : 0);
}

/* ---- facts ---- */

struct groups_fact *groups_put_fact(struct hosted *hosted, unsigned kind)
{
	struct groups_facts *facts = &hosted->groups->facts;

	if (facts->first == facts->count)
		facts->first = facts->count = 0;
	facts->fact = memory_grow(facts->fact, &facts->capacity, facts->count + 1, sizeof *facts->fact);
	facts->fact[facts->count] = (struct groups_fact){.group = hosted->id};
	facts->fact[facts->count].kind = kind;
	return &facts->fact[facts->count++];
}

bool groups_next_fact(struct groups *groups, struct groups_fact *out)
{
	struct groups_facts *facts = &groups->facts;

	if (facts->first == facts->count)
		return false;
	*out = facts->fact[facts->first++];
	return true;
}

/* ---- links ---- */

static struct groups_link *link_of(const struct groups *groups, link_id id)
{
	struct groups_link *link = number_table_get(&groups->links, id);

	ASSERT(link);   /* the driver speaks of a link between its first word and its last */
	return link;
}

void groups_close_link(struct groups *groups, struct groups_link *link, enum error reason, struct outbox *out)
{
	ASSERT(link->role != LINK_CLOSED && !link->bond && !link->served);
	groups_timer_set(groups, &link->timer, MSEC_NEVER);
	link->role = LINK_CLOSED;
	outbox_close(out, link->link.id, reason);
}

void groups_send(struct groups_link *link, struct blob *message, struct outbox *out)
{
	link->outstanding += blob_size(message);
	outbox_send(out, link->link.id, message);
}

static void refuse(struct groups *groups, msec now, struct groups_link *link, enum error reason, struct outbox *out)
{
	char peer[ID_SHORT_SIZE];

	id_format_short(&link->link.peer, peer);
	log_event(groups->options.log, LOG_INFO, now, "groups", "refused peer=%s reason=%s", peer, error_name(reason));
	groups_close_link(groups, link, reason, out);
}

/* ---- what a group wants and says ---- */

static bool carry_out(struct hosted *hosted, struct outbox *out)
{
	struct group_effect effect;

	if (!group_next_effect(hosted->group, &effect))
		return false;
	if (effect.kind == GROUP_PERSIST) {
		groups_put_fact(hosted, GROUPS_PERSIST)->persist = effect.persist;
		return true;
	}
	struct bond *bond = id_table_get(&hosted->bonds, &effect.peer);
	if (bond)
		bond_send(bond, effect.lane, effect.payload, out);
	else
		blob_drop(effect.payload);
	return true;
}

/* Voters that no entry names are bonded with all the same: the log knows better. */
static void look_for_voters(struct hosted *hosted, msec now)
{
	struct group_member member;

	for (size_t i = 0; i < hosted->bonds.count; i++)
		((struct bond *)hosted->bonds.slot[i].value)->told = false;
	for (size_t n = 0; group_member_at(hosted->group, now, n, &member); n++)
		if (member.voter && !id_equal(&member.member.peer, &hosted->groups->options.self))
			bond_find_or_new(hosted, &member.member.peer)->told = true;
	for (size_t i = hosted->bonds.count; i-- > 0;)
		bond_review(hosted->bonds.slot[i].value, now);
}

static bool is_of_a_client(const struct group_fact *fact)
{
	return (fact->kind == GROUP_RESULT || fact->kind == GROUP_ANSWER) && fact->ticket >= GROUPS_TICKET;
}

static void note_fact(struct hosted *hosted, msec now, const struct group_fact *fact, struct outbox *out)
{
	switch (fact->kind) {
	case GROUP_RESULT:
	case GROUP_ANSWER:
	case GROUP_QUESTION:
	case GROUP_ROOM:
	case GROUP_ARCHIVE:
		return;
	case GROUP_APPLIED:
	case GROUP_CHANGED:
	case GROUP_RESTORED:
		break;
	case GROUP_VOTERS:
		look_for_voters(hosted, now);
		break;
	case GROUP_LEFT:
		served_left(hosted, out);
		break;
	case GROUP_LEADER:
	case GROUP_ONLINE:
	case GROUP_OFFLINE:
	case GROUP_SPLIT:
	case GROUP_DISSOLVED:
	case GROUP_DIVERGED:
	case GROUP_HALTED:
		break;
	}
	follow_note(hosted, fact);
}

static bool hear(struct hosted *hosted, msec now, struct outbox *out)
{
	struct group_fact fact;

	if (!group_next_fact(hosted->group, &fact))
		return false;
	if (is_of_a_client(&fact)) {
		served_answer(hosted->groups, &fact, out);
		blob_drop(fact.bytes);
		return true;
	}
	note_fact(hosted, now, &fact, out);
	groups_put_fact(hosted, GROUPS_FACT)->fact = fact;
	return true;
}

static void tell_hello(struct hosted *hosted, struct outbox *out)
{
	uint64_t version = group_hello_version(hosted->group);

	if (version == hosted->hello_version && !hosted->hello_due)
		return;
	hosted->hello_version = version;
	hosted->hello_due = false;
	for (size_t i = 0; i < hosted->bonds.count; i++)
		bond_tell_hello(hosted->bonds.slot[i].value, out);
}

void groups_touch(struct hosted *hosted)
{
	hosted->touched = true;
}

void groups_settle(struct hosted *hosted, msec now, struct outbox *out)
{
	do {
		while (carry_out(hosted, out) || hear(hosted, now, out))
			;
		hosted->touched = false;
		tell_hello(hosted, out);
		served_feed(hosted, now, out);
	} while (hosted->touched);   /* what was fed made more */
	follow_pump_all(hosted, now, out);
	served_sweep(hosted, out);
	hosted->touched = false;
	hosted->groups->now = now;
	groups_timer_set(hosted->groups, &hosted->timer,
		msec_min(group_deadline(hosted->group), follow_deadline(hosted)));
}

static void settle_touched(struct groups *groups, msec now, struct outbox *out)
{
	for (size_t i = 0; i < groups->hosted.count; i++) {
		struct hosted *hosted = groups->hosted.slot[i].value;

		if (hosted->touched)
			groups_settle(hosted, now, out);
	}
}

/* ---- the machine's doors ---- */

static void linked(void *self, msec now, const struct link *opened, struct outbox *out)
{
	struct groups *groups = self;
	struct groups_link *link = number_table_get(&groups->links, opened->id);

	if (!link) {
		ASSERT(opened->id % 2 == 1);
		link = memory_new(sizeof *link);
		number_table_put(&groups->links, opened->id, link);
		link->link.id = opened->id;
		groups_timer_set(groups, &link->timer, now + BOND_HANDSHAKE_MAX);
	}
	link->link = *opened;
	link->linked = true;
	if (link->role == LINK_BOND)
		bond_linked(link->bond, link, out);
}

static void unlinked(void *self, msec now, link_id id, enum error reason, struct outbox *out)
{
	struct groups *groups = self;
	struct groups_link *link = link_of(groups, id);
	struct bond *bond = link->bond;

	groups_timer_set(groups, &link->timer, MSEC_NEVER);
	number_table_remove(&groups->links, id);
	if (link->served)
		served_drop(link->served);
	if (bond) {
		bond->lane[link->lane].link = NULL;
		bond_detach(bond, ERROR_CANCELLED, out);
		bond_end(bond, now, reason == OK ? ERROR_UNEXPECTED_CLOSE : reason, out);
	}
	memory_free(link);
	settle_touched(groups, now, out);
}

static void receive_from_guest(struct groups *groups, msec now, struct groups_link *link, struct bytes message,
	struct outbox *out)
{
	struct handshake handshake;
	struct hosted *hosted;
	bool holds;

	if (message.size > HANDSHAKE_SIZE_MAX || bond_wire_decode_handshake(message, &handshake) != OK || handshake.has_hello) {
		refuse(groups, now, link, ERROR_BOND_HANDSHAKE, out);
		return;
	}
	hosted = id_table_get(&groups->hosted, &handshake.group);
	holds = bond_proof_holds(hosted ? &hosted->proof_key : &groups->decoy, link, &handshake, BOND_OPENER);
	if (!hosted || !holds)
		refuse(groups, now, link, hosted ? ERROR_BOND_PROOF : ERROR_GROUP_NOT_FOUND, out);
	else if (handshake.role == BOND_MEMBER)
		bond_accept(hosted, now, link, &handshake, out);
	else
		served_accept(hosted, link, &handshake, out);
}

static enum error receive_from_client(struct served *served, msec now, struct blob *message, struct outbox *out)
{
	struct hosted *hosted = served->hosted;
	enum error error = served_receive(served, now, message, out);

	/* Settled by the next tick, which is due at once: what clients ask in one go shares an entry, or a round of reads. */
	if (hosted->touched)
		groups_timer_set(hosted->groups, &hosted->timer, now);
	hosted->touched = false;
	return error;
}

static enum error receive(void *self, msec now, link_id id, struct blob *message, struct outbox *out)
{
	struct groups *groups = self;
	struct groups_link *link = link_of(groups, id);
	enum error error = OK;

	/* Used up here, whatever it is. First: the link may be closed by what it says. */
	if (link->role != LINK_CLOSED)
		outbox_consumed(out, id, blob_size(message));
	if (link->role == LINK_GUEST)
		receive_from_guest(groups, now, link, blob_bytes(message), out);
	else if (link->role == LINK_BOND)
		error = bond_receive(link->bond, now, link, blob_bytes(message), out);
	else if (link->role == LINK_SERVED)
		return receive_from_client(link->served, now, message, out);
	settle_touched(groups, now, out);
	return error;
}

static void sent(void *self, link_id id, size_t bytes, struct outbox *out)
{
	struct groups *groups = self;
	struct groups_link *link = link_of(groups, id);

	ASSERT(bytes <= link->outstanding);
	link->outstanding -= bytes;
	if (link->role == LINK_SERVED)
		follow_pump(link->served, groups->now, out);
}

static void tick_one(struct groups *groups, msec now, struct groups_timer *timer, struct outbox *out)
{
	struct hosted *hosted;

	groups_timer_set(groups, timer, MSEC_NEVER);
	switch (timer->kind) {
	case TIMER_LINK:
		refuse(groups, now, LIST_OF(timer, struct groups_link, timer), ERROR_BOND_TIMEOUT, out);
		break;
	case TIMER_BOND:
		bond_tick(LIST_OF(timer, struct bond, timer), now, out);
		break;
	case TIMER_GROUP:
		hosted = LIST_OF(timer, struct hosted, timer);
		group_tick(hosted->group, now);
		groups_touch(hosted);
		break;
	}
}

static void tick(void *self, msec now, struct outbox *out)
{
	struct groups *groups = self;
	struct heap_node *first;

	/* A timer that fires is set again to later, if at all, and those of groups only when they settle. */
	while ((first = heap_first(&groups->timers)) && first->key <= (uint64_t)now)
		tick_one(groups, now, LIST_OF(first, struct groups_timer, node), out);
	settle_touched(groups, now, out);
}

static msec deadline(const void *self)
{
	const struct heap_node *first = heap_first(&((const struct groups *)self)->timers);

	return first ? (msec)first->key : MSEC_NEVER;
}

const struct machine_ops groups_ops = {
	.protocol = PROTOCOL_GROUPS,
	.credit_at_once = false,
	.linked = linked,
	.unlinked = unlinked,
	.receive = receive,
	.sent = sent,
	.tick = tick,
	.deadline = deadline,
	.check = groups_check,
};

/* ---- the owner's doors ---- */

struct groups *groups_new(const struct groups_options *options, msec now)
{
	struct groups *groups = memory_new(sizeof *groups);
	uint64_t own;

	(void)now;
	groups->options = *options;
	/* Nodes that were given one seed must not come back to each other in step. */
	memcpy(&own, options->self.byte, sizeof own);
	rng_init(&groups->rng, options->seed ^ own);
	for (size_t i = 0; i < ID_SIZE; i++)
		groups->decoy.byte[i] = (uint8_t)rng_next(&groups->rng);
	groups->next_ticket = GROUPS_TICKET;
	return groups;
}

static void hosted_free(struct hosted *hosted)
{
	while (!list_is_empty(&hosted->clients)) {
		struct served *served = LIST_OF(hosted->clients.next, struct served, place);

		served->link->role = LINK_CLOSED;
		served_drop(served);
	}
	served_forget(hosted);
	while (hosted->bonds.count > 0)
		bond_free(hosted->bonds.slot[0].value);
	id_table_fini(&hosted->bonds);
	history_fini(&hosted->history);
	groups_timer_set(hosted->groups, &hosted->timer, MSEC_NEVER);
	id_table_remove(&hosted->groups->hosted, &hosted->id);
	group_free(hosted->group);
	memory_free(hosted);
}

void groups_free(struct groups *groups)
{
	struct groups_fact fact;

	if (!groups)
		return;
	while (groups->hosted.count > 0)
		hosted_free(groups->hosted.slot[0].value);
	id_table_fini(&groups->hosted);
	request_table_fini(&groups->requests);
	while (groups_next_fact(groups, &fact)) {
		blob_drop(fact.fact.bytes);
		persist_free(fact.persist);
	}
	memory_free(groups->facts.fact);
	heap_fini(&groups->timers);   /* before the guests whose timers are in it */
	for (size_t i = 0; i < groups->links.count; i++)
		memory_free(groups->links.slot[i].value);
	number_table_fini(&groups->links);
	memory_free(groups);
}

enum error groups_add(struct groups *groups, msec now, struct group *group, const struct id *key)
{
	const struct id *id = group_id(group);
	struct group_status status;
	struct hosted *hosted;

	if (id_table_get(&groups->hosted, id)) {
		group_free(group);
		return ERROR_STALE;
	}
	group_status(group, &status);
	hosted = memory_new(sizeof *hosted);
	*hosted = (struct hosted){.groups = groups, .group = group, .id = *id, .proof_key = bond_wire_key(key),
		.hello_version = group_hello_version(group), .history.floor = status.position, .timer.kind = TIMER_GROUP};
	list_init(&hosted->clients);
	id_table_put(&groups->hosted, id, hosted);
	/* What it wants to say from the start is said at the next tick, which is due at once. */
	groups_timer_set(groups, &hosted->timer, now);
	look_for_voters(hosted, now);
	return OK;
}

void groups_remove(struct groups *groups, msec now, const struct id *group, struct outbox *out)
{
	struct hosted *hosted = id_table_get(&groups->hosted, group);

	ASSERT(hosted);
	groups_settle(hosted, now, out);
	for (size_t i = 0; i < hosted->bonds.count; i++)
		bond_detach(hosted->bonds.slot[i].value, ERROR_GRACEFUL, out);
	LIST_EACH(place, &hosted->clients)
		outbox_close(out, LIST_OF(place, struct served, place)->link->link.id, OK);
	hosted_free(hosted);
}

struct group *groups_find(const struct groups *groups, const struct id *group)
{
	const struct hosted *hosted = id_table_get(&groups->hosted, group);

	return hosted ? hosted->group : NULL;
}

const struct id *groups_at(const struct groups *groups, size_t n)
{
	return n < groups->hosted.count ? &groups->hosted.slot[n].key : NULL;
}

static void set_listed(struct hosted *hosted, msec now, const struct id *peer, bool listed)
{
	struct bond *bond = id_table_get(&hosted->bonds, peer);

	if (id_equal(peer, &hosted->groups->options.self) || (bond ? bond->listed : false) == listed)
		return;
	if (!bond)
		bond = bond_find_or_new(hosted, peer);
	bond->listed = listed;
	bond->retry = BOND_RETRY;
	if (bond->state == BOND_IDLE)
		groups_timer_set(hosted->groups, &bond->timer, MSEC_NEVER);   /* however long it was to wait */
	group_peer_expected(hosted->group, now, peer, listed);
	bond_review(bond, now);
	/* What it makes of that is carried out at the next tick. */
	groups_timer_set(hosted->groups, &hosted->timer, now);
}

bool groups_listed(const struct groups *groups, const struct id *group, size_t n, struct id *peer)
{
	const struct hosted *hosted = id_table_get(&groups->hosted, group);

	for (size_t i = 0; i < hosted->bonds.count; i++) {
		const struct bond *bond = hosted->bonds.slot[i].value;

		if (bond->listed && n-- == 0) {
			*peer = bond->peer;
			return true;
		}
	}
	return false;
}

void groups_peer_found(struct groups *groups, msec now, const struct id *group, const struct id *peer)
{
	struct hosted *hosted = id_table_get(&groups->hosted, group);

	ASSERT(hosted);
	set_listed(hosted, now, peer, true);
}

void groups_peer_gone(struct groups *groups, msec now, const struct id *group, const struct id *peer)
{
	struct hosted *hosted = id_table_get(&groups->hosted, group);

	ASSERT(hosted);
	set_listed(hosted, now, peer, false);
}

void groups_turn(struct groups *groups, msec now, struct outbox *out)
{
	for (size_t i = 0; i < groups->hosted.count; i++)
		groups_settle(groups->hosted.slot[i].value, now, out);
}

void groups_persisted(struct groups *groups, msec now, const struct groups_done *done, struct outbox *out)
{
	struct hosted *hosted = id_table_get(&groups->hosted, &done->group);

	if (!hosted)
		return;   /* left meanwhile */
	group_persisted(hosted->group, now, done->token, done->status);
	groups_settle(hosted, now, out);
}
