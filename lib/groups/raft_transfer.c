/*
 * raft_transfer.c - handing over (section 3.10 of the dissertation), and leaving.
 *
 * While leadership is handed over nothing is proposed, so that the successor can catch up; then it is told to campaign at
 * once. It has an election timeout to take over; after that we go on, and another one would be tried first.
 *
 * TIMEOUT_NOW may arrive long after it was given up, and would then end the term of a leader that everybody follows. So it
 * names the end of the log at which it was said; going on begins with a NOOP behind that, and who has it does not obey.
 */
#include "groups/raft_internal.h"

struct peer *raft_transfer_best(const struct raft *raft)
{
	const struct configuration *effective = raft_config_effective(raft);
	uint64_t last = raft_log_last(&raft->log);
	struct peer *best = NULL;

	for (size_t i = 0; i < raft->peers.count; i++) {
		struct peer *peer = raft_peer_at(raft, i);

		if (!peer->up || !voters_have(&effective->incoming, &peer->member) ||
			raft_autopilot_wants_out(raft, &peer->member) || raft_is_dead(raft, &peer->member) ||
			raft->now - peer->heard_at >= raft->options.timing.election_timeout ||
			peer->match + RAFT_TRAILING_MAX < last || member_equal(&peer->member, &raft->deaf))
			continue;
		if (!best || peer->preference < best->preference ||
			(peer->preference == best->preference && peer->match > best->match))
			best = peer;
	}
	return best;
}

static void tell_timeout_now(struct raft *raft, const struct member *to)
{
	raft_send(raft, to, LANE_CONTROL, &(struct raft_message){
		.kind = RAFT_TIMEOUT_NOW, .index = raft_log_last(&raft->log)});
}

void raft_transfer_acknowledged(struct raft *raft, const struct peer *peer)
{
	if (raft->transfer_told || !member_equal(&raft->transfer_to, &peer->member) ||
		peer->match < raft_log_last(&raft->log))
		return;
	raft->transfer_told = true;
	tell_timeout_now(raft, &peer->member);
}

void raft_transfer(struct raft *raft, msec now, const struct id *to)
{
	const struct peer *peer;

	raft->now = now;
	if (raft->role != RAFT_IS_LEADER || !member_is_none(&raft->transfer_to))
		return;
	peer = to ? id_table_get(&raft->peers, to) : raft_transfer_best(raft);
	if (!peer || !peer->up || peer->preference == PREFER_OBSERVER ||
		!voters_have(&raft_config_effective(raft)->incoming, &peer->member))
		return;
	raft->transfer_to = peer->member;
	raft->transfer_until = now + raft->options.timing.election_timeout;
	raft->transfer_told = false;
	raft_transfer_acknowledged(raft, peer);
}

void raft_transfer_tick(struct raft *raft)
{
	if (member_is_none(&raft->transfer_to) || raft->now < raft->transfer_until)
		return;
	raft->deaf = raft->transfer_to;
	raft->transfer_failed = true;
	if (raft->transfer_told)
		raft_leader_noop(raft);
	raft->transfer_to = (struct member){0};
}

void raft_transfer_farewell(struct raft *raft)
{
	const struct peer *best = raft_transfer_best(raft);

	if (best)
		tell_timeout_now(raft, &best->member);
	raft_become_follower(raft, raft->hard.term, &(struct member){0});
}

/* ---- leaving ---- */

static void tell_removed(struct raft *raft)
{
	if (raft->removed_told)
		return;
	raft->removed_told = true;
	raft_say(raft, &(struct raft_output){.kind = RAFT_REMOVED, .index = raft_config_index(raft)});
}

void raft_leave_tick(struct raft *raft)
{
	if (!raft->leaving || raft->now < raft->leave_at)
		return;
	raft->leave_at = raft->now + raft->options.timing.heartbeat;
	if (raft->role == RAFT_IS_LEADER) {
		raft->autopilot_at = raft->now;
		raft_autopilot_tick(raft);
	} else if (!member_is_none(&raft->leader)) {
		/* A standby says it too: it is not to be promoted any more. */
		raft_send(raft, &raft->leader, LANE_CONTROL, &(struct raft_message){.kind = RAFT_LEAVE});
	}
	if (!raft_is_voter(raft)) {
		tell_removed(raft);
		raft->leave_at = MSEC_NEVER;
	}
}

void raft_leave(struct raft *raft, msec now)
{
	raft->now = now;
	raft->leaving = true;
	raft->leave_at = now;
	raft->removed_told = false;
	if (!raft->stopped)
		raft_leave_tick(raft);
}

void raft_leave_message(struct raft *raft, struct peer *from)
{
	if (raft->role != RAFT_IS_LEADER || from->leaving)
		return;
	from->leaving = true;
	raft->autopilot_at = raft->now;
	raft_autopilot_tick(raft);
}
