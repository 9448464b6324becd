/*
 * history.h - the last events of a group, for clients that follow: a queue bounded in number and bytes, read by many.
 *
 *      [ dropped | first ....... next )        numbers of events, one after the other for ever
 *
 * `floor` is the position up to which nothing is held: whoever wants earlier ones must begin with the state.
 */
#ifndef GROUPS_HISTORY_H
#define GROUPS_HISTORY_H

#include "base/blob.h"

#define HISTORY_EVENTS_MAX 65536
#define HISTORY_BYTES_MAX (8u << 20)

struct history_event {
	unsigned kind;                   /* enum client_event */
	uint64_t position;
	uint64_t term;
	struct blob *bytes;              /* NULL: empty */
};

struct history {
	struct history_event *event;     /* a ring */
	size_t capacity;
	uint64_t first, next;
	size_t bytes;
	uint64_t floor;
};

void history_fini(struct history *history);
/* Positions never go back. bytes: taken. The oldest ones go when there is no room. */
void history_add(struct history *history, const struct history_event *event);
/* Everything held goes: nothing up to `floor` will ever be here. */
void history_clear(struct history *history, uint64_t floor);
/* first <= number < next. Borrowed until the next call that is not const. */
const struct history_event *history_at(const struct history *history, uint64_t number);
/* The first event of that position or a later one; `next` if there is none. */
uint64_t history_find(const struct history *history, uint64_t position);

#endif
