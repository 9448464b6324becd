/*
 * collection_value.c - see collection_value.h.
 */
#include "cmd/common/collection_value.h"

#include "base/check.h"
#include "cmd/common/values.h"
#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/pqueue_wire.h"
#include "collections/result.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

bool value_has_key(enum collection_kind kind)
{
	return kind == COLLECTION_VEC || collection_has(kind, PART_KEY);
}

enum error value_key(const struct collection_shape *shape, const char *text, struct buffer *out)
{
	return values_parse(shape->kind == COLLECTION_VEC ? TYPE_U64 : shape->type[PART_KEY], bytes_of_text(text), out);
}

void value_query(const struct collection_shape *shape, struct bytes key, struct buffer *out)
{
	switch (shape->kind) {
	case COLLECTION_MAP:
		map_get(out, key);
		break;
	case COLLECTION_VEC:
		vec_get(out, type_get_u64(key.data));
		break;
	case COLLECTION_SET:
		set_has(out, key);
		break;
	case COLLECTION_CELL:
		cell_get(out);
		break;
	case COLLECTION_ONCE:
		once_get(out);
		break;
	case COLLECTION_PQUEUE:
		pqueue_get(out, key);
		break;
	case COLLECTION_KINDS:
		break;
	}
}

enum error value_read(const struct collection_shape *shape, struct bytes answer, bool *is_there, struct bytes *value)
{
	bool is_queue = shape->kind == COLLECTION_PQUEUE;
	struct result result;

	*is_there = false;
	*value = bytes_of(NULL, 0);
	if (result_decode(answer, &result) != OK || (result.outcome != OUTCOME_DONE && result.outcome != OUTCOME_NOTHING))
		return ERROR_MALFORMED;
	if (result.outcome == OUTCOME_NOTHING)
		return OK;
	*is_there = true;
	if (shape->kind == COLLECTION_SET)
		return OK;
	if (result.values != (is_queue ? PARTS : 1))
		return ERROR_MALFORMED;
	*value = result.value[is_queue ? PART_VALUE : 0];
	return type_holds(shape->type[PART_VALUE], *value) ? OK : ERROR_MALFORMED;
}

void value_swap(const struct collection_shape *shape, const struct value_swap *swap, struct buffer *out)
{
	switch ((int)shape->kind) {
	case COLLECTION_MAP:
		map_cas(out, &(struct map_swap){.key = swap->key, .has_expected = swap->was_there, .expected = swap->before,
			.has_replacement = true, .replacement = swap->after});
		break;
	case COLLECTION_CELL:
		cell_cas(out, &(struct cell_swap){.has_expected = swap->was_there, .expected = swap->before, .has_replacement = true,
			.replacement = swap->after});
		break;
	default:
		ASSERT(shape->kind == COLLECTION_PQUEUE && swap->was_there);
		pqueue_cas(out, &(struct pqueue_swap){.key = swap->key, .expected = swap->before, .has_replacement = true,
			.replacement = swap->after});
	}
}
