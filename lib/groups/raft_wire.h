/*
 * raft_wire.h - the messages of raft, to bytes and back. Each is
 *
 *     [kind, lineage, incarnation of the sender, incarnation of the receiver, term, ...]
 *
 * so that a word of another history, or to or from another life, is known as such.
 */
#ifndef GROUPS_RAFT_WIRE_H
#define GROUPS_RAFT_WIRE_H

#include "groups/persist.h"
#include "wire/cbor.h"

#define RAFT_APPEND_MAX (1u << 20)       /* payloads in one APPEND, unless one entry alone is larger */
#define RAFT_APPEND_ENTRIES_MAX 4096
#define RAFT_INDEX_MAX (UINT64_MAX >> 2) /* of indices, terms and positions: they are added to without a further look */

enum raft_message_kind {
	RAFT_PREVOTE = 1,        /* last_index, last_term; term: the one that would be campaigned for */
	RAFT_PREVOTE_REPLY,      /* granted: term as asked; else the replier's */
	RAFT_VOTE,               /* last_index, last_term, transfer */
	RAFT_VOTE_REPLY,         /* granted */
	RAFT_APPEND,             /* prev_index, prev_term, prev_chain, commit, entries */
	RAFT_APPEND_OK,          /* match: durable; index: verified */
	RAFT_APPEND_NO,          /* match: prev_index of what is refused; index, index_term: try from here */
	RAFT_HEARTBEAT,          /* match: what was acknowledged to us; commit, round */
	RAFT_HEARTBEAT_REPLY,    /* match: durable; index: last; round */
	RAFT_COMMIT,             /* commit: not beyond what was acknowledged */
	RAFT_LAGGING,            /* index: the first entry that we have */
	RAFT_TIMEOUT_NOW,        /* index: the leader's last; who has more got it too late, and does nothing */
	RAFT_READ,               /* id */
	RAFT_READ_REPLY,         /* id, granted, index */
	RAFT_LEAVE,
	RAFT_KINDS
};

struct raft_wire_entry {
	uint64_t term;
	enum entry_kind kind;
	uint32_t commands;
	struct bytes payload;    /* borrowed */
};

struct raft_message {
	enum raft_message_kind kind;
	struct id lineage;
	uint64_t from;           /* incarnations, never 0 */
	uint64_t to;
	uint64_t term;
	uint64_t last_index;
	uint64_t last_term;
	bool transfer;
	bool granted;
	uint64_t prev_index;
	uint64_t prev_term;
	struct chain prev_chain;
	uint64_t commit;
	uint64_t match;
	uint64_t index;
	uint64_t index_term;
	uint64_t round;
	uint64_t id;
	uint32_t count;          /* APPEND: entries */
	const struct log_entry *entry;   /* APPEND, to encode: [count], borrowed */
	struct cbor walk;        /* APPEND, decoded: stands before the first entry; see raft_wire_next */
};

struct blob *raft_wire_encode(const struct raft_message *message);

/*
 * ERROR_MALFORMED. Of an APPEND every entry is well formed: terms ascend from prev_term and end at the message's, kinds
 * are known, a GENESIS is at index 1 and nowhere else, configurations can be decoded.
 */
MUST_CHECK enum error raft_wire_decode(struct bytes bytes, struct raft_message *out);

/* The next of message.count entries. */
struct raft_wire_entry raft_wire_next(struct cbor *walk);

#endif
