/*
 * ticket.h - what a peer presents in its entry so that others let it in, and rules that ask for such tickets.
 *
 * A ticket is of a class and has data; its id is derived from both, so a reader who knows a class finds its tickets by
 * computing their ids: the class itself is not in the entry. Tickets are public to the whole network.
 */
#ifndef DISCOVERY_TICKET_H
#define DISCOVERY_TICKET_H

#include "discovery/card.h"
#include "discovery/jwt.h"

#define TICKET_JWT "mosaik.tickets.jwt.v1"   /* the class of JSON Web Tokens */

struct id ticket_id(const char *class, struct bytes data);   /* id_derive(BLAKE3(class), data) */

/* A JWT as the only data of its class. false: as card_set_ticket. */
bool ticket_add(struct card *card, struct bytes token);
void ticket_remove(struct card *card, struct bytes token);   /* absent: nothing happens */

/*
 * A JWT is wanted. What the rule thought of a ticket is remembered (TICKETS_REMEMBERED of them), so that a signature is
 * verified once and not with each change of the catalog.
 */
#define TICKETS_REMEMBERED 4096

struct ticket_rule;

struct ticket_rule *ticket_rule_new(const struct jwt_rule *jwt);   /* everything that it borrows is copied */
void ticket_rule_free(struct ticket_rule *rule);                   /* NULL is fine */
const struct jwt_rule *ticket_rule_jwt(const struct ticket_rule *rule);

struct ticket_verdict {
	enum jwt_fault fault;      /* JWT_FINE: one of its tickets is; else of the ticket that came closest */
	msec until;                /* wall clock: what is said here holds so long, if the card stays; MSEC_NEVER */
};

/* Of several tickets that are fine the one that is so for longest counts. */
struct ticket_verdict ticket_rule_judge(struct ticket_rule *rule, const struct card *card, msec wall);

/* Since the start. */
uint64_t ticket_rule_verified(const struct ticket_rule *rule);

#endif
