/*
 * group_intake.c - what a leader takes into the log.
 *
 * A session's entries are sent again whenever their handle is in doubt. Most of them stand in the log already; a second
 * copy would do no harm, but cost an entry and leave a gap in the users' positions. So the leader takes an entry only when it
 * is the next of its session: of what this term has appended and not yet applied, or else of what the replica has carried
 * out. An entry that was applied need not have been carried out: one that stands behind a FREEZE is not, and has to come
 * again. For that to be the whole truth, what earlier terms left in the log has to be applied first.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"

struct appended {
	uint64_t sequence;
	uint64_t index;
};

void group_intake_fini(struct group *group)
{
	for (size_t i = 0; i < group->appended.count; i++)
		memory_free(group->appended.slot[i].value);
	number_table_fini(&group->appended);
}

void group_intake_leads(struct group *group)
{
	group_intake_fini(group);
	group->lead_index = raft_last(group->raft);
}

/* The newest of a session that was carried out, or still may be. */
static uint64_t newest(const struct group *group, uint64_t session)
{
	const struct appended *appended = number_table_get(&group->appended, session);

	if (appended != NULL && appended->index > group->replica.index)
		return appended->sequence;
	return sessions_last(&group->replica.sessions, session);
}

static void note(struct group *group, const struct session_command *command)
{
	struct appended *appended = number_table_get(&group->appended, command->session);

	if (appended == NULL) {
		appended = memory_new(sizeof *appended);
		number_table_put(&group->appended, command->session, appended);
	}
	appended->sequence = command->sequence;
	appended->index = raft_last(group->raft);
}

static enum intake append(struct group *group, const struct sending *sending)
{
	struct proposal proposal = {sending->kind, sending->commands, sending->payload};
	uint64_t index;

	return raft_propose(group->raft, group->now, &proposal, &index) == OK ? INTAKE_TAKEN : INTAKE_LATER;
}

static bool is_open(const struct group *group)
{
	return group_is_operational(group) && !group->replica.frozen && !group->replica.dissolved && !group->restoring
		&& group->replica.index >= group->lead_index;
}

/* A session that is not there will not come: its handle learns of it when its own replica gets there. */
static enum intake take_commands(struct group *group, const struct sending *sending,
	const struct session_command *command)
{
	uint64_t last = newest(group, command->session);
	enum intake intake;

	if (command->sequence <= last || command->sequence > last + 1
		|| sessions_used(&group->replica.sessions, command->session) == 0) {
		blob_drop(sending->payload);
		return command->sequence <= last ? INTAKE_TAKEN : INTAKE_LATER;
	}
	intake = append(group, sending);
	if (intake == INTAKE_TAKEN)
		note(group, command);
	return intake;
}

enum intake group_intake(struct group *group, const struct sending *sending)
{
	struct session_command command;
	enum error error;

	if (!is_open(group)) {
		blob_drop(sending->payload);
		return INTAKE_LATER;
	}
	if (sending->kind != ENTRY_COMMANDS)
		return append(group, sending);
	error = session_command_decode(blob_bytes(sending->payload), &command);
	ASSERT(error == OK);   /* it was looked at before */
	return take_commands(group, sending, &command);
}
