/*
 * linearizable.c - judges a history of real processes.
 *
 *     linearizable [--memory MEGABYTES] FILE     text or binary, see linear.h; exit 0: fine, 1: violated, 2: undecided
 *                                                or not a history
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/sim/linear.h"

static char *read_text(FILE *file)
{
	size_t capacity = 0, size = 0, got;
	char *text = NULL;

	do {
		text = memory_grow(text, &capacity, size + 65537, 1);
		got = fread(text + size, 1, 65536, file);
		size += got;
	} while (got > 0);
	text[size] = '\0';
	return text;
}

static bool load(const char *path, struct linear_history *history)
{
	FILE *file = fopen(path, "rb");
	size_t wrong;
	char *text;
	bool fine;

	if (!file) {
		perror(path);
		return false;
	}
	fine = linear_history_read_binary(history, file);
	if (!fine) {
		linear_history_fini(history);
		rewind(file);
		text = read_text(file);
		wrong = linear_history_parse(history, text);
		fine = wrong == 0;
		if (!fine)
			fprintf(stderr, "%s:%zu: not an operation\n", path, wrong);
		memory_free(text);
	}
	fclose(file);
	return fine;
}

static int tell(const char *judge, const struct linear_history *history, const struct linear_report *report)
{
	static const char *const verdict[] = {"linearizable", "VIOLATED", "undecided"};

	printf("%s: %s, %zu operations, %" PRIu64 " steps", judge, verdict[report->verdict], history->count, report->steps);
	if (report->verdict == LINEAR_VIOLATED)
		printf("; operation %zu of client %" PRIu64 ", invoked at %" PRId64 ", fits nowhere", report->op + 1,
			history->op[report->op].client, history->op[report->op].invoked);
	printf("\n");
	return report->verdict == LINEAR_OK ? 0 : report->verdict == LINEAR_VIOLATED ? 1 : 2;
}

int main(int argc, char **argv)
{
	struct linear_history history = {0};
	struct linear_report witness, search;
	size_t memory = 1024;
	int arg = 1, first, second;

	if (arg + 2 < argc && strcmp(argv[arg], "--memory") == 0) {
		memory = strtoul(argv[arg + 1], NULL, 10);
		arg += 2;
	}
	if (arg + 1 != argc || memory == 0) {
		fprintf(stderr, "usage: linearizable [--memory MEGABYTES] FILE\n");
		return 2;
	}
	if (!load(argv[arg], &history)) {
		linear_history_fini(&history);
		return 2;
	}
	linear_witness(history.op, history.count, &witness);
	linear_check(history.op, history.count, memory << 20, &search);
	first = tell("by position", &history, &witness);
	second = tell("by search", &history, &search);
	linear_history_fini(&history);
	return first == 1 || second == 1 ? 1 : first > second ? first : second;
}
