/*
 * scenario_test.c - runs every text in tests/sim/scenarios/ and compares what they print with what is written down there.
 * `scenario_test --rewrite` (make rewrite) writes it down instead; read the difference before you keep it.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/sim/sim_scenario.h"

#define FOLDER "tests/sim/scenarios"

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	struct buffer text = {0};
	size_t size;

	if (!file)
		return NULL;
	do {
		size = fread(buffer_extend(&text, 4096), 1, 4096, file);
		text.size -= 4096 - size;
	} while (size > 0);
	fclose(file);
	buffer_append(&text, bytes_of("", 1));
	return (char *)text.data;
}

/* The first line that differs, for the eye. */
static void show_difference(const char *path, const char *wanted, const char *got)
{
	size_t line = 1, at = 0, begin = 0;

	while (wanted[at] != '\0' && wanted[at] == got[at]) {
		if (wanted[at++] == '\n') {
			line++;
			begin = at;
		}
	}
	print_message("%s:%zu\n    expected: %.*s\n    got:      %.*s\n", path, line, (int)strcspn(wanted + begin, "\n"),
		wanted + begin, (int)strcspn(got + begin, "\n"), got + begin);
}

static bool hold(const char *path, bool rewrite)
{
	char *wanted = read_file(path);
	struct buffer got = {0};
	size_t bad_line;
	bool same;

	assert_non_null(wanted);
	bad_line = scenario_run(wanted, &got);
	buffer_append(&got, bytes_of("", 1));
	same = bad_line == 0 && strcmp(wanted, (const char *)got.data) == 0;
	if (bad_line > 0)
		print_message("%s:%zu: no such command\n", path, bad_line);
	else if (!same && !rewrite)
		show_difference(path, wanted, (const char *)got.data);
	if (bad_line == 0 && !same && rewrite) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fwrite(got.data, 1, got.size - 1, file);
		assert_int_equal(fclose(file), 0);
		print_message("rewrote %s\n", path);
		same = true;
	}
	buffer_fini(&got);
	memory_free(wanted);
	return same;
}

static size_t hold_all(bool rewrite)
{
	glob_t found;
	size_t bad = 0;

	assert_int_equal(glob(FOLDER "/*.txt", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 6);
	for (size_t i = 0; i < found.gl_pathc; i++)
		bad += !hold(found.gl_pathv[i], rewrite);
	globfree(&found);
	return bad;
}

static void test_scenarios(void **state)
{
	(void)state;
	assert_int_equal(hold_all(false), 0);
}

static void test_nonsense_is_named(void **state)
{
	struct buffer out = {0};

	(void)state;
	assert_int_equal(scenario_run("> list\n", &out), 1);                            /* no world yet */
	assert_int_equal(scenario_run("> world places=2\n> crash a\n", &out), 2);       /* not started */
	assert_int_equal(scenario_run("> world places=2\n\n> start c\n", &out), 3);     /* no such place */
	assert_int_equal(scenario_run("> world places=2\n> run 5\n", &out), 2);         /* five what? */
	assert_int_equal(scenario_run("> world places=2\n> start a\n> run 5s\n", &out), 0);
	buffer_fini(&out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_scenarios), cmocka_unit_test(test_nonsense_is_named)};

	if (argc > 1 && strcmp(argv[1], "--rewrite") == 0)
		return hold_all(true) > 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
