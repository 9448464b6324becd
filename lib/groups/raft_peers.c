/*
 * raft_peers.c - the others: which life of a peer is known, which lives are over, and who is there now.
 */
#include "groups/raft_internal.h"

#include "base/check.h"
#include "base/memory.h"

bool raft_is_self(const struct raft *raft, const struct member *member)
{
	return member_equal(&raft->options.self, member);
}

struct peer *raft_find(const struct raft *raft, const struct member *member)
{
	struct peer *peer = id_table_get(&raft->peers, &member->peer);

	return peer && peer->member.incarnation == member->incarnation ? peer : NULL;
}

struct peer *raft_peer_at(const struct raft *raft, size_t n)
{
	return raft->peers.slot[n].value;
}

static struct peer *add_peer(struct raft *raft, const struct member *member)
{
	struct peer *peer = memory_new(sizeof(*peer));

	ASSERT(!id_equal(&member->peer, &raft->options.self.peer));
	peer->member = *member;
	peer->ready_since = MSEC_NEVER;
	id_table_put(&raft->peers, &member->peer, peer);
	if (raft->role == RAFT_IS_LEADER)
		raft_progress_reset(raft, peer);
	return peer;
}

static void know(struct raft *raft, const struct voters *voters)
{
	for (size_t i = 0; i < voters->count; i++) {
		const struct member *member = &voters->member[i];

		if (!id_equal(&member->peer, &raft->options.self.peer) && !id_table_get(&raft->peers, &member->peer))
			add_peer(raft, member);
	}
}

void raft_know_voters(struct raft *raft)
{
	const struct configuration *effective = raft_config_effective(raft);

	know(raft, &effective->incoming);
	know(raft, &effective->outgoing);
}

static bool voters_name(const struct voters *voters, const struct id *peer)
{
	for (size_t i = 0; i < voters->count; i++)
		if (id_equal(&voters->member[i].peer, peer))
			return true;
	return false;
}

static bool is_named(const struct raft *raft, const struct id *peer)
{
	const struct configuration *effective = raft_config_effective(raft);
	const struct configuration *committed = raft_config_committed(raft);

	return voters_name(&effective->incoming, peer) || voters_name(&effective->outgoing, peer) ||
		voters_name(&committed->incoming, peer) || voters_name(&committed->outgoing, peer);
}

bool raft_is_dead(const struct raft *raft, const struct member *member)
{
	if (id_equal(&member->peer, &raft->options.self.peer))
		return member->incarnation != raft->options.self.incarnation;
	for (size_t i = 0; i < raft->dead_count; i++)
		if (member_equal(&raft->dead[i], member))
			return true;
	return false;
}

static void add_dead(struct raft *raft, const struct member *member)
{
	size_t kept = 0;

	if (raft_is_dead(raft, member))
		return;
	if (raft->dead_count == RAFT_DEAD_MAX) {
		for (size_t i = 0; i < raft->dead_count; i++)
			if (configuration_has(raft_config_effective(raft), &raft->dead[i]))
				raft->dead[kept++] = raft->dead[i];
		raft->dead_count = kept;
	}
	ASSERT(raft->dead_count < RAFT_DEAD_MAX);   /* a configuration names 18 at most */
	raft->dead[raft->dead_count++] = *member;
}

/* It speaks after all: what was known of its end was of a time when its connections crossed. */
static void remove_dead(struct raft *raft, const struct member *member)
{
	for (size_t i = 0; i < raft->dead_count; i++) {
		if (member_equal(&raft->dead[i], member)) {
			raft->dead[i] = raft->dead[--raft->dead_count];
			return;
		}
	}
}

static void orphan(struct raft *raft)
{
	raft_set_leader(raft, &(struct member){0});
	raft->orphaned = true;
	raft_election_soon(raft);
}

/* B30: what is known of a life is worth nothing for the next one. */
static void new_life(struct raft *raft, struct peer *peer, const struct member *member)
{
	bool led = member_equal(&raft->leader, &peer->member);

	add_dead(raft, &peer->member);
	peer->member = *member;
	peer->leaving = false;
	peer->voted = false;
	if (raft->role == RAFT_IS_LEADER)
		raft_progress_reset(raft, peer);
	if (led)
		orphan(raft);
}

void raft_peer_up(struct raft *raft, msec now, const struct raft_peer *said)
{
	struct peer *peer = id_table_get(&raft->peers, &said->member.peer);

	raft->now = now;
	ASSERT(said->member.incarnation != 0);
	if (!peer)
		peer = add_peer(raft, &said->member);
	else if (!member_equal(&peer->member, &said->member))
		new_life(raft, peer, &said->member);
	remove_dead(raft, &said->member);
	if (!peer->up)
		peer->leaving = false;
	peer->preference = said->preference;
	peer->durable = said->durable;
	peer->up = true;
	if (raft->stopped)
		return;
	if (raft->role == RAFT_IS_LEADER)
		raft_progress_meet(raft, peer);
	else
		raft_election_meet(raft, peer);
}

void raft_peer_down(struct raft *raft, msec now, const struct id *id, bool closed)
{
	struct peer *peer = id_table_get(&raft->peers, id);

	raft->now = now;
	if (!peer)
		return;
	peer->up = false;
	peer->ready_since = MSEC_NEVER;
	/* E3: with leases disabled a voter waives stickiness when its own bond to the leader is closed. */
	if (closed && !raft->stopped && member_equal(&raft->leader, &peer->member))
		orphan(raft);
	raft->forgetful = true;
}

void raft_forget_peers(struct raft *raft)
{
	if (!raft->forgetful)
		return;
	raft->forgetful = false;
	for (size_t i = raft->peers.count; i-- > 0;) {
		struct peer *peer = raft_peer_at(raft, i);
		struct id id = peer->member.peer;

		if (peer->up || is_named(raft, &id))
			continue;
		id_table_remove(&raft->peers, &id);
		memory_free(peer);
	}
}

void raft_outlived(struct raft *raft, msec now, const struct member *member)
{
	raft->now = now;
	add_dead(raft, member);
	raft->autopilot_at = now;
}

void raft_declare_dead(struct raft *raft, msec now, const struct member *member)
{
	size_t kept = 0;

	raft_outlived(raft, now, member);
	for (size_t i = 0; i < raft->declared_count; i++)
		if (configuration_has(raft_config_effective(raft), &raft->declared[i]))
			raft->declared[kept++] = raft->declared[i];
	raft->declared_count = kept;
	if (kept < RAFT_DECLARED_MAX)
		raft->declared[raft->declared_count++] = *member;
}
