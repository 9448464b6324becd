/*
 * bond_test.c - members find each other and stay bonded, whatever the network does.
 */
#include "mesh.h"

static const struct group_hello hello_changed = {.incarnation = 4711, .preference = PREFER_OBSERVER};

static struct blob *message_of(size_t size)
{
	struct blob *blob = blob_new(0, size);

	memset(blob->data, 0x81, size);
	blob->data[1 % size] = 64;
	blob->end = size;
	return blob;
}

struct two {
	struct mesh *mesh;
	struct group *a, *b;
};

static struct two two_members(uint64_t seed)
{
	struct two two = {.mesh = mesh_new(2, seed)};

	two.a = mesh_join(two.mesh, 0, "group");
	two.b = mesh_join(two.mesh, 1, "group");
	return two;
}

static struct two two_bonded(uint64_t seed)
{
	struct two two = two_members(seed);

	mesh_find(two.mesh, 0, two.a, 1);
	mesh_find(two.mesh, 1, two.b, 0);
	mesh_run(two.mesh, 2000);
	assert_true(mesh_bonded(two.mesh, two.a, 1) && mesh_bonded(two.mesh, two.b, 0));
	return two;
}

static void one_side_is_enough(void **state)
{
	(void)state;
	for (size_t who = 0; who < 2; who++) {
		struct two two = two_members(who);

		mesh_find(two.mesh, who, who == 0 ? two.a : two.b, 1 - who);
		mesh_run(two.mesh, 1000);
		assert_true(mesh_bonded(two.mesh, two.a, 1));
		assert_true(mesh_bonded(two.mesh, two.b, 0));
		assert_int_equal(fake_peer(two.a, &two.mesh->node[1].id)->hello.incarnation, 101);
		assert_int_equal(fake_peer(two.b, &two.mesh->node[0].id)->hello.incarnation, 100);
		assert_int_equal(two.mesh->node[who].dials, LANES);
		assert_int_equal(mesh_facts(two.mesh, 0, GROUPS_BONDED), 1);
		mesh_free(two.mesh);
	}
}

/* Whoever dials when: one bond remains, it was told once, and nobody is disturbed afterwards. */
static void dials_that_cross_leave_one_bond(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct two two = two_members(seed);

		two.mesh->latency_max = 1 + (msec)(seed % 7) * 100;
		mesh_find(two.mesh, 1, two.b, 0);
		mesh_run(two.mesh, (msec)(seed % 11) * 30);
		mesh_find(two.mesh, 0, two.a, 1);
		mesh_run(two.mesh, 10000);
		assert_true(mesh_bonded(two.mesh, two.a, 1));
		assert_true(mesh_bonded(two.mesh, two.b, 0));
		assert_int_equal(fake_peer(two.a, &two.mesh->node[1].id)->ups, 1);
		assert_int_equal(fake_peer(two.b, &two.mesh->node[0].id)->ups, 1);
		assert_false(two.mesh->violated);
		mesh_free(two.mesh);
	}
}

static void messages_arrive_on_their_lanes(void **state)
{
	struct two two = two_bonded(1);
	struct fake_peer *peer = fake_peer(two.b, &two.mesh->node[0].id);

	(void)state;
	for (unsigned lane = 0; lane < LANES; lane++) {
		fake_send(two.a, &two.mesh->node[1].id, (enum raft_lane)lane, message_of(1000));
		mesh_turn(two.mesh, 0);
		mesh_run(two.mesh, 100);
		assert_int_equal(peer->messages, lane + 1);
		assert_int_equal(peer->lane, lane);
	}
	mesh_free(two.mesh);
}

/* A group speaks as soon as it hears of a peer, on every lane: nothing is lost, whichever lane is open first. */
static void what_is_said_early_waits_for_its_lane(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct two two = two_members(seed);

		two.mesh->latency_max = 200;
		mesh_find(two.mesh, 0, two.a, 1);
		while (!mesh_bonded(two.mesh, two.a, 1))
			mesh_run(two.mesh, 1);
		for (unsigned lane = 0; lane < LANES; lane++)
			fake_send(two.a, &two.mesh->node[1].id, (enum raft_lane)lane, message_of(100));
		mesh_turn(two.mesh, 0);
		mesh_run(two.mesh, 2000);
		assert_int_equal(fake_peer(two.b, &two.mesh->node[0].id)->messages, LANES);
		mesh_free(two.mesh);
	}
}

static void a_reader_that_hangs_costs_no_more_than_the_bound(void **state)
{
	struct two two = two_bonded(2);
	size_t before, sent = 0;

	(void)state;
	two.mesh->silent = true;
	before = two.mesh->order;
	for (int i = 0; i < 100; i++)
		fake_send(two.a, &two.mesh->node[1].id, LANE_BULK, message_of(1u << 20));
	mesh_turn(two.mesh, 0);
	for (size_t i = 0; i < two.mesh->node[0].groups->links.count; i++) {
		const struct groups_link *link = two.mesh->node[0].groups->links.slot[i].value;
		sent += link->outstanding;
	}
	assert_in_range(sent, 4u << 20, 9u << 20);
	assert_int_equal(two.mesh->order, before);
	mesh_free(two.mesh);
}

static void a_hello_is_told_again_when_it_changes(void **state)
{
	struct two two = two_bonded(3);
	const struct fake_peer *peer = fake_peer(two.b, &two.mesh->node[0].id);

	(void)state;
	two.a->hello = hello_changed;
	two.a->hello_version++;
	mesh_turn(two.mesh, 0);
	mesh_run(two.mesh, 100);
	assert_int_equal(peer->ups, 2);
	assert_int_equal(peer->hello.incarnation, hello_changed.incarnation);
	assert_int_equal(peer->hello.preference, hello_changed.preference);
	assert_int_equal(mesh_facts(two.mesh, 1, GROUPS_BONDED), 1);
	mesh_free(two.mesh);
}

/* What changes while a handshake is under way must not be lost: a leader would wait for a member without a lineage for ever. */
static void a_hello_that_changes_during_the_handshake_arrives(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 300; seed++) {
		struct two two = two_members(seed);
		struct group *changes = seed % 2 ? two.a : two.b;
		size_t who = seed % 2 ? 0 : 1;

		two.mesh->latency_max = 100;
		mesh_find(two.mesh, 0, two.a, 1);
		mesh_run(two.mesh, (msec)(seed / 2) * 3);
		changes->hello.incarnation = 4711;
		changes->hello_version++;
		mesh_turn(two.mesh, who);
		mesh_run(two.mesh, 3000);
		assert_int_equal(fake_peer(seed % 2 ? two.b : two.a, &two.mesh->node[who].id)->hello.incarnation, 4711);
		mesh_free(two.mesh);
	}
}

static void a_closed_connection_is_told_as_closed(void **state)
{
	static const enum error reasons[] = {ERROR_UNEXPECTED_CLOSE, ERROR_GRACEFUL, ERROR_REFUSED, ERROR_IDLE};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct two two = two_bonded(i);
		const struct fake_peer *peer = fake_peer(two.a, &two.mesh->node[1].id);

		two.mesh->node[0].unreachable = two.mesh->node[1].unreachable = true;
		mesh_cut(two.mesh, 0, 1, reasons[i]);
		mesh_run(two.mesh, 100);
		assert_false(peer->up);
		assert_int_equal(peer->downs, 1);
		assert_int_equal(peer->closed, reasons[i] != ERROR_IDLE);
		assert_int_equal(mesh_facts(two.mesh, 0, GROUPS_UNBONDED), 1);
		mesh_free(two.mesh);
	}
}

static void a_lost_bond_is_made_again(void **state)
{
	struct two two = two_bonded(4);

	(void)state;
	mesh_cut(two.mesh, 0, 1, ERROR_UNEXPECTED_CLOSE);
	mesh_new_session(two.mesh, 0, 1);
	mesh_run(two.mesh, 1000);
	assert_true(mesh_bonded(two.mesh, two.a, 1) && mesh_bonded(two.mesh, two.b, 0));
	assert_int_equal(fake_peer(two.a, &two.mesh->node[1].id)->ups, 2);
	mesh_free(two.mesh);
}

static void failed_dials_become_rarer(void **state)
{
	struct two two = two_members(5);
	unsigned after_10_s, after_100_s;

	(void)state;
	two.mesh->node[1].unreachable = true;
	mesh_find(two.mesh, 0, two.a, 1);
	mesh_run(two.mesh, 10000);
	after_10_s = two.mesh->node[0].dials / LANES;
	mesh_run(two.mesh, 90000);
	after_100_s = two.mesh->node[0].dials / LANES;
	assert_in_range(after_10_s, 3, 6);            /* 0, 1, 3, 7 s */
	assert_in_range(after_100_s, after_10_s + 2, after_10_s + 5);
	two.mesh->node[1].unreachable = false;
	mesh_run(two.mesh, BOND_RETRY_MAX * 5 / 4);
	assert_true(mesh_bonded(two.mesh, two.a, 1));
	mesh_free(two.mesh);
}

static void nobody_dials_who_is_gone_from_the_catalog(void **state)
{
	struct two two = two_members(6);

	(void)state;
	two.mesh->node[1].unreachable = true;
	mesh_find(two.mesh, 0, two.a, 1);
	mesh_run(two.mesh, 100);
	assert_true(fake_peer(two.a, &two.mesh->node[1].id)->expected);
	groups_peer_gone(two.mesh->node[0].groups, two.mesh->now, group_id(two.a), &two.mesh->node[1].id);
	assert_false(fake_peer(two.a, &two.mesh->node[1].id)->expected);
	two.mesh->node[0].dials = 0;
	mesh_run(two.mesh, 100000);
	assert_int_equal(two.mesh->node[0].dials, 0);
	mesh_free(two.mesh);
}

static void a_bond_outlives_its_entry(void **state)
{
	struct two two = two_bonded(7);

	(void)state;
	groups_peer_gone(two.mesh->node[0].groups, two.mesh->now, group_id(two.a), &two.mesh->node[1].id);
	mesh_run(two.mesh, 60000);
	assert_true(mesh_bonded(two.mesh, two.a, 1));
	mesh_free(two.mesh);
}

static void voters_are_found_without_the_catalog(void **state)
{
	struct two two = two_members(8);

	(void)state;
	two.a->voter[two.a->voters++] = two.mesh->node[0].id;
	two.a->voter[two.a->voters++] = two.mesh->node[1].id;
	fake_say(two.a, &(struct group_fact){.kind = GROUP_VOTERS});
	mesh_turn(two.mesh, 0);
	mesh_run(two.mesh, 1000);
	assert_true(mesh_bonded(two.mesh, two.a, 1) && mesh_bonded(two.mesh, two.b, 0));
	mesh_free(two.mesh);
}

/* Killed without a word, it is back before anybody noticed: its new bond waits until the old one is found to be dead. */
static void a_new_life_replaces_a_dead_bond(void **state)
{
	struct two two = two_bonded(9);
	struct mesh_node *node = &two.mesh->node[1];

	(void)state;
	for (size_t w = 0; w < two.mesh->wires; w++)
		for (size_t e = 0; e < 2; e++)
			if (two.mesh->wire[w].end[e].node == 1)
				two.mesh->wire[w].end[e].alive = false;
	groups_free(node->groups);
	node->groups = groups_new(&(struct groups_options){.self = node->id, .seed = 99}, two.mesh->now);
	mesh_new_session(two.mesh, 0, 1);
	two.b = mesh_join(two.mesh, 1, "group");
	two.b->hello.incarnation = 555;
	mesh_find(two.mesh, 1, two.b, 0);
	mesh_run(two.mesh, 1000);
	assert_int_equal(fake_peer(two.a, &node->id)->downs, 0);
	mesh_run(two.mesh, 5000);
	assert_int_equal(fake_peer(two.a, &node->id)->downs, 1);
	assert_true(fake_peer(two.a, &node->id)->closed);
	assert_true(mesh_bonded(two.mesh, two.a, 1) && mesh_bonded(two.mesh, two.b, 0));
	assert_int_equal(fake_peer(two.a, &node->id)->hello.incarnation, 555);
	mesh_free(two.mesh);
}

static void nonsense_of_a_member_ends_the_connection(void **state)
{
	struct two two = two_bonded(10);

	(void)state;
	two.b->verdict = ERROR_MALFORMED;
	fake_send(two.a, &two.mesh->node[1].id, LANE_APPEND, message_of(10));
	mesh_turn(two.mesh, 0);
	mesh_run(two.mesh, 50);
	assert_true(two.mesh->violated);
	assert_int_equal(fake_peer(two.b, &two.mesh->node[0].id)->downs, 1);
	mesh_free(two.mesh);
}

/* Two versions that do not understand each other must not keep the network busy. */
static void bonds_that_break_at_once_become_rarer(void **state)
{
	struct two two = two_bonded(15);
	const struct fake_peer *peer = fake_peer(two.b, &two.mesh->node[0].id);

	(void)state;
	two.b->verdict = ERROR_MALFORMED;
	for (int i = 0; i < 2000; i++) {
		if (mesh_bonded(two.mesh, two.a, 1)) {
			fake_send(two.a, &two.mesh->node[1].id, LANE_APPEND, message_of(10));
			mesh_turn(two.mesh, 0);
		}
		mesh_run(two.mesh, 50);
	}
	assert_in_range(peer->downs, 5, 14);
	mesh_free(two.mesh);
}

static void who_leaves_says_so(void **state)
{
	struct two two = two_bonded(11);

	(void)state;
	groups_remove(two.mesh->node[1].groups, two.mesh->now, group_id(two.a), &two.mesh->node[1].out);
	mesh_carry_out(two.mesh, 1);
	assert_int_equal(two.mesh->node[1].last_close, ERROR_GRACEFUL);
	mesh_run(two.mesh, 100);
	assert_true(fake_peer(two.a, &two.mesh->node[1].id)->closed);
	assert_null(groups_find(two.mesh->node[1].groups, group_id(two.a)));
	two.mesh->node[0].last_unlinked = OK;
	mesh_run(two.mesh, 3000);   /* it dials, and is told that the group is not there */
	assert_int_equal(two.mesh->node[1].last_close, ERROR_GROUP_NOT_FOUND);
	mesh_free(two.mesh);
}

static void groups_of_one_pair_do_not_disturb_each_other(void **state)
{
	struct two two = two_bonded(12);
	struct group *c = mesh_join(two.mesh, 0, "other"), *d = mesh_join(two.mesh, 1, "other");

	(void)state;
	mesh_find(two.mesh, 0, c, 1);
	mesh_run(two.mesh, 1000);
	assert_true(mesh_bonded(two.mesh, c, 1) && mesh_bonded(two.mesh, d, 0));
	groups_remove(two.mesh->node[0].groups, two.mesh->now, group_id(c), &two.mesh->node[0].out);
	mesh_run(two.mesh, 1000);
	assert_true(mesh_bonded(two.mesh, two.a, 1) && mesh_bonded(two.mesh, two.b, 0));
	assert_int_equal(fake_peer(two.a, &two.mesh->node[1].id)->ups, 1);
	mesh_free(two.mesh);
}

static void a_group_is_joined_once(void **state)
{
	struct two two = two_members(13);
	struct id key = mesh_key();
	enum error error = groups_add(two.mesh->node[0].groups, two.mesh->now, fake_group(&two.mesh->node[0].id, "group", 7), &key);

	(void)state;
	assert_int_equal(error, ERROR_STALE);
	assert_ptr_equal(groups_find(two.mesh->node[0].groups, group_id(two.a)), two.a);
	assert_memory_equal(groups_at(two.mesh->node[0].groups, 0), group_id(two.a), ID_SIZE);
	assert_null(groups_at(two.mesh->node[0].groups, 1));
	mesh_free(two.mesh);
}

static void storage_goes_through_the_owner(void **state)
{
	struct two two = two_members(14);
	struct groups_fact fact;
	struct persist *persist = persist_new(77);

	(void)state;
	two.a->effect[two.a->effects++] = (struct group_effect){.kind = GROUP_PERSIST, .persist = persist};
	mesh_turn(two.mesh, 0);
	assert_true(groups_next_fact(two.mesh->node[0].groups, &fact));
	assert_int_equal(fact.kind, GROUPS_PERSIST);
	assert_ptr_equal(fact.persist, persist);
	groups_persisted(two.mesh->node[0].groups, two.mesh->now, &(struct groups_done){fact.group, persist->token, OK},
		&two.mesh->node[0].out);
	persist_free(persist);
	assert_true(groups_next_fact(two.mesh->node[0].groups, &fact));
	assert_int_equal(fact.fact.term, 77);
	mesh_free(two.mesh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_side_is_enough),
		cmocka_unit_test(dials_that_cross_leave_one_bond),
		cmocka_unit_test(messages_arrive_on_their_lanes),
		cmocka_unit_test(what_is_said_early_waits_for_its_lane),
		cmocka_unit_test(a_reader_that_hangs_costs_no_more_than_the_bound),
		cmocka_unit_test(a_hello_is_told_again_when_it_changes),
		cmocka_unit_test(a_hello_that_changes_during_the_handshake_arrives),
		cmocka_unit_test(a_closed_connection_is_told_as_closed),
		cmocka_unit_test(a_lost_bond_is_made_again),
		cmocka_unit_test(failed_dials_become_rarer),
		cmocka_unit_test(nobody_dials_who_is_gone_from_the_catalog),
		cmocka_unit_test(a_bond_outlives_its_entry),
		cmocka_unit_test(voters_are_found_without_the_catalog),
		cmocka_unit_test(a_new_life_replaces_a_dead_bond),
		cmocka_unit_test(nonsense_of_a_member_ends_the_connection),
		cmocka_unit_test(bonds_that_break_at_once_become_rarer),
		cmocka_unit_test(who_leaves_says_so),
		cmocka_unit_test(groups_of_one_pair_do_not_disturb_each_other),
		cmocka_unit_test(a_group_is_joined_once),
		cmocka_unit_test(storage_goes_through_the_owner),
	};

	return cmocka_run_group_tests_name("bond", tests, NULL, NULL);
}
