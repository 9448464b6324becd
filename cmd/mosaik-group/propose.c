/*
 * propose.c - commands from outside into the log of a group: one, or a record each from stdin, in order.
 *
 * Indices are printed in the order of the commands. Many are under way at a time, and each is kept until it is answered. When
 * one certainly failed, nothing after it is sent: a later command must not stand in the log where an earlier one is missing.
 * When all of those under way have failed like it, they are proposed again, in their order, for as long as -w allows. Else it
 * is the end, told with its outcome. Who does not read the indices is waited for: no more of stdin is read then.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/asker.h"
#include "cmd/common/feed.h"
#include "cmd/mosaik-group/coprocess.h"
#include "cmd/mosaik-group/subcommands.h"
#include "runtime/stdio.h"

#define PENDING_MAX (64u * 1024)   /* bytes of indices that stdout has not taken, above which nothing more is proposed */

/* A command that is not confirmed yet. */
struct kept {
	struct list place;
	uint64_t number;               /* of the record, from 1 on */
	uint64_t ticket;               /* 0: not sent, or failed */
	struct buffer command;
};

struct propose {
	struct asker asker;
	const struct settings *settings;
	const char *text;              /* NULL: stdin */
	struct output *output;         /* NULL before a member is up, and once it has failed */
	struct feed *feed;
	struct list kept;              /* in their order */
	struct list *unsent;           /* the first of them that is not under way; its head: none */
	bool ended;                    /* no more records */
	uint64_t records;
	uint64_t sent;                 /* the last ticket */
	size_t under_way;
	uint64_t confirmed;            /* the highest number */
	bool failed;                   /* one of those under way, or of those that were together with them */
	enum error reason;             /* of the first of them, or of one whose outcome is unknown */
	int status;                    /* of reading stdin */
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

/* ---- what is kept ---- */

static void keep(struct propose *propose, struct bytes data)
{
	struct kept *kept;

	propose->records++;
	if (data.size > GROUP_COMMAND_MAX) {
		report("too-large", NULL, "command %" PRIu64 " has %zu bytes, at most %u go", propose->records, data.size, GROUP_COMMAND_MAX);
		propose->status = EXIT_DATA;
		return;
	}
	kept = memory_new(sizeof *kept);
	*kept = (struct kept){.number = propose->records};
	buffer_append(&kept->command, data);
	list_append(&propose->kept, &kept->place);
	if (propose->unsent == &propose->kept)
		propose->unsent = &kept->place;
}

static void drop(struct kept *kept)
{
	list_remove(&kept->place);
	buffer_fini(&kept->command);
	memory_free(kept);
}

/* Answers come in the order of the commands, or nearly so. */
static struct kept *find(struct propose *propose, uint64_t ticket)
{
	LIST_EACH(place, &propose->kept)
		if (LIST_OF(place, struct kept, place)->ticket == ticket)
			return LIST_OF(place, struct kept, place);
	return NULL;
}

/* ---- when all that was under way is answered ---- */

/* Nothing after the first one that failed may have been confirmed, else the order would not be that of the commands. */
static void fail_or_retry(struct propose *propose, msec now)
{
	uint64_t first = LIST_OF(propose->kept.next, struct kept, place)->number;

	propose->failed = false;
	propose->unsent = propose->kept.next;
	if (propose->confirmed < first && propose->output && asker_retry(&propose->asker, now, propose->reason))
		return;
	asker_leave(&propose->asker, asker_outcome(&propose->asker, propose->reason));
	if (!propose->text)
		report("stopped", NULL, "command %" PRIu64 " was not confirmed%s", first,
			propose->confirmed > first ? ", but some after it were" : ", and none after it");
}

static void finish_if_done(struct propose *propose, msec now)
{
	if (propose->under_way > 0)
		return;
	if (propose->failed)
		fail_or_retry(propose, now);
	else if (list_is_empty(&propose->kept) && (propose->ended || propose->status != EXIT_YES))
		asker_leave(&propose->asker, propose->status);
}

/* ---- commands ---- */

/* False: too much is under way; again after an answer. */
static bool send_next(struct propose *propose)
{
	struct kept *kept = LIST_OF(propose->unsent, struct kept, place);
	struct bytes text = buffer_bytes(&kept->command);
	bool taken = propose->settings->feed ? asker_feed(&propose->asker, propose->sent + 1, text)
		: asker_propose(&propose->asker, propose->sent + 1, text);

	if (!taken)
		return false;
	kept->ticket = ++propose->sent;
	propose->under_way++;
	propose->unsent = kept->place.next;
	return true;
}

/* False: there is nothing to read now, or never again. */
static bool read_next(struct propose *propose)
{
	struct bytes record;

	if (propose->ended || propose->status != EXIT_YES)
		return false;
	switch (feed_next(propose->feed, &record)) {
	case FEED_RECORD:
		keep(propose, record);
		return true;
	case FEED_WAIT:
		break;
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
	return false;
}

static void propose_all(struct propose *propose)
{
	while (!propose->failed && propose->asker.is_up && output_pending(propose->output) <= PENDING_MAX)
		if (propose->unsent != &propose->kept ? !send_next(propose) : !read_next(propose))
			return;
}

/* ---- the member ---- */

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void on_turn(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	if (!propose->output)
		return;
	propose_all(propose);
	if (flush(propose))
		finish_if_done(propose, now);
}

static void on_up(struct asker *asker, msec now)
{
	struct propose *propose = asker->self;

	if (!propose->output) {
		propose->output = output_open(runtime_loop(asker->ask.session.runtime), STDOUT_FILENO, on_output, propose);
		if (!propose->text)
			propose->feed = feed_open(runtime_loop(asker->ask.session.runtime), propose->settings->common.framing, GROUP_COMMAND_MAX);
		else
			keep(propose, bytes_of_text(propose->text));
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

static bool is_unknown(enum error reason)
{
	return reason == ERROR_INDETERMINATE || reason == ERROR_TIMEOUT;
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct propose *propose = asker->self;
	struct kept *kept;

	if (fact->kind != CLIENT_RESULT || !propose->output)
		return;
	kept = find(propose, fact->ticket);
	ASSERT(kept);
	propose->under_way--;
	if (fact->reason == OK) {
		print(propose, fact);
		propose->confirmed = kept->number > propose->confirmed ? kept->number : propose->confirmed;
		asker->waits_from = now;
		drop(kept);
		return;
	}
	kept->ticket = 0;
	if (!propose->failed || is_unknown(fact->reason))
		propose->reason = fact->reason;
	propose->failed = true;
	finish_if_done(propose, now);      /* the member may be gone, which is told next */
}

static void closing(struct asker *asker)
{
	struct propose *propose = asker->self;

	feed_close(propose->feed);
	if (propose->output)
		(void)output_flush(propose->output);   /* what was confirmed before a deadline or a signal */
	close_output(propose);
	LIST_EACH_SAFE(place, after, &propose->kept)
		drop(LIST_OF(place, struct kept, place));
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
	list_init(&propose.kept);
	propose.unsent = &propose.kept;
	propose.text = strcmp(invocation->operand[0], "-") != 0 ? invocation->operand[0] : NULL;
	propose.ended = propose.text != NULL;
	if (!propose.text && !settings->common.has_timeout)
		propose.asker.ask.common.timeout = MSEC_NEVER;   /* a pipe lasts as long as its writer */
	return asker_run(&propose.asker);
}
