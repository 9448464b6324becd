/*
 * mosaik-group - consensus from the shell: be a member, ask one from outside, or run a command under a lock.
 */
#include <string.h>

#include "cmd/common/exit.h"
#include "cmd/common/group_name.h"
#include "cmd/mosaik-group/settings.h"
#include "cmd/mosaik-group/subcommands.h"

static const struct route {
	const char *name;
	subcommand_run *run;
	bool endless;            /* no deadline unless -W says so */
} routes[] = {
	{"join", join_run, true},
	{"propose", propose_run, false},
	{"query", query_run, false},
	{"log", log_run, false},
	{"status", status_run, false},
	{"members", members_run, false},
	{"leader", leader_run, false},
	{"wait", wait_run, false},
	{"lock", lock_run, true},
	{"declare-dead", declare_dead_run, false},
	{"recover", recover_run, false},
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
	struct invocation invocation = {.settings = settings, .group = operand[1], .operand = operand + 2, .count = count - 2};

	settings->common.json = settings->common.framing == FRAMING_JSON;
	if (count < 2)
		usage_error("%s which group?", route->name);
	group_name_check("group", invocation.group);
	if ((route->endless || settings->follow) && !settings->common.has_timeout)
		settings->common.timeout = MSEC_NEVER;
	return route->run(&invocation);
}

int main(int argc, char **argv)
{
	struct settings settings = settings_defaults;
	int first = options_parse(&command, argc, argv, &settings);
	int status = run(&settings, argc - first, argv + first);

	options_free(&command, &settings);
	return status;
}
