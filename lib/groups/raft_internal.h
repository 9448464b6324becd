/*
 * raft_internal.h - what the parts of raft share. raft.h is the contract.
 *
 *      raft.c            dispatch, terms, time                raft_output.c      what waits for the disk, what leaves
 *      raft_life.c       beginnings                           raft_peers.c       the others
 *      raft_snapshot.c   compaction, installation             raft_progress.c    one follower
 *      raft_log.c        entries in memory                    raft_config.c      configurations from the log, quorums
 *      raft_election.c   PreVote, Vote, TimeoutNow            raft_follower.c    what a leader tells us
 *      raft_leader.c     progress, appends, commit            raft_read.c        ReadIndex
 *      raft_transfer.c   handing over, leaving                raft_autopilot.c   who shall vote
 *      raft_wire.c       messages                             raft_check.c       invariants
 *
 * What is "ours" of the log, and how far:
 *
 *      base ... commit ........ verified ...... last      in memory; entries up to base are in a snapshot or forgotten
 *                    durable ............. handed          of these, on disk; given to a PERSIST
 *
 * `verified` is the prefix that the leader of this term has compared with its own log. A follower's match is
 * min(verified, durable), computed in one place: raft_match.
 */
#ifndef GROUPS_RAFT_INTERNAL_H
#define GROUPS_RAFT_INTERNAL_H

#include "base/rng.h"
#include "base/table.h"
#include "groups/raft.h"
#include "groups/raft_wire.h"

#define RAFT_WINDOW_MESSAGES 64              /* appends in flight to one follower, */
#define RAFT_WINDOW_BYTES (4u << 20)         /* and their size */
#define RAFT_UNCOMMITTED_MAX (64u << 20)     /* bytes proposed and not committed */
#define RAFT_TRAILING_MAX 250                /* entries that a standby may lag behind and still be promoted */
#define RAFT_READS_MAX 65536                 /* reads waiting here, own and those of followers */
#define RAFT_TELL_WITHIN 1                   /* msec from a commit until followers that do not wait for it are told */
#define RAFT_ROUNDS_MAX 4                    /* rounds of heartbeats for reads under way; further reads share the next */
#define RAFT_DEAD_MAX 64                     /* members known to have ended that some configuration may still name */
#define RAFT_DECLARED_MAX 32
#define RAFT_TERM_JUMP_MAX (UINT64_C(1) << 32)

/* ---- raft_log.c: entries base + 1 .. last, found in O(1) ---- */

struct raft_log {
	struct log_entry *entry;     /* entry[start] has index base.index + 1 */
	size_t start;
	size_t count;
	size_t capacity;
	struct entry_head base;      /* the entry before the first; index 0: the beginning of everything */
};

void raft_log_fini(struct raft_log *log);
uint64_t raft_log_last(const struct raft_log *log);
/* Of base.index .. last. */
const struct entry_head *raft_log_head(const struct raft_log *log, uint64_t index);
const struct log_entry *raft_log_entry(const struct raft_log *log, uint64_t index);   /* NULL: not held */
uint64_t raft_log_term(const struct raft_log *log, uint64_t index);
/* Appends; fills in index, position and chain. Takes the payload. */
void raft_log_append(struct raft_log *log, const struct entry_head *head, struct blob *payload);
void raft_log_load(struct raft_log *log, const struct log_entry *entry);     /* as stored; keeps the payload */
void raft_log_truncate(struct raft_log *log, uint64_t from);                 /* forgets from .. last */
void raft_log_compact(struct raft_log *log, uint64_t first);                 /* forgets .. first - 1; first <= last + 1 */
void raft_log_reset(struct raft_log *log, const struct entry_head *base);    /* empty */
/* The largest index <= `index`, and >= base.index, whose term is <= term; base.index if there is none. */
uint64_t raft_log_not_after(const struct raft_log *log, uint64_t index, uint64_t term);

/* ---- peers ---- */

enum progress { PROGRESS_PROBE, PROGRESS_REPLICATE, PROGRESS_SNAPSHOT };

struct raft_flight {
	uint64_t last;               /* index of the last entry of the message */
	uint32_t bytes;
};

struct peer {
	struct member member;
	enum preference preference;
	bool durable;
	bool up;
	bool leaving;                /* leader: asked to go */
	bool voted;                  /* candidate: granted in this round (PreVote or Vote) */

	/* Leader, of this term: */
	enum progress progress;
	bool paused;                 /* PROBE: a message is out. SNAPSHOT: told so */
	msec stalled_since;          /* nothing is acknowledged although something is under way; MSEC_NEVER: all is well */
	uint64_t match;
	uint64_t next;
	uint64_t commit_told;
	uint64_t waits_for;          /* something of this peer's hangs on the commit of this index */
	uint64_t round;              /* highest heartbeat answered */
	msec heard_at;               /* an answer of this term */
	msec ready_since;            /* MSEC_NEVER: not up, or lags */
	struct raft_flight flight[RAFT_WINDOW_MESSAGES];
	uint32_t flight_first;
	uint32_t flight_count;
	size_t flight_bytes;
};

struct configured {
	uint64_t index;
	struct configuration configuration;
};

struct raft_held {                   /* a SEND that promises something not yet durable */
	uint64_t version;            /* goes when hard_durable >= version */
	struct raft_output output;
};

struct raft_reading {
	uint64_t ticket;             /* of our owner; or */
	struct member from;          /* of a follower, with its id */
	uint64_t id;                 /* our own on a follower: of the READ that was sent; 0: not yet */
	uint64_t round;              /* leader: of the heartbeats that confirm it; 0: not yet */
	uint64_t index;
	msec asked_at;
};

struct raft {
	struct raft_options options;
	struct rng rng;
	msec now;                    /* of the latest input */
	bool stopped;                /* halted, regressed or diverged: nothing more is said or believed */

	struct hard_state hard;
	struct raft_log log;
	struct snapshot_meta meta;
	struct configured *configured;       /* ascending; the first may be the snapshot's */
	size_t configured_count;
	size_t configured_capacity;
	uint64_t commit;
	uint64_t applied;

	/* Storage. One PERSIST is under way at most; what happens meanwhile becomes the next. */
	uint64_t hard_version;       /* counts changes of lineage, term and vote */
	bool had_three_changed;
	uint64_t hard_handed;
	uint64_t hard_durable;
	uint64_t handed;             /* entries up to here were given to a PERSIST, */
	uint64_t durable;            /* and are on disk */
	uint64_t truncate_from;      /* to be said with the next one; 0: nothing */
	bool install;                /* so is meta */
	uint64_t token;              /* the last one */
	bool persisting;
	uint64_t persisting_to;      /* entries that the one under way makes durable, unless they are overwritten */
	msec persisting_since;

	enum raft_role role;         /* RAFT_LEARNER is never stored here: see raft_role */
	struct member leader;        /* none: unknown, or its connection is over */
	uint64_t leader_term;        /* of the last word about it */
	struct member term_leader;   /* who led this term, even if it is unreachable now */
	uint64_t verified;
	bool owed;                   /* the leader waits for an acknowledgement */
	uint64_t acknowledged;
	msec heard_at;               /* from the leader */
	msec election_at;
	bool orphaned;               /* its connection is over, so that others will notice soon as well */
	unsigned lost;               /* rounds in a row without a winner */
	bool transferred;            /* candidate because the leader asked for it */

	struct id_table peers;       /* -> struct peer *; never ourselves */
	bool forgetful;              /* some of them may be of no more interest */
	struct member dead[RAFT_DEAD_MAX];
	size_t dead_count;
	struct member declared[RAFT_DECLARED_MAX];   /* by an operator: those dead may make the group smaller */
	size_t declared_count;

	/* Leader. */
	msec leader_since;
	msec heartbeat_at;
	msec tell_at;                /* whoever has not heard of the commit by then is told; MSEC_NEVER: all have */
	bool is_untold;              /* found by the last look at all peers */
	uint64_t urgent;             /* leader: the newest entry that is no command */
	msec autopilot_at;
	msec changed_at;             /* when a configuration was last committed in this term; 0: never */
	size_t uncommitted_bytes;
	uint64_t round;              /* never reset: a round is never reused in this life */
	struct member transfer_to;   /* none: no handing over */
	msec transfer_until;
	bool transfer_told;
	bool transfer_failed;        /* once in this term: do not wait for it again */
	struct member deaf;          /* the target that did not take over: somebody else is tried first */

	struct raft_reading *reading;
	size_t reading_count;
	size_t reading_capacity;
	uint64_t read_id;            /* the last one */

	bool is_hollow;              /* what the owner has is not the state that belongs to the log */
	bool was_voter;              /* by a committed configuration */
	bool leaving;
	bool removed_told;
	msec leave_at;

	struct raft_output *output;  /* output[output_first .. output_count) */
	size_t output_first;
	size_t output_count;
	size_t output_capacity;
	struct raft_held *held;
	size_t held_count;
	size_t held_capacity;
};

/* ---- raft_peers.c ---- */

bool raft_is_self(const struct raft *raft, const struct member *member);
struct peer *raft_find(const struct raft *raft, const struct member *member);   /* NULL: no such life is known */
struct peer *raft_peer_at(const struct raft *raft, size_t n);
void raft_know_voters(struct raft *raft);            /* a record for every peer that the configurations name */
bool raft_is_dead(const struct raft *raft, const struct member *member);
void raft_forget_peers(struct raft *raft);           /* those that are away and that no configuration names */

/* ---- raft.c ---- */

void raft_become_follower(struct raft *raft, uint64_t term, const struct member *leader);   /* term >= ours */
void raft_set_leader(struct raft *raft, const struct member *leader);
void raft_commit_to(struct raft *raft, uint64_t index);   /* and what follows from it */
void raft_configured(struct raft *raft, const struct configured *committed);   /* it counts for good now */
bool raft_is_voter(const struct raft *raft);         /* by the effective or the latest committed configuration */
void raft_stop(struct raft *raft, enum raft_output_kind why, enum error reason, uint64_t index);

/* ---- raft_snapshot.c ---- */

struct entry_head raft_snapshot_head(const struct snapshot_meta *meta);   /* as of an entry before the first */

/* ---- raft_output.c ---- */

void raft_say(struct raft *raft, const struct raft_output *output);
/* Fills in lineage, lives and our term (unless it is set); waits for the hard state of this moment. */
void raft_send(struct raft *raft, const struct member *to, enum raft_lane lane, struct raft_message *message);
void raft_hold_nothing(struct raft *raft);           /* what waits is of an older term: lost on the way */
void raft_hard_changed(struct raft *raft);
bool raft_is_hard_durable(const struct raft *raft);
void raft_truncate(struct raft *raft, uint64_t from);
void raft_append(struct raft *raft, const struct entry_head *head, struct blob *payload);   /* takes the payload */
void raft_persist_fini(struct raft *raft);

/* ---- raft_config.c ---- */

const struct configuration *raft_config_effective(const struct raft *raft);
const struct configuration *raft_config_committed(const struct raft *raft);
/* The latest that must be committed, also where a restart forgot how far that is: nobody writes one before the last is (C1). */
const struct configuration *raft_config_certain(const struct raft *raft);
uint64_t raft_config_index(const struct raft *raft);          /* where the effective one is written */
void raft_config_appended(struct raft *raft, const struct log_entry *entry);
void raft_config_truncated(struct raft *raft, uint64_t from);
void raft_config_rebased(struct raft *raft, const struct snapshot_meta *meta);   /* all up to meta's index: from it alone */
/* The largest v that a quorum has at least: a majority of every set there is. 0 if there is no set. */
uint64_t raft_config_quorum(const struct raft *raft, const struct configuration *configuration,
	uint64_t (*value)(const struct raft *raft, const struct member *member));

/* ---- raft_election.c ---- */

void raft_election_reset(struct raft *raft);         /* a fresh random time to wait */
void raft_election_soon(struct raft *raft);          /* the leader's connection is over */
bool raft_election_may(const struct raft *raft);     /* whether we may campaign */
void raft_election_tick(struct raft *raft);
void raft_election_voted_durably(struct raft *raft);
void raft_election_meet(struct raft *raft, struct peer *peer);   /* a peer came up while we may be asking */
void raft_election_transferred(struct raft *raft, uint64_t index);   /* TIMEOUT_NOW, said when the log ended there */
void raft_election_message(struct raft *raft, struct peer *from, const struct raft_message *message);

/* ---- raft_follower.c ---- */

uint64_t raft_match(const struct raft *raft);
enum error raft_follower_message(struct raft *raft, struct peer *from, const struct raft_message *message);
void raft_follower_persisted(struct raft *raft);
void raft_follower_installed(struct raft *raft);

/* ---- raft_progress.c: one follower or learner, as its leader sees it ---- */

void raft_progress_reset(struct raft *raft, struct peer *peer);  /* nothing is known of this life in this term */
void raft_progress_meet(struct raft *raft, struct peer *peer);   /* a new connection: what was under way may be lost */
void raft_progress_feed(struct raft *raft, struct peer *peer);   /* sends what it may have now */
void raft_progress_ok(struct raft *raft, struct peer *peer, const struct raft_message *message);
void raft_progress_no(struct raft *raft, struct peer *peer, const struct raft_message *message);
void raft_progress_alive(struct raft *raft, struct peer *peer, const struct raft_message *message);

/* ---- raft_leader.c ---- */

void raft_leader_begin(struct raft *raft);
void raft_leader_noop(struct raft *raft);            /* an entry of our term that means nothing */
void raft_leader_end(struct raft *raft);
void raft_leader_tick(struct raft *raft);
void raft_leader_flush(struct raft *raft);
void raft_leader_committed(struct raft *raft, uint64_t before);
void raft_leader_advance(struct raft *raft);
void raft_leader_beat(struct raft *raft);            /* a heartbeat to everybody */
void raft_leader_configure(struct raft *raft, const struct configuration *configuration);
enum error raft_leader_message(struct raft *raft, struct peer *from, const struct raft_message *message);

/* ---- raft_read.c ---- */

void raft_read_message(struct raft *raft, const struct peer *from, const struct raft_message *message);
void raft_read_flush(struct raft *raft);
void raft_read_confirmed(struct raft *raft);         /* a heartbeat was answered */
void raft_read_fail(struct raft *raft);              /* the leader changed */
void raft_read_tick(struct raft *raft);
msec raft_read_deadline(const struct raft *raft);

/* ---- raft_transfer.c ---- */

void raft_transfer_tick(struct raft *raft);
void raft_transfer_acknowledged(struct raft *raft, const struct peer *peer);
/* The best other voter to lead that is up and not far behind; NULL: none. */
struct peer *raft_transfer_best(const struct raft *raft);
void raft_transfer_farewell(struct raft *raft);      /* a committed configuration goes on without us, the leader */
void raft_leave_tick(struct raft *raft);
void raft_leave_message(struct raft *raft, struct peer *from);

/* ---- raft_autopilot.c ---- */

void raft_autopilot_tick(struct raft *raft);
bool raft_autopilot_wants_out(const struct raft *raft, const struct member *member);

#endif
