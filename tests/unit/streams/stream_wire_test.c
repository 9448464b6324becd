/* The five messages: each to bytes and back, and everything that is not one of them refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "streams/stream_wire.h"
#include "wire/cbor.h"

static struct stream_message decode(const struct blob *blob)
{
	struct stream_message message;

	assert_int_equal(stream_wire_decode(blob_bytes(blob), &message), OK);
	return message;
}

static void control_messages_come_back(void **state)
{
	struct id stream = id_hash(bytes_of_text("logs"));
	struct stream_sum sum = {UINT64_MAX, 1234, id_hash(bytes_of_text("x"))};
	struct blob *subscribe = stream_wire_subscribe(&stream, bytes_of_text("only"));
	struct blob *started = stream_wire_started(70000);
	struct blob *end = stream_wire_end(&sum);
	struct blob *yes = stream_wire_end_ack(true), *no = stream_wire_end_ack(false);

	(void)state;
	assert_int_equal(decode(subscribe).kind, STREAM_SUBSCRIBE);
	assert_memory_equal(decode(subscribe).stream.byte, stream.byte, ID_SIZE);
	assert_true(bytes_equal(decode(subscribe).criteria, bytes_of_text("only")));
	assert_int_equal(decode(started).kind, STREAM_STARTED);
	assert_int_equal(decode(started).sequence, 70000);
	assert_int_equal(decode(end).kind, STREAM_END);
	assert_true(decode(end).sum.count == UINT64_MAX && decode(end).sum.bytes == 1234);
	assert_memory_equal(decode(end).sum.hash.byte, sum.hash.byte, ID_SIZE);
	assert_true(decode(yes).verified && !decode(no).verified);
	blob_drop(subscribe);
	blob_drop(started);
	blob_drop(end);
	blob_drop(yes);
	blob_drop(no);
}

static void a_refusal_comes_back(void **state)
{
	struct ticket_lack lack = {JWT_EXPIRED, bytes_of_text("office"), {NULL, 0}};
	struct blob *refused = stream_wire_refused(&lack);

	(void)state;
	assert_int_equal(decode(refused).kind, STREAM_REFUSED);
	assert_int_equal(decode(refused).lack.fault, JWT_EXPIRED);
	assert_true(bytes_equal(decode(refused).lack.issuer, lack.issuer));
	assert_int_equal(decode(refused).lack.audience.size, 0);
	blob_drop(refused);
}

static struct blob *batch_of(size_t size, uint64_t sequence, uint64_t count)
{
	struct blob *blob = blob_new(64, size);

	memset(blob->data + blob->end, 0x40, size);
	blob->end += size;
	stream_wire_batch(blob, sequence, count);
	return blob;
}

/* The head stands before the records, which do not move, and fits what the header promises. */
static void batch_is_built_in_place(void **state)
{
	static const uint64_t numbers[] = {0, 23, 24, 255, 256, 65536, UINT64_C(1) << 32, UINT64_MAX - 70000};
	static const size_t sizes[] = {1, 23, 24, 256, 65536, 100000};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			struct blob *blob = batch_of(sizes[j], numbers[i], sizes[j] < 70000 ? sizes[j] : 70000);
			struct stream_message message = decode(blob);

			assert_true(64 - blob->start <= STREAM_BATCH_HEAD_MAX);
			assert_int_equal(message.kind, STREAM_BATCH);
			assert_true(message.sequence == numbers[i]);
			assert_ptr_equal(message.records.data, blob->data + 64);
			assert_int_equal(message.records.size, sizes[j]);
			blob_drop(blob);
		}
	}
}

static void refuses(const uint8_t *data, size_t size)
{
	struct stream_message message = {.kind = STREAM_END, .count = 77};

	assert_int_equal(stream_wire_decode(bytes_of(data, size), &message), ERROR_MALFORMED);
	assert_true(message.kind == STREAM_END && message.count == 77);   /* untouched */
}

static void refuses_other_shapes(void **state)
{
	static const struct {
		uint8_t data[24];
		size_t size;
	} bad[] = {
		{{0}, 0},                              /* nothing */
		{{0x80}, 1},                           /* an empty array */
		{{0x01}, 1},                           /* no array */
		{{0x82, 0x00, 0x00}, 3},               /* kind 0 */
		{{0x82, 0x06, 0x00}, 3},               /* kind 6 */
		{{0x82, 0x18, 0xFF, 0x00}, 4},         /* kind 255 */
		{{0x82, 0x20, 0x00}, 3},               /* kind -1 */
		{{0x83, 0x02, 0x00, 0x00}, 4},         /* STARTED with one item too many */
		{{0x81, 0x02}, 2},                     /* and too few */
		{{0x82, 0x02, 0x00, 0x00}, 4},         /* bytes behind it */
		{{0x82, 0x02, 0x40}, 3},               /* of the wrong type */
		{{0x82, 0x05, 0x01}, 3},               /* END_ACK 1 instead of true */
		{{0x84, 0x03, 0x00, 0x00, 0x40}, 5},   /* a batch of no records */
		{{0x84, 0x03, 0x20, 0x01, 0x41, 0x40}, 6},   /* a negative sequence */
		/* sequence + count wraps */
		{{0x84, 0x03, 0x1B, 255, 255, 255, 255, 255, 255, 255, 255, 0x01, 0x41, 0x40}, 14},
		{{0x83, 0x01, 0x43, 1, 2, 3, 0x40}, 7},   /* SUBSCRIBE to a short id */
		{{0x84, 0x09, JWT_FINE, 0x60, 0x60}, 5},  /* REFUSED although all is fine */
		{{0x84, 0x09, 0x00, 0x61, 0x1B, 0x60}, 6},   /* by an issuer who paints on terminals */
		{{0x84, 0x09, 0x00, 0x60, 0x41, 'a'}, 6},    /* and an audience that is no text */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuses(bad[i].data, bad[i].size);
}

static void refuses_every_prefix(void **state)
{
	struct stream_sum sum = {300, 70000, id_hash(bytes_of_text("x"))};
	struct blob *blobs[] = {stream_wire_end(&sum), batch_of(300, 70000, 300), stream_wire_started(5)};

	(void)state;
	for (size_t i = 0; i < sizeof(blobs) / sizeof(blobs[0]); i++) {
		struct bytes whole = blob_bytes(blobs[i]);

		for (size_t size = 0; size < whole.size; size++)
			refuses(whole.data, size);
		blob_drop(blobs[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(control_messages_come_back),
		cmocka_unit_test(a_refusal_comes_back),
		cmocka_unit_test(batch_is_built_in_place),
		cmocka_unit_test(refuses_other_shapes),
		cmocka_unit_test(refuses_every_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
