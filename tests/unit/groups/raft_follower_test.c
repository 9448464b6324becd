/*
 * raft_follower_test.c - what a follower believes, keeps and promises (B1, B15, B16, B26, B29).
 */
#include "lone.h"

static void b15_an_answer_names_what_was_compared(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry old[] = {lone_entry(2, ""), lone_entry(2, "a"), lone_entry(2, "b")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = old, .count = 3});
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 4);
	/* A leader of a later term compares only up to 2, and says that 4 is committed. */
	lone_append(l, 2, &(struct lone_append){.term = 3, .prev = 2, .commit = 4});
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_OK)->match, 2);
	assert_int_equal(raft_commit(l->raft), 2);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 3, .commit = 4});
	assert_int_equal(raft_commit(l->raft), 2);
	assert_int_equal(lone_said(l, 2, RAFT_HEARTBEAT_REPLY)->match, 2);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_COMMIT, .term = 3, .commit = 4});
	assert_int_equal(raft_commit(l->raft), 2);
	lone_free(l);
}

static void b16_nothing_is_acknowledged_before_it_is_durable(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(2, "a")};
	struct log_entry more = lone_entry(2, "b");

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	lone_forget(l);
	l->held = true;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 2});
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 3, .entry = &more, .count = 1});
	assert_int_equal(lone_count(l, 1, RAFT_APPEND_OK), 0);
	assert_int_equal(l->seen[RAFT_PERSIST], 1);   /* what came meanwhile gathers */
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	assert_int_equal(lone_said(l, 1, RAFT_HEARTBEAT_REPLY)->match, 1);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 3);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->index, 4);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 4);
	lone_free(l);
}

static void a_completion_of_what_was_overwritten_does_not_count(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry old[] = {lone_entry(2, ""), lone_entry(2, "a"), lone_entry(2, "b")};
	struct log_entry new[] = {lone_entry(3, ""), lone_entry(3, "c")};

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2});
	l->held = true;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = old, .count = 3});
	lone_append(l, 2, &(struct lone_append){.term = 3, .prev = 1, .entry = new, .count = 2});
	lone_forget(l);
	lone_persisted(l);   /* of the old ones */
	lone_drain(l);
	assert_int_equal(lone_count(l, 2, RAFT_APPEND_OK), 0);
	assert_int_equal(l->raft->durable, 1);
	assert_int_equal(l->last.truncate_from, 2);
	assert_int_equal(l->last.count, 2);
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_OK)->match, 3);
	lone_free(l);
}

static void duplicates_are_answered_at_once(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(2, "a")};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		blob_keep(entry[0].payload);
		blob_keep(entry[1].payload);
		lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 2});
		assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 3);
	}
	assert_int_equal(lone_count(l, 1, RAFT_APPEND_OK), 2);
	/* A late one with fewer entries takes nothing back. */
	blob_drop(entry[1].payload);
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 1});
	assert_int_equal(raft_last(l->raft), 3);
	lone_free(l);
}

/* U3: the conflict is in the middle of the message. */
static void every_entry_is_compared(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry old[] = {lone_entry(2, ""), lone_entry(3, "a"), lone_entry(3, "b")};
	struct log_entry new[] = {lone_entry(2, ""), lone_entry(4, "c"), lone_entry(4, "d")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 3, .prev = 1, .entry = old, .count = 3});
	lone_append(l, 2, &(struct lone_append){.term = 4, .prev = 1, .entry = new, .count = 3});
	assert_int_equal(raft_log_term(&l->raft->log, 2), 2);
	assert_int_equal(raft_log_term(&l->raft->log, 3), 4);
	assert_int_equal(raft_last(l->raft), 4);
	assert_int_equal(l->last.truncate_from, 3);
	lone_free(l);
}

static void b26_what_is_committed_stays(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry old[] = {lone_entry(2, ""), lone_entry(2, "a")};
	struct log_entry past[] = {lone_entry(3, ""), lone_entry(3, "c")};
	struct log_entry damaged[] = {lone_entry(4, ""), lone_entry(4, "c")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = old, .count = 2, .commit = 3});
	assert_int_equal(raft_commit(l->raft), 3);
	lone_forget(l);
	/* A leader that does not know of the commit: no answer, nothing lost. */
	lone_append(l, 2, &(struct lone_append){.term = 3, .prev = 1, .entry = past, .count = 2, .commit = 1});
	assert_int_equal(raft_last(l->raft), 3);
	assert_int_equal(raft_log_term(&l->raft->log, 3), 2);
	assert_int_equal(lone_count(l, 2, RAFT_APPEND_OK), 0);
	assert_int_equal(l->seen[RAFT_DIVERGED], 0);
	/* One that committed something else there: one of us is damaged. */
	lone_append(l, 1, &(struct lone_append){.term = 4, .prev = 1, .entry = damaged, .count = 2, .commit = 3});
	assert_int_equal(l->seen[RAFT_DIVERGED], 1);
	assert_int_equal(raft_log_term(&l->raft->log, 3), 2);
	assert_int_equal(raft_deadline(l->raft), MSEC_NEVER);
	lone_free(l);
}

static void another_chain_under_the_same_term_stops_us(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(2, "a")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 1, .entry = entry, .count = 2});
	lone_forget(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND, .term = 2, .prev_index = 3, .prev_term = 2,
		.prev_chain = {{9}}});
	assert_int_equal(l->seen[RAFT_DIVERGED], 1);
	assert_int_equal(l->output[RAFT_DIVERGED].index, 3);
	lone_tick(l, 100000);
	assert_int_equal(l->said_count, 0);
	lone_free(l);
}

static void a_leader_that_takes_back_what_it_showed_is_a_liar(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(3, "a")};
	struct log_entry other[] = {lone_entry(3, ""), lone_entry(3, "a")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 3, .prev = 1, .entry = entry, .count = 2});
	assert_int_equal(lone_append(l, 1, &(struct lone_append){
		.term = 3, .prev = 1, .entry = other, .count = 2}), ERROR_MALFORMED);
	assert_int_equal(raft_log_term(&l->raft->log, 2), 2);
	lone_free(l);
}

static void a_gap_is_refused_with_a_hint(void **state)
{
	struct lone *l = lone_new(3);
	struct log_entry entry[] = {lone_entry(2, ""), lone_entry(2, "a"), lone_entry(4, "b"), lone_entry(5, "c")};

	(void)state;
	lone_append(l, 1, &(struct lone_append){.term = 5, .prev = 1, .entry = entry, .count = 4});
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_APPEND, .term = 6, .prev_index = 50, .prev_term = 6});
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_NO)->match, 50);
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_NO)->index, 5);
	/* O(terms): what cannot agree is skipped. */
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_APPEND, .term = 6, .prev_index = 5, .prev_term = 3});
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_NO)->index, 3);
	assert_int_equal(lone_said(l, 2, RAFT_APPEND_NO)->index_term, 2);
	assert_int_equal(raft_last(l->raft), 5);   /* and nothing is truncated */
	lone_free(l);
}

/* An old copy of the disk, in a term in which it acknowledged more. */
static void a_member_that_forgot_what_it_acknowledged_stops(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2, .match = 1});
	assert_int_equal(l->seen[RAFT_REGRESSED], 0);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_HEARTBEAT, .term = 2, .match = 7});
	assert_int_equal(l->seen[RAFT_REGRESSED], 1);
	lone_forget(l);
	lone_hear(l, 2, &(struct raft_message){.kind = RAFT_VOTE, .term = 9, .last_index = 9, .last_term = 8});
	lone_tick(l, 100000);
	assert_int_equal(l->said_count, 0);
	lone_free(l);
}

static void a_failed_disk_ends_it(void **state)
{
	struct lone *l = lone_new(3);

	(void)state;
	l->held = true;
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_VOTE, .term = 2, .last_index = 1, .last_term = 1});
	raft_persisted(l->raft, l->now, l->token, ERROR_SYSTEM);
	lone_drain(l);
	assert_int_equal(l->seen[RAFT_HALTED], 1);
	assert_int_equal(l->output[RAFT_HALTED].reason, ERROR_SYSTEM);
	assert_int_equal(l->said_count, 0);
	lone_free(l);
}

/* ---- snapshots ---- */

static struct snapshot_meta meta_at(const struct raft *raft, uint64_t index)
{
	const struct entry_head *head = raft_log_head(&raft->log, index);
	struct snapshot_meta meta = {.index = index, .term = head->term, .position = head->position + head->commands,
		.chain = head->chain};

	meta.configuration = *raft_configuration(raft, index, &meta.configuration_index);
	return meta;
}

static void fill(struct lone *l, uint64_t term, size_t count, uint64_t commit)
{
	struct log_entry entry[64];

	assert_true(count <= 64);
	for (size_t i = 0; i < count; i++)
		entry[i] = lone_entry(term, i == 0 ? "" : "x");
	lone_append(l, 1, &(struct lone_append){
		.term = term, .prev = raft_last(l->raft), .entry = entry, .count = count, .commit = commit});
}

static void compaction_keeps_what_is_asked(void **state)
{
	struct lone *l = lone_new(3);
	struct snapshot_meta meta;
	struct chain chain;

	(void)state;
	fill(l, 2, 20, 15);
	raft_applied(l->raft, 15);
	meta = meta_at(l->raft, 15);
	assert_int_equal(meta.position, 13);
	raft_compact(l->raft, &meta, 11);
	raft_check(l->raft);
	assert_int_equal(raft_first(l->raft), 11);
	assert_null(raft_entry(l->raft, 10));
	assert_int_equal(raft_entry(l->raft, 11)->head.index, 11);
	assert_true(raft_chain(l->raft, 10, &chain));
	assert_false(raft_chain(l->raft, 9, &chain));
	assert_int_equal(raft_config_effective(l->raft)->incoming.count, 3);
	/* B29: a message from before it is no conflict, and nothing is lost. */
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND, .term = 2, .prev_index = 5, .prev_term = 2});
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_NO)->index, 10);
	assert_int_equal(raft_last(l->raft), 21);
	lone_free(l);
}

static void a_learner_without_the_beginning_asks_for_a_snapshot(void **state)
{
	struct lone *l = lone_options(2, &(struct raft_options){0});

	(void)state;
	raft_adopt(l->raft, l->now, &l->lineage);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_LAGGING, .term = 2, .index = 100});
	assert_int_equal(l->seen[RAFT_NEEDS_SNAPSHOT], 1);
	assert_int_equal(l->output[RAFT_NEEDS_SNAPSHOT].index, 100);
	lone_free(l);
}

static void an_installed_snapshot_is_no_match_until_compared(void **state)
{
	struct lone *l = lone_options(2, &(struct raft_options){0});
	struct snapshot_meta meta = {.index = 120, .term = 2, .position = 90, .chain = {{7}},
		.configuration = lone_voters(0, 3), .configuration_index = 80};

	(void)state;
	raft_adopt(l->raft, l->now, &l->lineage);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_LAGGING, .term = 2, .index = 100});
	l->held = true;
	assert_true(raft_install(l->raft, l->now, &meta));
	lone_drain(l);
	assert_int_equal(raft_commit(l->raft), 120);
	assert_int_equal(raft_last(l->raft), 120);
	assert_true(l->last.has_meta && l->last.log_first == 121);
	lone_forget(l);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND, .term = 2, .prev_index = 99, .prev_term = 2});
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_NO)->index, 120);
	assert_int_equal(lone_count(l, 1, RAFT_APPEND_OK), 0);
	lone_hear(l, 1, &(struct raft_message){.kind = RAFT_APPEND, .term = 2, .prev_index = 120, .prev_term = 2,
		.prev_chain = {{7}}});
	assert_int_equal(lone_count(l, 1, RAFT_APPEND_OK), 0);   /* not durable */
	lone_persisted(l);
	lone_drain(l);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 120);
	/* Once more, or an older one: nothing. */
	assert_false(raft_install(l->raft, l->now, &meta));
	lone_free(l);
}

/* What was acknowledged behind a snapshot that arrives late stays, in memory and on disk. */
static void acknowledged_entries_behind_a_snapshot_stay(void **state)
{
	struct lone *l = lone_new(3);
	struct snapshot_meta meta;

	(void)state;
	fill(l, 2, 20, 5);
	assert_int_equal(lone_said(l, 1, RAFT_APPEND_OK)->match, 21);
	meta = meta_at(l->raft, 15);
	assert_true(raft_install(l->raft, l->now, &meta));
	lone_drain(l);
	assert_int_equal(raft_last(l->raft), 21);
	assert_int_equal(l->last.truncate_from, 0);
	assert_int_equal(l->last.log_first, 16);
	assert_int_equal(raft_match(l->raft), 21);
	lone_free(l);
}

/* B8, B14: an uncommitted configuration that a snapshot contradicts is gone with its entry. */
static void b8_no_configuration_survives_a_snapshot(void **state)
{
	struct lone *l = lone_new(3);
	struct configuration other = lone_voters(2, 3);
	struct snapshot_meta meta = {.index = 9, .term = 5, .position = 3, .chain = {{7}},
		.configuration = lone_voters(0, 3), .configuration_index = 1};
	struct buffer payload = {0};
	struct log_entry entry;

	(void)state;
	fill(l, 2, 5, 2);
	configuration_encode(&other, &payload);
	entry = (struct log_entry){.head = {.term = 2, .kind = ENTRY_CONFIGURATION},
		.payload = blob_copy(buffer_bytes(&payload))};
	buffer_fini(&payload);
	lone_append(l, 1, &(struct lone_append){.term = 2, .prev = 6, .entry = &entry, .count = 1, .commit = 2});
	fill(l, 2, 5, 2);
	assert_int_equal(raft_config_index(l->raft), 7);
	assert_true(raft_install(l->raft, l->now, &meta));
	lone_drain(l);
	assert_int_equal(raft_last(l->raft), 9);
	assert_int_equal(raft_config_index(l->raft), 1);
	assert_true(voters_equal(&raft_config_effective(l->raft)->incoming, &meta.configuration.incoming));
	assert_int_equal(l->last.truncate_from, 3);
	assert_true(raft_term(l->raft) >= 5);
	lone_free(l);
}

/* A crash between our snapshot and the truncation of what it had overwritten. */
static void a_stored_log_that_does_not_follow_from_the_snapshot_is_forgotten(void **state)
{
	struct raft_options options = {.self = lone_member(0), .timing = raft_timing_default};
	struct log_entry entry[2] = {lone_entry(2, "old"), lone_entry(2, "old")};
	struct image image = {.hard = {.lineage = {{1}}, .incarnation = 1, .term = 4, .had_three = true}, .entry = entry, .count = 2,
		.meta = {.index = 5, .term = 4, .position = 3, .chain = {{7}}, .configuration = lone_voters(0, 3),
			.configuration_index = 1}};
	struct raft_output output;
	struct raft *raft;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		entry[i].head.index = 6 + i;
	raft = raft_new(&options, &image, 1000);
	raft_check(raft);
	assert_int_equal(raft_last(raft), 5);
	assert_true(raft_next(raft, &output));
	assert_int_equal(output.kind, RAFT_PERSIST);
	assert_int_equal(output.persist->truncate_from, 6);
	persist_free(output.persist);
	raft_free(raft);
	/* The same that does follow stays. */
	for (size_t i = 0; i < 2; i++) {
		entry[i].head.term = 4;
		entry[i].head.position = 3 + i;
		entry[i].head.chain = chain_extend(i == 0 ? &image.meta.chain : &entry[0].head.chain, &entry[i].head,
			blob_bytes(entry[i].payload));
	}
	raft = raft_new(&options, &image, 1000);
	assert_int_equal(raft_last(raft), 7);
	assert_false(raft_next(raft, &output));
	raft_free(raft);
	for (size_t i = 0; i < 2; i++)
		blob_drop(entry[i].payload);
}

/* A crash between our snapshot and the hard state: the disk was slow with the one, and the other was behind it in the line. */
static void a_snapshot_of_a_later_term_takes_the_term_along(void **state)
{
	struct raft_options options = {.self = lone_member(0), .timing = raft_timing_default};
	struct image image = {.hard = {.lineage = {{1}}, .incarnation = 1, .term = 3, .vote = lone_member(0)},
		.meta = {.index = 5, .term = 4, .position = 3, .chain = {{7}}, .configuration = lone_voters(0, 3),
			.configuration_index = 1}};
	struct raft_output output;
	struct raft *raft;

	(void)state;
	raft = raft_new(&options, &image, 1000);
	raft_check(raft);
	assert_int_equal(raft_term(raft), 4);
	assert_true(raft_next(raft, &output));
	assert_int_equal(output.kind, RAFT_PERSIST);
	assert_true(output.persist->has_hard);
	assert_int_equal(output.persist->hard.term, 4);
	assert_true(member_is_none(&output.persist->hard.vote));
	assert_true(output.persist->hard.had_three);
	persist_free(output.persist);
	raft_free(raft);
	/* What is on the disk already is not written again, and the vote stays. */
	image.hard.term = 4;
	image.hard.had_three = true;
	raft = raft_new(&options, &image, 1000);
	assert_false(raft_next(raft, &output));
	raft_free(raft);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b15_an_answer_names_what_was_compared),
		cmocka_unit_test(b16_nothing_is_acknowledged_before_it_is_durable),
		cmocka_unit_test(a_completion_of_what_was_overwritten_does_not_count),
		cmocka_unit_test(duplicates_are_answered_at_once),
		cmocka_unit_test(every_entry_is_compared),
		cmocka_unit_test(b26_what_is_committed_stays),
		cmocka_unit_test(another_chain_under_the_same_term_stops_us),
		cmocka_unit_test(a_leader_that_takes_back_what_it_showed_is_a_liar),
		cmocka_unit_test(a_gap_is_refused_with_a_hint),
		cmocka_unit_test(a_member_that_forgot_what_it_acknowledged_stops),
		cmocka_unit_test(a_failed_disk_ends_it),
		cmocka_unit_test(compaction_keeps_what_is_asked),
		cmocka_unit_test(a_learner_without_the_beginning_asks_for_a_snapshot),
		cmocka_unit_test(an_installed_snapshot_is_no_match_until_compared),
		cmocka_unit_test(acknowledged_entries_behind_a_snapshot_stay),
		cmocka_unit_test(a_stored_log_that_does_not_follow_from_the_snapshot_is_forgotten),
		cmocka_unit_test(a_snapshot_of_a_later_term_takes_the_term_along),
		cmocka_unit_test(b8_no_configuration_survives_a_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
