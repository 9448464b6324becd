/*
 * group_fetch.c - a snapshot of the others, when our log does not reach back far enough: the leader is asked for an offer, and
 * whoever has the same for its chunks (sync.h).
 */
#include "groups/group_internal.h"

/* A snapshot has to reach as far as our log begins, or else there would be a gap. */
static uint64_t have(const struct group *group)
{
	uint64_t before_log = raft_first(group->raft) > 0 ? raft_first(group->raft) - 1 : 0;

	return group->replica.index > before_log ? group->replica.index : before_log;
}

void group_snapshot_needed(struct group *group)
{
	if (group->needs_snapshot)
		return;
	group->needs_snapshot = true;
	group->ask_at = group->now;
}

static void set_restoring(struct group *group, bool is_restoring)
{
	group->restoring = is_restoring;
	raft_set_hollow(group->raft, is_restoring);
}

void group_fetch_offer(struct group *group, const struct peer *peer, const struct group_message *message)
{
	if (!group->needs_snapshot || message->meta.index <= have(group) || !id_equal(&peer->id, &group->leader))
		return;
	/* It goes on well; or what does not come would come from the same members again: chunks are asked for by index. */
	if (group->sync.active && (group->now < group->progress_at || (group->sync.meta.index == message->meta.index
			&& id_equal(&group->sync.meta.root, &message->meta.root))))
		return;
	if (sync_begin(&group->sync, &message->meta, message->bytes) != OK)
		return;
	restore_fini(&group->restore);
	restore_begin(&group->restore, &group->replica);
	set_restoring(group, true);
	group->progress_at = group->now + 2 * SYNC_TIMEOUT;
}

static void give_up_fetch(struct group *group)
{
	sync_stop(&group->sync);
	restore_fini(&group->restore);
	restore_begin(&group->restore, &group->replica);
	group->ask_at = group->now + GROUP_ASK_EVERY;
}

static void fetched(struct group *group)
{
	struct snapshot_meta meta = group->sync.meta;
	struct id lineage = *raft_lineage(group->raft);

	if (restore_end(&group->restore, &meta, &lineage) != OK) {
		give_up_fetch(group);
		return;
	}
	sync_stop(&group->sync);
	restore_fini(&group->restore);
	group_snapshots_supersede(group, meta.index);
	raft_install(group->raft, group->now, &meta);   /* or our log reaches that far by now: just as well */
	set_restoring(group, false);
	group->needs_snapshot = false;
	group->compacted_index = meta.index;
	raft_applied(group->raft, meta.index);
	handle_restored(&group->handle, &group->replica.sessions);
	group_tell(group, GROUP_RESTORED)->position = meta.position;
}

static bool take_chunks(struct group *group)
{
	struct blob *chunk;
	bool moved = false;

	while (group->chunks_storing < GROUP_CHUNKS_STORING && (chunk = sync_next_chunk(&group->sync)) != NULL) {
		enum error error = restore_chunk(&group->restore, blob_bytes(chunk));

		moved = true;
		group->progress_at = group->now + 2 * SYNC_TIMEOUT;
		group_store_chunk(group, group->sync.meta.index, group->sync.given - 1, chunk);
		if (error != OK) {
			give_up_fetch(group);
			return true;
		}
	}
	if (sync_is_done(&group->sync)) {
		fetched(group);
		moved = true;
	}
	return moved;
}

static void ask_for_chunks(struct group *group)
{
	struct sync_ask ask;

	while (sync_next_ask(&group->sync, group->now, &ask)) {
		struct group_message message = {.kind = MESSAGE_CHUNK_ASK, .lineage = *raft_lineage(group->raft),
			.index = group->sync.meta.index, .number = ask.number, .root = group->sync.meta.root};

		group_say(group, &ask.peer, LANE_BULK, &message);
	}
}

/*
 * We lead: nobody offers us anything. Our log is what counts, so with a replica that goes on to where it begins, no snapshot
 * is needed. One that was emptied to be filled from a snapshot whose sources are gone can do nothing: somebody else
 * has to lead. Whom we choose may be in the same plight, so it is another one each time.
 */
static void lead_without(struct group *group)
{
	struct raft_progress progress;
	struct id successor = {{0}};
	uint64_t able = 0;

	group->needs_snapshot = group->restoring;
	for (size_t n = 0; group->restoring && raft_progress(group->raft, group->now, n, &progress); n++) {
		if (progress.up && progress.voter && progress.preference != PREFER_OBSERVER
			&& rng_below(&group->rng, ++able) == 0)
			successor = progress.member.peer;
	}
	if (able > 0)
		raft_transfer(group->raft, group->now, &successor);
}

/* Until something is offered, and while what was offered does not come. */
static void ask_for_offer(struct group *group)
{
	if (!group->needs_snapshot || group->now < group->ask_at || !group->online)
		return;
	if (group->sync.active && group->now < group->progress_at)
		return;
	group->ask_at = group->now + GROUP_ASK_EVERY;
	if (group->leads)
		lead_without(group);
	else
		group_say(group, &group->leader, LANE_BULK, &(struct group_message){.kind = MESSAGE_SNAPSHOT_ASK,
			.lineage = *raft_lineage(group->raft), .index = have(group)});
}

void group_fetch_chunk(struct group *group, const struct peer *peer, const struct group_message *message)
{
	struct sync_ask from = {peer->id, (uint32_t)message->number};

	if (message->number > UINT32_MAX || message->index != group->sync.meta.index)
		return;
	if (message->kind == MESSAGE_CHUNK_GONE || sync_chunk(&group->sync, group->now, &from, message->bytes) != OK)
		sync_gone(&group->sync, group->now, &from);
}

bool group_fetch_turn(struct group *group)
{
	bool moved;

	sync_tick(&group->sync, group->now);
	moved = take_chunks(group);
	ask_for_chunks(group);
	ask_for_offer(group);
	return moved;
}

msec group_fetch_deadline(const struct group *group)
{
	msec at = sync_deadline(&group->sync);

	if (group->needs_snapshot && group->online)
		at = msec_min(at, group->sync.active && group->progress_at > group->ask_at ? group->progress_at
			: group->ask_at);
	return at;
}
