/*
 * peer_rule.h - which peers somebody wants to have to do with: conditions on what a peer says about itself.
 *
 * A rule is data and not a function, so that it can be shown, compared and judged anew whenever a peer says something
 * else, or when time makes another peer of it.
 */
#ifndef STREAMS_PEER_RULE_H
#define STREAMS_PEER_RULE_H

#include "discovery/catalog.h"
#include "discovery/ticket.h"

enum peer_condition_kind {
	PEER_HAS_TAG,      /* id: of the tag. Of several, all have to hold */
	PEER_IS,           /* id: of the peer. Of several, one has to hold */
	PEER_RTT_WITHIN,   /* rtt_us: the round trip, once it is known, is not longer */
	PEER_HAS_TICKET    /* ticket: it presents one that this rule is content with. Of several, all have to hold */
};

struct peer_condition {
	enum peer_condition_kind kind;
	struct id id;
	uint64_t rtt_us;
	struct ticket_rule *ticket;               /* borrowed, as the conditions are */
};

/* Zero-initialised: everybody. */
struct peer_rule {
	const struct peer_condition *condition;   /* borrowed, as long as the rule is used */
	size_t count;
};

struct peer_verdict {
	bool allowed;
	msec until;                               /* after now: holds so long if the peer says nothing else; MSEC_NEVER */
	const struct peer_condition *lacks;       /* the first that does not hold; NULL: allowed */
	enum jwt_fault ticket;                    /* PEER_HAS_TICKET: why not */
};

/* A ticket that is lacking, for people: which was wanted (empty: any), and what is wrong with what is there. */
struct ticket_lack {
	enum jwt_fault fault;
	struct bytes issuer, audience;            /* borrowed; each at most ENTRY_NAME_MAX, fit to be shown (card_is_name) */
};

struct ticket_lack ticket_lack_of(const struct peer_verdict *verdict);   /* of one that lacks a PEER_HAS_TICKET */

/*
 * What the catalog says about `peer` now, held against the rule. A peer that the catalog does not know has no tags, no
 * tickets and no measured round trip. catalog: NULL knows nobody; without a wall clock every ticket has expired.
 */
struct peer_verdict peer_rule_judge(const struct peer_rule *rule, msec now, const struct catalog *catalog, const struct id *peer);

#endif
