/* sim_split.c - see sim_split.h. */
#include "tests/sim/sim_split.h"

#include <inttypes.h>

#include "base/memory.h"

#define NODES_MAX 30
#define GROWN_WITHIN 60000

struct split {
	struct sim *sim;
	bool *other_side;          /* [places] */
	struct split_result *result;
};

static bool fail(struct split *split, const char *failure)
{
	split->result->failure = failure;
	return false;
}

static void open_world(struct split *split, uint64_t seed, size_t nodes)
{
	struct sim_options options = sim_defaults;
	struct rng shape;

	rng_init(&shape, seed ^ 0x59117);
	options.seed = seed;
	options.places = nodes > 0 ? nodes : 2 + (size_t)rng_below(&shape, NODES_MAX - 1);
	options.latency_min = 1 + (msec)rng_below(&shape, 20);
	options.latency_max = options.latency_min + (msec)rng_below(&shape, 80);
	options.loss_percent = (unsigned)rng_below(&shape, 6);
	options.check_every = 10;
	split->sim = sim_new(&options);
	split->other_side = memory_new(options.places * sizeof(bool));
	split->result->nodes = options.places;
	split->result->smaller = 1 + (size_t)rng_below(&shape, options.places / 2);
	for (size_t left = split->result->smaller; left > 0;) {
		size_t place = (size_t)rng_below(&shape, options.places);

		left -= !split->other_side[place];
		split->other_side[place] = true;
	}
}

static bool grow(struct split *split)
{
	struct sim *sim = split->sim;

	for (size_t i = 0; i < sim->options.places; i++) {
		sim_start(sim, i, false);
		if (i > 0)
			sim_bootstrap(sim, i, (size_t)rng_below(&sim->workload, i));
		sim_run_until(sim, sim->now + (msec)rng_below(&sim->workload, 200));
	}
	if (!sim_run_until_agreed(sim, sim->now + GROWN_WITHIN, 100))
		return fail(split, "they never agreed");
	sim_run_until(sim, sim->now + (msec)rng_below(&sim->workload, 60000));
	return true;
}

static void cut(struct split *split)
{
	size_t places = split->sim->options.places;

	for (size_t a = 0; a < places; a++)
		for (size_t b = 0; b < places; b++)
			if (split->other_side[a] != split->other_side[b])
				sim_cut(split->sim, a, b, true);
}

static bool is_apart(const struct split *split)
{
	for (size_t i = 0; i < split->result->nodes; i++) {
		size_t side = split->other_side[i] ? split->result->smaller : split->result->nodes - split->result->smaller;

		if (node_catalog(split->sim->node[i].node)->live != side)
			return false;
	}
	return true;
}

static uint64_t bytes_of_all(const struct sim *sim)
{
	uint64_t sum = 0;

	for (int p = 0; p < PROTOCOL_COUNT; p++)
		sum += sim->count.bytes[p];
	return sum;
}

static bool part_and_meet(struct split *split)
{
	struct sim *sim = split->sim;
	uint64_t bytes, failed;
	msec healed;

	cut(split);
	sim_run_until(sim, sim->now + SPLIT_FOR - 60000);
	bytes = bytes_of_all(sim);
	failed = sim->count.dials_failed;
	sim_run_until(sim, sim->now + 60000);
	split->result->bytes_s = (bytes_of_all(sim) - bytes) / 60 / split->result->nodes;
	split->result->dials_failed = sim->count.dials_failed - failed;
	if (!is_apart(split))
		return fail(split, "a half lists others than itself");
	healed = sim->now;
	sim_heal(sim);
	if (!sim_run_until_agreed(sim, healed + 4 * SPLIT_HEALED_WITHIN, 50))
		fail(split, "not one network");
	split->result->one_after = sim->now - healed;
	if (split->result->one_after > SPLIT_HEALED_WITHIN)
		fail(split, "not one network in time");
	return !split->result->failure;
}

void split_run(uint64_t seed, size_t nodes, struct split_result *result)
{
	struct split split = {.result = result};

	*result = (struct split_result){0};
	open_world(&split, seed, nodes);
	if (grow(&split))
		part_and_meet(&split);
	memory_free(split.other_side);
	sim_free(split.sim);
}

uint64_t split_run_many(uint64_t first, uint64_t seeds, bool stop)
{
	struct split_result result;
	uint64_t failed = 0;
	msec together = 0, slowest = 0;

	for (uint64_t seed = first; seed < first + seeds && !(stop && failed > 0); seed++) {
		split_run(seed, 0, &result);
		failed += result.failure != NULL;
		together += result.one_after;
		slowest = result.one_after > slowest ? result.one_after : slowest;
		if (result.failure)
			fprintf(stderr, "%s: %zu of %zu nodes apart, %" PRId64 " ms after the heal\nFAILED seed %" PRIu64 "\n",
				result.failure, result.smaller, result.nodes, result.one_after, seed);
	}
	printf("# %" PRIu64 " splits of ten minutes: %" PRIu64 " failed; one network %" PRId64 " ms after the heal on average, %"
		PRId64 " ms at most\n", seeds, failed, together / (msec)seeds, slowest);
	return failed;
}
