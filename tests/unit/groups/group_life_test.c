/*
 * How groups begin, meet another history of themselves, and lose members.
 */
#include "groups_cluster.h"
#include "groups/lineage.h"

static void expect_waits_for_so_many(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init_empty(&c, 3);
	for (size_t n = 0; n < 3; n++)
		c.node[n].expect = 3;
	cluster_start(&c, 0);
	cluster_start(&c, 1);
	cluster_run(&c, 20000);
	assert_int_equal(cluster_leader(&c), 3);
	cluster_start(&c, 2);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 5000);
	cluster_fini(&c);
}

static void who_only_joins_begins_nothing(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init_empty(&c, 2);
	c.node[0].join_only = true;
	cluster_start(&c, 0);
	cluster_run(&c, 20000);
	assert_int_equal(cluster_leader(&c), 2);
	cluster_start(&c, 1);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == 1 && c.node[0].facts[GROUP_ONLINE] == 1, 5000);
	cluster_fini(&c);
}

static void empty_histories_become_one_silently(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init_empty(&c, 3);
	for (size_t a = 0; a < 3; a++) {
		for (size_t b = 0; b < 3; b++)
			c.cut[a][b] = a != b;
	}
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, raft_is_operational(group_raft(c.node[n].group)), 5000);
	for (size_t n = 0; n < 3; n++)
		cluster_isolate(&c, n, false);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 10000);
	ticket = cluster_propose(&c, 0, "together");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, ticket), 2000);
	for (size_t n = 0; n < 3; n++)
		assert_int_equal(c.node[n].facts[GROUP_DISSOLVED] + c.node[n].facts[GROUP_SPLIT], 0);
	cluster_fini(&c);
}

/* One member and two, with histories of their own, that meet. */
static void split(struct cluster *c, size_t commands_0, size_t commands_1)
{
	cluster_init_empty(c, 3);
	c->cut[0][1] = c->cut[1][0] = c->cut[0][2] = c->cut[2][0] = true;
	for (size_t n = 0; n < 3; n++)
		cluster_start(c, n);
	CLUSTER_UNTIL(c, raft_is_operational(group_raft(c->node[0].group)), 5000);
	CLUSTER_UNTIL(c, c->node[1].facts[GROUP_ONLINE] == 1 && c->node[2].facts[GROUP_ONLINE] == 1, 5000);
	cluster_fill(c, 0, commands_0);
	cluster_fill(c, 1, commands_1);
	cluster_isolate(c, 0, false);
}

static void the_shorter_history_gives_way_and_is_archived(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	split(&c, 10, 20);
	CLUSTER_UNTIL(&c, c.node[0].facts[GROUP_DISSOLVED] == 1, 5000);
	assert_int_equal(c.node[0].last[GROUP_DISSOLVED].position, 10);
	assert_int_equal(c.node[0].facts[GROUP_SPLIT], 1);
	assert_true(c.node[0].archived > 10 * 60);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 10000);
	ticket = cluster_propose(&c, 0, "together");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, ticket), 2000);
	assert_int_equal(c.node[0].result[ticket].position, 21);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, 0, 1);
	cluster_expect_equal(&c, 0, 2);
	assert_int_equal(c.node[1].facts[GROUP_DISSOLVED], 0);
	cluster_fini(&c);
}

static void all_members_of_the_loser_follow(void **unused)
{
	struct cluster c;

	(void)unused;
	split(&c, 30, 5);
	for (size_t n = 1; n < 3; n++)
		CLUSTER_UNTIL(&c, c.node[n].facts[GROUP_DISSOLVED] == 1, 5000);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 10000);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, 0, 1);
	cluster_expect_equal(&c, 0, 2);
	assert_int_equal(cluster_status(&c, 1).position, 30);
	cluster_fini(&c);
}

static void a_member_that_was_away_hears_that_its_history_is_over(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init_empty(&c, 4);
	for (size_t n = 1; n < 4; n++)
		c.cut[0][n] = c.cut[n][0] = true;
	for (size_t n = 0; n < 4; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, raft_is_operational(group_raft(c.node[0].group)), 5000);
	for (size_t n = 1; n < 4; n++)
		CLUSTER_UNTIL(&c, c.node[n].facts[GROUP_ONLINE] == 1, 5000);
	cluster_fill(&c, 0, 30);
	cluster_fill(&c, 1, 5);
	CLUSTER_UNTIL(&c, cluster_status(&c, 3).position == 5, 100);
	cluster_isolate(&c, 3, true);
	cluster_isolate(&c, 0, false);
	cluster_cut(&c, 0, 3, true);
	for (size_t n = 1; n < 3; n++)
		CLUSTER_UNTIL(&c, c.node[n].facts[GROUP_DISSOLVED] == 1, 10000);
	cluster_isolate(&c, 3, false);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_DISSOLVED] == 1, 5000);
	CLUSTER_UNTIL(&c, cluster_status(&c, 3).position == 30, 5000);
	cluster_fini(&c);
}

static void a_fence_stays_frozen_until_it_is_lifted(void **unused)
{
	struct cluster c;
	uint64_t ticket, strong;

	(void)unused;
	cluster_init_empty(&c, 2);
	c.fence = true;
	c.cut[0][1] = c.cut[1][0] = true;
	cluster_start(&c, 0);
	cluster_start(&c, 1);
	for (size_t n = 0; n < 2; n++)
		CLUSTER_UNTIL(&c, raft_is_operational(group_raft(c.node[n].group)), 5000);
	cluster_fill(&c, 0, 10);
	cluster_fill(&c, 1, 20);
	cluster_cut(&c, 0, 1, false);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).frozen, 5000);
	cluster_run(&c, 10000);
	assert_true(cluster_status(&c, 0).frozen);
	ticket = cluster_propose(&c, 0, "fenced");
	strong = cluster_query(&c, 0, QUERY_STRONG, bytes_of(NULL, 0));
	CLUSTER_UNTIL(&c, c.node[0].result[ticket].answers == 1, 5000);
	assert_int_equal(c.node[0].result[ticket].reason, ERROR_FROZEN);
	assert_int_equal(c.node[0].result[strong].reason, ERROR_FROZEN);
	group_adopt(c.node[0].group, c.now);
	CLUSTER_UNTIL(&c, c.node[0].facts[GROUP_DISSOLVED] == 1, 5000);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).position == 20, 5000);
	cluster_fini(&c);
}

static void a_silent_winner_lets_the_other_go_on(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	split(&c, 10, 20);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).frozen, 5000);
	cluster_isolate(&c, 0, true);
	CLUSTER_UNTIL(&c, !cluster_status(&c, 0).frozen, 6000);
	ticket = cluster_propose(&c, 0, "goes on");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, ticket), 1000);
	assert_int_equal(c.node[0].result[ticket].position, 11);
	assert_int_equal(c.node[0].facts[GROUP_DISSOLVED], 0);
	cluster_fini(&c);
}

/* What stands behind a FREEZE is not carried out, and has to come again when the freeze is over. */
static void what_was_frozen_in_the_log_is_done_after_the_thaw(void **unused)
{
	struct cluster c;
	uint64_t ticket, last;

	(void)unused;
	cluster_init_empty(&c, 2);
	c.cut[0][1] = c.cut[1][0] = true;
	c.node[0].durable = true;
	for (size_t n = 0; n < 2; n++)
		cluster_start(&c, n);
	for (size_t n = 0; n < 2; n++)
		CLUSTER_UNTIL(&c, raft_is_operational(group_raft(c.node[n].group)), 5000);
	cluster_fill(&c, 0, 10);
	cluster_fill(&c, 1, 20);
	c.node[0].disk_delay = 100;   /* so long stands the FREEZE in the log, and nobody knows of it */
	last = cluster_status(&c, 0).log_last;
	cluster_cut(&c, 0, 1, false);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).log_last > last, 5000);
	cluster_cut(&c, 0, 1, true);
	assert_false(cluster_status(&c, 0).frozen);
	ticket = cluster_propose(&c, 0, "behind it");
	cluster_run(&c, 1);
	assert_int_equal(cluster_status(&c, 0).log_last, last + 2);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).frozen, 1000);
	CLUSTER_UNTIL(&c, !cluster_status(&c, 0).frozen, LINEAGE_STATEMENT_TTL + 1000);
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, ticket), 2000);
	assert_int_equal(cluster_times(&c, 0, "behind it"), 1);
	cluster_fini(&c);
}

/* The last command of a history and its end are committed by one write. */
static void lose_in_the_turn_of_a_result(bool external)
{
	struct cluster c;
	uint64_t first, second, last;
	struct id ours;

	cluster_init_empty(&c, 2);
	c.external = external;
	c.cut[0][1] = c.cut[1][0] = true;
	c.node[0].durable = true;
	for (size_t n = 0; n < 2; n++)
		cluster_start(&c, n);
	for (size_t n = 0; n < 2; n++)
		CLUSTER_UNTIL(&c, raft_is_operational(group_raft(c.node[n].group)), 5000);
	cluster_fill(&c, 1, 20);
	ours = cluster_status(&c, 0).lineage;
	last = cluster_status(&c, 0).log_last;
	c.node[0].disk_delay = 100;
	first = cluster_propose(&c, 0, "first");
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).log_last == last + 1, 100);
	c.node[0].disk_delay = 1000;   /* of what comes now */
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).log_last == last + 2, 3000);   /* behind the beginning of its session */
	second = cluster_propose(&c, 0, "second");
	cluster_cut(&c, 0, 1, false);
	CLUSTER_UNTIL(&c, cluster_status(&c, 0).log_last == last + 4, 900);    /* and the decision to give way */
	CLUSTER_UNTIL(&c, c.node[0].result[second].answers == 1, 3000);
	assert_int_equal(c.node[0].result[first].reason, OK);
	assert_int_equal(c.node[0].result[second].reason, OK);
	assert_int_equal(c.node[0].result[second].position, 2);
	assert_true(id_equal(&c.node[0].result[second].lineage, &ours));
	assert_int_equal(c.node[0].facts[GROUP_DISSOLVED], 1);
	assert_int_equal(c.node[0].last[GROUP_DISSOLVED].position, 2);
	/* The owner of an external group answers for itself, and hears of the end first. */
	if (!external)
		assert_int_equal(c.node[0].result[second].dissolved, 0);
	cluster_fini(&c);
}

static void a_result_belongs_to_the_history_that_it_was_told_of(void **unused)
{
	(void)unused;
	lose_in_the_turn_of_a_result(false);
	lose_in_the_turn_of_a_result(true);
}

static void who_leaves_is_out_and_the_rest_goes_on(void **unused)
{
	struct cluster c;
	uint64_t ticket;
	size_t leader, next;

	(void)unused;
	cluster_init(&c, 4);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	leader = cluster_leader(&c);
	next = (leader + 1) % 4;
	group_leave(c.node[leader].group, c.now);
	CLUSTER_UNTIL(&c, c.node[leader].facts[GROUP_LEFT] == 1, 4900);
	cluster_stop(&c, leader);
	ticket = cluster_propose(&c, next, "after");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, next, ticket), 2000);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fini(&c);
}

static void who_is_alone_leaves_at_once(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init(&c, 1);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == 0, 5000);
	group_leave(c.node[0].group, c.now);
	cluster_settle(&c);
	assert_int_equal(c.node[0].facts[GROUP_LEFT], 1);
	cluster_fini(&c);
}

static void power_fails_at_any_moment_of_a_birth(void **unused)
{
	(void)unused;
	for (msec moment = 1; moment < 800; moment += moment < 740 ? 100 : 1) {
		struct cluster c;

		cluster_init_empty(&c, 3);
		for (size_t n = 0; n < 3; n++) {
			c.node[n].durable = true;
			c.node[n].disk_delay = 1 + (msec)n;
			cluster_start(&c, n);
		}
		cluster_run(&c, moment);
		for (size_t n = 0; n < 3; n++)
			cluster_stop(&c, n);
		for (size_t n = 0; n < 3; n++)
			cluster_start(&c, n);
		CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
		cluster_fini(&c);
	}
}

/* Three members with disks, and power that fails at this moment. 3: not just one has the first entry; else which. */
static size_t who_alone_has_the_beginning(struct cluster *c, msec moment)
{
	size_t alone = 3, begun = 0;

	cluster_init_empty(c, 3);
	for (size_t n = 0; n < 3; n++) {
		c->node[n].durable = true;
		c->node[n].disk_delay = 2;
		cluster_start(c, n);
	}
	cluster_run(c, moment);
	for (size_t n = 0; n < 3; n++) {
		cluster_stop(c, n);
		if (!id_is_zero(&c->node[n].disk.hard.lineage))
			alone = n;
		begun += !id_is_zero(&c->node[n].disk.hard.lineage);
	}
	return begun == 1 ? alone : 3;
}

/* The two others promised to take part in it, and remember. */
static void who_alone_had_a_beginning_is_waited_for(void **unused)
{
	size_t seen = 0;

	(void)unused;
	for (msec moment = 730; moment < 800; moment++) {
		struct cluster c;
		size_t alone = who_alone_has_the_beginning(&c, moment);

		for (size_t n = 0; n < 3 && alone < 3; n++)
			if (n != alone)
				cluster_start(&c, n);
		if (alone < 3) {
			seen++;
			cluster_run(&c, 20000);
			assert_int_equal(cluster_leader(&c), 3);
			cluster_start(&c, alone);
			CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
		}
		cluster_fini(&c);
	}
	assert_true(seen > 0);
}

/* The two others lose their disks, too, and begin anew without it. */
static void who_alone_had_a_beginning_gives_way(void **unused)
{
	size_t seen = 0;

	(void)unused;
	for (msec moment = 730; moment < 800; moment++) {
		struct cluster c;
		size_t alone = who_alone_has_the_beginning(&c, moment);

		for (size_t n = 0; n < 3 && alone < 3; n++) {
			if (n == alone)
				continue;
			disk_fini(&c.node[n].disk);
			cluster_start(&c, n);
		}
		if (alone < 3) {
			seen++;
			CLUSTER_UNTIL(&c, cluster_has_voters(&c, 1), 60000);
			cluster_start(&c, alone);
			CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
		}
		cluster_fini(&c);
	}
	assert_true(seen > 0);
}

static size_t histories(const struct cluster *c)
{
	size_t count = 0;

	for (size_t n = 0; n < c->count; n++) {
		bool is_new = raft_commit(group_raft(c->node[n].group)) > 0;

		for (size_t other = 0; other < n; other++)
			is_new = is_new && (raft_commit(group_raft(c->node[other].group)) == 0
				|| !id_equal(raft_lineage(group_raft(c->node[other].group)), raft_lineage(group_raft(c->node[n].group))));
		count += is_new;
	}
	return count;
}

/*
 * Five members that expect three: 0, 1 and 2 begin, and one of them crashes meanwhile and comes back where 3 and 4 are. These
 * three are enough, too, but then there would be two histories of five members.
 */
static void a_crash_during_a_birth_does_not_make_two(void **unused)
{
	size_t seen = 0;

	(void)unused;
	for (msec moment = 730; moment < 800; moment++) {
		struct cluster c;
		size_t who = (size_t)moment % 3;

		cluster_init_empty(&c, 5);
		for (size_t n = 0; n < 5; n++) {
			c.node[n].durable = true;
			c.node[n].disk_delay = 3;
			c.node[n].expect = 3;
			for (size_t other = 0; other < 5; other++)
				c.cut[n][other] = (n < 3) != (other < 3);
		}
		for (size_t n = 0; n < 5; n++)
			cluster_start(&c, n);
		cluster_run(&c, moment);
		cluster_stop(&c, who);
		seen += id_is_zero(&c.node[who].disk.hard.lineage) && c.node[who].disk.count == 1;
		for (size_t n = 0; n < 5; n++)
			if (n != who)
				cluster_cut(&c, who, n, n < 3);
		cluster_start(&c, who);
		cluster_run(&c, 20000);
		assert_true(histories(&c) <= 1);
		for (size_t n = 0; n < 5; n++)
			cluster_isolate(&c, n, false);
		CLUSTER_UNTIL(&c, cluster_has_voters(&c, 5), 30000);
		cluster_fini(&c);
	}
	assert_true(seen > 0);
}

/* Of two members one is the only voter: what the other heard must not outlive what it wrote. */
static void power_fails_at_the_only_voter_of_a_birth(void **unused)
{
	(void)unused;
	for (msec moment = 730; moment < 800; moment++) {
		struct cluster c;

		cluster_init_empty(&c, 2);
		for (size_t n = 0; n < 2; n++) {
			c.node[n].durable = true;
			c.node[n].disk_delay = 5;
			cluster_start(&c, n);
		}
		cluster_run(&c, moment);
		cluster_stop(&c, (size_t)moment % 2);
		cluster_start(&c, (size_t)moment % 2);
		CLUSTER_UNTIL(&c, cluster_has_voters(&c, 1), 20000);
		for (size_t n = 0; n < 2; n++) {
			uint64_t ticket = cluster_propose(&c, n, "alive");

			CLUSTER_UNTIL(&c, cluster_is_ok(&c, n, ticket), 5000);
		}
		cluster_fini(&c);
	}
}

/* Random bonds, so that histories begin and meet in all ways; in the end there is one, and nothing vanished silently. */
static void chaos(uint64_t seed)
{
	struct cluster c;
	struct rng rng;
	uint64_t proposed;

	cluster_init_empty(&c, 5);
	rng_init(&rng, seed);
	for (size_t a = 0; a < 5; a++) {
		c.node[a].durable = true;   /* else a majority could forget a history, which nobody can mend */
		c.node[a].disk_delay = 1;
		for (size_t b = 0; b < a; b++)
			c.cut[a][b] = c.cut[b][a] = rng_below(&rng, 3) != 0;
	}
	for (size_t n = 0; n < 5; n++)
		cluster_start(&c, n);
	for (int round = 0; round < 40; round++) {
		size_t a = (size_t)rng_below(&rng, 5), b = (size_t)rng_below(&rng, 5);

		if (a != b)
			cluster_cut(&c, a, b, round < 30 && rng_below(&rng, 3) != 0);
		if (rng_below(&rng, 10) == 0) {
			cluster_stop(&c, a);
			cluster_start(&c, a);
		}
		for (uint64_t i = rng_below(&rng, 20); i > 0; i--) {
			char text[32];

			snprintf(text, sizeof text, "c%llu", (unsigned long long)c.last_ticket + 1);
			cluster_propose(&c, (size_t)rng_below(&rng, 5), text);
		}
		cluster_run(&c, (msec)rng_below(&rng, 1500));
	}
	proposed = c.last_ticket;
	for (size_t n = 0; n < 5; n++)
		cluster_isolate(&c, n, false);
	cluster_run(&c, 60000);
	for (size_t n = 0; n < 5; n++) {
		uint64_t last = cluster_propose(&c, n, "last");

		CLUSTER_UNTIL(&c, cluster_is_ok(&c, n, last), 5000);
	}
	cluster_run(&c, 1000);
	for (size_t n = 1; n < 5; n++)
		cluster_expect_equal(&c, 0, n);
	for (uint64_t ticket = 1; ticket <= proposed; ticket++) {
		size_t n = 0;
		char text[32];

		while (n < 4 && c.node[n].result[ticket].answers == 0)
			n++;
		snprintf(text, sizeof text, "c%llu", (unsigned long long)ticket);
		assert_true(cluster_times(&c, 0, text) <= 1);
		assert_true(c.node[n].result[ticket].answers <= 1);
		if (c.node[n].result[ticket].answers == 1 && c.node[n].result[ticket].reason != OK
			&& c.node[n].result[ticket].reason != ERROR_INDETERMINATE)
			assert_int_equal(cluster_times(&c, 0, text), 0);
	}
	cluster_fini(&c);
}

static void histories_meet_at_random(void **unused)
{
	(void)unused;
	for (uint64_t seed = 1; seed <= 10; seed++)
		chaos(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expect_waits_for_so_many),
		cmocka_unit_test(who_only_joins_begins_nothing),
		cmocka_unit_test(empty_histories_become_one_silently),
		cmocka_unit_test(the_shorter_history_gives_way_and_is_archived),
		cmocka_unit_test(all_members_of_the_loser_follow),
		cmocka_unit_test(a_member_that_was_away_hears_that_its_history_is_over),
		cmocka_unit_test(a_fence_stays_frozen_until_it_is_lifted),
		cmocka_unit_test(a_silent_winner_lets_the_other_go_on),
		cmocka_unit_test(what_was_frozen_in_the_log_is_done_after_the_thaw),
		cmocka_unit_test(a_result_belongs_to_the_history_that_it_was_told_of),
		cmocka_unit_test(who_leaves_is_out_and_the_rest_goes_on),
		cmocka_unit_test(who_is_alone_leaves_at_once),
		cmocka_unit_test(power_fails_at_any_moment_of_a_birth),
		cmocka_unit_test(who_alone_had_a_beginning_is_waited_for),
		cmocka_unit_test(who_alone_had_a_beginning_gives_way),
		cmocka_unit_test(a_crash_during_a_birth_does_not_make_two),
		cmocka_unit_test(power_fails_at_the_only_voter_of_a_birth),
		cmocka_unit_test(histories_meet_at_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
