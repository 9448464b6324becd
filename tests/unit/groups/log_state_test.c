/*
 * The append list: ranges of it, its frozen content, its hash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "groups/log_state.h"

static void add(struct state *state, uint64_t position, struct bytes command)
{
	struct buffer result = {0}, changes = {0};
	struct log_record record;

	state->ops->apply(state->self, &(struct state_moment){position, 3}, command, &result, &changes);
	assert_int_equal(result.size, 0);
	assert_int_equal(log_record_decode(buffer_bytes(&changes), &record), OK);
	assert_int_equal(record.position, position);
	assert_int_equal(record.term, 3);
	assert_true(bytes_equal(record.command, command));
	buffer_fini(&result);
	buffer_fini(&changes);
}

/* Number of records that the answer has; they begin at `first`. */
static size_t ask(const struct state *state, uint64_t position, uint64_t most, uint64_t first)
{
	struct buffer query = {0}, answer = {0};
	struct log_record record;
	struct bytes rest;
	size_t count = 0;

	log_state_query(position, most, &query);
	assert_int_equal(state->ops->query(state->self, buffer_bytes(&query), &answer), OK);
	rest = buffer_bytes(&answer);
	while (log_record_next(&rest, &record)) {
		if (count++ == 0)
			assert_int_equal(record.position, first);
	}
	assert_int_equal(rest.size, 0);
	buffer_fini(&query);
	buffer_fini(&answer);
	return count;
}

static void gives_ranges(void **unused)
{
	struct state state = log_state_new();
	struct buffer answer = {0};

	(void)unused;
	assert_int_equal(ask(&state, 0, 10, 0), 0);
	for (uint64_t position = 2; position <= 10000; position += 2)
		add(&state, position, bytes_of_text("text"));
	assert_int_equal(log_state_count(&state), 5000);
	assert_int_equal(ask(&state, 0, 10, 2), 10);
	assert_int_equal(ask(&state, 4097, 3, 4098), 3);
	assert_int_equal(ask(&state, 9999, 3, 10000), 1);
	assert_int_equal(ask(&state, 10001, 3, 0), 0);
	assert_int_equal(ask(&state, 5000, 0, 0), 0);
	assert_int_equal(ask(&state, 2, UINT64_MAX, 2), 5000);
	assert_int_equal(state.ops->query(state.self, bytes_of_text("?"), &answer), ERROR_MALFORMED);
	state.ops->free(state.self);
}

static void an_answer_has_an_end(void **unused)
{
	static uint8_t large[700000];
	struct state state = log_state_new();

	(void)unused;
	for (uint64_t position = 1; position <= 4; position++)
		add(&state, position, bytes_of(large, sizeof large));
	assert_int_equal(ask(&state, 1, 4, 1), 1);
	state.ops->free(state.self);
}

static void what_is_frozen_stays(void **unused)
{
	struct state state = log_state_new(), other = log_state_new();
	struct buffer items = {0};
	struct bytes rest;
	struct log_record record;
	uint64_t cursor = 0, count = 0;
	void *frozen;
	struct id before, after;

	(void)unused;
	for (uint64_t position = 1; position <= 3000; position++)
		add(&state, position, bytes_of_text("early"));
	before = state.ops->hash(state.self);
	frozen = state.ops->freeze(state.self);
	for (uint64_t position = 3001; position <= 6000; position++)
		add(&state, position, bytes_of_text("late"));
	while (state.ops->items(frozen, &cursor, 1000, &items))
		continue;
	state.ops->thaw(frozen);
	rest = buffer_bytes(&items);
	while (log_record_next(&rest, &record)) {
		assert_true(bytes_equal(record.command, bytes_of_text("early")));
		add(&other, record.position, record.command);
		count++;
	}
	assert_int_equal(count, 3000);
	after = other.ops->hash(other.self);
	assert_true(id_equal(&before, &after));
	after = state.ops->hash(state.self);
	assert_false(id_equal(&before, &after));
	buffer_fini(&items);
	state.ops->free(state.self);
	other.ops->free(other.self);
}

static void takes_back_only_what_it_gave(void **unused)
{
	struct state state = log_state_new();

	(void)unused;
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x83\x02\x01\x41x", 5)), OK);
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x83\x02\x01\x41x", 5)), ERROR_MALFORMED);   /* again */
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x83\x03\x01\x41", 4)), ERROR_MALFORMED);
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x82\x03\x01", 3)), ERROR_MALFORMED);
	assert_int_equal(log_state_count(&state), 1);
	state.ops->clear(state.self);
	assert_int_equal(log_state_count(&state), 0);
	state.ops->free(state.self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_ranges),
		cmocka_unit_test(an_answer_has_an_end),
		cmocka_unit_test(what_is_frozen_stays),
		cmocka_unit_test(takes_back_only_what_it_gave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
