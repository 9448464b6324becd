/*
 * pingpong - round trips through two streams.
 *
 *   consume pong | pingpong RESULT COUNT | produce ping        while somewhere      consume ping | produce pong
 *
 * A line of 100 bytes goes to stdout when the one before it came back on stdin. RESULT: what latency_print says, without the first tenth of COUNT, which warms up.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/latency.h"

#define LINE 100   /* its end included */

static bool is_moved(bool out, char *line)
{
	size_t done = 0;

	while (done < LINE) {
		ssize_t part = out ? write(STDOUT_FILENO, line + done, LINE - done) :
			read(STDIN_FILENO, line + done, LINE - done);

		if (part < 0 && errno == EINTR)
			continue;
		if (part <= 0)
			return false;
		done += (size_t)part;
	}
	return true;
}

int main(int argc, char **argv)
{
	char line[LINE], back[LINE];
	struct latencies all = {0};
	size_t count;

	if (argc != 3) {
		fputs("usage: pingpong RESULT COUNT\n", stderr);
		return 64;
	}
	count = strtoul(argv[2], NULL, 10);
	for (size_t i = 0; i < count; i++) {
		uint64_t began = latency_now();

		memset(line, 'a' + (int)(i % 26), sizeof line);
		line[LINE - 1] = '\n';
		if (!is_moved(true, line) || !is_moved(false, back) || memcmp(line, back, sizeof line) != 0) {
			fputs("pingpong: it did not come back\n", stderr);
			return 1;
		}
		if (i >= count / 10)
			latency_note(&all, began, latency_now());
	}
	if (!freopen(argv[1], "w", stdout)) {
		perror(argv[1]);
		return 1;
	}
	latency_print(&all);
	memory_free(all.ns);
	return 0;
}
