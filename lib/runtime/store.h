/*
 * store.h - durable storage of one group: an LMDB environment in DIRECTORY/<group id>, locked while it is open.
 *
 * Everything a request asks for is one transaction; what was asked while a transaction was under way becomes the next
 * one, so that one disk commit serves them all. Transactions run in libuv's thread pool and are answered on the loop, in
 * order. Every record carries a checksum, bound to its key.
 *
 * A full disk is waited out: requests stay unanswered until there is room. Any other failure is final.
 */
#ifndef RUNTIME_STORE_H
#define RUNTIME_STORE_H

#include "groups/persist.h"

struct uv_loop_s;
struct store;

#define STORE_PATH_MAX 4096

struct store_options {
	const char *directory;           /* made if it is missing; shared by the groups of a node */
	struct id group;
	struct id peer;                  /* whose promises these are: another peer's are of no use */
	struct uv_loop_s *loop;
	/* Not from within store_put. status: OK, or ERROR_SYSTEM, for which errno says why. */
	void (*done)(void *self, uint64_t token, enum error status);
	void *self;
};

enum store_state {
	STORE_NEW,                       /* nothing was there */
	STORE_INTACT,
	STORE_SET_ASIDE                  /* damaged, or another peer's: moved to `aside`, and begun anew */
};

struct store_found {
	enum store_state state;
	char aside[STORE_PATH_MAX];      /* where the old one is now */
};

/*
 * *image: what is there; its incarnation is 0 if nothing is. ERROR_NOT_ALLOWED: another process uses it, and did so for
 * a second; ERROR_SYSTEM (errno; EIO for what LMDB itself finds wrong).
 */
MUST_CHECK enum error store_open(const struct store_options *options, struct store **out, struct image *image,
	struct store_found *found);
void store_put(struct store *store, struct persist *request);    /* taken; answered by done() */
bool store_is_full(const struct store *store);                   /* waits for room on the disk */
/*
 * After the transaction under way, which is still answered; requests that wait are dropped. The loop must run for it to
 * finish. NULL is fine.
 */
void store_close(struct store *store);

#endif
