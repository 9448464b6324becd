/*
 * announce.c - a member with some tags for as long as a command runs. It is the command that counts: its status is ours,
 * and signals are for it.
 */
#include <signal.h>

#include "cmd/common/command.h"
#include "cmd/common/session_stats.h"
#include "cmd/mosaik-catalog/subcommands.h"

struct announcement {
	struct common common;
	struct session session;
	char **command;
	struct child *child;
	bool is_refused;           /* an older process has our key; CMD was told to end */
	bool is_late;              /* -W has passed; CMD was told to end */
};

static void start(struct announcement *announcement)
{
	int status;

	announcement->child = command_start(announcement->session.runtime, announcement->command, NULL, &status);
	if (!announcement->child)
		session_leave(&announcement->session, status);
	else
		session_ready(&announcement->session);
}

/* CMD was started for a member that there will not be. */
static void refuse(struct announcement *announcement)
{
	announcement->is_refused = true;
	if (announcement->child)
		child_signal(announcement->child, SIGTERM);
	else
		session_leave(&announcement->session, EXIT_REFUSED);
}

static void turn(void *self, msec now)
{
	struct announcement *announcement = self;
	struct node_fact fact;
	int status;

	if (session_stats_due(&announcement->session, now))
		session_stats(&announcement->session);
	while (node_next_fact(runtime_node(announcement->session.runtime), &fact))
		if (session_hear(&announcement->session, &fact))
			refuse(announcement);
	if (!announcement->child && !announcement->is_refused)
		start(announcement);
	if (announcement->child && child_has_ended(announcement->child, &status)) {
		child_free(announcement->child);
		if (announcement->is_refused || announcement->is_late)
			status = announcement->is_refused ? EXIT_REFUSED : EXIT_DEADLINE;
		session_leave(&announcement->session, status);
	} else if (announcement->child && session_is_late(&announcement->session, now)) {
		announcement->is_late = true;
		announcement->session.deadline = MSEC_NEVER;
		child_signal(announcement->child, SIGTERM);
	}
}

static msec deadline(void *self)
{
	const struct announcement *announcement = self;

	return session_deadline(&announcement->session);
}

static void on_signal(void *self, int number)
{
	struct announcement *announcement = self;

	if (announcement->child)
		child_signal(announcement->child, number);
	else
		session_leave_signal(&announcement->session, number);
}

int announce_run(const struct settings *settings, int count, char **operand)
{
	static const struct program program = {turn, deadline, on_signal};
	struct announcement announcement = {.common = settings->common, .command = operand + 1};

	if (count < 2)
		usage_error("announce takes a command: -t TAG -- CMD...");
	announcement.common.tags = settings->tags;
	session_open(&announcement.session, &(struct session_options){.common = &announcement.common, .program = &program,
		.self = &announcement});
	return session_run(&announcement.session);
}
