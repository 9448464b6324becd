/*
 * collection_patient.c - `take -w DUR` of a pqueue and `get -w DUR` of a once: what is not there yet is waited for.
 *
 *     up -> follow changes, then ask -> nothing there -> a change comes -> ask again -> ...
 *
 * The follow stands before the question on the link, so that a change in between is not missed. While a take is under way
 * its outcome is awaited, for it may have taken something; with -w it ends only between takes.
 */
#include "base/check.h"
#include "cmd/common/collection_command.h"

enum { TICKET_FOLLOW = 1, TICKET_FIRST };

struct patient {
	struct asker asker;
	const struct collection_invocation *invocation;
	const struct verb *verb;
	struct verb_options options;
	struct collection_shape shape;
	struct buffer output;
	uint64_t ticket;
	msec until;                      /* -w has passed then */
	msec deadline;                   /* of a question that is open then */
	bool stale;                      /* something changed since the last question */
};

static void leave(struct patient *patient, int status)
{
	int printed = collection_print(&patient->output);

	collection_leave(&patient->asker, printed != EXIT_YES ? printed : status);
}

static struct verb_call new_call(const struct patient *patient)
{
	return (struct verb_call){.shape = &patient->shape, .verb = patient->verb, .options = &patient->options,
		.operand = patient->invocation->operand, .count = 0};
}

static void ask(struct patient *patient)
{
	struct verb_call call = new_call(patient);
	struct buffer request = {0};
	struct group_query query;
	bool taken;

	patient->stale = false;
	taken = verb_next(&call, &request);
	ASSERT(taken);      /* it has no operands that could be wrong */
	query = collection_query(patient->invocation->settings, ++patient->ticket, buffer_bytes(&request));
	taken = patient->verb->writes ? asker_propose(&patient->asker, query.ticket, query.query) : asker_query(&patient->asker, &query);
	ASSERT(taken);      /* one at a time */
	verb_fini(&call);
	buffer_fini(&request);
}

/* One that is open when -w has passed is given the time of a one-shot. */
static void set_deadlines(struct patient *patient)
{
	const struct common *common = &patient->invocation->settings->common;
	struct session *session = &patient->asker.ask.session;

	patient->until = common->wait == MSEC_NEVER ? MSEC_NEVER : session->started_at + common->wait;
	patient->deadline = patient->until == MSEC_NEVER ? MSEC_NEVER : patient->until + COLLECTION_TIMEOUT;
	if (common->has_timeout && common->timeout != MSEC_NEVER)
		patient->deadline = session->started_at + common->timeout;
	session->deadline = msec_min(patient->until, patient->deadline);
}

static void on_up(struct asker *asker, msec now)
{
	struct patient *patient = asker->self;

	(void)now;
	if (!collection_found(asker, &patient->shape))
		return;
	set_deadlines(patient);
	patient->ticket = TICKET_FIRST;
	asker_follow(asker, &(struct client_follow){.ticket = TICKET_FOLLOW, .what = FOLLOW_CHANGES});
	ask(patient);
}

static void on_answer(struct patient *patient, const struct client_fact *fact)
{
	struct verb_call call = new_call(patient);
	struct buffer request = {0};
	int status;

	(void)verb_next(&call, &request);      /* what was asked */
	status = verb_answer(&call, fact->bytes, &patient->output);
	if (status != EXIT_YES && status != EXIT_NO) {
		report("refused", NULL, "%s", call.problem);
		leave(patient, status);
	} else if (status == EXIT_YES) {
		leave(patient, status);
	} else if (patient->stale) {
		ask(patient);
	}
	verb_fini(&call);
	buffer_fini(&request);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct patient *patient = asker->self;

	if (fact->kind == CLIENT_EVENT) {
		patient->stale = true;
		if (asker->open == 0)
			ask(patient);
	} else if (fact->kind == CLIENT_RESULT && fact->ticket == TICKET_FOLLOW && asker_is_cut(fact->reason)) {
		return;   /* what became of a take that was under way is told next, and it is not to be asked again blindly */
	} else if (fact->kind == CLIENT_RESULT && !asker_retry(asker, now, fact->reason)) {
		if (fact->reason == OK)
			on_answer(patient, fact);
		else
			leave(patient, asker_outcome(asker, fact->reason));
	}
}

static void on_turn(struct asker *asker, msec now)
{
	const struct patient *patient = asker->self;

	if (now < patient->until || asker->ask.session.leaving)
		return;
	if (asker->open == 0)
		asker_leave(asker, EXIT_NO);
	else
		asker->ask.session.deadline = patient->deadline;
}

static bool again(struct asker *asker)
{
	(void)asker;
	return true;
}

int collection_patient_run(const struct collection_invocation *invocation)
{
	const struct collection_settings *settings = invocation->settings;
	struct patient patient = {.invocation = invocation, .verb = verb_find(invocation->kind, invocation->verb),
		.options = collection_verb_options(settings), .asker = {.up = on_up, .fact = on_fact, .again = again, .turn = on_turn}};
	int status;

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	collection_asker(invocation, &patient.asker);
	if (!settings->common.has_timeout)
		patient.asker.ask.common.timeout = MSEC_NEVER;      /* -w bounds it */
	patient.asker.writes = patient.verb->writes;
	patient.asker.self = &patient;
	status = asker_run(&patient.asker);
	buffer_fini(&patient.output);
	return status;
}
