/*
 * Whole groups over a network in memory: who proposes where, what comes of it, and what every member has in the end.
 */
#include "groups/group_wire.h"
#include "groups/snapshot.h"
#include "groups/sync.h"
#include "groups_cluster.h"
#include "sum_state.h"

static void one_member_answers_at_once(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init(&c, 1);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == 0, 5000);
	ticket = cluster_propose(&c, 0, "first");
	cluster_settle(&c);
	assert_true(cluster_is_ok(&c, 0, ticket));
	assert_int_equal(c.node[0].result[ticket].position, 1);
	assert_int_equal(cluster_times(&c, 0, "first"), 1);
	cluster_fini(&c);
}

static void everybody_proposes_and_everybody_has_it(void **unused)
{
	struct cluster c;
	uint64_t ticket[3];

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 10000);
	for (size_t n = 0; n < 3; n++)
		ticket[n] = cluster_propose(&c, n, "command");
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, cluster_is_ok(&c, n, ticket[n]), 1000);
	cluster_run(&c, 100);
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(cluster_times(&c, n, "command"), 3);
		assert_int_equal(c.node[n].facts[GROUP_APPLIED], 3);
		assert_int_equal(cluster_status(&c, n).position, 3);
	}
	cluster_fini(&c);
}

static void results_come_once_over_changes_of_the_leader(void **unused)
{
	struct cluster c;
	uint64_t first, last = 0;

	(void)unused;
	cluster_init(&c, 5);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 5), 20000);
	first = c.last_ticket + 1;
	for (int round = 0; round < 6; round++) {
		size_t leader = cluster_leader(&c);

		for (int i = 0; i < 40; i++) {
			char text[32];

			snprintf(text, sizeof text, "%llu", (unsigned long long)c.last_ticket + 1);
			last = cluster_propose(&c, (size_t)i % 5, text);
			if (i == 20)
				cluster_isolate(&c, leader, true);
			cluster_run(&c, 2);
		}
		CLUSTER_UNTIL(&c, cluster_leader(&c) != leader && cluster_leader(&c) < 5, 5000);
		cluster_isolate(&c, leader, false);
		cluster_run(&c, 1000);
	}
	cluster_run(&c, 3000);
	for (uint64_t ticket = first; ticket <= last; ticket++) {
		char text[32];
		unsigned answers = 0;

		for (size_t n = 0; n < 5; n++)
			answers += c.node[n].result[ticket].answers;
		assert_int_equal(answers, 1);
		assert_int_equal(c.node[(ticket - first) % 40 % 5].result[ticket].reason, OK);
		snprintf(text, sizeof text, "%llu", (unsigned long long)ticket);
		assert_int_equal(cluster_times(&c, 0, text), 1);
	}
	for (size_t n = 1; n < 5; n++) {
		struct group_status a = cluster_status(&c, 0), b = cluster_status(&c, n);

		assert_int_equal(a.position, b.position);
		assert_true(id_equal(&a.state_hash, &b.state_hash));
	}
	cluster_fini(&c);
}

static void loss_of_messages_loses_no_command(void **unused)
{
	struct cluster c;
	uint64_t tickets[200];

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	c.loss = 20;
	for (size_t i = 0; i < 200; i++) {
		tickets[i] = cluster_propose(&c, i % 3, "lossy");
		cluster_run(&c, 5);
	}
	cluster_run(&c, 20000);
	c.loss = 0;
	cluster_run(&c, 5000);
	for (size_t i = 0; i < 200; i++)
		assert_true(cluster_is_ok(&c, i % 3, tickets[i]));
	assert_int_equal(cluster_times(&c, 1, "lossy"), 200);
	assert_int_equal(cluster_status(&c, 1).position, 200);   /* no entry stands there twice, however often it was sent */
	cluster_fini(&c);
}

static void many_proposers_share_entries(void **unused)
{
	struct cluster c;
	uint64_t before, tickets[64];
	size_t leader;

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	leader = cluster_leader(&c);
	tickets[0] = cluster_propose(&c, leader, "opens the session");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, leader, tickets[0]), 1000);
	before = cluster_status(&c, leader).log_last;
	for (size_t i = 0; i < 64; i++)
		tickets[i] = cluster_propose(&c, leader, "one of many");
	cluster_run(&c, 20);
	for (size_t i = 0; i < 64; i++)
		assert_true(cluster_is_ok(&c, leader, tickets[i]));
	assert_true(cluster_status(&c, leader).log_last - before <= 2);
	cluster_fini(&c);
}

static void a_minority_neither_acknowledges_nor_answers_strongly(void **unused)
{
	struct cluster c;
	uint64_t ticket, strong, local;
	size_t leader;

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	leader = cluster_leader(&c);
	ticket = cluster_propose(&c, leader, "before");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, leader, ticket), 1000);
	cluster_isolate(&c, leader, true);
	ticket = cluster_propose(&c, leader, "in the minority");
	strong = cluster_query(&c, leader, QUERY_STRONG, bytes_of(NULL, 0));
	local = cluster_query(&c, leader, QUERY_LOCAL, bytes_of(NULL, 0));
	cluster_run(&c, 20000);
	assert_int_equal(c.node[leader].result[ticket].answers, 0);
	assert_int_equal(c.node[leader].result[strong].answers, 0);
	assert_true(cluster_is_ok(&c, leader, local));
	assert_int_equal(c.node[leader].result[local].position, 1);
	assert_true(c.node[leader].facts[GROUP_OFFLINE] > 0);
	/* What was never sent is refused after a while: certainly not applied. */
	ticket = cluster_propose(&c, leader, "never sent");
	CLUSTER_UNTIL(&c, c.node[leader].result[ticket].answers == 1, 5000);
	assert_int_equal(c.node[leader].result[ticket].reason, ERROR_NOT_LEADER);
	cluster_isolate(&c, leader, false);
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, leader, strong), 5000);
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, leader, ticket - 3), 5000);
	assert_int_equal(cluster_times(&c, 0, "in the minority"), 1);
	assert_int_equal(cluster_times(&c, 0, "never sent"), 0);
	cluster_fini(&c);
}

static void reads_see_what_was_acknowledged(void **unused)
{
	struct cluster c;
	uint64_t put, get, timeout;

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	for (size_t n = 0; n < 3; n++) {
		put = cluster_propose(&c, n, "x");
		CLUSTER_UNTIL(&c, cluster_is_ok(&c, n, put), 1000);
		get = cluster_query(&c, (n + 1) % 3, QUERY_STRONG, bytes_of(NULL, 0));
		CLUSTER_UNTIL(&c, cluster_is_ok(&c, (n + 1) % 3, get), 1000);
		assert_true(c.node[(n + 1) % 3].result[get].position >= c.node[n].result[put].position);
	}
	timeout = ++c.last_ticket;
	group_query(c.node[0].group, c.now, &(struct group_query){.ticket = timeout, .level = QUERY_LOCAL, .position = 100,
		.deadline = c.now + 500});
	cluster_run(&c, 499);
	assert_int_equal(c.node[0].result[timeout].answers, 0);
	cluster_run(&c, 2);
	assert_int_equal(c.node[0].result[timeout].reason, ERROR_TIMEOUT);
	cluster_fini(&c);
}

static void who_comes_late_has_it_by_log(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init_empty(&c, 4);
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill(&c, 0, 1000);
	cluster_start(&c, 3);
	CLUSTER_UNTIL(&c, cluster_status(&c, 3).position == 1000, 2000);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, 0, 3);
	assert_int_equal(c.node[3].facts[GROUP_RESTORED], 0);
	cluster_fini(&c);
}

static void who_comes_later_has_it_by_snapshot(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init_empty(&c, 4);
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill_up(&c, 0);
	assert_true(cluster_status(&c, cluster_leader(&c)).log_first > 1);
	cluster_start(&c, 3);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_RESTORED] == 1, 5000);
	ticket = cluster_propose(&c, 3, "from the newcomer");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 3, ticket), 5000);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, 0, 3);
	assert_int_equal(c.node[3].facts[GROUP_DIVERGED] + c.node[0].facts[GROUP_DIVERGED], 0);
	cluster_fini(&c);
}

/* As a bug or a bad memory module would. */
static void spoil(struct cluster *c, size_t n)
{
	((struct sum *)group_state(c->node[n].group)->self)->sum++;
}

static void start_with_sums(struct cluster *c, size_t members, size_t started)
{
	cluster_init_empty(c, members);
	c->new_state = sum_new;
	for (size_t n = 0; n < started; n++)
		cluster_start(c, n);
	CLUSTER_UNTIL(c, cluster_has_voters(c, 3), 20000);
}

static void a_state_that_differs_is_found_at_a_checkpoint(void **unused)
{
	struct cluster c;
	size_t spoiled;

	(void)unused;
	start_with_sums(&c, 3, 3);
	spoiled = (cluster_leader(&c) + 1) % 3;
	cluster_fill(&c, 0, 100);
	spoil(&c, spoiled);
	for (int i = 0; i < 10000 && cluster_status(&c, 0).commit < 4200; i++) {
		cluster_propose(&c, 0, "one entry");
		cluster_run(&c, 1);
	}
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, c.last_ticket), 5000);
	CLUSTER_UNTIL(&c, c.node[spoiled].facts[GROUP_DIVERGED] == 1, 5000);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 30000);
	CLUSTER_UNTIL(&c, cluster_status(&c, spoiled).position == cluster_status(&c, 0).position, 5000);
	cluster_run(&c, 10);
	for (size_t n = 0; n < 3; n++) {
		cluster_expect_equal(&c, 0, n);
		assert_int_equal(c.node[n].facts[GROUP_DIVERGED], n == spoiled);
	}
	cluster_fini(&c);
}

static void a_leader_that_differs_is_the_one_to_go(void **unused)
{
	struct cluster c;
	size_t spoiled, other;

	(void)unused;
	start_with_sums(&c, 4, 3);
	cluster_fill_up(&c, 0);
	spoiled = cluster_leader(&c);
	other = (spoiled + 1) % 3;
	spoil(&c, spoiled);
	cluster_start(&c, 3);   /* needs a snapshot, so that there is a mark */
	CLUSTER_UNTIL(&c, c.node[spoiled].facts[GROUP_DIVERGED] == 1, 10000);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 60000);
	cluster_run(&c, 10000);
	for (size_t n = 0; n < 4; n++) {
		cluster_expect_equal(&c, other, n);
		assert_true(c.node[n].facts[GROUP_DIVERGED] == (n == spoiled) || n == 3);
	}
	cluster_fini(&c);
}

static void a_transfer_moves_the_leader(void **unused)
{
	struct cluster c;
	size_t leader;

	(void)unused;
	cluster_init(&c, 3);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	leader = cluster_leader(&c);
	group_transfer(c.node[leader].group, c.now);
	CLUSTER_UNTIL(&c, cluster_leader(&c) < 3 && cluster_leader(&c) != leader, 300);
	cluster_fini(&c);
}

static void make_durable(struct cluster *c, size_t count)
{
	cluster_init_empty(c, count);
	for (size_t n = 0; n < count; n++) {
		c->node[n].durable = true;
		c->node[n].disk_delay = 1;
		cluster_start(c, n);
	}
	CLUSTER_UNTIL(c, cluster_has_voters(c, count), 20000);
}

static void all_stop_and_start_and_everything_is_there(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	make_durable(&c, 3);
	cluster_fill(&c, 1, 300);
	for (int round = 0; round < 3; round++) {
		for (size_t n = 0; n < 3; n++)
			cluster_stop(&c, n);
		cluster_run(&c, 100);
		for (size_t n = 0; n < 3; n++)
			cluster_start(&c, n);
		CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 5000);
		ticket = cluster_propose(&c, (size_t)round, "again");
		CLUSTER_UNTIL(&c, cluster_is_ok(&c, (size_t)round, ticket), 5000);
	}
	cluster_run(&c, 1000);
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(cluster_times(&c, n, "again"), 3);
		assert_int_equal(cluster_status(&c, n).position, 303);
	}
	cluster_fini(&c);
}

static void a_log_that_grew_is_cut_and_the_snapshot_is_enough(void **unused)
{
	struct cluster c;

	(void)unused;
	make_durable(&c, 3);
	cluster_fill_up(&c, 1);
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, c.node[n].disk.meta.index > 0, 5000);
	for (size_t n = 0; n < 3; n++) {
		assert_true(c.node[n].disk.entry[0].head.index > 1);
		cluster_stop(&c, n);
	}
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 5000);
	cluster_run(&c, 1000);
	cluster_expect_equal(&c, 0, 1);
	cluster_expect_equal(&c, 0, 2);
	assert_true(cluster_status(&c, 0).position >= 1100);
	cluster_fini(&c);
}

static void a_newcomer_is_served_by_members_that_restarted(void **unused)
{
	struct cluster c;

	(void)unused;
	make_durable(&c, 3);
	cluster_fill_up(&c, 1);
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, c.node[n].disk.meta.index > 0, 5000);
	for (size_t n = 0; n < 3; n++)
		cluster_stop(&c, n);
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 5000);
	c.count = 4;
	cluster_prepare(&c, 3);
	cluster_start(&c, 3);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_RESTORED] == 1, 5000);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, 0, 3);
	cluster_fini(&c);
}

static void a_durable_newcomer_keeps_what_it_fetched(void **unused)
{
	struct cluster c;

	(void)unused;
	cluster_init_empty(&c, 4);
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	c.node[3].durable = true;
	c.node[3].disk_delay = 3;
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill_up(&c, 0);
	assert_true(cluster_status(&c, cluster_leader(&c)).log_first > 1);
	cluster_start(&c, 3);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_RESTORED] == 1, 5000);
	CLUSTER_UNTIL(&c, c.node[3].disk.meta.index > 0, 5000);
	cluster_run(&c, 1000);
	cluster_stop(&c, 3);
	cluster_start(&c, 3);
	assert_true(cluster_status(&c, 3).position >= 1100);
	cluster_run(&c, 2000);
	cluster_expect_equal(&c, 0, 3);
	assert_int_equal(c.node[3].facts[GROUP_RESTORED], 1);
	cluster_fini(&c);
}

static void owners_of_external_states_answer(void **unused)
{
	struct cluster c;
	uint64_t ticket, question;

	(void)unused;
	cluster_init_empty(&c, 3);
	c.external = true;
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	ticket = cluster_propose(&c, 1, "do it");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 1, ticket), 1000);
	assert_true(bytes_equal(blob_bytes(c.node[1].result[ticket].bytes), bytes_of_text("done")));
	assert_int_equal(c.node[1].result[ticket].position, 1);
	question = cluster_query(&c, 2, QUERY_STRONG, bytes_of_text("what"));
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 2, question), 1000);
	assert_true(bytes_equal(blob_bytes(c.node[2].result[question].bytes), bytes_of_text("told")));
	cluster_fini(&c);
}

static const struct log_base *base_of(const struct cluster *c, size_t n)
{
	return log_state_base(group_state(c->node[n].group));
}

/* Everywhere, by disk too, and a newcomer begins with it, since the log was cut behind it. */
static void what_commands_came_to_takes_their_place(void **unused)
{
	static uint8_t content[LOG_PART_MAX * 2 + 100];
	struct cluster c;
	size_t leader;

	(void)unused;
	cluster_init_empty(&c, 4);
	c.external = true;
	for (size_t n = 0; n < 3; n++) {
		c.node[n].durable = true;
		c.node[n].compact_entries = 10;
		cluster_start(&c, n);
	}
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill(&c, 0, 100);
	leader = cluster_leader(&c);
	assert_false(group_fold(c.node[leader].group, c.now, 101, bytes_of(content, sizeof content)));   /* not applied */
	assert_false(group_fold(c.node[(leader + 1) % 3].group, c.now, 90, bytes_of(content, sizeof content)));
	assert_true(group_fold(c.node[leader].group, c.now, 90, bytes_of(content, sizeof content)));
	assert_false(group_fold(c.node[leader].group, c.now, 91, bytes_of(content, sizeof content)));   /* one at a time */
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, base_of(&c, n)->position == 90, 5000);
	cluster_run(&c, 500);
	assert_false(group_is_folding(c.node[leader].group));
	assert_int_equal(log_base_size(base_of(&c, 0)), sizeof content);
	assert_int_equal(log_state_count(group_state(c.node[0].group)), 10);
	assert_true(cluster_status(&c, leader).log_first > 1);
	cluster_stop(&c, 1);
	cluster_start(&c, 1);
	CLUSTER_UNTIL(&c, cluster_status(&c, 1).position == 100, 5000);
	assert_int_equal(base_of(&c, 1)->position, 90);
	cluster_start(&c, 3);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_RESTORED] == 1, 5000);
	cluster_run(&c, 500);
	for (size_t n = 1; n < 4; n++)
		cluster_expect_equal(&c, 0, n);
	assert_int_equal(base_of(&c, 3)->position, 90);
	cluster_fini(&c);
}

/* Half of it was said: nothing is folded, and the next leader says it anew. */
static void a_fold_ends_with_its_leader(void **unused)
{
	static uint8_t content[LOG_PART_MAX * 3];
	struct cluster c;
	size_t leader, next;

	(void)unused;
	cluster_init_empty(&c, 3);
	c.external = true;
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill(&c, 0, 100);
	leader = cluster_leader(&c);
	next = (leader + 1) % 3;
	assert_true(group_fold(c.node[leader].group, c.now, 90, bytes_of(content, sizeof content)));
	cluster_run(&c, 3);   /* a part or two */
	cluster_isolate(&c, leader, true);
	CLUSTER_UNTIL(&c, cluster_status(&c, next).leader.byte[0] != c.node[leader].id.byte[0] && cluster_status(&c, next).online, 20000);
	cluster_isolate(&c, leader, false);
	CLUSTER_UNTIL(&c, !group_is_folding(c.node[leader].group), 5000);
	cluster_run(&c, 1000);
	assert_int_equal(base_of(&c, leader)->position, 0);
	leader = cluster_leader(&c);
	assert_true(group_fold(c.node[leader].group, c.now, 95, bytes_of(content, sizeof content)));
	for (size_t n = 0; n < 3; n++)
		CLUSTER_UNTIL(&c, base_of(&c, n)->position == 95, 5000);
	cluster_run(&c, 500);
	cluster_expect_equal(&c, 0, 1);
	cluster_expect_equal(&c, 0, 2);
	cluster_fini(&c);
}

static void start_with_readers(struct cluster *c, bool honest)
{
	cluster_init_empty(c, 4);
	c->node[3].preference = PREFER_OBSERVER;
	for (size_t n = 0; n < 4; n++) {
		c->node[n].observers_read = n < 3 || honest;
		cluster_start(c, n);
	}
	CLUSTER_UNTIL(c, cluster_has_voters(c, 3), 10000);
	cluster_run(c, 1000);
}

static void a_reader_reads_and_cannot_write(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	start_with_readers(&c, true);
	ticket = cluster_propose(&c, 0, "by a writer");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 0, ticket), 1000);
	ticket = cluster_propose(&c, 3, "by a reader");
	cluster_settle(&c);
	assert_int_equal(c.node[3].result[ticket].answers, 1);
	assert_int_equal(c.node[3].result[ticket].reason, ERROR_NOT_ALLOWED);
	ticket = cluster_query(&c, 3, QUERY_STRONG, (struct bytes){0});
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 3, ticket), 1000);
	assert_int_equal(cluster_times(&c, 3, "by a writer"), 1);
	assert_int_equal(c.refused, 0);      /* nothing of it was sent */
	cluster_fini(&c);
}

static void what_a_reader_sends_all_the_same_is_refused(void **unused)
{
	struct cluster c;

	(void)unused;
	start_with_readers(&c, false);
	cluster_propose(&c, 3, "by a reader");
	CLUSTER_UNTIL(&c, c.refused > 0, 1000);
	cluster_run(&c, 1000);
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(cluster_times(&c, n, "by a reader"), 0);
	cluster_fini(&c);
}

/*
 * One lags, so that it has to fetch a snapshot; just then the one that has it is gone. Another feeds it from its log, which
 * reaches further back, and hands over to it: a leader with a whole log and an emptied replica.
 */
static void an_emptied_leader_hands_over(void **unused)
{
	const size_t leader = 0, left = 1, other = 2;
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init_empty(&c, 3);
	for (size_t n = 0; n < 3; n++) {
		c.node[n].durable = true;
		c.node[n].compact_entries = n == leader ? 50 : 0;
		cluster_start(&c, n);
	}
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	for (int tries = 0; cluster_leader(&c) != leader && tries < 20; tries++) {
		group_transfer(c.node[cluster_leader(&c)].group, c.now);
		cluster_run(&c, 1500);
	}
	assert_int_equal(cluster_leader(&c), leader);
	ticket = cluster_propose(&c, left, "before");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, left, ticket), 1000);
	cluster_isolate(&c, left, true);
	for (size_t i = 0; i < 200; i++) {
		cluster_propose(&c, leader, "meanwhile");
		cluster_run(&c, 3);
	}
	assert_true(cluster_status(&c, leader).log_first > cluster_status(&c, left).log_last + 1);
	cluster_isolate(&c, other, true);
	cluster_cut(&c, leader, left, false);
	CLUSTER_UNTIL(&c, cluster_status(&c, left).position == 0, 10000);
	cluster_stop(&c, leader);
	cluster_cut(&c, left, other, false);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == other && cluster_status(&c, left).log_last
		== cluster_status(&c, other).log_last, 5000);
	group_transfer(c.node[other].group, c.now);
	CLUSTER_UNTIL(&c, cluster_leader(&c) == left, 2000);
	assert_int_equal(cluster_status(&c, left).position, 0);
	ticket = cluster_propose(&c, left, "after");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, left, ticket), 30000);
	cluster_run(&c, 100);
	cluster_expect_equal(&c, left, other);
	cluster_fini(&c);
}

/* As a leader that has ended did: nobody has it any more, and what the next one offers reaches less far. */
static void offer_nothing(struct cluster *c, size_t from, size_t to)
{
	struct group_status status = cluster_status(c, from);
	struct id hash = id_hash(bytes_of_text("a chunk"));
	struct group_message message = {.kind = MESSAGE_OFFER, .lineage = status.lineage, .meta = {.index = status.commit + 1000,
		.term = status.term, .position = status.position, .chunks = 1, .root = snapshot_root(bytes_of(hash.byte, ID_SIZE)),
		.configuration_index = 1}, .bytes = bytes_of(hash.byte, ID_SIZE)};
	struct blob *blob;
	uint64_t written;

	message.meta.configuration = *raft_configuration(group_raft(c->node[from].group), status.commit, &written);
	blob = group_wire_encode(&message);
	assert_int_equal(group_receive(c->node[to].group, c->now, &c->node[from].id, LANE_BULK, blob_bytes(blob)), OK);
	blob_drop(blob);
}

static void a_fetch_that_nobody_can_serve_makes_room(void **unused)
{
	struct cluster c;
	uint64_t ticket;

	(void)unused;
	cluster_init_empty(&c, 4);
	for (size_t n = 0; n < 3; n++)
		cluster_start(&c, n);
	CLUSTER_UNTIL(&c, cluster_has_voters(&c, 3), 20000);
	cluster_fill_up(&c, 0);
	cluster_start(&c, 3);
	for (msec until = c.now + 100; c.now < until; cluster_step(&c))
		offer_nothing(&c, cluster_leader(&c), 3);
	assert_int_equal(c.node[3].facts[GROUP_RESTORED], 0);
	CLUSTER_UNTIL(&c, c.node[3].facts[GROUP_RESTORED] == 1, 3 * SYNC_TIMEOUT);
	ticket = cluster_propose(&c, 3, "from the newcomer");
	CLUSTER_UNTIL(&c, cluster_is_ok(&c, 3, ticket), 5000);
	cluster_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_member_answers_at_once),
		cmocka_unit_test(everybody_proposes_and_everybody_has_it),
		cmocka_unit_test(results_come_once_over_changes_of_the_leader),
		cmocka_unit_test(loss_of_messages_loses_no_command),
		cmocka_unit_test(many_proposers_share_entries),
		cmocka_unit_test(a_minority_neither_acknowledges_nor_answers_strongly),
		cmocka_unit_test(reads_see_what_was_acknowledged),
		cmocka_unit_test(who_comes_late_has_it_by_log),
		cmocka_unit_test(who_comes_later_has_it_by_snapshot),
		cmocka_unit_test(a_state_that_differs_is_found_at_a_checkpoint),
		cmocka_unit_test(a_leader_that_differs_is_the_one_to_go),
		cmocka_unit_test(a_transfer_moves_the_leader),
		cmocka_unit_test(all_stop_and_start_and_everything_is_there),
		cmocka_unit_test(a_log_that_grew_is_cut_and_the_snapshot_is_enough),
		cmocka_unit_test(a_newcomer_is_served_by_members_that_restarted),
		cmocka_unit_test(a_durable_newcomer_keeps_what_it_fetched),
		cmocka_unit_test(owners_of_external_states_answer),
		cmocka_unit_test(what_commands_came_to_takes_their_place),
		cmocka_unit_test(a_fold_ends_with_its_leader),
		cmocka_unit_test(a_reader_reads_and_cannot_write),
		cmocka_unit_test(what_a_reader_sends_all_the_same_is_refused),
		cmocka_unit_test(an_emptied_leader_hands_over),
		cmocka_unit_test(a_fetch_that_nobody_can_serve_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
