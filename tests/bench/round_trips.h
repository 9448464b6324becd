/*
 * round_trips.h - times round trips, the same way for every contestant. The first tenth is for warming up and does not count.
 */
#ifndef BENCH_ROUND_TRIPS_H
#define BENCH_ROUND_TRIPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_TRIP_BYTES 100   /* a line, its end included */

struct round_trips {
	uint64_t *took;    /* nanoseconds */
	size_t count;
	size_t done;
	uint64_t began;
};

static inline uint64_t round_trips_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static inline struct round_trips round_trips_new(size_t count)
{
	return (struct round_trips){.took = calloc(count, sizeof(uint64_t)), .count = count};
}

/* False: all of them are done. */
static inline bool round_trips_begin(struct round_trips *trips)
{
	trips->began = round_trips_now();
	return trips->done < trips->count;
}

static inline void round_trips_end(struct round_trips *trips)
{
	trips->took[trips->done++] = round_trips_now() - trips->began;
}

static inline int round_trips_compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Writes "P50 P99", in microseconds, to a file, and forgets the times. 0, or 1 after a message. */
static inline int round_trips_tell(struct round_trips *trips, const char *path)
{
	size_t counted = trips->count - trips->count / 10;
	uint64_t *took = trips->took + trips->count / 10;
	FILE *file = fopen(path, "w");
	int failed;

	qsort(took, counted, sizeof *took, round_trips_compare);
	failed = !file || fprintf(file, "%.1f %.1f\n", (double)took[counted / 2] / 1000, (double)took[counted * 99 / 100] / 1000) < 0;
	failed |= file && fclose(file) != 0;
	if (failed)
		perror(path);
	free(trips->took);
	return failed;
}

#endif
