/*
 * big.c - one big world: how long until everybody knows everybody, how long until a change is everywhere, and at what
 * cost.
 *
 *     big [NODES [LOSS_PERCENT [IDLE]]]     1000 5 135
 *
 * Latency 10-100 ms one way. Nodes start within a second, each told of one that started before it. Then IDLE seconds, of which
 * 135 are one announcement of everybody in a large network, and some changes. Exit 1 when something is missed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "discovery/announce.h"
#include "tests/sim/sim_spread.h"

#define COMPLETE_WITHIN 60000
#define CALM 30000             /* msec after the start until the announcements have their pace */
#define CHANGES 5

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool grow(struct sim *sim)
{
	double began = seconds();

	spread_grow(sim, 0);
	bool complete = sim_run_until_agreed(sim, COMPLETE_WITHIN, 100);
	printf("%s %" PRId64 " ms after the last start (%.1f s of computing, %" PRIu64 " events)\n",
		complete ? "complete" : "NOT complete", sim->now - 1000, seconds() - began, sim->count.events);
	return complete;
}

static void idle(struct sim *sim, msec span)
{
	uint64_t before = 0, after = 0;
	double began;
	uint64_t events;

	sim_run_until(sim, sim->now + CALM);
	began = seconds();
	events = sim->count.events;
	for (int p = 0; p < PROTOCOL_COUNT; p++)
		before += sim->count.bytes[p];
	sim_run_until(sim, sim->now + span);
	for (int p = 0; p < PROTOCOL_COUNT; p++)
		after += sim->count.bytes[p];
	printf("idle: %.0f bytes/s a node received; %.0f events/s computed\n",
		(double)(after - before) * 1000 / (double)span / (double)sim->options.places,
		(double)(sim->count.events - events) / (seconds() - began));
}

static bool change(struct sim *sim, size_t number)
{
	struct spread spread;

	spread_change(sim, number, &spread);
	printf("change %zu: everywhere after %" PRId64 " ms, missed %zu; %" PRIu64 " copies announced, %" PRIu64
		" synced, redundancy %.2f\n", number, spread.took, spread.missed, spread.announced, spread.synced,
		spread.redundancy);
	return spread.missed == 0;
}

int main(int argc, char **argv)
{
	struct sim_options options = sim_defaults;
	msec quiet = argc > 3 ? strtol(argv[3], NULL, 10) * 1000 : ANNOUNCE_INTERVAL_MAX;
	bool good;

	options.places = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	options.loss_percent = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
	options.latency_min = 10;
	options.latency_max = 100;
	options.check_every = 1000;
	if (options.places < 2 || options.loss_percent > 90 || quiet < 1000) {
		fprintf(stderr, "usage: big [NODES [LOSS_PERCENT [IDLE]]]\n");
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct sim *sim = sim_new(&options);
	good = grow(sim);
	idle(sim, quiet);
	for (size_t i = 0; i < CHANGES; i++)
		good = change(sim, i) && good;
	sim_free(sim);
	return good ? 0 : 1;
}
