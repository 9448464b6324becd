/*
 * drain - the same reader for every contestant of a measurement.
 *
 *   drain STAMP TOTAL       reads stdin in blocks of 64 KiB until its end
 *
 * The moment when the last of TOTAL bytes arrived goes to the file STAMP (see feed.c). Anything but exactly TOTAL
 * bytes, ending as feed ends, fails: a contestant that loses data has no speed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int main(int argc, char **argv)
{
	static char block[65536];
	uint64_t total, done = 0, last = 0;
	FILE *file;

	if (argc != 3) {
		fputs("usage: drain STAMP TOTAL\n", stderr);
		return 64;
	}
	total = strtoull(argv[2], NULL, 10);
	for (;;) {
		ssize_t got = read(STDIN_FILENO, block, sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		done += (uint64_t)got;
		if (last == 0 && done >= total)
			last = now();
	}
	if (done != total) {
		fprintf(stderr, "drain: %" PRIu64 " bytes arrived, not %" PRIu64 "\n", done, total);
		return 1;
	}
	file = fopen(argv[1], "w");
	if (file == NULL || fprintf(file, "%" PRIu64 "\n", last) < 0 || fclose(file) != 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
