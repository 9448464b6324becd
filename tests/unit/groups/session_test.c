/*
 * Exactly once, in order: what the table of sessions says of entries, what it remembers, and that equal tables make equal
 * bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "groups/session.h"

static struct session_command command(uint64_t session, uint64_t sequence, uint64_t floor)
{
	return (struct session_command){.session = session, .sequence = sequence, .floor = floor};
}

static enum session_verdict judge(struct sessions *sessions, uint64_t index, struct session_command given)
{
	struct bytes results;

	return sessions_judge(sessions, index, &given, &results);
}

static void keep(struct sessions *sessions, struct session_command given, const char *text)
{
	struct blob *results = blob_copy(bytes_of_text(text));

	sessions_keep(sessions, &given, 10 * given.sequence, results);
	blob_drop(results);
}

/* The entry is new, and these are its results. */
static void carry_out(struct sessions *sessions, uint64_t index, struct session_command given, const char *text)
{
	assert_int_equal(judge(sessions, index, given), SESSION_NEW);
	keep(sessions, given, text);
}

static void judges_by_sequence(void **unused)
{
	struct sessions sessions = {0};
	struct bytes results;
	struct session_command first = command(3, 1, 0);

	(void)unused;
	assert_int_equal(judge(&sessions, 2, first), SESSION_EXPIRED);
	sessions_open(&sessions, 3);
	assert_int_equal(judge(&sessions, 4, command(3, 2, 0)), SESSION_GAP);
	carry_out(&sessions, 5, first, "one");
	assert_int_equal(sessions_judge(&sessions, 6, &first, &results), SESSION_REPEATED);
	assert_true(bytes_equal(results, bytes_of_text("one")));
	assert_int_equal(judge(&sessions, 7, command(3, 3, 0)), SESSION_GAP);
	carry_out(&sessions, 8, command(3, 2, 0), "two");
	/* Seen up to 1: its results are of no more use. */
	carry_out(&sessions, 9, command(3, 3, 1), "three");
	assert_int_equal(judge(&sessions, 10, first), SESSION_STALE);
	assert_int_equal(judge(&sessions, 11, command(3, 2, 0)), SESSION_REPEATED);
	sessions_fini(&sessions);
}

static void keeps_so_many_results_and_always_the_newest(void **unused)
{
	static char large[SESSION_RESULTS_SIZE_MAX + 2];
	struct sessions sessions = {0};
	uint64_t index = 1;

	(void)unused;
	memset(large, 'x', sizeof large - 1);
	sessions_open(&sessions, index++);
	for (uint64_t sequence = 1; sequence <= SESSION_RESULTS_MAX + 5; sequence++)
		carry_out(&sessions, index++, command(1, sequence, 0), "r");
	assert_int_equal(judge(&sessions, index++, command(1, 5, 0)), SESSION_STALE);
	assert_int_equal(judge(&sessions, index++, command(1, 6, 0)), SESSION_REPEATED);
	carry_out(&sessions, index++, command(1, SESSION_RESULTS_MAX + 6, 0), large);
	assert_int_equal(judge(&sessions, index++, command(1, SESSION_RESULTS_MAX + 5, 0)), SESSION_STALE);
	assert_int_equal(judge(&sessions, index++, command(1, SESSION_RESULTS_MAX + 6, 0)), SESSION_REPEATED);
	sessions_fini(&sessions);
}

static void a_full_table_forgets_the_least_used(void **unused)
{
	struct sessions sessions = {0};
	uint64_t index;

	(void)unused;
	for (index = 1; index <= SESSIONS_MAX; index++)
		sessions_open(&sessions, index);
	assert_int_equal(judge(&sessions, index++, command(1, 1, 0)), SESSION_NEW);
	sessions_open(&sessions, index++);
	assert_int_equal(judge(&sessions, index++, command(2, 1, 0)), SESSION_EXPIRED);
	assert_int_equal(judge(&sessions, index++, command(1, 1, 0)), SESSION_NEW);
	assert_int_equal(sessions.by_id.count, SESSIONS_MAX);
	sessions_fini(&sessions);
}

static void expires_only_if_idle(void **unused)
{
	struct sessions sessions = {0};

	(void)unused;
	sessions_open(&sessions, 1);
	assert_int_equal(judge(&sessions, 5, command(1, 1, 0)), SESSION_NEW);
	sessions_expire(&sessions, 1, 4);
	assert_int_equal(sessions_used(&sessions, 1), 5);
	sessions_expire(&sessions, 1, 5);
	assert_int_equal(sessions_used(&sessions, 1), 0);
	sessions_expire(&sessions, 1, 5);
	sessions_fini(&sessions);
}

static void tables_go_there_and_back(void **unused)
{
	struct sessions sessions = {0}, again;
	struct buffer encoded = {0}, twice = {0};
	struct session_results known;

	(void)unused;
	sessions_open(&sessions, 2);
	sessions_open(&sessions, 3);
	for (uint64_t sequence = 1; sequence <= 9; sequence++)
		carry_out(&sessions, 10 + sequence, command(2, sequence, sequence > 4 ? 3 : 0), "result");
	sessions_encode(&sessions, &encoded);
	assert_int_equal(sessions_decode(buffer_bytes(&encoded), &again), OK);
	sessions_encode(&again, &twice);
	assert_true(bytes_equal(buffer_bytes(&encoded), buffer_bytes(&twice)));
	assert_int_equal(judge(&again, 30, command(2, 4, 0)), SESSION_REPEATED);
	assert_int_equal(judge(&again, 31, command(2, 3, 0)), SESSION_STALE);
	assert_int_equal(sessions_look(&again, 2, 10, &known), SESSION_NEW);
	for (uint64_t sequence = 5; sequence <= 9; sequence++) {
		assert_int_equal(sessions_look(&again, 2, sequence, &known), SESSION_REPEATED);
		assert_int_equal(known.position, 10 * sequence);
		assert_true(bytes_equal(known.results, bytes_of_text("result")));
	}
	sessions_fini(&again);
	for (size_t size = 1; size < encoded.size; size++) {
		if (sessions_decode(bytes_of(encoded.data, size), &again) == OK)
			sessions_fini(&again);   /* only between two sessions */
	}
	sessions_fini(&sessions);
	buffer_fini(&encoded);
	buffer_fini(&twice);
}

static void entries_go_there_and_back(void **unused)
{
	struct session_command given = {.session = 7, .sequence = 300, .floor = 299, .count = 2}, read;
	struct buffer commands = {0}, payload = {0};
	struct bytes one;

	(void)unused;
	buffer_append(&commands, bytes_of("\x41" "a\x42" "bc", 5));
	given.commands = buffer_bytes(&commands);
	session_command_encode(&given, &payload);
	assert_int_equal(session_command_decode(buffer_bytes(&payload), &read), OK);
	assert_int_equal(read.sequence, 300);
	assert_int_equal(read.floor, 299);
	assert_true(session_command_next(&read.commands, &one));
	assert_true(bytes_equal(one, bytes_of_text("a")));
	assert_true(session_command_next(&read.commands, &one));
	assert_true(bytes_equal(one, bytes_of_text("bc")));
	assert_false(session_command_next(&read.commands, &one));
	buffer_clear(&payload);
	given.count = 3;
	session_command_encode(&given, &payload);
	assert_int_equal(session_command_decode(buffer_bytes(&payload), &read), ERROR_MALFORMED);
	buffer_fini(&commands);
	buffer_fini(&payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judges_by_sequence),
		cmocka_unit_test(keeps_so_many_results_and_always_the_newest),
		cmocka_unit_test(a_full_table_forgets_the_least_used),
		cmocka_unit_test(expires_only_if_idle),
		cmocka_unit_test(tables_go_there_and_back),
		cmocka_unit_test(entries_go_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
