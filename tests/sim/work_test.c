/* work_test.c - the model of collections and what it says of histories: right where they are right, and not else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/memory.h"
#include "tests/sim/work.h"
#include "tests/sim/workload.h"

#define STEPS 4000
#define MEMORY (4u << 20)

static const char *const kinds[] = {"map", "vec", "set", "cell", "once", "pqueue"};

/* A collection and its model, one command or query after another; the history of a single client. */
static void compare(const char *kind, uint64_t seed)
{
	struct workload *workload = workload_draw(seed, kind, 20);
	struct state state = workload_state(workload);
	struct linear_report report;
	uint64_t position = 0;
	struct rng rng;

	rng_init(&rng, seed);
	for (uint64_t name = 1; name <= STEPS; name++) {
		struct buffer question = {0}, result = {0};
		bool query = rng_below(&rng, 3) == 0;

		if (query) {
			workload_query(workload, &rng, 0, name, &question);
			assert_int_equal(state.ops->query(state.self, buffer_bytes(&question), &result), OK);
		} else {
			workload_command(workload, &rng, 0, name, &question);
			position++;
			state.ops->apply(state.self, &(struct state_moment){position, 1}, buffer_bytes(&question), &result, NULL);
			workload_applied(workload, 0, position, name);
		}
		assert_true(workload_judge(workload, 0, position, name, buffer_bytes(&result)));
		workload_tell(workload, name, &(struct work_told){0, (int64_t)name, (int64_t)name, buffer_bytes(&result)});
		buffer_fini(&question);
		buffer_fini(&result);
	}
	assert_true(workload_is_content(workload, 0, &state));
	linear_check(workload_history(workload)->op, workload_history(workload)->count, MEMORY, &report);
	assert_int_equal(report.verdict, LINEAR_OK);
	state.ops->free(state.self);
	workload_free(workload);
}

static void every_collection_is_as_its_model(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (uint64_t seed = 1; seed <= 4; seed++)
			compare(kinds[i], seed);
}

/* ---- histories that are wrong ---- */

static const struct work_shape queue = {.shape = {.kind = COLLECTION_PQUEUE, .type = {TYPE_I64, TYPE_STR, TYPE_BYTES}},
	.keys = 3};
static const struct work_shape map = {.shape = {.kind = COLLECTION_MAP, .type = {TYPE_I64, TYPE_STR, TYPE_BYTES}},
	.keys = 3};
static const struct work_shape vec = {.shape = {.kind = COLLECTION_VEC, .type = {TYPE_I64, TYPE_STR, TYPE_BYTES}},
	.keys = 1};

/* One operation on a content of its own, told as if it had been that of all: from one time to another. */
static void tell(const struct work_shape *shape, struct linear_history *history, const struct work_seen *seen,
	const struct work_item *found)
{
	struct work_content content = {0};
	struct work_result answered = {0};
	struct result result = {0};

	if (found) {
		content.item = memory_copy(found, sizeof(*found));
		content.count = content.capacity = 1;
	}
	work_apply(shape, &content, &seen->op, &answered);
	result.outcome = answered.outcome;
	result.count = answered.count;
	for (; result.values < answered.values; result.values++)
		result.value[result.values] = buffer_bytes(&answered.value[result.values]);
	work_project(shape, seen, &result, history);
	work_content_fini(&content);
	work_result_fini(&answered);
}

static enum linear_verdict verdict(const struct work_shape *shape, struct linear_history *history)
{
	struct linear_report report;

	work_project_end(shape, history);
	linear_check(history->op, history->count, MEMORY, &report);
	linear_history_fini(history);
	return report.verdict;
}

static struct work_seen seen(enum work_verb verb, struct work_item with, int64_t invoked, int64_t returned)
{
	return (struct work_seen){.op = {.verb = verb, .with = with, .expected = WORK_NONE}, .invoked = invoked,
		.returned = returned};
}

static void one_item_is_not_taken_twice(void **unused)
{
	const struct work_item item = {.priority = 1, .key = 2, .value = 7};
	const struct work_seen push = seen(WORK_PUT, item, 1, 2), take = seen(WORK_TAKE_MIN, (struct work_item){0}, 3, 4),
		again = seen(WORK_TAKE_MAX, (struct work_item){0}, 3, 5);
	struct linear_history history = {0};

	(void)unused;
	tell(&queue, &history, &push, NULL);
	tell(&queue, &history, &take, &item);
	tell(&queue, &history, &again, NULL);
	assert_int_equal(verdict(&queue, &history), LINEAR_OK);
	tell(&queue, &history, &push, NULL);
	tell(&queue, &history, &take, &item);
	tell(&queue, &history, &again, &item);
	assert_int_equal(verdict(&queue, &history), LINEAR_VIOLATED);
}

static void what_was_taken_in_doubt_may_be_gone_and_may_be_there(void **unused)
{
	const struct work_item item = {.priority = 1, .key = 2, .value = 7};
	const struct work_seen push = seen(WORK_PUT, item, 1, 2), get = seen(WORK_GET, item, 6, 7),
		doubt = seen(WORK_TAKE_MIN, (struct work_item){0}, 3, LINEAR_PENDING);
	struct linear_history history = {0};

	(void)unused;
	for (int there = 0; there < 2; there++) {
		tell(&queue, &history, &push, NULL);
		work_project(&queue, &doubt, NULL, &history);
		tell(&queue, &history, &get, there ? &item : NULL);
		assert_int_equal(verdict(&queue, &history), LINEAR_OK);
	}
	tell(&queue, &history, &push, NULL);
	tell(&queue, &history, &get, NULL);
	assert_int_equal(verdict(&queue, &history), LINEAR_VIOLATED);
}

static void a_swap_sees_what_was_there(void **unused)
{
	const struct work_item first = {.key = 1, .value = 7}, second = {.key = 1, .value = 8};
	struct work_seen put = seen(WORK_PUT, first, 1, 2), other = seen(WORK_PUT, second, 3, 4),
		swap = seen(WORK_CAS, (struct work_item){.key = 1, .value = 9}, 5, 6);
	struct linear_history history = {0};

	(void)unused;
	swap.op.expected = 7;
	tell(&map, &history, &put, NULL);
	tell(&map, &history, &other, &first);
	tell(&map, &history, &swap, &second);       /* refused, and told of the second */
	assert_int_equal(verdict(&map, &history), LINEAR_OK);
	tell(&map, &history, &put, NULL);
	tell(&map, &history, &other, &first);
	tell(&map, &history, &swap, &first);        /* carried out on what was replaced */
	assert_int_equal(verdict(&map, &history), LINEAR_VIOLATED);
}

static void a_clear_leaves_nothing(void **unused)
{
	const struct work_item item = {.key = 1, .value = 7};
	const struct work_seen put = seen(WORK_PUT, item, 1, 2), clear = seen(WORK_CLEAR, item, 3, 4), get = seen(WORK_GET, item, 5, 6);
	struct linear_history history = {0};

	(void)unused;
	tell(&map, &history, &put, NULL);
	tell(&map, &history, &clear, &item);
	tell(&map, &history, &get, &item);
	assert_int_equal(verdict(&map, &history), LINEAR_VIOLATED);
}

static void one_element_is_not_popped_twice(void **unused)
{
	const struct work_item item = {.value = 7};
	const struct work_seen push = seen(WORK_PUSH, item, 1, 2), pop = seen(WORK_POP, item, 3, 4),
		again = seen(WORK_POP_FRONT, item, 3, 5);
	struct linear_history history = {0};

	(void)unused;
	tell(&vec, &history, &push, NULL);
	tell(&vec, &history, &pop, &item);
	assert_int_equal(verdict(&vec, &history), LINEAR_OK);
	tell(&vec, &history, &push, NULL);
	tell(&vec, &history, &pop, &item);
	tell(&vec, &history, &again, &item);
	assert_int_equal(verdict(&vec, &history), LINEAR_VIOLATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_collection_is_as_its_model),
		cmocka_unit_test(one_item_is_not_taken_twice),
		cmocka_unit_test(what_was_taken_in_doubt_may_be_gone_and_may_be_there),
		cmocka_unit_test(a_swap_sees_what_was_there),
		cmocka_unit_test(a_clear_leaves_nothing),
		cmocka_unit_test(one_element_is_not_popped_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
