/*
 * The sending end: fan-out, room, stalls, the end and its acknowledgement. Subscribers are real machines where their
 * behaviour is not the point, and bare links where a test plays the other side byte by byte.
 */
#include "mesh.h"

#include "base/checksum.h"

#include "streams/stream_wire.h"

static const struct producer_options defaults = {.max_stall = 30000, .linger = 5000};

/* One machine alone, with its outbox; links and messages are made by hand. */
struct alone {
	struct streams *streams;
	struct outbox out;
	struct producer *producer;
	struct id stream;
};

static struct alone alone_new(struct producer_options options)
{
	struct alone a = {0};

	a.stream = id_hash(bytes_of_text("logs"));
	a.streams = streams_new(&(struct streams_options){.self = mesh_id(1), .seed = 1}, 0);
	options.stream = a.stream;
	a.producer = producer_new(a.streams, 0, &options);
	return a;
}

static void alone_free(struct alone *a)
{
	streams_ops.check(a->streams);
	streams_free(a->streams);
	outbox_fini(&a->out);
}

static enum error give(struct alone *a, msec now, link_id link, struct blob *message)
{
	enum error error = streams_ops.receive(a->streams, now, link, message, &a->out);

	streams_ops.check(a->streams);
	blob_drop(message);
	return error;
}

static void open_link(struct alone *a, msec now, link_id link)
{
	streams_ops.linked(a->streams, now, &(struct link){.id = link, .peer = mesh_id((unsigned)link)}, &a->out);
}

static void subscribe(struct alone *a, msec now, link_id link)
{
	open_link(a, now, link);
	assert_int_equal(give(a, now, link, stream_wire_subscribe(&a->stream, bytes_of(NULL, 0))), OK);
}

/* The next effect, not counting credit. */
static struct effect next_effect(struct alone *a, enum effect_kind kind, link_id link)
{
	struct effect effect;

	do
		assert_true(outbox_next(&a->out, &effect));
	while (effect.kind == EFFECT_CONSUMED && kind != EFFECT_CONSUMED);
	assert_int_equal(effect.kind, kind);
	assert_int_equal(effect.link, link);
	return effect;
}

static struct stream_message next_message(struct alone *a, link_id link, enum stream_message_kind kind)
{
	struct effect effect = next_effect(a, EFFECT_SEND, link);
	struct stream_message message;

	assert_int_equal(stream_wire_decode(blob_bytes(effect.payload), &message), OK);
	assert_int_equal(message.kind, kind);
	effect_drop(&effect);   /* only the numbers are looked at */
	return message;
}

static void no_effect(struct alone *a)
{
	struct effect effect;

	assert_false(outbox_next(&a->out, &effect));
}

static struct streams_fact next_fact(struct alone *a, enum streams_fact_kind kind)
{
	struct streams_fact fact;

	assert_true(streams_next_fact(a->streams, &fact));
	assert_int_equal(fact.kind, kind);
	return fact;
}

static void no_fact(struct alone *a)
{
	struct streams_fact fact;

	assert_false(streams_next_fact(a->streams, &fact));
}

static void one_blob_for_every_subscriber(void **state)
{
	struct alone a = alone_new(defaults);
	struct blob *batch = mesh_batch(0, 10, 100);
	struct effect effect[3];
	struct id stream;

	(void)state;
	for (link_id link = 1; link <= 5; link += 2) {
		subscribe(&a, 0, link);
		assert_int_equal(next_message(&a, link, STREAM_STARTED).sequence, 0);
	}
	assert_int_equal(producer_subscribers(a.producer), 3);
	stream = producer_stream(a.producer);
	assert_memory_equal(stream.byte, a.stream.byte, ID_SIZE);
	producer_write(a.streams, 0, a.producer, (struct batch){batch, 10}, &a.out);
	for (size_t i = 0; i < 3; i++) {
		effect[i] = next_effect(&a, EFFECT_SEND, 2 * i + 1);
		assert_ptr_equal(effect[i].payload, batch);
	}
	assert_int_equal(batch->references, 3);   /* the producer keeps none */
	for (size_t i = 0; i < 3; i++)
		effect_drop(&effect[i]);
	alone_free(&a);
}

static void sequence_goes_on_without_subscribers(void **state)
{
	struct alone a = alone_new(defaults);

	(void)state;
	producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(0, 7, 10), 7}, &a.out);
	no_effect(&a);
	subscribe(&a, 0, 1);
	assert_int_equal(next_message(&a, 1, STREAM_STARTED).sequence, 7);
	assert_int_equal(next_fact(&a, PRODUCER_SUBSCRIBED).sequence, 7);
	producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(7, 2, 10), 2}, &a.out);
	assert_int_equal(next_message(&a, 1, STREAM_BATCH).sequence, 7);
	alone_free(&a);
}

static void statistics_follow_what_is_sent(void **state)
{
	struct alone a = alone_new(defaults);
	struct subscription_stats stats;
	struct blob *batch = mesh_batch(0, 3, 10);
	size_t part = blob_size(batch), message;
	struct id peer = mesh_id(1);

	(void)state;
	assert_false(producer_subscription(a.producer, 0, &stats));
	subscribe(&a, 42, 1);
	assert_true(producer_subscription(a.producer, 0, &stats));
	streams_ops.sent(a.streams, 1, stats.outstanding, &a.out);   /* STARTED */
	producer_write(a.streams, 50, a.producer, (struct batch){batch, 3}, &a.out);
	message = blob_size(batch);   /* the outbox holds it */
	assert_true(producer_subscription(a.producer, 0, &stats));
	assert_memory_equal(stats.peer.byte, peer.byte, ID_SIZE);
	assert_int_equal(stats.link, 1);
	assert_int_equal(stats.records, 3);
	assert_int_equal(stats.bytes, part);
	assert_int_equal(stats.outstanding, message);
	assert_int_equal(stats.since, 42);
	assert_false(stats.ended);
	streams_ops.sent(a.streams, 1, message - 1, &a.out);
	assert_true(producer_subscription(a.producer, 0, &stats));
	assert_int_equal(stats.outstanding, 1);
	assert_false(producer_subscription(a.producer, 1, &stats));
	alone_free(&a);
}

static void room_ends_at_the_maximum_and_returns(void **state)
{
	struct alone a = alone_new(defaults);
	struct subscription_stats stats;
	uint64_t sequence = 0;

	(void)state;
	subscribe(&a, 0, 1);
	subscribe(&a, 0, 3);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	while (producer_has_room(a.producer)) {
		producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(sequence, 1, 65536), 1}, &a.out);
		sequence++;
	}
	assert_true(producer_subscription(a.producer, 0, &stats));
	assert_true(stats.outstanding >= LINK_OUTSTANDING_MAX && stats.outstanding < LINK_OUTSTANDING_MAX + 70000);
	streams_ops.sent(a.streams, 1, stats.outstanding, &a.out);
	assert_false(producer_has_room(a.producer));   /* the other one is still full */
	no_fact(&a);
	streams_ops.sent(a.streams, 3, 70000, &a.out);
	assert_true(producer_has_room(a.producer));
	assert_ptr_equal(next_fact(&a, PRODUCER_ROOM).producer, a.producer);
	streams_ops.sent(a.streams, 3, 70000, &a.out);
	no_fact(&a);   /* once */
	alone_free(&a);
}

static void room_returns_when_the_full_one_leaves(void **state)
{
	struct alone a = alone_new(defaults);

	(void)state;
	subscribe(&a, 0, 1);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(0, 1, LINK_OUTSTANDING_MAX), 1}, &a.out);
	assert_false(producer_has_room(a.producer));
	streams_ops.unlinked(a.streams, 1, 1, ERROR_IDLE, &a.out);
	assert_int_equal(next_fact(&a, PRODUCER_UNSUBSCRIBED).reason, ERROR_IDLE);
	next_fact(&a, PRODUCER_ROOM);
	assert_true(producer_has_room(a.producer));
	assert_int_equal(producer_subscribers(a.producer), 0);
	alone_free(&a);
}

/* Ticks at every deadline up to `until`; returns when the first effect came, or -1. */
static msec tick_until(struct alone *a, msec until)
{
	msec due;

	while ((due = streams_ops.deadline(a->streams)) <= until) {
		streams_ops.tick(a->streams, due, &a->out);
		streams_ops.check(a->streams);
		if (a->out.count > a->out.first)
			return due;
		assert_true(streams_ops.deadline(a->streams) > due);
	}
	return -1;
}

static void a_stalled_subscriber_is_too_slow(void **state)
{
	struct alone a = alone_new(defaults);
	struct subscription_stats stats;
	msec closed;

	(void)state;
	subscribe(&a, 0, 1);
	outbox_fini(&a.out);
	assert_true(producer_subscription(a.producer, 0, &stats));
	streams_ops.sent(a.streams, 1, stats.outstanding, &a.out);
	assert_true(tick_until(&a, 500000) == -1);   /* with nothing to acknowledge, silence is no stall */
	producer_write(a.streams, 500000, a.producer, (struct batch){mesh_batch(0, 2, 1000), 2}, &a.out);
	outbox_fini(&a.out);
	assert_true(tick_until(&a, 520000) == -1);
	streams_ops.sent(a.streams, 1, 1, &a.out);   /* at 520000 or little before: a byte is progress */
	closed = tick_until(&a, 600000);
	assert_true(closed >= 520000 + 30000 && closed <= 520000 + 37500);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, ERROR_TOO_SLOW);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	assert_int_equal(next_fact(&a, PRODUCER_UNSUBSCRIBED).reason, ERROR_TOO_SLOW);
	streams_ops.sent(a.streams, 1, 500, &a.out);   /* crosses the close: ignored */
	streams_ops.unlinked(a.streams, closed, 1, ERROR_TOO_SLOW, &a.out);
	no_fact(&a);
	alone_free(&a);
}

static void without_max_stall_it_waits_for_ever(void **state)
{
	struct alone a = alone_new((struct producer_options){.max_stall = MSEC_NEVER, .linger = MSEC_NEVER});

	(void)state;
	subscribe(&a, 0, 1);
	producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(0, 1, 10), 1}, &a.out);
	producer_end(a.streams, 0, a.producer, &a.out);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	alone_free(&a);
}

static void the_end_is_acknowledged(void **state)
{
	struct alone a = alone_new(defaults);
	struct hash hash;
	struct checksum sum;
	struct id digest;
	struct stream_message end;
	struct streams_fact fact;

	(void)state;
	subscribe(&a, 0, 1);
	hash_init(&hash);
	for (uint64_t i = 0; i < 3; i++) {
		struct blob *batch = mesh_batch(i, 1, 100);

		sum = checksum_of(blob_bytes(batch));
		hash_update(&hash, bytes_of(sum.byte, CHECKSUM_SIZE));
		producer_write(a.streams, 0, a.producer, (struct batch){batch, 1}, &a.out);
	}
	producer_end(a.streams, 0, a.producer, &a.out);
	producer_end(a.streams, 0, a.producer, &a.out);   /* once is enough */
	next_message(&a, 1, STREAM_STARTED);
	for (uint64_t i = 0; i < 3; i++)
		assert_true(next_message(&a, 1, STREAM_BATCH).sequence == i);
	end = next_message(&a, 1, STREAM_END);
	digest = hash_final(&hash);
	assert_true(end.sum.count == 3 && end.sum.bytes == 3 * 102);
	assert_memory_equal(end.sum.hash.byte, digest.byte, ID_SIZE);
	no_effect(&a);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	no_fact(&a);
	assert_int_equal(give(&a, 1, 1, stream_wire_end_ack(true)), OK);
	fact = next_fact(&a, PRODUCER_UNSUBSCRIBED);
	assert_true(fact.acknowledged && fact.verified && fact.reason == OK && fact.count == 3);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, OK);
	streams_ops.unlinked(a.streams, 2, 1, OK, &a.out);
	no_fact(&a);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	alone_free(&a);
}

static void a_subscriber_may_say_that_it_missed_data(void **state)
{
	struct alone a = alone_new(defaults);
	struct streams_fact fact;

	(void)state;
	subscribe(&a, 0, 1);
	producer_end(a.streams, 0, a.producer, &a.out);
	assert_int_equal(give(&a, 1, 1, stream_wire_end_ack(false)), OK);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	fact = next_fact(&a, PRODUCER_UNSUBSCRIBED);
	assert_true(fact.acknowledged && !fact.verified);
	alone_free(&a);
}

static void linger_bounds_the_wait_for_the_acknowledgement(void **state)
{
	struct alone a = alone_new(defaults);
	struct subscription_stats stats;
	struct streams_fact fact;
	msec closed;

	(void)state;
	subscribe(&a, 0, 1);
	producer_end(a.streams, 1000, a.producer, &a.out);
	assert_true(producer_subscription(a.producer, 0, &stats) && stats.ended);
	outbox_fini(&a.out);
	assert_true(tick_until(&a, 20000) == -1);   /* END itself is under way: max_stall counts, not linger */
	streams_ops.tick(a.streams, 20000, &a.out);
	streams_ops.sent(a.streams, 1, stats.outstanding, &a.out);
	streams_ops.tick(a.streams, 20001, &a.out);   /* deadline() says so: it has to see the clock */
	closed = tick_until(&a, 100000);
	assert_true(closed >= 25000 && closed <= 20001 + 6250);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, ERROR_TOO_SLOW);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	fact = next_fact(&a, PRODUCER_UNSUBSCRIBED);
	assert_true(!fact.acknowledged && fact.reason == ERROR_TOO_SLOW);
	alone_free(&a);
}

static void after_the_end_newcomers_get_an_empty_stream(void **state)
{
	struct alone a = alone_new(defaults);
	struct id empty = id_hash(bytes_of(NULL, 0));
	struct stream_message end;

	(void)state;
	producer_write(a.streams, 0, a.producer, (struct batch){mesh_batch(0, 9, 10), 9}, &a.out);
	producer_end(a.streams, 0, a.producer, &a.out);
	subscribe(&a, 10, 1);
	assert_int_equal(next_message(&a, 1, STREAM_STARTED).sequence, 9);
	end = next_message(&a, 1, STREAM_END);
	assert_true(end.sum.count == 0 && end.sum.bytes == 0);
	assert_memory_equal(end.sum.hash.byte, empty.byte, ID_SIZE);
	alone_free(&a);
}

static void capacity_refuses_and_frees(void **state)
{
	struct producer_options options = defaults;
	struct alone a;

	(void)state;
	options.subscribers_max = 1;
	a = alone_new(options);
	subscribe(&a, 0, 1);
	next_message(&a, 1, STREAM_STARTED);
	subscribe(&a, 0, 3);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 3).reason, ERROR_NO_CAPACITY);
	streams_ops.unlinked(a.streams, 0, 3, ERROR_NO_CAPACITY, &a.out);
	streams_ops.unlinked(a.streams, 0, 1, ERROR_CANCELLED, &a.out);
	subscribe(&a, 0, 5);
	next_message(&a, 5, STREAM_STARTED);
	next_fact(&a, PRODUCER_SUBSCRIBED);
	assert_int_equal(next_fact(&a, PRODUCER_REFUSED).reason, ERROR_NO_CAPACITY);
	assert_int_equal(next_fact(&a, PRODUCER_UNSUBSCRIBED).link, 1);
	assert_int_equal(next_fact(&a, PRODUCER_SUBSCRIBED).link, 5);
	alone_free(&a);
}

static void guests_are_refused_one_by_one(void **state)
{
	struct alone a = alone_new(defaults);
	struct id other = id_hash(bytes_of_text("nobody"));

	(void)state;
	open_link(&a, 0, 1);
	assert_int_equal(give(&a, 0, 1, stream_wire_subscribe(&other, bytes_of(NULL, 0))), OK);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, ERROR_STREAM_NOT_FOUND);
	open_link(&a, 0, 3);
	assert_int_equal(give(&a, 0, 3, stream_wire_subscribe(&a.stream, bytes_of_text("level=error"))), OK);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 3).reason, ERROR_NOT_ALLOWED);
	assert_int_equal(give(&a, 0, 3, stream_wire_subscribe(&a.stream, bytes_of(NULL, 0))), OK);   /* ignored */
	no_effect(&a);
	no_fact(&a);
	alone_free(&a);
}

static void silent_guests_are_closed(void **state)
{
	struct alone a = alone_new(defaults);

	(void)state;
	open_link(&a, 1000, 1);
	open_link(&a, 1001, 3);
	assert_int_equal(give(&a, 5999, 3, stream_wire_subscribe(&a.stream, bytes_of(NULL, 0))), OK);
	next_message(&a, 3, STREAM_STARTED);
	streams_ops.tick(a.streams, 5999, &a.out);
	no_effect(&a);
	streams_ops.tick(a.streams, 6000, &a.out);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, ERROR_TOO_SLOW);
	streams_ops.tick(a.streams, 7000, &a.out);
	no_effect(&a);
	alone_free(&a);
}

static void messages_out_of_order_are_violations(void **state)
{
	struct alone a = alone_new(defaults);
	struct blob *garbage = blob_copy(bytes_of_text("garbage"));
	struct blob *batch = mesh_batch(0, 1, 1);
	struct id zero = {{0}};

	(void)state;
	stream_wire_batch(batch, 0, 1);
	open_link(&a, 0, 1);
	assert_int_equal(give(&a, 0, 1, stream_wire_started(0)), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 1, stream_wire_end_ack(true)), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 1, blob_keep(batch)), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 1, blob_keep(garbage)), ERROR_MALFORMED);
	subscribe(&a, 0, 3);
	assert_int_equal(give(&a, 0, 3, stream_wire_end_ack(true)), ERROR_MALFORMED);   /* before END */
	assert_int_equal(give(&a, 0, 3, stream_wire_subscribe(&a.stream, bytes_of(NULL, 0))), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 3, batch), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 3, stream_wire_end(&(struct stream_sum){.hash = zero})), ERROR_MALFORMED);
	assert_int_equal(give(&a, 0, 3, garbage), ERROR_MALFORMED);
	alone_free(&a);
}

static void freeing_says_goodbye_and_drops_facts(void **state)
{
	struct alone a = alone_new(defaults);
	struct producer_options options = defaults;
	struct producer *other;

	(void)state;
	options.stream = id_hash(bytes_of_text("other"));
	other = producer_new(a.streams, 0, &options);
	subscribe(&a, 0, 1);
	open_link(&a, 0, 3);
	assert_int_equal(give(&a, 0, 3, stream_wire_subscribe(&options.stream, bytes_of(NULL, 0))), OK);
	subscribe(&a, 0, 5);
	outbox_fini(&a.out);
	producer_free(a.streams, a.producer, &a.out);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 1).reason, ERROR_GRACEFUL);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE, 5).reason, ERROR_GRACEFUL);
	no_effect(&a);
	assert_ptr_equal(next_fact(&a, PRODUCER_SUBSCRIBED).producer, other);
	no_fact(&a);
	streams_ops.unlinked(a.streams, 0, 1, ERROR_GRACEFUL, &a.out);
	no_fact(&a);
	/* The name is free again. */
	options.stream = a.stream;
	a.producer = producer_new(a.streams, 0, &options);
	subscribe(&a, 0, 7);
	assert_int_equal(next_message(&a, 7, STREAM_STARTED).sequence, 0);
	producer_free(a.streams, NULL, &a.out);
	alone_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_blob_for_every_subscriber),
		cmocka_unit_test(sequence_goes_on_without_subscribers),
		cmocka_unit_test(statistics_follow_what_is_sent),
		cmocka_unit_test(room_ends_at_the_maximum_and_returns),
		cmocka_unit_test(room_returns_when_the_full_one_leaves),
		cmocka_unit_test(a_stalled_subscriber_is_too_slow),
		cmocka_unit_test(without_max_stall_it_waits_for_ever),
		cmocka_unit_test(the_end_is_acknowledged),
		cmocka_unit_test(a_subscriber_may_say_that_it_missed_data),
		cmocka_unit_test(linger_bounds_the_wait_for_the_acknowledgement),
		cmocka_unit_test(after_the_end_newcomers_get_an_empty_stream),
		cmocka_unit_test(capacity_refuses_and_frees),
		cmocka_unit_test(guests_are_refused_one_by_one),
		cmocka_unit_test(silent_guests_are_closed),
		cmocka_unit_test(messages_out_of_order_are_violations),
		cmocka_unit_test(freeing_says_goodbye_and_drops_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
