/*
 * list.h - intrusive doubly linked list. A head that points at itself is empty.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/check.h"

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_OF(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))
#define LIST_EACH(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
/* The same, when the body may remove `node`. */
#define LIST_EACH_SAFE(node, after, head) \
	for (struct list *node = (head)->next, *after = node->next; node != (head); node = after, after = node->next)

static inline void list_init(struct list *head)
{
	head->next = head->prev = head;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
	struct list *last = head->prev;

	ASSERT(last != NULL);   /* list_init was forgotten */
	node->prev = last;
	node->next = head;
	last->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)   /* node may be removed again: it is left pointing at itself */
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = node->prev = node;
}

static inline bool list_is_linked(const struct list *node)
{
	return node->next != node;
}

#endif
