/*
 * status.c - what a member says about its group: status, members, leader; once, or with --follow whenever it changes.
 *
 * status asks for a strong read before: a member that has just come back knows less than is committed. Where none passes, as
 * in a minority, it says what the member sees and that this is not confirmed; --local does not ask.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/common/asker.h"
#include "cmd/common/listing.h"
#include "cmd/common/printed.h"
#include "cmd/mosaik-group/subcommands.h"

#define BARRIER_WITHIN 1000   /* msec; a group that answers strong reads does it in a fraction of that */

enum { TICKET_STATUS = 1, TICKET_FOLLOW, TICKET_BARRIER };

struct looking {
	struct asker asker;
	const struct settings *settings;
	bool wants_barrier;            /* what is told is as new as the question */
	bool confirmed;                /* it is */
	int (*print)(const struct looking *looking, const struct client_status *status);
	struct id last_leader;         /* leader --follow: the one printed last */
	bool printed;
};

static const char *const role_names[] = {
	[RAFT_LEARNER] = "standby", [RAFT_FOLLOWER] = "follower", [RAFT_PRE_CANDIDATE] = "candidate", [RAFT_CANDIDATE] = "candidate",
	[RAFT_IS_LEADER] = "leader"
};

static int finish(struct listing *listing)
{
	size_t rows;
	enum error error = listing_finish(listing, &rows);
	int reason = errno;

	listing_free(listing);
	return error == OK ? EXIT_YES : printed_not(reason);
}

/* ---- status: one object, or a line a field ---- */

static const struct column status_columns[] = {
	{"member", COLUMN_ID}, {"role", COLUMN_TEXT}, {"leader", COLUMN_ID}, {"term", COLUMN_NUMBER}, {"committed", COLUMN_NUMBER},
	{"log_first", COLUMN_NUMBER}, {"log_last", COLUMN_NUMBER}, {"voters", COLUMN_NUMBER}, {"voters_up", COLUMN_NUMBER},
	{"crashes_tolerated", COLUMN_NUMBER}, {"online", COLUMN_TEXT}, {"confirmed", COLUMN_TEXT}, {"changing", COLUMN_TEXT},
	{"split", COLUMN_TEXT}, {"lineage", COLUMN_ID}, {"state_hash", COLUMN_ID}, {.name = NULL}
};

/* Of the voters that are up now: so many more may crash. */
static uint64_t survives(const struct group_status *status)
{
	unsigned majority = status->voters / 2 + 1;

	return status->voters_up < majority ? 0 : status->voters_up - majority;
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static int print_object(const struct looking *looking, const struct client_status *answer)
{
	const struct group_status *status = &answer->status;
	struct listing *listing = listing_open(&looking->settings->common, status_columns);
	size_t at = 0;

	listing_id(listing, at++, &answer->peer);
	listing_text(listing, at++, bytes_of_text(role_names[status->role]));
	if (!id_is_zero(&status->leader))
		listing_id(listing, at, &status->leader);
	at++;
	listing_number(listing, at++, status->term);
	listing_number(listing, at++, status->position);
	listing_number(listing, at++, status->log_first);
	listing_number(listing, at++, status->log_last);
	listing_number(listing, at++, status->voters);
	listing_number(listing, at++, status->voters_up);
	listing_number(listing, at++, survives(status));
	listing_text(listing, at++, bytes_of_text(yes_no(status->online)));
	if (looking->wants_barrier)
		listing_text(listing, at, bytes_of_text(yes_no(looking->confirmed)));
	at++;
	listing_text(listing, at++, bytes_of_text(yes_no(status->joint)));
	listing_text(listing, at++, bytes_of_text(yes_no(status->frozen)));
	listing_id(listing, at++, &status->lineage);
	listing_id(listing, at, &status->state_hash);
	listing_end_row(listing);
	return finish(listing);
}

static void field(const char *name, const char *value)
{
	printf("%s\t%s\n", name, value);
}

static void number(const char *name, uint64_t value)
{
	printf("%s\t%llu\n", name, (unsigned long long)value);
}

static int print_fields(const struct looking *looking, const struct client_status *answer)
{
	const struct group_status *status = &answer->status;
	char id[ID_TEXT_SIZE];

	id_format(&answer->peer, id);
	field("member", id);
	field("role", role_names[status->role]);
	id_format(&status->leader, id);
	field("leader", id_is_zero(&status->leader) ? "-" : id);
	number("term", status->term);
	number("committed", status->position);
	printf("voters\t%u (%u up)\n", status->voters, status->voters_up);
	printf("survives\t%u crash%s\n", (unsigned)survives(status), survives(status) == 1 ? "" : "es");
	field("online", yes_no(status->online));
	if (looking->wants_barrier && !looking->confirmed)
		field("confirmed", "no");
	if (status->joint)
		field("changing", "yes");
	if (status->frozen)
		field("split", "yes");
	id_format(&status->lineage, id);
	field("lineage", id);
	id_format(&status->state_hash, id);
	field("state_hash", id);
	return printed(EXIT_YES);
}

static int print_status(const struct looking *looking, const struct client_status *answer)
{
	bool plain = !looking->settings->common.json && !looking->settings->common.columns;
	int printed = plain ? print_fields(looking, answer) : print_object(looking, answer);

	if (printed != EXIT_YES)
		return printed;
	return answer->status.online && (looking->confirmed || !looking->wants_barrier) ? EXIT_YES : EXIT_NO;
}

/* ---- members ---- */

enum { MEMBER_ID, MEMBER_ROLE, MEMBER_UP, MEMBER_PREFERENCE, MEMBER_INCARNATION, MEMBER_MATCH };

static const struct column member_columns[] = {
	{"id", COLUMN_ID}, {"role", COLUMN_TEXT}, {"up", COLUMN_TEXT}, {"preference", COLUMN_TEXT}, {"incarnation", COLUMN_NUMBER},
	{"match", COLUMN_NUMBER}, {.name = NULL}
};

static int print_members(const struct looking *looking, const struct client_status *answer)
{
	static const char *const preference[] = {"normal", "reluctant", "observer"};
	struct listing *listing = listing_open(&looking->settings->common, member_columns);

	for (size_t i = 0; i < answer->member_count; i++) {
		const struct group_member *member = &answer->member[i];

		listing_id(listing, MEMBER_ID, &member->member.peer);
		listing_text(listing, MEMBER_ROLE, bytes_of_text(member->leader ? "leader" : member->voter ? "voter" :
			member->preference == PREFER_OBSERVER ? "observer" : "standby"));
		listing_text(listing, MEMBER_UP, bytes_of_text(yes_no(member->up)));
		listing_text(listing, MEMBER_PREFERENCE, bytes_of_text(preference[member->preference]));
		listing_number(listing, MEMBER_INCARNATION, member->member.incarnation);
		if (member->match > 0)
			listing_number(listing, MEMBER_MATCH, member->match);
		listing_end_row(listing);
	}
	return finish(listing);
}

/* ---- leader ---- */

static int print_leader(const struct looking *looking, const struct client_status *answer)
{
	char id[ID_TEXT_SIZE];

	(void)looking;
	if (id_is_zero(&answer->status.leader))
		return EXIT_NO;
	id_format(&answer->status.leader, id);
	printf("%s\n", id);
	return printed(EXIT_YES);
}

/* ---- asking ---- */

static void on_up(struct asker *asker, msec now)
{
	struct looking *looking = asker->self;

	looking->confirmed = false;
	runtime_mind_reader(asker->ask.session.runtime);
	if (looking->settings->follow)
		asker_follow(asker, &(struct client_follow){.ticket = TICKET_FOLLOW, .what = FOLLOW_STATUS});
	else if (looking->wants_barrier)
		(void)asker_query(asker, &(struct group_query){.ticket = TICKET_BARRIER, .level = QUERY_STRONG,
			.deadline = now + BARRIER_WITHIN});   /* the first one is always taken */
	else
		asker_status(asker, TICKET_STATUS);
}

static void show(struct looking *looking, const struct client_status *status)
{
	struct asker *asker = &looking->asker;
	int result = EXIT_YES;

	if (!looking->settings->follow || looking->print != print_leader || !looking->printed ||
			!id_equal(&looking->last_leader, &status->status.leader))
		result = looking->print(looking, status);
	looking->printed = true;
	looking->last_leader = status->status.leader;
	if (!looking->settings->follow || (result != EXIT_YES && result != EXIT_NO))
		asker_leave(asker, result);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct looking *looking = asker->self;
	struct client_status status;

	(void)now;
	if (fact->kind == CLIENT_RESULT && fact->ticket == TICKET_BARRIER) {
		if (asker_is_cut(fact->reason) && !asker_is_refused(fact->reason))
			return;
		looking->confirmed = fact->reason == OK;
		asker_status(asker, TICKET_STATUS);
	} else if (asker_reads_status(asker, fact, &status)) {
		show(looking, &status);
		client_status_fini(&status);
	}
}

static bool again(struct asker *asker)
{
	const struct looking *looking = asker->self;

	return looking->settings->follow || !looking->printed;
}

static int look(const struct invocation *invocation,
	int (*print)(const struct looking *looking, const struct client_status *status))
{
	const struct settings *settings = invocation->settings;
	struct looking looking = {.settings = settings, .print = print, .asker = {.kind = "group", .name = invocation->group,
		.key_path = settings->key_path, .up = on_up, .fact = on_fact, .again = again, .ask.common = settings->common}};

	if (invocation->count > 0)
		usage_error("'%s' is one operand too many", invocation->operand[0]);
	if (print == print_status || print == print_members)
		listing_check(&settings->common, print == print_status ? status_columns : member_columns);
	looking.wants_barrier = print == print_status && !settings->local && !settings->follow;
	looking.asker.self = &looking;
	return asker_run(&looking.asker);
}

int status_run(const struct invocation *invocation)
{
	return look(invocation, print_status);
}

int members_run(const struct invocation *invocation)
{
	return look(invocation, print_members);
}

int leader_run(const struct invocation *invocation)
{
	return look(invocation, print_leader);
}
