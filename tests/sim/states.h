/*
 * states.h - a replicated state for tests: numbered cells, each a register with compare-and-swap, a counter or an append
 * list, as the commands that reach it say. What a cell does is what linear.h says of its operations.
 */
#ifndef TESTS_SIM_STATES_H
#define TESTS_SIM_STATES_H

#include "groups/state.h"
#include "tests/sim/linear.h"

#define STATES_CELLS 64

/* ballast: bytes that every item of a snapshot carries besides, so that snapshots have many chunks; < 64 KiB. */
struct state states_new(size_t ballast);

void states_set(struct state *state, uint64_t cell, struct linear_state content);

/* name: any number but 0, told in the command's bytes and nowhere used by the state; padding: bytes at the end. */
void states_command(const struct linear_op *op, uint64_t name, size_t padding, struct buffer *out);
/* false: not a command */
bool states_read_command(struct bytes command, struct linear_op *op, uint64_t *name);
void states_query(const struct linear_op *op, struct buffer *out);
/* Of a result or an answer: fills in op->result and op->chain. false: not one. */
bool states_read_result(struct bytes result, struct linear_op *op);

#endif
