/*
 * lock_state_test.c - one holder, a queue in order, tokens that only grow.
 */
#include "groups/lock_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"

struct bench {
	struct state state;
	uint64_t position;
};

static void bench_init(struct bench *bench)
{
	*bench = (struct bench){.state = lock_state_new()};
}

static void bench_fini(struct bench *bench)
{
	bench->state.ops->free(bench->state.self);
}

static struct id owner(int number)
{
	return id_hash(bytes_of(&number, sizeof number));
}

static struct lock_standing run(struct bench *bench, const struct lock_command *command)
{
	struct state_moment moment = {.position = ++bench->position, .term = 1};
	struct buffer encoded = {0}, result = {0};
	struct lock_standing standing = {0};

	lock_command_encode(command, &encoded);
	bench->state.ops->apply(bench->state.self, &moment, buffer_bytes(&encoded), &result, NULL);
	assert_int_equal(lock_standing_decode(buffer_bytes(&result), &standing), OK);
	buffer_fini(&encoded);
	buffer_fini(&result);
	return standing;
}

static struct lock_standing verb(struct bench *bench, enum lock_verb verb, int who, uint64_t renewals)
{
	return run(bench, &(struct lock_command){.verb = verb, .name = bytes_of_text("a"), .owner = owner(who),
		.token_min = 100, .grace = 1000 * (uint64_t)who, .renewals = renewals});
}

static void the_first_holds_and_the_others_queue(void **state)
{
	struct bench bench;
	struct lock_standing standing;
	struct id first = owner(1), second = owner(2);

	(void)state;
	bench_init(&bench);
	standing = verb(&bench, LOCK_ACQUIRE, 1, 0);
	assert_true(standing.held && standing.queued && standing.ahead == 0);
	assert_int_equal(standing.token, 100);
	standing = verb(&bench, LOCK_ACQUIRE, 2, 0);
	assert_true(id_equal(&standing.holder, &first));
	assert_int_equal(standing.ahead, 1);
	verb(&bench, LOCK_ACQUIRE, 3, 0);
	standing = verb(&bench, LOCK_ACQUIRE, 2, 0);   /* again: keeps its place */
	assert_int_equal(standing.ahead, 1);
	verb(&bench, LOCK_RELEASE, 1, 0);
	standing = verb(&bench, LOCK_RENEW, 2, 0);
	assert_true(id_equal(&standing.holder, &second));
	assert_int_equal(standing.token, 101);
	assert_int_equal(standing.renewals, 1);
	assert_int_equal(standing.wait, 0);
	bench_fini(&bench);
}

static void a_try_never_queues(void **state)
{
	struct bench bench;

	(void)state;
	bench_init(&bench);
	assert_int_equal(verb(&bench, LOCK_TRY, 1, 0).ahead, 0);
	assert_false(verb(&bench, LOCK_TRY, 2, 0).queued);
	verb(&bench, LOCK_RELEASE, 1, 0);
	assert_false(verb(&bench, LOCK_RELEASE, 1, 0).held);
	assert_true(verb(&bench, LOCK_TRY, 2, 0).queued);
	bench_fini(&bench);
}

static void a_holder_who_renewed_is_not_expired(void **state)
{
	struct bench bench;
	struct lock_standing standing;

	(void)state;
	bench_init(&bench);
	verb(&bench, LOCK_ACQUIRE, 1, 0);
	verb(&bench, LOCK_RENEW, 1, 0);
	standing = verb(&bench, LOCK_EXPIRE, 1, 0);   /* somebody who has not seen the renewal */
	assert_true(standing.queued);
	standing = verb(&bench, LOCK_EXPIRE, 1, 1);
	assert_false(standing.held);
	standing = verb(&bench, LOCK_ACQUIRE, 2, 0);
	assert_int_equal(standing.wait, 1000);        /* of the one that was expired; also long after */
	assert_int_equal(standing.token, 101);
	verb(&bench, LOCK_RELEASE, 2, 1);             /* gave up before it ran anything */
	assert_int_equal(verb(&bench, LOCK_ACQUIRE, 3, 0).wait, 1000);
	verb(&bench, LOCK_RELEASE, 3, 0);
	assert_int_equal(verb(&bench, LOCK_ACQUIRE, 4, 0).wait, 0);
	bench_fini(&bench);
}

static void a_snapshot_restores_every_lock(void **state)
{
	struct bench bench, other;
	struct buffer items = {0};
	struct bytes rest;
	struct rng rng;
	uint64_t cursor = 0;
	void *frozen;
	struct id first, second;

	(void)state;
	rng_init(&rng, 1);
	bench_init(&bench);
	bench_init(&other);
	for (int i = 0; i < 2000; i++) {
		uint8_t name = (uint8_t)('a' + rng_below(&rng, 20));

		run(&bench, &(struct lock_command){.verb = (enum lock_verb)rng_below(&rng, 5), .name = {&name, 1},
			.owner = owner((int)rng_below(&rng, 8)), .renewals = rng_below(&rng, 3)});
	}
	frozen = bench.state.ops->freeze(bench.state.self);
	while (bench.state.ops->items(frozen, &cursor, 100, &items))
		continue;
	bench.state.ops->thaw(frozen);
	assert_int_equal(cursor, 20);
	for (rest = buffer_bytes(&items); rest.size > 0;) {
		/* Items are byte strings of 24 to 255 bytes, or longer: the head says how long. */
		size_t head = rest.data[0] == 0x58 ? 2 : rest.data[0] == 0x59 ? 3 : 1;
		size_t size = head == 2 ? rest.data[1] : head == 3 ? (size_t)rest.data[1] << 8 | rest.data[2] : rest.data[0] & 0x1fu;

		assert_int_equal(other.state.ops->restore(other.state.self, bytes_of(rest.data + head, size)), OK);
		rest = bytes_of(rest.data + head + size, rest.size - head - size);
	}
	first = bench.state.ops->hash(bench.state.self);
	second = other.state.ops->hash(other.state.self);
	assert_true(id_equal(&first, &second));
	buffer_fini(&items);
	bench_fini(&bench);
	bench_fini(&other);
}

static void nonsense_changes_nothing(void **state)
{
	struct bench bench;
	struct buffer result = {0};
	struct id before, after;

	(void)state;
	bench_init(&bench);
	verb(&bench, LOCK_ACQUIRE, 1, 0);
	before = bench.state.ops->hash(bench.state.self);
	bench.state.ops->apply(bench.state.self, &(struct state_moment){2, 1}, bytes_of_text("\xff nonsense"), &result, NULL);
	assert_int_equal(result.size, 0);
	assert_int_equal(bench.state.ops->query(bench.state.self, bytes_of_text("?"), &result), ERROR_MALFORMED);
	assert_int_equal(bench.state.ops->restore(bench.state.self, bytes_of_text("?")), ERROR_MALFORMED);
	after = bench.state.ops->hash(bench.state.self);
	assert_true(id_equal(&before, &after));
	bench_fini(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_holds_and_the_others_queue),
		cmocka_unit_test(a_try_never_queues),
		cmocka_unit_test(a_holder_who_renewed_is_not_expired),
		cmocka_unit_test(a_snapshot_restores_every_lock),
		cmocka_unit_test(nonsense_changes_nothing),
	};

	return cmocka_run_group_tests_name("lock_state", tests, NULL, NULL);
}
