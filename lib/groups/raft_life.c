/*
 * raft_life.c - how a member begins: new, from its store, at the birth of a lineage, or as a learner of one.
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

static bool same_chain(const struct chain *a, const struct chain *b)
{
	return bytes_equal(bytes_of(a->byte, sizeof(a->byte)), bytes_of(b->byte, sizeof(b->byte)));
}

/*
 * Whether the stored entries go on from the snapshot. They do not if a crash came between the snapshot and the truncation
 * of entries that what it holds had overwritten: those end before it, or contradict it, or do not follow from it.
 */
static bool continues(const struct image *image)
{
	const struct snapshot_meta *meta = &image->meta;
	const struct log_entry *entry = image->entry;
	struct chain chain;
	uint64_t first;

	if (image->count == 0)
		return false;
	first = entry->head.index;
	ASSERT(first >= 1 && first <= meta->index + 1);
	if (first == meta->index + 1) {
		chain = chain_extend(&meta->chain, &entry->head, blob_bytes(entry->payload));
		return same_chain(&chain, &entry->head.chain);
	}
	if (meta->index - first >= image->count)
		return false;
	entry = &image->entry[meta->index - first];
	return entry->head.term == meta->term && same_chain(&entry->head.chain, &meta->chain);
}

static void load_log(struct raft *raft, const struct image *image)
{
	size_t from = 0;

	raft->log.base = raft_snapshot_head(&image->meta);
	if (!continues(image)) {
		raft->truncate_from = image->count > 0 ? image->entry[0].head.index : 0;
		return;
	}
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

/*
 * The owner writes a snapshot when it is made, and that can be before the hard state which belongs to what is in it. Nothing was
 * said in the term that is missing, and no vote of it was given away.
 */
static void follow_snapshot(struct raft *raft)
{
	const struct configuration *configuration = &raft->meta.configuration;

	if (raft->meta.term > raft->hard.term) {
		raft->hard.term = raft->meta.term;
		raft->hard.vote = (struct member){0};
		raft_hard_changed(raft);
	}
	if (!configuration_is_joint(configuration) && configuration->incoming.count >= 3 && !raft->hard.had_three)
		raft->hard.had_three = raft->had_three_changed = true;
	raft_config_rebased(raft, &raft->meta);
}

static void load(struct raft *raft, const struct image *image)
{
	ASSERT(image->hard.incarnation == raft->options.self.incarnation);
	raft->hard = image->hard;
	raft->meta = image->meta;
	load_log(raft, image);
	if (raft->meta.index > 0)
		follow_snapshot(raft);
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
	raft->truncate_from = 1;   /* what stands there is no entry of this history, but what genesis wrote down before it */
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
	raft->truncate_from = 1;
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

void raft_set_hollow(struct raft *raft, bool is_hollow)
{
	raft->is_hollow = is_hollow;
}
