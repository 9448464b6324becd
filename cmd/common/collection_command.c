/*
 * collection_command.c - from the table of a program to what runs; see collection_command.h.
 */
#include "cmd/common/collection_command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cmd/common/exit.h"
#include "cmd/common/group_name.h"
#include "cmd/common/values.h"

/* What is no verb of verbs.h, or more than one. Those of one kind stand before those of all. */
#define EVERY_KIND COLLECTION_KINDS

static const struct route {
	const char *name;
	enum collection_kind kind;
	collection_run *run;
	bool endless;              /* no deadline unless -W says so */
	bool takes_command;        /* behind -- */
} routes[] = {
	{"update", COLLECTION_MAP, collection_update_run, false, true},
	{"update", COLLECTION_CELL, collection_update_run, false, true},
	{"update", COLLECTION_PQUEUE, collection_update_run, false, true},
	{"tail", COLLECTION_VEC, collection_tail_run, false, false},
	{"subset", COLLECTION_SET, collection_subset_run, false, false},
	{"serve", EVERY_KIND, collection_serve_run, true, false},
	{"recover", EVERY_KIND, collection_recover_run, false, false},
	{"dump", EVERY_KIND, collection_dump_run, true, false},
	{"load", EVERY_KIND, collection_load_run, true, false},
	{"watch", EVERY_KIND, collection_watch_run, true, true},
	{"wait", EVERY_KIND, collection_wait_run, false, false},
};

static const struct route *route_of(enum collection_kind kind, const char *name)
{
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++)
		if ((routes[i].kind == kind || routes[i].kind == EVERY_KIND) && strcmp(routes[i].name, name) == 0)
			return &routes[i];
	return NULL;
}

/* With -w, what is not there yet is waited for. */
static bool is_patient(const struct collection_invocation *invocation)
{
	const struct common *common = &invocation->settings->common;

	if (!common->has_wait || common->wait == 0)
		return false;
	return strcmp(invocation->verb, "take") == 0 ||
		(invocation->kind == COLLECTION_ONCE && strcmp(invocation->verb, "get") == 0);
}

/* `put STORE -` of a map, `push STORE -` of a pqueue: not the value is on stdin, all of it is, one entry a line. */
static bool takes_records(const struct collection_invocation *invocation)
{
	const char *verb = invocation->kind == COLLECTION_MAP ? "put" : invocation->kind == COLLECTION_PQUEUE ? "push" : "";

	return strcmp(invocation->verb, verb) == 0 && invocation->count == 1 && strcmp(invocation->operand[0], "-") == 0;
}

struct words {
	char **operand;
	int count;
	int behind;                /* so many of them stood behind --; -1: there is no -- */
};

/* A member lists the keys of a map or set in their order, those of a queue in that of their priorities. */
static void check_prefix(enum collection_kind kind, const char *name, const struct collection_settings *settings)
{
	if (settings->prefix && kind == COLLECTION_PQUEUE && strcmp(name, "watch") != 0)
		usage_error("'%s' of a pqueue takes no --prefix", name);
}

/* Before anybody is asked. */
static void check_columns(enum collection_kind kind, const char *name, struct collection_settings *settings)
{
	const struct verb *verb = verb_find(kind, name);
	const char *wanted = settings->common.columns, *unknown = NULL;
	bool watches = strcmp(name, "watch") == 0;

	if (!wanted)
		return;
	if (!watches && (!verb || (verb->shown != SHOWN_ENTRIES && verb->shown != SHOWN_VALUE)))
		usage_error("-o: '%s' prints no columns", name);
	if (!(watches ? change_columns_read : verb_columns_read)(kind, wanted, &settings->columns, &unknown))
		usage_error("there is no column '%.*s'", (int)strcspn(unknown, ","), unknown);
	if (strcmp(name, "keys") == 0 && (settings->columns.count > 1 || settings->columns.one[0] != COLUMN_OF_KEY))
		usage_error("-o: 'keys' prints keys alone; 'ls' has more");
}

static int run(enum collection_kind kind, const struct command *command, struct collection_settings *settings,
	const struct words *words)
{
	const char *verb = options_subcommand(command, &settings->common, words->count > 0 ? words->operand[0] : NULL)->name;
	const struct route *route = route_of(kind, verb);
	struct collection_invocation invocation = {.settings = settings, .kind = kind, .verb = verb, .store = words->operand[1],
		.operand = words->operand + 2, .count = words->count - 2};

	/* Else -- only ends the options, so that an operand may begin with a dash. */
	if (route && route->takes_command && words->behind > 0) {
		invocation.command = words->operand + words->count - words->behind;
		invocation.count -= words->behind;
	}
	if (invocation.count < 0)
		usage_error("%s which %s?", verb, collection_kind_name(kind));
	group_name_check(collection_kind_name(kind), invocation.store);
	check_prefix(kind, verb, settings);
	check_columns(kind, verb, settings);
	if (((route && route->endless) || settings->follow) && !settings->common.has_timeout)
		settings->common.timeout = MSEC_NEVER;
	if (takes_records(&invocation)) {
		invocation.count = 0;
		if (!settings->common.has_timeout)
			settings->common.timeout = MSEC_NEVER;
		return collection_load_run(&invocation);
	}
	if (is_patient(&invocation))
		return collection_patient_run(&invocation);
	return route ? route->run(&invocation) : collection_verb_run(&invocation);
}

/* How many words stand behind the first `--`; -1: there is none. */
static int behind_dashes(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0)
			return argc - 1 - i;
	return -1;
}

/* What `wait` takes as --min-version is also called --version there; without a number that asks for the program's. */
static void rename_version(int argc, char **argv)
{
	static char name[] = "--min-version";

	for (int i = 1; i + 1 < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--version") == 0 && argv[i + 1][0] >= '0' && argv[i + 1][0] <= '9')
			argv[i] = name;
}

int collection_main(const struct collection_program *program, int argc, char **argv)
{
	struct option_row rows[COLLECTION_ROWS_MAX];
	struct collection_settings settings = collection_settings_defaults;
	struct command command = {
		.name = program->name,
		.usage = "-n NETWORK [options] VERB STORE [OPERAND...]",
		.examples = program->examples,
		.options = rows,
		.subcommands = program->subcommands,
		.scopes = collection_settings_scopes,
		.common = "network peer tag identity bind no-local timeout wait framing json null columns ready-fd quiet verbose stats",
		.check = collection_settings_check,
	};
	int behind = behind_dashes(argc, argv), first, status;

	rename_version(argc, argv);
	collection_settings_rows(program->options, rows);
	for (const struct subcommand *row = program->subcommands; row->name; row++)
		ASSERT(route_of(program->kind, row->name) || verb_find(program->kind, row->name));
	first = options_parse(&command, argc, argv, &settings);
	settings.common.json = settings.common.framing == FRAMING_JSON;
	settings.common.null = settings.common.framing == FRAMING_NULL;
	status = run(program->kind, &command, &settings, &(struct words){argv + first, argc - first, behind});
	options_free(&command, &settings);
	return status;
}

/* ---- for whatever asks a member ---- */

void collection_asker(const struct collection_invocation *invocation, struct asker *asker)
{
	const struct collection_settings *settings = invocation->settings;

	if (settings->types)
		(void)collection_wanted(invocation);
	asker->kind = collection_kind_name(invocation->kind);
	asker->name = invocation->store;
	asker->key_path = settings->key_path;
	asker->types = settings->types;
	asker->ask.common = settings->common;
}

bool collection_found(struct asker *asker, struct collection_shape *shape)
{
	char listed[ASKER_TYPES_MAX + 160];
	struct bytes name;

	snprintf(listed, sizeof listed, "%s %s %s", asker->kind, asker->name, asker->found_types);
	if (values_read_listed(bytes_of_text(listed), shape, &name) == OK)
		return true;
	report("types", NULL, "%s '%s' says that its types are '%s', which nobody here knows", asker->kind, asker->name,
		asker->found_types);
	asker_leave(asker, EXIT_PROTOCOL);
	return false;
}

struct collection_shape collection_wanted(const struct collection_invocation *invocation)
{
	struct collection_shape shape = {.kind = invocation->kind, .capacity = invocation->settings->capacity};
	static const char *const forms[COLLECTION_KINDS] = {
		[COLLECTION_MAP] = "KEY:VALUE", [COLLECTION_VEC] = "VALUE", [COLLECTION_SET] = "KEY", [COLLECTION_CELL] = "VALUE",
		[COLLECTION_ONCE] = "VALUE", [COLLECTION_PQUEUE] = "PRIORITY:KEY:VALUE",
	};

	shape.type[PART_PRIORITY] = TYPE_U64;
	shape.type[PART_KEY] = shape.type[PART_VALUE] = TYPE_BYTES;
	if (invocation->settings->types && collection_types_from_text(bytes_of_text(invocation->settings->types), &shape) != OK)
		usage_error("-T '%s': a %s has %s, of bytes str u64 i64 f64 bool json", invocation->settings->types,
			collection_kind_name(invocation->kind), forms[invocation->kind]);
	return shape;
}

struct verb_options collection_verb_options(const struct collection_settings *settings)
{
	return (struct verb_options){
		.from = settings->from,
		.to = settings->to,
		.prefix = settings->prefix,
		.highest = settings->highest,
		.descending = settings->descending,
		.columns = settings->columns,
		.form = settings->common.json ? VERB_JSON : settings->common.null ? VERB_NUL : VERB_TEXT,
	};
}

struct group_query collection_query(const struct collection_settings *settings, uint64_t ticket, struct bytes query)
{
	return (struct group_query){
		.ticket = ticket,
		.level = settings->local ? QUERY_LOCAL : QUERY_STRONG,
		.position = settings->min_version,
		.deadline = MSEC_NEVER,
		.query = query,
	};
}

/* A descriptor that another process made non-blocking is waited for. */
static bool write_all(struct bytes data)
{
	while (data.size > 0) {
		ssize_t wrote = write(STDOUT_FILENO, data.data, data.size);

		if (wrote > 0)
			data = bytes_of(data.data + wrote, data.size - (size_t)wrote);
		else if (errno == EAGAIN)
			(void)poll(&(struct pollfd){.fd = STDOUT_FILENO, .events = POLLOUT}, 1, -1);
		else if (errno != EINTR)
			return false;
	}
	return true;
}

int collection_print(struct buffer *output)
{
	bool written = write_all(buffer_bytes(output));
	int reason = errno;

	buffer_clear(output);
	if (written)
		return EXIT_YES;
	if (reason == EPIPE)
		return 128 + SIGPIPE;
	report("stdout", NULL, "cannot write to stdout: %s", strerror(reason));
	return EXIT_IO;
}

void collection_leave(struct asker *asker, int status)
{
	if (status > 128)
		asker->ask.stopped(&asker->ask, status);
	else
		asker_leave(asker, status);
}
