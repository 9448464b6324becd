/*
 * groups.h - the machine behind /mosaik/groups/1: the groups of a node, their bonds with other members, and the clients
 * that they serve.
 *
 * A bond is what ties two members of one group: three links, one a lane (control, appends, bulk), opened by whichever
 * side dials, each beginning with
 *
 *     [version, group id, role, lane, proof, hello]        role: member or client
 *     proof = BLAKE3-keyed(key = derive(group key, "bond"), binding || side || peer id of the prover || group id)
 *
 * where `binding` is exported from the TLS session: a recorded, relayed or reflected proof is worth nothing. Nothing else
 * is said before both proofs held. If both sides dial at once, the bond of the smaller id stands (30429 for the other).
 * A client's bond is one link: see client.h.
 *
 * Refusals: 30400 InvalidHandshake, 30403 NotAllowed, 30404 GroupNotFound, 30405 InvalidProof, 30408 Timeout,
 * 30429 AlreadyBonded.
 */
#ifndef GROUPS_GROUPS_H
#define GROUPS_GROUPS_H

#include "base/machine.h"
#include "groups/group.h"

#define BOND_VERSION 1
#define BOND_HANDSHAKE_MAX 5000              /* msec */
#define BOND_RETRY 1000                      /* msec before a failed bond is tried again, doubled up to BOND_RETRY_MAX */
#define BOND_RETRY_MAX 30000

struct groups_options {
	struct id self;
	const struct log *log;               /* borrowed; NULL: silent */
	uint64_t seed;
};

struct groups *groups_new(const struct groups_options *options, msec now);
void groups_free(struct groups *groups);     /* and every group of it. NULL is fine */
extern const struct machine_ops groups_ops;

/* The group is taken: driven and freed by `groups`. ERROR_STALE: this node is in that group already, and the group is freed. */
MUST_CHECK enum error groups_add(struct groups *groups, msec now, struct group *group, const struct id *key);
/* Bonds end with 204, clients are told to ask others. */
void groups_remove(struct groups *groups, msec now, const struct id *group, struct outbox *out);
struct group *groups_find(const struct groups *groups, const struct id *group);

/* The catalog lists this peer in that group (or no more). Members bond with every member they hear of. */
void groups_peer_found(struct groups *groups, msec now, const struct id *group, const struct id *peer);
void groups_peer_gone(struct groups *groups, msec now, const struct id *group, const struct id *peer);

/* After any verb of group.h was called on a group from outside: what follows from it goes out. */
void groups_turn(struct groups *groups, msec now, struct outbox *out);

struct groups_fact {
	enum { GROUPS_FACT, GROUPS_BONDED, GROUPS_UNBONDED, GROUPS_PERSIST } kind;
	struct id group;
	struct group_fact fact;              /* FACT: of the group; tickets of clients never show here */
	struct id peer;                      /* BONDED, UNBONDED */
	enum error reason;                   /* UNBONDED */
	struct persist *persist;             /* PERSIST: taken; answered by groups_persisted */
};
bool groups_next_fact(struct groups *groups, struct groups_fact *out);
void groups_persisted(struct groups *groups, msec now, const struct id *group, uint64_t token, enum error status);

#endif
