/*
 * serve.c - the member's side of clients: what they ask goes to the group under tickets of our own.
 *
 *      PROPOSE --- room? --- no ---> waits, in order, per client
 *         |                                |  GROUP_ROOM, or whatever else: served_feed, one of each client in turn
 *         +--> group_propose(our ticket) <-+
 *      result of the group --- our ticket ---> request ---> the client, if it is still there
 *
 * Bounded: requests and waiting bytes of one client (then BUSY), bytes that it has not read (then its link is closed), the
 * number of clients. A request whose client is gone stays until the group has answered: the command may still be applied.
 */
#include "groups/groups_internal.h"

#include "base/check.h"
#include "base/memory.h"

#define QUERY_WAIT_MAX 600000    /* msec: one that waits for a position that never comes, of a client that is gone, ends too */

/* ---- answering ---- */

static void reply(struct served *served, const struct client_reply *reply, struct outbox *out)
{
	if (served->drowned)
		return;
	groups_send(served->link, client_wire_reply(reply), out);
	if (served->link->outstanding <= SERVED_OUTSTANDING_MAX)
		return;
	served->drowned = true;   /* and out at the next settling: callers are in the middle of something */
	groups_touch(served->hosted);
}

static void answer(struct served *served, uint64_t ticket, enum error outcome, struct outbox *out)
{
	reply(served, &(struct client_reply){.kind = REPLY_RESULT, .ticket = ticket, .outcome = outcome}, out);
}

/* ---- requests ---- */

static struct request *request_new(struct served *served, const struct client_request *asked)
{
	struct request *request = memory_new(sizeof *request);

	*request = (struct request){.served = served, .hosted = served->hosted, .theirs = asked->ticket, .kind = asked->kind};
	list_append(&served->requests, &request->place);
	list_init(&request->waiting_place);
	served->request_count++;
	return request;
}

static uint64_t number_request(struct request *request)
{
	struct groups *groups = request->hosted->groups;

	request->node.ticket = groups->next_ticket++;
	request_table_put(&groups->requests, &request->node);
	return request->node.ticket;
}

static void request_free(struct request *request)
{
	if (request->node.ticket != 0)
		request_table_remove(&request->hosted->groups->requests, &request->node);
	if (request->served)
		request->served->request_count--;
	if (list_is_linked(&request->waiting_place))
		request->served->waiting_bytes -= request->command.size;
	list_remove(&request->place);
	list_remove(&request->waiting_place);
	blob_drop(request->message);
	memory_free(request);
}

/* The group will answer it; nobody is told. */
static void disown(struct request *request)
{
	request->served->request_count--;
	request->served = NULL;
	list_remove(&request->place);
}

static void propose(struct request *request, msec now, struct bytes command, struct outbox *out)
{
	group_propose(request->hosted->group, now, number_request(request), command);
	groups_touch(request->hosted);
	if (!request->feed)
		return;
	answer(request->served, request->theirs, OK, out);
	disown(request);
}

static void ask_to_propose(struct served *served, msec now, const struct client_request *asked, struct blob *message,
	struct outbox *out)
{
	struct request *request = request_new(served, asked);

	request->feed = asked->feed;
	if (list_is_empty(&served->waiting) && group_has_room(served->hosted->group)) {
		propose(request, now, asked->bytes, out);
		return;
	}
	request->message = blob_keep(message);
	request->command = asked->bytes;
	list_append(&served->waiting, &request->waiting_place);
	served->waiting_bytes += asked->bytes.size;
}

static void ask_to_query(struct served *served, msec now, const struct client_request *asked)
{
	bool has_limit = asked->wait > 0 && asked->wait < QUERY_WAIT_MAX;
	struct group_query query = {.level = asked->level, .position = asked->position, .query = asked->bytes,
		.deadline = now + (has_limit ? (msec)asked->wait : QUERY_WAIT_MAX)};

	query.ticket = number_request(request_new(served, asked));
	group_query(served->hosted->group, now, &query);
	groups_touch(served->hosted);
}

static void tell_status(struct served *served, msec now, uint64_t ticket, struct outbox *out)
{
	struct buffer status = {0};

	client_wire_status(served->hosted->group, now, &served->hosted->groups->options.self, &status);
	reply(served, &(struct client_reply){.kind = REPLY_RESULT, .ticket = ticket, .bytes = buffer_bytes(&status)}, out);
	buffer_fini(&status);
}

static void obey(struct served *served, msec now, const struct client_request *asked, struct outbox *out)
{
	struct group *group = served->hosted->group;

	switch (asked->verb) {
	case VERB_TRANSFER:
		group_transfer(group, now);
		break;
	case VERB_DECLARE_DEAD:
		group_declare_dead(group, now, &asked->peer);
		break;
	case VERB_ADOPT:
		group_adopt(group, now);
		break;
	}
	groups_touch(served->hosted);
	answer(served, asked->ticket, OK, out);
}

enum error served_receive(struct served *served, msec now, struct blob *message, struct outbox *out)
{
	struct client_request asked;

	if (client_wire_decode_request(blob_bytes(message), &asked) != OK)
		return ERROR_MALFORMED;
	if (served->request_count >= SERVED_REQUESTS_MAX || served->waiting_bytes + asked.bytes.size > SERVED_WAITING_MAX) {
		answer(served, asked.ticket, ERROR_BUSY, out);
		return OK;
	}
	switch (asked.kind) {
	case REQUEST_PROPOSE:
		ask_to_propose(served, now, &asked, message, out);
		break;
	case REQUEST_QUERY:
		ask_to_query(served, now, &asked);
		break;
	case REQUEST_STATUS:
		tell_status(served, now, asked.ticket, out);
		break;
	case REQUEST_FOLLOW:
		if (!follow_begin(served, now, &asked, out))
			answer(served, asked.ticket, ERROR_BUSY, out);
		break;
	case REQUEST_LEAVE:
		request_new(served, &asked);
		group_leave(served->hosted->group, now);
		groups_touch(served->hosted);
		break;
	case REQUEST_ADMIN:
		obey(served, now, &asked, out);
		break;
	}
	return OK;
}

void served_answer(struct groups *groups, const struct group_fact *fact, struct outbox *out)
{
	struct request_node *node = request_table_get(&groups->requests, fact->ticket);
	struct request *request;

	ASSERT(node);   /* each ticket is answered once */
	request = LIST_OF(node, struct request, node);
	if (request->served)
		reply(request->served, &(struct client_reply){.kind = REPLY_RESULT, .ticket = request->theirs,
			.outcome = fact->reason, .position = fact->position,
			.bytes = fact->bytes ? blob_bytes(fact->bytes) : bytes_of(NULL, 0)}, out);
	request_free(request);
}

void served_left(struct hosted *hosted, struct outbox *out)
{
	LIST_EACH(place, &hosted->clients) {
		struct served *served = LIST_OF(place, struct served, place);

		LIST_EACH_SAFE(node, after, &served->requests) {
			struct request *request = LIST_OF(node, struct request, place);

			if (request->kind != REQUEST_LEAVE)
				continue;
			answer(served, request->theirs, OK, out);
			request_free(request);
		}
	}
}

static bool feed_one(struct served *served, msec now, struct outbox *out)
{
	struct request *request;

	if (list_is_empty(&served->waiting))
		return false;
	request = LIST_OF(served->waiting.next, struct request, waiting_place);
	list_remove(&request->waiting_place);
	served->waiting_bytes -= request->command.size;
	struct blob *message = request->message;
	request->message = NULL;
	propose(request, now, request->command, out);
	blob_drop(message);
	return true;
}

void served_feed(struct hosted *hosted, msec now, struct outbox *out)
{
	bool any = true;

	while (any) {
		any = false;
		LIST_EACH(place, &hosted->clients)
			if (group_has_room(hosted->group))
				any |= feed_one(LIST_OF(place, struct served, place), now, out);
	}
}

/* ---- coming and going ---- */

static size_t clients_of(const struct hosted *hosted)
{
	size_t count = 0;

	LIST_EACH(place, &hosted->clients)
		count++;
	return count;
}

void served_accept(struct hosted *hosted, struct groups_link *link, const struct handshake *handshake, struct outbox *out)
{
	struct handshake answered = {.role = BOND_CLIENT, .number = handshake->number};
	struct served *served;

	if (clients_of(hosted) >= SERVED_MAX) {
		groups_close_link(hosted->groups, link, ERROR_BOND_NOT_ALLOWED, out);
		return;
	}
	served = memory_new(sizeof *served);
	*served = (struct served){.hosted = hosted, .link = link};
	list_init(&served->requests);
	list_init(&served->waiting);
	list_append(&hosted->clients, &served->place);
	groups_timer_set(hosted->groups, &link->timer, MSEC_NEVER);
	link->role = LINK_SERVED;
	link->served = served;
	bond_prove(hosted, link, &answered, BOND_ACCEPTOR);
	groups_send(link, bond_wire_handshake(&answered), out);
}

void served_drop(struct served *served)
{
	LIST_EACH_SAFE(place, after, &served->requests) {
		struct request *request = LIST_OF(place, struct request, place);

		if (request->node.ticket == 0)
			request_free(request);
		else
		disown(request);
	}
	for (size_t i = 0; i < served->follow_count; i++) {
		served->hosted->status_followers -= served->follow[i].what == FOLLOW_STATUS;
		blob_drop(served->follow[i].filter);
	}
	served->link->served = NULL;
	list_remove(&served->place);
	memory_free(served);
}

void served_sweep(struct hosted *hosted, struct outbox *out)
{
	LIST_EACH_SAFE(place, after, &hosted->clients) {
		struct served *served = LIST_OF(place, struct served, place);
		struct groups_link *link = served->link;

		if (!served->drowned)
			continue;
		served_drop(served);
		groups_close_link(hosted->groups, link, ERROR_TOO_SLOW, out);
	}
}

void served_forget(struct hosted *hosted)
{
	const struct request_table *requests = &hosted->groups->requests;

	for (size_t i = 0; i < requests->buckets; i++) {
		for (struct request_node *node = requests->bucket[i], *next; node; node = next) {
			struct request *request = LIST_OF(node, struct request, node);

			next = node->next;
			if (request->hosted == hosted)
				request_free(request);
		}
	}
}
