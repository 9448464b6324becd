/*
 * asker.c - see asker.h.
 *
 *     asking for the catalog  ->  dialling a member  ->  up  ->  the owner's questions
 *            ^                        | failed: the next one, then the catalog again
 *            +------------------------+
 *
 * A member that hears no leader keeps a strong question until it does, though another one may be where the majority is. So,
 * when an answer is late, the member is asked whether it hears one. If not, others are asked the same, one after the other
 * over links of their own, and the question moves to the first that does; until then it also stays where it is. A member
 * that is followed is asked when it has been silent: one that was killed, stopped or cut off from us cannot say so.
 */
#include "cmd/common/asker.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "cmd/common/group_key.h"
#include "cmd/common/group_name.h"
#include "cmd/common/near.h"

#define LOOK_AGAIN 100   /* msec between looks at the catalog */
#define DOUBT_AFTER 500  /* msec that a question waits until the member is doubted, and between two doubts */
#define SILENCE_MAX 3000 /* msec without an event until a member that is followed is doubted, */
#define ANSWER_WITHIN 3000   /* and given up if it does not answer that */
#define TICKET_DOUBT UINT64_MAX   /* none of the owner's */

struct node *asker_node(struct asker *asker)
{
	return runtime_node(asker->ask.session.runtime);
}

/* Names that were not meant, for whoever does not find the one that was. */
static void note_other(struct asker *asker, struct near *near, const char *listed)
{
	struct group_name read = group_name_read(listed);
	char name[ENTRY_NAME_MAX + 1];

	snprintf(name, sizeof name, "%.*s", (int)read.name.size, (const char *)read.name.data);
	if (bytes_equal(read.kind, bytes_of_text(asker->kind)))
		near_offer(near, name);
	if (near->best != name && (near->best || strcmp(name, asker->name) != 0))
		return;
	snprintf(asker->near, sizeof asker->near, "%s", listed);
	if (near->best)
		near->best = asker->near;
}

/* Whether a group of our name is the one: its types are those wanted, or those of the first one there is. */
static bool types_fit(struct asker *asker, const char *types)
{
	bool fit = asker->types ? group_name_types_match(types, asker->types) :
		asker->members == 0 || strcmp(types, asker->found_types) == 0;

	if (!fit)
		snprintf(asker->other_types, sizeof asker->other_types, "%s", types);
	return fit;
}

/*
 * A member of a matching group that has not failed us: the peer that just told us of the others, if it is one (there is a
 * connection to it, and it may have been named by -p), else the first.
 */
static bool find_member(struct asker *asker, struct id *peer)
{
	struct near near = near_to(asker->name);
	const struct catalog_peer *one;
	bool found = false;
	size_t at = 0;

	asker->members = 0;
	asker->near[0] = asker->other_types[0] = '\0';
	while ((one = catalog_next(ask_catalog(&asker->ask), &at)) != NULL) {
		const struct card *card = &one->entry->card;

		for (size_t i = 0; i < card->groups.count; i++) {
			const char *listed = card_name(card, &card->groups.id[i]), *types;

			if (!listed || !group_name_matches(listed, asker->kind, asker->name, &types)) {
				note_other(asker, &near, listed ? listed : "");
				continue;
			}
			if (!types_fit(asker, types))
				continue;
			if (asker->members++ == 0)
				snprintf(asker->found_types, sizeof asker->found_types, "%s", types);
			if (id_table_get(&asker->tried, &card->peer) || (found && !id_equal(&card->peer, &asker->ask.member)))
				continue;
			found = true;
			*peer = card->peer;
			asker->group = card->groups.id[i];
		}
	}
	/* Two stores of one name, and nothing says which is meant: neither. */
	return found && (asker->types || asker->other_types[0] == '\0');
}

static void drop_scout(struct asker *asker)
{
	if (asker->scout)
		node_client_free(asker_node(asker), asker->scout);
	asker->scout = NULL;
}

static void drop_client(struct asker *asker)
{
	drop_scout(asker);
	if (asker->client)
		node_client_free(asker_node(asker), asker->client);
	asker->client = NULL;
	asker->is_up = false;
}

void asker_leave(struct asker *asker, int status)
{
	drop_client(asker);
	session_leave(&asker->ask.session, status);
}

static void tell_types(const struct asker *asker)
{
	const char *network = asker->ask.common.network_text;

	if (asker->types)
		report("types", NULL, "%s '%s' on network '%s' is of %s, not of %s", asker->kind, asker->name, network,
			asker->other_types, asker->types);
	else
		report("types", NULL, "there are two: %s '%s' on network '%s' is of %s and of %s; say which with -T", asker->kind,
			asker->name, network, asker->found_types, asker->other_types);
}

static void tell_missing(const struct asker *asker)
{
	const struct common *common = &asker->ask.common;
	char looked[160], near[ENTRY_NAME_MAX + 64] = "", type_this[512];
	const char *hints[5] = {looked, type_this, "-w 10s waits for one", NULL, NULL};
	bool plain = strcmp(asker->kind, "group") == 0;

	snprintf(looked, sizeof looked, "looked at the entries of %zu peers", ask_catalog(&asker->ask)->live);
	snprintf(type_this, sizeof type_this, plain ? "to start one: mosaik-%s -n %s join %s" : "to start one: mosaik-%s -n %s serve %s",
		asker->kind, common->network_text, asker->name);
	if (asker->near[0] != '\0') {
		snprintf(near, sizeof near, "there is '%s'", asker->near);
		hints[3] = near;
	}
	report(plain ? "no-group" : "no-replica", hints, "no live %s of %s '%s' on network '%s'", plain ? "member" : "replica",
		asker->kind, asker->name, common->network_text);
}

static void tell_unavailable(const struct asker *asker)
{
	if (asker->other_types[0] != '\0' && (asker->members == 0 || !asker->types))
		tell_types(asker);
	else if (asker->members > 0)
		report("no-answer", NULL, "no member of %s '%s' answered: %s", asker->kind, asker->name, error_text(asker->failure));
	else
		tell_missing(asker);
}

static void give_up(struct asker *asker, int status)
{
	if (status == EXIT_REFUSED)
		report("wrong-key", (const char *const[]){"-k FILE names the key that the members were started with", NULL},
			"the members of %s '%s' have another key", asker->kind, asker->name);
	else
		tell_unavailable(asker);
	asker->told = true;
	asker_leave(asker, status);
}

static bool goes_on(struct asker *asker)
{
	return asker->again && asker->again(asker);
}

static bool may_wait(struct asker *asker, msec now)
{
	const struct common *common = &asker->ask.common;
	msec wait = common->has_wait ? common->wait : 0;

	/* Whoever follows goes on with the next member, until -W. */
	if (asker->was_up && goes_on(asker))
		return true;
	return wait == MSEC_NEVER || now < (asker->waits_from > 0 ? asker->waits_from : asker->ask.session.started_at) + wait;
}

static void look_later(struct asker *asker, msec now)
{
	id_table_fini(&asker->tried);
	if (asker->refused)
		give_up(asker, EXIT_REFUSED);
	else if (may_wait(asker, now))
		ask_again(&asker->ask, now + LOOK_AGAIN);
	else
		give_up(asker, EXIT_UNAVAILABLE);
}

static struct client *client_of(struct asker *asker, msec now, const struct id *peer)
{
	struct client_options options = {.key = asker->key, .self = asker->ask.session.identity.public_key, .group = asker->group};

	return node_client(asker_node(asker), now, &options, &(struct dial){.peer = *peer});
}

static void dial(struct asker *asker, msec now, const struct id *peer)
{
	asker->member = *peer;
	asker->client = client_of(asker, now, peer);
}

static void dial_member(struct asker *asker, msec now)
{
	struct id peer;

	if (find_member(asker, &peer))
		dial(asker, now, &peer);
	else
		look_later(asker, now);
}

static void send_scout(struct asker *asker, msec now)
{
	if (find_member(asker, &asker->scouted))
		asker->scout = client_of(asker, now, &asker->scouted);
}

static void answered(struct ask *ask, msec now)
{
	struct asker *asker = ask->self;

	if (!asker->client)
		dial_member(asker, now);
	else if (!asker->scout)
		send_scout(asker, now);
}

static void member_down(struct asker *asker, msec now, enum error reason)
{
	bool was_up = asker->is_up;

	drop_client(asker);
	asker->failure = reason;
	asker->refused |= reason == ERROR_BOND_PROOF;
	if (was_up && !goes_on(asker)) {
		give_up(asker, EXIT_UNAVAILABLE);
		return;
	}
	asker->ask.patient |= was_up;   /* it follows: there will be another */
	id_table_put(&asker->tried, &asker->member, asker);
	dial_member(asker, now);
}

/* ---- a member that hears no leader ---- */

static bool hears_leader(const struct client_fact *fact)
{
	struct client_status status;
	bool hears;

	if (fact->reason != OK || client_status_decode(fact->bytes, &status) != OK)
		return false;
	hears = status.status.online;
	client_status_fini(&status);
	return hears;
}

static bool waits_in_vain(const struct asker *asker)
{
	return asker->may_move && asker->is_up && (asker->followed != 0 || (asker->open > 0 && asker->results == 0));
}

/* When all have been tried, the catalog may have new ones, and the old ones may hear a leader meanwhile. */
static void look_elsewhere(struct asker *asker, msec now)
{
	if (!waits_in_vain(asker) || asker->scout)
		return;
	id_table_put(&asker->tried, &asker->member, asker);
	send_scout(asker, now);
	if (asker->scout)
		return;
	id_table_fini(&asker->tried);
	id_table_put(&asker->tried, &asker->member, asker);
	asker->ask.patient = true;   /* the question stands, whatever becomes of the catalog */
	ask_again(&asker->ask, now);
}

static void doubt(struct asker *asker, msec now)
{
	bool follows = asker->is_up && asker->followed != 0 && asker->open == 0 && goes_on(asker);

	asker->ask.turn_at = follows || waits_in_vain(asker) ? asker->doubt_at : MSEC_NEVER;
	if (now < asker->ask.turn_at)
		return;
	if (asker->is_doubted && follows) {
		asker->open = 0;
		member_down(asker, now, ERROR_NO_ANSWER);
		return;
	}
	if (asker->is_doubted)
		look_elsewhere(asker, now);
	else
		node_client_status(asker_node(asker), asker->client, TICKET_DOUBT);
	asker->is_doubted = true;
	asker->ask.turn_at = asker->doubt_at = now + (follows ? ANSWER_WITHIN : DOUBT_AFTER);
}

/* It has said something. */
static void believe(struct asker *asker, msec now)
{
	asker->is_doubted = false;
	asker->doubt_at = now + (asker->followed != 0 ? SILENCE_MAX : DOUBT_AFTER);
}

static void member_up(struct asker *asker, msec now)
{
	asker->is_up = asker->was_up = true;
	asker->results = 0;
	believe(asker, now);
	asker->ask.patient = asker->ask.patient || goes_on(asker);
	asker->up(asker, now);
}

static void move_to_scout(struct asker *asker, msec now)
{
	struct client *scout = asker->scout;

	asker->scout = NULL;
	drop_client(asker);
	asker->client = scout;
	asker->member = asker->scouted;
	asker->open = 0;
	member_up(asker, now);
}

static void hear_scout(struct asker *asker, msec now, const struct client_fact *fact)
{
	if (fact->kind == CLIENT_UP) {
		node_client_status(asker_node(asker), asker->scout, TICKET_DOUBT);
	} else if (fact->kind == CLIENT_RESULT && hears_leader(fact) && waits_in_vain(asker)) {
		move_to_scout(asker, now);
	} else if (fact->kind == CLIENT_RESULT || fact->kind == CLIENT_DOWN) {
		id_table_put(&asker->tried, &asker->scouted, asker);
		drop_scout(asker);
	}
}

static void hear_member(struct asker *asker, msec now, const struct client_fact *fact)
{
	if (fact->kind == CLIENT_UP) {
		member_up(asker, now);
	} else if (fact->kind == CLIENT_DOWN) {
		member_down(asker, now, fact->reason);
	} else if (fact->kind == CLIENT_RESULT && fact->ticket == TICKET_DOUBT) {
		believe(asker, now);
		if (fact->reason == OK && !hears_leader(fact))
			look_elsewhere(asker, now);
	} else {
		believe(asker, now);
		if (fact->kind == CLIENT_RESULT && fact->ticket != asker->followed)
			asker->open--;
		asker->results += fact->kind == CLIENT_RESULT;
		asker->fact(asker, now, fact);
	}
}

static void on_fact(struct ask *ask, msec now, const struct node_fact *fact)
{
	struct asker *asker = ask->self;

	if (fact->kind != NODE_CLIENT)
		return;
	if (fact->client == asker->client && !ask->session.leaving)
		hear_member(asker, now, &fact->client_fact);
	else if (asker->scout && fact->client == asker->scout && !ask->session.leaving)
		hear_scout(asker, now, &fact->client_fact);
	blob_drop(fact->client_fact.message);
}

static void on_turn(struct ask *ask, msec now)
{
	struct asker *asker = ask->self;

	doubt(asker, now);
	if (asker->turn && (asker->is_up || asker->turns_always))
		asker->turn(asker, now);
}

static void tell_late(const struct asker *asker)
{
	if (asker->open == 0 && asker->was_up)
		report("deadline", NULL, asker->writes ? "not done within the timeout, and nothing is under way" : "not yet so within the timeout");
	else if (asker->open == 0)
		report("deadline", NULL, "no member of %s '%s' was found within the timeout", asker->kind, asker->name);
	else
		report("deadline", NULL, "no answer within the timeout%s", asker->writes ? ": the outcome is unknown" : "");
}

static void on_stop(struct ask *ask, int status)
{
	struct asker *asker = ask->self;

	if (status == EXIT_DEADLINE && ask->answers > 0)
		tell_late(asker);
	drop_client(asker);
	if (status > 128)
		session_leave_signal(&ask->session, status - 128);
	else
		session_leave(&ask->session, status);
}

static void closing(void *self)
{
	struct asker *asker = self;

	if (asker->closing)
		asker->closing(asker);
}

int asker_run(struct asker *asker)
{
	int status;

	asker->key = group_key(&asker->ask.common, asker->kind, asker->name, asker->key_path);
	asker->ask.self = asker;
	asker->ask.answered = answered;
	asker->ask.fact = on_fact;
	asker->ask.turn = on_turn;
	asker->ask.stopped = on_stop;
	asker->ask.closing = closing;
	status = ask_run_or_fail(&asker->ask);
	memory_wipe(&asker->key, sizeof asker->key);
	if (status == EXIT_UNAVAILABLE && asker->client == NULL && !asker->told && asker->open == 0 && !asker->was_up)
		report("no-answer", NULL, "%s '%s': nobody answers any more", asker->kind, asker->name);
	id_table_fini(&asker->tried);
	return status;
}

int asker_outcome(const struct asker *asker, enum error reason)
{
	switch ((int)reason) {
	case OK:
		return EXIT_YES;
	case ERROR_NOT_LEADER:
		report("no-leader", NULL, "%s '%s' has no leader now: %s", asker->kind, asker->name,
			asker->writes ? "nothing was changed" : "a majority of its voters is needed");
		return asker->writes ? EXIT_TEMPORARY : EXIT_UNAVAILABLE;
	case ERROR_TIMEOUT:
		report("deadline", NULL, "%s '%s' did not answer in time", asker->kind, asker->name);
		return EXIT_DEADLINE;
	case ERROR_INDETERMINATE:
		report("indeterminate", NULL, "%s '%s': the member that was asked cannot tell whether it was done", asker->kind, asker->name);
		return EXIT_DEADLINE;
	case ERROR_MALFORMED:
		report("malformed", NULL, "%s '%s' does not understand the question", asker->kind, asker->name);
		return EXIT_PROTOCOL;
	case ERROR_NOT_ALLOWED:
		report("not-allowed", NULL, "%s '%s': whoever can be reached only reads", asker->kind, asker->name);
		return EXIT_REFUSED;
	default:
		report(error_name(reason), NULL, "%s '%s': %s; nothing was changed", asker->kind, asker->name, error_text(reason));
		return EXIT_TEMPORARY;
	}
}

/* Whoever gets this answer knows that nothing happened. */
static bool is_certain(enum error reason)
{
	switch ((int)reason) {
	case OK:
	case ERROR_TIMEOUT:
	case ERROR_INDETERMINATE:
	case ERROR_MALFORMED:
	case ERROR_NOT_ALLOWED:
	case ERROR_BAD_TEXT:
	case ERROR_STREAM_NOT_FOUND:
		return false;
	default:
		return true;
	}
}

bool asker_is_cut(enum error reason)
{
	return is_certain(reason) || reason == ERROR_INDETERMINATE;
}

bool asker_is_refused(enum error reason)
{
	return reason == ERROR_FROZEN || reason == ERROR_BUSY;
}

bool asker_try_another(struct asker *asker, msec now)
{
	struct id peer;

	id_table_put(&asker->tried, &asker->member, asker);
	if (!find_member(asker, &peer))
		return false;
	asker->open = 0;
	drop_client(asker);
	dial(asker, now, &peer);
	return true;
}

bool asker_retry(struct asker *asker, msec now, enum error reason)
{
	if (reason == ERROR_NOT_ALLOWED)
		return asker_try_another(asker, now);
	if (!is_certain(reason) || !may_wait(asker, now))
		return false;
	id_table_put(&asker->tried, &asker->member, asker);
	asker->open = 0;
	drop_client(asker);
	ask_again(&asker->ask, now + LOOK_AGAIN);
	return true;
}

void asker_pause(struct asker *asker)
{
	drop_client(asker);
}

void asker_resume(struct asker *asker, msec now)
{
	if (!asker->client)
		ask_again(&asker->ask, now);
}

bool asker_propose(struct asker *asker, uint64_t ticket, struct bytes command)
{
	bool taken = node_client_propose(asker_node(asker), asker->client, ticket, command) == OK;

	asker->open += taken;
	return taken;
}

bool asker_feed(struct asker *asker, uint64_t ticket, struct bytes command)
{
	bool taken = node_client_feed(asker_node(asker), asker->client, ticket, command) == OK;

	asker->open += taken;
	return taken;
}

bool asker_query(struct asker *asker, const struct group_query *query)
{
	bool taken = node_client_query(asker_node(asker), asker->client, query) == OK;

	asker->open += taken;
	return taken;
}

void asker_status(struct asker *asker, uint64_t ticket)
{
	asker->open++;
	node_client_status(asker_node(asker), asker->client, ticket);
}

bool asker_reads_status(struct asker *asker, const struct client_fact *fact, struct client_status *out)
{
	if (fact->kind == CLIENT_ROOM || (fact->kind == CLIENT_RESULT && asker_is_cut(fact->reason)))
		return false;
	if (fact->kind == CLIENT_RESULT && fact->reason != OK) {
		asker_leave(asker, asker_outcome(asker, fact->reason));
		return false;
	}
	if (client_status_decode(fact->bytes, out) != OK) {
		report("malformed", NULL, "the member's answer cannot be understood");
		asker_leave(asker, EXIT_PROTOCOL);
		return false;
	}
	return true;
}

void asker_order(struct asker *asker, const struct client_order *order)
{
	asker->open++;
	node_client_admin(asker_node(asker), asker->client, order);
}

void asker_follow(struct asker *asker, const struct client_follow *follow)
{
	asker->followed = follow->ticket;
	node_client_follow(asker_node(asker), asker->client, follow);
}
