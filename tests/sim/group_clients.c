/*
 * group_clients.c - those who use the group: commands and queries on members drawn anew each time, some in bursts, some
 * given up and yet answered later.
 *
 * An operation is its number in the history, counted from 1: that is its ticket, its name in the command, and the value that
 * it writes, so that every read tells whose write it saw. Results are held against the oracle at once (I13-I16, I24); what
 * clients saw, and nothing else, is kept as a history for linear_check.
 */
#include "tests/sim/group_sim.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/states.h"

#define BURST_MAX 6
#define PATIENCE 4000000           /* usec: then a client goes on without the answer */

enum outcome { OPEN, DONE, NEVER, UNKNOWN };

struct operation {
	size_t place;
	uint32_t life;
	size_t client;             /* clients: a probe */
	uint64_t order;            /* among the commands of this life of the place */
	uint64_t floor;            /* what somebody knew when it began, */
	size_t history;            /* in which lineage */
	uint64_t wanted;           /* local queries: the position asked for */
	bool is_query, is_local;
	uint64_t applied;          /* its position; 0: not yet */
	bool given_up;
	enum outcome outcome;
};

struct client {
	size_t waits_for;
	size_t acted_at;           /* the history's length when it acted last */
	usec until;
};

struct pending_fact {
	size_t place;
	size_t history;            /* that its position is of */
	struct group_fact fact;    /* bytes kept */
};

struct order {                     /* of the commands of one life */
	uint64_t last;
};

struct clients {
	struct world *world;
	struct linear_history history;
	struct operation *operation;
	size_t capacity;
	struct client client[GROUP_CLIENTS_MAX];
	struct pending_fact *pending;
	size_t pendings, pendings_capacity;
	struct order *order[GROUP_PLACES_MAX];
	size_t order_capacity[GROUP_PLACES_MAX];
	uint64_t seen[STATES_CELLS];       /* a value that was read lately: what a compare-and-swap expects */
	uint64_t local[GROUP_PLACES_MAX];  /* last position that a local query of this life was answered at, */
	size_t local_in[GROUP_PLACES_MAX]; /* in that lineage */
	uint64_t probe[GROUP_PLACES_MAX];
	uint64_t acknowledged;
	bool stopped, held;
};

/* ---- making them ---- */

static struct linear_op draw_op(struct clients *clients, bool query)
{
	static const enum linear_kind commands[] = {LINEAR_WRITE, LINEAR_WRITE, LINEAR_CAS, LINEAR_CAS, LINEAR_SWAP,
		LINEAR_DELETE};
	struct rng *rng = &clients->world->work;
	struct linear_op op = {.key = rng_below(rng, clients->world->options.keys), .blind = true,
		.returned = LINEAR_PENDING};

	op.value = clients->history.count + 1;
	if (op.key % 3 == 0) {
		op.kind = query ? LINEAR_READ : commands[rng_below(rng, 6)];
		op.expected = rng_below(rng, 8) == 0 ? LINEAR_NONE : clients->seen[op.key];
	} else if (op.key % 3 == 1) {
		op.kind = query ? LINEAR_COUNT : LINEAR_ADD;
		op.value = 1 + rng_below(rng, 5);
	} else {
		op.kind = query ? LINEAR_LIST : LINEAR_APPEND;
	}
	return op;
}

static struct operation *record(struct clients *clients, const struct linear_op *op, size_t place)
{
	struct operation *operation;

	linear_history_add(&clients->history, op);
	clients->operation = memory_grow(clients->operation, &clients->capacity, clients->history.count, sizeof(*operation));
	operation = &clients->operation[clients->history.count - 1];
	*operation = (struct operation){.place = place, .life = clients->world->place[place].life,
		.history = clients->world->place[place].shadow.history};
	operation->floor = oracle_acknowledged(clients->world->oracle, operation->history);
	return operation;
}

/* Was never known to have been carried out, or never was: it must explain nothing. */
static void strike_out(struct clients *clients, size_t number)
{
	struct linear_op *op = &clients->history.op[number];

	op->kind = LINEAR_READ;
	op->blind = true;
	op->returned = LINEAR_PENDING;
	op->position = 0;
}

static void write_command(struct clients *clients, size_t place, const struct linear_op *op, struct buffer *out)
{
	struct world *world = clients->world;
	uint64_t name = clients->history.count + 1;
	size_t padding = world->options.padding > 0 ? rng_below(&world->work, world->options.padding) : 0;

	if (world->workload)
		workload_command(world->workload, &world->work, world->place[place].shadow.history, name, out);
	else
		states_command(op, name, padding, out);
}

static uint64_t propose(struct clients *clients, size_t place, size_t client, struct linear_op op)
{
	struct world *world = clients->world;
	struct place *member = &world->place[place];
	struct operation *operation;
	struct buffer command = {0};
	uint64_t name = clients->history.count + 1;

	op.client = client;
	op.invoked = world->now;
	write_command(clients, place, &op, &command);
	operation = record(clients, &op, place);
	operation->client = client;
	operation->order = ++member->asked;
	world->saw[SAW_COMMAND_ON_FOLLOWER] += raft_role(group_raft(member->group)) == RAFT_FOLLOWER;
	group_propose(member->group, world_clock(world, place), name, buffer_bytes(&command));
	buffer_fini(&command);
	return name;
}

static void ask(struct clients *clients, size_t place, size_t client, bool local)
{
	struct world *world = clients->world;
	struct place *member = &world->place[place];
	struct linear_op op = draw_op(clients, true);
	struct operation *operation;
	struct group_query query = {.ticket = clients->history.count + 1, .level = local ? QUERY_LOCAL : QUERY_STRONG,
		.deadline = MSEC_NEVER};
	struct buffer text = {0};

	op.client = client;
	op.invoked = world->now;
	operation = record(clients, &op, place);
	operation->client = client;
	operation->is_query = true;
	operation->is_local = local;
	if (local && rng_below(&world->work, 2) == 0)
		operation->wanted = query.position = operation->floor;
	if (rng_below(&world->work, 2) == 0)
		query.deadline = world_clock(world, place) + 500 + (msec)rng_below(&world->work, 5000);
	if (local)
		strike_out(clients, clients->history.count - 1);
	/* What is struck out keeps its key; the kind is told by the key. */
	op.kind = op.key % 3 == 0 ? LINEAR_READ : op.key % 3 == 1 ? LINEAR_COUNT : LINEAR_LIST;
	if (world->workload)
		workload_query(world->workload, &world->work, member->shadow.history, query.ticket, &text);
	else
		states_query(&op, &text);
	query.query = buffer_bytes(&text);
	group_query(member->group, world_clock(world, place), &query);
	buffer_fini(&text);
}

static size_t running_place(struct clients *clients)
{
	struct world *world = clients->world;
	size_t first = rng_below(&world->work, world->options.places);

	for (size_t i = 0; i < world->options.places; i++) {
		size_t place = (first + i) % world->options.places;
		const struct place *member = &world->place[place];

		if (member->group && !member->leaving && member->paused_until <= world->now)
			return place;
	}
	return world->options.places;
}

static void think_later(struct clients *clients, size_t client)
{
	struct world *world = clients->world;

	world_push(world, (struct world_event){.at = world->now + 1 + world_exponential(&world->work, world->options.think),
		.kind = EVENT_CLIENT, .place = (uint8_t)client});
}

static void act(struct clients *clients, size_t client)
{
	struct world *world = clients->world;
	size_t place = running_place(clients), burst = rng_below(&world->work, 3) == 0 ? 1 + rng_below(&world->work, BURST_MAX)
		: 1;
	uint32_t life;

	if (place == world->options.places)
		return;
	life = world->place[place].life;
	clients->client[client].until = world->now + PATIENCE;
	for (size_t i = 0; i < burst && world->place[place].group && world->place[place].life == life; i++) {
		uint64_t choice = rng_below(&world->work, 8);

		clients->client[client].waits_for++;
		if (choice < 5)
			propose(clients, place, client, draw_op(clients, false));
		else
			ask(clients, place, client, choice == 7);
		/* Sometimes several are handed over before the member's turn. */
		if (rng_below(&world->work, 2) == 0)
			world_turn(world, place);
	}
	world_turn(world, place);
}

void clients_event(struct clients *clients, const struct world_event *event)
{
	struct client *client = &clients->client[event->place];
	struct world *world = clients->world;

	if (clients->stopped || clients->history.count >= world->options.history_max)
		return;
	if (!clients->held && (client->waits_for == 0 || world->now >= client->until)) {
		client->waits_for = 0;
		for (size_t i = client->acted_at; i < clients->history.count; i++)
			clients->operation[i].given_up |= clients->operation[i].client == event->place;
		client->acted_at = clients->history.count;
		act(clients, event->place);
	}
	think_later(clients, event->place);
}

/* ---- what comes back ---- */

bool clients_fact(struct clients *clients, size_t place, const struct group_fact *fact)
{
	if (fact->kind != GROUP_RESULT && fact->kind != GROUP_ANSWER)
		return false;
	clients->pending = memory_grow(clients->pending, &clients->pendings_capacity, clients->pendings + 1,
		sizeof(*clients->pending));
	clients->pending[clients->pendings++] = (struct pending_fact){place, oracle_history(clients->world->oracle, &fact->lineage), *fact};
	if (fact->bytes)
		blob_keep(fact->bytes);
	return true;
}

static void complete(struct clients *clients, uint64_t name, const struct linear_op *result,
	const struct pending_fact *pending)
{
	struct linear_op *op = &clients->history.op[name - 1];
	struct operation *operation = &clients->operation[name - 1];

	operation->outcome = DONE;
	op->returned = clients->world->now;
	op->result = result->result;
	op->chain = op->kind == LINEAR_LIST ? result->chain : 0;
	op->blind = false;
	op->position = pending->fact.position;
	if (op->kind == LINEAR_READ || op->kind == LINEAR_SWAP)
		clients->seen[op->key] = op->kind == LINEAR_SWAP ? op->value : op->result;
	clients->acknowledged++;
	clients->world->saw[SAW_LATE_RESULT] += operation->given_up;
	oracle_acknowledge(clients->world->oracle, pending->history, pending->fact.position);
}

/* Nothing is promised from one lineage to another. */
static uint64_t floor_of(const struct operation *operation, const struct pending_fact *pending)
{
	return pending->history == operation->history ? operation->floor : 0;
}

/* Of a collection: what it was told is what the model says. Told to linear_check unless it is local. */
static bool judge(struct clients *clients, uint64_t name, const struct pending_fact *pending)
{
	struct world *world = clients->world;
	const struct operation *operation = &clients->operation[name - 1];
	const struct linear_op *op = &clients->history.op[name - 1];
	const struct group_fact *fact = &pending->fact;
	struct work_told told = {.client = op->client, .invoked = op->invoked, .returned = world->now};

	if (!fact->bytes)
		return false;
	told.result = blob_bytes(fact->bytes);
	if (!workload_judge(world->workload, pending->history, fact->position, name, told.result))
		return false;
	if (!operation->is_local)
		workload_tell(world->workload, name, &told);
	return true;
}

static void carried_out(struct clients *clients, uint64_t name, const struct pending_fact *pending)
{
	const struct group_fact *fact = &pending->fact;
	struct world *world = clients->world;
	struct operation *operation = &clients->operation[name - 1];
	struct linear_state state = linear_state_first;
	struct linear_op op = clients->history.op[name - 1];
	uint64_t position = fact->position;

	if (!fact->bytes || (!world->workload && !states_read_result(blob_bytes(fact->bytes), &op)))
		world_fail(world, "I13: command %" PRIu64 " is answered with what is no result", name);
	if (position <= floor_of(operation, pending))
		world_fail(world, "I15: command %" PRIu64 " is acknowledged at position %" PRIu64 ", and began after %" PRIu64
			" was acknowledged", name, position, operation->floor);
	if (oracle_applied(world->oracle, pending->history, position, &state) != name)
		world_fail(world, "I13: command %" PRIu64 " is acknowledged at position %" PRIu64 ", where another stands", name,
			position);
	op.blind = false;
	if (!world->failed && (world->workload ? !judge(clients, name, pending) : !linear_apply(&state, &op)))
		world_fail(world, "I15: command %" PRIu64 " at position %" PRIu64 " is answered with another's result", name,
			position);
	complete(clients, name, &op, pending);
}

static void ended_without(struct clients *clients, uint64_t name, const struct group_fact *fact)
{
	struct world *world = clients->world;
	struct operation *operation = &clients->operation[name - 1];

	operation->outcome = UNKNOWN;
	if (fact->reason == ERROR_INDETERMINATE) {
		world->saw[SAW_INDETERMINATE]++;
		return;
	}
	if (fact->reason != ERROR_BUSY && fact->reason != ERROR_NOT_LEADER && fact->reason != ERROR_FROZEN)
		world_fail(world, "command %" PRIu64 " ends with %s", name, error_name(fact->reason));
	world->saw[SAW_REFUSED]++;
	operation->outcome = NEVER;
	if (operation->applied > 0)
		world_fail(world, "I13: command %" PRIu64 " was refused (%s) and had been applied", name, error_name(fact->reason));
	strike_out(clients, name - 1);
}

static void answered(struct clients *clients, uint64_t name, const struct pending_fact *pending)
{
	const struct group_fact *fact = &pending->fact;
	struct world *world = clients->world;
	struct operation *operation = &clients->operation[name - 1];
	struct linear_op op = clients->history.op[name - 1];
	struct linear_state state = oracle_cell(world->oracle, pending->history, fact->position, op.key);
	uint64_t least = operation->is_local ? operation->wanted : floor_of(operation, pending);

	operation->outcome = UNKNOWN;
	if (fact->reason != OK) {
		strike_out(clients, name - 1);
		world->saw[SAW_READ_FAILED]++;
		return;
	}
	if (clients->local_in[operation->place] != pending->history)
		clients->local[operation->place] = 0;
	clients->local_in[operation->place] = pending->history;
	op.kind = op.key % 3 == 0 ? LINEAR_READ : op.key % 3 == 1 ? LINEAR_COUNT : LINEAR_LIST;
	op.blind = false;
	if (world->workload ? !judge(clients, name, pending)
		: !fact->bytes || !states_read_result(blob_bytes(fact->bytes), &op) || !linear_apply(&state, &op))
		world_fail(world, "I16: query %" PRIu64 " of member %zu is not answered from position %" PRIu64, name,
			operation->place, fact->position);
	if (fact->position < least || (operation->is_local && fact->position < clients->local[operation->place]))
		world_fail(world, "%s: query %" PRIu64 " of member %zu sees position %" PRIu64 ", and %" PRIu64 " was known before",
			operation->is_local ? "I16" : "I24", name, operation->place, fact->position, least);
	if (operation->is_local) {
		clients->local[operation->place] = fact->position;
		world->saw[SAW_LOCAL_READ]++;
		return;
	}
	world->saw[SAW_STRONG_READ]++;
	world->saw[SAW_FOLLOWER_READ] += raft_role(group_raft(world->place[operation->place].group)) == RAFT_FOLLOWER;
	complete(clients, name, &op, pending);
}

static void settle(struct clients *clients, const struct pending_fact *pending)
{
	const struct group_fact *fact = &pending->fact;
	struct world *world = clients->world;
	struct operation *operation;

	if (fact->ticket == 0 || fact->ticket > clients->history.count) {
		world_fail(world, "member %zu answers a question that nobody asked", pending->place);
		return;
	}
	operation = &clients->operation[fact->ticket - 1];
	if (operation->outcome != OPEN || operation->place != pending->place
		|| operation->life != world->place[pending->place].life
		|| operation->is_query != (fact->kind == GROUP_ANSWER)) {
		world_fail(world, "member %zu answers operation %" PRIu64 " out of place", pending->place, fact->ticket);
		return;
	}
	if (operation->client < world->options.clients && clients->client[operation->client].waits_for > 0)
		clients->client[operation->client].waits_for--;
	if (operation->is_query)
		answered(clients, fact->ticket, pending);
	else if (fact->reason == OK)
		carried_out(clients, fact->ticket, pending);
	else
		ended_without(clients, fact->ticket, fact);
}

void clients_settle(struct clients *clients)
{
	for (size_t i = 0; i < clients->pendings; i++) {
		if (!clients->world->failed)
			settle(clients, &clients->pending[i]);
		blob_drop(clients->pending[i].fact.bytes);
	}
	clients->pendings = 0;
}

/* I13, I14 */
bool clients_applied(struct clients *clients, uint64_t name, uint64_t position)
{
	struct world *world = clients->world;
	struct operation *operation;
	struct order *order;
	size_t place, lives;

	if (name == 0 || name > clients->history.count || clients->operation[name - 1].is_query) {
		world_fail(world, "I13: a command is applied that nobody proposed");
		return false;
	}
	operation = &clients->operation[name - 1];
	if (operation->applied > 0)
		world_fail(world, "I13: command %" PRIu64 " is applied twice", name);
	if (operation->outcome == NEVER)
		world_fail(world, "I13: command %" PRIu64 " is applied, and was refused for ever", name);
	operation->applied = position;
	place = operation->place;
	lives = clients->order_capacity[place];
	if (operation->life >= lives) {
		clients->order[place] = memory_grow(clients->order[place], &clients->order_capacity[place], operation->life + 1,
			sizeof(struct order));
		memset(clients->order[place] + lives, 0, (clients->order_capacity[place] - lives) * sizeof(struct order));
	}
	order = &clients->order[place][operation->life];
	if (operation->order <= order->last)
		world_fail(world, "I14: command %" PRIu64 " of member %zu is applied after a later one", name, place);
	order->last = operation->order;
	return !world->failed;
}

void clients_life_ended(struct clients *clients, size_t place)
{
	clients_settle(clients);
	clients->local[place] = 0;
	clients->probe[place] = 0;
	for (size_t i = clients->history.count; i > 0 && i + 1000 > clients->history.count; i--) {
		struct operation *operation = &clients->operation[i - 1];

		if (operation->place != place || operation->outcome != OPEN
			|| operation->life != clients->world->place[place].life)
			continue;
		operation->outcome = UNKNOWN;
		if (operation->is_query)
			strike_out(clients, i - 1);
		if (operation->client < clients->world->options.clients && clients->client[operation->client].waits_for > 0)
			clients->client[operation->client].waits_for--;
	}
}

/* ---- the end ---- */

void clients_stop(struct clients *clients)
{
	clients->stopped = true;
}

void clients_hold(struct clients *clients, bool held)
{
	clients->held = held;
}

void clients_probe(struct clients *clients)
{
	struct world *world = clients->world;

	for (size_t place = 0; place < world->options.places && !world->failed; place++) {
		uint64_t name = clients->probe[place];
		struct linear_op op = {.kind = LINEAR_ADD, .key = 1, .value = 1, .blind = true, .returned = LINEAR_PENDING};

		if (!world->place[place].group || world->place[place].leaving)
			continue;
		if (name > 0 && (clients->operation[name - 1].outcome == OPEN || clients->operation[name - 1].outcome == DONE))
			continue;
		clients->probe[place] = propose(clients, place, world->options.clients, op);
		world_turn(world, place);
	}
}

size_t clients_unprobed(const struct clients *clients)
{
	const struct world *world = clients->world;
	size_t place = 0;

	for (; place < world->options.places; place++)
		if (world->place[place].group && !world->place[place].leaving && (clients->probe[place] == 0
			|| clients->operation[clients->probe[place] - 1].outcome != DONE))
			break;
	return place;
}

/* Nobody knows what came of those that are open; those that never were carried out explain nothing. */
static void tell_open(const struct clients *clients)
{
	for (size_t i = 0; i < clients->history.count; i++) {
		const struct operation *operation = &clients->operation[i];
		const struct linear_op *op = &clients->history.op[i];
		struct work_told told = {.client = op->client, .invoked = op->invoked, .returned = LINEAR_PENDING};

		if (!operation->is_query && (operation->outcome == OPEN || operation->outcome == UNKNOWN))
			workload_tell(clients->world->workload, i + 1, &told);
	}
}

const struct linear_history *clients_history(const struct clients *clients)
{
	if (!clients->world->workload)
		return &clients->history;
	tell_open(clients);
	return workload_history(clients->world->workload);
}

uint64_t clients_asked(const struct clients *clients)
{
	return clients->history.count;
}

uint64_t clients_acknowledged(const struct clients *clients)
{
	return clients->acknowledged;
}

struct clients *clients_new(struct world *world)
{
	struct clients *clients = memory_new(sizeof(*clients));

	clients->world = world;
	for (size_t i = 0; i < STATES_CELLS; i++)
		clients->seen[i] = LINEAR_NONE;
	for (size_t i = 0; i < world->options.clients; i++)
		think_later(clients, i);
	return clients;
}

void clients_free(struct clients *clients)
{
	for (size_t i = 0; i < clients->pendings; i++)
		blob_drop(clients->pending[i].fact.bytes);
	for (size_t i = 0; i < GROUP_PLACES_MAX; i++)
		memory_free(clients->order[i]);
	linear_history_fini(&clients->history);
	memory_free(clients->operation);
	memory_free(clients->pending);
	memory_free(clients);
}
