/*
 * groups.h - the machine behind /mosaik/groups/1: the groups of a node, their bonds with other members, and the clients
 * that they serve.
 *
 * A bond is what ties two members of one group: three links, one a lane (control, appends, bulk), all opened by one side
 * and joined by a number that it draws. Each begins with
 *
 *     opener    [version, group, role, lane, number, proof, null]
 *     acceptor  [version, group, role, lane, number, proof, hello]     its proof holds, then ours may be seen
 *     opener    [128, hello]                                           both proofs held: now the lane is open
 *
 *     proof = BLAKE3-keyed(key = derive(group key, "bond"),
 *                          binding || side || role || lane || number || peer id of the prover || group)
 *
 * where `binding` is that of the link (base/machine.h), side 0 for who opened it and 1 for the other: a recorded, relayed or
 * reflected proof is worth nothing. What follows on a lane are messages of group.h, and [128, hello] again, [129] ping and
 * [130] pong on the control lane. A client's bond is one link, with another role and never a hello: see client.h.
 *
 * If both sides open a bond at once, that of the smaller id stands. A second bond of a peer is refused; if it came in
 * another session, perhaps because the peer has begun a new life, the first one is asked whether it still lives.
 *
 * Refusals close the link: 30400 InvalidHandshake, 30403 NotAllowed, 30404 GroupNotFound, 30405 InvalidProof, 30408 Timeout,
 * 30429 AlreadyBonded. What is wrong after the handshake closes the connection with 400.
 */
#ifndef GROUPS_GROUPS_H
#define GROUPS_GROUPS_H

#include "base/machine.h"
#include "groups/group.h"

#define BOND_VERSION 1
#define BOND_HANDSHAKE_MAX 5000              /* msec */
#define BOND_RETRY 1000                      /* msec before a failed bond is tried again, doubled up to BOND_RETRY_MAX */
#define BOND_RETRY_MAX 30000
#define BOND_PONG_MAX 1000                   /* msec: a bond that does not answer a ping by then is over */

struct groups_options {
	struct id self;
	const struct log *log;               /* borrowed; NULL: silent */
	uint64_t seed;
};

struct groups *groups_new(const struct groups_options *options, msec now);
void groups_free(struct groups *groups);     /* and every group of it. NULL is fine */
extern const struct machine_ops groups_ops;

/*
 * The group is taken: driven and freed by `groups`. ERROR_STALE: this node is in that group already, and the group is freed.
 * Tickets that the owner hands to it are below GROUPS_TICKET; those above are of clients, and show only in GROUP_QUESTION
 * and GROUP_APPLIED, to be answered by group_answer like its own.
 */
#define GROUPS_TICKET (1ull << 63)
MUST_CHECK enum error groups_add(struct groups *groups, msec now, struct group *group, const struct id *key);
/* Bonds end with 204, links of clients after what they were told already. The group is freed. */
void groups_remove(struct groups *groups, msec now, const struct id *group, struct outbox *out);
struct group *groups_find(const struct groups *groups, const struct id *group);
const struct id *groups_at(const struct groups *groups, size_t n);   /* the n-th by id; NULL: there are not so many */

/* The catalog lists this peer in that group (or no more). Members bond with every member they hear of. */
void groups_peer_found(struct groups *groups, msec now, const struct id *group, const struct id *peer);
bool groups_listed(const struct groups *groups, const struct id *group, size_t n, struct id *peer);   /* the n-th found */
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
struct groups_done {
	struct id group;
	uint64_t token;
	enum error status;
};
void groups_persisted(struct groups *groups, msec now, const struct groups_done *done, struct outbox *out);

#endif
