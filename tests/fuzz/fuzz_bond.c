/*
 * fuzz_bond.c - peers and clients that say what they like on links of one groups machine with one real group in it. They
 * may know the key: then what they say reaches lanes, raft and requests.
 *
 * Input: calls, each a byte (what, and on which of the links) and what it needs, see call().
 */
#include "base/check.h"
#include "base/memory.h"
#include "groups/bond_wire.h"
#include "groups/groups.h"
#include "groups/log_state.h"
#include "wire/limits.h"

#include <string.h>

#define LINKS 8
#define CALLS_MAX 200
#define WHATS 10

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct slot {
	struct link link;               /* id 0: none */
	bool is_linked;
	size_t outstanding;
	struct handshake said;          /* by the machine, if it dialled */
};

struct rig {
	struct bytes input;
	struct groups *groups;
	struct group *group;
	struct outbox out;
	struct id self, key;
	msec now;
	link_id next_odd;
	uint64_t ticket;
	struct slot slot[LINKS];
};

static uint8_t take(struct rig *rig)
{
	uint8_t byte = 0;

	if (rig->input.size == 0)
		return 0;
	byte = rig->input.data[0];
	rig->input = bytes_of(rig->input.data + 1, rig->input.size - 1);
	return byte;
}

static struct bytes take_bytes(struct rig *rig)
{
	size_t size = take(rig);
	struct bytes bytes;

	size |= (size_t)take(rig) << 8;
	if (size > rig->input.size)
		size = rig->input.size;
	bytes = bytes_of(rig->input.data, size);
	rig->input = bytes_of(rig->input.data + size, rig->input.size - size);
	return bytes;
}

static struct id peer_of(uint8_t number)
{
	struct id id;

	memset(id.byte, 1 + number % 4, ID_SIZE);   /* 4: ourselves */
	return id;
}

static struct slot *slot_of(struct rig *rig, link_id id)
{
	for (size_t i = 0; i < LINKS; i++)
		if (rig->slot[i].link.id == id)
			return &rig->slot[i];
	return NULL;
}

static void end_link(struct rig *rig, struct slot *slot, enum error reason)
{
	link_id id = slot->link.id;

	memset(slot, 0, sizeof *slot);
	groups_ops.unlinked(rig->groups, rig->now, id, reason, &rig->out);
}

static void on_connect(struct rig *rig, const struct effect *effect)
{
	struct slot *slot = slot_of(rig, 0);

	if (slot)
		slot->link = (struct link){.id = effect->link, .peer = effect->dial->peer};
	else
		groups_ops.unlinked(rig->groups, rig->now, effect->link, ERROR_UNREACHABLE, &rig->out);
}

static void on_send(struct rig *rig, const struct effect *effect)
{
	struct slot *slot = slot_of(rig, effect->link);
	struct handshake said;

	ASSERT(blob_size(effect->payload) <= FRAME_GROUPS_MAX);
	if (!slot)
		return;
	slot->outstanding += blob_size(effect->payload);
	if (bond_wire_decode_handshake(blob_bytes(effect->payload), &said) == OK)
		slot->said = said;
}

static void drain(struct rig *rig)
{
	struct groups_fact fact;
	struct effect effect;
	struct slot *closed;

	while (outbox_next(&rig->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT)
			on_connect(rig, &effect);
		else if (effect.kind == EFFECT_SEND)
			on_send(rig, &effect);
		else if (effect.kind == EFFECT_CLOSE && (closed = slot_of(rig, effect.link)) != NULL)
			end_link(rig, closed, effect.reason);
		effect_drop(&effect);
	}
	while (groups_next_fact(rig->groups, &fact)) {
		ASSERT(fact.kind != GROUPS_PERSIST);   /* it lives in memory */
		blob_drop(fact.fact.bytes);
	}
	groups_ops.check(rig->groups);
}

static void open_link(struct rig *rig, struct slot *slot)
{
	uint8_t who = take(rig);

	if (slot->is_linked)
		return;
	if (slot->link.id == 0) {
		slot->link = (struct link){.id = rig->next_odd, .peer = peer_of(who)};
		rig->next_odd += 2;
	}
	memset(slot->link.binding.byte, 1 + who / 4 % 4, ID_SIZE);
	slot->is_linked = true;
	groups_ops.linked(rig->groups, rig->now, &slot->link, &rig->out);
}

static void hear(struct rig *rig, struct slot *slot, struct blob *message)
{
	link_id id = slot->link.id;

	if (slot->is_linked && blob_size(message) > 0 &&
		groups_ops.receive(rig->groups, rig->now, id, message, &rig->out) != OK) {
		drain(rig);
		if (slot->link.id == id)
			end_link(rig, slot, ERROR_MALFORMED);
	}
	blob_drop(message);
}

static struct group_hello hello_of(struct rig *rig, uint8_t what)
{
	struct group_hello hello;

	group_hello(rig->group, &hello);
	hello.incarnation = 1 + what % 4;
	hello.preference = (enum preference)(what / 4 % 3);
	if (what / 16 % 2)
		memset(&hello.lineage, what / 32, sizeof hello.lineage);
	return hello;
}

/* The handshake of somebody who knows the key, as an opener or as an answer. */
static void shake_hands(struct rig *rig, struct slot *slot)
{
	uint8_t what = take(rig);
	bool answers = slot->link.id % 2 == 0;
	struct handshake handshake = {.group = *group_id(rig->group), .role = what % 2 ? BOND_CLIENT : BOND_MEMBER,
		.number = what / 8 % 4};
	struct prover prover = {.binding = slot->link.binding, .side = answers ? BOND_ACCEPTOR : BOND_OPENER,
		.peer = slot->link.peer};
	struct id key = bond_wire_key(&rig->key);

	handshake.lane = handshake.role == BOND_MEMBER ? what / 2 % LANES : 0;
	if (answers) {
		handshake = slot->said;
		handshake.group = *group_id(rig->group);
		handshake.has_hello = true;
		handshake.hello = hello_of(rig, what);
	}
	handshake.proof = bond_wire_proof(&key, &prover, &handshake);
	hear(rig, slot, bond_wire_handshake(&handshake));
}

static void say_hello(struct rig *rig, struct slot *slot)
{
	struct group_hello hello = hello_of(rig, take(rig));

	hear(rig, slot, bond_wire_hello(&hello));
}

static void catalog(struct rig *rig)
{
	uint8_t what = take(rig);
	struct id peer = peer_of(what);

	if (what / 128)
		groups_peer_gone(rig->groups, rig->now, group_id(rig->group), &peer);
	else
		groups_peer_found(rig->groups, rig->now, group_id(rig->group), &peer);
}

static void verbs(struct rig *rig)
{
	uint8_t what = take(rig);
	struct group_query query = {.ticket = ++rig->ticket, .level = what / 8 % 2 ? QUERY_STRONG : QUERY_LOCAL,
		.deadline = rig->now + 1000};

	switch (what % 8) {
	case 0:
		group_leave(rig->group, rig->now);
		break;
	case 1:
		group_transfer(rig->group, rig->now);
		break;
	case 2:
		group_query(rig->group, rig->now, &query);
		break;
	default:
		group_propose(rig->group, rig->now, ++rig->ticket, bytes_of(&what, 1));
		break;
	}
	groups_turn(rig->groups, rig->now, &rig->out);
}

static void acknowledge(struct rig *rig, struct slot *slot)
{
	size_t bytes = slot->outstanding;

	slot->outstanding = 0;
	if (slot->is_linked && bytes > 0)
		groups_ops.sent(rig->groups, slot->link.id, bytes, &rig->out);
}

static void call(struct rig *rig)
{
	uint8_t choice = take(rig);
	struct slot *slot = &rig->slot[choice / WHATS % LINKS];

	switch (choice % WHATS) {
	case 0:
		open_link(rig, slot);
		break;
	case 1:
		shake_hands(rig, slot);
		break;
	case 2:
		say_hello(rig, slot);
		break;
	case 3:
	case 4:
		hear(rig, slot, blob_copy(take_bytes(rig)));
		break;
	case 5:
		rig->now += take(rig) * 20;
		groups_ops.tick(rig->groups, rig->now, &rig->out);
		break;
	case 6:
		acknowledge(rig, slot);
		break;
	case 7:
		catalog(rig);
		break;
	case 8:
		verbs(rig);
		break;
	default:
		if (slot->link.id != 0)
			end_link(rig, slot, take(rig) % 2 ? ERROR_IDLE : ERROR_UNEXPECTED_CLOSE);
		break;
	}
	drain(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = {.input = bytes_of(data, size), .now = 1000, .next_odd = 1, .self = peer_of(3),
		.key = id_hash(bytes_of_text("key"))};
	struct group_options options = {.terms = {.key = rig.key, .timing = raft_timing_lan}, .peer = rig.self, .incarnation = 77,
		.state = log_state_new(), .tell_applied = true, .tell_changes = true, .seed = 1};
	enum error error = group_new(&options, NULL, rig.now, &rig.group);

	ASSERT(error == OK);
	rig.groups = groups_new(&(struct groups_options){.self = rig.self, .seed = 1}, rig.now);
	error = groups_add(rig.groups, rig.now, rig.group, &rig.key);
	ASSERT(error == OK);
	for (int i = 0; i < CALLS_MAX && rig.input.size > 0; i++)
		call(&rig);
	groups_free(rig.groups);
	outbox_fini(&rig.out);
	return 0;
}
