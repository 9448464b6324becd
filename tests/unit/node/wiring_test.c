/*
 * wiring_test.c - a fact of one machine becomes a verb of another, seen from outside: what a node does next.
 */
#include "tests/unit/node/lone.h"

#define CROWD 250                             /* more than CATALOG_EVENTS_MAX */

/* ---- catalog -> consumers ---- */

static void a_consumer_hears_of_producers_that_appear(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);

	(void)state;
	lone_expect_quiet(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .produces = false});
	lone_expect_quiet(lone);
	lone_hear(lone, &(struct saying){.peer = 2, .produces = true});
	lone_expect_call(lone, 2);
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true});
	lone_expect_call(lone, 1);
	assert_int_equal(node_producers_listed(lone->node, consumer), 2);
	lone_free(lone);
}

static void a_consumer_hears_of_producers_that_are_there_already(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	lone_hear(lone, &(struct saying){.peer = 2, .produces = false});
	lone_expect_quiet(lone);
	consumer = lone_consume(lone);
	lone_expect_call(lone, 1);
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 1);
	lone_free(lone);
}

static void every_consumer_hears(void **state)
{
	struct lone *lone = lone_new();

	(void)state;
	lone_consume(lone);
	lone_consume(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	lone_expect_call(lone, 1);
	lone_expect_call(lone, 1);
	lone_expect_quiet(lone);
	lone_free(lone);
}

static void a_node_does_not_call_itself(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);

	(void)state;
	node_produce(lone->node, lone->now, LONE_STREAM, &(struct producer_options){.max_stall = MSEC_NEVER});
	assert_true(node_hello(lone->node, lone->now).size > 0);
	node_tick(lone->node, lone->now);
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_consume(lone);
	lone_expect_quiet(lone);
	lone_free(lone);
}

static void an_entry_without_the_stream_takes_the_producer_back(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);
	struct effect effect;
	link_id link;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	link = lone_expect_call(lone, 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = false});
	effect = lone_expect(lone, EFFECT_CLOSE, PROTOCOL_STREAMS);
	assert_true(effect.link == link && effect.reason == ERROR_CANCELLED);
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_free(lone);
}

static void a_goodbye_takes_the_producer_and_its_address_back(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);
	struct effect effect;
	link_id link;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	assert_int_equal(lone->node->observed.count, 1);
	link = lone_expect_call(lone, 1);
	lone_hear(lone, &(struct saying){.peer = 1, .goodbye = true});
	effect = lone_expect(lone, EFFECT_CLOSE, PROTOCOL_STREAMS);
	assert_true(effect.link == link && effect.reason == ERROR_CANCELLED);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	assert_int_equal(lone->node->observed.count, 0);
	lone_free(lone);
}

/* A call that failed waits for its retry; news of the same life do not disturb that, a new life does. */
static void only_a_newer_start_is_called_at_once(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);
	struct address moved = world_address(1, 7001);
	link_id link;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	link = lone_expect_call(lone, 1);
	node_unlinked(lone->node, lone->now, PROTOCOL_STREAMS, link, ERROR_REFUSED);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true});
	lone_hear(lone, &(struct saying){.peer = 1, .update = 2, .produces = true, .address = &moved, .address_count = 1});
	lone_expect_quiet(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .start = 1, .update = 3, .produces = true});
	assert_true(lone_expect_call(lone, 1) != link);
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 1);
	lone_free(lone);
}

/* Does a stream link come that is not `before`, whatever else the machines do meanwhile? */
static bool calls(struct lone *lone, link_id before)
{
	struct effect effect;
	bool found = false;

	while (node_next_effect(lone->node, &effect)) {
		found = found || (effect.kind == EFFECT_CONNECT && effect.protocol == PROTOCOL_STREAMS && effect.link != before);
		effect_drop(&effect);
	}
	return found;
}

static void a_failed_call_is_told_and_tried_again(void **state)
{
	struct lone *lone = lone_new();
	struct node_fact fact;
	link_id link;

	(void)state;
	lone_consume(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	link = lone_expect_call(lone, 1);
	node_unlinked(lone->node, lone->now, PROTOCOL_STREAMS, link, ERROR_REFUSED);
	assert_true(node_next_fact(lone->node, &fact));
	assert_int_equal(fact.kind, NODE_STREAM);
	assert_int_equal(fact.stream.kind, CONSUMER_LOST);
	assert_int_equal(fact.stream.reason, ERROR_REFUSED);
	assert_false(node_next_fact(lone->node, &fact));
	lone_drop_effects(lone);
	lone->now += CONSUMER_RETRY_MIN + CONSUMER_RETRY_MIN / 5;
	assert_true(node_deadline(lone->node) <= lone->now);
	node_tick(lone->node, lone->now);
	assert_true(calls(lone, link));
	lone_free(lone);
}

/* ---- more events in one call than the ring holds ---- */

/* Everybody falls silent at once, and one purge makes an event of each. */
static void a_purge_of_a_crowd_is_not_lost(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);

	(void)state;
	for (unsigned i = 1; i <= CROWD; i++)
		lone_hear(lone, &(struct saying){.peer = i, .produces = true});
	assert_int_equal(node_producers_listed(lone->node, consumer), CROWD);
	assert_int_equal(lone->node->observed.count, CROWD);
	lone_drop_effects(lone);
	lone->now += CATALOG_PURGE_AFTER;
	node_tick(lone->node, lone->now);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	assert_int_equal(lone->node->observed.count, 0);
	lone_drop_effects(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true});
	lone_expect_call(lone, 1);
	lone_free(lone);
}

/* ---- announce -> exchange, and up to our owner ---- */

static void expect_fact(struct lone *lone, int kind, unsigned peer, enum error reason)
{
	struct keypair pair = fake_pair(peer);
	struct node_fact fact;

	assert_true(node_next_fact(lone->node, &fact));
	assert_int_equal(fact.kind, kind);
	assert_true(id_equal(&fact.peer, &pair.public_key));
	assert_int_equal(fact.reason, reason);
}

static void a_new_neighbour_is_compared_with(void **state)
{
	struct lone *lone = lone_new();
	struct keypair pair = fake_pair(1);
	const struct link link = {.id = 1, .peer = pair.public_key};
	struct effect effect;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1});
	node_linked(lone->node, lone->now, PROTOCOL_ANNOUNCE, &link);
	effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_CATALOG_SYNC);
	assert_true(id_equal(&effect.dial->peer, &pair.public_key));
	effect_drop(&effect);
	assert_int_equal(node_neighbours(lone->node), 1);
	expect_fact(lone, NODE_NEIGHBOUR_UP, 1, OK);
	lone_drop_effects(lone);
	node_unlinked(lone->node, lone->now, PROTOCOL_ANNOUNCE, link.id, ERROR_IDLE);
	assert_int_equal(node_neighbours(lone->node), 0);
	expect_fact(lone, NODE_NEIGHBOUR_DOWN, 1, ERROR_IDLE);
	lone_free(lone);
}

static void a_bootstrap_dial_that_fails_is_told(void **state)
{
	struct lone *lone = lone_new();
	struct dial dial = {.peer = fake_pair(1).public_key, .count = 1, .address = {world_address(1, 7000)}};
	struct effect effect;

	(void)state;
	node_add_bootstrap(lone->node, lone->now, &dial);
	node_tick(lone->node, lone->now);
	effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_ANNOUNCE);
	assert_int_equal(effect.dial->count, 1);
	assert_true(address_equal(&effect.dial->address[0], &dial.address[0]));
	node_unlinked(lone->node, lone->now, PROTOCOL_ANNOUNCE, effect.link, ERROR_NO_ANSWER);
	expect_fact(lone, NODE_BOOTSTRAP_FAILED, 1, ERROR_NO_ANSWER);
	effect_drop(&effect);
	lone_free(lone);
}

/* News that a hello brings goes to the neighbours; what they know already does not. */
static void news_from_a_hello_are_passed_on(void **state)
{
	struct lone *lone = lone_new();
	const struct link link = {.id = 1, .peer = fake_pair(1).public_key};
	struct effect effect;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1});
	node_linked(lone->node, lone->now, PROTOCOL_ANNOUNCE, &link);
	node_tick(lone->node, lone->now);
	lone_drop_effects(lone);
	lone_hear(lone, &(struct saying){.peer = 2});
	effect = lone_expect(lone, EFFECT_SEND, PROTOCOL_ANNOUNCE);
	assert_true(effect.link == link.id);
	effect_drop(&effect);
	lone_hear(lone, &(struct saying){.peer = 2});
	lone_expect_quiet(lone);
	lone_free(lone);
}

/* ---- hellos ---- */

static void a_guest_or_a_forger_is_met_without_a_trace(void **state)
{
	struct lone *lone = lone_new();
	const struct address from = world_address(1, 7000);
	struct entry *entry = fake_entry(1, WORLD_WALL, WORLD_WALL);
	struct id peer = entry->card.peer;

	(void)state;
	node_met(lone->node, lone->now, &peer, &from, bytes_of(NULL, 0));
	assert_null(catalog_find(node_catalog(lone->node), &peer));
	entry->signed_bytes->data[entry->signed_bytes->end - 1] ^= 1;
	node_met(lone->node, lone->now, &peer, &from, blob_bytes(entry->signed_bytes));
	assert_null(catalog_find(node_catalog(lone->node), &peer));
	assert_int_equal(lone->node->observed.count, 0);
	lone_expect_quiet(lone);
	entry_drop(entry);
	lone_free(lone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_consumer_hears_of_producers_that_appear),
		cmocka_unit_test(a_consumer_hears_of_producers_that_are_there_already),
		cmocka_unit_test(every_consumer_hears),
		cmocka_unit_test(a_node_does_not_call_itself),
		cmocka_unit_test(an_entry_without_the_stream_takes_the_producer_back),
		cmocka_unit_test(a_goodbye_takes_the_producer_and_its_address_back),
		cmocka_unit_test(only_a_newer_start_is_called_at_once),
		cmocka_unit_test(a_failed_call_is_told_and_tried_again),
		cmocka_unit_test(a_purge_of_a_crowd_is_not_lost),
		cmocka_unit_test(a_new_neighbour_is_compared_with),
		cmocka_unit_test(a_bootstrap_dial_that_fails_is_told),
		cmocka_unit_test(news_from_a_hello_are_passed_on),
		cmocka_unit_test(a_guest_or_a_forger_is_met_without_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
