/*
 * cluster.h - a handful of raft members in one process: a network with one millisecond of delay that can be cut, slowed
 * and made to lose; a disk each that can be held; and an oracle that sees every commit.
 *
 * Deterministic: everything happens in the order of members and of sending. Incarnations of node n are n + 1, then
 * n + 1 + NODES and so on.
 */
#ifndef TESTS_UNIT_GROUPS_CLUSTER_H
#define TESTS_UNIT_GROUPS_CLUSTER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/memory.h"
#include "groups/raft_internal.h"

#define NODES 9
#define HISTORY_MAX 20000
#define TICKETS_MAX 4096

struct letter {
	struct member from;
	struct member to;
	enum raft_lane lane;
	struct blob *payload;
	msec at;
};

struct disk {
	struct hard_state hard;
	struct snapshot_meta meta;
	struct log_entry *entry;     /* entry[0 .. count), the first has index `first` */
	size_t count;
	size_t capacity;
	uint64_t first;
};

struct node {
	struct raft *raft;           /* NULL: down */
	struct member self;
	enum preference preference;
	struct disk disk;
	struct persist *pending;     /* under way */
	msec pending_at;
	msec disk_delay;
	bool disk_held;
	enum error disk_status;
	uint64_t applied;
	unsigned persists;           /* asked for */
	unsigned appended;           /* APPENDs with entries that were sent */
	bool needs_snapshot;
	struct snapshot_meta fetched;          /* a snapshot that is on its way; index 0: none */
	msec fetched_at;
	struct snapshot_meta taken;            /* a snapshot of our own that waits for the disk; index 0: none */
	uint64_t taken_first;
	bool removed;
	bool regressed;
	bool diverged;
	bool halted;
	struct member leader;
};

struct cluster {
	size_t count;
	msec now;
	msec delay;
	struct rng rng;
	unsigned loss;               /* percent */
	unsigned repeat;             /* percent of letters that come twice, the second time late */
	bool cut[NODES][NODES];      /* from, to */
	struct node node[NODES];
	struct letter *letter;
	size_t letter_count;
	size_t letter_capacity;
	size_t sent;                 /* letters, ever */
	struct raft_options options;
	struct id lineage;
	struct chain committed[HISTORY_MAX];   /* by index: what any member ever committed */
	uint64_t committed_last;
	struct member leader_of[1024];         /* by term */
	enum { READ_OPEN, READ_OK, READ_FAILED } read[TICKETS_MAX];
	uint64_t read_index[TICKETS_MAX];
	bool (*filter)(struct cluster *cluster, const struct letter *letter);   /* false: lost */
};

static inline struct id cluster_id(size_t n)
{
	struct id id = {{0}};

	id.byte[0] = (uint8_t)(n + 1);
	return id;
}

static inline size_t cluster_number(const struct id *id)
{
	return id->byte[0] - 1u;
}

/* ---- disks ---- */

static inline void disk_forget(struct disk *disk, uint64_t from)
{
	while (disk->count > 0 && disk->entry[disk->count - 1].head.index >= from)
		blob_drop(disk->entry[--disk->count].payload);
}

static inline void disk_drop_front(struct disk *disk, uint64_t first)
{
	size_t gone = 0;

	while (gone < disk->count && disk->entry[gone].head.index < first)
		blob_drop(disk->entry[gone++].payload);
	if (gone > 0)
		memmove(disk->entry, disk->entry + gone, (disk->count - gone) * sizeof(*disk->entry));
	disk->count -= gone;
}

static inline void disk_write(struct disk *disk, const struct persist *persist)
{
	if (persist->has_hard)
		disk->hard = persist->hard;
	if (persist->truncate_from > 0)
		disk_forget(disk, persist->truncate_from);
	if (persist->has_meta)
		disk->meta = persist->meta;
	if (persist->log_first > 0)
		disk_drop_front(disk, persist->log_first);
	for (size_t i = 0; i < persist->count; i++) {
		uint64_t index = persist->entry[i].head.index;

		if (disk->count > 0)
			assert_int_equal(disk->entry[disk->count - 1].head.index + 1, index);
		else
			assert_true(disk->meta.index + 1 >= index);
		disk->entry = memory_grow(disk->entry, &disk->capacity, disk->count + 1, sizeof(*disk->entry));
		disk->entry[disk->count++] = persist->entry[i];
		blob_keep(persist->entry[i].payload);
	}
}

static inline void disk_free(struct disk *disk)
{
	disk_forget(disk, 0);
	memory_free(disk->entry);
	*disk = (struct disk){0};
}

/* ---- members ---- */

static inline void cluster_greet(struct cluster *c, size_t a, size_t b)
{
	const struct node *of = &c->node[b];

	if (a != b && c->node[a].raft && of->raft)
		raft_peer_up(c->node[a].raft, c->now, &(struct raft_peer){of->self, of->preference, false});
}

static inline void cluster_start(struct cluster *c, size_t n, bool image)
{
	struct node *node = &c->node[n];
	struct raft_options options = c->options;
	struct image stored = {.hard = node->disk.hard, .meta = node->disk.meta, .entry = node->disk.entry,
		.count = node->disk.count};

	options.self = node->self;
	options.preference = node->preference;
	options.seed = c->options.seed + n;
	stored.hard.incarnation = node->self.incarnation;
	node->raft = raft_new(&options, image && !id_is_zero(&stored.hard.lineage) ? &stored : NULL, c->now);
	node->applied = raft_commit(node->raft);
	for (size_t i = 0; i < c->count; i++) {
		cluster_greet(c, n, i);
		cluster_greet(c, i, n);
	}
}

static inline void cluster_init(struct cluster *c, size_t count)
{
	memset(c, 0, sizeof(*c));
	c->count = count;
	c->now = 1000;
	c->delay = 1;
	rng_init(&c->rng, 7);
	c->lineage = id_hash(bytes_of_text("lineage"));
	c->options.timing = raft_timing_default;
	c->options.seed = 42;
	for (size_t i = 0; i < count; i++)
		c->node[i].self = (struct member){cluster_id(i), i + 1};
	for (size_t i = 0; i < count; i++)
		cluster_start(c, i, false);
}

static inline struct configuration cluster_voters(const struct cluster *c, size_t voters)
{
	struct configuration configuration = {.incoming.count = (uint8_t)voters};

	for (size_t i = 0; i < voters; i++)
		configuration.incoming.member[i] = c->node[i].self;
	return configuration;
}

/* Nodes 0 .. voters - 1 begin, the others learn of it. */
static inline void cluster_begin(struct cluster *c, size_t voters)
{
	struct configuration first = cluster_voters(c, voters);

	for (size_t i = 0; i < c->count; i++) {
		if (i < voters)
			raft_begin(c->node[i].raft, c->now, &c->lineage, &first);
		else
			raft_adopt(c->node[i].raft, c->now, &c->lineage);
	}
}

static inline void cluster_drop_letters(struct cluster *c, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->letter_count; i++) {
		if (cluster_number(&c->letter[i].to.peer) == n || cluster_number(&c->letter[i].from.peer) == n)
			blob_drop(c->letter[i].payload);
		else
			c->letter[kept++] = c->letter[i];
	}
	c->letter_count = kept;
}

/* closed: the others see the connection end; else it only falls silent. */
static inline void cluster_crash(struct cluster *c, size_t n, bool closed)
{
	struct node *node = &c->node[n];

	raft_free(node->raft);
	persist_free(node->pending);
	node->raft = NULL;
	node->pending = NULL;
	node->fetched.index = node->taken.index = 0;
	cluster_drop_letters(c, n);
	for (size_t i = 0; i < c->count; i++)
		if (c->node[i].raft)
			raft_peer_down(c->node[i].raft, c->now, &node->self.peer, closed);
}

static inline void cluster_restart(struct cluster *c, size_t n)
{
	cluster_start(c, n, true);
	if (id_is_zero(raft_lineage(c->node[n].raft)))
		raft_adopt(c->node[n].raft, c->now, &c->lineage);   /* it crashed before it had stored that much */
}

/* Without its memory, as another member. */
static inline void cluster_rebirth(struct cluster *c, size_t n)
{
	disk_free(&c->node[n].disk);
	c->node[n].self.incarnation += NODES;
	c->node[n].removed = false;
	cluster_start(c, n, false);
	raft_adopt(c->node[n].raft, c->now, &c->lineage);
}

static inline void cluster_free(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++) {
		raft_free(c->node[i].raft);
		persist_free(c->node[i].pending);
		disk_free(&c->node[i].disk);
	}
	for (size_t i = 0; i < c->letter_count; i++)
		blob_drop(c->letter[i].payload);
	memory_free(c->letter);
	memory_free(c);
}

/* ---- what comes out ---- */

static inline void cluster_post(struct cluster *c, const struct letter *letter)
{
	c->letter = memory_grow(c->letter, &c->letter_capacity, c->letter_count + 1, sizeof(*c->letter));
	c->letter[c->letter_count++] = *letter;
}

static inline void cluster_send(struct cluster *c, size_t from, const struct raft_output *output)
{
	struct node *node = &c->node[from];
	struct letter letter = {node->self, output->to, output->lane, output->payload, c->now + c->delay};
	size_t to = cluster_number(&output->to.peer);
	struct raft_message message;

	c->sent++;
	/* Whatever it says, its hard state is on disk: nothing leaves in a term that a crash would forget. */
	assert_int_equal(raft_wire_decode(blob_bytes(output->payload), &message), OK);
	node->appended += message.kind == RAFT_APPEND && message.count > 0;
	if (message.kind != RAFT_PREVOTE && !(message.kind == RAFT_PREVOTE_REPLY && message.granted))
		assert_true(message.term <= node->disk.hard.term);
	if (message.kind == RAFT_VOTE_REPLY && message.granted)
		assert_true(node->disk.hard.term > message.term || !member_is_none(&node->disk.hard.vote));
	if (message.kind == RAFT_APPEND_OK)
		assert_true(message.match == 0 || message.match <= node->disk.meta.index ||
			(node->disk.count > 0 && message.match <= node->disk.entry[node->disk.count - 1].head.index));
	if (c->cut[from][to] || !c->node[to].raft || (c->filter && !c->filter(c, &letter)) ||
		rng_below(&c->rng, 100) < c->loss) {
		blob_drop(output->payload);
		return;
	}
	cluster_post(c, &letter);
	if (rng_below(&c->rng, 100) < c->repeat) {
		letter.at += (msec)rng_below(&c->rng, 3000);
		blob_keep(letter.payload);
		cluster_post(c, &letter);
	}
}

static inline void cluster_committed(struct cluster *c, struct node *node, uint64_t index)
{
	for (uint64_t i = node->applied + 1; i <= index; i++) {
		const struct log_entry *entry = raft_entry(node->raft, i);

		assert_non_null(entry);
		assert_true(i < HISTORY_MAX);
		/* State machine safety: one entry an index, for ever. */
		if (i <= c->committed_last)
			assert_memory_equal(&c->committed[i], &entry->head.chain, sizeof(entry->head.chain));
		else
			c->committed[i] = entry->head.chain;
		if (i > c->committed_last)
			c->committed_last = i;
	}
	if (index > node->applied)
		node->applied = index;
	raft_applied(node->raft, node->applied);
}

static inline void cluster_persist(struct cluster *c, struct node *node, struct persist *persist)
{
	node->persists++;
	assert_null(node->pending);
	node->pending = persist;
	node->pending_at = c->now + node->disk_delay;
}

/* A snapshot of what was applied is durable, and the entries below `first` are forgotten. */
static inline void cluster_taken(struct node *node)
{
	struct snapshot_meta meta = node->taken;

	node->taken.index = 0;
	if (meta.index <= node->raft->meta.index)
		return;
	node->disk.meta = meta;
	disk_drop_front(&node->disk, node->taken_first);
	raft_compact(node->raft, &meta, node->taken_first);
}

/* Takes one; it becomes durable behind the PERSIST that is under way, and before the next. */
static inline void cluster_compact(struct cluster *c, size_t n, uint64_t first)
{
	struct node *node = &c->node[n];
	const struct raft_log *log = &node->raft->log;
	const struct entry_head *head;
	struct snapshot_meta meta;

	if (node->applied < log->base.index || node->applied <= node->raft->meta.index || node->raft->install)
		return;
	head = raft_log_head(log, node->applied);
	meta = (struct snapshot_meta){.index = head->index, .term = head->term,
		.position = head->position + head->commands, .chain = head->chain};
	meta.configuration = *raft_configuration(node->raft, meta.index, &meta.configuration_index);
	if (meta.configuration.incoming.count == 0)
		return;
	node->taken = meta;
	node->taken_first = first > meta.index + 1 ? meta.index + 1 : first;
	if (!node->pending)
		cluster_taken(node);
}

static inline void cluster_finish_persist(struct cluster *c, struct node *node)
{
	struct persist *persist = node->pending;
	uint64_t token = persist->token;

	node->pending = NULL;
	if (node->disk_status == OK)
		disk_write(&node->disk, persist);
	persist_free(persist);
	if (node->taken.index > 0)
		cluster_taken(node);
	raft_persisted(node->raft, c->now, token, node->disk_status);
}

static inline void cluster_output(struct cluster *c, size_t n, const struct raft_output *output)
{
	struct node *node = &c->node[n];

	switch (output->kind) {
	case RAFT_SEND:
		cluster_send(c, n, output);
		break;
	case RAFT_PERSIST:
		cluster_persist(c, node, output->persist);
		break;
	case RAFT_COMMITTED:
		cluster_committed(c, node, output->index);
		break;
	case RAFT_READABLE:
	case RAFT_READ_FAILED:
		assert_int_equal(c->read[output->ticket], READ_OPEN);
		c->read[output->ticket] = output->kind == RAFT_READABLE ? READ_OK : READ_FAILED;
		c->read_index[output->ticket] = output->index;
		break;
	case RAFT_LEADER:
		node->leader = output->to;
		break;
	case RAFT_CONFIGURED:
		break;
	case RAFT_NEEDS_SNAPSHOT:
		node->needs_snapshot = true;
		break;
	case RAFT_REMOVED:
		node->removed = true;
		break;
	case RAFT_REGRESSED:
		node->regressed = true;
		break;
	case RAFT_DIVERGED:
		node->diverged = true;
		break;
	case RAFT_HALTED:
		node->halted = true;
		break;
	}
}

/* Who lags asks a member that has more; the answer takes its time. */
static inline void cluster_fetch(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];

	node->needs_snapshot = false;
	for (size_t i = 0; i < c->count && node->fetched.index == 0; i++) {
		const struct raft *raft = c->node[i].raft;

		if (!raft || c->cut[i][n] || raft->meta.index <= raft_commit(node->raft))
			continue;
		node->fetched = raft->meta;
		node->fetched_at = c->now + (msec)rng_below(&c->rng, 1000);
	}
}

static inline void cluster_install(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];

	assert_memory_equal(&c->committed[node->fetched.index], &node->fetched.chain, sizeof(struct chain));
	if (raft_install(node->raft, c->now, &node->fetched))
		node->applied = node->fetched.index;
	node->fetched.index = 0;
}

static inline void cluster_drain(struct cluster *c, size_t n)
{
	struct node *node = &c->node[n];
	struct raft_output output;
	bool more = true;

	while (more) {
		more = false;
		while (raft_next(node->raft, &output)) {
			cluster_output(c, n, &output);
			more = true;
		}
		if (node->pending && !node->disk_held && node->pending_at <= c->now) {
			cluster_finish_persist(c, node);
			more = true;
		}
	}
	raft_check(node->raft);
	if (raft_role(node->raft) == RAFT_IS_LEADER && raft_term(node->raft) < 1024) {
		struct member *leader = &c->leader_of[raft_term(node->raft)];

		/* Election safety: one leader a term. */
		assert_true(member_is_none(leader) || member_equal(leader, &node->self));
		*leader = node->self;
	}
}

static inline void cluster_deliver(struct cluster *c)
{
	size_t count = c->letter_count;
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		struct letter letter = c->letter[i];
		size_t to = cluster_number(&letter.to.peer);

		if (letter.at > c->now) {
			c->letter[kept++] = letter;
			continue;
		}
		if (c->node[to].raft && !c->cut[cluster_number(&letter.from.peer)][to])
			assert_int_equal(raft_receive(c->node[to].raft, c->now, &letter.from,
				blob_bytes(letter.payload)), OK);
		blob_drop(letter.payload);
	}
	/* Nothing was sent meanwhile: what follows from the letters is drained afterwards. */
	assert_int_equal(count, c->letter_count);
	c->letter_count = kept;
}

static inline void cluster_step(struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->node[i].raft)
			cluster_drain(c, i);
	c->now++;
	cluster_deliver(c);
	for (size_t i = 0; i < c->count; i++) {
		if (!c->node[i].raft)
			continue;
		if (c->node[i].needs_snapshot)
			cluster_fetch(c, i);
		if (c->node[i].fetched.index > 0 && c->node[i].fetched_at <= c->now)
			cluster_install(c, i);
		if (raft_deadline(c->node[i].raft) <= c->now)
			raft_tick(c->node[i].raft, c->now);
		cluster_drain(c, i);
	}
}

static inline void cluster_run(struct cluster *c, msec span)
{
	msec end = c->now + span;

	while (c->now < end)
		cluster_step(c);
}

/* ---- questions and demands ---- */

#define NOBODY SIZE_MAX

/* The operational leader of the highest term. */
static inline size_t cluster_leader(const struct cluster *c)
{
	size_t found = NOBODY;

	for (size_t i = 0; i < c->count; i++)
		if (c->node[i].raft && raft_is_operational(c->node[i].raft) &&
			(found == NOBODY || raft_term(c->node[i].raft) > raft_term(c->node[found].raft)))
			found = i;
	return found;
}

/* Runs until there is an operational leader among those that `not_n` leaves. */
static inline size_t cluster_elect(struct cluster *c, size_t not_n)
{
	for (msec end = c->now + 60000; c->now < end; cluster_step(c)) {
		size_t leader = cluster_leader(c);

		if (leader != NOBODY && leader != not_n)
			return leader;
	}
	fail_msg("nobody was elected");
	return NOBODY;
}

static inline enum error cluster_propose(struct cluster *c, size_t n, const char *text, uint64_t *index)
{
	return raft_propose(c->node[n].raft, c->now, &(struct proposal){
		.kind = ENTRY_COMMANDS, .commands = 1, .payload = blob_copy(bytes_of_text(text))}, index);
}

/* Proposes at the leader, whoever it is at the moment, until it is committed there. */
static inline uint64_t cluster_write(struct cluster *c, const char *text)
{
	for (msec end = c->now + 60000; c->now < end; cluster_step(c)) {
		size_t leader = cluster_elect(c, NOBODY);
		uint64_t term = raft_term(c->node[leader].raft);
		uint64_t index;

		if (cluster_propose(c, leader, text, &index) != OK)
			continue;
		while (c->now < end && raft_role(c->node[leader].raft) == RAFT_IS_LEADER &&
			raft_term(c->node[leader].raft) == term && raft_commit(c->node[leader].raft) < index)
			cluster_step(c);
		if (raft_commit(c->node[leader].raft) >= index &&
			raft_entry(c->node[leader].raft, index)->head.term == term)
			return index;
	}
	fail_msg("nothing can be written");
	return 0;
}

static inline void cluster_cut(struct cluster *c, size_t a, size_t b, bool cut)
{
	c->cut[a][b] = c->cut[b][a] = cut;
}

static inline void cluster_isolate(struct cluster *c, size_t n, bool cut)
{
	for (size_t i = 0; i < c->count; i++)
		if (i != n)
			cluster_cut(c, n, i, cut);
}

static inline bool cluster_votes(const struct cluster *c, size_t at, const struct member *member)
{
	return configuration_has(raft_config_committed(c->node[at].raft), member);
}

static inline size_t cluster_voter_count(const struct cluster *c, size_t at)
{
	return raft_config_committed(c->node[at].raft)->incoming.count;
}

/* For whoever looks for the reason of a failure. */
static inline void cluster_print(const struct cluster *c)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct node *node = &c->node[i];
		const struct raft *raft = node->raft;

		if (!raft) {
			print_message("%zu down\n", i);
			continue;
		}
		print_message("%zu inc %u role %d term %u base %u commit %u verified %u durable %u last %u leader %d voters %u/%u%s%s\n",
			i, (unsigned)node->self.incarnation, (int)raft_role(raft), (unsigned)raft_term(raft),
			(unsigned)raft->log.base.index, (unsigned)raft->commit, (unsigned)raft->verified,
			(unsigned)raft->durable, (unsigned)raft_last(raft), (int)raft->leader.peer.byte[0] - 1,
			raft_config_effective(raft)->incoming.count, raft_config_effective(raft)->outgoing.count,
			raft->persisting ? " persisting" : "", raft->stopped ? " stopped" : "");
		for (size_t p = 0; raft->role == RAFT_IS_LEADER && p < raft->peers.count; p++) {
			const struct peer *peer = raft_peer_at(raft, p);

			print_message("    %zu inc %u up %d progress %d paused %d match %u next %u flight %u heard %d ready %d\n",
				cluster_number(&peer->member.peer), (unsigned)peer->member.incarnation, peer->up,
				(int)peer->progress, peer->paused, (unsigned)peer->match, (unsigned)peer->next,
				peer->flight_count, (int)(c->now - peer->heard_at), peer->ready_since != MSEC_NEVER);
		}
	}
}

static inline struct cluster *cluster_new(size_t count, size_t voters)
{
	struct cluster *c = memory_new(sizeof(*c));

	cluster_init(c, count);
	cluster_begin(c, voters);
	return c;
}

#endif
