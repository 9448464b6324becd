/*
 * ask.c - see ask.h.
 *
 * The first question goes to whom the rendezvous and -p name. Later ones go over the link that answered; when that is
 * gone, to the same again and to peers of the last answer, so that a question outlives the member it was put to.
 */
#include "cmd/common/ask.h"

#include <signal.h>
#include <stdio.h>

#include "cmd/common/session_stats.h"
#include "runtime/local.h"

#define ASK_AGAIN 100   /* msec between questions that failed */
#define OTHERS 3        /* peers of the last answer that are asked at once */

static msec wait_until(const struct ask *ask)
{
	msec wait = ask->common.has_wait ? ask->common.wait : 0;

	return ask->patient || wait == MSEC_NEVER ? MSEC_NEVER : ask->session.started_at + wait;
}

/* Once more, as long as -w allows; else the reason is told at the end. */
static void not_answered(struct ask *ask, msec now, enum error reason)
{
	ask->under_way = false;
	ask->failure = reason;
	ask->ask_at = now + ASK_AGAIN;
	if (now >= wait_until(ask))
		session_leave(&ask->session, reason == ERROR_DIFFERENT_NETWORK || reason == ERROR_WRONG_PEER ||
			reason == ERROR_NOT_ALLOWED ? EXIT_REFUSED : EXIT_UNAVAILABLE);
	else if (ask->failed)
		ask->failed(ask, now);
}

static size_t ask_others(struct ask *ask, msec now)
{
	struct node *node = runtime_node(ask->session.runtime);
	struct id other[OTHERS];
	size_t at = 0, count = 0;
	const struct catalog_peer *peer;

	while (count < OTHERS && (peer = catalog_next(node_catalog(node), &at)) != NULL)
		other[count++] = peer->entry->card.peer;
	for (size_t i = 0; i < count; i++)
		node_ask(node, now, &(struct dial){.peer = other[i]});
	return count;
}

static void put_question(struct ask *ask, msec now)
{
	ask->is_compared = ask->stays && node_ask_again(runtime_node(ask->session.runtime), now);
	ask->under_way = ask->is_compared || runtime_ask(ask->session.runtime) > 0;
	if (!ask->is_compared && ask->answers > 0 && ask_others(ask, now) > 0)
		ask->under_way = true;
	ask->nobody = !ask->under_way;
	if (ask->nobody)
		not_answered(ask, now, ERROR_UNREACHABLE);
}

static void stop(struct ask *ask, int status, int number)
{
	if (ask->stopped)
		ask->stopped(ask, status);
	else if (number != 0)
		session_leave_signal(&ask->session, number);
	else
		session_leave(&ask->session, status);
}

static void listed(struct ask *ask, msec now, const struct id *member)
{
	/* A new link added to what an earlier one told; the first comparison takes away what is no longer so. */
	if (ask->stays && !ask->is_compared && node_ask_again(runtime_node(ask->session.runtime), now)) {
		ask->is_compared = true;
		return;
	}
	ask->under_way = false;
	ask->ask_at = MSEC_NEVER;
	ask->answers++;
	ask->member = *member;
	ask->answered(ask, now);
}

static void pull_facts(struct ask *ask, msec now)
{
	struct node_fact fact;

	while (!ask->session.leaving && node_next_fact(runtime_node(ask->session.runtime), &fact)) {
		if (fact.kind == NODE_LISTED)
			listed(ask, now, &fact.peer);
		else if (fact.kind == NODE_LIST_FAILED)
			not_answered(ask, now, fact.reason);
		else if (ask->fact)
			ask->fact(ask, now, &fact);
	}
}

static void turn(void *self, msec now)
{
	struct ask *ask = self;

	pull_facts(ask, now);
	if (session_stats_due(&ask->session, now))
		session_stats(&ask->session);
	if (!ask->session.leaving && ask->turn)
		ask->turn(ask, now);
	if (ask->session.leaving)
		return;
	if (ask->under_way && runtime_is_asking_in_vain(ask->session.runtime)) {
		not_answered(ask, now, ERROR_UNREACHABLE);
	} else if (session_is_late(&ask->session, now)) {
		ask->session.deadline = MSEC_NEVER;
		stop(ask, EXIT_DEADLINE, 0);
	} else if (!ask->under_way && now >= ask->ask_at) {
		put_question(ask, now);
	}
}

static msec deadline(void *self)
{
	const struct ask *ask = self;
	msec due = msec_min(session_deadline(&ask->session), ask->turn_at);

	return ask->under_way ? due : msec_min(due, ask->ask_at);
}

static void on_signal(void *self, int number)
{
	struct ask *ask = self;

	if (number == SIGUSR1)
		session_stats(&ask->session);
	else
		stop(ask, 128 + number, number);
}

static void closing(void *self)
{
	struct ask *ask = self;

	if (ask->closing)
		ask->closing(ask->self);
}

int ask_run(struct ask *ask)
{
	static const struct program program = {turn, deadline, on_signal};

	ask->failure = OK;
	ask->turn_at = MSEC_NEVER;
	session_open(&ask->session, &(struct session_options){.common = &ask->common, .program = &program, .self = ask,
		.guest = true, .closing = closing});
	if (ask->stays)
		node_stay(runtime_node(ask->session.runtime));
	return session_run(&ask->session);
}

/* What, where it looked, what to type next. */
_Noreturn void ask_fail(const struct ask *ask, int status)
{
	const struct common *common = &ask->common;
	char where[LOCAL_PATH_SIZE], looked[LOCAL_PATH_SIZE + 64];
	const char *const hints[] = {looked, "start a node there, or name one: -p PEERID@HOST:PORT (mosaik-bootstrap prints it)",
		"-w 10s waits for one; mosaik-catalog doctor looks for the reason", NULL};

	local_path(&common->network, where);
	if (common->no_local)
		snprintf(looked, sizeof looked, "looked at %zu peers of -p; --no-local is set", common->peers.count);
	else
		snprintf(looked, sizeof looked, "looked at %zu peers of -p, and in %s", common->peers.count, where);
	if (status == EXIT_DEADLINE)
		fail(status, "deadline", hints, "no answer from network '%s' within the timeout", common->network_text);
	if (ask->nobody)
		fail(status, "no-peer", hints, "nobody of network '%s' is known here", common->network_text);
	if (status == EXIT_REFUSED)
		fail(status, error_name(ask->failure), NULL, "the peer that was asked %s: not network '%s', or not the key in -p",
			error_text(ask->failure), common->network_text);
	fail(status, "no-answer", hints, "no member of network '%s' answered: %s", common->network_text, error_text(ask->failure));
}

int ask_run_or_fail(struct ask *ask)
{
	int status = ask_run(ask);

	if (ask->answers == 0 && (status == EXIT_UNAVAILABLE || status == EXIT_REFUSED || status == EXIT_DEADLINE))
		ask_fail(ask, status);
	return status;
}

void ask_again(struct ask *ask, msec at)
{
	ask->ask_at = at;
}

const struct catalog *ask_catalog(const struct ask *ask)
{
	return node_catalog(runtime_node(ask->session.runtime));
}

void ask_only(struct ask *ask, char **token)
{
	ask->common.peers = (struct texts){token, 1};
	ask->common.no_local = true;
}
