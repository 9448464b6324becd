/*
 * raft_check.c - every invariant of one member, as an executable text. Simulators and fuzzers call it after each step; its
 * cost does not grow with the log.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

static void check_log(const struct raft *raft)
{
	const struct raft_log *log = &raft->log;
	uint64_t last = raft_log_last(log);

	ASSERT(log->start + log->count <= log->capacity);
	ASSERT(log->base.index <= raft->commit && raft->commit <= last);
	ASSERT(raft->applied <= raft->commit && raft->meta.index <= raft->commit);
	ASSERT(raft->durable <= raft->handed || raft->install);
	ASSERT(raft->handed <= last && raft->durable <= last && raft->verified <= last);
	ASSERT(raft->hard_durable <= raft->hard_handed && raft->hard_handed <= raft->hard_version);
	ASSERT(raft->held_count == 0 || raft->hard_durable < raft->hard_version);
	ASSERT(raft_log_term(log, last) <= raft->hard.term);
	if (log->count > 0) {
		const struct entry_head *head = &log->entry[log->start + log->count - 1].head;
		const struct entry_head *before = raft_log_head(log, last - 1);

		ASSERT(head->index == last && head->term >= before->term);
		ASSERT(head->position == before->position + before->commands);
	}
}

static void check_voters(const struct voters *voters)
{
	for (size_t i = 1; i < voters->count; i++)
		ASSERT(member_compare(&voters->member[i - 1], &voters->member[i]) < 0);
}

/* I17: what is in force follows from snapshot and log alone. */
static void check_configured(const struct raft *raft)
{
	for (size_t i = 0; i < raft->configured_count; i++) {
		const struct configured *configured = &raft->configured[i];
		const struct log_entry *entry = raft_log_entry(&raft->log, configured->index);

		ASSERT(i == 0 || raft->configured[i - 1].index < configured->index);
		ASSERT(configured->configuration.incoming.count > 0);
		check_voters(&configured->configuration.incoming);
		check_voters(&configured->configuration.outgoing);
		ASSERT(i == 0 || configured->index > raft->meta.index);
		if (entry)
			ASSERT(entry->head.kind == ENTRY_CONFIGURATION || entry->head.kind == ENTRY_GENESIS);
		else
			ASSERT(configured->index <= raft->log.base.index);
	}
}

static void check_peer(const struct raft *raft, const struct peer *peer, const struct id *key)
{
	size_t bytes = 0;

	ASSERT(id_equal(&peer->member.peer, key));
	ASSERT(!id_equal(key, &raft->options.self.peer) && peer->member.incarnation != 0);
	if (raft->role != RAFT_IS_LEADER)
		return;
	ASSERT(peer->match <= raft_log_last(&raft->log) && peer->next <= raft_log_last(&raft->log) + 1);
	ASSERT(peer->next >= 1 && peer->commit_told <= raft->commit && peer->round <= raft->round);
	ASSERT(peer->progress != PROGRESS_REPLICATE || peer->next > peer->match);
	ASSERT(peer->flight_count <= RAFT_WINDOW_MESSAGES);
	ASSERT(peer->flight_count == 0 || peer->progress == PROGRESS_REPLICATE);
	for (uint32_t i = 0; i < peer->flight_count; i++)
		bytes += peer->flight[(peer->flight_first + i) % RAFT_WINDOW_MESSAGES].bytes;
	ASSERT(bytes == peer->flight_bytes);
}

static void check_leader(const struct raft *raft)
{
	size_t uncommitted = 0;

	ASSERT(member_equal(&raft->leader, &raft->options.self));
	ASSERT(member_equal(&raft->hard.vote, &raft->options.self));
	/* Its log ends in its own term: the NOOP is there. */
	ASSERT(raft_log_term(&raft->log, raft_log_last(&raft->log)) == raft->hard.term);
	for (size_t i = 0; i < raft->configured_count; i++)
		uncommitted += raft->configured[i].index > raft->commit;
	ASSERT(!raft_is_operational(raft) || uncommitted <= 1);
	ASSERT(raft->uncommitted_bytes <= RAFT_UNCOMMITTED_MAX + RAFT_ENTRY_MAX);
}

void raft_check(const struct raft *raft)
{
	check_log(raft);
	check_configured(raft);
	for (size_t i = 0; i < raft->peers.count; i++)
		check_peer(raft, raft_peer_at(raft, i), &raft->peers.slot[i].key);
	if (raft->role == RAFT_IS_LEADER)
		check_leader(raft);
	ASSERT(raft->role != RAFT_LEARNER);
	ASSERT(raft->reading_count <= RAFT_READS_MAX);
	ASSERT(!raft->stopped || (raft->held_count == 0 && raft->role == RAFT_FOLLOWER));
}
