/*
 * raft.c - terms, roles and commit; the order of things on messages and on time; looks.
 *
 * Every input ends in a state in which all invariants of raft_check hold; what follows from it for others is made when
 * the owner reads (raft_output.c).
 */
#include "groups/raft_internal.h"

#include "base/check.h"

/* ---- terms, roles, commit ---- */

void raft_stop(struct raft *raft, enum raft_output_kind why, enum error reason, uint64_t index)
{
	log_event(raft->options.log, LOG_ERROR, raft->now, "raft", "stopped why=%s index=%llu",
		why == RAFT_HALTED ? "disk" : why == RAFT_DIVERGED ? "diverged" : "regressed", (unsigned long long)index);
	raft_become_follower(raft, raft->hard.term, &(struct member){0});
	raft_hold_nothing(raft);
	raft->stopped = true;
	raft_say(raft, &(struct raft_output){.kind = why, .reason = reason, .index = index});
}

bool raft_is_voter(const struct raft *raft)
{
	return configuration_has(raft_config_effective(raft), &raft->options.self) ||
		configuration_has(raft_config_certain(raft), &raft->options.self);
}

void raft_set_leader(struct raft *raft, const struct member *leader)
{
	if (!member_is_none(leader)) {
		raft->term_leader = *leader;
		raft->lost = 0;
		raft->orphaned = false;
		raft->leave_at = msec_min(raft->leave_at, raft->now);   /* it is asked at once */
	}
	if (member_equal(&raft->leader, leader) && raft->leader_term == raft->hard.term)
		return;
	if (!member_equal(&raft->leader, leader) || !member_is_none(leader))
		raft_say(raft, &(struct raft_output){.kind = RAFT_LEADER, .to = *leader, .term = raft->hard.term});
	raft->leader = *leader;
	raft->leader_term = raft->hard.term;
	raft_read_fail(raft);
}

void raft_become_follower(struct raft *raft, uint64_t term, const struct member *leader)
{
	enum raft_role before = raft->role;

	ASSERT(term >= raft->hard.term);
	if (term > raft->hard.term) {
		raft->hard.term = term;
		raft->hard.vote = (struct member){0};
		raft_hold_nothing(raft);
		raft_hard_changed(raft);
		raft->term_leader = (struct member){0};
		raft->verified = 0;
		raft->acknowledged = 0;
		raft->owed = false;
	}
	raft->role = RAFT_FOLLOWER;
	raft->transferred = false;
	if (before == RAFT_IS_LEADER) {
		raft_leader_end(raft);
		raft_election_reset(raft);
	}
	raft_set_leader(raft, leader);
}

/* A configuration counts for good. */
void raft_configured(struct raft *raft, const struct configured *committed)
{
	const struct configuration *configuration = &committed->configuration;
	bool had_three = configuration->incoming.count >= 3;

	raft_say(raft, &(struct raft_output){.kind = RAFT_CONFIGURED, .index = committed->index});
	raft->forgetful = true;
	/* Once the group had three voters, the floor is three. Only what may lower it commits fewer. */
	if (!configuration_is_joint(configuration) && raft->hard.had_three != had_three) {
		raft->hard.had_three = had_three;
		raft->had_three_changed = true;   /* nothing is promised with it, so nothing waits for it */
	}
	if (configuration_has(configuration, &raft->options.self)) {
		raft->was_voter = true;
	} else if (raft->was_voter) {
		/* C6: a removed member acts only on a *committed* configuration without it. */
		raft->was_voter = false;
		raft_say(raft, &(struct raft_output){.kind = RAFT_REMOVED, .index = committed->index});
		raft->removed_told = true;
	}
}

static void say_committed(struct raft *raft)
{
	struct raft_output *last = &raft->output[raft->output_count - 1];

	if (raft->output_first < raft->output_count && last->kind == RAFT_COMMITTED)
		last->index = raft->commit;
	else
		raft_say(raft, &(struct raft_output){.kind = RAFT_COMMITTED, .index = raft->commit});
}

void raft_commit_to(struct raft *raft, uint64_t index)
{
	uint64_t before = raft->commit;

	if (index <= before)
		return;
	ASSERT(index <= raft_log_last(&raft->log));
	raft->commit = index;
	say_committed(raft);
	for (size_t i = 0; i < raft->configured_count; i++)
		if (raft->configured[i].index > before && raft->configured[i].index <= index)
			raft_configured(raft, &raft->configured[i]);
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_committed(raft, before);
}

/* ---- messages ---- */

/* E5: a lower-term Append or Heartbeat gets a reply carrying our term, which unsticks a leader that was left behind. */
static void answer_old(struct raft *raft, const struct peer *from)
{
	raft_send(raft, &from->member, LANE_CONTROL, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY});
}

static enum error from_leader(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	if (message->term < raft->hard.term) {
		if (message->kind == RAFT_APPEND || message->kind == RAFT_HEARTBEAT)
			answer_old(raft, from);
		return OK;
	}
	/* Election safety: a term has one leader; a second one is a liar. */
	if (message->term == raft->hard.term && (raft->role == RAFT_IS_LEADER ||
		(!member_is_none(&raft->term_leader) && !member_equal(&raft->term_leader, &from->member))))
		return ERROR_MALFORMED;
	return raft_follower_message(raft, from, message);
}

static enum error to_leader(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	/* B21: the term of a non-member counts only when it replies to us. */
	if (message->term > raft->hard.term) {
		raft_become_follower(raft, message->term, &(struct member){0});
		return OK;
	}
	if (message->term < raft->hard.term || raft->role != RAFT_IS_LEADER)
		return OK;
	return raft_leader_message(raft, from, message);
}

static enum error dispatch(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	switch (message->kind) {
	case RAFT_PREVOTE:
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE:
	case RAFT_VOTE_REPLY:
		raft_election_message(raft, from, message);
		return OK;
	case RAFT_APPEND:
	case RAFT_HEARTBEAT:
	case RAFT_COMMIT:
	case RAFT_LAGGING:
	case RAFT_TIMEOUT_NOW:
		return from_leader(raft, from, message);
	case RAFT_APPEND_OK:
	case RAFT_APPEND_NO:
	case RAFT_HEARTBEAT_REPLY:
		return to_leader(raft, from, message);
	case RAFT_READ:
	case RAFT_READ_REPLY:
		raft_read_message(raft, from, message);
		return OK;
	case RAFT_LEAVE:
		raft_leave_message(raft, from);
		return OK;
	case RAFT_KINDS:
		break;
	}
	return ERROR_MALFORMED;
}

enum error raft_receive(struct raft *raft, msec now, const struct member *from, struct bytes bytes)
{
	struct raft_message message;
	struct peer *peer = raft_find(raft, from);

	raft->now = now;
	if (raft_wire_decode(bytes, &message) != OK)
		return ERROR_MALFORMED;
	/* B30: words between other lives, or of another history, were not meant for this one. */
	if (raft->stopped || id_is_zero(&raft->hard.lineage) || !id_equal(&message.lineage, &raft->hard.lineage) ||
		message.from != from->incarnation || message.to != raft->options.self.incarnation || !peer)
		return OK;
	if (message.term > raft->hard.term + RAFT_TERM_JUMP_MAX)
		return ERROR_MALFORMED;
	return dispatch(raft, peer, &message);
}

/* ---- time ---- */

void raft_tick(struct raft *raft, msec now)
{
	raft->now = now;
	raft_forget_peers(raft);
	if (raft->stopped || id_is_zero(&raft->hard.lineage))
		return;
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_tick(raft);
	else
		raft_election_tick(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_transfer_tick(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_autopilot_tick(raft);
	raft_read_tick(raft);
	raft_leave_tick(raft);
}

msec raft_deadline(const struct raft *raft)
{
	msec at = MSEC_NEVER;

	if (raft->stopped || id_is_zero(&raft->hard.lineage))
		return MSEC_NEVER;
	if (raft->role == RAFT_IS_LEADER)
		at = msec_min(msec_min(raft->heartbeat_at, raft->autopilot_at), raft->tell_at);
	else if (raft_election_may(raft))
		at = raft->election_at;
	if (raft->role == RAFT_IS_LEADER && !member_is_none(&raft->transfer_to))
		at = msec_min(at, raft->transfer_until);
	if (raft->leaving)
		at = msec_min(at, raft->leave_at);
	if (raft->forgetful)
		at = msec_min(at, raft->now);
	return msec_min(at, raft_read_deadline(raft));
}

/* ---- looks ---- */

enum raft_role raft_role(const struct raft *raft)
{
	return raft->role == RAFT_FOLLOWER && !raft_is_voter(raft) ? RAFT_LEARNER : raft->role;
}

uint64_t raft_term(const struct raft *raft)
{
	return raft->hard.term;
}

const struct id *raft_lineage(const struct raft *raft)
{
	return &raft->hard.lineage;
}

struct member raft_leader(const struct raft *raft)
{
	return raft->leader;
}

uint64_t raft_commit(const struct raft *raft)
{
	return raft->commit;
}

uint64_t raft_first(const struct raft *raft)
{
	return raft->log.base.index + 1;
}

uint64_t raft_last(const struct raft *raft)
{
	return raft_log_last(&raft->log);
}

uint64_t raft_durable(const struct raft *raft)
{
	return raft->durable;
}

const struct log_entry *raft_entry(const struct raft *raft, uint64_t index)
{
	return raft_log_entry(&raft->log, index);
}

bool raft_chain(const struct raft *raft, uint64_t index, struct chain *out)
{
	if (index < raft->log.base.index || index > raft_log_last(&raft->log))
		return false;
	*out = raft_log_head(&raft->log, index)->chain;
	return true;
}

bool raft_progress(const struct raft *raft, msec now, size_t n, struct raft_progress *out)
{
	const struct peer *peer;
	bool leads = raft->role == RAFT_IS_LEADER;

	if (n >= raft->peers.count)
		return false;
	peer = raft_peer_at(raft, n);
	*out = (struct raft_progress){
		.member = peer->member,
		.preference = peer->preference,
		.voter = configuration_has(raft_config_committed(raft), &peer->member),
		.up = peer->up,
		.match = leads ? peer->match : 0,
		.heard_ago = leads ? now - peer->heard_at : 0,
	};
	return true;
}
