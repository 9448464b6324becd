/*
 * group_look.c - what a group shows of itself, and what must hold of it.
 */
#include "groups/group_internal.h"

#include "base/check.h"

const struct id *group_id(const struct group *group)
{
	return &group->id;
}

const struct state *group_state(const struct group *group)
{
	return &group->replica.state;
}

const struct raft *group_raft(const struct group *group)
{
	return group->raft;
}

bool group_has_room(const struct group *group)
{
	return handle_has_room(&group->handle);
}

uint64_t group_hello_version(const struct group *group)
{
	return group->hello_version;
}

void group_hello(const struct group *group, struct group_hello *out)
{
	*out = (struct group_hello){
		.incarnation = group->self.incarnation,
		.lineage = group->unborn ? (struct id){{0}} : *raft_lineage(group->raft),
		.preference = group->options.preference,
		.durable = group->options.durable,
		.expect = group->options.expect,
		.join_only = group->options.join_only,
		.commit = raft_commit(group->raft),
		.position = group->replica.position,
		.leader = group->leader,
	};
}

static uint8_t voters_up(const struct group *group, msec now, const struct voters *voters)
{
	struct raft_progress progress;
	uint8_t up = voters_have(voters, &group->self);

	for (size_t n = 0; raft_progress(group->raft, now, n, &progress); n++)
		up = (uint8_t)(up + (progress.up && voters_have(voters, &progress.member)));
	return up;
}

void group_status(const struct group *group, struct group_status *out)
{
	const struct configuration *committed = NULL;

	*out = (struct group_status){
		.lineage = *raft_lineage(group->raft),
		.incarnation = group->self.incarnation,
		.role = raft_role(group->raft),
		.term = raft_term(group->raft),
		.leader = group->leader,
		.commit = raft_commit(group->raft),
		.position = group->replica.position,
		.log_first = raft_first(group->raft),
		.log_last = raft_last(group->raft),
		.online = group->online,
		.frozen = group->replica.frozen,
		.state_hash = group->replica.state.ops->hash(group->replica.state.self),
	};
	if (!group_has_lineage(group) || out->commit == 0)
		return;
	committed = group_configuration(group, out->commit);
	out->joint = configuration_is_joint(committed);
	out->voters = committed->incoming.count;
	out->voters_up = voters_up(group, group->now, &committed->incoming);
	out->crashes_tolerated = (uint8_t)(out->voters - voters_majority(&committed->incoming));
}

static void show_self(const struct group *group, struct group_member *out)
{
	uint64_t commit = raft_commit(group->raft);

	*out = (struct group_member){
		.member = group->self,
		.preference = group->options.preference,
		.leader = id_equal(&group->leader, &group->self.peer),
		.up = true,
		.match = raft_last(group->raft),
	};
	if (group_has_lineage(group) && commit > 0)
		out->voter = configuration_has(group_configuration(group, commit), &group->self);
}

bool group_member_at(const struct group *group, msec now, size_t n, struct group_member *out)
{
	struct raft_progress progress;
	size_t before = 0;

	while (raft_progress(group->raft, now, before, &progress)
		&& id_compare(&progress.member.peer, &group->self.peer) < 0)
		before++;
	if (n == before) {
		show_self(group, out);
		return true;
	}
	if (!raft_progress(group->raft, now, n < before ? n : n - 1, &progress))
		return false;
	*out = (struct group_member){
		.member = progress.member,
		.preference = progress.preference,
		.voter = progress.voter,
		.leader = id_equal(&group->leader, &progress.member.peer),
		.up = progress.up,
		.match = progress.match,
	};
	return true;
}

void group_check(const struct group *group)
{
	const struct replica *replica = &group->replica;

	raft_check(group->raft);
	handle_check(&group->handle);
	if (!group->restoring) {
		ASSERT(replica->index <= raft_commit(group->raft));
		ASSERT(id_equal(&replica->lineage, raft_lineage(group->raft)));
	}
	ASSERT(!(replica->frozen && replica->dissolved));
	ASSERT(!replica->dissolved);   /* the life that it ended is over */
	ASSERT(group->effect_first <= group->effect_count && group->fact_first <= group->fact_count);
	ASSERT(group->storing_first <= group->storing_count);
	ASSERT(group->options.durable || group->storing_first == group->storing_count);
	ASSERT(!group->restoring || group->needs_snapshot);
	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;

		ASSERT(peer->up || peer->expected);
		ASSERT(!peer->in_raft || (peer->up && id_equal(&peer->hello.lineage, raft_lineage(group->raft))));
	}
}
