/*
 * vec_test.c - what a vec does with each command.
 */
#include "replicas.h"

static int setup(void **state)
{
	struct replicas *r = memory_new(sizeof *r);

	replicas_open(r, &(struct collection_shape){.kind = COLLECTION_VEC, .type = {[PART_VALUE] = TYPE_STR}});
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	replicas_check(*state);
	replicas_close(*state);
	memory_free(*state);
	return 0;
}

static void extend(struct replicas *r, const char *values)
{
	vec_extend(&r->command, words(values));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
}

static void assert_values(struct replicas *r, const char *want)
{
	vec_list(&r->command, 0, 0);
	replicas_ask(r);
	assert_list(r, want);
}

static void push_front_back_ordering(void **state)
{
	struct replicas *r = *state;

	vec_push(&r->command, T("3"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	vec_push_front(&r->command, T("2"));
	replicas_do(r);
	vec_push(&r->command, T("4"));
	replicas_do(r);
	vec_push_front(&r->command, T("1"));
	replicas_do(r);
	vec_push(&r->command, T("5"));
	replicas_do(r);
	assert_int_equal(r->result.count, 5);
	assert_values(r, "1 2 3 4 5");
}

static void pop_until_empty(void **state)
{
	struct replicas *r = *state;

	extend(r, "1 2 3");
	vec_pop(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_value(r, "3");
	assert_int_equal(r->result.count, 2);
	vec_pop_front(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_value(r, "1");
	vec_pop(&r->command);
	replicas_do(r);
	assert_value(r, "2");
	vec_pop(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	vec_pop_front(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_values(r, "");
}

static enum outcome swap(struct replicas *r, uint64_t a, uint64_t b)
{
	vec_swap(&r->command, a, b);
	return replicas_do(r);
}

static void swap_variations(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c");
	assert_int_equal(swap(r, 0, 2), OUTCOME_DONE);
	assert_values(r, "c b a");
	assert_int_equal(swap(r, 1, 0), OUTCOME_DONE);
	assert_values(r, "b c a");
	assert_int_equal(swap(r, 1, 1), OUTCOME_NOTHING);
	assert_int_equal(swap(r, 0, 3), OUTCOME_NOTHING);
	assert_int_equal(swap(r, UINT64_MAX, 0), OUTCOME_NOTHING);
	assert_int_equal(r->changes.size, 0);
	assert_values(r, "b c a");
}

static enum outcome insert(struct replicas *r, uint64_t index, const char *value)
{
	vec_insert(&r->command, index, T(value));
	return replicas_do(r);
}

static void insert_at_positions(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(insert(r, 0, "b"), OUTCOME_DONE);
	assert_int_equal(insert(r, 0, "a"), OUTCOME_DONE);
	assert_int_equal(insert(r, 2, "d"), OUTCOME_DONE);
	assert_int_equal(insert(r, 2, "c"), OUTCOME_DONE);
	assert_values(r, "a b c d");
}

/* What killed every replica elsewhere: an insertion that raced with a truncation. */
static void insert_beyond_the_end_is_refused(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c");
	vec_truncate(&r->command, 1);
	replicas_do(r);
	assert_int_equal(insert(r, 3, "x"), OUTCOME_RANGE);
	assert_int_equal(r->result.count, 1);
	assert_int_equal(insert(r, UINT64_MAX, "x"), OUTCOME_RANGE);
	assert_int_equal(insert(r, 1, "b"), OUTCOME_DONE);
	assert_values(r, "a b");
}

static enum outcome truncate_to(struct replicas *r, uint64_t length)
{
	vec_truncate(&r->command, length);
	return replicas_do(r);
}

static void truncate_edge_cases(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c d");
	assert_int_equal(truncate_to(r, 5), OUTCOME_NOTHING);
	assert_int_equal(truncate_to(r, 4), OUTCOME_NOTHING);
	assert_int_equal(truncate_to(r, 2), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	assert_values(r, "a b");
	assert_int_equal(truncate_to(r, 0), OUTCOME_DONE);
	assert_int_equal(truncate_to(r, 0), OUTCOME_NOTHING);
	assert_values(r, "");
}

static void remove_and_remove_out_of_bounds(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c");
	vec_remove(&r->command, 1);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_value(r, "b");
	assert_int_equal(r->result.count, 2);
	vec_remove(&r->command, 2);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_values(r, "a c");
}

static void extend_empty_changes_nothing(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b");
	vec_extend(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_int_equal(r->result.count, 2);
	assert_values(r, "a b");
}

static void clear_then_rebuild(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c");
	vec_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 3);
	extend(r, "x");
	assert_values(r, "x");
}

static void get_last_length_and_index_of(void **state)
{
	struct replicas *r = *state;

	vec_last(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	extend(r, "a b a");
	vec_get(&r->command, 1);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_value(r, "b");
	vec_get(&r->command, 3);
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	assert_int_equal(r->result.count, 3);
	vec_last(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_value(r, "a");
	assert_int_equal(r->result.count, 2);
	vec_len(&r->command);
	replicas_ask(r);
	assert_int_equal(r->result.count, 3);
	vec_index_of(&r->command, T("a"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	vec_index_of(&r->command, T("b"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	vec_index_of(&r->command, T("c"));
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
}

static void lists_in_pages(void **state)
{
	struct replicas *r = *state;

	extend(r, "a b c d e");
	vec_list(&r->command, 1, 3);
	replicas_ask(r);
	assert_list(r, "b c d");
	assert_int_equal(r->result.count, 1);
	vec_list(&r->command, 4, 3);
	replicas_ask(r);
	assert_list(r, "e");
	assert_int_equal(r->result.count, 0);
	vec_list(&r->command, UINT64_MAX, 1);
	replicas_ask(r);
	assert_list(r, "");
}

/* A result must stay small; so what a pop could not hand over stays where it is. */
static void pop_of_what_no_result_can_hold_is_refused(void **state)
{
	struct replicas *r = *state;
	char *large = memory_new(STATE_RESULT_MAX + 1);

	memset(large, 'x', STATE_RESULT_MAX);
	vec_push(&r->command, bytes_of(large, STATE_RESULT_MAX));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	vec_pop(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_LARGE);
	vec_pop_front(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_LARGE);
	vec_get(&r->command, 0);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.value[0].size, STATE_RESULT_MAX);
	vec_remove(&r->command, 0);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_true(r->result.left_out);
	assert_int_equal(r->result.count, 0);
	memory_free(large);
}

static void text_that_is_none_is_refused(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(insert(r, 0, "\xFF"), OUTCOME_TYPE);
	vec_extend(&r->command, words("a \xC0\x80"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	assert_values(r, "");
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(push_front_back_ordering),
		CASE(pop_until_empty),
		CASE(swap_variations),
		CASE(insert_at_positions),
		CASE(insert_beyond_the_end_is_refused),
		CASE(truncate_edge_cases),
		CASE(remove_and_remove_out_of_bounds),
		CASE(extend_empty_changes_nothing),
		CASE(clear_then_rebuild),
		CASE(get_last_length_and_index_of),
		CASE(lists_in_pages),
		CASE(pop_of_what_no_result_can_hold_is_refused),
		CASE(text_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
