/* The receiving end, message by message: batches, gaps, the end, credit, and what is refused. */
#include "alone.h"

#include "base/checksum.h"

static void batches_become_facts_and_credit(void **state)
{
	struct alone a = alone_new();
	struct blob *message = batch(3, 2, 50);
	struct streams_fact fact;
	size_t size = blob_size(message);
	link_id link;

	(void)state;
	found(&a, false);
	assert_int_equal(consumer_producers(a.consumer), 0);
	link = run_at(&a, 3);
	assert_int_equal(consumer_producers(a.consumer), 1);
	assert_int_equal(next_effect(&a, EFFECT_CONSUMED).bytes, 3);   /* STARTED was used up at once */
	assert_int_equal(give(&a, link, message), OK);
	assert_false(has_effect(&a));   /* none for the batch before its reader is done */
	fact = next_fact(&a, CONSUMER_BATCH);
	assert_true(fact.link == link && id_equal(&fact.peer, &a.peer));
	assert_int_equal(blob_size(fact.message), size);
	consumer_consumed(a.streams, link, size - 1, &a.out);
	consumer_consumed(a.streams, link, 1, &a.out);
	assert_int_equal(next_effect(&a, EFFECT_CONSUMED).bytes, size);
	blob_drop(fact.message);
	lose(&a, link, ERROR_IDLE);
	consumer_consumed(a.streams, link, size, &a.out);   /* the link is gone */
	consumer_acknowledge(a.streams, link, &a.out);
	consumer_consumed(a.streams, 4444, 1, &a.out);
	assert_false(has_effect(&a));
	alone_free(&a);
}

static void a_gap_is_counted_and_a_repetition_refused(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 10);
	assert_int_equal(give(&a, link, batch(10, 5, 10)), OK);
	assert_int_equal(give(&a, link, batch(18, 1, 10)), OK);
	expect_batch(&a, 10, 5);
	fact = next_fact(&a, CONSUMER_GAP);
	assert_true(fact.sequence == 15 && fact.count == 3 && fact.link == link);
	expect_batch(&a, 18, 1);
	assert_int_equal(give(&a, link, batch(18, 1, 10)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, batch(0, 100, 10)), ERROR_MALFORMED);
	no_fact(&a);
	alone_free(&a);
}

static void a_gap_over_a_reconnect_is_counted(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, batch(0, 4, 10)), OK);
	expect_batch(&a, 0, 4);
	lose(&a, link, ERROR_IDLE);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.link == link && fact.reason == ERROR_IDLE && !fact.retry_failed);
	until_retry(&a);
	link = run_at(&a, 9);
	fact = next_fact(&a, CONSUMER_GAP);
	assert_true(fact.count == 5 && fact.sequence == 4 && fact.link == link);
	/* And nothing between: no gap. */
	lose(&a, link, ERROR_IDLE);
	next_fact(&a, CONSUMER_LOST);
	until_retry(&a);
	link = run_at(&a, 9);
	/* A producer that was started anew counts from the front. */
	lose(&a, link, ERROR_IDLE);
	next_fact(&a, CONSUMER_LOST);
	until_retry(&a);
	link = run_at(&a, 2);
	assert_int_equal(give(&a, link, batch(2, 1, 1)), OK);
	expect_batch(&a, 2, 1);
	no_fact(&a);
	alone_free(&a);
}

/* The sum that a subscription with these two batches must end with. */
static struct stream_sum sum_of(uint64_t count, uint64_t bytes, struct blob *first, struct blob *second)
{
	struct hash hash;
	struct blob *blobs[] = {first, second};
	struct stream_message message;

	hash_init(&hash);
	for (size_t i = 0; i < 2; i++) {
		struct checksum digest;

		assert_int_equal(stream_wire_decode(blob_bytes(blobs[i]), &message), OK);
		digest = checksum_of(message.records);
		hash_update(&hash, bytes_of(digest.byte, CHECKSUM_SIZE));
	}
	return (struct stream_sum){count, bytes, hash_final(&hash)};
}

/* A subscription with two batches gets this END. Returns whether it verified. */
static bool end_with(struct stream_sum sum)
{
	struct alone a = alone_new();
	struct stream_message ack;
	struct streams_fact fact;
	struct effect effect;
	link_id link;

	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, batch(0, 2, 10)), OK);
	assert_int_equal(give(&a, link, batch(2, 1, 20)), OK);
	expect_batch(&a, 0, 2);
	expect_batch(&a, 2, 1);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	fact = next_fact(&a, CONSUMER_ENDED);
	assert_true(fact.count == 3 && fact.link == link);
	assert_int_equal(consumer_producers(a.consumer), 0);
	discard_effects(&a);
	consumer_acknowledge(a.streams, link, &a.out);
	effect = next_effect(&a, EFFECT_SEND);
	assert_int_equal(stream_wire_decode(blob_bytes(effect.payload), &ack), OK);
	assert_true(ack.kind == STREAM_END_ACK && ack.verified == fact.verified);
	effect_drop(&effect);
	consumer_acknowledge(a.streams, link, &a.out);
	assert_false(has_effect(&a));   /* once */
	lose(&a, link, OK);
	no_fact(&a);                    /* ended, not lost */
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	alone_free(&a);
	return fact.verified;
}

static void the_end_is_verified(void **state)
{
	struct blob *first = batch(0, 2, 10), *second = batch(2, 1, 20);
	struct stream_sum sum = sum_of(3, 2 * 11 + 21, first, second), wrong;

	(void)state;
	assert_true(end_with(sum));
	wrong = sum;
	wrong.count++;
	assert_false(end_with(wrong));
	wrong = sum;
	wrong.bytes--;
	assert_false(end_with(wrong));
	wrong = sum;
	wrong.hash.byte[31] ^= 1;
	assert_false(end_with(wrong));
	assert_false(end_with(sum_of(3, 2 * 11 + 21, second, first)));   /* order counts */
	blob_drop(first);
	blob_drop(second);
}

static void messages_out_of_order_are_violations(void **state)
{
	struct alone a = alone_new();
	struct stream_sum sum = empty_sum();
	struct id stream = id_hash(bytes_of_text("logs"));
	link_id link;

	(void)state;
	found(&a, false);
	link = next_connect(&a);
	accept_link(&a, link);
	assert_int_equal(give(&a, link, batch(0, 1, 1)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_started(0)), OK);
	assert_int_equal(give(&a, link, stream_wire_started(0)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_end_ack(true)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_subscribe(&stream, bytes_of(NULL, 0))), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	assert_int_equal(give(&a, link, batch(0, 1, 1)), ERROR_MALFORMED);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), ERROR_MALFORMED);
	next_fact(&a, CONSUMER_SUBSCRIBED);
	next_fact(&a, CONSUMER_ENDED);
	no_fact(&a);
	alone_free(&a);
}

static void records_are_checked_before_they_are_facts(void **state)
{
	struct alone a = alone_new();
	struct blob *damaged = batch(0, 3, 10), *miscounted = mesh_batch(0, 3, 10);
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	damaged->data[BATCH_HEADROOM] = 0x60;   /* text, not bytes */
	assert_int_equal(give(&a, link, damaged), ERROR_MALFORMED);
	stream_wire_batch(miscounted, 0, 4);
	assert_int_equal(give(&a, link, miscounted), ERROR_MALFORMED);
	no_fact(&a);
	alone_free(&a);
}

static void freeing_cancels_and_drops_facts(void **state)
{
	struct alone a = alone_new();
	struct consumer *other = consumer_new(a.streams, a.now,
		&(struct consumer_options){.stream = id_hash(bytes_of_text("logs")), .record_max = 10});
	struct streams_fact fact;
	struct blob *held = batch(0, 2, 10);
	link_id link, second;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	consumer_producer_found(a.streams, a.now, other, &a.peer, &a.out);
	second = next_connect(&a);
	accept_link(&a, second);
	assert_int_equal(give(&a, link, blob_keep(held)), OK);
	assert_int_equal(give(&a, second, stream_wire_started(0)), OK);
	assert_int_equal(held->references, 2);
	discard_effects(&a);
	consumer_free(a.streams, a.consumer, &a.out);
	assert_int_equal(held->references, 1);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE).reason, ERROR_CANCELLED);
	assert_true(streams_next_fact(a.streams, &fact) && fact.consumer == other);
	no_fact(&a);
	assert_int_equal(give(&a, link, held), OK);
	lose(&a, link, ERROR_CANCELLED);
	no_fact(&a);
	consumer_free(a.streams, NULL, &a.out);
	alone_free(&a);
}

static void freeing_lets_an_acknowledgement_through(void **state)
{
	struct alone a = alone_new();
	struct stream_sum sum = empty_sum();
	struct effect effect;
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	next_fact(&a, CONSUMER_ENDED);
	discard_effects(&a);
	consumer_acknowledge(a.streams, link, &a.out);
	consumer_free(a.streams, a.consumer, &a.out);
	effect = next_effect(&a, EFFECT_SEND);
	effect_drop(&effect);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE).reason, OK);   /* a reset would overtake the acknowledgement */
	alone_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_become_facts_and_credit),
		cmocka_unit_test(a_gap_is_counted_and_a_repetition_refused),
		cmocka_unit_test(a_gap_over_a_reconnect_is_counted),
		cmocka_unit_test(the_end_is_verified),
		cmocka_unit_test(messages_out_of_order_are_violations),
		cmocka_unit_test(records_are_checked_before_they_are_facts),
		cmocka_unit_test(freeing_cancels_and_drops_facts),
		cmocka_unit_test(freeing_lets_an_acknowledgement_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
