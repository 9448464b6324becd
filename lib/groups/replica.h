/*
 * replica.h - what the log makes of every member: the state, the sessions, and whether this history was frozen or
 * dissolved. Committed entries go in one after another; equal entries make equal replicas.
 */
#ifndef GROUPS_REPLICA_H
#define GROUPS_REPLICA_H

#include "groups/persist.h"
#include "groups/session.h"
#include "groups/state.h"

#define REPLICA_CHECKPOINT_EVERY 4096      /* indices between two hashes that members compare */
#define REPLICA_CHECKPOINTS 8              /* so many are remembered */

/* The history that ours gives way to, and how far that one was: see lineage.h. */
struct surrender {
	struct id lineage;
	uint64_t position;
};

struct replica {
	struct state state;
	struct sessions sessions;
	struct id lineage;               /* ours */
	uint64_t index;                  /* applied up to here */
	uint64_t term;                   /* of the entry at index */
	uint64_t position;               /* users' commands up to here */
	bool frozen;                     /* commands are not carried out */
	bool dissolved;                  /* for ever */
	struct surrender to;             /* when frozen or dissolved */
	struct checkpoint {
		uint64_t index;          /* 0: none */
		struct id hash;
	} checkpoint[REPLICA_CHECKPOINTS];
	struct buffer result;            /* scratch, as is `change` */
	struct buffer change;
};

/* state: taken, empty. */
void replica_init(struct replica *replica, const struct state *state);
void replica_fini(struct replica *replica);
void replica_clear(struct replica *replica);          /* as it was before the first entry; the lineage goes too */

/* What one entry did. */
struct applied {
	bool has_commands;               /* an entry COMMANDS, well formed: the next three are set */
	bool refused;                    /* frozen: nothing was carried out, and no session knows of it */
	enum session_verdict verdict;
	struct session_command command;  /* borrowed from the entry */
	struct bytes results;            /* NEW, REPEATED: a CBOR sequence of byte strings; good until the next entry */
	bool was_frozen_now;             /* FREEZE, THAW or DISSOLVE changed something */
};

/*
 * The entry after replica->index. changes: NULL, or every command that is carried out appends one byte string with
 * its changes. Entries that no member of ours would write change nothing but the index.
 */
void replica_apply(struct replica *replica, const struct log_entry *entry, struct buffer *changes,
	struct applied *out);
bool replica_checkpoint(const struct replica *replica, uint64_t index, struct id *hash);   /* false: not remembered */

/* Payloads of FREEZE and DISSOLVE, and of SESSION_EXPIRE. */
void surrender_encode(const struct surrender *surrender, struct buffer *out);
MUST_CHECK enum error surrender_decode(struct bytes payload, struct surrender *out);
/* Which of two histories stays: the one with more commands, then the greater id. <0: a gives way. */
int surrender_compare(const struct surrender *a, const struct surrender *b);

struct expiry {
	uint64_t session;
	uint64_t if_idle_since;          /* index */
};
void expiry_encode(const struct expiry *expiry, struct buffer *out);
MUST_CHECK enum error expiry_decode(struct bytes payload, struct expiry *out);

#endif
