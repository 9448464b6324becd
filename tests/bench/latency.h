/*
 * latency.h - what the load generators of this folder measure: how long each operation took, and what that comes to.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

struct latencies {
	uint64_t *ns;
	size_t count;
	size_t capacity;
	uint64_t first, last;        /* instants: of the first measured operation's begin, of the last one's end */
};

static inline uint64_t latency_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline void latency_note(struct latencies *all, uint64_t began, uint64_t ended)
{
	if (all->count == 0)
		all->first = began;
	all->last = ended;
	all->ns = memory_grow(all->ns, &all->capacity, all->count + 1, sizeof *all->ns);
	all->ns[all->count++] = ended - began;
}

static inline int latency_compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;

	return one < other ? -1 : one > other;
}

/* "RATE P50 P99": operations a second, microseconds. Sorts. */
static inline void latency_print(struct latencies *all)
{
	if (all->count == 0)
		return;
	qsort(all->ns, all->count, sizeof *all->ns, latency_compare);
	printf("%.0f %.1f %.1f\n", (double)all->count * 1e9 / (double)(all->last - all->first),
		(double)all->ns[all->count / 2] / 1e3, (double)all->ns[all->count - 1 - all->count / 100] / 1e3);
}

#endif
