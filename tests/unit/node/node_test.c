/*
 * node_test.c - whole nodes among themselves (world.h): they meet, exchange records, leave, come back, and are asked.
 */
#include "tests/unit/node/world.h"

#include "groups/bond_wire.h"
#include "node/node_internal.h"

#define STREAM "temperature"
#define CROWD 300                             /* more than CATALOG_EVENTS_MAX events at once */

static const struct producer_options patient = {.max_stall = MSEC_NEVER, .linger = 5000};
static const struct consumer_options reader = {.record_max = 1000};

/* `count` nodes, all of them up; the others know of node 0. */
static struct world *start_all(size_t count)
{
	struct world *world = world_new(count);

	for (size_t n = 0; n < count; n++)
		world_start(world, n);
	for (size_t n = 1; n < count; n++)
		world_bootstrap(world, n, 0);
	return world;
}

static struct producer *produce(struct world *world, size_t n)
{
	return node_produce(world->node[n].node, world->now, STREAM, &patient);
}

static struct consumer *consume(struct world *world, size_t n)
{
	return node_consume(world->node[n].node, world->now, STREAM, &reader);
}

static void write_batch(struct world *world, size_t n, struct producer *producer, uint8_t first, uint64_t count)
{
	node_write(world->node[n].node, world->now, producer, world_batch(first, count), count);
}

/* ---- meeting and leaving ---- */

static void three_nodes_meet_through_one(void **state)
{
	struct world *world = start_all(3);

	(void)state;
	world_run(world, 3000);
	for (size_t n = 0; n < 3; n++) {
		assert_int_equal(world_live(world, n), 3);
		assert_true(world_agree(world, n, (n + 1) % 3));
		assert_int_equal(node_neighbours(world->node[n].node), 2);
		assert_true(world_facts(world, n, NODE_NEIGHBOUR_UP) >= 2);
	}
	assert_int_equal(world->violations, 0);
	world_free(world);
}

/* Two who compare their catalogs all the time hear from each other; for that alone they need no pings. */
static void comparing_catalogs_is_a_sign_of_life(void **state)
{
	struct world *world = start_all(2);
	uint64_t before, sent;

	(void)state;
	world_run(world, 10000);
	before = announce_count(world->node[0].node->announce).messages_sent + announce_count(world->node[1].node->announce).messages_sent;
	world_run(world, 60000);
	sent = announce_count(world->node[0].node->announce).messages_sent + announce_count(world->node[1].node->announce).messages_sent;
	assert_true(sent - before < 60000 / ANNOUNCE_QUIET / 2);
	assert_int_equal(announce_count(world->node[0].node->announce).doubts, 0);
	world_free(world);
}

static void a_later_change_reaches_everybody(void **state)
{
	struct world *world = start_all(4);
	struct id tag = id_hash(bytes_of_text("kitchen"));

	(void)state;
	world_run(world, 3000);
	node_add_tag(world->node[3].node, world->now, "kitchen");
	world_run(world, 100);
	for (size_t n = 0; n < 3; n++) {
		const struct card *card = &catalog_find(node_catalog(world->node[n].node), world_id(world, 3))->entry->card;

		assert_true(id_set_has(&card->tags, &tag));
		assert_string_equal(card_name(card, &tag), "kitchen");
	}
	node_remove_tag(world->node[3].node, world->now, "kitchen");
	world_run(world, 100);
	for (size_t n = 0; n < 3; n++) {
		const struct card *card = &catalog_find(node_catalog(world->node[n].node), world_id(world, 3))->entry->card;

		assert_int_equal(card->tags.count, 0);
		assert_int_equal(card->name_count, 0);
	}
	world_free(world);
}

static void the_departed_are_gone_at_once_everywhere(void **state)
{
	struct world *world = start_all(3);
	struct consumer *consumer;

	(void)state;
	produce(world, 2);
	consumer = consume(world, 1);
	world_run(world, 3000);
	assert_int_equal(node_producers_listed(world->node[1].node, consumer), 1);
	node_depart(world->node[2].node, world->now);
	world_run(world, 2 * WORLD_LATENCY);
	assert_int_equal(world_live(world, 0), 2);
	assert_int_equal(world_live(world, 1), 2);
	assert_int_equal(node_producers_listed(world->node[1].node, consumer), 0);
	world_kill(world, 2, ERROR_GRACEFUL);
	world_run(world, 60000);
	assert_int_equal(world_live(world, 0), 2);   /* no older entry brings it back */
	assert_int_equal(world_live(world, 1), 2);
	assert_int_equal(node_neighbours(world->node[0].node), 1);
	assert_true(world_facts(world, 0, NODE_NEIGHBOUR_DOWN) >= 1);
	world_free(world);
}

static void a_bootstrap_peer_that_is_not_there_yet_is_tried_again(void **state)
{
	struct world *world = world_new(2);
	struct node_fact failed;

	(void)state;
	world_start(world, 1);
	world_bootstrap(world, 1, 0);
	world_run(world, 5000);
	assert_true(world_facts(world, 1, NODE_BOOTSTRAP_FAILED) >= 2);
	failed = world_last(world, 1, NODE_BOOTSTRAP_FAILED);
	assert_int_equal(failed.reason, ERROR_REFUSED);
	assert_true(id_is_zero(&failed.peer));
	assert_int_equal(world_facts(world, 1, NODE_NEIGHBOUR_DOWN), 0);
	world_start(world, 0);
	world_run(world, 30000);
	assert_int_equal(world_live(world, 1), 2);
	world_free(world);
}

static void a_hint_is_dialled_once(void **state)
{
	struct world *world = world_new(2);
	struct dial dial = {.peer = *world_id(world, 0), .count = 1, .address = {world->node[0].address[0]}};

	(void)state;
	world_start(world, 0);
	world_start(world, 1);
	node_add_hint(world->node[1].node, world->now, &dial);
	world_run(world, 1000);
	assert_true(world_agree(world, 0, 1));
	assert_int_equal(world_live(world, 0), 2);
	world_free(world);
}

static void a_lone_node_comes_to_rest(void **state)
{
	struct world *world = world_new(1);

	(void)state;
	world_start(world, 0);
	world_run(world, 60000);
	assert_int_equal(world_live(world, 0), 1);
	assert_true(node_deadline(world->node[0].node) > world->now);
	world_free(world);
}

/* ---- streams ---- */

static void records_go_from_end_to_end(void **state)
{
	struct world *world = start_all(3);
	struct producer *producer = produce(world, 1);
	struct consumer *consumer = consume(world, 2);
	struct streams_fact fact;

	(void)state;
	world_run(world, 3000);
	assert_int_equal(world_stream_facts(world, 1, PRODUCER_SUBSCRIBED), 1);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_SUBSCRIBED), 1);
	assert_int_equal(node_producers_listed(world->node[2].node, consumer), 1);
	for (uint8_t batch = 0; batch < 3; batch++)
		write_batch(world, 1, producer, (uint8_t)(10 * batch), 10);
	node_end(world->node[1].node, world->now, producer);
	world_run(world, 100);
	assert_int_equal(world->node[2].records.size, 30);
	for (uint8_t i = 0; i < 30; i++)
		assert_int_equal(world->node[2].records.data[i], i);
	fact = world_last_stream(world, 2, CONSUMER_ENDED);
	assert_true(fact.verified);
	assert_int_equal(fact.count, 30);
	fact = world_last_stream(world, 1, PRODUCER_UNSUBSCRIBED);
	assert_true(fact.acknowledged && fact.verified);
	assert_int_equal(fact.count, 30);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_GAP), 0);
	assert_int_equal(world->violations, 0);
	world_free(world);
}

/* Also where nobody else is: its own entry is one like any other. */
static void a_producer_and_a_consumer_of_one_node_meet(void **state)
{
	(void)state;
	for (size_t others = 0; others < 2; others++) {
		struct world *world = start_all(1 + others);
		struct consumer *consumer = consume(world, 0);
		struct producer *producer = produce(world, 0);
		struct streams_fact fact;

		world_run(world, 3000);
		assert_int_equal(node_producers_listed(world->node[0].node, consumer), 1);
		assert_int_equal(world_stream_facts(world, 0, PRODUCER_SUBSCRIBED), 1);
		assert_int_equal(world_stream_facts(world, 0, CONSUMER_SUBSCRIBED), 1);
		write_batch(world, 0, producer, 0, 10);
		node_end(world->node[0].node, world->now, producer);
		world_run(world, 100);
		assert_int_equal(world->node[0].records.size, 10);
		fact = world_last_stream(world, 0, CONSUMER_ENDED);
		assert_true(fact.verified);
		assert_int_equal(fact.count, 10);
		fact = world_last_stream(world, 0, PRODUCER_UNSUBSCRIBED);
		assert_true(fact.acknowledged && fact.verified);
		node_stop_producing(world->node[0].node, world->now, producer);
		world_run(world, 100);
		assert_int_equal(node_producers_listed(world->node[0].node, consumer), 0);
		assert_int_equal(world_facts(world, 0, NODE_DUPLICATE), 0);
		assert_int_equal(world->violations, 0);
		world_free(world);
	}
}

static void a_stream_has_one_producer_in_a_node(void **state)
{
	struct world *world = start_all(1);
	struct producer *producer = produce(world, 0);

	(void)state;
	assert_non_null(producer);
	assert_null(produce(world, 0));
	node_stop_producing(world->node[0].node, world->now, producer);
	assert_non_null(produce(world, 0));
	world_free(world);
}

static void a_stream_that_is_no_longer_produced_is_unlisted(void **state)
{
	struct world *world = start_all(3);
	struct producer *producer = produce(world, 1);
	struct consumer *consumer = consume(world, 2);

	(void)state;
	world_run(world, 3000);
	node_stop_producing(world->node[1].node, world->now, producer);
	world_run(world, 100);
	assert_int_equal(world_last_stream(world, 2, CONSUMER_LOST).reason, ERROR_GRACEFUL);
	assert_int_equal(node_producers_listed(world->node[2].node, consumer), 0);
	world_run(world, 60000);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_LOST), 1);   /* and nobody calls there any more */
	producer = produce(world, 1);
	world_run(world, 100);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_SUBSCRIBED), 2);
	world_free(world);
}

static void a_consumer_that_stops_leaves_the_others_alone(void **state)
{
	struct world *world = start_all(3);
	struct producer *producer = produce(world, 0);
	struct consumer *first = consume(world, 1), *second = consume(world, 1);

	(void)state;
	world_run(world, 3000);
	assert_int_equal(producer_subscribers(producer), 2);
	node_stop_consuming(world->node[1].node, world->now, second);
	world_run(world, 100);
	assert_int_equal(producer_subscribers(producer), 1);
	assert_int_equal(node_producers_listed(world->node[1].node, second), 0);
	assert_int_equal(node_producers_listed(world->node[1].node, first), 1);
	node_stop_consuming(world->node[1].node, world->now, first);
	world_run(world, 100);
	assert_int_equal(producer_subscribers(producer), 0);
	assert_int_equal(world_last_stream(world, 0, PRODUCER_UNSUBSCRIBED).reason, ERROR_CANCELLED);
	world_free(world);
}

/* The old life saw its end acknowledged, so nothing but the newer start says that there is more to come. */
static void a_peer_that_was_started_anew_is_subscribed_again(void **state)
{
	struct world *world = start_all(3);
	struct producer *producer = produce(world, 1);
	struct consumer *consumer = consume(world, 2);

	(void)state;
	world_run(world, 3000);
	write_batch(world, 1, producer, 0, 5);
	node_end(world->node[1].node, world->now, producer);
	world_run(world, 1000);
	assert_true(world_last_stream(world, 2, CONSUMER_ENDED).verified);
	world_kill(world, 1, ERROR_IDLE);
	world_run(world, 1000);
	assert_int_equal(node_producers_listed(world->node[2].node, consumer), 1);   /* nobody said goodbye */
	world_start(world, 1);
	world_bootstrap(world, 1, 0);
	producer = produce(world, 1);
	world_run(world, 3000);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_SUBSCRIBED), 2);
	write_batch(world, 1, producer, 5, 5);
	world_run(world, 100);
	assert_int_equal(world->node[2].records.size, 10);
	assert_int_equal(world_stream_facts(world, 2, CONSUMER_GAP), 0);
	assert_int_equal(node_producers_listed(world->node[2].node, consumer), 1);
	world_free(world);
}

static void a_goodbye_and_a_new_life_are_two_subscriptions(void **state)
{
	struct world *world = start_all(2);

	(void)state;
	produce(world, 1);
	consume(world, 0);
	world_run(world, 3000);
	node_depart(world->node[1].node, world->now);
	world_run(world, 100);
	world_kill(world, 1, ERROR_GRACEFUL);
	world_run(world, 1000);
	world_start(world, 1);
	world_bootstrap(world, 1, 0);
	produce(world, 1);
	world_run(world, 3000);
	assert_int_equal(world_stream_facts(world, 0, CONSUMER_SUBSCRIBED), 2);
	assert_int_equal(world_live(world, 0), 2);
	world_free(world);
}

/* ---- more news than the ring of events holds ---- */

/* Node n learns of peer `number`, who produces the stream, or of its goodbye. */
static void tell_of(struct world *world, size_t n, unsigned number, bool goodbye)
{
	struct keypair pair = fake_pair(number);
	struct card card = fake_card(number, WORLD_WALL, (uint64_t)world_wall(world));
	struct address address = world_address(200, number);
	struct id stream = id_hash(bytes_of_text(STREAM));
	struct entry *entry;

	id_set_add(&card.streams, &stream);
	entry = goodbye ? entry_sign_goodbye(&card, &pair, &fake_crypto) : entry_sign(&card, &pair, &fake_crypto);
	node_met(world->node[n].node, world->now, &pair.public_key, &address, blob_bytes(entry->signed_bytes));
	entry_drop(entry);
	card_fini(&card);
}

static void a_sync_with_more_news_than_the_ring_holds_finds_every_producer(void **state)
{
	struct world *world = world_new(2);
	struct consumer *consumer;

	(void)state;
	world_start(world, 0);
	world_start(world, 1);
	consumer = consume(world, 1);
	for (unsigned i = 0; i < CROWD; i++)
		tell_of(world, 0, 1000 + i, false);
	world_bootstrap(world, 1, 0);
	world_run(world, 3000);
	assert_true(world_agree(world, 0, 1));
	assert_int_equal(node_producers_listed(world->node[1].node, consumer), CROWD);
	world_cut_off(world, 1);
	for (unsigned i = 0; i < CROWD; i += 2)
		tell_of(world, 0, 1000 + i, true);
	world_run(world, 1000);
	assert_int_equal(node_producers_listed(world->node[1].node, consumer), CROWD);
	world->node[1].cut_off = false;
	world_run(world, 30000);
	assert_true(world_agree(world, 0, 1));
	assert_int_equal(node_producers_listed(world->node[1].node, consumer), CROWD / 2);
	world_free(world);
}

/* ---- guests ---- */

/* Members 0 and 1, and a guest: node 2. */
static struct world *with_guest(void)
{
	struct world *world = world_new(3);

	world->node[2].guest = true;
	world_start(world, 0);
	world_start(world, 1);
	world_bootstrap(world, 1, 0);
	world_run(world, 3000);
	world_start(world, 2);
	return world;
}

static void ask(struct world *world, size_t whom)
{
	const struct dial dial = {.count = 1, .address = {world->node[whom].address[0]}};

	node_ask(world->node[2].node, world->now, &dial);
}

static void a_guest_gets_the_list_and_leaves_no_trace(void **state)
{
	struct world *world = with_guest();
	struct node_fact listed;

	(void)state;
	ask(world, 0);
	world_run(world, 1000);
	assert_int_equal(world_facts(world, 2, NODE_LISTED), 1);
	listed = world_last(world, 2, NODE_LISTED);
	assert_true(id_equal(&listed.peer, world_id(world, 0)));
	assert_int_equal(world_live(world, 2), 2);
	assert_non_null(catalog_find(node_catalog(world->node[2].node), world_id(world, 1)));
	world_run(world, 20000);
	assert_int_equal(world_live(world, 0), 2);
	assert_int_equal(world_live(world, 1), 2);
	assert_int_equal(node_neighbours(world->node[2].node), 0);
	assert_int_equal(node_hello(world->node[2].node, world->now).size, 0);
	world_free(world);
}

static void two_questions_have_one_answer(void **state)
{
	struct world *world = with_guest();

	(void)state;
	ask(world, 0);
	ask(world, 1);
	world_run(world, 10000);
	assert_int_equal(world_facts(world, 2, NODE_LISTED), 1);
	assert_int_equal(world_facts(world, 2, NODE_LIST_FAILED), 0);
	world_free(world);
}

static void one_who_answers_is_enough(void **state)
{
	struct world *world = with_guest();

	(void)state;
	world_kill(world, 0, ERROR_IDLE);
	ask(world, 0);
	ask(world, 1);
	world_run(world, 10000);
	assert_int_equal(world_facts(world, 2, NODE_LISTED), 1);
	assert_int_equal(world_facts(world, 2, NODE_LIST_FAILED), 0);
	world_free(world);
}

static void when_nobody_answers_that_is_told_once(void **state)
{
	struct world *world = with_guest();

	(void)state;
	world_kill(world, 0, ERROR_IDLE);
	world_kill(world, 1, ERROR_IDLE);
	ask(world, 0);
	ask(world, 1);
	world_run(world, 10000);
	assert_int_equal(world_facts(world, 2, NODE_LISTED), 0);
	assert_int_equal(world_facts(world, 2, NODE_LIST_FAILED), 1);
	assert_int_equal(world_last(world, 2, NODE_LIST_FAILED).reason, ERROR_REFUSED);
	world_start(world, 1);
	ask(world, 1);
	world_run(world, 10000);
	assert_int_equal(world_facts(world, 2, NODE_LISTED), 1);
	world_free(world);
}

/* The link of a question just asked. */
static struct link asked(struct world *world, size_t whom)
{
	struct effect effect = {0};
	struct link link = {.peer = *world_id(world, whom)};

	ask(world, whom);
	assert_true(node_next_effect(world->node[2].node, &effect));
	assert_int_equal(effect.kind, EFFECT_CONNECT);
	assert_int_equal(effect.protocol, PROTOCOL_CATALOG_SYNC);
	link.id = effect.link;
	effect_drop(&effect);
	return link;
}

/* What becomes of a question that was answered by another one must not be taken for the answer to a later one. */
static void a_late_failure_is_not_the_next_answer(void **state)
{
	static const uint8_t nothing[] = {0x83, 0x07, 0x80, 0xf4};   /* [7, [], false]: the list of who knows nobody */
	struct world *world = with_guest();
	struct link slow = asked(world, 0), quick = asked(world, 1), next;
	struct blob *list = blob_copy(bytes_of(nothing, sizeof nothing));
	struct node *guest = world->node[2].node;
	struct node_fact fact;
	struct effect effect;
	enum error error;

	(void)state;
	node_linked(guest, world->now, PROTOCOL_CATALOG_SYNC, &quick);
	error = node_received(guest, world->now, PROTOCOL_CATALOG_SYNC, quick.id, list);
	assert_int_equal(error, OK);
	assert_true(node_next_fact(guest, &fact));
	assert_int_equal(fact.kind, NODE_LISTED);
	while (node_next_effect(guest, &effect))
		effect_drop(&effect);
	next = asked(world, 1);
	node_unlinked(guest, world->now, PROTOCOL_CATALOG_SYNC, slow.id, ERROR_NO_ANSWER);
	assert_false(node_next_fact(guest, &fact));
	node_unlinked(guest, world->now, PROTOCOL_CATALOG_SYNC, next.id, ERROR_REFUSED);
	assert_true(node_next_fact(guest, &fact));
	assert_int_equal(fact.kind, NODE_LIST_FAILED);
	assert_int_equal(fact.reason, ERROR_REFUSED);
	blob_drop(list);
	world_free(world);
}

/* ---- groups ---- */

static void links_of_unknown_groups_are_refused(void **state)
{
	struct world *world = start_all(1);
	struct node *node = world->node[0].node;
	const struct link link = {.id = 1, .peer = fake_id("somebody")};
	struct handshake handshake = {.group = fake_id("a group")};
	struct blob *message = bond_wire_handshake(&handshake);
	struct effect effect;
	enum error error;

	(void)state;
	world_settle(world);
	node_linked(node, world->now, PROTOCOL_GROUPS, &link);
	error = node_received(node, world->now, PROTOCOL_GROUPS, 1, message);
	assert_int_equal(error, OK);   /* of the link, not of the connection that other groups use */
	assert_true(node_next_effect(node, &effect));
	assert_int_equal(effect.kind, EFFECT_CONSUMED);
	assert_true(node_next_effect(node, &effect));
	assert_int_equal(effect.kind, EFFECT_CLOSE);
	assert_int_equal(effect.protocol, PROTOCOL_GROUPS);
	assert_int_equal(effect.reason, ERROR_GROUP_NOT_FOUND);
	assert_int_equal(effect.link, 1);
	error = node_received(node, world->now, PROTOCOL_GROUPS, 1, message);
	assert_int_equal(error, OK);   /* on its way before the refusal arrived: no crime */
	node_unlinked(node, world->now, PROTOCOL_GROUPS, 1, ERROR_GROUP_NOT_FOUND);
	assert_false(node_next_effect(node, &effect));
	assert_true(node_credit_at_once(PROTOCOL_ANNOUNCE));
	assert_false(node_credit_at_once(PROTOCOL_GROUPS));
	assert_false(node_credit_at_once(PROTOCOL_STREAMS));
	blob_drop(message);
	world_free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_nodes_meet_through_one),
		cmocka_unit_test(comparing_catalogs_is_a_sign_of_life),
		cmocka_unit_test(a_later_change_reaches_everybody),
		cmocka_unit_test(the_departed_are_gone_at_once_everywhere),
		cmocka_unit_test(a_bootstrap_peer_that_is_not_there_yet_is_tried_again),
		cmocka_unit_test(a_hint_is_dialled_once),
		cmocka_unit_test(a_lone_node_comes_to_rest),
		cmocka_unit_test(records_go_from_end_to_end),
		cmocka_unit_test(a_producer_and_a_consumer_of_one_node_meet),
		cmocka_unit_test(a_stream_has_one_producer_in_a_node),
		cmocka_unit_test(a_stream_that_is_no_longer_produced_is_unlisted),
		cmocka_unit_test(a_consumer_that_stops_leaves_the_others_alone),
		cmocka_unit_test(a_peer_that_was_started_anew_is_subscribed_again),
		cmocka_unit_test(a_goodbye_and_a_new_life_are_two_subscriptions),
		cmocka_unit_test(a_sync_with_more_news_than_the_ring_holds_finds_every_producer),
		cmocka_unit_test(a_guest_gets_the_list_and_leaves_no_trace),
		cmocka_unit_test(two_questions_have_one_answer),
		cmocka_unit_test(one_who_answers_is_enough),
		cmocka_unit_test(when_nobody_answers_that_is_told_once),
		cmocka_unit_test(a_late_failure_is_not_the_next_answer),
		cmocka_unit_test(links_of_unknown_groups_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
