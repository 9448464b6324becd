/*
 * client.c - see client.h.
 *
 *      OFF --- client_dial ---> DIALLING --- linked: our proof ---> PROVING --- theirs holds ---> UP
 *       ^                          |                                   |                          |
 *       +--------------------------+------- the link ends, or time is up ----------------------+
 *
 * A request has a struct ask from the call until its fact. Before the link is up its message waits in there; with the link's
 * end every one of them is answered, with words that say what can be known: a command that was sent may have been carried out.
 */
#include "groups/client.h"

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/table.h"
#include "groups/bond_wire.h"
#include "groups/client_wire.h"
#include "groups/groups.h"
#include "wire/protocol.h"

#define ASKS_MAX 4096
/* Bytes of requests that are not answered. With one more of the largest kind still below what a member holds back for a client. */
#define OPEN_MAX (4u << 20)

enum client_state { CLIENT_OFF, CLIENT_DIALLING, CLIENT_PROVING, CLIENT_IS_UP };

struct ask {
	uint64_t ticket;
	enum client_request_kind kind;
	msec deadline;
	size_t size;
	struct blob *message;            /* waits for the link */
	struct list place;               /* in client->waiting, then */
};

struct client {
	struct client_options options;
	struct id proof_key;
	enum client_state state;
	struct link link;
	msec due;                        /* of the handshake */
	uint64_t number;                 /* of links so far */
	struct number_table asks;        /* struct ask, by ticket */
	struct list waiting;             /* asks that wait for the link, in the order of the calls */
	size_t timed;                    /* asks with a deadline */
	size_t open;                     /* bytes of them */
	bool choked;                     /* ERROR_FULL was said, and CLIENT_ROOM not yet */
	struct client_fact *fact;        /* fact[first .. count) are waiting */
	size_t first, count, capacity;
	size_t owed;                     /* bytes of messages that were taken and not credited */
};

/* ---- facts ---- */

static struct client_fact *put_fact(struct client *client, unsigned kind)
{
	if (client->first == client->count)
		client->first = client->count = 0;
	client->fact = memory_grow(client->fact, &client->capacity, client->count + 1, sizeof *client->fact);
	client->fact[client->count] = (struct client_fact){.peer = client->link.peer};
	client->fact[client->count].kind = kind;
	return &client->fact[client->count++];
}

bool client_next_fact(struct client *client, struct client_fact *out)
{
	if (client->first == client->count)
		return false;
	*out = client->fact[client->first++];
	if (out->message)
		client->owed += blob_size(out->message);
	return true;
}

void client_credit(struct client *client, struct outbox *out)
{
	if (client->state != CLIENT_OFF)
		outbox_consumed(out, client->link.id, client->owed);
	client->owed = 0;
}

/* ---- asks ---- */

static bool has_room(const struct client *client)
{
	return client->asks.count < ASKS_MAX && client->open < OPEN_MAX;
}

static void ask_free(struct client *client, struct ask *ask)
{
	number_table_remove(&client->asks, ask->ticket);
	client->timed -= ask->deadline != MSEC_NEVER;
	client->open -= ask->size;
	list_remove(&ask->place);
	blob_drop(ask->message);
	memory_free(ask);
}

static void tell_room(struct client *client)
{
	if (!client->choked || !has_room(client))
		return;
	client->choked = false;
	put_fact(client, CLIENT_ROOM);
}

static void send_now(struct client *client, struct blob *message, struct outbox *out)
{
	outbox_send(out, client->link.id, message);
}

static void ask(struct client *client, const struct client_request *request, msec deadline, struct outbox *out)
{
	struct ask *ask;
	struct blob *message;

	ASSERT(request->ticket != 0 && !number_table_get(&client->asks, request->ticket));
	ASSERT(request->bytes.size <= GROUP_COMMAND_MAX);
	ask = memory_new(sizeof *ask);
	*ask = (struct ask){.ticket = request->ticket, .kind = request->kind, .deadline = deadline};
	number_table_put(&client->asks, ask->ticket, ask);
	client->timed += deadline != MSEC_NEVER;
	list_init(&ask->place);
	message = client_wire_request(request);
	ask->size = blob_size(message);
	client->open += ask->size;
	if (client->state == CLIENT_IS_UP) {
		send_now(client, message, out);
		return;
	}
	ask->message = message;
	list_append(&client->waiting, &ask->place);
}

static enum error ask_if_room(struct client *client, const struct client_request *request, msec deadline, struct outbox *out)
{
	if (!has_room(client)) {
		client->choked = true;
		return ERROR_FULL;
	}
	ask(client, request, deadline, out);
	return OK;
}

enum error client_propose(struct client *client, uint64_t ticket, struct bytes command, struct outbox *out)
{
	struct client_request request = {.kind = REQUEST_PROPOSE, .ticket = ticket, .bytes = command};

	return ask_if_room(client, &request, MSEC_NEVER, out);
}

enum error client_query(struct client *client, msec now, const struct group_query *query, struct outbox *out)
{
	struct client_request request = {.kind = REQUEST_QUERY, .ticket = query->ticket, .level = query->level,
		.position = query->position, .bytes = query->query};

	if (query->deadline != MSEC_NEVER)
		request.wait = query->deadline > now ? (uint64_t)(query->deadline - now) : 1;
	return ask_if_room(client, &request, query->deadline, out);
}

enum error client_feed(struct client *client, uint64_t ticket, struct bytes command, struct outbox *out)
{
	struct client_request request = {.kind = REQUEST_PROPOSE, .ticket = ticket, .bytes = command, .feed = true};

	return ask_if_room(client, &request, MSEC_NEVER, out);
}

void client_status(struct client *client, uint64_t ticket, struct outbox *out)
{
	ask(client, &(struct client_request){.kind = REQUEST_STATUS, .ticket = ticket}, MSEC_NEVER, out);
}

void client_leave(struct client *client, uint64_t ticket, struct outbox *out)
{
	ask(client, &(struct client_request){.kind = REQUEST_LEAVE, .ticket = ticket}, MSEC_NEVER, out);
}

void client_admin(struct client *client, const struct client_order *order, struct outbox *out)
{
	struct client_request request = {.kind = REQUEST_ADMIN, .ticket = order->ticket, .verb = order->verb, .peer = order->peer};

	ask(client, &request, MSEC_NEVER, out);
}

void client_follow(struct client *client, const struct client_follow *follow, struct outbox *out)
{
	struct client_request request = {.kind = REQUEST_FOLLOW, .ticket = follow->ticket, .what = follow->what,
		.position = follow->position, .bytes = follow->filter};

	ask(client, &request, MSEC_NEVER, out);
}

static enum error outcome_of(const struct ask *ask, enum error reason)
{
	if (ask->kind != REQUEST_PROPOSE && ask->kind != REQUEST_LEAVE && ask->kind != REQUEST_ADMIN)
		return reason;
	return ask->message ? ERROR_NOT_LEADER : ERROR_INDETERMINATE;
}

static void over(struct client *client, enum error reason)
{
	/* A member that ends the link in good order is leaving. */
	reason = reason == OK ? ERROR_GRACEFUL : reason;
	client->state = CLIENT_OFF;
	client->due = MSEC_NEVER;
	client->owed = 0;
	while (client->asks.count > 0) {
		struct ask *ask = client->asks.slot[0].value;
		struct client_fact *fact = put_fact(client, CLIENT_RESULT);

		fact->ticket = ask->ticket;
		fact->reason = outcome_of(ask, reason);
		ask_free(client, ask);
	}
	tell_room(client);
	put_fact(client, CLIENT_DOWN)->reason = reason;
	client->link = (struct link){0};
}

/* ---- the link ---- */

static void hang_up(struct client *client, enum error reason, struct outbox *out)
{
	outbox_close(out, client->link.id, reason);
	over(client, reason);
}

void client_dial(struct client *client, msec now, const struct dial *dial, struct outbox *out)
{
	ASSERT(client->state == CLIENT_OFF);
	client->state = CLIENT_DIALLING;
	client->link = (struct link){.id = outbox_connect(out, dial), .peer = dial->peer};
	client->due = now + 2 * BOND_HANDSHAKE_MAX;
	client->number++;
}

void client_hang_up(struct client *client, struct outbox *out)
{
	if (client->state != CLIENT_OFF)
		hang_up(client, ERROR_CANCELLED, out);
}

link_id client_link(const struct client *client)
{
	return client->link.id;
}

/* false: one that was given up, and whose last word is still to come. */
static bool is_ours(const struct client *client, link_id link)
{
	return client->state != CLIENT_OFF && client->link.id == link;
}

static struct id proof_of(const struct client *client, const struct prover *prover, struct handshake *handshake)
{
	handshake->group = client->options.group;
	handshake->role = BOND_CLIENT;
	handshake->number = client->number;
	return bond_wire_proof(&client->proof_key, prover, handshake);
}

static void linked(void *self, msec now, const struct link *link, struct outbox *out)
{
	struct client *client = self;
	struct handshake handshake = {0};
	struct prover prover = {.binding = link->binding, .side = BOND_OPENER, .peer = client->options.self};

	if (!is_ours(client, link->id))
		return;   /* given up meanwhile */
	client->link = *link;
	client->state = CLIENT_PROVING;
	client->due = now + BOND_HANDSHAKE_MAX;
	handshake.proof = proof_of(client, &prover, &handshake);
	send_now(client, bond_wire_handshake(&handshake), out);
}

static void unlinked(void *self, msec now, link_id link, enum error reason, struct outbox *out)
{
	struct client *client = self;

	(void)now;
	(void)out;
	if (is_ours(client, link))
		over(client, reason);
}

static enum error judge(const struct client *client, struct bytes message)
{
	struct handshake answer, right = {0};
	struct prover prover = {.binding = client->link.binding, .side = BOND_ACCEPTOR, .peer = client->link.peer};
	struct id proof = proof_of(client, &prover, &right);

	if (bond_wire_decode_handshake(message, &answer) != OK || answer.role != BOND_CLIENT || answer.has_hello ||
		answer.number != right.number || !id_equal(&answer.group, &right.group))
		return ERROR_BOND_HANDSHAKE;
	return id_equal_secret(&proof, &answer.proof) ? OK : ERROR_BOND_PROOF;
}

static void come_up(struct client *client, struct outbox *out)
{
	client->state = CLIENT_IS_UP;
	client->due = MSEC_NEVER;
	put_fact(client, CLIENT_UP);
	LIST_EACH_SAFE(place, after, &client->waiting) {
		struct ask *ask = LIST_OF(place, struct ask, place);

		send_now(client, ask->message, out);
		ask->message = NULL;
		list_remove(place);
	}
}

static void hear(struct client *client, const struct client_reply *reply, struct blob *message, struct outbox *out)
{
	struct ask *ask = number_table_get(&client->asks, reply->ticket);
	struct client_fact *fact;

	if (!ask) {
		outbox_consumed(out, client->link.id, blob_size(message));   /* a query whose time was up */
		return;
	}
	fact = put_fact(client, reply->kind == REPLY_RESULT ? CLIENT_RESULT : CLIENT_EVENT);
	fact->ticket = reply->ticket;
	fact->reason = reply->outcome;
	fact->event = reply->event;
	fact->position = reply->position;
	fact->term = reply->term;
	fact->bytes = reply->bytes;
	fact->message = blob_keep(message);
	if (reply->kind == REPLY_RESULT)
		ask_free(client, ask);
	tell_room(client);
}

static enum error receive(void *self, msec now, link_id link, struct blob *message, struct outbox *out)
{
	struct client *client = self;
	struct client_reply reply;
	enum error error;

	(void)now;
	if (!is_ours(client, link))
		return OK;
	if (client->state != CLIENT_IS_UP) {
		outbox_consumed(out, link, blob_size(message));
		error = judge(client, blob_bytes(message));
		if (error == OK)
			come_up(client, out);
		else
			hang_up(client, error, out);
		return OK;
	}
	if (client_wire_decode_reply(blob_bytes(message), &reply) != OK)
		return ERROR_MALFORMED;
	hear(client, &reply, message, out);
	return OK;
}

/* ---- time ---- */

static void tick(void *self, msec now, struct outbox *out)
{
	struct client *client = self;

	if (client->due <= now) {
		hang_up(client, ERROR_BOND_TIMEOUT, out);
		return;
	}
	for (size_t i = client->asks.count; i-- > 0;) {
		struct ask *ask = client->asks.slot[i].value;

		if (ask->deadline > now)
			continue;
		struct client_fact *fact = put_fact(client, CLIENT_RESULT);
		fact->ticket = ask->ticket;
		fact->reason = ERROR_TIMEOUT;
		ask_free(client, ask);
	}
	tell_room(client);
}

static msec deadline(const void *self)
{
	const struct client *client = self;
	msec due = client->due;

	for (size_t i = 0; client->timed > 0 && i < client->asks.count; i++)
		due = msec_min(due, ((const struct ask *)client->asks.slot[i].value)->deadline);
	return due;
}

static void check(const void *self)
{
	const struct client *client = self;

	ASSERT((client->state == CLIENT_DIALLING || client->state == CLIENT_PROVING) == (client->due != MSEC_NEVER));
	ASSERT((client->state == CLIENT_OFF) == (client->link.id == 0));
	ASSERT(client->asks.count > 0 || client->open == 0);
	for (size_t i = 0; i < client->asks.count; i++) {
		const struct ask *ask = client->asks.slot[i].value;

		ASSERT(ask->ticket == client->asks.slot[i].key);
		ASSERT((ask->message != NULL) == (client->state != CLIENT_IS_UP));
	}
}

const struct machine_ops client_ops = {
	.protocol = PROTOCOL_GROUPS,
	.credit_at_once = false,
	.linked = linked,
	.unlinked = unlinked,
	.receive = receive,
	.tick = tick,
	.deadline = deadline,
	.check = check,
};

struct client *client_new(const struct client_options *options)
{
	struct client *client = memory_new(sizeof *client);

	*client = (struct client){.options = *options, .proof_key = bond_wire_key(&options->key), .due = MSEC_NEVER};
	list_init(&client->waiting);
	return client;
}

void client_free(struct client *client)
{
	struct client_fact fact;

	if (!client)
		return;
	while (client->asks.count > 0)
		ask_free(client, client->asks.slot[0].value);
	number_table_fini(&client->asks);
	while (client_next_fact(client, &fact))
		blob_drop(fact.message);
	memory_free(client->fact);
	memory_wipe(client, sizeof *client);
	memory_free(client);
}
