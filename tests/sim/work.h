/*
 * work.h - what clients do to a collection in the simulator, and a model of what it should come to.
 *
 *      work_draw.c       operations drawn at random, all verbs of a kind, on few keys; their form on the wire
 *      work_model.c      the content as a plain array, and the result of every operation on it
 *      work_history.c    what clients saw, key by key, for linear_check
 *      workload.c        the content after every position of every lineage; the state that members replicate
 *
 * Values are numbers, each written once. On the wire they are eight bytes and as many others as the number says.
 */
#ifndef TESTS_SIM_WORK_H
#define TESTS_SIM_WORK_H

#include "base/rng.h"
#include "collections/collection.h"
#include "collections/pqueue_wire.h"
#include "collections/result.h"
#include "tests/sim/linear.h"

#define WORK_NONE LINEAR_NONE
#define WORK_MANY 4
#define WORK_PRIORITIES 8
#define WORK_KEYS_MAX 64

struct work_shape {
	struct collection_shape shape;
	uint64_t keys;                   /* 0 .. keys - 1 */
	size_t ballast;                  /* most bytes of a value behind its number; < 62 KiB */
};

enum work_verb {
	WORK_PUT, WORK_PUT_MANY, WORK_REMOVE, WORK_REMOVE_MANY, WORK_CLEAR, WORK_CAS,
	WORK_PUSH, WORK_PUSH_FRONT, WORK_POP, WORK_POP_FRONT, WORK_INSERT, WORK_REMOVE_AT, WORK_SWAP, WORK_TRUNCATE,
	WORK_SET_PRIORITY, WORK_SET_VALUE, WORK_REMOVE_RANGE, WORK_TAKE_MIN, WORK_TAKE_MAX,
	/* queries */
	WORK_GET, WORK_LEN, WORK_RANK, WORK_LIST, WORK_HAS_ALL, WORK_GET_AT, WORK_LAST, WORK_INDEX_OF, WORK_MIN, WORK_MAX,
	WORK_VERBS
};

struct work_item {
	unsigned priority;               /* pqueue; below WORK_PRIORITIES */
	uint64_t key;                    /* map, set, pqueue */
	uint64_t value;
};

struct work_op {
	enum work_verb verb;
	struct work_item with;           /* its arguments; value WORK_NONE in a CAS: remove */
	uint64_t expected;               /* of a CAS; WORK_NONE: nothing there */
	uint64_t index, other;           /* vec: places, a new length; other: limit of a list, 0 none */
	struct pqueue_range range;       /* bounds only, */
	unsigned low, high;              /* their priorities */
	bool descending;
	size_t many;
	struct work_item item[WORK_MANY];
};

/* ---- drawing ---- */

struct work_content;
/* seen: the content as somebody may have seen it. first: the first of WORK_MANY values that nobody else writes. */
struct work_op work_draw_command(struct rng *rng, const struct work_shape *shape, const struct work_content *seen,
	uint64_t first);
struct work_op work_draw_query(struct rng *rng, const struct work_shape *shape, const struct work_content *seen);
void work_encode(const struct work_shape *shape, const struct work_op *op, struct buffer *out);

void work_put_key(uint64_t key, struct buffer *out);
void work_put_value(const struct work_shape *shape, uint64_t value, struct buffer *out);
void work_put_priority(const struct work_shape *shape, unsigned priority, struct buffer *out);
/* The inverse of what was put; WORK_NONE, keys and priorities beyond all: of something else. */
uint64_t work_key_of(struct bytes key);
uint64_t work_value_of(const struct work_shape *shape, struct bytes value);

/* ---- the model ---- */

struct work_content {
	struct work_item *item;          /* map, set: by key; vec: as it is; pqueue: by priority, then key */
	size_t count, capacity;
};

struct work_result {
	enum outcome outcome;
	uint64_t count;
	size_t values;
	struct buffer value[RESULT_VALUES_MAX];
};

void work_content_fini(struct work_content *content);
void work_result_fini(struct work_result *result);
/* Carries op out: content and result as they should be. */
void work_apply(const struct work_shape *shape, struct work_content *content, const struct work_op *op,
	struct work_result *result);
size_t work_find(const struct work_content *content, uint64_t key);   /* count: nowhere */
bool work_is_result(const struct work_result *expected, const struct result *result);

/* ---- histories ---- */

struct work_seen {
	struct work_op op;
	uint64_t client;
	int64_t invoked, returned;       /* LINEAR_PENDING: nobody knows whether it was carried out, nor what came of it */
};
/* What an operation says of every key: adds to the history. result: of no meaning where it is pending. */
void work_project(const struct work_shape *shape, const struct work_seen *seen, const struct result *result,
	struct linear_history *history);
/* Once all was added. */
void work_project_end(const struct work_shape *shape, struct linear_history *history);

#endif
