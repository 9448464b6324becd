/*
 * raft_transfer_test.c - handing over (3.10 of the dissertation).
 */
#include "lone.h"

static void the_successor_takes_over_in_a_moment(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);
	size_t to = (leader + 1) % 3;
	msec then;

	(void)state;
	cluster_write(c, "a");
	cluster_run(c, 100);
	then = c->now;
	raft_transfer(c->node[leader].raft, c->now, &c->node[to].self.peer);
	assert_int_equal(cluster_elect(c, leader), to);
	assert_true(c->now - then < 20);
	assert_int_equal(raft_role(c->node[leader].raft), RAFT_FOLLOWER);
	cluster_free(c);
}

static void nothing_is_proposed_meanwhile_and_the_successor_catches_up(void **state)
{
	struct lone *l = lone_new(3);
	struct id to = cluster_id(2);

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	raft_transfer(l->raft, l->now, &to);
	lone_drain(l);
	assert_int_equal(lone_count(l, 2, RAFT_TIMEOUT_NOW), 0);
	assert_int_equal(lone_propose(l, "b"), ERROR_NOT_LEADER);
	lone_ok(l, 2, 3);
	assert_int_equal(lone_count(l, 2, RAFT_TIMEOUT_NOW), 1);
	assert_int_equal(lone_said(l, 2, RAFT_TIMEOUT_NOW)->index, 3);
	/* It does not take over: we go on, with something that makes the TIMEOUT_NOW an old one. */
	lone_tick(l, 1000);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY, .term = 2, .match = 3, .index = 3});
	lone_tick(l, 1001);
	assert_int_equal(raft_last(l->raft), 4);
	assert_int_equal(lone_propose(l, "b"), OK);
	lone_drain(l);
	lone_free(l);
}

static void who_cannot_lead_is_not_asked(void **state)
{
	struct lone *l = lone_new(3);
	struct id to = cluster_id(5);

	(void)state;
	lone_rule(l, 3);
	lone_meet(l, 5, PREFER_NORMAL);
	raft_transfer(l->raft, l->now, &to);          /* a standby */
	assert_int_equal(lone_propose(l, "a"), OK);
	to = cluster_id(1);
	lone_meet(l, 1, PREFER_OBSERVER);
	raft_transfer(l->raft, l->now, &to);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	lone_free(l);
}

static void a_timeout_now_of_the_past_does_nothing(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 5});
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_TIMEOUT_NOW, .term = 4});
	assert_int_equal(raft_role(l->raft), RAFT_FOLLOWER);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_TIMEOUT_NOW, .term = 5, .index = 1});
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	assert_int_equal(raft_term(l->raft), 6);
	assert_true(lone_said(l, 2, RAFT_VOTE)->transfer);
	lone_free(l);
}

static void who_got_more_since_does_not_obey(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(5, ""), lone_entry(5, "a")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 5, .prev = 1, .entry = entry, .count = 2});
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_TIMEOUT_NOW, .term = 5, .index = 2});
	assert_int_equal(raft_role(l->raft), RAFT_FOLLOWER);
	assert_int_equal(raft_term(l->raft), 5);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_TIMEOUT_NOW, .term = 5, .index = 3});
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	lone_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_successor_takes_over_in_a_moment),
		cmocka_unit_test(nothing_is_proposed_meanwhile_and_the_successor_catches_up),
		cmocka_unit_test(who_cannot_lead_is_not_asked),
		cmocka_unit_test(a_timeout_now_of_the_past_does_nothing),
		cmocka_unit_test(who_got_more_since_does_not_obey),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
