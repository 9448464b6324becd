/*
 * group_snapshot.c - snapshots of the replica: made at marks in the log and when the log has grown, written down, and served to
 * members that lag.
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

/* An older snapshot of ours that is not written down yet must not follow one that was fetched. */
void group_snapshots_supersede(struct group *group, uint64_t index)
{
	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && image->to_store && image->stored_at == 0 && index_of(image) < index)
			image_drop(image);
	}
}

void group_snapshot_mark(struct group *group, const struct log_entry *entry)
{
	ASSERT(entry->head.index == group->replica.index);
	if (image_at(group, entry->head.index) == NULL)
		freeze(group, false);
}

/* ---- making them ---- */

void group_store_chunk(struct group *group, uint64_t index, uint32_t number, struct blob *chunk)
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
	group_tally_report(group, TALLY_ROOT, meta->index, &meta->root);
	judge(group, image);
}

void group_snapshot_agreed(struct group *group, uint64_t index, const struct id *root)
{
	struct frozen_image *image = image_at(group, index);

	if (image == NULL || image->to_store)
		return;
	image->has_expected = true;
	image->expected = *root;
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
			group_store_chunk(group, index_of(image), number, chunk);
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

/* ---- messages of all three ---- */

void group_snapshot_receive(struct group *group, struct peer *peer, const struct group_message *message)
{
	if (!group_has_lineage(group) || !id_equal(&message->lineage, raft_lineage(group->raft)))
		return;
	if (message->kind == MESSAGE_SNAPSHOT_ASK)
		receive_ask(group, peer, message->index);
	else if (message->kind == MESSAGE_CHUNK_ASK)
		receive_chunk_ask(group, peer, message);
	else if (message->kind == MESSAGE_OFFER)
		group_fetch_offer(group, peer, message);
	else if (message->kind == MESSAGE_REPORT)
		group_tally_receive(group, peer, message);
	else
		group_fetch_chunk(group, peer, message);
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
	moved = group_fetch_turn(group) || moved;
	drop_old(group);
	return moved;
}

msec group_snapshots_deadline(const struct group *group)
{
	msec at = group_fetch_deadline(group);

	for (size_t i = 0; i < GROUP_IMAGES_MAX; i++) {
		const struct frozen_image *image = &group->image[i];

		if (image->snapshot != NULL && !image->to_store)
			at = msec_min(at, image->until);
	}
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
