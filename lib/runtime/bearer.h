/*
 * bearer.h - tickets that a node presents, kept in files: read at the start, and again whenever a file changed, so that who
 * renews them needs no restart.
 *
 * A file that is no token any more (half written, say) leaves what was read before; one that is gone takes its ticket back.
 */
#ifndef RUNTIME_BEARER_H
#define RUNTIME_BEARER_H

#include "base/log.h"
#include "node/node.h"

struct bearer;

/*
 * Paths: kept. ERROR_FULL: more than CARD_TICKETS_MAX; ERROR_SYSTEM (errno), ERROR_BAD_TEXT: not a token; *what is the path.
 */
MUST_CHECK enum error bearer_open(char *const *path, size_t count, struct bearer **out, const char **what);
void bearer_close(struct bearer *bearer);   /* NULL is fine */

/* The n-th ticket; empty: there is none now, or not so many. */
struct bytes bearer_ticket(const struct bearer *bearer, size_t n);

/* Puts what the files hold now into the node's entry. Costs a stat() a file when nothing changed. */
void bearer_refresh(struct bearer *bearer, struct node *node, msec now, const struct log *log);

#endif
