/*
 * raft_output.c - what leaves: messages once what they promise is durable, and one PERSIST at a time.
 *
 * While a PERSIST is under way, everything that has to be written gathers: the next one carries the newest hard state, one
 * truncation and all new entries. A message waits until the hard state of the moment in which it was made is on disk; since
 * hard state and log are written in order and together, so is every change of the log before it, except new entries,
 * which nothing promises before `durable` says so.
 *
 * Appends, rounds of reads and PERSIST are made when the owner has read everything else: what was said to raft between two
 * such moments goes out as one message to each follower and one write.
 */
#include "groups/raft_internal.h"

#include "base/check.h"
#include "base/memory.h"

void raft_say(struct raft *raft, const struct raft_output *output)
{
	if (raft->output_first == raft->output_count)
		raft->output_first = raft->output_count = 0;
	raft->output = memory_grow(raft->output, &raft->output_capacity, raft->output_count + 1, sizeof(*raft->output));
	raft->output[raft->output_count++] = *output;
}

bool raft_is_hard_durable(const struct raft *raft)
{
	return raft->hard_durable == raft->hard_version;
}

void raft_send(struct raft *raft, const struct member *to, enum raft_lane lane, struct raft_message *message)
{
	const struct peer *peer = raft_find(raft, to);
	struct raft_output output = {.kind = RAFT_SEND, .lane = lane, .to = *to};

	if (!peer || !peer->up || raft->stopped)
		return;
	message->lineage = raft->hard.lineage;
	message->from = raft->options.self.incarnation;
	message->to = to->incarnation;
	if (message->term == 0)
		message->term = raft->hard.term;
	output.payload = raft_wire_encode(message);
	/* Rule (a): a message of term T leaves only when a hard state of term >= T is durable; (b): a vote likewise. */
	if (raft_is_hard_durable(raft)) {
		raft_say(raft, &output);
		return;
	}
	raft->held = memory_grow(raft->held, &raft->held_capacity, raft->held_count + 1, sizeof(*raft->held));
	raft->held[raft->held_count++] = (struct raft_held){raft->hard_version, output};
}

void raft_hold_nothing(struct raft *raft)
{
	for (size_t i = 0; i < raft->held_count; i++)
		blob_drop(raft->held[i].output.payload);
	raft->held_count = 0;
}

static void release(struct raft *raft)
{
	size_t kept = 0;

	for (size_t i = 0; i < raft->held_count; i++) {
		if (raft->held[i].version <= raft->hard_durable)
			raft_say(raft, &raft->held[i].output);
		else
			raft->held[kept++] = raft->held[i];
	}
	raft->held_count = kept;
}

void raft_hard_changed(struct raft *raft)
{
	raft->hard_version++;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void raft_truncate(struct raft *raft, uint64_t from)
{
	/* B26, I12: only on proven conflict, and never what is committed. */
	ASSERT(from > raft->commit);
	raft_log_truncate(&raft->log, from);
	raft_config_truncated(raft, from);
	if (from <= raft->handed)
		raft->truncate_from = raft->truncate_from == 0 ? from : smaller(raft->truncate_from, from);
	raft->handed = smaller(raft->handed, from - 1);
	raft->durable = smaller(raft->durable, from - 1);
	/* Rule (e): a completion for an entry that was truncated and written anew does not count. */
	raft->persisting_to = smaller(raft->persisting_to, from - 1);
}

void raft_append(struct raft *raft, const struct entry_head *head, struct blob *payload)
{
	raft_log_append(&raft->log, head, payload);
	if (head->kind != ENTRY_COMMANDS)
		raft->urgent = raft_log_last(&raft->log);
	raft_config_appended(raft, raft_log_entry(&raft->log, raft_log_last(&raft->log)));
}

static bool must_persist(const struct raft *raft)
{
	return raft->hard_handed != raft->hard_version || raft->had_three_changed ||
		raft->handed < raft_log_last(&raft->log) || raft->truncate_from != 0 || raft->install;
}

static void persist(struct raft *raft)
{
	struct persist *persist = persist_new(++raft->token);
	uint64_t last = raft_log_last(&raft->log);

	persist->has_hard = raft->hard_handed != raft->hard_version || raft->had_three_changed;
	persist->hard = raft->hard;
	persist->truncate_from = raft->truncate_from;
	if (raft->install) {
		persist->has_meta = true;
		persist->meta = raft->meta;
		persist->log_first = raft->log.base.index + 1;
	}
	for (uint64_t index = raft->handed + 1; index <= last; index++)
		persist_append(persist, raft_log_entry(&raft->log, index));
	raft->hard_handed = raft->hard_version;
	raft->handed = raft->persisting_to = last;
	raft->truncate_from = 0;
	raft->had_three_changed = false;
	raft->install = false;
	raft->persisting = true;
	raft->persisting_since = raft->now;
	raft_say(raft, &(struct raft_output){.kind = RAFT_PERSIST, .persist = persist});
}

void raft_persisted(struct raft *raft, msec now, uint64_t token, enum error status)
{
	raft->now = now;
	if (raft->stopped)
		return;
	ASSERT(raft->persisting && token == raft->token);
	raft->persisting = false;
	if (status != OK) {
		raft_stop(raft, RAFT_HALTED, status, 0);
		return;
	}
	raft->hard_durable = raft->hard_handed;
	if (raft->persisting_to > raft->durable)
		raft->durable = raft->persisting_to;
	release(raft);
	if (raft->role == RAFT_CANDIDATE)
		raft_election_voted_durably(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_advance(raft);
	else
		raft_follower_persisted(raft);
}

static bool take(struct raft *raft, struct raft_output *out)
{
	if (raft->output_first == raft->output_count)
		return false;
	*out = raft->output[raft->output_first++];
	return true;
}

bool raft_next(struct raft *raft, struct raft_output *out)
{
	if (take(raft, out))
		return true;
	if (raft->stopped)
		return false;
	raft_read_flush(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_flush(raft);
	/* Rule (d): the leader's appends are ahead of its own PERSIST (dissertation 10.2.1). */
	if (!raft->persisting && must_persist(raft))
		persist(raft);
	return take(raft, out);
}

void raft_persist_fini(struct raft *raft)
{
	struct raft_output output;

	raft_hold_nothing(raft);
	memory_free(raft->held);
	while (take(raft, &output)) {
		blob_drop(output.payload);
		persist_free(output.persist);
	}
	memory_free(raft->output);
}
