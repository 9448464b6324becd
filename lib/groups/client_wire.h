/*
 * client_wire.h - the messages between a client and a member, after the handshake: see client.h.
 */
#ifndef GROUPS_CLIENT_WIRE_H
#define GROUPS_CLIENT_WIRE_H

#include "groups/client.h"

enum client_request_kind {
	REQUEST_PROPOSE = 1,
	REQUEST_QUERY = 2,
	REQUEST_STATUS = 3,
	REQUEST_FOLLOW = 4,
	REQUEST_LEAVE = 5,
	REQUEST_ADMIN = 6
};

struct client_request {
	enum client_request_kind kind;
	uint64_t ticket;                 /* never 0 */
	enum query_level level;          /* QUERY */
	bool feed;                       /* PROPOSE */
	uint64_t position;               /* QUERY, FOLLOW */
	uint64_t wait;                   /* QUERY: msec; 0: for ever */
	enum follow_what what;           /* FOLLOW */
	enum client_verb verb;           /* ADMIN */
	struct id peer;                  /* ADMIN */
	struct bytes bytes;              /* PROPOSE: command; QUERY: query; FOLLOW: filter. Borrowed */
};

struct blob *client_wire_request(const struct client_request *request);
MUST_CHECK enum error client_wire_decode_request(struct bytes message, struct client_request *out);   /* ERROR_MALFORMED */

enum client_reply_kind { REPLY_RESULT = 1, REPLY_EVENT = 2 };

struct client_reply {
	enum client_reply_kind kind;
	uint64_t ticket;
	enum error outcome;              /* RESULT; what a client cannot know travels as ERROR_INDETERMINATE */
	enum client_event event;         /* EVENT */
	uint64_t position;
	uint64_t term;                   /* EVENT */
	struct bytes bytes;              /* borrowed */
};

struct blob *client_wire_reply(const struct client_reply *reply);
MUST_CHECK enum error client_wire_decode_reply(struct bytes message, struct client_reply *out);

/* What client_status_decode reads. */
void client_wire_status(const struct group *group, msec now, const struct id *self, struct buffer *out);

#endif
