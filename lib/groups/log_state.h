/*
 * log_state.h - the state of a group that wants nothing but its log: the list of all commands, each with its position and
 * term. Nothing is ever refused, and no command has a result. The machine that carries them out may say what the first of
 * them came to (group_fold): that takes their place.
 */
#ifndef GROUPS_LOG_STATE_H
#define GROUPS_LOG_STATE_H

#include "groups/log_base.h"
#include "groups/state.h"

struct state log_state_new(void);
/* The log of a machine that is kept elsewhere: another name is another kind of state. NULL: as log_state_new. */
struct state log_state_named(const char *machine);
bool log_state_is(const struct state *state);
uint64_t log_state_count(const struct state *state);            /* of commands that are still listed */
size_t log_state_size(const struct state *state);               /* of those, encoded */
uint64_t log_state_last(const struct state *state);             /* position of the newest command; 0: none */
/* What stands for the commands that are not listed any more; position 0: all are. Borrowed until the next command. */
const struct log_base *log_state_base(const struct state *state);

struct log_record {
	uint64_t position;
	uint64_t term;
	struct bytes command;
};

/*
 * Query: records from the first one at `position` or later, at most `most`, and no more than fit an answer. The answer,
 * like every change and item, holds records: log_record_next takes them off one by one.
 */
#define LOG_STATE_ANSWER_MAX (1u << 20)     /* one record is given whatever its size */
void log_state_query(uint64_t position, uint64_t most, struct buffer *out);
/* false: nothing is left, or it is not an answer. */
bool log_record_next(struct bytes *answer, struct log_record *out);
/* A change (see state_ops.apply) is one record. */
MUST_CHECK enum error log_record_decode(struct bytes item, struct log_record *out);

#endif
