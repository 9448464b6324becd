/*
 * pingpong - round trips through two streams.
 *
 *   consume pong | pingpong RESULT COUNT | produce ping        while somewhere      consume ping | produce pong
 *
 * A line of 100 bytes goes to stdout when the one before it came back on stdin. RESULT: see round_trips.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/round_trips.h"

static bool is_moved(bool out, char *line)
{
	size_t done = 0;

	while (done < ROUND_TRIP_BYTES) {
		ssize_t part = out ? write(STDOUT_FILENO, line + done, ROUND_TRIP_BYTES - done) :
			read(STDIN_FILENO, line + done, ROUND_TRIP_BYTES - done);

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
	char line[ROUND_TRIP_BYTES], back[ROUND_TRIP_BYTES];
	struct round_trips trips;

	if (argc != 3) {
		fputs("usage: pingpong RESULT COUNT\n", stderr);
		return 64;
	}
	trips = round_trips_new(strtoul(argv[2], NULL, 10));
	while (round_trips_begin(&trips)) {
		snprintf(line, sizeof line, "%0*zu", ROUND_TRIP_BYTES - 1, trips.done);
		line[ROUND_TRIP_BYTES - 1] = '\n';
		if (!is_moved(true, line) || !is_moved(false, back) || memcmp(line, back, sizeof line) != 0) {
			fputs("pingpong: it did not come back\n", stderr);
			return 1;
		}
		round_trips_end(&trips);
	}
	return round_trips_tell(&trips, argv[1]);
}
