/*
 * persist.h - what a group asks of its storage, and what it gets back at start.
 *
 * A request is carried out as a whole or not at all, requests of one group in order. Several may be under way; each is
 * answered with its token. Nothing that a request makes durable is promised to anybody before the answer OK. Any other
 * answer is final: the group stops, and the next start takes a new incarnation.
 */
#ifndef GROUPS_PERSIST_H
#define GROUPS_PERSIST_H

#include "base/blob.h"
#include "groups/member.h"

enum entry_kind {
	ENTRY_GENESIS,           /* index 1, term 1: the first configuration */
	ENTRY_NOOP,              /* first of a term */
	ENTRY_CONFIGURATION,
	ENTRY_COMMANDS,          /* see session.h; the only kind that users see */
	ENTRY_SESSION_OPEN,
	ENTRY_SESSION_EXPIRE,
	ENTRY_SNAPSHOT_MARK,     /* every member freezes its state here */
	ENTRY_STATE_HASH,        /* what the leader's state hashed to at a mark */
	ENTRY_FREEZE,            /* lineages that meet: see lineage.h */
	ENTRY_THAW,
	ENTRY_DISSOLVE,
	ENTRY_FOLD,              /* what commands of an external group came to, a part of it: see log_base.h */
	ENTRY_KINDS
};

/* BLAKE3 of the previous chain and this entry, cut to 16 bytes: equal chains, equal histories. */
struct chain {
	uint8_t byte[16];
};

struct entry_head {
	uint64_t index;          /* 1 for the first */
	uint64_t term;
	enum entry_kind kind;
	uint32_t commands;       /* users' commands inside */
	uint64_t position;       /* users' commands before it */
	struct chain chain;
};

struct log_entry {
	struct entry_head head;
	struct blob *payload;    /* kept; never NULL */
};

/* The chain at an entry whose head is filled in but for its own, after an entry with the chain `previous` (zero: none). */
struct chain chain_extend(const struct chain *previous, const struct entry_head *head, struct bytes payload);

/* Hard state: Figure 2 of the Raft paper, and who we are. */
struct hard_state {
	struct id lineage;       /* zero: none yet */
	uint64_t incarnation;
	uint64_t term;
	struct member vote;      /* none: all zero */
	bool had_three;          /* the group had three voters once: it does not shrink below by itself */
};

/* A snapshot: everything up to and including `index`. */
struct snapshot_meta {
	uint64_t index;          /* 0: none */
	uint64_t term;
	uint64_t position;       /* users' commands up to here */
	struct chain chain;
	struct configuration configuration;   /* in force at index; simple or joint */
	uint64_t configuration_index;
	uint32_t chunks;
	struct id root;          /* BLAKE3 over the BLAKE3 of the chunks, in order */
};

struct persist {
	uint64_t token;          /* ascending */
	bool has_hard;
	struct hard_state hard;
	uint64_t truncate_from;  /* forget entries of this index and later, before appending; 0: none */
	/*
	 * To append: contiguous indices. While hard.lineage is zero there is no log, and entry 1 (of term 0) is the beginning to
	 * which a member is bound: see genesis.h.
	 */
	struct log_entry *entry;
	size_t count;
	size_t capacity;
	/*
	 * Snapshots are written in chunks, which count only once their meta is there. Then older snapshots are forgotten, and
	 * entries below log_first.
	 */
	uint64_t chunk_of;       /* index of the snapshot that `chunk` belongs to; 0: none */
	uint32_t chunk_number;
	struct blob *chunk;
	bool has_meta;
	struct snapshot_meta meta;               /* index 0: no snapshot any more; a life begins anew, with truncate_from 1 */
	uint64_t log_first;      /* 0: unchanged. Of an installed snapshot: meta.index + 1, with truncate_from if none stay;
				    what is appended with it begins behind what it leaves */
};

struct persist *persist_new(uint64_t token);
void persist_append(struct persist *persist, const struct log_entry *entry);   /* keeps the payload */
void persist_free(struct persist *persist);      /* NULL is fine */

/* What a store held when it was opened. */
struct image {
	struct hard_state hard;
	struct snapshot_meta meta;               /* index 0: no snapshot */
	struct blob **chunk;                     /* [meta.chunks] */
	struct log_entry *entry;                 /* contiguous; the first has index <= meta.index + 1 */
	size_t count;
};

void image_fini(struct image *image);

#endif
