/*
 * framing_write.c - from batches of records to the output.
 *
 * Two ways out: small records are copied side by side, so that one writev(2) carries thousands of them; from
 * DIRECT_MIN on a copy costs more than an entry in the vector, and the output keeps the message instead.
 */
#include "cmd/common/framing_internal.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"
#include "node/node.h"
#include "runtime/stdio.h"

#define DIRECT_MIN (16 * 1024)

static_assert(PEN_ROOM >= DIRECT_MIN, "every record that is copied fits the pen");

uint8_t *framing_pen_room(struct pen *pen, size_t size)
{
	ASSERT(size <= PEN_ROOM);
	if (!pen->at || (size_t)(pen->end - pen->at) < size) {
		framing_pen_lift(pen);
		pen->from = pen->at = output_room(pen->output, PEN_ROOM);
		pen->end = pen->at + PEN_ROOM;
	}
	return pen->at;
}

void framing_pen_lift(struct pen *pen)
{
	if (pen->at)
		output_wrote(pen->output, (size_t)(pen->at - pen->from));
	pen->at = pen->from = pen->end = NULL;
}

static void put_byte(struct pen *pen, uint8_t byte)
{
	*framing_pen_room(pen, 1) = byte;
	pen->at++;
}

static void put_data(struct pen *pen, struct blob *message, struct bytes data)
{
	if (data.size == 0)
		return;
	if (data.size >= DIRECT_MIN) {
		framing_pen_lift(pen);
		output_put_blob(pen->output, message, data);
		return;
	}
	memcpy(framing_pen_room(pen, data.size), data.data, data.size);
	pen->at += data.size;
}

/* lines, null, raw and whole: the records, with or without a separator behind each. */
static enum error write_plain(
	enum framing framing, struct pen *pen, struct blob *message, struct bytes records, uint64_t most)
{
	bool separated = framing == FRAMING_LINES || framing == FRAMING_NULL;
	uint8_t separator = framing == FRAMING_LINES ? '\n' : '\0';
	struct bytes record;

	for (; most > 0 && records_next(&records, &record); most--) {
		if (framing == FRAMING_NULL && record.size > 0 && memchr(record.data, '\0', record.size))
			return ERROR_BAD_TEXT;
		put_data(pen, message, record);
		if (separated)
			put_byte(pen, separator);
	}
	return OK;
}

static enum error write_u32(struct pen *pen, struct blob *message, struct bytes records, uint64_t most)
{
	struct bytes record;

	for (; most > 0 && records_next(&records, &record); most--) {
		if (record.size > UINT32_MAX)
			return ERROR_BAD_TEXT;
		bytes_put_be32(framing_pen_room(pen, 4), (uint32_t)record.size);
		pen->at += 4;
		put_data(pen, message, record);
	}
	return OK;
}

/* The records part is a CBOR sequence already: its front goes out as it is. */
static void write_cbor(struct pen *pen, struct blob *message, struct bytes records, uint64_t most)
{
	struct bytes rest = records, record;

	while (most > 0 && records_next(&rest, &record))
		most--;
	put_data(pen, message, (struct bytes){records.data, records.size - rest.size});
}

enum error record_write(enum framing framing, struct output *output, const struct record_batch *batch,
	const struct record_origin *origin)
{
	struct pen pen = {.output = output};
	enum error error = OK;

	switch (framing) {
	case FRAMING_LINES:
	case FRAMING_NULL:
	case FRAMING_RAW:
	case FRAMING_WHOLE:
		error = write_plain(framing, &pen, batch->message, batch->records, batch->most);
		break;
	case FRAMING_U32:
		error = write_u32(&pen, batch->message, batch->records, batch->most);
		break;
	case FRAMING_JSON:
		return framing_write_json(output, batch->records, origin, batch->most);
	case FRAMING_CBOR:
		write_cbor(&pen, batch->message, batch->records, batch->most);
	}
	framing_pen_lift(&pen);
	return error;
}

enum error record_write_one(enum framing framing, struct output *output, struct bytes record, const struct record_origin *origin)
{
	size_t head = framing_head_size(record.size);
	struct blob *message = blob_new(0, head + record.size);
	enum error error;

	framing_put_head(message->data, record.size);
	if (record.size > 0)
		memcpy(message->data + head, record.data, record.size);
	message->end = head + record.size;
	error = record_write(framing, output, &(struct record_batch){message, blob_bytes(message), 1}, origin);
	blob_drop(message);
	return error;
}
