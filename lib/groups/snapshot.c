/*
 * snapshot.c - see snapshot.h.
 *
 * Chunks are not kept: the content is frozen, so any of them can be made again. For that, the first pass notes where each
 * chunk begins:
 *
 *      prefix (head, sessions) | item 1 | item 2      | item 3 | ...
 *                ^ chunk 0              :  ^ chunk 1: the cursor in front of item 2, and how much of item 2 to skip
 *
 * An item is asked for again when it stands across an edge. To make that rare, items are asked for in runs that end
 * well before the edge, and then one by one.
 */
#include "groups/snapshot.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#include <string.h>

#define NEAR_EDGE (16u << 10)

struct place {
	size_t prefix;           /* bytes of the prefix before it */
	uint64_t cursor;
	size_t skip;             /* bytes of the items after the cursor */
};

struct snapshot {
	const struct state_ops *ops;
	void *frozen;
	struct snapshot_meta meta;
	struct buffer prefix;
	struct place *start;     /* [meta.chunks] where each chunk begins */
	size_t capacity;
	struct place next;       /* of the chunk that is made next */
	struct buffer hashes;
	struct buffer scratch;
	bool is_whole;
};

static void put_head(const struct replica *replica, struct buffer *out)
{
	struct buffer signature = {0}, head = {0};

	replica->state.ops->signature(replica->state.self, &signature);
	cbor_put_array(&head, 5);
	cbor_put_uint(&head, SNAPSHOT_VERSION);
	cbor_put_bytes(&head, buffer_bytes(&signature));
	cbor_put_bool(&head, replica->frozen || replica->dissolved);
	cbor_put_id(&head, &replica->to.lineage);
	cbor_put_uint(&head, replica->to.position);
	cbor_put_bytes(out, buffer_bytes(&head));
	buffer_fini(&signature);
	buffer_fini(&head);
}

struct snapshot *snapshot_freeze(const struct replica *replica, const struct snapshot_meta *meta)
{
	struct snapshot *snapshot = memory_new(sizeof *snapshot);
	struct buffer sessions = {0};

	ASSERT(meta->index == replica->index);
	snapshot->ops = replica->state.ops;
	snapshot->meta = *meta;
	snapshot->meta.chunks = 0;
	put_head(replica, &snapshot->prefix);
	sessions_encode(&replica->sessions, &sessions);
	cbor_put_bytes(&snapshot->prefix, buffer_bytes(&sessions));
	buffer_fini(&sessions);
	snapshot->frozen = snapshot->ops->freeze(replica->state.self);
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (snapshot == NULL)
		return;
	snapshot->ops->thaw(snapshot->frozen);
	buffer_fini(&snapshot->prefix);
	buffer_fini(&snapshot->hashes);
	buffer_fini(&snapshot->scratch);
	memory_free(snapshot->start);
	memory_free(snapshot);
}

static void fill(struct blob *chunk, struct bytes from)
{
	ASSERT(chunk->end + from.size <= chunk->capacity);
	if (from.size > 0)
		memcpy(chunk->data + chunk->end, from.data, from.size);
	chunk->end += from.size;
}

/* Fills the chunk with items from the place on, and moves the place. */
static void fill_with_items(const struct snapshot *snapshot, struct place *place, struct buffer *scratch,
	struct blob *chunk)
{
	size_t room;

	while ((room = SNAPSHOT_CHUNK_SIZE - blob_size(chunk)) > 0) {
		uint64_t cursor = place->cursor;
		size_t take;

		buffer_clear(scratch);
		if (!snapshot->ops->items(snapshot->frozen, &cursor, place->skip + (room > NEAR_EDGE ? room - NEAR_EDGE : 1),
			scratch))
			return;
		ASSERT(scratch->size > place->skip);
		take = scratch->size - place->skip < room ? scratch->size - place->skip : room;
		fill(chunk, bytes_of(scratch->data + place->skip, take));
		place->skip += take;
		if (place->skip == scratch->size)
			*place = (struct place){.prefix = place->prefix, .cursor = cursor};
	}
}

/* The chunk that begins at the place, empty when nothing is left; the place moves to its end. */
static struct blob *make_chunk(const struct snapshot *snapshot, struct place *place, struct buffer *scratch)
{
	struct blob *chunk = blob_new(0, SNAPSHOT_CHUNK_SIZE);
	size_t left = snapshot->prefix.size - place->prefix;
	size_t take = left < SNAPSHOT_CHUNK_SIZE ? left : SNAPSHOT_CHUNK_SIZE;

	fill(chunk, bytes_of(snapshot->prefix.data + place->prefix, take));
	place->prefix += take;
	fill_with_items(snapshot, place, scratch, chunk);
	return chunk;
}

struct blob *snapshot_next(struct snapshot *snapshot)
{
	struct place start = snapshot->next;
	struct blob *chunk;
	struct id hash;

	if (snapshot->is_whole)
		return NULL;
	chunk = make_chunk(snapshot, &snapshot->next, &snapshot->scratch);
	if (blob_size(chunk) == 0) {
		blob_drop(chunk);
		snapshot->is_whole = true;
		snapshot->meta.root = snapshot_root(buffer_bytes(&snapshot->hashes));
		buffer_fini(&snapshot->scratch);
		return NULL;
	}
	snapshot->start = memory_grow(snapshot->start, &snapshot->capacity, snapshot->meta.chunks + 1,
		sizeof *snapshot->start);
	snapshot->start[snapshot->meta.chunks++] = start;
	hash = id_hash(blob_bytes(chunk));
	buffer_append(&snapshot->hashes, bytes_of(hash.byte, ID_SIZE));
	return chunk;
}

bool snapshot_is_whole(const struct snapshot *snapshot)
{
	return snapshot->is_whole;
}

const struct snapshot_meta *snapshot_meta(const struct snapshot *snapshot)
{
	return &snapshot->meta;
}

struct bytes snapshot_hashes(const struct snapshot *snapshot)
{
	ASSERT(snapshot->is_whole);
	return buffer_bytes(&snapshot->hashes);
}

struct blob *snapshot_chunk(const struct snapshot *snapshot, uint32_t number)
{
	struct buffer scratch = {0};
	struct place place;
	struct blob *chunk;

	ASSERT(snapshot->is_whole && number < snapshot->meta.chunks);
	place = snapshot->start[number];
	chunk = make_chunk(snapshot, &place, &scratch);
	buffer_fini(&scratch);
	return chunk;
}

struct id snapshot_root(struct bytes hashes)
{
	ASSERT(hashes.size % ID_SIZE == 0);
	return id_hash(hashes);
}

/* ---- reading ---- */

void restore_begin(struct restore *restore, struct replica *into)
{
	*restore = (struct restore){.into = into};
	replica_clear(into);
}

void restore_fini(struct restore *restore)
{
	buffer_fini(&restore->carry);
	*restore = (struct restore){0};
}

static enum error restore_head(struct replica *into, struct bytes item)
{
	struct buffer signature = {0};
	struct surrender to;
	struct cbor in;
	bool is_ours, frozen;

	cbor_init(&in, item);
	cbor_array_of(&in, 5);
	is_ours = cbor_uint(&in) == SNAPSHOT_VERSION;
	into->state.ops->signature(into->state.self, &signature);
	is_ours = bytes_equal(cbor_bytes(&in), buffer_bytes(&signature)) && is_ours;
	buffer_fini(&signature);
	frozen = cbor_bool(&in);
	to.lineage = cbor_id(&in);
	to.position = cbor_uint(&in);
	if (cbor_end(&in) != OK || !is_ours || frozen == id_is_zero(&to.lineage))
		return ERROR_MALFORMED;
	into->frozen = frozen;
	into->to = to;
	return OK;
}

static enum error restore_item(struct restore *restore, struct bytes item)
{
	struct replica *into = restore->into;

	restore->items++;
	if (restore->items == 1)
		return restore_head(into, item);
	if (restore->items == 2)
		return sessions_decode(item, &into->sessions);
	return into->state.ops->restore(into->state.self, item);
}

/* The largest that may come next. Sessions are bounded by what a whole snapshot may be. */
static size_t item_max(const struct restore *restore)
{
	return restore->items == 1 ? (size_t)SNAPSHOT_CHUNKS_MAX * SNAPSHOT_CHUNK_SIZE : STATE_ITEM_MAX;
}

/* Takes whole items off the front of *rest. */
static enum error restore_items(struct restore *restore, struct bytes *rest)
{
	while (rest->size > 0) {
		size_t length, head = cbor_bytes_head_read(*rest, &length);
		enum error error;

		if (head == 0)
			return rest->size < CBOR_HEAD_MAX && (rest->data[0] & 0xE0) == 0x40 ? OK : ERROR_MALFORMED;
		if (length > item_max(restore))
			return ERROR_MALFORMED;
		if (length > rest->size - head)
			return OK;
		error = restore_item(restore, bytes_of(rest->data + head, length));
		if (error != OK)
			return error;
		*rest = bytes_of(rest->data + head + length, rest->size - head - length);
	}
	return OK;
}

enum error restore_chunk(struct restore *restore, struct bytes chunk)
{
	struct bytes rest = chunk;
	enum error error;

	if (restore->carry.size == 0) {
		error = restore_items(restore, &rest);
		buffer_append(&restore->carry, rest);
		return error;
	}
	buffer_append(&restore->carry, chunk);
	rest = buffer_bytes(&restore->carry);
	error = restore_items(restore, &rest);
	buffer_drop_front(&restore->carry, restore->carry.size - rest.size);
	return error;
}

enum error restore_end(struct restore *restore, const struct snapshot_meta *meta, const struct id *lineage)
{
	struct replica *into = restore->into;

	if (restore->items < 2 || restore->carry.size > 0)
		return ERROR_MALFORMED;
	for (size_t i = 0; i < into->sessions.by_id.count; i++) {
		if (sessions_used(&into->sessions, into->sessions.by_id.slot[i].key) > meta->index)
			return ERROR_MALFORMED;
	}
	into->index = meta->index;
	into->term = meta->term;
	into->position = meta->position;
	into->lineage = *lineage;
	return OK;
}
