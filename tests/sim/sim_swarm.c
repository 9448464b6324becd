/* sim_swarm.c - see sim_swarm.h. */
#include "tests/sim/sim_swarm.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define PLACES_MAX 10
#define AGREE_WITHIN 12000      /* msec; most agree within 2 s, slow networks with much loss take longer */
#define LINKED_WITHIN 60000     /* msec: refusals make a node wait up to 22 s before it asks again */
#define EVENTS_MAX 3000000      /* a hundred times the average of a seed */
#define PURGED_WITHIN (CATALOG_PURGE_AFTER + 30000)
#define READ_WITHIN 100000      /* a consumer tries again at least every 60 s +- 20 % */
#define STREAM "swarm"

enum fault { FAULT_SPLIT, FAULT_ONE_WAY, FAULT_MEND, FAULT_CRASH, FAULT_RESTART, FAULT_DEPART, FAULT_PAUSE, FAULT_JUMP,
	FAULT_COUNT };

static const char *const fault_name[FAULT_COUNT] = {"split", "one-way", "mend", "crash", "restart", "depart", "pause",
	"jump"};

struct swarm {
	struct sim *sim;
	struct swarm_result *result;
	FILE *log;
	bool on[FAULT_COUNT];
	bool of_the_dead;
	msec start_skew[PLACES_MAX];   /* of the wall clock when its identity last started */
	uint64_t gone[PLACES_MAX][PLACES_MAX];   /* by who was told, and who left: the start of the life that ended; or 0 */
	bool produces[PLACES_MAX], consumes[PLACES_MAX];
	uint64_t read_before[PLACES_MAX];
	size_t ends_before[PLACES_MAX];
};

static uint64_t draw(struct swarm *swarm, uint64_t below)
{
	return rng_below(&swarm->sim->faults, below);
}

static size_t places(const struct swarm *swarm)
{
	return swarm->sim->options.places;
}

static void say(const struct swarm *swarm, const char *what, size_t place, size_t other)
{
	if (swarm->log)
		fprintf(swarm->log, "%" PRId64 ".%03d *** %s %zu %zu\n", swarm->sim->now / 1000, (int)(swarm->sim->now % 1000),
			what, place, other);
}

/* ---- lives ---- */

static void start(struct swarm *swarm, size_t place, bool same_identity)
{
	struct sim_node *node = &swarm->sim->node[place];
	struct sim *sim = swarm->sim;

	/* A start is dated by the wall clock: one that lies before the last of this identity would be told as old. */
	if (same_identity && node->skew < swarm->start_skew[place])
		node->skew = swarm->start_skew[place];
	swarm->start_skew[place] = node->skew;
	say(swarm, same_identity ? "start" : "start anew", place, node->life);
	for (size_t i = 0; i < places(swarm); i++)
		swarm->gone[i][place] = swarm->gone[place][i] = 0;
	sim_start(sim, place, same_identity);
	/* Two of everybody, so that no single death parts the network for ever. */
	sim_bootstrap(sim, place, (place + 1) % places(swarm));
	if (draw(swarm, 2) == 0)
		sim_bootstrap(sim, place, draw(swarm, places(swarm)));
	sim_bootstrap(sim, place, 0);
	if (swarm->produces[place])
		sim_produce(sim, place, STREAM, 0, 20 + (msec)rng_below(&sim->workload, 200));
	if (swarm->consumes[place])
		sim_consume(sim, place, STREAM, 1 + (msec)rng_below(&sim->workload, sim->streams.record_size > 0 ? 2000 : 300));
}

static void cut_group(struct swarm *swarm, uint64_t members, bool one_way)
{
	for (size_t a = 0; a < places(swarm); a++)
		swarm->result->of_the_dead |= swarm->sim->node[a].departing;
	for (size_t a = 0; a < places(swarm); a++)
		for (size_t b = 0; b < places(swarm); b++) {
			bool leaves = (members >> a & 1) == 1 && (members >> b & 1) == 0;
			bool enters = (members >> a & 1) == 0 && (members >> b & 1) == 1;

			if (leaves || (enters && !one_way))
				sim_cut(swarm->sim, a, b, true);
		}
}

static void jump(struct swarm *swarm, struct sim_node *node)
{
	msec size = draw(swarm, 2) == 0 ? 20000 : 1200000;

	node->skew += (msec)draw(swarm, (uint64_t)size) - size / 2;
}

static void restart(struct swarm *swarm, size_t place)
{
	struct sim_node *node = &swarm->sim->node[place];

	if (node->departing)
		return;
	if (node->node)
		sim_crash(swarm->sim, place, false);   /* and up again at once: nobody has noticed yet */
	start(swarm, place, !swarm->of_the_dead || draw(swarm, 3) > 0);
}

/* Whoever heard a goodbye does not list that peer again before it starts again: tombstones hold. */
static void watch_the_departed(struct swarm *swarm)
{
	for (size_t i = 0; i < places(swarm); i++) {
		const struct sim_node *node = &swarm->sim->node[i];

		for (size_t j = 0; node->node && j < places(swarm); j++) {
			const struct id *peer = &swarm->sim->node[j].identity.public_key;
			struct version version;
			bool is_goodbye;
			bool is_known = catalog_version(node_catalog(node->node), peer, &version, &is_goodbye);

			if (is_known && !is_goodbye && version.start <= swarm->gone[i][j])
				swarm->result->failure = "one who left is listed again";
			swarm->gone[i][j] = is_known && is_goodbye && i != j ? version.start : 0;
		}
	}
}

static void inflict(struct swarm *swarm)
{
	enum fault fault = (enum fault)draw(swarm, FAULT_COUNT);
	size_t place = (size_t)draw(swarm, places(swarm));
	struct sim_node *node = &swarm->sim->node[place];

	if (!swarm->on[fault])
		return;
	say(swarm, fault_name[fault], place, 0);
	swarm->result->faults++;
	switch (fault) {
	case FAULT_SPLIT:
	case FAULT_ONE_WAY:
		cut_group(swarm, draw(swarm, UINT64_C(1) << places(swarm)), fault == FAULT_ONE_WAY);
		break;
	case FAULT_MEND:
		sim_heal(swarm->sim);
		break;
	case FAULT_CRASH:
		sim_crash(swarm->sim, place, draw(swarm, 2) == 0);
		break;
	case FAULT_RESTART:
		restart(swarm, place);
		break;
	case FAULT_DEPART:
		if (!node->node || sim_up(swarm->sim) <= 2)
			break;
		/* A goodbye that nobody hears ends nothing before the purge. */
		swarm->result->of_the_dead |= swarm->sim->cuts > 0 || node_neighbours(node->node) == 0;
		sim_depart(swarm->sim, place);
		break;
	case FAULT_PAUSE:
		sim_pause(swarm->sim, place, 100 + (msec)draw(swarm, 8000));
		break;
	case FAULT_JUMP:
		jump(swarm, node);
		break;
	case FAULT_COUNT:
		break;
	}
}

/* ---- the three phases ---- */

/* Links get full only with large records, and those cost time: one seed in twelve. */
static bool has_large_records(uint64_t seed)
{
	return seed % 12 == 7;
}

static void draw_streams(struct swarm *swarm, uint64_t seed)
{
	struct sim_streams *streams = &swarm->sim->streams;
	struct rng shape;

	rng_init(&shape, seed ^ 0x57EA);
	if (has_large_records(seed))
		streams->record_size = 64 * 1024 + (size_t)rng_below(&shape, 64 * 1024);
	streams->on_slow = (enum slow_policy)rng_below(&shape, SLOW_DROP + 1);
	if (has_large_records(seed) && streams->on_slow == SLOW_BLOCK)
		streams->on_slow = SLOW_DROP;
	streams->buffer = 1 + rng_below(&shape, 40);
	if (rng_below(&shape, 4) == 0) {
		streams->subscribers_max = 1 + (size_t)rng_below(&shape, 2);
		streams->waiting_max = (size_t)rng_below(&shape, 8);
	}
	streams->filter_percent = rng_below(&shape, 3) == 0 ? 50 : 0;
}

static void open_world(struct swarm *swarm, uint64_t seed)
{
	struct sim_options options = sim_defaults;
	struct rng shape;

	rng_init(&shape, seed ^ 0x5EED);
	options.seed = seed;
	options.places = 3 + rng_below(&shape, PLACES_MAX - 2);
	options.latency_min = 1 + (msec)rng_below(&shape, 40);
	options.latency_max = options.latency_min + (msec)rng_below(&shape, 150);
	options.loss_percent = rng_below(&shape, 2) == 0 ? 0 : (unsigned)rng_below(&shape, 20);
	options.idle = 3000 + (msec)rng_below(&shape, 30000);
	options.window = (size_t)1024 << rng_below(&shape, 13);
	options.events_max = EVENTS_MAX;
	options.log = swarm->log;
	swarm->of_the_dead = swarm->result->of_the_dead = seed % 8 == 0;
	for (int i = 0; i < FAULT_COUNT; i++)
		swarm->on[i] = rng_below(&shape, 2) == 0;
	swarm->on[FAULT_MEND] = true;
	for (size_t i = 0; i < options.places; i++) {
		swarm->produces[i] = i == 0 || rng_below(&shape, 4) == 0;
		swarm->consumes[i] = i == 1 || rng_below(&shape, 3) == 0;
	}
	if (has_large_records(seed))
		options.window = 4u * 1024 * 1024;
	swarm->sim = sim_new(&options);
	draw_streams(swarm, seed);
	for (size_t i = 0; i < options.places; i++) {
		if (swarm->on[FAULT_JUMP] && rng_below(&shape, 3) == 0)
			jump(swarm, &swarm->sim->node[i]);
		if (rng_below(&shape, 5) == 0)
			swarm->sim->node[i].slow = (msec)rng_below(&shape, 200);
	}
}

static void safety(struct swarm *swarm)
{
	struct sim *sim = swarm->sim;
	msec until = 20000 + (msec)draw(swarm, 20000);

	for (size_t i = 0; i < places(swarm); i++) {
		start(swarm, i, true);
		sim_run_until(sim, sim->now + (msec)draw(swarm, 500));
	}
	while (sim->now < until) {
		sim_run_until(sim, sim->now + 100 + (msec)draw(swarm, 1500));
		watch_the_departed(swarm);
		inflict(swarm);
	}
}

/*
 * The addresses of everybody lead to place 0, and its own to place 1. Who leaves there just now would be gone for ever, and
 * with it perhaps the only address of a newcomer whom nobody else looks for (seed 6296).
 */
static void await_departures(struct swarm *swarm)
{
	const struct sim_node *node = swarm->sim->node;

	while ((node[0].node && node[0].departing) || (node[1].node && node[1].departing)) {
		sim_run_until(swarm->sim, swarm->sim->now + 100);
		watch_the_departed(swarm);
	}
}

static void heal(struct swarm *swarm)
{
	struct sim *sim = swarm->sim;

	say(swarm, "heal", 0, 0);
	sim_heal(sim);
	await_departures(swarm);
	for (size_t i = 0; i < places(swarm); i++) {
		struct sim_node *node = &sim->node[i];

		if (node->paused_until > sim->now)
			node->paused_until = sim->now;
		if (!node->node && (!swarm->of_the_dead || i < 2 || draw(swarm, 2) == 0))
			start(swarm, i, true);
	}
	for (size_t i = 0; i < 2; i++)
		ASSERT(sim->node[i].node && !sim->node[i].departing);
}

static bool fail(struct swarm *swarm, const char *failure)
{
	swarm->result->failure = failure;
	for (size_t i = 0; i < places(swarm); i++) {
		const struct sim_node *node = &swarm->sim->node[i];
		size_t missing, wrong, at = strlen(swarm->result->why);

		if (!node->node)
			continue;
		missing = sim_missing(swarm->sim, node, &wrong);
		snprintf(swarm->result->why + at, sizeof(swarm->result->why) - at, " %zu:-%zu+%zu/%" PRIu64, i, missing, wrong,
			sim_records_read(node));
	}
	return false;
}

static bool everybody_agrees(struct swarm *swarm)
{
	struct sim *sim = swarm->sim;
	msec healed = sim->now;

	while (!sim_agreed(sim) && !swarm->result->failure) {
		if (sim->now >= healed + (swarm->result->of_the_dead ? PURGED_WITHIN : AGREE_WITHIN))
			return fail(swarm, "not everybody lists exactly those that run");
		sim_run_until(sim, sim->now + 500);
		watch_the_departed(swarm);
	}
	swarm->result->agreed_after = sim->now - healed;
	return !swarm->result->failure;
}

/* Everybody has as many neighbours as it wants, or all there are. */
static bool everybody_is_linked(struct swarm *swarm)
{
	struct sim *sim = swarm->sim;
	msec until = sim->now + LINKED_WITHIN;
	size_t wanted = sim_up(sim) - 1 < ANNOUNCE_NEIGHBOURS ? sim_up(sim) - 1 : ANNOUNCE_NEIGHBOURS;

	for (size_t i = 0; i < places(swarm);) {
		const struct sim_node *node = &sim->node[i];

		if (!node->node || node->departing || node_neighbours(node->node) >= wanted) {
			i++;
		} else {
			if (sim->now >= until)
				return fail(swarm, "a node is left with too few neighbours");
			sim_run_until(sim, sim->now + 500);
			i = 0;
		}
	}
	return true;
}

/* Producers that run, but the one in place `reader`: nobody subscribes to itself. */
static size_t producers_for(const struct swarm *swarm, size_t reader)
{
	size_t up = 0;

	for (size_t i = 0; i < places(swarm); i++)
		up += i != reader && swarm->produces[i] && swarm->sim->node[i].node && !swarm->sim->node[i].departing;
	return up;
}

static bool has_progressed(const struct swarm *swarm, bool to_the_end)
{
	for (size_t i = 0; i < places(swarm); i++) {
		const struct sim_node *node = &swarm->sim->node[i];
		size_t producers = producers_for(swarm, i);

		if (!swarm->consumes[i] || !node->node || node->departing || producers == 0)
			continue;
		/* In line for a place, perhaps for good: only an end makes one. */
		if (!to_the_end && swarm->sim->streams.subscribers_max > 0)
			continue;
		if (to_the_end ? sim_ends_verified(node) < swarm->ends_before[i] + producers
		               : sim_records_read(node) == swarm->read_before[i])
			return false;
	}
	return true;
}

static bool progresses(struct swarm *swarm, bool to_the_end)
{
	msec until = swarm->sim->now + READ_WITHIN;
	uint64_t records = swarm->sim->count.records;

	for (size_t i = 0; i < places(swarm); i++) {
		swarm->read_before[i] = sim_records_read(&swarm->sim->node[i]);
		swarm->ends_before[i] = sim_ends_verified(&swarm->sim->node[i]);
	}
	for (size_t i = 0; to_the_end && i < places(swarm); i++)
		sim_produce_end(swarm->sim, i);
	while (!has_progressed(swarm, to_the_end)) {
		if (swarm->sim->now >= until)
			return fail(swarm, to_the_end ? "a reader misses an end" : "a reader reads no more");
		sim_run_until(swarm->sim, swarm->sim->now + 500);
		/* What waits in front of a slow reader with a small window may take long: the end comes after it. */
		if (to_the_end && swarm->sim->count.records != records)
			until = swarm->sim->now + READ_WITHIN;
		records = swarm->sim->count.records;
	}
	return true;
}

void swarm_run(uint64_t seed, FILE *log, struct swarm_result *result)
{
	struct swarm swarm = {.result = result, .log = log};

	*result = (struct swarm_result){0};
	open_world(&swarm, seed);
	safety(&swarm);
	heal(&swarm);
	if (everybody_agrees(&swarm) && everybody_is_linked(&swarm) && progresses(&swarm, false))
		progresses(&swarm, true);
	result->hash = sim_hash(swarm.sim);
	result->count = swarm.sim->count;
	result->simulated = swarm.sim->now;
	sim_free(swarm.sim);
}
