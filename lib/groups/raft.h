/*
 * raft.h - consensus on one log among members that come and go.
 *
 * Raft as in the dissertation (Ongaro 2014): leader election (3.4) with PreVote (9.6) and stickiness (4.2.3), CheckQuorum
 * (6.2), replication (3.5) with pipelining (10.2.1), joint consensus (4.3), leadership transfer (3.10), ReadIndex (6.4),
 * log compaction (5). What is more: members are lives of peers (member.h), every entry carries a hash of the whole
 * history before it, and the leader chooses the voters by itself (raft_autopilot.c).
 *
 *      raft_receive, raft_peer_up ...        (in)
 *               |
 *             raft  --- raft_next: SEND, PERSIST, COMMITTED, ... --->  its owner, group.c
 *
 * Rules that hold whatever the owner does: a message of term T leaves only when a hard state of term >= T is durable; a
 * granted vote only when the vote is; a match is never more than what is durable here; a leader's own copy counts only
 * when durable. SENDs that wait for a PERSIST are held here: what raft_next gives may leave at once.
 */
#ifndef GROUPS_RAFT_H
#define GROUPS_RAFT_H

#include "base/log.h"
#include "base/time.h"
#include "groups/persist.h"

#define RAFT_ENTRY_MAX (2u << 20)    /* payload of one entry, bytes */
#define RAFT_KIND_MAX 63             /* a message is a CBOR array whose first item is its kind, 1 to this */

struct raft_timing {
	msec heartbeat;              /* 500 */
	msec election_timeout;       /* 2000: the least silence before a campaign; also the span of CheckQuorum */
	msec election_jitter;        /* 500 */
	msec grow_stabilise;         /* 1000: before the first growth to three voters */
	msec stabilise;              /* 10000: before any later change of voters */
	msec dead_after;             /* 15000 in memory, 60000 durable: silence before a ready standby replaces a voter */
	msec shrink_after;           /* MSEC_NEVER; with voters_min 1: 10 min: silence before a voter goes without replacement */
};

extern const struct raft_timing raft_timing_default;
extern const struct raft_timing raft_timing_lan;     /* heartbeat 50, election timeout 500 + 250 */

struct raft_options {
	struct member self;
	enum preference preference;
	bool durable;                /* told to others: durable standbys are preferred */
	uint8_t voters_cap;          /* odd, <= VOTERS_MAX; 0: 5 */
	uint8_t voters_min;          /* floor once there were so many; 0: 3 */
	uint8_t copies_min;          /* 2: two voters, if there are only two members; 0: 1 */
	struct raft_timing timing;
	const struct log *log;       /* borrowed; NULL: silent */
	uint64_t seed;
};

struct raft;

/* image: what the store held, payloads are kept; NULL: nothing, no lineage yet. Its incarnation is options->self's. */
struct raft *raft_new(const struct raft_options *options, const struct image *image, msec now);
void raft_free(struct raft *raft);

/* ---- birth ---- */

/* A lineage begins here: GENESIS at index 1, term 1, is persisted. The first election is of term 2. No lineage before. */
void raft_begin(struct raft *raft, msec now, const struct id *lineage, const struct configuration *first);
/* We learn of a lineage and will be a learner of it: nothing in the log, term 0. No lineage before. */
void raft_adopt(struct raft *raft, msec now, const struct id *lineage);

/* ---- the others ---- */

struct raft_peer {
	struct member member;
	enum preference preference;
	bool durable;
};

/* Reachable now, in the same lineage. Again with another incarnation or preference: replaces what was said. */
void raft_peer_up(struct raft *raft, msec now, const struct raft_peer *peer);
/* closed: the connection ended or was refused; else it only fell silent. */
void raft_peer_down(struct raft *raft, msec now, const struct id *peer, bool closed);
/* This member will never speak again, because its peer lives on as another: that one is to take its place. */
void raft_outlived(struct raft *raft, msec now, const struct member *member);
/* This member will never speak again, an operator says: the group may even become smaller. */
void raft_declare_dead(struct raft *raft, msec now, const struct member *member);

/*
 * One message of a member, as its raft_next gave it to SEND. ERROR_MALFORMED: bytes that no honest member sends; nothing
 * was changed. Messages of another lineage or to another incarnation of ours are dropped and OK.
 */
MUST_CHECK enum error raft_receive(struct raft *raft, msec now, const struct member *from, struct bytes message);

/* ---- storage, time, application ---- */

/* status other than OK: the disk failed; raft halts (RAFT_HALTED) and says nothing more. */
void raft_persisted(struct raft *raft, msec now, uint64_t token, enum error status);
void raft_tick(struct raft *raft, msec now);
msec raft_deadline(const struct raft *raft);
/* The owner has applied entries up to index: the bound of what compaction may drop. */
void raft_applied(struct raft *raft, uint64_t index);

/* ---- verbs ---- */

struct proposal {
	enum entry_kind kind;
	uint32_t commands;           /* users' commands inside */
	struct blob *payload;        /* taken, also on error */
};

/*
 * Leader only, else ERROR_NOT_LEADER, also while leadership is being handed over or before the NOOP of this term is
 * committed; ERROR_BUSY: too much is uncommitted. *index: where it stands; it may still be lost until it is committed.
 */
MUST_CHECK enum error raft_propose(struct raft *raft, msec now, const struct proposal *proposal, uint64_t *index);

/* Leader: a peer handed over what stands at `index`, and waits for it: it hears of the commit at once. */
void raft_wants_commit(struct raft *raft, const struct id *peer, uint64_t index);

/*
 * Linearizable read (6.4): RAFT_READABLE with this ticket and the index that must be applied before reading, or
 * RAFT_READ_FAILED. On a follower it asks the leader. Reads of one moment share a round. Tickets are the owner's.
 */
void raft_read(struct raft *raft, msec now, uint64_t ticket);

/* Leader: hands over to `to`, or to the best voter if NULL. Does nothing elsewhere. */
void raft_transfer(struct raft *raft, msec now, const struct id *to);
/* We want out: the leader is asked until RAFT_REMOVED comes. A leader hands over first. */
void raft_leave(struct raft *raft, msec now);
void raft_set_preference(struct raft *raft, msec now, enum preference preference);
/*
 * The owner's state is being filled from a snapshot of the others: its log may be whole, but who leads like that changes no
 * voters, or else those that have the state may be none of them any more, and nobody it could hand over to.
 */
void raft_set_hollow(struct raft *raft, bool is_hollow);

/* ---- compaction and snapshots ---- */

/* Entries below `first` may go: a snapshot of at least first - 1 was made durable by the owner (or need not be). */
void raft_compact(struct raft *raft, const struct snapshot_meta *meta, uint64_t first);
/*
 * A verified snapshot whose chunks the owner has asked to be persisted, earlier in the same order. true: the owner takes its
 * state over now; the PERSIST with the meta follows from here, because only raft knows whether entries behind it, which may
 * have been acknowledged, stay. Configurations up to it come from it alone. false: not beyond our commit, nothing changed.
 */
bool raft_install(struct raft *raft, msec now, const struct snapshot_meta *meta);
/* Its PERSIST is still to come: no later snapshot may be written before it. */
bool raft_is_installing(const struct raft *raft);

/* ---- what comes out ---- */

enum raft_lane { LANE_CONTROL, LANE_APPEND, LANE_BULK, LANES };   /* control never queues behind the others */

enum raft_output_kind {
	RAFT_SEND,               /* to, lane, payload: taken by the reader */
	RAFT_PERSIST,            /* persist: taken; answered by raft_persisted, in order */
	RAFT_COMMITTED,          /* index: entries up to it are committed: raft_entry gives them */
	RAFT_READABLE,           /* ticket, index */
	RAFT_READ_FAILED,        /* ticket, reason: ERROR_NOT_LEADER (try again with a new ticket) */
	RAFT_LEADER,             /* member: changed; none: nobody known. term */
	RAFT_CONFIGURED,         /* index: a configuration was committed: raft_configuration */
	RAFT_NEEDS_SNAPSHOT,     /* we lag behind the logs of the others; index: the leader's first */
	RAFT_REMOVED,            /* we are no voter any more, by a committed configuration; after raft_leave: we are free to go */
	RAFT_REGRESSED,          /* others hold acknowledgements of ours that we do not remember: take a new incarnation */
	RAFT_DIVERGED,           /* another history under the same index: this replica must not go on */
	RAFT_HALTED              /* reason: the disk failed */
};

struct raft_output {
	enum raft_output_kind kind;
	enum raft_lane lane;
	enum error reason;
	struct member to;        /* SEND; LEADER */
	struct blob *payload;
	struct persist *persist;
	uint64_t index;
	uint64_t term;
	uint64_t ticket;
};

bool raft_next(struct raft *raft, struct raft_output *out);   /* oldest first; false: none */

/* ---- looks ---- */

enum raft_role { RAFT_LEARNER, RAFT_FOLLOWER, RAFT_PRE_CANDIDATE, RAFT_CANDIDATE, RAFT_IS_LEADER };

enum raft_role raft_role(const struct raft *raft);
uint64_t raft_term(const struct raft *raft);
const struct id *raft_lineage(const struct raft *raft);       /* zero: none */
struct member raft_leader(const struct raft *raft);           /* none: unknown */
uint64_t raft_commit(const struct raft *raft);
uint64_t raft_first(const struct raft *raft);                 /* index of the oldest entry held */
uint64_t raft_last(const struct raft *raft);
uint64_t raft_durable(const struct raft *raft);               /* entries up to it are on disk here */
bool raft_is_operational(const struct raft *raft);            /* leader whose NOOP of this term is committed */
/* An entry that is held: borrowed until the next input. NULL: compacted away, or beyond the last. */
const struct log_entry *raft_entry(const struct raft *raft, uint64_t index);
/* The configuration in force at `index`, and where it was written. index >= snapshot's. */
const struct configuration *raft_configuration(const struct raft *raft, uint64_t index, uint64_t *written);
bool raft_chain(const struct raft *raft, uint64_t index, struct chain *out);   /* false: not known any more */

struct raft_progress {
	struct member member;
	enum preference preference;
	bool voter;
	bool up;
	uint64_t match;
	msec heard_ago;
};
/* The n-th other member by peer id, as the leader sees it; elsewhere match is 0. false: there are not so many. */
bool raft_progress(const struct raft *raft, msec now, size_t n, struct raft_progress *out);

void raft_check(const struct raft *raft);                     /* asserts every local invariant */

#endif
