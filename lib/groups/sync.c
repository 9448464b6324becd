/*
 * sync.c - see sync.h.
 */
#include "groups/sync.h"

#include "base/check.h"
#include "base/memory.h"

static void clear_slots(struct sync *sync)
{
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		blob_drop(sync->slot[i].chunk);
		sync->slot[i] = (struct sync_slot){0};
	}
	for (size_t i = 0; i < sync->sources.count; i++)
		((struct sync_source *)sync->sources.slot[i].value)->asked = 0;
}

void sync_fini(struct sync *sync)
{
	clear_slots(sync);
	for (size_t i = 0; i < sync->sources.count; i++)
		memory_free(sync->sources.slot[i].value);
	id_table_fini(&sync->sources);
	buffer_fini(&sync->hashes);
}

static struct sync_slot *slot_of(struct sync *sync, uint32_t number)
{
	return &sync->slot[number % SYNC_WINDOW];
}

/* One past the last chunk of the window. */
static uint32_t window_end(const struct sync *sync)
{
	uint32_t left = sync->meta.chunks - sync->given;

	return sync->given + (left < SYNC_WINDOW ? left : SYNC_WINDOW);
}

/* ---- sources ---- */

/* The slot's question is answered, or will not be. */
static void settle(struct sync *sync, struct sync_slot *slot)
{
	struct sync_source *source = id_table_get(&sync->sources, &slot->asked);

	if (source != NULL && source->asked > 0)
		source->asked--;
	slot->asked = (struct id){{0}};
}

void sync_source_up(struct sync *sync, const struct id *peer)
{
	struct sync_source *source = id_table_get(&sync->sources, peer);

	if (source == NULL) {
		source = memory_new(sizeof *source);
		source->peer = *peer;
		id_table_put(&sync->sources, peer, source);
	}
	source->up = true;
}

void sync_source_down(struct sync *sync, const struct id *peer)
{
	struct sync_source *source = id_table_remove(&sync->sources, peer);

	if (source == NULL)
		return;
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		if (id_equal(&sync->slot[i].asked, peer))
			sync->slot[i].asked = (struct id){{0}};
	}
	memory_free(source);
}

/* The best to ask next: idle ones before busy ones, then by id. NULL: everybody is busy or rests. */
static struct sync_source *best_source(const struct sync *sync, msec now, const struct id *except)
{
	struct sync_source *best = NULL;

	for (size_t i = 0; i < sync->sources.count; i++) {
		struct sync_source *source = sync->sources.slot[i].value;

		if (source->asked >= SYNC_PER_SOURCE || now < source->rests_until || id_equal(&source->peer, except))
			continue;
		if (best == NULL || source->asked < best->asked)
			best = source;
	}
	return best;
}

static void rest(struct sync *sync, msec now, const struct id *peer)
{
	struct sync_source *source = id_table_get(&sync->sources, peer);

	if (source != NULL)
		source->rests_until = now + SYNC_REST;
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		if (sync->slot[i].chunk == NULL && id_equal(&sync->slot[i].asked, peer))
			settle(sync, &sync->slot[i]);
	}
}

/* ---- the course of it ---- */

enum error sync_begin(struct sync *sync, const struct snapshot_meta *meta, struct bytes hashes)
{
	struct id root = meta->root, found;

	if (meta->chunks == 0 || meta->chunks > SNAPSHOT_CHUNKS_MAX || hashes.size != (size_t)meta->chunks * ID_SIZE)
		return ERROR_MALFORMED;
	found = snapshot_root(hashes);
	if (!id_equal(&root, &found))
		return ERROR_MALFORMED;
	clear_slots(sync);
	sync->active = true;
	sync->meta = *meta;
	sync->given = 0;
	buffer_clear(&sync->hashes);
	buffer_append(&sync->hashes, hashes);
	return OK;
}

void sync_stop(struct sync *sync)
{
	clear_slots(sync);
	sync->active = false;
	buffer_fini(&sync->hashes);
}

void sync_tick(struct sync *sync, msec now)
{
	if (!sync->active)
		return;
	for (size_t i = 0; i < SYNC_WINDOW; i++) {
		const struct sync_slot *slot = &sync->slot[i];
		struct id late = slot->asked;

		if (slot->chunk == NULL && !id_is_zero(&late) && now >= slot->asked_at + SYNC_TIMEOUT)
			rest(sync, now, &late);
	}
}

msec sync_deadline(const struct sync *sync)
{
	msec at = MSEC_NEVER;
	bool waits = false;

	if (!sync->active)
		return MSEC_NEVER;
	for (uint32_t n = sync->given; n < window_end(sync); n++) {
		const struct sync_slot *slot = &sync->slot[n % SYNC_WINDOW];

		if (slot->chunk == NULL && !id_is_zero(&slot->asked))
			at = msec_min(at, slot->asked_at + SYNC_TIMEOUT);
		waits = waits || (slot->chunk == NULL && id_is_zero(&slot->asked));
	}
	for (size_t i = 0; waits && i < sync->sources.count; i++) {
		const struct sync_source *source = sync->sources.slot[i].value;

		if (source->asked < SYNC_PER_SOURCE)
			at = msec_min(at, source->rests_until);
	}
	return at;
}

static void ask(struct sync_slot *slot, struct sync_source *source, msec now)
{
	slot->asked = source->peer;
	slot->asked_at = now;
	source->asked++;
}

/* Nothing is left to ask for the first time: an idle member takes over the oldest question of another. */
static bool steal(struct sync *sync, msec now, struct sync_ask *out)
{
	struct sync_slot *oldest = NULL;
	struct sync_source *source;

	for (uint32_t n = sync->given; n < window_end(sync); n++) {
		struct sync_slot *slot = slot_of(sync, n);

		if (slot->chunk != NULL || (oldest != NULL && oldest->asked_at <= slot->asked_at))
			continue;
		oldest = slot;
		out->number = n;
	}
	if (oldest == NULL || now < oldest->asked_at + SYNC_TIMEOUT / 10)
		return false;
	source = best_source(sync, now, &oldest->asked);
	if (source == NULL || source->asked > 0)
		return false;
	settle(sync, oldest);
	ask(oldest, source, now);
	out->peer = source->peer;
	return true;
}

bool sync_next_ask(struct sync *sync, msec now, struct sync_ask *out)
{
	struct id nobody = {{0}};

	if (!sync->active)
		return false;
	for (uint32_t n = sync->given; n < window_end(sync); n++) {
		struct sync_slot *slot = slot_of(sync, n);
		struct sync_source *source;

		if (slot->chunk != NULL || !id_is_zero(&slot->asked))
			continue;
		source = best_source(sync, now, &nobody);
		if (source == NULL)
			return false;
		ask(slot, source, now);
		*out = (struct sync_ask){source->peer, n};
		return true;
	}
	return steal(sync, now, out);
}

enum error sync_chunk(struct sync *sync, msec now, const struct sync_ask *from, struct bytes bytes)
{
	struct sync_slot *slot;
	struct id hash;

	if (!sync->active || from->number < sync->given || from->number >= window_end(sync))
		return OK;   /* late: somebody else was quicker */
	slot = slot_of(sync, from->number);
	if (slot->chunk != NULL)
		return OK;
	hash = id_hash(bytes);
	if (!bytes_equal(bytes_of(hash.byte, ID_SIZE),
		bytes_of(sync->hashes.data + (size_t)from->number * ID_SIZE, ID_SIZE))) {
		rest(sync, now, &from->peer);
		return ERROR_MALFORMED;
	}
	slot->chunk = blob_copy(bytes);
	settle(sync, slot);
	return OK;
}

void sync_gone(struct sync *sync, msec now, const struct sync_ask *from)
{
	if (sync->active)
		rest(sync, now, &from->peer);
}

struct blob *sync_next_chunk(struct sync *sync)
{
	struct sync_slot *slot = slot_of(sync, sync->given);
	struct blob *chunk = slot->chunk;

	if (!sync->active || sync->given == sync->meta.chunks || chunk == NULL)
		return NULL;
	*slot = (struct sync_slot){0};
	sync->given++;
	return chunk;
}

bool sync_is_done(const struct sync *sync)
{
	return sync->active && sync->given == sync->meta.chunks;
}
