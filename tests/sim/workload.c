/* workload.c - see workload.h. */
#include "tests/sim/workload.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/work.h"

#define LINEAGES_MAX 64
#define NAME_SIZE 8
#define LARGE 40000

struct version {
	uint64_t position;
	size_t count;
	struct work_item item[];
};

struct versions {                        /* of a lineage, by position; before the first one: empty */
	struct version **version;
	size_t count, capacity;
};

struct workload {
	struct work_shape shape;
	struct versions lineage[LINEAGES_MAX];
	struct work_op *op;                  /* of name 1, .. */
	size_t ops;
	struct linear_history history;
	bool ended;
};

/* ---- which ---- */

static bool is_kind(const char *name, enum collection_kind *kind)
{
	return collection_kind_from_name(bytes_of_text(name), kind) == OK;
}

bool workload_knows(const char *name)
{
	enum collection_kind kind;

	return strcmp(name, "cells") == 0 || is_kind(name, &kind);
}

/* Chance of its own: what else a seed draws does not depend on it. */
struct workload *workload_draw(uint64_t seed, const char *name, size_t ballast)
{
	static const enum collection_kind often[] = {COLLECTION_MAP, COLLECTION_MAP, COLLECTION_PQUEUE, COLLECTION_PQUEUE,
		COLLECTION_PQUEUE, COLLECTION_VEC, COLLECTION_VEC, COLLECTION_SET, COLLECTION_CELL, COLLECTION_ONCE};
	struct workload *workload;
	enum collection_kind kind;
	bool cells, bounded, of_bytes, large;
	struct rng rng;

	rng_init(&rng, seed ^ 0xC011);
	cells = rng_below(&rng, 2) == 0;
	kind = often[rng_below(&rng, sizeof(often) / sizeof(often[0]))];
	bounded = rng_below(&rng, 3) == 0;
	of_bytes = rng_below(&rng, 2) == 0;
	large = rng_below(&rng, 6) == 0;        /* snapshots of several chunks */
	if (name)
		cells = !is_kind(name, &kind);
	if (cells)
		return NULL;
	workload = memory_new(sizeof(*workload));
	workload->shape = (struct work_shape){
		.shape = {.kind = kind, .type = {of_bytes ? TYPE_BYTES : TYPE_I64, TYPE_STR, TYPE_BYTES},
			.capacity = kind == COLLECTION_PQUEUE && bounded ? 1 + rng_below(&rng, 10) : 0},
		.keys = collection_has(kind, PART_KEY) ? 2 + rng_below(&rng, 20) : 1,
		.ballast = large && ballast < LARGE ? LARGE : ballast,
	};
	return workload;
}

void workload_free(struct workload *workload)
{
	if (!workload)
		return;
	for (size_t i = 0; i < LINEAGES_MAX; i++) {
		for (size_t at = 0; at < workload->lineage[i].count; at++)
			memory_free(workload->lineage[i].version[at]);
		memory_free(workload->lineage[i].version);
	}
	linear_history_fini(&workload->history);
	memory_free(workload->op);
	memory_free(workload);
}

const char *workload_name(const struct workload *workload)
{
	return workload ? collection_kind_name(workload->shape.shape.kind) : "cells";
}

/* ---- contents ---- */

/* The version in force at a position; NULL: nothing was written before it. */
static const struct version *version_at(const struct workload *workload, size_t lineage, uint64_t position)
{
	const struct versions *versions = &workload->lineage[lineage];
	size_t low = 0, high = versions->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (versions->version[middle]->position <= position)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 ? versions->version[low - 1] : NULL;
}

/* A copy of the content, to be released. */
static struct work_content content_at(const struct workload *workload, size_t lineage, uint64_t position)
{
	const struct version *version = lineage == SIZE_MAX ? NULL : version_at(workload, lineage, position);
	struct work_content content = {0};

	if (!version || version->count == 0)
		return content;
	content.item = memory_copy(version->item, version->count * sizeof(version->item[0]));
	content.count = content.capacity = version->count;
	return content;
}

void workload_applied(struct workload *workload, size_t lineage, uint64_t position, uint64_t name)
{
	struct work_content content = content_at(workload, lineage, UINT64_MAX);
	struct versions *versions = &workload->lineage[lineage];
	struct work_result result = {0};
	struct version *version;

	ASSERT(name > 0 && name <= workload->ops);
	ASSERT(versions->count == 0 || versions->version[versions->count - 1]->position < position);
	work_apply(&workload->shape, &content, &workload->op[name - 1], &result);
	version = memory_new(sizeof(*version) + content.count * sizeof(version->item[0]));
	version->position = position;
	version->count = content.count;
	for (size_t i = 0; i < content.count; i++)
		version->item[i] = content.item[i];
	versions->version = memory_grow(versions->version, &versions->capacity, versions->count + 1, sizeof(version));
	versions->version[versions->count++] = version;
	work_content_fini(&content);
	work_result_fini(&result);
}

bool workload_judge(const struct workload *workload, size_t lineage, uint64_t position, uint64_t name, struct bytes result)
{
	const struct work_op *op = &workload->op[name - 1];
	struct work_content content = content_at(workload, lineage, op->verb < WORK_GET ? position - 1 : position);
	struct work_result expected = {0};
	struct result decoded;
	bool fits = result_decode(result, &decoded) == OK;

	work_apply(&workload->shape, &content, op, &expected);
	fits = fits && work_is_result(&expected, &decoded);
	work_content_fini(&content);
	work_result_fini(&expected);
	return fits;
}

/* ---- operations ---- */

static void remember(struct workload *workload, uint64_t name, const struct work_op *op)
{
	ASSERT(name == workload->ops + 1);
	if ((workload->ops & (workload->ops - 1)) == 0)
		workload->op = memory_resize(workload->op, (workload->ops > 0 ? workload->ops * 2 : 1) * sizeof(*op));
	workload->op[workload->ops++] = *op;
}

static void put_name(uint64_t name, struct buffer *out)
{
	for (int i = NAME_SIZE; i-- > 0;)
		*buffer_extend(out, 1) = (uint8_t)(name >> 8 * i);
}

bool workload_read_name(struct bytes command, uint64_t *name)
{
	*name = 0;
	for (size_t i = 0; i < NAME_SIZE && i < command.size; i++)
		*name = *name << 8 | command.data[i];
	return command.size >= NAME_SIZE;
}

void workload_command(struct workload *workload, struct rng *rng, size_t lineage, uint64_t name, struct buffer *out)
{
	struct work_content seen = content_at(workload, lineage, UINT64_MAX);
	struct work_op op = work_draw_command(rng, &workload->shape, &seen, name * WORK_MANY);

	remember(workload, name, &op);
	put_name(name, out);
	work_encode(&workload->shape, &op, out);
	work_content_fini(&seen);
}

void workload_query(struct workload *workload, struct rng *rng, size_t lineage, uint64_t name, struct buffer *out)
{
	struct work_content seen = content_at(workload, lineage, UINT64_MAX);
	struct work_op op = work_draw_query(rng, &workload->shape, &seen);

	remember(workload, name, &op);
	work_encode(&workload->shape, &op, out);
	work_content_fini(&seen);
}

/* ---- the state: a collection, as it is, behind names ---- */

struct named {
	struct state inner;
};

struct named_frozen {
	const struct state_ops *ops;
	void *frozen;
};

static void signature(const void *self, struct buffer *out)
{
	const struct named *named = self;

	named->inner.ops->signature(named->inner.self, out);
}

static void apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	struct named *named = self;

	if (command.size < NAME_SIZE)
		return;
	named->inner.ops->apply(named->inner.self, moment, bytes_of(command.data + NAME_SIZE, command.size - NAME_SIZE), result,
		changes);
}

static enum error query(const void *self, struct bytes query, struct buffer *answer)
{
	const struct named *named = self;

	return named->inner.ops->query(named->inner.self, query, answer);
}

static void *freeze(const void *self)
{
	const struct named *named = self;
	struct named_frozen *frozen = memory_new(sizeof(*frozen));

	*frozen = (struct named_frozen){named->inner.ops, named->inner.ops->freeze(named->inner.self)};
	return frozen;
}

static bool items(void *self, uint64_t *cursor, size_t enough, struct buffer *out)
{
	struct named_frozen *frozen = self;

	return frozen->ops->items(frozen->frozen, cursor, enough, out);
}

static void thaw(void *self)
{
	struct named_frozen *frozen = self;

	frozen->ops->thaw(frozen->frozen);
	memory_free(frozen);
}

static void clear(void *self)
{
	struct named *named = self;

	named->inner.ops->clear(named->inner.self);
}

static enum error restore(void *self, struct bytes item)
{
	struct named *named = self;

	return named->inner.ops->restore(named->inner.self, item);
}

static struct id hash(const void *self)
{
	const struct named *named = self;

	return named->inner.ops->hash(named->inner.self);
}

static void release(void *self)
{
	struct named *named = self;

	if (named)
		named->inner.ops->free(named->inner.self);
	memory_free(named);
}

static const struct state_ops ops = {.signature = signature, .apply = apply, .query = query, .freeze = freeze,
	.items = items, .thaw = thaw, .clear = clear, .restore = restore, .hash = hash, .free = release};

struct state workload_state(const struct workload *workload)
{
	struct named *named = memory_new(sizeof(*named));

	named->inner = collection_new(&workload->shape.shape);
	return (struct state){&ops, named};
}

struct state workload_state_at(const struct workload *workload, size_t lineage, uint64_t position)
{
	struct work_content content = content_at(workload, lineage, position);
	bool vec = workload->shape.shape.kind == COLLECTION_VEC;
	struct state state = workload_state(workload);
	struct buffer command = {0}, result = {0};

	for (size_t i = 0; i < content.count; i++) {
		struct work_op op = {.verb = vec ? WORK_PUSH : WORK_PUT, .with = content.item[i]};

		buffer_clear(&command);
		put_name(0, &command);
		work_encode(&workload->shape, &op, &command);
		state.ops->apply(state.self, &(struct state_moment){.position = 1}, buffer_bytes(&command), &result, NULL);
	}
	buffer_fini(&command);
	buffer_fini(&result);
	work_content_fini(&content);
	return state;
}

bool workload_is_content(const struct workload *workload, size_t lineage, const struct state *state)
{
	const struct named *named = state->self;
	struct state expected;
	struct id here, there;

	ASSERT(state->ops == &ops);
	collection_check(&named->inner);
	expected = workload_state_at(workload, lineage, UINT64_MAX);
	here = hash(named);
	there = hash(expected.self);
	release(expected.self);
	return id_equal(&here, &there);
}

/* ---- what clients saw ---- */

void workload_tell(struct workload *workload, uint64_t name, const struct work_told *told)
{
	struct work_seen seen = {workload->op[name - 1], told->client, told->invoked, told->returned};
	struct result result = {0};

	if (told->returned == LINEAR_PENDING || result_decode(told->result, &result) == OK)
		work_project(&workload->shape, &seen, &result, &workload->history);
}

const struct linear_history *workload_history(struct workload *workload)
{
	if (!workload->ended)
		work_project_end(&workload->shape, &workload->history);
	workload->ended = true;
	return &workload->history;
}
