/*
 * drain - the same reader for every contestant of a measurement.
 *
 *   drain STAMP TOTAL       reads stdin in blocks of 64 KiB until its end
 *   drain -n STAMP TOTAL    checks that the lines of feed -n come in order and complete
 *
 * The moment when the last of TOTAL bytes arrived goes to the file STAMP (see feed.c). Anything but exactly TOTAL
 * bytes fails: a contestant that loses data has no speed.
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
	LINE = 100,
	DIGITS = 12
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The digits of a line's number, from byte `done` of the whole on. */
static void check(const char *block, size_t size, uint64_t done)
{
	char digits[24];

	for (size_t i = 0; i < size; i++) {
		uint64_t at = (done + i) % LINE;

		if (at == 0 || i == 0)
			snprintf(digits, sizeof digits, "%0*" PRIu64, DIGITS, (done + i) / LINE);
		if ((at < DIGITS && block[i] != digits[at]) || (block[i] == '\n') != (at == LINE - 1)) {
			fprintf(stderr, "drain: byte %" PRIu64 " of line %" PRIu64 " is another\n", at, (done + i) / LINE);
			exit(1);
		}
	}
}

int main(int argc, char **argv)
{
	static char block[65536];
	uint64_t total, done = 0, last = 0;
	bool numbered = argc == 4 && strcmp(argv[1], "-n") == 0;
	FILE *file;

	argv += numbered;
	if (argc - numbered != 3) {
		fputs("usage: drain [-n] STAMP TOTAL\n", stderr);
		return 64;
	}
	total = strtoull(argv[2], NULL, 10);
	for (;;) {
		ssize_t got = read(STDIN_FILENO, block, sizeof(block));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (numbered)
			check(block, (size_t)got, done);
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
