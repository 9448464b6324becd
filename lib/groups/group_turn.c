/*
 * group_turn.c - what follows from an input.
 *
 * Every part looks at the others' state and does what is due; a turn ends when no part had anything to do. Verbs only
 * leave word and set `dirty`: the turn comes when the owner asks what is to be done, so that everything that is
 * proposed or read in one go shares an entry, or a round of heartbeats.
 */
#include "groups/group_internal.h"

#include "base/check.h"

#define ROUNDS_MAX 64

bool group_has_lineage(const struct group *group)
{
	return !id_is_zero(raft_lineage(group->raft));
}

bool group_is_operational(const struct group *group)
{
	return !group->halted && raft_is_operational(group->raft);
}

const struct configuration *group_configuration(const struct group *group, uint64_t index)
{
	uint64_t written;

	return raft_configuration(group->raft, index, &written);
}

/* ---- what raft says ---- */

static void leader_changed(struct group *group, const struct raft_output *output)
{
	struct group_fact *fact;

	handle_again(&group->handle);
	group->step_index = 0;
	if (id_equal(&group->leader, &output->to.peer) && group->leader_term == output->term)
		return;
	group->leader = output->to.peer;
	group->leader_term = output->term;
	fact = group_tell(group, GROUP_LEADER);
	fact->peer = output->to.peer;
	fact->term = output->term;
}

static void configured(struct group *group)
{
	const struct configuration *committed = group_configuration(group, raft_commit(group->raft));

	group->note_dead_at = group->now + GROUP_NOTE_DEAD;
	if (configuration_is_joint(committed) || voters_equal(&committed->incoming, &group->voters.incoming))
		return;
	group->voters = *committed;
	group_tell(group, GROUP_VOTERS);
}

static void diverged(struct group *group)
{
	struct id lineage = *raft_lineage(group->raft);

	group_tell(group, GROUP_DIVERGED)->position = group->replica.position;
	group_reborn(group, &lineage);
}

static void regressed(struct group *group)
{
	struct id lineage = *raft_lineage(group->raft);

	group_reborn(group, &lineage);
}

static void halted(struct group *group, enum error reason)
{
	if (group->halted)
		return;
	group->halted = true;
	group_tell(group, GROUP_HALTED)->reason = reason;
}

static void take_output(struct group *group, struct raft_output *output)
{
	switch (output->kind) {
	case RAFT_SEND:
		group_send(group, &output->to.peer, output->lane, output->payload);
		break;
	case RAFT_PERSIST:
		group_store(group, output->persist, output->persist->token);
		break;
	case RAFT_COMMITTED:
		break;   /* group_apply looks at the commit index itself */
	case RAFT_READABLE:
		group_query_readable(group, output->ticket, output->index);
		break;
	case RAFT_READ_FAILED:
		group_query_failed(group, output->ticket);
		break;
	case RAFT_LEADER:
		leader_changed(group, output);
		break;
	case RAFT_CONFIGURED:
		configured(group);
		break;
	case RAFT_NEEDS_SNAPSHOT:
		group_snapshot_needed(group);
		break;
	case RAFT_REMOVED:
		group_removed(group);
		break;
	case RAFT_REGRESSED:
		regressed(group);
		break;
	case RAFT_DIVERGED:
		diverged(group);
		break;
	case RAFT_HALTED:
		halted(group, output->reason);
		break;
	}
}

static bool take_outputs(struct group *group)
{
	struct raft_output output;
	bool moved = false;

	while (raft_next(group->raft, &output)) {
		take_output(group, &output);
		moved = true;
	}
	return moved;
}

/* ---- proposals ---- */

static bool may_propose(const struct group *group)
{
	return group->online && !group->replica.frozen && !group->replica.dissolved && !group->halted;
}

static void hand_to_leader(struct group *group, const struct sending *sending)
{
	struct group_message message = {.kind = MESSAGE_PROPOSE, .lineage = *raft_lineage(group->raft),
		.what = sending->kind, .number = sending->commands, .bytes = blob_bytes(sending->payload)};

	group_say(group, &group->leader, LANE_APPEND, &message);
	blob_drop(sending->payload);
}

static bool send_proposals(struct group *group)
{
	struct sending sending;
	bool moved = false;

	while (may_propose(group) && handle_next(&group->handle, group->now, &sending)) {
		moved = true;
		if (!group_is_operational(group)) {
			hand_to_leader(group, &sending);
		} else if (group_intake(group, &sending) != INTAKE_TAKEN) {
			/* Those behind it would be gaps; all are tried again. */
			handle_again_at(&group->handle, group->now + group->options.terms.timing.heartbeat / 8 + 1);
			break;
		}
	}
	return moved;
}

static void tell_outcome(struct group *group, const struct outcome *outcome)
{
	struct group_fact *fact;
	enum error reason = outcome->reason;

	if (group->options.external && reason == OK) {
		blob_drop(outcome->result);
		if (number_table_get(&group->asked, outcome->ticket) != NULL)
			return;   /* the owner was told of it, and answers */
		reason = ERROR_INDETERMINATE;   /* a snapshot went past it: carried out, but nobody here saw how */
	}
	fact = group_tell(group, GROUP_RESULT);
	fact->ticket = outcome->ticket;
	fact->reason = reason;
	fact->position = outcome->position;
	fact->lineage = *raft_lineage(group->raft);
	fact->bytes = reason == OK ? outcome->result : NULL;
}

void group_tell_outcomes(struct group *group)
{
	struct outcome outcome;

	while (handle_next_outcome(&group->handle, &outcome))
		tell_outcome(group, &outcome);
	if (handle_told_room(&group->handle))
		group_tell(group, GROUP_ROOM);
}

/* ---- whether work can proceed ---- */

static bool is_online(const struct group *group)
{
	if (group->halted || group->left || !group_has_lineage(group) || id_is_zero(&group->leader))
		return false;
	return !id_equal(&group->leader, &group->self.peer) || raft_is_operational(group->raft);
}

static bool note_online(struct group *group)
{
	bool leads = raft_role(group->raft) == RAFT_IS_LEADER;
	bool online = is_online(group);
	bool moved = leads != group->leads || online != group->online;

	if (online != group->online || leads != group->leads || group->leader_term != group->lead_term)
		group_intake_leads(group);
	if (leads != group->leads)
		group->mark_index = 0;   /* one that we proposed in another term may have been lost */
	group->lead_term = group->leader_term;
	if (leads != group->leads && leads)
		group->tally[TALLY_CHECKPOINT] = group->tally[TALLY_ROOT] = (struct tally){0};
	group->leads = leads;
	if (online != group->online)
		group_tell(group, online ? GROUP_ONLINE : GROUP_OFFLINE);
	group->online = online;
	return moved;
}

void group_turn(struct group *group)
{
	bool moved = true;

	group->dirty = false;
	group->more = false;
	for (int round = 0; moved && round < ROUNDS_MAX; round++) {
		moved = take_outputs(group);
		moved = group_apply(group) || moved;
		moved = note_online(group) || moved;
		moved = send_proposals(group) || moved;
		group_tell_outcomes(group);
		moved = group_queries_turn(group) || moved;
		moved = group_snapshots_turn(group) || moved;
		moved = group_fold_turn(group) || moved;
		moved = group_life_turn(group) || moved;
	}
	group->more = group->more || moved;
}
