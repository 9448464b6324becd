/*
 * raft.c - life of a member, the others it knows of, terms, and the order of things on time and on messages.
 *
 * Every input ends in a state in which all invariants of raft_check hold; what follows from it for others is made when
 * the owner reads (raft_output.c).
 */
#include "groups/raft_internal.h"

#include "base/check.h"
#include "base/memory.h"

const struct raft_timing raft_timing_default = {
	.heartbeat = 500,
	.election_timeout = 2000,
	.election_jitter = 500,
	.grow_stabilise = 1000,
	.stabilise = 10000,
	.dead_after = 15000,
	.shrink_after = MSEC_NEVER,
};

const struct raft_timing raft_timing_lan = {
	.heartbeat = 50,
	.election_timeout = 500,
	.election_jitter = 250,
	.grow_stabilise = 1000,
	.stabilise = 10000,
	.dead_after = 15000,
	.shrink_after = MSEC_NEVER,
};

/* ---- the others ---- */

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
	return peer;
}

static void know(struct raft *raft, const struct voters *voters)
{
	for (size_t i = 0; i < voters->count; i++) {
		const struct member *member = &voters->member[i];
		struct peer *peer;

		if (id_equal(&member->peer, &raft->options.self.peer) || id_table_get(&raft->peers, &member->peer))
			continue;
		peer = add_peer(raft, member);
		if (raft->role == RAFT_IS_LEADER)
			raft_progress_reset(raft, peer);
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
	if (is_named(raft, id))
		return;
	id_table_remove(&raft->peers, id);
	memory_free(peer);
}

void raft_declare_dead(struct raft *raft, msec now, const struct member *member)
{
	const struct peer *peer = id_table_get(&raft->peers, &member->peer);
	bool lives_on = peer && peer->up && !member_equal(&peer->member, member);

	raft->now = now;
	add_dead(raft, member);
	/* Of a peer that is back as another life a replacement will come; of another one the group may become smaller. */
	if (!lives_on && raft->declared_count < VOTERS_MAX)
		raft->declared[raft->declared_count++] = *member;
	raft->autopilot_at = now;
}

/* ---- terms, roles, commit ---- */

void raft_stop(struct raft *raft, enum raft_output_kind why, enum error reason, uint64_t index)
{
	log_event(raft->options.log, LOG_ERROR, raft->now, "raft", "stopped why=%s index=%llu",
		why == RAFT_HALTED ? "disk" : why == RAFT_DIVERGED ? "diverged" : "regressed", (unsigned long long)index);
	raft_become_follower(raft, raft->hard.term, &(struct member){0});
	raft_hold_nothing(raft);
	raft->stopped = true;
	raft_say(raft, &(struct raft_output){.kind = why, .reason = reason, .index = index});
}

bool raft_is_voter(const struct raft *raft)
{
	return configuration_has(raft_config_effective(raft), &raft->options.self) ||
		configuration_has(raft_config_committed(raft), &raft->options.self);
}

void raft_set_leader(struct raft *raft, const struct member *leader)
{
	if (!member_is_none(leader)) {
		raft->term_leader = *leader;
		raft->lost = 0;
		raft->orphaned = false;
		raft->leave_at = msec_min(raft->leave_at, raft->now);   /* it is asked at once */
	}
	if (member_equal(&raft->leader, leader) && raft->leader_term == raft->hard.term)
		return;
	if (!member_equal(&raft->leader, leader) || !member_is_none(leader))
		raft_say(raft, &(struct raft_output){.kind = RAFT_LEADER, .to = *leader, .term = raft->hard.term});
	raft->leader = *leader;
	raft->leader_term = raft->hard.term;
	raft_read_fail(raft);
}

void raft_become_follower(struct raft *raft, uint64_t term, const struct member *leader)
{
	enum raft_role before = raft->role;

	ASSERT(term >= raft->hard.term);
	if (term > raft->hard.term) {
		raft->hard.term = term;
		raft->hard.vote = (struct member){0};
		raft_hold_nothing(raft);
		raft_hard_changed(raft);
		raft->term_leader = (struct member){0};
		raft->verified = 0;
		raft->acknowledged = 0;
		raft->owed = false;
	}
	raft->role = RAFT_FOLLOWER;
	raft->transferred = false;
	if (before == RAFT_IS_LEADER) {
		raft_leader_end(raft);
		raft_election_reset(raft);
	}
	raft_set_leader(raft, leader);
}

/* A configuration counts for good. */
static void configured(struct raft *raft, const struct configured *committed)
{
	const struct configuration *configuration = &committed->configuration;
	bool had_three = configuration->incoming.count >= 3;

	raft_say(raft, &(struct raft_output){.kind = RAFT_CONFIGURED, .index = committed->index});
	/* 2.7: once the group had three voters, the floor is three. Only what may lower it commits fewer. */
	if (!configuration_is_joint(configuration) && raft->hard.had_three != had_three) {
		raft->hard.had_three = had_three;
		raft_hard_changed(raft);
	}
	if (configuration_has(configuration, &raft->options.self)) {
		raft->was_voter = true;
	} else if (raft->was_voter) {
		/* C6: a removed member acts only on a *committed* configuration without it. */
		raft->was_voter = false;
		raft_say(raft, &(struct raft_output){.kind = RAFT_REMOVED, .index = committed->index});
		raft->removed_told = true;
	}
}

static void say_committed(struct raft *raft)
{
	struct raft_output *last = &raft->output[raft->output_count - 1];

	if (raft->output_first < raft->output_count && last->kind == RAFT_COMMITTED)
		last->index = raft->commit;
	else
		raft_say(raft, &(struct raft_output){.kind = RAFT_COMMITTED, .index = raft->commit});
}

void raft_commit_to(struct raft *raft, uint64_t index)
{
	uint64_t before = raft->commit;

	if (index <= before)
		return;
	ASSERT(index <= raft_log_last(&raft->log));
	raft->commit = index;
	say_committed(raft);
	for (size_t i = 0; i < raft->configured_count; i++)
		if (raft->configured[i].index > before && raft->configured[i].index <= index)
			configured(raft, &raft->configured[i]);
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_committed(raft, before);
}

/* ---- messages ---- */

/* E5: a lower-term Append or Heartbeat gets a reply carrying our term, which unsticks a leader that was left behind. */
static void answer_old(struct raft *raft, const struct peer *from)
{
	raft_send(raft, &from->member, LANE_CONTROL, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY});
}

static enum error from_leader(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	if (message->term < raft->hard.term) {
		if (message->kind == RAFT_APPEND || message->kind == RAFT_HEARTBEAT)
			answer_old(raft, from);
		return OK;
	}
	/* Election safety: a term has one leader; a second one is a liar. */
	if (message->term == raft->hard.term && (raft->role == RAFT_IS_LEADER ||
		(!member_is_none(&raft->term_leader) && !member_equal(&raft->term_leader, &from->member))))
		return ERROR_MALFORMED;
	return raft_follower_message(raft, from, message);
}

static enum error to_leader(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	/* B21: the term of a non-member counts only when it replies to us. */
	if (message->term > raft->hard.term) {
		raft_become_follower(raft, message->term, &(struct member){0});
		return OK;
	}
	if (message->term < raft->hard.term || raft->role != RAFT_IS_LEADER)
		return OK;
	return raft_leader_message(raft, from, message);
}

static enum error dispatch(struct raft *raft, struct peer *from, const struct raft_message *message)
{
	switch (message->kind) {
	case RAFT_PREVOTE:
	case RAFT_PREVOTE_REPLY:
	case RAFT_VOTE:
	case RAFT_VOTE_REPLY:
		raft_election_message(raft, from, message);
		return OK;
	case RAFT_APPEND:
	case RAFT_HEARTBEAT:
	case RAFT_COMMIT:
	case RAFT_LAGGING:
	case RAFT_TIMEOUT_NOW:
		return from_leader(raft, from, message);
	case RAFT_APPEND_OK:
	case RAFT_APPEND_NO:
	case RAFT_HEARTBEAT_REPLY:
		return to_leader(raft, from, message);
	case RAFT_READ:
	case RAFT_READ_REPLY:
		raft_read_message(raft, from, message);
		return OK;
	case RAFT_LEAVE:
		raft_leave_message(raft, from);
		return OK;
	case RAFT_KINDS:
		break;
	}
	return ERROR_MALFORMED;
}

enum error raft_receive(struct raft *raft, msec now, const struct member *from, struct bytes bytes)
{
	struct raft_message message;
	struct peer *peer = raft_find(raft, from);

	raft->now = now;
	if (raft_wire_decode(bytes, &message) != OK)
		return ERROR_MALFORMED;
	/* B30: words between other lives, or of another history, were not meant for this one. */
	if (raft->stopped || id_is_zero(&raft->hard.lineage) || !id_equal(&message.lineage, &raft->hard.lineage) ||
		message.from != from->incarnation || message.to != raft->options.self.incarnation || !peer)
		return OK;
	if (message.term > raft->hard.term + RAFT_TERM_JUMP_MAX)
		return ERROR_MALFORMED;
	return dispatch(raft, peer, &message);
}

/* ---- time ---- */

void raft_tick(struct raft *raft, msec now)
{
	raft->now = now;
	if (raft->stopped || id_is_zero(&raft->hard.lineage))
		return;
	if (raft->role == RAFT_IS_LEADER)
		raft_leader_tick(raft);
	else
		raft_election_tick(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_transfer_tick(raft);
	if (raft->role == RAFT_IS_LEADER)
		raft_autopilot_tick(raft);
	raft_read_tick(raft);
	raft_leave_tick(raft);
}

msec raft_deadline(const struct raft *raft)
{
	msec at = MSEC_NEVER;

	if (raft->stopped || id_is_zero(&raft->hard.lineage))
		return MSEC_NEVER;
	if (raft->role == RAFT_IS_LEADER)
		at = msec_min(raft->heartbeat_at, raft->autopilot_at);
	else if (raft_election_may(raft))
		at = raft->election_at;
	if (raft->role == RAFT_IS_LEADER && !member_is_none(&raft->transfer_to))
		at = msec_min(at, raft->transfer_until);
	if (raft->leaving)
		at = msec_min(at, raft->leave_at);
	return msec_min(at, raft_read_deadline(raft));
}

/* ---- life ---- */

static struct entry_head head_of(const struct snapshot_meta *meta)
{
	return (struct entry_head){.index = meta->index, .term = meta->term, .position = meta->position,
		.chain = meta->chain};
}

/* Whether the stored entries go on from the snapshot. A log that ends before it, or contradicts it, is of before it. */
static bool continues(const struct image *image)
{
	const struct snapshot_meta *meta = &image->meta;
	const struct entry_head *head;
	uint64_t first;

	if (image->count == 0)
		return false;
	first = image->entry[0].head.index;
	ASSERT(first >= 1 && first <= meta->index + 1);
	if (first == meta->index + 1)
		return true;
	if (meta->index - first >= image->count)
		return false;
	head = &image->entry[meta->index - first].head;
	return head->term == meta->term && bytes_equal(bytes_of(head->chain.byte, sizeof(head->chain.byte)),
		bytes_of(meta->chain.byte, sizeof(meta->chain.byte)));
}

static void load_log(struct raft *raft, const struct image *image)
{
	size_t from = 0;

	raft->log.base = head_of(&image->meta);
	if (!continues(image))
		return;
	if (image->entry[0].head.index == 1) {
		raft->log.base = (struct entry_head){0};
	} else if (image->entry[0].head.index <= image->meta.index) {
		/* What is before the first is not known any more: the first takes its place. */
		raft->log.base = image->entry[0].head;
		from = 1;
	}
	for (size_t i = from; i < image->count; i++) {
		raft_log_load(&raft->log, &image->entry[i]);
		raft_config_appended(raft, &image->entry[i]);
	}
}

static void load(struct raft *raft, const struct image *image)
{
	ASSERT(image->hard.incarnation == raft->options.self.incarnation);
	raft->hard = image->hard;
	raft->meta = image->meta;
	load_log(raft, image);
	if (raft->meta.index > 0)
		raft_config_rebased(raft, &raft->meta);
	raft->commit = raft->applied = raft->meta.index;
	raft->handed = raft->durable = raft_log_last(&raft->log);
	raft->was_voter = configuration_has(raft_config_committed(raft), &raft->options.self);
	raft_know_voters(raft);
	raft_election_reset(raft);
	if (raft_config_effective(raft)->incoming.count == 1 && !configuration_is_joint(raft_config_effective(raft)))
		raft->election_at = raft->now;   /* nobody else could lead */
}

struct raft *raft_new(const struct raft_options *options, const struct image *image, msec now)
{
	struct raft *raft = memory_new(sizeof(*raft));

	ASSERT(options->self.incarnation != 0);
	ASSERT(options->voters_cap <= VOTERS_MAX && options->voters_min <= VOTERS_MAX);
	raft->options = *options;
	if (raft->options.voters_cap == 0)
		raft->options.voters_cap = 5;
	if (raft->options.voters_min == 0)
		raft->options.voters_min = 3;
	if (raft->options.copies_min == 0)
		raft->options.copies_min = 1;
	raft->now = now;
	/* B3: a number that named a read of an earlier life with this incarnation must not come again. */
	rng_init(&raft->rng, options->seed ^ ((uint64_t)now * UINT64_C(0x9E3779B97F4A7C15)) ^ options->self.incarnation);
	raft->read_id = rng_next(&raft->rng) >> 1;
	raft->heard_at = raft->election_at = now;
	raft->role = RAFT_FOLLOWER;
	raft->hard.incarnation = options->self.incarnation;
	if (image)
		load(raft, image);
	return raft;
}

void raft_free(struct raft *raft)
{
	if (!raft)
		return;
	raft_persist_fini(raft);
	for (size_t i = 0; i < raft->peers.count; i++)
		memory_free(raft_peer_at(raft, i));
	id_table_fini(&raft->peers);
	raft_log_fini(&raft->log);
	memory_free(raft->configured);
	memory_free(raft->reading);
	memory_free(raft);
}

void raft_begin(struct raft *raft, msec now, const struct id *lineage, const struct configuration *first)
{
	struct buffer payload = {0};

	raft->now = now;
	ASSERT(id_is_zero(&raft->hard.lineage) && !id_is_zero(lineage));
	ASSERT(first->incoming.count > 0 && !configuration_is_joint(first));
	raft->hard.lineage = *lineage;
	raft->hard.term = 1;
	raft_hard_changed(raft);
	configuration_encode(first, &payload);
	raft_append(raft, &(struct entry_head){.term = 1, .kind = ENTRY_GENESIS}, blob_copy(buffer_bytes(&payload)));
	buffer_fini(&payload);
	raft_know_voters(raft);
	/* All begin at one moment: what the first of them waits is only what keeps the others from the same idea. */
	raft->election_at = now;
	if (first->incoming.count > 1)
		raft->election_at += (msec)rng_below(&raft->rng, (uint64_t)raft->options.timing.election_jitter + 1);
}

void raft_adopt(struct raft *raft, msec now, const struct id *lineage)
{
	raft->now = now;
	ASSERT(id_is_zero(&raft->hard.lineage) && !id_is_zero(lineage));
	raft->hard.lineage = *lineage;
	raft_hard_changed(raft);
	raft_election_reset(raft);
}

void raft_applied(struct raft *raft, uint64_t index)
{
	ASSERT(index >= raft->applied && index <= raft->commit);
	raft->applied = index;
}

void raft_set_preference(struct raft *raft, msec now, enum preference preference)
{
	raft->now = now;
	raft->options.preference = preference;
	raft->autopilot_at = now;
}

/* ---- snapshots ---- */

void raft_compact(struct raft *raft, const struct snapshot_meta *meta, uint64_t first)
{
	ASSERT(meta->index <= raft->applied && meta->index >= raft->log.base.index);
	ASSERT(first <= meta->index + 1);
	if (meta->index >= raft->meta.index) {
		raft->meta = *meta;
		raft_config_rebased(raft, meta);
	}
	if (first <= raft->log.base.index + 1)
		return;
	raft_log_compact(&raft->log, first);
	if (raft->handed < first - 1)
		raft->handed = first - 1;
	if (raft->durable < first - 1)
		raft->durable = first - 1;
}

static bool holds(const struct raft *raft, const struct snapshot_meta *meta)
{
	const struct log_entry *entry = raft_log_entry(&raft->log, meta->index);

	return entry && entry->head.term == meta->term && bytes_equal(bytes_of(entry->head.chain.byte,
		sizeof(meta->chain.byte)), bytes_of(meta->chain.byte, sizeof(meta->chain.byte)));
}

/*
 * Entries behind the snapshot stay if ours at its index is the same (dissertation 5.1): they may have been acknowledged. If
 * it is another, or missing, nothing behind it is part of any history that was committed.
 */
bool raft_install(struct raft *raft, msec now, const struct snapshot_meta *meta)
{
	struct entry_head base = head_of(meta);

	raft->now = now;
	if (raft->stopped || meta->index <= raft->commit)
		return false;
	/* What it holds was committed in its last term or later: a leader of an older term has nothing to tell us any more. */
	if (meta->term > raft->hard.term)
		raft_become_follower(raft, meta->term, &(struct member){0});
	else if (raft->role != RAFT_FOLLOWER)
		raft_become_follower(raft, raft->hard.term, &(struct member){0});
	if (holds(raft, meta)) {
		raft_log_compact(&raft->log, meta->index + 1);
	} else {
		/* Ours was of a leader that lost its place meanwhile: nothing that it goes on to say may be believed. */
		if (raft_log_last(&raft->log) >= meta->index)
			raft_become_follower(raft, raft->hard.term + 1, &(struct member){0});
		if (raft->commit < raft_log_last(&raft->log))
			raft_truncate(raft, raft->commit + 1);
		raft_log_reset(&raft->log, &base);
		raft->handed = meta->index;
	}
	raft->meta = *meta;
	raft_config_rebased(raft, meta);
	raft_know_voters(raft);
	raft->commit = raft->applied = meta->index;
	raft->install = true;
	if (raft->handed < meta->index)
		raft->handed = meta->index;
	configured(raft, &raft->configured[0]);
	raft_follower_installed(raft);
	return true;
}

/* ---- looks ---- */

enum raft_role raft_role(const struct raft *raft)
{
	return raft->role == RAFT_FOLLOWER && !raft_is_voter(raft) ? RAFT_LEARNER : raft->role;
}

uint64_t raft_term(const struct raft *raft)
{
	return raft->hard.term;
}

const struct id *raft_lineage(const struct raft *raft)
{
	return &raft->hard.lineage;
}

struct member raft_leader(const struct raft *raft)
{
	return raft->leader;
}

uint64_t raft_commit(const struct raft *raft)
{
	return raft->commit;
}

uint64_t raft_first(const struct raft *raft)
{
	return raft->log.base.index + 1;
}

uint64_t raft_last(const struct raft *raft)
{
	return raft_log_last(&raft->log);
}

const struct log_entry *raft_entry(const struct raft *raft, uint64_t index)
{
	return raft_log_entry(&raft->log, index);
}

bool raft_chain(const struct raft *raft, uint64_t index, struct chain *out)
{
	if (index < raft->log.base.index || index > raft_log_last(&raft->log))
		return false;
	*out = raft_log_head(&raft->log, index)->chain;
	return true;
}

bool raft_progress(const struct raft *raft, msec now, size_t n, struct raft_progress *out)
{
	const struct peer *peer;
	bool leads = raft->role == RAFT_IS_LEADER;

	if (n >= raft->peers.count)
		return false;
	peer = raft_peer_at(raft, n);
	*out = (struct raft_progress){
		.member = peer->member,
		.preference = peer->preference,
		.voter = configuration_has(raft_config_committed(raft), &peer->member),
		.up = peer->up,
		.match = leads ? peer->match : 0,
		.heard_ago = leads ? now - peer->heard_at : 0,
	};
	return true;
}
