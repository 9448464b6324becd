/*
 * Fetching a snapshot: from several members at once, past those that are slow, gone or wrong, in bounded memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "groups/sync.h"

#define CHUNKS 200

static struct id peer_id(uint8_t n)
{
	return (struct id){{n}};
}

static struct bytes chunk_of(uint32_t number, uint8_t storage[4])
{
	bytes_put_be32(storage, number);
	return bytes_of(storage, 4);
}

static void begin(struct sync *sync, uint32_t chunks, uint8_t sources)
{
	struct snapshot_meta meta = {.index = 5, .chunks = chunks};
	struct buffer hashes = {0};
	uint8_t storage[4];

	*sync = (struct sync){0};
	for (uint32_t n = 0; n < chunks; n++) {
		struct id hash = id_hash(chunk_of(n, storage));

		buffer_append(&hashes, bytes_of(hash.byte, ID_SIZE));
	}
	meta.root = snapshot_root(buffer_bytes(&hashes));
	for (uint8_t n = 1; n <= sources; n++) {
		struct id peer = peer_id(n);

		sync_source_up(sync, &peer);
	}
	assert_int_equal(sync_begin(sync, &meta, buffer_bytes(&hashes)), OK);
	buffer_fini(&hashes);
}

static void take(struct sync *sync, uint32_t *next)
{
	struct blob *chunk;

	while ((chunk = sync_next_chunk(sync)) != NULL) {
		assert_int_equal(bytes_get_be32(blob_bytes(chunk).data), (*next)++);
		blob_drop(chunk);
	}
}

static void fetches_from_all_and_gives_in_order(void **unused)
{
	struct sync sync;
	unsigned asked[4] = {0};
	uint32_t next = 0;
	uint8_t storage[4];

	(void)unused;
	begin(&sync, CHUNKS, 3);
	for (msec now = 0; !sync_is_done(&sync) && now < 1000; now++) {
		struct sync_ask ask[64];
		size_t count = 0;

		while (count < 64 && sync_next_ask(&sync, now, &ask[count]))
			asked[ask[count++].peer.byte[0]]++;
		assert_true(count <= 3 * SYNC_PER_SOURCE);
		while (count-- > 0)   /* the last first */
			assert_int_equal(sync_chunk(&sync, now, &ask[count], chunk_of(ask[count].number, storage)), OK);
		take(&sync, &next);
	}
	assert_true(sync_is_done(&sync));
	assert_int_equal(next, CHUNKS);
	for (int n = 1; n <= 3; n++)
		assert_in_range(asked[n], CHUNKS / 3 - 10, CHUNKS / 3 + 10);
	sync_fini(&sync);
}

static void a_wrong_chunk_is_asked_of_another(void **unused)
{
	struct sync sync;
	struct sync_ask ask, again;
	uint32_t next = 0;
	uint8_t storage[4];

	(void)unused;
	begin(&sync, 1, 2);
	assert_true(sync_next_ask(&sync, 0, &ask));
	assert_int_equal(sync_chunk(&sync, 0, &ask, bytes_of_text("no")), ERROR_MALFORMED);
	assert_true(sync_next_ask(&sync, 0, &again));
	assert_int_equal(again.number, 0);
	assert_false(id_equal(&ask.peer, &again.peer));
	assert_int_equal(sync_chunk(&sync, 0, &again, chunk_of(0, storage)), OK);
	take(&sync, &next);
	assert_true(sync_is_done(&sync));
	sync_fini(&sync);
}

static void who_is_silent_or_has_it_not_rests(void **unused)
{
	struct sync sync;
	struct sync_ask ask;

	(void)unused;
	begin(&sync, 1, 1);
	assert_true(sync_next_ask(&sync, 0, &ask));
	assert_int_equal(sync_deadline(&sync), SYNC_TIMEOUT);
	sync_tick(&sync, SYNC_TIMEOUT);
	assert_false(sync_next_ask(&sync, SYNC_TIMEOUT, &ask));
	assert_int_equal(sync_deadline(&sync), SYNC_TIMEOUT + SYNC_REST);
	assert_true(sync_next_ask(&sync, SYNC_TIMEOUT + SYNC_REST, &ask));
	sync_gone(&sync, SYNC_TIMEOUT + SYNC_REST, &ask);
	assert_false(sync_next_ask(&sync, SYNC_TIMEOUT + SYNC_REST, &ask));
	sync_fini(&sync);
}

static void an_idle_member_takes_over_what_another_owes(void **unused)
{
	struct sync sync;
	struct sync_ask ask, other;
	struct id first;

	(void)unused;
	begin(&sync, 1, 2);
	assert_true(sync_next_ask(&sync, 0, &ask));
	first = ask.peer;
	assert_false(sync_next_ask(&sync, 0, &other));
	assert_true(sync_next_ask(&sync, SYNC_TIMEOUT / 2, &other));
	assert_int_equal(other.number, 0);
	assert_false(id_equal(&first, &other.peer));
	sync_fini(&sync);
}

static void no_more_is_held_than_the_window(void **unused)
{
	struct sync sync;
	struct sync_ask ask;
	uint32_t next = 0, highest = 0;
	uint8_t storage[4];

	(void)unused;
	begin(&sync, CHUNKS, 2);
	/* Chunk 0 never comes. */
	for (msec now = 0; now < 300; now++) {
		while (sync_next_ask(&sync, now, &ask)) {
			highest = ask.number > highest ? ask.number : highest;
			if (ask.number > 0)
				assert_int_equal(sync_chunk(&sync, now, &ask, chunk_of(ask.number, storage)), OK);
		}
		take(&sync, &next);
	}
	assert_int_equal(next, 0);
	assert_int_equal(highest, SYNC_WINDOW - 1);
	sync_fini(&sync);
}

static void who_goes_owes_nothing(void **unused)
{
	struct sync sync;
	struct sync_ask ask, again;
	struct id peer;

	(void)unused;
	begin(&sync, 1, 2);
	assert_true(sync_next_ask(&sync, 0, &ask));
	peer = ask.peer;
	sync_source_down(&sync, &peer);
	assert_true(sync_next_ask(&sync, 0, &again));
	assert_false(id_equal(&peer, &again.peer));
	sync_fini(&sync);
}

static void a_manifest_that_does_not_fit_its_root_is_refused(void **unused)
{
	struct sync sync = {0};
	struct snapshot_meta meta = {.index = 5, .chunks = 2};
	uint8_t hashes[2 * ID_SIZE] = {0};

	(void)unused;
	assert_int_equal(sync_begin(&sync, &meta, bytes_of(hashes, sizeof hashes)), ERROR_MALFORMED);
	meta.root = snapshot_root(bytes_of(hashes, sizeof hashes));
	assert_int_equal(sync_begin(&sync, &meta, bytes_of(hashes, ID_SIZE)), ERROR_MALFORMED);
	assert_int_equal(sync_begin(&sync, &meta, bytes_of(hashes, sizeof hashes)), OK);
	meta.chunks = SNAPSHOT_CHUNKS_MAX + 1;
	assert_int_equal(sync_begin(&sync, &meta, bytes_of(hashes, sizeof hashes)), ERROR_MALFORMED);
	sync_fini(&sync);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetches_from_all_and_gives_in_order),
		cmocka_unit_test(a_wrong_chunk_is_asked_of_another),
		cmocka_unit_test(who_is_silent_or_has_it_not_rests),
		cmocka_unit_test(an_idle_member_takes_over_what_another_owes),
		cmocka_unit_test(no_more_is_held_than_the_window),
		cmocka_unit_test(who_goes_owes_nothing),
		cmocka_unit_test(a_manifest_that_does_not_fit_its_root_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
