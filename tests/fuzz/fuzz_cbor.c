/*
 * fuzz_cbor.c - any bytes through the reader, in three ways.
 *
 *      walk     typed reads chosen by cbor_peek, each written again as it is read
 *      skip     one cbor_skip over everything
 *      script   reads chosen by the input, whatever is there: a decoder that expects something else
 *
 * Walk and skip must agree on what is a message, and what the walk wrote must equal what it read: there is one
 * encoding of everything, and no two messages that a signature could confuse.
 */
#include "base/check.h"
#include "wire/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void copy_integer(struct cbor *in, struct buffer *out, enum cbor_kind kind)
{
	struct cbor before = *in;
	int64_t value = cbor_int(in);

	if (!in->failed) {
		ASSERT((value < 0) == (kind == CBOR_NEGATIVE));
		cbor_put_int(out, value);
		return;
	}
	*in = before;
	if (kind == CBOR_UINT) {
		cbor_put_uint(out, cbor_uint(in));
		return;
	}
	/* Below INT64_MIN there is neither a typed read nor a writer; the item is well-formed all the same. */
	cbor_skip(in);
	buffer_append(out, bytes_of(in->data.data + before.at, in->at - before.at));
}

/* Reads one item, of a container its head only, and writes it again. */
static void copy_item(struct cbor *in, struct buffer *out)
{
	enum cbor_kind kind = cbor_peek(in);

	switch (kind) {
	case CBOR_UINT:
	case CBOR_NEGATIVE:
		copy_integer(in, out, kind);
		break;
	case CBOR_BYTES:
		cbor_put_bytes(out, cbor_bytes(in));
		break;
	case CBOR_TEXT:
		cbor_put_text(out, cbor_text(in));
		break;
	case CBOR_ARRAY:
		cbor_put_array(out, cbor_array(in, SIZE_MAX));
		break;
	case CBOR_MAP:
		cbor_put_map(out, cbor_map(in, SIZE_MAX));
		break;
	case CBOR_BOOL:
		cbor_put_bool(out, cbor_bool(in));
		break;
	case CBOR_NULL:
		cbor_null(in);
		cbor_put_null(out);
		break;
	case CBOR_NOTHING:
		cbor_fail(in);
		break;
	}
}

static enum error walk(struct bytes input)
{
	struct buffer out = {0};
	struct cbor in;
	enum error error;

	cbor_init(&in, input);
	do
		copy_item(&in, &out);
	while (!in.failed && in.depth > 0);
	error = cbor_end(&in);
	if (error == OK)
		ASSERT(bytes_equal(buffer_bytes(&out), input));
	buffer_fini(&out);
	return error;
}

static enum error skip(struct bytes input)
{
	struct cbor in;

	cbor_init(&in, input);
	cbor_skip(&in);
	return cbor_end(&in);
}

/* One read of the kind that a byte says. What it gives after an error is nothing. */
static void read_as(struct cbor *in, uint8_t choice)
{
	struct bytes string = {NULL, 0};
	struct id id;

	switch (choice % 10) {
	case 0: ASSERT(cbor_uint(in) == 0 || !in->failed); break;
	case 1: ASSERT(cbor_int(in) == 0 || !in->failed); break;
	case 2: ASSERT(!cbor_bool(in) || !in->failed); break;
	case 3: cbor_null(in); break;
	case 4: string = cbor_bytes(in); break;
	case 5: string = cbor_text(in); break;
	case 6: id = cbor_id(in); ASSERT(id_is_zero(&id) || !in->failed); break;
	case 7: ASSERT(cbor_array(in, choice) <= choice); break;
	case 8: ASSERT(cbor_map(in, choice) <= choice); break;
	case 9: cbor_array_of(in, choice / 10); break;
	default: break;
	}
	ASSERT(string.size == 0 || !in->failed);
	ASSERT(string.size <= in->data.size);
}

/* The first byte says how many of the next are choices; the rest is the message. */
static void script(struct bytes input)
{
	struct cbor in;
	size_t count;

	if (input.size == 0 || input.size - 1 < input.data[0])
		return;
	count = input.data[0];
	cbor_init(&in, bytes_of(input.data + 1 + count, input.size - 1 - count));
	for (size_t i = 0; i < count; i++)
		read_as(&in, input.data[1 + i]);
	ASSERT(!in.failed || cbor_end(&in) == ERROR_MALFORMED);
}

/* The two codecs of a byte string's head agree. */
static void head(struct bytes input)
{
	uint8_t again[CBOR_HEAD_MAX];
	size_t length;
	size_t size = cbor_bytes_head_read(input, &length);
	struct cbor in;
	struct bytes string;

	if (size == 0)
		return;
	ASSERT(size <= input.size);
	ASSERT(cbor_bytes_head(again, length) == size);
	ASSERT(bytes_equal(bytes_of(again, size), bytes_of(input.data, size)));
	cbor_init(&in, input);
	string = cbor_bytes(&in);
	ASSERT(in.failed == (length > input.size - size));
	ASSERT(in.failed || (string.size == length && string.data == input.data + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = {data, size};

	ASSERT(walk(input) == skip(input));
	script(input);
	head(input);
	return 0;
}
