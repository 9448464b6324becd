/*
 * join.c - being a member: stdin is proposed, the committed log comes out on stdout, the same on every member. With CMD, the
 * command is the state machine: it gets every command of the log, and its replies are the results.
 *
 *     stdin  ->  proposals  ->  group  ->  applied: stdout, or CMD
 *                                 ^            |
 *                                 +-- results -+
 *
 * Now and then the leader's CMD is asked for a snapshot. It goes into the log, and the commands that it stands for leave the
 * state on every member; whoever has not seen those commands gets the snapshot instead. A CMD that does not answer that is
 * not asked again: nothing is dropped then, and newcomers replay the whole log.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/command.h"
#include "cmd/common/feed.h"
#include "cmd/common/participant_data.h"
#include "cmd/mosaik-group/coprocess.h"
#include "cmd/mosaik-group/entries.h"
#include "cmd/mosaik-group/subcommands.h"
#include "groups/log_state.h"
#include "runtime/stdio.h"

#define PENDING_MAX (1024 * 1024)      /* bytes that stdout or CMD has not taken, above which facts wait */
/*
 * msec for CMD to answer an apply, since its last reply: then it had nothing to say. One that has never answered any, though
 * it had that time, is not waited for; one that answers some gets less for the others, by how fast it was.
 */
#define REPLY_WITHIN 2000
#define SELECTIVE_WITHIN 250
#define SELECTIVE_TIMES 8              /* as long as its slowest reply took */
#define SNAPSHOT_SIZE (16u << 20)      /* of commands, that ask for a snapshot however few they are */

/* Results that are due from CMD, in the order of the log. */
struct expected {
	uint64_t position;
	uint64_t ticket;
	msec since;
};

struct expectations {
	struct expected *one;
	size_t first, count, capacity;
};

/* What was asked of CMD for somebody. */
struct questions {
	uint64_t *ticket;
	size_t count, capacity;
};

struct join {
	const struct settings *settings;
	struct session session;
	struct participant participant;
	struct feed *feed;                 /* NULL: stdin has ended */
	struct output *output;             /* NULL with CMD */
	struct coprocess *machine;
	char *const *argv;                 /* of CMD; NULL */
	struct expectations expected;
	struct questions questions;
	bool awaits_snapshot;              /* CMD was asked for one, and has not answered */
	bool no_snapshots;                 /* it said that it makes none */
	bool behind;                       /* the state has commands, or a base, that no fact tells of: they come first */
	uint64_t sent;                     /* proposals of ours: their tickets count from 1 */
	msec replied_at;                   /* when CMD said something last */
	bool is_silent;                    /* it never did, in its time */
	bool is_selective;                 /* it left one unanswered */
	msec slowest;                      /* msec that a reply took at most */
	uint64_t given_up;                 /* the last one whose time was over */
	uint64_t applied;                  /* position of the newest command that went out */
	bool ready;
	bool told_broken;
};

static struct node *node_of(struct join *join)
{
	return runtime_node(join->session.runtime);
}

static void stop(struct join *join, int status)
{
	participant_leave(&join->participant, runtime_now(join->session.runtime), status);
}

/* ---- what was applied ---- */

static void answer(struct join *join, uint64_t ticket, enum error outcome, struct bytes text)
{
	if (join->participant.group)
		group_answer(join->participant.group, runtime_now(join->session.runtime), ticket, outcome, text);
}

static void expect(struct join *join, msec now, const struct group_fact *fact)
{
	struct expectations *expected = &join->expected;

	if (expected->first == expected->count)
		expected->first = expected->count = 0;
	expected->one = memory_grow(expected->one, &expected->capacity, expected->count + 1, sizeof *expected->one);
	expected->one[expected->count++] = (struct expected){fact->position, fact->ticket, now};
}

static msec settle_at(const struct join *join, const struct expected *one)
{
	if (join->is_silent)
		return one->since;
	return msec_max(one->since, join->replied_at) + (!join->is_selective ? REPLY_WITHIN :
		msec_min(REPLY_WITHIN, SELECTIVE_WITHIN + SELECTIVE_TIMES * join->slowest));
}

/* Those before `position`, and those that waited long enough, had nothing to say. */
static void settle(struct join *join, msec now, uint64_t position)
{
	struct expectations *expected = &join->expected;

	while (expected->first < expected->count) {
		const struct expected *one = &expected->one[expected->first];

		if (one->position >= position && settle_at(join, one) > now)
			break;
		if (one->position >= position)
			join->given_up = one->position;
		join->is_silent = join->replied_at == 0;
		join->is_selective = true;
		answer(join, one->ticket, OK, (struct bytes){0});
		expected->first++;
	}
}

static void answer_question(struct join *join, const struct coprocess_reply *reply)
{
	struct questions *questions = &join->questions;

	for (size_t i = 0; i < questions->count; i++) {
		if (questions->ticket[i] != reply->id)
			continue;
		questions->ticket[i] = questions->ticket[--questions->count];
		answer(join, reply->id, reply->ok ? OK : ERROR_BAD_TEXT, reply->text);
		return;
	}
}

/* Who leads now is not necessarily who led when CMD was asked. */
static void take_snapshot(struct join *join, msec now, const struct coprocess_reply *reply)
{
	join->awaits_snapshot = false;
	join->no_snapshots = !reply->ok;
	if (reply->ok && join->participant.group)
		(void)group_fold(join->participant.group, now, reply->id, reply->text);   /* else the next leader asks its own */
}

static void replied(struct join *join, msec now, const struct coprocess_reply *reply)
{
	struct expectations *expected = &join->expected;
	msec before = join->replied_at, since;

	if (reply->to == REPLY_QUERY) {
		answer_question(join, reply);
		return;
	}
	if (reply->to == REPLY_SNAPSHOT) {
		take_snapshot(join, now, reply);
		return;
	}
	if (reply->id == join->given_up && !join->is_silent)
		join->slowest = REPLY_WITHIN;      /* it had only been slow */
	join->replied_at = now;
	join->is_silent = false;
	settle(join, now, reply->id);
	if (expected->first == expected->count || expected->one[expected->first].position != reply->id)
		return;
	since = msec_max(expected->one[expected->first].since, before);
	join->slowest = msec_max(join->slowest, now - since);
	answer(join, expected->one[expected->first].ticket, OK, reply->text);
	expected->first++;
}

/* Enough has come since the last one, and it would not be larger than what it stands for. */
static bool snapshot_is_due(const struct join *join, const struct state *state)
{
	size_t size = log_state_size(state);
	bool many = join->settings->snapshot_every > 0 && log_state_count(state) >= join->settings->snapshot_every;

	return join->settings->snapshot_every > 0 && (many || size >= SNAPSHOT_SIZE) && size >= log_base_size(log_state_base(state));
}

static void ask_for_snapshot(struct join *join)
{
	const struct group *group = join->participant.group;
	struct group_status status;

	if (!group || join->behind || join->awaits_snapshot || join->no_snapshots || group_is_folding(group))
		return;
	if (!snapshot_is_due(join, group_state(group)))
		return;
	group_status(group, &status);
	if (status.role != RAFT_IS_LEADER || join->applied <= log_state_base(group_state(group))->position)
		return;
	coprocess_snapshot(join->machine, join->applied);
	join->awaits_snapshot = true;
}

static void put(struct join *join, uint64_t position, uint64_t term, struct bytes data)
{
	if (position <= join->applied)
		return;
	join->applied = position;
	if (join->machine) {
		coprocess_apply(join->machine, position, term, data);
	} else if (join->output && entries_put(join->output, join->settings->common.framing,
			&(struct log_place){position, term}, data) != OK) {
		report("framing", NULL, "command %" PRIu64 " contains a NUL byte: it cannot be written with framing null", position);
		stop(join, EXIT_DATA);
	}
}

static void on_applied(struct join *join, msec now, const struct group_fact *fact)
{
	put(join, fact->position, fact->term, blob_bytes(fact->bytes));
	if (fact->ticket == 0)
		return;
	if (join->machine)
		expect(join, now, fact);
	else
		answer(join, fact->ticket, OK, (struct bytes){0});
}

/* What the first commands came to, in their place. */
static void put_base(struct join *join, const struct log_base *base)
{
	if (!join->machine) {
		warn("commands %" PRIu64 " to %" PRIu64 " are not to be had any more: the members keep what a CMD made of them",
			join->applied + 1, base->position);
	} else {
		coprocess_restore(join->machine, log_base_size(base));
		for (uint32_t i = 0; i < base->count; i++)
			coprocess_restore_part(join->machine, log_base_part(base, i).bytes);
	}
	join->applied = base->position;
}

/* The next commands from the state itself, as many as fit an answer. */
static void put_kept(struct join *join, const struct state *state)
{
	struct buffer query = {0}, records = {0};
	struct log_record record;
	struct bytes rest;

	log_state_query(join->applied + 1, UINT64_MAX, &query);
	if (state->ops->query(state->self, buffer_bytes(&query), &records) != OK)
		records.size = 0;
	rest = buffer_bytes(&records);
	while (log_record_next(&rest, &record))
		put(join, record.position, record.term, record.command);
	buffer_fini(&query);
	buffer_fini(&records);
}

static bool is_backed_up(const struct join *join)
{
	return (join->output && output_pending(join->output) > PENDING_MAX) ||
		(join->machine && coprocess_pending(join->machine) > PENDING_MAX);
}

/*
 * A snapshot, fetched or from the disk, took the place of commands that we have not seen: the state is the list of them, and
 * what those before it came to.
 */
static void catch_up(struct join *join)
{
	while (join->behind && join->participant.group && !is_backed_up(join)) {
		const struct state *state = group_state(join->participant.group);

		if (join->applied < log_state_base(state)->position)
			put_base(join, log_state_base(state));
		else if (join->applied < log_state_last(state))
			put_kept(join, state);
		else
			join->behind = false;
	}
}

/* Nobody is told what a CMD that is gone would have said. */
static void drop_expectations(struct join *join)
{
	struct expectations *expected = &join->expected;

	for (; expected->first < expected->count; expected->first++)
		answer(join, expected->one[expected->first].ticket, ERROR_INDETERMINATE, (struct bytes){0});
	while (join->questions.count > 0)
		answer(join, join->questions.ticket[--join->questions.count], ERROR_BUSY, (struct bytes){0});
	join->awaits_snapshot = join->no_snapshots = join->is_silent = join->is_selective = false;
	join->replied_at = join->slowest = 0;
	join->given_up = 0;
}

static void start_machine(struct join *join)
{
	if (coprocess_start(runtime_loop(join->session.runtime), join->argv, &join->machine) == OK)
		return;
	exit(command_failed(join->argv[0]));
}

/* Another history: it is told from its beginning, to a CMD that has seen nothing of ours. */
static void begin_anew(struct join *join)
{
	if (join->machine && join->applied > 0) {
		drop_expectations(join);
		coprocess_free(join->machine);
		start_machine(join);
	}
	join->applied = 0;
}

static void on_result(struct join *join, const struct group_fact *fact)
{
	if (fact->reason == OK)
		return;
	report(error_name(fact->reason), NULL, "record %" PRIu64 " of stdin was not committed: %s", fact->ticket,
		error_text(fact->reason));
	stop(join, fact->reason == ERROR_INDETERMINATE ? EXIT_DEADLINE : EXIT_TEMPORARY);
}

static void on_question(struct join *join, const struct group_fact *fact)
{
	struct questions *questions = &join->questions;

	if (!join->machine) {
		answer(join, fact->ticket, ERROR_STREAM_NOT_FOUND, (struct bytes){0});
		return;
	}
	questions->ticket = memory_grow(questions->ticket, &questions->capacity, questions->count + 1, sizeof *questions->ticket);
	questions->ticket[questions->count++] = fact->ticket;
	coprocess_query(join->machine, fact->ticket, blob_bytes(fact->bytes));
}

static void on_fact(struct join *join, msec now, const struct group_fact *fact)
{
	switch ((int)fact->kind) {
	case GROUP_APPLIED:
		on_applied(join, now, fact);
		break;
	case GROUP_RESTORED:
		join->behind = true;
		break;
	case GROUP_RESULT:
		on_result(join, fact);
		break;
	case GROUP_QUESTION:
		on_question(join, fact);
		break;
	case GROUP_DISSOLVED:
		begin_anew(join);
		break;
	case GROUP_DIVERGED:   /* what CMD made of its commands is not to be trusted */
		if (join->machine)
			begin_anew(join);
		break;
	default:
		break;
	}
}

static void pull_facts(struct join *join, msec now)
{
	struct node_fact fact;
	struct group_fact group;

	for (catch_up(join); !join->behind && !is_backed_up(join) && node_next_fact(node_of(join), &fact); catch_up(join)) {
		if (!participant_fact(&join->participant, now, &fact, &group))
			continue;
		if (join->participant.group)
			on_fact(join, now, &group);
		blob_drop(group.bytes);
	}
	if (join->participant.is_online && !join->ready) {
		join->ready = true;
		session_ready(&join->session);
	}
}

/* ---- stdin, stdout, CMD ---- */

static void close_feed(struct join *join)
{
	feed_close(join->feed);
	join->feed = NULL;
}

static void propose(struct join *join, msec now)
{
	struct bytes record;

	while (join->feed && join->participant.group && !join->participant.is_leaving && group_has_room(join->participant.group)) {
		switch (feed_next(join->feed, &record)) {
		case FEED_RECORD:
			group_propose(join->participant.group, now, ++join->sent, record);
			break;
		case FEED_WAIT:
			return;
		case FEED_END:
			close_feed(join);
			return;
		case FEED_BAD:
			stop(join, EXIT_DATA);
			return;
		case FEED_FAILED:
			stop(join, EXIT_IO);
			return;
		}
	}
}

static void flush(struct join *join)
{
	if (!join->output)
		return;
	switch (output_flush(join->output)) {
	case STDIO_OK:
	case STDIO_AGAIN:
		return;
	case STDIO_END:
		join->session.died_of = SIGPIPE;
		stop(join, 128 + SIGPIPE);
		break;
	case STDIO_FAILED:
		report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
		stop(join, EXIT_IO);
		break;
	}
	output_close(join->output);
	join->output = NULL;
}

static void talk(struct join *join, msec now)
{
	struct coprocess_reply reply;
	int status;

	if (!join->machine)
		return;
	while (coprocess_next(join->machine, &reply))
		replied(join, now, &reply);
	settle(join, now, 0);
	ask_for_snapshot(join);
	if (coprocess_is_broken(join->machine) && !join->told_broken) {
		warn("'%s' printed a line of more than 4 MiB, or a snapshot of more than %zu: it is stopped", join->argv[0], LOG_BASE_MAX);
		join->told_broken = true;
		coprocess_signal(join->machine, SIGTERM);
	}
	if (!coprocess_has_ended(join->machine, &status))
		return;
	if (!join->participant.is_leaving)
		warn("'%s' has ended with status %d: this member leaves", join->argv[0], status);
	coprocess_free(join->machine);
	join->machine = NULL;
	stop(join, status);
}

static void turn(void *self, msec now)
{
	struct join *join = self;

	pull_facts(join, now);
	talk(join, now);
	flush(join);
	if (!join->session.leaving && session_is_late(&join->session, now)) {
		join->session.deadline = MSEC_NEVER;
		stop(join, EXIT_DEADLINE);
	}
	propose(join, now);
	participant_turn(&join->participant, now);
}

static msec deadline(void *self)
{
	const struct join *join = self;
	const struct expectations *expected = &join->expected;
	msec due = session_deadline(&join->session);

	return expected->first < expected->count ? msec_min(due, settle_at(join, &expected->one[expected->first])) : due;
}

static void on_signal(void *self, int number)
{
	struct join *join = self;

	if (number == SIGUSR1) {
		participant_stats(&join->participant);
	} else if (number == SIGPIPE) {
		join->session.died_of = SIGPIPE;
		stop(join, 128 + SIGPIPE);
	} else {
		stop(join, EXIT_YES);
	}
}

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

static void closing(void *self)
{
	struct join *join = self;

	participant_close(&join->participant);
	coprocess_free(join->machine);
	feed_close(join->feed);
	output_close(join->output);
}

static struct state make_state(void *self)
{
	const struct settings *settings = self;

	return log_state_named(settings->machine);
}

/* What is the same whether the member runs or not. */
static struct participant_options member_of(const struct settings *settings, const char *group)
{
	return (struct participant_options){.kind = "group", .name = group, .listed = group, .key_path = settings->key_path,
		.data = settings->data, .state = make_state, .self = (void *)(uintptr_t)settings, .lan = settings->lan};
}

static void start(struct join *join, const char *group)
{
	const struct settings *settings = join->settings;
	static const struct program program = {turn, deadline, on_signal};
	struct participant_options options = member_of(settings, group);

	options.external = options.tell_applied = true;
	options.join_only = settings->join_only;
	options.expect = (uint8_t)settings->expect;
	options.preference = settings->observer ? PREFER_OBSERVER : settings->reluctant ? PREFER_RELUCTANT : PREFER_NORMAL;
	participant_open(&join->participant, &join->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = join, .closing = closing}, &options);
	if (join->argv) {
		start_machine(join);
	} else {
		join->output = output_open(runtime_loop(join->session.runtime), STDOUT_FILENO, on_output, join);
		runtime_mind_reader(join->session.runtime);
	}
	join->behind = true;   /* whatever the disk had */
	join->feed = feed_open(runtime_loop(join->session.runtime), settings->common.framing, GROUP_COMMAND_MAX);
}

int join_run(const struct invocation *invocation)
{
	struct join join = {.settings = invocation->settings, .argv = invocation->count > 0 ? invocation->operand : NULL};
	int status;

	start(&join, invocation->group);
	status = session_run(&join.session);
	memory_free(join.expected.one);
	memory_free(join.questions.ticket);
	return status;
}

int recover_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct participant_options options = member_of(settings, invocation->group);

	if (invocation->count > 0)
		usage_error("recover takes one group");
	return participant_recover(&settings->common, &options, settings->from_survivors);
}
