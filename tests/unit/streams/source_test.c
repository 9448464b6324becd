/*
 * One producer peer over many links: how often it is asked again, what the catalog's coming and going does to it, and
 * what is remembered from one link to the next.
 */
#include "alone.h"

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
	link = run_at(&a, 4);
	lose(&a, link, ERROR_GRACEFUL);
	fact = next_fact(&a, CONSUMER_LOST);
	assert_true(fact.reason == ERROR_GRACEFUL && !fact.retry_failed);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
	found(&a, true);
	run_at(&a, 10);   /* another producer, another count: no gap */
	no_fact(&a);
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

static void a_doubted_producer_goes_on_while_its_link_lives(void **state)
{
	struct alone a = alone_new();
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	discard_effects(&a);
	consumer_producer_doubted(a.streams, a.now, a.consumer, &a.peer, &a.out);
	assert_false(has_effect(&a));                          /* nothing is closed */
	assert_int_equal(give(&a, link, batch(0, 2, 10)), OK);
	expect_batch(&a, 0, 2);
	discard_effects(&a);
	lose(&a, link, ERROR_IDLE);
	assert_int_equal(next_fact(&a, CONSUMER_LOST).reason, ERROR_IDLE);
	assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);   /* and not tried again */
	found(&a, false);                                      /* unless it is back */
	link = run_at(&a, 5);
	assert_int_equal(next_fact(&a, CONSUMER_GAP).count, 3);
	alone_free(&a);
}

static void an_end_is_remembered_through_a_flicker(void **state)
{
	struct alone a = alone_new();
	struct stream_sum sum = empty_sum();
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	next_fact(&a, CONSUMER_ENDED);
	gone(&a);
	found(&a, false);
	consumer_acknowledge(a.streams, link, &a.out);
	lose(&a, link, OK);
	discard_effects(&a);
	found(&a, false);
	assert_false(has_effect(&a));
	alone_free(&a);
}

/* Closing in good order is for after the end. */
static void a_quiet_close_without_an_end_is_a_loss(void **state)
{
	struct alone a = alone_new();
	link_id link;

	(void)state;
	found(&a, false);
	link = run_at(&a, 0);
	lose(&a, link, OK);
	assert_int_equal(next_fact(&a, CONSUMER_LOST).reason, ERROR_UNEXPECTED_CLOSE);
	until_retry(&a);
	next_connect(&a);
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
	static const enum error reasons[] = {
		ERROR_NOT_ALLOWED, ERROR_NO_CAPACITY, ERROR_MALFORMED, ERROR_FRAME_TOO_LARGE};

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

static void unsettled_until_ended_or_failed(void **state)
{
	struct alone a = alone_new();
	struct stream_sum sum = empty_sum();
	link_id link;

	(void)state;
	assert_int_equal(consumer_unsettled(a.consumer), 0);
	found(&a, false);
	assert_int_equal(consumer_unsettled(a.consumer), 1);   /* being called */
	found(&a, true);
	link = next_connect(&a);
	assert_false(has_effect(&a));                          /* and not twice */
	accept_link(&a, link);
	assert_int_equal(consumer_unsettled(a.consumer), 1);
	lose(&a, link, ERROR_IDLE);
	assert_int_equal(consumer_unsettled(a.consumer), 0);   /* an attempt failed */
	assert_true(next_fact(&a, CONSUMER_LOST).retry_failed);
	until_retry(&a);
	link = run_at(&a, 0);
	assert_int_equal(consumer_unsettled(a.consumer), 1);
	assert_int_equal(give(&a, link, stream_wire_end(&sum)), OK);
	assert_int_equal(consumer_unsettled(a.consumer), 1);   /* not acknowledged */
	consumer_acknowledge(a.streams, link, &a.out);
	assert_int_equal(consumer_unsettled(a.consumer), 0);
	discard_effects(&a);
	found(&a, true);                                       /* before the old link is gone */
	assert_int_equal(next_effect(&a, EFFECT_CLOSE).link, link);
	assert_int_equal(consumer_unsettled(a.consumer), 1);
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
			/* The answer to the connect was under way. */
			streams_ops.linked(a.streams, a.now, &(struct link){.id = link, .peer = a.peer}, &a.out);
			lose(&a, link, ERROR_CANCELLED);
		}
		assert_false(has_effect(&a));
		assert_true(streams_ops.deadline(a.streams) == MSEC_NEVER);
		/* Whoever was answered or could have been hears of it; a dial or a wait ends in silence. */
		if (stage == 3)
			next_fact(&a, CONSUMER_SUBSCRIBED);
		if (stage == 2)
			assert_int_equal(next_fact(&a, CONSUMER_LOST).reason, ERROR_IDLE);
		else if (stage > 0)
			assert_true(next_fact(&a, CONSUMER_LOST).retry_failed == (stage == 1));
		no_fact(&a);
		alone_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_absence_is_no_excuse_for_a_gap),
		cmocka_unit_test(absences_are_bounded),
		cmocka_unit_test(an_ended_producer_is_asked_again_only_if_it_is_new),
		cmocka_unit_test(a_graceful_leave_is_not_followed),
		cmocka_unit_test(an_acknowledgement_gets_through_after_goodbye),
		cmocka_unit_test(a_doubted_producer_goes_on_while_its_link_lives),
		cmocka_unit_test(an_end_is_remembered_through_a_flicker),
		cmocka_unit_test(a_quiet_close_without_an_end_is_a_loss),
		cmocka_unit_test(a_record_too_large_ends_only_its_link),
		cmocka_unit_test(failures_back_off),
		cmocka_unit_test(refusals_are_never_hammered),
		cmocka_unit_test(only_a_lasting_subscription_resets_the_back_off),
		cmocka_unit_test(a_producer_that_does_not_answer_is_left),
		cmocka_unit_test(unsettled_until_ended_or_failed),
		cmocka_unit_test(gone_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
