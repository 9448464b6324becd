/*
 * raft_read.c - linearizable reads without the log and without clocks: ReadIndex, section 6.4 of the dissertation.
 *
 *      read, read, read  --(end of the turn)-->  round n: index = commit; heartbeats carry n to the voters
 *                                                a quorum answered n or later: index is readable
 *
 * Reads that come while rounds are under way share the next. A follower asks its leader with a READ and waits for the
 * index. B3: rounds count up for the whole life of a member and are answered within one term; ids of READs begin at a
 * random number and a retry is a new one; so no answer can be taken for one to another question.
 */
#include "groups/raft_internal.h"

#include "base/memory.h"

static void say(struct raft *raft, const struct raft_reading *reading, bool readable, uint64_t index)
{
	if (!member_is_none(&reading->from)) {
		raft_send(raft, &reading->from, LANE_CONTROL, &(struct raft_message){
			.kind = RAFT_READ_REPLY, .id = reading->id, .granted = readable, .index = index});
		return;
	}
	raft_say(raft, &(struct raft_output){
		.kind = readable ? RAFT_READABLE : RAFT_READ_FAILED,
		.ticket = reading->ticket,
		.index = index,
		.reason = readable ? OK : ERROR_NOT_LEADER,
	});
}

static bool add(struct raft *raft, const struct raft_reading *reading)
{
	if (raft->reading_count >= RAFT_READS_MAX)
		return false;
	raft->reading = memory_grow(raft->reading, &raft->reading_capacity, raft->reading_count + 1,
		sizeof(*raft->reading));
	raft->reading[raft->reading_count++] = *reading;
	return true;
}

void raft_read(struct raft *raft, msec now, uint64_t ticket)
{
	struct raft_reading reading = {.ticket = ticket};

	raft->now = now;
	if (raft->stopped || member_is_none(&raft->leader) || !add(raft, &reading))
		say(raft, &reading, false, 0);
}

void raft_read_fail(struct raft *raft)
{
	for (size_t i = 0; i < raft->reading_count; i++)
		say(raft, &raft->reading[i], false, 0);
	raft->reading_count = 0;
}

/* ---- leader ---- */

static uint64_t round_of(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	if (raft_is_self(raft, member))
		return raft->round;
	peer = raft_find(raft, member);
	return peer ? peer->round : 0;
}

void raft_read_confirmed(struct raft *raft)
{
	uint64_t confirmed = raft_config_quorum(raft, raft_config_effective(raft), round_of);
	size_t kept = 0;

	for (size_t i = 0; i < raft->reading_count; i++) {
		struct raft_reading *reading = &raft->reading[i];

		if (reading->round != 0 && reading->round <= confirmed) {
			raft_wants_commit(raft, &reading->from.peer, reading->index);
			say(raft, reading, true, reading->index);
		} else {
			raft->reading[kept++] = *reading;
		}
	}
	raft->reading_count = kept;
}

static void begin_round(struct raft *raft)
{
	const struct configuration *effective = raft_config_effective(raft);
	bool any = false;

	/* B4: not before the NOOP of this term is committed, because only then the commit index is known to be new enough. */
	if (!raft_is_operational(raft) ||
		raft->round - raft_config_quorum(raft, effective, round_of) >= RAFT_ROUNDS_MAX)
		return;
	for (size_t i = 0; i < raft->reading_count; i++) {
		if (raft->reading[i].round != 0)
			continue;
		raft->reading[i].round = raft->round + 1;
		raft->reading[i].index = raft->commit;
		any = true;
	}
	if (!any)
		return;
	raft->round++;
	for (size_t i = 0; i < raft->peers.count; i++) {
		const struct peer *peer = raft_peer_at(raft, i);

		if (configuration_has(effective, &peer->member))
			raft_send(raft, &peer->member, LANE_CONTROL, &(struct raft_message){
				.kind = RAFT_HEARTBEAT,
				.match = peer->match,
				.commit = peer->match < raft->commit ? peer->match : raft->commit,
				.round = raft->round,
			});
	}
	raft_read_confirmed(raft);
}

/* ---- follower ---- */

static void ask(struct raft *raft)
{
	size_t waiting = 0;
	size_t first = 0;

	for (size_t i = 0; i < raft->reading_count; i++) {
		if (raft->reading[i].id == 0 && waiting++ == 0)
			first = i;
	}
	if (waiting == 0)
		return;
	raft->read_id++;
	for (size_t i = first; i < raft->reading_count; i++) {
		if (raft->reading[i].id == 0) {
			raft->reading[i].id = raft->read_id;
			raft->reading[i].asked_at = raft->now;
		}
	}
	raft_send(raft, &raft->leader, LANE_CONTROL, &(struct raft_message){.kind = RAFT_READ, .id = raft->read_id});
}

void raft_read_flush(struct raft *raft)
{
	if (raft->reading_count == 0)
		return;
	if (raft->role == RAFT_IS_LEADER)
		begin_round(raft);
	else
		ask(raft);
}

static void on_reply(struct raft *raft, const struct peer *from, const struct raft_message *message)
{
	size_t kept = 0;

	if (raft->role == RAFT_IS_LEADER || !member_equal(&raft->leader, &from->member) || message->id == 0)
		return;
	for (size_t i = 0; i < raft->reading_count; i++) {
		struct raft_reading *reading = &raft->reading[i];

		if (reading->id == message->id)
			say(raft, reading, message->granted, message->index);
		else
			raft->reading[kept++] = *reading;
	}
	raft->reading_count = kept;
}

void raft_read_message(struct raft *raft, const struct peer *from, const struct raft_message *message)
{
	struct raft_reading reading = {.from = from->member, .id = message->id};

	if (message->kind == RAFT_READ_REPLY)
		on_reply(raft, from, message);
	else if (raft->role != RAFT_IS_LEADER || !add(raft, &reading))
		say(raft, &reading, false, 0);
}

/* ---- time: a question or its answer was lost ---- */

static msec patience(const struct raft *raft)
{
	return 2 * raft->options.timing.heartbeat;
}

void raft_read_tick(struct raft *raft)
{
	if (raft->role == RAFT_IS_LEADER)
		return;   /* heartbeats carry the round again and again */
	for (size_t i = 0; i < raft->reading_count; i++)
		if (raft->reading[i].id != 0 && raft->now - raft->reading[i].asked_at >= patience(raft))
			raft->reading[i].id = 0;
}

msec raft_read_deadline(const struct raft *raft)
{
	msec at = MSEC_NEVER;

	if (raft->role == RAFT_IS_LEADER)
		return at;
	for (size_t i = 0; i < raft->reading_count; i++)
		if (raft->reading[i].id != 0)
			at = msec_min(at, raft->reading[i].asked_at + patience(raft));
	return at;
}
