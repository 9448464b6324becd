/*
 * collection_events.h - changes on their way to stdout, or one run of CMD each: a queue, so that a slow reader does not
 * stop us from hearing that we should end.
 */
#ifndef CMD_COLLECTION_EVENTS_H
#define CMD_COLLECTION_EVENTS_H

#include "cmd/common/change_text.h"
#include "runtime/runtime.h"

#define EVENTS_BYTES_MAX (16u << 20)     /* of the queue: who has more should stop listening until there is less */

struct collection_events;

struct collection_events_options {
	struct runtime *runtime;
	struct collection_shape shape;
	struct change_form form;
	char **command;              /* NULL: stdout */
	uint64_t most;               /* told at the most; 0: no end */
};

struct collection_events *events_new(const struct collection_events_options *options);
void events_free(struct collection_events *events);   /* ends a CMD that runs; the loop must run once more; NULL is fine */

/* change: encoded, copied; empty: a reset. ERROR_MALFORMED: it is none of that shape. */
MUST_CHECK enum error events_add(struct collection_events *events, uint64_t version, struct bytes change);
size_t events_bytes(const struct collection_events *events);     /* waiting */

/* Once a turn: tells what can be told. false: it is over, with *status: 128 + SIGPIPE, EXIT_YES after the last one, ... */
bool events_tell(struct collection_events *events, int *status);

#endif
