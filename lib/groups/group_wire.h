/*
 * group_wire.h - what the group layer says to itself on other members; raft's messages have kinds below 64.
 *
 *     [kind, fields ...]     the fields of each kind in the order of struct group_message
 */
#ifndef GROUPS_GROUP_WIRE_H
#define GROUPS_GROUP_WIRE_H

#include "groups/persist.h"

enum group_message_kind {
	MESSAGE_PROPOSE = 64,        /* lineage, kind, number: commands, bytes: payload */
	MESSAGE_REFUSED,             /* lineage: a PROPOSE was not taken in */
	MESSAGE_SNAPSHOT_ASK,        /* lineage, index: what we have */
	MESSAGE_OFFER,               /* lineage, meta, bytes: hashes */
	MESSAGE_CHUNK_ASK,           /* lineage, index, number, root */
	MESSAGE_CHUNK,               /* lineage, index, number, bytes */
	MESSAGE_CHUNK_GONE,          /* lineage, index, number */
	MESSAGE_REPORT,              /* lineage, kind: of hash, index, root: the hash */
	MESSAGE_BIRTH,               /* lineage, bytes: proposal. See genesis.h for this and the next six */
	MESSAGE_BIRTH_READY,         /* lineage */
	MESSAGE_BIRTH_REFUSED,       /* lineage */
	MESSAGE_BIRTH_SEALED,        /* lineage */
	MESSAGE_BIRTH_ABANDONED,     /* lineage */
	MESSAGE_BIRTH_ASK,           /* lineage */
	MESSAGE_BIRTH_UNSEALED,      /* lineage */
	MESSAGE_STATEMENT,           /* lineage, index: its position, number: 1 if handed on */
	MESSAGE_DISSOLVED,           /* lineage, index: position, root: the lineage that it gave way to */
	MESSAGE_END
};

struct group_message {
	enum group_message_kind kind;
	struct id lineage;
	uint64_t what;                   /* "kind" of the list above */
	uint64_t index;
	uint64_t number;
	struct id root;
	struct snapshot_meta meta;
	struct bytes bytes;              /* borrowed */
};

struct blob *group_wire_encode(const struct group_message *message);
MUST_CHECK enum error group_wire_decode(struct bytes encoded, struct group_message *out);
/* Whether it is of the group layer at all. */
bool group_wire_is_ours(struct bytes encoded);

void snapshot_meta_encode(const struct snapshot_meta *meta, struct buffer *out);

#endif
