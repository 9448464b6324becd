/*
 * recovery_test.c - what one survivor has goes on as another history: it leads alone, keeps every entry, and commits them.
 */
#include "groups/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "groups/raft.h"
#include "groups/replica.h"

#define SURVIVOR 7       /* incarnation */

struct bench {
	struct image image;
	size_t capacity;
	struct chain chain;      /* of the last entry */
	uint64_t position;
	struct recovered found;
	struct persist *request;
};

static struct id named(const char *text)
{
	return id_hash(bytes_of_text(text));
}

static struct id survivor(void)
{
	return named("survivor");
}

static struct configuration three(void)
{
	struct configuration configuration = {.incoming = {.count = 3, .member = {{survivor(), SURVIVOR},
		{named("one"), 1}, {named("other"), 2}}}};
	struct member *member = configuration.incoming.member;

	for (int i = 0; i < 3; i++)
		for (int j = 0; j < 2; j++)
			if (member_compare(&member[j], &member[j + 1]) > 0) {
				struct member greater = member[j];

				member[j] = member[j + 1];
				member[j + 1] = greater;
			}
	return configuration;
}

static void add(struct bench *bench, enum entry_kind kind, uint32_t commands, struct bytes payload)
{
	struct image *image = &bench->image;
	struct log_entry entry = {.head = {.term = image->hard.term, .kind = kind, .commands = commands, .position = bench->position},
		.payload = blob_copy(payload)};

	entry.head.index = image->count > 0 ? image->entry[image->count - 1].head.index + 1 : image->meta.index + 1;
	entry.head.chain = bench->chain = chain_extend(&bench->chain, &entry.head, payload);
	image->entry = memory_grow(image->entry, &bench->capacity, image->count + 1, sizeof *image->entry);
	image->entry[image->count++] = entry;
	bench->position += commands;
}

static void add_configuration(struct bench *bench, enum entry_kind kind)
{
	struct configuration configuration = three();
	struct buffer payload = {0};

	configuration_encode(&configuration, &payload);
	add(bench, kind, 0, buffer_bytes(&payload));
	buffer_fini(&payload);
}

static void add_dissolve(struct bench *bench, const struct id *lineage, uint64_t position)
{
	struct buffer payload = {0};

	surrender_encode(&(struct surrender){*lineage, position}, &payload);
	add(bench, ENTRY_DISSOLVE, 0, buffer_bytes(&payload));
	buffer_fini(&payload);
}

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){.image.hard = {.lineage = named("old"), .incarnation = SURVIVOR, .term = 5,
		.vote = {named("one"), 1}, .had_three = true}};
}

/* Three voters and so many entries, each with two commands. */
static void fill(struct bench *bench, int entries)
{
	add_configuration(bench, ENTRY_GENESIS);
	for (int i = 0; i < entries; i++)
		add(bench, ENTRY_COMMANDS, 2, bytes_of_text("two commands"));
}

static void bench_fini(struct bench *bench)
{
	image_fini(&bench->image);
	persist_free(bench->request);
}

static enum recovery plan(struct bench *bench, uint64_t seed)
{
	struct id peer = survivor();

	persist_free(bench->request);
	bench->request = NULL;
	return recovery_plan(&bench->image, &peer, seed, &bench->found, &bench->request);
}

/* As the store does. */
static void write_down(struct bench *bench)
{
	struct image *image = &bench->image;
	const struct persist *request = bench->request;

	assert_true(request->has_hard && !request->has_meta && request->log_first == 0);
	image->hard = request->hard;
	while (request->truncate_from > 0 && image->count > 0 && image->entry[image->count - 1].head.index >= request->truncate_from)
		blob_drop(image->entry[--image->count].payload);
	assert_int_equal(request->count, 1);
	image->entry = memory_grow(image->entry, &bench->capacity, image->count + 1, sizeof *image->entry);
	image->entry[image->count++] = request->entry[0];
	blob_keep(request->entry[0].payload);
}

/* Starts a member with it, alone; returns what it commits by itself. */
static uint64_t commit_alone(struct bench *bench)
{
	struct raft_options options = {.self = {survivor(), bench->image.hard.incarnation}, .timing = raft_timing_default, .durable = true};
	struct raft *raft = raft_new(&options, &bench->image, 1000);
	struct raft_output output;
	uint64_t commit;

	for (msec now = 1000; now < 1010; now++) {
		raft_tick(raft, now);
		while (raft_next(raft, &output)) {
			raft_check(raft);
			assert_int_not_equal(output.kind, RAFT_SEND);
			if (output.kind != RAFT_PERSIST)
				continue;
			raft_persisted(raft, now, output.persist->token, OK);
			persist_free(output.persist);
		}
	}
	assert_true(raft_is_operational(raft));
	commit = raft_commit(raft);
	raft_free(raft);
	return commit;
}

static void one_of_three_goes_on_alone_with_all_it_had(void **state)
{
	struct bench bench;
	struct id old = named("old");

	(void)state;
	bench_init(&bench);
	fill(&bench, 10);
	assert_int_equal(plan(&bench, 1), RECOVERY_POSSIBLE);
	assert_int_equal(bench.found.index, 11);
	assert_int_equal(bench.found.term, 5);
	assert_int_equal(bench.found.position, 20);
	assert_int_equal(bench.found.voters, 3);
	assert_false(id_equal(&bench.request->hard.lineage, &old) || id_is_zero(&bench.request->hard.lineage));
	assert_true(bench.request->hard.incarnation != 0 && bench.request->hard.incarnation != SURVIVOR);
	assert_true(member_is_none(&bench.request->hard.vote));
	assert_int_equal(bench.request->truncate_from, 0);
	write_down(&bench);
	assert_int_equal(commit_alone(&bench), 13);   /* the configuration, and the NOOP of its term */
	assert_int_equal(plan(&bench, 1), RECOVERY_POSSIBLE);
	assert_int_equal(bench.found.voters, 1);
	bench_fini(&bench);
}

static void every_time_it_is_another_history(void **state)
{
	struct bench bench;
	struct hard_state first;

	(void)state;
	bench_init(&bench);
	fill(&bench, 1);
	assert_int_equal(plan(&bench, 1), RECOVERY_POSSIBLE);
	first = bench.request->hard;
	assert_int_equal(plan(&bench, 2), RECOVERY_POSSIBLE);
	assert_false(id_equal(&bench.request->hard.lineage, &first.lineage));
	assert_int_not_equal(bench.request->hard.incarnation, first.incarnation);
	bench_fini(&bench);
}

static void a_snapshot_is_enough(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench.image.meta = (struct snapshot_meta){.index = 40, .term = 4, .position = 33, .configuration = three(), .configuration_index = 1};
	bench.chain = bench.image.meta.chain;
	bench.position = 33;
	assert_int_equal(plan(&bench, 1), RECOVERY_POSSIBLE);
	assert_int_equal(bench.found.index, 40);
	assert_int_equal(bench.found.term, 4);
	assert_int_equal(bench.found.position, 33);
	assert_int_equal(bench.found.voters, 3);
	write_down(&bench);
	assert_int_equal(commit_alone(&bench), 42);
	bench_fini(&bench);
}

/* A crash came between a snapshot and the truncation of what it overrules. */
static void entries_that_contradict_the_snapshot_go(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	fill(&bench, 12);
	bench.image.meta = (struct snapshot_meta){.index = 9, .term = 4, .position = 11, .chain = {{1, 2, 3}}, .configuration = three(),
		.configuration_index = 1};
	assert_int_equal(plan(&bench, 1), RECOVERY_POSSIBLE);
	assert_int_equal(bench.found.index, 9);
	assert_int_equal(bench.found.position, 11);
	assert_int_equal(bench.request->truncate_from, 10);
	bench_fini(&bench);
}

static void where_nothing_is_nothing_is_recovered(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	bench.image.hard = (struct hard_state){0};
	assert_int_equal(plan(&bench, 1), RECOVERY_EMPTY);
	bench.image.hard.incarnation = SURVIVOR;   /* bound to a beginning, perhaps */
	add(&bench, ENTRY_GENESIS, 0, bytes_of_text("a promise"));
	assert_int_equal(plan(&bench, 1), RECOVERY_EMPTY);
	bench_fini(&bench);
	bench_init(&bench);                        /* a learner that has received nothing */
	assert_int_equal(plan(&bench, 1), RECOVERY_EMPTY);
	assert_null(bench.request);
	bench_fini(&bench);
}

static void who_gave_way_does_not_come_back(void **state)
{
	struct bench bench;
	struct id other = named("other history");

	(void)state;
	bench_init(&bench);
	fill(&bench, 3);
	add_dissolve(&bench, &other, 7);
	assert_int_equal(plan(&bench, 1), RECOVERY_DISSOLVED);
	assert_null(bench.request);
	bench_fini(&bench);
}

/* With as many commands it is the ids that decide: whoever carries this out as another history must not give way now. */
static void what_once_stayed_stays_under_its_new_name(void **state)
{
	struct bench bench;
	struct id other = named("old"), old;
	struct surrender ours, to;

	(void)state;
	bench_init(&bench);
	memset(bench.image.hard.lineage.byte, 0xff, ID_SIZE);
	old = bench.image.hard.lineage;
	fill(&bench, 3);
	other.byte[0] = 0xf0;
	assert_true(id_compare(&old, &other) > 0);
	add_dissolve(&bench, &other, 6);
	for (uint64_t seed = 0; seed < 20; seed++) {
		assert_int_equal(plan(&bench, seed), RECOVERY_POSSIBLE);
		ours = (struct surrender){bench.request->hard.lineage, 6};
		to = (struct surrender){other, 6};
		assert_true(surrender_compare(&ours, &to) >= 0);
	}
	bench_fini(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_three_goes_on_alone_with_all_it_had),
		cmocka_unit_test(every_time_it_is_another_history),
		cmocka_unit_test(a_snapshot_is_enough),
		cmocka_unit_test(entries_that_contradict_the_snapshot_go),
		cmocka_unit_test(where_nothing_is_nothing_is_recovered),
		cmocka_unit_test(who_gave_way_does_not_come_back),
		cmocka_unit_test(what_once_stayed_stays_under_its_new_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
