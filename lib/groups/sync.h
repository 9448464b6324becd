/*
 * sync.h - the fetching side of a snapshot: what to ask of whom, and what came.
 *
 *      OFFER of the leader: index, root, hash of every chunk
 *
 *      chunks   0 1 2 3 4 5 6 7 8 ...
 *               given  [ window: asked of several members at once ]  not yet
 *
 * Every chunk is held against its hash, so it does not matter who sends it. At most SYNC_WINDOW chunks are held. A member
 * that does not have the snapshot, or lets a question wait, is left alone for a while; towards the end, idle members are
 * asked for what others still owe.
 */
#ifndef GROUPS_SYNC_H
#define GROUPS_SYNC_H

#include "base/table.h"
#include "base/time.h"
#include "groups/snapshot.h"

#define SYNC_WINDOW 64                     /* chunks; 16 MiB */
#define SYNC_PER_SOURCE 4                  /* chunks asked of one member at a time */
#define SYNC_TIMEOUT 5000                  /* msec for a chunk */
#define SYNC_REST 5000                     /* msec that a member is left alone */

struct sync_slot {
	struct blob *chunk;              /* verified; NULL: not here */
	struct id asked;                 /* of whom last; zero: of nobody */
	msec asked_at;
};

struct sync {
	bool active;
	struct snapshot_meta meta;
	struct buffer hashes;
	uint32_t given;                  /* chunks handed on, in order */
	struct sync_slot slot[SYNC_WINDOW];    /* of chunk n: [n % SYNC_WINDOW] */
	struct id_table sources;         /* struct sync_source * */
};

struct sync_source {
	struct id peer;
	bool up;
	unsigned asked;                  /* chunks that it owes us */
	msec rests_until;
};

void sync_fini(struct sync *sync);

/* Members that may be asked. */
void sync_source_up(struct sync *sync, const struct id *peer);
void sync_source_down(struct sync *sync, const struct id *peer);

/* An offer that fits its root: fetching begins, whatever was fetched before is dropped. ERROR_MALFORMED: it does not. */
MUST_CHECK enum error sync_begin(struct sync *sync, const struct snapshot_meta *meta, struct bytes hashes);
void sync_stop(struct sync *sync);

void sync_tick(struct sync *sync, msec now);
msec sync_deadline(const struct sync *sync);

struct sync_ask {
	struct id peer;
	uint32_t number;
};
/* A question to send now. false: none. */
bool sync_next_ask(struct sync *sync, msec now, struct sync_ask *out);
/* ERROR_MALFORMED: it is not what its hash says; the sender rests. */
MUST_CHECK enum error sync_chunk(struct sync *sync, msec now, const struct sync_ask *from, struct bytes bytes);
void sync_gone(struct sync *sync, msec now, const struct sync_ask *from);
/* The next chunk in order; the caller's. NULL: it is not here, or all were given. */
struct blob *sync_next_chunk(struct sync *sync);
bool sync_is_done(const struct sync *sync);     /* all were given */

#endif
