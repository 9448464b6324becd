/*
 * single_test.c - what a cell and a once do with each command.
 */
#include "replicas.h"

static struct replicas *open_kind(enum collection_kind kind)
{
	struct replicas *r = memory_new(sizeof *r);

	replicas_open(r, &(struct collection_shape){.kind = kind, .type = {[PART_VALUE] = TYPE_STR}});
	return r;
}

static int setup_cell(void **state)
{
	*state = open_kind(COLLECTION_CELL);
	return 0;
}

static int setup_once(void **state)
{
	*state = open_kind(COLLECTION_ONCE);
	return 0;
}

static int teardown(void **state)
{
	replicas_check(*state);
	replicas_close(*state);
	memory_free(*state);
	return 0;
}

/* --- cell --- */

static enum outcome set(struct replicas *r, const char *value)
{
	cell_set(&r->command, T(value));
	return replicas_do(r);
}

static enum outcome clear(struct replicas *r)
{
	cell_clear(&r->command);
	return replicas_do(r);
}

static void assert_cell(struct replicas *r, const char *value)
{
	cell_get(&r->command);
	if (value == NULL) {
		assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
		return;
	}
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_value(r, value);
}

/* NULL: empty. */
static enum outcome cas(struct replicas *r, const char *from, const char *to)
{
	cell_cas(&r->command, &(struct cell_swap){
		.has_expected = from != NULL,
		.expected = T(from != NULL ? from : ""),
		.has_replacement = to != NULL,
		.replacement = T(to != NULL ? to : ""),
	});
	return replicas_do(r);
}

static void overwrite_keeps_latest(void **state)
{
	struct replicas *r = *state;

	assert_cell(r, NULL);
	assert_int_equal(set(r, "1"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_int_equal(set(r, "2"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	assert_value(r, "1");
	assert_cell(r, "2");
	set(r, "");
	assert_cell(r, "");
}

static void write_clear_cycle(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(clear(r), OUTCOME_NOTHING);
	for (int i = 0; i < 3; i++) {
		set(r, "x");
		assert_int_equal(clear(r), OUTCOME_DONE);
		assert_cell(r, NULL);
	}
	set(r, "y");
	assert_cell(r, "y");
}

static void compare_exchange_truth_table(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(cas(r, NULL, NULL), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	assert_int_equal(cas(r, "1", "2"), OUTCOME_MISMATCH);
	assert_int_equal(r->result.values, 0);
	assert_int_equal(cas(r, "", "2"), OUTCOME_MISMATCH);
	assert_int_equal(cas(r, NULL, "1"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_int_equal(cas(r, NULL, "2"), OUTCOME_MISMATCH);
	assert_value(r, "1");
	assert_int_equal(cas(r, NULL, NULL), OUTCOME_MISMATCH);
	assert_int_equal(cas(r, "2", NULL), OUTCOME_MISMATCH);
	assert_cell(r, "1");
	assert_int_equal(cas(r, "1", "2"), OUTCOME_DONE);
	assert_cell(r, "2");
	assert_int_equal(cas(r, "2", NULL), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_cell(r, NULL);
}

static void compare_exchange_mixed_with_write_clear(void **state)
{
	struct replicas *r = *state;

	set(r, "a");
	assert_int_equal(cas(r, "a", "b"), OUTCOME_DONE);
	assert_int_equal(cas(r, "b", "c"), OUTCOME_DONE);
	set(r, "d");
	assert_int_equal(cas(r, "c", "e"), OUTCOME_MISMATCH);
	assert_value(r, "d");
	clear(r);
	assert_int_equal(cas(r, "d", "e"), OUTCOME_MISMATCH);
	assert_int_equal(cas(r, NULL, "f"), OUTCOME_DONE);
	assert_cell(r, "f");
}

/* --- once --- */

static void only_the_first_write_counts(void **state)
{
	struct replicas *r = *state;

	once_get(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	once_set(&r->command, T("first"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	once_set(&r->command, T("second"));
	assert_int_equal(replicas_do(r), OUTCOME_MISMATCH);
	assert_value(r, "first");
	assert_int_equal(r->changes.size, 0);
	once_set(&r->command, T("first"));         /* the same value, and still somebody else's */
	assert_int_equal(replicas_do(r), OUTCOME_MISMATCH);
	once_get(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_value(r, "first");
}

static void what_is_refused_does_not_win(void **state)
{
	struct replicas *r = *state;

	once_set(&r->command, T("\xFF"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	cell_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_MALFORMED);     /* a once knows no clearing */
	once_set(&r->command, T(""));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
}

static void a_standing_value_too_long_to_tell_is_said_to_be(void **state)
{
	struct replicas *r = *state;
	char *large = memory_new(STATE_RESULT_MAX);

	memset(large, 'x', STATE_RESULT_MAX);
	once_set(&r->command, bytes_of(large, STATE_RESULT_MAX));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	once_set(&r->command, T("late"));
	assert_int_equal(replicas_do(r), OUTCOME_MISMATCH);
	assert_true(r->result.left_out);
	assert_int_equal(r->result.values, 0);
	memory_free(large);
}

int main(void)
{
#define CELL(f) cmocka_unit_test_setup_teardown(f, setup_cell, teardown)
#define ONCE(f) cmocka_unit_test_setup_teardown(f, setup_once, teardown)
	const struct CMUnitTest tests[] = {
		CELL(overwrite_keeps_latest),
		CELL(write_clear_cycle),
		CELL(compare_exchange_truth_table),
		CELL(compare_exchange_mixed_with_write_clear),
		ONCE(only_the_first_write_counts),
		ONCE(what_is_refused_does_not_win),
		ONCE(a_standing_value_too_long_to_tell_is_said_to_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
