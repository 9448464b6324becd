/*
 * list.c - peers, tags, streams, groups: one question, one list.
 */
#include "cmd/common/ask.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

struct list_request {
	const struct settings *settings;
	const char *what;
	const char *peer;        /* the beginning of an id; NULL: all */
};

static void answered(struct ask *ask, msec now)
{
	const struct list_request *request = ask->self;

	session_leave(&ask->session, print_catalog(request->settings, request->what, request->peer, ask_catalog(ask), now));
}

int list_run(const struct settings *settings, int count, char **operand)
{
	struct list_request request = {.settings = settings, .what = operand[0], .peer = count > 1 ? operand[1] : NULL};
	struct ask ask = {.common = settings->common, .answered = answered, .self = &request};

	print_check(settings, request.what);
	return ask_run_or_fail(&ask);
}
