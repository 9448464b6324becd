/*
 * declare.c - an operator's word that a voter will never come back. The leader has to hear it: members are asked who leads,
 * one after the other, until it is the leader that is asked.
 */
#include "cmd/common/asker.h"
#include "cmd/mosaik-group/subcommands.h"

enum { TICKET_STATUS = 1, TICKET_DECLARE };

struct declaring {
	struct asker asker;
	struct id peer;
};

/* What speaks against it, as far as the leader sees. OK: nothing. */
static int judge(const struct declaring *declaring, const struct client_status *status)
{
	char id[ID_TEXT_SIZE];

	for (size_t i = 0; i < status->member_count; i++) {
		const struct group_member *member = &status->member[i];

		if (!id_equal(&member->member.peer, &declaring->peer) || !member->voter)
			continue;
		if (!member->up)
			return EXIT_YES;
		id_format(&declaring->peer, id);
		report("alive", NULL, "%s is up, and a voter of group '%s': nothing was changed", id, declaring->asker.name);
		return EXIT_TEMPORARY;
	}
	return EXIT_NO;
}

static void on_status(struct declaring *declaring, msec now, const struct client_fact *fact)
{
	struct asker *asker = &declaring->asker;
	struct client_status status;
	bool leads;
	int against;

	if (client_status_decode(fact->bytes, &status) != OK) {
		report("malformed", NULL, "the member's answer cannot be understood");
		asker_leave(asker, EXIT_PROTOCOL);
		return;
	}
	leads = status.status.role == RAFT_IS_LEADER && status.status.online;
	against = leads ? judge(declaring, &status) : EXIT_YES;
	client_status_fini(&status);
	if (against != EXIT_YES)
		asker_leave(asker, against);
	else if (leads)
		asker_order(asker, &(struct client_order){TICKET_DECLARE, VERB_DECLARE_DEAD, declaring->peer});
	else if (!asker_try_another(asker, now))
		asker_leave(asker, asker_outcome(asker, ERROR_NOT_LEADER));
}

static void on_up(struct asker *asker, msec now)
{
	(void)now;
	asker_status(asker, TICKET_STATUS);
}

static void on_fact(struct asker *asker, msec now, const struct client_fact *fact)
{
	struct declaring *declaring = asker->self;

	if (fact->kind != CLIENT_RESULT)
		return;
	if (fact->reason != OK)
		asker_leave(asker, asker_outcome(asker, fact->reason));
	else if (fact->ticket == TICKET_STATUS)
		on_status(declaring, now, fact);
	else
		asker_leave(asker, EXIT_YES);
}

int declare_dead_run(const struct invocation *invocation)
{
	const struct settings *settings = invocation->settings;
	struct declaring declaring = {.asker = {.kind = "group", .name = invocation->group, .key_path = settings->key_path, .writes = true,
		.up = on_up, .fact = on_fact, .ask.common = settings->common}};

	if (invocation->count != 1)
		usage_error("declare-dead which voter? Its id, as members prints it");
	if (id_from_hex(invocation->operand[0], &declaring.peer) != OK)
		usage_error("'%s' is no id: 64 hexadecimal digits, as members prints them", invocation->operand[0]);
	declaring.asker.self = &declaring;
	return asker_run(&declaring.asker);
}
