/*
 * framing.c - from pieces of input to batches of records.
 *
 * Input is read into one array and each record is copied once, into the blob that will be sent; a blob takes about
 * as many records as one read brings. Blobs are as large as what is here, not more: interactive input makes many tiny
 * batches, and a link may hold thousands of them.
 *
 * raw is different: a chunk is a record, so it is read in place, behind a gap in which its head is written
 * once its length is known; nothing is copied.
 *
 * A batch ends before a record that does not fit, and before a bad one: what was good is delivered first, and the next
 * call finds the same mistake at its own front.
 */
#include "cmd/common/framing_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "node/node.h"

#define READ_ROOM_MIN (64 * 1024)        /* a read is never smaller for want of room */
#define INPUT_CAPACITY (256 * 1024)      /* first size of the input array */
#define BATCH_BYTES (64 * 1024)          /* of records in a batch, unless one record is larger */
/*
 * A writer that waits for room in the pipe is woken by every read: few large ones let it write in peace. The message just
 * fits what a receiver takes room for at once (BODY_FIRST in wire/frame.c).
 */
#define RAW_CHUNK (248 * 1024)
#define RAW_COPY_MAX (64 * 1024)         /* a smaller chunk is copied, and its large blob read into again */

static const struct {
	const char *name;
	framing_scan *scan;
} kinds[] = {
	[FRAMING_LINES] = {"lines", framing_scan_lines},
	[FRAMING_NULL] = {"null", framing_scan_null},
	[FRAMING_U32] = {"u32", framing_scan_u32},
	[FRAMING_RAW] = {"raw", NULL},
	[FRAMING_WHOLE] = {"whole", framing_scan_whole},
	[FRAMING_JSON] = {"json", framing_scan_json},
	[FRAMING_CBOR] = {"cbor", framing_scan_cbor},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

enum error framing_from_name(const char *name, enum framing *out)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*out = (enum framing)i;
			return OK;
		}
	}
	return ERROR_BAD_TEXT;
}

const char *framing_name(enum framing framing)
{
	ASSERT((size_t)framing < KINDS);
	return kinds[framing].name;
}

enum error framing_fail(struct record_reader *reader, enum error error, const char *format, ...)
{
	va_list arguments;
	int size = snprintf(reader->where, sizeof reader->where, "record %llu, byte %llu: ",
		(unsigned long long)reader->records + 1, (unsigned long long)reader->offset);

	ASSERT(error != OK && size > 0 && (size_t)size < sizeof reader->where);
	va_start(arguments, format);
	vsnprintf(reader->where + size, sizeof reader->where - (size_t)size, format, arguments);
	va_end(arguments);
	return error;
}

void framing_skip(struct record_reader *reader, size_t size)
{
	ASSERT(size <= reader->end - reader->start);
	reader->start += size;
	reader->offset += size;
	reader->searched = 0;
}

struct record_reader *record_reader_new(enum framing framing, size_t record_max)
{
	struct record_reader *reader = memory_new(sizeof *reader);

	ASSERT((size_t)framing < KINDS && record_max > 0);
	reader->framing = framing;
	reader->scan = kinds[framing].scan;
	reader->record_max = record_max;
	reader->most = UINT64_MAX;
	if (reader->scan)
		reader->data = memory_grow(NULL, &reader->capacity, INPUT_CAPACITY, 1);
	return reader;
}

void record_reader_free(struct record_reader *reader)
{
	if (!reader)
		return;
	memory_free(reader->data);
	buffer_fini(&reader->decoded);
	blob_drop(reader->chunk);
	memory_free(reader);
}

static uint8_t *raw_space(struct record_reader *reader, size_t *room)
{
	size_t size = reader->record_max < RAW_CHUNK ? reader->record_max : RAW_CHUNK;

	if (!reader->chunk)
		reader->chunk = blob_new(BATCH_HEADROOM + FRAMING_HEAD_MAX, size);
	ASSERT(blob_size(reader->chunk) == 0);
	*room = size;
	return reader->chunk->data + reader->chunk->end;
}

uint8_t *record_reader_space(struct record_reader *reader, size_t *room)
{
	ASSERT(!reader->ended);
	if (!reader->scan)
		return raw_space(reader, room);
	if (reader->capacity - reader->end < READ_ROOM_MIN) {
		/* Only the begun record is in front. Once it fills half of the array, moving it gains too little. */
		size_t left = reader->end - reader->start;

		if (left > reader->capacity / 2)
			reader->data = memory_grow(reader->data, &reader->capacity, reader->capacity + 1, 1);
		if (left > 0)
			memmove(reader->data, reader->data + reader->start, left);
		reader->start = 0;
		reader->end = left;
	}
	*room = reader->capacity - reader->end;
	ASSERT(*room >= READ_ROOM_MIN);
	return reader->data + reader->end;
}

void record_reader_filled(struct record_reader *reader, size_t size)
{
	ASSERT(!reader->ended);
	if (!reader->scan) {
		ASSERT(reader->chunk && size <= reader->chunk->capacity - reader->chunk->end);
		reader->chunk->end += size;
	} else {
		ASSERT(size <= reader->capacity - reader->end);
		reader->end += size;
	}
}

void record_reader_limit(struct record_reader *reader, uint64_t most)
{
	ASSERT(most > 0);
	reader->most = most;
}

void record_reader_end(struct record_reader *reader)
{
	reader->ended = true;
}

const char *record_reader_where(const struct record_reader *reader)
{
	return reader->where;
}

/* The chunk that was read becomes a record where it lies. */
static struct blob *raw_batch(struct record_reader *reader, uint64_t *count)
{
	struct blob *chunk = reader->chunk, *batch = chunk;
	size_t size = chunk ? blob_size(chunk) : 0, head = framing_head_size(size);

	if (size == 0)
		return NULL;
	if (size < RAW_COPY_MAX) {
		batch = blob_new(BATCH_HEADROOM + head, size);
		memcpy(batch->data + batch->start, chunk->data + chunk->start, size);
		batch->end += size;
		chunk->end = chunk->start;
	} else {
		reader->chunk = NULL;
	}
	batch->start -= (uint32_t)head;
	framing_put_head(batch->data + batch->start, size);
	reader->records++;
	reader->offset += size;
	*count = 1;
	return batch;
}

/*
 * Room for what is here, as CBOR: a head is longer than a separator only where a record has 24 bytes or more, and then
 * by little, so a sixteenth on top is plenty.
 */
static struct blob *batch_new(const struct record_reader *reader, size_t first_record)
{
	size_t here = reader->end - reader->start;
	size_t room = here < BATCH_BYTES ? here : BATCH_BYTES;
	size_t least = framing_head_size(first_record) + first_record;

	room += room / 16 + FRAMING_HEAD_MAX;
	return blob_new(BATCH_HEADROOM, room > least ? room : least);
}

static void batch_add(struct blob *batch, struct bytes record)
{
	uint8_t *at = framing_put_head(batch->data + batch->end, record.size);

	if (record.size > 0)
		memcpy(at, record.data, record.size);
	batch->end = (size_t)(at - batch->data) + record.size;
	ASSERT(batch->end <= batch->capacity);
}

enum error record_reader_batch(struct record_reader *reader, struct blob **out, uint64_t *count)
{
	struct blob *batch = NULL;
	enum error error = OK;

	*out = NULL;
	*count = 0;
	if (!reader->scan) {
		*out = raw_batch(reader, count);
		return OK;
	}
	while (*count < reader->most) {
		struct found found = {.is_whole = false};

		error = reader->scan(reader, &found);
		if (error != OK || !found.is_whole)
			break;
		if (!batch)
			batch = batch_new(reader, found.record.size);
		if (batch->capacity - batch->end < framing_head_size(found.record.size) + found.record.size)
			break;
		batch_add(batch, found.record);
		framing_skip(reader, found.size);
		reader->records++;
		++*count;
		reader->whole_done = true;
	}
	*out = batch;
	return batch ? OK : error;
}
