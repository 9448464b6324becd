/*
 * framing_json.c - a record as one JSON object a line.
 *
 *     {"stream":"logs","from":"<64 digits>","seq":17,"ts":1700000000000,"data":"hello"}
 *
 * "data" when the bytes are UTF-8, else "data_b64": so that every record survives a trip through text unchanged. What
 * is written can be read back; the members that say where a record came from are then ignored, because the reader of a
 * stream hears that from the network and not from the data.
 */
#include "cmd/common/framing_internal.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/check.h"
#include "cmd/common/jsontext.h"
#include "node/node.h"
#include "runtime/stdio.h"

#define ESCAPE_SLICE (PEN_ROOM / JSONTEXT_ESCAPED_MAX)
#define BASE64_SLICE (PEN_ROOM / 4 * 3)   /* a multiple of 3: slices join without padding */
#define OTHER_MEMBERS_MAX 65536           /* what a line may hold besides its record */
#define NUMBERS_MAX 80                    /* of the text around "seq" and "ts" */

/* ---- reading ---- */

static bool is_blank(struct bytes line)
{
	for (size_t i = 0; i < line.size; i++)
		if (!memchr(" \t\r", line.data[i], 3))
			return false;
	return true;
}

/* The member that holds the record, into reader->decoded. */
static enum error decode_member(struct record_reader *reader, const json_t *object)
{
	const json_t *data = json_object_get(object, "data"), *base64 = json_object_get(object, "data_b64");
	const json_t *member = data ? data : base64;
	struct bytes text;

	if (!json_is_object(object))
		return framing_fail(reader, ERROR_MALFORMED, "not a JSON object");
	if (!member || (data && base64))
		return framing_fail(reader, ERROR_MALFORMED, "needs one of the members \"data\" and \"data_b64\"");
	if (!json_is_string(member))
		return framing_fail(reader, ERROR_MALFORMED, "\"%s\" is not a string", data ? "data" : "data_b64");
	text = bytes_of(json_string_value(member), json_string_length(member));
	buffer_clear(&reader->decoded);
	if (data)
		buffer_append(&reader->decoded, text);
	else if (!jsontext_from_base64(text, &reader->decoded))
		return framing_fail(reader, ERROR_MALFORMED, "\"data_b64\" is not base64");
	if (reader->decoded.size > reader->record_max)
		return framing_fail(reader, ERROR_FRAME_TOO_LARGE, "a record of %zu bytes is over the maximum of %zu",
			reader->decoded.size, reader->record_max);
	return OK;
}

static enum error decode_line(struct record_reader *reader, struct bytes line)
{
	json_error_t problem;
	json_t *value = json_loadb((const char *)line.data, line.size,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &problem);
	enum error error;

	if (!value)
		return framing_fail(reader, ERROR_MALFORMED, "not JSON (column %d)", problem.position);
	error = decode_member(reader, value);
	json_decref(value);
	return error;
}

enum error framing_scan_json(struct record_reader *reader, struct found *found)
{
	size_t line_max = reader->record_max * JSONTEXT_ESCAPED_MAX + OTHER_MEMBERS_MAX;
	enum error error;

	for (;;) {
		error = framing_scan_until(reader, '\n', line_max, found);
		if (error != OK || !found->is_whole)
			return error;
		if (!is_blank(found->record))
			break;
		framing_skip(reader, found->size);
		found->is_whole = false;
	}
	error = decode_line(reader, found->record);
	found->record = buffer_bytes(&reader->decoded);
	return error;
}

/* ---- writing ---- */

static void write_bytes(struct pen *pen, struct bytes data)
{
	if (data.size == 0)
		return;
	memcpy(framing_pen_room(pen, data.size), data.data, data.size);
	pen->at += data.size;
}

/* In slices, so that 16 MiB of control characters do not ask for 96 MiB of room at once. */
static void write_data(struct pen *pen, struct bytes data)
{
	bool is_utf8 = bytes_are_utf8(data);
	size_t slice_max = is_utf8 ? ESCAPE_SLICE : BASE64_SLICE;

	write_bytes(pen, bytes_of_text(is_utf8 ? ",\"data\":\"" : ",\"data_b64\":\""));
	while (data.size > 0) {
		struct bytes slice = {data.data, data.size < slice_max ? data.size : slice_max};

		if (is_utf8)
			pen->at = jsontext_escape(framing_pen_room(pen, slice.size * JSONTEXT_ESCAPED_MAX), slice);
		else
			pen->at = jsontext_base64(framing_pen_room(pen, jsontext_base64_size(slice.size)), slice);
		data.data += slice.size;
		data.size -= slice.size;
	}
	write_bytes(pen, bytes_of_text("\"}\n"));
}

/* The number, at or after `at`, of the record that is the next one here. */
static uint64_t next_picked(struct bytes picked, uint64_t at)
{
	while (at / 8 < picked.size && !picking_bit(picked, at))
		at++;
	return at;
}

enum error framing_write_json(
	struct output *output, struct bytes records, const struct record_origin *origin, uint64_t most)
{
	struct pen pen = {.output = output};
	struct buffer front = {0};   /* the same for all records of a batch */
	struct bytes record;
	char from[ID_TEXT_SIZE];

	ASSERT(origin);
	id_format(&origin->from, from);
	buffer_append(&front, bytes_of_text("{\"stream\":"));
	jsontext_quote(&front, bytes_of_text(origin->stream));
	buffer_append(&front, bytes_of_text(",\"from\":\""));
	buffer_append(&front, bytes_of_text(from));
	for (uint64_t i = 0, at = 0; i < most && records_next(&records, &record); i++, at++) {
		char numbers[NUMBERS_MAX];
		int size;

		at = next_picked(origin->picked, at);
		size = snprintf(numbers, sizeof numbers, "\",\"seq\":%llu,\"ts\":%lld",
			(unsigned long long)(origin->sequence + at), (long long)origin->wall);

		ASSERT(size > 0 && (size_t)size < sizeof numbers);
		write_bytes(&pen, buffer_bytes(&front));
		write_bytes(&pen, bytes_of(numbers, (size_t)size));
		write_data(&pen, record);
	}
	framing_pen_lift(&pen);
	buffer_fini(&front);
	return OK;
}
