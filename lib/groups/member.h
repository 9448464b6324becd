/*
 * member.h - who counts in a group: a peer in one of its lives.
 *
 * An incarnation is a random number other than 0. A member with durable storage keeps it in its store; one without
 * takes a new one at every start, and so does one whose storage is in any doubt. A member therefore either remembers
 * everything it promised or has stopped for ever: the failure model that Raft's proof needs.
 */
#ifndef GROUPS_MEMBER_H
#define GROUPS_MEMBER_H

#include "base/id.h"

struct member {
	struct id peer;
	uint64_t incarnation;
};

int member_compare(const struct member *a, const struct member *b);   /* by peer, then incarnation */
bool member_equal(const struct member *a, const struct member *b);
bool member_is_none(const struct member *member);                     /* all zero */

/* Whether a member may vote. The order is that of preference when voters are chosen. */
enum preference {
	PREFER_NORMAL,
	PREFER_RELUCTANT,    /* votes, leads only when nobody else can */
	PREFER_OBSERVER      /* never votes, never leads */
};

/* The voters. A joint configuration (Raft dissertation 4.3) needs majorities of both sets; a simple one has no outgoing. */
#define VOTERS_MAX 9

struct voters {
	uint8_t count;
	struct member member[VOTERS_MAX];    /* ascending, no member twice */
};

struct configuration {
	struct voters outgoing;
	struct voters incoming;
};

bool voters_have(const struct voters *voters, const struct member *member);
bool voters_equal(const struct voters *a, const struct voters *b);
size_t voters_majority(const struct voters *voters);
bool configuration_has(const struct configuration *configuration, const struct member *member);
bool configuration_is_joint(const struct configuration *configuration);

void configuration_encode(const struct configuration *configuration, struct buffer *out);   /* canonical CBOR */
MUST_CHECK enum error configuration_decode(struct bytes encoded, struct configuration *out);   /* ERROR_MALFORMED */

#endif
