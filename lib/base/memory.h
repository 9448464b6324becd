/*
 * memory.h - allocation that aborts when memory is gone.
 *
 * No caller checks for NULL. This is safe because every size that a peer or a file controls is checked against
 * wire/limits.h before it gets here.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *memory_new(size_t size);                    /* zeroed; released by memory_free */
void *memory_resize(void *old, size_t size);      /* new bytes are not zeroed; old may be NULL */
void *memory_copy(const void *data, size_t size); /* a fresh copy; size 0 gives a valid pointer */
char *memory_copy_text(const char *text);
void memory_free(void *data);                     /* NULL is fine */
void memory_wipe(void *data, size_t size);        /* zeroes; the compiler cannot leave it out */

/*
 * Grows an array in place so that `wanted` elements fit: doubles *capacity (elements) until they do.
 * Returns the array, moved or not.
 */
void *memory_grow(void *array, size_t *capacity, size_t wanted, size_t element_size);

#endif
