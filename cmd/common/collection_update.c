/*
 * collection_update.c - read, let CMD make something else of it, write that only if nobody was faster; else again.
 *
 *     get -> CMD (the value on its stdin, the new one on its stdout) -> compare and swap -> done
 *              ^                                                               | somebody else was there before
 *              +---------------------- the value that is there now ------------+
 *
 * CMD may run several times, so it should do nothing but compute. What ends the value with an end of line although there was
 * none before is taken off: programs that compute print lines. -W bounds each wait for a member, not the time CMD takes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/common/collection_command.h"
#include "cmd/common/collection_value.h"
#include "cmd/common/command.h"
#include "cmd/common/printed.h"
#include "cmd/common/values.h"
#include "collections/result.h"
#include "runtime/child.h"
#include "runtime/stdio.h"

#define STOP_WITHIN 1000         /* msec for a CMD to end when we do */
#define READ_SIZE (64u * 1024)

enum { TICKET_FIRST };

struct updating {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct buffer key;               /* stored */
	struct buffer before;            /* stored: what CMD gets; empty if it is not there */
	bool was_there;
	uint64_t ticket;
	/* CMD, while it runs. */
	struct child *child;             /* NULL: it does not */
	int pipes[2];                    /* to it, from it; -1: closed */
	struct output *to;               /* NULL: it has everything */
	struct input *from;              /* NULL: it has said everything */
	struct buffer said;
};

/* ---- CMD ---- */

static void close_to(struct updating *updating)
{
	output_close(updating->to);
	updating->to = NULL;
	if (updating->pipes[0] >= 0)
		close(updating->pipes[0]);
	updating->pipes[0] = -1;
}

static void close_from(struct updating *updating)
{
	input_close(updating->from);
	updating->from = NULL;
	if (updating->pipes[1] >= 0)
		close(updating->pipes[1]);
	updating->pipes[1] = -1;
}

static void close_child(void *self)
{
	struct updating *updating = self;

	if (!updating->child)
		return;
	close_to(updating);
	close_from(updating);
	child_stop(updating->child, STOP_WITHIN);
	child_free(updating->child);
	updating->child = NULL;
}

static void on_pipe(void *self)
{
	(void)self;   /* a turn follows */
}

static void start_command(struct updating *updating)
{
	struct runtime *runtime = updating->asker.ask.session.runtime;
	char **command = updating->invocation->command;
	struct buffer text = {0};
	int status;

	buffer_clear(&updating->said);
	if (updating->invocation->count > 0)
		setenv("MOSAIK_KEY", updating->invocation->operand[0], 1);
	updating->child = command_start_piped(runtime, command, updating->pipes, &status);
	if (!updating->child) {
		asker_leave(&updating->asker, status);
		return;
	}
	if (!updating->invocation->settings->common.has_timeout)
		updating->asker.ask.session.deadline = MSEC_NEVER;
	updating->to = output_open(runtime_loop(runtime), updating->pipes[0], on_pipe, updating);
	updating->from = input_open(runtime_loop(runtime), updating->pipes[1], on_pipe, updating);
	if (updating->was_there)
		type_print(updating->shape.type[PART_VALUE], buffer_bytes(&updating->before), &text);
	output_put(updating->to, buffer_bytes(&text));
	buffer_fini(&text);
	runtime_again(runtime);
}

/* A CMD that does not read what it is given is no mistake. */
static void feed(struct updating *updating)
{
	if (updating->to && output_flush(updating->to) != STDIO_AGAIN)
		close_to(updating);
}

/* false: it said too much, or could not be heard. */
static bool hear(struct updating *updating)
{
	while (updating->from) {
		uint8_t *room = buffer_extend(&updating->said, READ_SIZE);
		size_t size = 0;
		enum stdio_status status = input_read(updating->from, room, READ_SIZE, &size);

		updating->said.size -= READ_SIZE - (status == STDIO_OK ? size : 0);
		if (status == STDIO_AGAIN)
			return true;
		if (status != STDIO_OK)
			close_from(updating);
		if (status == STDIO_FAILED) {
			report("command", NULL, "cannot read from '%s': %s", updating->invocation->command[0], strerror(errno));
			return false;
		}
		if (updating->said.size > GROUP_COMMAND_MAX) {
			report("too-large", NULL, "a value has less than %u bytes", GROUP_COMMAND_MAX);
			return false;
		}
	}
	return true;
}

/* ---- the swap ---- */

static bool ends_line(struct bytes text)
{
	return text.size > 0 && text.data[text.size - 1] == '\n';
}

/* What CMD said, as a stored value. */
static bool read_said(const struct updating *updating, struct buffer *after)
{
	enum type type = updating->shape.type[PART_VALUE];
	struct bytes said = buffer_bytes(&updating->said);

	if (ends_line(said) && !(type_size(type) == 0 && ends_line(buffer_bytes(&updating->before))))
		said.size--;
	return values_parse(type, said, after) == OK;
}

static void propose_swap(struct updating *updating)
{
	struct value_swap swap = {.key = buffer_bytes(&updating->key), .was_there = updating->was_there,
		.before = buffer_bytes(&updating->before)};
	struct buffer after = {0}, command = {0};

	if (!read_said(updating, &after)) {
		report("value", NULL, "what '%s' wrote is not of type %s", updating->invocation->command[0],
			type_name(updating->shape.type[PART_VALUE]));
		asker_leave(&updating->asker, EXIT_DATA);
	} else {
		swap.after = buffer_bytes(&after);
		value_swap(&updating->shape, &swap, &command);
		if (command.size > GROUP_COMMAND_MAX) {
			report("too-large", NULL, "the old value and the new one have more than %u bytes", GROUP_COMMAND_MAX);
			asker_leave(&updating->asker, EXIT_DATA);
		} else {
			updating->asker.writes = true;
			(void)asker_propose(&updating->asker, ++updating->ticket, buffer_bytes(&command));   /* one at a time */
		}
	}
	buffer_fini(&after);
	buffer_fini(&command);
}

/* Once a turn; the member may have gone meanwhile: then everything is asked for anew when there is another. */
static void on_turn(struct asker *asker, msec now)
{
	struct updating *updating = asker->self;
	int status;

	if (!updating->child)
		return;
	feed(updating);
	if (!hear(updating)) {
		asker_leave(asker, EXIT_DATA);
		return;
	}
	if (updating->from || !child_has_ended(updating->child, &status))
		return;
	close_to(updating);
	child_free(updating->child);
	updating->child = NULL;
	if (!updating->invocation->settings->common.has_timeout)
		asker->ask.session.deadline = now + updating->invocation->settings->common.timeout;
	if (status != 0)
		asker_leave(asker, status);
	else if (asker->is_up)
		propose_swap(updating);
}

/* ---- the member ---- */

static void ask(struct updating *updating)
{
	struct buffer text = {0};
	struct group_query query;

	value_query(&updating->shape, buffer_bytes(&updating->key), &text);
	query = collection_query(updating->invocation->settings, ++updating->ticket, buffer_bytes(&text));
	updating->asker.writes = false;
	(void)asker_query(&updating->asker, &query);      /* one at a time is always taken */
	buffer_fini(&text);
}

static void on_up(struct asker *asker, msec now)
{
	struct updating *updating = asker->self;
	const struct collection_invocation *invocation = updating->invocation;

	(void)now;
	if (!collection_found(asker, &updating->shape))
		return;
	asker->ask.session.closing = close_child;
	asker->ask.session.self = updating;
	buffer_clear(&updating->key);
	if (invocation->count > 0 && value_key(&updating->shape, invocation->operand[0], &updating->key) != OK) {
		report("operand", NULL, "'%.100s' is not of type %s", invocation->operand[0], type_name(updating->shape.type[PART_KEY]));
		asker_leave(asker, EXIT_USAGE);
	} else if (!updating->child) {
		updating->ticket = TICKET_FIRST;
		ask(updating);
	}
}

static void malformed(struct updating *updating)
{
	report("malformed", NULL, "the member's answer cannot be understood");
	asker_leave(&updating->asker, EXIT_PROTOCOL);
}

static void run_with(struct updating *updating, bool was_there, struct bytes value)
{
	buffer_clear(&updating->before);
	buffer_append(&updating->before, value);
	updating->was_there = was_there;
	if (!was_there && updating->shape.kind == COLLECTION_PQUEUE)
		asker_leave(&updating->asker, EXIT_NO);
	else
		start_command(updating);
}

static void on_swapped(struct updating *updating, const struct client_fact *fact)
{
	struct result result;

	if (result_decode(fact->bytes, &result) != OK) {
		malformed(updating);
	} else if (result.outcome == OUTCOME_DONE) {
		if (updating->invocation->settings->print_version)
			printf("%" PRIu64 "\n", fact->position);
		asker_leave(&updating->asker, printed(EXIT_YES));
	} else if (result.outcome != OUTCOME_MISMATCH) {
		report("refused", NULL, "the new value was refused: %s", outcome_name(result.outcome));
		asker_leave(&updating->asker, EXIT_DATA);
	} else if (result.left_out) {
		ask(updating);
	} else if (result.values > 0 && !type_holds(updating->shape.type[PART_VALUE], result.value[0])) {
		malformed(updating);
	} else {
		run_with(updating, result.values > 0, result.value[0]);
	}
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct updating *updating = asker->self;
	struct bytes value;
	bool is_there;

	if (fact->kind != CLIENT_RESULT || asker_retry(asker, now, fact->reason))
		return;
	if (fact->reason != OK)
		asker_leave(asker, asker_outcome(asker, fact->reason));
	else if (asker->writes)
		on_swapped(updating, fact);
	else if (value_read(&updating->shape, fact->bytes, &is_there, &value) != OK)
		malformed(updating);
	else
		run_with(updating, is_there, value);
}

/* Nothing was under way, or it was a question: asked again of another member. */
static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

int collection_update_run(const struct collection_invocation *invocation)
{
	bool has_key = value_has_key(invocation->kind);
	struct updating updating = {.invocation = invocation, .pipes = {-1, -1}, .asker = {.up = on_up, .fact = on_fact, .again = again,
		.turn = on_turn, .turns_always = true}};
	int status;

	if (invocation->count != (has_key ? 1 : 0) || !invocation->command)
		usage_error("update STORE%s -- CMD: that is not what was given", has_key ? " KEY" : "");
	collection_asker(invocation, &updating.asker);
	updating.asker.self = &updating;
	status = asker_run(&updating.asker);
	buffer_fini(&updating.key);
	buffer_fini(&updating.before);
	buffer_fini(&updating.said);
	return status;
}
