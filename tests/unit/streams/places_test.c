/* Places at a producer, rules about peers, criteria and policies: a producer among real consumers (mesh.h). */
#include "mesh.h"

#include "streams/stream_wire.h"

static const struct producer_options defaults = {.max_stall = 30000, .linger = 5000};

static struct id logs(void)
{
	return id_hash(bytes_of_text("logs"));
}

static struct producer *produce(struct mesh *mesh, struct producer_options options)
{
	options.stream = logs();
	return producer_new(mesh->node[0].streams, mesh->now, &options);
}

/* A consumer at node n that was told of node 0. */
static struct consumer *consume(struct mesh *mesh, size_t n, struct bytes criteria)
{
	struct mesh_node *node = &mesh->node[n];
	struct consumer *consumer = consumer_new(node->streams, mesh->now,
		&(struct consumer_options){.stream = logs(), .record_max = RECORD_MAX, .criteria = criteria});

	consumer_producer_found(node->streams, mesh->now, consumer, &mesh->node[0].id, &node->out);
	mesh_run(mesh);
	return consumer;
}

static void leave(struct mesh *mesh, size_t n, struct consumer *consumer)
{
	consumer_free(mesh->node[n].streams, consumer, &mesh->node[n].out);
	mesh_run(mesh);
}

static void put(struct mesh *mesh, struct producer *producer, struct blob *batch, uint64_t count)
{
	producer_write(mesh->node[0].streams, mesh->now, producer, (struct batch){batch, count}, &mesh->node[0].out);
}

static void end(struct mesh *mesh, struct producer *producer)
{
	producer_end(mesh->node[0].streams, mesh->now, producer, &mesh->node[0].out);
	mesh_run(mesh);
}

/* A batch of one-byte records. */
static struct blob *letters(const char *text)
{
	struct buffer records = {0};
	struct blob *blob;

	for (; *text != '\0'; text++)
		cbor_put_bytes(&records, bytes_of(text, 1));
	blob = blob_new(BATCH_HEADROOM, records.size);
	memcpy(blob->data + blob->end, records.data, records.size);
	blob->end += records.size;
	buffer_fini(&records);
	return blob;
}

static void who_waits_takes_the_first_free_place(void **state)
{
	struct mesh *mesh = mesh_new(4, 1);
	struct consumer *first;
	struct producer *producer;

	(void)state;
	producer = produce(mesh, (struct producer_options){.subscribers_max = 1, .waiting_max = 2, .max_stall = 1, .linger = 1});
	first = consume(mesh, 1, bytes_of(NULL, 0));
	consume(mesh, 2, bytes_of(NULL, 0));
	consume(mesh, 3, bytes_of(NULL, 0));
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	mesh_expect(mesh, 2, CONSUMER_QUEUED);
	mesh_expect(mesh, 3, CONSUMER_QUEUED);
	assert_int_equal(producer_waiting(producer), 2);
	mesh_sleep(mesh, 3600000);   /* however long: waiting costs nothing, and nobody asks again */
	assert_int_equal(mesh->connects, 3);
	leave(mesh, 1, first);
	mesh_expect(mesh, 2, CONSUMER_SUBSCRIBED);
	mesh_expect_none(mesh, 3);
	assert_int_equal(producer_waiting(producer), 1);
	mesh_free(mesh);
}

/* The QUEUED of the line is acknowledged only when there is a subscription: it is none of its bytes. */
static void what_was_sent_in_line_is_acknowledged_late(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct subscription_stats stats;
	struct consumer *first;
	struct producer *producer;

	(void)state;
	producer = produce(mesh, (struct producer_options){.subscribers_max = 1, .waiting_max = 1, .max_stall = 1, .linger = 1});
	first = consume(mesh, 1, bytes_of(NULL, 0));
	mesh->hold_acks = true;
	consume(mesh, 2, bytes_of(NULL, 0));
	mesh_expect(mesh, 2, CONSUMER_QUEUED);
	leave(mesh, 1, first);
	mesh_expect(mesh, 2, CONSUMER_SUBSCRIBED);
	mesh->hold_acks = false;
	for (size_t wire = 0; wire < MESH_WIRES; wire++)
		if (mesh->wire[wire].used)
			mesh_acknowledge(mesh, wire, 1);
	assert_true(producer_subscription(producer, 0, &stats) && stats.outstanding == 0);
	mesh_free(mesh);
}

static void a_full_line_refuses(void **state)
{
	struct mesh *mesh = mesh_new(4, 1);
	struct streams_fact fact;

	(void)state;
	produce(mesh, (struct producer_options){.subscribers_max = 1, .waiting_max = 1, .max_stall = 1, .linger = 1});
	consume(mesh, 1, bytes_of(NULL, 0));
	consume(mesh, 2, bytes_of(NULL, 0));
	consume(mesh, 3, bytes_of(NULL, 0));
	mesh_expect(mesh, 2, CONSUMER_QUEUED);
	fact = mesh_expect(mesh, 3, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_NO_CAPACITY && fact.retry_failed);
	mesh_free(mesh);
}

static void the_end_sends_the_line_away(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer;

	(void)state;
	producer = produce(mesh, (struct producer_options){.subscribers_max = 1, .waiting_max = 9, .max_stall = 1, .linger = 1});
	consume(mesh, 1, bytes_of(NULL, 0));
	consume(mesh, 2, bytes_of(NULL, 0));
	mesh_expect(mesh, 2, CONSUMER_QUEUED);
	end(mesh, producer);
	assert_int_equal(mesh_expect(mesh, 2, CONSUMER_LOST).reason, ERROR_NO_CAPACITY);
	assert_int_equal(producer_waiting(producer), 0);
	mesh_free(mesh);
}

static void who_leaves_the_line_is_forgotten(void **state)
{
	struct mesh *mesh = mesh_new(4, 1);
	struct consumer *first, *second;
	struct producer *producer;

	(void)state;
	producer = produce(mesh, (struct producer_options){.subscribers_max = 1, .waiting_max = 9, .max_stall = 1, .linger = 1});
	first = consume(mesh, 1, bytes_of(NULL, 0));
	second = consume(mesh, 2, bytes_of(NULL, 0));
	consume(mesh, 3, bytes_of(NULL, 0));
	leave(mesh, 2, second);
	assert_int_equal(producer_waiting(producer), 1);
	leave(mesh, 1, first);
	mesh_expect(mesh, 3, CONSUMER_QUEUED);
	mesh_expect(mesh, 3, CONSUMER_SUBSCRIBED);
	producer_free(mesh->node[0].streams, producer, &mesh->node[0].out);
	mesh_run(mesh);
	mesh_free(mesh);
}

/* ---- rules ---- */

static void a_named_peer_is_accepted_and_others_are_not(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct peer_condition named = {.kind = PEER_IS, .id = mesh->node[1].id};
	struct streams_fact fact;

	(void)state;
	produce(mesh, (struct producer_options){.accept = {&named, 1}, .max_stall = 1, .linger = 1});
	consume(mesh, 1, bytes_of(NULL, 0));
	consume(mesh, 2, bytes_of(NULL, 0));
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	fact = mesh_expect(mesh, 2, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_NOT_ALLOWED && fact.retry_failed);
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);
	assert_int_equal(mesh_expect(mesh, 0, PRODUCER_REFUSED).reason, ERROR_NOT_ALLOWED);
	mesh_free(mesh);
}

static void a_rule_that_no_longer_allows_disconnects(void **state)
{
	struct mesh *mesh = mesh_new(4, 1);
	struct peer_condition named[2] = {{.kind = PEER_IS, .id = mesh->node[1].id}, {.kind = PEER_IS, .id = mesh->node[2].id}};
	struct producer *producer;

	(void)state;
	producer = produce(mesh, (struct producer_options){.accept = {named, 2}, .subscribers_max = 1, .waiting_max = 1,
		.max_stall = 1, .linger = 1});
	consume(mesh, 1, bytes_of(NULL, 0));
	consume(mesh, 2, bytes_of(NULL, 0));
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	mesh_expect(mesh, 2, CONSUMER_QUEUED);
	producer_judge(mesh->node[0].streams, mesh->now, producer, &mesh->node[1].id, &mesh->node[0].out);
	mesh_run(mesh);
	mesh_expect_none(mesh, 1);   /* still allowed */
	named[0].id = mesh->node[2].id;
	producer_judge(mesh->node[0].streams, mesh->now, producer, &mesh->node[1].id, &mesh->node[0].out);
	mesh_run(mesh);
	assert_int_equal(mesh_expect(mesh, 1, CONSUMER_LOST).reason, ERROR_NOT_ALLOWED);
	mesh_expect(mesh, 2, CONSUMER_SUBSCRIBED);   /* the place is free */
	mesh_free(mesh);
}

static void unknown_peers_have_no_tags(void **state)
{
	struct peer_condition tag = {.kind = PEER_HAS_TAG}, near = {.kind = PEER_RTT_WITHIN, .rtt_us = 1};
	struct id peer = mesh_id(1);

	(void)state;
	assert_true(peer_rule_judge(&(struct peer_rule){NULL, 0}, 0, NULL, &peer).allowed);
	assert_false(peer_rule_judge(&(struct peer_rule){&tag, 1}, 0, NULL, &peer).allowed);
	assert_true(peer_rule_judge(&(struct peer_rule){&near, 1}, 0, NULL, &peer).allowed);
}

/* ---- criteria ---- */

static void only_what_was_asked_for_comes_and_nothing_is_missed(void **state)
{
	struct criterion only = {.kind = CRITERION_PREFIX, .value = bytes_of_text("k")};
	struct mesh *mesh = mesh_new(3, 1);
	struct buffer criteria = {0};
	struct producer *producer = produce(mesh, defaults);
	struct streams_fact fact;

	(void)state;
	assert_int_equal(criteria_encode(&only, 1, &criteria), OK);
	consume(mesh, 1, buffer_bytes(&criteria));
	consume(mesh, 2, bytes_of(NULL, 0));
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	put(mesh, producer, letters("xxkxk"), 5);
	put(mesh, producer, letters("xxxxxxxxxxx"), 11);
	put(mesh, producer, letters("k"), 1);
	put(mesh, producer, letters("x"), 1);
	end(mesh, producer);
	fact = mesh_expect(mesh, 1, CONSUMER_BATCH);
	assert_true(fact.sequence == 0 && fact.count == 2 && picking_bit(fact.picked, 2) && picking_bit(fact.picked, 4));
	blob_drop(fact.message);
	fact = mesh_expect(mesh, 1, CONSUMER_BATCH);
	assert_true(fact.sequence == 16 && fact.count == 1);
	blob_drop(fact.message);
	fact = mesh_expect(mesh, 1, CONSUMER_ENDED);
	assert_true(fact.verified && fact.count == 3);
	mesh_free(mesh);
	buffer_fini(&criteria);
}

static void criteria_that_cannot_be_read_are_refused(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);

	(void)state;
	produce(mesh, defaults);
	consume(mesh, 1, bytes_of_text("nonsense"));
	assert_int_equal(mesh_expect(mesh, 1, CONSUMER_LOST).reason, ERROR_NOT_ALLOWED);
	mesh_free(mesh);
}

static void what_nobody_took_is_told(void **state)
{
	struct criterion only = {.kind = CRITERION_PREFIX, .value = bytes_of_text("k")};
	struct mesh *mesh = mesh_new(2, 1);
	struct buffer criteria = {0};
	struct producer *producer = produce(mesh,
		(struct producer_options){.tell_undelivered = true, .max_stall = 30000, .linger = 5000});
	struct streams_fact fact;

	(void)state;
	put(mesh, producer, letters("ab"), 2);
	fact = mesh_expect(mesh, 0, PRODUCER_UNDELIVERED);
	assert_true(fact.sequence == 0 && fact.count == 2 && fact.records.size == 4);
	blob_drop(fact.message);
	assert_int_equal(criteria_encode(&only, 1, &criteria), OK);
	consume(mesh, 1, buffer_bytes(&criteria));
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);
	put(mesh, producer, letters("kxk"), 3);
	fact = mesh_expect(mesh, 0, PRODUCER_UNDELIVERED);
	assert_true(fact.count == 1 && bytes_equal(fact.records, bytes_of("\x41x", 2)));
	blob_drop(fact.message);
	put(mesh, producer, letters("kk"), 2);
	mesh_expect_none(mesh, 0);
	mesh_free(mesh);
	buffer_fini(&criteria);
}

/* ---- policies ---- */

#define LARGE (1024u * 1024)

/* Fills the link to node 1, which reads nothing. */
static uint64_t fill(struct mesh *mesh, struct producer *producer)
{
	uint64_t sequence = 0;
	struct subscription_stats stats;

	do {
		put(mesh, producer, mesh_batch(sequence, 1, LARGE), 1);
		sequence++;
		assert_true(producer_subscription(producer, 0, &stats));
	} while (stats.outstanding < LINK_OUTSTANDING_MAX);
	return sequence;
}

static void drop_leaves_out_what_does_not_fit_and_it_is_no_secret(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh,
		(struct producer_options){.on_slow = SLOW_DROP, .buffer = 2, .max_stall = MSEC_NEVER, .linger = MSEC_NEVER});
	struct subscription_stats stats;
	uint64_t full, got = 0, missed = 0;
	struct streams_fact fact;

	(void)state;
	consume(mesh, 1, bytes_of(NULL, 0));
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	full = fill(mesh, producer);
	for (uint64_t i = 0; i < 5; i++)
		put(mesh, producer, mesh_batch(full + i, 1, 100), 1);
	assert_true(producer_has_room(producer));
	assert_true(producer_subscription(producer, 0, &stats) && stats.queued == 2 && stats.dropped == 3);
	end(mesh, producer);
	while (streams_next_fact(mesh->node[1].streams, &fact)) {
		got += fact.kind == CONSUMER_BATCH ? fact.count : 0;
		missed += fact.kind == CONSUMER_GAP ? fact.count : 0;
		if (fact.kind == CONSUMER_ENDED) {
			assert_true(fact.verified && fact.count == full + 2);
			consumer_acknowledge(mesh->node[1].streams, fact.link, &mesh->node[1].out);
		}
		if (fact.kind == CONSUMER_BATCH)
			consumer_consumed(mesh->node[1].streams, fact.link, blob_size(fact.message), &mesh->node[1].out);
		blob_drop(fact.message);
		mesh_run(mesh);
	}
	assert_true(got == full + 2 && missed == 3);
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);
	do
		assert_true(streams_next_fact(mesh->node[0].streams, &fact));
	while (fact.kind == PRODUCER_ROOM);
	assert_true(fact.kind == PRODUCER_UNSUBSCRIBED && fact.acknowledged && fact.missed == 3);
	mesh_free(mesh);
}

static void disconnect_puts_out_the_slow_one_only(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh,
		(struct producer_options){.on_slow = SLOW_DISCONNECT, .buffer = 2, .max_stall = MSEC_NEVER, .linger = MSEC_NEVER});
	struct streams_fact fact;
	uint64_t full;

	(void)state;
	consume(mesh, 1, bytes_of(NULL, 0));
	full = fill(mesh, producer);
	mesh->hold_acks = true;
	consume(mesh, 2, bytes_of(NULL, 0));
	for (uint64_t i = 0; i < 3; i++)
		put(mesh, producer, mesh_batch(full + i, 1, 100), 1);
	assert_int_equal(producer_subscribers(producer), 1);
	do
		assert_true(streams_next_fact(mesh->node[0].streams, &fact));
	while (fact.kind != PRODUCER_UNSUBSCRIBED);
	assert_true(fact.reason == ERROR_TOO_SLOW && fact.missed == 1);
	mesh_run(mesh);
	mesh_expect(mesh, 2, CONSUMER_SUBSCRIBED);
	assert_int_equal(mesh_expect_batch(mesh, 2, full), 1);
	mesh_free(mesh);
}

/* A batch that is larger than the whole buffer still passes when nothing else waits. */
static void a_batch_above_the_buffer_is_taken_by_an_empty_queue(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh,
		(struct producer_options){.on_slow = SLOW_DROP, .buffer = 1, .max_stall = MSEC_NEVER, .linger = MSEC_NEVER});
	struct subscription_stats stats;
	uint64_t full;

	(void)state;
	consume(mesh, 1, bytes_of(NULL, 0));
	full = fill(mesh, producer);
	put(mesh, producer, mesh_batch(full, 7, 100), 7);
	assert_true(producer_subscription(producer, 0, &stats) && stats.queued == 7 && stats.dropped == 0);
	mesh_free(mesh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_waits_takes_the_first_free_place),
		cmocka_unit_test(what_was_sent_in_line_is_acknowledged_late),
		cmocka_unit_test(a_full_line_refuses),
		cmocka_unit_test(the_end_sends_the_line_away),
		cmocka_unit_test(who_leaves_the_line_is_forgotten),
		cmocka_unit_test(a_named_peer_is_accepted_and_others_are_not),
		cmocka_unit_test(a_rule_that_no_longer_allows_disconnects),
		cmocka_unit_test(unknown_peers_have_no_tags),
		cmocka_unit_test(only_what_was_asked_for_comes_and_nothing_is_missed),
		cmocka_unit_test(criteria_that_cannot_be_read_are_refused),
		cmocka_unit_test(what_nobody_took_is_told),
		cmocka_unit_test(drop_leaves_out_what_does_not_fit_and_it_is_no_secret),
		cmocka_unit_test(disconnect_puts_out_the_slow_one_only),
		cmocka_unit_test(a_batch_above_the_buffer_is_taken_by_an_empty_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
