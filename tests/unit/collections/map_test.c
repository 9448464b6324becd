/*
 * map_test.c - what a map does with each command.
 */
#include "replicas.h"

static struct replicas *open_map(enum type key, enum type value)
{
	struct replicas *r = memory_new(sizeof *r);

	replicas_open(r, &(struct collection_shape){
		.kind = COLLECTION_MAP, .type = {[PART_KEY] = key, [PART_VALUE] = value}});
	return r;
}

static int setup(void **state)
{
	*state = open_map(TYPE_STR, TYPE_STR);
	return 0;
}

static int teardown(void **state)
{
	replicas_check(*state);
	replicas_close(*state);
	memory_free(*state);
	return 0;
}

static void put(struct replicas *r, const char *key, const char *value)
{
	map_put(&r->command, T(key), T(value));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
}

static void assert_at(struct replicas *r, const char *key, const char *value)
{
	map_get(&r->command, T(key));
	if (value == NULL) {
		assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
		return;
	}
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_value(r, value);
}

static void assert_pairs(struct replicas *r, const char *want)
{
	map_list(&r->command, &(struct map_list){.parts = MAP_PAIRS});
	replicas_ask(r);
	assert_list(r, want);
}

static uint64_t length(struct replicas *r)
{
	map_len(&r->command, T(""));
	replicas_ask(r);
	return r->result.count;
}

static void basic_writes_are_seen(void **state)
{
	struct replicas *r = *state;

	put(r, "b", "2");
	assert_int_equal(r->result.count, 1);
	assert_int_equal(r->result.values, 0);
	put(r, "a", "1");
	assert_pairs(r, "a 1 b 2");
	assert_at(r, "a", "1");
	assert_at(r, "c", NULL);
	assert_int_equal(length(r), 2);
}

static void insert_overwrite_tells_what_it_replaced(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	put(r, "a", "2");
	assert_int_equal(r->result.count, 0);
	assert_value(r, "1");
	assert_int_equal(length(r), 1);
	assert_at(r, "a", "2");
}

static void extend_overwrites_and_the_last_of_equal_keys_wins(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "old");
	map_put_many(&r->command, words("a 1 b 2 c 3 b 4"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	assert_pairs(r, "a 1 b 4 c 3");
}

static void extend_empty_changes_nothing(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	map_put_many(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	map_remove_many(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_pairs(r, "a 1");
}

static void half_a_pair_is_malformed_and_changes_nothing(void **state)
{
	struct replicas *r = *state;

	map_put_many(&r->command, words("a 1 b"));
	assert_int_equal(replicas_do(r), OUTCOME_MALFORMED);
	assert_int_equal(length(r), 0);
}

static void remove_tells_what_it_removed(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	map_remove(&r->command, T("a"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_value(r, "1");
	assert_at(r, "a", NULL);
}

static void remove_nonexistent_is_a_no(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	map_remove(&r->command, T("b"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_int_equal(r->changes.size, 0);
	assert_pairs(r, "a 1");
}

static void remove_all_entries_one_by_one(void **state)
{
	struct replicas *r = *state;

	map_put_many(&r->command, words("a 1 b 2 c 3"));
	replicas_do(r);
	for (const char *key = "abc"; *key != '\0'; key++) {
		map_remove(&r->command, bytes_of(key, 1));
		assert_int_equal(replicas_do(r), OUTCOME_DONE);
	}
	assert_int_equal(length(r), 0);
}

static void remove_many_counts_those_that_were_there(void **state)
{
	struct replicas *r = *state;

	map_put_many(&r->command, words("a 1 b 2 c 3"));
	replicas_do(r);
	map_remove_many(&r->command, words("a x c c"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	assert_pairs(r, "b 2");
}

static void clear_then_rebuild(void **state)
{
	struct replicas *r = *state;

	map_put_many(&r->command, words("a 1 b 2"));
	replicas_do(r);
	map_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	map_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	put(r, "c", "3");
	assert_pairs(r, "c 3");
}

/* NULL: absent, or to be removed. */
static enum outcome cas(struct replicas *r, const char *key, const char *from, const char *to)
{
	map_cas(&r->command, &(struct map_swap){
		.key = T(key),
		.has_expected = from != NULL,
		.expected = T(from != NULL ? from : ""),
		.has_replacement = to != NULL,
		.replacement = T(to != NULL ? to : ""),
	});
	return replicas_do(r);
}

static void compare_exchange_success(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	assert_int_equal(cas(r, "a", "1", "2"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_at(r, "a", "2");
}

static void compare_exchange_insert_new_key(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(cas(r, "a", NULL, "1"), OUTCOME_DONE);
	assert_at(r, "a", "1");
	assert_int_equal(cas(r, "a", NULL, "2"), OUTCOME_MISMATCH);
	assert_value(r, "1");
	assert_at(r, "a", "1");
}

static void compare_exchange_remove_key(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	assert_int_equal(cas(r, "a", "1", NULL), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_at(r, "a", NULL);
}

static void compare_exchange_mismatch_tells_the_value(void **state)
{
	struct replicas *r = *state;

	put(r, "a", "1");
	assert_int_equal(cas(r, "a", "2", "3"), OUTCOME_MISMATCH);
	assert_value(r, "1");
	assert_int_equal(cas(r, "a", "2", NULL), OUTCOME_MISMATCH);
	assert_int_equal(r->changes.size, 0);
	assert_at(r, "a", "1");
}

static void compare_exchange_mismatch_on_missing_key(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(cas(r, "a", "1", "2"), OUTCOME_MISMATCH);
	assert_int_equal(r->result.values, 0);
	assert_int_equal(cas(r, "a", "", "2"), OUTCOME_MISMATCH);      /* an empty value is a value */
	assert_int_equal(length(r), 0);
}

static void compare_exchange_chained_and_mixed(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(cas(r, "a", NULL, "1"), OUTCOME_DONE);
	assert_int_equal(cas(r, "a", "1", "2"), OUTCOME_DONE);
	assert_int_equal(cas(r, "a", "1", "3"), OUTCOME_MISMATCH);
	put(r, "a", "4");
	assert_int_equal(cas(r, "b", NULL, "x"), OUTCOME_DONE);
	assert_int_equal(cas(r, "a", "4", "5"), OUTCOME_DONE);
	map_remove(&r->command, T("a"));
	replicas_do(r);
	assert_int_equal(cas(r, "a", "5", "6"), OUTCOME_MISMATCH);
	assert_pairs(r, "b x");
}

static void compare_exchange_none_to_none(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(cas(r, "a", NULL, NULL), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	assert_int_equal(r->changes.size, 0);
	assert_int_equal(length(r), 0);
}

static void lists_by_prefix_in_pages(void **state)
{
	struct replicas *r = *state;
	struct map_list list = {.prefix = T("k"), .limit = 2, .parts = MAP_KEYS};

	map_put_many(&r->command, words("k3 c k1 a a 0 k2 b z 9 k 8"));
	replicas_do(r);
	map_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "k k1");
	assert_int_equal(r->result.count, 1);
	list.resumes = true;
	list.after = T("k1");
	map_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "k2 k3");
	assert_int_equal(r->result.count, 0);
	list.after = T("k2+");                 /* not there: begins where it would be */
	list.parts = MAP_VALUES;
	map_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "c");
	list.after = T("a");                   /* before the prefix */
	map_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "8 a");
	list.after = T("zz");                  /* behind it */
	map_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "");
	assert_int_equal(r->result.count, 0);
}

static void length_of_a_prefix_and_rank_of_a_key(void **state)
{
	struct replicas *r = *state;

	map_put_many(&r->command, words("k3 c k1 a a 0 k2 b z 9"));
	replicas_do(r);
	map_len(&r->command, T("k"));
	replicas_ask(r);
	assert_int_equal(r->result.count, 3);
	map_rank(&r->command, T("k2"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	map_rank(&r->command, T("x"));
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	assert_int_equal(r->result.count, 4);
}

static void numbers_as_keys_are_in_order(void **state)
{
	static const char *const numbers[] = {"5", "-3", "100", "0", "-40"};
	struct replicas *r = open_map(TYPE_I64, TYPE_U64);
	struct buffer key = {0}, value = {0};
	struct bytes rest, item;
	int64_t last = INT64_MIN;
	size_t count = 0;

	(void)state;
	assert_int_equal(type_from_text(TYPE_U64, T("7"), &value), OK);
	for (size_t i = 0; i < 5; i++) {
		buffer_clear(&key);
		assert_int_equal(type_from_text(TYPE_I64, T(numbers[i]), &key), OK);
		map_put(&r->command, buffer_bytes(&key), buffer_bytes(&value));
		assert_int_equal(replicas_do(r), OUTCOME_DONE);
	}
	map_list(&r->command, &(struct map_list){.parts = MAP_KEYS});
	replicas_ask(r);
	for (rest = r->result.value[0]; sequence_next(&rest, &item); count++) {
		assert_true(type_get_i64(item.data) > last);
		last = type_get_i64(item.data);
	}
	assert_int_equal(count, 5);
	buffer_fini(&key);
	buffer_fini(&value);
	replicas_check(r);
	replicas_close(r);
	memory_free(r);
}

static void wrong_types_are_refused_and_change_nothing(void **state)
{
	struct replicas *r = open_map(TYPE_U64, TYPE_BOOL);

	(void)state;
	map_put(&r->command, T("seven"), T("\x01"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	map_put(&r->command, T("12345678"), T("\x02"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	map_put_many(&r->command, words("12345678 \x01 1234567 \x01"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	map_remove(&r->command, T("1"));
	assert_int_equal(replicas_do(r), OUTCOME_TYPE);
	assert_int_equal(cas(r, "12345678", NULL, "\x03"), OUTCOME_TYPE);
	assert_int_equal(length(r), 0);
	replicas_close(r);
	memory_free(r);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(basic_writes_are_seen),
		CASE(insert_overwrite_tells_what_it_replaced),
		CASE(extend_overwrites_and_the_last_of_equal_keys_wins),
		CASE(extend_empty_changes_nothing),
		CASE(half_a_pair_is_malformed_and_changes_nothing),
		CASE(remove_tells_what_it_removed),
		CASE(remove_nonexistent_is_a_no),
		CASE(remove_all_entries_one_by_one),
		CASE(remove_many_counts_those_that_were_there),
		CASE(clear_then_rebuild),
		CASE(compare_exchange_success),
		CASE(compare_exchange_insert_new_key),
		CASE(compare_exchange_remove_key),
		CASE(compare_exchange_mismatch_tells_the_value),
		CASE(compare_exchange_mismatch_on_missing_key),
		CASE(compare_exchange_chained_and_mixed),
		CASE(compare_exchange_none_to_none),
		CASE(lists_by_prefix_in_pages),
		CASE(length_of_a_prefix_and_rank_of_a_key),
		cmocka_unit_test(numbers_as_keys_are_in_order),
		cmocka_unit_test(wrong_types_are_refused_and_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
