/*
 * group_apply.c - committed entries go into the replica, and what they did to whom it concerns.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "wire/cbor.h"

static void tell_command(struct group *group, const struct state_moment *moment, struct bytes command, uint64_t ticket)
{
	struct group_fact *fact = group_tell(group, GROUP_APPLIED);

	fact->position = moment->position;
	fact->term = moment->term;
	fact->bytes = blob_copy(command);
	fact->ticket = group->options.external ? ticket : 0;
	if (fact->ticket != 0)
		group_ask(group, ticket, false, moment->position);
}

/* One fact a change; `changes` is one CBOR item behind the other. */
static void tell_changes(struct group *group, uint64_t position, struct bytes changes)
{
	while (changes.size > 0) {
		struct group_fact *fact = group_tell(group, GROUP_CHANGED);
		struct cbor in;

		cbor_init(&in, changes);
		cbor_skip(&in);
		ASSERT(in.at > 0);   /* the state wrote it */
		fact->position = position;
		fact->bytes = blob_copy(bytes_of(changes.data, in.at));
		changes = bytes_of(changes.data + in.at, changes.size - in.at);
	}
}

static void tell_commands(struct group *group, const struct log_entry *entry, const struct applied *applied,
	struct bytes changes)
{
	const uint64_t *tickets = handle_tickets(&group->handle, applied);
	struct state_moment moment = {entry->head.position, entry->head.term};
	struct bytes commands = applied->command.commands, command, change;

	if (!group->options.tell_applied && !group->options.tell_changes && !group->options.external)
		return;
	for (size_t i = 0; session_command_next(&commands, &command); i++) {
		moment.position++;
		if (group->options.tell_applied || group->options.external)
			tell_command(group, &moment, command, tickets != NULL ? tickets[i] : 0);
		if (group->options.tell_changes && session_command_next(&changes, &change))
			tell_changes(group, moment.position, change);
	}
}

static void after_commands(struct group *group, const struct log_entry *entry, const struct applied *applied,
	struct bytes changes)
{
	if (!applied->has_commands)
		return;
	if (!applied->refused && applied->verdict == SESSION_NEW)
		tell_commands(group, entry, applied, changes);
	handle_applied(&group->handle, group->now, applied, entry->head.position);
}

static void after_checkpoint(struct group *group)
{
	struct id hash;

	if (replica_checkpoint(&group->replica, group->replica.index, &hash))
		group_tally_report(group, TALLY_CHECKPOINT, group->replica.index, &hash);
}

/* Returns false when this replica is no more: it belongs to another life now. */
static bool after_entry(struct group *group, const struct log_entry *entry, const struct applied *applied,
	struct bytes changes)
{
	uint32_t life = group->life;
	struct surrender to;

	if (entry->head.kind == ENTRY_COMMANDS)
		after_commands(group, entry, applied, changes);
	else if (entry->head.kind == ENTRY_SESSION_OPEN)
		handle_opened(&group->handle, entry->head.index, blob_bytes(entry->payload));
	if (entry->head.kind == ENTRY_SESSION_OPEN || entry->head.kind == ENTRY_SESSION_EXPIRE)
		handle_sessions_changed(&group->handle, &group->replica.sessions);
	if (entry->head.kind == ENTRY_SNAPSHOT_MARK)
		group_snapshot_mark(group, entry);
	else if (entry->head.kind == ENTRY_STATE_HASH)
		group_tally_agreed(group, entry);
	else if (entry->head.kind == ENTRY_FOLD)
		group_folded(group, entry);
	if (life == group->life && group->replica.dissolved) {
		to = group->replica.to;
		group_dissolved(group, &to, true);
	}
	if (life != group->life)
		return false;
	if (applied->was_frozen_now && !group->replica.frozen)
		handle_again(&group->handle);
	after_checkpoint(group);
	return true;
}

static bool apply_one(struct group *group, const struct log_entry *entry, struct buffer *changes)
{
	struct blob *payload = blob_keep(entry->payload);
	struct log_entry kept = *entry;
	struct applied applied;
	bool goes_on;

	buffer_clear(changes);
	group->log_size += blob_size(payload);
	replica_apply(&group->replica, &kept, group->options.tell_changes ? changes : NULL, &applied);
	goes_on = after_entry(group, &kept, &applied, buffer_bytes(changes));
	blob_drop(payload);
	return goes_on;
}

bool group_apply(struct group *group)
{
	uint64_t start = group->replica.index, budget = GROUP_APPLY_MAX;
	struct buffer changes = {0};
	bool goes_on = !group->restoring && !group->halted;

	while (goes_on && group->replica.index < raft_commit(group->raft)) {
		const struct log_entry *entry = raft_entry(group->raft, group->replica.index + 1);

		ASSERT(entry != NULL);   /* never compacted before it was applied */
		if (budget <= entry->head.commands) {
			group->more = true;
			break;
		}
		budget -= entry->head.commands + 1;
		goes_on = apply_one(group, entry, &changes);
	}
	buffer_fini(&changes);
	if (!goes_on || group->replica.index == start)
		return !goes_on && !group->restoring && !group->halted;
	raft_applied(group->raft, group->replica.index);
	group_compact(group);
	return true;
}
