/*
 * fuzz_group.c - one member of a group, and peers that say anything at any time.
 *
 * The input is a list of steps: a byte with the kind of step (low half) and the peer it is about (high half), then what the
 * step needs. Messages of the group layer are made of fields, with our own lineage where that is wanted, so that they get
 * behind the first checks; every other message is raw. The target plays the owner; every invariant is checked after
 * every step.
 */
#include "base/check.h"
#include "groups/group.h"
#include "groups/group_wire.h"
#include "groups/log_state.h"
#include "wire/cbor.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum step_kind {
	STEP_UP,           /* 1 byte: incarnation and flags; 1 byte: lineage: none, ours, another */
	STEP_DOWN,
	STEP_RAW,          /* 1 byte of length, the message */
	STEP_MESSAGE,      /* a message of the group layer: see build */
	STEP_TIME,         /* 1 byte of tenths of seconds */
	STEP_PROPOSE,      /* 1 byte of size */
	STEP_QUERY,        /* 1 byte: strong or not */
	STEP_STORED,       /* the oldest request to the store is done */
	STEP_EXPECTED,     /* or no more */
	STEP_LEAVE,
	STEP_TRANSFER,
	STEP_DEAD,
	STEP_ADOPT,
	STEP_KINDS
};

#define STORING_MAX 4096

struct world {
	struct bytes input;
	struct group *group;
	bool durable;
	msec now;
	uint64_t ticket;
	uint64_t answered;
	uint64_t storing[STORING_MAX];
	size_t storing_count;
};

static uint8_t take(struct world *world)
{
	uint8_t byte = 0;

	if (world->input.size > 0) {
		byte = *world->input.data++;
		world->input.size--;
	}
	return byte;
}

static struct bytes take_bytes(struct world *world, size_t size)
{
	struct bytes taken = {world->input.data, size < world->input.size ? size : world->input.size};

	world->input.data += taken.size;
	world->input.size -= taken.size;
	return taken;
}

static struct id peer_id(uint8_t number)
{
	return (struct id){{(uint8_t)(2 + number % 4)}};
}

static struct id lineage(struct world *world, uint8_t which)
{
	struct group_hello hello;

	group_hello(world->group, &hello);
	if (which % 3 == 0)
		return (struct id){{0}};
	return which % 3 == 1 ? hello.lineage : (struct id){{which}};
}

static void up(struct world *world, const struct id *peer)
{
	uint8_t flags = take(world), which = take(world);
	struct group_hello hello = {
		.incarnation = 1 + (flags & 3),
		.preference = (flags >> 2 & 3) % 3,
		.durable = flags >> 4 & 1,
		.join_only = flags >> 5 & 1,
		.expect = flags >> 6,
		.lineage = lineage(world, which),
		.position = which,
	};

	group_peer_up(world->group, world->now, peer, &hello);
}

/* The beginning that a peer proposes: it and we vote, and whoever `with` says takes part too. */
static void put_birth(const struct id *from, uint8_t with, struct buffer *out)
{
	struct configuration first = {.incoming.count = 2};
	struct buffer encoded = {0};
	struct id other = peer_id(with);

	first.incoming.member[0] = (struct member){{{1}}, 7};
	first.incoming.member[1] = (struct member){*from, 1};
	configuration_encode(&first, &encoded);
	cbor_put_array(out, 3);
	cbor_put_bytes(out, buffer_bytes(&encoded));
	cbor_put_array(out, 6);
	cbor_put_id(out, &first.incoming.member[0].peer);
	cbor_put_uint(out, 7);
	cbor_put_id(out, from);
	cbor_put_uint(out, 1);
	cbor_put_id(out, &other);
	cbor_put_uint(out, 1);
	cbor_put_uint(out, with);
	buffer_fini(&encoded);
}

/* 1 byte each: kind, lineage, then small numbers; the rest of 1 byte of length is the bytes. */
static struct blob *build(struct world *world, const struct id *peer)
{
	struct buffer birth = {0};
	struct blob *built;
	struct group_message message = {.kind = MESSAGE_PROPOSE + take(world) % (MESSAGE_END - MESSAGE_PROPOSE)};
	uint8_t which = take(world);

	message.lineage = lineage(world, which);
	if (id_is_zero(&message.lineage))
		message.lineage.byte[0] = 9;
	message.what = take(world);
	message.index = take(world);
	message.number = take(world);
	message.root.byte[0] = take(world);
	message.bytes = take_bytes(world, take(world));
	message.meta.index = message.index + 1;
	message.meta.term = message.what;
	message.meta.position = message.number;
	message.meta.configuration_index = 1;
	message.meta.configuration.incoming.count = 1;
	message.meta.configuration.incoming.member[0] = (struct member){peer_id(message.root.byte[0]), 1};
	message.meta.chunks = (uint32_t)(message.bytes.size / ID_SIZE);
	message.meta.root = id_hash(message.bytes);
	if (message.kind == MESSAGE_BIRTH && message.what % 2 == 1) {
		put_birth(peer, (uint8_t)message.number, &birth);
		message.bytes = buffer_bytes(&birth);
	}
	built = group_wire_encode(&message);
	buffer_fini(&birth);
	return built;
}

static void give(struct world *world, const struct id *peer, struct bytes message)
{
	if (group_receive(world->group, world->now, peer, LANE_CONTROL, message) != OK)
		group_peer_down(world->group, world->now, peer, true);
}

static void stored(struct world *world)
{
	uint64_t token = world->storing[0];

	if (world->storing_count == 0)
		return;
	memmove(world->storing, world->storing + 1, --world->storing_count * sizeof(uint64_t));
	group_persisted(world->group, world->now, token, OK);
}

static void propose(struct world *world)
{
	static const uint8_t text[256];

	group_propose(world->group, world->now, ++world->ticket, bytes_of(text, take(world)));
}

static void ask(struct world *world)
{
	struct group_query query = {.ticket = ++world->ticket, .level = take(world) & 1 ? QUERY_STRONG : QUERY_LOCAL,
		.deadline = world->now + 3000};

	group_query(world->group, world->now, &query);
}

static void let_time_pass(struct world *world)
{
	world->now += take(world) * 100;
	for (int i = 0; i < 100 && group_deadline(world->group) <= world->now; i++)
		group_tick(world->group, world->now);
}

static void step(struct world *world)
{
	uint8_t byte = take(world);
	struct id peer = peer_id(byte >> 4);
	struct blob *message;

	switch ((enum step_kind)((byte & 15) % STEP_KINDS)) {
	case STEP_UP:
		up(world, &peer);
		break;
	case STEP_DOWN:
		group_peer_down(world->group, world->now, &peer, byte >> 7);
		break;
	case STEP_RAW:
		give(world, &peer, take_bytes(world, take(world)));
		break;
	case STEP_MESSAGE:
		message = build(world, &peer);
		give(world, &peer, blob_bytes(message));
		blob_drop(message);
		break;
	case STEP_TIME:
		let_time_pass(world);
		break;
	case STEP_PROPOSE:
		propose(world);
		break;
	case STEP_QUERY:
		ask(world);
		break;
	case STEP_STORED:
		stored(world);
		break;
	case STEP_EXPECTED:
		group_peer_expected(world->group, world->now, &peer, byte >> 6 & 1);
		break;
	case STEP_LEAVE:
		group_leave(world->group, world->now);
		break;
	case STEP_TRANSFER:
		group_transfer(world->group, world->now);
		break;
	case STEP_DEAD:
		group_declare_dead(world->group, world->now, &peer);
		break;
	case STEP_ADOPT:
		group_adopt(world->group, world->now);
		break;
	case STEP_KINDS:
		break;
	}
}

static void settle(struct world *world)
{
	struct group_effect effect;
	struct group_fact fact;

	while (group_next_effect(world->group, &effect)) {
		if (effect.kind == GROUP_PERSIST) {
			ASSERT(world->durable && world->storing_count < STORING_MAX);
			world->storing[world->storing_count++] = effect.persist->token;
			persist_free(effect.persist);
		} else {
			ASSERT(blob_size(effect.payload) > 0);
			blob_drop(effect.payload);
		}
	}
	while (group_next_fact(world->group, &fact)) {
		if (fact.kind == GROUP_RESULT || fact.kind == GROUP_ANSWER)
			world->answered++;
		blob_drop(fact.bytes);
	}
	ASSERT(world->answered <= world->ticket);
	group_check(world->group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.input = bytes_of(data, size), .now = 1000};
	struct group_options options = {
		.terms = {.timing = raft_timing_lan, .voters_cap = 5, .voters_min = 3, .copies_min = 1},
		.peer = {{1}},
		.incarnation = 7,
		.state = log_state_new(),
		.tell_applied = true,
		.tell_changes = true,
		.seed = 1,
	};
	uint8_t flags = take(&world);

	options.durable = world.durable = flags & 1;
	options.expect = flags >> 1 & 3;
	options.join_only = flags >> 3 & 1;
	options.fence = flags >> 4 & 1;
	if (group_new(&options, NULL, world.now, &world.group) != OK)
		return 0;
	settle(&world);
	for (int i = 0; i < 2000 && world.input.size > 0; i++) {
		step(&world);
		settle(&world);
	}
	group_free(world.group);
	return 0;
}
