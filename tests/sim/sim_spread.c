/* sim_spread.c - see sim_spread.h. */
#include "tests/sim/sim_spread.h"

#include <inttypes.h>

#include "base/memory.h"

#define SETTLE 20000           /* msec: views are mixed, the tree is cut */
#define CHANGES 6
#define GROWN_WITHIN 30000
#define FAMILY 10
#define FAMILIES 20

static bool knows(const struct sim_node *node, const struct id *peer, const struct version *version)
{
	const struct catalog_peer *known = catalog_find(node_catalog(node->node), peer);

	return known && version_compare(&known->entry->card.version, version) >= 0;
}

static size_t unaware(const struct sim *sim, const struct id *peer, const struct version *version)
{
	size_t count = 0;

	for (size_t i = 0; i < sim->options.places; i++)
		count += !knows(&sim->node[i], peer, version);
	return count;
}

void spread_change(struct sim *sim, size_t number, struct spread *result)
{
	struct sim_node *node = &sim->node[rng_below(&sim->workload, sim->options.places)];
	const struct id *peer = &node->identity.public_key;
	uint64_t announced = sim->count.watched[PROTOCOL_ANNOUNCE], synced = sim->count.watched[PROTOCOL_CATALOG_SYNC];
	msec began = sim->now;
	char tag[32];

	snprintf(tag, sizeof(tag), "change-%zu", number);
	node_add_tag(node->node, sim->now, tag);
	struct bytes hello = node_hello(node->node, sim->now);   /* signs it */
	struct version version = catalog_find(node_catalog(node->node), peer)->entry->card.version;
	uint8_t *watched = memory_copy(hello.data, hello.size);
	sim->watch = bytes_of(watched, hello.size);
	sim_turn(sim, node);
	while (sim->now < began + SPREAD_GIVEN_UP && unaware(sim, peer, &version) > 0)
		sim_run_until(sim, sim->now + 10);
	result->took = sim->now - began;
	result->missed = unaware(sim, peer, &version);
	result->announced = sim->count.watched[PROTOCOL_ANNOUNCE] - announced;
	result->synced = sim->count.watched[PROTOCOL_CATALOG_SYNC] - synced;
	result->redundancy =
		(double)(result->announced + result->synced) / (double)(sim->options.places - 1) - 1;
	sim->watch = bytes_of(NULL, 0);
	memory_free(watched);
}

/* Whom the node in place i, not 0, is told of. */
static size_t elder_of(struct sim *sim, size_t i, size_t family)
{
	if (family == 0)
		return (size_t)rng_below(&sim->workload, i);
	return i % family == 0 ? i - family : i - i % family;
}

void spread_grow(struct sim *sim, size_t family)
{
	size_t nodes = sim->options.places;

	for (size_t i = 0; i < nodes; i++) {
		sim_run_until(sim, (msec)(i * 1000 / nodes));
		sim_start(sim, i, false);
		if (i > 0)
			sim_bootstrap(sim, i, elder_of(sim, i, family));
	}
}

/* NULL: good. *slowest grows. */
static const char *run_changes(struct sim *sim, size_t family, msec *slowest, double *redundancy)
{
	bool is_late = false;

	spread_grow(sim, family);
	if (!sim_run_until_agreed(sim, GROWN_WITHIN, 100))
		return "they never agreed";
	sim_run_until(sim, sim->now + SETTLE);
	for (size_t i = 0; i < CHANGES; i++) {
		struct spread spread;

		spread_change(sim, i, &spread);
		is_late = is_late || spread.took > SPREAD_WITHIN;
		*slowest = spread.took > *slowest ? spread.took : *slowest;
		*redundancy += spread.redundancy / CHANGES;
		sim_run_until(sim, sim->now + 500);
	}
	return is_late ? "a change was late" : *redundancy >= 1 ? "too many copies" : NULL;
}

static const char *run(uint64_t seed, msec *slowest, double *redundancy)
{
	struct sim_options options = sim_defaults;
	bool has_families = seed % 4 == 2;
	struct rng shape;
	const char *failure;

	rng_init(&shape, seed ^ 0x59EAD);
	options.seed = seed;
	options.places = has_families ? (size_t)FAMILY * FAMILIES : 40 + (size_t)rng_below(&shape, 41);
	options.latency_min = 10;
	options.latency_max = 100;
	options.loss_percent = 5;
	options.check_every = 100;
	struct sim *sim = sim_new(&options);
	failure = run_changes(sim, has_families ? FAMILY : 0, slowest, redundancy);
	sim_free(sim);
	return failure;
}

uint64_t spread_run_many(uint64_t first, uint64_t seeds, bool stop)
{
	uint64_t failed = 0, ran = 0;
	double redundancies = 0;
	msec slowest = 0;

	for (uint64_t seed = first; seed < first + seeds && !(stop && failed > 0); seed++) {
		double redundancy = 0;
		msec took = 0;
		const char *failure = run(seed, &took, &redundancy);

		ran++;
		failed += failure != NULL;
		redundancies += redundancy;
		slowest = took > slowest ? took : slowest;
		if (failure)
			fprintf(stderr, "%s: %" PRId64 " ms, redundancy %.2f\nFAILED seed %" PRIu64 "\n", failure, took, redundancy,
				seed);
	}
	printf("# %" PRIu64 " worlds of changes: %" PRIu64 " failed; everywhere after %" PRId64
		" ms at most, redundancy %.2f on average\n", ran, failed, slowest, redundancies / (double)ran);
	return failed;
}
