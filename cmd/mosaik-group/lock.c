/*
 * lock.c - run CMD while nobody else who asks for the same lock does.
 *
 * Everybody who wants a lock of GROUP is a member of a group of locks of that name (groups/lock_state.h). The order of
 * the log says who holds it. Time is only ever compared on one machine's clock:
 *
 *     holder     sends a renewal at s; it is applied; CMD may run until s + LEASE (guardian.h), and is killed at the
 *                latest at s + LEASE + grace
 *     successor  sees that renewal applied at some t >= s; proposes to expire the holder not before t + LEASE + MARGIN;
 *                waits the holder's grace, and MARGIN, before it runs anything
 *
 *     waiting for the group  ->  queued  ->  held  [-> grace of an expired predecessor]  ->  running  ->  releasing
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/group_key.h"
#include "cmd/common/group_name.h"
#include "cmd/common/participant.h"
#include "cmd/mosaik-group/guardian.h"
#include "cmd/mosaik-group/subcommands.h"
#include "groups/lock_state.h"
#include "runtime/key.h"

#define LEASE 4000               /* msec */
#define RENEW 500
#define MARGIN 500
#define RELEASE_WITHIN 2000
#define NAME_SIZE 300

enum phase { STARTING, QUEUED, GRACE, RUNNING, RELEASING };

/* Tickets: the kind of command in the low bits, so that a result tells what it is of. */
enum { TICKET_ENTER = 1, TICKET_RENEW, TICKET_RELEASE, TICKET_EXPIRE, TICKET_KINDS };

struct lock_run {
	const struct settings *settings;
	struct session session;
	struct participant participant;
	struct guardian *guardian;
	char *const *argv;
	char group[NAME_SIZE];
	const char *name;              /* of the lock; "" */
	char listed[NAME_SIZE];
	struct id owner;
	enum phase phase;
	uint64_t tickets;
	bool entering;                 /* an ACQUIRE or TRY is under way */
	bool renewing;                 /* a renewal is under way, */
	msec renewal_sent;             /* since then */
	msec renew_at;
	bool leased;                   /* a command of ours, sent while we held it, was applied: the lease counts from its sending */
	msec lease_until;
	msec run_at;                   /* GRACE: when CMD may start */
	msec release_by;
	struct lock_standing seen;     /* of the holder, and */
	msec seen_since;               /* since when it has not changed */
	bool expiring;
	int status;                    /* of CMD, once it has ended */
	bool unknown;                  /* nobody knows what CMD does: it must be expired, not released */
};

static uint64_t ticket(struct lock_run *run, unsigned kind)
{
	return ++run->tickets * TICKET_KINDS + kind;
}

static void propose(struct lock_run *run, msec now, unsigned kind, const struct lock_command *order)
{
	struct buffer encoded = {0};

	if (!run->participant.group)
		return;
	lock_command_encode(order, &encoded);
	group_propose(run->participant.group, now, ticket(run, kind), buffer_bytes(&encoded));
	buffer_fini(&encoded);
}

static struct lock_command order_of(const struct lock_run *run, enum lock_verb verb)
{
	return (struct lock_command){.verb = verb, .name = bytes_of_text(run->name), .owner = run->owner,
		.token_min = (uint64_t)runtime_wall(run->session.runtime), .grace = (uint64_t)run->settings->grace};
}

static void depart(struct lock_run *run, msec now, int status)
{
	participant_leave(&run->participant, now, status);
}

static void enter(struct lock_run *run, msec now)
{
	struct lock_command order = order_of(run, run->settings->try ? LOCK_TRY : LOCK_ACQUIRE);

	if (run->phase != STARTING || run->entering || !run->participant.is_online)
		return;
	run->entering = true;
	run->renewal_sent = now;       /* should we hold it at once, the lease counts from here */
	propose(run, now, TICKET_ENTER, &order);
}

static void renew(struct lock_run *run, msec now)
{
	struct lock_command order = order_of(run, LOCK_RENEW);

	if (run->renewing || now < run->renew_at)
		return;
	run->renewing = true;
	run->renewal_sent = now;
	propose(run, now, TICKET_RENEW, &order);
}

static void release(struct lock_run *run, msec now)
{
	struct lock_command order = order_of(run, LOCK_RELEASE);

	order.renewals = run->phase == GRACE;
	run->release_by = now + RELEASE_WITHIN;
	if (run->phase == STARTING || run->unknown) {
		depart(run, now, run->status);   /* nothing to give back, or nothing that we may */
		return;
	}
	run->phase = RELEASING;
	propose(run, now, TICKET_RELEASE, &order);
}

/* ---- holding it ---- */

static void start_command(struct lock_run *run, msec now)
{
	char token[24];
	struct guardian_options options = {.argv = run->argv, .lease = run->lease_until - now, .grace = run->settings->grace,
		.token = token};

	snprintf(token, sizeof token, "%" PRIu64, run->seen.token);
	run->phase = RUNNING;
	if (guardian_start(runtime_loop(run->session.runtime), &options, &run->guardian) == OK)
		return;
	report("command", NULL, "cannot run '%s': %s", run->argv[0], strerror(errno));
	run->status = EXIT_WRAPPER;
	release(run, now);
}

static void lease_from(struct lock_run *run, msec sent)
{
	run->leased = true;
	run->lease_until = sent + LEASE;
	run->renew_at = sent + RENEW;
}

static void hold(struct lock_run *run, msec now)
{
	run->phase = GRACE;
	run->run_at = run->seen.wait > 0 ? now + (msec)run->seen.wait + MARGIN : now;
}

static void lost(struct lock_run *run, msec now)
{
	report("lost", NULL, "the lock '%s%s%s' was lost", run->group, run->name[0] != '\0' ? "/" : "", run->name);
	run->status = EXIT_LOST;
	if (run->guardian)
		return;   /* it stops CMD by itself; its report ends us */
	run->unknown = true;
	release(run, now);
}

static bool holds(const struct lock_run *run, const struct lock_standing *standing)
{
	return standing->held && id_equal(&standing->holder, &run->owner);
}

static void renewed(struct lock_run *run, msec now, const struct lock_standing *standing)
{
	run->renewing = false;
	if (run->phase != GRACE && run->phase != RUNNING)
		return;
	if (!holds(run, standing)) {
		if (run->guardian)
			guardian_renew(run->guardian, 0);
		lost(run, now);
		return;
	}
	lease_from(run, run->renewal_sent);
	if (run->guardian && run->lease_until > now)
		guardian_renew(run->guardian, run->lease_until - now);
}

/* ---- waiting for it ---- */

static void look(struct lock_run *run, msec now)
{
	const struct state *state = group_state(run->participant.group);
	struct lock_standing standing;
	struct buffer query = {0}, answer = {0};
	bool read;

	lock_query_encode(bytes_of_text(run->name), &run->owner, &query);
	read = state->ops->query(state->self, buffer_bytes(&query), &answer) == OK &&
		lock_standing_decode(buffer_bytes(&answer), &standing) == OK;
	buffer_fini(&query);
	buffer_fini(&answer);
	if (!read)
		return;
	if (standing.token != run->seen.token || standing.renewals != run->seen.renewals || standing.held != run->seen.held) {
		run->seen_since = now;
		run->expiring = false;
	}
	run->seen = standing;
	if (run->phase != QUEUED)
		return;
	if (!standing.queued)
		run->phase = STARTING;     /* the group forgot us: once more, at the end */
	else if (holds(run, &standing)) {
		run->leased = false;       /* others may have seen long ago that it is ours: a renewal comes first */
		run->renew_at = now;
		hold(run, now);
	}
}

static void expire_holder(struct lock_run *run, msec now)
{
	struct lock_command order = order_of(run, LOCK_EXPIRE);

	if (run->phase != QUEUED || !run->seen.held || run->expiring || now < run->seen_since + LEASE + MARGIN)
		return;
	run->expiring = true;
	order.owner = run->seen.holder;
	order.renewals = run->seen.renewals;
	propose(run, now, TICKET_EXPIRE, &order);
}

static void entered(struct lock_run *run, msec now, const struct lock_standing *standing)
{
	run->entering = false;
	if (run->phase != STARTING)
		return;
	run->seen = *standing;
	run->seen_since = now;
	if (!standing->queued) {
		report("busy", NULL, "somebody else holds the lock");
		depart(run, now, EXIT_TEMPORARY);
	} else if (holds(run, standing)) {
		lease_from(run, run->renewal_sent);
		hold(run, now);
	} else {
		run->phase = QUEUED;
	}
}

/* ---- facts ---- */

static void on_result(struct lock_run *run, msec now, const struct group_fact *fact)
{
	unsigned kind = (unsigned)(fact->ticket % TICKET_KINDS);
	struct lock_standing standing = {0};
	bool good = fact->reason == OK && fact->bytes && lock_standing_decode(blob_bytes(fact->bytes), &standing) == OK;

	if (kind == TICKET_RELEASE) {
		depart(run, now, run->status);
	} else if (kind == TICKET_EXPIRE) {
		run->expiring = run->expiring && good;
	} else if (kind == TICKET_RENEW && good) {
		renewed(run, now, &standing);
	} else if (kind == TICKET_RENEW) {
		run->renewing = false;     /* tried again until the lease is over */
		run->renew_at = now + RENEW;
	} else if (good) {
		entered(run, now, &standing);
	} else {
		run->entering = false;
	}
}

static void pull_facts(struct lock_run *run, msec now)
{
	struct node_fact fact;
	struct group_fact group;

	while (node_next_fact(runtime_node(run->session.runtime), &fact)) {
		if (!participant_fact(&run->participant, now, &fact, &group))
			continue;
		if (group.kind == GROUP_RESULT)
			on_result(run, now, &group);
		else if (group.kind == GROUP_DISSOLVED && run->phase == QUEUED)
			run->phase = STARTING;
		else if (group.kind == GROUP_DISSOLVED && (run->phase == GRACE || run->phase == RUNNING))
			lost(run, now);
		if ((group.kind == GROUP_APPLIED || group.kind == GROUP_RESTORED) && run->participant.group)
			look(run, now);
		blob_drop(group.bytes);
	}
}

static void watch_command(struct lock_run *run, msec now)
{
	struct guardian_end end;

	if (!run->guardian || !guardian_has_ended(run->guardian, &end))
		return;
	guardian_free(run->guardian);
	run->guardian = NULL;
	run->unknown = end.unknown;
	if (end.lease_was_over && run->status != EXIT_LOST)
		report("lost", NULL, "the lock was lost: '%s' was stopped", run->argv[0]);
	run->status = end.lease_was_over ? EXIT_LOST : end.status;
	release(run, now);
}

static void turn(void *self, msec now)
{
	struct lock_run *run = self;

	pull_facts(run, now);
	watch_command(run, now);
	enter(run, now);
	if (run->phase == GRACE || run->phase == RUNNING)
		renew(run, now);
	if (run->phase == GRACE && run->leased && now >= run->lease_until)
		lost(run, now);
	else if (run->phase == GRACE && run->leased && now >= run->run_at)
		start_command(run, now);
	expire_holder(run, now);
	if (run->phase == RELEASING && now >= run->release_by)
		depart(run, now, run->status);
	if (session_is_late(&run->session, now) && (run->phase == STARTING || run->phase == QUEUED || run->phase == GRACE)) {
		run->session.deadline = MSEC_NEVER;
		report("deadline", NULL, "the lock was not got within the timeout");
		run->status = EXIT_DEADLINE;
		release(run, now);
	}
	participant_turn(&run->participant, now);
}

static msec deadline(void *self)
{
	const struct lock_run *run = self;
	msec due = run->session.stats_due;

	if (run->phase == STARTING || run->phase == QUEUED || run->phase == GRACE)
		due = msec_min(due, run->session.deadline);
	if ((run->phase == GRACE || run->phase == RUNNING) && !run->renewing)
		due = msec_min(due, run->renew_at);
	if (run->phase == GRACE && run->leased)
		due = msec_min(due, msec_min(run->run_at, run->lease_until));
	if (run->phase == QUEUED && run->seen.held && !run->expiring)
		due = msec_min(due, run->seen_since + LEASE + MARGIN);
	if (run->phase == RELEASING)
		due = msec_min(due, run->release_by);
	return due;
}

static void on_signal(void *self, int number)
{
	struct lock_run *run = self;

	if (number == SIGUSR1) {
		participant_stats(&run->participant);
		return;
	}
	if (run->guardian) {
		guardian_signal(run->guardian, number);
		return;
	}
	run->session.died_of = number;
	run->status = 128 + number;
	release(run, runtime_now(run->session.runtime));
}

static void closing(void *self)
{
	struct lock_run *run = self;

	participant_close(&run->participant);
}

static struct state make_state(void *self)
{
	(void)self;
	return lock_state_new();
}

static void start(struct lock_run *run)
{
	static const struct program program = {turn, deadline, on_signal};
	const struct settings *settings = run->settings;
	struct keypair pair;

	key_random(&pair);
	run->owner = pair.public_key;
	memory_wipe(&pair, sizeof pair);
	participant_open(&run->participant, &run->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = run, .closing = closing}, &(struct participant_options){.kind = "lock", .name = run->group,
		.listed = run->listed, .key_path = settings->key_path, .data = settings->data, .state = make_state, .self = run,
		.tell_applied = true, .lan = true, .expect = (uint8_t)settings->expect, .quiet = true});
}

int lock_run(const struct invocation *invocation)
{
	struct lock_run run = {.settings = invocation->settings, .argv = invocation->operand, .status = EXIT_YES};
	char *slash;

	if (invocation->count == 0)
		usage_error("lock takes a command: lock GROUP[/NAME] -- CMD...");
	snprintf(run.group, sizeof run.group, "%s", invocation->group);
	slash = strchr(run.group, '/');
	run.name = slash ? slash + 1 : "";
	if (slash)
		*slash = '\0';
	group_name_check("group", run.group);
	snprintf(run.listed, sizeof run.listed, "lock %.*s", (int)(sizeof run.listed - 6), run.group);
	start(&run);
	return session_run(&run.session);
}
