/*
 * collection_tail.c - the last values of a vec, and with -f those that are put behind them.
 *
 *     length -> the last -c N (10) -> changes, by which we know the length: what is inserted at the end is printed
 *
 * When a member cannot tell what happened meanwhile, what is there now beyond the length that we knew is printed.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cmd/common/collection_command.h"
#include "cmd/common/collection_pages.h"
#include "cmd/common/collection_resume.h"
#include "cmd/common/values.h"
#include "collections/change.h"
#include "collections/result.h"
#include "collections/vec_wire.h"

#define COUNT_DEFAULT 10

enum { TICKET_LENGTH = 1, TICKET_PAGE, TICKET_FOLLOW };

struct tailing {
	struct asker asker;
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct collection_pages pages;
	struct buffer output;
	uint64_t length;                 /* as far as we were told */
	bool knows_length;
	struct collection_resume resume;
	bool follows;                    /* resume says where we are */
	bool is_ready;                   /* that was said */
};

static void leave(struct tailing *tailing, int status)
{
	int printed = collection_print(&tailing->output);

	collection_leave(&tailing->asker, printed != EXIT_YES ? printed : status);
}

static void malformed(struct tailing *tailing)
{
	report("malformed", NULL, "the member's answer cannot be understood");
	leave(tailing, EXIT_PROTOCOL);
}

static void put_value(struct tailing *tailing, uint64_t index, struct bytes value)
{
	struct verb_options options = collection_verb_options(tailing->invocation->settings);
	char head[48];

	if (options.form == VERB_JSON) {
		snprintf(head, sizeof head, "{\"index\":%" PRIu64 ",", index);
		buffer_append(&tailing->output, bytes_of_text(head));
		values_member("value", tailing->shape.type[PART_VALUE], value, &tailing->output);
		buffer_append(&tailing->output, bytes_of_text("}\n"));
	} else {
		type_print(tailing->shape.type[PART_VALUE], value, &tailing->output);
		buffer_append(&tailing->output, bytes_of(options.form == VERB_NUL ? "\0" : "\n", 1));
	}
}

static void on_entry(void *self, uint64_t index, const struct bytes part[PARTS])
{
	struct tailing *tailing = self;

	put_value(tailing, index, part[PART_VALUE]);
	tailing->length = index + 1;
}

static void put_query(struct tailing *tailing, uint64_t ticket, const struct buffer *text)
{
	struct group_query query = collection_query(tailing->invocation->settings, ticket, buffer_bytes(text));

	(void)asker_query(&tailing->asker, &query);      /* one at a time is always taken */
}

static void ask_length(struct tailing *tailing)
{
	struct buffer text = {0};

	vec_len(&text);
	put_query(tailing, TICKET_LENGTH, &text);
	buffer_fini(&text);
}

static void follow(struct tailing *tailing)
{
	asker_follow(&tailing->asker, &(struct client_follow){.ticket = TICKET_FOLLOW, .what = FOLLOW_CHANGES,
		.position = resume_again(&tailing->resume)});
	if (!tailing->is_ready)
		session_ready(&tailing->asker.ask.session);
	tailing->is_ready = true;
}

static void ask_page(struct tailing *tailing)
{
	struct buffer text = {0};

	if (pages_ask(&tailing->pages, &text)) {
		put_query(tailing, TICKET_PAGE, &text);
	} else if (tailing->invocation->settings->follow) {
		int status = collection_print(&tailing->output);

		if (status != EXIT_YES)
			collection_leave(&tailing->asker, status);
		resume_init(&tailing->resume, tailing->pages.last + 1);
		tailing->follows = true;
		follow(tailing);
	} else {
		leave(tailing, EXIT_YES);
	}
	buffer_fini(&text);
}

static void on_length(struct tailing *tailing, const struct client_fact *fact)
{
	uint64_t wanted = tailing->invocation->settings->count > 0 ? tailing->invocation->settings->count : COUNT_DEFAULT;
	struct result result;

	if (result_decode(fact->bytes, &result) != OK || result.outcome != OUTCOME_DONE) {
		malformed(tailing);
		return;
	}
	if (!tailing->knows_length)
		tailing->length = result.count > wanted ? result.count - wanted : 0;
	if (tailing->length > result.count)
		tailing->length = result.count;
	tailing->knows_length = true;
	pages_again(&tailing->pages);
	tailing->pages.from = tailing->length;
	ask_page(tailing);
}

static void on_change(struct tailing *tailing, const struct client_fact *fact)
{
	struct change change;
	uint64_t index = 0;

	if (change_decode(fact->bytes, &change) != OK || (change.has_key && change.key.size != TYPE_NUMBER_SIZE)) {
		malformed(tailing);
		return;
	}
	if (!resume_takes(&tailing->resume, fact->position))
		return;
	if (change.has_key)
		index = type_get_u64(change.key.data);
	switch ((int)change.op) {
	case CHANGE_INSERT:
		if (index == tailing->length)
			put_value(tailing, index, change.value);
		tailing->length++;
		break;
	case CHANGE_REMOVE:
		tailing->length--;
		break;
	case CHANGE_TRUNCATE:
		tailing->length = index;
		break;
	case CHANGE_CLEAR:
		tailing->length = 0;
		break;
	default:
		break;
	}
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct tailing *tailing = asker->self;

	if (fact->kind == CLIENT_EVENT && fact->event == EVENT_CHANGE) {
		on_change(tailing, fact);
	} else if (fact->kind == CLIENT_EVENT && fact->event == EVENT_RESET) {
		tailing->follows = false;
		asker_pause(asker);
		asker_resume(asker, now);
	} else if (fact->kind != CLIENT_RESULT || asker_retry(asker, now, fact->reason)) {
		return;
	} else if (fact->reason != OK) {
		leave(tailing, asker_outcome(asker, fact->reason));
	} else if (fact->ticket == TICKET_LENGTH) {
		on_length(tailing, fact);
	} else if (fact->ticket == TICKET_PAGE) {
		if (pages_answer(&tailing->pages, fact->position, fact->bytes) != OK)
			malformed(tailing);
		else
			ask_page(tailing);
	}
}

static void on_turn(struct asker *asker, msec now)
{
	struct tailing *tailing = asker->self;
	int status;

	(void)now;
	if (!tailing->follows || tailing->output.size == 0)
		return;
	status = collection_print(&tailing->output);
	if (status != EXIT_YES)
		collection_leave(asker, status);
}

static void on_up(struct asker *asker, msec now)
{
	struct tailing *tailing = asker->self;

	(void)now;
	if (!collection_found(asker, &tailing->shape))
		return;
	runtime_mind_reader(asker->ask.session.runtime);
	if (tailing->invocation->settings->follow) {       /* it was there; from now on, it is waited for */
		asker->ask.patient = true;
		asker->ask.common.has_wait = true;
		asker->ask.common.wait = MSEC_NEVER;
	}
	if (tailing->follows)
		follow(tailing);
	else
		ask_length(tailing);
}

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

int collection_tail_run(const struct collection_invocation *invocation)
{
	struct tailing tailing = {.invocation = invocation, .asker = {.up = on_up, .fact = on_fact, .again = again, .turn = on_turn}};
	int status;

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	tailing.pages = (struct collection_pages){.shape = &tailing.shape, .entry = on_entry};
	tailing.pages.self = tailing.asker.self = &tailing;
	collection_asker(invocation, &tailing.asker);
	tailing.asker.may_move = !invocation->settings->local;
	status = asker_run(&tailing.asker);
	pages_fini(&tailing.pages);
	buffer_fini(&tailing.output);
	return status;
}
