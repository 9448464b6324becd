/*
 * group_oracle.h - what the parts of the oracle share: one history for each lineage, as everybody together knows it.
 */
#ifndef TESTS_SIM_GROUP_ORACLE_H
#define TESTS_SIM_GROUP_ORACLE_H

#include "tests/sim/group_sim.h"

#define ORACLE_LINEAGES_MAX 64

struct committed {                            /* an index, for ever */
	uint64_t term;
	uint64_t by_term;                     /* of the leader that counted it first */
	struct chain chain;
	bool known;                           /* false: its leader compacted it in the very turn that committed it */
};

struct applied {                              /* a position */
	uint64_t name;                        /* of the operation; 0: nothing was applied here, as members agree */
	bool known;
	bool has_hash;
	uint64_t hash;                        /* of the state after it */
	struct linear_state before;           /* of its cell */
};

struct version {
	uint64_t position;
	struct linear_state state;
};

struct cell_versions {
	struct version *version;
	size_t count, capacity;
};

struct marks {                                /* a set of numbered facts, each with what was first said of it */
	struct mark {
		uint64_t key[3];
		uint64_t value;
		bool used;
	} *slot;
	size_t slots, count;
};

struct history {
	struct id lineage;
	struct committed *log;                /* of index 1, ... */
	size_t committed, log_capacity;
	uint64_t position;                    /* of users' commands committed, carried out or not */
	struct applied *applied;              /* of position 1, ... */
	size_t positions, applied_capacity;
	struct cell_versions cell[64];
	struct marks written;                 /* (index, term) -> chain */
	struct marks leaders;                 /* (term) -> member */
	uint64_t acknowledged;
	bool gave_way;                        /* somebody gave it up for another */
	uint64_t archived;                    /* up to which position, by a member that gave it up */
	struct configuration configuration;   /* latest committed */
	uint64_t configuration_index;         /* 0: none yet */
	bool had_three;
	bool missed;                          /* a configuration was compacted in the turn that committed it */
};

struct oracle {
	struct world *world;
	struct history history[ORACLE_LINEAGES_MAX];
	size_t histories;
	struct marks votes;                   /* (member, term) -> for whom */
	bool may_shrink;
};

/* What is remembered of key; `value` if nothing was. */
uint64_t marks_put(struct marks *marks, const uint64_t key[3], uint64_t value);
void marks_fini(struct marks *marks);
uint64_t oracle_short(const void *bytes);      /* eight bytes as a number */

void oracle_committed(struct oracle *oracle, size_t place, uint64_t from, uint64_t to);   /* indices from+1 .. to */
/* The entry of an index as this member's log has it. false: not (any more) in its shadow. */
bool oracle_shadow(const struct shadow *shadow, uint64_t index, struct shadow_entry *out);

#endif
