/*
 * history.c - see history.h. The ring doubles until it holds HISTORY_EVENTS_MAX; its capacity is a power of two.
 */
#include "groups/history.h"

#include "base/check.h"
#include "base/memory.h"

#define CAPACITY_FIRST 64

static struct history_event *slot(const struct history *history, uint64_t number)
{
	return &history->event[number & (history->capacity - 1)];
}

static size_t size_of(const struct history_event *event)
{
	return sizeof *event + (event->bytes ? blob_size(event->bytes) : 0);
}

static void drop_first(struct history *history)
{
	struct history_event *event = slot(history, history->first++);

	history->bytes -= size_of(event);
	/* Others of the same position may still be here: a reader cannot know whether it has seen all of it. */
	if (event->position > history->floor)
		history->floor = event->position;
	blob_drop(event->bytes);
}

static void grow(struct history *history)
{
	struct history old = *history;

	history->capacity = old.capacity ? 2 * old.capacity : CAPACITY_FIRST;
	history->event = memory_new(history->capacity * sizeof *history->event);
	for (uint64_t n = old.first; n < old.next; n++)
		*slot(history, n) = *slot(&old, n);
	memory_free(old.event);
}

void history_fini(struct history *history)
{
	history_clear(history, 0);
	memory_free(history->event);
	*history = (struct history){0};
}

void history_add(struct history *history, const struct history_event *event)
{
	while (history->first < history->next && (history->next - history->first >= HISTORY_EVENTS_MAX ||
							 history->bytes + size_of(event) > HISTORY_BYTES_MAX))
		drop_first(history);
	if (history->next - history->first == history->capacity)
		grow(history);
	ASSERT(event->position >= history->floor);
	*slot(history, history->next++) = *event;
	history->bytes += size_of(event);
}

void history_clear(struct history *history, uint64_t floor)
{
	while (history->first < history->next)
		drop_first(history);
	history->floor = floor;
}

const struct history_event *history_at(const struct history *history, uint64_t number)
{
	ASSERT(number >= history->first && number < history->next);
	return slot(history, number);
}

uint64_t history_find(const struct history *history, uint64_t position)
{
	uint64_t low = history->first, high = history->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (slot(history, middle)->position < position)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
