/*
 * facts.c - the queue between the machine and its owner.
 *
 *      fact   [ given | given | waiting | waiting | free | free ]
 *                               ^ first             ^ count         ^ capacity
 *
 * The owner empties it after every call, so it starts over at its front again and again and after a while allocates
 * nothing. It is bounded by flow control: a batch is not credited before the owner has taken and used it.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

static void make_room(struct facts *facts)
{
	ASSERT(facts->first <= facts->count && facts->count <= facts->capacity);
	if (facts->count < facts->capacity)
		return;
	/* An owner that takes some and leaves some must not make the given part grow for ever. */
	if (facts->first > 0 && facts->first >= facts->capacity / 2) {
		facts->count -= facts->first;
		memmove(facts->fact, facts->fact + facts->first, facts->count * sizeof(*facts->fact));
		facts->first = 0;
		return;
	}
	facts->fact = memory_grow(facts->fact, &facts->capacity, facts->count + 1, sizeof(*facts->fact));
}

struct streams_fact *facts_put(struct facts *facts, enum streams_fact_kind kind)
{
	struct streams_fact *fact;

	make_room(facts);
	fact = &facts->fact[facts->count++];
	*fact = (struct streams_fact){.kind = kind};
	return fact;
}

bool facts_next(struct facts *facts, struct streams_fact *fact)
{
	ASSERT(facts->first <= facts->count);
	if (facts->first == facts->count) {
		facts->first = facts->count = 0;
		return false;
	}
	*fact = facts->fact[facts->first++];
	return true;
}

void facts_forget(struct facts *facts, const struct producer *producer, const struct consumer *consumer)
{
	size_t kept = facts->first;

	ASSERT((producer == NULL) != (consumer == NULL));
	for (size_t i = facts->first; i < facts->count; i++) {
		struct streams_fact *fact = &facts->fact[i];

		if (producer != NULL ? fact->producer == producer : fact->consumer == consumer)
			blob_drop(fact->message);
		else
			facts->fact[kept++] = *fact;
	}
	facts->count = kept;
}

void facts_fini(struct facts *facts)
{
	struct streams_fact fact;

	while (facts_next(facts, &fact))
		blob_drop(fact.message);
	memory_free(facts->fact);
	*facts = (struct facts){0};
}
