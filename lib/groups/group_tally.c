/*
 * group_tally.c - hashes of the state, held against those of the others: every member reports its own to the leader, and what a
 * majority of the voters has is put into the log. Whoever has another has gone astray.
 */
#include "groups/group_internal.h"

#include "wire/cbor.h"

static enum tally_kind tally_of(uint64_t what)
{
	return what == TALLY_ROOT ? TALLY_ROOT : TALLY_CHECKPOINT;
}

static void propose_hash(struct group *group, enum tally_kind kind, uint64_t index, const struct id *hash)
{
	struct proposal proposal = {.kind = ENTRY_STATE_HASH};
	struct buffer payload = {0};
	uint64_t at;

	cbor_put_array(&payload, 3);
	cbor_put_uint(&payload, kind);
	cbor_put_uint(&payload, index);
	cbor_put_id(&payload, hash);
	proposal.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	if (raft_propose(group->raft, group->now, &proposal, &at) == OK)
		group->tally[kind].decided = true;
}

static const struct voters *voters(const struct group *group)
{
	return &group_configuration(group, raft_commit(group->raft))->incoming;
}

/* The hash that a majority of the voters has counts, not the leader's own. */
static void count_report(struct group *group, enum tally_kind kind, const struct id *hash)
{
	const struct tally *tally = &group->tally[kind];
	size_t same = 0;

	for (size_t i = 0; i < tally->count; i++)
		same += id_equal(&tally->report[i].hash, hash);
	if (!tally->decided && same >= voters_majority(voters(group)))
		propose_hash(group, kind, tally->index, hash);
}

static bool is_voter(const struct group *group, const struct id *peer)
{
	const struct voters *all = voters(group);

	for (size_t i = 0; i < all->count; i++) {
		if (id_equal(&all->member[i].peer, peer))
			return true;
	}
	return false;
}

static void take_report(struct group *group, enum tally_kind kind, uint64_t index, const struct id *peer,
	const struct id *hash)
{
	struct tally *tally = &group->tally[kind];

	if (!group_is_operational(group) || index < tally->index || !is_voter(group, peer))
		return;
	if (index > tally->index)
		*tally = (struct tally){.index = index};
	for (size_t i = 0; i < tally->count; i++) {
		if (id_equal(&tally->report[i].peer, peer))
			return;
	}
	if (tally->count == sizeof tally->report / sizeof tally->report[0])
		return;
	tally->report[tally->count].peer = *peer;
	tally->report[tally->count++].hash = *hash;
	count_report(group, kind, hash);
}

void group_tally_report(struct group *group, enum tally_kind kind, uint64_t index, const struct id *hash)
{
	struct group_message message = {.kind = MESSAGE_REPORT, .lineage = *raft_lineage(group->raft), .what = kind,
		.index = index, .root = *hash};

	if (group_is_operational(group))
		take_report(group, kind, index, &group->self.peer, hash);
	else if (group->online)
		group_say(group, &group->leader, LANE_BULK, &message);
}

void group_tally_receive(struct group *group, const struct peer *peer, const struct group_message *message)
{
	take_report(group, tally_of(message->what), message->index, &peer->id, &message->root);
}

void group_tally_agreed(struct group *group, const struct log_entry *entry)
{
	uint64_t what, index;
	struct id hash, ours;
	struct cbor in;

	cbor_init(&in, blob_bytes(entry->payload));
	cbor_array_of(&in, 3);
	what = cbor_uint(&in);
	index = cbor_uint(&in);
	hash = cbor_id(&in);
	if (cbor_end(&in) != OK)
		return;
	if (tally_of(what) == TALLY_ROOT)
		group_snapshot_agreed(group, index, &hash);
	else if (replica_checkpoint(&group->replica, index, &ours) && !id_equal(&ours, &hash))
		group->diverged = true;
}
