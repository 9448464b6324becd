/*
 * propose.c - commands from outside into the log of a group: one, or a record each from stdin, in order.
 *
 * Indices are printed in the order of the commands. What fails is told with its outcome, and nothing after it is sent: a
 * later command must not stand in the log where an earlier one is missing. Who does not read the indices is waited for: no
 * more of stdin is read then.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/asker.h"
#include "cmd/common/feed.h"
#include "cmd/mosaik-group/coprocess.h"
#include "cmd/mosaik-group/subcommands.h"
#include "runtime/stdio.h"

#define PENDING_MAX (64u * 1024)   /* bytes of indices that stdout has not taken, above which nothing more is proposed */

struct propose {
	struct asker asker;
	const struct settings *settings;
	const char *text;              /* NULL: stdin */
	struct output *output;         /* NULL before a member is up, and once it has failed */
	struct feed *feed;
	struct bytes record;           /* of the feed, if has_record: there was no room for it yet */
	bool has_record;
	bool ended;                    /* no more records */
	uint64_t sent;
	uint64_t answered;
	int status;
};

static void close_output(struct propose *propose)
{
	output_close(propose->output);
	propose->output = NULL;
}

/* False: stdout has not taken everything yet, or never will. */
static bool flush(struct propose *propose)
{
	switch (output_flush(propose->output)) {
	case STDIO_OK:
		return true;
	case STDIO_AGAIN:
		return false;
	case STDIO_END:
		close_output(propose);
		session_leave_signal(&propose->asker.ask.session, SIGPIPE);
		return false;
	case STDIO_FAILED:
		break;
	}
	report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
	close_output(propose);
	asker_leave(&propose->asker, EXIT_IO);
	return false;
}

static void finish_if_done(struct propose *propose)
{
	if (propose->answered != propose->sent || (!propose->ended && propose->status == EXIT_YES))
		return;
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
	while (propose->status == EXIT_YES && !propose->ended && output_pending(propose->output) <= PENDING_MAX) {
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

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void on_turn(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	(void)now;
	if (!propose->output)
		return;
	if (!propose->text)
		propose_records(propose);
	if (flush(propose))
		finish_if_done(propose);
}

static void on_up(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	if (!propose->output)
		propose->output = output_open(runtime_loop(asker->ask.session.runtime), STDOUT_FILENO, on_output, propose);
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
	struct buffer line = {0};
	char index[24];

	if (propose->settings->feed)
		return;
	snprintf(index, sizeof index, "%" PRIu64, fact->position);
	buffer_append(&line, bytes_of_text(index));
	if (fact->bytes.size > 0)
		buffer_append(&line, bytes_of_text("\t"));
	coprocess_escape(fact->bytes, &line);
	buffer_append(&line, bytes_of_text("\n"));
	output_put(propose->output, buffer_bytes(&line));
	buffer_fini(&line);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct propose *propose = asker->self;

	if (fact->kind != CLIENT_RESULT || !propose->output)
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
}

static void closing(struct asker *asker)
{
	struct propose *propose = asker->self;

	feed_close(propose->feed);
	if (propose->output)
		(void)output_flush(propose->output);   /* what was confirmed before a deadline or a signal */
	close_output(propose);
}

int propose_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct propose propose = {.settings = settings,
		.asker = {.kind = "group", .name = invocation->group, .key_path = settings->key_path, .writes = true, .up = on_up,
			.fact = on_fact, .turn = on_turn, .closing = closing, .ask.common = settings->common}};

	if (invocation->count != 1)
		usage_error("propose what? One TEXT, or - for records from stdin");
	propose.asker.self = &propose;
	if (strcmp(invocation->operand[0], "-") != 0)
		propose.text = invocation->operand[0];
	else if (!settings->common.has_timeout)
		propose.asker.ask.common.timeout = MSEC_NEVER;   /* a pipe lasts as long as its writer */
	return asker_run(&propose.asker);
}
