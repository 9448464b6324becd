/*
 * group_internal.h - what the parts of group.c share.
 *
 *      group.c            birth and end of the object, verbs, time
 *      group_turn.c       what follows from an input: raft's outputs, proposals, outcomes, until nothing moves
 *      group_intake.c     what a leader takes into the log
 *      group_apply.c      committed entries into the replica
 *      group_peers.c      the others: hellos, messages
 *      group_query.c      reads
 *      group_snapshot.c   snapshots: made, stored, served; compaction
 *      group_fetch.c      snapshots of the others
 *      group_tally.c      hashes of the state, compared
 *      group_fold.c       what commands came to outside, into the log
 *      group_life.c       beginnings and ends: genesis, lineages that meet, a new incarnation, leaving
 *      group_out.c        queues of effects and facts
 *      group_look.c       status, members, invariants
 */
#ifndef GROUPS_GROUP_INTERNAL_H
#define GROUPS_GROUP_INTERNAL_H

#include "base/rng.h"
#include "base/table.h"
#include "groups/genesis.h"
#include "groups/group.h"
#include "groups/group_wire.h"
#include "groups/handle.h"
#include "groups/lineage.h"
#include "groups/snapshot.h"
#include "groups/sync.h"

#define GROUP_LEAVE_MAX 5000               /* msec until a member that leaves just goes */
#define GROUP_APPLY_MAX 8192               /* entries and commands applied in one go */
#define GROUP_IMAGES_MAX 3
#define GROUP_IMAGE_TTL 10000              /* msec after the last question about it */
#define GROUP_MARK_EVERY 2000              /* msec between two marks */
#define GROUP_MARK_PATIENCE 4000           /* msec that a member asks until it gets one that nobody agreed on */
#define GROUP_ASK_EVERY 500                /* msec between two questions for a snapshot */
#define GROUP_CHUNKS_AT_ONCE 4             /* made in one turn; 1 MiB */
#define GROUP_CHUNKS_STORING 8             /* on their way to the disk */
#define GROUP_COMPACT_SIZE (16u << 20)     /* payloads in the log, or GROUP_COMPACT_ENTRIES, since it was compacted last */
#define GROUP_TRAILING_SIZE (4u << 20)     /* what stays in the log for members that lag, */
#define GROUP_TRAILING_ENTRIES 2000
#define GROUP_FETCH_LOG_MAX (64u << 20)    /* what stays for a member that fetches a snapshot */
#define GROUP_QUERIES_MAX 65536
#define GROUP_SESSION_IDLE 600000          /* msec; then the leader lets a session expire */
#define GROUP_SESSION_EVERY 60000
/*
 * msec that a peer is bonded as somebody else than the voters say, before it counts: a bond with an old life may be noticed
 * to be over only after the new one became a voter.
 */
#define GROUP_NOTE_DEAD 10000

/* ---- the parts ---- */

struct peer {
	struct id id;
	bool expected;
	bool up;
	bool in_raft;
	struct group_hello hello;
	msec asks_until;                 /* leader: wants to be offered a snapshot */
	msec asks_since;                 /* and was not, since */
};

struct query {
	uint64_t ticket;                 /* 0: our own, for a statement */
	enum query_level level;
	uint64_t position;
	msec deadline;
	struct blob *bytes;              /* NULL: only the barrier */
	uint64_t read;                   /* raft's ticket; 0: not asked yet */
	msec ask_at;                     /* not before */
	uint64_t index;                  /* to be applied; meaningful when it is passed */
	bool passed;
};

/* A PERSIST under way. */
struct storing {
	uint64_t token;
	uint64_t raft_token;             /* 0: ours */
	uint32_t life;
	bool is_chunk;
};

/* A snapshot that is made, kept for others, or written down. */
struct frozen_image {
	struct snapshot *snapshot;
	bool to_store;                   /* its chunks are written, and then the log is compacted */
	uint64_t stored_at;              /* to_store, whole: token of its meta; 0: not asked for yet */
	uint64_t log_first;              /* with it */
	msec until;
	uint64_t log_size;               /* group->log_size when it was frozen */
	bool has_expected;
	struct id expected;              /* what its root has to be */
	bool agreed;                     /* and is: it may be given to others */
	bool alone;                      /* of a leader that cannot get anything agreed on; given to others all the same */
};

/* The leader's count of what members say their state hashes to. */
struct tally {
	uint64_t index;
	bool decided;
	size_t count;
	struct {
		struct id peer;
		struct id hash;
	} report[VOTERS_MAX * 2];
};
enum tally_kind { TALLY_CHECKPOINT, TALLY_ROOT, TALLIES };

/* What is being said of commands that were carried out outside. */
struct fold {
	struct blob *content;            /* NULL: nothing */
	uint64_t position, term;
	uint64_t index;                  /* of the entry with the last part that was proposed */
	uint32_t next;                   /* part */
	msec again_at;                   /* not before */
};

/* External groups: who waits for group_answer. */
struct asked {
	bool is_query;
	uint64_t position;
	struct id lineage;
};

struct group {
	struct group_options options;
	struct id id;
	struct member self;
	uint32_t life;                   /* counts our incarnations */
	struct rng rng;
	struct raft *raft;
	struct replica replica;
	struct handle handle;
	struct genesis genesis;
	struct lineage lineage;
	struct sync sync;
	struct restore restore;
	struct id_table peers;           /* struct peer * */
	msec now;                        /* of the last input */
	bool dirty;                      /* verbs were called since the last turn */
	bool more;                       /* the last turn left work */
	bool halted;
	/*
	 * Our incarnation is on disk: before, we are bound to no beginning. Who promised to take part and comes back as somebody
	 * else would leave the others waiting for ever.
	 */
	bool is_named;
	uint64_t named_at;               /* token of the PERSIST */
	uint64_t promised_at;            /* token of the last one that says to which beginning we are bound */
	uint64_t hello_version;
	bool unborn;                     /* our lineage began here, but is not on disk yet: nobody hears of it */

	struct group_effect *effect;     /* [effect_first, effect_count) */
	size_t effect_first, effect_count, effect_capacity;
	struct group_fact *fact;
	size_t fact_first, fact_count, fact_capacity;

	struct storing *storing;         /* [storing_first, storing_count), ascending tokens */
	size_t storing_first, storing_count, storing_capacity;
	uint64_t last_token;
	size_t chunks_storing;

	struct query *query;
	size_t query_count, query_capacity;
	uint64_t last_read;
	struct number_table asked;       /* ticket -> struct asked * */

	struct frozen_image image[GROUP_IMAGES_MAX];
	bool needs_snapshot;             /* we lag behind the logs of the others */
	bool restoring;                  /* the replica is empty, and filled from chunks */
	msec ask_at;
	msec mark_at;                    /* no mark before */
	uint64_t mark_index;             /* of the last mark that we proposed */
	uint64_t log_size;               /* bytes of payloads applied, ever */
	uint64_t compacted_size;         /* log_size and index when the log was compacted last */
	uint64_t compacted_index;
	bool compact_now;                /* however little has come since */
	struct fold fold;
	msec progress_at;                /* restoring: by then another chunk has come, or we ask for another snapshot */
	bool diverged;                   /* the others' hash is another */
	struct tally tally[TALLIES];

	struct number_table appended;    /* leader: session -> struct appended *: what this term has of it in the log */
	uint64_t lead_term;
	uint64_t lead_index;             /* leader: everything of earlier terms is applied when the replica is here */

	bool online;
	bool leads;
	struct id leader;
	uint64_t leader_term;
	struct configuration voters;     /* committed, as told last */
	uint64_t step_index;             /* of FREEZE, THAW or DISSOLVE that we proposed; 0: none */
	uint64_t step_term;
	msec statement_at;
	bool stating;                    /* a statement waits for its read */
	msec note_dead_at;
	struct number_table idle;        /* leader: session -> struct idle * */
	msec idle_at;
	bool leaving;
	bool left;
	msec leave_by;
};

/* ---- group_out.c ---- */

struct group_fact *group_tell(struct group *group, enum group_fact_kind kind);    /* to be filled in */
void group_send(struct group *group, const struct id *peer, enum raft_lane lane, struct blob *payload);   /* taken */
void group_say(struct group *group, const struct id *peer, enum raft_lane lane, const struct group_message *message);
/* persist is taken. Memory mode: done at once. */
void group_store(struct group *group, struct persist *persist, uint64_t raft_token);
/* Our incarnation is over: what it said and is still queued is not sent any more. */
void group_silence(struct group *group);
void group_out_fini(struct group *group);

/* ---- group_turn.c ---- */

void group_turn(struct group *group);
void group_tell_outcomes(struct group *group);           /* of commands, in the history that we have now */
bool group_has_lineage(const struct group *group);
bool group_is_operational(const struct group *group);    /* a leader that may propose */
/* In force at an index; nobody before the first. */
const struct configuration *group_configuration(const struct group *group, uint64_t index);

/* ---- group_intake.c ---- */

/* Leader: a proposal of a member, ourselves or another. The payload is taken. */
enum intake {
	INTAKE_TAKEN,                    /* or it stands in the log already */
	INTAKE_LATER                     /* what comes before it is missing, or we cannot take anything now */
};
enum intake group_intake(struct group *group, const struct sending *sending);
void group_intake_leads(struct group *group);            /* this member begins, or ceases, to lead */
void group_intake_fini(struct group *group);

/* ---- group_apply.c ---- */

bool group_apply(struct group *group);                   /* true: something was applied */

/* ---- group_peers.c ---- */

struct peer *group_peer_find(const struct group *group, const struct id *peer);
void group_peers_to_raft(struct group *group);           /* whoever is in our lineage, and not told yet */
void group_peers_forget(struct group *group);            /* raft is a new one */
void group_peers_fini(struct group *group);
void group_note_dead(struct group *group);               /* lives that are over, among the voters */

/* ---- group_query.c ---- */

bool group_queries_turn(struct group *group);
void group_query_readable(struct group *group, uint64_t read, uint64_t index);
void group_query_failed(struct group *group, uint64_t read);
msec group_queries_deadline(const struct group *group);
void group_queries_fini(struct group *group);
void group_read_for_statement(struct group *group);
void group_ask(struct group *group, uint64_t ticket, bool is_query, uint64_t position);

/* ---- group_snapshot.c ---- */

enum error group_restore_image(struct group *group, const struct image *image);
bool group_snapshots_turn(struct group *group);
msec group_snapshots_deadline(const struct group *group);
void group_snapshot_mark(struct group *group, const struct log_entry *entry);
void group_snapshot_agreed(struct group *group, uint64_t index, const struct id *root);
void group_snapshot_stored(struct group *group, uint64_t token);
void group_snapshot_receive(struct group *group, struct peer *peer, const struct group_message *message);
void group_snapshots_supersede(struct group *group, uint64_t index);    /* by one that was fetched */
void group_snapshots_drop(struct group *group);
void group_store_chunk(struct group *group, uint64_t index, uint32_t number, struct blob *chunk);
void group_compact(struct group *group);
struct snapshot_meta group_meta(const struct group *group);    /* of the replica as it stands; no chunks */

/* ---- group_fetch.c ---- */

void group_snapshot_needed(struct group *group);
bool group_fetch_turn(struct group *group);
msec group_fetch_deadline(const struct group *group);
void group_fetch_offer(struct group *group, const struct peer *peer, const struct group_message *message);
void group_fetch_chunk(struct group *group, const struct peer *peer, const struct group_message *message);

/* ---- group_tally.c ---- */

void group_tally_report(struct group *group, enum tally_kind kind, uint64_t index, const struct id *hash);
void group_tally_receive(struct group *group, const struct peer *peer, const struct group_message *message);
void group_tally_agreed(struct group *group, const struct log_entry *entry);    /* an ENTRY_STATE_HASH is committed */

/* ---- group_fold.c ---- */

bool group_fold_turn(struct group *group);
msec group_fold_deadline(const struct group *group);
void group_folded(struct group *group, const struct log_entry *entry);
void group_fold_fini(struct group *group);

/* ---- group_life.c ---- */

void group_raft_start(struct group *group, const struct image *image);
bool group_life_turn(struct group *group);
void group_life_tick(struct group *group);
msec group_life_deadline(const struct group *group);
void group_life_receive(struct group *group, struct peer *peer, const struct group_message *message);
void group_reborn(struct group *group, const struct id *lineage);    /* a new incarnation, in that lineage */
void group_dissolved(struct group *group, const struct surrender *to, bool is_complete);
void group_removed(struct group *group);
void group_join_or_begin(struct group *group);           /* without a lineage: if a peer has one, it is ours too */

#endif
