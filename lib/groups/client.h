/*
 * client.h - asking a member from outside: what one-shot commands speak. A client has no log, no vote, and no entry in
 * anybody's catalog; it proves the group's key and asks.
 *
 * One link, after the handshake of groups.h with role client:
 *
 *     C -> M  PROPOSE [1, ticket, command, feed]               one after another, in order; pipelined
 *     C -> M  QUERY   [2, ticket, level, position, wait, query]     wait: msec until it is answered with a timeout, at
 *                                                              most 10 min; 0: that
 *     C -> M  STATUS  [3, ticket]
 *     C -> M  FOLLOW  [4, ticket, what, position, filter]      what: 0 log, 1 changes, 2 status; from that position on
 *     C -> M  LEAVE   [5, ticket] and ADMIN [6, ticket, verb, peer]      verb: 0 transfer, 1 declare dead, 2 adopt
 *     M -> C  RESULT  [1, ticket, outcome, position, result]   to everything but FOLLOW; to FOLLOW only if it is refused
 *     M -> C  EVENT   [2, ticket, kind, position, term, bytes] for FOLLOW, without end. kind: 0 record, 1 change, 2 reset,
 *                                                              3 status
 *
 * feed: RESULT OK with position 0 comes as soon as the member has begun with the command, and nothing after that.
 *
 * Requests on one link are answered in any order. A member that stops answers what it can, and ends the link: what was
 * proposed and not answered is indeterminate. LEAVE is answered when the member has left the group.
 *
 * Who follows gets every event from its position on, or a RESET: events up to that position were not told and will not be;
 * the state has them. After RESET 0 the group has another history, and positions begin anew. A follower that reads slowly
 * holds up nobody: what it misses meanwhile, it resumes from the member's history, or gets a RESET.
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

/* When there is no link: at first, and after CLIENT_DOWN. */
void client_dial(struct client *client, msec now, const struct dial *dial, struct outbox *out);
link_id client_link(const struct client *client);   /* 0: none */

/*
 * Tickets are the caller's, other than 0, one open request each. Requests may be made before the link is up. ERROR_FULL: too
 * much is open or under way; again after the next result, or after CLIENT_ROOM.
 */
MUST_CHECK enum error client_propose(struct client *client, uint64_t ticket, struct bytes command, struct outbox *out);
/* The same, but the result says only that the member has begun with it: it may still be lost. */
MUST_CHECK enum error client_feed(struct client *client, uint64_t ticket, struct bytes command, struct outbox *out);
MUST_CHECK enum error client_query(struct client *client, msec now, const struct group_query *query, struct outbox *out);
void client_status(struct client *client, uint64_t ticket, struct outbox *out);
/* The member that is asked leaves the group. */
void client_leave(struct client *client, uint64_t ticket, struct outbox *out);
enum client_verb { VERB_TRANSFER, VERB_DECLARE_DEAD, VERB_ADOPT };
struct client_order {
	uint64_t ticket;
	enum client_verb verb;
	struct id peer;                      /* DECLARE_DEAD */
};
void client_admin(struct client *client, const struct client_order *order, struct outbox *out);
enum follow_what { FOLLOW_LOG, FOLLOW_CHANGES, FOLLOW_STATUS };
struct client_follow {
	uint64_t ticket;
	enum follow_what what;
	uint64_t position;                   /* the first one wanted; 0: from now on */
	struct bytes filter;                 /* of changes: a prefix of the key; empty: all */
};
void client_follow(struct client *client, const struct client_follow *follow, struct outbox *out);
/* No more of it: open tickets get their facts, then DOWN. Nothing when there is no link. */
void client_hang_up(struct client *client, struct outbox *out);

enum client_event { EVENT_RECORD, EVENT_CHANGE, EVENT_RESET, EVENT_STATUS };

struct client_fact {
	enum {
		CLIENT_UP,                   /* peer: proven both ways */
		CLIENT_DOWN,                 /* reason: the link is over; every open ticket got its fact before */
		/*
		 * ticket, reason, position, bytes; reason as in GROUP_RESULT. When the link ends: ERROR_INDETERMINATE for what
		 * was proposed and sent, ERROR_NOT_LEADER for what was not sent, else what ended the link.
		 */
		CLIENT_RESULT,
		CLIENT_EVENT,                /* ticket, event, position, term, bytes */
		CLIENT_ROOM                  /* after ERROR_FULL */
	} kind;
	enum client_event event;
	struct id peer;
	enum error reason;
	uint64_t ticket;
	uint64_t position;
	uint64_t term;
	struct bytes bytes;                  /* borrowed from message */
	struct blob *message;                /* the reader drops it; may be NULL */
};
bool client_next_fact(struct client *client, struct client_fact *out);
/* Lets the member send as much more as the facts that were taken since the last call held. */
void client_credit(struct client *client, struct outbox *out);

/* What STATUS answers, and an event STATUS holds. */
struct client_status {
	struct group_status status;
	struct id peer;                      /* the member that answers */
	size_t member_count;
	struct group_member *member;         /* by id */
};
MUST_CHECK enum error client_status_decode(struct bytes bytes, struct client_status *out);   /* ERROR_MALFORMED */
void client_status_fini(struct client_status *status);

#endif
