/*
 * collection_wait.c - until a key is there, gone, or has a value; until a store has a version. A store that is not there yet
 * is waited for as well: -W is the deadline of everything.
 *
 *     up -> follow changes of the key, and ask -> not so -> a change comes -> ask again -> ... -> so: exit 0
 */
#include "cmd/common/collection_command.h"
#include "cmd/common/collection_value.h"
#include "cmd/common/values.h"

enum { TICKET_FOLLOW = 1, TICKET_FIRST };

struct waiting {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct buffer key, value;        /* stored */
	uint64_t ticket;                 /* of the last question */
	bool stale;                      /* something changed since it was asked */
};

static void ask(struct waiting *waiting, enum query_level level, uint64_t version)
{
	const struct collection_invocation *invocation = waiting->invocation;
	struct buffer text = {0};
	struct group_query query = collection_query(invocation->settings, ++waiting->ticket, bytes_of(NULL, 0));

	if (level == QUERY_LOCAL) {      /* of the member that told us: it has what it told */
		query.level = QUERY_LOCAL;
		query.position = version > query.position ? version : query.position;
	}
	if (invocation->count > 0 || !value_has_key(invocation->kind))
		value_query(&waiting->shape, buffer_bytes(&waiting->key), &text);
	query.query = buffer_bytes(&text);
	waiting->stale = false;
	(void)asker_query(&waiting->asker, &query);      /* one at a time is always taken */
	buffer_fini(&text);
}

static void bad_operand(struct waiting *waiting, const char *text, enum type type)
{
	report("operand", NULL, "'%.100s' is not of type %s", text, type_name(type));
	asker_leave(&waiting->asker, EXIT_USAGE);
}

/* false: it left. */
static bool read_operands(struct waiting *waiting)
{
	const struct collection_invocation *invocation = waiting->invocation;
	enum type type = waiting->shape.type[PART_VALUE];
	const char *value = invocation->settings->value;

	buffer_clear(&waiting->key);
	buffer_clear(&waiting->value);
	if (invocation->count > 0 && value_key(&waiting->shape, invocation->operand[0], &waiting->key) != OK) {
		bad_operand(waiting, invocation->operand[0], invocation->kind == COLLECTION_VEC ? TYPE_U64 : waiting->shape.type[PART_KEY]);
		return false;
	}
	if (value && values_parse(type, bytes_of_text(value), &waiting->value) != OK) {
		bad_operand(waiting, value, type);
		return false;
	}
	return true;
}

static void on_up(struct asker *asker, msec now)
{
	struct waiting *waiting = asker->self;

	(void)now;
	if (!collection_found(asker, &waiting->shape) || !read_operands(waiting))
		return;
	waiting->ticket = TICKET_FIRST;
	asker_follow(asker, &(struct client_follow){.ticket = TICKET_FOLLOW, .what = FOLLOW_CHANGES,
		.filter = waiting->invocation->kind == COLLECTION_VEC ? bytes_of(NULL, 0) : buffer_bytes(&waiting->key)});
	ask(waiting, QUERY_STRONG, 0);
}

static bool is_so(const struct waiting *waiting, bool is_there, struct bytes value)
{
	const struct collection_settings *settings = waiting->invocation->settings;

	if (waiting->invocation->count == 0 && value_has_key(waiting->shape.kind))
		return true;               /* only a version was waited for, and the answer has it */
	if (settings->absent || !is_there)
		return settings->absent && !is_there;
	return !settings->value || bytes_equal(value, buffer_bytes(&waiting->value));
}

static void on_answer(struct waiting *waiting, const struct client_fact *fact)
{
	struct asker *asker = &waiting->asker;
	bool is_there = false, only_version = waiting->invocation->count == 0 && value_has_key(waiting->shape.kind);
	struct bytes value = {0};

	if (!only_version && value_read(&waiting->shape, fact->bytes, &is_there, &value) != OK) {
		report("malformed", NULL, "the member's answer cannot be understood");
		asker_leave(asker, EXIT_PROTOCOL);
	} else if (is_so(waiting, is_there, value)) {
		asker_leave(asker, EXIT_YES);
	} else if (waiting->stale) {
		ask(waiting, QUERY_LOCAL, 0);
	}
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct waiting *waiting = asker->self;

	if (fact->kind == CLIENT_EVENT) {
		waiting->stale = true;
		if (asker->open == 0)
			ask(waiting, QUERY_LOCAL, fact->position);
	} else if (fact->kind == CLIENT_RESULT && !asker_retry(asker, now, fact->reason)) {
		if (fact->reason == OK)
			on_answer(waiting, fact);
		else
			asker_leave(asker, asker_outcome(asker, fact->reason));
	}
}

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

static void check(const struct collection_invocation *invocation)
{
	const struct collection_settings *settings = invocation->settings;
	bool has_key = value_has_key(invocation->kind);

	if (invocation->count > (has_key ? 1 : 0))
		usage_error("'%s' is one operand too many", invocation->operand[has_key ? 1 : 0]);
	if (has_key && invocation->count == 0 && settings->min_version == 0)
		usage_error("wait for what? STORE KEY, or --min-version N");
	if (settings->absent && settings->value)
		usage_error("--absent and --value contradict each other");
	if (has_key && invocation->count == 0 && (settings->absent || settings->value))
		usage_error("%s of which key?", settings->absent ? "--absent" : "--value");
	if (settings->value && invocation->kind == COLLECTION_SET)
		usage_error("--value: a set has keys only");
}

int collection_wait_run(const struct collection_invocation *invocation)
{
	struct waiting waiting = {.invocation = invocation, .asker = {.up = on_up, .fact = on_fact, .again = again}};
	int status;

	check(invocation);
	collection_asker(invocation, &waiting.asker);
	waiting.asker.ask.patient = true;
	waiting.asker.ask.common.has_wait = true;
	waiting.asker.ask.common.wait = MSEC_NEVER;
	waiting.asker.self = &waiting;
	status = asker_run(&waiting.asker);
	buffer_fini(&waiting.key);
	buffer_fini(&waiting.value);
	return status;
}
