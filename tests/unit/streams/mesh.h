/*
 * mesh.h - a driver for tests: joins streams machines by their outboxes over simulated links.
 *
 *      node 0 outbox --> wire: [ messages toward end 1 ] --> receive() of node 1
 *                              [ messages toward end 0 ] <-- outbox of node 1
 *
 * A wire keeps order, holds back what the reader's window does not let in, tells the sender of acknowledgements, and
 * can be cut. Nothing happens by itself: a test delivers message by message, or calls mesh_run to deliver whatever can
 * be.
 * After every step the invariants of the machine that took it are checked.
 */
#ifndef TESTS_STREAMS_MESH_H
#define TESTS_STREAMS_MESH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "streams/streams.h"
#include "wire/cbor.h"
#include "wire/limits.h"

#define MESH_NODES 6
#define MESH_WIRES 32
#define MESH_QUEUE 256

struct mesh_end {
	size_t node;
	link_id id;
	struct blob *queue[MESH_QUEUE];        /* toward this end: queue[first .. count) */
	size_t first;
	size_t count;
	size_t unconsumed;                     /* delivered to this end and not credited */
	size_t unacknowledged;                 /* sent from this end, delivered, sender not told */
	bool finished;                         /* this end closed with OK: ends when all it sent is delivered */
};

struct mesh_wire {
	bool used;
	bool open;
	struct mesh_end end[2];                /* 0: the dialer */
};

struct mesh_node {
	struct streams *streams;
	struct outbox out;
	struct id id;
	bool down;                             /* nobody answers there */
};

struct mesh {
	msec now;
	size_t nodes;
	struct mesh_node node[MESH_NODES];
	struct mesh_wire wire[MESH_WIRES];
	link_id next_odd;
	bool hold_acks;                        /* acknowledgements wait for mesh_acknowledge */
	unsigned errors;                       /* receive() said no */
	enum error last_error;
	unsigned connects;                     /* EFFECT_CONNECTs carried out */
	unsigned dropped_opens;                /* connects that found nobody */
};

static inline struct id mesh_id(unsigned number)
{
	struct id id = {{0}};

	id.byte[0] = 0x10;
	id.byte[ID_SIZE - 1] = (uint8_t)number;
	return id;
}

static inline struct streams *mesh_new_streams(const struct mesh *mesh, size_t n, uint64_t seed)
{
	return streams_new(&(struct streams_options){.self = mesh->node[n].id, .seed = seed}, mesh->now);
}

static inline struct mesh *mesh_new(size_t nodes, uint64_t seed)
{
	struct mesh *mesh = memory_new(sizeof(*mesh));

	assert_true(nodes <= MESH_NODES);
	mesh->now = 1000;
	mesh->nodes = nodes;
	mesh->next_odd = 1;
	for (size_t i = 0; i < nodes; i++) {
		mesh->node[i].id = mesh_id((unsigned)i + 1);
		mesh->node[i].streams = mesh_new_streams(mesh, i, seed + i);
	}
	return mesh;
}

static inline void mesh_empty_queue(struct mesh_end *end)
{
	for (size_t i = end->first; i < end->count; i++)
		blob_drop(end->queue[i]);
	end->first = end->count = 0;
}

static inline void mesh_free(struct mesh *mesh)
{
	for (size_t i = 0; i < MESH_WIRES; i++) {
		mesh_empty_queue(&mesh->wire[i].end[0]);
		mesh_empty_queue(&mesh->wire[i].end[1]);
	}
	for (size_t i = 0; i < mesh->nodes; i++) {
		streams_free(mesh->node[i].streams);
		outbox_fini(&mesh->node[i].out);
	}
	memory_free(mesh);
}

static inline size_t mesh_queued(const struct mesh_end *end)
{
	return end->count - end->first;
}

static inline struct mesh_node *mesh_node_of(struct mesh *mesh, const struct mesh_end *end)
{
	return &mesh->node[end->node];
}

static inline void mesh_unlink_end(struct mesh *mesh, struct mesh_end *end, enum error reason)
{
	struct mesh_node *node = mesh_node_of(mesh, end);

	streams_ops.unlinked(node->streams, mesh->now, end->id, reason, &node->out);
	streams_ops.check(node->streams);
}

/* Ends a wire: each end hears its reason. What was under way is lost. */
static inline void mesh_cut(struct mesh *mesh, size_t w, enum error reason_0, enum error reason_1)
{
	struct mesh_wire *wire = &mesh->wire[w];
	bool was_open = wire->open;

	assert_true(wire->used);
	wire->used = wire->open = false;
	mesh_empty_queue(&wire->end[0]);
	mesh_empty_queue(&wire->end[1]);
	mesh_unlink_end(mesh, &wire->end[0], reason_0);
	if (was_open)
		mesh_unlink_end(mesh, &wire->end[1], reason_1);
}

static inline void mesh_connect(struct mesh *mesh, size_t n, const struct effect *effect)
{
	for (size_t w = 0; w < MESH_WIRES; w++) {
		struct mesh_wire *wire = &mesh->wire[w];

		if (wire->used)
			continue;
		*wire = (struct mesh_wire){.used = true};
		wire->end[0].node = n;
		wire->end[0].id = effect->link;
		wire->end[1].node = MESH_NODES;
		for (size_t i = 0; i < mesh->nodes; i++) {
			if (id_equal(&mesh->node[i].id, &effect->dial->peer))
				wire->end[1].node = i;
		}
		mesh->connects++;
		return;
	}
	fail_msg("more wires than the mesh has");
}

/* The open wire that this link of node n is an end of. false: it is gone. */
static inline bool mesh_find(const struct mesh *mesh, size_t n, link_id id, size_t *w, size_t *e)
{
	for (*w = 0; *w < MESH_WIRES; (*w)++) {
		for (*e = 0; *e < 2; (*e)++) {
			const struct mesh_end *end = &mesh->wire[*w].end[*e];

			if (mesh->wire[*w].used && end->node == n && end->id == id)
				return true;
		}
	}
	return false;
}

static inline void mesh_push(struct mesh_end *end, struct blob *message)
{
	if (end->first > 0 && end->count == MESH_QUEUE) {
		memmove(end->queue, end->queue + end->first, (end->count - end->first) * sizeof(end->queue[0]));
		end->count -= end->first;
		end->first = 0;
	}
	assert_true(end->count < MESH_QUEUE);
	end->queue[end->count++] = message;
}

static inline enum error mesh_told(enum error reason)
{
	return error_from_close_code(error_close_code(reason));
}

static inline void mesh_close(struct mesh *mesh, size_t w, size_t e, enum error reason)
{
	if (reason == OK)
		mesh->wire[w].end[e].finished = true;   /* mesh_settle ends it */
	else
		mesh_cut(mesh, w, e == 0 ? reason : mesh_told(reason), e == 1 ? reason : mesh_told(reason));
}

static inline void mesh_carry_one(struct mesh *mesh, size_t n, struct effect *effect)
{
	size_t w, e;

	if (effect->kind == EFFECT_CONNECT) {
		mesh_connect(mesh, n, effect);
	} else if (mesh_find(mesh, n, effect->link, &w, &e)) {
		struct mesh_wire *wire = &mesh->wire[w];

		if (effect->kind == EFFECT_SEND) {
			assert_true(wire->open);
			mesh_push(&wire->end[1 - e], blob_keep(effect->payload));
		} else if (effect->kind == EFFECT_CONSUMED) {
			assert_true(effect->bytes <= wire->end[e].unconsumed);
			wire->end[e].unconsumed -= effect->bytes;
		} else {
			mesh_close(mesh, w, e, effect->reason);
		}
	}
	effect_drop(effect);
}

/* Carries out every effect of every machine. */
static inline void mesh_settle(struct mesh *mesh)
{
	struct effect effect;
	bool again = true;

	while (again) {
		again = false;
		for (size_t n = 0; n < mesh->nodes; n++) {
			while (outbox_next(&mesh->node[n].out, &effect)) {
				mesh_carry_one(mesh, n, &effect);
				again = true;
			}
		}
		for (size_t w = 0; w < MESH_WIRES; w++) {
			struct mesh_wire *wire = &mesh->wire[w];

			for (size_t e = 0; wire->used && e < 2; e++) {
				if (wire->end[e].finished && mesh_queued(&wire->end[1 - e]) == 0) {
					mesh_cut(mesh, w, OK, OK);
					again = true;
				}
			}
		}
	}
}

/* Answers a connect: both ends hear of the link, or the dialer that nobody is there. */
static inline bool mesh_open(struct mesh *mesh, size_t w)
{
	struct mesh_wire *wire = &mesh->wire[w];
	struct mesh_node *to = &mesh->node[wire->end[1].node];

	if (!wire->used || wire->open)
		return false;
	if (wire->end[1].node == MESH_NODES || to->down) {
		mesh->dropped_opens++;
		mesh_cut(mesh, w, ERROR_UNREACHABLE, OK);
		return true;
	}
	wire->open = true;
	wire->end[1].id = mesh->next_odd;
	mesh->next_odd += 2;
	for (size_t e = 0; e < 2; e++) {
		struct mesh_node *node = mesh_node_of(mesh, &wire->end[e]);
		struct link link = {.id = wire->end[e].id, .peer = mesh_node_of(mesh, &wire->end[1 - e])->id};

		streams_ops.linked(node->streams, mesh->now, &link, &node->out);
		streams_ops.check(node->streams);
	}
	return true;
}

/* Tells end e of wire w that what it sent has arrived. */
static inline bool mesh_acknowledge(struct mesh *mesh, size_t w, size_t e)
{
	struct mesh_end *end = &mesh->wire[w].end[e];
	struct mesh_node *node = mesh_node_of(mesh, end);
	size_t bytes = end->unacknowledged;

	if (!mesh->wire[w].open || bytes == 0)
		return false;
	end->unacknowledged = 0;
	streams_ops.sent(node->streams, end->id, bytes, &node->out);
	streams_ops.check(node->streams);
	return true;
}

static inline bool mesh_window_is_open(const struct mesh_end *end)
{
	/* A message larger than the window gets through alone: the frame reader credits what it collects. */
	return end->unconsumed == 0 || end->unconsumed + blob_size(end->queue[end->first]) <= WINDOW_LINK;
}

/* Delivers the next message toward end e, if there is one and the window lets it in. */
static inline bool mesh_deliver(struct mesh *mesh, size_t w, size_t e)
{
	struct mesh_wire *wire = &mesh->wire[w];
	struct mesh_end *end = &wire->end[e];
	struct mesh_node *node;
	struct blob *message;
	enum error error;

	if (!wire->open || mesh_queued(end) == 0 || !mesh_window_is_open(end))
		return false;
	node = mesh_node_of(mesh, end);
	message = end->queue[end->first++];
	if (end->first == end->count)
		end->first = end->count = 0;
	end->unconsumed += blob_size(message);
	wire->end[1 - e].unacknowledged += blob_size(message);
	error = streams_ops.receive(node->streams, mesh->now, end->id, message, &node->out);
	blob_drop(message);
	streams_ops.check(node->streams);
	if (error != OK) {
		mesh->errors++;
		mesh->last_error = error;
		mesh_cut(mesh, w, e == 0 ? error : mesh_told(error), e == 1 ? error : mesh_told(error));
	} else if (!mesh->hold_acks) {
		mesh_acknowledge(mesh, w, 1 - e);
	}
	return true;
}

/* Everything that can happen without time passing and without the owners. */
static inline void mesh_run(struct mesh *mesh)
{
	bool again = true;

	while (again) {
		again = false;
		mesh_settle(mesh);
		for (size_t w = 0; w < MESH_WIRES; w++) {
			again |= mesh_open(mesh, w);
			again |= mesh_deliver(mesh, w, 0);
			again |= mesh_deliver(mesh, w, 1);
		}
	}
}

/* Lets time pass, deadline by deadline, running the mesh after each. */
static inline void mesh_sleep(struct mesh *mesh, msec span)
{
	msec until = mesh->now + span;

	while (mesh->now < until) {
		msec next = until;

		for (size_t n = 0; n < mesh->nodes; n++)
			next = msec_min(next, streams_ops.deadline(mesh->node[n].streams));
		mesh->now = next > mesh->now ? next : mesh->now;
		for (size_t n = 0; n < mesh->nodes; n++) {
			streams_ops.tick(mesh->node[n].streams, mesh->now, &mesh->node[n].out);
			streams_ops.check(mesh->node[n].streams);
			/* A machine that asks for a tick it does not use would spin its driver. */
			assert_true(streams_ops.deadline(mesh->node[n].streams) > mesh->now);
		}
		mesh_run(mesh);
	}
}

/* The first used wire whose dialer is node n. */
static inline size_t mesh_wire_of(const struct mesh *mesh, size_t n)
{
	for (size_t w = 0; w < MESH_WIRES; w++) {
		if (mesh->wire[w].used && mesh->wire[w].end[0].node == n)
			return w;
	}
	fail_msg("node %zu has no wire", n);
	return MESH_WIRES;
}

static inline size_t mesh_wires(const struct mesh *mesh)
{
	size_t used = 0;

	for (size_t w = 0; w < MESH_WIRES; w++)
		used += mesh->wire[w].used;
	return used;
}

/*
 * A batch of `count` records of `size` bytes. Each starts with its sequence number as far as it has room, so that a
 * reader can hold the content against the sequence it was told.
 */
static inline struct blob *mesh_batch(uint64_t sequence, uint64_t count, size_t size)
{
	struct blob *blob = blob_new(BATCH_HEADROOM, (size_t)count * (size + CBOR_HEAD_MAX));

	for (uint64_t i = 0; i < count; i++) {
		uint64_t number = sequence + i;

		blob->end += cbor_bytes_head(blob->data + blob->end, size);
		memset(blob->data + blob->end, 0, size);
		memcpy(blob->data + blob->end, &number, size < sizeof(number) ? size : sizeof(number));
		blob->end += size;
	}
	return blob;
}

/* Every record of a batch says the number that its fact says. */
static inline void mesh_check_content(const struct streams_fact *fact)
{
	struct bytes rest = fact->records, record;
	uint64_t found = 0;

	while (records_next(&rest, &record)) {
		uint64_t number = fact->sequence + found++;

		assert_memory_equal(record.data, &number,
			record.size < sizeof(number) ? record.size : sizeof(number));
	}
	assert_true(found == fact->count);
}

/* Pulls the next fact of node n and asserts its kind. */
static inline struct streams_fact mesh_expect(struct mesh *mesh, size_t n, enum streams_fact_kind kind)
{
	struct streams_fact fact;

	assert_true(streams_next_fact(mesh->node[n].streams, &fact));
	assert_int_equal(fact.kind, kind);
	return fact;
}

static inline void mesh_expect_none(struct mesh *mesh, size_t n)
{
	struct streams_fact fact;

	assert_false(streams_next_fact(mesh->node[n].streams, &fact));
}

static inline void mesh_consume(struct mesh *mesh, size_t n, const struct streams_fact *fact)
{
	consumer_consumed(mesh->node[n].streams, fact->link, blob_size(fact->message), &mesh->node[n].out);
	blob_drop(fact->message);
}

/* Pulls the next fact, a batch that starts at `sequence`, checks it, credits it; returns its count. */
static inline uint64_t mesh_expect_batch(struct mesh *mesh, size_t n, uint64_t sequence)
{
	struct streams_fact fact = mesh_expect(mesh, n, CONSUMER_BATCH);

	assert_true(fact.sequence == sequence);
	mesh_check_content(&fact);
	mesh_consume(mesh, n, &fact);
	return fact.count;
}

#endif
