/*
 * client.h - asking a member from outside: what one-shot commands speak. A client has no log, no vote, and no entry in
 * anybody's catalog; it proves the group's key and asks.
 *
 * One link, after the handshake of groups.h with role client:
 *
 *     C -> M  PROPOSE [1, ticket, command]                     one after another, in order; pipelined
 *     C -> M  QUERY   [2, ticket, level, position, query]
 *     C -> M  STATUS  [3, ticket]
 *     C -> M  FOLLOW  [4, ticket, what, position, filter]      what: 0 log, 1 changes, 2 status; from that position on
 *     C -> M  LEAVE   [5, ticket] and ADMIN [6, ticket, verb, peer]
 *     M -> C  RESULT  [1, ticket, outcome, position, result]   also for QUERY, STATUS
 *     M -> C  EVENT   [4, ticket, kind, position, term, bytes] for FOLLOW: record, change, reset, status; without end
 *
 * Requests on one link are answered in any order. A member that stops answers what it can, and closes with 204: what was
 * proposed and not answered is indeterminate.
 */
#ifndef GROUPS_CLIENT_H
#define GROUPS_CLIENT_H

#include "base/machine.h"
#include "groups/group.h"

struct client;

struct client_options {
	struct id self;
	struct id group;
	struct id key;                       /* the group's secret */
	const struct log *log;               /* borrowed; NULL: silent */
};

struct client *client_new(const struct client_options *options);
void client_free(struct client *client);
extern const struct machine_ops client_ops;

void client_dial(struct client *client, msec now, const struct dial *dial, struct outbox *out);

/* Tickets are the caller's, other than 0. May be called before the link is up: what waits is bounded by ERROR_FULL. */
MUST_CHECK enum error client_propose(struct client *client, uint64_t ticket, struct bytes command, struct outbox *out);
MUST_CHECK enum error client_query(struct client *client, const struct group_query *query, struct outbox *out);
void client_status(struct client *client, uint64_t ticket, struct outbox *out);
enum follow_what { FOLLOW_LOG, FOLLOW_CHANGES, FOLLOW_STATUS };
struct client_follow {
	uint64_t ticket;
	enum follow_what what;
	uint64_t position;                   /* the first one wanted; 0: from now on */
	struct bytes filter;                 /* of changes: a prefix of the key; empty: all */
};
void client_follow(struct client *client, const struct client_follow *follow, struct outbox *out);

struct client_fact {
	enum {
		CLIENT_UP,                   /* peer: proven both ways */
		CLIENT_DOWN,                 /* reason: the link is over; every open ticket got its fact before */
		CLIENT_RESULT,               /* ticket, reason, position, bytes; reason as in GROUP_RESULT */
		CLIENT_EVENT                 /* ticket, event, position, term, bytes */
	} kind;
	enum { EVENT_RECORD, EVENT_CHANGE, EVENT_RESET, EVENT_STATUS } event;
	struct id peer;
	enum error reason;
	uint64_t ticket;
	uint64_t position;
	uint64_t term;
	struct bytes bytes;                  /* borrowed from message */
	struct blob *message;                /* the reader drops it; may be NULL */
};
bool client_next_fact(struct client *client, struct client_fact *out);

#endif
