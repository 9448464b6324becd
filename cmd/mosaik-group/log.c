/*
 * log.c - what a group has committed, from a member that is asked: all of it, or from an index on; with --follow also what
 * will be. When the member goes away, the next one is asked for what comes after the last record that was printed.
 *
 * How far "all of it" goes is asked first, with a strong read: a member that has just come back knows less than is committed.
 * --local takes the member's own word; --follow needs none, since whatever is missing comes.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/asker.h"
#include "cmd/mosaik-group/entries.h"
#include "cmd/mosaik-group/subcommands.h"
#include "runtime/stdio.h"

enum { TICKET_UNTIL = 1, TICKET_LOG };

struct reading {
	struct asker asker;
	const struct settings *settings;
	struct output *output;
	uint64_t next;                 /* the index that comes next */
	uint64_t until;                /* stop after it; 0: follow */
	uint64_t printed;
	bool done;
	int status;
};

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void leave(struct reading *reading, int status)
{
	output_close(reading->output);
	reading->output = NULL;
	asker_leave(&reading->asker, status);
}

static void flush(struct reading *reading)
{
	switch (output_flush(reading->output)) {
	case STDIO_OK:
		if (reading->done)
			leave(reading, reading->status);
		break;
	case STDIO_AGAIN:
		break;
	case STDIO_END:
		output_close(reading->output);
		reading->output = NULL;
		session_leave_signal(&reading->asker.ask.session, SIGPIPE);
		break;
	case STDIO_FAILED:
		report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
		leave(reading, EXIT_IO);
		break;
	}
}

static void on_turn(struct asker *asker, msec now)
{
	struct reading *reading = asker->self;

	(void)now;
	if (reading->output)
		flush(reading);
}

static void follow(struct reading *reading)
{
	asker_follow(&reading->asker, &(struct client_follow){.ticket = TICKET_LOG, .what = FOLLOW_LOG, .position = reading->next});
}

static void on_up(struct asker *asker, msec now)
{
	struct reading *reading = asker->self;
	const struct group_query barrier = {.ticket = TICKET_UNTIL, .deadline = MSEC_NEVER,
		.level = reading->settings->local ? QUERY_LOCAL : QUERY_STRONG};

	(void)now;
	runtime_mind_reader(asker->ask.session.runtime);
	if (!reading->output)
		reading->output = output_open(runtime_loop(asker->ask.session.runtime), STDOUT_FILENO, on_output, reading);
	if (reading->settings->follow)
		follow(reading);
	else
		(void)asker_query(asker, &barrier);   /* the first one is always taken */
}

static void on_until(struct reading *reading, const struct client_fact *fact)
{
	if (fact->reason != OK) {
		leave(reading, asker_outcome(&reading->asker, fact->reason));
		return;
	}
	reading->until = fact->position;
	if (reading->next > reading->until)
		reading->done = true;
	else
		follow(reading);
}

static void on_record(struct reading *reading, const struct client_fact *fact)
{
	const struct settings *settings = reading->settings;

	if (reading->done || fact->position < reading->next)
		return;
	if (entries_put(reading->output, settings->common.framing, &(struct log_place){fact->position, fact->term}, fact->bytes) != OK) {
		report("framing", NULL, "command %" PRIu64 " contains a NUL byte: it cannot be written with framing null", fact->position);
		reading->status = EXIT_DATA;
		reading->done = true;
		return;
	}
	reading->next = fact->position + 1;
	reading->printed++;
	if (reading->printed == settings->count || (reading->until != 0 && reading->next > reading->until))
		reading->done = true;
}

/* The members have made something else of the first commands. Without --from, the log begins behind them. */
static void on_gap(struct reading *reading, uint64_t position)
{
	if (reading->settings->from > 0 || reading->printed > 0) {
		report("gap", NULL, "commands %" PRIu64 " to %" PRIu64 " are not to be had any more", reading->next, position);
		leave(reading, EXIT_DATA);
		return;
	}
	warn("commands 1 to %" PRIu64 " are not to be had any more: the log begins behind them", position);
	reading->next = position + 1;
	reading->done = reading->until != 0 && reading->next > reading->until;
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct reading *reading = asker->self;

	(void)now;
	if (!reading->output || (fact->kind == CLIENT_RESULT && asker_is_cut(fact->reason) && !asker_is_refused(fact->reason)))
		return;
	if (fact->kind == CLIENT_RESULT && fact->ticket == TICKET_UNTIL) {
		on_until(reading, fact);
	} else if (fact->kind == CLIENT_EVENT && fact->event == EVENT_RECORD) {
		on_record(reading, fact);
	} else if (fact->kind == CLIENT_EVENT && fact->event == EVENT_RESET && fact->position >= reading->next) {
		on_gap(reading, fact->position);
	} else if (fact->kind == CLIENT_RESULT) {
		leave(reading, asker_outcome(asker, fact->reason));
	}
}

static bool again(struct asker *asker)
{
	const struct reading *reading = asker->self;

	return !reading->done;
}

static void closing(struct asker *asker)
{
	struct reading *reading = asker->self;

	output_close(reading->output);
	reading->output = NULL;
}

int log_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct reading reading = {.settings = settings, .next = settings->from > 0 ? settings->from : 1, .asker = {.kind = "group",
		.name = invocation->group, .key_path = settings->key_path, .up = on_up, .fact = on_fact, .again = again, .turn = on_turn, .closing = closing,
		.ask.common = settings->common}};

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	reading.asker.self = &reading;
	reading.asker.may_move = !settings->local;
	return asker_run(&reading.asker);
}
