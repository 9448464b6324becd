/*
 * The proposing side of a session: what goes when, what goes again, and what every command came to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "groups/handle.h"

#define RETRY 500

static size_t next_all(struct handle *handle, msec now, struct sending *out, size_t most)
{
	size_t count = 0;

	while (count < most && handle_next(handle, now, &out[count]))
		count++;
	handle_check(handle);
	return count;
}

static void drop(struct sending *sending, size_t count)
{
	for (size_t i = 0; i < count; i++)
		blob_drop(sending[i].payload);
}

/* A handle with session 10. */
static void open_handle(struct handle *handle)
{
	struct sending opening;

	handle_init(handle, 99, RETRY);
	handle_propose(handle, 0, 1, bytes_of_text("first"));
	assert_true(handle_next(handle, 0, &opening));
	assert_int_equal(opening.kind, ENTRY_SESSION_OPEN);
	assert_false(handle_next(handle, 0, &opening));
	handle_opened(handle, 9, bytes_of_text("\x05"));   /* somebody else's */
	assert_int_equal(handle->session, 0);
	handle_opened(handle, 10, blob_bytes(opening.payload));
	assert_int_equal(handle->session, 10);
	blob_drop(opening.payload);
}

static struct session_command decoded(const struct sending *sending)
{
	struct session_command command;

	assert_int_equal(sending->kind, ENTRY_COMMANDS);
	assert_int_equal(session_command_decode(blob_bytes(sending->payload), &command), OK);
	assert_int_equal(command.count, sending->commands);
	return command;
}

static void apply(struct handle *handle, const struct sending *sending, enum session_verdict verdict, uint64_t position)
{
	static uint8_t results[2 * HANDLE_BATCH_COMMANDS];
	struct applied applied = {.has_commands = true, .verdict = verdict, .command = decoded(sending)};

	for (uint32_t i = 0; i < applied.command.count; i++)
		memcpy(results + (size_t)2 * i, "\x41r", 2);
	applied.results = bytes_of(results, (size_t)2 * applied.command.count);
	handle_applied(handle, 100, &applied, position);
	handle_check(handle);
}

static void expect_outcome(struct handle *handle, uint64_t ticket, enum error reason, uint64_t position)
{
	struct outcome outcome;

	assert_true(handle_next_outcome(handle, &outcome));
	assert_int_equal(outcome.ticket, ticket);
	assert_int_equal(outcome.reason, reason);
	assert_int_equal(outcome.position, position);
	if (reason == OK)
		assert_true(bytes_equal(blob_bytes(outcome.result), bytes_of_text("r")));
	blob_drop(outcome.result);
}

static void what_arrives_meanwhile_becomes_one_entry(void **unused)
{
	struct handle handle;
	struct sending sent[8];

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 0, sent, 8), 1);
	handle_propose(&handle, 0, 2, bytes_of_text("second"));
	assert_int_equal(next_all(&handle, 0, sent + 1, 7), 1);
	for (uint64_t ticket = 3; ticket < 50; ticket++)
		handle_propose(&handle, 0, ticket, bytes_of_text("more"));
	assert_int_equal(next_all(&handle, 0, sent + 2, 6), 0);   /* two are in flight */
	apply(&handle, &sent[0], SESSION_NEW, 0);
	expect_outcome(&handle, 1, OK, 1);
	assert_int_equal(next_all(&handle, 0, sent + 2, 6), 1);
	assert_int_equal(sent[2].commands, 47);
	assert_int_equal(decoded(&sent[2]).sequence, 3);
	assert_int_equal(decoded(&sent[2]).floor, 1);
	apply(&handle, &sent[1], SESSION_NEW, 1);
	expect_outcome(&handle, 2, OK, 2);
	apply(&handle, &sent[2], SESSION_NEW, 2);
	for (uint64_t ticket = 3; ticket < 50; ticket++)
		expect_outcome(&handle, ticket, OK, ticket);
	assert_int_equal(handle_deadline(&handle), MSEC_NEVER);
	drop(sent, 3);
	handle_fini(&handle);
}

static void large_batches_are_pipelined(void **unused)
{
	static uint8_t large[HANDLE_LARGE_SIZE];
	struct handle handle;
	struct sending sent[HANDLE_FLIGHT_MAX + 2];
	uint64_t ticket = 2;

	(void)unused;
	open_handle(&handle);
	while (handle_has_room(&handle))
		handle_propose(&handle, 0, ticket++, bytes_of(large, sizeof large));
	/* Eight MiB in batches of up to one. */
	assert_in_range(next_all(&handle, 0, sent, HANDLE_FLIGHT_MAX + 2), 8, 12);
	drop(sent, handle.flight);
	assert_false(handle_told_room(&handle));
	handle_fini(&handle);
}

static void after_a_change_of_leader_everything_goes_again_alike(void **unused)
{
	struct handle handle;
	struct sending sent[4], again[4];

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 0, sent, 4), 1);
	handle_propose(&handle, 0, 2, bytes_of_text("second"));
	assert_int_equal(next_all(&handle, 0, sent + 1, 3), 1);
	handle_again(&handle);
	assert_int_equal(next_all(&handle, 1, again, 4), 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(bytes_equal(blob_bytes(sent[i].payload), blob_bytes(again[i].payload)));
	apply(&handle, &sent[0], SESSION_NEW, 0);
	apply(&handle, &again[0], SESSION_REPEATED, 1);
	apply(&handle, &again[1], SESSION_NEW, 1);
	expect_outcome(&handle, 1, OK, 1);
	expect_outcome(&handle, 2, OK, 2);
	assert_false(handle_next_outcome(&handle, &(struct outcome){0}));
	drop(sent, 2);
	drop(again, 2);
	handle_fini(&handle);
}

static void silence_and_gaps_are_tried_again(void **unused)
{
	struct handle handle;
	struct sending sent[4];

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 7, sent, 1), 1);
	assert_int_equal(handle_deadline(&handle), 7 + RETRY);
	handle_tick(&handle, 7 + RETRY - 1);
	assert_int_equal(next_all(&handle, 7, sent + 1, 1), 0);
	handle_tick(&handle, 7 + RETRY);
	assert_int_equal(next_all(&handle, 600, sent + 1, 1), 1);
	apply(&handle, &sent[1], SESSION_GAP, 0);
	handle_tick(&handle, 100 + RETRY / 8);
	assert_int_equal(next_all(&handle, 700, sent + 2, 1), 1);
	drop(sent, 3);
	handle_fini(&handle);
}

static void an_expired_session_is_replaced_and_nothing_is_lost(void **unused)
{
	struct handle handle;
	struct sending sent[4];

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 0, sent, 1), 1);
	apply(&handle, &sent[0], SESSION_EXPIRED, 0);
	assert_int_equal(next_all(&handle, 0, sent + 1, 3), 1);
	assert_int_equal(sent[1].kind, ENTRY_SESSION_OPEN);
	handle_opened(&handle, 30, blob_bytes(sent[1].payload));
	assert_int_equal(next_all(&handle, 0, sent + 2, 2), 1);
	assert_int_equal(decoded(&sent[2]).session, 30);
	assert_int_equal(decoded(&sent[2]).sequence, 1);
	apply(&handle, &sent[2], SESSION_NEW, 5);
	expect_outcome(&handle, 1, OK, 6);
	drop(sent, 3);
	handle_fini(&handle);
}

static void a_snapshot_tells_what_it_still_knows(void **unused)
{
	struct handle handle;
	struct sending sent[4];
	struct sessions sessions = {0};
	struct session_command command = {.session = 10, .sequence = 1};
	struct blob *results = blob_copy(bytes_of_text("\x41r"));

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 0, sent, 4), 1);
	handle_propose(&handle, 0, 2, bytes_of_text("second"));
	assert_int_equal(next_all(&handle, 0, sent + 1, 3), 1);
	sessions_open(&sessions, 10);
	sessions_keep(&sessions, &command, 42, results);
	handle_restored(&handle, &sessions);
	expect_outcome(&handle, 1, OK, 43);   /* where it stands, not where the snapshot does */
	assert_int_equal(next_all(&handle, 0, sent + 2, 2), 1);   /* the second was not carried out: it goes again */
	sessions_expire(&sessions, 10, 10);
	handle_restored(&handle, &sessions);
	expect_outcome(&handle, 2, ERROR_INDETERMINATE, 0);
	assert_int_equal(handle.session, 0);
	blob_drop(results);
	sessions_fini(&sessions);
	drop(sent, 3);
	handle_fini(&handle);
}

static void only_what_was_never_sent_is_refused(void **unused)
{
	struct handle handle;
	struct sending sent[4];

	(void)unused;
	open_handle(&handle);
	assert_int_equal(next_all(&handle, 0, sent, 1), 1);
	handle_propose(&handle, 5, 2, bytes_of_text("waits"));
	assert_int_equal(handle_waiting_since(&handle), 5);
	handle_refuse(&handle, 5, ERROR_NOT_LEADER);
	assert_false(handle_next_outcome(&handle, &(struct outcome){0}));
	handle_refuse(&handle, 6, ERROR_NOT_LEADER);
	expect_outcome(&handle, 2, ERROR_NOT_LEADER, 0);
	assert_int_equal(handle.flight, 1);
	drop(sent, 1);
	handle_fini(&handle);
}

static void another_life_begins_with_what_is_certainly_undone(void **unused)
{
	for (int is_complete = 0; is_complete < 2; is_complete++) {
		struct handle handle;
		struct sending sent[2];

		(void)unused;
		open_handle(&handle);
		assert_int_equal(next_all(&handle, 0, sent, 1), 1);
		handle_reborn(&handle, is_complete != 0);
		if (is_complete) {
			assert_int_equal(handle.commands, 1);
			assert_false(handle_next_outcome(&handle, &(struct outcome){0}));
		} else {
			expect_outcome(&handle, 1, ERROR_INDETERMINATE, 0);
		}
		handle_check(&handle);
		drop(sent, 1);
		handle_fini(&handle);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_arrives_meanwhile_becomes_one_entry),
		cmocka_unit_test(large_batches_are_pipelined),
		cmocka_unit_test(after_a_change_of_leader_everything_goes_again_alike),
		cmocka_unit_test(silence_and_gaps_are_tried_again),
		cmocka_unit_test(an_expired_session_is_replaced_and_nothing_is_lost),
		cmocka_unit_test(a_snapshot_tells_what_it_still_knows),
		cmocka_unit_test(only_what_was_never_sent_is_refused),
		cmocka_unit_test(another_life_begins_with_what_is_certainly_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
