/*
 * peer_rule.h - which peers somebody wants to have to do with: conditions on what a peer says about itself.
 *
 * A rule is data and not a function, so that it can be shown, compared and judged anew whenever a peer says something
 * else. Another kind of condition (a ticket, say) is another value of the enum and another case in peer_rule.c; whoever
 * holds a rule does not change.
 */
#ifndef STREAMS_PEER_RULE_H
#define STREAMS_PEER_RULE_H

#include "discovery/catalog.h"

enum peer_condition_kind {
	PEER_HAS_TAG,      /* id: of the tag. Of several, all have to hold */
	PEER_IS,           /* id: of the peer. Of several, one has to hold */
	PEER_RTT_WITHIN    /* rtt_us: the round trip, once it is known, is not longer */
};

struct peer_condition {
	enum peer_condition_kind kind;
	struct id id;
	uint64_t rtt_us;
};

/* Zero-initialised: everybody. */
struct peer_rule {
	const struct peer_condition *condition;   /* borrowed, as long as the rule is used */
	size_t count;
};

/*
 * What the catalog says about `peer` now, held against the rule. A peer that the catalog does not know has no tags and no
 * measured round trip. catalog: NULL knows nobody.
 */
bool peer_rule_allows(const struct peer_rule *rule, const struct catalog *catalog, const struct id *peer);

#endif
