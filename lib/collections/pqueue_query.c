/*
 * pqueue_query.c - reading a pqueue; see pqueue_wire.h.
 */
#include "collections/pqueue_internal.h"

#include "base/check.h"

/* --- ranges of priorities --- */

void pqueue_range_read(struct cbor *in, struct pqueue_range *out)
{
	uint64_t from, to;
	bool has_low, has_high;

	from = cbor_uint(in);
	out->low = call_optional(in, &has_low);
	to = cbor_uint(in);
	out->high = call_optional(in, &has_high);
	if (from > PQUEUE_EXCLUDED || to > PQUEUE_EXCLUDED || has_low != (from != PQUEUE_UNBOUNDED) ||
		has_high != (to != PQUEUE_UNBOUNDED)) {
		cbor_fail(in);
		from = to = PQUEUE_UNBOUNDED;
	}
	out->from = (enum pqueue_bound)from;
	out->to = (enum pqueue_bound)to;
}

/* How many entries have a lower priority; or, past, that or an equal one. */
static uint64_t rank_of(const struct collection *self, struct bytes priority, bool past)
{
	struct buffer prefix = {0};
	uint64_t rank;

	pqueue_order_prefix(self, priority, &prefix);
	rank = past ? tree_rank_past(&self->order, buffer_bytes(&prefix)) : tree_rank(&self->order, buffer_bytes(&prefix));
	buffer_fini(&prefix);
	return rank;
}

void pqueue_range_ranks(const struct collection *self, const struct pqueue_range *range, uint64_t *from, uint64_t *to)
{
	*from = 0;
	*to = tree_count(&self->order);
	if (range->from != PQUEUE_UNBOUNDED)
		*from = rank_of(self, range->low, range->from == PQUEUE_EXCLUDED);
	if (range->to != PQUEUE_UNBOUNDED)
		*to = rank_of(self, range->high, range->to == PQUEUE_INCLUDED);
	if (*from > *to)
		*from = *to;
}

/* --- queries --- */

static void answer_entry(const struct tree_entry *entry, struct buffer *answer)
{
	struct result result = {.outcome = OUTCOME_NOTHING};

	if (entry != NULL) {
		struct parts parts = pqueue_parts(entry);

		result.outcome = OUTCOME_DONE;
		result.count = 1;
		for (result.values = 0; result.values < PARTS; result.values++)
			result.value[result.values] = parts.part[result.values];
	}
	answer_put(answer, &result);
}

static void query_get(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct bytes key = cbor_bytes(in);

	if (cbor_end(in) == OK)
		answer_entry(tree_get(&self->tree, key), answer);
}

static void query_len(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	if (cbor_end(in) == OK)
		answer_outcome(answer, OUTCOME_DONE, tree_count(&self->tree));
}

static void query_min(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	if (cbor_end(in) == OK)
		answer_entry(tree_count(&self->tree) > 0 ? pqueue_at(self, 0) : NULL, answer);
}

static void query_max(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	uint64_t count = tree_count(&self->tree);

	if (cbor_end(in) == OK)
		answer_entry(count > 0 ? pqueue_at(self, count - 1) : NULL, answer);
}

/* Where a list goes on: the rank after the given entry, or, descending, how many are left before it. */
static uint64_t resume(const struct collection *self, const struct pqueue_list *list)
{
	struct buffer place = {0};
	uint64_t rank;

	if (!list->resumes)
		return list->descending ? tree_count(&self->order) : 0;
	pqueue_order_prefix(self, list->after_priority, &place);
	buffer_append(&place, list->after_key);
	rank = tree_rank(&self->order, buffer_bytes(&place));
	if (!list->descending)
		rank += tree_get(&self->order, buffer_bytes(&place)) != NULL;
	buffer_fini(&place);
	return rank;
}

/* [descending, priority or null, key or null, limit] */
static void query_list(const struct collection *self, struct cbor *in, struct buffer *answer)
{
	struct pqueue_list list = {.descending = cbor_bool(in)};
	uint64_t count = tree_count(&self->order), rank;
	struct page page;
	bool has_key;

	list.after_priority = call_optional(in, &list.resumes);
	list.after_key = call_optional(in, &has_key);
	page = page_new(cbor_uint(in));
	if (has_key != list.resumes || (list.resumes && !type_holds(self->shape.type[PART_PRIORITY], list.after_priority)))
		cbor_fail(in);
	if (cbor_end(in) != OK)
		return;
	rank = resume(self, &list);
	while (list.descending ? rank > 0 : rank < count) {
		struct parts parts = pqueue_parts(pqueue_at(self, list.descending ? rank - 1 : rank));

		if (!page_add(&page, &parts))
			break;
		rank += list.descending ? UINT64_MAX : 1;
	}
	page_answer(&page, list.descending ? rank > 0 : rank < count, answer);
}

query_function *const pqueue_queries[PQUEUE_LIST + 1] = {
	[PQUEUE_GET] = query_get,
	[PQUEUE_LEN] = query_len,
	[PQUEUE_MIN] = query_min,
	[PQUEUE_MAX] = query_max,
	[PQUEUE_LIST] = query_list,
};

void pqueue_check(const struct collection *self)
{
	uint64_t count = tree_count(&self->order);

	tree_check(&self->order);
	tree_check_order(&self->order);
	ASSERT(count == tree_count(&self->tree));
	for (uint64_t rank = 0; rank < count; rank++) {
		struct parts parts = pqueue_parts(pqueue_at(self, rank));
		struct buffer place = {0};

		pqueue_order_prefix(self, parts.part[PART_PRIORITY], &place);
		buffer_append(&place, parts.part[PART_KEY]);
		ASSERT(tree_rank(&self->order, buffer_bytes(&place)) == rank);
		buffer_fini(&place);
	}
}
