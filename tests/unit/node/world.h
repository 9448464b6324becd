/*
 * world.h - a driver for tests: joins whole nodes by their effects, in simulated time.
 *
 *      node 0 --effects--> [ event at +LATENCY ][ event ][ ... ] --> node_linked, node_received, ... of node 1
 *
 * Everything takes the same time to arrive, so that one queue holds all that is under way in the order in which it
 * arrives: no clock, no chance, no two runs that differ. A wire is a link with its two ends; the proof of a connection
 * (node_met) comes before its first link. What a reader's window does not let in waits at its end.
 *
 * A node can be killed without a word, started again with the same key, and cut off. The world reads every fact: it
 * counts them, keeps them for the test to look at, credits batches and acknowledges ends, as a good program does.
 */
#ifndef TESTS_NODE_WORLD_H
#define TESTS_NODE_WORLD_H

#include "tests/unit/discovery/fake.h"

#include "base/list.h"
#include "node/node.h"

#define WORLD_NODES 8
#define WORLD_LATENCY 5                       /* msec, one way */
#define WORLD_WALL 1700000000000              /* of now = 0 */
#define WORLD_STEPS_MAX 1000000               /* a world that does not come to rest has a bug */

enum world_event_kind { WORLD_DIALLED, WORLD_ANSWERED, WORLD_MESSAGE, WORLD_SENT, WORLD_UNLINKED };

struct world_end {
	size_t node;
	link_id id;
	bool alive;                               /* linked or dialling; its node has not heard the last word */
	bool finished;                            /* closed with OK: ends when all it sent is delivered */
	size_t under_way;                         /* messages from this end that the other one has not received */
	size_t uncredited;                        /* bytes received and not credited */
	struct list waiting;                      /* messages that the window does not let in */
};

struct world_wire {
	enum protocol protocol;
	bool open;                                /* the acceptor has heard of it */
	struct id binding;                        /* each is a session of its own */
	struct world_end end[2];                  /* 0: the dialer */
};

struct world_event {
	struct list place;
	msec at;
	enum world_event_kind kind;
	struct world_wire *wire;
	size_t end;                               /* toward this end */
	bool met;                                 /* ANSWERED: the connection is new */
	enum error reason;
	size_t bytes;
	struct blob *blob;                        /* a message, or a hello */
};

struct world_node {
	struct node *node;                        /* NULL: down */
	struct keypair pair;
	struct address address[4];                /* the first one is where its packets come from */
	size_t address_count;
	bool guest;
	bool cut_off;                             /* nobody gets through to it, nor it to others */
	struct node_fact *fact;                   /* all so far; batches have lost their bytes */
	size_t fact_count;
	size_t fact_capacity;
	struct buffer records;                    /* content of all records, one after the other */
};

struct world {
	msec now;
	size_t nodes;
	struct world_node node[WORLD_NODES];
	struct world_wire **wire;
	size_t wire_count;
	size_t wire_capacity;
	struct list events;
	link_id next_odd;
	uint64_t sessions;
	unsigned violations;                      /* node_received said no */
};

/* ---- nodes ---- */

static inline struct address world_address(unsigned host, unsigned port)
{
	return (struct address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 10, [15] = (uint8_t)host}, .port = (uint16_t)port};
}

static inline struct address world_loopback(unsigned port)
{
	return (struct address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = (uint16_t)port};
}

static inline msec world_wall(const struct world *world)
{
	return WORLD_WALL + world->now;
}

static inline const struct id *world_id(const struct world *world, size_t n)
{
	return &world->node[n].pair.public_key;
}

/* A life of node n; a later one has a newer start in its entry. */
static inline void world_start(struct world *world, size_t n)
{
	struct world_node *own = &world->node[n];
	const struct node_options options = {.network = fake_network(), .identity = &own->pair, .crypto = &fake_crypto,
		.seed = 1000 * (n + 1) + (uint64_t)world->now, .guest = own->guest};

	assert_null(own->node);
	own->node = node_new(&options, world->now, world_wall(world));
	node_set_addresses(own->node, world->now, own->address, own->address_count);
}

/* Nodes 0 .. nodes, each on a host of its own, not started. */
static inline struct world *world_new(size_t nodes)
{
	struct world *world = memory_new(sizeof *world);

	assert_true(nodes <= WORLD_NODES);
	world->now = 1000;
	world->nodes = nodes;
	world->next_odd = 1;
	list_init(&world->events);
	for (size_t n = 0; n < nodes; n++) {
		world->node[n].pair = fake_pair((unsigned)n);
		world->node[n].address[0] = world_address((unsigned)n + 1, 7000);
		world->node[n].address_count = 1;
	}
	return world;
}

static inline void world_event_free(struct world_event *event)
{
	list_remove(&event->place);
	blob_drop(event->blob);
	memory_free(event);
}

static inline void world_forget(struct list *events)
{
	LIST_EACH_SAFE(place, after, events)
		world_event_free(LIST_OF(place, struct world_event, place));
}

static inline void world_free(struct world *world)
{
	world_forget(&world->events);
	for (size_t w = 0; w < world->wire_count; w++) {
		world_forget(&world->wire[w]->end[0].waiting);
		world_forget(&world->wire[w]->end[1].waiting);
		memory_free(world->wire[w]);
	}
	for (size_t n = 0; n < world->nodes; n++) {
		node_free(world->node[n].node);
		memory_free(world->node[n].fact);
		buffer_fini(&world->node[n].records);
	}
	memory_free(world->wire);
	memory_free(world);
}

/* ---- wires ---- */

static inline struct world_event *world_send(struct world *world, enum world_event_kind kind, struct world_wire *wire,
	size_t end)
{
	struct world_event *event = memory_new(sizeof *event);

	event->at = world->now + WORLD_LATENCY;
	event->kind = kind;
	event->wire = wire;
	event->end = end;
	list_append(&world->events, &event->place);
	return event;
}

/* What the peer learns of a reason: the code that closes the link. */
static inline enum error world_told(enum error reason)
{
	return error_from_close_code(error_close_code(reason));
}

/* The last word for one end; what its peer sent it is lost. */
static inline void world_end_dies(struct world *world, struct world_wire *wire, size_t e, enum error reason)
{
	struct world_end *end = &wire->end[e];
	struct node *node = world->node[end->node].node;

	if (!end->alive)
		return;
	end->alive = false;
	world_forget(&end->waiting);
	if (node) {
		node_unlinked(node, world->now, wire->protocol, end->id, reason);
		node_check(node);
	}
}

/* Ended by end e: its node hears at once, the other one a moment later. */
static inline void world_hang_up(struct world *world, struct world_wire *wire, size_t e, enum error reason)
{
	if (!wire->end[e].alive)
		return;
	if (wire->end[1 - e].alive)
		world_send(world, WORLD_UNLINKED, wire, 1 - e)->reason = world_told(reason);
	world_end_dies(world, wire, e, reason);
}

static inline bool world_is_between(const struct world_wire *wire, size_t a, size_t b)
{
	return (wire->end[0].node == a && wire->end[1].node == b) || (wire->end[0].node == b && wire->end[1].node == a);
}

/* Links of one protocol between two nodes share a connection, and its end. */
static inline void world_hang_up_all(struct world *world, const struct world_wire *of, size_t n, enum error reason)
{
	for (size_t w = 0; w < world->wire_count; w++) {
		struct world_wire *wire = world->wire[w];

		if (wire->protocol == of->protocol && wire->open && world_is_between(wire, of->end[0].node, of->end[1].node))
			world_hang_up(world, wire, wire->end[0].node == n ? 0 : 1, reason);
	}
}

static inline bool world_is_connected(const struct world *world, enum protocol protocol, size_t a, size_t b)
{
	for (size_t w = 0; w < world->wire_count; w++) {
		const struct world_wire *wire = world->wire[w];

		if (wire->protocol == protocol && wire->open && wire->end[0].alive && wire->end[1].alive &&
				world_is_between(wire, a, b))
			return true;
	}
	return false;
}

/* Open links of a protocol between two nodes. */
static inline size_t world_wires(const struct world *world, enum protocol protocol, size_t a, size_t b)
{
	size_t count = 0;

	for (size_t w = 0; w < world->wire_count; w++) {
		const struct world_wire *wire = world->wire[w];

		count += wire->protocol == protocol && wire->open && wire->end[0].alive && wire->end[1].alive &&
			world_is_between(wire, a, b);
	}
	return count;
}

/* Node n dies without a word, or with the last word `reason`. */
static inline void world_kill(struct world *world, size_t n, enum error reason)
{
	node_free(world->node[n].node);
	world->node[n].node = NULL;
	for (size_t w = 0; w < world->wire_count; w++)
		for (size_t e = 0; e < 2; e++)
			if (world->wire[w]->end[e].node == n)
				world_hang_up(world, world->wire[w], e, reason);
}

/* All links of node n are lost, and it is out of reach until it is let back. */
static inline void world_cut_off(struct world *world, size_t n)
{
	world->node[n].cut_off = true;
	for (size_t w = 0; w < world->wire_count; w++)
		for (size_t e = 0; e < 2; e++)
			if (world->wire[w]->end[e].node == n)
				world_hang_up(world, world->wire[w], e, ERROR_IDLE);
}

/* ---- effects ---- */

/* Who answers at the first address where somebody does. */
static inline enum error world_find(const struct world *world, size_t from, const struct dial *dial, size_t *found)
{
	enum error error = dial->count > 0 ? ERROR_REFUSED : ERROR_UNREACHABLE;

	for (size_t a = 0; a < dial->count; a++) {
		for (size_t n = 0; n < world->nodes; n++) {
			const struct world_node *other = &world->node[n];
			bool there = false;

			for (size_t i = 0; i < other->address_count; i++)
				there = there || address_equal(&other->address[i], &dial->address[a]);
			if (!there || !other->node || other->cut_off || world->node[from].cut_off ||
				(n == from && id_is_zero(&dial->peer)))
				continue;
			if (id_is_zero(&dial->peer) || id_equal(&dial->peer, &other->pair.public_key)) {
				*found = n;
				return OK;
			}
			error = ERROR_WRONG_PEER;
		}
	}
	return error;
}

static inline void world_dial(struct world *world, size_t n, const struct effect *effect)
{
	struct world_wire *wire = memory_new(sizeof *wire);
	enum error error;

	world->wire = memory_grow(world->wire, &world->wire_capacity, world->wire_count + 1, sizeof *world->wire);
	world->wire[world->wire_count++] = wire;
	wire->protocol = effect->protocol;
	wire->binding = id_hash(bytes_of(&(uint64_t){++world->sessions}, sizeof(uint64_t)));
	wire->end[0].node = n;
	wire->end[0].id = effect->link;
	wire->end[0].alive = true;
	wire->end[1].node = WORLD_NODES;   /* nobody, unless one is found */
	list_init(&wire->end[0].waiting);
	list_init(&wire->end[1].waiting);
	error = world_find(world, n, effect->dial, &wire->end[1].node);
	if (error == OK)
		world_send(world, WORLD_DIALLED, wire, 1);
	else
		world_send(world, WORLD_UNLINKED, wire, 0)->reason = error;
}

static inline struct world_wire *world_wire_of(const struct world *world, size_t n, link_id id, size_t *e)
{
	for (size_t w = world->wire_count; w-- > 0;)
		for (*e = 0; *e < 2; (*e)++)
			if (world->wire[w]->end[*e].node == n && world->wire[w]->end[*e].id == id && world->wire[w]->end[*e].alive)
				return world->wire[w];
	return NULL;
}

/* A message larger than the window gets through alone. */
static inline bool world_lets_in(const struct world_wire *wire, size_t e, const struct blob *message)
{
	const struct world_end *end = &wire->end[e];

	return node_credit_at_once(wire->protocol) || end->uncredited == 0 ||
		end->uncredited + blob_size(message) <= WINDOW_LINK;
}

static inline void world_finish_if_done(struct world *world, struct world_wire *wire, size_t e)
{
	if (wire->end[e].finished && wire->end[e].under_way == 0 && wire->end[e].alive)
		world_hang_up(world, wire, e, OK);
}

static inline void world_receive(struct world *world, struct world_wire *wire, size_t e, struct blob *message)
{
	struct world_end *end = &wire->end[e];
	struct node *node = world->node[end->node].node;
	enum error error;

	wire->end[1 - e].under_way--;
	if (!node_credit_at_once(wire->protocol))
		end->uncredited += blob_size(message);
	if (wire->end[1 - e].alive)
		world_send(world, WORLD_SENT, wire, 1 - e)->bytes = blob_size(message);
	error = node_received(node, world->now, wire->protocol, end->id, message);
	node_check(node);
	if (error != OK) {
		world->violations++;
		world_hang_up_all(world, wire, end->node, error);
	}
}

/* What waits goes in as far as the window lets it. */
static inline void world_let_in(struct world *world, struct world_wire *wire, size_t e)
{
	struct world_end *end = &wire->end[e];

	while (end->alive && !list_is_empty(&end->waiting)) {
		struct world_event *event = LIST_OF(end->waiting.next, struct world_event, place);

		if (!world_lets_in(wire, e, event->blob))
			return;
		list_remove(&event->place);
		world_receive(world, wire, e, event->blob);
		world_event_free(event);
	}
}

static inline void world_carry_out(struct world *world, size_t n, struct effect *effect)
{
	size_t e = 0;
	struct world_wire *wire = effect->kind == EFFECT_CONNECT ? NULL : world_wire_of(world, n, effect->link, &e);

	if (effect->kind == EFFECT_CONNECT) {
		world_dial(world, n, effect);
	} else if (!wire) {
		;   /* the link ended while this was on its way */
	} else if (effect->kind == EFFECT_SEND) {
		assert_true(wire->open && !wire->end[e].finished);
		assert_true(blob_size(effect->payload) <= protocol_frame_max(wire->protocol));
		wire->end[e].under_way++;
		world_send(world, WORLD_MESSAGE, wire, 1 - e)->blob = blob_keep(effect->payload);
	} else if (effect->kind == EFFECT_CONSUMED) {
		assert_true(effect->bytes <= wire->end[e].uncredited);
		wire->end[e].uncredited -= effect->bytes;
		world_let_in(world, wire, e);
	} else if (effect->reason == OK) {
		wire->end[e].finished = true;
		world_finish_if_done(world, wire, e);
	} else {
		world_hang_up(world, wire, e, effect->reason);
	}
	effect_drop(effect);
}

/* ---- facts ---- */

static inline void world_take_fact(struct world_node *own, struct node_fact *fact)
{
	if (fact->kind == NODE_STREAM && fact->stream.kind == CONSUMER_BATCH) {
		struct bytes rest = fact->stream.records, record;

		while (records_next(&rest, &record))
			buffer_append(&own->records, record);
		node_consumed(own->node, fact->stream.link, blob_size(fact->stream.message));
		blob_drop(fact->stream.message);
		fact->stream.message = NULL;
		fact->stream.records = bytes_of(NULL, 0);
	} else if (fact->kind == NODE_STREAM && fact->stream.kind == CONSUMER_ENDED) {
		node_acknowledge(own->node, fact->stream.link);
	}
	blob_drop(fact->group_fact.bytes);
	blob_drop(fact->client_fact.message);
	fact->group_fact.bytes = fact->client_fact.message = NULL;
	fact->client_fact.bytes = bytes_of(NULL, 0);
	own->fact = memory_grow(own->fact, &own->fact_capacity, own->fact_count + 1, sizeof *own->fact);
	own->fact[own->fact_count++] = *fact;
}

/* How many facts of this kind node n has told; NODE_STREAM: world_stream_facts. */
static inline size_t world_facts(const struct world *world, size_t n, int kind)
{
	size_t count = 0;

	for (size_t i = 0; i < world->node[n].fact_count; i++)
		count += (int)world->node[n].fact[i].kind == kind;
	return count;
}

/* The last fact of this kind; the test fails if there is none. */
static inline struct node_fact world_last(const struct world *world, size_t n, int kind)
{
	for (size_t i = world->node[n].fact_count; i-- > 0;)
		if ((int)world->node[n].fact[i].kind == kind)
			return world->node[n].fact[i];
	fail_msg("node %zu has told no fact of kind %d", n, kind);
	return (struct node_fact){0};
}

static inline size_t world_stream_facts(const struct world *world, size_t n, enum streams_fact_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < world->node[n].fact_count; i++)
		count += world->node[n].fact[i].kind == NODE_STREAM && world->node[n].fact[i].stream.kind == kind;
	return count;
}

static inline struct streams_fact world_last_stream(const struct world *world, size_t n, enum streams_fact_kind kind)
{
	for (size_t i = world->node[n].fact_count; i-- > 0;)
		if (world->node[n].fact[i].kind == NODE_STREAM && world->node[n].fact[i].stream.kind == kind)
			return world->node[n].fact[i].stream;
	fail_msg("node %zu has told no stream fact of kind %d", n, (int)kind);
	return (struct streams_fact){0};
}

/* ---- time ---- */

/* One turn of node n, as the runtime takes it. Returns whether anything moved. */
static inline bool world_turn(struct world *world, size_t n)
{
	struct world_node *own = &world->node[n];
	struct node_fact fact;
	struct effect effect;
	bool moved = false;

	if (!own->node)
		return false;
	node_set_wall(own->node, world->now, world_wall(world));
	if (node_deadline(own->node) <= world->now)
		node_tick(own->node, world->now);
	while (node_next_fact(own->node, &fact)) {
		world_take_fact(own, &fact);
		moved = true;
	}
	(void)node_hello(own->node, world->now);
	while (node_next_effect(own->node, &effect)) {
		world_carry_out(world, n, &effect);
		moved = true;
	}
	node_check(own->node);
	return moved || node_deadline(own->node) <= world->now;
}

/* Until nothing moves without time passing. */
static inline void world_settle(struct world *world)
{
	bool moved = true;

	for (unsigned steps = 0; moved; steps++) {
		assert_true(steps < 1000);   /* a deadline that ticking does not move would spin the runtime */
		moved = false;
		for (size_t n = 0; n < world->nodes; n++)
			moved = world_turn(world, n) || moved;
	}
}

static inline void world_meet(struct world *world, size_t n, size_t whom, struct bytes hello)
{
	node_met(world->node[n].node, world->now, world_id(world, whom), &world->node[whom].address[0], hello);
}

static inline void world_link(struct world *world, struct world_wire *wire, size_t e)
{
	const struct link link = {.id = wire->end[e].id, .peer = *world_id(world, wire->end[1 - e].node), .binding = wire->binding};

	node_linked(world->node[wire->end[e].node].node, world->now, wire->protocol, &link);
	node_check(world->node[wire->end[e].node].node);
}

/* A dial arrives: the acceptor proves and learns who calls, and the answer goes back. */
static inline void world_dialled(struct world *world, struct world_wire *wire)
{
	size_t dialer = wire->end[0].node, acceptor = wire->end[1].node;
	bool met = !world_is_connected(world, wire->protocol, dialer, acceptor);
	struct world_event *answer;

	if (!wire->end[0].alive)
		return;   /* it thought better of it */
	if (!world->node[acceptor].node || world->node[acceptor].cut_off) {
		world_send(world, WORLD_UNLINKED, wire, 0)->reason = ERROR_NO_ANSWER;
		return;
	}
	answer = world_send(world, WORLD_ANSWERED, wire, 0);
	answer->met = met;
	answer->blob = blob_copy(node_hello(world->node[acceptor].node, world->now));
	if (met)
		world_meet(world, acceptor, dialer, node_hello(world->node[dialer].node, world->now));
	wire->open = true;
	wire->end[1].alive = true;
	wire->end[1].id = world->next_odd;
	world->next_odd += 2;
	world_link(world, wire, 1);
}

static inline void world_deliver(struct world *world, struct world_event *event)
{
	struct world_wire *wire = event->wire;
	struct world_end *end = &wire->end[event->end];

	if (event->kind == WORLD_DIALLED) {
		world_dialled(world, wire);
		return;
	}
	if (!end->alive)
		return;
	switch (event->kind) {
	case WORLD_ANSWERED:
		if (event->met)
			world_meet(world, end->node, wire->end[1].node, blob_bytes(event->blob));
		world_link(world, wire, 0);
		break;
	case WORLD_SENT:
		node_sent(world->node[end->node].node, world->now, wire->protocol, end->id, event->bytes);
		world_finish_if_done(world, wire, event->end);
		break;
	case WORLD_UNLINKED:
		world_end_dies(world, wire, event->end, event->reason);
		break;
	case WORLD_DIALLED:
	case WORLD_MESSAGE:
		break;
	}
}

/* Delivers all that has arrived by now. */
static inline void world_arrivals(struct world *world)
{
	while (!list_is_empty(&world->events)) {
		struct world_event *event = LIST_OF(world->events.next, struct world_event, place);
		struct world_end *end = &event->wire->end[event->end];

		if (event->at > world->now)
			break;
		list_remove(&event->place);
		if (event->kind == WORLD_MESSAGE && end->alive) {
			list_append(&end->waiting, &event->place);
			world_let_in(world, event->wire, event->end);
		} else {
			world_deliver(world, event);
			world_event_free(event);
		}
		world_settle(world);
	}
}

/* The next moment at which something happens by itself. */
static inline msec world_next(const struct world *world)
{
	msec next = MSEC_NEVER;

	if (!list_is_empty(&world->events))
		next = LIST_OF(world->events.next, struct world_event, place)->at;
	for (size_t n = 0; n < world->nodes; n++)
		if (world->node[n].node)
			next = msec_min(next, node_deadline(world->node[n].node));
	return next;
}

/* Lets `span` pass. */
static inline void world_run(struct world *world, msec span)
{
	msec until = world->now + span;

	world_settle(world);
	for (unsigned steps = 0; world_next(world) <= until; steps++) {
		assert_true(steps < WORLD_STEPS_MAX);
		world->now = world_next(world);
		world_arrivals(world);
		world_settle(world);
	}
	world->now = until;
}

/* ---- shorthands ---- */

/* Node n calls node `whom`, at its first address, for ever. */
static inline void world_bootstrap(struct world *world, size_t n, size_t whom)
{
	const struct dial dial = {.count = 1, .address = {world->node[whom].address[0]}};

	node_add_bootstrap(world->node[n].node, world->now, &dial);
}

static inline size_t world_live(const struct world *world, size_t n)
{
	return node_catalog(world->node[n].node)->live;
}

/* Do the two list the same peers, each in the same version? */
static inline bool world_agree(const struct world *world, size_t a, size_t b)
{
	const struct catalog *left = node_catalog(world->node[a].node), *right = node_catalog(world->node[b].node);
	const struct catalog_peer *peer, *same;
	size_t at = 0;

	while ((peer = catalog_next(left, &at)) != NULL) {
		same = catalog_find(right, &peer->entry->card.peer);
		if (!same || version_compare(&peer->entry->card.version, &same->entry->card.version) != 0)
			return false;
	}
	return left->live == right->live;
}

/* A records part of `count` records, each one byte that goes on from `first`. */
static inline struct blob *world_batch(uint8_t first, uint64_t count)
{
	struct blob *blob = blob_new(BATCH_HEADROOM, (size_t)count * 2);

	for (uint64_t i = 0; i < count; i++) {
		blob->data[blob->end++] = 0x41;   /* CBOR: a byte string of one */
		blob->data[blob->end++] = (uint8_t)(first + i);
	}
	return blob;
}

#endif
