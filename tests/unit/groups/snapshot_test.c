/*
 * Replicas, and their snapshots: equal entries make equal chunks, and chunks make an equal replica.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "groups/log_state.h"
#include "groups/snapshot.h"
#include "sum_state.h"

struct feed {
	struct replica replica;
	uint64_t session;
	uint64_t sequence;
};

static void feed_init(struct feed *feed, struct state state)
{
	*feed = (struct feed){0};
	replica_init(&feed->replica, &state);
	feed->replica.lineage = id_hash(bytes_of_text("ours"));
}

static struct applied give(struct feed *feed, enum entry_kind kind, uint32_t commands, struct bytes payload)
{
	struct log_entry entry = {.head = {.index = feed->replica.index + 1, .term = 2, .kind = kind, .commands = commands,
		.position = feed->replica.position}, .payload = blob_copy(payload)};
	struct applied applied;

	replica_apply(&feed->replica, &entry, NULL, &applied);
	applied.command.commands = bytes_of(NULL, 0);   /* it goes with the payload */
	blob_drop(entry.payload);
	return applied;
}

static struct applied give_command(struct feed *feed, struct bytes command)
{
	struct session_command head = {.session = feed->session, .sequence = feed->sequence + 1, .count = 1};
	struct buffer commands = {0}, payload = {0};
	struct applied applied;

	cbor_put_bytes(&commands, command);
	head.commands = buffer_bytes(&commands);
	session_command_encode(&head, &payload);
	applied = give(feed, ENTRY_COMMANDS, 1, buffer_bytes(&payload));
	buffer_fini(&commands);
	buffer_fini(&payload);
	if (!applied.refused && applied.verdict == SESSION_NEW)
		feed->sequence++;
	return applied;
}

static void open_session(struct feed *feed)
{
	give(feed, ENTRY_SESSION_OPEN, 0, bytes_of(NULL, 0));
	feed->session = feed->replica.index;
	feed->sequence = 0;
}

/* Commands of all sizes, up to several chunks each. */
static void fill(struct feed *feed, size_t count, size_t size_max)
{
	static uint8_t text[2000000];
	struct rng rng;

	rng_init(&rng, 1);
	open_session(feed);
	for (size_t i = 0; i < count; i++) {
		size_t size = (size_t)rng_below(&rng, rng_below(&rng, 20) == 0 ? size_max : 200);

		for (size_t k = 0; k < size; k++)
			text[k] = (uint8_t)(i + k);
		give_command(feed, bytes_of(text, size));
	}
}

static struct snapshot_meta meta_of(const struct replica *replica)
{
	return (struct snapshot_meta){.index = replica->index, .term = replica->term, .position = replica->position};
}

static struct snapshot *whole(const struct replica *replica)
{
	struct snapshot_meta meta = meta_of(replica);
	struct snapshot *snapshot = snapshot_freeze(replica, &meta);
	struct blob *chunk;

	while ((chunk = snapshot_next(snapshot)) != NULL)
		blob_drop(chunk);
	return snapshot;
}

static enum error restore(const struct snapshot *snapshot, struct replica *into)
{
	struct id lineage = id_hash(bytes_of_text("ours"));
	struct restore reading;
	enum error error = OK;

	restore_begin(&reading, into);
	for (uint32_t n = 0; error == OK && n < snapshot_meta(snapshot)->chunks; n++) {
		struct blob *chunk = snapshot_chunk(snapshot, n);

		error = restore_chunk(&reading, blob_bytes(chunk));
		blob_drop(chunk);
	}
	if (error == OK)
		error = restore_end(&reading, snapshot_meta(snapshot), &lineage);
	restore_fini(&reading);
	return error;
}

static void chunks_are_made_again_alike(void **unused)
{
	struct feed feed;
	struct snapshot_meta meta;
	struct snapshot *snapshot;
	struct blob *chunk, *again;
	uint32_t number = 0;

	(void)unused;
	feed_init(&feed, log_state_new());
	fill(&feed, 2000, 1500000);
	meta = meta_of(&feed.replica);
	snapshot = snapshot_freeze(&feed.replica, &meta);
	fill(&feed, 500, 1000);   /* is not in it */
	while ((chunk = snapshot_next(snapshot)) != NULL) {
		assert_true(blob_size(chunk) == SNAPSHOT_CHUNK_SIZE || snapshot_meta(snapshot)->chunks == number + 1);
		number++;
		blob_drop(chunk);
	}
	assert_true(number > 50);
	for (uint32_t n = number; n-- > 0;) {
		struct id hash;

		again = snapshot_chunk(snapshot, n);
		hash = id_hash(blob_bytes(again));
		assert_memory_equal(hash.byte, snapshot_hashes(snapshot).data + (size_t)n * ID_SIZE, ID_SIZE);
		blob_drop(again);
	}
	snapshot_free(snapshot);
	replica_fini(&feed.replica);
}

static void what_is_restored_is_the_same(void **unused)
{
	struct feed feed;
	struct replica other;
	struct snapshot *snapshot, *again;
	struct state state = log_state_new();
	struct id ours, theirs;

	(void)unused;
	feed_init(&feed, log_state_new());
	fill(&feed, 3000, 700000);
	snapshot = whole(&feed.replica);
	replica_init(&other, &state);
	assert_int_equal(restore(snapshot, &other), OK);
	assert_int_equal(other.index, feed.replica.index);
	assert_int_equal(other.position, feed.replica.position);
	again = whole(&other);
	assert_true(id_equal(&snapshot_meta(snapshot)->root, &snapshot_meta(again)->root));
	ours = feed.replica.state.ops->hash(feed.replica.state.self);
	theirs = other.state.ops->hash(other.state.self);
	assert_true(id_equal(&ours, &theirs));
	snapshot_free(snapshot);
	snapshot_free(again);
	replica_fini(&other);
	replica_fini(&feed.replica);
}

static void another_state_is_refused(void **unused)
{
	struct feed feed;
	struct replica other;
	struct snapshot *snapshot;
	struct state state = sum_new();

	(void)unused;
	feed_init(&feed, log_state_new());
	fill(&feed, 10, 100);
	snapshot = whole(&feed.replica);
	replica_init(&other, &state);
	assert_int_equal(restore(snapshot, &other), ERROR_MALFORMED);
	snapshot_free(snapshot);
	replica_fini(&other);
	replica_fini(&feed.replica);
}

static void a_cut_snapshot_is_refused(void **unused)
{
	struct feed feed;
	struct replica other;
	struct snapshot *snapshot;
	struct state state = log_state_new();
	struct restore reading;
	struct blob *chunk;
	size_t accepted = 0;

	(void)unused;
	feed_init(&feed, log_state_new());
	fill(&feed, 20, 100);
	snapshot = whole(&feed.replica);
	chunk = snapshot_chunk(snapshot, 0);
	replica_init(&other, &state);
	for (size_t size = 0; size < blob_size(chunk); size++) {
		restore_begin(&reading, &other);
		if (restore_chunk(&reading, bytes_of(blob_bytes(chunk).data, size)) == OK
			&& restore_end(&reading, snapshot_meta(snapshot), &feed.replica.lineage) == OK)
			accepted++;
		restore_fini(&reading);
	}
	assert_int_equal(accepted, 20);   /* only between two items, as it was before the last ones came */
	blob_drop(chunk);
	snapshot_free(snapshot);
	replica_fini(&other);
	replica_fini(&feed.replica);
}

static void a_frozen_history_carries_nothing_out(void **unused)
{
	struct surrender to = {id_hash(bytes_of_text("theirs")), 5};
	struct buffer payload = {0};
	struct feed feed;
	struct applied applied;

	(void)unused;
	feed_init(&feed, sum_new());
	open_session(&feed);
	applied = give_command(&feed, bytes_of_text("four"));
	assert_int_equal(applied.verdict, SESSION_NEW);
	surrender_encode(&to, &payload);
	assert_true(give(&feed, ENTRY_FREEZE, 0, buffer_bytes(&payload)).was_frozen_now);
	assert_true(give_command(&feed, bytes_of_text("more")).refused);
	assert_int_equal(((struct sum *)feed.replica.state.self)->sum, 4);
	assert_true(give(&feed, ENTRY_THAW, 0, bytes_of(NULL, 0)).was_frozen_now);
	assert_false(give_command(&feed, bytes_of_text("more")).refused);
	assert_int_equal(((struct sum *)feed.replica.state.self)->sum, 8);
	buffer_fini(&payload);
	replica_fini(&feed.replica);
}

static void only_the_weaker_history_dissolves(void **unused)
{
	struct surrender to = {id_hash(bytes_of_text("theirs")), 3};
	struct buffer payload = {0};
	struct feed feed;

	(void)unused;
	feed_init(&feed, sum_new());
	open_session(&feed);
	for (int i = 0; i < 4; i++)
		give_command(&feed, bytes_of_text("x"));
	surrender_encode(&to, &payload);
	give(&feed, ENTRY_DISSOLVE, 0, buffer_bytes(&payload));
	assert_false(feed.replica.dissolved);
	buffer_clear(&payload);
	to.position = 5;
	surrender_encode(&to, &payload);
	give(&feed, ENTRY_DISSOLVE, 0, buffer_bytes(&payload));
	assert_true(feed.replica.dissolved);
	assert_true(give_command(&feed, bytes_of_text("late")).refused);
	buffer_fini(&payload);
	replica_fini(&feed.replica);
}

static void entries_of_no_sense_change_nothing(void **unused)
{
	struct feed feed;
	struct applied applied;

	(void)unused;
	feed_init(&feed, sum_new());
	for (enum entry_kind kind = ENTRY_GENESIS; kind < ENTRY_KINDS; kind++) {
		if (kind == ENTRY_SESSION_OPEN || kind == ENTRY_THAW)
			continue;
		applied = give(&feed, kind, kind == ENTRY_COMMANDS ? 3 : 0, bytes_of_text("\xff\xff"));
		assert_false(applied.has_commands || applied.was_frozen_now);
	}
	assert_int_equal(((struct sum *)feed.replica.state.self)->sum, 0);
	assert_int_equal(feed.replica.position, 3);   /* counted by whoever wrote it, on every member alike */
	replica_fini(&feed.replica);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_are_made_again_alike),
		cmocka_unit_test(what_is_restored_is_the_same),
		cmocka_unit_test(another_state_is_refused),
		cmocka_unit_test(a_cut_snapshot_is_refused),
		cmocka_unit_test(a_frozen_history_carries_nothing_out),
		cmocka_unit_test(only_the_weaker_history_dissolves),
		cmocka_unit_test(entries_of_no_sense_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
