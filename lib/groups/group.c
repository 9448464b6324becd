/*
 * group.c - see group.h; group_internal.h says what is where.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

struct id group_id_of(const struct group_terms *terms, const struct state *state)
{
	struct buffer text = {0}, signature = {0};
	struct id id;

	state->ops->signature(state->self, &signature);
	cbor_put_array(&text, 12);
	cbor_put_text(&text, bytes_of_text("mosaik group 1"));
	cbor_put_int(&text, terms->timing.heartbeat);
	cbor_put_int(&text, terms->timing.election_timeout);
	cbor_put_int(&text, terms->timing.election_jitter);
	cbor_put_int(&text, terms->timing.grow_stabilise);
	cbor_put_int(&text, terms->timing.stabilise);
	cbor_put_int(&text, terms->timing.dead_after);
	cbor_put_int(&text, terms->timing.shrink_after);
	cbor_put_uint(&text, terms->voters_cap);
	cbor_put_uint(&text, terms->voters_min);
	cbor_put_uint(&text, terms->copies_min);
	cbor_put_bytes(&text, buffer_bytes(&signature));
	id = id_keyed(&terms->key, buffer_bytes(&text));
	buffer_fini(&text);
	buffer_fini(&signature);
	return id;
}

static void start_genesis(struct group *group)
{
	const struct group_options *options = &group->options;

	genesis_init(&group->genesis, &(struct genesis_options){
		.group = group->id,
		.self = {group->self, options->preference, options->durable, options->join_only, options->expect},
		.voters_cap = options->terms.voters_cap > 0 ? options->terms.voters_cap : 5,
		.copies_min = options->terms.copies_min,
		.delay = options->terms.timing.election_timeout * 3 / 2,
		.seed = rng_next(&group->rng),
	}, group->now);
	if (group_has_lineage(group))
		genesis_over(&group->genesis);
}

/* Bound to a beginning when it ended: still bound. */
static enum error restore_promise(struct group *group, const struct image *image)
{
	if (group_has_lineage(group) || image->count == 0)
		return OK;
	if (image->entry[0].head.index != 1)
		return ERROR_MALFORMED;
	return genesis_restore(&group->genesis, group->now, blob_bytes(image->entry[0].payload));
}

static struct group *group_alone(const struct group_options *options, msec now)
{
	struct group *group = memory_new(sizeof *group);

	group->options = *options;
	group->now = now;
	group->self = (struct member){options->peer, options->incarnation};
	group->id = group_id_of(&options->terms, &options->state);
	group->note_dead_at = MSEC_NEVER;
	group->hello_version = 1;
	rng_init(&group->rng, options->seed);
	replica_init(&group->replica, &options->state);
	lineage_init(&group->lineage, options->fence);
	handle_init(&group->handle, rng_next(&group->rng), 2 * options->terms.timing.election_timeout);
	return group;
}

static void store_name(struct group *group)
{
	struct persist *persist = persist_new(0);

	persist->has_hard = true;
	persist->hard.incarnation = group->self.incarnation;
	group_store(group, persist, 0);
	group->named_at = group->last_token;
}

enum error group_new(const struct group_options *options, const struct image *image, msec now, struct group **out)
{
	struct group *group = group_alone(options, now);
	bool remembers = image != NULL && image->hard.incarnation != 0;

	if (remembers) {
		group->self.incarnation = image->hard.incarnation;
		if (group_restore_image(group, image) != OK) {
			group_free(group);
			return ERROR_MALFORMED;
		}
	}
	ASSERT(group->self.incarnation != 0);
	group_raft_start(group, remembers && !id_is_zero(&image->hard.lineage) ? image : NULL);
	start_genesis(group);
	if (remembers && restore_promise(group, image) != OK) {
		group_free(group);
		return ERROR_MALFORMED;
	}
	group->is_named = remembers || !options->durable;
	if (!group->is_named)
		store_name(group);
	group->idle_at = now + GROUP_SESSION_EVERY;
	group->dirty = true;
	*out = group;
	return OK;
}

static void free_idle(struct group *group)
{
	for (size_t i = 0; i < group->idle.count; i++)
		memory_free(group->idle.slot[i].value);
	number_table_fini(&group->idle);
}

void group_free(struct group *group)
{
	if (group == NULL)
		return;
	group_out_fini(group);
	group_queries_fini(group);
	group_fold_fini(group);
	group_snapshots_drop(group);
	group_peers_fini(group);
	sync_fini(&group->sync);
	restore_fini(&group->restore);
	genesis_fini(&group->genesis);
	handle_fini(&group->handle);
	replica_fini(&group->replica);
	free_idle(group);
	group_intake_fini(group);
	raft_free(group->raft);
	memory_free(group);
}

void group_propose(struct group *group, msec now, uint64_t ticket, struct bytes command)
{
	bool only_reads = group->options.observers_read && group->options.preference == PREFER_OBSERVER;
	struct group_fact *fact;

	ASSERT(ticket != 0);
	group->now = now;
	if (!only_reads && !group->halted && !group->left && command.size <= GROUP_COMMAND_MAX && handle_has_room(&group->handle)) {
		handle_propose(&group->handle, now, ticket, command);
		group->dirty = true;
		return;
	}
	fact = group_tell(group, GROUP_RESULT);
	fact->ticket = ticket;
	fact->reason = ERROR_BUSY;
	if (only_reads)
		fact->reason = ERROR_NOT_ALLOWED;
	else if (command.size > GROUP_COMMAND_MAX)
		fact->reason = ERROR_FULL;
	else if (group->halted || group->left)
		fact->reason = ERROR_NOT_LEADER;
}

void group_transfer(struct group *group, msec now)
{
	group->now = now;
	raft_transfer(group->raft, now, NULL);
	group->dirty = true;
}

static void declare_dead(struct group *group, const struct voters *voters, const struct id *peer)
{
	for (size_t i = 0; i < voters->count; i++) {
		if (id_equal(&voters->member[i].peer, peer))
			raft_declare_dead(group->raft, group->now, &voters->member[i]);
	}
}

void group_declare_dead(struct group *group, msec now, const struct id *peer)
{
	struct configuration in_force;

	group->now = now;
	group->dirty = true;
	genesis_declare_dead(&group->genesis, now, peer);
	if (!group_has_lineage(group) || raft_last(group->raft) == 0)
		return;
	in_force = *group_configuration(group, raft_last(group->raft));
	declare_dead(group, &in_force.incoming, peer);
	declare_dead(group, &in_force.outgoing, peer);
}

void group_tick(struct group *group, msec now)
{
	group->now = now;
	if (!group->halted && !group->left) {
		raft_tick(group->raft, now);
		group_life_tick(group);
	}
	group_turn(group);
}

msec group_deadline(const struct group *group)
{
	msec at;

	if (group->dirty || group->more)
		return group->now;
	at = group_queries_deadline(group);
	if (group->halted || group->left)
		return at;
	at = msec_min(at, raft_deadline(group->raft));
	at = msec_min(at, group_snapshots_deadline(group));
	at = msec_min(at, group_fold_deadline(group));
	return msec_min(at, group_life_deadline(group));
}
