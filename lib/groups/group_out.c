/*
 * group_out.c - what a group has to say, queued until its owner takes it; and requests to its storage.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"

struct group_fact *group_tell(struct group *group, enum group_fact_kind kind)
{
	struct group_fact *fact;

	if (group->fact_first == group->fact_count)
		group->fact_first = group->fact_count = 0;
	group->fact = memory_grow(group->fact, &group->fact_capacity, group->fact_count + 1, sizeof *group->fact);
	fact = &group->fact[group->fact_count++];
	*fact = (struct group_fact){.kind = kind};
	return fact;
}

bool group_next_fact(struct group *group, struct group_fact *out)
{
	if (group->dirty)
		group_turn(group);
	if (group->fact_first == group->fact_count)
		return false;
	*out = group->fact[group->fact_first++];
	return true;
}

static void put_effect(struct group *group, const struct group_effect *effect)
{
	if (group->effect_first == group->effect_count)
		group->effect_first = group->effect_count = 0;
	group->effect = memory_grow(group->effect, &group->effect_capacity, group->effect_count + 1,
		sizeof *group->effect);
	group->effect[group->effect_count++] = *effect;
}

bool group_next_effect(struct group *group, struct group_effect *out)
{
	if (group->dirty)
		group_turn(group);
	if (group->effect_first == group->effect_count)
		return false;
	*out = group->effect[group->effect_first++];
	return true;
}

void group_send(struct group *group, const struct id *peer, enum raft_lane lane, struct blob *payload)
{
	const struct peer *known = group_peer_find(group, peer);

	if (known == NULL || !known->up) {
		blob_drop(payload);
		return;
	}
	put_effect(group, &(struct group_effect){.kind = GROUP_SEND, .peer = *peer, .lane = lane, .payload = payload});
}

void group_say(struct group *group, const struct id *peer, enum raft_lane lane, const struct group_message *message)
{
	group_send(group, peer, lane, group_wire_encode(message));
}

void group_silence(struct group *group)
{
	size_t kept = group->effect_first;

	for (size_t i = group->effect_first; i < group->effect_count; i++) {
		struct group_effect *effect = &group->effect[i];

		if (effect->kind == GROUP_SEND && !group_wire_is_ours(blob_bytes(effect->payload)))
			blob_drop(effect->payload);
		else
			group->effect[kept++] = *effect;
	}
	group->effect_count = kept;
}

void group_store(struct group *group, struct persist *persist, uint64_t raft_token)
{
	bool is_chunk = persist->chunk != NULL;

	if (!group->options.durable) {
		persist_free(persist);
		if (raft_token != 0)
			raft_persisted(group->raft, group->now, raft_token, OK);
		return;
	}
	if (group->storing_first == group->storing_count)
		group->storing_first = group->storing_count = 0;
	group->storing = memory_grow(group->storing, &group->storing_capacity, group->storing_count + 1,
		sizeof *group->storing);
	persist->token = ++group->last_token;
	group->storing[group->storing_count++] = (struct storing){persist->token, raft_token, group->life, is_chunk};
	group->chunks_storing += is_chunk;
	put_effect(group, &(struct group_effect){.kind = GROUP_PERSIST, .persist = persist});
}

/* What a failing disk means for everybody: nothing is promised any more. */
static void halt(struct group *group, enum error reason)
{
	if (group->halted)
		return;
	group->halted = true;
	group_tell(group, GROUP_HALTED)->reason = reason;
}

void group_persisted(struct group *group, msec now, uint64_t token, enum error status)
{
	struct storing storing;

	ASSERT(group->storing_first < group->storing_count);
	storing = group->storing[group->storing_first++];
	ASSERT(storing.token == token);   /* in order */
	group->now = now;
	if (status != OK)
		halt(group, status);
	group->chunks_storing -= storing.is_chunk;
	if (storing.raft_token != 0 && storing.life == group->life)
		raft_persisted(group->raft, now, storing.raft_token, status);
	else if (status == OK && token == group->named_at)
		group->is_named = true;
	else if (status == OK && token == group->promised_at)
		genesis_promised(&group->genesis, now);
	else if (status == OK)
		group_snapshot_stored(group, token);
	group_turn(group);
}

void group_out_fini(struct group *group)
{
	struct group_effect effect;
	struct group_fact fact;

	group->dirty = false;
	while (group_next_effect(group, &effect)) {
		blob_drop(effect.payload);
		persist_free(effect.persist);
	}
	while (group_next_fact(group, &fact))
		blob_drop(fact.bytes);
	memory_free(group->effect);
	memory_free(group->fact);
	memory_free(group->storing);
}
