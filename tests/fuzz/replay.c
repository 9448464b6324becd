/*
 * replay.c - runs a fuzz target over its corpus, without a fuzzer.
 *
 *      fuzz_cbor tests/fuzz/corpus/cbor [DIRECTORY|FILE ...]
 *
 * Every target links with this main, so that every input that once mattered runs again in every `make check`,
 * in name order. An empty corpus is an error: a replay that replays nothing would always pass.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX (16u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static _Noreturn void die(const char *path)
{
	fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
	exit(1);
}

/* The whole file, in a block of exactly its size, so that a sanitizer sees a read beyond it. */
static uint8_t *read_file(const char *path, size_t *size)
{
	uint8_t *data = malloc(INPUT_MAX);
	uint8_t *exact;
	FILE *file = fopen(path, "rb");

	if (file == NULL || data == NULL)
		die(path);
	*size = fread(data, 1, INPUT_MAX, file);
	if (ferror(file))
		die(path);
	fclose(file);
	exact = realloc(data, *size > 0 ? *size : 1);
	if (exact == NULL)
		die(path);
	return exact;
}

static unsigned run_file(const char *path)
{
	size_t size;
	uint8_t *data = read_file(path, &size);

	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 1;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static unsigned run_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort);
	unsigned done = 0;

	if (count < 0)
		die(path);
	for (int i = 0; i < count; i++) {
		char file[4096];
		int n = snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);

		if (n < 0 || (size_t)n >= sizeof(file)) {
			errno = ENAMETOOLONG;
			die(path);
		}
		done += run_file(file);
		free(entries[i]);
	}
	free(entries);
	return done;
}

int main(int argc, char **argv)
{
	unsigned done = 0;

	for (int i = 1; i < argc; i++) {
		struct stat status;

		if (stat(argv[i], &status) != 0)
			die(argv[i]);
		done += S_ISDIR(status.st_mode) ? run_directory(argv[i]) : run_file(argv[i]);
	}
	if (done == 0) {
		fprintf(stderr, "replay: no input; usage: %s DIRECTORY|FILE ...\n", argv[0]);
		return 1;
	}
	printf("%u inputs\n", done);
	return 0;
}
