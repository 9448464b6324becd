/*
 * groups_cluster.h - a handful of members of one group in one process: a network of one millisecond that can be cut,
 * disks that remember, and the facts that every member told.
 *
 * Deterministic: everything happens in the order of members and of sending.
 */
#ifndef TESTS_UNIT_GROUPS_GROUPS_CLUSTER_H
#define TESTS_UNIT_GROUPS_GROUPS_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/rng.h"
#include "groups/group.h"
#include "groups/log_state.h"

#define NODES 9
#define TICKETS 12000

struct letter {
	size_t from;
	size_t to;
	enum raft_lane lane;
	struct blob *payload;
	uint64_t bond;               /* of both; a letter of an older bond is lost */
	msec at;
};

struct chunks {
	uint64_t of;
	struct blob **chunk;
	size_t count;
	size_t capacity;
};

struct disk {
	struct hard_state hard;
	struct snapshot_meta meta;
	struct chunks chunks;        /* of meta */
	struct chunks fresh;         /* of a snapshot that has no meta yet */
	struct log_entry *entry;
	size_t count;
	size_t capacity;
};

struct result {
	unsigned answers;
	enum error reason;
	uint64_t position;
	struct id lineage;
	unsigned dissolved;          /* GROUP_DISSOLVED that were told before it */
	struct blob *bytes;
	msec at;
};

struct node {
	struct group *group;         /* NULL: down */
	struct id id;
	uint64_t incarnation;
	uint64_t greeted;            /* hello version that the others know */
	bool durable;
	enum preference preference;
	uint8_t expect;
	bool join_only;
	bool observers_read;
	uint32_t compact_entries;
	struct disk disk;
	struct persist *storing[1024];
	size_t storing_count;
	struct result *result;       /* [TICKETS] */
	unsigned facts[GROUP_HALTED + 1];
	struct group_fact last[GROUP_HALTED + 1];   /* bytes dropped */
	size_t archived;             /* bytes of GROUP_ARCHIVE */
	uint64_t applied;            /* GROUP_APPLIED facts */
	msec disk_delay;
	msec stored_at;
};

struct cluster {
	size_t count;
	msec now;
	bool cut[NODES][NODES];      /* both ways */
	uint64_t bond[NODES][NODES]; /* 0: none; the same both ways */
	uint64_t last_bond;
	struct node node[NODES];
	struct letter *letter;
	size_t letter_first, letter_count, letter_capacity;
	struct rng rng;
	unsigned loss;               /* percent */
	msec delay;
	bool external;
	bool fence;
	struct state (*new_state)(void);
	uint64_t last_ticket;
	size_t sent;
	size_t bytes_sent;
	size_t refused;              /* messages, because observers only read */
};

static inline struct id cluster_id(size_t n)
{
	struct id id = {{0}};

	id.byte[0] = (uint8_t)(n + 1);
	return id;
}

/* ---- disks ---- */

static inline void chunks_fini(struct chunks *chunks)
{
	for (size_t i = 0; i < chunks->count; i++)
		blob_drop(chunks->chunk[i]);
	memory_free(chunks->chunk);
	*chunks = (struct chunks){0};
}

static inline void disk_chunk(struct disk *disk, const struct persist *persist)
{
	struct chunks *fresh = &disk->fresh;

	if (persist->chunk_of == 0)
		return;
	if (fresh->of != persist->chunk_of) {
		chunks_fini(fresh);
		fresh->of = persist->chunk_of;
	}
	if (persist->chunk_number < fresh->count) {   /* fetched anew */
		chunks_fini(fresh);
		fresh->of = persist->chunk_of;
	}
	assert_int_equal(persist->chunk_number, fresh->count);
	fresh->chunk = memory_grow(fresh->chunk, &fresh->capacity, fresh->count + 1, sizeof(struct blob *));
	fresh->chunk[fresh->count++] = blob_keep(persist->chunk);
}

static inline void disk_meta(struct disk *disk, const struct persist *persist)
{
	if (!persist->has_meta)
		return;
	disk->meta = persist->meta;
	chunks_fini(&disk->chunks);
	if (persist->meta.index == 0)
		return;
	assert_int_equal(disk->fresh.of, persist->meta.index);
	assert_int_equal(disk->fresh.count, persist->meta.chunks);
	disk->chunks = disk->fresh;
	disk->fresh = (struct chunks){0};
}

static inline void disk_write(struct disk *disk, const struct persist *persist)
{
	size_t gone = 0;

	if (persist->has_hard)
		disk->hard = persist->hard;
	while (persist->truncate_from > 0 && disk->count > 0
		&& disk->entry[disk->count - 1].head.index >= persist->truncate_from)
		blob_drop(disk->entry[--disk->count].payload);
	for (size_t i = 0; i < persist->count; i++) {
		if (disk->count > 0)
			assert_int_equal(disk->entry[disk->count - 1].head.index + 1, persist->entry[i].head.index);
		disk->entry = memory_grow(disk->entry, &disk->capacity, disk->count + 1, sizeof(*disk->entry));
		disk->entry[disk->count++] = persist->entry[i];
		blob_keep(persist->entry[i].payload);
	}
	disk_chunk(disk, persist);
	disk_meta(disk, persist);
	while (gone < disk->count && disk->entry[gone].head.index < persist->log_first)
		blob_drop(disk->entry[gone++].payload);
	if (gone > 0)
		memmove(disk->entry, disk->entry + gone, (disk->count - gone) * sizeof(*disk->entry));
	disk->count -= gone;
}

static inline void disk_fini(struct disk *disk)
{
	while (disk->count > 0)
		blob_drop(disk->entry[--disk->count].payload);
	memory_free(disk->entry);
	chunks_fini(&disk->chunks);
	chunks_fini(&disk->fresh);
	*disk = (struct disk){0};
}

/* ---- bonds ---- */

static inline void cluster_hello(struct cluster *c, size_t of, size_t to)
{
	struct group_hello hello;

	group_hello(c->node[of].group, &hello);
	group_peer_up(c->node[to].group, c->now, &c->node[of].id, &hello);
}

static inline bool cluster_may_bond(const struct cluster *c, size_t a, size_t b)
{
	return a != b && c->node[a].group != NULL && c->node[b].group != NULL && !c->cut[a][b];
}

/* Bonds where there can be ones, and ends the others. */
static inline void cluster_bond(struct cluster *c, size_t a, size_t b)
{
	bool may = cluster_may_bond(c, a, b);

	if (may == (c->bond[a][b] != 0))
		return;
	c->bond[a][b] = c->bond[b][a] = may ? ++c->last_bond : 0;
	if (may) {
		cluster_hello(c, a, b);
		cluster_hello(c, b, a);
		return;
	}
	if (c->node[a].group != NULL)
		group_peer_down(c->node[a].group, c->now, &c->node[b].id, true);
	if (c->node[b].group != NULL)
		group_peer_down(c->node[b].group, c->now, &c->node[a].id, true);
}

static inline void cluster_bonds(struct cluster *c)
{
	for (size_t a = 0; a < c->count; a++) {
		for (size_t b = a + 1; b < c->count; b++)
			cluster_bond(c, a, b);
	}
}

static inline void cluster_cut(struct cluster *c, size_t a, size_t b, bool is_cut)
{
	c->cut[a][b] = c->cut[b][a] = is_cut;
	cluster_bonds(c);
}

static inline void cluster_isolate(struct cluster *c, size_t n, bool is_cut)
{
	for (size_t i = 0; i < c->count; i++) {
		if (i != n)
			c->cut[n][i] = c->cut[i][n] = is_cut;
	}
	cluster_bonds(c);
}

/* ---- members ---- */

static inline struct group_options cluster_options(const struct cluster *c, size_t n)
{
	const struct node *node = &c->node[n];

	return (struct group_options){
		.terms = {.key = id_hash(bytes_of_text("key")), .timing = raft_timing_lan, .voters_cap = 5, .voters_min = 3,
			.copies_min = 1},
		.peer = node->id,
		.incarnation = node->incarnation,
		.state = c->new_state(),
		.external = c->external,
		.preference = node->preference,
		.expect = node->expect,
		.join_only = node->join_only,
		.observers_read = node->observers_read,
		.durable = node->durable,
		.compact_entries = node->compact_entries,
		.tell_applied = true,
		.tell_changes = true,
		.fence = c->fence,
		.seed = 77 + n + node->incarnation,
	};
}

static inline struct image disk_image(const struct disk *disk)
{
	return (struct image){.hard = disk->hard, .meta = disk->meta, .chunk = disk->chunks.chunk, .entry = disk->entry,
		.count = disk->count};
}

static inline void cluster_start(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];
	struct group_options options;
	struct image image = disk_image(&node->disk);

	assert_null(node->group);
	node->incarnation += NODES;
	node->applied = 0;
	options = cluster_options(c, n);
	assert_int_equal(group_new(&options, node->durable ? &image : NULL, c->now, &node->group), OK);
	node->greeted = group_hello_version(node->group);
	cluster_bonds(c);
}

static inline void cluster_stop(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];

	group_free(node->group);
	node->group = NULL;
	for (size_t i = 0; i < node->storing_count; i++)
		persist_free(node->storing[i]);   /* lost: not written yet */
	node->storing_count = 0;
	cluster_bonds(c);
}

static inline void cluster_prepare(struct cluster *c, size_t n)
{
	c->node[n].id = cluster_id(n);
	c->node[n].incarnation = n + 1;
	c->node[n].result = memory_new(TICKETS * sizeof(struct result));
}

static inline void cluster_init_empty(struct cluster *c, size_t count)
{
	*c = (struct cluster){.count = count, .now = 1000, .delay = 1, .new_state = log_state_new};
	rng_init(&c->rng, 7);
	for (size_t n = 0; n < count; n++)
		cluster_prepare(c, n);
}

static inline void cluster_init(struct cluster *c, size_t count)
{
	cluster_init_empty(c, count);
	for (size_t n = 0; n < count; n++)
		cluster_start(c, n);
}

static inline void cluster_fini(struct cluster *c)
{
	for (size_t n = 0; n < c->count; n++) {
		struct node *node = &c->node[n];

		if (node->group != NULL)
			cluster_stop(c, n);
		disk_fini(&node->disk);
		for (size_t i = 0; i < TICKETS; i++)
			blob_drop(node->result[i].bytes);
		memory_free(node->result);
	}
	while (c->letter_first < c->letter_count)
		blob_drop(c->letter[c->letter_first++].payload);
	memory_free(c->letter);
}

/* ---- time ---- */

static inline void cluster_post(struct cluster *c, size_t from, const struct group_effect *effect)
{
	size_t to = (size_t)effect->peer.byte[0] - 1;

	if (c->bond[from][to] == 0 || rng_below(&c->rng, 100) < c->loss) {
		blob_drop(effect->payload);
		return;
	}
	c->sent++;
	c->bytes_sent += blob_size(effect->payload);
	c->letter = memory_grow(c->letter, &c->letter_capacity, c->letter_count + 1, sizeof(*c->letter));
	c->letter[c->letter_count++] = (struct letter){from, to, effect->lane, effect->payload, c->bond[from][to],
		c->now + c->delay};
}

static inline void cluster_fact(struct cluster *c, struct node *node, struct group_fact *fact)
{
	struct result *result = &node->result[fact->ticket];

	assert_true(fact->ticket < TICKETS);
	node->facts[fact->kind]++;
	if (fact->kind == GROUP_RESULT || fact->kind == GROUP_ANSWER) {
		result->answers++;
		result->reason = fact->reason;
		result->position = fact->position;
		result->lineage = fact->lineage;
		result->dissolved = node->facts[GROUP_DISSOLVED];
		result->at = c->now;
		assert_null(result->bytes);
		result->bytes = fact->bytes != NULL ? blob_keep(fact->bytes) : NULL;
	} else if (fact->kind == GROUP_ARCHIVE) {
		node->archived += blob_size(fact->bytes);
	} else if (fact->kind == GROUP_APPLIED) {
		assert_true(fact->position > node->applied || node->facts[GROUP_DIVERGED] + node->facts[GROUP_DISSOLVED] > 0);
		node->applied = fact->position;
	}
	blob_drop(fact->bytes);
	fact->bytes = NULL;
	node->last[fact->kind] = *fact;
	if (c->external && fact->kind == GROUP_APPLIED && fact->ticket != 0)
		group_answer(node->group, c->now, fact->ticket, OK, bytes_of_text("done"));
	if (fact->kind == GROUP_QUESTION)
		group_answer(node->group, c->now, fact->ticket, OK, bytes_of_text("told"));
}

static inline bool cluster_pull(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];
	struct group_effect effect;
	struct group_fact fact;
	bool moved = false;

	while (group_next_effect(node->group, &effect)) {
		moved = true;
		if (effect.kind == GROUP_SEND) {
			cluster_post(c, n, &effect);
			continue;
		}
		assert_true(node->durable);
		assert_true(node->storing_count < 1024);
		if (node->storing_count == 0)
			node->stored_at = c->now + node->disk_delay;
		node->storing[node->storing_count++] = effect.persist;
	}
	while (group_next_fact(node->group, &fact)) {
		cluster_fact(c, node, &fact);
		moved = true;
	}
	return moved;
}

static inline bool cluster_store(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];
	struct persist *persist = node->storing[0];

	if (node->storing_count == 0 || c->now < node->stored_at)
		return false;
	node->storing_count--;
	memmove(node->storing, node->storing + 1, node->storing_count * sizeof(node->storing[0]));
	node->stored_at = c->now + node->disk_delay;
	disk_write(&node->disk, persist);
	group_persisted(node->group, c->now, persist->token, OK);
	persist_free(persist);
	return true;
}

static inline void cluster_greet_all(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];

	if (node->greeted == group_hello_version(node->group))
		return;
	node->greeted = group_hello_version(node->group);
	for (size_t i = 0; i < c->count; i++) {
		if (c->bond[n][i] != 0)
			cluster_hello(c, n, i);
	}
}

/* Everything that follows now from what happened. */
static inline void cluster_settle(struct cluster *c)
{
	bool moved = true;

	for (int round = 0; moved && round < 1000; round++) {
		moved = false;
		for (size_t n = 0; n < c->count; n++) {
			if (c->node[n].group == NULL)
				continue;
			moved = cluster_pull(c, n) || moved;
			moved = cluster_store(c, n) || moved;
			cluster_greet_all(c, n);
			group_check(c->node[n].group);
		}
	}
	assert_false(moved);
}

static inline void cluster_deliver(struct cluster *c)
{
	while (c->letter_first < c->letter_count && c->letter[c->letter_first].at <= c->now) {
		struct letter letter = c->letter[c->letter_first++];
		struct node *to = &c->node[letter.to];

		if (to->group != NULL && c->bond[letter.from][letter.to] == letter.bond) {
			enum error error = group_receive(to->group, c->now, &c->node[letter.from].id, letter.lane,
				blob_bytes(letter.payload));

			c->refused += error == ERROR_NOT_ALLOWED;
			assert_true(error == OK || (error == ERROR_NOT_ALLOWED && to->observers_read));
			cluster_pull(c, letter.to);
		}
		blob_drop(letter.payload);
	}
	if (c->letter_first == c->letter_count)
		c->letter_first = c->letter_count = 0;
}

/* One millisecond. */
static inline void cluster_step(struct cluster *c)
{
	c->now++;
	cluster_deliver(c);
	for (size_t n = 0; n < c->count; n++) {
		if (c->node[n].group != NULL && group_deadline(c->node[n].group) <= c->now)
			group_tick(c->node[n].group, c->now);
	}
	cluster_settle(c);
}

static inline void cluster_run(struct cluster *c, msec span)
{
	for (msec until = c->now + span; c->now < until;)
		cluster_step(c);
}

/* The member that leads and may propose, or c->count. */
static inline size_t cluster_leader(const struct cluster *c)
{
	size_t leader = c->count;
	uint64_t term = 0;

	for (size_t n = 0; n < c->count; n++) {
		const struct group *group = c->node[n].group;

		if (group != NULL && raft_is_operational(group_raft(group)) && raft_term(group_raft(group)) > term) {
			leader = n;
			term = raft_term(group_raft(group));
		}
	}
	return leader;
}

static inline struct group_status cluster_status(const struct cluster *c, size_t n)
{
	struct group_status status;

	group_status(c->node[n].group, &status);
	return status;
}

static inline bool cluster_has_voters(const struct cluster *c, size_t voters)
{
	size_t leader = cluster_leader(c);
	struct group_status status;

	if (leader == c->count)
		return false;
	status = cluster_status(c, leader);
	return status.voters == voters && !status.joint;
}

/* Runs until it is so; at most `span`. */
#define CLUSTER_UNTIL(c, condition, span) do { \
	for (msec until_ = (c)->now + (span); !(condition) && (c)->now < until_;) \
		cluster_step(c); \
	assert_true(condition); \
} while (0)

static inline uint64_t cluster_propose(struct cluster *c, size_t n, const char *text)
{
	uint64_t ticket = ++c->last_ticket;

	group_propose(c->node[n].group, c->now, ticket, bytes_of_text(text));
	return ticket;
}

static inline bool cluster_is_ok(const struct cluster *c, size_t n, uint64_t ticket)
{
	const struct result *result = &c->node[n].result[ticket];

	return result->answers == 1 && result->reason == OK;
}

static inline uint64_t cluster_query(struct cluster *c, size_t n, enum query_level level, struct bytes query)
{
	uint64_t ticket = ++c->last_ticket;

	group_query(c->node[n].group, c->now, &(struct group_query){.ticket = ticket, .level = level,
		.deadline = MSEC_NEVER, .query = query});
	return ticket;
}

/* How often the text stands in the log of a member. */
static inline size_t cluster_times(const struct cluster *c, size_t n, const char *text)
{
	const struct state *state = group_state(c->node[n].group);
	struct buffer query = {0}, answer = {0};
	struct log_record record;
	uint64_t position = 0;
	size_t times = 0;
	bool more = true;

	while (more) {
		struct bytes rest;

		buffer_clear(&query);
		buffer_clear(&answer);
		log_state_query(position, UINT64_MAX, &query);
		assert_int_equal(state->ops->query(state->self, buffer_bytes(&query), &answer), OK);
		rest = buffer_bytes(&answer);
		more = rest.size > 0;
		while (log_record_next(&rest, &record)) {
			times += bytes_equal(record.command, bytes_of_text(text));
			position = record.position + 1;
		}
	}
	buffer_fini(&query);
	buffer_fini(&answer);
	return times;
}

static inline void cluster_fill(struct cluster *c, size_t n, size_t count)
{
	char text[128];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "%zu: some text that makes the log a little longer than it would be", i);
		cluster_propose(c, n, text);
		if (i % 500 == 499)
			cluster_run(c, 3);
	}
	CLUSTER_UNTIL(c, cluster_is_ok(c, n, c->last_ticket), 5000);
}

/* So much that the log is cut. */
static inline void cluster_fill_up(struct cluster *c, size_t n)
{
	static char text[16384];

	for (size_t i = 0; i < 1100; i++) {
		snprintf(text, sizeof text, "%zu:", i);
		memset(text + strlen(text), 'x', sizeof text - 1 - strlen(text));
		cluster_propose(c, n, text);
		if (i % 50 == 49)
			cluster_run(c, 5);
	}
	CLUSTER_UNTIL(c, cluster_is_ok(c, n, c->last_ticket), 5000);
}

static inline void cluster_expect_equal(struct cluster *c, size_t a, size_t b)
{
	struct group_status left = cluster_status(c, a), right = cluster_status(c, b);

	assert_int_equal(left.position, right.position);
	assert_true(id_equal(&left.state_hash, &right.state_hash));
	assert_true(id_equal(&left.lineage, &right.lineage));
}

#endif
