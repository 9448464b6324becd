/*
 * id_set.c - see id_set.h. Sets are small and change rarely: a sorted array without spare room, binary search.
 */
#include "discovery/id_set.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/limits.h"

#include <string.h>

/* First place whose id is not below `id`. */
static size_t lower(const struct id_set *set, const struct id *id)
{
	size_t low = 0;
	size_t high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (id_compare(&set->id[middle], id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void id_set_fini(struct id_set *set)
{
	memory_free(set->id);
	*set = (struct id_set){0};
}

void id_set_copy(struct id_set *to, const struct id_set *from)
{
	ASSERT(from->count == 0 || from->id != NULL);
	to->count = from->count;
	to->id = from->count > 0 ? memory_copy(from->id, from->count * sizeof(*from->id)) : NULL;
}

bool id_set_has(const struct id_set *set, const struct id *id)
{
	size_t at = lower(set, id);

	return at < set->count && id_equal(&set->id[at], id);
}

bool id_set_equal(const struct id_set *a, const struct id_set *b)
{
	if (a->count != b->count)
		return false;
	return a->count == 0 || memcmp(a->id, b->id, a->count * sizeof(*a->id)) == 0;
}

bool id_set_add(struct id_set *set, const struct id *id)
{
	size_t at = lower(set, id);

	if (at < set->count && id_equal(&set->id[at], id))
		return false;
	if (set->count >= ENTRY_SET_MAX)
		return false;
	set->id = memory_resize(set->id, (set->count + 1) * sizeof(*set->id));
	memmove(set->id + at + 1, set->id + at, (set->count - at) * sizeof(*set->id));
	set->id[at] = *id;
	set->count++;
	ASSERT(id_set_has(set, id));
	return true;
}

bool id_set_remove(struct id_set *set, const struct id *id)
{
	size_t at = lower(set, id);

	if (at == set->count || !id_equal(&set->id[at], id))
		return false;
	memmove(set->id + at, set->id + at + 1, (set->count - at - 1) * sizeof(*set->id));
	set->count--;
	ASSERT(!id_set_has(set, id));
	return true;
}

void id_set_check(const struct id_set *set)
{
	ASSERT(set->count <= ENTRY_SET_MAX);
	for (size_t i = 1; i < set->count; i++)
		ASSERT(id_compare(&set->id[i - 1], &set->id[i]) < 0);
}
