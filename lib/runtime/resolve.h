/*
 * resolve.h - the peers that a person named: PEERID@HOST:PORT[,HOST:PORT...] or HOST:PORT, with names for hosts.
 *
 * Numeric ones are ready at once; names are looked up off the loop (uv_getaddrinfo) and, while that fails, again with back-off.
 */
#ifndef RUNTIME_RESOLVE_H
#define RUNTIME_RESOLVE_H

#include "base/address.h"

struct uv_loop_s;
struct resolver;

struct resolve_ops {
	/* Told once a peer: at once if it is numeric, from the loop otherwise. */
	void (*resolved)(void *self, const struct dial *dial);
	/* A lookup failed and will be tried again; reason is libuv's words. */
	void (*failed)(void *self, const char *peer, const char *reason);
};

/* ERROR_BAD_TEXT: not of the form; nothing is started. text is borrowed for the life of the resolver. */
MUST_CHECK enum error resolve_peer(struct uv_loop_s *loop, const char *text, const struct resolve_ops *ops, void *self,
	struct resolver **out);   /* *out: NULL when it was answered at once */
void resolve_cancel(struct resolver *resolver);   /* the loop must run on until its handles are closed; NULL is fine */

#endif
