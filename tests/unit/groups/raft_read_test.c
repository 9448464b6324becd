/*
 * raft_read_test.c - ReadIndex (6.4; B3, B4).
 */
#include "lone.h"

static void answer(struct lone *l, size_t from, uint64_t round)
{
	assert_int_equal(lone_hear(l, from, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY,
		.term = raft_term(l->raft), .match = raft_commit(l->raft), .index = raft_last(l->raft), .round = round}), OK);
}

static void b4_not_before_the_noop_is_committed(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_lead(l);
	raft_read(l->raft, l->now, 1);
	lone_drain(l);
	answer(l, 1, l->raft->round);
	assert_int_equal(l->seen[RAFT_READABLE], 0);
	lone_ok(l, 1, 2);
	assert_int_equal(l->seen[RAFT_READABLE], 0);
	answer(l, 1, 1);
	assert_int_equal(l->seen[RAFT_READABLE], 1);
	assert_int_equal(l->output[RAFT_READABLE].index, 2);
	lone_free(l);
}

static void reads_of_a_turn_share_a_round(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	for (uint64_t ticket = 1; ticket <= 50; ticket++)
		raft_read(l->raft, l->now, ticket);
	lone_drain(l);
	assert_int_equal(lone_count(l, 1, RAFT_HEARTBEAT), 1);
	answer(l, 2, 1);
	assert_int_equal(l->seen[RAFT_READABLE], 50);
	lone_free(l);
}

static void b3_an_answer_to_an_earlier_round_confirms_nothing(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	raft_read(l->raft, l->now, 1);
	lone_drain(l);
	answer(l, 1, 0);
	assert_int_equal(l->seen[RAFT_READABLE], 0);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	lone_ok(l, 1, 3);
	raft_read(l->raft, l->now, 2);
	lone_drain(l);
	answer(l, 1, 1);
	assert_int_equal(l->seen[RAFT_READABLE], 1);
	assert_int_equal(l->output[RAFT_READABLE].ticket, 1);
	assert_int_equal(l->output[RAFT_READABLE].index, 2);
	answer(l, 1, 1);
	assert_int_equal(l->seen[RAFT_READABLE], 1);
	answer(l, 2, 2);
	assert_int_equal(l->output[RAFT_READABLE].ticket, 2);
	assert_int_equal(l->output[RAFT_READABLE].index, 3);
	lone_free(l);
}

static void the_end_of_a_term_fails_its_reads(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	raft_read(l->raft, l->now, 1);
	lone_drain(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 3});
	assert_int_equal(l->seen[RAFT_READ_FAILED], 1);
	assert_int_equal(l->seen[RAFT_READABLE], 0);
	lone_free(l);
}

static void without_a_leader_a_read_fails_at_once(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	raft_read(l->raft, l->now, 1);
	lone_drain(l);
	assert_int_equal(l->seen[RAFT_READ_FAILED], 1);
	assert_int_equal(l->output[RAFT_READ_FAILED].reason, ERROR_NOT_LEADER);
	lone_free(l);
}

static void b3_a_follower_asks_again_with_another_id(void **state)
{
	struct lone *l = lone_new(3);
	uint64_t id;

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	raft_read(l->raft, l->now, 1);
	lone_drain(l);
	id = lone_said(l, 1, RAFT_READ)->id;
	lone_tick(l, 1000);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	assert_int_not_equal(lone_said(l, 1, RAFT_READ)->id, id);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_READ_REPLY, .term = 2, .id = id, .granted = true, .index = 5});
	assert_int_equal(l->seen[RAFT_READABLE], 0);   /* the answer to the first is too old */
	id = lone_said(l, 1, RAFT_READ)->id;
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_READ_REPLY, .term = 2, .id = id, .granted = true, .index = 5});
	assert_int_equal(l->seen[RAFT_READABLE], 0);   /* it was not asked */
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_READ_REPLY, .term = 2, .id = id, .granted = true, .index = 6});
	assert_int_equal(l->seen[RAFT_READABLE], 1);
	assert_int_equal(l->output[RAFT_READABLE].index, 6);
	lone_free(l);
}

static void read_everywhere(struct cluster *c, uint64_t first)
{
	for (size_t i = 0; i < c->count; i++)
		raft_read(c->node[i].raft, c->now, first + i);
}

static void every_member_can_read(void **state)
{
	struct cluster *c = cluster_new(4, 3);
	uint64_t index = cluster_write(c, "a");

	(void)state;
	read_everywhere(c, 1);
	cluster_run(c, 10);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(c->read[1 + i], READ_OK);
		assert_true(c->read_index[1 + i] >= index);
	}
	cluster_free(c);
}

/* I24: whatever was acknowledged before a read began, the read sees; the old leader answers nothing. */
static void an_isolated_leader_answers_no_read(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t old = cluster_elect(c, NOBODY), new;
	uint64_t index;

	(void)state;
	cluster_write(c, "a");
	cluster_isolate(c, old, true);
	raft_read(c->node[old].raft, c->now, 1);
	new = cluster_elect(c, old);
	assert_int_equal(cluster_propose(c, new, "b", &index), OK);
	cluster_run(c, 20);
	assert_true(raft_commit(c->node[new].raft) >= index);
	assert_int_not_equal(c->read[1], READ_OK);
	cluster_isolate(c, old, false);
	cluster_run(c, 3000);
	assert_int_equal(c->read[1], READ_FAILED);
	raft_read(c->node[old].raft, c->now, 2);
	cluster_run(c, 20);
	assert_int_equal(c->read[2], READ_OK);
	assert_true(c->read_index[2] >= index);
	cluster_free(c);
}

static void reads_survive_loss(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);
	size_t ok = 0;

	(void)state;
	cluster_write(c, "a");
	cluster_run(c, 1000);
	c->loss = 20;
	for (uint64_t i = 0; i < 100; i++) {
		raft_read(c->node[(leader + 1) % 3].raft, c->now, 1 + i);
		cluster_run(c, 20);
	}
	c->loss = 0;
	cluster_run(c, 5000);
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_not_equal(c->read[1 + i], READ_OPEN);
		ok += c->read[1 + i] == READ_OK;
	}
	assert_true(ok > 50);
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b4_not_before_the_noop_is_committed),
		cmocka_unit_test(reads_of_a_turn_share_a_round),
		cmocka_unit_test(b3_an_answer_to_an_earlier_round_confirms_nothing),
		cmocka_unit_test(the_end_of_a_term_fails_its_reads),
		cmocka_unit_test(without_a_leader_a_read_fails_at_once),
		cmocka_unit_test(b3_a_follower_asks_again_with_another_id),
		cmocka_unit_test(every_member_can_read),
		cmocka_unit_test(an_isolated_leader_answers_no_read),
		cmocka_unit_test(reads_survive_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
