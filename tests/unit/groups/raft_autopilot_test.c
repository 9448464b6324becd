/*
 * raft_autopilot_test.c - who votes: growth, replacement, departure, and what must never happen (C1 to C6, B5, B8, B11,
 * B14, B18, B22).
 */
#include "lone.h"

#define SETTLE 30000

static bool all_vote(const struct cluster *c, size_t at, const size_t *node, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!cluster_votes(c, at, &c->node[node[i]].self))
			return false;
	return cluster_voter_count(c, at) == count && !configuration_is_joint(raft_config_committed(c->node[at].raft));
}

static void one_grows_to_three_at_once(void **state)
{
	struct cluster *c = cluster_new(3, 1);

	(void)state;
	cluster_run(c, 2500);
	assert_true(all_vote(c, 0, (size_t[]){0, 1, 2}, 3));
	/* Joint consensus: GENESIS, NOOP, joint, simple. */
	assert_true(configuration_is_joint(&c->node[0].raft->configured[1].configuration) == true);
	assert_int_equal(c->node[0].raft->configured_count, 3);
	cluster_free(c);
}

static void two_members_are_one_voter_and_a_standby(void **state)
{
	struct cluster *c = cluster_new(2, 1);

	(void)state;
	cluster_run(c, SETTLE);
	assert_int_equal(cluster_voter_count(c, 0), 1);
	cluster_free(c);
}

static void two_copies_if_wanted(void **state)
{
	struct cluster *c = memory_new(sizeof(*c));

	(void)state;
	cluster_init(c, 0);
	c->count = 2;
	c->options.copies_min = 2;
	for (size_t i = 0; i < 2; i++)
		c->node[i].self = (struct member){cluster_id(i), i + 1};
	for (size_t i = 0; i < 2; i++)
		cluster_start(c, i, false);
	cluster_begin(c, 1);
	cluster_run(c, SETTLE);
	assert_int_equal(cluster_voter_count(c, 0), 2);
	cluster_free(c);
}

static void it_grows_to_the_cap_and_not_beyond(void **state)
{
	struct cluster *c = cluster_new(8, 1);

	(void)state;
	cluster_run(c, 60000);
	assert_int_equal(cluster_voter_count(c, cluster_leader(c)), 5);
	cluster_free(c);
}

static void an_observer_never_votes(void **state)
{
	struct cluster *c = memory_new(sizeof(*c));

	(void)state;
	cluster_init(c, 4);
	for (size_t i = 2; i < 4; i++) {
		c->node[i].preference = PREFER_OBSERVER;
		cluster_greet(c, 0, i);
	}
	cluster_begin(c, 1);
	cluster_run(c, SETTLE);
	assert_int_equal(cluster_voter_count(c, 0), 1);
	assert_int_equal(raft_commit(c->node[3].raft), raft_commit(c->node[0].raft));   /* but it has everything */
	cluster_free(c);
}

static void b22_silence_without_a_standby_changes_nothing(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);

	(void)state;
	cluster_crash(c, (leader + 1) % 3, false);
	cluster_run(c, 120000);
	assert_int_equal(cluster_voter_count(c, cluster_leader(c)), 3);
	cluster_free(c);
}

static void a_silent_voter_is_replaced_in_one_change(void **state)
{
	struct cluster *c = cluster_new(4, 3);
	size_t leader = cluster_elect(c, NOBODY);
	size_t dead = (leader + 1) % 3;
	uint64_t index;

	(void)state;
	cluster_run(c, 12000);
	assert_int_equal(cluster_voter_count(c, leader), 3);
	cluster_crash(c, dead, false);
	cluster_run(c, 10000);
	assert_true(cluster_votes(c, cluster_leader(c), &c->node[dead].self));   /* not yet 15 s */
	cluster_run(c, 10000);
	leader = cluster_leader(c);
	assert_false(cluster_votes(c, leader, &c->node[dead].self));
	assert_true(cluster_votes(c, leader, &c->node[3].self));
	assert_int_equal(cluster_voter_count(c, leader), 3);
	/* It comes back, is told, and is a standby. */
	index = cluster_write(c, "a");
	cluster_restart(c, dead);
	cluster_run(c, 3000);
	assert_true(c->node[dead].removed || !raft_is_voter(c->node[dead].raft));
	assert_int_equal(raft_role(c->node[dead].raft), RAFT_LEARNER);
	assert_true(raft_commit(c->node[dead].raft) >= index);
	cluster_free(c);
}

/* The old life votes no more, the new one takes its place at once, and the size stays. */
static void s5_a_new_life_replaces_the_old(void **state)
{
	struct cluster *c = cluster_new(3, 3);

	(void)state;
	cluster_write(c, "a");
	for (size_t round = 0; round < 9; round++) {
		size_t n = round % 3;
		struct member old = c->node[n].self;
		size_t leader;

		cluster_crash(c, n, true);
		cluster_run(c, 1000);
		cluster_rebirth(c, n);
		cluster_run(c, 3000);
		leader = cluster_elect(c, NOBODY);
		assert_false(cluster_votes(c, leader, &old));
		assert_true(all_vote(c, leader, (size_t[]){0, 1, 2}, 3));
	}
	assert_true(cluster_write(c, "b") > 3);
	cluster_free(c);
}

/* Seven voters: two live on as others, one is silent. The two are replaced first, and one by one if need be. */
static void ended_lives_are_replaced_before_silent_ones(void **state)
{
	struct cluster *c = memory_new(sizeof(*c));
	size_t leader;

	(void)state;
	cluster_init(c, 0);
	c->count = 7;
	c->options.voters_cap = 7;
	for (size_t i = 0; i < 7; i++)
		c->node[i].self = (struct member){cluster_id(i), i + 1};
	for (size_t i = 0; i < 7; i++)
		cluster_start(c, i, false);
	cluster_begin(c, 7);
	leader = cluster_elect(c, NOBODY);
	for (size_t i = 1; i <= 3; i++)
		cluster_crash(c, (leader + i) % 7, false);
	cluster_run(c, 20000);
	cluster_rebirth(c, (leader + 1) % 7);
	cluster_run(c, 3000);
	leader = cluster_leader(c);
	assert_int_equal(cluster_voter_count(c, leader), 7);
	for (size_t n = 0; n < 7; n++)
		if (c->node[n].raft)
			assert_true(cluster_votes(c, leader, &c->node[n].self));
	cluster_free(c);
}

static void sizes_by_leaving_are_3_1_1(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);
	size_t second = (leader + 1) % 3, third = (leader + 2) % 3;

	(void)state;
	raft_leave(c->node[second].raft, c->now);
	cluster_run(c, 50);
	assert_true(c->node[second].removed);
	cluster_crash(c, second, true);
	cluster_run(c, SETTLE);
	leader = cluster_leader(c);
	assert_int_equal(cluster_voter_count(c, leader), 1);
	assert_int_equal(c->node[leader].raft->peers.count, 1);   /* who is gone and no voter is forgotten */
	third = leader == third ? (third + 2) % 3 : third;
	raft_leave(c->node[third].raft, c->now);
	cluster_run(c, 50);
	assert_true(c->node[third].removed);
	cluster_crash(c, third, true);
	cluster_run(c, SETTLE);
	assert_int_equal(cluster_voter_count(c, leader), 1);
	cluster_write(c, "a");
	cluster_free(c);
}

static void a_leaving_leader_hands_over_within_150_ms(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);
	msec then = c->now;

	(void)state;
	raft_leave(c->node[leader].raft, c->now);
	while (!c->node[leader].removed && c->now < then + 5000)
		cluster_step(c);
	assert_true(c->node[leader].removed);
	assert_int_not_equal(cluster_elect(c, leader), leader);
	cluster_write(c, "a");
	assert_true(c->now - then <= 150);
	cluster_free(c);
}

static void c4_the_only_voter_leaves_for_a_standby(void **state)
{
	struct cluster *c = cluster_new(2, 1);
	uint64_t index;

	(void)state;
	index = cluster_write(c, "a");
	cluster_run(c, 20);
	raft_leave(c->node[0].raft, c->now);
	cluster_run(c, 150);
	assert_true(c->node[0].removed);
	assert_int_equal(cluster_leader(c), 1);
	assert_true(raft_commit(c->node[1].raft) >= index);
	cluster_crash(c, 0, true);
	cluster_write(c, "b");
	cluster_free(c);
}

static void the_last_one_cannot_leave(void **state)
{
	struct cluster *c = cluster_new(1, 1);

	(void)state;
	cluster_elect(c, NOBODY);
	raft_leave(c->node[0].raft, c->now);
	cluster_run(c, 10000);
	assert_false(c->node[0].removed);
	assert_int_equal(cluster_leader(c), 0);
	cluster_free(c);
}

static void a_standby_may_go_at_once(void **state)
{
	struct cluster *c = cluster_new(4, 3);

	(void)state;
	cluster_write(c, "a");
	raft_leave(c->node[3].raft, c->now);
	cluster_run(c, 1);
	assert_true(c->node[3].removed);
	cluster_free(c);
}

/* Three, of which one has crashed; *dead is that one. Returns the leader. */
static size_t lose_one(struct cluster *c, size_t *dead)
{
	size_t leader = cluster_elect(c, NOBODY);

	*dead = (leader + 1) % 3;
	cluster_run(c, 100);
	cluster_crash(c, *dead, true);
	return leader;
}

static void who_is_declared_dead_lowers_the_floor(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t dead, leader = lose_one(c, &dead);

	(void)state;
	raft_declare_dead(c->node[leader].raft, c->now, &c->node[dead].self);
	cluster_run(c, 1000);
	assert_int_equal(cluster_voter_count(c, leader), 1);
	cluster_free(c);
}

/* It might become the only voter, and have nothing: simulator seed 848146. */
static void who_is_filled_from_a_snapshot_changes_no_voters(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t dead, leader = lose_one(c, &dead);

	(void)state;
	raft_set_hollow(c->node[leader].raft, true);
	raft_declare_dead(c->node[leader].raft, c->now, &c->node[dead].self);
	cluster_run(c, 5000);
	assert_int_equal(cluster_voter_count(c, leader), 3);
	raft_set_hollow(c->node[leader].raft, false);
	cluster_run(c, 5000);
	assert_int_equal(cluster_voter_count(c, leader), 1);
	cluster_free(c);
}

static void who_lives_on_as_another_does_not(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t dead, leader = lose_one(c, &dead);

	(void)state;
	raft_outlived(c->node[leader].raft, c->now, &c->node[dead].self);   /* heard before the other life is met */
	cluster_run(c, 5000);
	assert_int_equal(cluster_voter_count(c, leader), 3);
	cluster_free(c);
}

static void a_voter_that_turns_observer_goes(void **state)
{
	struct cluster *c = cluster_new(4, 3);
	size_t leader = cluster_elect(c, NOBODY);
	size_t n = (leader + 1) % 3;

	(void)state;
	cluster_run(c, 100);
	c->node[n].preference = PREFER_OBSERVER;
	raft_set_preference(c->node[n].raft, c->now, PREFER_OBSERVER);
	for (size_t i = 0; i < 4; i++)
		cluster_greet(c, i, n);
	cluster_run(c, 3000);
	assert_false(cluster_votes(c, leader, &c->node[n].self));
	assert_int_equal(cluster_voter_count(c, leader), 3);
	cluster_free(c);
}

/* ---- joint configurations, by hand ---- */

static struct log_entry configuration_entry(uint64_t term, const struct configuration *configuration)
{
	struct buffer payload = {0};
	struct log_entry entry = {.head = {.term = term, .kind = ENTRY_CONFIGURATION}};

	configuration_encode(configuration, &payload);
	entry.payload = blob_copy(buffer_bytes(&payload));
	buffer_fini(&payload);
	return entry;
}

static void b5_a_configuration_is_in_force_when_appended(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration three = lone_voters(0, 3), other = lone_voters(2, 3);
	struct log_entry entry = configuration_entry(2, &other);
	uint64_t written;

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = &entry, .count = 1});
	assert_true(voters_equal(&raft_config_effective(l->raft)->incoming, &other.incoming));
	/* C5: and taken back with the entry. */
	entry = lone_entry(3, "");
	lone_append(l, 2, &(struct lone_append){.term = 3, .prev = 1, .entry = &entry, .count = 1});
	assert_true(voters_equal(&raft_config_effective(l->raft)->incoming, &three.incoming));
	assert_true(voters_equal(&raft_configuration(l->raft, 2, &written)->incoming, &three.incoming));
	assert_int_equal(written, 1);
	lone_free(l);
}

static void b11_a_recovered_joint_configuration_is_left_only_when_committed(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration joint = {.outgoing = lone_voters(0, 3).incoming, .incoming = lone_voters(0, 5).incoming};
	struct log_entry entry = configuration_entry(2, &joint);

	(void)state;
	for (size_t i = 3; i < 5; i++)
		lone_meet(l, i, PREFER_NORMAL);
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = &entry, .count = 1});
	lone_lead(l);
	assert_int_equal(raft_last(l->raft), 3);   /* GENESIS, joint, NOOP: no more */
	lone_ok(l, 1, 2);
	lone_ok(l, 2, 2);
	lone_ok(l, 3, 2);
	assert_int_equal(raft_commit(l->raft), 0);   /* not of our own term */
	assert_true(configuration_is_joint(raft_config_effective(l->raft)));
	lone_ok(l, 1, 3);
	assert_int_equal(raft_commit(l->raft), 0);   /* two of three, but two of five */
	lone_ok(l, 4, 3);
	assert_int_equal(raft_commit(l->raft), 3);
	assert_false(configuration_is_joint(raft_config_effective(l->raft)));
	assert_int_equal(raft_config_index(l->raft), 4);
	lone_free(l);
}

static void c1_nothing_is_changed_before_the_noop_is_committed(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_lead(l);
	raft_leave(l->raft, l->now);
	raft_declare_dead(l->raft, l->now, &(struct member){cluster_id(1), 2});
	lone_tick(l, 600);
	assert_int_equal(raft_config_index(l->raft), 1);
	lone_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_grows_to_three_at_once),
		cmocka_unit_test(two_members_are_one_voter_and_a_standby),
		cmocka_unit_test(two_copies_if_wanted),
		cmocka_unit_test(it_grows_to_the_cap_and_not_beyond),
		cmocka_unit_test(an_observer_never_votes),
		cmocka_unit_test(b22_silence_without_a_standby_changes_nothing),
		cmocka_unit_test(a_silent_voter_is_replaced_in_one_change),
		cmocka_unit_test(s5_a_new_life_replaces_the_old),
		cmocka_unit_test(ended_lives_are_replaced_before_silent_ones),
		cmocka_unit_test(sizes_by_leaving_are_3_1_1),
		cmocka_unit_test(a_leaving_leader_hands_over_within_150_ms),
		cmocka_unit_test(c4_the_only_voter_leaves_for_a_standby),
		cmocka_unit_test(the_last_one_cannot_leave),
		cmocka_unit_test(a_standby_may_go_at_once),
		cmocka_unit_test(who_is_declared_dead_lowers_the_floor),
		cmocka_unit_test(who_is_filled_from_a_snapshot_changes_no_voters),
		cmocka_unit_test(who_lives_on_as_another_does_not),
		cmocka_unit_test(a_voter_that_turns_observer_goes),
		cmocka_unit_test(b5_a_configuration_is_in_force_when_appended),
		cmocka_unit_test(b11_a_recovered_joint_configuration_is_left_only_when_committed),
		cmocka_unit_test(c1_nothing_is_changed_before_the_noop_is_committed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
