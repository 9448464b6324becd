/*
 * follow_test.c - clients that follow: every event once, or a reset; and nothing grows for who does not read.
 */
#include "groups/log_state.h"
#include "shop.h"

static void the_log_is_followed_from_now_on(void **state)
{
	struct shop shop = shop_open();

	(void)state;
	apply(&shop, 1, "before");
	run(&shop, 10);
	follow(&shop, FOLLOW_LOG, 0, "");
	apply(&shop, 2, "two");
	change(&shop, 2, "k");
	apply(&shop, 3, "three");
	run(&shop, 100);
	expect_event(&shop, EVENT_RECORD, 2, "two");
	expect_event(&shop, EVENT_RECORD, 3, "three");
	expect_nothing(&shop);
	shop_free(&shop);
}

static void following_resumes_at_a_position(void **state)
{
	struct shop shop = shop_open();

	(void)state;
	for (uint64_t position = 1; position <= 4; position++)
		apply(&shop, position, "x");
	run(&shop, 10);
	follow(&shop, FOLLOW_LOG, 3, "");
	expect_event(&shop, EVENT_RECORD, 3, "x");
	expect_event(&shop, EVENT_RECORD, 4, "x");
	expect_nothing(&shop);
	shop_free(&shop);
}

/* A plain log is its own state: nothing is missed. */
static void what_is_gone_of_a_log_comes_from_its_state(void **state)
{
	struct shop shop = shop_open();
	struct state log = log_state_new();

	(void)state;
	for (uint64_t i = 1; i <= 10; i++) {
		struct buffer result = {0}, changes = {0};

		log.ops->apply(log.self, &(struct state_moment){.position = i, .term = 1}, bytes_of_text("old"), &result, &changes);
		buffer_fini(&result);
		buffer_fini(&changes);
	}
	shop.group->state = log;
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_RESTORED, .position = 10});
	apply(&shop, 11, "new");
	run(&shop, 10);
	follow(&shop, FOLLOW_LOG, 9, "");
	expect_event(&shop, EVENT_RECORD, 9, "old");
	expect_event(&shop, EVENT_RECORD, 10, "old");
	expect_event(&shop, EVENT_RECORD, 11, "new");
	expect_nothing(&shop);
	shop_free(&shop);
	log.ops->free(log.self);
}

static void what_is_gone_is_a_reset(void **state)
{
	struct shop shop = shop_open();

	(void)state;
	apply(&shop, 1, "x");
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_RESTORED, .position = 10});
	apply(&shop, 11, "y");
	run(&shop, 10);
	follow(&shop, FOLLOW_LOG, 1, "");
	expect_event(&shop, EVENT_RESET, 10, "");
	expect_event(&shop, EVENT_RECORD, 11, "y");
	/* And in the middle of it, for who was not told yet. */
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_RESTORED, .position = 20});
	apply(&shop, 21, "z");
	run(&shop, 100);
	expect_event(&shop, EVENT_RESET, 20, "");
	expect_event(&shop, EVENT_RECORD, 21, "z");
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_DISSOLVED});
	apply(&shop, 1, "anew");
	run(&shop, 100);
	expect_event(&shop, EVENT_RESET, 0, "");
	expect_event(&shop, EVENT_RECORD, 1, "anew");
	expect_nothing(&shop);
	shop_free(&shop);
}

static void changes_are_filtered_by_key(void **state)
{
	struct shop shop = shop_open();
	struct client_fact fact;

	(void)state;
	follow(&shop, FOLLOW_CHANGES, 0, "ab");
	change(&shop, 1, "a");
	change(&shop, 2, "abc");
	change(&shop, 3, "b");
	change(&shop, 4, "ab");
	apply(&shop, 4, "not a change");
	run(&shop, 100);
	fact = next(&shop);
	assert_int_equal(fact.position, 2);
	blob_drop(fact.message);
	fact = next(&shop);
	assert_int_equal(fact.position, 4);
	assert_int_equal(fact.event, EVENT_CHANGE);
	blob_drop(fact.message);
	expect_nothing(&shop);
	shop_free(&shop);
}

static void what_is_about_every_key_passes_every_filter(void **state)
{
	struct shop shop = shop_open();
	struct client_fact fact;

	(void)state;
	follow(&shop, FOLLOW_CHANGES, 0, "ab");
	change(&shop, 1, "a");
	change(&shop, 2, NULL);
	run(&shop, 100);
	fact = next(&shop);
	assert_int_equal(fact.position, 2);
	blob_drop(fact.message);
	expect_nothing(&shop);
	shop_free(&shop);
}

static unsigned status_events(struct shop *shop, uint64_t *position)
{
	struct client_status status;
	struct client_fact fact;
	unsigned count = 0;

	while (client_next_fact(shop->client, &fact)) {
		enum error error = client_status_decode(fact.bytes, &status);
		assert_int_equal(error, OK);
		assert_int_equal(fact.event, EVENT_STATUS);
		*position = status.status.position;
		client_status_fini(&status);
		blob_drop(fact.message);
		count++;
	}
	return count;
}

static void the_status_is_followed_at_a_bounded_rate(void **state)
{
	struct shop shop = shop_open();
	uint64_t position = 0;

	(void)state;
	follow(&shop, FOLLOW_STATUS, 0, "");
	assert_int_equal(status_events(&shop, &position), 1);
	for (int i = 0; i < 1000; i++) {
		shop.group->position++;
		run(&shop, 1);
	}
	run(&shop, 300);
	assert_in_range(status_events(&shop, &position), 9, 12);
	assert_int_equal(position, 1000);
	fake_say(shop.group, &(struct group_fact){.kind = GROUP_LEADER});
	run(&shop, 300);
	assert_int_equal(status_events(&shop, &position), 1);
	run(&shop, 5000);
	assert_int_equal(status_events(&shop, &position), 0);
	shop_free(&shop);
}

static void a_follower_that_does_not_read_costs_little(void **state)
{
	struct shop shop = shop_open();
	struct groups *groups = shop.mesh->node[MEMBER].groups;
	const struct hosted *hosted = groups->hosted.slot[0].value;
	struct blob *large = blob_new(0, 100000);
	const struct groups_link *link = groups->links.slot[0].value;

	(void)state;
	memset(large->data, 7, 100000);
	large->end = 100000;
	follow(&shop, FOLLOW_LOG, 0, "");
	shop.mesh->silent = true;   /* its window is closed */
	for (uint64_t position = 1; position <= 1000; position++) {
		fake_say(shop.group, &(struct group_fact){.kind = GROUP_APPLIED, .position = position, .bytes = blob_keep(large)});
		if (position % 100 == 0)
			mesh_turn(shop.mesh, MEMBER);
	}
	assert_in_range(link->outstanding, FOLLOW_AHEAD_MAX, FOLLOW_AHEAD_MAX + 200000);
	assert_in_range(hosted->history.bytes, HISTORY_BYTES_MAX / 2, HISTORY_BYTES_MAX);
	/* It wakes up: what it had missed by then is a reset, what is still here is told. */
	shop.mesh->silent = false;
	groups_ops.sent(groups, link->link.id, link->outstanding, &shop.mesh->node[MEMBER].out);
	mesh_carry_out(shop.mesh, MEMBER);
	run(&shop, 1000);
	struct client_fact fact = next(&shop);
	assert_int_equal(fact.event, EVENT_RESET);
	uint64_t from = fact.position;
	assert_in_range(from, 900, 999);
	blob_drop(fact.message);
	for (uint64_t position = from + 1; position <= 1000; position++) {
		fact = next(&shop);
		assert_int_equal(fact.position, position);
		blob_drop(fact.message);
	}
	expect_nothing(&shop);
	blob_drop(large);
	shop_free(&shop);
}

/* One that asks and asks and never reads the answers is dropped; the other one does not notice. */
static void who_asks_and_does_not_read_is_dropped(void **state)
{
	struct shop shop = shop_open();
	struct blob *large = blob_new(0, 1u << 20);
	struct mesh_node *member = &shop.mesh->node[MEMBER];

	(void)state;
	memset(large->data, 7, 1u << 20);
	large->end = 1u << 20;
	for (uint64_t ticket = 1; ticket <= 20; ticket++)
		propose(&shop, ticket, "x");
	run(&shop, 200);
	shop.mesh->silent = true;
	for (size_t i = 0; i < 20; i++)
		fake_say(shop.group, &(struct group_fact){.kind = GROUP_RESULT, .ticket = shop.group->ticket[i], .bytes = blob_keep(large)});
	mesh_turn(shop.mesh, MEMBER);
	assert_int_equal(member->last_close, ERROR_TOO_SLOW);
	assert_int_equal(member->groups->requests.count, 0);
	shop.mesh->silent = false;
	run(&shop, 200);
	for (uint64_t ticket = 1; ticket <= 20; ticket++)
		expect_result(&shop, ticket, ERROR_INDETERMINATE, "");
	assert_int_equal(next(&shop).reason, ERROR_TOO_SLOW);
	blob_drop(large);
	shop_free(&shop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_is_followed_from_now_on),
		cmocka_unit_test(following_resumes_at_a_position),
		cmocka_unit_test(what_is_gone_is_a_reset),
		cmocka_unit_test(what_is_gone_of_a_log_comes_from_its_state),
		cmocka_unit_test(changes_are_filtered_by_key),
		cmocka_unit_test(what_is_about_every_key_passes_every_filter),
		cmocka_unit_test(the_status_is_followed_at_a_bounded_rate),
		cmocka_unit_test(a_follower_that_does_not_read_costs_little),
		cmocka_unit_test(who_asks_and_does_not_read_is_dropped),
	};

	return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
