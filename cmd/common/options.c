/*
 * options.c - getopt_long over tables, then the environment for what the command line left open.
 *
 * getopt_long is used in its "in order" mode (a '-' first in the letters), in which it permutes nothing: then
 * argv[optind] is the element that comes next, and an abbreviated or unknown long option can be refused before
 * getopt_long would accept or misname it. Operands are collected here instead.
 */
#include "cmd/common/options_internal.h"

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/exit.h"
#include "cmd/common/near.h"
#include "cmd/common/printed.h"

#define SHARED_PREFIX "MOSAIK_"
#define VARIABLE_MAX 64
#define MOST_VERBOSE (LOG_TRACE - LOG_WARN)   /* further -v add nothing */

#define FIELD(member, type) OPTION_FIELD(struct common, member, type)

static const struct option_row common_rows[] = {
	{'n', "network", OPTION_TEXT, FIELD(network_text, const char *), "NAME", "MOSAIK_NETWORK MOSAIK_NETWORK_ID",
		"network name, or 64 hex digits taken literally"},
	{'p', "peer", OPTION_PEERS, FIELD(peers, struct texts), "ADDR", "MOSAIK_PEERS",
		"peer to dial: [PEERID@]HOST:PORT"},
	{'t', "tag", OPTION_TEXTS, FIELD(tags, struct texts), "TAG", "MOSAIK_TAGS", "tag to advertise"},
	{'i', "identity", OPTION_TEXT, FIELD(identity_path, const char *), "FILE", "MOSAIK_IDENTITY",
		"secret key file"},
	{'b', "bind", OPTION_TEXT, FIELD(bind_text, const char *), "ADDR", "MOSAIK_BIND", "UDP address to listen on"},
	{0, "ticket", OPTION_TEXTS, FIELD(tickets, struct texts), "FILE", "MOSAIK_TICKET", NULL},
	{0, "no-local", OPTION_FLAG, FIELD(no_local, bool), NULL, "MOSAIK_NO_LOCAL", "no same-host rendezvous"},
	{0, "no-names", OPTION_FLAG, FIELD(no_names, bool), NULL, "MOSAIK_NO_NAMES", "publish ids of tags and streams, not their names"},
	{'W', "timeout", OPTION_DURATION, FIELD(timeout, msec), "DUR", "MOSAIK_TIMEOUT",
		"deadline of the whole operation"},
	{'w', "wait", OPTION_DURATION, FIELD(wait, msec), "DUR", "MOSAIK_WAIT", "wait this long for preconditions"},
	{'F', "framing", OPTION_FRAMING, FIELD(framing, enum framing), "KIND", "MOSAIK_FRAMING",
		"lines, null, u32, raw, whole, json or cbor"},
	{'0', "null", OPTION_FLAG, FIELD(null, bool), NULL, NULL, "same as -F null"},
	{'j', "json", OPTION_FLAG, FIELD(json, bool), NULL, NULL, "JSON, one object a line"},
	{'o', "columns", OPTION_TEXT, FIELD(columns, const char *), "COLS", NULL,
		"columns to print, separated by commas"},
	{'q', "quiet", OPTION_FLAG, FIELD(quiet, bool), NULL, NULL, "errors only on stderr"},
	{'v', "verbose", OPTION_COUNT, FIELD(verbose, unsigned), NULL, NULL, "more on stderr; repeatable"},
	{0, "ready-fd", OPTION_NUMBER, FIELD(ready_fd, uint64_t), "N", "MOSAIK_READY_FD",
		"write a newline there when ready"},
	{0, "stats", OPTION_OPTIONAL_DURATION, FIELD(stats, msec), "DUR", "MOSAIK_STATS", "statistics on stderr"},
	{.name = NULL}
};

_Static_assert(OPTIONS_ROWS_MAX <= sizeof ((struct common *)0)->said * CHAR_BIT, "a bit for each");

static bool has_word(const char *words, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = words; (at = strstr(at, word)) != NULL; at += size)
		if ((at == words || at[-1] == ' ') && (at[size] == ' ' || at[size] == '\0'))
			return true;
	return false;
}

static void rows_add(struct option_rows *rows, const struct option_row *row)
{
	ASSERT(rows->count < OPTIONS_ROWS_MAX);
	for (size_t i = 0; i < rows->count; i++) {
		ASSERT(strcmp(rows->row[i]->name, row->name) != 0);
		ASSERT(row->letter == 0 || rows->row[i]->letter != row->letter);
	}
	rows->row[rows->count++] = row;
}

void options_rows(const struct command *command, struct option_rows *rows)
{
	*rows = (struct option_rows){0};
	for (const struct option_row *row = command->options; row && row->name; row++)
		rows_add(rows, row);
	rows->own = rows->count;
	for (const struct option_row *row = common_rows; row->name; row++)
		if (command->common && has_word(command->common, row->name))
			rows_add(rows, row);
}

/* ---- the command line ---- */

enum { CODE_HELP = 256, CODE_VERSION, CODE_LIST, CODE_ROW };   /* CODE_ROW + i: long option of row i */

enum given { BY_NOBODY, BY_LINE, BY_ENVIRONMENT };

struct parse {
	const struct command *command;
	void *settings;
	struct option_rows rows;
	enum given given[OPTIONS_ROWS_MAX];
	struct option longs[OPTIONS_ROWS_MAX + 4];
	char letters[2 * OPTIONS_ROWS_MAX + 8];
};

static int needs_value(const struct option_row *row)
{
	if (row->kind == OPTION_FLAG || row->kind == OPTION_COUNT)
		return no_argument;
	return row->kind == OPTION_OPTIONAL_DURATION ? optional_argument : required_argument;
}

static void build_getopt(struct parse *parse)
{
	char *letter = parse->letters;
	struct option *option = parse->longs;

	*letter++ = parse->command->stop_at_operand ? '+' : '-';
	*letter++ = ':';
	*letter++ = 'h';
	*letter++ = 'V';
	*option++ = (struct option){"help", no_argument, NULL, CODE_HELP};
	*option++ = (struct option){"version", no_argument, NULL, CODE_VERSION};
	*option++ = (struct option){"list-options", no_argument, NULL, CODE_LIST};
	for (size_t i = 0; i < parse->rows.count; i++) {
		const struct option_row *row = parse->rows.row[i];

		ASSERT(row->letter != 'h' && row->letter != 'V');
		*option++ = (struct option){row->name, needs_value(row), NULL, CODE_ROW + (int)i};
		if (row->letter == 0)
			continue;
		ASSERT(needs_value(row) != optional_argument);
		*letter++ = row->letter;
		if (needs_value(row) == required_argument)
			*letter++ = ':';
	}
}

/* Index of the row behind a code or letter that getopt_long reported; rows.count: none. */
static size_t find_row(const struct parse *parse, int code)
{
	size_t i;

	for (i = 0; i < parse->rows.count; i++)
		if (code == CODE_ROW + (int)i || (code != 0 && code == parse->rows.row[i]->letter))
			break;
	return i;
}

/* argv[at] is a long option: it has to be spelled out. */
static void refuse_unknown_long(const struct parse *parse, const char *element)
{
	char name[VARIABLE_MAX];
	size_t size = strcspn(element + 2, "=");
	struct near near;

	for (const struct option *option = parse->longs; option->name; option++)
		if (strlen(option->name) == size && strncmp(option->name, element + 2, size) == 0)
			return;
	snprintf(name, sizeof name, "%.*s", (int)(size < sizeof name ? size : sizeof name), element + 2);
	near = near_to(name);
	for (const struct option *option = parse->longs; option->name; option++)
		near_offer(&near, option->name);
	if (near.best)
		usage_error("unknown option '--%s'; did you mean '--%s'?", name, near.best);
	usage_error("unknown option '--%s'", name);
}

/* getopt_long was not content (code '?' or ':') with optopt, a letter or the code of a long option. */
_Noreturn static void refuse(const struct parse *parse, int code)
{
	size_t i = find_row(parse, optopt);
	const struct option_row *row = i < parse->rows.count ? parse->rows.row[i] : NULL;

	if (code == ':' && row)
		usage_error("option '--%s' needs a value: %s", row->name, row->value);
	if (row && optopt >= CODE_ROW)
		usage_error("option '--%s' takes no value", row->name);
	if (optopt >= CODE_HELP && optopt < CODE_ROW)
		usage_error("option '--%s' takes no value", parse->longs[optopt - CODE_HELP].name);
	if (isdigit(optopt))
		usage_error("unknown option '-%c'; what is below zero stands behind --", optopt);
	usage_error("unknown option '-%c'", optopt);
}

_Noreturn static void answer(const struct parse *parse, int code)
{
	if (code == CODE_LIST)
		options_print_list(parse->command, &parse->rows);
	else if (code == CODE_VERSION || code == 'V')
		printf("%s %s\n", parse->command->name, MOSAIK_VERSION);
	else
		options_print_help(parse->command, &parse->rows);
	exit(printed(EXIT_YES));
}

static void take_option(struct parse *parse, int code)
{
	size_t i = find_row(parse, code);
	const struct option_row *row = parse->rows.row[i];
	char source[VARIABLE_MAX];

	ASSERT(i < parse->rows.count);
	parse->given[i] = BY_LINE;
	((struct common *)parse->settings)->said |= UINT64_C(1) << i;
	if (optarg) {
		snprintf(source, sizeof source, "--%s", row->name);
		options_assign(row, parse->settings, source, optarg);
	} else {
		options_assign_bare(row, parse->settings);
	}
}

static int parse_line(struct parse *parse, int argc, char **argv)
{
	char **operand = memory_new((size_t)argc * sizeof *operand);
	size_t count = 0;
	int first;

	optind = 0;   /* glibc: start afresh, also after an earlier parse */
	for (;;) {
		int at = optind > 0 ? optind : 1, code;

		if (at < argc && strncmp(argv[at], "--", 2) == 0 && argv[at][2] != '\0')
			refuse_unknown_long(parse, argv[at]);
		code = getopt_long(argc, argv, parse->letters, parse->longs, NULL);
		if (code == -1)
			break;
		if (code == 1)
			operand[count++] = optarg;
		else if (code == '?' || code == ':')
			refuse(parse, code);
		else if (code == 'h' || code == 'V' || (code >= CODE_HELP && code < CODE_ROW))
			answer(parse, code);
		else
			take_option(parse, code);
	}
	((struct common *)parse->settings)->behind = argc - optind;
	/* Those that stood between options go in front of those that stood behind "--". */
	first = optind - (int)count;
	for (size_t i = 0; i < count; i++)
		argv[first + (int)i] = operand[i];
	memory_free(operand);
	return first;
}

/* ---- the environment ---- */

static bool take_variable(struct parse *parse, const struct option_row *row, const char *name)
{
	const char *value = getenv(name);

	if (!value || *value == '\0')
		return false;
	options_assign_variable(row, parse->settings, name, value);
	return true;
}

/* MOSAIK_BOOTSTRAP_READY_FD for an option called ready-fd, whatever else it may be called. */
static bool take_named_variable(struct parse *parse, const struct option_row *row)
{
	char name[VARIABLE_MAX];
	int size = snprintf(name, sizeof name, "%s%s", parse->command->environment_prefix, row->name);

	ASSERT(size > 0 && (size_t)size < sizeof name);
	for (char *at = name; *at; at++)
		*at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
	return take_variable(parse, row, name);
}

/* Tries the variables of a row in order: under the program's own prefix, or (prefix NULL) as they stand. */
static bool take_listed_variables(struct parse *parse, const struct option_row *row, const char *prefix)
{
	const char *list = row->environment ? row->environment : "";

	while (*list) {
		size_t size = strcspn(list, " "), skip = 0;
		char name[VARIABLE_MAX];
		int made;

		if (prefix)
			skip = strncmp(list, prefix, strlen(prefix)) == 0 ? strlen(prefix) : strlen(SHARED_PREFIX);
		made = snprintf(name, sizeof name, "%s%.*s", prefix ? prefix : "", (int)(size - skip), list + skip);
		ASSERT(made > 0 && (size_t)made < sizeof name);
		if (take_variable(parse, row, name))
			return true;
		list += size + (list[size] == ' ');
	}
	return false;
}

static void parse_environment(struct parse *parse)
{
	const char *prefix = parse->command->environment_prefix;

	for (size_t i = 0; i < parse->rows.count; i++) {
		const struct option_row *row = parse->rows.row[i];

		if (parse->given[i] != BY_NOBODY)
			continue;
		if ((prefix && (take_listed_variables(parse, row, prefix) || take_named_variable(parse, row))) ||
			take_listed_variables(parse, row, NULL))
			parse->given[i] = BY_ENVIRONMENT;
	}
}

/* ---- what follows from the values ---- */

static enum given given(const struct parse *parse, const char *name)
{
	for (size_t i = parse->rows.own; i < parse->rows.count; i++)
		if (strcmp(parse->rows.row[i]->name, name) == 0)
			return parse->given[i];
	return BY_NOBODY;
}

struct id options_id(const char *kind, const char *name)
{
	struct id id;

	if (*name == '\0')
		usage_error("the name of a %s is empty", kind);
	if (id_from_text(name, &id) != OK)
		usage_error("%s '%s' has %zu hex digits: a mistyped id? (an id has 64, a hex name under 32)",
			kind, name, strlen(name));
	return id;
}

struct id options_peer(const char *text)
{
	char hex[ID_TEXT_SIZE] = "";
	size_t size = strcspn(text, "@");
	struct id id;

	if (size == ID_TEXT_SIZE - 1)
		memcpy(hex, text, size);
	if (id_from_hex(hex, &id) != OK)
		usage_error("'%s' is not a peer: 64 hex digits, or PEERID@HOST:PORT", text);
	return id;
}

void options_require_network(const struct common *common)
{
	if (!common->has_network)
		usage_error("no network given: say -n NAME or set MOSAIK_NETWORK");
}

/* -F, -0 and -j are three spellings of one setting; on the command line they must agree. */
static void settle_framing(const struct parse *parse, struct common *common)
{
	enum framing said = common->json ? FRAMING_JSON : FRAMING_NULL;

	if (common->json && common->null)
		usage_error("-0 and -j contradict each other");
	common->has_framing = common->json || common->null || given(parse, "framing") != BY_NOBODY;
	if (!common->json && !common->null)
		return;
	if (given(parse, "framing") == BY_LINE && common->framing != said)
		usage_error(
			"-F %s and -%c contradict each other", framing_name(common->framing), common->json ? 'j' : '0');
	common->framing = said;
}

static void settle(const struct parse *parse, struct common *common)
{
	const struct command *command = parse->command;
	bool takes_network = command->common && has_word(command->common, "network");

	common->has_network = given(parse, "network") != BY_NOBODY;
	common->has_timeout = given(parse, "timeout") != BY_NOBODY;
	common->has_wait = given(parse, "wait") != BY_NOBODY;
	settle_framing(parse, common);
	/* The deadline that nobody asked for must not come before the end of the wait that somebody did. */
	if (common->has_wait && !common->has_timeout && common->timeout != MSEC_NEVER)
		common->timeout = common->wait == MSEC_NEVER ? MSEC_NEVER : common->timeout + common->wait;
	if (common->has_network)
		common->network = options_id("network", common->network_text);
	else if (takes_network && !command->network_optional)
		options_require_network(common);
	for (size_t i = 0; i < common->tags.count; i++)
		(void)options_id("tag", common->tags.text[i]);
	if (common->stats == 0)
		usage_error("--stats: the period cannot be 0");
	if (common->ready_fd != UINT64_MAX && (common->ready_fd > INT_MAX || fcntl((int)common->ready_fd, F_GETFD) < 0))
		usage_error("--ready-fd %llu: not an open descriptor", (unsigned long long)common->ready_fd);
}

void options_read_variable(const struct command *command, void *settings, const char *option, const char *name)
{
	const struct option_row *row = command->options;
	const char *value = getenv(name);

	while (strcmp(row->name, option) != 0)
		row++;
	ASSERT(row->kind == OPTION_TEXTS);
	if (value && *value != '\0' && ((struct texts *)(void *)((char *)settings + row->offset))->count == 0)
		options_assign_variable(row, settings, name, value);
}

enum log_level options_log_level(const struct common *common)
{
	static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
	const char *wanted = getenv("MOSAIK_LOG");

	if (common->quiet)
		return LOG_ERROR;
	if (common->verbose > 0)
		return (enum log_level)(common->verbose < MOST_VERBOSE ? LOG_WARN + common->verbose : LOG_TRACE);
	if (!wanted || *wanted == '\0')
		return LOG_WARN;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(wanted, names[i]) == 0)
			return (enum log_level)i;
	usage_error("MOSAIK_LOG: '%s' is not error, warn, info, debug or trace", wanted);
}

/*
 * A standard descriptor that the parent closed would be given to the next socket, and data would go there. What stands in
 * for it is open the wrong way round, so that using it fails as using the closed one would.
 */
static void hold_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			exit(EXIT_SYSTEM);
}

int options_parse(const struct command *command, int argc, char **argv, void *settings)
{
	struct parse parse = {.command = command, .settings = settings};
	struct common *common = settings;
	int first;

	ASSERT(command->name && command->usage);
	hold_standard_descriptors();
	options_tell_as(command->name, false, false);
	options_rows(command, &parse.rows);
	build_getopt(&parse);
	first = parse_line(&parse, argc, argv);
	parse_environment(&parse);
	settle(&parse, common);
	options_tell_as(command->name, options_log_level(common) < LOG_WARN, options_log_level(common) > LOG_WARN);
	if (command->check)
		command->check(settings);
	return first;
}

static bool is_in_scope(const struct command *command, const char *option, const char *subcommand)
{
	for (const struct scope *scope = command->scopes; scope && scope->options; scope++)
		if (has_word(scope->options, option))
			return has_word(scope->subcommands, subcommand);
	return true;
}

static void refuse_out_of_scope(const struct command *command, const struct common *common, const char *subcommand)
{
	struct option_rows rows;

	options_rows(command, &rows);
	for (size_t i = 0; i < rows.count; i++)
		if ((common->said >> i & 1) != 0 && !is_in_scope(command, rows.row[i]->name, subcommand))
			usage_error("'%s' takes no --%s", subcommand, rows.row[i]->name);
}

const struct subcommand *options_subcommand(const struct command *command, const struct common *common, const char *word)
{
	struct near near = near_to(word ? word : "");

	ASSERT(command->subcommands);
	if (!word)
		usage_error("which subcommand? %s %s", command->name, command->usage);
	for (const struct subcommand *row = command->subcommands; row->name; row++) {
		if (strcmp(row->name, word) == 0) {
			refuse_out_of_scope(command, common, word);
			return row;
		}
		near_offer(&near, row->name);
	}
	if (near.best)
		usage_error("unknown subcommand '%s'; did you mean '%s'?", word, near.best);
	usage_error("unknown subcommand '%s'", word);
}
