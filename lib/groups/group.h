/*
 * group.h - one group on one member: consensus, sessions, the replicated state, snapshots, birth and lineages, as one
 * machine that speaks with peers and not with links. groups.h puts it on links; a simulator drives it as it is.
 *
 *      commands, queries            group_effect: SEND, PERSIST
 *            |                             ^
 *          group  = handle (own session) + replica (sessions, state) + raft + sync (snapshots) + genesis
 *            |
 *      facts: RESULT, ANSWER, APPLIED, LEADER ...
 *
 * Guarantees: strong queries and results of commands are linearizable; a command whose outcome is OK is never lost while
 * a majority of the voters keeps its storage; a command is applied at most once. See mosaik-group(1) for the table.
 */
#ifndef GROUPS_GROUP_H
#define GROUPS_GROUP_H

#include "groups/raft.h"
#include "groups/state.h"

#define GROUP_COMPACT_ENTRIES 20000
#define GROUP_COMMAND_MAX (1u << 20)       /* one command; and one query, and one result */

/* What all members must agree on: part of the group's id. */
struct group_terms {
	struct id key;                   /* secret: from a key file, or derived from the group's name */
	struct raft_timing timing;
	uint8_t voters_cap;
	uint8_t voters_min;
	uint8_t copies_min;
};

/* BLAKE3 over key, the terms that matter and the signature of the state. */
struct id group_id_of(const struct group_terms *terms, const struct state *state);

struct group_options {
	struct group_terms terms;
	struct id peer;                  /* ours */
	uint64_t incarnation;            /* the image's if there is one, else a new random number */
	struct state state;              /* taken, empty */
	/* Results and answers come from the owner (group_answer); the state is only the log. See GROUP_QUESTION. */
	bool external;
	enum preference preference;
	uint8_t expect;                  /* eligible members that must be seen before a group is born; 0: 1 */
	bool join_only;                  /* never begins a group */
	bool durable;                    /* PERSIST effects are wanted; else everything counts as durable at once */
	bool tell_applied;               /* GROUP_APPLIED for every command */
	bool tell_changes;               /* GROUP_CHANGED for every change */
	/*
	 * An observer's commands are refused with ERROR_NOT_ALLOWED: ours if we are one, and, where we lead, those that others
	 * send all the same.
	 */
	bool observers_read;
	bool fence;                      /* a history that loses against another stays frozen until group_adopt */
	uint32_t compact_entries;        /* of the log, since the last time, until it is compacted; 0: GROUP_COMPACT_ENTRIES */
	const struct log *log;           /* borrowed; NULL: silent */
	uint64_t seed;
};

struct group;

/* image: what the store held; NULL: nothing. Payloads are kept. ERROR_MALFORMED: its snapshot is not one of this state. */
MUST_CHECK enum error group_new(const struct group_options *options, const struct image *image, msec now,
	struct group **out);
void group_free(struct group *group);                    /* NULL is fine */
const struct id *group_id(const struct group *group);

/* ---- peers, from below ---- */

/* What members tell each other when a bond begins, and again when it changes. */
struct group_hello {
	uint64_t incarnation;
	struct id lineage;               /* zero: none yet, or it begins just now and is not durable here */
	enum preference preference;
	bool durable;
	uint8_t expect;
	bool join_only;
	uint64_t commit;
	uint64_t position;               /* users' commands committed */
	struct id leader;                /* zero: nobody known */
};

void group_hello(const struct group *group, struct group_hello *out);
/* Counts up when what should be told again has changed: incarnation, lineage, preference. */
uint64_t group_hello_version(const struct group *group);

/* A peer of our network says, in its entry, that it is in this group; it may not be bonded yet. */
void group_peer_expected(struct group *group, msec now, const struct id *peer, bool expected);
void group_peer_up(struct group *group, msec now, const struct id *peer, const struct group_hello *hello);   /* or changed */
void group_peer_down(struct group *group, msec now, const struct id *peer, bool closed);
MUST_CHECK enum error group_receive(struct group *group, msec now, const struct id *peer, enum raft_lane lane,
	struct bytes message);

void group_persisted(struct group *group, msec now, uint64_t token, enum error status);
void group_tick(struct group *group, msec now);
msec group_deadline(const struct group *group);

/* ---- verbs, from above. Tickets are the caller's, other than 0; each is answered by one fact. ---- */

/* The commands are carried out in the order of the calls. Answered by GROUP_RESULT. */
void group_propose(struct group *group, msec now, uint64_t ticket, struct bytes command);
/* Whether more can be proposed now without ERROR_BUSY; GROUP_ROOM tells when again. */
bool group_has_room(const struct group *group);

enum query_level {
	QUERY_LOCAL,                     /* what this member has now, once it has `position` */
	QUERY_STRONG                     /* linearizable */
};
struct group_query {
	uint64_t ticket;
	enum query_level level;
	uint64_t position;               /* wait for it; 0 */
	msec deadline;                   /* instant; then GROUP_ANSWER with ERROR_TIMEOUT. MSEC_NEVER */
	struct bytes query;              /* empty: only the barrier and the position */
};
void group_query(struct group *group, msec now, const struct group_query *query);
/* External groups: the owner's reply to GROUP_QUESTION, or its result for a GROUP_APPLIED that has a ticket. */
void group_answer(struct group *group, msec now, uint64_t ticket, enum error outcome, struct bytes answer);

/*
 * External groups, at the leader: what the commands up to `position` came to, of at most LOG_BASE_MAX bytes. It goes
 * through the log, takes the place of those commands on every member, and is what a newcomer begins with: see
 * log_state_base. false: we do not lead, or another one is under way. Nothing tells when it is done; it is not, if another
 * leader comes.
 */
bool group_fold(struct group *group, msec now, uint64_t position, struct bytes content);
bool group_is_folding(const struct group *group);

/* GROUP_LEFT follows: when the departure is committed, or after 5 s, or at once when nobody else is there. */
void group_leave(struct group *group, msec now);
void group_transfer(struct group *group, msec now);                          /* away from here */
void group_declare_dead(struct group *group, msec now, const struct id *peer);
/* Fenced: let the other history have its way after all. */
void group_adopt(struct group *group, msec now);

/* ---- effects: carried out by the owner, in order ---- */

struct group_effect {
	enum { GROUP_SEND, GROUP_PERSIST } kind;
	struct id peer;                  /* SEND: dropped by the owner when the peer is not up */
	enum raft_lane lane;
	struct blob *payload;            /* SEND: taken */
	struct persist *persist;         /* PERSIST: taken; answered by group_persisted */
};
bool group_next_effect(struct group *group, struct group_effect *out);

/* ---- facts ---- */

enum group_fact_kind {
	/*
	 * ticket, reason, position, lineage, bytes. OK: committed and applied at that position of that history, which may lose
	 * to another later, or in this very turn (GROUP_DISSOLVED); bytes is the result. ERROR_BUSY, ERROR_NOT_LEADER,
	 * ERROR_FROZEN, ERROR_FULL (too large a command), ERROR_NOT_ALLOWED (observers_read): certainly not applied and never
	 * will be. ERROR_INDETERMINATE: nobody can tell.
	 */
	GROUP_RESULT,
	GROUP_ANSWER,            /* ticket, reason, position it was read at, lineage that it is a position of, bytes */
	/* Externals: ticket, bytes: the barrier is passed; answer it from the external state with group_answer. */
	GROUP_QUESTION,
	GROUP_ROOM,
	GROUP_APPLIED,           /* position, term, bytes: the command; ticket: one of ours that wants group_answer, or 0 */
	GROUP_CHANGED,           /* position, bytes: one change, see state_ops.apply */
	GROUP_RESTORED,          /* position: the state was replaced by a snapshot; changes up to it were not told */
	GROUP_LEADER,            /* peer (zero: nobody), term */
	GROUP_ONLINE,            /* ticketed work can proceed here: a leader is known and we follow it, or lead */
	GROUP_OFFLINE,
	GROUP_VOTERS,            /* the committed voters changed */
	GROUP_SPLIT,             /* lineage (other), position (its): two lineages met */
	/*
	 * Ours loses: what it came to, as the chunks of a snapshot (snapshot.h), is told before it is forgotten, one fact a
	 * chunk, in order. lineage: ours. The owner keeps them where an operator finds them.
	 */
	GROUP_ARCHIVE,
	GROUP_DISSOLVED,         /* position: commands that were archived. We join the other (lineage) as a new incarnation */
	GROUP_DIVERGED,          /* our state differs from the others' at position: this member starts afresh */
	GROUP_LEFT,
	GROUP_HALTED             /* reason: storage failed; the group is of no more use */
};

struct group_fact {
	enum group_fact_kind kind;
	enum error reason;
	uint64_t ticket;
	uint64_t position;
	uint64_t term;
	struct id peer;
	struct id lineage;
	struct blob *bytes;              /* taken by the reader; may be NULL */
};
bool group_next_fact(struct group *group, struct group_fact *out);

/* ---- looks ---- */

struct group_status {
	struct id lineage;
	uint64_t incarnation;
	enum raft_role role;
	uint64_t term;
	struct id leader;
	uint64_t commit;                 /* index */
	uint64_t position;               /* users' commands applied here */
	uint64_t log_first, log_last;
	uint8_t voters;                  /* committed */
	uint8_t voters_up;               /* seen alive from here, ourselves counted */
	uint8_t crashes_tolerated;       /* by the committed voters, all being up */
	bool online;
	bool joint;
	bool frozen;
	struct id state_hash;
};
void group_status(const struct group *group, struct group_status *out);

struct group_member {
	struct member member;
	enum preference preference;
	bool voter;
	bool leader;
	bool up;
	uint64_t match;                  /* at the leader only */
};
bool group_member_at(const struct group *group, msec now, size_t n, struct group_member *out);   /* by id, ourselves too */

const struct state *group_state(const struct group *group);
const struct raft *group_raft(const struct group *group);    /* for judges of the whole */
void group_check(const struct group *group);

#endif
