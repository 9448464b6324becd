/*
 * The receiving end, alone: a test plays the producer byte by byte. Sequence, gaps, the end, credit, and how often a
 * producer that cannot be had is asked again.
 */
#include "mesh.h"

#include "streams/stream_wire.h"

struct alone {
	struct streams *streams;
	struct outbox out;
	struct consumer *consumer;
	struct id peer;
	msec now;
};

static struct alone alone_new(void)
{
	struct alone a = {.peer = mesh_id(7), .now = 1000};

	a.streams = streams_new(&(struct streams_options){.self = mesh_id(1), .seed = 5}, a.now);
	a.consumer = consumer_new(a.streams, a.now,
		&(struct consumer_options){.stream = id_hash(bytes_of_text("logs")), .record_max = 1000});
	return a;
}

static void alone_free(struct alone *a)
{
	streams_ops.check(a->streams);
	streams_free(a->streams);
	outbox_fini(&a->out);
}

static enum error give(struct alone *a, link_id link, struct blob *message)
{
	enum error error = streams_ops.receive(a->streams, a->now, link, message, &a->out);

	streams_ops.check(a->streams);
	blob_drop(message);
	return error;
}

static void found(struct alone *a, bool again)
{
	consumer_producer_found(a->streams, a->now, a->consumer, &a->peer, again, &a->out);
	streams_ops.check(a->streams);
}

static void gone(struct alone *a)
{
	consumer_producer_gone(a->streams, a->now, a->consumer, &a->peer, &a->out);
	streams_ops.check(a->streams);
}

static void lose(struct alone *a, link_id link, enum error reason)
{
	streams_ops.unlinked(a->streams, a->now, link, reason, &a->out);
	streams_ops.check(a->streams);
}

/* The next effect that is no credit. */
static struct effect next_effect(struct alone *a, enum effect_kind kind)
{
	struct effect effect;

	do
		assert_true(outbox_next(&a->out, &effect));
	while (effect.kind == EFFECT_CONSUMED && kind != EFFECT_CONSUMED);
	assert_int_equal(effect.kind, kind);
	return effect;
}

static bool has_effect(struct alone *a)
{
	return a->out.count > a->out.first;
}

static void discard_effects(struct alone *a)
{
	struct effect effect;

	while (outbox_next(&a->out, &effect))
		effect_drop(&effect);
}

static link_id next_connect(struct alone *a)
{
	struct effect effect = next_effect(a, EFFECT_CONNECT);
	link_id link = effect.link;

	assert_true(id_equal(&effect.dial->peer, &a->peer));
	assert_int_equal(effect.dial->count, 0);
	effect_drop(&effect);
	return link;
}

/* Links and takes the SUBSCRIBE. */
static void accept_link(struct alone *a, link_id link)
{
	struct stream_message message;
	struct effect effect;

	streams_ops.linked(a->streams, a->now, &(struct link){link, a->peer}, &a->out);
	effect = next_effect(a, EFFECT_SEND);
	assert_int_equal(stream_wire_decode(blob_bytes(effect.payload), &message), OK);
	assert_int_equal(message.kind, STREAM_SUBSCRIBE);
	assert_int_equal(message.criteria.size, 0);
	effect_drop(&effect);
}

static struct streams_fact next_fact(struct alone *a, enum streams_fact_kind kind)
{
	struct streams_fact fact;

	assert_true(streams_next_fact(a->streams, &fact));
	assert_int_equal(fact.kind, kind);
	assert_ptr_equal(fact.consumer, a->consumer);
	return fact;
}

static void no_fact(struct alone *a)
{
	struct streams_fact fact;

	assert_false(streams_next_fact(a->streams, &fact));
}

/* A running subscription whose next sequence is `next`. */
static link_id run_at(struct alone *a, uint64_t next)
{
	link_id link = next_connect(a);

	accept_link(a, link);
	assert_int_equal(give(a, link, stream_wire_started(next)), OK);
	assert_true(next_fact(a, CONSUMER_SUBSCRIBED).sequence == next);
	return link;
}

static struct blob *batch(uint64_t sequence, uint64_t count, size_t size)
{
	struct blob *blob = mesh_batch(sequence, count, size);

	stream_wire_batch(blob, sequence, count);
	return blob;
}

static void expect_batch(struct alone *a, uint64_t sequence, uint64_t count)
{
	struct streams_fact fact = next_fact(a, CONSUMER_BATCH);

	assert_true(fact.sequence == sequence && fact.count == count);
	mesh_check_content(&fact);
	consumer_consumed(a->streams, fact.link, blob_size(fact.message), &a->out);
	blob_drop(fact.message);
}

/* Ticks at the next deadline, which is a retry, and tells how long it took. */
static msec until_retry(struct alone *a)
{
	msec before = a->now;

	while (has_effect(a))
		next_effect(a, EFFECT_CONSUMED);   /* only credit */
	a->now = streams_ops.deadline(a->streams);
	assert_true(a->now != MSEC_NEVER && a->now > before);
	streams_ops.tick(a->streams, a->now - 1, &a->out);
	assert_false(has_effect(a));   /* early is harmless */
	streams_ops.tick(a->streams, a->now, &a->out);
	assert_true(has_effect(a));
	return a->now - before;
}

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

static void an_absence_is_no_excuse_for_a_gap(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, batch(0, 4, 10)), OK);
	expect_batch(&a, 0, 4);
	gone(&a);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_CANCELLED && !fact.retry_failed);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE).reason, ERROR_CANCELLED);
	lose(&a, link, ERROR_CANCELLED);
	no_fact(&a);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	gone(&a);
	found(&a, true);
	link = run_at(&a, 6);
	assert_true(next_fact(&a, CONSUMER_GAP).count == 2);
	alone_free(&a);
}

/* Producers that come once and crash must not be remembered without bound. */
static void absences_are_bounded(void **state)
{
	struct alone a = alone_new();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		link_id link;

		a.peer.byte[1] = (uint8_t)(i >> 8);
		a.peer.byte[2] = (uint8_t)i;
		found(&a, false);
		link = run_at(&a, 5);
		gone(&a);
		next_fact(&a, CONSUMER_LOST);
		lose(&a, link, ERROR_CANCELLED);
		discard_effects(&a);
	}
	found(&a, false);   /* the last one is still known */
	run_at(&a, 8);
	assert_true(next_fact(&a, CONSUMER_GAP).count == 3);
	a.peer.byte[1] = a.peer.byte[2] = 0;
	found(&a, false);   /* the first is forgotten */
	run_at(&a, 8);
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
		struct id digest;

		assert_int_equal(stream_wire_decode(blob_bytes(blobs[i]), &message), OK);
		digest = id_hash(message.records);
		hash_update(&hash, bytes_of(digest.byte, ID_SIZE));
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

static struct stream_sum empty_sum(void)
{
	return (struct stream_sum){0, 0, id_hash(bytes_of(NULL, 0))};
}

static void an_ended_producer_is_asked_again_only_if_it_is_new(void **state)
{
	struct alone a = alone_new();
	struct stream_sum sum = empty_sum();
	link_id link, anew;

	(void)state;
	found(&a, false);
	link = run_at(&a, 50);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	assert_true(next_fact(&a, CONSUMER_ENDED).verified);
	lose(&a, link, ERROR_TOO_SLOW);   /* our reader did not get to the end in time: that was said, not lost */
	no_fact(&a);
	consumer_acknowledge(a.streams, link, &a.out);
	discard_effects(&a);
	found(&a, false);
	assert_false(has_effect(&a));
	found(&a, true);
	anew = run_at(&a, 60);   /* another count: no gap */
	no_fact(&a);
	assert_true(anew != link);
	found(&a, true);         /* running: nothing */
	assert_int_equal(give(&a, anew, batch(60, 1, 1)), OK);
	expect_batch(&a, 60, 1);
	alone_free(&a);
}

static void a_graceful_leave_is_not_followed(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	lose(&a, link, ERROR_GRACEFUL);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_GRACEFUL && !fact.retry_failed);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	found(&a, true);
	run_at(&a, 0);
	alone_free(&a);
}

static void an_acknowledgement_gets_through_after_goodbye(void **state)
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
	gone(&a);
	assert_false(has_effect(&a));
	consumer_acknowledge(a.streams, link, &a.out);
	effect = next_effect(&a, EFFECT_SEND);
	effect_drop(&effect);
	lose(&a, link, OK);
	no_fact(&a);
	found(&a, false);   /* forgotten with its link: a new one */
	next_connect(&a);
	alone_free(&a);
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

static void a_record_too_large_ends_only_its_link(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;
	msec wait;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, batch(0, 1, 1000)), OK);
	expect_batch(&a, 0, 1);
	assert_int_equal(give(&a, link, batch(1, 1, 1001)), OK);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_FRAME_TOO_LARGE && !fact.retry_failed);
	assert_int_equal(next_effect(&a, EFFECT_CLOSE).reason, ERROR_FRAME_TOO_LARGE);
	assert_int_equal(give(&a, link, batch(2, 1, 10)), OK);   /* crosses our close */
	no_fact(&a);
	lose(&a, link, ERROR_FRAME_TOO_LARGE);
	wait = until_retry(&a);
	assert_true(wait >= 4000 && wait <= 6000);
	alone_free(&a);
}

static void failures_back_off(void **state)
{
	struct alone a = alone_new();
	double span = CONSUMER_RETRY_MIN;
	bool varied = false;

	(void)state;
	found(&a, false);
	for (unsigned i = 0; i < 30; i++) {
		link_id link = next_connect(&a);
		struct streams_fact fact;
		msec wait;

		lose(&a, link, ERROR_UNREACHABLE);
		fact = next_fact(&a, CONSUMER_LOST);
		assert_true(fact.retry_failed && fact.reason == ERROR_UNREACHABLE && fact.link == link);
		found(&a, false);   /* repeating the catalog changes nothing */
		wait = until_retry(&a);
		assert_true((double)wait >= span * 0.8 - 2 && (double)wait <= span * 1.2 + 2);
		varied |= (double)wait < span * 0.97 || (double)wait > span * 1.03;
		span = span * 1.5 > CONSUMER_RETRY_MAX ? CONSUMER_RETRY_MAX : span * 1.5;
	}
	assert_true(span > 59999 && varied);
	/* A newer incarnation is worth an attempt at once, and quick ones after it. */
	lose(&a, next_connect(&a), ERROR_UNREACHABLE);
	found(&a, true);
	lose(&a, next_connect(&a), ERROR_UNREACHABLE);
	assert_true(until_retry(&a) <= 300);
	alone_free(&a);
}

static void refusals_are_never_hammered(void **state)
{
	static const enum error reasons[] = {ERROR_NOT_ALLOWED, ERROR_NO_CAPACITY, ERROR_MALFORMED, ERROR_FRAME_TOO_LARGE};

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		struct alone a = alone_new();
		link_id link;
		msec wait;

		found(&a, false);
		link = next_connect(&a);
		accept_link(&a, link);
		lose(&a, link, reasons[i]);
		assert_int_equal(next_fact(&a, CONSUMER_LOST).reason, reasons[i]);
		wait = until_retry(&a);
		assert_true(wait >= 4000 && wait <= 6000);
		link = next_connect(&a);
		accept_link(&a, link);
		lose(&a, link, reasons[i]);
		next_fact(&a, CONSUMER_LOST);
		wait = until_retry(&a);
		assert_true(wait >= 6000 && wait <= 9000);
		alone_free(&a);
	}
}

/* Accepting and dropping at once is no success; a subscription that lasted is. */
static void only_a_lasting_subscription_resets_the_back_off(void **state)
{
	struct alone a = alone_new();
	link_id link;

	(void)state;
	found(&a, false);
	for (unsigned i = 0; i < 12; i++) {
		link = run_at(&a, 0);
		discard_effects(&a);
		lose(&a, link, ERROR_UNEXPECTED_CLOSE);
		assert_false(next_fact(&a, CONSUMER_LOST).retry_failed);
		until_retry(&a);
	}
	assert_true(a.now > 40000);
	link = run_at(&a, 0);
	discard_effects(&a);
	a.now += 60000;
	lose(&a, link, ERROR_IDLE);
	assert_true(until_retry(&a) <= 300);
	alone_free(&a);
}

static void a_producer_that_does_not_answer_is_left(void **state)
{
	struct alone a = alone_new();
	struct streams_fact fact;
	link_id link;

	(void)state;
	found(&a, false);
	link = next_connect(&a);
	accept_link(&a, link);
	assert_int_equal(until_retry(&a), STREAM_HANDSHAKE_MAX);
	next_effect(&a, EFFECT_CLOSE);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_NO_ANSWER && fact.retry_failed);
	lose(&a, link, ERROR_NO_ANSWER);
	no_fact(&a);
	until_retry(&a);
	assert_true(next_connect(&a) != link);
	alone_free(&a);
}

static void gone_in_every_state(void **state)
{
	(void)state;
	for (unsigned stage = 0; stage < 4; stage++) {
		struct alone a = alone_new();
		link_id link;

		found(&a, false);
		link = next_connect(&a);
		if (stage >= 1)
			accept_link(&a, link);
		if (stage == 2)
			lose(&a, link, ERROR_IDLE);
		else if (stage == 3)
			assert_int_equal(give(&a, link, stream_wire_started(0)), OK);
		discard_effects(&a);
		gone(&a);
		if (stage != 2) {
			assert_int_equal(next_effect(&a, EFFECT_CLOSE).reason, ERROR_CANCELLED);
			streams_ops.linked(a.streams, a.now, &(struct link){link, a.peer}, &a.out);   /* was under way */
			lose(&a, link, ERROR_CANCELLED);
		}
		assert_false(has_effect(&a));
		assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
		alone_free(&a);
	}
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
	consumer_producer_found(a.streams, a.now, other, &a.peer, false, &a.out);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_become_facts_and_credit),
		cmocka_unit_test(a_gap_is_counted_and_a_repetition_refused),
		cmocka_unit_test(a_gap_over_a_reconnect_is_counted),
		cmocka_unit_test(an_absence_is_no_excuse_for_a_gap),
		cmocka_unit_test(absences_are_bounded),
		cmocka_unit_test(the_end_is_verified),
		cmocka_unit_test(an_ended_producer_is_asked_again_only_if_it_is_new),
		cmocka_unit_test(a_graceful_leave_is_not_followed),
		cmocka_unit_test(an_acknowledgement_gets_through_after_goodbye),
		cmocka_unit_test(messages_out_of_order_are_violations),
		cmocka_unit_test(records_are_checked_before_they_are_facts),
		cmocka_unit_test(a_record_too_large_ends_only_its_link),
		cmocka_unit_test(failures_back_off),
		cmocka_unit_test(refusals_are_never_hammered),
		cmocka_unit_test(only_a_lasting_subscription_resets_the_back_off),
		cmocka_unit_test(a_producer_that_does_not_answer_is_left),
		cmocka_unit_test(gone_in_every_state),
		cmocka_unit_test(freeing_cancels_and_drops_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
