/* linear_test.c - the judge is judged: hand-made histories, brute force on small ones, and forged runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/rng.h"
#include "tests/sim/linear.h"

#define MEMORY (64u << 20)

static const char *const bad[] = {
	/* registers */
	"1 0 10 read x - 1\n",
	"1 0 10 write x 1 ok\n1 20 30 read x - -\n",
	"1 0 10 write x 1 ok\n2 20 30 read x - 2\n",
	"1 0 10 write x 1 ok\n1 20 30 write x 2 ok\n2 40 50 read x - 1\n",
	"1 0 10 write x 1 ok\n1 20 30 write x 2 ok\n2 15 50 read x - -\n",
	"1 0 100 write x 1 ok\n2 10 20 read x - 1\n3 30 40 read x - -\n",
	"1 0 100 write x 1 ok\n2 10 20 read x - 1\n2 30 40 read x - -\n3 50 60 read x - 1\n",
	"1 0 100 write x 1 ok\n2 0 100 write x 2 ok\n3 110 120 read x - 1\n3 130 140 read x - 2\n",
	"1 0 10 write x 1 ok\n2 0 10 write x 2 ok\n3 20 30 read x - 1\n4 40 50 read x - 2\n5 60 70 read x - 1\n",
	"1 20 30 write x 1 ok\n2 0 10 read x - 1\n",
	"1 0 - write x 1 -\n2 10 20 read x - 1\n2 30 40 read x - -\n",
	"1 20 - write x 1 -\n2 0 10 read x - 1\n",
	"1 0 - write x 1 -\n2 10 20 read x - 1\n2 30 40 write x 2 ok\n2 50 60 read x - 1\n",
	"1 0 10 write x 1 ok\n1 20 30 delete x - fail\n",
	"1 0 10 delete x - ok\n",
	"1 0 10 write x 1 ok\n1 20 30 delete x - ok\n2 40 50 delete x - ok\n",
	"1 0 10 write x 1 ok\n1 20 30 delete x - ok\n2 40 50 read x - 1\n",
	"1 0 10 write x 1 ok\n1 20 30 swap x 2 -\n",
	"1 0 10 swap x 1 -\n2 0 10 swap x 2 -\n",
	"1 0 10 swap x 1 2\n2 0 10 swap x 2 1\n",
	/* compare and swap */
	"1 0 10 write x 1 ok\n1 20 30 cas x 2,3 ok\n",
	"1 0 10 write x 1 ok\n1 20 30 cas x 1,3 fail\n",
	"1 0 10 write x 1 ok\n1 20 30 cas x 1,3 ok\n2 20 30 cas x 1,4 ok\n",
	"1 0 10 cas x -,1 ok\n2 0 10 cas x -,2 ok\n",
	"1 0 10 cas x -,1 fail\n2 0 10 cas x -,2 fail\n",
	"1 0 10 cas x -,1 ok\n2 20 30 cas x 1,2 ok\n3 40 50 cas x 1,3 ok\n",
	"1 0 10 write x 1 ok\n1 20 30 cas x 1,2 ok\n2 40 50 read x - 1\n",
	"1 0 10 write x 1 ok\n1 20 30 cas x 7,2 fail\n2 40 50 read x - 2\n",
	"1 0 10 write x 1 ok\n1 20 - cas x 1,2 -\n2 40 50 cas x 1,3 ok\n2 60 70 read x - 2\n",
	"1 0 10 write x 1 ok\n1 20 40 cas x 1,2 ?\n2 50 60 read x - 1\n",
	/* counters */
	"1 0 10 add c 1 1\n2 20 30 add c 1 1\n",
	"1 0 10 add c 1 1\n2 0 10 add c 1 1\n",
	"1 0 10 add c 1 2\n2 20 30 add c 1 2\n",
	"1 0 10 add c 5 5\n2 20 30 count c - 0\n",
	"1 0 10 add c 5 5\n1 20 30 add c -5 0\n2 40 50 count c - 5\n",
	"1 0 - add c 1 -\n2 20 30 count c - 1\n2 40 50 count c - 2\n",
	"1 0 10 add c 1 1\n2 0 10 add c 1 3\n3 0 10 add c 1 4\n",
	/* lists */
	"1 0 10 append l a 1\n2 20 30 append l b 1\n",
	"1 0 10 append l a 1\n2 20 30 append l b 2\n3 40 50 list l - b,a\n",
	"1 0 10 append l a 1\n2 20 30 append l b 2\n3 40 50 list l - a\n",
	"1 0 10 append l a 1\n2 0 10 append l b 2\n3 20 30 list l - a,b\n4 40 50 list l - b,a\n",
	"1 0 100 append l a ?\n2 10 20 list l - a\n3 30 40 list l - -\n",
	"1 0 10 append l a 1\n3 20 30 list l - a,a\n",
	"1 0 - append l a -\n2 20 30 list l - a,a\n",
	/* one bad key among good ones; and far apart */
	"1 0 10 write x 1 ok\n1 20 30 read x - 1\n2 0 10 write y 1 ok\n2 20 30 read y - 1\n3 40 50 read y - -\n",
	"1 0 1000 write x 1 ok\n2 10 20 write x 2 ok\n3 30 40 read x - 2\n3 50 60 read x - 1\n3 70 80 read x - 2\n",
};

static const char *const good[] = {
	"",
	"1 0 10 read x - -\n",
	"1 0 10 write x 1 ok\n1 20 30 read x - 1\n",
	"1 0 100 write x 1 ok\n2 10 20 read x - -\n2 30 40 read x - 1\n",
	"1 0 100 write x 1 ok\n2 0 100 write x 2 ok\n3 110 120 read x - 1\n3 130 140 read x - 1\n",
	"1 0 - write x 1 -\n2 10 20 read x - -\n2 30 40 read x - 1\n2 50 60 read x - 1\n",
	"1 0 - write x 1 -\n2 10 20 read x - -\n",
	"1 0 - write x 1 -\n2 30 40 write x 2 ok\n2 50 60 read x - 2\n2 70 80 read x - 1\n",
	"1 0 10 write x 1 ok\n1 10 20 read x - -\n",
	"1 0 30 cas x -,1 ok\n2 0 30 cas x -,2 fail\n3 0 30 read x - -\n",
	"1 0 10 write x 1 ok\n1 20 40 cas x 1,2 ok\n2 20 40 cas x 2,3 ok\n3 50 60 read x - 3\n",
	"1 0 10 write x 1 ok\n1 20 40 cas x 1,2 ?\n2 50 60 read x - 2\n",
	"1 0 20 swap x 1 2\n2 0 20 swap x 2 -\n3 30 40 read x - 1\n",
	"1 0 20 delete x - fail\n2 0 20 write x 1 ok\n2 30 40 delete x - ok\n2 50 60 read x - -\n",
	"1 0 20 add c 1 2\n2 0 20 add c 1 1\n3 30 40 count c - 2\n",
	"1 0 20 add c -3 -3\n3 30 40 count c - -3\n",
	"1 0 - add c 1 -\n2 0 20 add c 10 11\n",
	"# told by hand\n1 0 20 append l a 2\n2 0 20 append l b 1\n3 30 40 list l - b,a\n",
	"1 0 - append l a -\n3 30 40 list l - -\n3 50 60 list l - a\n",
	"1 0 10 write x alpha ok @1\n2 20 30 read x - alpha @1\n2 40 50 write y beta ok @2\n1 60 70 read y - beta @2\n",
};

static enum linear_verdict judge(const char *text)
{
	struct linear_history history = {0};
	struct linear_report report;

	assert_int_equal(linear_history_parse(&history, text), 0);
	linear_check(history.op, history.count, MEMORY, &report);
	linear_history_fini(&history);
	return report.verdict;
}

static void rejects_what_is_wrong(void **unused)
{
	(void)unused;
	assert_true(sizeof(bad) / sizeof(bad[0]) >= 40);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (judge(bad[i]) != LINEAR_VIOLATED)
			fail_msg("passed:\n%s", bad[i]);
}

static void accepts_what_is_right(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (judge(good[i]) != LINEAR_OK)
			fail_msg("rejected:\n%s", good[i]);
}

static void refuses_what_is_no_history(void **unused)
{
	static const char *const wrong[] = {"1 0 10 write x 1\n", "1 0 10 jump x 1 ok\n", "1 10 0 write x 1 ok\n",
		"1 0 10 cas x 1 ok\n", "1 0 10 cas x 1,2 maybe\n", "1 0 10 add c one 1\n", "1 a 10 read x - 1\n",
		"1 0 10 read x - 1 2\n", "1 0 10 read x - 1 @1 2\n", "1 0 10 count c - one\n", "1 0 10 write x 1 1\n"};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct linear_history history = {0};

		if (linear_history_parse(&history, wrong[i]) != 1)
			fail_msg("parsed: %s", wrong[i]);
		linear_history_fini(&history);
	}
}

/* ---- against brute force ---- */

#define SMALL 6

static bool order_exists(const struct linear_op *ops, size_t count, unsigned done, struct linear_state state)
{
	bool left = false;

	for (size_t i = 0; i < count; i++)
		left |= (done >> i & 1) == 0 && ops[i].returned != LINEAR_PENDING;
	if (!left)
		return true;
	for (size_t i = 0; i < count; i++) {
		struct linear_state after = state;
		bool first = (done >> i & 1) == 0;

		for (size_t k = 0; k < count; k++)
			first &= (done >> k & 1) == 1 || ops[k].returned >= ops[i].invoked;
		if (first && linear_apply(&after, &ops[i]) && order_exists(ops, count, done | 1u << i, after))
			return true;
	}
	return false;
}

static struct linear_op any_op(struct rng *rng, bool list)
{
	static const enum linear_kind of_register[] = {LINEAR_READ, LINEAR_READ, LINEAR_WRITE, LINEAR_SWAP, LINEAR_CAS,
		LINEAR_DELETE};
	static const enum linear_kind of_list[] = {LINEAR_APPEND, LINEAR_LIST};
	struct linear_op op = {.kind = list ? of_list[rng_below(rng, 2)] : of_register[rng_below(rng, 6)]};

	op.invoked = (int64_t)rng_below(rng, 30);
	op.returned = rng_below(rng, 5) == 0 ? LINEAR_PENDING : op.invoked + (int64_t)rng_below(rng, 20);
	op.value = rng_below(rng, 3);
	op.expected = rng_below(rng, 4) == 0 ? LINEAR_NONE : rng_below(rng, 3);
	op.result = op.kind == LINEAR_CAS || op.kind == LINEAR_DELETE ? rng_below(rng, 2)
		: !list && rng_below(rng, 4) == 0 ? LINEAR_NONE : rng_below(rng, 3);
	op.blind = op.returned == LINEAR_PENDING || rng_below(rng, 10) == 0;
	if (op.kind == LINEAR_LIST && op.result > 0)
		op.chain = linear_chain(op.result == 2 ? linear_chain(0, rng_below(rng, 3)) : 0, rng_below(rng, 3));
	return op;
}

static void agrees_with_brute_force(void **unused)
{
	struct rng rng;
	size_t violated = 0;

	(void)unused;
	rng_init(&rng, 1);
	for (int round = 0; round < 20000; round++) {
		struct linear_op op[SMALL];
		struct linear_report report;
		size_t count = 2 + rng_below(&rng, SMALL - 1);
		bool list = rng_below(&rng, 4) == 0;

		for (size_t i = 0; i < count; i++)
			op[i] = any_op(&rng, list);
		linear_check(op, count, MEMORY, &report);
		assert_int_equal(report.verdict, order_exists(op, count, 0, linear_state_first) ? LINEAR_OK : LINEAR_VIOLATED);
		violated += report.verdict == LINEAR_VIOLATED;
	}
	assert_true(violated > 2000 && violated < 18000);
}

/* ---- long runs of one true object a key, and forgeries of them ---- */

#define CLIENTS 12
#define KEYS 4

/* Each operation takes effect at an instant of its own between its invocation and its return. */
static void true_run(struct rng *rng, size_t count, struct linear_op *op)
{
	int64_t free_at[CLIENTS] = {0}, effect = 0;
	struct linear_state state[KEYS] = {{0}};
	uint64_t position = 0;

	for (size_t k = 0; k < KEYS; k++)
		state[k] = linear_state_first;
	for (size_t i = 0; i < count; i++) {
		size_t client = rng_below(rng, CLIENTS), key = rng_below(rng, KEYS);

		effect = (effect > free_at[client] ? effect : free_at[client]) + 1 + (int64_t)rng_below(rng, 4);
		op[i] = any_op(rng, key == 3);
		op[i].client = client;
		op[i].key = key;
		op[i].invoked = effect - (int64_t)rng_below(rng, (uint64_t)(effect - free_at[client]));
		op[i].returned = effect + (int64_t)rng_below(rng, 40);
		free_at[client] = op[i].returned + 1;
		op[i].blind = true;
		ASSERT(linear_apply(&state[key], &op[i]));
		op[i].blind = false;
		position += !linear_is_read(op[i].kind);
		op[i].position = position;
		op[i].chain = 0;
	}
}

/* Results are filled in by a second run through the same order. */
static void fill_in(struct linear_op *op, size_t count)
{
	struct linear_state state[KEYS];

	for (size_t k = 0; k < KEYS; k++)
		state[k] = linear_state_first;
	for (size_t i = 0; i < count; i++) {
		struct linear_state before = state[op[i].key];

		op[i].blind = true;
		ASSERT(linear_apply(&state[op[i].key], &op[i]));
		op[i].blind = false;
		if (op[i].kind == LINEAR_CAS)
			op[i].result = before.value == op[i].expected;
		else if (op[i].kind == LINEAR_DELETE)
			op[i].result = before.value != LINEAR_NONE;
		else if (op[i].kind == LINEAR_LIST)
			op[i].result = before.value == LINEAR_NONE ? 0 : before.value;
		else
			op[i].result = op[i].kind == LINEAR_APPEND ? state[op[i].key].value : before.value;
		if (op[i].kind == LINEAR_LIST)
			op[i].chain = before.chain;
	}
}

static void long_runs_pass_and_forgeries_do_not(void **unused)
{
	enum { COUNT = 4000 };
	struct linear_op *op = memory_new(COUNT * sizeof(*op));
	struct linear_report report;
	struct rng rng;

	(void)unused;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		size_t forged = 0;

		rng_init(&rng, seed);
		true_run(&rng, COUNT, op);
		fill_in(op, COUNT);
		linear_check(op, COUNT, MEMORY, &report);
		assert_int_equal(report.verdict, LINEAR_OK);
		linear_witness(op, COUNT, &report);
		assert_int_equal(report.verdict, LINEAR_OK);
		do
			forged = rng_below(&rng, COUNT);
		while (op[forged].kind != LINEAR_LIST && op[forged].kind != LINEAR_APPEND);
		op[forged].result++;
		linear_check(op, COUNT, MEMORY, &report);
		assert_int_equal(report.verdict, LINEAR_VIOLATED);
		assert_int_equal(report.key, 3);
		linear_witness(op, COUNT, &report);
		assert_int_equal(report.verdict, LINEAR_VIOLATED);
		assert_int_equal(report.op, forged);
	}
	memory_free(op);
}

static void pending_ones_are_searched(void **unused)
{
	enum { COUNT = 2000, LOST = 8 };
	struct linear_op *op = memory_new(COUNT * sizeof(*op));
	struct linear_report report;
	struct rng rng;

	(void)unused;
	rng_init(&rng, 7);
	true_run(&rng, COUNT, op);
	fill_in(op, COUNT);
	for (size_t i = 0; i < LOST; i++) {
		struct linear_op *lost = &op[rng_below(&rng, COUNT)];

		lost->returned = LINEAR_PENDING;
		lost->blind = true;
	}
	linear_check(op, COUNT, MEMORY, &report);
	assert_int_equal(report.verdict, LINEAR_OK);
	linear_check(op, COUNT, 1000, &report);
	assert_int_equal(report.verdict, LINEAR_UNDECIDED);
	memory_free(op);
}

static void the_witness_sees_time_and_doubles(void **unused)
{
	static const char *const wrong[] = {
		"1 0 10 write x 1 ok @2\n2 20 30 write x 2 ok @1\n",
		"1 0 10 write x 1 ok @1\n2 20 30 write y 2 ok @1\n",
		"1 0 10 write x 1 ok @2\n2 20 30 read y - - @1\n",
		"1 0 10 read x - - @3\n2 20 30 read y - - @2\n",
		"1 0 10 read x - - @3\n2 20 30 write y 1 ok @2\n",
		"1 0 10 write x 1 ok @1\n2 20 30 read x - - @1\n",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct linear_history history = {0};
		struct linear_report report;

		assert_int_equal(linear_history_parse(&history, wrong[i]), 0);
		linear_witness(history.op, history.count, &report);
		if (report.verdict != LINEAR_VIOLATED)
			fail_msg("passed:\n%s", wrong[i]);
		linear_history_fini(&history);
	}
}

static void files_hold_what_was_written(void **unused)
{
	struct linear_history history = {0}, again = {0};
	FILE *file = tmpfile();

	(void)unused;
	assert_non_null(file);
	assert_int_equal(linear_history_parse(&history, bad[7]), 0);
	assert_int_equal(linear_history_parse(&history, good[19]), 0);
	assert_true(linear_history_write_binary(&history, file));
	rewind(file);
	assert_true(linear_history_read_binary(&again, file));
	assert_int_equal(again.count, history.count);
	for (size_t i = 0; i < history.count; i++) {
		assert_int_equal(again.op[i].returned, history.op[i].returned);
		assert_int_equal(again.op[i].kind, history.op[i].kind);
		assert_int_equal(again.op[i].key, history.op[i].key);
		assert_int_equal(again.op[i].value, history.op[i].value);
		assert_int_equal(again.op[i].result, history.op[i].result);
		assert_int_equal(again.op[i].position, history.op[i].position);
	}
	fclose(file);
	linear_history_fini(&history);
	linear_history_fini(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rejects_what_is_wrong),
		cmocka_unit_test(accepts_what_is_right),
		cmocka_unit_test(refuses_what_is_no_history),
		cmocka_unit_test(agrees_with_brute_force),
		cmocka_unit_test(long_runs_pass_and_forgeries_do_not),
		cmocka_unit_test(pending_ones_are_searched),
		cmocka_unit_test(the_witness_sees_time_and_doubles),
		cmocka_unit_test(files_hold_what_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
