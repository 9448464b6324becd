/*
 * group_life.c - how this member's life in a group begins, begins anew, and ends.
 *
 *      no lineage --- genesis, or a peer that has one ---> learner or voter --- leave ---> gone
 *                                                            |      ^
 *           lineage dissolved, state diverged, memory lost --+------+   as a new incarnation
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"

void group_raft_start(struct group *group, const struct image *image)
{
	const struct group_options *options = &group->options;

	group->raft = raft_new(&(struct raft_options){
		.self = group->self,
		.preference = options->preference,
		.durable = options->durable,
		.voters_cap = options->terms.voters_cap,
		.voters_min = options->terms.voters_min,
		.copies_min = options->terms.copies_min,
		.timing = options->terms.timing,
		.log = options->log,
		.seed = rng_next(&group->rng),
	}, image, group->now);
}

/* ---- beginnings ---- */

static void has_begun(struct group *group)
{
	group->replica.lineage = *raft_lineage(group->raft);
	genesis_over(&group->genesis);
	group->hello_version++;
	group_peers_to_raft(group);
}

static void adopt(struct group *group, const struct id *lineage)
{
	raft_adopt(group->raft, group->now, lineage);
	has_begun(group);
}

/* The beginning to which we are bound from now on; NULL: to none. Taken. */
static void store_promise(struct group *group, struct blob *promise)
{
	struct persist *persist = persist_new(0);
	struct log_entry entry = {.head = {.index = 1, .kind = ENTRY_GENESIS}, .payload = promise};

	persist->truncate_from = 1;
	if (promise != NULL) {
		entry.head.chain = chain_extend(&(struct chain){{0}}, &entry.head, blob_bytes(promise));
		persist_append(persist, &entry);
		blob_drop(promise);
	}
	group_store(group, persist, 0);
	group->promised_at = promise != NULL ? group->last_token : 0;
	if (!group->options.durable)
		genesis_promised(&group->genesis, group->now);   /* who comes back has another incarnation */
}

static bool take_genesis(struct group *group)
{
	struct genesis_output output;
	bool moved = false;

	if (group->unborn && raft_durable(group->raft) > 0) {
		group->unborn = false;
		group->hello_version++;
		genesis_durable(&group->genesis);
	}
	while (genesis_next(&group->genesis, &output)) {
		moved = true;
		if (output.kind == GENESIS_SEND) {
			group_send(group, &output.to, LANE_CONTROL, output.payload);
			continue;
		}
		if (output.kind == GENESIS_PROMISE) {
			store_promise(group, output.payload);
			continue;
		}
		ASSERT(!group_has_lineage(group));
		group->unborn = configuration_has(&output.first, &group->self);
		if (group->unborn)
			raft_begin(group->raft, group->now, &output.lineage, &output.first);
		else
			raft_adopt(group->raft, group->now, &output.lineage);
		has_begun(group);
	}
	return moved;
}

void group_join_or_begin(struct group *group)
{
	struct surrender best = {0};

	take_genesis(group);   /* it may have come to an end in this very moment */
	if (group_has_lineage(group))
		return;
	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;
		struct surrender its = {peer->hello.lineage, peer->hello.position};

		if (peer->up && !id_is_zero(&its.lineage) && genesis_is_free(&group->genesis, &its.lineage)
			&& surrender_compare(&its, &best) > 0)
			best = its;
	}
	if (!id_is_zero(&best.lineage))
		adopt(group, &best.lineage);
}

/* ---- anew ---- */

/* The store forgets everything and learns who we are from now on, in one request. */
static void store_rebirth(struct group *group, const struct id *lineage)
{
	struct persist *persist = persist_new(0);

	persist->has_hard = true;
	persist->hard.lineage = *lineage;
	persist->hard.incarnation = group->self.incarnation;
	persist->truncate_from = 1;
	persist->has_meta = true;
	persist->log_first = 1;
	group_store(group, persist, 0);
}

static void forget_leader(struct group *group)
{
	if (id_is_zero(&group->leader))
		return;
	group->leader = (struct id){{0}};
	group->leader_term = 0;
	group_tell(group, GROUP_LEADER);
}

void group_reborn(struct group *group, const struct id *lineage)
{
	struct id kept = *lineage;

	group_tell_outcomes(group);
	raft_free(group->raft);
	group->raft = NULL;
	group_silence(group);
	group_peers_forget(group);
	group_snapshots_drop(group);
	group_fold_fini(group);
	sync_stop(&group->sync);
	restore_fini(&group->restore);
	replica_clear(&group->replica);
	group->life++;
	group->compact_now = group->restoring = group->needs_snapshot = group->diverged = group->unborn = false;
	group->log_size = group->compacted_size = group->compacted_index = group->mark_index = 0;
	group->step_index = 0;
	group->voters = (struct configuration){0};
	do
		group->self.incarnation = rng_next(&group->rng);
	while (group->self.incarnation == 0);
	store_rebirth(group, &kept);
	group_raft_start(group, NULL);
	forget_leader(group);
	handle_again(&group->handle);
	log_event(group->options.log, LOG_WARN, group->now, "group", "reborn incarnation=%016llx",
		(unsigned long long)group->self.incarnation);
	adopt(group, &kept);
	for (size_t i = 0; i < group->query_count; i++) {
		group->query[i].read = 0;
		group->query[i].index = 0;
		group->query[i].passed = group->query[i].level == QUERY_LOCAL;
	}
}

static void archive(struct group *group)
{
	struct snapshot_meta meta = group_meta(group);
	struct snapshot *snapshot = snapshot_freeze(&group->replica, &meta);
	struct blob *chunk;

	while ((chunk = snapshot_next(snapshot)) != NULL) {
		struct group_fact *fact = group_tell(group, GROUP_ARCHIVE);

		fact->lineage = *raft_lineage(group->raft);
		fact->position = group->replica.position;
		fact->bytes = chunk;
	}
	snapshot_free(snapshot);
}

static void tell_members(struct group *group, const struct id *ours, const struct surrender *to)
{
	struct group_message message = {.kind = MESSAGE_DISSOLVED, .lineage = *ours, .index = to->position,
		.root = to->lineage};

	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;

		if (peer->up && id_equal(&peer->hello.lineage, ours))
			group_say(group, &peer->id, LANE_CONTROL, &message);
	}
}

void group_dissolved(struct group *group, const struct surrender *to, bool is_complete)
{
	struct id ours = *raft_lineage(group->raft);
	struct group_fact *fact;

	lineage_note_dissolved(&group->lineage, &ours, to);
	group_tell_outcomes(group);   /* what was carried out here is told before the end of it */
	if (group->replica.position > 0 && !group->restoring) {
		archive(group);
		fact = group_tell(group, GROUP_DISSOLVED);
		fact->lineage = to->lineage;
		fact->position = group->replica.position;
	}
	tell_members(group, &ours, to);
	handle_reborn(&group->handle, is_complete);
	group_reborn(group, &to->lineage);
}

/* ---- lineages that meet ---- */

static bool sees_another(const struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;

		if (peer->up && !id_is_zero(&peer->hello.lineage)
			&& !id_equal(&peer->hello.lineage, raft_lineage(group->raft)))
			return true;
	}
	return false;
}

static bool state_ours(struct group *group)
{
	if (!group_is_operational(group) || group->stating || group->now < group->statement_at || !sees_another(group))
		return false;
	group->stating = true;
	group->statement_at = group->now + group->options.terms.timing.heartbeat;
	group_read_for_statement(group);
	return true;
}

static bool propose_step(struct group *group, enum entry_kind kind, const struct surrender *to)
{
	struct proposal proposal = {.kind = kind};
	struct buffer payload = {0};
	bool done;

	if (kind != ENTRY_THAW)
		surrender_encode(to, &payload);
	proposal.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	done = raft_propose(group->raft, group->now, &proposal, &group->step_index) == OK;
	if (!done)
		group->step_index = 0;
	return done;
}

static bool is_stepping(const struct group *group)
{
	return group->step_index > group->replica.index;
}

static bool take_step(struct group *group)
{
	struct surrender to = {0};

	if (!group_is_operational(group) || is_stepping(group))
		return false;
	switch (lineage_next(&group->lineage, group->now, &group->replica, &to)) {
	case LINEAGE_FREEZE:
		return propose_step(group, ENTRY_FREEZE, &to);
	case LINEAGE_THAW:
		return propose_step(group, ENTRY_THAW, &to);
	case LINEAGE_DISSOLVE:
		return propose_step(group, ENTRY_DISSOLVE, &to);
	case LINEAGE_STAY:
		break;
	}
	return false;
}

/* Learner of a lineage of which nothing was ever seen: any other is as good. */
static bool has_nothing(const struct group *group)
{
	return raft_last(group->raft) == 0 && id_is_zero(&group->leader) && !group->restoring;
}

/*
 * Whether it is known that this voter never speaks in our lineage any more: its peer lives on as another incarnation, or as
 * the same one in another lineage, which it can have entered only if it never had ours.
 */
static bool is_lost(const struct group *group, const struct member *voter)
{
	const struct peer *peer = id_table_get(&group->peers, &voter->peer);

	if (peer == NULL || !peer->up)
		return false;
	return peer->hello.incarnation != voter->incarnation || (!id_is_zero(&peer->hello.lineage)
		&& !id_equal(&peer->hello.lineage, raft_lineage(group->raft)));
}

static bool cannot_agree(const struct group *group, const struct voters *voters)
{
	size_t lost = 0;

	for (size_t i = 0; i < voters->count; i++)
		lost += is_lost(group, &voters->member[i]);
	return voters->count > 0 && voters->count - lost < voters_majority(voters);
}

static bool is_at_its_end(const struct group *group, uint64_t index)
{
	const struct configuration *configuration = group_configuration(group, index);

	return cannot_agree(group, &configuration->incoming) || cannot_agree(group, &configuration->outgoing);
}

/*
 * Ours gave way to another while we were down, and whoever knew has forgotten: so many of its voters live on as others that
 * it will never commit anything again. What we do is what a member does that dies for ever, so nothing is risked if we lag.
 */
static bool was_left_behind(const struct group *group)
{
	if (group->lineage.fence && !group->lineage.adopt)
		return false;
	/* After a restart it is not known what was committed. */
	return raft_last(group->raft) > 0 && !group->restoring && is_at_its_end(group, raft_last(group->raft))
		&& (raft_commit(group->raft) == 0 || is_at_its_end(group, raft_commit(group->raft)));
}

static void receive_statement(struct group *group, const struct group_message *message)
{
	struct group_message on = *message;
	struct surrender other = {message->lineage, message->index};
	struct group_fact *fact;

	if (!group_has_lineage(group) || id_equal(&message->lineage, raft_lineage(group->raft)))
		return;
	if (has_nothing(group)) {
		group_reborn(group, &message->lineage);
		return;
	}
	if (was_left_behind(group)) {
		group_dissolved(group, &other, false);
		return;
	}
	if (!group_is_operational(group)) {
		on.number = 1;
		if (message->number == 0 && group->online)
			group_say(group, &group->leader, LANE_CONTROL, &on);
		return;
	}
	if (lineage_heard(&group->lineage, group->now, &other) && group->replica.position > 0) {
		fact = group_tell(group, GROUP_SPLIT);
		fact->lineage = other.lineage;
		fact->position = other.position;
	}
}

void group_life_receive(struct group *group, struct peer *peer, const struct group_message *message)
{
	struct surrender to = {message->root, message->index};
	bool is_of_ours = group_has_lineage(group) && id_equal(&message->lineage, raft_lineage(group->raft));

	if (message->kind == MESSAGE_STATEMENT)
		receive_statement(group, message);
	else if (message->kind == MESSAGE_BIRTH_ASK && is_of_ours)
		return;   /* we have it: our hello says so */
	else if (message->kind != MESSAGE_DISSOLVED && group->is_named)
		genesis_receive(&group->genesis, group->now, &peer->id, message);
	else if (message->kind == MESSAGE_DISSOLVED && is_of_ours && !id_is_zero(&to.lineage))
		group_dissolved(group, &to, false);
}

void group_adopt(struct group *group, msec now)
{
	group->now = now;
	group->lineage.adopt = true;
	group->dirty = true;
}

/* ---- the end ---- */

static void leave_now(struct group *group)
{
	if (group->left)
		return;
	group->left = true;
	group_tell(group, GROUP_LEFT);
}

void group_removed(struct group *group)
{
	if (group->leaving)
		leave_now(group);
}

static bool is_alone(const struct group *group)
{
	for (size_t i = 0; i < group->peers.count; i++) {
		const struct peer *peer = group->peers.slot[i].value;

		if (peer->in_raft)
			return false;
	}
	return true;
}

static bool counts(const struct group *group)
{
	if (!group_has_lineage(group) || raft_last(group->raft) == 0)
		return false;
	return configuration_has(group_configuration(group, raft_last(group->raft)), &group->self)
		|| configuration_has(group_configuration(group, raft_commit(group->raft)), &group->self);
}

void group_leave(struct group *group, msec now)
{
	if (group->leaving)
		return;
	group->now = now;
	group->leaving = true;
	group->leave_by = now + GROUP_LEAVE_MAX;
	group->dirty = true;
	if (is_alone(group) || !counts(group))
		leave_now(group);
	else
		raft_leave(group->raft, now);
}

/* ---- sessions that nobody uses ---- */

struct idle {
	uint64_t used;
	msec since;
};

static void forget_idle(struct group *group)
{
	for (size_t i = 0; i < group->idle.count; i++)
		memory_free(group->idle.slot[i].value);
	number_table_fini(&group->idle);
}

static void propose_expiry(struct group *group, uint64_t session, uint64_t used)
{
	struct proposal proposal = {.kind = ENTRY_SESSION_EXPIRE};
	struct buffer payload = {0};
	uint64_t index;

	expiry_encode(&(struct expiry){session, used}, &payload);
	proposal.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	if (raft_propose(group->raft, group->now, &proposal, &index) != OK)
		return;   /* next time */
}

static void look_at_session(struct group *group, uint64_t session)
{
	uint64_t used = sessions_used(&group->replica.sessions, session);
	struct idle *idle = number_table_get(&group->idle, session);

	if (idle == NULL) {
		idle = memory_new(sizeof *idle);
		*idle = (struct idle){used, group->now};
		number_table_put(&group->idle, session, idle);
	} else if (idle->used != used) {
		*idle = (struct idle){used, group->now};
	} else if (group->now >= idle->since + GROUP_SESSION_IDLE) {
		propose_expiry(group, session, used);
		idle->since = group->now;
	}
}

static void forget_gone(struct group *group)
{
	for (size_t i = group->idle.count; i-- > 0;) {
		uint64_t session = group->idle.slot[i].key;

		if (sessions_used(&group->replica.sessions, session) == 0)
			memory_free(number_table_remove(&group->idle, session));
	}
}

static void expire_sessions(struct group *group)
{
	const struct number_table *sessions = &group->replica.sessions.by_id;

	if (group->now < group->idle_at)
		return;
	group->idle_at = group->now + GROUP_SESSION_EVERY;
	if (!group_is_operational(group) || group->replica.frozen) {
		forget_idle(group);
		return;
	}
	forget_gone(group);
	for (size_t i = 0; i < sessions->count; i++)
		look_at_session(group, sessions->slot[i].key);
}

/* ---- time ---- */

/* How long a command that was never sent waits for somebody to send it to. */
static msec patience(const struct group *group)
{
	return 5 * group->options.terms.timing.election_timeout;
}

static bool is_stuck(const struct group *group)
{
	return !group->online || group->replica.frozen || group->halted;
}

static void refuse_late(struct group *group)
{
	enum error reason = group->replica.frozen ? ERROR_FROZEN : ERROR_NOT_LEADER;

	if (is_stuck(group))
		handle_refuse(&group->handle, group->now - patience(group) + 1, reason);
}

void group_life_tick(struct group *group)
{
	if (group->is_named)
		genesis_tick(&group->genesis, group->now);
	handle_tick(&group->handle, group->now);
	refuse_late(group);
	expire_sessions(group);
	if (group->now >= group->note_dead_at) {
		group->note_dead_at = MSEC_NEVER;
		group_note_dead(group);
	}
	if (group->leaving && group->now >= group->leave_by)
		leave_now(group);
}

bool group_life_turn(struct group *group)
{
	struct id lineage = *raft_lineage(group->raft);
	bool moved;

	if (group->halted || group->left)
		return false;
	if (group->diverged) {
		group_tell(group, GROUP_DIVERGED)->position = group->replica.position;
		group_reborn(group, &lineage);
		return true;
	}
	moved = take_genesis(group);
	if (!group_has_lineage(group))
		group_join_or_begin(group);
	moved = state_ours(group) || moved;
	return take_step(group) || moved;
}

msec group_life_deadline(const struct group *group)
{
	msec at = msec_min(group->is_named ? genesis_deadline(&group->genesis) : MSEC_NEVER,
		handle_deadline(&group->handle));
	msec waiting = handle_waiting_since(&group->handle);

	at = msec_min(at, msec_min(group->idle_at, group->note_dead_at));
	if (group->leaving && !group->left)
		at = msec_min(at, group->leave_by);
	if (is_stuck(group) && waiting != MSEC_NEVER)
		at = msec_min(at, waiting + patience(group));
	if (group_is_operational(group) && !is_stepping(group))
		at = msec_min(at, lineage_deadline(&group->lineage));
	if (group_is_operational(group) && !group->stating && sees_another(group))
		at = msec_min(at, group->statement_at);
	return at;
}
