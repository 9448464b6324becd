/*
 * Lines of stdin as verbs: how they are split, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/common/collection_line.h"

static bool take(enum collection_kind kind, const char *text, struct collection_line *line)
{
	const char *problem;
	bool taken = collection_line_read(kind, bytes_of_text(text), line, &problem);

	assert_true(taken == (problem == NULL));
	return taken;
}

static void refuses(enum collection_kind kind, struct bytes record)
{
	struct collection_line line;
	const char *problem;

	assert_false(collection_line_read(kind, record, &line, &problem));
	assert_non_null(problem);
	collection_line_fini(&line);
}

static void refuses_text(enum collection_kind kind, const char *text)
{
	refuses(kind, bytes_of_text(text));
}

static void words_stand_between_blanks(void **unused)
{
	struct collection_line line;

	(void)unused;
	assert_true(take(COLLECTION_MAP, "  put  alice   17 ", &line));
	assert_string_equal(line.verb->name, "put");
	assert_int_equal(line.count, 2);
	assert_string_equal(line.operand[0], "alice");
	assert_string_equal(line.operand[1], "17");
	collection_line_fini(&line);
}

static void in_a_line_with_a_tab_blanks_belong_to_words(void **unused)
{
	struct collection_line line;

	(void)unused;
	assert_true(take(COLLECTION_MAP, "put\ttwo words\t\\ta\\nb\\\\", &line));
	assert_int_equal(line.count, 2);
	assert_string_equal(line.operand[0], "two words");
	assert_string_equal(line.operand[1], "\ta\nb\\");
	collection_line_fini(&line);
	assert_true(take(COLLECTION_MAP, "put\tempty\t", &line));
	assert_int_equal(line.count, 2);
	assert_string_equal(line.operand[1], "");
	collection_line_fini(&line);
}

static void options_are_taken_off(void **unused)
{
	struct collection_line line;

	(void)unused;
	assert_true(take(COLLECTION_MAP, "cas alice --from 17 --to 18", &line));
	assert_int_equal(line.count, 1);
	assert_string_equal(line.options.from, "17");
	assert_string_equal(line.options.to, "18");
	collection_line_fini(&line);
	assert_true(take(COLLECTION_MAP, "cas alice --absent --to 18", &line));
	assert_null(line.options.from);
	collection_line_fini(&line);
	assert_true(take(COLLECTION_PQUEUE, "take --max", &line));
	assert_true(line.options.highest);
	collection_line_fini(&line);
	/* A dash is no option as long as it is none of these. */
	assert_true(take(COLLECTION_MAP, "put -1 --x", &line));
	assert_string_equal(line.operand[1], "--x");
	collection_line_fini(&line);
}

static void what_is_no_verb_is_refused(void **unused)
{
	struct buffer many = {0};

	(void)unused;
	refuses_text(COLLECTION_MAP, "");
	refuses_text(COLLECTION_MAP, "   ");
	refuses_text(COLLECTION_MAP, "push x");
	refuses_text(COLLECTION_MAP, "put alice");
	refuses_text(COLLECTION_MAP, "put alice 17 18");
	refuses_text(COLLECTION_MAP, "cas alice");
	refuses_text(COLLECTION_MAP, "cas alice --from");
	refuses_text(COLLECTION_MAP, "put a \\");
	refuses_text(COLLECTION_MAP, "put a \\x");
	refuses(COLLECTION_MAP, bytes_of("put a b\0c", 9));
	refuses(COLLECTION_MAP, bytes_of("put a \\\0", 8));
	buffer_append(&many, bytes_of_text("get"));
	for (size_t i = 0; i < LINE_OPERANDS_MAX; i++)
		buffer_append(&many, bytes_of_text(" k"));
	refuses(COLLECTION_MAP, buffer_bytes(&many));
	buffer_fini(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_stand_between_blanks),
		cmocka_unit_test(in_a_line_with_a_tab_blanks_belong_to_words),
		cmocka_unit_test(options_are_taken_off),
		cmocka_unit_test(what_is_no_verb_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
