/*
 * peer_rule.c - see peer_rule.h. A rule has a handful of conditions, so it is walked, and nothing is prepared.
 */
#include "streams/peer_rule.h"

#include "base/check.h"

static bool holds(const struct peer_condition *condition, const struct catalog_peer *known)
{
	if (condition->kind == PEER_HAS_TAG)
		return known != NULL && id_set_has(&known->entry->card.tags, &condition->id);
	ASSERT(condition->kind == PEER_RTT_WITHIN);
	/* Before the first measurement nobody is turned away: the next look at the rule will know. */
	return known == NULL || known->rtt_us <= condition->rtt_us;
}

bool peer_rule_allows(const struct peer_rule *rule, const struct catalog *catalog, const struct id *peer)
{
	const struct catalog_peer *known;
	bool is_named = false, must_be_named = false;

	if (rule->count == 0)
		return true;
	ASSERT(rule->condition != NULL);
	known = catalog != NULL ? catalog_find(catalog, peer) : NULL;
	for (size_t i = 0; i < rule->count; i++) {
		const struct peer_condition *condition = &rule->condition[i];

		if (condition->kind == PEER_IS) {
			must_be_named = true;
			is_named |= id_equal(&condition->id, peer);
		} else if (!holds(condition, known)) {
			return false;
		}
	}
	return is_named || !must_be_named;
}
