/*
 * frame_test.c - bodies come out whole however the bytes came in, and a promise costs nothing.
 */
#include "wire/frame.h"

#include "base/memory.h"
#include "wire/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void put_frame(struct buffer *out, struct bytes body)
{
	bytes_put_be32(buffer_extend(out, FRAME_PREFIX_SIZE), (uint32_t)body.size);
	buffer_append(out, body);
}

/* Feeds one piece to the end; bodies are appended to out, each behind a '|'. */
static enum error feed(struct frame_reader *reader, struct bytes piece, struct buffer *out)
{
	while (piece.size > 0) {
		struct blob *body;
		enum error error = frame_reader_take(reader, &piece, &body);

		if (error != OK)
			return error;
		if (body == NULL) {
			assert_int_equal(piece.size, 0);
			continue;
		}
		buffer_append(out, bytes_of_text("|"));
		buffer_append(out, blob_bytes(body));
		blob_drop(body);
	}
	return OK;
}

static void every_split_gives_the_same_bodies(void **state)
{
	struct buffer input = {0}, out = {0};

	(void)state;
	put_frame(&input, bytes_of_text("a"));
	put_frame(&input, bytes_of_text("bcd"));
	put_frame(&input, bytes_of_text("0123456789"));
	for (size_t first = 0; first <= input.size; first++) {
		for (size_t second = first; second <= input.size; second++) {
			struct frame_reader reader;

			frame_reader_init(&reader, 10);
			buffer_clear(&out);
			assert_int_equal(feed(&reader, bytes_of(input.data, first), &out), OK);
			assert_int_equal(feed(&reader, bytes_of(input.data + first, second - first), &out), OK);
			assert_int_equal(feed(&reader, bytes_of(input.data + second, input.size - second), &out), OK);
			assert_true(bytes_equal(buffer_bytes(&out), bytes_of_text("|a|bcd|0123456789")));
			assert_true(frame_reader_is_idle(&reader));
			frame_reader_fini(&reader);
		}
	}
	buffer_fini(&input);
	buffer_fini(&out);
}

static void idle_only_between_frames(void **state)
{
	struct buffer input = {0}, out = {0};
	struct frame_reader reader;

	(void)state;
	put_frame(&input, bytes_of_text("ab"));
	frame_reader_init(&reader, 10);
	assert_true(frame_reader_is_idle(&reader));
	for (size_t i = 0; i < input.size; i++) {
		assert_int_equal(feed(&reader, bytes_of(input.data + i, 1), &out), OK);
		assert_int_equal(frame_reader_is_idle(&reader), i + 1 == input.size);
	}
	assert_int_equal(feed(&reader, bytes_of(input.data, 5), &out), OK);
	frame_reader_fini(&reader);   /* with a body under way */
	assert_true(frame_reader_is_idle(&reader));
	buffer_fini(&input);
	buffer_fini(&out);
}

static void empty_piece_is_harmless(void **state)
{
	struct frame_reader reader;
	struct bytes piece = {NULL, 0};
	struct blob *body;

	(void)state;
	frame_reader_init(&reader, 10);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	assert_null(body);
	piece = bytes_of("\0\0\0\2x", 5);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	assert_null(body);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	assert_null(body);
	frame_reader_fini(&reader);
}

static void empty_body_is_malformed(void **state)
{
	struct frame_reader reader;
	struct bytes piece = bytes_of("\0\0\0\0", 4);
	struct blob *body;

	(void)state;
	frame_reader_init(&reader, 10);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), ERROR_MALFORMED);
	assert_null(body);
	frame_reader_fini(&reader);
}

static void limit_is_held_by_the_prefix_alone(void **state)
{
	struct frame_reader reader;
	struct bytes piece = bytes_of("\0\0\0\x0A", 4);
	struct blob *body;

	(void)state;
	frame_reader_init(&reader, 10);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	frame_reader_fini(&reader);
	for (int i = 0; i < 3; i++) {
		static const char *const prefixes[] = {"\0\0\0\x0B", "\xFF\xFF\xFF\xFF", "\1\0\0\1"};

		piece = bytes_of(prefixes[i], FRAME_PREFIX_SIZE);
		frame_reader_init(&reader, 10);
		assert_int_equal(frame_reader_take(&reader, &piece, &body), ERROR_FRAME_TOO_LARGE);
		assert_null(body);
		assert_null(reader.body);
		/* The error stays: a driver that asks again does not get past it. */
		assert_int_equal(frame_reader_take(&reader, &piece, &body), ERROR_FRAME_TOO_LARGE);
		frame_reader_fini(&reader);
	}
}

static void memory_follows_what_arrived(void **state)
{
	static const size_t body_size = 5 * MIB + 3;
	struct frame_reader reader;
	uint8_t *data = memory_new(64 * KIB);
	uint8_t prefix[FRAME_PREFIX_SIZE];
	struct bytes piece = bytes_of(prefix, sizeof(prefix));
	struct blob *body = NULL;
	size_t arrived = 0, capacity = 0;
	int growths = 0;

	(void)state;
	bytes_put_be32(prefix, (uint32_t)body_size);
	frame_reader_init(&reader, 16 * MIB);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	while (body == NULL) {
		size_t size = body_size - arrived < 64 * KIB ? body_size - arrived : 64 * KIB;

		growths += reader.body->capacity != capacity;
		capacity = reader.body->capacity;
		assert_true(capacity <= (arrived < 128 * KIB ? 256 * KIB : 2 * arrived));
		memset(data, (int)(arrived / (64 * KIB)), size);
		piece = bytes_of(data, size);
		assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
		arrived += size;
	}
	assert_int_equal(growths, 6);   /* 256 KiB to 4 MiB, doubling, and the rest: not once a piece */
	assert_int_equal(blob_size(body), body_size);
	assert_int_equal(body->capacity, body_size);
	for (size_t i = 0; i < body_size; i += 1000)
		assert_int_equal(body->data[i], i / (64 * KIB));
	blob_drop(body);
	memory_free(data);
	frame_reader_fini(&reader);
}

/* The room for one more piece may have to grow by more than the doubling. */
static void one_huge_piece_fits(void **state)
{
	static const size_t body_size = 2 * MIB;
	struct buffer input = {0};
	struct frame_reader reader;
	struct bytes piece;
	struct blob *body;

	(void)state;
	bytes_put_be32(buffer_extend(&input, FRAME_PREFIX_SIZE), (uint32_t)body_size);
	memset(buffer_extend(&input, body_size), 'z', body_size);
	frame_reader_init(&reader, body_size);
	piece = buffer_bytes(&input);
	assert_int_equal(frame_reader_take(&reader, &piece, &body), OK);
	assert_non_null(body);
	assert_int_equal(blob_size(body), body_size);
	assert_int_equal(body->data[body_size - 1], 'z');
	assert_int_equal(piece.size, 0);
	blob_drop(body);
	buffer_fini(&input);
	frame_reader_fini(&reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_split_gives_the_same_bodies),
		cmocka_unit_test(idle_only_between_frames),
		cmocka_unit_test(empty_piece_is_harmless),
		cmocka_unit_test(empty_body_is_malformed),
		cmocka_unit_test(limit_is_held_by_the_prefix_alone),
		cmocka_unit_test(memory_follows_what_arrived),
		cmocka_unit_test(one_huge_piece_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
