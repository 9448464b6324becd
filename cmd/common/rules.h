/*
 * rules.h - what the command line says about peers, as the rule that the library judges by.
 */
#ifndef CMD_RULES_H
#define CMD_RULES_H

#include "cmd/common/options.h"
#include "node/node.h"

#define RULE_CONDITIONS_MAX 64

struct rule {
	struct peer_condition condition[RULE_CONDITIONS_MAX];
	size_t count;
};

/* Exit 64 when there are more than RULE_CONDITIONS_MAX, or a text is not what it should be. */
void rule_add_tags(struct rule *rule, const struct texts *tags);
void rule_add_peers(struct rule *rule, const struct texts *peers);   /* 64 hex digits, or a token that starts with them */
void rule_add_rtt(struct rule *rule, msec most);                     /* MSEC_NEVER: any */

/* Borrows the conditions. */
struct peer_rule rule_of(const struct rule *rule);

#endif
