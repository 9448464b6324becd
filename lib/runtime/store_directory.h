/*
 * store_directory.h - the directory that a store is in: made, locked, judged, moved away. Blocking. 0, or errno.
 */
#ifndef RUNTIME_STORE_DIRECTORY_H
#define RUNTIME_STORE_DIRECTORY_H

#include "runtime/store.h"
#include "runtime/store_file.h"

int store_directory_make(const char *path);              /* also if it is there */
int store_directory_sync(const char *path);
/*
 * One process at a time, and for as long as it lives: one that was killed just now may still be on its way out, so
 * EWOULDBLOCK comes after a second. *out: a descriptor, which holds the lock.
 */
int store_directory_lock(const char *path, int *out);
/* Moves `path` to "<directory>/<stem>-<number>", the first that is free. */
int store_directory_set_aside(const char *directory, const char *path, const char *stem, char out[STORE_PATH_MAX]);
/*
 * What is in it. Rot in LMDB's own pages can make LMDB crash instead of failing, so it is a child process that reads every
 * record, and whose death is an answer too: DAMAGED.
 */
int store_directory_judge(const char *path, const struct id *group, const struct id *peer, enum store_read *out);

#endif
