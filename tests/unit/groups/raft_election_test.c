/*
 * raft_election_test.c - rules E1 to E10 of elections, and what went wrong with them elsewhere.
 */
#include "lone.h"

static void to_deadline(struct lone *l)
{
	do   /* a tick may have other work */
		lone_tick(l, raft_deadline(l->raft) - l->now);
	while (raft_role(l->raft) == RAFT_FOLLOWER);
}

static void e1_an_observer_and_a_learner_never_campaign(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	raft_set_preference(l->raft, l->now, PREFER_OBSERVER);
	lone_tick(l, 60000);
	assert_int_equal(raft_role(l->raft), RAFT_FOLLOWER);
	assert_int_equal(l->said_count, 0);
	lone_free(l);

	l = lone_options(2, &(struct raft_options){0});
	raft_adopt(l->raft, l->now, &l->lineage);
	lone_tick(l, 60000);
	assert_int_equal(raft_role(l->raft), RAFT_LEARNER);
	assert_int_equal(l->said_count, 0);
	lone_free(l);
}

static void e2_a_prevote_changes_nothing(void **state)
{
	struct lone *l = lone_new(3);
	uint64_t term = raft_term(l->raft);
	unsigned persists = l->persists;

	(void)state;
	to_deadline(l);
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);
	assert_int_equal(lone_said(l, 1, RAFT_PREVOTE)->term, term + 1);
	assert_int_equal(raft_term(l->raft), term);
	assert_int_equal(l->persists, persists);   /* B13: no persistent state is touched */
	lone_free(l);
}

static void b13_a_prevote_reply_is_no_vote(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	to_deadline(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 2, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 2, .granted = true});
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 3, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE_REPLY, .term = 2, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_IS_LEADER);
	lone_free(l);
}

static void e2_joint_needs_both_majorities(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration joint = {.outgoing = lone_voters(0, 3).incoming, .incoming = lone_voters(3, 3).incoming};
	struct buffer payload = {0};
	struct log_entry entry;

	(void)state;
	for (size_t i = 3; i < 6; i++)
		lone_meet(l, i, PREFER_NORMAL);
	configuration_encode(&joint, &payload);
	entry = (struct log_entry){.head = {.term = 2, .kind = ENTRY_CONFIGURATION},
		.payload = blob_copy(buffer_bytes(&payload))};
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = &entry, .count = 1});
	buffer_fini(&payload);
	to_deadline(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 3, .granted = true});
	lone_hear(l, 3, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 3, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);   /* two of the old with us, one of the new */
	lone_hear(l, 3, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 3, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);   /* B18: once each */
	lone_hear(l, 4, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 3, .granted = true});
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	lone_free(l);
}

static void a_vote_waits_for_the_disk(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	l->held = true;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 2, .last_index = 1, .last_term = 1});
	assert_int_equal(lone_count(l, 1, RAFT_VOTE_REPLY), 0);
	assert_true(l->last.has_hard && l->last.hard.term == 2);
	assert_int_equal(l->last.hard.vote.incarnation, 2);
	lone_persisted(l);
	lone_drain(l);
	assert_true(lone_said(l, 1, RAFT_VOTE_REPLY)->granted);
	/* I7: one vote a term. */
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 2, .last_index = 9, .last_term = 1});
	assert_false(lone_said(l, 2, RAFT_VOTE_REPLY)->granted);
	lone_free(l);
}

static void a_candidates_own_vote_waits_for_the_disk(void **state)
{
	struct lone *l = lone_new(1);

	(void)state;
	l->held = true;
	to_deadline(l);
	assert_int_equal(raft_role(l->raft), RAFT_CANDIDATE);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(raft_role(l->raft), RAFT_IS_LEADER);
	assert_int_equal(raft_commit(l->raft), 0);   /* B1: its NOOP is not durable */
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(raft_commit(l->raft), 2);
	lone_free(l);
}

static void an_old_log_gets_no_vote(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(2, "a")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 2});
	lone_tick(l, 10000);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 3, .last_index = 50, .last_term = 1});
	assert_false(lone_said(l, 2, RAFT_VOTE_REPLY)->granted);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 3, .last_index = 2, .last_term = 2});
	assert_false(lone_said(l, 2, RAFT_VOTE_REPLY)->granted);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 3, .last_index = 3, .last_term = 2});
	assert_true(lone_said(l, 2, RAFT_VOTE_REPLY)->granted);
	lone_free(l);
}

static void e3_e4_a_content_voter_is_not_disturbed(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE, .term = 3, .last_index = 9, .last_term = 2});
	assert_false(lone_said(l, 2, RAFT_PREVOTE_REPLY)->granted);
	/* B21: rejected without adopting its term. */
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 7, .last_index = 9, .last_term = 2});
	assert_int_equal(raft_term(l->raft), 2);
	lone_hear(l, 2, &(struct raft_message){
		.kind = RAFT_VOTE, .term = 3, .last_index = 9, .last_term = 2, .transfer = true});
	assert_true(lone_said(l, 2, RAFT_VOTE_REPLY)->granted);
	lone_free(l);
}

static void e3_a_closed_connection_ends_loyalty(void **state)
{
	struct lone *l = lone_new(3);
	struct id leader = cluster_id(1);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	raft_peer_down(l->raft, l->now, &leader, false);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE, .term = 3, .last_index = 9, .last_term = 2});
	assert_false(lone_said(l, 2, RAFT_PREVOTE_REPLY)->granted);
	raft_peer_down(l->raft, l->now, &leader, true);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE, .term = 3, .last_index = 9, .last_term = 2});
	assert_true(lone_said(l, 2, RAFT_PREVOTE_REPLY)->granted);
	assert_int_equal(raft_term(l->raft), 2);
	assert_true(raft_deadline(l->raft) <= l->now + raft_timing_default.election_jitter);
	lone_free(l);
}

static void e5_b10_a_rejection_carries_the_term_and_is_adopted(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 9, .last_index = 0, .last_term = 0});
	assert_int_equal(raft_term(l->raft), 9);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE, .term = 5, .last_index = 9, .last_term = 4});
	assert_false(lone_said(l, 2, RAFT_PREVOTE_REPLY)->granted);
	assert_int_equal(lone_said(l, 2, RAFT_PREVOTE_REPLY)->term, 9);
	/* And the other way round. */
	to_deadline(l);
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_PREVOTE_REPLY, .term = 20});
	assert_int_equal(raft_term(l->raft), 20);
	assert_int_equal(raft_role(l->raft), RAFT_FOLLOWER);
	lone_free(l);
}

static void e5_a_leader_of_the_past_learns_the_term(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 9});
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 3});
	assert_int_equal(lone_said(l, 2, RAFT_HEARTBEAT_REPLY)->term, 9);
	lone_free(l);

	l = lone_new(3);
	lone_lead(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY, .term = 9});
	assert_int_equal(raft_role(l->raft), RAFT_FOLLOWER);
	assert_int_equal(raft_term(l->raft), 9);
	lone_free(l);
}

static void e8_a_leader_without_a_quorum_steps_down(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);

	(void)state;
	cluster_isolate(c, leader, true);
	cluster_run(c, raft_timing_default.election_timeout + raft_timing_default.heartbeat + 10);
	assert_int_not_equal(raft_role(c->node[leader].raft), RAFT_IS_LEADER);
	cluster_free(c);
}

static void e9_a_leader_whose_disk_stalls_hands_over(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t leader = cluster_elect(c, NOBODY);
	uint64_t index;

	(void)state;
	c->node[leader].disk_held = true;
	assert_int_equal(cluster_propose(c, leader, "a", &index), OK);
	cluster_elect(c, leader);
	cluster_run(c, 20);
	assert_int_not_equal(cluster_leader(c), leader);
	cluster_free(c);
}

static void e10_a_reluctant_leader_hands_over(void **state)
{
	struct cluster *c = memory_new(sizeof(*c));
	struct id first;

	(void)state;
	cluster_init(c, 3);
	cluster_begin(c, 3);
	first = c->node[cluster_elect(c, NOBODY)].self.peer;
	raft_set_preference(c->node[cluster_number(&first)].raft, c->now, PREFER_RELUCTANT);
	cluster_run(c, 50);
	assert_int_not_equal(cluster_leader(c), cluster_number(&first));
	cluster_free(c);
}

static void b9_a_voter_of_the_committed_configuration_may_campaign(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration without = lone_voters(1, 2);
	struct buffer payload = {0};
	struct log_entry entry;

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .commit = 1});
	configuration_encode(&without, &payload);
	entry = (struct log_entry){.head = {.term = 2, .kind = ENTRY_CONFIGURATION},
		.payload = blob_copy(buffer_bytes(&payload))};
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = &entry, .count = 1, .commit = 1});
	buffer_fini(&payload);
	to_deadline(l);
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);
	lone_free(l);
}

/* What was committed is not remembered; but nobody writes a configuration before the last one is committed. */
static void b9_holds_after_a_restart(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration joint = {.outgoing = lone_voters(0, 3).incoming, .incoming = lone_voters(1, 3).incoming};
	struct configuration without = lone_voters(1, 3);
	struct log_entry entry[2], stored[3];
	struct image image = {.entry = stored, .count = 3};
	struct buffer payload[2] = {{0}};
	struct raft *raft;

	(void)state;
	configuration_encode(&joint, &payload[0]);
	configuration_encode(&without, &payload[1]);
	for (size_t i = 0; i < 2; i++) {
		entry[i] = (struct log_entry){.head = {.term = 2, .kind = ENTRY_CONFIGURATION},
			.payload = blob_copy(buffer_bytes(&payload[i]))};
		buffer_fini(&payload[i]);
	}
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 2, .commit = 2});
	for (size_t i = 0; i < 3; i++)
		stored[i] = *raft_entry(l->raft, i + 1);
	image.hard = (struct hard_state){.lineage = l->lineage, .incarnation = 1, .term = 2};
	raft = raft_new(&(struct raft_options){.self = lone_member(0), .timing = raft_timing_default, .seed = 5}, &image, l->now);
	raft_free(l->raft);
	l->raft = raft;
	assert_int_equal(raft_commit(raft), 0);
	to_deadline(l);
	assert_int_equal(raft_role(l->raft), RAFT_PRE_CANDIDATE);
	lone_free(l);
}

static void b12_who_is_asked_does_not_look_at_its_own_configuration(void **state)
{
	struct lone *l = lone_options(2, &(struct raft_options){0});

	(void)state;
	raft_adopt(l->raft, l->now, &l->lineage);
	lone_drain(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_PREVOTE, .term = 3, .last_index = 9, .last_term = 2});
	assert_true(lone_said(l, 1, RAFT_PREVOTE_REPLY)->granted);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 3, .last_index = 9, .last_term = 2});
	assert_true(lone_said(l, 1, RAFT_VOTE_REPLY)->granted);
	lone_free(l);
}

static void b30_words_to_another_life_are_dropped(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 9, .to = 77, .last_index = 9, .last_term = 8});
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 9, .from = 77, .last_index = 9, .last_term = 8});
	assert_int_equal(raft_term(l->raft), 1);
	l->lineage = id_hash(bytes_of_text("another"));
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 9, .last_index = 9, .last_term = 8});
	assert_int_equal(raft_term(l->raft), 1);
	lone_free(l);
}

static void a_second_leader_of_a_term_is_a_liar(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	assert_int_equal(lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2}), OK);
	assert_int_equal(lone_hear(l, 2, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2}), ERROR_MALFORMED);
	assert_int_equal(lone_hear(l, 2, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = RAFT_INDEX_MAX}),
		ERROR_MALFORMED);
	assert_int_equal(raft_term(l->raft), 2);
	lone_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e1_an_observer_and_a_learner_never_campaign),
		cmocka_unit_test(e2_a_prevote_changes_nothing),
		cmocka_unit_test(b13_a_prevote_reply_is_no_vote),
		cmocka_unit_test(e2_joint_needs_both_majorities),
		cmocka_unit_test(a_vote_waits_for_the_disk),
		cmocka_unit_test(a_candidates_own_vote_waits_for_the_disk),
		cmocka_unit_test(an_old_log_gets_no_vote),
		cmocka_unit_test(e3_e4_a_content_voter_is_not_disturbed),
		cmocka_unit_test(e3_a_closed_connection_ends_loyalty),
		cmocka_unit_test(e5_b10_a_rejection_carries_the_term_and_is_adopted),
		cmocka_unit_test(e5_a_leader_of_the_past_learns_the_term),
		cmocka_unit_test(e8_a_leader_without_a_quorum_steps_down),
		cmocka_unit_test(e9_a_leader_whose_disk_stalls_hands_over),
		cmocka_unit_test(e10_a_reluctant_leader_hands_over),
		cmocka_unit_test(b9_a_voter_of_the_committed_configuration_may_campaign),
		cmocka_unit_test(b9_holds_after_a_restart),
		cmocka_unit_test(b12_who_is_asked_does_not_look_at_its_own_configuration),
		cmocka_unit_test(b30_words_to_another_life_are_dropped),
		cmocka_unit_test(a_second_leader_of_a_term_is_a_liar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
