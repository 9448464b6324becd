/*
 * set_test.c - what a set does with each command.
 */
#include "replicas.h"

static int setup(void **state)
{
	struct replicas *r = memory_new(sizeof *r);

	replicas_open(r, &(struct collection_shape){.kind = COLLECTION_SET, .type = {[PART_KEY] = TYPE_STR}});
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

static enum outcome add(struct replicas *r, const char *key)
{
	set_add(&r->command, T(key));
	return replicas_do(r);
}

static enum outcome drop(struct replicas *r, const char *key)
{
	set_remove(&r->command, T(key));
	return replicas_do(r);
}

static void assert_keys(struct replicas *r, const char *want)
{
	set_list(&r->command, &(struct set_list){0});
	replicas_ask(r);
	assert_list(r, want);
}

static void add_and_has(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(add(r, "b"), OUTCOME_DONE);
	assert_int_equal(add(r, "a"), OUTCOME_DONE);
	set_has(&r->command, T("a"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.values, 0);
	set_has(&r->command, T("c"));
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	assert_keys(r, "a b");
}

static void insert_duplicate_keeps_the_size(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(add(r, "a"), OUTCOME_DONE);
	assert_int_equal(add(r, "a"), OUTCOME_NOTHING);
	assert_int_equal(r->changes.size, 0);
	assert_keys(r, "a");
}

static void extend_with_duplicates_counts_uniques(void **state)
{
	struct replicas *r = *state;

	add(r, "b");
	set_add_many(&r->command, words("a b c a c"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	set_add_many(&r->command, words("a b"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	set_add_many(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_keys(r, "a b c");
}

static void remove_one_by_one_and_what_is_absent(void **state)
{
	struct replicas *r = *state;

	set_add_many(&r->command, words("a b"));
	replicas_do(r);
	assert_int_equal(drop(r, "c"), OUTCOME_NOTHING);
	assert_int_equal(drop(r, "a"), OUTCOME_DONE);
	assert_int_equal(drop(r, "a"), OUTCOME_NOTHING);
	assert_int_equal(drop(r, "b"), OUTCOME_DONE);
	assert_keys(r, "");
}

static void remove_many_counts_those_that_were_there(void **state)
{
	struct replicas *r = *state;

	set_add_many(&r->command, words("a b c d"));
	replicas_do(r);
	set_remove_many(&r->command, words("d x a"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	set_remove_many(&r->command, words("x"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_keys(r, "b c");
}

static void clear_then_rebuild(void **state)
{
	struct replicas *r = *state;

	set_add_many(&r->command, words("a b c"));
	replicas_do(r);
	set_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 3);
	add(r, "z");
	assert_keys(r, "z");
}

/* A subset B: what lists A is asked of B, page by page. */
static void subset_check(void **state)
{
	struct replicas *a = *state, b;

	replicas_open(&b, &a->shape);
	set_add_many(&a->command, words("1 2 3"));
	replicas_do(a);
	set_add_many(&b.command, words("0 1 2 3 4"));
	replicas_do(&b);
	set_list(&a->command, &(struct set_list){0});
	replicas_ask(a);
	set_has_all(&b.command, a->result.value[0]);
	assert_int_equal(replicas_ask(&b), OUTCOME_DONE);
	assert_int_equal(b.result.count, 3);
	set_list(&b.command, &(struct set_list){0});
	replicas_ask(&b);
	set_has_all(&a->command, b.result.value[0]);
	assert_int_equal(replicas_ask(a), OUTCOME_NOTHING);
	assert_int_equal(a->result.count, 3);
	set_has_all(&a->command, words(""));
	assert_int_equal(replicas_ask(a), OUTCOME_DONE);
	replicas_close(&b);
}

static void lists_lengths_and_ranks(void **state)
{
	struct replicas *r = *state;

	set_add_many(&r->command, words("a k1 k2 k3 z"));
	replicas_do(r);
	set_list(&r->command, &(struct set_list){.prefix = T("k"), .resumes = true, .after = T("k1"), .limit = 1});
	replicas_ask(r);
	assert_list(r, "k2");
	assert_int_equal(r->result.count, 1);
	set_len(&r->command, T("k"));
	replicas_ask(r);
	assert_int_equal(r->result.count, 3);
	set_len(&r->command, T(""));
	replicas_ask(r);
	assert_int_equal(r->result.count, 5);
	set_rank(&r->command, T("k3"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 3);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(add_and_has),
		CASE(insert_duplicate_keeps_the_size),
		CASE(extend_with_duplicates_counts_uniques),
		CASE(remove_one_by_one_and_what_is_absent),
		CASE(remove_many_counts_those_that_were_there),
		CASE(clear_then_rebuild),
		CASE(subset_check),
		CASE(lists_lengths_and_ranks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
