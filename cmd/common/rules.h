/*
 * rules.h - what the command line says about peers, as the rule that the library judges by.
 */
#ifndef CMD_RULES_H
#define CMD_RULES_H

#include "cmd/common/options.h"
#include "node/node.h"

#define RULE_CONDITIONS_MAX 64
#define RULE_WORDS_SIZE 768

struct rule {
	struct peer_condition condition[RULE_CONDITIONS_MAX];
	size_t count;
};

/* Exit 64 when there are more than RULE_CONDITIONS_MAX, or a text is not what it should be. */
void rule_add_tags(struct rule *rule, const struct texts *tags);
void rule_add_peers(struct rule *rule, const struct texts *peers);   /* 64 hex digits, or a token that starts with them */
void rule_add_rtt(struct rule *rule, msec most);                     /* MSEC_NEVER: any */
/*
 * KEY[,iss=NAME][,aud=NAME][,leeway=DUR]. KEY: an Ed25519 key as 64 hex digits, a point of P-256 as 130, a PEM file with
 * either, or hs256:FILE with a secret. Exit 77: others can read the secret; 78: a file is missing, or holds no such key.
 */
void rule_add_tickets(struct rule *rule, const struct texts *tickets);
void rule_free(struct rule *rule);   /* what was made for its conditions */

/* Borrows the conditions. */
struct peer_rule rule_of(const struct rule *rule);

/* Why a rule turned somebody away: "a ticket of issuer 'x' is required, and the one that is there has expired". */
void rule_ticket_words(const struct ticket_lack *lack, char out[RULE_WORDS_SIZE]);
void rule_words(const struct peer_verdict *verdict, char out[RULE_WORDS_SIZE]);

#endif
