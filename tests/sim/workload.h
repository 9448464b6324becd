/*
 * workload.h - one collection as what a simulated group replicates: its commands, and the judge of what comes of them.
 *
 * The content after every position of every lineage is kept as the model (work.h) has it. So each result and each answer is
 * held against the content at its very position, whoever gives it and however it came by its state.
 *
 * A command goes with the name of its operation in front, which the replicated state takes off again.
 */
#ifndef TESTS_SIM_WORKLOAD_H
#define TESTS_SIM_WORKLOAD_H

#include "base/rng.h"
#include "groups/state.h"
#include "tests/sim/linear.h"

struct workload;

/* What a seed draws: NULL, the cells of states.h, or a collection. name: "cells", "map", ..: that one; NULL: any. */
struct workload *workload_draw(uint64_t seed, const char *name, size_t ballast);
bool workload_knows(const char *name);
void workload_free(struct workload *workload);               /* NULL is fine */
const char *workload_name(const struct workload *workload);  /* "pqueue"; NULL: "cells" */

/* A replica, empty; released by its ops. */
struct state workload_state(const struct workload *workload);
/* The same with the content that `position` commands of a lineage (a small number) made. */
struct state workload_state_at(const struct workload *workload, size_t lineage, uint64_t position);

/* Draws an operation, remembers it under its name and appends it to out. lineage: of whom it is asked; SIZE_MAX: none. */
void workload_command(struct workload *workload, struct rng *rng, size_t lineage, uint64_t name, struct buffer *out);
void workload_query(struct workload *workload, struct rng *rng, size_t lineage, uint64_t name, struct buffer *out);

bool workload_read_name(struct bytes command, uint64_t *name);
/* The command of that name stands at that position, the next one of the lineage that any member applies. */
void workload_applied(struct workload *workload, size_t lineage, uint64_t position, uint64_t name);
/* Whether this is what the operation comes to: a command at its position, a query of the content there. */
bool workload_judge(const struct workload *workload, size_t lineage, uint64_t position, uint64_t name, struct bytes result);
/* Whether a replica holds all that the lineage came to; asserts its invariants, too. */
bool workload_is_content(const struct workload *workload, size_t lineage, const struct state *state);

/* What a client was told, or that it knows nothing (returned: LINEAR_PENDING), for linear_check. */
struct work_told {
	uint64_t client;
	int64_t invoked, returned;
	struct bytes result;
};
void workload_tell(struct workload *workload, uint64_t name, const struct work_told *told);
const struct linear_history *workload_history(struct workload *workload);    /* all was told */

#endif
