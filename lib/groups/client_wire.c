/*
 * client_wire.c - see client_wire.h. Each message is a CBOR array that starts with its kind.
 */
#include "groups/client_wire.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"

#define FIELDS_MAX 6
#define STATUS_ITEMS 16
#define MEMBER_ITEMS 7
#define MEMBERS_MAX 4096

/* Outcomes by their number on the wire, which never changes. */
static const enum error outcomes[] = {
	OK, ERROR_BUSY, ERROR_NOT_LEADER, ERROR_FROZEN, ERROR_TIMEOUT, ERROR_INDETERMINATE, ERROR_MALFORMED, ERROR_NOT_ALLOWED,
	ERROR_BAD_TEXT, ERROR_STREAM_NOT_FOUND,
};
#define OUTCOME_INDETERMINATE 5
#define OUTCOMES (sizeof outcomes / sizeof *outcomes)

static uint64_t outcome_number(enum error outcome)
{
	for (uint64_t i = 0; i < OUTCOMES; i++)
		if (outcomes[i] == outcome)
			return i;
	return OUTCOME_INDETERMINATE;
}

static struct blob *finish(struct buffer *out)
{
	struct blob *blob = blob_copy(buffer_bytes(out));

	buffer_fini(out);
	return blob;
}

/* ---- requests ---- */

static size_t request_fields(uint64_t kind)
{
	static const uint8_t fields[] = {
		[REQUEST_PROPOSE] = 4,
		[REQUEST_QUERY] = 6,
		[REQUEST_STATUS] = 2,
		[REQUEST_FOLLOW] = 5,
		[REQUEST_LEAVE] = 2,
		[REQUEST_ADMIN] = 4,
	};

	return kind < sizeof fields ? fields[kind] : 0;
}

struct blob *client_wire_request(const struct client_request *request)
{
	struct buffer out = {0};

	cbor_put_array(&out, request_fields(request->kind));
	cbor_put_uint(&out, request->kind);
	cbor_put_uint(&out, request->ticket);
	switch (request->kind) {
	case REQUEST_PROPOSE:
		cbor_put_bytes(&out, request->bytes);
		cbor_put_bool(&out, request->feed);
		break;
	case REQUEST_QUERY:
		cbor_put_uint(&out, request->level);
		cbor_put_uint(&out, request->position);
		cbor_put_uint(&out, request->wait);
		cbor_put_bytes(&out, request->bytes);
		break;
	case REQUEST_FOLLOW:
		cbor_put_uint(&out, request->what);
		cbor_put_uint(&out, request->position);
		cbor_put_bytes(&out, request->bytes);
		break;
	case REQUEST_ADMIN:
		cbor_put_uint(&out, request->verb);
		cbor_put_id(&out, &request->peer);
		break;
	case REQUEST_STATUS:
	case REQUEST_LEAVE:
		break;
	}
	return finish(&out);
}

static void decode_fields(struct cbor *in, struct client_request *request)
{
	switch (request->kind) {
	case REQUEST_PROPOSE:
		request->bytes = cbor_bytes(in);
		request->feed = cbor_bool(in);
		break;
	case REQUEST_QUERY:
		request->level = (enum query_level)cbor_uint_up_to(in, QUERY_STRONG);
		request->position = cbor_uint(in);
		request->wait = cbor_uint(in);
		request->bytes = cbor_bytes(in);
		break;
	case REQUEST_FOLLOW:
		request->what = (enum follow_what)cbor_uint_up_to(in, FOLLOW_STATUS);
		request->position = cbor_uint(in);
		request->bytes = cbor_bytes(in);
		break;
	case REQUEST_ADMIN:
		request->verb = (enum client_verb)cbor_uint_up_to(in, VERB_ADOPT);
		request->peer = cbor_id(in);
		break;
	case REQUEST_STATUS:
	case REQUEST_LEAVE:
		break;
	}
	if (request->bytes.size > GROUP_COMMAND_MAX)
		cbor_fail(in);
}

enum error client_wire_decode_request(struct bytes message, struct client_request *out)
{
	struct client_request read = {0};
	struct cbor in;

	cbor_init(&in, message);
	size_t fields = cbor_array(&in, FIELDS_MAX);
	uint64_t kind = cbor_uint(&in);
	if (fields == 0 || fields != request_fields(kind))
		return ERROR_MALFORMED;
	read.kind = (enum client_request_kind)kind;
	read.ticket = cbor_uint(&in);
	if (read.ticket == 0)
		cbor_fail(&in);
	decode_fields(&in, &read);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

/* ---- replies ---- */

struct blob *client_wire_reply(const struct client_reply *reply)
{
	struct buffer out = {0};
	bool is_event = reply->kind == REPLY_EVENT;

	cbor_put_array(&out, is_event ? 6 : 5);
	cbor_put_uint(&out, reply->kind);
	cbor_put_uint(&out, reply->ticket);
	cbor_put_uint(&out, is_event ? (uint64_t)reply->event : outcome_number(reply->outcome));
	cbor_put_uint(&out, reply->position);
	if (is_event)
		cbor_put_uint(&out, reply->term);
	cbor_put_bytes(&out, reply->bytes);
	return finish(&out);
}

enum error client_wire_decode_reply(struct bytes message, struct client_reply *out)
{
	struct client_reply read = {0};
	struct cbor in;

	cbor_init(&in, message);
	size_t fields = cbor_array(&in, FIELDS_MAX);
	uint64_t kind = cbor_uint(&in);
	if ((kind != REPLY_RESULT || fields != 5) && (kind != REPLY_EVENT || fields != 6))
		return ERROR_MALFORMED;
	read.kind = (enum client_reply_kind)kind;
	read.ticket = cbor_uint(&in);
	if (kind == REPLY_EVENT)
		read.event = (enum client_event)cbor_uint_up_to(&in, EVENT_STATUS);
	else
		read.outcome = outcomes[cbor_uint_up_to(&in, OUTCOMES - 1)];
	read.position = cbor_uint(&in);
	if (kind == REPLY_EVENT)
		read.term = cbor_uint(&in);
	read.bytes = cbor_bytes(&in);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = read;
	return OK;
}

/* ---- status ---- */

static void put_status(struct buffer *out, const struct group_status *status)
{
	cbor_put_array(out, STATUS_ITEMS);
	cbor_put_id(out, &status->lineage);
	cbor_put_uint(out, status->incarnation);
	cbor_put_uint(out, status->role);
	cbor_put_uint(out, status->term);
	cbor_put_id(out, &status->leader);
	cbor_put_uint(out, status->commit);
	cbor_put_uint(out, status->position);
	cbor_put_uint(out, status->log_first);
	cbor_put_uint(out, status->log_last);
	cbor_put_uint(out, status->voters);
	cbor_put_uint(out, status->voters_up);
	cbor_put_uint(out, status->crashes_tolerated);
	cbor_put_bool(out, status->online);
	cbor_put_bool(out, status->joint);
	cbor_put_bool(out, status->frozen);
	cbor_put_id(out, &status->state_hash);
}

static struct group_status get_status(struct cbor *in)
{
	struct group_status status;

	cbor_array_of(in, STATUS_ITEMS);
	status.lineage = cbor_id(in);
	status.incarnation = cbor_uint(in);
	status.role = (enum raft_role)cbor_uint_up_to(in, RAFT_IS_LEADER);
	status.term = cbor_uint(in);
	status.leader = cbor_id(in);
	status.commit = cbor_uint(in);
	status.position = cbor_uint(in);
	status.log_first = cbor_uint(in);
	status.log_last = cbor_uint(in);
	status.voters = (uint8_t)cbor_uint_up_to(in, UINT8_MAX);
	status.voters_up = (uint8_t)cbor_uint_up_to(in, UINT8_MAX);
	status.crashes_tolerated = (uint8_t)cbor_uint_up_to(in, UINT8_MAX);
	status.online = cbor_bool(in);
	status.joint = cbor_bool(in);
	status.frozen = cbor_bool(in);
	status.state_hash = cbor_id(in);
	return status;
}

static void put_member(struct buffer *out, const struct group_member *member)
{
	cbor_put_array(out, MEMBER_ITEMS);
	cbor_put_id(out, &member->member.peer);
	cbor_put_uint(out, member->member.incarnation);
	cbor_put_uint(out, member->preference);
	cbor_put_bool(out, member->voter);
	cbor_put_bool(out, member->leader);
	cbor_put_bool(out, member->up);
	cbor_put_uint(out, member->match);
}

static struct group_member get_member(struct cbor *in)
{
	struct group_member member;

	cbor_array_of(in, MEMBER_ITEMS);
	member.member.peer = cbor_id(in);
	member.member.incarnation = cbor_uint(in);
	member.preference = (enum preference)cbor_uint_up_to(in, PREFER_OBSERVER);
	member.voter = cbor_bool(in);
	member.leader = cbor_bool(in);
	member.up = cbor_bool(in);
	member.match = cbor_uint(in);
	return member;
}

void client_wire_status(const struct group *group, msec now, const struct id *self, struct buffer *out)
{
	struct group_status status;
	struct group_member member;
	size_t count = 0;

	group_status(group, &status);
	while (count < MEMBERS_MAX && group_member_at(group, now, count, &member))
		count++;
	cbor_put_array(out, 3);
	put_status(out, &status);
	cbor_put_id(out, self);
	cbor_put_array(out, count);
	for (size_t n = 0; n < count && group_member_at(group, now, n, &member); n++)
		put_member(out, &member);
}

enum error client_status_decode(struct bytes bytes, struct client_status *out)
{
	struct client_status read = {0};
	struct cbor in;

	cbor_init(&in, bytes);
	cbor_array_of(&in, 3);
	read.status = get_status(&in);
	read.peer = cbor_id(&in);
	read.member_count = cbor_array(&in, MEMBERS_MAX);
	read.member = memory_new((read.member_count + 1) * sizeof *read.member);
	for (size_t n = 0; n < read.member_count; n++)
		read.member[n] = get_member(&in);
	if (cbor_end(&in) != OK) {
		client_status_fini(&read);
		return ERROR_MALFORMED;
	}
	*out = read;
	return OK;
}

void client_status_fini(struct client_status *status)
{
	memory_free(status->member);
	*status = (struct client_status){0};
}
