/*
 * sim.c - see sim.h: time, and the lives of nodes.
 *
 * An event reaches one node and is followed by a turn of that node, in the order of node.h: tick when due, facts,
 * effects, until nothing moves. Then its invariants are checked, and its wake-up is set to its deadline.
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define SEQUENCE_BITS 40
#define LEAVE_AFTER 1000       /* msec from goodbye to the end of the process */
#define ROUNDS_MAX 1000        /* of one turn: more is a node that never comes to rest */
#define HASH_PRIME 0x100000001B3u

const struct sim_options sim_defaults = {.seed = 1, .places = 3, .latency_min = 10, .latency_max = 40, .idle = 30000,
	.handshake = 5000, .window = WINDOW_LINK, .check_every = 1, .log_level = LOG_DEBUG};

/* ---- time ---- */

void sim_at(struct sim *sim, struct sim_event *event, msec at)
{
	/* The sequence in the low bits makes the order of equal times the order of the calls. */
	ASSERT(at >= sim->now && at < INT64_C(1) << (63 - SEQUENCE_BITS));
	ASSERT(sim->sequence < UINT64_C(1) << SEQUENCE_BITS && event->happen);
	heap_set(&sim->events, &event->place, (uint64_t)at << SEQUENCE_BITS | sim->sequence++);
}

void sim_cancel(struct sim *sim, struct sim_event *event)
{
	heap_remove(&sim->events, &event->place);
}

void sim_mix(struct sim *sim, uint64_t number)
{
	sim->hash = (sim->hash ^ number) * HASH_PRIME;
	sim->hash ^= sim->hash >> 29;
}

uint64_t sim_hash(const struct sim *sim)
{
	return sim->hash;
}

void sim_run_until(struct sim *sim, msec until)
{
	struct heap_node *first;

	while ((first = heap_first(&sim->events)) != NULL && (msec)(first->key >> SEQUENCE_BITS) <= until) {
		struct sim_event *event = LIST_OF(first, struct sim_event, place);

		sim->now = (msec)(first->key >> SEQUENCE_BITS);
		heap_remove(&sim->events, first);
		sim->count.events++;
		ASSERT(sim->options.events_max == 0 || sim->count.events <= sim->options.events_max);
		sim_mix(sim, (uint64_t)sim->now);
		event->happen(sim, event->subject);
	}
	sim->now = until;
}

bool sim_run_until_agreed(struct sim *sim, msec until, msec step)
{
	while (!sim_agreed(sim)) {
		if (sim->now >= until)
			return false;
		sim_run_until(sim, msec_min(sim->now + step, until));
	}
	return true;
}

/* ---- the turn ---- */

static msec wall_of(const struct sim_node *node)
{
	return SIM_WALL_ZERO + node->sim->now + node->skew;
}

static void refresh_hello(struct sim_node *node)
{
	buffer_clear(&node->hello);
	buffer_append(&node->hello, node_hello(node->node, node->sim->now));
}

static bool pull_facts(struct sim *sim, struct sim_node *node)
{
	struct node_fact fact;
	bool any = false;

	while (node_next_fact(node->node, &fact)) {
		any = true;
		sim_mix(sim, 0xFAC70000u | (uint64_t)fact.kind);
		if (sim->fact)
			sim->fact(sim, node, &fact);
		if (fact.kind == NODE_STREAM)
			sim_streams_fact(sim, node, &fact.stream);   /* takes the message */
		blob_drop(fact.group_fact.bytes);
		persist_free(fact.persist);
		blob_drop(fact.client_fact.message);
	}
	return any;
}

static bool carry_out(struct sim *sim, struct sim_node *node)
{
	struct effect effect;
	bool any = false;

	while (node_next_effect(node->node, &effect)) {
		any = true;
		sim_carry_out(sim, node, &effect);
	}
	return any;
}

void sim_turn(struct sim *sim, struct sim_node *node)
{
	bool moved = true;
	int rounds = 0;

	if (!node->node)
		return;
	sim->count.turns++;
	sim_mix(sim, node->place);
	while (moved) {
		ASSERT(++rounds < ROUNDS_MAX);
		node_set_wall(node->node, sim->now, wall_of(node));
		if (node_deadline(node->node) <= sim->now)
			node_tick(node->node, sim->now);
		moved = pull_facts(sim, node);
		refresh_hello(node);
		moved = carry_out(sim, node) || moved;
	}
	if (sim->options.check_every > 0 && ++node->events % sim->options.check_every == 0) {
		node_check(node->node);
		sim->count.checks++;
	}
	msec due = node_deadline(node->node);
	if (due == MSEC_NEVER)
		sim_cancel(sim, &node->wake);
	else
		sim_at(sim, &node->wake, due > sim->now ? due : sim->now + 1);
}

static void on_wake(struct sim *sim, void *subject)
{
	struct sim_node *node = subject;

	if (node->paused_until > sim->now)
		sim_at(sim, &node->wake, node->paused_until);
	else
		sim_turn(sim, node);
}

static void on_leave(struct sim *sim, void *subject)
{
	struct sim_node *node = subject;

	sim_net_crashed(sim, node, ERROR_GRACEFUL);
	sim_crash(sim, node->place, false);
}

/* ---- lives ---- */

static void write_log(void *context, enum log_level level, const char *line, size_t size)
{
	const struct sim_node *node = context;

	(void)level;
	fprintf(node->sim->options.log, "[%zu] %.*s\n", node->place, (int)size, line);
}

struct address sim_address(size_t place)
{
	struct address address = {.ip = {0xFD}, .port = 1};

	bytes_put_be32(address.ip + 12, (uint32_t)place);
	return address;
}

static void new_identity(struct sim *sim, struct sim_node *node)
{
	for (size_t i = 0; i < SEED_SIZE; i += sizeof(uint64_t)) {
		uint64_t part = rng_next(&sim->identities);

		memcpy(node->identity.seed + i, &part, sizeof(part));
	}
	sim_crypto.derive(&node->identity);
	sim_ids_add(&sim->ids, &node->identity.public_key);
	id_format_short(&node->identity.public_key, node->log.node);
}

void sim_start(struct sim *sim, size_t place, bool same_identity)
{
	struct sim_node *node = &sim->node[place];
	struct address address = sim_address(place);

	ASSERT(place < sim->options.places && !node->node);
	if (!same_identity || node->life == 0)
		new_identity(sim, node);
	node->life++;
	node->departing = node->host_off = false;
	node->paused_until = 0;
	struct node_options options = {.network = sim->id, .identity = &node->identity, .crypto = &sim_crypto,
		.log = sim->options.log ? &node->log : NULL, .seed = rng_next(&sim->identities), .pool = sim->pool};
	node->node = node_new(&options, sim->now, wall_of(node));
	node_set_addresses(node->node, sim->now, &address, 1);
	sim_turn(sim, node);
}

void sim_bootstrap(struct sim *sim, size_t place, size_t other)
{
	struct dial dial = {.count = 1, .address = {sim_address(other)}};

	node_add_bootstrap(sim->node[place].node, sim->now, &dial);
	sim_turn(sim, &sim->node[place]);
}

void sim_depart(struct sim *sim, size_t place)
{
	struct sim_node *node = &sim->node[place];

	ASSERT(node->node);
	if (node->departing)
		return;
	node->departing = true;
	node_depart(node->node, sim->now);
	sim_turn(sim, node);
	sim_at(sim, &node->leave, sim->now + LEAVE_AFTER);
}

void sim_crash(struct sim *sim, size_t place, bool host_off)
{
	struct sim_node *node = &sim->node[place];

	if (!node->node)
		return;
	node->host_off = host_off;
	sim_net_crashed(sim, node, host_off ? ERROR_IDLE : ERROR_REFUSED);
	sim_flow_free(sim, node);
	sim_cancel(sim, &node->wake);
	sim_cancel(sim, &node->leave);
	node_free(node->node);
	node->node = NULL;
	buffer_clear(&node->hello);
}

void sim_pause(struct sim *sim, size_t place, msec span)
{
	struct sim_node *node = &sim->node[place];

	if (sim->now + span > node->paused_until)
		node->paused_until = sim->now + span;
}

/* ---- what should be ---- */

static bool is_member(const struct sim_node *node)
{
	return node->node && !node->departing;
}

size_t sim_up(const struct sim *sim)
{
	size_t up = 0;

	for (size_t i = 0; i < sim->options.places; i++)
		up += is_member(&sim->node[i]);
	return up;
}

size_t sim_place_of(const struct sim *sim, const struct id *peer)
{
	size_t place = 0;

	while (place < sim->options.places && !id_equal(&sim->node[place].identity.public_key, peer))
		place++;
	return place;
}

size_t sim_missing(const struct sim *sim, const struct sim_node *node, size_t *wrong)
{
	const struct catalog *catalog = node_catalog(node->node);
	size_t found = 0;
	size_t up = 0;

	for (size_t i = 0; i < sim->options.places; i++) {
		if (!is_member(&sim->node[i]))
			continue;
		up++;
		found += catalog_find(catalog, &sim->node[i].identity.public_key) != NULL;
	}
	*wrong = catalog->live - found;
	return up - found;
}

bool sim_agreed(const struct sim *sim)
{
	size_t wrong;
	size_t up = sim_up(sim);

	/* The count first: it is quick, and nearly always tells. */
	for (size_t i = 0; i < sim->options.places; i++)
		if (is_member(&sim->node[i]) && node_catalog(sim->node[i].node)->live != up)
			return false;
	for (size_t i = 0; i < sim->options.places; i++)
		if (is_member(&sim->node[i]) && (sim_missing(sim, &sim->node[i], &wrong) > 0 || wrong > 0))
			return false;
	return true;
}

/* ---- the world ---- */

struct sim *sim_new(const struct sim_options *options)
{
	struct sim *sim = memory_new(sizeof(*sim));
	uint64_t seed = options->seed * 4;

	ASSERT(options->places > 0 && options->latency_min > 0 && options->latency_max >= options->latency_min);
	sim->options = *options;
	sim->hash = 0xCBF29CE484222325u;
	sim->id = id_hash(bytes_of_text("simulated network"));
	rng_init(&sim->network, seed);
	rng_init(&sim->workload, seed + 1);
	rng_init(&sim->faults, seed + 2);
	rng_init(&sim->identities, seed + 3);
	sim->pool = entry_pool_new();
	sim->node = memory_new(options->places * sizeof(*sim->node));
	sim->cut = memory_new(options->places * options->places * sizeof(*sim->cut));
	for (size_t i = 0; i < options->places; i++) {
		struct sim_node *node = &sim->node[i];

		node->sim = sim;
		node->place = i;
		node->next_link = 1;
		list_init(&node->connections);
		node->wake = (struct sim_event){.happen = on_wake, .subject = node};
		node->leave = (struct sim_event){.happen = on_leave, .subject = node};
		node->log = (struct log){.level = options->log_level, .write = write_log, .context = node};
	}
	return sim;
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	for (size_t i = 0; i < sim->options.places; i++)
		sim_crash(sim, i, false);
	for (size_t i = 0; i < sim->options.places; i++) {
		number_table_fini(&sim->node[i].links);
		buffer_fini(&sim->node[i].hello);
	}
	heap_fini(&sim->events);
	entry_pool_free(sim->pool);
	sim_ids_fini(&sim->ids);
	memory_free(sim->cut);
	memory_free(sim->node);
	memory_free(sim);
}
