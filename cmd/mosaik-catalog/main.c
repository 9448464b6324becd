/*
 * mosaik-catalog - who is there: peers, tags, streams, groups.
 *
 * A one-shot that never joins: it asks one member for its catalog, as a guest, prints what was asked for and goes. Nobody
 * lists it, and nobody is told that it left.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/listing.h"
#include "cmd/common/session.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/settings.h"
#include "runtime/local.h"

#define ASK_AGAIN 100   /* msec between questions, within -w */

struct ask {
	struct settings settings;
	struct session session;
	const char *what;            /* subcommand */
	const char *peer;            /* operand of peers; NULL */
	bool under_way;
	msec ask_at;
	enum error failure;          /* the last one; told when nobody answers */
	bool nobody;                 /* there was nobody to ask */
};

static msec wait_until(const struct ask *ask)
{
	msec wait = ask->settings.common.has_wait ? ask->settings.common.wait : 0;

	return wait == MSEC_NEVER ? MSEC_NEVER : ask->session.started_at + wait;
}

static void answered(struct ask *ask, msec now)
{
	const struct catalog *catalog = node_catalog(runtime_node(ask->session.runtime));

	session_leave(&ask->session, print_catalog(&ask->settings, ask->what, ask->peer, catalog, now));
}

/* Once more, as long as -w allows; else the reason is told at the end. */
static void not_answered(struct ask *ask, msec now, enum error reason)
{
	ask->under_way = false;
	ask->failure = reason;
	ask->ask_at = now + ASK_AGAIN;
	if (now >= wait_until(ask))
		session_leave(&ask->session, reason == ERROR_DIFFERENT_NETWORK || reason == ERROR_WRONG_PEER ||
			reason == ERROR_NOT_ALLOWED ? EXIT_REFUSED : EXIT_UNAVAILABLE);
}

static void turn(void *self, msec now)
{
	struct ask *ask = self;
	struct node_fact fact;

	while (node_next_fact(runtime_node(ask->session.runtime), &fact)) {
		if (fact.kind == NODE_LISTED)
			answered(ask, now);
		else if (fact.kind == NODE_LIST_FAILED)
			not_answered(ask, now, fact.reason);
		if (ask->session.leaving)
			return;
	}
	if (session_is_late(&ask->session, now)) {
		session_leave(&ask->session, EXIT_DEADLINE);
	} else if (!ask->under_way && now >= ask->ask_at) {
		ask->under_way = runtime_ask(ask->session.runtime) > 0;
		ask->nobody = !ask->under_way;
		if (!ask->under_way)
			not_answered(ask, now, ERROR_UNREACHABLE);
	}
}

static msec deadline(void *self)
{
	const struct ask *ask = self;
	msec due = session_deadline(&ask->session);

	return ask->under_way ? due : msec_min(due, ask->ask_at);
}

static void on_signal(void *self, int number)
{
	struct ask *ask = self;

	if (number != SIGUSR1)
		session_leave_signal(&ask->session, number);
}

static const struct program program = {turn, deadline, on_signal};

/* What, where it looked, what to type next. */
static void tell_failure(const struct ask *ask, int status)
{
	const struct common *common = &ask->settings.common;
	char where[LOCAL_PATH_SIZE], looked[LOCAL_PATH_SIZE + 64];
	const char *const hints[] = {looked, "start a node there, or name one: -p PEERID@HOST:PORT (mosaik-bootstrap prints it)",
		"-w 10s waits for one", NULL};

	local_path(&common->network, where);
	if (common->no_local)
		snprintf(looked, sizeof looked, "looked at %zu peers of -p; --no-local is set", common->peers.count);
	else
		snprintf(looked, sizeof looked, "looked at %zu peers of -p, and in %s", common->peers.count, where);
	if (status == EXIT_DEADLINE)
		fail(status, "deadline", hints, "no answer from network '%s' within the timeout", common->network_text);
	if (ask->nobody)
		fail(status, "no-peer", hints, "nobody of network '%s' is known here", common->network_text);
	if (status == EXIT_REFUSED)
		fail(status, error_name(ask->failure), NULL, "the peer that was asked %s: not network '%s', or not the key in -p",
			error_text(ask->failure), common->network_text);
	fail(status, "no-answer", hints, "no member of network '%s' answered: %s", common->network_text, error_text(ask->failure));
}

static int ask_member(struct ask *ask)
{
	int status;

	ask->failure = OK;
	session_open(&ask->session, &(struct session_options){.common = &ask->settings.common, .program = &program, .self = ask,
		.guest = true});
	status = session_run(&ask->session);
	if (status == EXIT_UNAVAILABLE || status == EXIT_REFUSED || status == EXIT_DEADLINE)
		tell_failure(ask, status);
	return status;
}

/* The digest behind a name of any kind whose id is the name alone. */
static int print_id(const char *kind, const char *name)
{
	static const char *const kinds[] = {"network", "tag", "stream", NULL};
	char text[ID_TEXT_SIZE];
	struct id id;

	for (const char *const *known = kinds; *known; known++) {
		if (strcmp(*known, kind) != 0)
			continue;
		id = options_id(kind, name);
		id_format(&id, text);
		return printf("%s\n", text) < 0 || fflush(stdout) != 0 ? EXIT_IO : EXIT_YES;
	}
	usage_error("'%s' is not a kind whose id follows from a name (network, tag, stream)", kind);
}

static void own_turn(void *self, msec now)
{
	struct ask *ask = self;

	(void)now;
	session_leave(&ask->session, print_self(&ask->settings, runtime_token(ask->session.runtime)));
}

static int show_self(struct ask *ask)
{
	static const struct program own_program = {.turn = own_turn};

	session_open(&ask->session, &(struct session_options){.common = &ask->settings.common, .program = &own_program,
		.self = ask, .guest = true});
	return session_run(&ask->session);
}

static int run(struct ask *ask, int count, char **operand)
{
	ask->what = options_subcommand(&command, count > 0 ? operand[0] : NULL)->name;
	if (strcmp(ask->what, "id") == 0) {
		if (count != 3)
			usage_error("id takes a kind and a name");
		return print_id(operand[1], operand[2]);
	}
	options_require_network(&ask->settings.common);
	if (count > (strcmp(ask->what, "peers") == 0 ? 2 : 1))
		usage_error("'%s' is one operand too many", operand[count - 1]);
	ask->peer = count == 2 ? operand[1] : NULL;
	return strcmp(ask->what, "me") == 0 ? show_self(ask) : ask_member(ask);
}

int main(int argc, char **argv)
{
	struct ask ask = {.settings = settings_defaults};
	int first = options_parse(&command, argc, argv, &ask.settings);
	int status = run(&ask, argc - first, argv + first);

	options_free(&command, &ask.settings);
	return status;
}
