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
#include "wire/cbor.h"

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

static void fold(struct state *state, const struct log_part *part)
{
	struct buffer payload = {0};

	log_part_encode(part, &payload);
	state->ops->fold(state->self, buffer_bytes(&payload));
	buffer_fini(&payload);
}

static struct id hash(const struct state *state)
{
	return state->ops->hash(state->self);
}

/* Through its items; equal to what it was made from. */
static void expect_the_same_restored(const struct state *state)
{
	struct state other = log_state_new();
	void *frozen = state->ops->freeze(state->self);
	struct buffer items = {0};
	uint64_t cursor = 0;
	struct id ours, theirs;
	struct bytes rest;

	while (state->ops->items(frozen, &cursor, 1, &items))
		continue;
	state->ops->thaw(frozen);
	for (rest = buffer_bytes(&items); rest.size > 0;) {
		size_t length, head = cbor_bytes_head_read(rest, &length);

		assert_int_equal(other.ops->restore(other.self, bytes_of(rest.data + head, length)), OK);
		rest = bytes_of(rest.data + head + length, rest.size - head - length);
	}
	ours = hash(state);
	theirs = hash(&other);
	assert_true(id_equal(&ours, &theirs));
	assert_int_equal(log_state_count(&other), log_state_count(state));
	assert_int_equal(log_state_last(&other), log_state_last(state));
	assert_int_equal(log_state_base(&other)->position, log_state_base(state)->position);
	buffer_fini(&items);
	other.ops->free(other.self);
}

static void a_base_takes_the_place_of_what_it_stands_for(void **unused)
{
	struct state state = log_state_new();
	struct id before, after;

	(void)unused;
	for (uint64_t position = 1; position <= 3000; position++)
		add(&state, position, bytes_of_text("text"));
	before = hash(&state);
	fold(&state, &(struct log_part){2000, 4, 0, 2, bytes_of_text("what 2000 ")});
	expect_the_same_restored(&state);   /* half of one is content, too */
	assert_int_equal(log_state_count(&state), 3000);
	fold(&state, &(struct log_part){2000, 4, 1, 2, bytes_of_text("came to")});
	assert_int_equal(log_state_count(&state), 1000);
	assert_int_equal(log_state_last(&state), 3000);
	assert_int_equal(log_state_base(&state)->position, 2000);
	assert_int_equal(log_base_size(log_state_base(&state)), 17);
	assert_int_equal(ask(&state, 1, 10, 2001), 10);
	after = hash(&state);
	assert_false(id_equal(&before, &after));
	expect_the_same_restored(&state);
	fold(&state, &(struct log_part){3000, 5, 0, 1, bytes_of_text("")});   /* of everything, to nothing */
	assert_int_equal(log_state_count(&state), 0);
	assert_int_equal(log_state_last(&state), 3000);
	expect_the_same_restored(&state);
	add(&state, 3001, bytes_of_text("next"));
	expect_the_same_restored(&state);
	state.ops->free(state.self);
}

static void parts_that_do_not_fit_change_nothing(void **unused)
{
	struct state state = log_state_new();
	const struct log_part wrong[] = {
		{11, 4, 0, 1, bytes_of_text("of what is not there yet")},
		{5, 4, 0, 1, bytes_of_text("of what is folded")},
		{8, 4, 1, 2, bytes_of_text("without a first part")},
		{8, 4, 0, LOG_PARTS_MAX + 1, bytes_of_text("too many")},
		{8, 4, 2, 2, bytes_of_text("beyond the last")},
	};
	struct id before, after;

	(void)unused;
	for (uint64_t position = 1; position <= 10; position++)
		add(&state, position, bytes_of_text("text"));
	fold(&state, &(struct log_part){5, 4, 0, 1, bytes_of_text("base")});
	before = hash(&state);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		fold(&state, &wrong[i]);
	state.ops->fold(state.self, bytes_of_text("no part"));
	after = hash(&state);
	assert_true(id_equal(&before, &after));
	/* Another leader begins anew: what the first one left behind is not completed. */
	fold(&state, &(struct log_part){8, 4, 0, 2, bytes_of_text("old ")});
	fold(&state, &(struct log_part){8, 6, 0, 2, bytes_of_text("new ")});
	fold(&state, &(struct log_part){8, 4, 1, 2, bytes_of_text("old")});
	assert_int_equal(log_state_base(&state)->position, 5);
	fold(&state, &(struct log_part){8, 6, 1, 2, bytes_of_text("new")});
	assert_int_equal(log_state_base(&state)->position, 8);
	expect_the_same_restored(&state);
	state.ops->free(state.self);
}

/* A frozen content outlives the fold that takes its records away. */
static void what_is_frozen_stays_beside_a_base(void **unused)
{
	struct state state = log_state_new();
	struct buffer items = {0};
	struct log_record record;
	struct bytes rest;
	uint64_t cursor = 0, count = 0;
	void *frozen;

	(void)unused;
	for (uint64_t position = 1; position <= 3000; position++)
		add(&state, position, bytes_of_text("text"));
	frozen = state.ops->freeze(state.self);
	fold(&state, &(struct log_part){3000, 1, 0, 1, bytes_of_text("base")});
	while (state.ops->items(frozen, &cursor, 1000, &items))
		continue;
	state.ops->thaw(frozen);
	for (rest = buffer_bytes(&items); log_record_next(&rest, &record); count++)
		continue;
	assert_int_equal(count, 3000);
	buffer_fini(&items);
	state.ops->free(state.self);
}

static void parts_are_restored_in_their_order_only(void **unused)
{
	struct state state = log_state_new();
	struct buffer first = {0}, second = {0}, whole = {0};

	(void)unused;
	log_part_encode(&(struct log_part){8, 1, 0, 2, bytes_of_text("a")}, &first);
	log_part_encode(&(struct log_part){8, 1, 1, 2, bytes_of_text("b")}, &second);
	log_part_encode(&(struct log_part){9, 1, 0, 1, bytes_of_text("c")}, &whole);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&second)), ERROR_MALFORMED);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&first)), OK);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&first)), ERROR_MALFORMED);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&second)), OK);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&whole)), ERROR_MALFORMED);   /* a second base */
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x83\x08\x01\x41x", 5)), ERROR_MALFORMED);   /* is in it */
	assert_int_equal(state.ops->restore(state.self, bytes_of("\x83\x09\x01\x41x", 5)), OK);
	assert_int_equal(state.ops->restore(state.self, buffer_bytes(&first)), ERROR_MALFORMED);   /* behind a record */
	buffer_fini(&first);
	buffer_fini(&second);
	buffer_fini(&whole);
	state.ops->free(state.self);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_ranges),
		cmocka_unit_test(an_answer_has_an_end),
		cmocka_unit_test(what_is_frozen_stays),
		cmocka_unit_test(takes_back_only_what_it_gave),
		cmocka_unit_test(a_base_takes_the_place_of_what_it_stands_for),
		cmocka_unit_test(parts_that_do_not_fit_change_nothing),
		cmocka_unit_test(what_is_frozen_stays_beside_a_base),
		cmocka_unit_test(parts_are_restored_in_their_order_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
