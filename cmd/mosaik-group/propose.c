/*
 * propose.c - commands from outside into the log of a group: one, or a record each from stdin, in order.
 *
 * Indices are printed in the order of the commands. What fails is told with its outcome, and nothing after it is sent: a
 * later command must not stand in the log where an earlier one is missing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/asker.h"
#include "cmd/common/feed.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-group/coprocess.h"
#include "cmd/mosaik-group/subcommands.h"

struct propose {
	struct asker asker;
	const struct settings *settings;
	const char *text;              /* NULL: stdin */
	struct feed *feed;
	struct bytes record;           /* of the feed, if has_record: there was no room for it yet */
	bool has_record;
	bool ended;                    /* no more records */
	uint64_t sent;
	uint64_t answered;
	int status;
};

static void finish_if_done(struct propose *propose)
{
	if (propose->answered != propose->sent || (!propose->ended && propose->status == EXIT_YES))
		return;
	feed_close(propose->feed);
	propose->feed = NULL;
	asker_leave(&propose->asker, propose->status);
}

/* False: too much is under way; again after an answer. */
static bool put_one(struct propose *propose, struct bytes data)
{
	bool taken;

	if (data.size > GROUP_COMMAND_MAX) {
		report("too-large", NULL, "command %" PRIu64 " has %zu bytes, at most %u go", propose->sent + 1, data.size, GROUP_COMMAND_MAX);
		propose->status = EXIT_DATA;
		return true;
	}
	taken = propose->settings->feed ? asker_feed(&propose->asker, propose->sent + 1, data)
		: asker_propose(&propose->asker, propose->sent + 1, data);
	propose->sent += taken;
	return taken;
}

static void propose_records(struct propose *propose)
{
	while (propose->status == EXIT_YES && !propose->ended) {
		enum feed_status got = propose->has_record ? FEED_RECORD : feed_next(propose->feed, &propose->record);

		switch (got) {
		case FEED_RECORD:
			propose->has_record = !put_one(propose, propose->record);
			if (propose->has_record)
				return;
			break;
		case FEED_WAIT:
			return;
		case FEED_END:
			propose->ended = true;
			break;
		case FEED_BAD:
			propose->status = EXIT_DATA;
			break;
		case FEED_FAILED:
			propose->status = EXIT_IO;
			break;
		}
	}
}

/* ---- the member ---- */

static void on_turn(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	(void)now;
	if (!propose->text)
		propose_records(propose);
	if (!asker->ask.session.leaving)
		finish_if_done(propose);
}

static void on_up(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	if (propose->text) {
		(void)put_one(propose, bytes_of_text(propose->text));   /* the first one is always taken */
		propose->ended = true;
	} else {
		propose->feed = feed_open(runtime_loop(asker->ask.session.runtime), propose->settings->common.framing, GROUP_COMMAND_MAX);
	}
	on_turn(asker, now);
}

static void print(const struct propose *propose, const struct client_fact *fact)
{
	struct buffer result = {0};

	if (propose->settings->feed)
		return;
	coprocess_escape(fact->bytes, &result);
	printf(result.size > 0 ? "%" PRIu64 "\t%.*s\n" : "%" PRIu64 "\n", fact->position, (int)result.size, (const char *)result.data);
	buffer_fini(&result);
}

/* Who proposes on while nobody reads the indices would not be told that it should stop. */
static void flush(struct propose *propose)
{
	propose->status = printed(propose->status);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct propose *propose = asker->self;

	if (fact->kind != CLIENT_RESULT)
		return;
	if (propose->text && asker_retry(asker, now, fact->reason)) {
		propose->sent = 0;
		return;
	}
	propose->answered++;
	if (fact->reason == OK) {
		print(propose, fact);
	} else if (propose->status == EXIT_YES) {
		propose->status = asker_outcome(asker, fact->reason);
		if (!propose->text)
			report("stopped", NULL, "command %" PRIu64 " and later ones were not confirmed", fact->ticket);
	}
	if (asker->open == 0)
		flush(propose);
	finish_if_done(propose);
}

static void closing(struct asker *asker)
{
	struct propose *propose = asker->self;

	feed_close(propose->feed);
	propose->feed = NULL;
}

int propose_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct propose propose = {.settings = settings,
		.asker = {.kind = "group", .name = invocation->group, .key_path = settings->key_path, .writes = true, .up = on_up,
			.fact = on_fact, .turn = on_turn, .closing = closing, .ask.common = settings->common}};
	int status;

	if (invocation->count != 1)
		usage_error("propose what? One TEXT, or - for records from stdin");
	propose.asker.self = &propose;
	if (strcmp(invocation->operand[0], "-") != 0)
		propose.text = invocation->operand[0];
	status = asker_run(&propose.asker);
	return printed_end(printed(status));
}
