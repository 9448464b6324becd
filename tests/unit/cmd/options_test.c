/*
 * options_test.c - values, precedence, and every way to be wrong. What exits runs in a child, whose words are compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/common/near.h"
#include "cmd/common/options.h"

#include <cmocka.h>   /* last: it has a macro that is called fail, too */

#define ARGUMENTS_MAX 32
#define TEXT_MAX 4096

struct settings {
	struct common common;
	uint64_t count;
	uint64_t size;
	const char *secret;
	bool fast;
	bool deep;
};

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{'c', "count", OPTION_NUMBER, FIELD(count, uint64_t), "N", "MOSAIK_COUNT", "how many"},
	{0, "size", OPTION_SIZE, FIELD(size, uint64_t), "SIZE", NULL, "how large"},
	{'s', "seed", OPTION_TEXT, FIELD(secret, const char *), "SEED", "MOSAIK_TEST_SECRET", "secret"},
	{0, "fast", OPTION_FLAG, FIELD(fast, bool), NULL, "MOSAIK_FAST", "hurry"},
	{0, "deep", OPTION_FLAG, FIELD(deep, bool), NULL, "MOSAIK_DEEP", "all of it"},
	{.name = NULL}
};

static const struct subcommand subcommands[] = {
	{"peers", "[PEER]", "list"},
	{"streams", "", "list"},
	{.name = NULL}
};

static const struct scope scopes[] = {
	{"deep", "streams"},
	{.options = NULL}
};

static const char *const examples[] = {"mosaik-test -n x y", NULL};

#define ALL \
	"network peer tag identity bind no-local timeout wait framing null json columns quiet verbose ready-fd stats"

static const struct command plain = {.name = "mosaik-test",
	.usage = "[options] THING",
	.examples = examples,
	.options = rows,
	.subcommands = subcommands,
	.scopes = scopes,
	.common = ALL};
static const struct command prefixed = {.name = "mosaik-test",
	.usage = "[options] THING",
	.options = rows,
	.common = ALL,
	.environment_prefix = "MOSAIK_TEST_"};
static const struct command no_network = {
	.name = "mosaik-test", .usage = "THING", .network_optional = true, .common = "network"};
static const struct command bare = {.name = "mosaik-test", .usage = "COMMAND", .stop_at_operand = true};

static const struct settings defaults = {.common = COMMON_DEFAULTS(5000)};

/* Words of a line, for argv. "_" stands for an empty word. */
static int split(char *line, char **argv)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
	}
	argv[argc] = NULL;
	return argc;
}

static char line_copy[TEXT_MAX];
static char *argv_copy[ARGUMENTS_MAX + 1];
static int argc_copy;

static int parse(const struct command *command, const char *line, struct settings *settings)
{
	snprintf(line_copy, sizeof line_copy, "mosaik-test %s", line);
	argc_copy = split(line_copy, argv_copy);
	*settings = defaults;
	return options_parse(command, argc_copy, argv_copy, settings);
}

struct ending {
	int status;
	char out[TEXT_MAX];
	char err[TEXT_MAX];
};

static void collect(int fd, char *text)
{
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, text + size, TEXT_MAX - 1 - size)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	close(fd);
}

/* Parses in a child; status 200: it came back from options_parse. */
static struct ending run(const struct command *command, const char *line)
{
	struct ending ending;
	int out[2], err[2], status;
	pid_t child;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct settings settings;
		int first;

		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		first = parse(command, line, &settings);
		if (command->subcommands)
			(void)options_subcommand(command, &settings.common, first < argc_copy ? argv_copy[first] : NULL);
		if (command->network_optional)
			options_require_network(&settings.common);
		options_free(command, &settings);
		_exit(200);
	}
	close(out[1]);
	close(err[1]);
	collect(out[0], ending.out);
	collect(err[0], ending.err);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	ending.status = WEXITSTATUS(status);
	return ending;
}

static void expect_usage(const struct command *command, const char *line, const char *words)
{
	struct ending ending = run(command, line);
	char expected[TEXT_MAX];

	snprintf(expected, sizeof expected, "mosaik-test: error[usage]: %s\ntry: mosaik-test -h\n", words);
	assert_string_equal(ending.err, expected);
	assert_string_equal(ending.out, "");
	assert_int_equal(ending.status, 64);
}

static int clear_environment(void **state)
{
	(void)state;
	clearenv();
	return setenv("CMOCKA_MESSAGE_OUTPUT", "tap", 1);   /* how the runner counts */
}

/* ---- values ---- */

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		msec value;
	} good[] = {{"0", 0}, {"5", 5000}, {"250ms", 250}, {"5s", 5000}, {"2m", 120000}, {"1h", 3600000},
		{"inf", MSEC_NEVER}, {"0.5", 500}, {"1.25s", 1250}, {"1.0001s", 1000}, {"1.5ms", 1}, {"0.25h", 900000},
		{"000ms", 0}, {"1.5m", 90000}};
	static const char *const bad[] = {"", "s", "-1", "+1", "1 s", "1d", "5S", "1.", ".5", "1e3",
		"99999999999999999999", "9999999999h", "infinite", "1.5.5", "0x10"};
	msec value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(options_duration(good[i].text, &value), OK);
		assert_int_equal(value, good[i].value);
	}
	value = 77;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(options_duration(bad[i], &value), ERROR_BAD_TEXT);
	assert_int_equal(value, 77);
}

static void test_sizes(void **state)
{
	static const char *const bad[] = {"", "K", "1T", "1KB", "-1", "1.5M", "18446744073709551616", "17179869184G"};
	uint64_t value = 77;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(options_size(bad[i], &value), ERROR_BAD_TEXT);
	assert_int_equal(value, 77);
	assert_int_equal(options_size("4096", &value), OK);
	assert_int_equal(value, 4096);
	assert_int_equal(options_size("64K", &value), OK);
	assert_int_equal(value, 65536);
	assert_int_equal(options_size("1m", &value), OK);
	assert_int_equal(value, 1048576);
	assert_int_equal(options_size("2G", &value), OK);
	assert_int_equal(value, 2147483648);
	assert_int_equal(options_size("18446744073709551615", &value), OK);
	assert_true(value == UINT64_MAX);
}

/* ---- the command line ---- */

static void test_defaults(void **state)
{
	struct settings settings;

	(void)state;
	assert_int_equal(parse(&plain, "-n net", &settings), 3);
	assert_true(settings.common.has_network);
	assert_false(settings.common.has_timeout || settings.common.has_wait || settings.common.has_framing);
	assert_int_equal(settings.common.timeout, 5000);
	assert_int_equal(settings.common.framing, FRAMING_LINES);
	assert_true(settings.common.ready_fd == UINT64_MAX && settings.common.stats == MSEC_NEVER);
	assert_int_equal(options_log_level(&settings.common), LOG_WARN);
	options_free(&plain, &settings);
}

static void test_operands_mix(void **state)
{
	struct settings settings;
	int first;

	(void)state;
	first = parse(&plain, "one -n net -c 7 two --fast - -- -v three", &settings);
	assert_int_equal(argc_copy - first, 5);
	assert_string_equal(argv_copy[first], "one");
	assert_string_equal(argv_copy[first + 1], "two");
	assert_string_equal(argv_copy[first + 2], "-");
	assert_string_equal(argv_copy[first + 3], "-v");
	assert_string_equal(argv_copy[first + 4], "three");
	assert_int_equal(settings.count, 7);
	assert_true(settings.fast);
	assert_int_equal(settings.common.verbose, 0);
}

static void test_stop_at_operand(void **state)
{
	struct settings settings;
	int first = parse(&bare, "produce -n net -h", &settings);

	(void)state;
	assert_int_equal(first, 1);
	assert_string_equal(argv_copy[first], "produce");
	assert_string_equal(argv_copy[first + 3], "-h");
}

static void test_every_kind(void **state)
{
	struct settings settings;

	(void)state;
	parse(&plain,
		"-nnet -p a@h:1,h:2 --peer=b:1 -t x -ty -W 1m --wait=inf -F u32 -vvq --stats=5s --size 2K -o id,addr "
		"--ready-fd 2 --no-local",
		&settings);
	assert_string_equal(settings.common.network_text, "net");
	assert_int_equal(settings.common.peers.count, 2);
	assert_string_equal(settings.common.peers.text[0], "a@h:1,h:2");   /* the command line splits nothing */
	assert_int_equal(settings.common.tags.count, 2);
	assert_string_equal(settings.common.tags.text[1], "y");
	assert_int_equal(settings.common.timeout, 60000);
	assert_true(settings.common.has_timeout && settings.common.has_wait && settings.common.has_framing);
	assert_true(settings.common.wait == MSEC_NEVER);
	assert_int_equal(settings.common.framing, FRAMING_U32);
	assert_int_equal(settings.common.verbose, 2);
	assert_true(settings.common.quiet && settings.common.no_local);
	assert_int_equal(settings.common.stats, 5000);
	assert_int_equal(settings.size, 2048);
	assert_string_equal(settings.common.columns, "id,addr");
	assert_int_equal(settings.common.ready_fd, 2);
	options_free(&plain, &settings);
	assert_int_equal(settings.common.peers.count, 0);
}

static void test_stats_without_value(void **state)
{
	struct settings settings;
	int first = parse(&plain, "-n net --stats 5s", &settings);

	(void)state;
	assert_int_equal(settings.common.stats, 1000);
	assert_string_equal(argv_copy[first], "5s");   /* an optional value is glued with '=' */
}

static void test_framing_shorthands(void **state)
{
	struct settings settings;

	(void)state;
	parse(&plain, "-n net -j", &settings);
	assert_int_equal(settings.common.framing, FRAMING_JSON);
	assert_true(settings.common.has_framing && settings.common.json);
	parse(&plain, "-n net -0", &settings);
	assert_int_equal(settings.common.framing, FRAMING_NULL);
	parse(&plain, "-n net -F json -j", &settings);
	assert_int_equal(settings.common.framing, FRAMING_JSON);
	expect_usage(&plain, "-n net -F raw -j", "-F raw and -j contradict each other");
	expect_usage(&plain, "-n net -0j", "-0 and -j contradict each other");
	setenv("MOSAIK_FRAMING", "raw", 1);
	parse(&plain, "-n net -j", &settings);
	assert_int_equal(settings.common.framing, FRAMING_JSON);
	parse(&plain, "-n net", &settings);
	assert_int_equal(settings.common.framing, FRAMING_RAW);
	assert_true(settings.common.has_framing);
}

static void test_network(void **state)
{
	static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
	struct settings settings;
	struct id hashed = id_hash(bytes_of_text("demo"));
	char line[200];

	(void)state;
	parse(&plain, "-n demo", &settings);
	assert_true(id_equal(&settings.common.network, &hashed));
	snprintf(line, sizeof line, "-n %s", hex);
	parse(&plain, line, &settings);
	assert_int_equal(settings.common.network.byte[1], 0x11);
	snprintf(line, sizeof line, "-n %.63s", hex);
	expect_usage(&plain, line,
		"network '00112233445566778899aabbccddeeff00112233445566778899aabbccddeef' has 63 hex digits: "
		"a mistyped id? (an id has 64, a hex name under 32)");
	expect_usage(&plain, "-n _", "the name of a network is empty");
	expect_usage(&plain, "thing", "no network given: say -n NAME or set MOSAIK_NETWORK");
	expect_usage(&no_network, "thing", "no network given: say -n NAME or set MOSAIK_NETWORK");
	parse(&no_network, "thing", &settings);
	assert_false(settings.common.has_network);
}

static void test_mistakes(void **state)
{
	(void)state;
	expect_usage(&plain, "--nework x", "unknown option '--nework'; did you mean '--network'?");
	expect_usage(&plain, "--qqqqqqq", "unknown option '--qqqqqqq'");
	expect_usage(&plain, "-n net -Z", "unknown option '-Z'");
	expect_usage(&plain, "-n net -vZv", "unknown option '-Z'");
	expect_usage(&plain, "-n", "option '--network' needs a value: NAME");
	expect_usage(&plain, "--network", "option '--network' needs a value: NAME");
	expect_usage(&plain, "--fast=yes", "option '--fast' takes no value");
	expect_usage(&plain, "--help=yes", "option '--help' takes no value");
	expect_usage(&plain, "-n net peers -7", "unknown option '-7'; what is below zero stands behind --");
	expect_usage(&plain, "-n net -W 5x", "--timeout: '5x' is not a duration (250ms, 5s, 2m, 1h, inf)");
	expect_usage(&plain, "-n net --size=1T", "--size: '1T' is not a size (4096, 64K, 1M, 2G)");
	expect_usage(&plain, "-n net -c -1", "--count: '-1' is not a number");
	expect_usage(&plain, "-n net -F lins",
		"--framing: 'lins' is not a framing (lines, null, u32, raw, whole, json, cbor)");
	expect_usage(&plain, "-n net --ready-fd 999", "--ready-fd 999: not an open descriptor");
	expect_usage(&plain, "-n net --ready-fd 4294967297", "--ready-fd 4294967297: not an open descriptor");
	expect_usage(&plain, "-n net --stats=0", "--stats: the period cannot be 0");
	expect_usage(&plain, "-n net -t _", "--tag: '' is not a value");
	expect_usage(&plain, "-n net -t 00112233445566778899aabbccddeeff",
		"tag '00112233445566778899aabbccddeeff' has 32 hex digits: a mistyped id? "
		"(an id has 64, a hex name under 32)");
	expect_usage(&bare, "-n net", "unknown option '-n'");
}

/* Every proper beginning of a long name is refused, however unambiguous. */
static void test_no_abbreviations(void **state)
{
	static const char name[] = "network";

	(void)state;
	for (size_t size = 1; size < sizeof name - 1; size++) {
		char line[64], start[64];
		struct ending ending;

		snprintf(line, sizeof line, "--%.*s x", (int)size, name);
		snprintf(start, sizeof start, "mosaik-test: error[usage]: unknown option '--%.*s'", (int)size, name);
		ending = run(&plain, line);
		assert_int_equal(ending.status, 64);
		assert_int_equal(strncmp(ending.err, start, strlen(start)), 0);
	}
	expect_usage(&plain, "--vers", "unknown option '--vers'; did you mean '--version'?");
	expect_usage(&plain, "-n net --verb", "unknown option '--verb'; did you mean '--verbose'?");
}

/* A default of 5 s ends nothing that was told to wait for longer. */
static void test_waits(void **state)
{
	struct settings settings;

	(void)state;
	(void)parse(&plain, "-n net peers -w 10", &settings);
	assert_int_equal(settings.common.timeout, 15000);
	(void)parse(&plain, "-n net peers -w inf", &settings);
	assert_true(settings.common.timeout == MSEC_NEVER);
	(void)parse(&plain, "-n net peers -w 10 -W 3", &settings);
	assert_int_equal(settings.common.timeout, 3000);
}

static void test_subcommands(void **state)
{
	(void)state;
	assert_int_equal(run(&plain, "-n net peers").status, 200);
	expect_usage(&plain, "-n net pers", "unknown subcommand 'pers'; did you mean 'peers'?");
	expect_usage(&plain, "-n net xyzzy", "unknown subcommand 'xyzzy'");
	expect_usage(&plain, "-n net", "which subcommand? mosaik-test [options] THING");
	/* An option of another one; what only the environment says is meant for whom it concerns. */
	expect_usage(&plain, "-n net peers --deep", "'peers' takes no --deep");
	assert_int_equal(run(&plain, "-n net streams --deep --fast").status, 200);
	setenv("MOSAIK_DEEP", "1", 1);
	assert_int_equal(run(&plain, "-n net peers --fast").status, 200);
}

/* ---- the environment ---- */

static void test_environment(void **state)
{
	struct settings settings;

	(void)state;
	setenv("MOSAIK_NETWORK", "env", 1);
	setenv("MOSAIK_PEERS", "a:1,b:2 id@c:3,d:4,id@e:5,\t,f:6", 1);
	setenv("MOSAIK_TAGS", " x,y z, ", 1);
	setenv("MOSAIK_NO_LOCAL", "Yes", 1);
	setenv("MOSAIK_WAIT", "2s", 1);
	setenv("MOSAIK_COUNT", "9", 1);
	setenv("MOSAIK_LOG", "debug", 1);
	parse(&plain, "", &settings);
	assert_string_equal(settings.common.network_text, "env");
	assert_int_equal(settings.common.peers.count, 5);
	assert_string_equal(settings.common.peers.text[1], "b:2");
	assert_string_equal(settings.common.peers.text[2], "id@c:3,d:4");
	assert_string_equal(settings.common.peers.text[3], "id@e:5");
	assert_string_equal(settings.common.peers.text[4], "f:6");
	assert_int_equal(settings.common.tags.count, 3);
	assert_string_equal(settings.common.tags.text[2], "z");
	assert_true(settings.common.no_local && settings.common.has_wait);
	assert_int_equal(settings.common.wait, 2000);
	assert_int_equal(settings.count, 9);
	assert_int_equal(options_log_level(&settings.common), LOG_DEBUG);
	options_free(&plain, &settings);
}

static void test_precedence(void **state)
{
	struct settings settings;

	(void)state;
	setenv("MOSAIK_NETWORK", "shared", 1);
	setenv("MOSAIK_TEST_NETWORK", "own", 1);
	setenv("MOSAIK_TAGS", "shared", 1);
	setenv("MOSAIK_TEST_TAGS", "own", 1);
	setenv("MOSAIK_COUNT", "1", 1);
	setenv("MOSAIK_TEST_COUNT", "2", 1);
	setenv("MOSAIK_LOG", "trace", 1);
	parse(&prefixed, "", &settings);
	assert_string_equal(settings.common.network_text, "own");
	assert_string_equal(settings.common.tags.text[0], "own");
	assert_int_equal(settings.count, 2);
	options_free(&prefixed, &settings);
	parse(&prefixed, "-n line -t line -c 3 -v", &settings);
	assert_string_equal(settings.common.network_text, "line");
	assert_int_equal(settings.common.tags.count, 1);   /* replaced, not added to */
	assert_string_equal(settings.common.tags.text[0], "line");
	assert_int_equal(settings.count, 3);
	assert_int_equal(options_log_level(&settings.common), LOG_INFO);
	options_free(&prefixed, &settings);
	parse(&plain, "", &settings);
	assert_string_equal(settings.common.network_text, "shared");
	options_free(&plain, &settings);
	setenv("MOSAIK_TEST_NETWORK", "", 1);   /* empty is not set */
	parse(&prefixed, "", &settings);
	assert_string_equal(settings.common.network_text, "shared");
	options_free(&prefixed, &settings);
}

/* Under its own prefix a program hears every option, by its variable or by its name. */
static void test_prefixed_names(void **state)
{
	struct settings settings;

	(void)state;
	setenv("MOSAIK_TEST_NETWORK_ID", "net", 1);
	setenv("MOSAIK_TEST_SECRET", "s", 1);
	setenv("MOSAIK_TEST_READY_FD", "2", 1);
	setenv("MOSAIK_TEST_VERBOSE", "2", 1);
	setenv("MOSAIK_TEST_SIZE", "1K", 1);
	setenv("MOSAIK_TEST_FAST", "0", 1);
	parse(&prefixed, "", &settings);
	assert_string_equal(settings.common.network_text, "net");
	assert_string_equal(settings.secret, "s");
	assert_int_equal(settings.common.ready_fd, 2);
	assert_int_equal(options_log_level(&settings.common), LOG_DEBUG);
	assert_int_equal(settings.size, 1024);
	assert_false(settings.fast);
}

static void test_environment_mistakes(void **state)
{
	(void)state;
	setenv("MOSAIK_WAIT", "soon", 1);
	expect_usage(&plain, "-n net", "MOSAIK_WAIT: 'soon' is not a duration (250ms, 5s, 2m, 1h, inf)");
	unsetenv("MOSAIK_WAIT");
	setenv("MOSAIK_FAST", "maybe", 1);
	expect_usage(&plain, "-n net", "MOSAIK_FAST: 'maybe' is not yes or no (1, 0)");
	unsetenv("MOSAIK_FAST");
	setenv("MOSAIK_LOG", "loud", 1);
	expect_usage(&plain, "-n net", "MOSAIK_LOG: 'loud' is not error, warn, info, debug or trace");
	setenv("MOSAIK_TEST_COUNT", "x", 1);
	expect_usage(&prefixed, "-n net", "MOSAIK_TEST_COUNT: 'x' is not a number");
}

/* ---- help ---- */

static void test_help(void **state)
{
	struct ending ending = run(&plain, "-n net -h --nonsense");
	size_t lines = 0;

	(void)state;
	assert_int_equal(ending.status, 0);
	assert_string_equal(ending.err, "");
	assert_int_equal(strncmp(ending.out, "usage: mosaik-test [options] THING\n  mosaik-test -n x y\n", 56), 0);
	assert_non_null(strstr(ending.out, "  -c, --count N "));
	assert_non_null(strstr(ending.out, "  --stats[=DUR]"));
	for (const char *at = ending.out; *at; at++)
		lines += *at == '\n';
	assert_true(lines <= 24);
	assert_string_equal(run(&plain, "--help").out, ending.out);
}

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(run(&plain, "-V").out, "mosaik-test " MOSAIK_VERSION "\n");
	assert_string_equal(run(&plain, "--version").out, "mosaik-test " MOSAIK_VERSION "\n");
}

static void test_list_options(void **state)
{
	struct ending ending = run(&plain, "--list-options");

	(void)state;
	assert_int_equal(ending.status, 0);
	assert_int_equal(strncmp(ending.out, "-h --help\n-V --version\n-c --count N\n--size SIZE\n", 48), 0);
	assert_non_null(strstr(ending.out, "\n--no-local\n"));
	assert_non_null(strstr(ending.out, "\n--stats[=DUR]\nsubcommand peers\nsubcommand streams\n"));
}

static void check_fast(const void *of)
{
	const struct settings *settings = of;

	if (settings->fast && settings->count > 1)
		usage_error("--fast does one");
}

static void test_check(void **state)
{
	const struct command checked = {.name = "mosaik-test", .usage = "", .options = rows, .check = check_fast};

	(void)state;
	expect_usage(&checked, "--fast -c 2", "--fast does one");
	assert_int_equal(run(&checked, "--fast -c 1").status, 200);
}

static void test_near(void **state)
{
	static const struct {
		const char *typed, *best;
	} rows_near[] = {{"prodcue", "produce"}, {"prod", "produce"}, {"consum", "consume"}, {"cat", "catalog"},
		{"xyz", NULL}, {"", NULL}, {"a-word-that-is-far-too-long-to-be-any-of-these", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof rows_near / sizeof rows_near[0]; i++) {
		struct near near = near_to(rows_near[i].typed);

		near_offer(&near, "produce");
		near_offer(&near, "consume");
		near_offer(&near, "catalog");
		if (rows_near[i].best)
			assert_string_equal(near.best, rows_near[i].best);
		else
			assert_null(near.best);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test_setup(test_defaults, clear_environment),
		cmocka_unit_test_setup(test_operands_mix, clear_environment),
		cmocka_unit_test_setup(test_stop_at_operand, clear_environment),
		cmocka_unit_test_setup(test_every_kind, clear_environment),
		cmocka_unit_test_setup(test_stats_without_value, clear_environment),
		cmocka_unit_test_setup(test_framing_shorthands, clear_environment),
		cmocka_unit_test_setup(test_network, clear_environment),
		cmocka_unit_test_setup(test_mistakes, clear_environment),
		cmocka_unit_test_setup(test_no_abbreviations, clear_environment),
		cmocka_unit_test_setup(test_waits, clear_environment),
		cmocka_unit_test_setup(test_subcommands, clear_environment),
		cmocka_unit_test_setup(test_environment, clear_environment),
		cmocka_unit_test_setup(test_precedence, clear_environment),
		cmocka_unit_test_setup(test_prefixed_names, clear_environment),
		cmocka_unit_test_setup(test_environment_mistakes, clear_environment),
		cmocka_unit_test_setup(test_help, clear_environment),
		cmocka_unit_test_setup(test_version, clear_environment),
		cmocka_unit_test_setup(test_list_options, clear_environment),
		cmocka_unit_test_setup(test_check, clear_environment),
		cmocka_unit_test(test_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
