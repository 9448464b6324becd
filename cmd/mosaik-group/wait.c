/*
 * wait.c - until a group has a leader, so many members, or has committed so much. A group that is not there yet is waited
 * for as well: -W is the deadline of everything.
 */
#include <stdio.h>

#include "cmd/common/asker.h"
#include "cmd/mosaik-group/subcommands.h"

struct waiting {
	struct asker asker;
	const struct settings *settings;
};

static bool is_so(const struct settings *settings, const struct client_status *status)
{
	size_t up = 0;

	for (size_t i = 0; i < status->member_count; i++)
		up += status->member[i].up;
	return (!settings->leader || (status->status.online && !id_is_zero(&status->status.leader))) && up >= settings->members &&
		status->status.position >= settings->committed;
}

static void on_up(struct asker *asker, msec now)
{
	(void)now;
	asker_follow(asker, &(struct client_follow){.ticket = 1, .what = FOLLOW_STATUS});
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	const struct waiting *waiting = asker->self;
	struct client_status status;
	bool done;

	(void)now;
	if (!asker_reads_status(asker, fact, &status))
		return;
	done = is_so(waiting->settings, &status);
	client_status_fini(&status);
	if (done)
		asker_leave(asker, EXIT_YES);
}

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

int wait_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct waiting waiting = {.settings = settings, .asker = {.kind = "group", .name = invocation->group,
		.key_path = settings->key_path, .up = on_up, .fact = on_fact, .again = again, .ask.common = settings->common,
		.ask.patient = true}};

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	if (!settings->leader && settings->members == 0 && settings->committed == 0)
		usage_error("wait for what? --leader, --members N, --committed INDEX");
	waiting.asker.ask.common.has_wait = true;
	waiting.asker.ask.common.wait = MSEC_NEVER;
	waiting.asker.self = &waiting;
	return asker_run(&waiting.asker);
}
