/*
 * fuzz_client.c - a member that answers a client with what it likes, while the client asks, waits and gives up.
 *
 * Input: calls, each a byte and what it needs, see call().
 */
#include "base/check.h"
#include "base/memory.h"
#include "groups/bond_wire.h"
#include "groups/client.h"
#include "wire/limits.h"

#include <string.h>

#define CALLS_MAX 300
#define WHATS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct bytes input;
	struct client *client;
	struct outbox out;
	struct id key, group, member;
	struct link link;                /* of the last dial */
	bool is_linked, is_over;
	struct handshake said;
	uint64_t ticket, asked, answered;
	msec now;
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

	if (size > rig->input.size)
		size = rig->input.size;
	bytes = bytes_of(rig->input.data, size);
	rig->input = bytes_of(rig->input.data + size, rig->input.size - size);
	return bytes;
}

static void end_link(struct rig *rig, enum error reason)
{
	if (rig->is_over)
		return;
	rig->is_over = true;
	client_ops.unlinked(rig->client, rig->now, rig->link.id, reason, &rig->out);
}

static void drain(struct rig *rig)
{
	struct client_fact fact;
	struct client_status status;
	struct handshake said;
	struct effect effect;

	while (client_next_fact(rig->client, &fact)) {
		if (fact.kind == CLIENT_RESULT)
			rig->answered++;
		if (fact.bytes.size > 0 && client_status_decode(fact.bytes, &status) == OK)
			client_status_fini(&status);
		blob_drop(fact.message);
	}
	client_credit(rig->client, &rig->out);
	while (outbox_next(&rig->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT) {
			rig->link = (struct link){.id = effect.link, .peer = rig->member};
			rig->is_linked = rig->is_over = false;
		} else if (effect.kind == EFFECT_SEND && !rig->is_over) {
			ASSERT(blob_size(effect.payload) <= FRAME_GROUPS_MAX);
			if (bond_wire_decode_handshake(blob_bytes(effect.payload), &said) == OK)
				rig->said = said;
		} else if (effect.kind == EFFECT_CLOSE && effect.link == rig->link.id) {
			end_link(rig, effect.reason);
		}
		effect_drop(&effect);
	}
	client_ops.check(rig->client);
	ASSERT(rig->answered <= rig->asked);
}

static void hear(struct rig *rig, struct blob *message)
{
	if (rig->is_linked && !rig->is_over && blob_size(message) > 0 &&
		client_ops.receive(rig->client, rig->now, rig->link.id, message, &rig->out) != OK) {
		drain(rig);
		end_link(rig, ERROR_MALFORMED);
	}
	blob_drop(message);
}

static void link_up(struct rig *rig)
{
	if (rig->is_linked || rig->is_over)
		return;
	memset(rig->link.binding.byte, take(rig), ID_SIZE);
	rig->is_linked = true;
	client_ops.linked(rig->client, rig->now, &rig->link, &rig->out);
}

static void prove(struct rig *rig)
{
	struct handshake handshake = {.group = rig->group, .role = BOND_CLIENT, .number = rig->said.number};
	struct prover prover = {.binding = rig->link.binding, .side = BOND_ACCEPTOR, .peer = rig->member};
	struct id key = bond_wire_key(&rig->key);

	handshake.proof = bond_wire_proof(&key, &prover, &handshake);
	hear(rig, bond_wire_handshake(&handshake));
}

static void ask(struct rig *rig)
{
	uint8_t what = take(rig);
	struct group_query query = {.ticket = ++rig->ticket, .deadline = what / 8 % 2 ? rig->now + what : MSEC_NEVER};
	struct client_order order = {.ticket = rig->ticket, .verb = (enum client_verb)(what / 8 % 3)};
	struct client_follow follow = {.ticket = rig->ticket, .what = (enum follow_what)(what / 8 % 3), .position = what};
	enum error error = OK;

	if (what % 8 == 0)
		error = client_propose(rig->client, rig->ticket, bytes_of(&what, 1), &rig->out);
	else if (what % 8 == 1)
		error = client_feed(rig->client, rig->ticket, bytes_of(&what, 1), &rig->out);
	else if (what % 8 == 2)
		error = client_query(rig->client, rig->now, &query, &rig->out);
	else if (what % 8 == 3)
		client_status(rig->client, rig->ticket, &rig->out);
	else if (what % 8 == 4)
		client_leave(rig->client, rig->ticket, &rig->out);
	else if (what % 8 == 5)
		client_admin(rig->client, &order, &rig->out);
	else
		client_follow(rig->client, &follow, &rig->out);
	rig->asked += error == OK;
}

static void call(struct rig *rig)
{
	switch (take(rig) % WHATS) {
	case 0:
		if (client_link(rig->client) == 0)
			client_dial(rig->client, rig->now, &(struct dial){.peer = rig->member}, &rig->out);
		break;
	case 1:
		link_up(rig);
		break;
	case 2:
		prove(rig);
		break;
	case 3:
	case 4:
	case 5:
		ask(rig);
		break;
	case 6:
		rig->now += take(rig) * 30;
		client_ops.tick(rig->client, rig->now, &rig->out);
		break;
	case 7:
		end_link(rig, take(rig) % 2 ? OK : ERROR_UNEXPECTED_CLOSE);
		break;
	case 8:
		client_hang_up(rig->client, &rig->out);
		break;
	default:
		hear(rig, blob_copy(take_bytes(rig)));
		break;
	}
	drain(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rig rig = {.input = bytes_of(data, size), .now = 1000, .is_over = true, .key = id_hash(bytes_of_text("key")),
		.group = id_hash(bytes_of_text("group")), .member = id_hash(bytes_of_text("member"))};

	rig.client = client_new(&(struct client_options){.self = id_hash(bytes_of_text("self")), .group = rig.group, .key = rig.key});
	for (int i = 0; i < CALLS_MAX && rig.input.size > 0; i++)
		call(&rig);
	client_free(rig.client);
	outbox_fini(&rig.out);
	return 0;
}
