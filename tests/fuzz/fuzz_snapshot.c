/*
 * fuzz_snapshot.c - a snapshot in chunks of any size into a replica with an append list. What is accepted makes the same
 * snapshot again.
 *
 * The first byte is the size of the chunks, less one.
 */
#include "base/check.h"
#include "groups/log_state.h"
#include "groups/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error feed(struct restore *restore, struct bytes bytes, size_t chunk)
{
	enum error error = OK;

	for (size_t at = 0; error == OK && at < bytes.size; at += chunk) {
		size_t left = bytes.size - at;

		error = restore_chunk(restore, bytes_of(bytes.data + at, left < chunk ? left : chunk));
	}
	return error;
}

static void make_again(const struct replica *replica, struct bytes bytes)
{
	struct snapshot_meta meta = {.index = replica->index};
	struct snapshot *snapshot = snapshot_freeze(replica, &meta);
	struct buffer again = {0};
	struct blob *chunk;

	while ((chunk = snapshot_next(snapshot)) != NULL) {
		buffer_append(&again, blob_bytes(chunk));
		blob_drop(chunk);
	}
	ASSERT(bytes_equal(buffer_bytes(&again), bytes));
	buffer_fini(&again);
	snapshot_free(snapshot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state state = log_state_new();
	struct snapshot_meta meta = {.index = 1000, .term = 1, .position = 1000};
	struct id lineage = {{1}};
	struct replica replica;
	struct restore restore;

	replica_init(&replica, &state);
	restore_begin(&restore, &replica);
	if (size > 0 && feed(&restore, bytes_of(data + 1, size - 1), 1 + (size_t)data[0]) == OK
		&& restore_end(&restore, &meta, &lineage) == OK)
		make_again(&replica, bytes_of(data + 1, size - 1));
	restore_fini(&restore);
	replica_fini(&replica);
	return 0;
}
