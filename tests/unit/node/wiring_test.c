/*
 * wiring_test.c - a fact of one machine becomes a verb of another, seen from outside: what a node does next.
 */
#include "tests/unit/node/lone.h"

#include "discovery/broadcast.h"
#include "streams/stream_wire.h"

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

static void expect_call_to_itself(struct lone *lone)
{
	struct effect effect = lone_expect(lone, EFFECT_CONNECT, PROTOCOL_STREAMS);

	assert_true(id_equal(&effect.dial->peer, &node_catalog(lone->node)->self));
	effect_drop(&effect);
}

/* What it produces it may also read: once its entry says so, whoever was there first. */
static void a_node_calls_itself(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);

	(void)state;
	lone_expect_quiet(lone);
	node_produce(lone->node, lone->now, LONE_STREAM, &(struct producer_options){.max_stall = MSEC_NEVER});
	node_tick(lone->node, lone->now);
	expect_call_to_itself(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 1);
	lone_consume(lone);
	expect_call_to_itself(lone);
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

/* ---- rules about peers ---- */

static struct peer_condition with_tag(const char *tag)
{
	return (struct peer_condition){.kind = PEER_HAS_TAG, .id = id_hash(bytes_of_text(tag))};
}

/* The tag comes and goes while the producer runs: so does the subscription. */
static void a_tag_that_comes_connects_and_one_that_goes_disconnects(void **state)
{
	struct peer_condition tagged = with_tag("gold");
	struct lone *lone = lone_new();
	struct consumer *consumer = node_consume(lone->node, lone->now, LONE_STREAM,
		&(struct consumer_options){.record_max = 1000, .producers = {&tagged, 1}});
	struct effect effect;
	link_id link;

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	lone_expect_quiet(lone);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true, .tag = "gold"});
	link = lone_expect_call(lone, 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 2, .produces = true, .tag = "lead"});
	effect = lone_expect(lone, EFFECT_CLOSE, PROTOCOL_STREAMS);
	assert_true(effect.link == link && effect.reason == ERROR_CANCELLED);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 3, .produces = true, .tag = "gold"});
	lone_expect_call(lone, 1);
	lone_free(lone);
}

/* A subscription of ours from peer 1, by hand. */
static void subscribe(struct lone *lone, link_id id)
{
	struct keypair pair = fake_pair(1);
	struct id stream = id_hash(bytes_of_text(LONE_STREAM));
	struct blob *message = stream_wire_subscribe(&stream, bytes_of(NULL, 0));

	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = id, .peer = pair.public_key});
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, id, message), OK);
	blob_drop(message);
}

static void a_consumer_without_the_tag_is_refused_and_one_that_loses_it_put_out(void **state)
{
	struct peer_condition tagged = with_tag("gold");
	struct lone *lone = lone_new();
	struct producer *producer = node_produce(lone->node, lone->now, LONE_STREAM,
		&(struct producer_options){.max_stall = MSEC_NEVER, .linger = MSEC_NEVER, .accept = {&tagged, 1}});

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1});
	subscribe(lone, 1);
	assert_int_equal(producer_subscribers(producer), 0);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .tag = "gold"});
	subscribe(lone, 3);
	assert_int_equal(producer_subscribers(producer), 1);
	assert_int_equal(producer_subscribers_of(producer, lone->now, &(struct peer_rule){&tagged, 1}), 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 2, .tag = "gold"});
	assert_int_equal(producer_subscribers(producer), 1);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 3});
	assert_int_equal(producer_subscribers(producer), 0);
	lone_free(lone);
}

/* What is too far away is seen once a link is open, and left. */
static void a_producer_that_is_too_far_is_left(void **state)
{
	struct peer_condition near = {.kind = PEER_RTT_WITHIN, .rtt_us = 1000};
	struct keypair pair = fake_pair(1);
	struct lone *lone = lone_new();
	struct effect effect;
	link_id link;

	(void)state;
	node_consume(lone->node, lone->now, LONE_STREAM,
		&(struct consumer_options){.record_max = 1000, .producers = {&near, 1}});
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	link = lone_expect_call(lone, 1);
	node_set_rtt(lone->node, &pair.public_key, 1001);
	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = link, .peer = pair.public_key});
	effect = lone_expect(lone, EFFECT_SEND, PROTOCOL_STREAMS);
	effect_drop(&effect);
	effect = lone_expect(lone, EFFECT_CLOSE, PROTOCOL_STREAMS);
	assert_true(effect.link == link && effect.reason == ERROR_CANCELLED);
	lone_free(lone);
}

/* ---- doubts ---- */

static void end_of(struct lone *lone, link_id link)
{
	struct stream_sum sum = {0, 0, id_hash(bytes_of(NULL, 0))};
	struct keypair pair = fake_pair(1);
	struct blob *started = stream_wire_started(0), *end = stream_wire_end(&sum);

	node_linked(lone->node, lone->now, PROTOCOL_STREAMS, &(struct link){.id = link, .peer = pair.public_key});
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, started), OK);
	assert_int_equal(node_received(lone->node, lone->now, PROTOCOL_STREAMS, link, end), OK);
	node_acknowledge(lone->node, link);
	node_unlinked(lone->node, lone->now, PROTOCOL_STREAMS, link, OK);
	blob_drop(started);
	blob_drop(end);
	lone_drop_effects(lone);
}

static void doubt(struct lone *lone, uint64_t start, uint64_t update)
{
	struct keypair pair = fake_pair(1);
	struct version version = {WORLD_WALL + start, WORLD_WALL + update};

	assert_true(catalog_suspect(&lone->node->catalog, lone->now, &pair.public_key, &version));
	node_settle(lone->node, lone->now);
	node_check(lone->node);
}

/* Its end was seen; then it was cut off and thought dead. What comes back is the same, and has nothing more to say. */
static void an_end_outlives_a_doubt_but_not_a_new_start(void **state)
{
	struct lone *lone = lone_new();
	struct consumer *consumer = lone_consume(lone);

	(void)state;
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	end_of(lone, lone_expect_call(lone, 1));
	doubt(lone, 0, 0);
	assert_int_equal(node_producers_listed(lone->node, consumer), 0);
	lone_hear(lone, &(struct saying){.peer = 1, .update = 1, .produces = true});
	assert_int_equal(node_producers_listed(lone->node, consumer), 1);
	lone_expect_quiet(lone);
	doubt(lone, 0, 1);
	lone_hear(lone, &(struct saying){.peer = 1, .start = 5, .update = 6, .produces = true});
	lone_expect_call(lone, 1);
	lone_free(lone);
}

/* The catalog forgets it meanwhile: nothing of it is kept, and whoever comes under its id is called. */
static void a_doubted_peer_that_is_purged_leaves_nothing_behind(void **state)
{
	struct lone *lone = lone_new();

	(void)state;
	lone_consume(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .produces = true});
	end_of(lone, lone_expect_call(lone, 1));
	doubt(lone, 0, 0);
	assert_int_equal(lone->node->consumers->told.count, 1);
	lone->now += CATALOG_PURGE_AFTER;
	lone_hear(lone, &(struct saying){.peer = 2, .produces = true, .update = CATALOG_PURGE_AFTER, .start = CATALOG_PURGE_AFTER});
	lone_drop_effects(lone);
	node_tick(lone->node, lone->now);
	lone_hear(lone, &(struct saying){.peer = 2, .goodbye = true, .update = CATALOG_PURGE_AFTER + 1, .start = CATALOG_PURGE_AFTER});
	assert_int_equal(lone->node->consumers->told.count, 0);
	lone_drop_effects(lone);
	lone_hear(lone, &(struct saying){.peer = 1, .update = CATALOG_PURGE_AFTER + 2, .produces = true});
	lone_expect_call(lone, 1);
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
	lone_expect_quiet(lone);   /* it may be somebody who comes for a moment */
	lone->now += EXCHANGE_SECOND;
	node_tick(lone->node, lone->now);
	effect = lone_expect(lone, EFFECT_SEND, PROTOCOL_ANNOUNCE);   /* our entry */
	effect_drop(&effect);
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
	lone->now += BROADCAST_BUNDLE_DELAY;   /* behind what was said when the link came up */
	node_tick(lone->node, lone->now);
	effect = lone_expect(lone, EFFECT_SEND, PROTOCOL_ANNOUNCE);
	assert_true(effect.link == link.id);
	effect_drop(&effect);
	lone_drop_effects(lone);
	lone->now += BROADCAST_BUNDLE_DELAY;
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
		cmocka_unit_test(a_node_calls_itself),
		cmocka_unit_test(an_entry_without_the_stream_takes_the_producer_back),
		cmocka_unit_test(a_goodbye_takes_the_producer_and_its_address_back),
		cmocka_unit_test(only_a_newer_start_is_called_at_once),
		cmocka_unit_test(a_failed_call_is_told_and_tried_again),
		cmocka_unit_test(a_tag_that_comes_connects_and_one_that_goes_disconnects),
		cmocka_unit_test(a_consumer_without_the_tag_is_refused_and_one_that_loses_it_put_out),
		cmocka_unit_test(a_producer_that_is_too_far_is_left),
		cmocka_unit_test(an_end_outlives_a_doubt_but_not_a_new_start),
		cmocka_unit_test(a_doubted_peer_that_is_purged_leaves_nothing_behind),
		cmocka_unit_test(a_purge_of_a_crowd_is_not_lost),
		cmocka_unit_test(a_new_neighbour_is_compared_with),
		cmocka_unit_test(a_bootstrap_dial_that_fails_is_told),
		cmocka_unit_test(news_from_a_hello_are_passed_on),
		cmocka_unit_test(a_guest_or_a_forger_is_met_without_a_trace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
