/*
 * bond_wire.h - how a bond begins, and the messages that are its own: see groups.h.
 */
#ifndef GROUPS_BOND_WIRE_H
#define GROUPS_BOND_WIRE_H

#include "groups/group.h"

enum bond_role { BOND_MEMBER, BOND_CLIENT };
enum bond_side { BOND_OPENER, BOND_ACCEPTOR };       /* of the link; as the byte in the proof */

struct handshake {
	struct id group;
	enum bond_role role;
	uint8_t lane;                /* enum raft_lane; 0 for clients */
	uint64_t number;
	struct id proof;
	bool has_hello;
	struct group_hello hello;
};

struct id bond_wire_key(const struct id *group_key);
/* What the prover must show in this handshake, whose proof and hello do not matter. */
struct prover {
	struct id binding;
	enum bond_side side;
	struct id peer;
};
struct id bond_wire_proof(const struct id *key, const struct prover *prover, const struct handshake *handshake);

struct blob *bond_wire_handshake(const struct handshake *handshake);
MUST_CHECK enum error bond_wire_decode_handshake(struct bytes message, struct handshake *out);   /* ERROR_MALFORMED */

enum bond_message { BOND_HELLO = 128, BOND_PING = 129, BOND_PONG = 130 };

struct blob *bond_wire_hello(const struct group_hello *hello);
struct blob *bond_wire_sign(enum bond_message sign);   /* PING, PONG */
/* 0: a message of the group, whatever is in it. */
unsigned bond_wire_kind(struct bytes message);
MUST_CHECK enum error bond_wire_decode(struct bytes message, struct group_hello *hello);   /* of a message of the bond */

#endif
