/*
 * peer_rule.c - see peer_rule.h. A rule has a handful of conditions, so it is walked, and nothing is prepared.
 */
#include "streams/peer_rule.h"

#include "base/check.h"

/* From the wall clock's time to ours. */
static msec until_of(const struct ticket_verdict *verdict, msec now, msec wall)
{
	if (verdict->until == MSEC_NEVER)
		return MSEC_NEVER;
	ASSERT(verdict->until > wall);
	return verdict->until - wall >= MSEC_NEVER - now ? MSEC_NEVER : now + (verdict->until - wall);
}

static bool holds(const struct peer_condition *condition, const struct catalog_peer *known)
{
	if (condition->kind == PEER_HAS_TAG)
		return known != NULL && id_set_has(&known->entry->card.tags, &condition->id);
	ASSERT(condition->kind == PEER_RTT_WITHIN);
	/* Before the first measurement nobody is turned away: the next look at the rule will know. */
	return known == NULL || known->rtt_us <= condition->rtt_us;
}

static struct peer_verdict judge_ticket(const struct peer_condition *condition, msec now, const struct catalog *catalog,
	const struct catalog_peer *known)
{
	struct ticket_verdict verdict = {JWT_ABSENT, MSEC_NEVER};
	msec wall = 0;

	if (known != NULL) {
		wall = catalog_wall(catalog, now);
		verdict = ticket_rule_judge(condition->ticket, &known->entry->card, wall);
	}
	if (verdict.fault == JWT_FINE)
		return (struct peer_verdict){.allowed = true, .until = until_of(&verdict, now, wall)};
	return (struct peer_verdict){.until = until_of(&verdict, now, wall), .lacks = condition, .ticket = verdict.fault};
}

/* A name that nobody can be shown is left out. */
static struct bytes shown(const char *name)
{
	struct bytes text = name != NULL ? bytes_of_text(name) : (struct bytes){NULL, 0};

	return card_is_name(text) ? text : (struct bytes){NULL, 0};
}

struct ticket_lack ticket_lack_of(const struct peer_verdict *verdict)
{
	const struct jwt_rule *jwt;

	ASSERT(verdict->lacks != NULL && verdict->lacks->kind == PEER_HAS_TICKET);
	jwt = ticket_rule_jwt(verdict->lacks->ticket);
	return (struct ticket_lack){verdict->ticket, shown(jwt->issuer), shown(jwt->audience)};
}

struct peer_verdict peer_rule_judge(const struct peer_rule *rule, msec now, const struct catalog *catalog, const struct id *peer)
{
	struct peer_verdict verdict = {.allowed = true, .until = MSEC_NEVER}, one;
	const struct peer_condition *name = NULL;
	const struct catalog_peer *known;
	bool is_named = false;

	if (rule->count == 0)
		return verdict;
	ASSERT(rule->condition != NULL);
	known = catalog != NULL ? catalog_find(catalog, peer) : NULL;
	for (size_t i = 0; i < rule->count; i++) {
		const struct peer_condition *condition = &rule->condition[i];

		if (condition->kind == PEER_IS) {
			name = condition;
			is_named |= id_equal(&condition->id, peer);
		} else if (condition->kind == PEER_HAS_TICKET) {
			one = judge_ticket(condition, now, catalog, known);
			if (!one.allowed)
				return one;
			verdict.until = msec_min(verdict.until, one.until);
		} else if (!holds(condition, known)) {
			return (struct peer_verdict){.until = MSEC_NEVER, .lacks = condition};
		}
	}
	if (name != NULL && !is_named)
		return (struct peer_verdict){.until = MSEC_NEVER, .lacks = name};
	return verdict;
}
