/*
 * collection_serve.c - being a replica of one store or of several, for as long as the program runs. With `-`, lines of stdin
 * are verbs for the one (serve_lines.h).
 *
 * Each store is a group of its own; they share the node, its links and its directory of data.
 */
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/group_name.h"
#include "cmd/common/participant.h"
#include "cmd/common/serve_lines.h"
#include "cmd/common/values.h"

#define READY_AGAIN 100                /* msec until it is asked again whether we have everything */

enum { TICKET_READY = 1 };             /* those of lines follow */

struct serve;

struct replica {
	struct serve *serve;
	const char *store;
	struct participant participant;
	bool ready;                        /* we had everything once that was committed then */
	bool is_asking;                    /* whether it is so */
	msec ask_at;
	bool is_over;
};

struct serve {
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct session session;
	struct replica *replica;
	size_t count;
	struct serve_lines *lines;         /* NULL: nothing is read */
	int status;
};

static void stop(struct serve *serve, int status)
{
	if (serve->status == EXIT_YES)
		serve->status = status;
	for (size_t i = 0; i < serve->count; i++)
		participant_leave(&serve->replica[i].participant, runtime_now(serve->session.runtime), status);
}

/* The program ends with its last store; a store that failed takes the others along. */
static void on_over(void *self, int status)
{
	struct replica *replica = self;
	struct serve *serve = replica->serve;
	size_t left = 0;

	if (replica->is_over)
		return;
	replica->is_over = replica->participant.is_leaving = true;
	for (size_t i = 0; i < serve->count; i++)
		left += !serve->replica[i].is_over;
	if (status != EXIT_YES && serve->status == EXIT_YES)
		stop(serve, status);
	if (left == 0)
		session_leave(&serve->session, serve->status);
}

/* ---- the members ---- */

static bool will_ask(const struct replica *replica)
{
	return !replica->ready && !replica->is_asking && replica->participant.is_online && replica->participant.group;
}

/* A newcomer is online before it has what was committed until then: an empty strong question is answered when it has. */
static void ask_if_ready(struct replica *replica, msec now)
{
	struct group_query query = {.ticket = TICKET_READY, .level = QUERY_STRONG, .deadline = MSEC_NEVER};

	if (!will_ask(replica) || now < replica->ask_at)
		return;
	replica->is_asking = true;
	group_query(replica->participant.group, now, &query);
}

static void hear_if_ready(struct replica *replica, msec now, const struct group_fact *fact)
{
	struct serve *serve = replica->serve;
	size_t ready = 0;

	replica->is_asking = false;
	replica->ask_at = now + READY_AGAIN;
	if (fact->reason != OK)
		return;
	replica->ready = true;
	for (size_t i = 0; i < serve->count; i++)
		ready += serve->replica[i].ready;
	if (ready == serve->count)
		session_ready(&serve->session);
}

static void take(struct replica *replica, msec now, const struct group_fact *fact)
{
	if (fact->kind == GROUP_ANSWER && fact->ticket == TICKET_READY)
		hear_if_ready(replica, now, fact);
	else if ((fact->kind == GROUP_ANSWER || fact->kind == GROUP_RESULT) && replica->serve->lines)
		serve_lines_answer(replica->serve->lines, replica->participant.group, now, fact);
}

static void pull_facts(struct serve *serve, msec now)
{
	struct node_fact fact;
	struct group_fact group;

	while (node_next_fact(runtime_node(serve->session.runtime), &fact)) {
		bool is_ours = false;

		for (size_t i = 0; i < serve->count && !is_ours; i++) {
			is_ours = participant_fact(&serve->replica[i].participant, now, &fact, &group);
			if (!is_ours)
				continue;
			take(&serve->replica[i], now, &group);
			blob_drop(group.bytes);
		}
		if (!is_ours && session_hear(&serve->session, &fact))
			stop(serve, EXIT_REFUSED);
	}
}

static void turn_lines(struct serve *serve, msec now)
{
	const struct participant *participant = &serve->replica[0].participant;
	int status = EXIT_YES;

	if (participant->group && !participant->is_leaving)
		status = serve_lines_begin(serve->lines, participant->group, now);
	if (status != EXIT_YES)
		stop(serve, status);
	status = serve_lines_flush(serve->lines);
	if (status == 128 + SIGPIPE)
		serve->session.died_of = SIGPIPE;
	if (status != EXIT_YES)
		stop(serve, status);
}

/* ---- the program ---- */

static void print_stats(struct serve *serve)
{
	for (size_t i = 0; i < serve->count; i++)
		participant_stats(&serve->replica[i].participant);
}

static void turn(void *self, msec now)
{
	struct serve *serve = self;

	pull_facts(serve, now);
	if (!serve->session.leaving && session_is_late(&serve->session, now)) {
		serve->session.deadline = MSEC_NEVER;
		stop(serve, EXIT_DEADLINE);
	}
	if (serve->lines)
		turn_lines(serve, now);
	for (size_t i = 0; i < serve->count; i++) {
		ask_if_ready(&serve->replica[i], now);
		participant_turn(&serve->replica[i].participant, now);
	}
	if (session_stats_due(&serve->session, now))
		print_stats(serve);
}

static msec deadline(void *self)
{
	const struct serve *serve = self;
	msec due = session_deadline(&serve->session);

	for (size_t i = 0; i < serve->count; i++)
		if (will_ask(&serve->replica[i]))
			due = msec_min(due, serve->replica[i].ask_at);
	return due;
}

static void on_signal(void *self, int number)
{
	if (number == SIGUSR1)
		print_stats(self);
	else
		stop(self, EXIT_YES);
}

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void closing(void *self)
{
	struct serve *serve = self;

	for (size_t i = 0; i < serve->count; i++)
		participant_close(&serve->replica[i].participant);
	serve_lines_close(serve->lines);
	serve->lines = NULL;
}

static struct state make_state(void *self)
{
	const struct replica *replica = self;

	return collection_new(&replica->serve->shape);
}

static void join(struct replica *replica, const struct session_options *how)
{
	struct serve *serve = replica->serve;
	const struct collection_settings *settings = serve->invocation->settings;
	struct buffer listed = {0};

	values_listed(&serve->shape, bytes_of_text(replica->store), &listed);
	buffer_append(&listed, bytes_of("\0", 1));
	participant_open(&replica->participant, &serve->session, how, &(struct participant_options){
		.kind = collection_kind_name(serve->shape.kind), .name = replica->store, .listed = (const char *)listed.data,
		.key_path = settings->key_path, .data = settings->data, .state = make_state, .over = on_over, .self = replica,
		.tell_changes = true, .lan = settings->lan, .expect = (uint8_t)settings->expect, .observers_read = true,
		.preference = settings->reader ? PREFER_OBSERVER : PREFER_NORMAL, .join_only = settings->reader});
	buffer_fini(&listed);
}

static void start(struct serve *serve, bool reads_lines)
{
	static const struct program program = {turn, deadline, on_signal};

	const struct session_options how = {.common = &serve->invocation->settings->common, .program = &program, .self = serve,
		.closing = closing};

	for (size_t i = 0; i < serve->count; i++)
		join(&serve->replica[i], i == 0 ? &how : NULL);
	if (reads_lines)
		serve->lines = serve_lines_open(&(struct serve_lines_options){.invocation = serve->invocation, .shape = serve->shape,
			.loop = runtime_loop(serve->session.runtime), .ticket = TICKET_READY, .woken = on_output, .self = serve});
}

static void add_store(struct serve *serve, const char *store)
{
	group_name_check(collection_kind_name(serve->shape.kind), store);
	for (size_t i = 0; i < serve->count; i++)
		if (strcmp(serve->replica[i].store, store) == 0)
			usage_error("serve: '%s' is there twice", store);
	serve->replica[serve->count++] = (struct replica){.serve = serve, .store = store};
}

int collection_serve_run(const struct collection_invocation *invocation)
{
	struct serve serve = {.invocation = invocation, .shape = collection_wanted(invocation)};
	bool reads_lines = invocation->count > 0 && strcmp(invocation->operand[invocation->count - 1], "-") == 0;
	int status;

	if (reads_lines && invocation->count > 1)
		usage_error("serve: '-' goes with one store, as a line does not say which");
	serve.replica = memory_new((size_t)(invocation->count + 1) * sizeof *serve.replica);
	add_store(&serve, invocation->store);
	for (int i = 0; i < invocation->count - reads_lines; i++)
		add_store(&serve, invocation->operand[i]);
	start(&serve, reads_lines);
	status = session_run(&serve.session);
	memory_free(serve.replica);
	return status;
}
