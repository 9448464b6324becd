/*
 * mosaik-catalog - who is there: peers, tags, streams, groups; and why not.
 *
 * All but `announce` never join: they ask members for their catalog, as guests, and go. Nobody lists them, and nobody is
 * told that they left.
 */
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-catalog/settings.h"
#include "cmd/mosaik-catalog/subcommands.h"

#define ANY_NUMBER 0

static const struct route {
	const char *name;
	subcommand_run *run;
	int operands_max;        /* with its own name */
	bool offline;            /* no network is needed */
	bool endless;            /* no deadline unless -W says so */
} routes[] = {
	{"peers", list_run, 2, false, false},
	{"tags", list_run, 1, false, false},
	{"streams", list_run, 1, false, false},
	{"groups", list_run, 1, false, false},
	{"me", self_run, 1, false, false},
	{"id", self_id, ANY_NUMBER, true, false},
	{"watch", watch_run, ANY_NUMBER, false, true},
	{"wait", wait_run, 1, false, false},
	{"ping", ping_run, 2, false, false},
	{"explain", explain_run, 3, false, false},
	{"graph", graph_run, 1, false, false},
	{"doctor", doctor_run, 1, false, false},
	{"announce", announce_run, ANY_NUMBER, false, true},
};

static const struct route *route_of(const char *name)
{
	const struct route *route = routes;

	while (strcmp(route->name, name) != 0)
		route++;   /* it is in the table of the options, which has the same names */
	return route;
}

static int run(struct settings *settings, int count, char **operand)
{
	const struct route *route = route_of(options_subcommand(&command, &settings->common, count > 0 ? operand[0] : NULL)->name);

	if (!route->offline)
		options_require_network(&settings->common);
	if (route->operands_max != ANY_NUMBER && count > route->operands_max)
		usage_error("'%s' is one operand too many", operand[route->operands_max]);
	if (route->endless && !settings->common.has_timeout)
		settings->common.timeout = MSEC_NEVER;
	if (route->run == announce_run) {
		options_read_variable(&command, settings, "tag", "MOSAIK_TAGS");
		command.check(settings);
	}
	return route->run(settings, count, operand);
}

int main(int argc, char **argv)
{
	struct settings settings = settings_defaults;
	int first = options_parse(&command, argc, argv, &settings);
	int status = run(&settings, argc - first, argv + first);

	options_free(&command, &settings);
	return printed_end(status);
}
