/*
 * big.c - one big world: how long until everybody knows everybody, how long until a change is everywhere, and at what
 * cost.
 *
 *     big [NODES [LOSS_PERCENT]]     1000 5
 *
 * Latency 10-100 ms one way. Nodes start within a second, each told of one that started before it. Exit 1 when something
 * is missed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "tests/sim/sim.h"

#define COMPLETE_WITHIN 60000
#define CHANGE_WITHIN 20000
#define QUIET 20000            /* msec of idle running before the change: what gossip costs */
#define CHANGES 5

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool knows(const struct sim_node *node, const struct id *peer, const struct version *version)
{
	const struct catalog_peer *known = catalog_find(node_catalog(node->node), peer);

	return known && version_compare(&known->entry->card.version, version) >= 0;
}

/* How many do not know this version yet. */
static size_t unaware(const struct sim *sim, const struct id *peer, const struct version *version)
{
	size_t count = 0;

	for (size_t i = 0; i < sim->options.places; i++)
		count += !knows(&sim->node[i], peer, version);
	return count;
}

static bool grow(struct sim *sim)
{
	size_t nodes = sim->options.places;
	double began = seconds();

	for (size_t i = 0; i < nodes; i++) {
		sim_run_until(sim, (msec)(i * 1000 / nodes));
		sim_start(sim, i, false);
		if (i > 0)
			sim_bootstrap(sim, i, (size_t)rng_below(&sim->workload, i));
	}
	bool complete = sim_run_until_agreed(sim, COMPLETE_WITHIN, 100);
	printf("%s %" PRId64 " ms after the last start (%.1f s of computing, %" PRIu64 " events)\n",
		complete ? "complete" : "NOT complete", sim->now - 1000, seconds() - began, sim->count.events);
	return complete;
}

static void idle(struct sim *sim)
{
	uint64_t before = 0, after = 0;
	double began = seconds();
	uint64_t events = sim->count.events;

	for (int p = 0; p < PROTOCOL_COUNT; p++)
		before += sim->count.bytes[p];
	sim_run_until(sim, sim->now + QUIET);
	for (int p = 0; p < PROTOCOL_COUNT; p++)
		after += sim->count.bytes[p];
	printf("idle: %.0f bytes/s a node received; %.0f events/s computed\n",
		(double)(after - before) * 1000 / QUIET / (double)sim->options.places,
		(double)(sim->count.events - events) / (seconds() - began));
}

static bool change(struct sim *sim, size_t number)
{
	size_t nodes = sim->options.places;
	struct sim_node *node = &sim->node[rng_below(&sim->workload, nodes)];
	msec began = sim->now, most = 0;
	uint64_t announced = sim->count.watched[PROTOCOL_ANNOUNCE], synced = sim->count.watched[PROTOCOL_CATALOG_SYNC];
	char tag[32];

	snprintf(tag, sizeof(tag), "change-%zu", number);
	node_add_tag(node->node, sim->now, tag);
	struct bytes hello = node_hello(node->node, sim->now);   /* signs it */
	struct version version = catalog_find(node_catalog(node->node), &node->identity.public_key)->entry->card.version;
	uint8_t *watched = memory_copy(hello.data, hello.size);
	sim->watch = bytes_of(watched, hello.size);
	sim_turn(sim, node);
	while (sim->now < began + CHANGE_WITHIN && unaware(sim, &node->identity.public_key, &version) > 0) {
		sim_run_until(sim, sim->now + 10);
		most = sim->now - began;
	}
	size_t missed = unaware(sim, &node->identity.public_key, &version);
	announced = sim->count.watched[PROTOCOL_ANNOUNCE] - announced;
	synced = sim->count.watched[PROTOCOL_CATALOG_SYNC] - synced;
	printf("change %zu: everywhere after %" PRId64 " ms, missed %zu; %" PRIu64 " copies announced, %" PRIu64
		" synced, redundancy %.2f\n", number, most, missed, announced, synced,
		(double)(announced + synced) / (double)(nodes - 1) - 1);
	sim->watch = bytes_of(NULL, 0);
	memory_free(watched);
	return missed == 0;
}

int main(int argc, char **argv)
{
	struct sim_options options = sim_defaults;
	bool good;

	options.places = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	options.loss_percent = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 5;
	options.latency_min = 10;
	options.latency_max = 100;
	options.check_every = 1000;
	if (options.places < 2 || options.loss_percent > 90) {
		fprintf(stderr, "usage: big [NODES [LOSS_PERCENT]]\n");
		return 64;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct sim *sim = sim_new(&options);
	good = grow(sim);
	idle(sim);
	for (size_t i = 0; i < CHANGES; i++)
		good = change(sim, i) && good;
	sim_free(sim);
	return good ? 0 : 1;
}
