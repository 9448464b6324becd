/*
 * ticket.c - see ticket.h.
 *
 * What is remembered is named by the peer and the ticket's id, which is a hash of its data: so it stays true whatever else
 * an entry says, and a peer that announces itself again is not verified again. When the memory is full it starts over: whoever
 * makes that happen pays for a signed entry each time.
 */
#include "discovery/ticket.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/table.h"

#include <string.h>

struct opinion {
	enum jwt_fault fault;
	struct jwt_span span;
};

struct ticket_rule {
	struct jwt_rule jwt;
	uint8_t *secret;           /* what the rule borrows */
	char *issuer;
	char *audience;
	struct id_table opinions;  /* peer and ticket -> struct opinion * */
	uint64_t verified;
};

struct id ticket_id(const char *class, struct bytes data)
{
	struct id named = id_hash(bytes_of_text(class));

	return id_derive(&named, data);
}

bool ticket_add(struct card *card, struct bytes token)
{
	struct id id = ticket_id(TICKET_JWT, token);
	struct blob *data = blob_copy(token);
	bool added = card_set_ticket(card, &id, data);

	blob_drop(data);
	return added;
}

void ticket_remove(struct card *card, struct bytes token)
{
	struct id id = ticket_id(TICKET_JWT, token);

	card_set_ticket(card, &id, NULL);
}

struct ticket_rule *ticket_rule_new(const struct jwt_rule *jwt)
{
	struct ticket_rule *rule = memory_new(sizeof(*rule));

	ASSERT(jwt->leeway >= 0);
	ASSERT(jwt->algorithm != JWT_HS256 || (jwt->secret.size >= JWT_SECRET_MIN && jwt->secret.size <= JWT_SECRET_MAX));
	rule->jwt = *jwt;
	rule->secret = memory_copy(jwt->secret.data, jwt->secret.size);
	rule->jwt.secret.data = rule->secret;
	rule->issuer = jwt->issuer != NULL ? memory_copy_text(jwt->issuer) : NULL;
	rule->audience = jwt->audience != NULL ? memory_copy_text(jwt->audience) : NULL;
	rule->jwt.issuer = rule->issuer;
	rule->jwt.audience = rule->audience;
	return rule;
}

static void forget(struct ticket_rule *rule)
{
	for (size_t i = 0; i < rule->opinions.count; i++)
		memory_free(rule->opinions.slot[i].value);
	id_table_fini(&rule->opinions);
}

void ticket_rule_free(struct ticket_rule *rule)
{
	if (rule == NULL)
		return;
	forget(rule);
	memory_wipe(rule->secret, rule->jwt.secret.size);
	memory_free(rule->secret);
	memory_free(rule->issuer);
	memory_free(rule->audience);
	memory_free(rule);
}

const struct jwt_rule *ticket_rule_jwt(const struct ticket_rule *rule)
{
	return &rule->jwt;
}

static const struct opinion *opinion_of(struct ticket_rule *rule, const struct id *peer, const struct card_ticket *ticket)
{
	struct bytes data = blob_bytes(ticket->data);
	struct id key = id_derive(peer, bytes_of(ticket->id.byte, sizeof(ticket->id.byte))), id;
	struct opinion *opinion = id_table_get(&rule->opinions, &key);

	if (opinion != NULL)
		return opinion;
	if (rule->opinions.count == TICKETS_REMEMBERED)
		forget(rule);
	opinion = memory_new(sizeof(*opinion));
	id = ticket_id(TICKET_JWT, data);
	/* Of another class: no ticket at all, as far as this rule goes. */
	if (id_equal(&id, &ticket->id)) {
		opinion->fault = jwt_check(&rule->jwt, data, peer, &opinion->span);
		rule->verified++;
	}
	id_table_put(&rule->opinions, &key, opinion);
	return opinion;
}

/* What is fine until later is better; what is not, if it is known when it will be, or came closer. */
static bool is_better(const struct ticket_verdict *than, const struct ticket_verdict *this)
{
	if (this->fault != than->fault)
		return this->fault > than->fault;
	return this->fault == JWT_FINE ? this->until > than->until : this->until < than->until;
}

static struct ticket_verdict verdict_of(const struct opinion *opinion, msec wall)
{
	struct ticket_verdict verdict = {opinion->fault, MSEC_NEVER};

	if (verdict.fault != JWT_FINE)
		return verdict;
	verdict.fault = jwt_span_at(&opinion->span, wall);
	if (verdict.fault == JWT_FINE)
		verdict.until = opinion->span.until;
	else if (verdict.fault == JWT_EARLY)
		verdict.until = opinion->span.from;
	return verdict;
}

struct ticket_verdict ticket_rule_judge(struct ticket_rule *rule, const struct card *card, msec wall)
{
	struct ticket_verdict best = {JWT_ABSENT, MSEC_NEVER};
	msec changes = MSEC_NEVER;

	for (size_t i = 0; i < card->ticket_count; i++) {
		struct ticket_verdict verdict = verdict_of(opinion_of(rule, &card->peer, &card->ticket[i]), wall);

		if (verdict.fault == JWT_EARLY)
			changes = msec_min(changes, verdict.until);
		if (is_better(&best, &verdict))
			best = verdict;
	}
	/* An expired ticket came closer than one whose time is still to come, which is why that is kept beside. */
	if (best.fault != JWT_FINE)
		best.until = changes;
	return best;
}

uint64_t ticket_rule_verified(const struct ticket_rule *rule)
{
	return rule->verified;
}
