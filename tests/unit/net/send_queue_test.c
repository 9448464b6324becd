/*
 * send_queue_test.c - what goes in comes out, in any cuts, and is held until it is acknowledged.
 */
#include "net/send_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static struct blob *filled(size_t size, uint8_t value)
{
	struct blob *blob = blob_new(0, size);

	memset(blob->data, value, size);
	blob->end = size;
	return blob;
}

/* Takes up to `most` waiting bytes as a packet would. */
static void take(struct send_queue *queue, struct buffer *out, size_t most)
{
	ngtcp2_vec vector[8];
	size_t total, taken = 0;
	size_t count = send_queue_gather(queue, vector, 8, &total);

	for (size_t i = 0; i < count && taken < most; i++) {
		size_t part = vector[i].len < most - taken ? vector[i].len : most - taken;
		buffer_append(out, bytes_of(vector[i].base, part));
		taken += part;
	}
	send_queue_advance(queue, taken);
}

static void any_cuts_give_the_same_bytes(void **state)
{
	struct send_queue queue = {0};
	struct buffer wanted = {0}, got = {0};
	struct rng rng;
	size_t bodies = 0, released = 0;

	(void)state;
	rng_init(&rng, 1);
	for (int i = 0; i < 3000; i++) {
		size_t size = 1 + (size_t)rng_below(&rng, i % 100 ? 50 : 5000);
		bytes_put_be32(buffer_extend(&wanted, 4), (uint32_t)size);
		memset(buffer_extend(&wanted, size), i & 0xff, size);
		bodies += size;
		send_queue_push(&queue, filled(size, (uint8_t)i));
		/* Sometimes the queue runs empty, within a block and at its border. */
		size_t cuts = (size_t)rng_below(&rng, 4);
		while (cuts-- > 0)
			take(&queue, &got, 1 + (size_t)rng_below(&rng, 300));
		if (rng_below(&rng, 2))
			released += send_queue_acknowledge(&queue, rng_below(&rng, queue.flying + 1));
		if (i % 64 == 63 && i % 3 == 0) {
			while (queue.waiting > 0)
				take(&queue, &got, 10000);
			released += send_queue_acknowledge(&queue, queue.flying);
			assert_int_equal(released, bodies);
		}
	}
	while (queue.waiting > 0)
		take(&queue, &got, 100);
	released += send_queue_acknowledge(&queue, queue.flying);
	assert_int_equal(released, bodies);
	assert_int_equal(got.size, wanted.size);
	assert_memory_equal(got.data, wanted.data, wanted.size);
	send_queue_fini(&queue);
	buffer_fini(&wanted);
	buffer_fini(&got);
}

static void a_blob_is_held_until_its_last_byte_is_acknowledged(void **state)
{
	struct send_queue queue = {0};
	struct buffer got = {0};
	struct blob *blob = filled(10, 7);

	(void)state;
	send_queue_push(&queue, blob_keep(blob));
	take(&queue, &got, 14);
	assert_int_equal(send_queue_acknowledge(&queue, 13), 0);
	assert_int_equal(blob->references, 2);
	assert_int_equal(send_queue_acknowledge(&queue, 1), 10);
	assert_int_equal(blob->references, 1);
	blob_drop(blob);
	send_queue_fini(&queue);
	buffer_fini(&got);
}

static void forgetting_keeps_what_may_be_sent_again(void **state)
{
	struct send_queue queue = {0};
	struct buffer got = {0};
	struct blob *half = filled(10, 1), *waiting = filled(10, 2);

	(void)state;
	send_queue_push(&queue, blob_keep(half));
	send_queue_push(&queue, blob_keep(waiting));
	take(&queue, &got, 8);
	send_queue_forget_waiting(&queue);
	assert_int_equal(half->references, 2);
	assert_int_equal(waiting->references, 1);
	assert_int_equal(queue.waiting, 0);
	assert_int_equal(send_queue_acknowledge(&queue, 8), 0);
	send_queue_fini(&queue);
	assert_int_equal(half->references, 1);
	blob_drop(half);
	blob_drop(waiting);
	buffer_fini(&got);
}

static void raw_bytes_have_no_length_in_front(void **state)
{
	struct send_queue queue = {0};
	struct buffer got = {0};

	(void)state;
	send_queue_push_raw(&queue, filled(3, 9));
	take(&queue, &got, 100);
	assert_int_equal(got.size, 3);
	assert_memory_equal(got.data, "\x09\x09\x09", 3);
	send_queue_fini(&queue);
	buffer_fini(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_cuts_give_the_same_bytes),
		cmocka_unit_test(a_blob_is_held_until_its_last_byte_is_acknowledged),
		cmocka_unit_test(forgetting_keeps_what_may_be_sent_again),
		cmocka_unit_test(raw_bytes_have_no_length_in_front),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
