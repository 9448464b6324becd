/*
 * bond.c - three links as one bond, and when it is tried again.
 *
 *      IDLE --- dial ---> OPENING --- first lane open ---> UP
 *       ^                    |                              |
 *       +--- any link ends, a proof is wrong, time is up ---+
 *
 * The bond is up with its first open lane, because the other side may use any of them first; what is to be sent on a lane
 * that is not open yet waits for it. Lanes do not wait for each other: below, each is a stream of its own, and streams that
 * have something to send take turns packet by packet.
 *
 * Of two peers that find each other at the same time the one with the smaller id dials at once and the other a moment later:
 * two bonds are seldom opened where one will do.
 */
#include "groups/groups_internal.h"

#include "base/check.h"
#include "base/memory.h"

#define GREATER_WAITS 200        /* msec that the greater id gives the smaller one to dial */
#define DIAL_MAX (2 * BOND_HANDSHAKE_MAX)
#define JITTER 20                /* percent */

/* Bytes sent on a lane and not acknowledged. What would be more is dropped: groups ask again. */
static const size_t outstanding_max[LANES] = {
	[LANE_CONTROL] = 4u << 20,
	[LANE_APPEND] = 32u << 20,
	[LANE_BULK] = 8u << 20,
};

static bool is_wanted(const struct bond *bond)
{
	return bond->listed || bond->told;
}

bool bond_is_through(const struct bond *bond)
{
	return bond->lane[LANE_CONTROL].open && bond->lane[LANE_APPEND].open && bond->lane[LANE_BULK].open;
}

static void log_bond(const struct bond *bond, msec now, const char *event, enum error reason)
{
	const struct log *log = bond->hosted->groups->options.log;
	char group[ID_SHORT_SIZE], peer[ID_SHORT_SIZE];

	if (!log_wants(log, LOG_DEBUG))
		return;
	id_format_short(&bond->hosted->id, group);
	id_format_short(&bond->peer, peer);
	log_event(log, LOG_DEBUG, now, "groups", "%s group=%s peer=%s ours=%d reason=%s", event, group, peer, bond->ours,
		error_name(reason));
}

/* ---- proofs ---- */

void bond_prove(const struct hosted *hosted, const struct groups_link *link, struct handshake *handshake, enum bond_side side)
{
	struct prover self = {.binding = link->link.binding, .side = side, .peer = hosted->groups->options.self};

	handshake->group = hosted->id;
	handshake->proof = bond_wire_proof(&hosted->proof_key, &self, handshake);
}

bool bond_proof_holds(const struct id *key, const struct groups_link *link, const struct handshake *handshake,
	enum bond_side side)
{
	struct prover peer = {.binding = link->link.binding, .side = side, .peer = link->link.peer};
	struct id right = bond_wire_proof(key, &peer, handshake);

	return id_equal_secret(&right, &handshake->proof);
}

/* ---- life ---- */

struct bond *bond_find_or_new(struct hosted *hosted, const struct id *peer)
{
	struct bond *bond = id_table_get(&hosted->bonds, peer);

	ASSERT(!id_equal(peer, &hosted->groups->options.self));
	if (bond)
		return bond;
	bond = memory_new(sizeof *bond);
	*bond = (struct bond){.hosted = hosted, .peer = *peer, .retry = BOND_RETRY, .timer.kind = TIMER_BOND};
	id_table_put(&hosted->bonds, peer, bond);
	return bond;
}

static void lane_fini(struct bond_lane *lane)
{
	for (size_t i = 0; i < lane->early_count; i++)
		blob_drop(lane->early[i]);
	memory_free(lane->early);
	*lane = (struct bond_lane){0};
}

void bond_free(struct bond *bond)
{
	groups_timer_set(bond->hosted->groups, &bond->timer, MSEC_NEVER);
	for (int i = 0; i < LANES; i++)
		lane_fini(&bond->lane[i]);
	id_table_remove(&bond->hosted->bonds, &bond->peer);
	memory_free(bond);
}

void bond_detach(struct bond *bond, enum error reason, struct outbox *out)
{
	for (int i = 0; i < LANES; i++) {
		struct groups_link *link = bond->lane[i].link;

		if (link) {
			link->bond = NULL;
			groups_close_link(bond->hosted->groups, link, reason, out);
		}
		lane_fini(&bond->lane[i]);
	}
}

static msec greater_waits(const struct bond *bond)
{
	return id_compare(&bond->hosted->groups->options.self, &bond->peer) < 0 ? 0 : GREATER_WAITS;
}

void bond_review(struct bond *bond, msec now)
{
	if (bond->state != BOND_IDLE)
		return;
	if (!is_wanted(bond))
		bond_free(bond);
	else if (bond->timer.node.place == 0)
		groups_timer_set(bond->hosted->groups, &bond->timer, now + greater_waits(bond));
}

/* Silence may be a slow path; everything else is news: whoever was there is not. */
static bool is_closed(enum error reason)
{
	return reason != ERROR_IDLE && reason != ERROR_NO_ANSWER && reason != ERROR_BOND_TIMEOUT;
}

static void tell_down(struct bond *bond, msec now, enum error reason)
{
	struct groups_fact *fact = groups_put_fact(bond->hosted, GROUPS_UNBONDED);

	fact->peer = bond->peer;
	fact->reason = reason;
	bond->hosted->status_changed = true;
	group_peer_down(bond->hosted->group, now, &bond->peer, is_closed(reason));
	groups_touch(bond->hosted);
}

/* One that lasted is worth another at once; one that broke as soon as it was there has failed like any other. */
static msec wait_of(struct bond *bond, msec now)
{
	msec wait = rng_jitter(&bond->hosted->groups->rng, bond->retry, JITTER);

	if (bond->state == BOND_UP && now - bond->since >= BOND_RETRY) {
		bond->retry = BOND_RETRY;
		return greater_waits(bond);
	}
	bond->retry = msec_min(2 * bond->retry, BOND_RETRY_MAX);
	return wait;
}

void bond_end(struct bond *bond, msec now, enum error reason, struct outbox *out)
{
	struct groups *groups = bond->hosted->groups;
	bool was_up = bond->state == BOND_UP;
	msec wait = wait_of(bond, now);

	ASSERT(bond->state != BOND_IDLE);
	log_bond(bond, now, was_up ? "unbonded" : "bond-failed", reason);
	bond_detach(bond, reason, out);
	bond->state = BOND_IDLE;
	bond->pinged = false;
	groups_timer_set(groups, &bond->timer, MSEC_NEVER);
	if (was_up)
		tell_down(bond, now, reason);
	if (is_wanted(bond))
		groups_timer_set(groups, &bond->timer, now + wait);
	bond_review(bond, now);
}

/* ---- opening ---- */

static void dial(struct bond *bond, msec now, struct outbox *out)
{
	struct groups *groups = bond->hosted->groups;
	const struct dial to = {.peer = bond->peer};

	bond->state = BOND_OPENING;
	bond->ours = true;
	bond->number = rng_next(&groups->rng);
	for (int i = 0; i < LANES; i++) {
		struct groups_link *link = memory_new(sizeof *link);

		link->link.id = outbox_connect(out, &to);
		link->role = LINK_BOND;
		link->bond = bond;
		link->lane = (enum raft_lane)i;
		number_table_put(&groups->links, link->link.id, link);
		bond->lane[i].link = link;
	}
	groups_timer_set(groups, &bond->timer, now + DIAL_MAX);
}

void bond_linked(struct bond *bond, struct groups_link *link, struct outbox *out)
{
	struct handshake handshake = {.role = BOND_MEMBER, .lane = (uint8_t)link->lane, .number = bond->number};

	ASSERT(bond->ours && bond->state != BOND_IDLE);
	bond_prove(bond->hosted, link, &handshake, BOND_OPENER);
	groups_send(link, bond_wire_handshake(&handshake), out);
}

static void flush_early(struct bond_lane *lane, struct outbox *out)
{
	for (size_t i = 0; i < lane->early_count; i++)
		groups_send(lane->link, lane->early[i], out);
	lane->early_count = 0;
	lane->early_bytes = 0;
}

static void open_lane(struct bond *bond, msec now, struct bond_lane *lane, const struct group_hello *hello, struct outbox *out)
{
	struct hosted *hosted = bond->hosted;

	lane->open = true;
	flush_early(lane, out);
	if (bond_is_through(bond))
		groups_timer_set(hosted->groups, &bond->timer, MSEC_NEVER);
	if (bond->state == BOND_UP)
		return;
	bond->state = BOND_UP;
	bond->since = now;
	/* What they were told of us is as old as the handshake: a lane that opened later does not count for them. */
	hosted->hello_due = true;
	log_bond(bond, now, "bonded", OK);
	groups_put_fact(hosted, GROUPS_BONDED)->peer = bond->peer;
	hosted->status_changed = true;
	group_peer_up(hosted->group, now, &bond->peer, hello);
	groups_touch(hosted);
}

/* What is wrong with an answer to our handshake. */
static enum error judge(const struct bond *bond, const struct groups_link *link, struct bytes message, struct handshake *answer)
{
	if (bond_wire_decode_handshake(message, answer) != OK || !answer->has_hello || answer->role != BOND_MEMBER ||
		answer->lane != (uint8_t)link->lane || answer->number != bond->number ||
		!id_equal(&answer->group, &bond->hosted->id))
		return ERROR_BOND_HANDSHAKE;
	return bond_proof_holds(&bond->hosted->proof_key, link, answer, BOND_ACCEPTOR) ? OK : ERROR_BOND_PROOF;
}

static void hear_answer(struct bond *bond, msec now, struct groups_link *link, struct bytes message, struct outbox *out)
{
	struct handshake answer;
	struct group_hello hello;
	enum error error = judge(bond, link, message, &answer);

	if (error != OK) {
		bond_end(bond, now, error, out);
		return;
	}
	group_hello(bond->hosted->group, &hello);
	if (bond->state != BOND_UP)
		bond->hello_version = group_hello_version(bond->hosted->group);
	groups_send(link, bond_wire_hello(&hello), out);
	open_lane(bond, now, &bond->lane[link->lane], &answer.hello, out);
}

static void hear_first_hello(struct bond *bond, msec now, struct groups_link *link, struct bytes message, struct outbox *out)
{
	struct group_hello hello;

	if (bond_wire_kind(message) != BOND_HELLO || bond_wire_decode(message, &hello) != OK)
		bond_end(bond, now, ERROR_BOND_HANDSHAKE, out);
	else
		open_lane(bond, now, &bond->lane[link->lane], &hello, out);
}

/* ---- up ---- */

static void hear_pong(struct bond *bond)
{
	if (!bond->pinged)
		return;
	bond->pinged = false;
	if (bond_is_through(bond))
		groups_timer_set(bond->hosted->groups, &bond->timer, MSEC_NEVER);
}

static enum error hear_own(struct bond *bond, msec now, struct groups_link *link, struct bytes message, struct outbox *out)
{
	unsigned kind = bond_wire_kind(message);
	struct group_hello hello;

	if (link->lane != LANE_CONTROL || bond_wire_decode(message, &hello) != OK)
		return ERROR_MALFORMED;
	if (kind == BOND_HELLO)
		group_peer_up(bond->hosted->group, now, &bond->peer, &hello);
	else if (kind == BOND_PING)
		groups_send(link, bond_wire_sign(BOND_PONG), out);
	else
		hear_pong(bond);
	return OK;
}

enum error bond_receive(struct bond *bond, msec now, struct groups_link *link, struct bytes message, struct outbox *out)
{
	struct hosted *hosted = bond->hosted;

	ASSERT(bond->lane[link->lane].link == link);
	groups_touch(hosted);
	if (!bond->lane[link->lane].open && bond->ours)
		hear_answer(bond, now, link, message, out);
	else if (!bond->lane[link->lane].open)
		hear_first_hello(bond, now, link, message, out);
	else if (bond_wire_kind(message) != 0)
		return hear_own(bond, now, link, message, out);
	else
		return group_receive(hosted->group, now, &bond->peer, link->lane, message);
	return OK;
}

void bond_send(struct bond *bond, enum raft_lane at, struct blob *message, struct outbox *out)
{
	struct bond_lane *lane = &bond->lane[at];
	size_t under_way = lane->early_bytes + (lane->link ? lane->link->outstanding : 0);

	if (bond->state != BOND_UP || (under_way > 0 && under_way + blob_size(message) > outstanding_max[at])) {
		blob_drop(message);
		return;
	}
	if (lane->open) {
		groups_send(lane->link, message, out);
		return;
	}
	lane->early = memory_grow(lane->early, &lane->early_capacity, lane->early_count + 1, sizeof *lane->early);
	lane->early[lane->early_count++] = message;
	lane->early_bytes += blob_size(message);
}

void bond_tell_hello(struct bond *bond, struct outbox *out)
{
	uint64_t version = group_hello_version(bond->hosted->group);
	struct group_hello hello;

	if (bond->state != BOND_UP || bond->hello_version == version)
		return;
	bond->hello_version = version;
	group_hello(bond->hosted->group, &hello);
	bond_send(bond, LANE_CONTROL, bond_wire_hello(&hello), out);
}

void bond_ping(struct bond *bond, msec now, struct outbox *out)
{
	if (bond->pinged || !bond_is_through(bond))
		return;
	bond->pinged = true;
	bond_send(bond, LANE_CONTROL, bond_wire_sign(BOND_PING), out);
	groups_timer_set(bond->hosted->groups, &bond->timer, now + BOND_PONG_MAX);
}

void bond_tick(struct bond *bond, msec now, struct outbox *out)
{
	if (bond->state == BOND_IDLE)
		dial(bond, now, out);
	else
		bond_end(bond, now, bond->pinged ? ERROR_UNEXPECTED_CLOSE : ERROR_BOND_TIMEOUT, out);
}
