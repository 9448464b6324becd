/*
 * group_fold.c - what the commands of an external group came to, into the log: the leader says it, part by part, each when
 * the one before has been applied here. Whoever leads next begins anew.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "groups/log_base.h"

void group_fold_fini(struct group *group)
{
	blob_drop(group->fold.content);
	group->fold = (struct fold){0};
}

bool group_fold(struct group *group, msec now, uint64_t position, struct bytes content)
{
	ASSERT(content.size <= LOG_BASE_MAX);
	group->now = now;
	if (!group_is_operational(group) || group->fold.content != NULL || position == 0 || position > group->replica.position)
		return false;
	group->fold = (struct fold){.content = blob_copy(content), .position = position, .term = group->leader_term};
	group->dirty = true;
	return true;
}

bool group_is_folding(const struct group *group)
{
	return group->fold.content != NULL;
}

/* What was said of it in this term stays without effect, or is completed by nobody. */
static bool is_over(const struct group *group)
{
	return !group->leads || group->leader_term != group->fold.term || group->replica.dissolved || group->halted;
}

static bool propose_part(struct group *group, uint32_t count)
{
	struct fold *fold = &group->fold;
	struct proposal proposal = {.kind = ENTRY_FOLD};
	struct buffer payload = {0};

	log_part_encode(&(struct log_part){fold->position, fold->term, fold->next, count,
		log_part_cut(blob_bytes(fold->content), fold->next)}, &payload);
	proposal.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	if (raft_propose(group->raft, group->now, &proposal, &fold->index) != OK)
		return false;
	fold->next++;
	return true;
}

bool group_fold_turn(struct group *group)
{
	struct fold *fold = &group->fold;
	uint32_t count;

	if (fold->content == NULL)
		return false;
	count = log_part_count(blob_size(fold->content));
	if (is_over(group) || (fold->next == count && group->replica.index >= fold->index)) {
		group_fold_fini(group);
		return false;
	}
	if (fold->next == count || group->replica.index < fold->index || group->now < fold->again_at)
		return false;
	if (propose_part(group, count))
		return true;
	fold->again_at = group->now + group->options.terms.timing.heartbeat;
	return false;
}

msec group_fold_deadline(const struct group *group)
{
	return group->fold.content != NULL && group->fold.again_at > group->now ? group->fold.again_at : MSEC_NEVER;
}

/* The commands that it stands for need not stay in the log either: a newcomer gets what they came to. */
void group_folded(struct group *group, const struct log_entry *entry)
{
	struct log_part part;

	if (log_part_decode(blob_bytes(entry->payload), &part) == OK && part.number + 1 == part.count)
		group->compact_now = true;
}
