/*
 * fuzz_frame.c - one byte sequence, cut into pieces in any way, gives the same bodies and the same error.
 *
 * The first byte chooses the limit, the rest is what the network delivers. The outcome of one whole piece is
 * compared with that of single bytes and with that of cuts in two.
 */
#include "base/check.h"
#include "wire/frame.h"

#define CUTS_MAX 64   /* every position of a small input, a sample of a large one: all would cost its square */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	struct buffer bodies;   /* each behind its length */
	enum error error;
	bool is_idle;
};

static void feed(struct frame_reader *reader, struct bytes piece, struct outcome *outcome)
{
	while (outcome->error == OK && piece.size > 0) {
		struct blob *body;

		outcome->error = frame_reader_take(reader, &piece, &body);
		if (outcome->error != OK)
			ASSERT(body == NULL);
		if (body == NULL)
			continue;
		ASSERT(body->references == 1);
		ASSERT(blob_size(body) > 0 && blob_size(body) <= reader->body_max);
		bytes_put_be32(buffer_extend(&outcome->bodies, 4), (uint32_t)blob_size(body));
		buffer_append(&outcome->bodies, blob_bytes(body));
		blob_drop(body);
	}
}

/* Two pieces, or single bytes when cut is beyond the end. */
static struct outcome read_cut(struct bytes input, size_t body_max, size_t cut)
{
	struct outcome outcome = {.error = OK};
	struct frame_reader reader;

	frame_reader_init(&reader, body_max);
	if (cut <= input.size) {
		feed(&reader, bytes_of(input.data, cut), &outcome);
		feed(&reader, bytes_of(input.data + cut, input.size - cut), &outcome);
	} else {
		for (size_t i = 0; i < input.size; i++)
			feed(&reader, bytes_of(input.data + i, 1), &outcome);
	}
	outcome.is_idle = frame_reader_is_idle(&reader);
	frame_reader_fini(&reader);
	return outcome;
}

static void compare(struct bytes input, size_t body_max, size_t cut, const struct outcome *whole)
{
	struct outcome outcome = read_cut(input, body_max, cut);

	ASSERT(outcome.error == whole->error);
	ASSERT(outcome.is_idle == whole->is_idle);
	ASSERT(bytes_equal(buffer_bytes(&outcome.bodies), buffer_bytes(&whole->bodies)));
	buffer_fini(&outcome.bodies);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input;
	struct outcome whole;
	size_t body_max;

	if (size == 0)
		return 0;
	body_max = (size_t)1 << data[0] % 24;   /* up to 8 MiB: what is promised never arrives, so it costs nothing */
	input = bytes_of(data + 1, size - 1);
	whole = read_cut(input, body_max, 0);
	/* The bodies behind their lengths are the input again, as far as it was whole. */
	ASSERT(whole.bodies.size <= input.size);
	ASSERT(bytes_equal(buffer_bytes(&whole.bodies), bytes_of(input.data, whole.bodies.size)));
	ASSERT(whole.error != OK || whole.is_idle == (whole.bodies.size == input.size));
	compare(input, body_max, SIZE_MAX, &whole);
	for (size_t cut = 1; cut <= input.size; cut += 1 + input.size / CUTS_MAX)
		compare(input, body_max, cut, &whole);
	buffer_fini(&whole.bodies);
	return 0;
}
