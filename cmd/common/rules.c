/*
 * rules.c - see rules.h.
 */
#include "cmd/common/rules.h"

#include <string.h>

static struct peer_condition *add(struct rule *rule, enum peer_condition_kind kind)
{
	struct peer_condition *condition;

	if (rule->count == RULE_CONDITIONS_MAX)
		usage_error("more than %d conditions on peers", RULE_CONDITIONS_MAX);
	condition = &rule->condition[rule->count++];
	condition->kind = kind;
	return condition;
}

void rule_add_tags(struct rule *rule, const struct texts *tags)
{
	for (size_t i = 0; i < tags->count; i++)
		add(rule, PEER_HAS_TAG)->id = options_id("tag", tags->text[i]);
}

void rule_add_peers(struct rule *rule, const struct texts *peers)
{
	for (size_t i = 0; i < peers->count; i++) {
		char text[ID_TEXT_SIZE] = "";
		size_t size = strcspn(peers->text[i], "@");

		if (size == ID_TEXT_SIZE - 1)
			memcpy(text, peers->text[i], size);
		if (id_from_hex(text, &add(rule, PEER_IS)->id) != OK)
			usage_error("'%s' is not a peer: 64 hex digits, or PEERID@HOST:PORT", peers->text[i]);
	}
}

void rule_add_rtt(struct rule *rule, msec most)
{
	if (most != MSEC_NEVER)
		add(rule, PEER_RTT_WITHIN)->rtt_us = (uint64_t)most * 1000;
}

struct peer_rule rule_of(const struct rule *rule)
{
	return (struct peer_rule){rule->condition, rule->count};
}
