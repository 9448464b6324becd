/*
 * group_snapshot.c - snapshots of the replica: made at marks in the log and when the log has grown, served to members that
 * lag, fetched when we do; and hashes, held against those of the others.
 *
 * A mark is an entry: every member freezes its state there, so that all can serve the same chunks. In memory nothing
 * but those is ever made: the log is simply cut. With a store, the log is cut when a snapshot is written down.
 */
#include "groups/group_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

/* ---- images ---- */

static void image_drop(struct frozen_image *image)
{
	snapshot_free(image->snapshot);
	*image = (struct frozen_image){0};
}

void group_snapshots_drop(struct group *group)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++)
		image_drop(&group->image[i]);
}

static uint64_t index_of(const struct frozen_image *image)
{
	return snapshot_meta(image->snapshot)->index;
}

static struct frozen_image *image_at(struct group *group, uint64_t index)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		if (group->image[i].snapshot != NULL && index_of(&group->image[i]) == index)
			return &group->image[i];
	}
	return NULL;
}

struct snapshot_meta group_meta(const struct group *group)
{
	const struct replica *replica = &group->replica;
	struct snapshot_meta meta = {.index = replica->index, .term = replica->term, .position = replica->position};
	bool known = raft_chain(group->raft, replica->index, &meta.chain);

	ASSERT(known);
	meta.configuration = *raft_configuration(group->raft, replica->index, &meta.configuration_index);
	return meta;
}

/* A place for one more; the oldest that nobody writes down gives way. NULL: there is none. */
static struct frozen_image *free_image(struct group *group)
{
	struct frozen_image *oldest = NULL;

	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot == NULL)
			return image;
		if (!image->to_store && (oldest == NULL || index_of(image) < index_of(oldest)))
			oldest = image;
	}
	if (oldest != NULL)
		image_drop(oldest);
	return oldest;
}

static void freeze(struct group *group, bool to_store)
{
	struct frozen_image *image = free_image(group);
	struct snapshot_meta meta;

	if (image == NULL)
		return;
	meta = group_meta(group);
	*image = (struct frozen_image){
		.snapshot = snapshot_freeze(&group->replica, &meta),
		.to_store = to_store,
		.until = group->now + GROUP_IMAGE_TTL,
		.log_size = group->log_size,
	};
}

void group_snapshot_mark(struct group *group, const struct log_entry *entry)
{
	ASSERT(entry->head.index == group->replica.index);
	if (image_at(group, entry->head.index) == NULL)
		freeze(group, false);
}

/* ---- making them ---- */

static void store_chunk(struct group *group, uint64_t index, uint32_t number, struct blob *chunk)
{
	struct persist *persist = persist_new(0);

	persist->chunk_of = index;
	persist->chunk_number = number;
	persist->chunk = chunk;
	group_store(group, persist, 0);
}

static uint64_t compact_entries(const struct group *group)
{
	return group->options.compact_entries > 0 ? group->options.compact_entries : GROUP_COMPACT_ENTRIES;
}

/* What stays in the log so that members that lag a little need no snapshot. */
static uint64_t trailing_first(const struct group *group, uint64_t index)
{
	uint64_t first = index + 1, most = compact_entries(group) / 2;
	size_t size = 0;

	most = most < GROUP_TRAILING_ENTRIES ? most : GROUP_TRAILING_ENTRIES;
	while (first > raft_first(group->raft) && index + 1 - first < most) {
		const struct log_entry *entry = raft_entry(group->raft, first - 1);

		if (entry == NULL || (size += blob_size(entry->payload)) > GROUP_TRAILING_SIZE)
			break;
		first--;
	}
	/* Who fetches a snapshot needs what comes after it. */
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		const struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && index_of(image) + 1 < first
			&& group->log_size - image->log_size < GROUP_FETCH_LOG_MAX)
			first = index_of(image) + 1;
	}
	return first;
}

static void store_meta(struct group *group, struct frozen_image *image)
{
	struct persist *persist = persist_new(0);

	persist->has_meta = true;
	persist->meta = *snapshot_meta(image->snapshot);
	persist->log_first = trailing_first(group, persist->meta.index);
	if (persist->log_first < raft_first(group->raft))
		persist->log_first = raft_first(group->raft);
	image->stored_at = group->last_token + 1;
	image->log_first = persist->log_first;
	group_store(group, persist, 0);
}

void group_snapshot_stored(struct group *group, uint64_t token)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot == NULL || image->stored_at != token)
			continue;
		/* One that was fetched meanwhile may reach further; it is on the disk behind this one. */
		if (index_of(image) + 1 >= raft_first(group->raft))
			raft_compact(group->raft, snapshot_meta(image->snapshot), image->log_first);
		image_drop(image);
		return;
	}
}

static void offer_to_all(struct group *group, struct frozen_image *image);

/* A snapshot is offered only when the majority has the same: a leader that went astray takes no newcomer with it. */
static void judge(struct group *group, struct frozen_image *image)
{
	const struct snapshot_meta *meta = snapshot_meta(image->snapshot);

	if (!image->has_expected || image->agreed || !snapshot_is_whole(image->snapshot))
		return;
	image->agreed = id_equal(&meta->root, &image->expected);
	if (image->agreed)
		offer_to_all(group, image);
	else
		group->diverged = true;
}

static void became_whole(struct group *group, struct frozen_image *image)
{
	const struct snapshot_meta *meta = snapshot_meta(image->snapshot);

	if (image->to_store) {
		store_meta(group, image);
		return;
	}
	if (image->alone) {
		image->agreed = true;
		offer_to_all(group, image);
		return;
	}
	group_report(group, TALLY_ROOT, meta->index, &meta->root);
	judge(group, image);
}

/* Returns whether it is worth another turn now. */
static bool make_chunks(struct group *group, struct frozen_image *image)
{
	for (int i = 0; i < GROUP_CHUNKS_AT_ONCE; i++) {
		uint32_t number = snapshot_meta(image->snapshot)->chunks;
		struct blob *chunk;

		if (image->to_store && group->chunks_storing >= GROUP_CHUNKS_STORING)
			return false;
		chunk = snapshot_next(image->snapshot);
		if (chunk == NULL) {
			became_whole(group, image);
			return true;
		}
		if (image->to_store)
			store_chunk(group, index_of(image), number, chunk);
		else
			blob_drop(chunk);
	}
	group->more = true;
	return false;
}

/* ---- compaction ---- */

static bool is_storing(const struct group *group)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		if (group->image[i].snapshot != NULL && group->image[i].to_store)
			return true;
	}
	return false;
}

void group_compact(struct group *group)
{
	struct snapshot_meta meta;
	uint64_t first;

	if (!group->compact_now && group->log_size - group->compacted_size < GROUP_COMPACT_SIZE
		&& group->replica.index - group->compacted_index < compact_entries(group))
		return;
	if (group->options.durable) {
		if (is_storing(group) || raft_is_installing(group->raft))
			return;
		freeze(group, true);
	} else {
		meta = group_meta(group);
		first = trailing_first(group, meta.index);
		if (first > raft_first(group->raft))
			raft_compact(group->raft, &meta, first);
	}
	group->compact_now = false;
	group->compacted_size = group->log_size;
	group->compacted_index = group->replica.index;
}

/* ---- hashes, compared ---- */

static enum tally_kind tally_of(uint64_t what)
{
	return what == TALLY_ROOT ? TALLY_ROOT : TALLY_CHECKPOINT;
}

static void propose_hash(struct group *group, enum tally_kind kind, uint64_t index, const struct id *hash)
{
	struct proposal proposal = {.kind = ENTRY_STATE_HASH};
	struct buffer payload = {0};
	uint64_t at;

	cbor_put_array(&payload, 3);
	cbor_put_uint(&payload, kind);
	cbor_put_uint(&payload, index);
	cbor_put_id(&payload, hash);
	proposal.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	if (raft_propose(group->raft, group->now, &proposal, &at) == OK)
		group->tally[kind].decided = true;
}

static const struct voters *voters(const struct group *group)
{
	return &group_configuration(group, raft_commit(group->raft))->incoming;
}

/* The hash that a majority of the voters has counts, not the leader's own. */
static void count_report(struct group *group, enum tally_kind kind, const struct id *hash)
{
	const struct tally *tally = &group->tally[kind];
	size_t same = 0;

	for (size_t i = 0; i < tally->count; i++)
		same += id_equal(&tally->report[i].hash, hash);
	if (!tally->decided && same >= voters_majority(voters(group)))
		propose_hash(group, kind, tally->index, hash);
}

static bool is_voter(const struct group *group, const struct id *peer)
{
	const struct voters *all = voters(group);

	for (size_t i = 0; i < all->count; i++) {
		if (id_equal(&all->member[i].peer, peer))
			return true;
	}
	return false;
}

static void take_report(struct group *group, enum tally_kind kind, uint64_t index, const struct id *peer,
	const struct id *hash)
{
	struct tally *tally = &group->tally[kind];

	if (!group_is_operational(group) || index < tally->index || !is_voter(group, peer))
		return;
	if (index > tally->index)
		*tally = (struct tally){.index = index};
	for (size_t i = 0; i < tally->count; i++) {
		if (id_equal(&tally->report[i].peer, peer))
			return;
	}
	if (tally->count == sizeof tally->report / sizeof tally->report[0])
		return;
	tally->report[tally->count].peer = *peer;
	tally->report[tally->count++].hash = *hash;
	count_report(group, kind, hash);
}

void group_report(struct group *group, enum tally_kind kind, uint64_t index, const struct id *hash)
{
	struct group_message message = {.kind = MESSAGE_REPORT, .lineage = *raft_lineage(group->raft), .what = kind,
		.index = index, .root = *hash};

	if (group_is_operational(group))
		take_report(group, kind, index, &group->self.peer, hash);
	else if (group->online)
		group_say(group, &group->leader, LANE_BULK, &message);
}

void group_snapshot_hash(struct group *group, const struct log_entry *entry)
{
	struct frozen_image *image;
	uint64_t what, index;
	struct id hash, ours;
	struct cbor in;

	cbor_init(&in, blob_bytes(entry->payload));
	cbor_array_of(&in, 3);
	what = cbor_uint(&in);
	index = cbor_uint(&in);
	hash = cbor_id(&in);
	if (cbor_end(&in) != OK)
		return;
	if (tally_of(what) == TALLY_CHECKPOINT) {
		if (replica_checkpoint(&group->replica, index, &ours) && !id_equal(&ours, &hash))
			group->diverged = true;
		return;
	}
	image = image_at(group, index);
	if (image == NULL || image->to_store)
		return;
	image->has_expected = true;
	image->expected = hash;
	judge(group, image);
}

/* ---- serving ---- */

static void offer(struct group *group, const struct id *peer, struct frozen_image *image)
{
	struct group_message message = {.kind = MESSAGE_OFFER, .lineage = *raft_lineage(group->raft),
		.meta = *snapshot_meta(image->snapshot), .bytes = snapshot_hashes(image->snapshot)};

	image->until = group->now + GROUP_IMAGE_TTL;
	group_say(group, peer, LANE_BULK, &message);
}

static bool is_of_use(const struct group *group, const struct frozen_image *image, uint64_t have)
{
	return image->snapshot != NULL && !image->to_store && index_of(image) > have
		&& index_of(image) + 1 >= raft_first(group->raft);
}

static void offer_to_all(struct group *group, struct frozen_image *image)
{
	if (!group->leads)
		return;
	for (size_t i = 0; i < group->peers.count; i++) {
		struct peer *peer = group->peers.slot[i].value;

		if (peer->up && group->now < peer->asks_until)
			offer(group, &peer->id, image);
		peer->asks_until = group->now;
	}
}

static void mark(struct group *group)
{
	struct proposal proposal = {.kind = ENTRY_SNAPSHOT_MARK};

	if (group->now < group->mark_at || group->replica.index < group->mark_index || group->replica.frozen)
		return;
	proposal.payload = blob_new(0, 0);
	if (raft_propose(group->raft, group->now, &proposal, &group->mark_index) == OK)
		group->mark_at = group->now + GROUP_MARK_EVERY;
}

/* Where the majority needs the very member that lags, no mark is committed and no hash agreed on: our own will do. */
static void freeze_alone(struct group *group)
{
	struct frozen_image *image;

	if (group->restoring || group->replica.index + 1 < raft_first(group->raft))
		return;
	image = image_at(group, group->replica.index);
	if (image == NULL) {
		freeze(group, false);
		image = image_at(group, group->replica.index);
	}
	if (image == NULL || image->to_store || image->alone)
		return;
	image->alone = true;
	if (snapshot_is_whole(image->snapshot))
		became_whole(group, image);
}

static void receive_ask(struct group *group, struct peer *peer, uint64_t have)
{
	struct frozen_image *best = NULL;

	if (!group->leads)
		return;
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (is_of_use(group, image, have) && (best == NULL || index_of(image) > index_of(best)))
			best = image;
	}
	if (group->now >= peer->asks_until)
		peer->asks_since = group->now;
	peer->asks_until = group->now + GROUP_IMAGE_TTL;
	if (best != NULL && best->agreed)
		offer(group, &peer->id, best);
	else if (!group_is_operational(group) || group->now >= peer->asks_since + GROUP_MARK_PATIENCE)
		freeze_alone(group);
	else
		mark(group);   /* the one that is being agreed on comes by itself, if it comes soon */
}

static void receive_chunk_ask(struct group *group, const struct peer *peer, const struct group_message *ask)
{
	struct frozen_image *image = image_at(group, ask->index);
	struct group_message reply = {.kind = MESSAGE_CHUNK_GONE, .lineage = ask->lineage, .index = ask->index,
		.number = ask->number};
	struct blob *chunk = NULL;

	if (image != NULL && !image->to_store && snapshot_is_whole(image->snapshot)
		&& id_equal(&snapshot_meta(image->snapshot)->root, &ask->root)
		&& ask->number < snapshot_meta(image->snapshot)->chunks) {
		chunk = snapshot_chunk(image->snapshot, (uint32_t)ask->number);
		reply.kind = MESSAGE_CHUNK;
		reply.bytes = blob_bytes(chunk);
		image->until = group->now + GROUP_IMAGE_TTL;
	}
	group_say(group, &peer->id, LANE_BULK, &reply);
	blob_drop(chunk);
}

/* ---- fetching ---- */

/* A snapshot has to reach as far as our log begins, or else there would be a gap. */
static uint64_t have(const struct group *group)
{
	uint64_t before_log = raft_first(group->raft) > 0 ? raft_first(group->raft) - 1 : 0;

	return group->replica.index > before_log ? group->replica.index : before_log;
}

void group_snapshot_needed(struct group *group)
{
	if (group->needs_snapshot)
		return;
	group->needs_snapshot = true;
	group->ask_at = group->now;
}

static void receive_offer(struct group *group, const struct peer *peer, const struct group_message *message)
{
	if (!group->needs_snapshot || message->meta.index <= have(group) || !id_equal(&peer->id, &group->leader))
		return;
	/* It goes on well; or what does not come would come from the same members again: chunks are asked for by index. */
	if (group->sync.active && (group->now < group->progress_at || (group->sync.meta.index == message->meta.index
			&& id_equal(&group->sync.meta.root, &message->meta.root))))
		return;
	if (sync_begin(&group->sync, &message->meta, message->bytes) != OK)
		return;
	restore_fini(&group->restore);
	restore_begin(&group->restore, &group->replica);
	group->restoring = true;
	group->progress_at = group->now + 2 * SYNC_TIMEOUT;
}

static void give_up_fetch(struct group *group)
{
	sync_stop(&group->sync);
	restore_fini(&group->restore);
	restore_begin(&group->restore, &group->replica);
	group->ask_at = group->now + GROUP_ASK_EVERY;
}

/* An older snapshot of ours that is not written down yet must not follow one that was fetched. */
static void drop_older(struct group *group, uint64_t index)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && image->to_store && image->stored_at == 0 && index_of(image) < index)
			image_drop(image);
	}
}

static void fetched(struct group *group)
{
	struct snapshot_meta meta = group->sync.meta;
	struct id lineage = *raft_lineage(group->raft);

	if (restore_end(&group->restore, &meta, &lineage) != OK) {
		give_up_fetch(group);
		return;
	}
	sync_stop(&group->sync);
	restore_fini(&group->restore);
	drop_older(group, meta.index);
	raft_install(group->raft, group->now, &meta);   /* or our log reaches that far by now: just as well */
	group->restoring = group->needs_snapshot = false;
	group->compacted_index = meta.index;
	raft_applied(group->raft, meta.index);
	handle_restored(&group->handle, &group->replica.sessions);
	group_tell(group, GROUP_RESTORED)->position = meta.position;
}

static bool take_chunks(struct group *group)
{
	struct blob *chunk;
	bool moved = false;

	while (group->chunks_storing < GROUP_CHUNKS_STORING && (chunk = sync_next_chunk(&group->sync)) != NULL) {
		enum error error = restore_chunk(&group->restore, blob_bytes(chunk));

		moved = true;
		group->progress_at = group->now + 2 * SYNC_TIMEOUT;
		store_chunk(group, group->sync.meta.index, group->sync.given - 1, chunk);
		if (error != OK) {
			give_up_fetch(group);
			return true;
		}
	}
	if (sync_is_done(&group->sync)) {
		fetched(group);
		moved = true;
	}
	return moved;
}

static void ask_for_chunks(struct group *group)
{
	struct sync_ask ask;

	while (sync_next_ask(&group->sync, group->now, &ask)) {
		struct group_message message = {.kind = MESSAGE_CHUNK_ASK, .lineage = *raft_lineage(group->raft),
			.index = group->sync.meta.index, .number = ask.number, .root = group->sync.meta.root};

		group_say(group, &ask.peer, LANE_BULK, &message);
	}
}

/*
 * We lead: nobody offers us anything. Our log is what counts, so with a replica that goes on to where it begins, no snapshot
 * is needed. One that was emptied to be filled from a snapshot whose sources are gone can do nothing: somebody else
 * has to lead. Whom we choose may be in the same plight, so it is another one each time.
 */
static void lead_without(struct group *group)
{
	struct raft_progress progress;
	struct id successor = {{0}};
	uint64_t able = 0;

	group->needs_snapshot = group->restoring;
	for (size_t n = 0; group->restoring && raft_progress(group->raft, group->now, n, &progress); n++) {
		if (progress.up && progress.voter && progress.preference != PREFER_OBSERVER
			&& rng_below(&group->rng, ++able) == 0)
			successor = progress.member.peer;
	}
	if (able > 0)
		raft_transfer(group->raft, group->now, &successor);
}

/* Until something is offered, and while what was offered does not come. */
static void ask_for_offer(struct group *group)
{
	if (!group->needs_snapshot || group->now < group->ask_at || !group->online)
		return;
	if (group->sync.active && group->now < group->progress_at)
		return;
	group->ask_at = group->now + GROUP_ASK_EVERY;
	if (group->leads)
		lead_without(group);
	else
		group_say(group, &group->leader, LANE_BULK, &(struct group_message){.kind = MESSAGE_SNAPSHOT_ASK,
			.lineage = *raft_lineage(group->raft), .index = have(group)});
}

void group_snapshot_receive(struct group *group, struct peer *peer, const struct group_message *message)
{
	struct sync_ask from = {peer->id, (uint32_t)message->number};

	if (!group_has_lineage(group) || !id_equal(&message->lineage, raft_lineage(group->raft)))
		return;
	if (message->kind == MESSAGE_SNAPSHOT_ASK)
		receive_ask(group, peer, message->index);
	else if (message->kind == MESSAGE_OFFER)
		receive_offer(group, peer, message);
	else if (message->kind == MESSAGE_CHUNK_ASK)
		receive_chunk_ask(group, peer, message);
	else if (message->kind == MESSAGE_REPORT)
		take_report(group, tally_of(message->what), message->index, &peer->id, &message->root);
	else if (message->number <= UINT32_MAX && message->index == group->sync.meta.index) {
		if (message->kind == MESSAGE_CHUNK_GONE || sync_chunk(&group->sync, group->now, &from, message->bytes) != OK)
			sync_gone(&group->sync, group->now, &from);
	}
}

/* ---- time ---- */

static void drop_old(struct group *group)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && !image->to_store && group->now >= image->until)
			image_drop(image);
	}
}

bool group_snapshots_turn(struct group *group)
{
	bool moved = false;

	if (group->halted)
		return false;
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && !snapshot_is_whole(image->snapshot))
			moved = make_chunks(group, image) || moved;
	}
	sync_tick(&group->sync, group->now);
	moved = take_chunks(group) || moved;
	ask_for_chunks(group);
	ask_for_offer(group);
	drop_old(group);
	return moved;
}

msec group_snapshots_deadline(const struct group *group)
{
	msec at = sync_deadline(&group->sync);

	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		const struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && !image->to_store)
			at = msec_min(at, image->until);
	}
	if (group->needs_snapshot && group->online)
		at = msec_min(at, group->sync.active && group->progress_at > group->ask_at ? group->progress_at
			: group->ask_at);
	return at;
}

/* ---- at start ---- */

enum error group_restore_image(struct group *group, const struct image *image)
{
	struct restore restore;
	enum error error = OK;

	group->replica.lineage = image->hard.lineage;
	if (image->meta.index == 0)
		return OK;
	restore_begin(&restore, &group->replica);
	for (uint32_t i = 0; error == OK && i < image->meta.chunks; i++)
		error = restore_chunk(&restore, blob_bytes(image->chunk[i]));
	if (error == OK)
		error = restore_end(&restore, &image->meta, &image->hard.lineage);
	restore_fini(&restore);
	group->compacted_index = image->meta.index;
	return error;
}
