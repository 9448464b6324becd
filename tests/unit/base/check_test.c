/*
 * check_test.c - a false ASSERT ends the process with SIGABRT and says where and what; a true one does nothing.
 */
#include "base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs check_failed in a child, because there is no way back from it. Returns the wait status. */
static int fail_in_child(char *text, size_t size)
{
	int pipe_end[2];
	int status = 0;
	ssize_t n;
	pid_t child;

	assert_int_equal(pipe(pipe_end), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		dup2(pipe_end[1], STDERR_FILENO);
		check_failed("lib/a.c", 12, "x > 0");
	}
	close(pipe_end[1]);
	n = read(pipe_end[0], text, size - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	close(pipe_end[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void says_where_and_aborts(void **state)
{
	char text[200];
	int status = fail_in_child(text, sizeof(text));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), 6);
	assert_string_equal(text, "lib/a.c:12: assertion failed: x > 0\n");
}

static void evaluates_once(void **state)
{
	int count = 0;

	(void)state;
	ASSERT(++count == 1);
	assert_int_equal(count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_where_and_aborts),
		cmocka_unit_test(evaluates_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
