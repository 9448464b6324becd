/*
 * store_file.h - the LMDB environment behind store.h: one transaction, and reading everything back.
 *
 *     log     index                     [term, kind, commands, position, chain, payload]
 *     chunk   snapshot index, number    bytes
 *     state   "owner"                   [format, group, peer]
 *             "hard"                    [lineage, incarnation, term, vote peer, vote incarnation, had three]
 *             "tail"                    [transaction, last index]
 *             "snapshot"                [index, term, position, chain, configuration, its index, chunks, root]
 *
 * A value is followed by the first 8 bytes of BLAKE3(table, key, value): rot and misplaced pages are seen.
 * Blocking; to be called from the thread pool, except at start.
 */
#ifndef RUNTIME_STORE_FILE_H
#define RUNTIME_STORE_FILE_H

#include <lmdb.h>

#include "groups/persist.h"

struct store_file {
	MDB_env *env;
	MDB_dbi log, chunk, state;
	size_t map_size;
};

/* 0, or errno, or an error of LMDB. The directory exists. */
int store_file_open(const char *directory, struct store_file *out);
void store_file_close(struct store_file *file);

/* All of `request[0 .. count)` in one transaction. Grows the map as needed. 0, errno or LMDB's. */
int store_file_write(struct store_file *file, struct persist *const *request, size_t count);

int store_file_put_owner(struct store_file *file, const struct id *group, const struct id *peer);

enum store_read { STORE_READ_EMPTY, STORE_READ_WHOLE, STORE_READ_FOREIGN, STORE_READ_DAMAGED };
/* image may be NULL: only judged. What it holds in the end is the caller's: image_fini. */
enum store_read store_file_read(struct store_file *file, const struct id *group, const struct id *peer,
	struct image *image);

#endif
