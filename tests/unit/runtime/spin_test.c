/*
 * spin_test.c - who looks before sleeping, when, and for how long; and that a runtime at rest never does.
 */
#include "runtime/spin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "net/identity.h"
#include "runtime/runtime.h"

#define USEC (NSEC_PER_MSEC / 1000)
#define START (1000 * SPIN_PERIOD)      /* of a trial */
#define MESSAGE 100

/* `count` turns, each so long after the one before; what the last rest came to. */
static nsec turns(struct spin *spin, nsec *now, unsigned count, nsec gap)
{
	nsec patience = 0;

	for (unsigned i = 0; i < count; i++) {
		*now += gap;
		spin_wake(spin, *now, MESSAGE);
		patience = spin_rest(spin, *now);
	}
	return patience;
}

static void near_turns_earn_a_look(void **state)
{
	struct spin spin = {0};
	nsec now = START + SPIN_PERIOD / 2;

	(void)state;
	spin_rest(&spin, now);
	assert_int_equal(turns(&spin, &now, SPIN_EARNED - 1, 30 * USEC), 0);
	assert_int_equal(turns(&spin, &now, 1, 30 * USEC), SPIN_NEAR);
	assert_int_equal(turns(&spin, &now, 1000, SPIN_NEAR), SPIN_NEAR);
}

static void one_that_is_late_does_not_end_it(void **state)
{
	struct spin spin = {0};
	nsec now = START + SPIN_PERIOD / 4;

	(void)state;
	turns(&spin, &now, 50, 20 * USEC);
	assert_int_equal(turns(&spin, &now, 1, NSEC_PER_MSEC), SPIN_NEAR);
	assert_int_equal(turns(&spin, &now, 50, 20 * USEC), SPIN_NEAR);
	assert_int_equal(turns(&spin, &now, 3, NSEC_PER_MSEC), 0);
}

/* Of two looks one would be in vain. */
static void a_stream_of_uneven_gaps_is_not_looked_for(void **state)
{
	struct spin spin = {0};
	nsec now = START + SPIN_PERIOD / 4;

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(turns(&spin, &now, 1, 20 * USEC), 0);
		assert_int_equal(turns(&spin, &now, 1, SPIN_FAR + 1), 0);
	}
}

/* Outside of a trial a stream that is not near is left to sleep; in one it is looked for as long as it may take. */
static void what_is_not_far_is_tried_now_and_then(void **state)
{
	struct spin spin = {0};
	nsec now = START + SPIN_TRIAL, looked = 0;
	unsigned rests = 0, looks = 0;

	(void)state;
	spin_rest(&spin, now);
	assert_int_equal(turns(&spin, &now, 2 * SPIN_EARNED, 150 * USEC), 0);
	while (now < START + 10 * SPIN_PERIOD) {
		nsec patience = turns(&spin, &now, 1, 150 * USEC);

		rests++;
		looks += patience > 0;
		looked += patience > 0 ? 150 * USEC : 0;
		assert_true(patience == 0 || (patience == SPIN_FAR && now % SPIN_PERIOD < SPIN_TRIAL));
	}
	assert_in_range(looks, 9, rests / 10);
	assert_true(looked <= 10 * SPIN_PERIOD / 10);
}

/* Two that answer each other, and look both, are near: so it goes on when the trial is over. */
static void what_a_trial_brings_near_stays(void **state)
{
	struct spin spin = {0};
	nsec now = START - 20 * 150 * USEC;

	(void)state;
	spin_rest(&spin, now);
	assert_int_equal(turns(&spin, &now, 19, 150 * USEC), 0);
	assert_int_equal(turns(&spin, &now, 1, 150 * USEC), SPIN_FAR);
	assert_int_equal(turns(&spin, &now, 200, 30 * USEC), SPIN_NEAR);
	assert_true(now % SPIN_PERIOD > SPIN_TRIAL);
}

static void what_is_far_is_never_looked_for(void **state)
{
	struct spin spin = {0};
	nsec now = START;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(turns(&spin, &now, 1, SPIN_FAR + 1), 0);
}

static void who_moves_much_sleeps(void **state)
{
	struct spin spin = {0};
	nsec now = START;

	(void)state;
	turns(&spin, &now, 50, 20 * USEC);
	spin_wake(&spin, now += 20 * USEC, SPIN_LIGHT + 1);
	assert_int_equal(spin_rest(&spin, now), 0);
	assert_int_equal(turns(&spin, &now, SPIN_EARNED - 1, 20 * USEC), 0);
}

static void who_looks_gives_up_when_its_time_is_over(void **state)
{
	struct spin spin = {0};
	nsec now = START;

	(void)state;
	assert_int_equal(turns(&spin, &now, 50, 20 * USEC), SPIN_NEAR);
	assert_true(spin_looks(&spin, now));
	assert_true(spin_looks(&spin, now + SPIN_NEAR - 1));
	assert_false(spin_looks(&spin, now + SPIN_NEAR));
	assert_int_equal(turns(&spin, &now, 1, 20 * USEC), SPIN_NEAR);
}

/* It yielded, and was long in coming back: it does not yield again for a while. */
static void in_a_crowd_nobody_looks(void **state)
{
	struct spin spin = {0};
	nsec now = START, crowded;

	(void)state;
	assert_int_equal(turns(&spin, &now, 50, 20 * USEC), SPIN_NEAR);
	assert_true(spin_looks(&spin, now));
	now += SPIN_FAR + 1;
	assert_false(spin_looks(&spin, now));
	crowded = now;
	while (now + 20 * USEC < crowded + SPIN_CROWDED)
		assert_int_equal(turns(&spin, &now, 1, 20 * USEC), 0);
	assert_int_equal(turns(&spin, &now, 1, 20 * USEC), SPIN_NEAR);
}

/* ---- in a runtime ---- */

#define BUSY_TURNS_MAX 100000
#define SETTLING 8
#define IDLE_TURNS 20

static unsigned looks;

/* In front of libc's: libuv waits by other means. */
int poll(struct pollfd *at, nfds_t count, int timeout)
{
	struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000};

	looks++;
	return ppoll(at, count, timeout < 0 ? NULL : &wait, NULL);
}

/* Wakes itself as fast as it can until it was seen to look; then only its deadline does. */
struct restless {
	struct runtime *runtime;
	uv_poll_t poll;
	int end[2];
	unsigned turns, idle_turns, looks_at_rest;
	bool is_idle;
};

static void on_byte(uv_poll_t *poll, int status, int events)
{
	const struct restless *restless = poll->data;
	char byte;

	(void)status;
	(void)events;
	assert_int_equal(read(restless->end[0], &byte, 1), 1);
}

static void restless_turn(void *self, msec now)
{
	struct restless *restless = self;

	(void)now;
	restless->is_idle = looks > 0 || restless->turns >= BUSY_TURNS_MAX;
	restless->turns++;
	if (!restless->is_idle)
		assert_int_equal(write(restless->end[1], "x", 1), 1);
	else if (restless->idle_turns++ == SETTLING)
		restless->looks_at_rest = looks;
	if (restless->idle_turns < SETTLING + IDLE_TURNS)
		return;
	restless->looks_at_rest = looks - restless->looks_at_rest;
	uv_close((uv_handle_t *)&restless->poll, NULL);
	runtime_leave(restless->runtime, 0);
}

static msec restless_deadline(void *self)
{
	const struct restless *restless = self;

	return restless->is_idle ? runtime_now(restless->runtime) + 2 : MSEC_NEVER;
}

static void a_runtime_looks_while_it_is_kept_busy_and_not_at_rest(void **state)
{
	static const struct program program = {restless_turn, restless_deadline, NULL};
	struct keypair keys;
	struct restless restless = {0};
	struct runtime_options options = {.identity = &keys, .bind = "127.0.0.1:0", .guest = true, .program_name = "spin_test",
		.program = &program, .self = &restless};
	const char *what;

	(void)state;
	identity_random(&keys);
	assert_int_equal(pipe(restless.end), 0);
	assert_int_equal(runtime_open(&options, &restless.runtime, &what), OK);
	restless.poll.data = &restless;
	assert_int_equal(uv_poll_init(runtime_loop(restless.runtime), &restless.poll, restless.end[0]), 0);
	assert_int_equal(uv_poll_start(&restless.poll, UV_READABLE, on_byte), 0);
	runtime_run(restless.runtime);
	runtime_close(restless.runtime);
	assert_true(looks > 0);
	assert_int_equal(restless.looks_at_rest, 0);
	close(restless.end[0]);
	close(restless.end[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(near_turns_earn_a_look),
		cmocka_unit_test(one_that_is_late_does_not_end_it),
		cmocka_unit_test(a_stream_of_uneven_gaps_is_not_looked_for),
		cmocka_unit_test(what_is_not_far_is_tried_now_and_then),
		cmocka_unit_test(what_a_trial_brings_near_stays),
		cmocka_unit_test(what_is_far_is_never_looked_for),
		cmocka_unit_test(who_moves_much_sleeps),
		cmocka_unit_test(who_looks_gives_up_when_its_time_is_over),
		cmocka_unit_test(in_a_crowd_nobody_looks),
		cmocka_unit_test(a_runtime_looks_while_it_is_kept_busy_and_not_at_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
