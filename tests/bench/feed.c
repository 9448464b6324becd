/*
 * feed - the same input for every contestant of a measurement.
 *
 *   feed STAMP TOTAL        writes TOTAL bytes, in lines of 100 bytes, to stdout in blocks of 64 KiB
 *   feed -n STAMP TOTAL     each line begins with its number: for drain -n, and not for measuring
 *
 * The moment before the first write goes to the file STAMP, in nanoseconds of the monotonic clock, which is one clock
 * for the whole machine: drain.c writes the other end of the interval. The pattern is made beforehand, so that this
 * program costs a write(2) a block and nothing else.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK = 65536,
	LINE = 100,
	DIGITS = 12,
	PATTERN = BLOCK / 4 * LINE   /* the least common multiple: it can be repeated without breaking a line */
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void stamp(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fprintf(file, "%" PRIu64 "\n", now()) < 0 || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

/* Letters in no order that a compressor or a cache would like, a line feed after each 99. */
static void fill(char *pattern)
{
	uint32_t state = 1;

	for (size_t i = 0; i < PATTERN; i++) {
		state = state * 1664525 + 1013904223;
		pattern[i] = i % LINE == LINE - 1 ? '\n' : (char)(' ' + (state >> 24) % 95);
	}
}

/* The first line of the pattern has the number `line`. */
static void number(char *pattern, uint64_t line)
{
	char digits[24];

	for (size_t i = 0; i < PATTERN; i += LINE) {
		snprintf(digits, sizeof digits, "%0*" PRIu64, DIGITS, line++);
		memcpy(pattern + i, digits, DIGITS);
	}
}

int main(int argc, char **argv)
{
	static char pattern[PATTERN];
	uint64_t total, done = 0;
	bool numbered = argc == 4 && strcmp(argv[1], "-n") == 0;

	argv += numbered;
	if (argc - numbered != 3) {
		fputs("usage: feed [-n] STAMP TOTAL\n", stderr);
		return 64;
	}
	total = strtoull(argv[2], NULL, 10);
	fill(pattern);
	stamp(argv[1]);
	while (done < total) {
		size_t at = done % PATTERN, size = BLOCK - done % BLOCK;
		ssize_t wrote;

		if (numbered && at == 0)
			number(pattern, done / LINE);
		if (size > total - done)
			size = total - done;
		wrote = write(STDOUT_FILENO, pattern + at, size);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0) {
			perror("feed");
			return 1;
		}
		done += (uint64_t)wrote;
	}
	return 0;
}
