/*
 * sim_net.c - links between simulated nodes: reliable ordered channels with windows, on connections that die.
 *
 *     dialer                                      acceptor
 *       |---- three one-way trips: handshake, hello ---->|  met
 *       |<--- one more: its hello -----------------------|
 *     met, linked                                        |
 *       |==== OPEN, MESSAGE..., FIN or RESET ===========>|  linked, received..., unlinked
 *       |<=== ACK (and credit), CREDIT ==================|
 *
 * Each direction of a link is a queue in front of the end that it leads to (`inbox`); a lost packet is a delay of all that
 * is behind it. Links do not wait for each other, as in QUIC. A cut stalls what would cross it; the sides that hear
 * nothing give their connection up after the idle timeout. Sides die apart, and one may live on for a while.
 *
 * Nothing here is called by a node: effects are carried out after its call, so a node is never entered while it runs.
 */
#include "tests/sim/sim_net.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define RETRANSMISSIONS_MAX 6
#define NOTICE_MAX 5000      /* msec until the kernel of a dead process is asked and says "refused" */

/* ---- queues ---- */

msec sim_latency(struct sim *sim)
{
	const struct sim_options *options = &sim->options;
	uint64_t spread = (uint64_t)(options->latency_max - options->latency_min) + 1;
	msec latency = options->latency_min + (msec)rng_below(&sim->network, spread);

	/* A lost packet is sent again when its acknowledgement is overdue: a round trip and a bit. */
	for (int i = 0; i < RETRANSMISSIONS_MAX && rng_below(&sim->network, 100) < options->loss_percent; i++)
		latency += 2 * options->latency_max + options->latency_min;
	return latency;
}

static bool is_cut(const struct sim *sim, size_t from, size_t to)
{
	return sim->cut[from * sim->options.places + to];
}

static struct sim_end *other_end(struct sim_end *end)
{
	return &end->link->end[end == &end->link->end[0]];
}

static bool is_local(enum item_kind kind)
{
	return kind == ITEM_LINKED || kind == ITEM_ENDED;
}

static void drop_items(struct list *items)
{
	LIST_EACH_SAFE(place, after, items) {
		struct item *item = LIST_OF(place, struct item, place);

		blob_drop(item->blob);
		sim_pack_free(item->pack);
		memory_free(item);
	}
	list_init(items);
}

/* Schedules the end of a side, unless an earlier one is on its way. */
static void doom(struct sim *sim, struct sim_side *side, msec at, enum error reason)
{
	if (side->over || (side->doomed && side->doom_at <= at))
		return;
	side->doomed = true;
	side->doom_at = at;
	side->reason = reason;
	sim_at(sim, &side->death, at);
}

/* What is sent to a side that is gone is answered by a reset, if it gets there. */
static void answer_the_dead(struct sim *sim, struct sim_end *to)
{
	struct sim_end *from = other_end(to);

	if (to->side && to->side->over && !from->side->over && !to->node->host_off &&
		!is_cut(sim, from->node->place, to->node->place) && !is_cut(sim, to->node->place, from->node->place))
		doom(sim, from->side, sim->now + 2 * sim_latency(sim), ERROR_UNEXPECTED_CLOSE);
}

static void push(struct sim *sim, struct sim_end *to, struct item item)
{
	struct item *queued;
	msec at = sim->now;

	if (to->state == END_OVER) {
		answer_the_dead(sim, to);
		blob_drop(item.blob);
		sim_pack_free(item.pack);
		return;
	}
	if (!is_local(item.kind)) {
		at += sim_latency(sim) + to->node->slow;
		if (at < to->side->ready_at)
			at = to->side->ready_at;
	}
	item.at = to->last_at = at > to->last_at ? at : to->last_at;
	queued = memory_copy(&item, sizeof(item));
	if (list_is_empty(&to->inbox))
		sim_at(sim, &to->arrive, item.at);
	list_append(&to->inbox, &queued->place);
}

/* Sends what the reader's window lets in; a message alone always fits, QUIC would cut it in pieces. */
static void release(struct sim *sim, struct sim_end *from)
{
	LIST_EACH_SAFE(place, after, &from->waiting) {
		struct item *item = LIST_OF(place, struct item, place);

		if (from->under_way > 0 && from->under_way + item->bytes > sim->options.window)
			return;
		from->under_way += item->bytes;
		list_remove(place);
		push(sim, other_end(from), *item);
		memory_free(item);
	}
}

static void put_waiting(struct sim *sim, struct sim_end *from, struct item item)
{
	struct item *queued = memory_copy(&item, sizeof(item));

	list_append(&from->waiting, &queued->place);
	if (from->link->connection)
		release(sim, from);
}

/* ---- ends of links and sides of connections ---- */

static void connection_release(struct sim *sim, struct sim_connection *connection)
{
	if (connection->held > 0 || !list_is_empty(&connection->links))
		return;
	for (int i = 0; i < 2; i++) {
		sim_cancel(sim, &connection->side[i].death);
		list_remove(&connection->side[i].place);
	}
	memory_free(connection);
}

static void end_over(struct sim *sim, struct sim_end *end)
{
	struct sim_link *link = end->link;

	ASSERT(end->state != END_OVER);
	if (end->id != 0)
		number_table_remove(&end->node->links, end->id - 1);
	end->state = END_OVER;
	drop_items(&end->inbox);
	drop_items(&end->waiting);
	sim_cancel(sim, &end->arrive);
	if (link->end[0].state != END_OVER || link->end[1].state != END_OVER)
		return;
	sim_dial_drop(sim, link);
	list_remove(&link->place);
	struct sim_connection *connection = link->connection;
	memory_free(link);
	if (connection)
		connection_release(sim, connection);
}

/* The last word about a link, if its node was told a first one or asked for it. */
static void tell_over(struct sim *sim, struct sim_end *end, enum error reason)
{
	struct sim_node *node = end->node;
	enum protocol protocol = end->link->protocol;
	link_id id = end->id;

	end_over(sim, end);
	sim_mix(sim, 0x0EADu ^ (uint64_t)reason << 16);
	if (id != 0 && node->node)
		node_unlinked(node->node, sim->now, protocol, id - 1, reason);
}

static void side_die(struct sim *sim, struct sim_side *side, enum error reason)
{
	struct sim_connection *connection = side->connection;

	ASSERT(!side->over);
	side->over = true;
	sim->count.deaths++;
	connection->held++;
	sim_cancel(sim, &side->death);
	LIST_EACH_SAFE(place, after, &connection->links) {
		struct sim_link *link = LIST_OF(place, struct sim_link, place);
		struct sim_end *end = &link->end[link->end[1].side == side];

		if (end->state != END_OVER)
			tell_over(sim, end, reason);
	}
	connection->held--;
}

static struct sim_side *other_side(struct sim_side *side)
{
	return &side->connection->side[side == &side->connection->side[0]];
}

static void on_death(struct sim *sim, void *subject)
{
	struct sim_side *side = subject;
	struct sim_side *other = other_side(side);
	struct sim_node *node = side->node;

	side->doomed = false;
	if (side->reason == ERROR_IDLE && !other->over && !is_cut(sim, other->node->place, node->place))
		return;   /* the cut healed in time */
	if (node->paused_until > sim->now) {
		doom(sim, side, node->paused_until, side->reason);
		return;
	}
	/* Silence is not told: the other side goes on until its own packets are answered by nothing, or by a reset. */
	doom(sim, other, sim->now + (side->reason == ERROR_IDLE ? sim->options.idle : sim_latency(sim)),
		side->reason == ERROR_IDLE ? ERROR_UNEXPECTED_CLOSE : side->reason);
	side->connection->held++;
	side_die(sim, side, side->reason);
	side->connection->held--;
	connection_release(sim, side->connection);
	sim_turn(sim, node);
}

/* Our node found something wrong with its peer: CONNECTION_CLOSE. */
static void connection_close(struct sim *sim, struct sim_side *side, enum error reason)
{
	struct sim_side *other = other_side(side);
	bool lost = is_cut(sim, side->node->place, other->node->place);

	doom(sim, other, sim->now + (lost ? sim->options.idle : sim_latency(sim)),
		lost ? ERROR_UNEXPECTED_CLOSE : error_from_close_code(error_close_code(reason)));
	side->connection->held++;
	side_die(sim, side, reason);
	side->connection->held--;
	connection_release(sim, side->connection);
}

/* ---- arrivals ---- */

static void deliver_message(struct sim *sim, struct sim_end *end, struct item *item)
{
	struct sim_link *link = end->link;
	struct sim_side *side = end->side;
	size_t bytes = item->bytes;
	enum error error;

	sim->count.messages[link->protocol]++;
	sim->count.bytes[link->protocol] += bytes;
	if (sim->watch.size > 0 && memmem(blob_bytes(item->blob).data, bytes, sim->watch.data, sim->watch.size))
		sim->count.watched[link->protocol]++;
	push(sim, other_end(end),
		(struct item){.kind = ITEM_ACK, .bytes = bytes, .credit = node_credit_at_once(link->protocol)});
	error = node_received(end->node->node, sim->now, link->protocol, end->id - 1, item->blob);
	if (error != OK)
		connection_close(sim, side, error);
}

static void deliver_open(struct sim *sim, struct sim_end *end)
{
	const struct sim_node *from = other_end(end)->node;
	struct sim_node *node = end->node;
	struct link link = {.id = end->id ? end->id - 1 : node->next_link, .peer = from->identity.public_key,
		.binding = end->link->connection->binding};

	if (end->id == 0) {
		node->next_link += 2;
		end->id = link.id + 1;
		number_table_put(&node->links, link.id, end->link);
	}
	end->state = END_OPEN;
	sim->count.links++;
	node_linked(node->node, sim->now, end->link->protocol, &link);
}

/* Both directions are done when both FINs got through: ours was acknowledged and theirs is here. */
static void finish(struct sim *sim, struct sim_end *end)
{
	if (end->fin_acked && end->peer_finished)
		tell_over(sim, end, OK);
}

static void deliver_fin(struct sim *sim, struct sim_end *end)
{
	end->peer_finished = true;
	push(sim, other_end(end), (struct item){.kind = ITEM_FIN_ACK});
	if (!end->fin_sent) {
		end->fin_sent = true;
		put_waiting(sim, end, (struct item){.kind = ITEM_FIN});
	}
	finish(sim, end);
}

static void deliver(struct sim *sim, struct sim_end *end, struct item *item)
{
	struct sim_node *node = end->node;

	switch (item->kind) {
	case ITEM_LINKED:
	case ITEM_OPEN:
		deliver_open(sim, end);
		break;
	case ITEM_MESSAGE:
		deliver_message(sim, end, item);
		break;
	case ITEM_ACK:
		node_sent(node->node, sim->now, end->link->protocol, end->id - 1, item->bytes);
		if (!item->credit)
			break;
		end->under_way -= item->bytes;
		release(sim, end);
		break;
	case ITEM_CREDIT:
		end->under_way -= item->bytes < end->under_way ? item->bytes : end->under_way;
		release(sim, end);
		break;
	case ITEM_FIN:
		deliver_fin(sim, end);
		break;
	case ITEM_FIN_ACK:
		end->fin_acked = true;
		finish(sim, end);
		break;
	case ITEM_RESET:
	case ITEM_ENDED:
		tell_over(sim, end, item->reason);
		break;
	}
}

static void on_arrive(struct sim *sim, void *subject)
{
	struct sim_end *end = subject;
	struct sim_node *node = end->node;
	struct item *item = LIST_OF(end->inbox.next, struct item, place);

	ASSERT(node->node && !list_is_empty(&end->inbox));
	if (node->paused_until > sim->now) {
		sim_at(sim, &end->arrive, node->paused_until);
		return;
	}
	end->stalled = !is_local(item->kind) && is_cut(sim, other_end(end)->node->place, node->place);
	if (end->stalled)
		return;   /* until the heal, or the death of the connection */
	list_remove(&item->place);
	if (!list_is_empty(&end->inbox)) {
		msec next = LIST_OF(end->inbox.next, struct item, place)->at;

		sim_at(sim, &end->arrive, next > sim->now ? next : sim->now);
	}
	if (item->pack)
		item->blob = sim_pack_open(&sim->ids, item->pack);
	sim_mix(sim, (uint64_t)item->kind << 48 ^ (uint64_t)node->place << 24 ^ item->bytes);
	if (item->blob && item->bytes > 8)
		sim_mix(sim, bytes_get_be32(blob_bytes(item->blob).data + item->bytes - 4));
	deliver(sim, end, item);
	blob_drop(item->blob);
	memory_free(item);
	sim_turn(sim, node);
}

/* ---- connections ---- */

struct sim_connection *sim_connection_new(struct sim *sim, enum protocol protocol, struct sim_node *dialer,
	struct sim_node *acceptor)
{
	struct sim_connection *connection = memory_new(sizeof(*connection));

	connection->protocol = protocol;
	connection->binding = id_hash(bytes_of(&(uint64_t){++sim->connections}, sizeof(uint64_t)));
	list_init(&connection->links);
	for (int i = 0; i < 2; i++) {
		struct sim_side *side = &connection->side[i];

		side->connection = connection;
		side->node = i == 0 ? dialer : acceptor;
		side->death = (struct sim_event){.happen = on_death, .subject = side};
		list_append(&side->node->connections, &side->place);
	}
	connection->side[0].ready_at = sim->now;
	return connection;
}

/* A connection that a new link may use, or NULL. */
static struct sim_side *usable(const struct sim_node *node, enum protocol protocol, const struct id *peer)
{
	LIST_EACH(place, &node->connections) {
		struct sim_side *side = LIST_OF(place, struct sim_side, place);

		if (side->proven && !side->over && side->connection->protocol == protocol &&
			id_equal(&other_side(side)->node->identity.public_key, peer))
			return side;
	}
	return NULL;
}

void sim_link_attach(struct sim *sim, struct sim_link *link, struct sim_side *side)
{
	struct sim_end *near = &link->end[0];
	struct sim_end *far = &link->end[1];

	ASSERT(!link->connection && near->state == END_NEW);
	link->connection = side->connection;
	list_append(&side->connection->links, &link->place);
	near->side = side;
	far->side = other_side(side);
	far->node = far->side->node;
	far->state = far->side->over ? END_OVER : END_NEW;
	push(sim, near, (struct item){.kind = ITEM_LINKED});
	push(sim, far, (struct item){.kind = ITEM_OPEN});
	release(sim, near);
}

bool sim_link_try_attach(struct sim *sim, struct sim_link *link)
{
	struct sim_side *side = id_is_zero(&link->dial.peer) ? NULL
		: usable(link->end[0].node, link->protocol, &link->dial.peer);

	if (side)
		sim_link_attach(sim, link, side);
	return side != NULL;
}

void sim_link_failed(struct sim *sim, struct sim_link *link, enum error reason)
{
	struct sim_node *node = link->end[0].node;

	sim->count.dials_failed++;
	tell_over(sim, &link->end[0], reason);
	sim_turn(sim, node);
}

void sim_connection_abandon(struct sim *sim, struct sim_connection *connection)
{
	ASSERT(connection->held > 0);
	connection->held--;
	connection->side[0].over = true;
	sim_cancel(sim, &connection->side[0].death);
	doom(sim, &connection->side[1], sim->now + sim->options.idle, ERROR_UNEXPECTED_CLOSE);
	connection_release(sim, connection);
}

/* ---- effects ---- */

static void connect_link(struct sim *sim, struct sim_node *node, const struct effect *effect)
{
	struct sim_link *link = memory_new(sizeof(*link));

	link->protocol = (enum protocol)effect->protocol;
	link->dial = *effect->dial;
	list_init(&link->place);
	for (int i = 0; i < 2; i++) {
		struct sim_end *end = &link->end[i];

		end->link = link;
		end->arrive = (struct sim_event){.happen = on_arrive, .subject = end};
		list_init(&end->inbox);
		list_init(&end->waiting);
	}
	link->end[0].node = node;
	link->end[0].id = effect->link + 1;
	link->end[1].state = END_OVER;   /* nobody yet */
	number_table_put(&node->links, effect->link, link);
	sim->count.dials++;
	sim_dial_begin(sim, link);
}

static void close_link(struct sim *sim, struct sim_end *end, enum error reason)
{
	if (reason == OK && end->link->connection) {
		if (!end->fin_sent) {
			end->fin_sent = true;
			put_waiting(sim, end, (struct item){.kind = ITEM_FIN});
		}
		return;
	}
	drop_items(&end->inbox);
	drop_items(&end->waiting);
	sim_cancel(sim, &end->arrive);
	sim_dial_drop(sim, end->link);
	if (end->link->connection && !(end->peer_finished && end->fin_acked)) {
		struct sim_end *far = other_end(end);

		/* A reset overtakes what is on its way, but not the news of the link. */
		if (far->state == END_OPEN)
			drop_items(&far->inbox);
		push(sim, far, (struct item){.kind = ITEM_RESET,
			.reason = error_from_close_code(error_close_code(reason))});
	}
	end->last_at = sim->now;
	push(sim, end, (struct item){.kind = ITEM_ENDED, .reason = reason});
}

static void send_message(struct sim *sim, struct sim_end *end, struct blob *message)
{
	struct item item = {.kind = ITEM_MESSAGE, .bytes = blob_size(message),
		.pack = sim_pack_new(sim->pool, &sim->ids, message)};

	if (!item.pack)
		item.blob = blob_keep(message);
	put_waiting(sim, end, item);
}

void sim_carry_out(struct sim *sim, struct sim_node *node, struct effect *effect)
{
	struct sim_link *link = number_table_get(&node->links, effect->link);
	struct sim_end *end = link ? &link->end[effect->link % 2] : NULL;

	sim_mix(sim, (uint64_t)effect->kind << 8 ^ effect->link);
	switch (effect->kind) {
	case EFFECT_CONNECT:
		connect_link(sim, node, effect);
		break;
	case EFFECT_SEND:
		if (!end || end->fin_sent)
			break;
		send_message(sim, end, effect->payload);
		break;
	case EFFECT_CONSUMED:
		if (end && link->connection)
			push(sim, other_end(end), (struct item){.kind = ITEM_CREDIT, .bytes = effect->bytes});
		break;
	case EFFECT_CLOSE:
		if (end)
			close_link(sim, end, effect->reason);
		break;
	}
	effect_drop(effect);
}

/* ---- faults ---- */

void sim_cut(struct sim *sim, size_t from, size_t to, bool cut)
{
	bool *is = &sim->cut[from * sim->options.places + to];

	if (*is == cut)
		return;
	*is = cut;
	sim->cuts += cut ? 1 : (size_t)-1;
	LIST_EACH(place, &sim->node[to].connections) {
		struct sim_side *side = LIST_OF(place, struct sim_side, place);

		if (other_side(side)->node->place != from)
			continue;
		if (cut)
			doom(sim, side, sim->now + sim->options.idle, ERROR_IDLE);
		LIST_EACH(one, &side->connection->links) {
			struct sim_link *link = LIST_OF(one, struct sim_link, place);
			struct sim_end *end = &link->end[link->end[1].side == side];

			if (!cut && end->stalled && !list_is_empty(&end->inbox))
				sim_at(sim, &end->arrive, sim->now + sim_latency(sim));
		}
	}
}

void sim_heal(struct sim *sim)
{
	for (size_t i = 0; sim->cuts > 0 && i < sim->options.places * sim->options.places; i++)
		sim_cut(sim, i / sim->options.places, i % sim->options.places, false);
}

static void crash_links(struct sim *sim, struct sim_node *node)
{
	while (node->links.count > 0) {
		struct sim_link *link = node->links.slot[0].value;
		struct sim_end *end = &link->end[node->links.slot[0].key % 2];
		struct sim_connection *connection = link->connection;

		if (connection)
			connection->held++;
		end_over(sim, end);
		if (connection)
			connection->held--;
	}
}

/* How long until the other side knows, and what it then knows. */
static void doom_survivor(struct sim *sim, struct sim_side *side, const struct sim_node *gone, enum error reason)
{
	bool told = reason != ERROR_IDLE && !is_cut(sim, gone->place, side->node->place);
	msec at = sim->now + sim->options.idle;

	if (told && reason == ERROR_GRACEFUL)
		at = sim->now + sim_latency(sim);
	else if (told)
		at = sim->now + sim_latency(sim) + (msec)rng_below(&sim->faults, NOTICE_MAX);
	doom(sim, side, at, told ? reason : ERROR_IDLE);
}

void sim_net_crashed(struct sim *sim, struct sim_node *node, enum error reason)
{
	LIST_EACH(place, &node->connections)
		LIST_OF(place, struct sim_side, place)->connection->held++;
	LIST_EACH(place, &node->connections) {
		struct sim_side *side = LIST_OF(place, struct sim_side, place);

		side->over = true;
		sim_cancel(sim, &side->death);
		/* Ends that have not heard of their link have no number yet. */
		LIST_EACH_SAFE(one, after, &side->connection->links) {
			struct sim_link *link = LIST_OF(one, struct sim_link, place);
			struct sim_end *end = &link->end[link->end[1].side == side];

			if (end->state != END_OVER)
				end_over(sim, end);
		}
		doom_survivor(sim, other_side(side), node, reason);
	}
	crash_links(sim, node);   /* dials */
	LIST_EACH_SAFE(place, after, &node->connections) {
		struct sim_connection *connection = LIST_OF(place, struct sim_side, place)->connection;

		list_remove(place);
		connection->held--;
		connection_release(sim, connection);
	}
}
