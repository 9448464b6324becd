/*
 * pqueue_test.c - what a pqueue does with each command. Priorities are texts where order is all that matters.
 */
#include "replicas.h"

static struct replicas *open_queue(enum type priority, uint64_t capacity)
{
	struct replicas *r = memory_new(sizeof *r);

	replicas_open(r, &(struct collection_shape){
		.kind = COLLECTION_PQUEUE,
		.type = {[PART_PRIORITY] = priority, [PART_KEY] = TYPE_STR, [PART_VALUE] = TYPE_STR},
		.capacity = capacity,
	});
	return r;
}

static int setup(void **state)
{
	*state = open_queue(TYPE_BYTES, 0);
	return 0;
}

static int setup_three(void **state)
{
	*state = open_queue(TYPE_BYTES, 3);
	return 0;
}

static int teardown(void **state)
{
	replicas_check(*state);
	replicas_close(*state);
	memory_free(*state);
	return 0;
}

static enum outcome push(struct replicas *r, const char *priority, const char *key, const char *value)
{
	pqueue_push(&r->command, &(struct pqueue_entry){T(priority), T(key), T(value)});
	return replicas_do(r);
}

static void push_many(struct replicas *r, const char *entries)
{
	pqueue_push_many(&r->command, words(entries));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
}

static void assert_entries(struct replicas *r, const char *want)
{
	pqueue_list(&r->command, &(struct pqueue_list){0});
	replicas_ask(r);
	assert_list(r, want);
}

/* The entry in the last result, as "priority key value". */
static void assert_entry(const struct replicas *r, const char *want)
{
	struct buffer text = {0};

	assert_int_equal(r->result.values, 3);
	for (size_t i = 0; i < 3; i++) {
		buffer_append(&text, T(i > 0 ? " " : ""));
		buffer_append(&text, r->result.value[i]);
	}
	assert_bytes(buffer_bytes(&text), want);
	buffer_fini(&text);
}

static void assert_ends(struct replicas *r, const char *low, const char *high)
{
	pqueue_min(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_entry(r, low);
	pqueue_max(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_entry(r, high);
}

static void min_and_max_and_get(void **state)
{
	struct replicas *r = *state;

	pqueue_min(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	pqueue_max(&r->command);
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	push_many(r, "5 e E 1 a A 3 c C");
	assert_ends(r, "1 a A", "5 e E");
	pqueue_get(&r->command, T("c"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	assert_entry(r, "3 c C");
	pqueue_get(&r->command, T("d"));
	assert_int_equal(replicas_ask(r), OUTCOME_NOTHING);
	pqueue_len(&r->command);
	replicas_ask(r);
	assert_int_equal(r->result.count, 3);
}

static void insert_overwrite_takes_priority_and_value(void **state)
{
	struct replicas *r = *state;

	assert_int_equal(push(r, "1", "a", "A"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_int_equal(r->result.values, 0);
	assert_int_equal(push(r, "9", "a", "B"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	assert_entry(r, "1 a A");
	assert_entries(r, "9 a B");
}

static void update_priority_moves_and_ignores_absent(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B");
	pqueue_set_priority(&r->command, T("a"), T("3"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entry(r, "1 a A");
	assert_entries(r, "2 b B 3 a A");
	pqueue_set_priority(&r->command, T("x"), T("3"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_int_equal(r->changes.size, 0);
	assert_entries(r, "2 b B 3 a A");
}

static void update_value_keeps_priority(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B");
	pqueue_set_value(&r->command, T("a"), T("Z"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entry(r, "1 a A");
	assert_entries(r, "1 a Z 2 b B");
	pqueue_set_value(&r->command, T("x"), T("Z"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
}

static enum outcome remove_range(struct replicas *r, enum pqueue_bound from, const char *low, enum pqueue_bound to,
	const char *high)
{
	struct pqueue_range range = {.from = from, .low = T(low), .to = to, .high = T(high)};

	pqueue_remove_range(&r->command, &range);
	return replicas_do(r);
}

static void remove_range_of_every_kind(void **state)
{
	struct replicas *r = *state;

	push_many(r, "10 a 1 20 b 2 25 c 3 30 d 4 40 e 5 45 f 6 50 g 7");
	assert_int_equal(remove_range(r, PQUEUE_UNBOUNDED, "", PQUEUE_EXCLUDED, "25"), OUTCOME_DONE);     /* ..25 */
	assert_int_equal(r->result.count, 2);
	assert_entries(r, "25 c 3 30 d 4 40 e 5 45 f 6 50 g 7");
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "45", PQUEUE_UNBOUNDED, ""), OUTCOME_DONE);     /* 45.. */
	assert_entries(r, "25 c 3 30 d 4 40 e 5");
	assert_int_equal(remove_range(r, PQUEUE_EXCLUDED, "25", PQUEUE_INCLUDED, "30"), OUTCOME_DONE);
	assert_entries(r, "25 c 3 40 e 5");
	push_many(r, "20 b 2 30 d 4 50 g 7");
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "20", PQUEUE_INCLUDED, "40"), OUTCOME_DONE);    /* 20..=40 */
	assert_entries(r, "50 g 7");
	assert_int_equal(remove_range(r, PQUEUE_UNBOUNDED, "", PQUEUE_UNBOUNDED, ""), OUTCOME_DONE);      /* .. */
	assert_int_equal(r->result.count, 1);
	assert_entries(r, "");
	assert_int_equal(remove_range(r, PQUEUE_UNBOUNDED, "", PQUEUE_UNBOUNDED, ""), OUTCOME_NOTHING);
}

static void remove_range_that_matches_nothing(void **state)
{
	struct replicas *r = *state;

	push_many(r, "10 a 1 20 b 2");
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "11", PQUEUE_EXCLUDED, "20"), OUTCOME_NOTHING);
	assert_int_equal(remove_range(r, PQUEUE_EXCLUDED, "20", PQUEUE_UNBOUNDED, ""), OUTCOME_NOTHING);
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "20", PQUEUE_INCLUDED, "10"), OUTCOME_NOTHING);   /* upside down */
	assert_entries(r, "10 a 1 20 b 2");
}

static void equal_priorities_are_ordered_by_key(void **state)
{
	struct replicas *r = *state;

	push_many(r, "5 c C 5 a A 5 b B 7 z Z");
	assert_entries(r, "5 a A 5 b B 5 c C 7 z Z");
	assert_ends(r, "5 a A", "7 z Z");
	pqueue_remove(&r->command, T("a"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entry(r, "5 a A");
	pqueue_remove(&r->command, T("z"));
	replicas_do(r);
	assert_ends(r, "5 b B", "5 c C");
}

static void remove_nonexistent_and_many(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B 3 c C");
	pqueue_remove(&r->command, T("x"));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	pqueue_remove_many(&r->command, words("c x a"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	pqueue_remove_many(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	pqueue_push_many(&r->command, words(""));
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_entries(r, "2 b B");
	pqueue_clear(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	push(r, "4", "d", "D");
	assert_entries(r, "4 d D");
}

static void take_from_both_ends(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B 3 c C");
	pqueue_take_max(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entry(r, "3 c C");
	assert_int_equal(r->result.count, 2);
	pqueue_take_min(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entry(r, "1 a A");
	pqueue_take_min(&r->command);
	replicas_do(r);
	pqueue_take_min(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	pqueue_take_max(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_NOTHING);
	assert_entries(r, "");
}

static void take_of_what_no_result_can_hold_is_refused(void **state)
{
	struct replicas *r = *state;
	char *large = memory_new(STATE_RESULT_MAX + 1);

	memset(large, 'x', STATE_RESULT_MAX);
	assert_int_equal(push(r, "1", "a", large), OUTCOME_DONE);
	pqueue_take_min(&r->command);
	assert_int_equal(replicas_do(r), OUTCOME_LARGE);
	pqueue_get(&r->command, T("a"));
	assert_int_equal(replicas_ask(r), OUTCOME_DONE);
	pqueue_remove(&r->command, T("a"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_true(r->result.left_out);
	memory_free(large);
}

static enum outcome cas(struct replicas *r, const char *key, const char *from, const char *to)
{
	pqueue_cas(&r->command, &(struct pqueue_swap){
		.key = T(key),
		.expected = T(from),
		.has_replacement = to != NULL,
		.replacement = T(to != NULL ? to : ""),
	});
	return replicas_do(r);
}

static void compare_exchange_value(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B 3 c C");
	assert_int_equal(cas(r, "b", "B", "X"), OUTCOME_DONE);
	assert_entries(r, "1 a A 2 b X 3 c C");                /* the priority stays */
	assert_int_equal(cas(r, "b", "B", "Y"), OUTCOME_MISMATCH);
	assert_value(r, "X");
	assert_int_equal(cas(r, "b", "B", NULL), OUTCOME_MISMATCH);
	assert_int_equal(cas(r, "x", "B", "Y"), OUTCOME_MISMATCH);
	assert_int_equal(r->result.values, 0);
	assert_int_equal(cas(r, "b", "X", "Y"), OUTCOME_DONE);
	pqueue_set_priority(&r->command, T("b"), T("9"));
	replicas_do(r);
	assert_int_equal(cas(r, "b", "Y", "Z"), OUTCOME_DONE);
	assert_entries(r, "1 a A 3 c C 9 b Z");
}

static void compare_exchange_value_remove_affects_minmax(void **state)
{
	struct replicas *r = *state;

	push_many(r, "1 a A 2 b B 3 c C");
	assert_int_equal(cas(r, "a", "A", NULL), OUTCOME_DONE);
	assert_int_equal(cas(r, "c", "C", NULL), OUTCOME_DONE);
	assert_ends(r, "2 b B", "2 b B");
}

static void lists_in_both_directions_in_pages(void **state)
{
	struct replicas *r = *state;
	struct pqueue_list list = {.limit = 2};

	push_many(r, "3 c C 1 a A 2 b B 2 d D");
	pqueue_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "1 a A 2 b B");
	assert_int_equal(r->result.count, 1);
	list.resumes = true;
	list.after_priority = T("2");
	list.after_key = T("b");
	pqueue_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "2 d D 3 c C");
	assert_int_equal(r->result.count, 0);
	list.descending = true;
	pqueue_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "1 a A");
	list.resumes = false;
	pqueue_list(&r->command, &list);
	replicas_ask(r);
	assert_list(r, "3 c C 2 d D");
	assert_int_equal(r->result.count, 1);
}

static void bounded_evicts_lowest_priority(void **state)
{
	struct replicas *r = *state;

	push_many(r, "30 c C 10 a A 20 b B");
	assert_int_equal(push(r, "40", "d", "D"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
	assert_entry(r, "10 a A");
	assert_entries(r, "20 b B 30 c C 40 d D");
}

static void bounded_insert_lower_than_all_is_refused(void **state)
{
	struct replicas *r = *state;

	push_many(r, "30 c C 10 b B 20 x X");
	assert_int_equal(push(r, "05", "y", "Y"), OUTCOME_FULL);
	assert_int_equal(push(r, "10", "a", "A"), OUTCOME_FULL);     /* of equals the lower key is the lower one */
	assert_int_equal(r->changes.size, 0);
	assert_entries(r, "10 b B 20 x X 30 c C");
	assert_int_equal(push(r, "10", "c2", "N"), OUTCOME_DONE);
	assert_entries(r, "10 c2 N 20 x X 30 c C");
}

static void bounded_extend_evicts_multiple(void **state)
{
	struct replicas *r = *state;

	push_many(r, "10 a A 40 d D");
	pqueue_push_many(&r->command, words("30 c C 50 e E 20 b B"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_int_equal(r->result.count, 2);
	assert_entries(r, "30 c C 40 d D 50 e E");
	pqueue_push_many(&r->command, words("1 x X"));
	assert_int_equal(replicas_do(r), OUTCOME_FULL);
}

static void bounded_updates_and_upserts_never_evict(void **state)
{
	struct replicas *r = *state;

	push_many(r, "10 a A 20 b B 30 c C");
	pqueue_set_priority(&r->command, T("c"), T("01"));
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
	assert_entries(r, "01 c C 10 a A 20 b B");
	assert_int_equal(push(r, "00", "b", "Z"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 0);
	assert_entries(r, "00 b Z 01 c C 10 a A");
}

static void restore_of_more_than_the_capacity_is_refused(void **state)
{
	struct replicas *r = *state;
	struct replicas *large = open_queue(TYPE_BYTES, 0);
	struct buffer dump = {0};

	push_many(large, "1 a A 2 b B 3 c C 4 d D");
	replicas_dump(&large->state, SIZE_MAX, &dump);
	assert_int_equal(replicas_restore(&r->twin, buffer_bytes(&dump)), ERROR_MALFORMED);
	r->twin.ops->clear(r->twin.self);
	buffer_fini(&dump);
	replicas_close(large);
	memory_free(large);
}

static void push_bytes(struct replicas *r, struct bytes priority, struct bytes key)
{
	pqueue_push(&r->command, &(struct pqueue_entry){priority, key, T("")});
	assert_int_equal(replicas_do(r), OUTCOME_DONE);
}

/* Priorities that begin with one another, and zeroes at the border between priority and key. */
static void zeroes_in_priorities_keep_their_order(void **state)
{
	static const struct bytes priorities[] = {
		{(const uint8_t *)"", 0}, {(const uint8_t *)"\0", 1}, {(const uint8_t *)"\0\0", 2}, {(const uint8_t *)"\0\1", 2},
		{(const uint8_t *)"\1", 1}, {(const uint8_t *)"a", 1}, {(const uint8_t *)"a\0", 2}, {(const uint8_t *)"a\0\0b", 4},
		{(const uint8_t *)"a\1", 2}, {(const uint8_t *)"ab", 2}, {(const uint8_t *)"\xFF\xFF", 2},
	};
	const size_t count = sizeof priorities / sizeof priorities[0];
	struct replicas *r = *state;
	struct bytes rest, item;
	size_t seen = 0;

	for (size_t i = 0; i < count; i++) {
		size_t which = (i * 5 + 3) % count;
		const uint8_t key[] = {(uint8_t)which, 0};

		push_bytes(r, priorities[which], bytes_of(key, 2));
	}
	pqueue_list(&r->command, &(struct pqueue_list){0});
	replicas_ask(r);
	for (rest = r->result.value[0]; sequence_next(&rest, &item); seen++) {
		assert_true(bytes_equal(item, priorities[seen]));
		assert_true(sequence_next(&rest, &item));
		assert_int_equal(item.data[0], seen);
		assert_true(sequence_next(&rest, &item));
	}
	assert_int_equal(seen, count);
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "a", PQUEUE_INCLUDED, "a"), OUTCOME_DONE);
	assert_int_equal(r->result.count, 1);
}

static void numbers_as_priorities(void **state)
{
	static const char *const numbers[] = {"2.5", "-1e300", "0", "-0.25", "inf", "-inf"};
	struct replicas *r = open_queue(TYPE_F64, 4);
	struct buffer priority = {0};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		buffer_clear(&priority);
		assert_int_equal(type_from_text(TYPE_F64, T(numbers[i]), &priority), OK);
		pqueue_push(&r->command, &(struct pqueue_entry){buffer_bytes(&priority), T(numbers[i]), T("")});
		assert_int_equal(replicas_do(r), i < 5 ? OUTCOME_DONE : OUTCOME_FULL);
	}
	pqueue_min(&r->command);
	replicas_ask(r);
	assert_bytes(r->result.value[1], "-0.25");      /* the lowest of those that are left */
	pqueue_max(&r->command);
	replicas_ask(r);
	assert_bytes(r->result.value[1], "inf");
	assert_int_equal(push(r, "seven", "k", ""), OUTCOME_TYPE);
	assert_int_equal(remove_range(r, PQUEUE_INCLUDED, "x", PQUEUE_UNBOUNDED, ""), OUTCOME_TYPE);
	buffer_fini(&priority);
	replicas_check(r);
	replicas_close(r);
	memory_free(r);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define BOUNDED(f) cmocka_unit_test_setup_teardown(f, setup_three, teardown)
	const struct CMUnitTest tests[] = {
		CASE(min_and_max_and_get),
		CASE(insert_overwrite_takes_priority_and_value),
		CASE(update_priority_moves_and_ignores_absent),
		CASE(update_value_keeps_priority),
		CASE(remove_range_of_every_kind),
		CASE(remove_range_that_matches_nothing),
		CASE(equal_priorities_are_ordered_by_key),
		CASE(remove_nonexistent_and_many),
		CASE(take_from_both_ends),
		CASE(take_of_what_no_result_can_hold_is_refused),
		CASE(compare_exchange_value),
		CASE(compare_exchange_value_remove_affects_minmax),
		CASE(lists_in_both_directions_in_pages),
		BOUNDED(bounded_evicts_lowest_priority),
		BOUNDED(bounded_insert_lower_than_all_is_refused),
		BOUNDED(bounded_extend_evicts_multiple),
		BOUNDED(bounded_updates_and_upserts_never_evict),
		BOUNDED(restore_of_more_than_the_capacity_is_refused),
		CASE(zeroes_in_priorities_keep_their_order),
		cmocka_unit_test(numbers_as_priorities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
