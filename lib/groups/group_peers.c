/*
 * group_peers.c - the other members, as bonds and catalog show them.
 *
 * raft hears only of those that are up and in our lineage. A peer that is there in another incarnation than one that the
 * log names is the proof that the other one has ended.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

struct peer *group_peer_find(const struct group *group, const struct id *peer)
{
	return id_table_get(&group->peers, peer);
}

static struct peer *peer_get(struct group *group, const struct id *id)
{
	struct peer *peer = group_peer_find(group, id);

	ASSERT(!id_equal(id, &group->self.peer));
	if (peer == NULL) {
		peer = memory_new(sizeof *peer);
		peer->id = *id;
		id_table_put(&group->peers, id, peer);
	}
	return peer;
}

void group_peers_fini(struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++)
		memory_free(group->peers.slot[i].value);
	id_table_fini(&group->peers);
}

static struct peer *peer_at(const struct group *group, size_t n)
{
	return group->peers.slot[n].value;
}

/* Genesis waits for those that should be here. */
static void count_missing(struct group *group)
{
	size_t missing = 0;

	for (size_t i = 0; i < group->peers.count; i++)
		missing += peer_at(group, i)->expected && !peer_at(group, i)->up;
	genesis_missing(&group->genesis, group->now, missing);
}

static void note_dead_among(struct group *group, const struct voters *voters, const struct peer *peer)
{
	for (size_t i = 0; i < voters->count; i++) {
		const struct member *member = &voters->member[i];

		if (id_equal(&member->peer, &peer->id) && member->incarnation != peer->hello.incarnation)
			raft_outlived(group->raft, group->now, member);
	}
}

/* A fresh hello is the newest word; what stands in the log besides is an older life. */
static void note_dead(struct group *group, const struct peer *peer)
{
	struct configuration in_force;

	if (!group_has_lineage(group) || raft_last(group->raft) == 0)
		return;
	in_force = *group_configuration(group, raft_last(group->raft));
	note_dead_among(group, &in_force.incoming, peer);
	note_dead_among(group, &in_force.outgoing, peer);
}

void group_note_dead(struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++) {
		if (peer_at(group, i)->up)
			note_dead(group, peer_at(group, i));
	}
}

static void tell_raft(struct group *group, struct peer *peer)
{
	bool belongs = peer->up && group_has_lineage(group) && id_equal(&peer->hello.lineage, raft_lineage(group->raft));
	struct raft_peer as_raft = {{peer->id, peer->hello.incarnation}, peer->hello.preference, peer->hello.durable};

	if (belongs && !peer->in_raft) {
		raft_peer_up(group->raft, group->now, &as_raft);
		sync_source_up(&group->sync, &peer->id);
	} else if (!belongs && peer->in_raft) {
		raft_peer_down(group->raft, group->now, &peer->id, true);
		sync_source_down(&group->sync, &peer->id);
	}
	peer->in_raft = belongs;
}

void group_peers_to_raft(struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++)
		tell_raft(group, peer_at(group, i));
}

void group_peers_forget(struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++) {
		struct peer *peer = peer_at(group, i);

		if (peer->in_raft)
			sync_source_down(&group->sync, &peer->id);
		peer->in_raft = false;
	}
}

void group_peer_expected(struct group *group, msec now, const struct id *id, bool expected)
{
	struct peer *peer;

	if (id_equal(id, &group->self.peer))
		return;
	peer = expected ? peer_get(group, id) : group_peer_find(group, id);
	if (peer == NULL)
		return;
	group->now = now;
	peer->expected = expected;
	count_missing(group);
	if (!expected && !peer->up)
		memory_free(id_table_remove(&group->peers, id));
	group_turn(group);
}

static void tell_genesis(struct group *group, const struct peer *peer)
{
	struct candidate candidate = {
		.member = {peer->id, peer->hello.incarnation},
		.preference = peer->hello.preference,
		.durable = peer->hello.durable,
		.join_only = peer->hello.join_only,
		.expect = peer->hello.expect,
	};

	genesis_peer(&group->genesis, group->now, &candidate, &peer->hello.lineage);
}

/* It may not know yet that its history is over. */
static void tell_dissolved(struct group *group, const struct peer *peer)
{
	const struct surrender *to = lineage_dissolved(&group->lineage, &peer->hello.lineage);
	struct group_message message = {.kind = MESSAGE_DISSOLVED, .lineage = peer->hello.lineage};

	if (to == NULL)
		return;
	message.index = to->position;
	message.root = to->lineage;
	group_say(group, &peer->id, LANE_CONTROL, &message);
}

void group_peer_up(struct group *group, msec now, const struct id *id, const struct group_hello *hello)
{
	struct peer *peer;
	bool is_changed;

	if (id_equal(id, &group->self.peer))
		return;
	peer = peer_get(group, id);
	group->now = now;
	is_changed = !peer->up || peer->hello.incarnation != hello->incarnation
		|| peer->hello.preference != hello->preference || !id_equal(&peer->hello.lineage, &hello->lineage);
	if (peer->up && is_changed && peer->in_raft && !id_equal(&peer->hello.lineage, &hello->lineage)) {
		raft_peer_down(group->raft, now, id, true);
		sync_source_down(&group->sync, id);
		peer->in_raft = false;
	}
	if (is_changed && peer->in_raft)
		peer->in_raft = false;   /* raft is told anew */
	peer->up = true;
	peer->hello = *hello;
	count_missing(group);
	tell_genesis(group, peer);
	group_join_or_begin(group);
	tell_raft(group, peer);
	if (is_changed)
		note_dead(group, peer);
	tell_dissolved(group, peer);
	if (id_equal(id, &group->leader))
		handle_again(&group->handle);   /* what was sent over the old bond may be lost */
	group_turn(group);
}

void group_peer_down(struct group *group, msec now, const struct id *id, bool closed)
{
	struct peer *peer = group_peer_find(group, id);

	if (peer == NULL || !peer->up)
		return;
	group->now = now;
	if (peer->in_raft) {
		raft_peer_down(group->raft, now, id, closed);
		sync_source_down(&group->sync, id);
	}
	genesis_peer_gone(&group->genesis, now, id);
	peer->in_raft = peer->up = false;
	if (!peer->expected)
		memory_free(id_table_remove(&group->peers, id));
	count_missing(group);
	group_turn(group);
}

/* ---- messages ---- */

static void refuse(struct group *group, const struct peer *peer, const struct id *lineage)
{
	struct group_message message = {.kind = MESSAGE_REFUSED, .lineage = *lineage};

	group_say(group, &peer->id, LANE_APPEND, &message);
}

/* What members may have the leader write into the log. */
static bool is_sound(const struct group_message *message)
{
	struct session_command command;

	if (message->what == ENTRY_SESSION_OPEN)
		return message->number == 0 && message->bytes.size <= CBOR_HEAD_MAX;
	if (message->what != ENTRY_COMMANDS || message->bytes.size > RAFT_ENTRY_MAX)
		return false;
	return session_command_decode(message->bytes, &command) == OK && command.count == message->number
		&& command.count > 0;
}

static enum error receive_propose(struct group *group, struct peer *peer, const struct group_message *message)
{
	struct sending sending = {(enum entry_kind)message->what, (uint32_t)message->number, NULL};

	if (!is_sound(message))
		return ERROR_MALFORMED;
	if (group->options.observers_read && peer->hello.preference == PREFER_OBSERVER)
		return ERROR_NOT_ALLOWED;   /* its own group_propose would not have let it */
	if (!id_equal(&message->lineage, raft_lineage(group->raft))) {
		refuse(group, peer, &message->lineage);
		return OK;
	}
	sending.payload = blob_copy(message->bytes);
	if (group_intake(group, &sending) != INTAKE_TAKEN)
		refuse(group, peer, &message->lineage);
	else
		raft_wants_commit(group->raft, &peer->id, raft_last(group->raft));
	return OK;
}

static void receive_refused(struct group *group, const struct group_message *message)
{
	if (id_equal(&message->lineage, raft_lineage(group->raft)))
		handle_again_at(&group->handle, group->now + group->options.terms.timing.heartbeat / 4 + 1);
}

static enum error receive_ours(struct group *group, struct peer *peer, struct bytes bytes)
{
	struct group_message message;

	if (group_wire_decode(bytes, &message) != OK)
		return ERROR_MALFORMED;
	if (message.kind == MESSAGE_PROPOSE)
		return receive_propose(group, peer, &message);
	if (message.kind == MESSAGE_REFUSED)
		receive_refused(group, &message);
	else if (message.kind >= MESSAGE_SNAPSHOT_ASK && message.kind <= MESSAGE_REPORT)
		group_snapshot_receive(group, peer, &message);
	else
		group_life_receive(group, peer, &message);
	return OK;
}

enum error group_receive(struct group *group, msec now, const struct id *id, enum raft_lane lane, struct bytes message)
{
	struct peer *peer = group_peer_find(group, id);
	enum error error = OK;

	(void)lane;
	if (peer == NULL || !peer->up || group->halted || group->left)
		return OK;
	group->now = now;
	if (group_wire_is_ours(message))
		error = receive_ours(group, peer, message);
	else if (peer->in_raft)
		error = raft_receive(group->raft, now, &(struct member){peer->id, peer->hello.incarnation}, message);
	group_turn(group);
	return error;
}
