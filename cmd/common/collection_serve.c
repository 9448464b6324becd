/*
 * collection_serve.c - being a replica of a store for as long as the program runs. With `-`, lines of stdin are one-shot
 * verbs that this member carries out itself, one after the other:
 *
 *     stdin  ->  line  ->  request  ->  group  ->  answer  ->  stdout
 *                   ^                                 |
 *                   +---- next request, next line ----+
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/collection_command.h"
#include "cmd/common/collection_line.h"
#include "cmd/common/feed.h"
#include "cmd/common/participant.h"
#include "cmd/common/values.h"
#include "runtime/stdio.h"

#define PENDING_MAX (1024 * 1024)      /* bytes that stdout has not taken, above which lines wait */
#define READY_AGAIN 100                /* msec until it is asked again whether we have everything */

enum { TICKET_READY = 1 };             /* those of lines follow */

struct serve {
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct session session;
	struct participant participant;
	struct feed *feed;                 /* NULL: nothing is read, or it has ended */
	struct output *output;             /* NULL: nothing is read, or stdout is gone */
	struct collection_line line;       /* under way, if is_busy */
	struct verb_call call;
	bool is_busy;
	bool ready;                        /* we had everything once that was committed then */
	bool is_asking;                    /* whether it is so */
	msec ask_at;
	uint64_t line_number;
	uint64_t ticket;                   /* the last one */
};

static struct node *node_of(struct serve *serve)
{
	return runtime_node(serve->session.runtime);
}

static void stop(struct serve *serve, int status)
{
	participant_leave(&serve->participant, runtime_now(serve->session.runtime), status);
}

/* ---- lines ---- */

static void end_line(struct serve *serve)
{
	if (!serve->is_busy)
		return;
	verb_fini(&serve->call);
	collection_line_fini(&serve->line);
	serve->is_busy = false;
}

static void complain(struct serve *serve, const char *problem)
{
	report("line", NULL, "line %" PRIu64 " of stdin: %s", serve->line_number, problem);
	end_line(serve);
}

static void put_next(struct serve *serve, msec now)
{
	struct group *group = serve->participant.group;
	struct buffer request = {0};

	if (!verb_next(&serve->call, &request)) {
		if (serve->call.problem[0] != '\0')
			complain(serve, serve->call.problem);
		end_line(serve);
	} else if (serve->line.verb->writes) {
		group_propose(group, now, ++serve->ticket, buffer_bytes(&request));
	} else {
		struct group_query query = collection_query(serve->invocation->settings, ++serve->ticket, buffer_bytes(&request));

		group_query(group, now, &query);
	}
	buffer_fini(&request);
}

static void begin_line(struct serve *serve, msec now, struct bytes record)
{
	const char *problem;

	serve->line_number++;
	serve->is_busy = true;
	serve->call = (struct verb_call){.count = 0};
	if (!collection_line_read(serve->shape.kind, record, &serve->line, &problem)) {
		complain(serve, problem);
		return;
	}
	serve->line.options.form = collection_verb_options(serve->invocation->settings).form;
	serve->call = (struct verb_call){.shape = &serve->shape, .verb = serve->line.verb, .options = &serve->line.options,
		.operand = serve->line.operand, .count = serve->line.count};
	put_next(serve, now);
}

static void close_feed(struct serve *serve)
{
	feed_close(serve->feed);
	serve->feed = NULL;
}

static bool may_begin(const struct serve *serve)
{
	return serve->feed && !serve->is_busy && serve->participant.group && !serve->participant.is_leaving &&
		group_has_room(serve->participant.group) && (!serve->output || output_pending(serve->output) < PENDING_MAX);
}

static void read_lines(struct serve *serve, msec now)
{
	struct bytes record;

	while (may_begin(serve)) {
		switch (feed_next(serve->feed, &record)) {
		case FEED_RECORD:
			begin_line(serve, now, record);
			break;
		case FEED_WAIT:
			return;
		case FEED_END:
			close_feed(serve);
			return;
		case FEED_BAD:
			stop(serve, EXIT_DATA);
			return;
		case FEED_FAILED:
			stop(serve, EXIT_IO);
			return;
		}
	}
}

static void on_answer(struct serve *serve, msec now, const struct group_fact *fact)
{
	struct buffer shown = {0};
	int status;

	if (!serve->is_busy || fact->ticket != serve->ticket)
		return;
	if (fact->reason != OK) {
		complain(serve, error_text(fact->reason));
		return;
	}
	status = verb_answer(&serve->call, fact->bytes ? blob_bytes(fact->bytes) : bytes_of(NULL, 0), &shown);
	if (serve->output)
		output_put(serve->output, buffer_bytes(&shown));
	buffer_fini(&shown);
	if (status != EXIT_YES && status != EXIT_NO)
		complain(serve, serve->call.problem);
	else if (serve->participant.group)
		put_next(serve, now);
}

/* ---- the member ---- */

static bool will_ask(const struct serve *serve)
{
	return !serve->ready && !serve->is_asking && serve->participant.is_online && serve->participant.group;
}

/* A newcomer is online before it has what was committed until then: an empty strong question is answered when it has. */
static void ask_if_ready(struct serve *serve, msec now)
{
	struct group_query query = {.ticket = TICKET_READY, .level = QUERY_STRONG, .deadline = MSEC_NEVER};

	if (!will_ask(serve) || now < serve->ask_at)
		return;
	serve->is_asking = true;
	group_query(serve->participant.group, now, &query);
}

static void hear_if_ready(struct serve *serve, msec now, const struct group_fact *fact)
{
	serve->is_asking = false;
	serve->ask_at = now + READY_AGAIN;
	if (fact->reason != OK)
		return;
	serve->ready = true;
	session_ready(&serve->session);
}

static void pull_facts(struct serve *serve, msec now)
{
	struct node_fact fact;
	struct group_fact group;

	while (node_next_fact(node_of(serve), &fact)) {
		if (!participant_fact(&serve->participant, now, &fact, &group)) {
			if (session_hear(&serve->session, &fact))
				stop(serve, EXIT_REFUSED);
			continue;
		}
		if (group.kind == GROUP_ANSWER && group.ticket == TICKET_READY)
			hear_if_ready(serve, now, &group);
		else if (group.kind == GROUP_RESULT || group.kind == GROUP_ANSWER)
			on_answer(serve, now, &group);
		blob_drop(group.bytes);
	}
}

static void flush(struct serve *serve)
{
	if (!serve->output)
		return;
	switch (output_flush(serve->output)) {
	case STDIO_OK:
	case STDIO_AGAIN:
		return;
	case STDIO_END:
		serve->session.died_of = SIGPIPE;
		stop(serve, 128 + SIGPIPE);
		break;
	case STDIO_FAILED:
		report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
		stop(serve, EXIT_IO);
		break;
	}
	output_close(serve->output);
	serve->output = NULL;
}

static void turn(void *self, msec now)
{
	struct serve *serve = self;

	pull_facts(serve, now);
	if (!serve->session.leaving && session_is_late(&serve->session, now)) {
		serve->session.deadline = MSEC_NEVER;
		stop(serve, EXIT_DEADLINE);
	}
	ask_if_ready(serve, now);
	read_lines(serve, now);
	flush(serve);
	participant_turn(&serve->participant, now);
}

static msec deadline(void *self)
{
	const struct serve *serve = self;
	msec due = session_deadline(&serve->session);

	return will_ask(serve) ? msec_min(due, serve->ask_at) : due;
}

static void on_signal(void *self, int number)
{
	struct serve *serve = self;

	if (number == SIGUSR1)
		participant_stats(&serve->participant);
	else
		stop(serve, EXIT_YES);
}

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void closing(void *self)
{
	struct serve *serve = self;

	participant_close(&serve->participant);
	close_feed(serve);
	output_close(serve->output);
	end_line(serve);
}

static struct state make_state(void *self)
{
	const struct serve *serve = self;

	return collection_new(&serve->shape);
}

static void join(struct serve *serve, const struct session_options *how)
{
	const struct collection_settings *settings = serve->invocation->settings;
	const char *store = serve->invocation->store;
	struct buffer listed = {0};

	values_listed(&serve->shape, bytes_of_text(store), &listed);
	buffer_append(&listed, bytes_of("\0", 1));
	participant_open(&serve->participant, &serve->session, how, &(struct participant_options){
		.kind = collection_kind_name(serve->shape.kind), .name = store, .listed = (const char *)listed.data,
		.key_path = settings->key_path, .data = settings->data, .state = make_state, .self = serve, .tell_changes = true,
		.lan = settings->lan, .expect = (uint8_t)settings->expect, .observers_read = true,
		.preference = settings->reader ? PREFER_OBSERVER : PREFER_NORMAL, .join_only = settings->reader});
	buffer_fini(&listed);
}

static void start(struct serve *serve)
{
	static const struct program program = {turn, deadline, on_signal};
	struct uv_loop_s *loop;

	join(serve, &(struct session_options){.common = &serve->invocation->settings->common, .program = &program, .self = serve,
		.closing = closing});
	if (serve->invocation->count == 0)
		return;
	loop = runtime_loop(serve->session.runtime);
	serve->output = output_open(loop, STDOUT_FILENO, on_output, serve);
	serve->feed = feed_open(loop, FRAMING_LINES, GROUP_COMMAND_MAX);
}

int collection_serve_run(const struct collection_invocation *invocation)
{
	struct serve serve = {.invocation = invocation, .shape = collection_wanted(invocation), .ticket = TICKET_READY};

	if (invocation->count > 1 || (invocation->count == 1 && strcmp(invocation->operand[0], "-") != 0))
		usage_error("serve takes a store, and - if verbs come from stdin");
	start(&serve);
	return session_run(&serve.session);
}
