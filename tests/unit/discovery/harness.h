/*
 * harness.h - a few nodes in one process: catalog, announce and exchange of each, connected by their outboxes, in
 * simulated time.
 *
 *     member --outbox--> wire --happenings, LATENCY later--> member
 *
 * Lines are ordered and reliable; a split or a death cuts them silently, and both ends find out SILENCE later. Every
 * machine's check() runs after every call. Same world, same run.
 */
#ifndef TESTS_DISCOVERY_HARNESS_H
#define TESTS_DISCOVERY_HARNESS_H

#include "base/list.h"
#include "discovery/announce.h"
#include "discovery/exchange.h"
#include "fake.h"
#include "wire/protocol.h"

#ifndef MEMBERS_MAX
#define MEMBERS_MAX 24
#endif
#define LATENCY 5
#define SILENCE 5000
#define WALL_START 1700000000000
#define SAME_INSTANT_MAX 2000   /* ticks of one member without time going on: a busy loop */

struct member {
	bool is_alive;
	bool is_guest;
	int side;                  /* of a split; members of different sides do not reach each other */
	msec skew;                 /* of its wall clock */
	struct keypair pair;
	struct catalog catalog;
	struct announce *announce;
	struct exchange *exchange;
	struct outbox out;
	struct number_table wires; /* open link -> its place: wire * 2 + end + 1, as a pointer */
	link_id next_accepted;
	unsigned entries_signed;
	unsigned rounds_done;
	unsigned rounds_failed;
	unsigned bootstraps_failed;
	unsigned ups;
	unsigned downs;
	unsigned links_opened;
	uint64_t messages_sent[PROTOCOL_COUNT];
	uint64_t bytes_sent[PROTOCOL_COUNT];
	size_t largest_sent;
	unsigned ticks;            /* at ticked_at */
	msec ticked_at;
};

struct wire {
	uint8_t protocol;
	bool is_cut;
	msec latency;
	struct wire_end {
		size_t member;
		link_id link;      /* 0: never opened, or closed */
		msec last_at;      /* when what was sent to this end last gets there: order is kept */
	} end[2];
};

enum happening_kind { HAPPENS_LINKED, HAPPENS_UNLINKED, HAPPENS_MESSAGE, HAPPENS_SENT };

struct happening {
	struct list node;
	msec at;
	enum happening_kind kind;
	size_t wire;
	int end;
	struct blob *payload;
	size_t bytes;
	enum error reason;
};

struct world {
	msec now;
	struct member member[MEMBERS_MAX];
	size_t count;
	struct wire *wire;
	size_t wire_count;
	size_t wire_capacity;
	struct list happenings;    /* by time, then as they were put in */
	msec latency_min;          /* 0: LATENCY for all; else each wire draws its own up to latency_max */
	msec latency_max;
	unsigned loss_percent;     /* of messages: sent again, and with them whatever was behind; costs two more latencies */
	bool is_unchecked;         /* check() after each call is quadratic in a large world */
	bool is_local;             /* what is sent to the dead is refused at once, as on one host */
	struct rng rng;
	struct log *log;           /* of members that start from now on; may be NULL */
};

/* --- time --- */

static inline void world_schedule(struct world *world, msec delay, struct happening what)
{
	struct happening *happening = memory_copy(&what, sizeof(what));
	struct list *after = world->happenings.prev;

	happening->at = world->now + delay;
	while (after != &world->happenings && LIST_OF(after, struct happening, node)->at > happening->at)
		after = after->prev;
	happening->node.prev = after;
	happening->node.next = after->next;
	after->next->prev = &happening->node;
	after->next = &happening->node;
}

/* --- members --- */

static inline struct address member_address(size_t index)
{
	struct address address = {.ip = {[10] = 0xFF, [11] = 0xFF, [12] = 10}, .port = (uint16_t)(1000 + index)};

	return address;
}

static inline struct dial member_dial(size_t index)
{
	return (struct dial){.count = 1, .address = {member_address(index)}};
}

static inline msec member_wall(const struct world *world, const struct member *member)
{
	return WALL_START + world->now + member->skew;
}

static inline void world_start(struct world *world, size_t index)
{
	struct member *member = &world->member[index];
	struct address address = member_address(index);
	struct id network = fake_network();

	assert_false(member->is_alive);
	member->is_alive = true;
	member->pair = fake_pair((unsigned)index);
	catalog_init(&member->catalog, &network, &member->pair.public_key, &fake_crypto, world->log);
	member->announce = announce_new(&(struct announce_options){.catalog = &member->catalog,
		.identity = &member->pair, .crypto = &fake_crypto, .log = world->log, .seed = index,
		.guest = member->is_guest}, world->now, member_wall(world, member));
	member->exchange = exchange_new(&(struct exchange_options){.catalog = &member->catalog, .log = world->log,
		.seed = 1000 + index, .guest = member->is_guest}, world->now);
	card_set_addresses(announce_card(member->announce), &address, 1);
	member->next_accepted = member->next_accepted > 0 ? member->next_accepted : 1;
}

static inline void world_init(struct world *world, size_t count)
{
	memset(world, 0, sizeof(*world));
	assert_true(count <= MEMBERS_MAX);
	world->count = count;
	rng_init(&world->rng, 1);
	list_init(&world->happenings);
}

static inline void member_fini(struct member *member)
{
	if (!member->is_alive)
		return;
	member->is_alive = false;
	exchange_free(member->exchange);
	announce_free(member->announce);
	catalog_fini(&member->catalog);
	outbox_fini(&member->out);
	number_table_fini(&member->wires);
}

static inline void world_fini(struct world *world)
{
	for (size_t i = 0; i < world->count; i++)
		member_fini(&world->member[i]);
	LIST_EACH_SAFE(node, after, &world->happenings) {
		struct happening *happening = LIST_OF(node, struct happening, node);

		blob_drop(happening->payload);
		memory_free(happening);
	}
	memory_free(world->wire);
}

/* --- wires --- */

static inline void wire_cut(struct world *world, size_t at)
{
	if (world->wire[at].is_cut)
		return;
	world->wire[at].is_cut = true;
	for (int end = 0; end < 2; end++)
		world_schedule(world, SILENCE, (struct happening){.kind = HAPPENS_UNLINKED, .wire = at, .end = end,
			.reason = ERROR_IDLE});
}

static inline bool member_index(const struct world *world, const struct id *peer, size_t *index)
{
	for (*index = 0; *index < world->count; ++*index)
		if (id_equal(&world->member[*index].pair.public_key, peer))
			return true;
	return false;
}

static inline void wire_note(struct world *world, size_t at, int end)
{
	const struct wire_end *place = &world->wire[at].end[end];

	number_table_put(&world->member[place->member].wires, place->link, (void *)(at * 2 + (size_t)end + 1));
}

static inline msec wire_latency(struct world *world)
{
	if (world->latency_min == 0)
		return LATENCY;
	return world->latency_min + (msec)rng_below(&world->rng, (uint64_t)(world->latency_max - world->latency_min + 1));
}

/* How long a message to this end takes: never overtaking, and longer when a packet was lost. */
static inline msec wire_delay(struct world *world, struct wire *wire, int end)
{
	msec at = world->now + wire->latency;

	if (world->loss_percent > 0 && rng_below(&world->rng, 100) < world->loss_percent)
		at += 2 * wire->latency;
	if (at < wire->end[end].last_at)
		at = wire->end[end].last_at;
	wire->end[end].last_at = at;
	return at - world->now;
}

/* Whom a dial reaches: as the driver of a node does it, addresses come from the dial or from the catalog. */
static inline bool resolve(
	const struct world *world, const struct member *dialler, const struct dial *dial, size_t *index)
{
	if (dial->count == 0) {
		const struct catalog_peer *peer = catalog_find(&dialler->catalog, &dial->peer);

		return peer != NULL && peer->entry->card.address_count > 0 && member_index(world, &dial->peer, index);
	}
	*index = (size_t)dial->address[0].port - 1000;
	return *index < world->count;
}

static inline void wire_connect(struct world *world, size_t from, const struct effect *effect)
{
	struct member *dialler = &world->member[from];
	struct wire wire = {.protocol = effect->protocol, .latency = wire_latency(world), .end = {{.member = from, .link = effect->link}}};
	struct happening there = {.kind = HAPPENS_LINKED, .wire = world->wire_count, .end = 1};
	struct happening here = {.kind = HAPPENS_LINKED, .wire = world->wire_count, .end = 0};
	size_t target = 0;
	bool is_known = resolve(world, dialler, effect->dial, &target);
	struct member *acceptor = &world->member[target];

	dialler->links_opened++;
	world->wire = memory_grow(world->wire, &world->wire_capacity, world->wire_count + 1, sizeof(*world->wire));
	wire.end[1].member = target;
	if (is_known && acceptor->is_alive && acceptor->side == dialler->side) {
		wire.end[0].last_at = world->now + 2 * wire.latency;
		wire.end[1].last_at = world->now + wire.latency;
		world->wire[world->wire_count++] = wire;
		wire_note(world, there.wire, 0);
		world_schedule(world, wire.latency, there);
		world_schedule(world, 2 * wire.latency, here);
		return;
	}
	world->wire[world->wire_count++] = wire;
	wire_note(world, here.wire, 0);
	here.kind = HAPPENS_UNLINKED;
	here.reason = !is_known ? ERROR_UNREACHABLE : acceptor->side != dialler->side ? ERROR_NO_ANSWER : ERROR_REFUSED;
	world_schedule(world, !is_known ? 0 : here.reason == ERROR_NO_ANSWER ? 5000 : LATENCY, here);
}

/* The wire and end of an open link. */
static inline bool wire_of(const struct world *world, size_t member, link_id link, struct happening *place)
{
	size_t at = (size_t)number_table_get(&world->member[member].wires, link);

	if (at == 0)
		return false;
	place->wire = (at - 1) / 2;
	place->end = (int)((at - 1) % 2);
	return world->wire[place->wire].end[place->end].link == link;
}

static inline void wire_send(struct world *world, size_t from, struct effect *effect)
{
	struct member *member = &world->member[from];
	size_t size = blob_size(effect->payload);
	struct happening there = {.kind = HAPPENS_MESSAGE, .payload = effect->payload};
	struct happening here = {.kind = HAPPENS_SENT, .bytes = size};
	msec delay;

	assert_true(size <= protocol_frame_max((enum protocol)effect->protocol));
	member->messages_sent[effect->protocol]++;
	member->bytes_sent[effect->protocol] += size;
	if (size > member->largest_sent)
		member->largest_sent = size;
	if (!wire_of(world, from, effect->link, &there)) {
		blob_drop(effect->payload);   /* closed by the peer a moment ago */
		return;
	}
	here.wire = there.wire;
	here.end = there.end;
	there.end = 1 - there.end;
	delay = wire_delay(world, &world->wire[there.wire], there.end);
	world_schedule(world, delay, there);
	world_schedule(world, delay + world->wire[here.wire].latency, here);
	/* The kernel of the host says that nobody is there. */
	if (world->is_local && !world->member[world->wire[here.wire].end[there.end].member].is_alive)
		world_schedule(world, 2 * world->wire[here.wire].latency, (struct happening){.kind = HAPPENS_UNLINKED,
			.wire = here.wire, .end = here.end, .reason = ERROR_REFUSED});
}

static inline void wire_close(struct world *world, size_t from, const struct effect *effect)
{
	struct happening here = {.kind = HAPPENS_UNLINKED, .reason = effect->reason};
	struct happening there;

	if (!wire_of(world, from, effect->link, &here))
		return;
	there = here;
	there.end = 1 - here.end;
	world_schedule(world, 0, here);
	world_schedule(world, wire_delay(world, &world->wire[there.wire], there.end), there);
}

/* --- what the owner of the machines does --- */

static inline bool settle_announce(struct world *world, struct member *member)
{
	struct announce_fact fact;

	if (!announce_next_fact(member->announce, &fact))
		return false;
	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	if (fact.kind == ANNOUNCE_ENTRY_SIGNED) {
		member->entries_signed++;
	} else if (fact.kind == ANNOUNCE_NEIGHBOUR_UP) {
		member->ups++;
		exchange_neighbour_up(member->exchange, world->now, &fact.peer);
	} else if (fact.bootstrap) {
		member->bootstraps_failed++;
	} else {
		member->downs++;
		exchange_neighbour_down(member->exchange, &fact.peer, &member->out);
	}
	return true;
}

static inline bool settle_exchange(struct world *world, struct member *member)
{
	struct exchange_fact fact;

	if (!exchange_next_fact(member->exchange, &fact))
		return false;
	member->out.protocol = PROTOCOL_ANNOUNCE;
	if (fact.kind == EXCHANGE_NEWS) {
		if (!announce_spread_from(member->announce, &fact.peer, fact.news, &member->out))
			exchange_hurry(member->exchange, world->now);
		entry_drop(fact.news);
		return true;
	}
	member->rounds_done += fact.kind == EXCHANGE_DONE;
	member->rounds_failed += fact.kind == EXCHANGE_FAILED;
	if (fact.kind != EXCHANGE_FAILED)
		announce_heard(member->announce, world->now, &fact.peer, &member->out);
	return true;
}

static inline void settle_catalog(struct world *world, struct member *member)
{
	struct catalog_event event;
	struct version version;
	bool is_goodbye;

	while (catalog_next_event(&member->catalog, &event)) {
		bool is_known = catalog_version(&member->catalog, &event.entry->card.peer, &version, &is_goodbye);

		if (event.kind == PEER_DEPARTED && !(is_known && is_goodbye))
			announce_lost(member->announce, world->now, event.entry);
		entry_drop(event.entry);
	}
}

static inline void member_settle(struct world *world, size_t index)
{
	struct member *member = &world->member[index];
	struct effect effect;

	while (settle_announce(world, member) || settle_exchange(world, member))
		;
	settle_catalog(world, member);
	while (outbox_next(&member->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT)
			wire_connect(world, index, &effect);
		else if (effect.kind == EFFECT_SEND)
			wire_send(world, index, &effect);
		else if (effect.kind == EFFECT_CLOSE)
			wire_close(world, index, &effect);
		if (effect.kind == EFFECT_CONNECT)
			effect_drop(&effect);
	}
	if (world->is_unchecked)
		return;
	announce_ops.check(member->announce);
	exchange_ops.check(member->exchange);
	catalog_check(&member->catalog);
}

/* The hello of a connection: each side's entry gets to the other before the link does. */
static inline void member_meets(struct world *world, struct member *member, struct member *other)
{
	const struct entry *hello = other->is_alive ? announce_entry(other->announce, world->now) : NULL;
	enum catalog_result result = CATALOG_KNOWN;
	struct entry *news = NULL;

	if (hello == NULL || member == other)
		return;
	assert_int_equal(
		catalog_put_signed(&member->catalog, world->now, blob_bytes(hello->signed_bytes), &result, &news), OK);
	member->out.protocol = PROTOCOL_ANNOUNCE;
	if (news != NULL)
		announce_spread(member->announce, news, &member->out);
}

static inline void deliver_linked(struct world *world, const struct happening *happening)
{
	struct wire *wire = &world->wire[happening->wire];
	struct wire_end *end = &wire->end[happening->end];
	struct member *member = &world->member[end->member];
	struct member *other = &world->member[wire->end[1 - happening->end].member];
	const struct machine_ops *ops = wire->protocol == PROTOCOL_ANNOUNCE ? &announce_ops : &exchange_ops;
	void *self = wire->protocol == PROTOCOL_ANNOUNCE ? (void *)member->announce : (void *)member->exchange;

	if (happening->end == 1) {
		end->link = member->next_accepted;
		member->next_accepted += 2;
		wire_note(world, happening->wire, 1);
	}
	member_meets(world, member, other);
	member->out.protocol = wire->protocol;
	ops->linked(self, world->now, &(struct link){.id = end->link, .peer = other->pair.public_key},
		&member->out);
}

static inline void fail_connection(struct world *world, const struct happening *happening, enum error reason)
{
	for (int end = 0; end < 2; end++)
		world_schedule(world, end == happening->end ? 0 : LATENCY, (struct happening){.kind = HAPPENS_UNLINKED,
			.wire = happening->wire, .end = end, .reason = reason});
}

static inline void deliver(struct world *world, const struct happening *happening)
{
	struct wire *wire = &world->wire[happening->wire];
	struct wire_end *end = &wire->end[happening->end];
	struct member *member = &world->member[end->member];
	const struct machine_ops *ops = wire->protocol == PROTOCOL_ANNOUNCE ? &announce_ops : &exchange_ops;
	void *self = wire->protocol == PROTOCOL_ANNOUNCE ? (void *)member->announce : (void *)member->exchange;
	link_id link = end->link;
	enum error error;

	if (!member->is_alive || (wire->is_cut && happening->kind != HAPPENS_UNLINKED))
		return;
	member->out.protocol = wire->protocol;
	if (happening->kind == HAPPENS_LINKED) {
		deliver_linked(world, happening);
	} else if (link == 0) {
		return;
	} else if (happening->kind == HAPPENS_UNLINKED) {
		end->link = 0;
		number_table_remove(&member->wires, link);
		ops->unlinked(self, world->now, link, happening->reason, &member->out);
	} else if (happening->kind == HAPPENS_SENT) {
		ops->sent(self, link, happening->bytes, &member->out);
	} else {
		error = ops->receive(self, world->now, link, happening->payload, &member->out);
		if (error != OK)
			fail_connection(world, happening, error);
	}
	member_settle(world, end->member);
}

static inline msec member_deadline(const struct member *member)
{
	msec due = msec_min(announce_ops.deadline(member->announce), exchange_ops.deadline(member->exchange));

	return msec_min(due, catalog_deadline(&member->catalog));
}

static inline void member_tick(struct world *world, size_t index)
{
	struct member *member = &world->member[index];

	member->ticks = member->ticked_at == world->now ? member->ticks + 1 : 0;
	member->ticked_at = world->now;
	if (member->ticks > SAME_INSTANT_MAX)
		fail_msg("member %zu is busy without end", index);
	announce_set_wall(member->announce, world->now, member_wall(world, member));
	member->out.protocol = PROTOCOL_ANNOUNCE;
	announce_ops.tick(member->announce, world->now, &member->out);
	member->out.protocol = PROTOCOL_CATALOG_SYNC;
	exchange_ops.tick(member->exchange, world->now, &member->out);
	catalog_purge(&member->catalog, world->now);
	member_settle(world, index);
}

static inline msec world_next(const struct world *world)
{
	msec next = list_is_empty(&world->happenings) ? MSEC_NEVER
		: LIST_OF(world->happenings.next, struct happening, node)->at;

	for (size_t i = 0; i < world->count; i++)
		if (world->member[i].is_alive)
			next = msec_min(next, member_deadline(&world->member[i]));
	return next;
}

/* Everything up to the next instant at which something happens, or `until`. */
static inline void world_step(struct world *world, msec until)
{
	msec next = world_next(world);

	if (next > until) {
		world->now = until;
		return;
	}
	if (next > world->now)
		world->now = next;
	while (!list_is_empty(&world->happenings) &&
		LIST_OF(world->happenings.next, struct happening, node)->at <= world->now) {
		struct happening *happening = LIST_OF(world->happenings.next, struct happening, node);

		list_remove(&happening->node);
		deliver(world, happening);
		blob_drop(happening->payload);
		memory_free(happening);
	}
	for (size_t i = 0; i < world->count; i++)
		if (world->member[i].is_alive && member_deadline(&world->member[i]) <= world->now)
			member_tick(world, i);
}

static inline void world_run(struct world *world, msec span)
{
	msec until = world->now + span;

	while (world->now < until)
		world_step(world, until);
}

/* --- verbs and questions of tests --- */

static inline void world_bootstrap(struct world *world, size_t from, size_t to)
{
	struct dial dial = member_dial(to);

	announce_add_bootstrap(world->member[from].announce, world->now, &dial);
}

static inline void world_kill(struct world *world, size_t index)
{
	for (size_t i = 0; i < world->wire_count; i++) {
		for (int end = 0; end < 2; end++) {
			if (world->wire[i].end[end].member != index)
				continue;
			wire_cut(world, i);
			world->wire[i].end[end].link = 0;   /* nobody is there to be told; the next life counts anew */
		}
	}
	member_fini(&world->member[index]);
}

static inline void world_depart(struct world *world, size_t index)
{
	struct member *member = &world->member[index];

	member->out.protocol = PROTOCOL_ANNOUNCE;
	announce_depart(member->announce, world->now, &member->out);
	member_settle(world, index);
}

/* Puts members [first .. count) on a side of their own, or brings everybody together (first = count). */
static inline void world_split(struct world *world, size_t first)
{
	for (size_t i = 0; i < world->count; i++)
		world->member[i].side = i >= first;
	for (size_t i = 0; i < world->wire_count; i++)
		if (world->member[world->wire[i].end[0].member].side !=
			world->member[world->wire[i].end[1].member].side)
			wire_cut(world, i);
}

static inline bool world_knows(const struct world *world, size_t index, size_t other)
{
	struct keypair pair = fake_pair((unsigned)other);

	return catalog_find(&world->member[index].catalog, &pair.public_key) != NULL;
}

/* Do all members list everybody who is alive? */
static inline bool world_agrees(const struct world *world)
{
	for (size_t i = 0; i < world->count; i++)
		for (size_t j = 0; world->member[i].is_alive && j < world->count; j++)
			if (world->member[j].is_alive && !world->member[j].is_guest && !world_knows(world, i, j))
				return false;
	return true;
}

/* Runs until all agree; the time it took. Fails after `limit`. */
static inline msec world_converge(struct world *world, msec limit)
{
	msec start = world->now;

	while (!world_agrees(world)) {
		if (world->now - start >= limit)
			fail_msg("no agreement within %d ms", (int)limit);
		world_step(world, start + limit);
	}
	return world->now - start;
}

#endif
