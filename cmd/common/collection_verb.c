/*
 * collection_verb.c - a verb of verbs.h, asked of a member from outside: one request after the other on one link.
 *
 * What the operands mean depends on the types of the store, which a member tells; so they are looked at when one is up, and
 * only a wrong number of them is seen before. stdin is read before anything else: -W counts from its end.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cmd/common/collection_command.h"

#define PRINT_AT (64u * 1024)     /* bytes of output that are kept back at most */
#define READ_SIZE (64u * 1024)

struct verbing {
	struct asker asker;
	const struct collection_invocation *invocation;
	const struct verb *verb;
	struct verb_options options;
	struct collection_shape shape;
	struct verb_call call;
	struct buffer input;       /* stdin, if an operand is - */
	struct bytes whole;        /* of it */
	struct buffer request;
	struct buffer output;
	uint64_t asked;
	int status;
};

static void leave(struct verbing *verbing, int status)
{
	int printed = collection_print(&verbing->output);

	collection_leave(&verbing->asker, printed != EXIT_YES ? printed : status);
}

/* A lone value of bytes goes into a file or pipe as it is, so that get gives back what put was given. */
static bool is_verbatim(const struct verbing *verbing)
{
	enum type type = verbing->shape.type[PART_VALUE];

	return strcmp(verbing->verb->name, "get") == 0 && verbing->verb->shown == SHOWN_VALUE && verbing->call.count <= 1 &&
		verbing->options.form == VERB_TEXT && verbing->options.columns.count == 0 && (type == TYPE_BYTES || type == TYPE_STR) && !isatty(STDOUT_FILENO);
}

static void finish(struct verbing *verbing)
{
	if (verbing->call.problem[0] != '\0') {
		report("operand", NULL, "%s", verbing->call.problem);
		verbing->status = EXIT_USAGE;
	}
	leave(verbing, verbing->status);
}

static void put_next(struct verbing *verbing)
{
	struct group_query query;
	bool taken;

	buffer_clear(&verbing->request);
	if (!verb_next(&verbing->call, &verbing->request)) {
		finish(verbing);
		return;
	}
	if (verbing->request.size > GROUP_COMMAND_MAX) {
		report("too-large", NULL, "what goes to a member at once has at most %u bytes", GROUP_COMMAND_MAX);
		leave(verbing, EXIT_DATA);
		return;
	}
	verbing->asked++;
	query = collection_query(verbing->invocation->settings, verbing->asked, buffer_bytes(&verbing->request));
	taken = verbing->verb->writes ? asker_propose(&verbing->asker, verbing->asked, query.query)
		: asker_query(&verbing->asker, &query);
	ASSERT(taken);   /* one at a time */
}

/* What a program prints to be read by people ends a number with an end of line. */
static struct bytes input_of(const struct verbing *verbing)
{
	enum type type = verbing->shape.type[PART_VALUE];
	struct bytes whole = buffer_bytes(&verbing->input);

	if (type != TYPE_BYTES && type != TYPE_STR && whole.size > 0 && whole.data[whole.size - 1] == '\n')
		whole.size--;
	return whole;
}

static void on_up(struct asker *asker, msec now)
{
	struct verbing *verbing = asker->self;

	(void)now;
	if (!collection_found(asker, &verbing->shape))
		return;
	verbing->whole = input_of(verbing);
	verb_fini(&verbing->call);
	verbing->call = (struct verb_call){.shape = &verbing->shape, .verb = verbing->verb, .options = &verbing->options,
		.operand = verbing->invocation->operand, .count = (size_t)verbing->invocation->count};
	verbing->asked = 0;
	put_next(verbing);
}

static void print_version(struct verbing *verbing, uint64_t version)
{
	struct buffer stored = {0};

	type_put_u64(version, buffer_extend(&stored, TYPE_NUMBER_SIZE));
	type_print(TYPE_U64, buffer_bytes(&stored), &verbing->output);
	buffer_append(&verbing->output, bytes_of_text("\n"));
	buffer_fini(&stored);
}

static void on_answer(struct verbing *verbing, const struct client_fact *fact)
{
	int status = verb_answer(&verbing->call, fact->bytes, &verbing->output);

	if (status != EXIT_YES && status != EXIT_NO) {
		report("refused", NULL, "%s", verbing->call.problem);
		leave(verbing, status);
		return;
	}
	if (status == EXIT_YES && is_verbatim(verbing))
		verbing->output.size--;   /* the end of the line */
	if (status == EXIT_NO)
		verbing->status = EXIT_NO;
	else if (verbing->invocation->settings->print_version)
		print_version(verbing, fact->position);
	if (verbing->output.size >= PRINT_AT && !is_verbatim(verbing)) {
		status = collection_print(&verbing->output);
		if (status != EXIT_YES && status != EXIT_NO) {
			collection_leave(&verbing->asker, status);
			return;
		}
	}
	put_next(verbing);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct verbing *verbing = asker->self;

	if (fact->kind != CLIENT_RESULT || (fact->ticket == 1 && asker_retry(asker, now, fact->reason)))
		return;
	if (fact->reason == OK)
		on_answer(verbing, fact);
	else
		leave(verbing, asker_outcome(asker, fact->reason));
}

/* ---- the command line ---- */

static void check(const struct verbing *verbing)
{
	const struct collection_settings *settings = verbing->invocation->settings;
	const struct verb *verb = verbing->verb;

	if (!verb_takes(verb, (size_t)verbing->invocation->count))
		usage_error("%s takes STORE%s%s", verb->name, *verb->usage ? " " : "", verb->usage);
	if (strcmp(verb->name, "cas") == 0 && (settings->absent == !!settings->from || settings->delete == !!settings->to))
		usage_error("cas needs --absent or --from V, and --to V or --delete");
}

/* The whole of stdin, as the value that `-` stands for. */
static void read_input(struct buffer *input)
{
	ssize_t size;

	do {
		uint8_t *room = buffer_extend(input, READ_SIZE);

		size = read(STDIN_FILENO, room, READ_SIZE);
		input->size -= READ_SIZE - (size > 0 ? (size_t)size : 0);
		if (input->size > GROUP_COMMAND_MAX)
			fail(EXIT_DATA, "too-large", NULL, "a value has less than %u bytes", GROUP_COMMAND_MAX);
	} while (size > 0 || (size < 0 && errno == EINTR));
	if (size < 0)
		fail(EXIT_IO, "stdin", NULL, "cannot read stdin: %s", strerror(errno));
}

static bool wants_input(const struct verbing *verbing)
{
	const struct collection_invocation *invocation = verbing->invocation;

	return invocation->count > 0 && strchr(verbing->verb->usage, '-') &&
		strcmp(invocation->operand[invocation->count - 1], "-") == 0;
}

int collection_verb_run(const struct collection_invocation *invocation)
{
	struct verbing verbing = {.invocation = invocation, .verb = verb_find(invocation->kind, invocation->verb),
		.options = collection_verb_options(invocation->settings), .asker = {.up = on_up, .fact = on_fact}};
	int status;

	ASSERT(verbing.verb);
	check(&verbing);
	if (wants_input(&verbing)) {
		read_input(&verbing.input);
		verbing.options.input = &verbing.whole;
	}
	collection_asker(invocation, &verbing.asker);
	verbing.asker.writes = verbing.verb->writes;
	verbing.asker.may_move = !verbing.verb->writes && !invocation->settings->local;
	verbing.asker.self = &verbing;
	status = asker_run(&verbing.asker);
	verb_fini(&verbing.call);
	buffer_fini(&verbing.request);
	buffer_fini(&verbing.output);
	buffer_fini(&verbing.input);
	return status;
}
