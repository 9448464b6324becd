/* group_draw.c - the world of a seed: who is there, on what disks and links, and what is asked of them. */
#include "tests/sim/group_swarm.h"

bool group_chance(struct rng *shape, unsigned of_a_hundred)
{
	return rng_below(shape, 100) < of_a_hundred;
}

static void draw_members(struct rng *shape, struct world_options *options)
{
	static const uint8_t sizes[] = {1, 2, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7, 9};
	size_t eligible = sizes[rng_below(shape, sizeof(sizes))];
	size_t observers = group_chance(shape, 30) ? 1 + rng_below(shape, 3) : 0;
	uint64_t storage = rng_below(shape, 100);

	options->places = eligible + observers;
	for (size_t i = 0; i < options->places; i++) {
		options->preference[i] = i >= eligible ? PREFER_OBSERVER : group_chance(shape, 10) ? PREFER_RELUCTANT
			: PREFER_NORMAL;
		options->durable[i] = storage < 50 || (storage < 70 && group_chance(shape, 50));
	}
	options->scattered = eligible > 1 && group_chance(shape, 16);
	options->expect = options->scattered ? 1 : (uint8_t)eligible;
	for (size_t i = 0; i < options->places && options->scattered; i++)
		options->durable[i] = true;
	options->terms.voters_cap = (uint8_t)(1 + 2 * rng_below(shape, 5));
	if (group_chance(shape, 60))
		options->terms.voters_cap = 5;
	options->terms.copies_min = group_chance(shape, 10) ? 2 : 1;
	options->terms.voters_min = group_chance(shape, 10) ? 1 : 3;
}

/*
 * Some expect fewer than there are: whoever finds so many begins, wherever that is, and what is left over may be enough again, or
 * not, which is what counts. Drawn apart, so that the other worlds are what they were.
 */
static void draw_expectation(uint64_t seed, struct world_options *options)
{
	struct rng shape;
	size_t eligible = 0;

	rng_init(&shape, seed ^ 0x2626);
	for (size_t i = 0; i < options->places; i++)
		eligible += options->preference[i] != PREFER_OBSERVER;
	if (eligible < 3 || !group_chance(&shape, 15))
		return;
	options->expect = (uint8_t)(2 + rng_below(&shape, eligible - 2));
	options->scattered = true;
	for (size_t i = 0; i < options->places; i++)
		options->durable[i] = true;
}

static void draw_options(struct rng *shape, struct world_options *options)
{
	msec heartbeat = group_chance(shape, 70) ? 50 : 20 + (msec)rng_below(shape, 200);

	options->terms.timing = (struct raft_timing){.heartbeat = heartbeat, .election_timeout = heartbeat * 10,
		.election_jitter = heartbeat * 5, .grow_stabilise = 300, .stabilise = 1000,
		.dead_after = 1500 + (msec)rng_below(shape, 3000), .shrink_after = MSEC_NEVER};
	options->harsh = group_chance(shape, 40);
	options->drop = group_chance(shape, 50) ? (unsigned)rng_below(shape, 300) : 0;
	options->duplicate = group_chance(shape, 50) ? (unsigned)rng_below(shape, 200) : 0;
	options->replay = group_chance(shape, 50) ? (unsigned)rng_below(shape, 100) : 0;
	options->latency_min = (usec)rng_below(shape, 3000);
	options->latency_mean = group_chance(shape, 70) ? 500 + (usec)rng_below(shape, 10000)
		: 1000 + (usec)rng_below(shape, 100000);
	options->idle = 500000 + (usec)rng_below(shape, 5000000);
	options->disk_mean = group_chance(shape, 70) ? 100 + (usec)rng_below(shape, 5000)
		: 1000 + (usec)rng_below(shape, 200000);
	options->disk_stall = group_chance(shape, 30) ? (unsigned)rng_below(shape, 20) : 0;
	options->clients = 1 + rng_below(shape, 8);
	options->keys = 3 + rng_below(shape, 20);
	options->think = 5000 + (usec)rng_below(shape, 200000);
	options->padding = group_chance(shape, 20) ? rng_below(shape, 2000) : 0;
	options->ballast = group_chance(shape, 10) ? rng_below(shape, 60000) : rng_below(shape, 100);
	options->compact_entries = group_chance(shape, 40) ? 10 + (uint32_t)rng_below(shape, 200) : group_chance(shape, 40)
		? 4 + (uint32_t)rng_below(shape, 12) : 0;
	options->external = group_chance(shape, 15);
	options->deaf_successors = group_chance(shape, 40);
	options->restless = group_chance(shape, 50) ? (unsigned)rng_below(shape, 700) : 0;
	options->history_max = 16000;
	for (size_t i = 0; i < ID_SIZE; i++)
		options->terms.key.byte[i] = (uint8_t)rng_next(shape);
}

void group_draw(struct rng *shape, uint64_t seed, struct world_options *options)
{
	draw_members(shape, options);
	draw_options(shape, options);
	draw_expectation(seed, options);
}
