/*
 * handshake_test.c - whoever begins a bond in a wrong way hears the right code, learns nothing, and changes nothing.
 *
 * One machine with one group; the test is every stranger: it opens links and says what it likes on them.
 */
#include "mesh.h"

#include "wire/cbor.h"

struct stage {
	struct groups *groups;
	struct group *group;
	struct outbox out;
	msec now;
	struct id self, key;
	link_id next;
};

static struct stage *stage_new(void)
{
	struct stage *stage = memory_new(sizeof *stage);
	enum error error;

	memset(stage->self.byte, 5, ID_SIZE);
	stage->key = mesh_key();
	stage->now = 1000;
	stage->next = 1;
	stage->groups = groups_new(&(struct groups_options){.self = stage->self}, stage->now);
	stage->group = fake_group(&stage->self, "group", 42);
	error = groups_add(stage->groups, stage->now, stage->group, &stage->key);
	assert_int_equal(error, OK);
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	return stage;
}

static void stage_free(struct stage *stage)
{
	groups_free(stage->groups);
	outbox_fini(&stage->out);
	memory_free(stage);
}

static struct link stranger(struct stage *stage, uint8_t who, uint8_t session)
{
	struct link link = {.id = stage->next};

	stage->next += 2;
	memset(link.peer.byte, who, ID_SIZE);
	memset(link.binding.byte, session, ID_SIZE);
	groups_ops.linked(stage->groups, stage->now, &link, &stage->out);
	return link;
}

/* What a member would say. */
static struct handshake honest(const struct stage *stage, const struct link *link, enum raft_lane lane)
{
	struct handshake handshake = {.group = *group_id(stage->group), .role = BOND_MEMBER, .lane = (uint8_t)lane, .number = 9};
	struct prover prover = {.binding = link->binding, .side = BOND_OPENER, .peer = link->peer};
	struct id key = bond_wire_key(&stage->key);

	handshake.proof = bond_wire_proof(&key, &prover, &handshake);
	return handshake;
}

static enum error hear(struct stage *stage, const struct link *link, struct blob *message)
{
	enum error error = groups_ops.receive(stage->groups, stage->now, link->id, message, &stage->out);

	blob_drop(message);
	groups_ops.check(stage->groups);
	return error;
}

/* The next effect but credit; its payload is kept in *payload if that is asked for. */
static bool next_effect(struct stage *stage, struct effect *effect, struct blob **payload)
{
	while (outbox_next(&stage->out, effect)) {
		if (payload && effect->kind == EFFECT_SEND)
			*payload = effect->payload;
		else
			effect_drop(effect);
		if (effect->kind != EFFECT_CONSUMED)
			return true;
	}
	return false;
}

/* The link is closed with this, and nothing else came of it. */
static void expect_refusal(struct stage *stage, const struct link *link, enum error reason)
{
	struct effect effect;

	assert_true(next_effect(stage, &effect, NULL));
	assert_int_equal(effect.kind, EFFECT_CLOSE);
	assert_int_equal(effect.link, link->id);
	assert_string_equal(error_name(effect.reason), error_name(reason));
	assert_false(next_effect(stage, &effect, NULL));
	groups_ops.unlinked(stage->groups, stage->now, link->id, reason, &stage->out);
	groups_ops.check(stage->groups);
	assert_int_equal(fake_peer(stage->group, &link->peer)->ups, 0);
}

static struct handshake expect_answer(struct stage *stage, const struct link *link)
{
	struct blob *payload = NULL;
	struct handshake answer;
	struct effect effect;
	enum error error;

	assert_true(next_effect(stage, &effect, &payload));
	assert_int_equal(effect.kind, EFFECT_SEND);
	assert_int_equal(effect.link, link->id);
	ASSERT(payload);
	error = bond_wire_decode_handshake(blob_bytes(payload), &answer);
	assert_int_equal(error, OK);
	blob_drop(payload);
	return answer;
}

/* A whole bond of this peer on three links. */
static void bond_with(struct stage *stage, struct link link[LANES], uint8_t who, uint8_t session)
{
	struct group_hello hello = {.incarnation = 3};

	for (int lane = 0; lane < LANES; lane++) {
		link[lane] = stranger(stage, who, session);
		struct handshake handshake = honest(stage, &link[lane], (enum raft_lane)lane);
		enum error error = hear(stage, &link[lane], bond_wire_handshake(&handshake));
		assert_int_equal(error, OK);
		(void)expect_answer(stage, &link[lane]);
		error = hear(stage, &link[lane], bond_wire_hello(&hello));
		assert_int_equal(error, OK);
	}
	assert_true(fake_peer(stage->group, &link[0].peer)->up);
}

static void refuse(void (*spoil)(struct stage *, struct link *, struct handshake *), enum error reason)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1);
	struct handshake handshake = honest(stage, &link, LANE_CONTROL);
	enum error error;

	spoil(stage, &link, &handshake);
	error = hear(stage, &link, bond_wire_handshake(&handshake));
	assert_int_equal(error, OK);   /* of the link, not of the connection that other groups use */
	expect_refusal(stage, &link, reason);
	stage_free(stage);
}

/* ---- one thing that is wrong ---- */

static void other_key(struct stage *stage, struct link *link, struct handshake *handshake)
{
	stage->key.byte[0] ^= 1;
	*handshake = honest(stage, link, LANE_CONTROL);
}

static void zero_proof(struct stage *stage, struct link *link, struct handshake *handshake)
{
	(void)stage;
	(void)link;
	memset(&handshake->proof, 0, sizeof handshake->proof);
}

static void one_bit(struct stage *stage, struct link *link, struct handshake *handshake)
{
	(void)stage;
	(void)link;
	handshake->proof.byte[31] ^= 0x80;
}

static void of_another_session(struct stage *stage, struct link *link, struct handshake *handshake)
{
	struct link recorded = *link;

	recorded.binding.byte[7] ^= 1;
	*handshake = honest(stage, &recorded, LANE_CONTROL);
}

static void of_another_peer(struct stage *stage, struct link *link, struct handshake *handshake)
{
	struct link other = *link;

	other.peer.byte[7] ^= 1;
	*handshake = honest(stage, &other, LANE_CONTROL);
}

static void of_another_lane(struct stage *stage, struct link *link, struct handshake *handshake)
{
	*handshake = honest(stage, link, LANE_APPEND);
	handshake->lane = LANE_CONTROL;
}

static void of_another_role(struct stage *stage, struct link *link, struct handshake *handshake)
{
	*handshake = honest(stage, link, LANE_CONTROL);
	handshake->role = BOND_CLIENT;
}

static void of_another_number(struct stage *stage, struct link *link, struct handshake *handshake)
{
	*handshake = honest(stage, link, LANE_CONTROL);
	handshake->number++;
}

static void of_the_acceptor(struct stage *stage, struct link *link, struct handshake *handshake)
{
	struct prover prover = {.binding = link->binding, .side = BOND_ACCEPTOR, .peer = link->peer};
	struct id key = bond_wire_key(&stage->key);

	handshake->proof = bond_wire_proof(&key, &prover, handshake);
}

static void unknown_group(struct stage *stage, struct link *link, struct handshake *handshake)
{
	(void)stage;
	(void)link;
	handshake->group.byte[0] ^= 1;
}

static void early_hello(struct stage *stage, struct link *link, struct handshake *handshake)
{
	(void)stage;
	(void)link;
	handshake->has_hello = true;
	handshake->hello.incarnation = 1;
}

static void wrong_proofs_are_30405(void **state)
{
	(void)state;
	refuse(other_key, ERROR_BOND_PROOF);
	refuse(zero_proof, ERROR_BOND_PROOF);
	refuse(one_bit, ERROR_BOND_PROOF);
	refuse(of_another_session, ERROR_BOND_PROOF);
	refuse(of_another_peer, ERROR_BOND_PROOF);
	refuse(of_another_lane, ERROR_BOND_PROOF);
	refuse(of_another_role, ERROR_BOND_PROOF);
	refuse(of_another_number, ERROR_BOND_PROOF);
	refuse(of_the_acceptor, ERROR_BOND_PROOF);
	assert_int_equal(error_close_code(ERROR_BOND_PROOF), 30405);
}

static void unknown_groups_are_30404(void **state)
{
	(void)state;
	refuse(unknown_group, ERROR_GROUP_NOT_FOUND);
	assert_int_equal(error_close_code(ERROR_GROUP_NOT_FOUND), 30404);
}

/* An acceptor's own answer, sent back to it. */
static void reflected_proofs_are_30405(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1), mirror;
	struct handshake handshake = honest(stage, &link, LANE_CONTROL), answer;
	enum error error = hear(stage, &link, bond_wire_handshake(&handshake));

	(void)state;
	assert_int_equal(error, OK);
	answer = expect_answer(stage, &link);
	answer.has_hello = false;
	mirror = stranger(stage, 2, 1);
	error = hear(stage, &mirror, bond_wire_handshake(&answer));
	assert_int_equal(error, OK);
	expect_refusal(stage, &mirror, ERROR_BOND_PROOF);
	stage_free(stage);
}

static void other_beginnings_are_30400(void **state)
{
	static const uint8_t bodies[][12] = {{0}, {0x87, 2}, {0x9b, 0x40}, {0xff}, {0x81, 0x18, 0x80}, {0x5f, 0xff}};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct stage *stage = stage_new();
		struct link link = stranger(stage, 1, 1);
		enum error error = hear(stage, &link, blob_copy(bytes_of(bodies[i], sizeof bodies[i])));

		assert_int_equal(error, OK);
		expect_refusal(stage, &link, ERROR_BOND_HANDSHAKE);
		stage_free(stage);
	}
	refuse(early_hello, ERROR_BOND_HANDSHAKE);
	assert_int_equal(error_close_code(ERROR_BOND_HANDSHAKE), 30400);
}

static void handshakes_cut_short_are_30400(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1);
	struct handshake handshake = honest(stage, &link, LANE_CONTROL);
	struct blob *whole = bond_wire_handshake(&handshake);

	(void)state;
	for (size_t size = 1; size < blob_size(whole); size++) {
		struct link one = stranger(stage, 1, 1);
		enum error error = hear(stage, &one, blob_copy(bytes_of(blob_bytes(whole).data, size)));

		assert_int_equal(error, OK);
		expect_refusal(stage, &one, ERROR_BOND_HANDSHAKE);
	}
	blob_drop(whole);
	stage_free(stage);
}

static void silence_is_30408(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1);
	struct effect effect;

	(void)state;
	stage->now += BOND_HANDSHAKE_MAX - 1;
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	assert_false(next_effect(stage, &effect, NULL));
	stage->now += 1;
	assert_int_equal(groups_ops.deadline(stage->groups), stage->now);
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	expect_refusal(stage, &link, ERROR_BOND_TIMEOUT);
	assert_int_equal(error_close_code(ERROR_BOND_TIMEOUT), 30408);
	stage_free(stage);
}

/* A proof, and then nothing: what it opened is closed as well. */
static void silence_after_the_proof_is_30408(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1);
	struct handshake handshake = honest(stage, &link, LANE_CONTROL);
	enum error error = hear(stage, &link, bond_wire_handshake(&handshake));

	(void)state;
	assert_int_equal(error, OK);
	(void)expect_answer(stage, &link);
	stage->now += BOND_HANDSHAKE_MAX;
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	expect_refusal(stage, &link, ERROR_BOND_TIMEOUT);
	assert_int_equal(stage->groups->hosted.count, 1);
	stage_free(stage);
}

/* One lane of three is no bond, however much is said on it. */
static void lanes_that_never_come_are_30408(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 1, 1);
	struct handshake handshake = honest(stage, &link, LANE_CONTROL);
	struct group_hello hello = {.incarnation = 3};
	struct effect effect;
	enum error error = hear(stage, &link, bond_wire_handshake(&handshake));

	(void)state;
	assert_int_equal(error, OK);
	(void)expect_answer(stage, &link);
	error = hear(stage, &link, bond_wire_hello(&hello));
	assert_int_equal(error, OK);
	assert_true(fake_peer(stage->group, &link.peer)->up);
	stage->now += BOND_HANDSHAKE_MAX;
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	assert_true(next_effect(stage, &effect, NULL));
	assert_int_equal(effect.kind, EFFECT_CLOSE);
	assert_int_equal(effect.reason, ERROR_BOND_TIMEOUT);
	assert_false(fake_peer(stage->group, &link.peer)->up);
	stage_free(stage);
}

static void a_second_bond_is_30429_and_the_first_unharmed(void **state)
{
	struct stage *stage = stage_new();
	struct link first[LANES], second;
	struct handshake handshake;
	struct effect effect;
	enum error error;

	(void)state;
	bond_with(stage, first, 1, 1);
	for (int i = 0; i < 3; i++) {
		second = stranger(stage, 1, 1);
		handshake = honest(stage, &second, LANE_CONTROL);
		error = hear(stage, &second, bond_wire_handshake(&handshake));
		assert_int_equal(error, OK);
		assert_true(next_effect(stage, &effect, NULL));
		assert_int_equal(effect.kind, EFFECT_CLOSE);
		assert_int_equal(effect.link, second.id);
		assert_int_equal(effect.reason, ERROR_ALREADY_BONDED);
		assert_false(next_effect(stage, &effect, NULL));
		groups_ops.unlinked(stage->groups, stage->now, second.id, ERROR_ALREADY_BONDED, &stage->out);
	}
	assert_int_equal(error_close_code(ERROR_ALREADY_BONDED), 30429);
	assert_true(fake_peer(stage->group, &first[0].peer)->up);
	assert_int_equal(fake_peer(stage->group, &first[0].peer)->ups, 1);
	assert_int_equal(groups_ops.deadline(stage->groups), MSEC_NEVER);
	stage_free(stage);
}

/* The same key in another process: the first is asked whether it lives, says so, and stays. */
static void a_bond_that_answers_stays(void **state)
{
	struct stage *stage = stage_new();
	struct link first[LANES], second;
	struct handshake handshake;
	struct blob *ping = NULL;
	struct effect effect;
	enum error error;

	(void)state;
	bond_with(stage, first, 1, 1);
	second = stranger(stage, 1, 2);
	handshake = honest(stage, &second, LANE_CONTROL);
	error = hear(stage, &second, bond_wire_handshake(&handshake));
	assert_int_equal(error, OK);
	assert_true(next_effect(stage, &effect, &ping));
	assert_int_equal(effect.kind, EFFECT_SEND);
	assert_int_equal(effect.link, first[LANE_CONTROL].id);
	ASSERT(ping);
	assert_int_equal(bond_wire_kind(blob_bytes(ping)), BOND_PING);
	blob_drop(ping);
	assert_true(next_effect(stage, &effect, NULL));
	assert_int_equal(effect.reason, ERROR_ALREADY_BONDED);
	error = hear(stage, &first[LANE_CONTROL], bond_wire_sign(BOND_PONG));
	assert_int_equal(error, OK);
	stage->now += 10 * BOND_PONG_MAX;
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	assert_true(fake_peer(stage->group, &first[0].peer)->up);
	stage_free(stage);
}

static void our_own_key_is_30403(void **state)
{
	struct stage *stage = stage_new();
	struct link link = stranger(stage, 5, 1);
	struct handshake handshake = honest(stage, &link, LANE_CONTROL);
	enum error error = hear(stage, &link, bond_wire_handshake(&handshake));

	(void)state;
	assert_int_equal(error, OK);
	expect_refusal(stage, &link, ERROR_BOND_NOT_ALLOWED);
	assert_int_equal(error_close_code(ERROR_BOND_NOT_ALLOWED), 30403);
	stage_free(stage);
}

/* What a member says about itself is seen only by who has proven the key. */
static void the_opener_says_nothing_about_itself(void **state)
{
	struct stage *stage = stage_new();
	struct link link = {.id = 0};
	struct handshake first;
	struct effect effect;

	(void)state;
	memset(link.peer.byte, 9, ID_SIZE);
	groups_peer_found(stage->groups, stage->now, group_id(stage->group), &link.peer);
	groups_ops.tick(stage->groups, stage->now, &stage->out);
	assert_true(next_effect(stage, &effect, NULL));
	assert_int_equal(effect.kind, EFFECT_CONNECT);
	link.id = effect.link;
	while (next_effect(stage, &effect, NULL))
		;
	groups_ops.linked(stage->groups, stage->now, &link, &stage->out);
	first = expect_answer(stage, &link);
	assert_false(first.has_hello);
	/* Whoever answers without the key is left with that, and with our code. */
	first.has_hello = true;
	first.hello.incarnation = 1;
	enum error error = hear(stage, &link, bond_wire_handshake(&first));
	assert_int_equal(error, OK);
	assert_true(next_effect(stage, &effect, NULL));
	assert_int_equal(effect.kind, EFFECT_CLOSE);
	assert_int_equal(effect.reason, ERROR_BOND_PROOF);
	assert_int_equal(fake_peer(stage->group, &link.peer)->ups, 0);
	stage_free(stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_proofs_are_30405),
		cmocka_unit_test(unknown_groups_are_30404),
		cmocka_unit_test(reflected_proofs_are_30405),
		cmocka_unit_test(other_beginnings_are_30400),
		cmocka_unit_test(handshakes_cut_short_are_30400),
		cmocka_unit_test(silence_is_30408),
		cmocka_unit_test(silence_after_the_proof_is_30408),
		cmocka_unit_test(lanes_that_never_come_are_30408),
		cmocka_unit_test(a_second_bond_is_30429_and_the_first_unharmed),
		cmocka_unit_test(a_bond_that_answers_stays),
		cmocka_unit_test(our_own_key_is_30403),
		cmocka_unit_test(the_opener_says_nothing_about_itself),
	};

	return cmocka_run_group_tests_name("handshake", tests, NULL, NULL);
}
