/* Whole machines against each other over simulated links (mesh.h): what a user of a stream is promised. */
#include "mesh.h"

#include <stdio.h>

static const struct producer_options defaults = {.max_stall = 30000, .linger = 5000};

static struct id logs(void)
{
	return id_hash(bytes_of_text("logs"));
}

static struct producer *produce(struct mesh *mesh, size_t n, struct producer_options options)
{
	options.stream = logs();
	return producer_new(mesh->node[n].streams, mesh->now, &options);
}

static struct consumer *consume(struct mesh *mesh, size_t n)
{
	return consumer_new(mesh->node[n].streams, mesh->now,
		&(struct consumer_options){.stream = logs(), .record_max = RECORD_MAX});
}

static void found(struct mesh *mesh, size_t n, struct consumer *consumer, size_t at)
{
	struct mesh_node *node = &mesh->node[n];

	consumer_producer_found(node->streams, mesh->now, consumer, &mesh->node[at].id, &node->out);
}

static void gone(struct mesh *mesh, size_t n, struct consumer *consumer, size_t at)
{
	consumer_producer_gone(mesh->node[n].streams, mesh->now, consumer, &mesh->node[at].id, &mesh->node[n].out);
}

static void put(struct mesh *mesh, size_t n, struct producer *producer, struct blob *batch, uint64_t count)
{
	producer_write(mesh->node[n].streams, mesh->now, producer, (struct batch){batch, count}, &mesh->node[n].out);
}

static void end(struct mesh *mesh, size_t n, struct producer *producer)
{
	producer_end(mesh->node[n].streams, mesh->now, producer, &mesh->node[n].out);
}

static void acknowledge(struct mesh *mesh, size_t n, link_id link)
{
	consumer_acknowledge(mesh->node[n].streams, link, &mesh->node[n].out);
}

/* A consumer at node n, subscribed to the producer at node 0. */
static struct consumer *subscribed(struct mesh *mesh, size_t n, uint64_t sequence)
{
	struct consumer *consumer = consume(mesh, n);

	found(mesh, n, consumer, 0);
	mesh_run(mesh);
	assert_true(mesh_expect(mesh, n, CONSUMER_SUBSCRIBED).sequence == sequence);
	assert_true(mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED).sequence == sequence);
	return consumer;
}

static void two_consumers_get_everything_in_order(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh, 0, defaults);

	(void)state;
	subscribed(mesh, 1, 0);
	subscribed(mesh, 2, 0);
	for (uint64_t i = 0; i < 100; i++) {
		put(mesh, 0, producer, mesh_batch(i, 1, 20), 1);
		mesh_run(mesh);
	}
	for (uint64_t i = 0; i < 100; i++) {
		assert_int_equal(mesh_expect_batch(mesh, 1, i), 1);
		assert_int_equal(mesh_expect_batch(mesh, 2, i), 1);
	}
	mesh_expect_none(mesh, 1);
	mesh_expect_none(mesh, 2);
	mesh_free(mesh);
}

static void a_late_subscriber_starts_where_the_stream_is(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh, 0, defaults);

	(void)state;
	subscribed(mesh, 1, 0);
	put(mesh, 0, producer, mesh_batch(0, 5, 20), 5);
	mesh_run(mesh);
	subscribed(mesh, 2, 5);
	put(mesh, 0, producer, mesh_batch(5, 2, 20), 2);
	mesh_run(mesh);
	assert_int_equal(mesh_expect_batch(mesh, 1, 0), 5);
	assert_int_equal(mesh_expect_batch(mesh, 1, 5), 2);
	assert_int_equal(mesh_expect_batch(mesh, 2, 5), 2);
	mesh_expect_none(mesh, 2);
	mesh_free(mesh);
}

/* All the way from the producer's outbox into two readers it is one blob. */
static void fan_out_copies_nothing(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct blob *batch = mesh_batch(0, 3, 1000);
	struct streams_fact first, second;

	(void)state;
	subscribed(mesh, 1, 0);
	subscribed(mesh, 2, 0);
	put(mesh, 0, producer, batch, 3);
	mesh_run(mesh);
	first = mesh_expect(mesh, 1, CONSUMER_BATCH);
	second = mesh_expect(mesh, 2, CONSUMER_BATCH);
	assert_ptr_equal(first.message, batch);
	assert_ptr_equal(second.message, batch);
	assert_ptr_equal(first.records.data, batch->data + BATCH_HEADROOM);
	assert_int_equal(batch->references, 2);
	mesh_consume(mesh, 1, &first);
	mesh_consume(mesh, 2, &second);
	mesh_free(mesh);
}

/* Writes until the producer has no room; returns the next sequence. */
static uint64_t fill(struct mesh *mesh, struct producer *producer, uint64_t sequence)
{
	for (unsigned i = 0; i < 1000 && producer_has_room(producer); i++) {
		put(mesh, 0, producer, mesh_batch(sequence++, 1, 50000), 1);
		mesh_run(mesh);
	}
	assert_false(producer_has_room(producer));
	return sequence;
}

static void a_reader_that_stops_stops_the_producer(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer_options patient = {.max_stall = MSEC_NEVER, .linger = 5000};
	struct producer *producer = produce(mesh, 0, patient);
	uint64_t written, read = 0, held;
	struct streams_fact fact;

	(void)state;
	subscribed(mesh, 1, 0);
	written = fill(mesh, producer, 0);
	/* What is under way and what the window let in; nothing more, however long it lasts. */
	assert_true(written * 50000 < LINK_OUTSTANDING_MAX + WINDOW_LINK + 200000);
	mesh_sleep(mesh, 3600000);
	mesh_expect_none(mesh, 0);
	for (held = 0; streams_next_fact(mesh->node[1].streams, &fact); held++) {
		assert_int_equal(fact.kind, CONSUMER_BATCH);
		assert_true(fact.sequence == read++);
		mesh_consume(mesh, 1, &fact);
	}
	assert_true(held * 50000 <= WINDOW_LINK);
	mesh_run(mesh);
	assert_ptr_equal(mesh_expect(mesh, 0, PRODUCER_ROOM).producer, producer);
	assert_true(producer_has_room(producer));
	while (read < written) {
		assert_int_equal(mesh_expect_batch(mesh, 1, read), 1);
		read++;
		mesh_run(mesh);
	}
	mesh_expect_none(mesh, 1);
	mesh_free(mesh);
}

static void a_reader_that_stops_too_long_is_left(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;
	uint64_t written;

	(void)state;
	subscribed(mesh, 1, 0);
	written = fill(mesh, producer, 0);
	mesh_sleep(mesh, 29000);
	assert_false(producer_has_room(producer));
	mesh_sleep(mesh, 9000);
	assert_true(producer_has_room(producer));
	fact = mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED);
	assert_true(fact.reason == ERROR_TOO_SLOW && !fact.acknowledged && fact.count == written);
	mesh_expect(mesh, 0, PRODUCER_ROOM);
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);   /* the consumer came back by itself */
	/* What had arrived is still read, then the loss, then what is missing. */
	for (uint64_t read = 0;; read++) {
		assert_true(streams_next_fact(mesh->node[1].streams, &fact));
		if (fact.kind != CONSUMER_BATCH)
			break;
		assert_true(fact.sequence == read);
		mesh_consume(mesh, 1, &fact);
	}
	assert_int_equal(fact.kind, CONSUMER_LOST);
	assert_int_equal(fact.reason, ERROR_TOO_SLOW);
	assert_true(mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED).sequence == written);
	fact = mesh_expect(mesh, 1, CONSUMER_GAP);
	assert_true(fact.sequence + fact.count == written && fact.count > 0);
	mesh_free(mesh);
}

static void the_end_travels_both_ways(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;

	(void)state;
	subscribed(mesh, 1, 0);
	put(mesh, 0, producer, mesh_batch(0, 5, 20), 5);
	subscribed(mesh, 2, 5);
	put(mesh, 0, producer, mesh_batch(5, 4, 30), 4);
	end(mesh, 0, producer);
	mesh_run(mesh);
	for (size_t n = 1; n <= 2; n++) {
		if (n == 1)
			mesh_expect_batch(mesh, n, 0);
		mesh_expect_batch(mesh, n, 5);
		fact = mesh_expect(mesh, n, CONSUMER_ENDED);
		assert_true(fact.verified && fact.count == (n == 1 ? 9 : 4));
		acknowledge(mesh, n, fact.link);
		mesh_run(mesh);
		fact = mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED);
		assert_true(fact.acknowledged && fact.verified && fact.reason == OK);
		assert_true(id_equal(&fact.peer, &mesh->node[n].id));
	}
	assert_int_equal(mesh_wires(mesh), 0);   /* the links are closed in good order */
	mesh_sleep(mesh, 100000);
	mesh_expect_none(mesh, 1);
	assert_int_equal(mesh->connects, 2);     /* and nobody comes back */
	mesh_free(mesh);
}

static void an_empty_stream_ends_too(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;

	(void)state;
	end(mesh, 0, producer);
	subscribed(mesh, 1, 0);
	fact = mesh_expect(mesh, 1, CONSUMER_ENDED);
	assert_true(fact.verified && fact.count == 0);
	acknowledge(mesh, 1, fact.link);
	mesh_run(mesh);
	assert_true(mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED).acknowledged);
	mesh_free(mesh);
}

static void a_reader_that_never_finishes_is_not_waited_for(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;

	(void)state;
	subscribed(mesh, 1, 0);
	put(mesh, 0, producer, mesh_batch(0, 1, 10), 1);
	end(mesh, 0, producer);
	mesh_run(mesh);
	mesh_sleep(mesh, 4900);
	mesh_expect_none(mesh, 0);
	mesh_sleep(mesh, 1500);
	fact = mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED);
	assert_true(!fact.acknowledged && fact.reason == ERROR_TOO_SLOW);
	mesh_expect_batch(mesh, 1, 0);
	fact = mesh_expect(mesh, 1, CONSUMER_ENDED);   /* it has everything all the same */
	assert_true(fact.verified);
	acknowledge(mesh, 1, fact.link);
	mesh_sleep(mesh, 100000);
	mesh_expect_none(mesh, 1);
	mesh_free(mesh);
}

/* Changes one byte of the next message toward the reader; returns what the reader made of it. */
static bool damage_is_seen(size_t at)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;
	struct mesh_end *reader;
	bool verified = true;

	subscribed(mesh, 1, 0);
	put(mesh, 0, producer, mesh_batch(0, 3, 50), 3);
	end(mesh, 0, producer);
	mesh_settle(mesh);
	reader = &mesh->wire[mesh_wire_of(mesh, 1)].end[0];
	reader->queue[reader->first]->data[reader->queue[reader->first]->start + at] ^= 0x10;
	mesh_run(mesh);
	while (streams_next_fact(mesh->node[1].streams, &fact)) {
		if (fact.kind == CONSUMER_ENDED)
			verified = fact.verified;
		blob_drop(fact.message);
	}
	assert_true(mesh->errors == 0 || mesh->last_error == ERROR_MALFORMED);
	verified &= mesh->errors == 0;
	mesh_free(mesh);
	return !verified;
}

static void a_damaged_batch_is_never_verified(void **state)
{
	(void)state;
	for (size_t at = 0; at < 159; at++) {
		/* Byte 2 is the sequence: 16 instead of 0 is a gap, and gaps are reported, not hashed. */
		if (at != 2)
			assert_true(damage_is_seen(at));
	}
}

static void a_gap_over_a_cut_link_is_reported(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;

	(void)state;
	subscribed(mesh, 1, 0);
	put(mesh, 0, producer, mesh_batch(0, 3, 50), 3);
	mesh_run(mesh);
	put(mesh, 0, producer, mesh_batch(3, 2, 50), 2);   /* sent, and lost with the link */
	mesh_settle(mesh);
	mesh_cut(mesh, mesh_wire_of(mesh, 1), ERROR_IDLE, ERROR_IDLE);
	put(mesh, 0, producer, mesh_batch(5, 2, 50), 2);   /* nobody there */
	mesh_sleep(mesh, 1000);
	put(mesh, 0, producer, mesh_batch(7, 1, 50), 1);
	mesh_run(mesh);
	mesh_expect_batch(mesh, 1, 0);
	fact = mesh_expect(mesh, 1, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_IDLE && !fact.retry_failed);
	assert_true(mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED).sequence == 7);
	fact = mesh_expect(mesh, 1, CONSUMER_GAP);
	assert_true(fact.sequence == 3 && fact.count == 4);
	mesh_expect_batch(mesh, 1, 7);
	mesh_free(mesh);
}

static void a_stream_that_is_not_there_yet_is_found_later(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct consumer *consumer = consume(mesh, 1);
	struct streams_fact fact;

	(void)state;
	found(mesh, 1, consumer, 0);
	mesh_run(mesh);
	fact = mesh_expect(mesh, 1, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_STREAM_NOT_FOUND && fact.retry_failed);
	mesh_expect_none(mesh, 0);
	produce(mesh, 0, defaults);
	mesh_sleep(mesh, 1000);
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	assert_int_equal(mesh->errors, 0);
	mesh_free(mesh);
}

static void a_freed_place_is_taken_by_who_waits(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct consumer *first, *second = consume(mesh, 2);
	struct streams_fact fact;

	(void)state;
	produce(mesh, 0, (struct producer_options){.max_stall = 30000, .linger = 5000, .subscribers_max = 1});
	first = subscribed(mesh, 1, 0);
	found(mesh, 2, second, 0);
	mesh_run(mesh);
	fact = mesh_expect(mesh, 2, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_NO_CAPACITY && fact.retry_failed);
	mesh_sleep(mesh, 60000);
	assert_true(mesh->connects >= 4 && mesh->connects <= 7);   /* it asks, and does not hammer */
	for (size_t asked = mesh->connects; asked > 1; asked--)
		assert_int_equal(mesh_expect(mesh, 0, PRODUCER_REFUSED).reason, ERROR_NO_CAPACITY);
	consumer_free(mesh->node[1].streams, first, &mesh->node[1].out);
	mesh_sleep(mesh, 72001);
	mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED);
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);
	assert_int_equal(consumer_producers(second), 1);
	mesh_free(mesh);
}

static void a_producer_off_the_catalog_is_left_alone(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct consumer *consumer = subscribed(mesh, 1, 0);

	(void)state;
	gone(mesh, 1, consumer, 0);
	mesh_run(mesh);
	assert_int_equal(mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED).reason, ERROR_CANCELLED);
	assert_int_equal(mesh_expect(mesh, 1, CONSUMER_LOST).reason, ERROR_CANCELLED);
	put(mesh, 0, producer, mesh_batch(0, 1, 10), 1);
	mesh_sleep(mesh, 300000);
	mesh_expect_none(mesh, 1);
	assert_int_equal(mesh->connects, 1);
	mesh_free(mesh);
}

static void freeing_a_producer_is_no_loss_to_retry(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);

	(void)state;
	subscribed(mesh, 1, 0);
	producer_free(mesh->node[0].streams, producer, &mesh->node[0].out);
	mesh_sleep(mesh, 300000);
	assert_int_equal(mesh_expect(mesh, 1, CONSUMER_LOST).reason, ERROR_GRACEFUL);
	mesh_expect_none(mesh, 1);
	assert_int_equal(mesh->connects, 1);
	mesh_free(mesh);
}

static void records_of_every_size(void **state)
{
	static const size_t sizes[] = {0, 1, 23, 24, 255, 256, 65536, 1048576, 5};
	struct mesh *mesh = mesh_new(2, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct streams_fact fact;
	uint64_t sequence = 0;

	(void)state;
	subscribed(mesh, 1, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		put(mesh, 0, producer, mesh_batch(sequence, 2, sizes[i]), 2);
		mesh_run(mesh);
		assert_int_equal(mesh_expect_batch(mesh, 1, sequence), 2);
		sequence += 2;
	}
	end(mesh, 0, producer);
	mesh_run(mesh);
	fact = mesh_expect(mesh, 1, CONSUMER_ENDED);
	assert_true(fact.verified && fact.count == sequence);
	mesh_free(mesh);
}

static void a_node_reads_its_own_stream(void **state)
{
	struct mesh *mesh = mesh_new(1, 1);
	struct producer *producer = produce(mesh, 0, defaults);
	struct consumer *consumer = consume(mesh, 0);
	struct streams_fact fact;

	(void)state;
	found(mesh, 0, consumer, 0);
	mesh_run(mesh);
	mesh_expect(mesh, 0, PRODUCER_SUBSCRIBED);
	mesh_expect(mesh, 0, CONSUMER_SUBSCRIBED);
	put(mesh, 0, producer, mesh_batch(0, 1, 10), 1);
	end(mesh, 0, producer);
	mesh_run(mesh);
	mesh_expect_batch(mesh, 0, 0);
	fact = mesh_expect(mesh, 0, CONSUMER_ENDED);
	acknowledge(mesh, 0, fact.link);
	mesh_run(mesh);
	assert_true(mesh_expect(mesh, 0, PRODUCER_UNSUBSCRIBED).verified);
	assert_int_equal(mesh_wires(mesh), 0);
	mesh_free(mesh);
}

static void two_producers_are_told_apart(void **state)
{
	struct mesh *mesh = mesh_new(3, 1);
	struct producer *producer[2] = {produce(mesh, 0, defaults), produce(mesh, 2, defaults)};
	struct consumer *consumer = consume(mesh, 1);
	struct streams_fact fact;

	(void)state;
	found(mesh, 1, consumer, 2);
	found(mesh, 1, consumer, 0);
	mesh_run(mesh);
	assert_int_equal(consumer_producers(consumer), 2);
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	mesh_expect(mesh, 1, CONSUMER_SUBSCRIBED);
	put(mesh, 2, producer[1], mesh_batch(0, 2, 10), 2);
	mesh_run(mesh);
	put(mesh, 0, producer[0], mesh_batch(0, 3, 10), 3);
	mesh_run(mesh);
	fact = mesh_expect(mesh, 1, CONSUMER_BATCH);
	assert_true(id_equal(&fact.peer, &mesh->node[2].id) && fact.count == 2);
	mesh_consume(mesh, 1, &fact);
	fact = mesh_expect(mesh, 1, CONSUMER_BATCH);
	assert_true(id_equal(&fact.peer, &mesh->node[0].id) && fact.count == 3);
	mesh_consume(mesh, 1, &fact);
	mesh_free(mesh);
}

static void keep_line(void *context, enum log_level level, const char *line, size_t size)
{
	struct buffer *lines = context;

	(void)level;
	buffer_append(lines, bytes_of(line, size));
	buffer_append(lines, bytes_of_text("\n"));
}

/* The story of a reader at node 1, in its own words: the same every time. */
static void the_log_tells_the_story(void **state)
{
	struct mesh *mesh = mesh_new(2, 1);
	struct buffer lines = {0};
	struct log log = {.level = LOG_INFO, .node = "reader", .write = keep_line, .context = &lines};
	struct producer *producer;
	char expected[1024], stream[ID_SHORT_SIZE], peer[ID_SHORT_SIZE];
	struct id id = logs();
	int n;

	(void)state;
	streams_free(mesh->node[1].streams);
	mesh->node[1].streams = streams_new(
		&(struct streams_options){.self = mesh->node[1].id, .log = &log}, mesh->now);
	found(mesh, 1, consume(mesh, 1), 0);
	mesh_run(mesh);
	producer = produce(mesh, 0, defaults);
	mesh_sleep(mesh, 1000);
	put(mesh, 0, producer, mesh_batch(0, 1, 10), 1);
	mesh_cut(mesh, mesh_wire_of(mesh, 1), ERROR_IDLE, ERROR_IDLE);
	end(mesh, 0, producer);
	mesh->now = 4000;
	mesh_sleep(mesh, 1);
	id_format_short(&id, stream);
	id_format_short(&mesh->node[0].id, peer);
	n = snprintf(expected, sizeof(expected),
		"1.000 reader streams: source-failed stream=%s peer=%s reason=stream-not-found\n"
		"1.211 reader streams: source-started stream=%s peer=%s\n"
		"2.000 reader streams: source-lost stream=%s peer=%s reason=idle\n"
		"4.000 reader streams: source-started stream=%s peer=%s\n"
		"4.000 reader streams: gap stream=%s peer=%s records=1\n"
		"4.000 reader streams: source-ended stream=%s peer=%s\n",
		stream, peer, stream, peer, stream, peer, stream, peer, stream, peer, stream, peer);
	assert_true(n > 0);
	buffer_append(&lines, bytes_of("", 1));
	assert_string_equal((const char *)lines.data, expected);
	buffer_fini(&lines);
	mesh_free(mesh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_consumers_get_everything_in_order),
		cmocka_unit_test(a_late_subscriber_starts_where_the_stream_is),
		cmocka_unit_test(fan_out_copies_nothing),
		cmocka_unit_test(a_reader_that_stops_stops_the_producer),
		cmocka_unit_test(a_reader_that_stops_too_long_is_left),
		cmocka_unit_test(the_end_travels_both_ways),
		cmocka_unit_test(an_empty_stream_ends_too),
		cmocka_unit_test(a_reader_that_never_finishes_is_not_waited_for),
		cmocka_unit_test(a_damaged_batch_is_never_verified),
		cmocka_unit_test(a_gap_over_a_cut_link_is_reported),
		cmocka_unit_test(a_stream_that_is_not_there_yet_is_found_later),
		cmocka_unit_test(a_freed_place_is_taken_by_who_waits),
		cmocka_unit_test(a_producer_off_the_catalog_is_left_alone),
		cmocka_unit_test(freeing_a_producer_is_no_loss_to_retry),
		cmocka_unit_test(records_of_every_size),
		cmocka_unit_test(a_node_reads_its_own_stream),
		cmocka_unit_test(two_producers_are_told_apart),
		cmocka_unit_test(the_log_tells_the_story),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
