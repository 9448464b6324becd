/*
 * stream_wire.c - encodes and decodes the messages, each a CBOR array that starts with its kind.
 *
 * A BATCH is the one that is large. It is never copied: the head is built in front of the records, where their maker
 * left room for it, and a received one is handed on as borrowed bytes.
 *
 *      [ headroom ...... | records ]         before
 *      [ .... | 84 03 seq count bytes(n) | records ]      after: start moved down
 */
#include "streams/stream_wire.h"

#include "base/check.h"
#include "wire/cbor.h"

#include <string.h>

#define FIELDS_MAX 6

/* How many items the array of each kind has. 0: no such kind. */
static size_t fields_of(uint64_t kind)
{
	static const uint8_t fields[] = {
		[STREAM_SUBSCRIBE] = 3,
		[STREAM_STARTED] = 2,
		[STREAM_BATCH] = 4,
		[STREAM_END] = 4,
		[STREAM_END_ACK] = 2,
		[STREAM_QUEUED] = 1,
		[STREAM_PICKED] = 6,
		[STREAM_NEXT] = 3,
		[STREAM_REFUSED] = 4,
	};

	return kind < sizeof(fields) ? fields[kind] : 0;
}

static void put_kind(struct buffer *out, enum stream_message_kind kind)
{
	cbor_put_array(out, fields_of(kind));
	cbor_put_uint(out, kind);
}

static struct blob *finish(struct buffer *out)
{
	struct blob *blob = blob_copy(buffer_bytes(out));

	buffer_fini(out);
	return blob;
}

struct blob *stream_wire_subscribe(const struct id *stream, struct bytes criteria)
{
	struct buffer out = {0};

	put_kind(&out, STREAM_SUBSCRIBE);
	cbor_put_id(&out, stream);
	cbor_put_bytes(&out, criteria);
	return finish(&out);
}

struct blob *stream_wire_started(uint64_t sequence)
{
	struct buffer out = {0};

	put_kind(&out, STREAM_STARTED);
	cbor_put_uint(&out, sequence);
	return finish(&out);
}

struct blob *stream_wire_end(const struct stream_sum *sum)
{
	struct buffer out = {0};

	put_kind(&out, STREAM_END);
	cbor_put_uint(&out, sum->count);
	cbor_put_uint(&out, sum->bytes);
	cbor_put_id(&out, &sum->hash);
	return finish(&out);
}

struct blob *stream_wire_end_ack(bool verified)
{
	struct buffer out = {0};

	put_kind(&out, STREAM_END_ACK);
	cbor_put_bool(&out, verified);
	return finish(&out);
}

struct blob *stream_wire_queued(void)
{
	struct buffer out = {0};

	put_kind(&out, STREAM_QUEUED);
	return finish(&out);
}

struct blob *stream_wire_refused(const struct ticket_lack *lack)
{
	struct buffer out = {0};

	ASSERT(lack->fault < JWT_FINE);
	put_kind(&out, STREAM_REFUSED);
	cbor_put_uint(&out, lack->fault);
	cbor_put_text(&out, lack->issuer);
	cbor_put_text(&out, lack->audience);
	return finish(&out);
}

struct blob *stream_wire_next(uint64_t sequence, uint64_t skipped)
{
	struct buffer out = {0};

	ASSERT(skipped <= sequence);
	put_kind(&out, STREAM_NEXT);
	cbor_put_uint(&out, sequence);
	cbor_put_uint(&out, skipped);
	return finish(&out);
}

struct blob *stream_wire_picked(const struct stream_message *message)
{
	struct buffer out = {0};

	ASSERT(message->skipped <= message->sequence && message->picked.size == (message->span + 7) / 8);
	put_kind(&out, STREAM_PICKED);
	cbor_put_uint(&out, message->sequence);
	cbor_put_uint(&out, message->span);
	cbor_put_uint(&out, message->skipped);
	cbor_put_bytes(&out, message->picked);
	cbor_put_bytes(&out, message->records);
	return finish(&out);
}

void stream_wire_batch(struct blob *records, uint64_t sequence, uint64_t count)
{
	struct buffer out = {0};
	uint8_t head[CBOR_HEAD_MAX];

	ASSERT(records->references == 1);
	ASSERT(count > 0 && sequence <= UINT64_MAX - count);
	put_kind(&out, STREAM_BATCH);
	cbor_put_uint(&out, sequence);
	cbor_put_uint(&out, count);
	buffer_append(&out, bytes_of(head, cbor_bytes_head(head, blob_size(records))));
	ASSERT(out.size <= STREAM_BATCH_HEAD_MAX && out.size <= records->start);
	records->start -= (uint32_t)out.size;
	memcpy(records->data + records->start, out.data, out.size);
	buffer_fini(&out);
}

static uint64_t count_bits(struct bytes bits)
{
	uint64_t count = 0;

	for (size_t i = 0; i < bits.size; i++)
		for (unsigned left = bits.data[i]; left != 0; left &= left - 1)
			count++;
	return count;
}

static void decode_picked(struct cbor *in, struct stream_message *message)
{
	message->sequence = cbor_uint(in);
	message->span = cbor_uint(in);
	message->skipped = cbor_uint(in);
	message->picked = cbor_bytes(in);
	message->records = cbor_bytes(in);
	message->count = count_bits(message->picked);
	/* The bits are as many as they say, none of them beyond the span. */
	if (message->picked.size != message->span / 8 + (message->span % 8 != 0))
		cbor_fail(in);
	else if (message->span % 8 != 0 && message->picked.data[message->picked.size - 1] >> message->span % 8 != 0)
		cbor_fail(in);
}

/* An empty batch would be work without progress, and sequences are added to without a further look. */
static void check_numbers(struct cbor *in, const struct stream_message *message)
{
	if (message->count == 0 || message->sequence > UINT64_MAX - message->span || message->skipped > message->sequence)
		cbor_fail(in);
}

/* A name that somebody will be shown. */
static struct bytes decode_name(struct cbor *in)
{
	struct bytes name = cbor_text(in);

	if (name.size > 0 && !card_is_name(name))
		cbor_fail(in);
	return name;
}

static void decode_refused(struct cbor *in, struct ticket_lack *lack)
{
	uint64_t fault = cbor_uint(in);

	if (fault >= JWT_FINE)
		cbor_fail(in);
	else
		lack->fault = (enum jwt_fault)fault;
	lack->issuer = decode_name(in);
	lack->audience = decode_name(in);
}

static void decode_fields(struct cbor *in, struct stream_message *message)
{
	switch (message->kind) {
	case STREAM_SUBSCRIBE:
		message->stream = cbor_id(in);
		message->criteria = cbor_bytes(in);
		break;
	case STREAM_STARTED:
		message->sequence = cbor_uint(in);
		break;
	case STREAM_BATCH:
		message->sequence = cbor_uint(in);
		message->span = message->count = cbor_uint(in);
		message->records = cbor_bytes(in);
		check_numbers(in, message);
		break;
	case STREAM_PICKED:
		decode_picked(in, message);
		check_numbers(in, message);
		break;
	case STREAM_QUEUED:
		break;
	case STREAM_NEXT:
		message->sequence = cbor_uint(in);
		message->skipped = cbor_uint(in);
		if (message->skipped > message->sequence)
			cbor_fail(in);
		break;
	case STREAM_END:
		message->sum.count = cbor_uint(in);
		message->sum.bytes = cbor_uint(in);
		message->sum.hash = cbor_id(in);
		break;
	case STREAM_REFUSED:
		decode_refused(in, &message->lack);
		break;
	case STREAM_END_ACK:
		message->verified = cbor_bool(in);
		break;
	}
}

enum error stream_wire_decode(struct bytes body, struct stream_message *out)
{
	struct stream_message message = {0};
	struct cbor in;
	size_t fields;
	uint64_t kind;
	enum error error;

	cbor_init(&in, body);
	fields = cbor_array(&in, FIELDS_MAX);
	kind = cbor_uint(&in);
	if (fields == 0 || fields != fields_of(kind))
		return ERROR_MALFORMED;
	message.kind = (enum stream_message_kind)kind;
	decode_fields(&in, &message);
	error = cbor_end(&in);
	if (error == OK)
		*out = message;
	return error;
}
