/*
 * fuzz_announce.c - neighbours that say what they like on several links of one announce machine, come and go, while
 * time passes and the wall clock jumps. See fuzz_exchange.c for the form of the input.
 */
#include "discovery/announce.h"

#include "discovery_input.h"
#include "wire/limits.h"

#define LINKS 6
#define CALLS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rig {
	struct catalog catalog;
	struct keypair self;
	struct announce *announce;
	struct outbox out;
	msec now;
	link_id next_accepted;
	struct link link[LINKS];    /* id 0: none */
	bool is_linked[LINKS];
};

static void end_link(struct rig *rig, size_t at, enum error reason)
{
	link_id id = rig->link[at].id;

	rig->link[at].id = 0;
	rig->is_linked[at] = false;
	announce_ops.unlinked(rig->announce, rig->now, id, reason, &rig->out);
}

static void connected(struct rig *rig, link_id id, const struct dial *dial)
{
	for (size_t i = 0; i < LINKS; i++) {
		if (rig->link[i].id == 0) {
			rig->link[i] = (struct link){.id = id, .peer = dial->peer};
			return;
		}
	}
	announce_ops.unlinked(rig->announce, rig->now, id, ERROR_UNREACHABLE, &rig->out);
}

static void carry_out(struct rig *rig)
{
	struct effect effect;
	struct announce_fact fact;

	while (outbox_next(&rig->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT)
			connected(rig, effect.link, effect.dial);
		for (size_t i = 0; i < LINKS && effect.kind == EFFECT_CLOSE; i++)
			if (rig->link[i].id == effect.link)
				end_link(rig, i, effect.reason);
		if (effect.kind == EFFECT_SEND)
			ASSERT(blob_size(effect.payload) <= FRAME_ANNOUNCE_MAX);
		effect_drop(&effect);
	}
	while (announce_next_fact(rig->announce, &fact))
		ASSERT(fact.kind != ANNOUNCE_NEIGHBOUR_UP || !fact.bootstrap);
	announce_ops.check(rig->announce);
	catalog_check(&rig->catalog);
}

static void receive(struct rig *rig, struct input *input, size_t at)
{
	struct blob *message = input_message(input);

	if (rig->is_linked[at] &&
		announce_ops.receive(rig->announce, rig->now, rig->link[at].id, message, &rig->out) != OK) {
		carry_out(rig);
		if (rig->link[at].id != 0)
			end_link(rig, at, ERROR_MALFORMED);
	}
	blob_drop(message);
}

static void open_link(struct rig *rig, size_t at, uint8_t peer)
{
	if (rig->link[at].id == 0) {
		rig->link[at] = (struct link){.id = rig->next_accepted};
		rig->next_accepted += 2;
	} else if (rig->is_linked[at]) {
		return;
	}
	if (id_is_zero(&rig->link[at].peer))
		rig->link[at].peer = input_pair(peer % 8).public_key;   /* 0: ourselves */
	rig->is_linked[at] = true;
	announce_ops.linked(rig->announce, rig->now, &rig->link[at], &rig->out);
}

static void our_side(struct rig *rig, uint8_t what)
{
	struct dial dial = {.peer = input_pair(what % 8).public_key, .count = 1};
	struct id tag = input_pair(what).public_key;

	if (what / 128)
		dial.peer = (struct id){{0}};
	switch (what / 8 % 5) {
	case 0:
		announce_add_bootstrap(rig->announce, rig->now, &dial);
		break;
	case 1:
		announce_add_hint(rig->announce, rig->now, &dial, &rig->out);
		break;
	case 2:
		id_set_add(&announce_card(rig->announce)->tags, &tag);
		announce_changed(rig->announce, rig->now);
		break;
	case 3:
		announce_entry(rig->announce, rig->now);
		break;
	default:
		announce_depart(rig->announce, rig->now, &rig->out);
		break;
	}
}

static void call(struct rig *rig, struct input *input)
{
	uint8_t choice = input_byte(input);
	size_t at = choice / 8 % LINKS;

	switch (choice % 8) {
	case 0:
	case 1:
		receive(rig, input, at);
		break;
	case 2:
	case 3:
		open_link(rig, at, input_byte(input));
		break;
	case 4:
		our_side(rig, input_byte(input));
		break;
	case 5:
		rig->now += input_byte(input) * 50;
		announce_ops.tick(rig->announce, rig->now, &rig->out);
		catalog_purge(&rig->catalog, rig->now);
		break;
	case 6:
		announce_set_wall(rig->announce, rig->now, INPUT_WALL + input_byte(input) * 1000);
		break;
	default:
		if (rig->link[at].id != 0)
			end_link(rig, at, choice / 64 % 2 ? ERROR_IDLE : ERROR_CANCELLED);
		break;
	}
	carry_out(rig);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	struct rig rig = {.next_accepted = 1, .self = input_pair(0)};
	bool is_guest = input_byte(&input) % 8 == 7;

	input_catalog(&rig.catalog, NULL);
	rig.announce = announce_new(&(struct announce_options){.catalog = &rig.catalog, .identity = &rig.self,
		.crypto = &trusting_crypto, .seed = 1, .guest = is_guest}, 0, INPUT_WALL);
	for (unsigned i = 0; i < CALLS_MAX && input.size > 0; i++)
		call(&rig, &input);
	announce_free(rig.announce);
	catalog_fini(&rig.catalog);
	outbox_fini(&rig.out);
	return 0;
}
