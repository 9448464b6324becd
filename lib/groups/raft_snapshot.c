/*
 * raft_snapshot.c - the log and snapshots: what may be forgotten, and what a fetched one replaces.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

struct entry_head raft_snapshot_head(const struct snapshot_meta *meta)
{
	return (struct entry_head){.index = meta->index, .term = meta->term, .position = meta->position,
		.chain = meta->chain};
}

void raft_compact(struct raft *raft, const struct snapshot_meta *meta, uint64_t first)
{
	ASSERT(meta->index <= raft->applied && meta->index >= raft->log.base.index);
	ASSERT(first <= meta->index + 1);
	if (meta->index >= raft->meta.index) {
		raft->meta = *meta;
		raft_config_rebased(raft, meta);
	}
	if (first <= raft->log.base.index + 1)
		return;
	raft_log_compact(&raft->log, first);
	if (raft->handed < first - 1)
		raft->handed = first - 1;
	if (raft->durable < first - 1)
		raft->durable = first - 1;
}

static bool holds(const struct raft *raft, const struct snapshot_meta *meta)
{
	const struct log_entry *entry = raft_log_entry(&raft->log, meta->index);

	return entry && entry->head.term == meta->term && bytes_equal(bytes_of(entry->head.chain.byte,
		sizeof(meta->chain.byte)), bytes_of(meta->chain.byte, sizeof(meta->chain.byte)));
}

/*
 * Entries behind the snapshot stay if ours at its index is the same (dissertation 5.1): they may have been acknowledged. If
 * it is another, or missing, nothing behind it is part of any history that was committed.
 */
bool raft_install(struct raft *raft, msec now, const struct snapshot_meta *meta)
{
	struct entry_head base = raft_snapshot_head(meta);

	raft->now = now;
	if (raft->stopped || meta->index <= raft->commit)
		return false;
	/* What it holds was committed in its last term or later: a leader of an older term has nothing to tell us any more. */
	if (meta->term > raft->hard.term)
		raft_become_follower(raft, meta->term, &(struct member){0});
	else if (raft->role != RAFT_FOLLOWER)
		raft_become_follower(raft, raft->hard.term, &(struct member){0});
	if (holds(raft, meta)) {
		raft_log_compact(&raft->log, meta->index + 1);
	} else {
		/* Ours was of a leader that lost its place meanwhile: nothing that it goes on to say may be believed. */
		if (raft_log_last(&raft->log) >= meta->index)
			raft_become_follower(raft, raft->hard.term + 1, &(struct member){0});
		if (raft->commit < raft_log_last(&raft->log))
			raft_truncate(raft, raft->commit + 1);
		raft_log_reset(&raft->log, &base);
		raft->handed = meta->index;
	}
	raft->meta = *meta;
	raft_config_rebased(raft, meta);
	raft_know_voters(raft);
	raft->commit = raft->applied = meta->index;
	raft->install = true;
	if (raft->handed < meta->index)
		raft->handed = meta->index;
	raft_configured(raft, &raft->configured[0]);
	raft_follower_installed(raft);
	return true;
}

bool raft_is_installing(const struct raft *raft)
{
	return raft->install;
}
