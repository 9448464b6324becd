/*
 * raft_leader.c - a term of office: the NOOP that begins it, commits, heartbeats, and the end.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

#define AUTOPILOT_FIRST 1000

static void put(struct raft *raft, enum entry_kind kind, struct bytes payload)
{
	raft_append(raft, &(struct entry_head){.term = raft->hard.term, .kind = kind}, blob_copy(payload));
}

static size_t bytes_between(const struct raft *raft, uint64_t after, uint64_t to)
{
	size_t bytes = 0;

	for (uint64_t index = after + 1; index <= to; index++)
		bytes += blob_size(raft_log_entry(&raft->log, index)->payload);
	return bytes;
}

void raft_leader_noop(struct raft *raft)
{
	put(raft, ENTRY_NOOP, (struct bytes){0});
}

void raft_leader_begin(struct raft *raft)
{
	ASSERT(raft->role == RAFT_CANDIDATE && raft_is_hard_durable(raft));
	log_event(raft->options.log, LOG_INFO, raft->now, "raft", "leader term=%llu last=%llu",
		(unsigned long long)raft->hard.term, (unsigned long long)raft_log_last(&raft->log));
	raft->role = RAFT_IS_LEADER;
	raft->leader_since = raft->now;
	raft->autopilot_at = raft->now + AUTOPILOT_FIRST;
	raft->changed_at = 0;
	raft->tell_at = MSEC_NEVER;
	raft->urgent = 0;   /* the NOOP is */
	raft->transfer_to = raft->deaf = (struct member){0};
	raft->transfer_failed = false;
	raft->uncommitted_bytes = bytes_between(raft, raft->commit, raft_log_last(&raft->log));
	for (size_t i = 0; i < raft->peers.count; i++) {
		raft_progress_reset(raft, raft_peer_at(raft, i));
		raft_peer_at(raft, i)->leaving = false;
	}
	raft_set_leader(raft, &raft->options.self);
	/* E7: a new leader appends a NOOP; no reads and no change of voters until it commits. */
	raft_leader_noop(raft);
	raft_leader_beat(raft);
}

void raft_leader_end(struct raft *raft)
{
	raft->transfer_to = (struct member){0};
	raft->uncommitted_bytes = 0;
}

bool raft_is_operational(const struct raft *raft)
{
	return raft->role == RAFT_IS_LEADER && raft_log_term(&raft->log, raft->commit) == raft->hard.term;
}

enum error raft_propose(struct raft *raft, msec now, const struct proposal *proposal, uint64_t *index)
{
	size_t size = blob_size(proposal->payload);
	enum error error = OK;

	raft->now = now;
	ASSERT(size <= RAFT_ENTRY_MAX);
	ASSERT(proposal->kind != ENTRY_GENESIS && proposal->kind != ENTRY_NOOP && proposal->kind != ENTRY_CONFIGURATION);
	ASSERT(proposal->commands == 0 || proposal->kind == ENTRY_COMMANDS);
	if (!raft_is_operational(raft) || !member_is_none(&raft->transfer_to))
		error = ERROR_NOT_LEADER;
	else if (raft->uncommitted_bytes + size > RAFT_UNCOMMITTED_MAX)
		error = ERROR_BUSY;
	if (error != OK) {
		blob_drop(proposal->payload);
		return error;
	}
	raft_append(raft, &(struct entry_head){
		.term = raft->hard.term, .kind = proposal->kind, .commands = proposal->commands}, proposal->payload);
	raft->uncommitted_bytes += size;
	*index = raft_log_last(&raft->log);
	return OK;
}

void raft_leader_configure(struct raft *raft, const struct configuration *configuration)
{
	struct buffer payload = {0};

	ASSERT(raft_config_index(raft) <= raft->commit);   /* I17: one change at a time */
	log_event(raft->options.log, LOG_INFO, raft->now, "raft", "configuration index=%llu outgoing=%u incoming=%u",
		(unsigned long long)raft_log_last(&raft->log) + 1, configuration->outgoing.count,
		configuration->incoming.count);
	configuration_encode(configuration, &payload);
	put(raft, ENTRY_CONFIGURATION, buffer_bytes(&payload));
	raft->uncommitted_bytes += payload.size;
	buffer_fini(&payload);
	raft_know_voters(raft);
}

/* ---- commit ---- */

static uint64_t match_of(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	/* B1, rule (d): the leader's own match is what is durable here. */
	if (raft_is_self(raft, member))
		return raft->durable;
	peer = raft_find(raft, member);
	return peer ? peer->match : 0;
}

void raft_leader_advance(struct raft *raft)
{
	/* B5: the configuration in force at the log's tail counts, in a joint one both majorities. */
	uint64_t agreed = raft_config_quorum(raft, raft_config_effective(raft), match_of);

	/* 3.6.2, figure 8: only entries of its own term are committed by counting; what is before them comes along. */
	if (agreed > raft->commit && raft_log_term(&raft->log, agreed) == raft->hard.term)
		raft_commit_to(raft, agreed);
}

void raft_leader_committed(struct raft *raft, uint64_t before)
{
	struct configuration configuration = *raft_config_effective(raft);
	size_t bytes = bytes_between(raft, before, raft->commit);
	uint64_t index = raft_config_index(raft);

	raft->uncommitted_bytes -= bytes < raft->uncommitted_bytes ? bytes : raft->uncommitted_bytes;
	if (raft_log_term(&raft->log, before) != raft->hard.term)
		raft->autopilot_at = raft->now;   /* operational from now on */
	if (index > raft->commit)
		return;
	if (configuration_is_joint(&configuration)) {
		/*
		 * C3, B11: left only when the joint entry is committed and an entry of our own term at or after it is. What is
		 * committed by counting is of our own term, and whatever we recovered is before our NOOP.
		 */
		configuration.outgoing.count = 0;
		raft_leader_configure(raft, &configuration);
		return;
	}
	if (index > before) {
		raft->changed_at = raft->now;
		raft->autopilot_at = raft->now;
	}
	/* C4: it led, not counting itself, until the configuration without it was committed. */
	if (!configuration_has(&configuration, &raft->options.self))
		raft_transfer_farewell(raft);
}

/* ---- time ---- */

void raft_leader_beat(struct raft *raft)
{
	raft->heartbeat_at = raft->now + raft->options.timing.heartbeat;
	for (size_t i = 0; i < raft->peers.count; i++) {
		struct peer *peer = raft_peer_at(raft, i);
		uint64_t commit = peer->match < raft->commit ? peer->match : raft->commit;

		/* B31: on the lane that never queues behind appends. */
		raft_send(raft, &peer->member, LANE_CONTROL, &(struct raft_message){
			.kind = RAFT_HEARTBEAT, .match = peer->match, .commit = commit, .round = raft->round});
	}
}

static uint64_t is_heard(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	if (raft_is_self(raft, member))
		return 1;
	peer = raft_find(raft, member);
	return peer && raft->now - peer->heard_at < raft->options.timing.election_timeout;
}

void raft_leader_tick(struct raft *raft)
{
	msec timeout = raft->options.timing.election_timeout;

	if (raft->now < raft->heartbeat_at)
		return;
	/* E8, CheckQuorum: acknowledgements of the last election timeout do not form a quorum: somebody else may lead. */
	if (raft->now - raft->leader_since >= timeout &&
		raft_config_quorum(raft, raft_config_effective(raft), is_heard) == 0) {
		log_event(raft->options.log, LOG_INFO, raft->now, "raft", "no-quorum term=%llu",
			(unsigned long long)raft->hard.term);
		raft_become_follower(raft, raft->hard.term, &(struct member){0});
		return;
	}
	/* E9, B27: a disk that does not answer is a failure like any other. */
	if (raft->persisting && raft->now - raft->persisting_since > timeout)
		raft_transfer(raft, raft->now, NULL);
	raft_leader_beat(raft);
}

void raft_leader_flush(struct raft *raft)
{
	raft->is_untold = false;
	for (size_t i = 0; i < raft->peers.count; i++)
		raft_progress_feed(raft, raft_peer_at(raft, i));
	if (!raft->is_untold)
		raft->tell_at = MSEC_NEVER;
}

/* ---- answers ---- */

enum error raft_leader_message(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	uint64_t last = raft_log_last(&raft->log);

	/* Nobody agrees with more than we have, or answers what we did not ask. */
	if (message->kind == RAFT_APPEND_OK && (message->match > message->index || message->index > last))
		return ERROR_MALFORMED;
	if (message->kind == RAFT_HEARTBEAT_REPLY && (message->match > last || message->round > raft->round))
		return ERROR_MALFORMED;
	from->heard_at = raft->now;
	if (message->kind == RAFT_APPEND_OK) {
		raft_progress_ok(raft, from, message);
		raft_leader_advance(raft);
		raft_transfer_acknowledged(raft, from);
	} else if (message->kind == RAFT_APPEND_NO) {
		raft_progress_no(raft, from, message);
	} else {
		raft_progress_alive(raft, from, message);
		if (message->round > from->round) {
			from->round = message->round;
			raft_read_confirmed(raft);
		}
	}
	return OK;
}
