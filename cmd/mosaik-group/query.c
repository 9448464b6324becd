/*
 * query.c - a question to the state machine that the members run as CMD, through one of them.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/asker.h"
#include "cmd/common/feed.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-group/subcommands.h"

struct query {
	struct asker asker;
	const struct settings *settings;
	const char *text;              /* NULL: stdin, all of it */
	struct feed *feed;
	int status;
};

static void put(struct query *query, struct bytes text)
{
	struct group_query question = {.ticket = 1, .level = query->settings->local ? QUERY_LOCAL : QUERY_STRONG,
		.deadline = MSEC_NEVER, .query = text};

	if (text.size == 0)   /* members would take it for a barrier, and not ask CMD */
		fail(EXIT_DATA, "empty", NULL, "an empty question asks nothing");
	if (text.size > GROUP_COMMAND_MAX)
		fail(EXIT_DATA, "too-large", NULL, "a question has at most %u bytes", GROUP_COMMAND_MAX);
	(void)asker_query(&query->asker, &question);   /* the first one is always taken */
}

static void on_turn(struct asker *asker, msec now)
{
	struct query *query = asker->self;
	struct bytes text = {0};
	enum feed_status status;

	(void)now;
	if (!query->feed || asker->open > 0)
		return;
	status = feed_next(query->feed, &text);
	if (status == FEED_WAIT)
		return;
	if (status == FEED_RECORD || status == FEED_END)
		put(query, text);
	else
		asker_leave(asker, status == FEED_BAD ? EXIT_DATA : EXIT_IO);
	feed_close(query->feed);
	query->feed = NULL;
}

static void on_up(struct asker *asker, msec now)
{
	struct query *query = asker->self;

	(void)now;
	if (query->text)
		put(query, bytes_of_text(query->text));
	else
		query->feed = feed_open(runtime_loop(asker->ask.session.runtime), FRAMING_WHOLE, GROUP_COMMAND_MAX);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct query *query = asker->self;
	int status;

	if (fact->kind != CLIENT_RESULT || (query->text && asker_retry(asker, now, fact->reason)))
		return;
	if (fact->reason == ERROR_STREAM_NOT_FOUND) {
		report("no-machine", NULL, "the members of group '%s' run no CMD that could be asked", asker->name);
		status = EXIT_UNAVAILABLE;
	} else if (fact->reason == ERROR_BAD_TEXT) {   /* the command said err */
		report("refused", NULL, "%.*s", (int)fact->bytes.size, (const char *)fact->bytes.data);
		status = EXIT_DATA;
	} else {
		status = asker_outcome(asker, fact->reason);
	}
	if (fact->reason == OK) {
		fwrite(fact->bytes.data, 1, fact->bytes.size, stdout);
		if (fact->bytes.size > 0 && fact->bytes.data[fact->bytes.size - 1] != '\n')
			putchar('\n');
	}
	asker_leave(asker, printed(status));
}

static void closing(struct asker *asker)
{
	struct query *query = asker->self;

	feed_close(query->feed);
	query->feed = NULL;
}

int query_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct query query = {.settings = settings, .asker = {.kind = "group", .name = invocation->group,
		.key_path = settings->key_path, .up = on_up, .fact = on_fact, .turn = on_turn, .closing = closing, .ask.common = settings->common}};

	if (invocation->count != 1)
		usage_error("query what? One TEXT, or - for stdin");
	query.asker.self = &query;
	if (strcmp(invocation->operand[0], "-") != 0)
		query.text = invocation->operand[0];
	query.asker.may_move = query.text && !settings->local;
	return asker_run(&query.asker);
}
