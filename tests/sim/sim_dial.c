/*
 * sim_dial.c - dials of simulated nodes: the addresses of a peer, one after the other, until one answers.
 *
 *     TRY --3 trips--> ARRIVE --1 trip--> PROVEN: links
 *      ^                 |
 *      +---- next -- FAIL: refused, wrong peer after a trip; no answer after the handshake's deadline
 */
#include "tests/sim/sim_net.h"

#include "base/check.h"
#include "base/memory.h"

static void step(struct sim *sim, struct sim_link *link, enum dial_step to, msec at)
{
	link->step = to;
	sim_at(sim, &link->dialling, at > sim->now ? at : sim->now);
}

static void fail(struct sim *sim, struct sim_link *link, msec at, enum error reason)
{
	link->reason = reason;
	step(sim, link, DIAL_FAIL, at);
}

static size_t place_at(const struct sim *sim, const struct address *address)
{
	size_t place = bytes_get_be32(address->ip + 12);
	struct address same = sim_address(place);

	return place < sim->options.places && address_equal(&same, address) ? place : sim->options.places;
}

static bool is_cut_between(const struct sim *sim, size_t a, size_t b)
{
	return sim->cut[a * sim->options.places + b] || sim->cut[b * sim->options.places + a];
}

static void on_try(struct sim *sim, struct sim_link *link)
{
	if (sim_link_try_attach(sim, link))
		return;
	link->tried_at = sim->now;
	if (link->dial.count == 0)
		fail(sim, link, sim->now, ERROR_UNREACHABLE);
	else
		step(sim, link, DIAL_ARRIVE, sim->now + sim_latency(sim) + sim_latency(sim) + sim_latency(sim));
}

/* The dialer's hello is here: what the acceptor makes of it. */
static void accept_hello(struct sim *sim, struct sim_link *link, struct sim_node *acceptor)
{
	struct sim_node *dialer = link->end[0].node;
	struct sim_connection *connection = sim_connection_new(sim, link->protocol, dialer, acceptor);
	struct address from = sim_address(dialer->place);

	connection->held++;
	connection->side[1].proven = true;
	connection->side[0].ready_at = sim->now + sim_latency(sim) + dialer->slow;
	link->proving = &connection->side[0];
	step(sim, link, DIAL_PROVEN, connection->side[0].ready_at);
	node_met(acceptor->node, sim->now, &dialer->identity.public_key, &from, buffer_bytes(&dialer->hello));
	sim_turn(sim, acceptor);
}

static void on_hello(struct sim *sim, struct sim_link *link)
{
	struct sim_node *dialer = link->end[0].node;
	size_t place = place_at(sim, &link->dial.address[link->next]);
	struct sim_node *acceptor = place < sim->options.places ? &sim->node[place] : NULL;
	msec deadline = link->tried_at + sim->options.handshake;
	msec answer = sim->now + sim_latency(sim);

	if (!acceptor)
		fail(sim, link, answer, ERROR_UNREACHABLE);
	else if (sim->now > deadline || is_cut_between(sim, dialer->place, place) || (!acceptor->node && acceptor->host_off))
		fail(sim, link, deadline, ERROR_NO_ANSWER);
	else if (!acceptor->node)
		fail(sim, link, answer, ERROR_REFUSED);
	else if (acceptor->paused_until > sim->now)
		step(sim, link, DIAL_ARRIVE, acceptor->paused_until);
	else if (!id_is_zero(&link->dial.peer) && !id_equal(&link->dial.peer, &acceptor->identity.public_key))
		fail(sim, link, answer, ERROR_WRONG_PEER);
	else
		accept_hello(sim, link, acceptor);
}

static void on_fail(struct sim *sim, struct sim_link *link)
{
	if (++link->next < link->dial.count)
		step(sim, link, DIAL_TRY, sim->now);
	else
		sim_link_failed(sim, link, link->reason);
}

static void on_proven(struct sim *sim, struct sim_link *link)
{
	struct sim_side *side = link->proving;
	struct sim_connection *connection = side->connection;
	struct sim_node *dialer = side->node;
	struct sim_node *acceptor = connection->side[1].node;
	struct address from = sim_address(acceptor->place);

	if (connection->side[1].over || side->over || is_cut_between(sim, dialer->place, acceptor->place)) {
		sim_dial_drop(sim, link);
		fail(sim, link, link->tried_at + sim->options.handshake, ERROR_NO_ANSWER);
		return;
	}
	side->proven = true;
	link->proving = NULL;
	sim_link_attach(sim, link, side);
	connection->held--;
	node_met(dialer->node, sim->now, &acceptor->identity.public_key, &from, buffer_bytes(&acceptor->hello));
	sim_turn(sim, dialer);
}

static void on_dialling(struct sim *sim, void *subject)
{
	struct sim_link *link = subject;
	struct sim_node *dialer = link->end[0].node;

	if (dialer->paused_until > sim->now) {
		sim_at(sim, &link->dialling, dialer->paused_until);
		return;
	}
	sim_mix(sim, 0xD1A10000u ^ (uint64_t)link->step << 8 ^ dialer->place);
	switch (link->step) {
	case DIAL_TRY:
		on_try(sim, link);
		break;
	case DIAL_ARRIVE:
		on_hello(sim, link);
		break;
	case DIAL_FAIL:
		on_fail(sim, link);
		break;
	case DIAL_PROVEN:
		on_proven(sim, link);
		break;
	}
}

void sim_dial_begin(struct sim *sim, struct sim_link *link)
{
	link->dialling = (struct sim_event){.happen = on_dialling, .subject = link};
	step(sim, link, DIAL_TRY, sim->now);
}

void sim_dial_drop(struct sim *sim, struct sim_link *link)
{
	struct sim_side *side = link->proving;

	sim_cancel(sim, &link->dialling);
	link->proving = NULL;
	if (side)
		sim_connection_abandon(sim, side->connection);
}
