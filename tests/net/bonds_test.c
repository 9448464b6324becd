/*
 * bonds_test.c - members and strangers over real QUIC: bonds, and every attack on a handshake with the code it gets.
 *
 * A HOUSE is a member: links, groups and one group of the real kind. Strangers are endpoints of pair.h: they belong to the
 * network, and say on their links what the test wants.
 */
#include "tests/unit/net/pair.h"

#include "groups/bond_wire.h"
#include "groups/groups.h"
#include "groups/log_state.h"
#include "net/quic_internal.h"

#define HOUSES 2
#define TURN_MS 5
#define NETWORK "net"

struct house {
	struct street *street;
	struct links *links;
	struct groups *groups;
	struct group *group;
	struct outbox out;
	struct keypair keys;
	unsigned bonded, unbonded;
	uint64_t applied;
};

struct street {
	struct pair pair;                /* the strangers, and the loop */
	struct house house[HOUSES];
	size_t houses;
	uv_prepare_t prepare;
	uv_timer_t clock;
};

/* ---- houses ---- */

static msec house_now(struct house *house)
{
	return (msec)uv_now(&house->street->pair.loop);
}

static void on_met(void *self, const struct id *peer, const struct address *from, struct bytes hello)
{
	(void)self;
	(void)peer;
	(void)from;
	(void)hello;
}

static void on_linked(void *self, enum protocol protocol, const struct link *link)
{
	struct house *house = self;

	assert_int_equal(protocol, PROTOCOL_GROUPS);
	groups_ops.linked(house->groups, house_now(house), link, &house->out);
}

static void on_unlinked(void *self, enum protocol protocol, link_id link, enum error reason)
{
	struct house *house = self;

	(void)protocol;
	groups_ops.unlinked(house->groups, house_now(house), link, reason, &house->out);
}

static enum error on_received(void *self, enum protocol protocol, link_id link, struct blob *message)
{
	struct house *house = self;

	(void)protocol;
	return groups_ops.receive(house->groups, house_now(house), link, message, &house->out);
}

static void on_sent(void *self, enum protocol protocol, link_id link, size_t bytes)
{
	struct house *house = self;

	(void)protocol;
	groups_ops.sent(house->groups, link, bytes, &house->out);
}

static const struct links_ops house_ops = {on_met, on_linked, on_unlinked, on_received, on_sent};

static struct dial dial_house(const struct house *house)
{
	struct dial dial = {.peer = house->keys.public_key, .count = 1};

	dial.address[0] = links_address(house->links);
	return dial;
}

static void connect_houses(struct house *house, const struct effect *effect)
{
	for (size_t i = 0; i < house->street->houses; i++)
		if (id_equal(&house->street->house[i].keys.public_key, &effect->dial->peer))
			*effect->dial = dial_house(&house->street->house[i]);
	links_connect(house->links, PROTOCOL_GROUPS, effect->link, effect->dial);
	memory_free(effect->dial);
}

static void carry_out(struct house *house)
{
	struct effect effect;

	while (outbox_next(&house->out, &effect)) {
		if (effect.kind == EFFECT_CONNECT)
			connect_houses(house, &effect);
		else if (effect.kind == EFFECT_SEND)
			links_send(house->links, effect.link, effect.payload);
		else if (effect.kind == EFFECT_CONSUMED)
			links_consumed(house->links, effect.link, effect.bytes);
		else
			links_close(house->links, effect.link, effect.reason);
	}
}

static void house_turn(struct house *house)
{
	struct groups_fact fact;

	if (groups_ops.deadline(house->groups) <= house_now(house))
		groups_ops.tick(house->groups, house_now(house), &house->out);
	groups_ops.check(house->groups);
	while (groups_next_fact(house->groups, &fact)) {
		house->bonded += fact.kind == GROUPS_BONDED;
		house->unbonded += fact.kind == GROUPS_UNBONDED;
		house->applied += fact.kind == GROUPS_FACT && fact.fact.kind == GROUP_APPLIED;
		blob_drop(fact.fact.bytes);
	}
	carry_out(house);
	links_flush(house->links);
}

static void on_prepare(uv_prepare_t *prepare)
{
	struct street *street = prepare->data;

	for (size_t i = 0; i < street->houses; i++)
		house_turn(&street->house[i]);
}

static void on_clock(uv_timer_t *timer)
{
	(void)timer;   /* the turn that follows looks at every deadline */
}

static struct id group_key(void)
{
	return id_hash(bytes_of_text("the group's key"));
}

static void house_open(struct street *street, const char *seed)
{
	struct house *house = &street->house[street->houses++];
	struct id seed_id = id_hash(bytes_of_text(seed)), key = group_key();
	struct links_options options = {.loop = &street->pair.loop, .ops = &house_ops, .self = house, .identity = &house->keys,
		.network = id_hash(bytes_of_text(NETWORK))};
	struct group_options group = {.terms = {.key = key, .timing = raft_timing_lan}, .state = log_state_new(),
		.incarnation = street->houses, .tell_applied = true, .seed = street->houses};

	memcpy(house->keys.seed, seed_id.byte, SEED_SIZE);
	crypto_ed25519.derive(&house->keys);
	house->street = street;
	assert_int_equal(address_parse("127.0.0.1:0", &options.bind), OK);
	assert_int_equal(links_open(&options, &house->links), OK);
	group.peer = house->keys.public_key;
	house->groups = groups_new(&(struct groups_options){.self = house->keys.public_key, .seed = 1}, house_now(house));
	assert_int_equal(group_new(&group, NULL, house_now(house), &house->group), OK);
	assert_int_equal(groups_add(house->groups, house_now(house), house->group, &key), OK);
}

static struct street *street_new(void)
{
	static struct street street;

	memset(&street, 0, sizeof street);
	pair_init(&street.pair);
	uv_prepare_init(&street.pair.loop, &street.prepare);
	uv_timer_init(&street.pair.loop, &street.clock);
	street.prepare.data = &street;
	uv_prepare_start(&street.prepare, on_prepare);
	uv_timer_start(&street.clock, on_clock, TURN_MS, TURN_MS);
	house_open(&street, "house");
	return &street;
}

static bool all_closed(const struct street *street)
{
	for (size_t i = 0; i < street->houses; i++)
		if (!links_closed(street->house[i].links))
			return false;
	return true;
}

static void street_free(struct street *street)
{
	uv_prepare_stop(&street->prepare);
	for (size_t i = 0; i < street->houses; i++)
		links_shut(street->house[i].links);
	UNTIL(&street->pair, all_closed(street));
	for (size_t i = 0; i < street->houses; i++) {
		links_free(street->house[i].links);
		groups_free(street->house[i].groups);
		outbox_fini(&street->house[i].out);
	}
	uv_close((uv_handle_t *)&street->prepare, NULL);
	uv_close((uv_handle_t *)&street->clock, NULL);
	pair_fini(&street->pair);
}

/* ---- strangers ---- */

struct knock {
	struct side *side;
	link_id id;
};

static struct side *stranger(struct street *street, const char *seed)
{
	struct side *side = pair_add(&street->pair, seed, NETWORK, "127.0.0.1:0", NULL);

	side->keeps = true;
	return side;
}

static struct note *note_at(const struct knock *knock)
{
	return note_of(knock->side, knock->id);
}

static struct knock knock_at(struct street *street, struct side *side)
{
	struct dial dial = dial_house(&street->house[0]);
	struct knock knock = {side, connect_to(side, PROTOCOL_GROUPS, &dial)};

	UNTIL(&street->pair, note_at(&knock)->linked);
	return knock;
}

static struct handshake honest(struct street *street, const struct knock *knock, const struct id *group_key_used)
{
	struct handshake handshake = {.group = *group_id(street->house[0].group), .role = BOND_MEMBER, .number = 7};
	struct prover prover = {.binding = note_at(knock)->binding, .side = BOND_OPENER, .peer = knock->side->keys.public_key};
	struct id key = bond_wire_key(group_key_used);

	handshake.proof = bond_wire_proof(&key, &prover, &handshake);
	return handshake;
}

static void say(const struct knock *knock, struct blob *message)
{
	links_send(knock->side->links, knock->id, message);
}

static void expect_code(struct street *street, const struct knock *knock, enum error reason, uint64_t code)
{
	UNTIL(&street->pair, note_at(knock)->unlinked);
	assert_string_equal(error_name(note_at(knock)->reason), error_name(reason));
	assert_int_equal(error_close_code(reason), code);
}

/* ---- attacks ---- */

static void wrong_and_zero_proofs(void **state)
{
	struct street *street = street_new();
	struct side *side = stranger(street, "stranger");
	struct id key = group_key(), other = id_hash(bytes_of_text("another key"));
	struct knock knock = knock_at(street, side);
	struct handshake handshake = honest(street, &knock, &other);

	(void)state;
	say(&knock, bond_wire_handshake(&handshake));
	expect_code(street, &knock, ERROR_BOND_PROOF, 30405);
	assert_int_equal(note_at(&knock)->received, 0);   /* nothing of the group was said */
	knock = knock_at(street, side);
	handshake = honest(street, &knock, &key);
	memset(&handshake.proof, 0, sizeof handshake.proof);
	say(&knock, bond_wire_handshake(&handshake));
	expect_code(street, &knock, ERROR_BOND_PROOF, 30405);
	knock = knock_at(street, side);
	handshake = honest(street, &knock, &key);
	handshake.group.byte[0] ^= 1;
	say(&knock, bond_wire_handshake(&handshake));
	expect_code(street, &knock, ERROR_GROUP_NOT_FOUND, 30404);
	street_free(street);
}

static void handshakes_cut_short(void **state)
{
	struct street *street = street_new();
	struct side *side = stranger(street, "stranger");
	struct id key = group_key();

	(void)state;
	for (size_t cut = 1; cut < 60; cut += 7) {
		struct knock knock = knock_at(street, side);
		struct handshake handshake = honest(street, &knock, &key);
		struct blob *whole = bond_wire_handshake(&handshake);

		say(&knock, blob_copy(bytes_of(blob_bytes(whole).data, blob_size(whole) - cut)));
		blob_drop(whole);
		expect_code(street, &knock, ERROR_BOND_HANDSHAKE, 30400);
	}
	street_free(street);
}

/* A proof that was right in one session, from the same peer in another one. */
static void replayed_proofs(void **state)
{
	struct street *street = street_new();
	struct side *side = stranger(street, "stranger");
	struct id key = group_key();
	struct knock knock = knock_at(street, side);
	struct handshake recorded = honest(street, &knock, &key);

	(void)state;
	links_expel(side->links, &street->house[0].keys.public_key, ERROR_CANCELLED);
	UNTIL(&street->pair, note_at(&knock)->unlinked);
	knock = knock_at(street, side);
	say(&knock, bond_wire_handshake(&recorded));
	expect_code(street, &knock, ERROR_BOND_PROOF, 30405);
	street_free(street);
}

/* What the house itself answered to another one, sent back to it. */
static void reflected_proofs(void **state)
{
	struct street *street = street_new();
	struct side *member = stranger(street, "member"), *mirror = stranger(street, "mirror");
	struct id key = group_key();
	struct knock knock = knock_at(street, member), back = knock_at(street, mirror);
	struct handshake handshake = honest(street, &knock, &key);

	(void)state;
	say(&knock, bond_wire_handshake(&handshake));
	UNTIL(&street->pair, note_at(&knock)->received == 1);
	assert_int_equal(bond_wire_decode_handshake(blob_bytes(note_at(&knock)->last), &handshake), OK);
	handshake.has_hello = false;
	say(&back, bond_wire_handshake(&handshake));
	expect_code(street, &back, ERROR_BOND_PROOF, 30405);
	street_free(street);
}

/* The man in the middle: a member dials him, thinking that he is one, and he passes on what it says. */
static void relayed_proofs(void **state)
{
	struct street *street = street_new();
	struct side *middle = stranger(street, "middle");
	struct house *victim;
	struct knock knock;
	struct note *opened = NULL;

	(void)state;
	house_open(street, "other house");
	victim = &street->house[1];
	knock = knock_at(street, middle);
	groups_peer_found(victim->groups, house_now(victim), group_id(victim->group), &middle->keys.public_key);
	/* The house has no address of him; he calls, and it opens its bond over that. */
	struct dial dial = dial_house(victim);
	link_id id = connect_to(middle, PROTOCOL_GROUPS, &dial);
	UNTIL(&street->pair, note_of(middle, id)->linked);
	for (int i = 0; i < 400 && !opened; i++) {
		pair_run(&street->pair, 20);
		for (size_t n = 0; n < middle->note_count; n++)
			if (middle->note[n].id % 2 == 1 && middle->note[n].last)
				opened = &middle->note[n];
	}
	ASSERT(opened);
	say(&knock, blob_keep(opened->last));
	expect_code(street, &knock, ERROR_BOND_PROOF, 30405);
	assert_int_equal(street->house[0].bonded, 0);
	street_free(street);
}

static void bond_by_hand(struct street *street, struct side *side, struct knock lane[LANES])
{
	struct group_hello hello = {.incarnation = 99, .preference = PREFER_OBSERVER};
	struct id key = group_key();

	for (int i = 0; i < LANES; i++) {
		lane[i] = knock_at(street, side);
		struct handshake handshake = honest(street, &lane[i], &key);
		struct prover prover = {.binding = note_at(&lane[i])->binding, .side = BOND_OPENER, .peer = side->keys.public_key};
		struct id proof_key = bond_wire_key(&key);
		handshake.lane = (uint8_t)i;
		handshake.proof = bond_wire_proof(&proof_key, &prover, &handshake);
		say(&lane[i], bond_wire_handshake(&handshake));
		UNTIL(&street->pair, note_at(&lane[i])->received == 1);
		say(&lane[i], bond_wire_hello(&hello));
	}
	UNTIL(&street->pair, street->house[0].bonded == 1);
}

static void second_bonds(void **state)
{
	struct street *street = street_new();
	struct side *side = stranger(street, "member");
	struct id key = group_key();
	struct knock lane[LANES], again;
	struct handshake handshake;

	(void)state;
	bond_by_hand(street, side, lane);
	again = knock_at(street, side);
	handshake = honest(street, &again, &key);
	handshake.number = 8;
	struct prover prover = {.binding = note_at(&again)->binding, .side = BOND_OPENER, .peer = side->keys.public_key};
	struct id proof_key = bond_wire_key(&key);
	handshake.proof = bond_wire_proof(&proof_key, &prover, &handshake);
	say(&again, bond_wire_handshake(&handshake));
	expect_code(street, &again, ERROR_ALREADY_BONDED, 30429);
	/* The first one is as alive as before: it answers, on its own link. */
	size_t before = note_at(&lane[LANE_CONTROL])->received;
	say(&lane[LANE_CONTROL], bond_wire_sign(BOND_PING));
	UNTIL(&street->pair, note_at(&lane[LANE_CONTROL])->received > before);
	assert_int_equal(street->house[0].unbonded, 0);
	street_free(street);
}

static void nonsense_after_the_proof(void **state)
{
	static const uint8_t nonsense[] = {0x81, 0x18, 0x40, 0xff};   /* a kind of the group, and no more */
	struct street *street = street_new();
	struct side *side = stranger(street, "member");
	struct knock lane[LANES];

	(void)state;
	bond_by_hand(street, side, lane);
	say(&lane[LANE_APPEND], blob_copy(bytes_of(nonsense, sizeof nonsense)));
	expect_code(street, &lane[LANE_APPEND], ERROR_MALFORMED, 400);
	expect_code(street, &lane[LANE_CONTROL], ERROR_MALFORMED, 400);   /* the whole connection */
	UNTIL(&street->pair, street->house[0].unbonded == 1);
	street_free(street);
}

/* One says nothing, one a byte at a time; both are closed in time, and a member that comes meanwhile is let in at once. */
static void silence_and_slowness(void **state)
{
	struct street *street = street_new();
	struct side *mute = stranger(street, "mute"), *slow = stranger(street, "slow"), *member = stranger(street, "member");
	struct knock silent = knock_at(street, mute), crawling = knock_at(street, slow), lane[LANES];
	struct net_link *link = number_table_get(&slow->links->table, crawling.id);
	uint64_t since = uv_now(&street->pair.loop), took;
	struct id key = group_key();
	struct handshake handshake = honest(street, &crawling, &key);
	struct blob *whole = bond_wire_handshake(&handshake);
	uint8_t length[4];

	(void)state;
	ASSERT(link && link->stream);
	bytes_put_be32(length, (uint32_t)blob_size(whole));
	quic_stream_send_raw(link->stream, bytes_of(length, sizeof length));
	bond_by_hand(street, member, lane);
	took = uv_now(&street->pair.loop) - since;
	assert_in_range(took, 0, BOND_HANDSHAKE_MAX - 1);
	for (size_t i = 0; !note_at(&crawling)->unlinked; i++) {
		link = number_table_get(&slow->links->table, crawling.id);
		if (link && link->stream)
			quic_stream_send_raw(link->stream, bytes_of(blob_bytes(whole).data + i, 1));
		pair_run(&street->pair, 200);
		assert_in_range(i, 0, 100);
	}
	expect_code(street, &crawling, ERROR_BOND_TIMEOUT, 30408);
	expect_code(street, &silent, ERROR_BOND_TIMEOUT, 30408);
	assert_in_range(uv_now(&street->pair.loop) - since, BOND_HANDSHAKE_MAX - 100, PATIENCE_MS);
	assert_int_equal(street->house[0].unbonded, 0);
	blob_drop(whole);
	street_free(street);
}

/* ---- and no attack ---- */

static bool is_online(const struct house *house)
{
	struct group_status status;

	group_status(house->group, &status);
	return status.online;
}

static void members_bond_and_agree(void **state)
{
	struct street *street = street_new();
	struct house *a = &street->house[0], *b;

	(void)state;
	house_open(street, "other house");
	b = &street->house[1];
	groups_peer_found(a->groups, house_now(a), group_id(a->group), &b->keys.public_key);
	groups_peer_found(b->groups, house_now(b), group_id(b->group), &a->keys.public_key);
	UNTIL(&street->pair, a->bonded == 1 && b->bonded == 1);
	UNTIL(&street->pair, is_online(a) && is_online(b));
	for (uint64_t n = 1; n <= 100; n++)
		group_propose(b->group, house_now(b), n, bytes_of_text("command"));
	groups_turn(b->groups, house_now(b), &b->out);
	UNTIL(&street->pair, a->applied == 100 && b->applied == 100);
	assert_int_equal(a->unbonded + b->unbonded, 0);
	/* One leaves in good order: the other knows at once. */
	groups_remove(b->groups, house_now(b), group_id(a->group), &b->out);
	UNTIL(&street->pair, a->unbonded == 1);
	street_free(street);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_and_zero_proofs),
		cmocka_unit_test(handshakes_cut_short),
		cmocka_unit_test(replayed_proofs),
		cmocka_unit_test(reflected_proofs),
		cmocka_unit_test(relayed_proofs),
		cmocka_unit_test(second_bonds),
		cmocka_unit_test(nonsense_after_the_proof),
		cmocka_unit_test(silence_and_slowness),
		cmocka_unit_test(members_bond_and_agree),
	};

	return cmocka_run_group_tests_name("bonds", tests, NULL, NULL);
}
