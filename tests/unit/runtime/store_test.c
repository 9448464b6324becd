/*
 * store_test.c - what a store promises it still has after it was opened again; what is damaged is set aside.
 */
#include "runtime/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/memory.h"

struct bench {
	char directory[64];
	uv_loop_t loop;
	struct store *store;
	struct image image;
	struct store_found found;
	uint64_t answered;       /* the newest token */
	enum error status;
	uint64_t token;
};

static struct id group_id(void)
{
	return id_hash(bytes_of_text("group"));
}

static void done(void *self, uint64_t token, enum error status)
{
	struct bench *bench = self;

	assert_true(token > bench->answered);
	bench->answered = token;
	bench->status = status;
}

static enum error open_as(struct bench *bench, const char *peer)
{
	struct store_options options = {.directory = bench->directory, .group = group_id(),
		.peer = id_hash(bytes_of_text(peer)), .loop = &bench->loop, .done = done, .self = bench};

	return store_open(&options, &bench->store, &bench->image, &bench->found);
}

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){.directory = "/tmp/mosaik-store.XXXXXX"};
	assert_non_null(mkdtemp(bench->directory));
	assert_int_equal(uv_loop_init(&bench->loop), 0);
	assert_int_equal(open_as(bench, "me"), OK);
}

static void bench_close(struct bench *bench)
{
	store_close(bench->store);
	bench->store = NULL;
	image_fini(&bench->image);
	assert_int_equal(uv_run(&bench->loop, UV_RUN_DEFAULT), 0);
}

static void bench_again(struct bench *bench)
{
	bench_close(bench);
	assert_int_equal(open_as(bench, "me"), OK);
}

static void bench_fini(struct bench *bench)
{
	char command[128];

	if (bench->store)
		bench_close(bench);
	assert_int_equal(uv_loop_close(&bench->loop), 0);
	snprintf(command, sizeof command, "rm -rf %s", bench->directory);
	assert_int_equal(system(command), 0);
}

static struct persist *request(struct bench *bench)
{
	return persist_new(++bench->token);
}

static void put(struct bench *bench, struct persist *persist)
{
	uint64_t token = persist->token;

	store_put(bench->store, persist);
	for (int i = 0; i < 1000 && bench->answered < token; i++)
		uv_run(&bench->loop, UV_RUN_ONCE);
	assert_int_equal(bench->answered, token);
	assert_int_equal(bench->status, OK);
}

static void append(struct persist *persist, uint64_t index, uint64_t term, const char *text)
{
	struct log_entry entry = {.head = {.index = index, .term = term, .kind = ENTRY_COMMANDS, .commands = 1,
		.position = index - 1}, .payload = blob_copy(bytes_of_text(text))};

	memset(entry.head.chain.byte, (int)index, sizeof entry.head.chain.byte);
	persist_append(persist, &entry);
	blob_drop(entry.payload);
}

static void set_hard(struct persist *persist, uint64_t term)
{
	persist->has_hard = true;
	persist->hard = (struct hard_state){.lineage = id_hash(bytes_of_text("lineage")), .incarnation = 7, .term = term,
		.vote = {id_hash(bytes_of_text("voted for")), 9}, .had_three = true};
}

static void put_entries(struct bench *bench, uint64_t first, uint64_t last, uint64_t term)
{
	struct persist *persist = request(bench);
	char text[32];

	set_hard(persist, term);
	for (uint64_t i = first; i <= last; i++) {
		snprintf(text, sizeof text, "command %d", (int)i);
		append(persist, i, term, text);
	}
	put(bench, persist);
}

static void a_new_store_is_empty(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	assert_int_equal(bench.found.state, STORE_NEW);
	assert_int_equal(bench.image.hard.incarnation, 0);
	bench_again(&bench);
	assert_int_equal(bench.found.state, STORE_NEW);
	bench_fini(&bench);
}

static void what_was_answered_is_there_again(void **state)
{
	struct bench bench;
	const struct image *image = &bench.image;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 300, 4);
	bench_again(&bench);
	assert_int_equal(bench.found.state, STORE_INTACT);
	assert_int_equal(image->hard.term, 4);
	assert_int_equal(image->hard.incarnation, 7);
	assert_int_equal(image->hard.vote.incarnation, 9);
	assert_true(image->hard.had_three);
	assert_int_equal(image->count, 300);
	assert_int_equal(image->entry[299].head.index, 300);
	assert_int_equal(image->entry[299].head.kind, ENTRY_COMMANDS);
	assert_int_equal(image->entry[299].head.position, 299);
	assert_int_equal(image->entry[299].head.chain.byte[3], 300 & 0xff);
	assert_true(bytes_equal(blob_bytes(image->entry[41].payload), bytes_of_text("command 42")));
	bench_fini(&bench);
}

static void a_conflict_is_rewritten(void **state)
{
	struct bench bench;
	struct persist *persist;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 10, 1);
	persist = request(&bench);
	persist->truncate_from = 6;
	append(persist, 6, 2, "another");
	put(&bench, persist);
	bench_again(&bench);
	assert_int_equal(bench.image.count, 6);
	assert_int_equal(bench.image.entry[5].head.term, 2);
	bench_fini(&bench);
}

static void put_snapshot(struct bench *bench, uint64_t index, uint32_t chunks, uint64_t log_first)
{
	struct persist *persist;
	struct member voter = {id_hash(bytes_of_text("voter")), 3};

	for (uint32_t i = 0; i < chunks; i++) {
		persist = request(bench);
		persist->chunk_of = index;
		persist->chunk_number = i;
		persist->chunk = blob_copy(bytes_of_text(i == 0 ? "first" : "later"));
		put(bench, persist);
	}
	persist = request(bench);
	persist->has_meta = true;
	persist->meta = (struct snapshot_meta){.index = index, .term = 1, .position = index - 2, .chunks = chunks,
		.configuration_index = 1, .configuration = {.incoming = {.count = 1, .member = {voter}}}};
	persist->log_first = log_first;
	put(bench, persist);
}

static void a_snapshot_takes_the_place_of_the_log_before_it(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 100, 1);
	put_snapshot(&bench, 40, 3, 31);
	put_snapshot(&bench, 80, 2, 71);
	bench_again(&bench);
	assert_int_equal(bench.found.state, STORE_INTACT);
	assert_int_equal(bench.image.meta.index, 80);
	assert_int_equal(bench.image.meta.position, 78);
	assert_int_equal(bench.image.meta.chunks, 2);
	assert_int_equal(bench.image.meta.configuration.incoming.member[0].incarnation, 3);
	assert_true(bytes_equal(blob_bytes(bench.image.chunk[1]), bytes_of_text("later")));
	assert_int_equal(bench.image.entry[0].head.index, 71);
	assert_int_equal(bench.image.count, 30);
	bench_fini(&bench);
}

/* Crashed between the chunks and the meta that makes them count. */
static void a_snapshot_without_its_meta_is_none(void **state)
{
	struct bench bench;
	struct persist *persist;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 10, 1);
	persist = request(&bench);
	persist->chunk_of = 8;
	persist->chunk = blob_copy(bytes_of_text("half"));
	put(&bench, persist);
	bench_again(&bench);
	assert_int_equal(bench.found.state, STORE_INTACT);
	assert_int_equal(bench.image.meta.index, 0);
	assert_int_equal(bench.image.count, 10);
	bench_fini(&bench);
}

static void many_requests_are_answered_in_order(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	for (uint64_t i = 1; i <= 500; i++) {
		struct persist *persist = request(&bench);

		set_hard(persist, 1);
		append(persist, i, 1, "x");
		store_put(bench.store, persist);
	}
	for (int i = 0; i < 10000 && bench.answered < 500; i++)
		uv_run(&bench.loop, UV_RUN_ONCE);
	assert_int_equal(bench.answered, 500);   /* done() asserts the order */
	bench_again(&bench);
	assert_int_equal(bench.image.count, 500);
	bench_fini(&bench);
}

static void a_second_process_is_refused(void **state)
{
	struct bench bench;
	int status;
	pid_t child;

	(void)state;
	bench_init(&bench);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct bench other = bench;

		_exit(open_as(&other, "me") == ERROR_NOT_ALLOWED ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	bench_fini(&bench);
}

static void another_peers_promises_are_of_no_use(void **state)
{
	struct bench bench;
	struct stat there;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 10, 1);
	bench_close(&bench);
	assert_int_equal(open_as(&bench, "somebody else"), OK);
	assert_int_equal(bench.found.state, STORE_SET_ASIDE);
	assert_int_equal(stat(bench.found.aside, &there), 0);   /* kept, never deleted */
	assert_int_equal(bench.image.count, 0);
	put_entries(&bench, 1, 2, 1);
	bench_fini(&bench);
}

static void data_path(const struct bench *bench, char out[256])
{
	struct id id = group_id();
	char group[ID_TEXT_SIZE];

	id_format(&id, group);
	snprintf(out, 256, "%s/%s/data.mdb", bench->directory, group);
}

/* Every record twice as large as what is damaged in it: the flip hits a payload, a header or a free page. */
static void a_flipped_bit_is_never_believed(void **state)
{
	struct bench bench;
	char path[256];
	int aside = 0;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 200, 1);
	bench_close(&bench);
	data_path(&bench, path);
	for (long at = 4096 * 2; at < 4096 * 12; at += 613) {
		int fd = open(path, O_RDWR);
		uint8_t byte;

		assert_true(fd >= 0);
		if (pread(fd, &byte, 1, at) != 1) {
			close(fd);
			break;
		}
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		assert_int_equal(open_as(&bench, "me"), OK);
		if (bench.found.state == STORE_INTACT) {
			assert_int_equal(bench.image.count, 200);
			for (size_t i = 0; i < 200; i++)
				assert_int_equal(bench.image.entry[i].head.chain.byte[0], (i + 1) & 0xff);
		} else {
			aside++;
			put_entries(&bench, 1, 200, 1);
		}
		bench_close(&bench);
	}
	assert_true(aside > 3);
	bench_fini(&bench);
}

/* A history that lost against another: nothing of it is left. */
static void a_life_begins_anew(void **state)
{
	struct bench bench;
	struct persist *persist;

	(void)state;
	bench_init(&bench);
	put_entries(&bench, 1, 100, 1);
	put_snapshot(&bench, 40, 3, 31);
	persist = request(&bench);
	set_hard(persist, 0);
	persist->truncate_from = 1;
	persist->has_meta = true;
	put(&bench, persist);
	bench_again(&bench);
	assert_int_equal(bench.found.state, STORE_INTACT);
	assert_int_equal(bench.image.hard.term, 0);
	assert_int_equal(bench.image.meta.index, 0);
	assert_int_equal(bench.image.count, 0);
	bench_fini(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_store_is_empty),
		cmocka_unit_test(what_was_answered_is_there_again),
		cmocka_unit_test(a_conflict_is_rewritten),
		cmocka_unit_test(a_snapshot_takes_the_place_of_the_log_before_it),
		cmocka_unit_test(a_snapshot_without_its_meta_is_none),
		cmocka_unit_test(many_requests_are_answered_in_order),
		cmocka_unit_test(a_second_process_is_refused),
		cmocka_unit_test(another_peers_promises_are_of_no_use),
		cmocka_unit_test(a_flipped_bit_is_never_believed),
		cmocka_unit_test(a_life_begins_anew),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
