/*
 * lone.h - one raft member, and a hand that writes what the others say: member 0 is tested, members 1 .. are words.
 *
 * lone_drain reads everything that comes out. PERSISTs are answered at once unless the disk is held; lone_persisted answers
 * the one under way.
 */
#ifndef TESTS_UNIT_GROUPS_LONE_H
#define TESTS_UNIT_GROUPS_LONE_H

#include "cluster.h"

#define WORDS_MAX 4096

struct lone {
	struct raft *raft;
	msec now;
	struct id lineage;
	bool held;
	bool pending;
	uint64_t token;
	struct persist last;         /* the newest PERSIST; entries not kept */
	unsigned persists;
	struct {
		size_t to;
		enum raft_lane lane;
		struct raft_message message;   /* entries are gone */
		size_t size;
	} said[WORDS_MAX];           /* since lone_forget */
	size_t said_count;
	unsigned seen[RAFT_HALTED + 1];        /* outputs of each kind, since lone_forget */
	struct raft_output output[RAFT_HALTED + 1];   /* the newest of each */
};

static inline struct member lone_member(size_t n)
{
	return (struct member){cluster_id(n), n + 1};
}

static inline void lone_forget(struct lone *l)
{
	l->said_count = 0;
	memset(l->seen, 0, sizeof(l->seen));
}

static inline void lone_persisted(struct lone *l)
{
	assert_true(l->pending);
	l->pending = false;
	raft_persisted(l->raft, l->now, l->token, OK);
}

static inline void lone_take(struct lone *l, const struct raft_output *output)
{
	l->seen[output->kind]++;
	l->output[output->kind] = *output;
	if (output->kind == RAFT_SEND) {
		assert_true(l->said_count < WORDS_MAX);
		l->said[l->said_count].to = cluster_number(&output->to.peer);
		l->said[l->said_count].lane = output->lane;
		l->said[l->said_count].size = blob_size(output->payload);
		assert_int_equal(raft_wire_decode(blob_bytes(output->payload), &l->said[l->said_count].message), OK);
		l->said_count++;
		blob_drop(output->payload);
	} else if (output->kind == RAFT_PERSIST) {
		l->last = *output->persist;
		l->token = output->persist->token;
		l->pending = true;
		l->persists++;
		persist_free(output->persist);
	}
}

static inline void lone_drain(struct lone *l)
{
	struct raft_output output;
	bool more = true;

	while (more) {
		more = false;
		while (raft_next(l->raft, &output))
			lone_take(l, &output);
		if (l->pending && !l->held) {
			lone_persisted(l);
			more = true;
		}
	}
	raft_check(l->raft);
}

static inline void lone_tick(struct lone *l, msec span)
{
	l->now += span;
	raft_tick(l->raft, l->now);
	lone_drain(l);
}

/* What `from` says; lives and lineage are filled in. */
static inline enum error lone_hear(struct lone *l, size_t from, const struct raft_message *message)
{
	struct raft_message whole = *message;
	struct member member = lone_member(from);
	struct blob *blob;
	enum error error;

	whole.lineage = l->lineage;
	if (whole.from == 0)
		whole.from = member.incarnation;
	if (whole.to == 0)
		whole.to = 1;
	blob = raft_wire_encode(&whole);
	error = raft_receive(l->raft, l->now, &member, blob_bytes(blob));
	blob_drop(blob);
	lone_drain(l);
	return error;
}

/* The newest of that kind to that member, which must be there. */
static inline const struct raft_message *lone_said(const struct lone *l, size_t to, enum raft_message_kind kind)
{
	size_t i = l->said_count;

	while (i > 0 && (l->said[i - 1].to != to || l->said[i - 1].message.kind != kind))
		i--;
	if (i == 0)
		fail_msg("nothing of kind %d was said to %zu", (int)kind, to);
	return &l->said[i > 0 ? i - 1 : 0].message;
}

static inline size_t lone_count(const struct lone *l, size_t to, enum raft_message_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < l->said_count; i++)
		count += l->said[i].to == to && l->said[i].message.kind == kind;
	return count;
}

/* An entry that others may put into an APPEND. */
static inline struct log_entry lone_entry(uint64_t term, const char *text)
{
	return (struct log_entry){.head = {.term = term, .kind = text[0] == 0 ? ENTRY_NOOP : ENTRY_COMMANDS,
		.commands = text[0] != 0}, .payload = blob_copy(bytes_of_text(text))};
}

struct lone_append {
	uint64_t term;
	uint64_t prev;               /* must be held */
	uint64_t commit;
	struct log_entry *entry;
	size_t count;
};

static inline enum error lone_append(struct lone *l, size_t from, const struct lone_append *append)
{
	const struct entry_head *head = raft_log_head(&l->raft->log, append->prev);
	enum error error = lone_hear(l, from, &(struct raft_message){
		.kind = RAFT_APPEND, .term = append->term, .prev_index = append->prev, .prev_term = head->term,
		.prev_chain = head->chain, .commit = append->commit, .entry = append->entry,
		.count = (uint32_t)append->count});

	for (size_t i = 0; i < append->count; i++)
		blob_drop(append->entry[i].payload);
	return error;
}

static inline void lone_meet(struct lone *l, size_t n, enum preference preference)
{
	raft_peer_up(l->raft, l->now, &(struct raft_peer){lone_member(n), preference, false});
	lone_drain(l);
}

static inline struct lone *lone_options(size_t others, const struct raft_options *given)
{
	struct lone *l = memory_new(sizeof(*l));
	struct raft_options options = *given;

	l->now = 1000;
	l->lineage = id_hash(bytes_of_text("lineage"));
	options.self = lone_member(0);
	options.timing = raft_timing_default;
	options.seed = 5;
	l->raft = raft_new(&options, NULL, l->now);
	for (size_t i = 1; i <= others; i++)
		lone_meet(l, i, PREFER_NORMAL);
	return l;
}

static inline struct configuration lone_voters(size_t first, size_t count)
{
	struct configuration configuration = {.incoming.count = (uint8_t)count};

	for (size_t i = 0; i < count; i++)
		configuration.incoming.member[i] = lone_member(first + i);
	return configuration;
}

/* A member of a group of `voters`, all there; it holds GENESIS. */
static inline struct lone *lone_new(size_t voters)
{
	struct lone *l = lone_options(voters - 1, &(struct raft_options){0});
	struct configuration first = lone_voters(0, voters);

	raft_begin(l->raft, l->now, &l->lineage, &first);
	lone_drain(l);
	lone_forget(l);
	return l;
}

static inline void lone_free(struct lone *l)
{
	raft_free(l->raft);
	memory_free(l);
}

/* Makes it the leader of a group of three or more: the others vote as asked. */
static inline void lone_lead(struct lone *l)
{
	for (size_t tries = 0; raft_role(l->raft) != RAFT_IS_LEADER && tries < 10; tries++) {
		lone_tick(l, raft_deadline(l->raft) > l->now ? raft_deadline(l->raft) - l->now : 0);
		for (size_t i = 1; i < VOTERS_MAX && raft_role(l->raft) == RAFT_PRE_CANDIDATE; i++)
			lone_hear(l, i, &(struct raft_message){
				.kind = RAFT_PREVOTE_REPLY, .term = raft_term(l->raft) + 1, .granted = true});
		for (size_t i = 1; i < VOTERS_MAX && raft_role(l->raft) == RAFT_CANDIDATE; i++)
			lone_hear(l, i, &(struct raft_message){
				.kind = RAFT_VOTE_REPLY, .term = raft_term(l->raft), .granted = true});
	}
	assert_int_equal(raft_role(l->raft), RAFT_IS_LEADER);
}

static inline void lone_ok(struct lone *l, size_t from, uint64_t match)
{
	assert_int_equal(lone_hear(l, from, &(struct raft_message){
		.kind = RAFT_APPEND_OK, .term = raft_term(l->raft), .match = match, .index = match}), OK);
}

/* Leader whose NOOP is committed. */
static inline void lone_rule(struct lone *l, size_t voters)
{
	lone_lead(l);
	for (size_t i = 1; i < voters; i++)
		lone_ok(l, i, raft_last(l->raft));
	assert_true(raft_is_operational(l->raft));
	lone_forget(l);
}

static inline enum error lone_propose(struct lone *l, const char *text)
{
	uint64_t index;

	return raft_propose(l->raft, l->now, &(struct proposal){
		.kind = ENTRY_COMMANDS, .commands = 1, .payload = blob_copy(bytes_of_text(text))}, &index);
}

#endif
