/*
 * raft_follower.c - what the leader of our term says. Section 3.5 of the dissertation, with three more rules:
 *
 *  - An answer names exactly what was compared: the prefix up to prev_index + n of this very message (B15), as far as it
 *    is durable (B16). A snapshot is no comparison: a leader that is older than what the snapshot holds could count it for
 *    entries of its own. Below our base we therefore answer where to go on, and compare there.
 *  - Entries are compared one by one, and only those behind the first conflict go (B26); never a committed one.
 *  - Every message carries the chain at prev_index. Equal term and index with another chain means that one of the two
 *    replicas is damaged: we stop.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

uint64_t raft_match(const struct raft *raft)
{
	return raft->verified < raft->durable ? raft->verified : raft->durable;
}

static void hear(struct raft *raft, const struct peer *from, uint64_t term)
{
	if (term > raft->hard.term || raft->role != RAFT_FOLLOWER || !member_equal(&raft->leader, &from->member))
		raft_become_follower(raft, term, &from->member);
	raft->heard_at = raft->now;
	raft_election_reset(raft);
}

static void acknowledge(struct raft *raft)
{
	raft->acknowledged = raft_match(raft);
	raft->owed = raft->acknowledged < raft->verified;
	raft_send(raft, &raft->term_leader, LANE_APPEND, &(struct raft_message){
		.kind = RAFT_APPEND_OK,
		.match = raft->acknowledged,
		.index = raft->verified,
	});
}

static void refuse(struct raft *raft, uint64_t prev_index, uint64_t from)
{
	raft_send(raft, &raft->term_leader, LANE_APPEND, &(struct raft_message){
		.kind = RAFT_APPEND_NO,
		.match = prev_index,
		.index = from,
		.index_term = raft_log_term(&raft->log, from),
	});
}

void raft_follower_persisted(struct raft *raft)
{
	if (raft->owed && raft_match(raft) > raft->acknowledged)
		acknowledge(raft);
}

/* The leader must not take the snapshot for a match, so it is told where to compare. */
void raft_follower_installed(struct raft *raft)
{
	if (!member_is_none(&raft->leader))
		refuse(raft, 0, raft->log.base.index);
}

static void follow_commit(struct raft *raft, uint64_t commit)
{
	/* B15: min of the leader's commit and what it verified here, never our last. */
	raft_commit_to(raft, commit < raft->verified ? commit : raft->verified);
}

/* A leader contradicts what is committed here. If it says that it committed that too, one of us is damaged. */
static enum error contradict(struct raft *raft, uint64_t index, const struct raft_message *message)
{
	if (message->commit >= index)
		raft_stop(raft, RAFT_DIVERGED, OK, index);
	return OK;   /* else a leader of the past that has not noticed: no answer */
}

static bool chain_differs(const struct chain *a, const struct chain *b)
{
	return !bytes_equal(bytes_of(a->byte, sizeof(a->byte)), bytes_of(b->byte, sizeof(b->byte)));
}

/* The index of the first entry of ours that is another than the message's; 0: none. */
static uint64_t first_conflict(const struct raft *raft, const struct raft_message *message)
{
	struct cbor walk = message->walk;
	uint64_t index = message->prev_index;
	uint64_t last = raft_log_last(&raft->log);

	/* Every entry, not only the first. */
	for (uint32_t i = 0; i < message->count && index < last; i++)
		if (raft_wire_next(&walk).term != raft_log_term(&raft->log, ++index))
			return index;
	return 0;
}

static void take_entries(struct raft *raft, const struct raft_message *message)
{
	struct cbor walk = message->walk;

	for (uint32_t i = 0; i < message->count; i++) {
		struct raft_wire_entry entry = raft_wire_next(&walk);
		struct entry_head head = {.term = entry.term, .kind = entry.kind, .commands = entry.commands};

		if (message->prev_index + 1 + i > raft_log_last(&raft->log))
			raft_append(raft, &head, blob_copy(entry.payload));
	}
	raft_know_voters(raft);
}

static enum error on_append(struct raft *raft, const struct raft_message *message)
{
	uint64_t prev = message->prev_index;
	uint64_t last = raft_log_last(&raft->log);
	uint64_t conflict;

	if (prev < raft->log.base.index) {
		refuse(raft, prev, raft->log.base.index);
		return OK;
	}
	if (prev > last) {
		refuse(raft, prev, raft_log_not_after(&raft->log, last, message->prev_term));
		return OK;
	}
	if (raft_log_term(&raft->log, prev) != message->prev_term) {
		if (prev <= raft->commit)
			return contradict(raft, prev, message);
		refuse(raft, prev, raft_log_not_after(&raft->log, prev, message->prev_term));
		return OK;
	}
	if (chain_differs(&raft_log_head(&raft->log, prev)->chain, &message->prev_chain)) {
		raft_stop(raft, RAFT_DIVERGED, OK, prev);
		return OK;
	}
	conflict = first_conflict(raft, message);
	if (conflict > 0 && conflict <= raft->commit)
		return contradict(raft, conflict, message);
	if (conflict > 0 && conflict <= raft->verified)
		return ERROR_MALFORMED;   /* a leader only appends: it does not take back what it showed in this term */
	if (conflict > 0)
		raft_truncate(raft, conflict);
	take_entries(raft, message);
	if (prev + message->count > raft->verified)
		raft->verified = prev + message->count;
	raft->owed = true;
	/* Duplicates with everything durable are answered at once, the others when they are. */
	if (raft->durable >= prev + message->count)
		acknowledge(raft);
	follow_commit(raft, message->commit);
	return OK;
}

static void on_heartbeat(struct raft *raft, const struct peer *from, const struct raft_message *message)
{
	/*
	 * In this term this life acknowledged more than it has. Its storage is an old copy: it must never speak for
	 * its promises again.
	 */
	if (message->match > raft_log_last(&raft->log)) {
		raft_stop(raft, RAFT_REGRESSED, OK, message->match);
		return;
	}
	follow_commit(raft, message->commit);
	raft_send(raft, &from->member, LANE_CONTROL, &(struct raft_message){
		.kind = RAFT_HEARTBEAT_REPLY,
		.match = raft_match(raft),
		.index = raft_log_last(&raft->log),
		.round = message->round,
	});
}

enum error raft_follower_message(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	hear(raft, from, message->term);
	switch ((int)message->kind) {
	case RAFT_APPEND:
		return on_append(raft, message);
	case RAFT_HEARTBEAT:
		on_heartbeat(raft, from, message);
		break;
	case RAFT_COMMIT:
		follow_commit(raft, message->commit);
		break;
	case RAFT_LAGGING:
		/* What is behind our commit may contradict the leader, so only the commit tells whether its log is enough. */
		if (message->index > raft->commit + 1)
			raft_say(raft, &(struct raft_output){.kind = RAFT_NEEDS_SNAPSHOT, .index = message->index});
		else
			refuse(raft, 0, raft->commit);
		break;
	default:
		ASSERT(message->kind == RAFT_TIMEOUT_NOW);
		raft_election_transferred(raft, message->index);
	}
	return OK;
}
