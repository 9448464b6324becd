/*
 * raft_log.c - the log in memory: one array, whose front is given up lazily, so that an entry is found by subtraction.
 *
 *      base     entry[start]          entry[start + count - 1]
 *      index b      b + 1                     b + count = last
 */
#include "groups/raft_internal.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

void raft_log_fini(struct raft_log *log)
{
	raft_log_reset(log, &(struct entry_head){0});
	memory_free(log->entry);
	*log = (struct raft_log){0};
}

uint64_t raft_log_last(const struct raft_log *log)
{
	return log->base.index + log->count;
}

static struct log_entry *at(const struct raft_log *log, uint64_t index)
{
	ASSERT(index > log->base.index && index <= raft_log_last(log));
	return &log->entry[log->start + (size_t)(index - log->base.index - 1)];
}

const struct entry_head *raft_log_head(const struct raft_log *log, uint64_t index)
{
	return index == log->base.index ? &log->base : &at(log, index)->head;
}

const struct log_entry *raft_log_entry(const struct raft_log *log, uint64_t index)
{
	return index > log->base.index && index <= raft_log_last(log) ? at(log, index) : NULL;
}

uint64_t raft_log_term(const struct raft_log *log, uint64_t index)
{
	return raft_log_head(log, index)->term;
}

static struct log_entry *push(struct raft_log *log)
{
	log->entry = memory_grow(log->entry, &log->capacity, log->start + log->count + 1, sizeof(*log->entry));
	log->count++;
	return &log->entry[log->start + log->count - 1];
}

void raft_log_append(struct raft_log *log, const struct entry_head *head, struct blob *payload)
{
	struct entry_head previous = *raft_log_head(log, raft_log_last(log));
	struct log_entry *entry = push(log);

	ASSERT(head->term >= previous.term);
	entry->payload = payload;
	entry->head = *head;
	entry->head.index = previous.index + 1;
	entry->head.position = previous.position + previous.commands;
	entry->head.chain = chain_extend(&previous.chain, &entry->head, blob_bytes(payload));
}

void raft_log_load(struct raft_log *log, const struct log_entry *stored)
{
	const struct entry_head *previous = raft_log_head(log, raft_log_last(log));

	ASSERT(stored->head.index == previous->index + 1);
	ASSERT(stored->head.term >= previous->term);
	*push(log) = *stored;
	blob_keep(stored->payload);
}

void raft_log_truncate(struct raft_log *log, uint64_t from)
{
	ASSERT(from > log->base.index);
	while (raft_log_last(log) >= from) {
		blob_drop(at(log, raft_log_last(log))->payload);
		log->count--;
	}
}

/* Moves the rest to the front when more than half of the array is given up: amortised one move an entry. */
static void tidy(struct raft_log *log)
{
	if (log->start <= log->count)
		return;
	memmove(log->entry, log->entry + log->start, log->count * sizeof(*log->entry));
	log->start = 0;
}

void raft_log_compact(struct raft_log *log, uint64_t first)
{
	ASSERT(first <= raft_log_last(log) + 1);
	while (log->base.index + 1 < first) {
		struct log_entry *entry = at(log, log->base.index + 1);

		blob_drop(entry->payload);
		log->base = entry->head;
		log->start++;
		log->count--;
	}
	tidy(log);
}

void raft_log_reset(struct raft_log *log, const struct entry_head *base)
{
	for (size_t i = 0; i < log->count; i++)
		blob_drop(log->entry[log->start + i].payload);
	log->start = 0;
	log->count = 0;
	log->base = *base;
}

uint64_t raft_log_not_after(const struct raft_log *log, uint64_t index, uint64_t term)
{
	uint64_t low = log->base.index;
	uint64_t high = index;

	ASSERT(index >= low && index <= raft_log_last(log));
	/* Terms never fall along a log: the answer lies in [low, high]. */
	while (low < high) {
		uint64_t middle = high - (high - low) / 2;

		if (raft_log_term(log, middle) <= term)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}
