/*
 * log_test.c - the shape of a line, levels, and what hostile text cannot do to it.
 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

struct sink {
	char line[2000];
	size_t size;
	unsigned lines;
	enum log_level level;
};

static void keep(void *context, enum log_level level, const char *line, size_t size)
{
	struct sink *sink = context;

	assert_true(size < sizeof(sink->line));
	memcpy(sink->line, line, size);
	sink->line[size] = '\0';
	sink->size = size;
	sink->level = level;
	sink->lines++;
}

static void line_has_time_node_and_protocol(void **state)
{
	struct sink sink = {.lines = 0};
	struct log log = {.level = LOG_INFO, .node = "0011223344", .write = keep, .context = &sink};

	(void)state;
	log_event(&log, LOG_INFO, 12034, "gossip", "joined peer=%s hops=%d", "aa", 3);
	assert_string_equal(sink.line, "12.034 0011223344 gossip: joined peer=aa hops=3");
	assert_int_equal(sink.size, strlen(sink.line));
	assert_int_equal(sink.level, LOG_INFO);
	log_event(&log, LOG_ERROR, 0, "net", "up");
	assert_string_equal(sink.line, "0.000 0011223344 net: up");
	log_event(&log, LOG_WARN, 999, "net", "late");
	assert_string_equal(sink.line, "0.999 0011223344 net: late");
}

static void levels_above_are_not_made(void **state)
{
	struct sink sink = {.lines = 0};
	struct log log = {.level = LOG_INFO, .write = keep, .context = &sink};
	struct log silent = {.level = LOG_TRACE};

	(void)state;
	assert_true(log_wants(&log, LOG_ERROR));
	assert_true(log_wants(&log, LOG_INFO));
	assert_false(log_wants(&log, LOG_DEBUG));
	assert_false(log_wants(&silent, LOG_ERROR));
	assert_false(log_wants(NULL, LOG_ERROR));
	log_event(&log, LOG_DEBUG, 1, "net", "no");
	log_event(&silent, LOG_ERROR, 1, "net", "no");
	log_event(NULL, LOG_ERROR, 1, "net", "no");
	assert_int_equal(sink.lines, 0);
}

static void one_event_is_one_line(void **state)
{
	struct sink sink = {.lines = 0};
	struct log log = {.level = LOG_INFO, .node = "n", .write = keep, .context = &sink};
	char long_text[5000];

	(void)state;
	log_event(&log, LOG_INFO, 1, "p", "name=%s", "a\nb\x1B[2J\x7F\xC3\xA9");
	assert_string_equal(sink.line, "0.001 n p: name=a?b?[2J?\xC3\xA9");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	log_event(&log, LOG_INFO, 1, "p", "%s", long_text);
	assert_int_equal(sink.size, 1023);
	assert_int_equal(sink.line[1022], 'x');
	assert_int_equal(sink.lines, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_has_time_node_and_protocol),
		cmocka_unit_test(levels_above_are_not_made),
		cmocka_unit_test(one_event_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
