/*
 * entries.h - the committed log on stdout: one record an entry, or with -j {"index", "term", "data"}.
 */
#ifndef GROUP_ENTRIES_H
#define GROUP_ENTRIES_H

#include "base/error.h"
#include "cmd/common/framing.h"

struct log_place {
	uint64_t index;                /* among users' commands: 1 is the first */
	uint64_t term;
};

/* ERROR_BAD_TEXT: it cannot be written in this framing (a NUL inside, framing null). */
MUST_CHECK enum error entries_put(struct output *output, enum framing framing, const struct log_place *place, struct bytes data);

#endif
