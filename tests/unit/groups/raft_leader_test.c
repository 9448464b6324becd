/*
 * raft_leader_test.c - what a leader sends, counts and commits (3.5, 3.6, figure 8; B1, B17, B31; limits of flow).
 */
#include "lone.h"

static void b1_its_own_copy_counts_only_when_durable(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	l->held = true;
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	/* Rule (d): the others have it before our disk has. */
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 1);
	lone_ok(l, 1, 3);
	assert_int_equal(raft_commit(l->raft), 2);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(raft_commit(l->raft), 3);
	lone_free(l);
}

/* Figure 8: an entry of an older term is not committed by counting. */
static void figure_8(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry old[] = {lone_entry(2, ""), lone_entry(2, "a")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = old, .count = 2});
	lone_lead(l);
	lone_ok(l, 1, 3);
	lone_ok(l, 2, 3);
	assert_int_equal(raft_commit(l->raft), 0);   /* on all three, but of term 2 */
	assert_int_equal(lone_propose(l, "b"), ERROR_NOT_LEADER);   /* E7: not before the NOOP */
	lone_ok(l, 1, 4);
	assert_int_equal(raft_commit(l->raft), 4);
	lone_free(l);
}

static void a_turn_is_one_append_and_one_persist(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	l->persists = 0;
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(lone_propose(l, "command"), OK);
	l->held = true;
	lone_drain(l);
	assert_int_equal(lone_count(l, 1, RAFT_APPEND), 1);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 64);
	assert_int_equal(l->persists, 1);
	assert_int_equal(l->last.count, 64);
	/* What comes while it is under way is the next one. */
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(lone_propose(l, "command"), OK);
		lone_drain(l);
	}
	assert_int_equal(l->persists, 1);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(l->persists, 2);
	assert_int_equal(l->last.count, 10);
	lone_free(l);
}

static void the_window_is_bounded(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(lone_propose(l, "x"), OK);
		lone_drain(l);
	}
	assert_int_equal(lone_count(l, 1, RAFT_APPEND), RAFT_WINDOW_MESSAGES);
	lone_forget(l);
	lone_ok(l, 1, 12);   /* ten of them */
	assert_int_equal(lone_count(l, 1, RAFT_APPEND), 1);   /* what waited goes as one */
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 36);
	lone_free(l);
}

static void propose_bytes(struct lone *l, size_t size, enum error expected)
{
	struct blob *blob = blob_new(0, size);
	uint64_t index;

	memset(blob->data, 'x', size);
	blob->end = size;
	assert_int_equal(raft_propose(l->raft, l->now, &(struct proposal){
		.kind = ENTRY_COMMANDS, .commands = 1, .payload = blob}, &index), expected);
}

static void appends_and_what_is_in_flight_are_bounded(void **state)
{
	struct lone *l = lone_new(3);
	size_t bytes = 0;

	(void)state;
	lone_rule(l, 3);
	for (size_t i = 0; i < 100; i++)
		propose_bytes(l, 200000, OK);
	lone_drain(l);
	for (size_t i = 0; i < l->said_count; i++) {
		assert_true(l->said[i].size <= RAFT_APPEND_MAX + 1000);
		bytes += l->said[i].to == 1 ? l->said[i].size : 0;
	}
	assert_in_range(bytes, 3u << 20, 5u << 20);
	/* One that is larger than a message goes alone. */
	lone_ok(l, 1, raft_last(l->raft));
	lone_ok(l, 2, raft_last(l->raft));
	lone_forget(l);
	propose_bytes(l, RAFT_ENTRY_MAX, OK);
	lone_drain(l);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 1);
	lone_free(l);
}

static void too_much_uncommitted_is_busy(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	for (size_t i = 0; i < 64; i++)
		propose_bytes(l, 1u << 20, OK);
	propose_bytes(l, 1, ERROR_BUSY);
	lone_drain(l);
	lone_ok(l, 1, 10);
	propose_bytes(l, 1, OK);
	lone_drain(l);
	lone_free(l);
}

static void propose_and_forget(struct lone *l)
{
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	lone_forget(l);
}

static void a_commit_is_told_soon_to_who_has_it(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	propose_and_forget(l);
	lone_ok(l, 1, 3);
	lone_tick(l, 0);
	assert_int_equal(lone_count(l, 1, RAFT_COMMIT), 0);
	assert_int_equal(raft_deadline(l->raft), l->now + 1);
	lone_tick(l, 1);
	assert_int_equal(lone_said(l, 1, RAFT_COMMIT)->commit, 3);
	assert_int_equal(lone_count(l, 2, RAFT_COMMIT), 0);
	lone_ok(l, 2, 3);
	lone_tick(l, 1);
	assert_int_equal(lone_said(l, 2, RAFT_COMMIT)->commit, 3);
	assert_true(raft_deadline(l->raft) > l->now + 1);
	lone_free(l);
}

static void the_next_command_carries_the_commit(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	propose_and_forget(l);
	lone_ok(l, 1, 3);
	lone_ok(l, 2, 3);
	assert_int_equal(lone_propose(l, "b"), OK);
	lone_tick(l, 1);
	for (size_t n = 1; n < 3; n++) {
		assert_int_equal(lone_said(l, n, RAFT_APPEND)->commit, 3);
		assert_int_equal(lone_count(l, n, RAFT_COMMIT), 0);
	}
	lone_free(l);
}

static void who_waits_for_a_commit_is_told_at_once(void **state)
{
	struct lone *l = lone_new(3);
	struct id peer = lone_member(2).peer;

	(void)state;
	lone_rule(l, 3);
	propose_and_forget(l);
	raft_wants_commit(l->raft, &peer, 3);
	lone_ok(l, 2, 3);
	assert_int_equal(lone_said(l, 2, RAFT_COMMIT)->commit, 3);
	lone_ok(l, 1, 3);
	assert_int_equal(lone_count(l, 1, RAFT_COMMIT), 0);
	lone_free(l);
}

/* A history may end with it, and its leader be somebody else before it could tell later. */
static void of_all_but_commands_the_commit_is_told_at_once(void **state)
{
	struct lone *l = lone_new(3);
	uint64_t index;

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(raft_propose(l->raft, l->now, &(struct proposal){
		.kind = ENTRY_DISSOLVE, .payload = blob_copy(bytes_of_text("end"))}, &index), OK);
	propose_and_forget(l);
	lone_ok(l, 1, 4);
	assert_int_equal(lone_said(l, 1, RAFT_COMMIT)->commit, 4);
	lone_free(l);
}

static void b31_heartbeats_have_a_lane_of_their_own(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_tick(l, 500);
	for (size_t i = 0; i < l->said_count; i++)
		assert_int_equal(l->said[i].lane, l->said[i].message.kind == RAFT_APPEND ? LANE_APPEND : LANE_CONTROL);
	assert_int_equal(lone_count(l, 1, RAFT_HEARTBEAT), 1);
	lone_free(l);
}

/* B17: a follower with a longer log of lost terms is brought back in O(terms), and always makes progress. */
static void b17_backtracking_takes_a_few_rounds(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[60];

	(void)state;
	for (size_t i = 0; i < 60; i++)
		entry[i] = lone_entry(2 + i / 20 * 3, "x");   /* terms 2, 5, 8 */
	lone_append(l, 1, &(struct lone_append){.term = 8, .prev = 1, .entry = entry, .count = 60});
	lone_lead(l);
	assert_int_equal(raft_term(l->raft), 9);
	/* The follower has 1..21 of ours, then two hundred of terms 3 and 4. */
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->prev_index, 61);
	lone_forget(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND_NO, .term = 9, .match = 61, .index = 61,
		.index_term = 4});
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->prev_index, 21);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 41);
	lone_free(l);
}

static void a_stale_refusal_is_ignored(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);
	lone_ok(l, 1, 3);
	lone_forget(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND_NO, .term = 2, .match = 2, .index = 0});
	assert_int_equal(lone_count(l, 1, RAFT_APPEND), 0);
	lone_free(l);
}

static void what_was_lost_is_found_by_the_heartbeat(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(lone_propose(l, "a"), OK);
	lone_drain(l);   /* lost */
	for (size_t i = 0; i < 2; i++) {
		lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT_REPLY, .term = 2, .match = 2, .index = 2});
		lone_tick(l, 500);
	}
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->prev_index, 3);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 0);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND_NO, .term = 2, .match = 3, .index = 2,
		.index_term = 2});
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->prev_index, 2);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND)->count, 1);
	lone_free(l);
}

static void who_lags_behind_the_log_is_told(void **state)
{
	struct lone *l = lone_new(3);
	struct snapshot_meta meta = {.index = 11, .configuration = lone_voters(0, 3), .configuration_index = 1};

	(void)state;
	lone_rule(l, 3);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(lone_propose(l, "x"), OK);
	lone_drain(l);
	lone_ok(l, 1, 22);
	raft_applied(l->raft, 22);
	meta.term = 2;
	meta.position = 9;
	assert_true(raft_chain(l->raft, 11, &meta.chain));
	raft_compact(l->raft, &meta, 12);
	/* Another life comes with nothing. */
	raft_peer_up(l->raft, l->now, &(struct raft_peer){{cluster_id(3), 4}, PREFER_NORMAL, false});
	lone_drain(l);
	lone_forget(l);
	lone_hear(l, 3, &(struct raft_message){.kind = RAFT_APPEND_NO, .term = 2, .match = 22});
	assert_int_equal(lone_said(l, 3, RAFT_LAGGING)->index, 12);
	assert_int_equal(lone_count(l, 3, RAFT_APPEND), 0);
	/* It fetched a snapshot at 15: compared there. */
	lone_hear(l, 3, &(struct raft_message){.kind = RAFT_APPEND_NO, .term = 2, .match = 0, .index = 15,
		.index_term = 2});
	assert_int_equal(lone_said(l, 3, RAFT_APPEND)->prev_index, 15);
	lone_free(l);
}

static void b30_a_new_life_starts_from_nothing(void **state)
{
	struct lone *l = lone_new(3);
	struct raft_progress progress;

	(void)state;
	lone_rule(l, 3);
	assert_true(raft_progress(l->raft, l->now, 0, &progress));
	assert_int_equal(progress.match, 2);
	assert_true(progress.voter);
	raft_peer_up(l->raft, l->now, &(struct raft_peer){{cluster_id(1), 77}, PREFER_NORMAL, false});
	assert_true(raft_progress(l->raft, l->now, 0, &progress));
	assert_int_equal(progress.match, 0);
	assert_false(progress.voter);
	assert_int_equal(progress.member.incarnation, 77);
	assert_false(raft_progress(l->raft, l->now, 2, &progress));
	lone_free(l);
}

static void claims_beyond_our_log_are_malformed(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_rule(l, 3);
	assert_int_equal(lone_hear(l, 1, &(struct raft_message){
		.kind = RAFT_APPEND_OK, .term = 2, .match = 9, .index = 9}), ERROR_MALFORMED);
	assert_int_equal(lone_hear(l, 1, &(struct raft_message){
		.kind = RAFT_HEARTBEAT_REPLY, .term = 2, .round = 9}), ERROR_MALFORMED);
	assert_int_equal(raft_commit(l->raft), 2);
	lone_free(l);
}

/* A follower that died with entries that nobody else has comes back under a new leader. */
static void a_lost_suffix_is_overwritten(void **state)
{
	struct cluster *c = cluster_new(3, 3);
	size_t first = cluster_elect(c, NOBODY), second;
	uint64_t index;

	(void)state;
	cluster_write(c, "a");
	cluster_isolate(c, first, true);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(cluster_propose(c, first, "lost", &index), OK);
	second = cluster_elect(c, first);
	while (raft_role(c->node[first].raft) == RAFT_IS_LEADER)
		cluster_step(c);
	cluster_write(c, "b");
	cluster_isolate(c, first, false);
	cluster_run(c, 3000);
	assert_int_equal(raft_last(c->node[first].raft), raft_last(c->node[second].raft));
	assert_int_equal(raft_commit(c->node[first].raft), raft_commit(c->node[second].raft));
	cluster_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b1_its_own_copy_counts_only_when_durable),
		cmocka_unit_test(figure_8),
		cmocka_unit_test(a_turn_is_one_append_and_one_persist),
		cmocka_unit_test(the_window_is_bounded),
		cmocka_unit_test(appends_and_what_is_in_flight_are_bounded),
		cmocka_unit_test(too_much_uncommitted_is_busy),
		cmocka_unit_test(a_commit_is_told_soon_to_who_has_it),
		cmocka_unit_test(the_next_command_carries_the_commit),
		cmocka_unit_test(who_waits_for_a_commit_is_told_at_once),
		cmocka_unit_test(of_all_but_commands_the_commit_is_told_at_once),
		cmocka_unit_test(b31_heartbeats_have_a_lane_of_their_own),
		cmocka_unit_test(b17_backtracking_takes_a_few_rounds),
		cmocka_unit_test(a_stale_refusal_is_ignored),
		cmocka_unit_test(what_was_lost_is_found_by_the_heartbeat),
		cmocka_unit_test(who_lags_behind_the_log_is_told),
		cmocka_unit_test(b30_a_new_life_starts_from_nothing),
		cmocka_unit_test(claims_beyond_our_log_are_malformed),
		cmocka_unit_test(a_lost_suffix_is_overwritten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
