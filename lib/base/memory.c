/*
 * memory.c - malloc that never returns NULL.
 *
 * Running out of memory ends the process at once. To carry the failure through every protocol would double the
 * number of paths, and the added half would never run. Bounds are kept earlier, where sizes are decoded.
 */
#include "base/memory.h"

#include "base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Small enough for a pair of links, large enough that a byte buffer does not crawl through 1, 2, 4, 8. */
#define FIRST_CAPACITY 16

/* malloc(0) may give NULL, which callers must never see. */
static size_t at_least_one(size_t size)
{
	return size > 0 ? size : 1;
}

void *memory_new(size_t size)
{
	void *data = calloc(1, at_least_one(size));

	ASSERT(data != NULL);
	return data;
}

void *memory_resize(void *old, size_t size)
{
	void *data = realloc(old, at_least_one(size));

	ASSERT(data != NULL);
	return data;
}

void *memory_copy(const void *data, size_t size)
{
	void *copy = memory_resize(NULL, size);

	ASSERT(data != NULL || size == 0);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

char *memory_copy_text(const char *text)
{
	ASSERT(text != NULL);
	return memory_copy(text, strlen(text) + 1);
}

void memory_free(void *data)
{
	free(data);
}

void memory_wipe(void *data, size_t size)
{
	if (size > 0)
		explicit_bzero(data, size);
}

void *memory_grow(void *array, size_t *capacity, size_t wanted, size_t element_size)
{
	size_t doubled = *capacity;

	ASSERT(element_size > 0);
	/* Half of the address space is refused too: it keeps the doubling and the product below from wrapping. */
	ASSERT(wanted <= SIZE_MAX / 2 / element_size);
	if (wanted <= doubled && array != NULL)
		return array;
	if (doubled < FIRST_CAPACITY)
		doubled = FIRST_CAPACITY;
	while (doubled < wanted)
		doubled *= 2;
	*capacity = doubled;
	return memory_resize(array, doubled * element_size);
}
