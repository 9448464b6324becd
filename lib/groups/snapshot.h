/*
 * snapshot.h - a replica at one index as a run of chunks that every member makes alike.
 *
 *     [version, signature, frozen, lineage, position]   sessions   item   item   item ...
 *
 * each as a CBOR byte string, one behind the other, cut every 256 KiB: BLAKE3 of each chunk, and BLAKE3 over those
 * hashes, the root. Members that froze the same index of the same history can therefore serve one newcomer together,
 * and a member whose state went another way is found out.
 */
#ifndef GROUPS_SNAPSHOT_H
#define GROUPS_SNAPSHOT_H

#include "groups/replica.h"

#define SNAPSHOT_VERSION 2
#define SNAPSHOT_CHUNK_SIZE (256u << 10)
#define SNAPSHOT_CHUNKS_MAX 65536          /* 16 GiB; a manifest of 2 MiB */

/* ---- making one ---- */

struct snapshot;

/* The replica as it is now, kept apart from what it does later. meta: its index, term, chain, configuration. */
struct snapshot *snapshot_freeze(const struct replica *replica, const struct snapshot_meta *meta);
void snapshot_free(struct snapshot *snapshot);       /* NULL is fine */

/*
 * Makes and hashes the next chunk: the caller's, or NULL when all were made. Then meta has chunks and root. A snapshot
 * that is not whole yet has no chunks to give.
 */
struct blob *snapshot_next(struct snapshot *snapshot);
bool snapshot_is_whole(const struct snapshot *snapshot);
const struct snapshot_meta *snapshot_meta(const struct snapshot *snapshot);
struct bytes snapshot_hashes(const struct snapshot *snapshot);                  /* 32 bytes a chunk */
struct blob *snapshot_chunk(const struct snapshot *snapshot, uint32_t number);  /* made again; the caller's */

struct id snapshot_root(struct bytes hashes);

/* ---- reading one ---- */

struct restore {
	struct replica *into;
	struct buffer carry;             /* an item of which the end is in the next chunk */
	uint64_t items;
};

/* Empties the replica. It is not of use before restore_end was OK. */
void restore_begin(struct restore *restore, struct replica *into);
void restore_fini(struct restore *restore);
/* Chunks in order. ERROR_MALFORMED: not a snapshot of this state. */
MUST_CHECK enum error restore_chunk(struct restore *restore, struct bytes chunk);
/* The last chunk was given: the replica stands at meta->index. */
MUST_CHECK enum error restore_end(struct restore *restore, const struct snapshot_meta *meta, const struct id *lineage);

#endif
