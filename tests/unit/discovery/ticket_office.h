/*
 * ticket_office.h - issuers of tickets, by number. Their signatures are real, whatever a test's nodes sign with.
 */
#ifndef TESTS_DISCOVERY_TICKET_OFFICE_H
#define TESTS_DISCOVERY_TICKET_OFFICE_H

#include <stdio.h>
#include <string.h>

#include "discovery/ticket.h"

static inline struct keypair ticket_office(uint8_t number)
{
	struct keypair pair;

	memset(pair.seed, number, sizeof pair.seed);
	crypto_ed25519.derive(&pair);
	return pair;
}

/* Seconds of the wall clock. */
static inline void ticket_office_issue(struct buffer *out, const struct keypair *issuer, const struct id *peer, uint64_t from,
	uint64_t until)
{
	char claims[256], text[ID_TEXT_SIZE];

	id_format(peer, text);
	snprintf(claims, sizeof claims, "{\"iss\":\"office\",\"sub\":\"%s\",\"nbf\":%llu,\"exp\":%llu}", text, (unsigned long long)from,
		(unsigned long long)until);
	jwt_sign(issuer, bytes_of_text(claims), out);
}

#endif
