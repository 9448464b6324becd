/*
 * bond_accept.c - a bond that a peer opens, and which of two stands.
 *
 *      ours is opening too      that of the smaller id stands, unless ours got nowhere yet
 *      theirs is opening        another number: they began anew
 *      one is up                it stands. Did the new one come in another session, the peer may have begun a new life
 *                               without our noticing: ours has a moment to prove that it lives
 *
 * An honest peer opens a second bond only if it has lost the first one, and tries again in a second: then the dead one is
 * out of its way.
 */
#include "groups/groups_internal.h"

#include "base/check.h"

enum verdict { REFUSE, BEGIN, TAKE_LANE };

static bool any_is_linked(const struct bond *bond)
{
	for (int i = 0; i < LANES; i++)
		if (bond->lane[i].link && bond->lane[i].link->linked)
			return true;
	return false;
}

static bool smaller_id_wins(const struct bond *bond)
{
	return id_compare(&bond->peer, &bond->hosted->groups->options.self) < 0;
}

static enum verdict judge(const struct bond *bond, const struct handshake *handshake)
{
	bool same = !bond->ours && bond->number == handshake->number;

	if (bond->state == BOND_IDLE)
		return BEGIN;
	if (same && !bond->lane[handshake->lane].link)
		return TAKE_LANE;
	if (same || bond->state == BOND_UP)
		return REFUSE;
	if (!bond->ours)
		return BEGIN;
	return smaller_id_wins(bond) || !any_is_linked(bond) ? BEGIN : REFUSE;
}

static void begin(struct bond *bond, msec now, uint64_t number, struct outbox *out)
{
	bond_detach(bond, ERROR_ALREADY_BONDED, out);
	bond->state = BOND_OPENING;
	bond->ours = false;
	bond->number = number;
	bond->hello_version = group_hello_version(bond->hosted->group);
	groups_timer_set(bond->hosted->groups, &bond->timer, now + BOND_HANDSHAKE_MAX);
}

static void take_lane(struct bond *bond, struct groups_link *link, const struct handshake *theirs, struct outbox *out)
{
	struct handshake answer = {.role = BOND_MEMBER, .lane = theirs->lane, .number = theirs->number, .has_hello = true};

	groups_timer_set(bond->hosted->groups, &link->timer, MSEC_NEVER);
	link->role = LINK_BOND;
	link->bond = bond;
	link->lane = (enum raft_lane)theirs->lane;
	bond->lane[link->lane].link = link;
	bond_prove(bond->hosted, link, &answer, BOND_ACCEPTOR);
	group_hello(bond->hosted->group, &answer.hello);
	groups_send(link, bond_wire_handshake(&answer), out);
}

static bool is_another_session(const struct bond *bond, const struct groups_link *link)
{
	for (int i = 0; i < LANES; i++)
		if (bond->lane[i].link && id_equal(&bond->lane[i].link->link.binding, &link->link.binding))
			return false;
	return true;
}

void bond_accept(struct hosted *hosted, msec now, struct groups_link *link, const struct handshake *handshake,
	struct outbox *out)
{
	struct bond *bond;
	enum verdict verdict;

	if (id_equal(&link->link.peer, &hosted->groups->options.self)) {
		groups_close_link(hosted->groups, link, ERROR_BOND_NOT_ALLOWED, out);
		return;
	}
	bond = bond_find_or_new(hosted, &link->link.peer);
	verdict = judge(bond, handshake);
	if (verdict == REFUSE) {
		if (bond->state == BOND_UP && is_another_session(bond, link))
			bond_ping(bond, now, out);
		groups_close_link(hosted->groups, link, ERROR_ALREADY_BONDED, out);
		return;
	}
	if (verdict == BEGIN)
		begin(bond, now, handshake->number, out);
	take_lane(bond, link, handshake, out);
}
