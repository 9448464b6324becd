/*
 * collection_pages.c - see collection_pages.h.
 */
#include "cmd/common/collection_pages.h"

#include "collections/cell_wire.h"
#include "collections/map_wire.h"
#include "collections/once_wire.h"
#include "collections/pqueue_wire.h"
#include "collections/result.h"
#include "collections/sequence.h"
#include "collections/set_wire.h"
#include "collections/vec_wire.h"

static void encode(const struct collection_pages *pages, struct buffer *query)
{
	struct bytes after = buffer_bytes(&pages->after_key);

	switch (pages->shape->kind) {
	case COLLECTION_MAP:
		map_list(query, &(struct map_list){.prefix = pages->prefix, .resumes = pages->resumes, .after = after, .parts = MAP_PAIRS});
		break;
	case COLLECTION_SET:
		set_list(query, &(struct set_list){.prefix = pages->prefix, .resumes = pages->resumes, .after = after});
		break;
	case COLLECTION_VEC:
		vec_list(query, pages->index, 0);
		break;
	case COLLECTION_CELL:
		cell_get(query);
		break;
	case COLLECTION_ONCE:
		once_get(query);
		break;
	case COLLECTION_PQUEUE:
		pqueue_list(query, &(struct pqueue_list){.resumes = pages->resumes, .after_key = after,
			.after_priority = buffer_bytes(&pages->after_priority)});
		break;
	case COLLECTION_KINDS:
		break;
	}
}

bool pages_ask(struct collection_pages *pages, struct buffer *query)
{
	if (pages->asked && !pages->resumes)
		return false;
	if (!pages->asked)
		pages->index = pages->from;
	encode(pages, query);
	return true;
}

static void remember(struct buffer *after, struct bytes part)
{
	buffer_clear(after);
	buffer_append(after, part);
}

static bool next_entry(const struct collection_shape *shape, struct bytes *rest, struct bytes part[PARTS])
{
	for (unsigned i = 0; i < PARTS; i++)
		if (collection_has(shape->kind, (enum part)i) && (!sequence_next(rest, &part[i]) || !type_holds(shape->type[i], part[i])))
			return false;
	return true;
}

static enum error read_page(struct collection_pages *pages, struct bytes rest, bool more)
{
	struct bytes part[PARTS] = {{0}};
	bool any = false;

	while (rest.size > 0) {
		if (!next_entry(pages->shape, &rest, part))
			return ERROR_MALFORMED;
		pages->entry(pages->self, pages->index++, part);
		any = true;
	}
	if (any) {
		remember(&pages->after_key, part[PART_KEY]);
		remember(&pages->after_priority, part[PART_PRIORITY]);
	}
	pages->resumes = more;
	return any || !more ? OK : ERROR_MALFORMED;      /* an empty page that promises more would never end */
}

static enum error read_single(struct collection_pages *pages, const struct result *result)
{
	struct bytes part[PARTS] = {[PART_VALUE] = result->value[0]};

	if (result->outcome == OUTCOME_NOTHING)
		return OK;
	if (result->values != 1 || !type_holds(pages->shape->type[PART_VALUE], part[PART_VALUE]))
		return ERROR_MALFORMED;
	pages->entry(pages->self, 0, part);
	return OK;
}

enum error pages_answer(struct collection_pages *pages, uint64_t position, struct bytes answer)
{
	struct result result;

	if (result_decode(answer, &result) != OK)
		return ERROR_MALFORMED;
	if (!pages->asked)
		pages->first = position;
	pages->asked = true;
	pages->last = position;
	if (pages->shape->kind == COLLECTION_CELL || pages->shape->kind == COLLECTION_ONCE)
		return read_single(pages, &result);
	if (result.outcome != OUTCOME_DONE || result.values != 1)
		return ERROR_MALFORMED;
	return read_page(pages, result.value[0], result.count > 0);
}

void pages_again(struct collection_pages *pages)
{
	pages->asked = pages->resumes = false;
}

void pages_fini(struct collection_pages *pages)
{
	buffer_fini(&pages->after_key);
	buffer_fini(&pages->after_priority);
}
