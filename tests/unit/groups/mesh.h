/*
 * mesh.h - a few groups machines and clients, and a network between them that keeps order on a link and nowhere else.
 *
 * Two nodes share one session at a time (mesh_new_session gives them another), as links of one connection do.
 */
#ifndef TESTS_GROUPS_MESH_H
#define TESTS_GROUPS_MESH_H

#include "fake_group.h"

#include "base/rng.h"
#include "groups/client.h"
#include "groups/groups_internal.h"

#define MESH_NODES 4
#define MESH_WIRES 512
#define MESH_ITEMS 8192
#define MESH_KEY "key"

enum mesh_kind { MESH_LINKED, MESH_MESSAGE, MESH_SENT, MESH_UNLINKED };

struct mesh_item {
	msec at;
	uint64_t order;
	enum mesh_kind kind;
	size_t wire, end;                /* where it arrives */
	enum error reason;
	size_t bytes;
	struct blob *blob;
};

struct mesh_wire {
	struct {
		size_t node;
		link_id id;
		bool alive;                  /* unlinked() is still to come */
		msec last;                   /* arrival of the last item on its way here */
	} end[2];
	struct id binding;
	bool refused;                    /* nobody there */
};

struct mesh_node {
	struct id id;
	struct groups *groups;           /* NULL: a client's node, or gone */
	struct client *client;
	struct outbox out;
	bool unreachable;
	size_t consumed;
	enum error last_close;           /* reason of its last CLOSE */
	enum error last_unlinked;
	unsigned closes, dials;
};

struct mesh {
	msec now;
	struct rng rng;
	msec latency_max;
	uint64_t order, sessions;
	uint64_t session[MESH_NODES][MESH_NODES];
	link_id next_odd;
	struct mesh_node node[MESH_NODES];
	size_t nodes;
	struct mesh_wire wire[MESH_WIRES];
	size_t wires;
	struct mesh_item item[MESH_ITEMS];
	size_t items;
	bool violated;                   /* receive() said no */
	bool silent;                     /* whatever is sent is lost */
};

static inline struct id mesh_key(void)
{
	return id_hash(bytes_of_text(MESH_KEY));
}

static inline struct mesh *mesh_new(size_t nodes, uint64_t seed)
{
	struct mesh *mesh = memory_new(sizeof *mesh);

	rng_init(&mesh->rng, seed);
	mesh->now = 1000;
	mesh->latency_max = 30;
	mesh->next_odd = 1;
	for (size_t n = 0; n < nodes; n++) {
		struct mesh_node *node = &mesh->node[mesh->nodes++];

		memset(node->id.byte, (int)(n + 1), ID_SIZE);   /* ascending */
		node->groups = groups_new(&(struct groups_options){.self = node->id, .seed = seed}, mesh->now);
		node->out.protocol = 3;
	}
	return mesh;
}

static inline void mesh_free(struct mesh *mesh)
{
	for (size_t n = 0; n < mesh->nodes; n++) {
		groups_free(mesh->node[n].groups);
		client_free(mesh->node[n].client);
		outbox_fini(&mesh->node[n].out);
	}
	for (size_t i = 0; i < mesh->items; i++)
		blob_drop(mesh->item[i].blob);
	memory_free(mesh);
}

static inline struct group *mesh_join(struct mesh *mesh, size_t n, const char *name)
{
	struct group *group = fake_group(&mesh->node[n].id, name, 100 + n);
	struct id key = mesh_key();
	enum error error = groups_add(mesh->node[n].groups, mesh->now, group, &key);

	assert_int_equal(error, OK);
	return group;
}

static inline void mesh_find(struct mesh *mesh, size_t n, const struct group *group, size_t whom)
{
	groups_peer_found(mesh->node[n].groups, mesh->now, group_id(group), &mesh->node[whom].id);
}

static inline void mesh_new_session(struct mesh *mesh, size_t a, size_t b)
{
	mesh->session[a][b] = mesh->session[b][a] = ++mesh->sessions;
}

/* ---- the network ---- */

static inline void mesh_push(struct mesh *mesh, struct mesh_item item)
{
	msec *last = &mesh->wire[item.wire].end[item.end].last;

	assert_true(mesh->items < MESH_ITEMS);
	item.at = mesh->now + 1 + (msec)rng_below(&mesh->rng, (uint64_t)mesh->latency_max);
	if (item.at < *last)
		item.at = *last;
	*last = item.at;
	item.order = mesh->order++;
	mesh->item[mesh->items++] = item;
}

static inline void mesh_drop_items(struct mesh *mesh, size_t wire, size_t end)
{
	size_t kept = 0;

	for (size_t i = 0; i < mesh->items; i++) {
		if (mesh->item[i].wire == wire && mesh->item[i].end == end)
			blob_drop(mesh->item[i].blob);
		else
			mesh->item[kept++] = mesh->item[i];
	}
	mesh->items = kept;
}

static inline void mesh_connect(struct mesh *mesh, size_t from, const struct effect *effect)
{
	struct mesh_wire *wire = &mesh->wire[mesh->wires];
	size_t to = 0;

	assert_true(mesh->wires < MESH_WIRES);
	mesh->node[from].dials++;
	while (to < mesh->nodes && !id_equal(&mesh->node[to].id, &effect->dial->peer))
		to++;
	wire->end[0].node = from;
	wire->end[0].id = effect->link;
	wire->end[0].alive = true;
	wire->refused = to == mesh->nodes || !mesh->node[to].groups || mesh->node[to].unreachable;
	if (wire->refused) {
		mesh_push(mesh, (struct mesh_item){.kind = MESH_UNLINKED, .wire = mesh->wires++, .reason = ERROR_REFUSED});
		return;
	}
	wire->end[1].node = to;
	wire->end[1].id = mesh->next_odd;
	wire->end[1].alive = true;
	mesh->next_odd += 2;
	if (mesh->session[from][to] == 0)
		mesh_new_session(mesh, from, to);
	wire->binding = id_hash(bytes_of(&mesh->session[from][to], sizeof(uint64_t)));
	mesh_push(mesh, (struct mesh_item){.kind = MESH_LINKED, .wire = mesh->wires, .end = 0});
	mesh_push(mesh, (struct mesh_item){.kind = MESH_LINKED, .wire = mesh->wires++, .end = 1});
}

static inline struct mesh_wire *mesh_wire_of(struct mesh *mesh, size_t n, link_id id, size_t *end)
{
	for (size_t w = 0; w < mesh->wires; w++)
		for (*end = 0; *end < 2; (*end)++)
			if (mesh->wire[w].end[*end].node == n && mesh->wire[w].end[*end].id == id && mesh->wire[w].end[*end].alive)
				return &mesh->wire[w];
	return NULL;
}

/* A close: the other end hears of it after what was sent, or (a reset) instead of it. */
static inline void mesh_close(struct mesh *mesh, size_t n, const struct effect *effect)
{
	size_t end;
	struct mesh_wire *wire = mesh_wire_of(mesh, n, effect->link, &end);
	size_t w = (size_t)(wire - mesh->wire);

	mesh->node[n].closes++;
	mesh->node[n].last_close = effect->reason;
	if (!wire)
		return;
	if (effect->reason != OK)
		mesh_drop_items(mesh, w, end);
	mesh_push(mesh, (struct mesh_item){.kind = MESH_UNLINKED, .wire = w, .end = end, .reason = effect->reason});
	if (wire->refused || !wire->end[1 - end].alive)
		return;
	mesh_push(mesh, (struct mesh_item){.kind = MESH_UNLINKED, .wire = w, .end = 1 - end,
		.reason = error_from_close_code(error_close_code(effect->reason))});
}

static inline void mesh_send(struct mesh *mesh, size_t n, const struct effect *effect)
{
	size_t end;
	struct mesh_wire *wire = mesh_wire_of(mesh, n, effect->link, &end);
	size_t w = (size_t)(wire - mesh->wire);

	if (!wire || !wire->end[1 - end].alive || mesh->silent) {
		blob_drop(effect->payload);
		return;
	}
	mesh_push(mesh, (struct mesh_item){.kind = MESH_MESSAGE, .wire = w, .end = 1 - end, .blob = effect->payload});
}

static inline void mesh_carry_out(struct mesh *mesh, size_t n)
{
	struct mesh_node *node = &mesh->node[n];
	struct effect effect;

	while (outbox_next(&node->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT) {
			mesh_connect(mesh, n, &effect);
			memory_free(effect.dial);
		} else if (effect.kind == EFFECT_SEND) {
			mesh_send(mesh, n, &effect);
		} else if (effect.kind == EFFECT_CONSUMED) {
			node->consumed += effect.bytes;
		} else {
			mesh_close(mesh, n, &effect);
		}
	}
	if (node->groups)
		groups_ops.check(node->groups);
	if (node->client)
		client_ops.check(node->client);
}

static inline const struct machine_ops *mesh_ops(struct mesh *mesh, size_t n, link_id id, void **self)
{
	bool is_client = mesh->node[n].client && id % 2 == 0;

	*self = is_client ? (void *)mesh->node[n].client : (void *)mesh->node[n].groups;
	return is_client ? &client_ops : &groups_ops;
}

/* Every link between two nodes, or of one (b: MESH_NODES), ends for this reason at both. */
static inline void mesh_cut(struct mesh *mesh, size_t a, size_t b, enum error reason)
{
	for (size_t w = 0; w < mesh->wires; w++) {
		struct mesh_wire *wire = &mesh->wire[w];
		size_t one = wire->end[0].node, two = wire->end[1].node;

		if (wire->refused || !((one == a && (two == b || b == MESH_NODES)) || (two == a && (one == b || b == MESH_NODES))))
			continue;
		for (size_t e = 0; e < 2; e++) {
			mesh_drop_items(mesh, w, e);
			if (wire->end[e].alive)
				mesh_push(mesh, (struct mesh_item){.kind = MESH_UNLINKED, .wire = w, .end = e, .reason = reason});
		}
	}
}

static inline void mesh_arrive(struct mesh *mesh, struct mesh_item *item)
{
	struct mesh_wire *wire = &mesh->wire[item->wire];
	size_t n = wire->end[item->end].node;
	struct mesh_node *node = &mesh->node[n];
	link_id id = wire->end[item->end].id;
	void *self;
	const struct machine_ops *ops = mesh_ops(mesh, n, id, &self);

	if (!wire->end[item->end].alive || !self)
		return;
	if (item->kind == MESH_LINKED) {
		struct link link = {.id = id, .peer = mesh->node[wire->end[1 - item->end].node].id, .binding = wire->binding};
		ops->linked(self, mesh->now, &link, &node->out);
	} else if (item->kind == MESH_MESSAGE) {
		mesh_push(mesh, (struct mesh_item){.kind = MESH_SENT, .wire = item->wire, .end = 1 - item->end,
			.bytes = blob_size(item->blob)});
		enum error error = ops->receive(self, mesh->now, id, item->blob, &node->out);
		mesh->violated |= error != OK;
		if (error != OK)
			mesh_cut(mesh, n, wire->end[1 - item->end].node, error);
	} else if (item->kind == MESH_SENT) {
		if (ops->sent)
			ops->sent(self, id, item->bytes, &node->out);
	} else {
		wire->end[item->end].alive = false;
		node->last_unlinked = item->reason;
		ops->unlinked(self, mesh->now, id, item->reason, &node->out);
	}
	mesh_carry_out(mesh, n);
}

static inline bool mesh_before(const struct mesh_item *a, const struct mesh_item *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static inline msec mesh_deadline(const struct mesh_node *node)
{
	msec due = node->groups ? groups_ops.deadline(node->groups) : MSEC_NEVER;

	return node->client ? msec_min(due, client_ops.deadline(node->client)) : due;
}

static inline void mesh_tick(struct mesh *mesh)
{
	for (size_t n = 0; n < mesh->nodes; n++) {
		struct mesh_node *node = &mesh->node[n];

		if (node->groups && groups_ops.deadline(node->groups) <= mesh->now)
			groups_ops.tick(node->groups, mesh->now, &node->out);
		if (node->client && client_ops.deadline(node->client) <= mesh->now)
			client_ops.tick(node->client, mesh->now, &node->out);
		mesh_carry_out(mesh, n);
	}
}

static inline void mesh_run(struct mesh *mesh, msec span)
{
	msec until = mesh->now + span;

	for (;;) {
		struct mesh_item *first = NULL;
		msec due = MSEC_NEVER;

		mesh_tick(mesh);
		for (size_t i = 0; i < mesh->items; i++)
			if (!first || mesh_before(&mesh->item[i], first))
				first = &mesh->item[i];
		for (size_t n = 0; n < mesh->nodes; n++)
			due = msec_min(due, mesh_deadline(&mesh->node[n]));
		due = first ? msec_min(due, first->at) : due;
		if (due > until)
			break;
		mesh->now = due > mesh->now ? due : mesh->now;
		if (!first || first->at > mesh->now)
			continue;
		struct mesh_item item = *first;
		*first = mesh->item[--mesh->items];
		mesh_arrive(mesh, &item);
		blob_drop(item.blob);
	}
	mesh->now = until;
}

/* ---- what became of it ---- */

static inline bool mesh_bonded(struct mesh *mesh, struct group *group, size_t whom)
{
	return fake_peer(group, &mesh->node[whom].id)->up;
}

static inline void mesh_turn(struct mesh *mesh, size_t n)
{
	groups_turn(mesh->node[n].groups, mesh->now, &mesh->node[n].out);
	mesh_carry_out(mesh, n);
}

/* How many facts of this kind wait at a node; all are taken. */
static inline unsigned mesh_facts(struct mesh *mesh, size_t n, unsigned kind)
{
	struct groups_fact fact;
	unsigned count = 0;

	while (groups_next_fact(mesh->node[n].groups, &fact)) {
		count += (unsigned)fact.kind == kind;
		blob_drop(fact.fact.bytes);
	}
	return count;
}

#endif
