/*
 * doctor.h - what the parts of doctor share.
 *
 *     doctor.c         the order of checks, and their lines
 *     doctor_probe.c   asking one member, and what a failure to answer means
 *     doctor_peers.c   what the answers together say: clocks, identities
 */
#ifndef CATALOG_DOCTOR_H
#define CATALOG_DOCTOR_H

#include "cmd/common/listing.h"
#include "cmd/common/ask.h"
#include "cmd/mosaik-catalog/settings.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL };

/* What one member said of one peer. */
struct doctor_claim {
	struct id peer;
	uint64_t start;            /* when that process says it started */
	msec skew;                 /* of its clock against ours: positive, it is ahead */
	bool is_own;               /* the member spoke of itself */
};

struct doctor {
	const struct settings *settings;
	struct common common;              /* without the identity: a probe is nobody */
	struct listing *listing;
	struct id key;                     /* of -i; zero: none */
	enum doctor_level worst;
	struct doctor_claim *claim;
	size_t claim_count;
	size_t claim_capacity;
	size_t answers;
};

__attribute__((format(printf, 4, 5)))
void doctor_say(struct doctor *doctor, enum doctor_level level, const char *what, const char *format, ...);

/* Asks who is at this token (any form of -p), says what came of it, and keeps the claims. */
void doctor_probe(struct doctor *doctor, char *token);

void doctor_peers_clocks(struct doctor *doctor);
void doctor_peers_identities(struct doctor *doctor);

#endif
