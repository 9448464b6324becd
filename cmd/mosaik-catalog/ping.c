/*
 * ping.c - what a question and its answer take, over the wire and through the machines of both sides.
 *
 * Each round is the comparison of two catalogs that are equal: one small message there, one back. A round that brought
 * news took more than that, and is not counted.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cmd/mosaik-catalog/find.h"
#include "cmd/mosaik-catalog/print.h"
#include "cmd/mosaik-catalog/subcommands.h"

enum { PING_PEER, PING_COUNT, PING_MIN, PING_AVG, PING_MAX };

static const struct column columns[] = {
	{"peer", COLUMN_ID}, {"count", COLUMN_NUMBER}, {"min_ms", COLUMN_NUMBER}, {"avg_ms", COLUMN_NUMBER},
	{"max_ms", COLUMN_NUMBER}, {.name = NULL}
};

struct ping {
	struct ask ask;
	uint64_t wanted;
	uint64_t count;
	double least, most, sum;   /* msec */
	double sent_at;
	uint64_t revision;         /* of the catalog when the question was put */
};

/* The clock of the loop counts whole milliseconds. */
static double clock_msec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void measured(struct ping *ping, double took)
{
	ping->least = ping->count == 0 || took < ping->least ? took : ping->least;
	ping->most = took > ping->most ? took : ping->most;
	ping->sum += took;
	ping->count++;
}

static void answered(struct ask *ask, msec now)
{
	struct ping *ping = ask->self;
	uint64_t revision = ask_catalog(ask)->revision;

	if (ask->answers > 1 && revision == ping->revision)
		measured(ping, clock_msec() - ping->sent_at);
	if (ping->count == ping->wanted) {
		session_leave(&ask->session, EXIT_YES);
		return;
	}
	ask_again(ask, now);
	ping->revision = revision;
	ping->sent_at = clock_msec();   /* the question leaves at the end of this very turn */
}

static int print(const struct settings *settings, const struct ping *ping)
{
	struct listing *listing = listing_open(&settings->common, columns);

	listing_id(listing, PING_PEER, &ping->ask.member);
	listing_number(listing, PING_COUNT, ping->count);
	listing_real(listing, PING_MIN, ping->least);
	listing_real(listing, PING_AVG, ping->sum / (double)ping->count);
	listing_real(listing, PING_MAX, ping->most);
	listing_end_row(listing);
	return print_close(listing);
}

/* Where to: an operand with a port is dialled as it is, another is the beginning of an id that somebody knows. */
static char *target(const struct settings *settings, const char *operand)
{
	struct found *found = NULL;
	size_t count;
	char *token;

	if (strchr(operand, ':'))
		return memory_copy_text(operand);
	count = find_peers(&settings->common, operand, &found);
	if (count == 0)
		fail(EXIT_UNAVAILABLE, "no-peer", NULL, "no peer of network '%s' has an id that begins with '%s'",
			settings->common.network_text, operand);
	if (count > 1)
		fail(EXIT_USAGE, "ambiguous", NULL, "%zu peers have an id that begins with '%s'", count, operand);
	token = memory_copy_text(found->token);
	memory_free(found);
	return token;
}

int ping_run(const struct settings *settings, int count, char **operand)
{
	struct ping ping = {.wanted = settings->count};
	char *token;
	int status, printed;

	if (count < 2)
		usage_error("ping whom? The beginning of an id, or HOST:PORT");
	listing_check(&settings->common, columns);
	token = target(settings, operand[1]);
	ping.ask = (struct ask){.common = settings->common, .stays = true, .answered = answered, .self = &ping};
	ask_only(&ping.ask, &token);
	status = ask_run(&ping.ask);
	memory_free(token);
	if (ping.count == 0 && (status == EXIT_UNAVAILABLE || status == EXIT_DEADLINE))
		fail(EXIT_UNAVAILABLE, "no-answer", NULL, "'%s' does not answer: %s", operand[1],
			status == EXIT_DEADLINE ? "nothing came back within the timeout" : error_text(ping.ask.failure));
	if (ping.count == 0 && status == EXIT_REFUSED)
		ask_fail(&ping.ask, status);
	if (ping.count == 0)
		return status;
	printed = print(settings, &ping);
	return printed != EXIT_YES || status == EXIT_YES ? printed : EXIT_NO;   /* it fell silent before the last one */
}
