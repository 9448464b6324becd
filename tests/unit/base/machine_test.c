/*
 * machine_test.c - the outbox: order, ownership, link ids, and memory that stays.
 */
#include "base/machine.h"

#include "base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct dial dial_to(uint8_t first)
{
	struct dial dial = {.count = 0};

	dial.peer.byte[0] = first;
	return dial;
}

static void links_opened_here_are_even(void **state)
{
	struct outbox out = {0};
	struct dial dial = dial_to(1);

	(void)state;
	assert_int_equal(outbox_connect(&out, &dial), 2);
	assert_int_equal(outbox_connect(&out, &dial), 4);
	assert_int_equal(outbox_connect(&out, &dial), 6);
	outbox_fini(&out);
}

static void effects_leave_in_order(void **state)
{
	struct outbox out = {.protocol = 3};
	struct dial dial = dial_to(9);
	struct blob *payload = blob_copy(bytes_of_text("hello"));
	struct effect effect;

	(void)state;
	assert_false(outbox_next(&out, &effect));
	outbox_connect(&out, &dial);
	dial.peer.byte[0] = 0;   /* the outbox has a copy */
	out.protocol = 1;
	outbox_send(&out, 2, payload);
	outbox_consumed(&out, 5, 100);
	outbox_close(&out, 2, ERROR_TOO_SLOW);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.kind, EFFECT_CONNECT);
	assert_int_equal(effect.protocol, 3);
	assert_int_equal(effect.dial->peer.byte[0], 9);
	effect_drop(&effect);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.kind, EFFECT_SEND);
	assert_int_equal(effect.protocol, 1);
	assert_ptr_equal(effect.payload, payload);
	effect_drop(&effect);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.kind, EFFECT_CONSUMED);
	assert_int_equal(effect.bytes, 100);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.kind, EFFECT_CLOSE);
	assert_int_equal(effect.link, 2);
	assert_int_equal(effect.reason, ERROR_TOO_SLOW);
	effect_drop(&effect);
	assert_false(outbox_next(&out, &effect));
	outbox_fini(&out);
}

static void consumed_in_a_row_is_told_once(void **state)
{
	struct outbox out = {0};
	struct effect effect;
	static const struct {
		link_id link;
		size_t bytes;
	} expected[] = {{2, 30}, {4, 1}, {2, 5}};

	(void)state;
	outbox_consumed(&out, 2, 10);
	outbox_consumed(&out, 2, 0);
	outbox_consumed(&out, 2, 20);
	outbox_consumed(&out, 4, 1);
	outbox_consumed(&out, 2, 5);
	for (size_t i = 0; i < 3; i++) {
		assert_true(outbox_next(&out, &effect));
		assert_int_equal(effect.link, expected[i].link);
		assert_int_equal(effect.bytes, expected[i].bytes);
	}
	out.protocol = 1;
	outbox_consumed(&out, 2, 1);
	out.protocol = 2;
	outbox_consumed(&out, 2, 1);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.bytes, 1);
	assert_true(outbox_next(&out, &effect));
	/* What was taken is not added to. */
	outbox_consumed(&out, 2, 7);
	assert_true(outbox_next(&out, &effect));
	assert_int_equal(effect.bytes, 7);
	assert_false(outbox_next(&out, &effect));
	outbox_fini(&out);
}

static void fini_drops_what_waits(void **state)
{
	struct outbox out = {0};
	struct blob *payload = blob_copy(bytes_of_text("x"));
	struct dial dial = dial_to(1);

	(void)state;
	outbox_connect(&out, &dial);
	outbox_send(&out, 2, blob_keep(payload));
	outbox_fini(&out);
	assert_int_equal(payload->references, 1);
	blob_drop(payload);
	assert_null(out.effect);
}

/* A queue that never runs empty neither grows nor loses order: the taken part in front is used again. */
static void long_life_needs_no_more_memory(void **state)
{
	struct outbox out = {0};
	struct effect effect;
	size_t capacity, put = 0, taken = 0;

	(void)state;
	for (; put < 10; put++)
		outbox_close(&out, put + 1, OK);
	capacity = out.capacity;
	for (int round = 0; round < 10000; round++) {
		outbox_close(&out, ++put, OK);
		assert_true(outbox_next(&out, &effect));
		assert_int_equal(effect.link, ++taken);
	}
	assert_true(out.capacity <= 2 * capacity);
	while (outbox_next(&out, &effect))
		assert_int_equal(effect.link, ++taken);
	assert_int_equal(taken, put);
	outbox_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links_opened_here_are_even),
		cmocka_unit_test(effects_leave_in_order),
		cmocka_unit_test(consumed_in_a_row_is_told_once),
		cmocka_unit_test(fini_drops_what_waits),
		cmocka_unit_test(long_life_needs_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
