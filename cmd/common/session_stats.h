/*
 * session_stats.h - what a node has done so far, on stderr: for --stats and SIGUSR1 of programs that are no pipes.
 *
 *     mosaik-bootstrap: stats peers=3 neighbours=3 received=... seconds=12.001
 */
#ifndef CMD_SESSION_STATS_H
#define CMD_SESSION_STATS_H

#include "cmd/common/session.h"
#include "cmd/common/stats.h"

/* One object with -j. What is more than a node's comes before session_stats_end. */
struct stats session_stats_begin(const struct session *session);
/* Prints it, with the node's fields last: what they say is in mosaik-bootstrap(1). */
void session_stats_end(struct session *session, struct stats *stats);
/* Both. */
void session_stats(struct session *session);

#endif
