/*
 * watch.c - who comes, changes and goes, as it happens.
 *
 *     question --> answer --> differences --> one line each, or one run of CMD each --> 250 ms --> question
 *
 * Nothing is asked while there is work: so at most one difference is kept, however slow the reader or CMD is. What came
 * and went between two questions is not seen; when they were far apart, and something changed, an event `lag` says so.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/ask.h"
#include "cmd/mosaik-catalog/changes.h"
#include "cmd/common/command.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

#define INTERVAL 250       /* msec between questions */
#define LAG 1000           /* msec between answers after which what happened between them may be more than their difference */
#define SILENCE 3000       /* msec without an answer after which everybody counts as gone */

enum { EVENT_KIND, EVENT_ID, EVENT_CARD };

static const struct column columns[] = {
	{"event", COLUMN_TEXT}, {"id", COLUMN_ID}, {"addr", COLUMN_TEXT}, {"tags", COLUMN_NAMES},
	{"streams", COLUMN_NAMES}, {"groups", COLUMN_NAMES}, {.name = NULL}
};

/* Of the same order. Not MOSAIK_TAGS: programs that CMD starts would carry the tags of somebody else. */
static const char *const variables[] = {"MOSAIK_EVENT", "MOSAIK_PEER", "MOSAIK_ADDR", "MOSAIK_PEER_TAGS",
	"MOSAIK_PEER_STREAMS", "MOSAIK_PEER_GROUPS", NULL};

struct watch {
	struct ask ask;
	const struct settings *settings;
	char **command;            /* NULL: events are printed */
	struct child *child;       /* NULL: none runs */
	struct changes changes;
	msec answered_at;
	bool is_lagging;           /* the event for it is due */
	msec silent_since;         /* MSEC_NEVER: the last question was answered */
	int stopped;               /* exit status, once CMD has ended; 0: go on */
	bool is_told;              /* that nobody is there yet */
};

static const char *kind_name(enum catalog_event_kind kind)
{
	switch (kind) {
	case PEER_DISCOVERED:
		return "peer-join";
	case PEER_UPDATED:
		return "peer-update";
	case PEER_DEPARTED:
		break;
	}
	return "peer-leave";
}

/* The line of an event; one without an entry is a lag. Released with free(). */
static char *render(const struct change *change, enum listing_form form, const char *wanted)
{
	const char *unknown = NULL;
	char *line = NULL;
	size_t size = 0, rows;
	FILE *file = open_memstream(&line, &size);
	struct listing *listing = listing_new(file, form, columns, wanted, &unknown);

	ASSERT(listing);   /* watch_run looked at -o */
	listing_text(listing, EVENT_KIND, bytes_of_text(change->entry ? kind_name(change->kind) : "lag"));
	if (change->entry) {
		listing_id(listing, EVENT_ID, &change->entry->card.peer);
		print_card(listing, EVENT_CARD, &change->entry->card);
	}
	listing_end_row(listing);
	(void)!listing_finish(listing, &rows);   /* into memory */
	listing_free(listing);
	fclose(file);
	return line;
}

static void set_variables(const struct change *change)
{
	char *line = render(change, LISTING_TSV, NULL), *rest = line;

	line[strcspn(line, "\n")] = '\0';
	for (const char *const *name = variables; *name; name++)
		setenv(*name, strsep(&rest, "\t"), 1);
	free(line);
}

static void leave(struct watch *watch, int status)
{
	if (status > 128)
		session_leave_signal(&watch->ask.session, status - 128);
	else
		session_leave(&watch->ask.session, status);
}

static void print_event(struct watch *watch, const char *line)
{
	if (fputs(line, stdout) != EOF && fflush(stdout) == 0)
		return;
	if (errno != EPIPE)
		report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
	leave(watch, errno == EPIPE ? 128 + SIGPIPE : EXIT_IO);
}

static void tell(struct watch *watch, const struct change *change)
{
	const struct common *common = &watch->settings->common;
	char *line = render(change, common->json ? LISTING_JSON : LISTING_TSV, common->columns);
	struct bytes input = bytes_of_text(line);

	if (watch->command) {
		int status;

		set_variables(change);
		watch->child = command_start(watch->ask.session.runtime, watch->command, &input, &status);
		if (!watch->child)
			leave(watch, status);
	} else {
		print_event(watch, line);
	}
	free(line);
}

/* CMD's own status changes nothing: a handler that fails once is no reason to miss the next event. */
static void reap(struct watch *watch)
{
	int status;

	if (!watch->child || !child_has_ended(watch->child, &status))
		return;
	child_free(watch->child);
	watch->child = NULL;
	if (status != 0)
		warn("'%s' ended with status %d", watch->command[0], status);
}

static bool next_event(struct watch *watch, struct change *change)
{
	if (!watch->is_lagging)
		return changes_next(&watch->changes, change);
	watch->is_lagging = false;
	*change = (struct change){.entry = NULL};
	return true;
}

static void turn(struct ask *ask, msec now)
{
	struct watch *watch = ask->self;
	struct change change;

	reap(watch);
	if (!watch->command)
		runtime_mind_reader(ask->session.runtime);
	if (!watch->child && watch->stopped)
		leave(watch, watch->stopped);
	while (!watch->child && !ask->session.leaving && next_event(watch, &change)) {
		tell(watch, &change);
		entry_drop(change.entry);
	}
	if (!watch->child && !ask->under_way && ask->ask_at == MSEC_NEVER)
		ask_again(ask, now + INTERVAL);
}

static void answered(struct ask *ask, msec now)
{
	struct watch *watch = ask->self;
	struct change change;

	watch->silent_since = MSEC_NEVER;
	changes_compare(&watch->changes, ask_catalog(ask));
	watch->is_lagging = ask->answers > 1 && now - watch->answered_at > LAG && changes_waiting(&watch->changes);
	watch->answered_at = now;
	if (ask->answers > 1)
		return;
	/* Who is there when we come is no news, unless nobody was at first. */
	while (!watch->settings->initial && !watch->is_told && changes_next(&watch->changes, &change))
		entry_drop(change.entry);
	session_ready(&ask->session);
}

/* A network whose last member left has nobody who could say so. */
static void failed(struct ask *ask, msec now)
{
	struct watch *watch = ask->self;

	if (ask->answers == 0) {
		if (!watch->is_told)
			warn("nobody of network '%s' answers yet: %s", ask->common.network_text, error_text(ask->failure));
		watch->is_told = true;
	} else if (watch->silent_since == MSEC_NEVER) {
		watch->silent_since = now;
	} else if (now - watch->silent_since >= SILENCE) {
		changes_all_gone(&watch->changes);
	}
}

/* With CMD running, its group is told, and its end awaited. */
static void stopped(struct ask *ask, int status)
{
	struct watch *watch = ask->self;

	watch->stopped = status;
	if (watch->child)
		child_signal(watch->child, status > 128 ? status - 128 : SIGTERM);
	runtime_again(ask->session.runtime);
}

int watch_run(const struct settings *settings, int count, char **operand)
{
	struct watch watch = {.settings = settings, .command = count > 1 ? operand + 1 : NULL, .silent_since = MSEC_NEVER};
	int status;

	listing_check(&settings->common, columns);
	watch.ask = (struct ask){.common = settings->common, .patient = true, .stays = true, .answered = answered,
		.failed = failed, .turn = turn, .stopped = stopped, .self = &watch};
	status = ask_run(&watch.ask);
	changes_fini(&watch.changes);
	return status;
}
