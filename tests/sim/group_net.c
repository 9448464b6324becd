/*
 * group_net.c - bonds and what happens to them.
 *
 * Between any two members that run and hear each other there is a bond after a while. Each side learns of it by itself,
 * with the other's hello. On a bond every lane is reliable and ordered; lanes overtake each other. A cut holds back
 * what would cross it; after the idle timeout the side that hears nothing gives the bond up, the other some time later,
 * and what was under way is lost. Who runs again is bonded anew at once, also with those that have not noticed.
 *
 * In harsh worlds raft's messages (first number of a message: 1-63) are datagrams instead: lost, doubled, out of order, and
 * said again a minute later, as long as the speaker is the same life. Nothing else is: the layer above relies on bonds.
 *
 * In restless worlds leaders say more than ours would: besides an APPEND, another one from anywhere in the same log. Every
 * leader may do that; ours finds where two logs part so exactly that a follower's own care would never be needed.
 */
#include "tests/sim/group_sim.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "groups/raft_wire.h"

#define REPLAY_WITHIN 60000000
#define MESSAGE_MAX (4u << 20)
#define RESTLESS_BACK 12       /* entries: so far behind its end is where a restless leader begins, */
#define RESTLESS_ENTRIES 3     /* and fewer than that is what it says */

static usec latency(struct world *world)
{
	if (world->calm)
		return 1000 + (usec)rng_below(&world->network, 4000);
	return world->options.latency_min + world_exponential(&world->network, world->options.latency_mean);
}

static struct pair *pair_of(struct world *world, size_t a, size_t b)
{
	return a < b ? &world->pair[a][b] : &world->pair[b][a];
}

static struct bond_side *side_of(struct world *world, size_t place, size_t other)
{
	return &world->place[place].side[other];
}

void net_drop_event(struct world_event *event)
{
	if (event->kind == EVENT_MESSAGE)
		blob_drop(event->payload);
	if (event->kind == EVENT_HELLO || event->kind == EVENT_UP)
		memory_free(event->hello);
}

static void deliver_at(struct world *world, size_t to, usec at, struct world_event event)
{
	struct bond_side *side = side_of(world, event.from, to);

	if (!event.raw) {
		/* In order, after what was sent before it on the same lane. */
		at = at > side->last[event.lane] ? at : side->last[event.lane];
		side->last[event.lane] = at;
	}
	event.at = at;
	event.place = (uint8_t)to;
	event.epoch = side->epoch;
	world_push(world, event);
}

/* What changed since the other side was told, also while the bond was still coming up. */
static void tell_hello(struct world *world, size_t from, size_t to)
{
	struct bond_side *side = side_of(world, from, to);
	struct world_event event = {.kind = EVENT_HELLO, .from = (uint8_t)from, .lane = LANE_CONTROL,
		.life = world->place[to].life};

	if (to == from || !side->up || side->epoch != pair_of(world, from, to)->epoch
		|| side->told == group_hello_version(world->place[from].group))
		return;
	side->told = group_hello_version(world->place[from].group);
	event.hello = memory_new(sizeof(*event.hello));
	group_hello(world->place[from].group, event.hello);
	deliver_at(world, to, world->now + latency(world), event);
}

void net_tell_hello(struct world *world, size_t from)
{
	for (size_t to = 0; to < world->options.places; to++)
		tell_hello(world, from, to);
}

/* ---- bonds come ---- */

static void dial_later(struct world *world, size_t a, size_t b)
{
	struct pair *pair = pair_of(world, a, b);

	if (pair->dial_waits)
		return;
	pair->dial_waits = true;
	world_push(world, (struct world_event){.at = world->now + 2000 + (usec)rng_below(&world->network, 300000),
		.kind = EVENT_DIAL, .place = (uint8_t)(a < b ? a : b), .from = (uint8_t)(a < b ? b : a)});
}

static void announce(struct world *world, size_t to, size_t about, uint32_t epoch)
{
	struct group_hello *hello = memory_new(sizeof(*hello));
	struct bond_side *side = side_of(world, about, to);
	usec at = world->now + latency(world);

	group_hello(world->place[about].group, hello);
	side->told = group_hello_version(world->place[about].group);
	for (int lane = 0; lane < LANES; lane++)
		side->last[lane] = at;
	world_push(world, (struct world_event){.at = at, .kind = EVENT_UP, .place = (uint8_t)to, .from = (uint8_t)about,
		.life = world->place[to].life, .epoch = epoch, .hello = hello});
}

static void dial(struct world *world, size_t a, size_t b)
{
	struct pair *pair = pair_of(world, a, b);

	pair->dial_waits = false;
	if (pair->connected || !world->place[a].group || !world->place[b].group)
		return;
	if (world->cut[a][b] || world->cut[b][a]) {
		dial_later(world, a, b);
		return;
	}
	pair->connected = true;
	pair->epoch++;
	announce(world, a, b, pair->epoch);
	announce(world, b, a, pair->epoch);
}

static void came_up(struct world *world, const struct world_event *event)
{
	struct place *member = &world->place[event->place];
	struct bond_side *side = side_of(world, event->place, event->from);

	if (!member->group || event->life != member->life || event->epoch != pair_of(world, event->place, event->from)->epoch)
		return;
	if (side->up)
		group_peer_down(member->group, world_clock(world, event->place), &world->place[event->from].peer, true);
	side->up = true;
	side->epoch = event->epoch;
	group_peer_up(member->group, world_clock(world, event->place), &world->place[event->from].peer, event->hello);
	world_turn(world, event->place);
	if (world->place[event->place].group)
		tell_hello(world, event->place, event->from);
}

/* ---- bonds go ---- */

static void drop_held(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		for (size_t n = 0; n < pair->held_count[i]; n++)
			net_drop_event(&pair->held[i][n]);
		pair->held_count[i] = 0;
	}
}

static void notice_later(struct world *world, size_t place, size_t other, usec after, bool closed)
{
	world_push(world, (struct world_event){.at = world->now + after, .kind = EVENT_DOWN, .place = (uint8_t)place,
		.from = (uint8_t)other, .life = world->place[place].life, .lane = closed,
		.epoch = side_of(world, place, other)->epoch});
}

static void went_down(struct world *world, const struct world_event *event)
{
	struct place *member = &world->place[event->place];
	struct bond_side *side = side_of(world, event->place, event->from);

	if (!member->group || event->life != member->life || !side->up || side->epoch != event->epoch)
		return;
	side->up = false;
	group_peer_down(member->group, world_clock(world, event->place), &world->place[event->from].peer, event->lane == 1);
	world_turn(world, event->place);
}

/* The bond is over for both; what was under way is lost. */
static void part(struct world *world, size_t a, size_t b)
{
	struct pair *pair = pair_of(world, a, b);

	pair->connected = false;
	pair->epoch++;
	drop_held(pair);
	if (world->place[a].group && world->place[b].group)
		dial_later(world, a, b);
}

/* `place` has heard nothing for the idle time. */
static void fell_silent(struct world *world, const struct world_event *event)
{
	struct pair *pair = pair_of(world, event->place, event->from);

	if (!pair->connected || pair->epoch != event->epoch || !world->cut[event->from][event->place])
		return;
	notice_later(world, event->place, event->from, 0, false);
	notice_later(world, event->from, event->place, (usec)rng_below(&world->network, 2000000), false);
	part(world, event->place, event->from);
}

void net_ended(struct world *world, size_t place, bool host_too)
{
	for (size_t other = 0; other < world->options.places; other++) {
		struct bond_side *side = side_of(world, other, place);

		if (other == place)
			continue;
		side_of(world, place, other)->up = false;
		if (side->up && world->place[other].group)
			notice_later(world, other, place, host_too ? world->options.idle : latency(world), !host_too);
		part(world, place, other);
	}
}

void net_began(struct world *world, size_t place)
{
	for (size_t other = 0; other < world->options.places; other++)
		if (other != place && world->place[other].group)
			dial_later(world, place, other);
}

/* ---- cuts ---- */

static void hold(struct world *world, const struct world_event *event)
{
	struct pair *pair = pair_of(world, event->place, event->from);
	int which = event->place < event->from;

	pair->held[which] = memory_grow(pair->held[which], &pair->held_capacity[which], pair->held_count[which] + 1,
		sizeof(*event));
	pair->held[which][pair->held_count[which]++] = *event;
}

void net_cut(struct world *world, size_t from, size_t to, bool cut)
{
	struct pair *pair = pair_of(world, from, to);
	int which = to < from;

	if (from == to || world->cut[from][to] == cut)
		return;
	world->cut[from][to] = cut;
	if (cut) {
		world_push(world, (struct world_event){.at = world->now + world->options.idle, .kind = EVENT_SILENT,
			.place = (uint8_t)to, .from = (uint8_t)from, .epoch = pair->epoch});
		return;
	}
	for (size_t i = 0; i < pair->held_count[which]; i++) {
		pair->held[which][i].at = world->now;   /* with its old sequence: before all that was sent later */
		world_push(world, pair->held[which][i]);
	}
	pair->held_count[which] = 0;
}

void net_heal(struct world *world)
{
	for (size_t from = 0; from < world->options.places; from++)
		for (size_t to = 0; to < world->options.places; to++)
			net_cut(world, from, to, false);
}

/* ---- messages ---- */

static uint64_t kind_of(struct bytes message)
{
	size_t at = message.size > 0 && message.data[0] >> 5 == 4 ? 1 : 0;   /* an array of a few items around it? */

	if (at >= message.size)
		return 0;
	return message.data[at] < 24 ? message.data[at] : message.data[at] == 24 && at + 1 < message.size
		? message.data[at + 1] : 0;
}

static bool chance(struct world *world, unsigned of_a_thousand)
{
	return of_a_thousand > 0 && rng_below(&world->network, 1000) < of_a_thousand;
}

static void send_datagram(struct world *world, size_t to, struct world_event event)
{
	bool is_unheard = world->options.deaf_successors && kind_of(blob_bytes(event.payload)) == RAFT_TIMEOUT_NOW;

	event.raw = true;
	event.life = world->place[event.from].life;
	if (!is_unheard && chance(world, world->options.duplicate)) {
		blob_keep(event.payload);
		deliver_at(world, to, world->now + latency(world), event);
		world->saw[SAW_DUPLICATE]++;
	}
	if (!is_unheard && chance(world, world->options.replay)) {
		blob_keep(event.payload);
		deliver_at(world, to, world->now + (usec)rng_below(&world->network, REPLAY_WITHIN), event);
		world->saw[SAW_REPLAY]++;
	}
	if (is_unheard || chance(world, world->options.drop)) {
		blob_drop(event.payload);
		world->saw[SAW_DROP]++;
		return;
	}
	deliver_at(world, to, world->now + latency(world), event);
}

/* Another APPEND than the one that is being sent, as true as that. */
static struct blob *restless_append(struct world *world, size_t from, struct bytes sent)
{
	const struct raft *raft = group_raft(world->place[from].group);
	uint64_t first = raft_first(raft), last = raft_last(raft), back = rng_below(&world->network, RESTLESS_BACK);
	uint32_t count = (uint32_t)rng_below(&world->network, RESTLESS_ENTRIES);
	struct raft_message message;
	struct log_entry entry[RESTLESS_ENTRIES];

	if (raft_wire_decode(sent, &message) != OK || last < first + back || raft_role(raft) != RAFT_IS_LEADER
		|| raft_term(raft) != message.term)
		return NULL;
	message.prev_index = last - back;
	message.prev_term = raft_entry(raft, message.prev_index)->head.term;
	message.prev_chain = raft_entry(raft, message.prev_index)->head.chain;
	message.commit = raft_commit(raft);
	message.count = count < back ? count : (uint32_t)back;
	for (uint32_t i = 0; i < message.count; i++)
		entry[i] = *raft_entry(raft, message.prev_index + 1 + i);
	message.entry = entry;
	return raft_wire_encode(&message);
}

static void be_restless(struct world *world, size_t to, struct world_event event)
{
	struct blob *append = restless_append(world, event.from, blob_bytes(event.payload));

	if (!append)
		return;
	event.payload = append;
	world->saw[SAW_RESTLESS]++;
	send_datagram(world, to, event);
}

void net_send(struct world *world, size_t from, const struct group_effect *effect)
{
	size_t to = world_place_of(world, &effect->peer);
	struct world_event event = {.kind = EVENT_MESSAGE, .from = (uint8_t)from, .lane = (uint8_t)effect->lane,
		.payload = effect->payload};
	struct bond_side *side;
	uint64_t kind = kind_of(blob_bytes(effect->payload));

	if (blob_size(effect->payload) > MESSAGE_MAX)
		world_fail(world, "member %zu sends a message of %zu bytes", from, blob_size(effect->payload));
	if (to == world->options.places || to == from) {
		world_fail(world, "member %zu speaks to nobody", from);
		blob_drop(effect->payload);
		return;
	}
	side = side_of(world, from, to);
	if (!side->up || side->epoch != pair_of(world, from, to)->epoch) {
		blob_drop(effect->payload);
		return;
	}
	if (world->options.harsh && !world->calm && kind > 0 && kind < 64) {
		if (kind == RAFT_APPEND && chance(world, world->options.restless))
			be_restless(world, to, event);
		send_datagram(world, to, event);
		return;
	}
	event.life = world->place[to].life;
	deliver_at(world, to, world->now + latency(world), event);
}

static bool is_deliverable(struct world *world, const struct world_event *event)
{
	const struct place *member = &world->place[event->place];
	const struct bond_side *side = side_of(world, event->place, event->from);

	if (!member->group || !side->up)
		return false;
	/* A datagram outlives bonds, and the life that it was meant for; its speaker must be who speaks now. */
	if (event->raw)
		return world->place[event->from].life == event->life && side->epoch == pair_of(world, event->place,
			event->from)->epoch;
	return member->life == event->life && side->epoch == event->epoch
		&& event->epoch == pair_of(world, event->place, event->from)->epoch;
}

static void arrived(struct world *world, struct world_event *event)
{
	struct place *member = &world->place[event->place];
	const struct id *peer = &world->place[event->from].peer;
	struct bytes message;
	enum error error;

	if (!is_deliverable(world, event))
		return;
	if (event->kind == EVENT_HELLO) {
		group_peer_up(member->group, world_clock(world, event->place), peer, event->hello);
		world_turn(world, event->place);
		return;
	}
	message = blob_bytes(event->payload);
	if (world->options.messages)
		world_say(world, "%u -> %u: kind %" PRIu64 ", %zu bytes", event->from, event->place, kind_of(message), message.size);
	for (size_t i = 0; i < message.size && i < 64; i += 8)
		world_mix(world, (uint64_t)message.data[i] << 32 | message.size);
	error = group_receive(member->group, world_clock(world, event->place), peer, (enum raft_lane)event->lane, message);
	if (error != OK)
		world_fail(world, "member %u refuses a message of kind %" PRIu64 " of member %u (%s)", event->place,
			kind_of(message), event->from, error_name(error));
	world_turn(world, event->place);
}

void net_event(struct world *world, struct world_event *event)
{
	switch ((enum event_kind)event->kind) {
	case EVENT_DIAL:
		dial(world, event->place, event->from);
		return;
	case EVENT_SILENT:
		fell_silent(world, event);
		return;
	case EVENT_DOWN:
		went_down(world, event);
		return;
	case EVENT_UP:
	case EVENT_HELLO:
	case EVENT_MESSAGE:
		if (world->cut[event->from][event->place] && event->raw)
			break;
		if (world->cut[event->from][event->place]) {
			hold(world, event);
			return;
		}
		if (event->kind == EVENT_UP)
			came_up(world, event);
		else
			arrived(world, event);
		break;
	case EVENT_TICK:
	case EVENT_DISK:
	case EVENT_CLIENT:
	case EVENT_FAULT:
		ASSERT(false);
	}
	net_drop_event(event);
}

void net_free(struct world *world)
{
	for (size_t a = 0; a < world->options.places; a++)
		for (size_t b = a + 1; b < world->options.places; b++) {
			struct pair *pair = &world->pair[a][b];

			drop_held(pair);
			memory_free(pair->held[0]);
			memory_free(pair->held[1]);
		}
}
