/*
 * framing_test.c - the laws of framing.h: what is written can be read back, byte for byte, however the input is cut.
 *
 * The expected CBOR is encoded here, by other code than what is tested; the output is the real one, over a memory file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uv.h>

#include "base/memory.h"
#include "base/rng.h"
#include "cmd/common/framing.h"
#include "node/node.h"
#include "runtime/stdio.h"

#define MIB_SIZE (1024 * 1024)
#define RECORDS_MAX 600
#define LARGE (16 * MIB_SIZE)

/* A list of records, in one buffer. */
struct list_of {
	struct buffer bytes;
	size_t end[RECORDS_MAX];
	size_t count;
};

static void list_add(struct list_of *list, struct bytes record)
{
	assert_true(list->count < RECORDS_MAX);
	buffer_append(&list->bytes, record);
	list->end[list->count++] = list->bytes.size;
}

static struct bytes list_get(const struct list_of *list, size_t i)
{
	size_t start = i > 0 ? list->end[i - 1] : 0;

	return (struct bytes){list->bytes.data + start, list->end[i] - start};
}

static void list_fini(struct list_of *list)
{
	buffer_fini(&list->bytes);
	list->count = 0;
}

static void assert_lists_equal(const struct list_of *a, const struct list_of *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_true(bytes_equal(list_get(a, i), list_get(b, i)));
}

/* ---- writing ---- */

static void put_cbor_bytes(struct buffer *out, struct bytes record)
{
	if (record.size < 24) {
		buffer_append(out, bytes_of(&(uint8_t){(uint8_t)(0x40 | record.size)}, 1));
	} else if (record.size < 256) {
		buffer_append(out, bytes_of((uint8_t[]){0x58, (uint8_t)record.size}, 2));
	} else if (record.size < 65536) {
		buffer_append(out, bytes_of((uint8_t[]){0x59, (uint8_t)(record.size >> 8), (uint8_t)record.size}, 3));
	} else {
		uint8_t head[5] = {0x5A};

		bytes_put_be32(head + 1, (uint32_t)record.size);
		buffer_append(out, bytes_of(head, 5));
	}
	buffer_append(out, record);
}

static struct blob *message_of(const struct list_of *list)
{
	struct buffer cbor = {0};
	struct blob *blob;

	for (size_t i = 0; i < list->count; i++)
		put_cbor_bytes(&cbor, list_get(list, i));
	blob = blob_copy(buffer_bytes(&cbor));
	buffer_fini(&cbor);
	return blob;
}

static void never_called(void *self)
{
	(void)self;
	fail();
}

/* What record_write makes of a message, and what it returned. */
static enum error write_message(enum framing framing, struct blob *message, const struct record_origin *origin,
	uint64_t most, struct buffer *text)
{
	uv_loop_t loop;
	int fd = memfd_create("output", MFD_CLOEXEC);
	struct output *output;
	enum error error;
	ssize_t got;

	assert_true(fd >= 0);
	assert_int_equal(uv_loop_init(&loop), 0);
	output = output_open(&loop, fd, never_called, NULL);
	error = record_write(framing, output, &(struct record_batch){message, blob_bytes(message), most}, origin);
	assert_int_equal(output_flush(output), STDIO_OK);
	output_close(output);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	do {
		uint8_t *at = buffer_extend(text, 65536);

		got = read(fd, at, 65536);
		assert_true(got >= 0);
		text->size -= 65536 - (size_t)got;
	} while (got > 0);
	close(fd);
	return error;
}

static struct record_origin some_origin(void)
{
	struct record_origin origin = {.stream = "logs", .sequence = 17, .wall = 1700000000123};

	memset(origin.from.byte, 0xAB, sizeof origin.from.byte);
	return origin;
}

static struct buffer written(enum framing framing, const struct list_of *list)
{
	struct blob *message = message_of(list);
	struct record_origin origin = some_origin();
	struct buffer text = {0};

	assert_int_equal(write_message(framing, message, &origin, UINT64_MAX, &text), OK);
	blob_drop(message);
	return text;
}

/* ---- reading ---- */

/* Takes every batch that is there. */
static enum error drain(struct record_reader *reader, struct list_of *list)
{
	for (;;) {
		struct blob *batch;
		struct bytes rest, record;
		uint64_t count;
		enum error error = record_reader_batch(reader, &batch, &count);
		size_t before = list->count;

		if (error != OK)
			assert_null(batch);
		if (!batch)
			return error;
		assert_true(batch->start >= BATCH_HEADROOM);
		rest = blob_bytes(batch);
		assert_true(records_check(rest, count, LARGE));
		while (records_next(&rest, &record))
			list_add(list, record);
		assert_int_equal(list->count - before, count);
		blob_drop(batch);
	}
}

/* One read(2). */
static void feed(struct record_reader *reader, struct bytes piece)
{
	size_t room;
	uint8_t *space = record_reader_space(reader, &room);

	assert_true(piece.size <= room);
	if (piece.size > 0)
		memcpy(space, piece.data, piece.size);
	record_reader_filled(reader, piece.size);
}

/* Reads text in pieces of `piece` bytes (0: all at once). */
static enum error read_pieces(enum framing framing, struct bytes text, size_t piece, struct list_of *list)
{
	struct record_reader *reader = record_reader_new(framing, LARGE);
	enum error error = OK;

	while (text.size > 0 && error == OK) {
		size_t room, part = piece > 0 && piece < text.size ? piece : text.size;

		(void)record_reader_space(reader, &room);
		part = part < room ? part : room;
		feed(reader, (struct bytes){text.data, part});
		text.data += part;
		text.size -= part;
		error = drain(reader, list);
	}
	if (error == OK) {
		record_reader_end(reader);
		error = drain(reader, list);
	}
	record_reader_free(reader);
	return error;
}

/* The list that a text is read as, cut at `cut`. */
static void read_cut(enum framing framing, struct bytes text, size_t cut, struct list_of *list)
{
	struct record_reader *reader = record_reader_new(framing, LARGE);

	feed(reader, (struct bytes){text.data, cut});
	assert_int_equal(drain(reader, list), OK);
	feed(reader, (struct bytes){text.data + cut, text.size - cut});
	assert_int_equal(drain(reader, list), OK);
	record_reader_end(reader);
	assert_int_equal(drain(reader, list), OK);
	assert_int_equal(drain(reader, list), OK);   /* and nothing more */
	record_reader_free(reader);
}

/* ---- random records ---- */

static void add_random(struct list_of *list, struct rng *rng, size_t size, int never)
{
	uint8_t *record = memory_new(size + 1);

	for (size_t i = 0; i < size; i++) {
		do {
			record[i] = (uint8_t)rng_next(rng);
		} while (record[i] == never);
	}
	list_add(list, bytes_of(record, size));
	memory_free(record);
}

static int never_in(enum framing framing)
{
	return framing == FRAMING_LINES ? '\n' : framing == FRAMING_NULL ? '\0' : -1;
}

static const enum framing separated[] = {FRAMING_LINES, FRAMING_NULL, FRAMING_U32, FRAMING_JSON, FRAMING_CBOR};
#define SEPARATED (sizeof separated / sizeof separated[0])

static void test_names(void **state)
{
	static const char *const names[] = {"lines", "null", "u32", "raw", "whole", "json", "cbor"};
	enum framing framing;

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(framing_from_name(names[i], &framing), OK);
		assert_string_equal(framing_name(framing), names[i]);
	}
	assert_int_equal(framing_from_name("line", &framing), ERROR_BAD_TEXT);
	assert_int_equal(framing_from_name("", &framing), ERROR_BAD_TEXT);
}

/* Sizes around every length of a head, empty ones between, and one that needs the array to grow. */
static void test_identity_of_sizes(void **state)
{
	static const size_t sizes[] = {0, 1, 0, 0, 23, 24, 25, 255, 256, 257, 4095, 16383, 16384, 16385, 65535, 65536,
		65537, 0, MIB_SIZE, 3, 0};
	struct rng rng;

	(void)state;
	rng_init(&rng, 7);
	for (size_t k = 0; k < SEPARATED; k++) {
		static const size_t pieces[] = {0, 4096, 65536};
		struct list_of list = {.count = 0};
		struct buffer text;

		for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
			add_random(&list, &rng, sizes[i], never_in(separated[k]));
		text = written(separated[k], &list);
		for (size_t p = 0; p < 3; p++) {
			struct list_of again = {.count = 0};

			assert_int_equal(read_pieces(separated[k], buffer_bytes(&text), pieces[p], &again), OK);
			assert_lists_equal(&list, &again);
			list_fini(&again);
		}
		buffer_fini(&text);
		list_fini(&list);
	}
}

static void test_every_cut(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 8);
	for (size_t k = 0; k < SEPARATED; k++) {
		struct list_of list = {.count = 0}, again = {.count = 0};
		struct buffer text;

		for (size_t i = 0; i < 12; i++)
			add_random(&list, &rng, rng_below(&rng, 40), never_in(separated[k]));
		text = written(separated[k], &list);
		for (size_t cut = 0; cut <= text.size; cut++) {
			read_cut(separated[k], buffer_bytes(&text), cut, &again);
			assert_lists_equal(&list, &again);
			list_fini(&again);
		}
		assert_int_equal(read_pieces(separated[k], buffer_bytes(&text), 1, &again), OK);
		assert_lists_equal(&list, &again);
		list_fini(&again);
		buffer_fini(&text);
		list_fini(&list);
	}
}

/* raw and whole promise the bytes, not the cuts. */
static void test_identity_of_bytes(void **state)
{
	struct rng rng;

	(void)state;
	rng_init(&rng, 9);
	for (int whole = 0; whole < 2; whole++) {
		enum framing framing = whole ? FRAMING_WHOLE : FRAMING_RAW;
		static const size_t pieces[] = {0, 1000, 16383, 16384, 40000};

		for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
			struct list_of list = {.count = 0}, again = {.count = 0};
			struct buffer text;

			add_random(&list, &rng, 300000, -1);
			text = written(framing, &list);
			assert_true(bytes_equal(buffer_bytes(&text), list_get(&list, 0)));
			assert_int_equal(read_pieces(framing, buffer_bytes(&text), pieces[p], &again), OK);
			assert_true(bytes_equal(buffer_bytes(&again.bytes), buffer_bytes(&text)));
			assert_int_equal(again.count == 1, whole);
			buffer_fini(&text);
			list_fini(&list);
			list_fini(&again);
		}
	}
}

static void expect(enum framing framing, struct bytes text, const char *const *records)
{
	struct list_of list = {.count = 0};
	size_t count = 0;

	assert_int_equal(read_pieces(framing, text, 0, &list), OK);
	for (; records[count]; count++) {
		assert_true(count < list.count);
		assert_true(bytes_equal(list_get(&list, count), bytes_of_text(records[count])));
	}
	assert_int_equal(list.count, count);
	list_fini(&list);
}

#define TEXT(literal) bytes_of(literal, sizeof(literal) - 1)
#define RECORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_ends(void **state)
{
	(void)state;
	expect(FRAMING_LINES, TEXT(""), RECORDS(NULL));
	expect(FRAMING_LINES, TEXT("a\nb"), RECORDS("a", "b"));
	expect(FRAMING_LINES, TEXT("a\nb\n"), RECORDS("a", "b"));
	expect(FRAMING_LINES, TEXT("\n\nb\r\n"), RECORDS("", "", "b\r"));
	expect(FRAMING_NULL, TEXT("a\nb\0c"), RECORDS("a\nb", "c"));
	expect(FRAMING_NULL, TEXT(""), RECORDS(NULL));
	expect(FRAMING_U32, TEXT("\0\0\0\2ab\0\0\0\0\0\0\0\1c"), RECORDS("ab", "", "c"));
	expect(FRAMING_WHOLE, TEXT(""), RECORDS(""));
	expect(FRAMING_WHOLE, TEXT("a\nb\n"), RECORDS("a\nb\n"));
	expect(FRAMING_RAW, TEXT(""), RECORDS(NULL));
	expect(FRAMING_CBOR, TEXT("\x40\x41" "a"), RECORDS("", "a"));
	/* Heads that are longer than they need be are fine from other writers. */
	expect(FRAMING_CBOR, TEXT("\x58\x01\x61\x59\x00\x01\x62\x5A\0\0\0\1c\x5B\0\0\0\0\0\0\0\1d"),
		RECORDS("a", "b", "c", "d"));
}

static void test_json_in(void **state)
{
	(void)state;
	expect(FRAMING_JSON, TEXT("{\"data\":\"a\\u00e9\\n\"}\n{\"data_b64\":\"AQL/\",\"data2\":[1,{}]}"),
		RECORDS("a\xC3\xA9\n", "\x01\x02\xFF"));
	expect(FRAMING_JSON, TEXT("\n  \n\t{\"x\":1, \"data\" : \"\"}\r\n\n"), RECORDS(""));
	expect(FRAMING_JSON, TEXT(""), RECORDS(NULL));
	expect(FRAMING_JSON, TEXT("{\"data_b64\":\"\"}\n{\"data_b64\":\"YQ==\"}\n{\"data_b64\":\"YWI=\"}"),
		RECORDS("", "a", "ab"));
}

static void test_json_out(void **state)
{
	struct list_of list = {.count = 0};
	struct buffer text;

	(void)state;
	list_add(&list, TEXT("h\xC3\xA9 \"\\\n\x01"));
	list_add(&list, TEXT("\xFF\x00\x01"));
	text = written(FRAMING_JSON, &list);
#define FROM "abababababababababababababababababababababababababababababababab"
	static const char expected[] =
		"{\"stream\":\"logs\",\"from\":\"" FROM
		"\",\"seq\":17,\"ts\":1700000000123,\"data\":\"h\xC3\xA9 \\\"\\\\\\n\\u0001\"}\n"
		"{\"stream\":\"logs\",\"from\":\"" FROM "\",\"seq\":18,\"ts\":1700000000123,\"data_b64\":\"/wAB\"}\n";
	assert_true(bytes_equal(buffer_bytes(&text), TEXT(expected)));
	buffer_fini(&text);
	list_fini(&list);
}

/* Cut into slices on the way out; no cut may show, in neither form. */
static void test_json_long(void **state)
{
	(void)state;
	for (int binary = 0; binary < 2; binary++) {
		struct list_of list = {.count = 0}, again = {.count = 0};
		struct buffer record = {0}, text;

		for (size_t i = 0; i < 30000; i++)
			buffer_append(&record, binary ? TEXT("\xFF\xE9z\n") : TEXT("\xC3\xA9\n\""));
		list_add(&list, buffer_bytes(&record));
		text = written(FRAMING_JSON, &list);
		assert_int_equal(read_pieces(FRAMING_JSON, buffer_bytes(&text), 0, &again), OK);
		assert_lists_equal(&list, &again);
		buffer_fini(&record);
		buffer_fini(&text);
		list_fini(&list);
		list_fini(&again);
	}
}

struct bad {
	enum framing framing;
	const char *text;
	size_t size;
	size_t good;          /* records before the mistake */
	enum error error;
	const char *where;    /* how the explanation begins */
};

#define BAD(framing, literal, ...) {framing, literal, sizeof(literal) - 1, __VA_ARGS__}

static const struct bad mistakes[] = {
	BAD(FRAMING_U32, "\0\0\0\1a\0\0\0\2b", 1, ERROR_MALFORMED, "record 2, byte 5: the input ends inside a record"),
	BAD(FRAMING_U32, "\0\0", 0, ERROR_MALFORMED, "record 1, byte 0: the input ends inside the length"),
	BAD(FRAMING_U32, "\xFF\xFF\xFF\xFFx", 0, ERROR_FRAME_TOO_LARGE,
		"record 1, byte 0: a record of 4294967295 bytes is over"),
	BAD(FRAMING_CBOR, "\x41\x61\x61\x62", 1, ERROR_MALFORMED, "record 2, byte 2: 0x61 does not begin"),
	BAD(FRAMING_CBOR, "\x5F\x41\x61\xFF", 0, ERROR_MALFORMED, "record 1, byte 0: 0x5f does not begin"),
	BAD(FRAMING_CBOR, "\x5C", 0, ERROR_MALFORMED, "record 1, byte 0: 0x5c does not begin"),
	BAD(FRAMING_CBOR, "\x42\x61", 0, ERROR_MALFORMED, "record 1, byte 0: the input ends inside a record"),
	BAD(FRAMING_CBOR, "\x59\x01", 0, ERROR_MALFORMED, "record 1, byte 0: the input ends inside the length"),
	BAD(FRAMING_CBOR, "\x5B\x80\0\0\0\0\0\0\0", 0, ERROR_FRAME_TOO_LARGE,
		"record 1, byte 0: a record of 9223372036854775808 bytes"),
	BAD(FRAMING_JSON, "{\"data\":\"a\"}\n42\n", 1, ERROR_MALFORMED, "record 2, byte 13: not a JSON object"),
	BAD(FRAMING_JSON, "\n{\"data\":1}\n", 0, ERROR_MALFORMED, "record 1, byte 1: \"data\" is not a string"),
	BAD(FRAMING_JSON, "{\"dat\":\"a\"}\n", 0, ERROR_MALFORMED, "record 1, byte 0: needs one of the members"),
	BAD(FRAMING_JSON, "{\"data\":\"a\",\"data_b64\":\"YQ==\"}\n", 0, ERROR_MALFORMED,
		"record 1, byte 0: needs one of"),
	BAD(FRAMING_JSON, "{\"data\":\"a\",\"data\":\"b\"}\n", 0, ERROR_MALFORMED, "record 1, byte 0: not JSON"),
	BAD(FRAMING_JSON, "{\"data\":\"\\ud800\"}\n", 0, ERROR_MALFORMED, "record 1, byte 0: not JSON"),
	BAD(FRAMING_JSON, "{\"data\":\"a\"", 0, ERROR_MALFORMED, "record 1, byte 0: not JSON"),
	BAD(FRAMING_JSON, "{\"data\":\"a\"} {\"data\":\"b\"}\n", 0, ERROR_MALFORMED, "record 1, byte 0: not JSON"),
	BAD(FRAMING_JSON, "{\"data_b64\":\"YQ=\"}\n", 0, ERROR_MALFORMED,
		"record 1, byte 0: \"data_b64\" is not base64"),
	BAD(FRAMING_JSON, "{\"data_b64\":\"YR==\"}\n", 0, ERROR_MALFORMED,
		"record 1, byte 0: \"data_b64\" is not base64"),
	BAD(FRAMING_JSON, "{\"data_b64\":\"Y===\"}\n", 0, ERROR_MALFORMED,
		"record 1, byte 0: \"data_b64\" is not base64"),
};

/* What is good in front of a mistake comes out, then the mistake, again and again, with its place. */
static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		const struct bad *bad = &mistakes[i];
		struct record_reader *reader = record_reader_new(bad->framing, LARGE);
		struct list_of list = {.count = 0};

		feed(reader, bytes_of(bad->text, bad->size));
		record_reader_end(reader);
		assert_int_equal(drain(reader, &list), bad->error);
		assert_int_equal(drain(reader, &list), bad->error);
		assert_int_equal(list.count, bad->good);
		assert_int_equal(strncmp(record_reader_where(reader), bad->where, strlen(bad->where)), 0);
		list_fini(&list);
		record_reader_free(reader);
	}
}

/* One byte more than allowed is refused as soon as it is here, whether or not a separator will ever come. */
static void test_record_max(void **state)
{
	static const enum framing kinds[] = {FRAMING_LINES, FRAMING_NULL, FRAMING_WHOLE};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		struct record_reader *reader = record_reader_new(kinds[k], 10);
		struct list_of list = {.count = 0};

		feed(reader, TEXT("0123456789"));
		assert_int_equal(drain(reader, &list), OK);
		assert_int_equal(list.count, 0);
		feed(reader, TEXT("0"));
		assert_int_equal(drain(reader, &list), ERROR_FRAME_TOO_LARGE);
		assert_non_null(
			strstr(record_reader_where(reader), "a record of at least 11 bytes is over the maximum of 10"));
		record_reader_free(reader);
		list_fini(&list);
	}
}

/* A length is held against the maximum before its bytes are waited for. */
static void test_record_max_sized(void **state)
{
	static const struct {
		enum framing framing;
		struct bytes fits, exceeds;
	} rows[] = {
		{FRAMING_U32, {(const uint8_t *)"\0\0\0\012", 4}, {(const uint8_t *)"\0\0\0\013", 4}},
		{FRAMING_CBOR, {(const uint8_t *)"\x4A", 1}, {(const uint8_t *)"\x4B", 1}},
		{FRAMING_CBOR, {(const uint8_t *)"\x59\0\x0A", 3}, {(const uint8_t *)"\x59\0\x0B", 3}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct record_reader *reader = record_reader_new(rows[i].framing, 10);
		struct list_of list = {.count = 0};

		feed(reader, rows[i].fits);
		feed(reader, TEXT("0123456789"));
		feed(reader, rows[i].exceeds);
		assert_int_equal(drain(reader, &list), ERROR_FRAME_TOO_LARGE);
		assert_int_equal(list.count, 1);
		record_reader_free(reader);
		list_fini(&list);
	}
}

static void test_record_max_json(void **state)
{
	struct record_reader *reader = record_reader_new(FRAMING_JSON, 4);
	struct list_of list = {.count = 0};

	(void)state;
	/* Escapes count as what they stand for. */
	feed(reader, TEXT("{\"data\":\"\\u0001\\u0001\\u0001\\u0001\"}\n{\"data_b64\":\"YWJjZGU=\"}\n"));
	assert_int_equal(drain(reader, &list), ERROR_FRAME_TOO_LARGE);
	assert_int_equal(list.count, 1);
	record_reader_free(reader);
	list_fini(&list);
}

/* raw makes no record larger than asked for, and takes a chunk as it came. */
static void test_raw_chunks(void **state)
{
	struct record_reader *reader = record_reader_new(FRAMING_RAW, 1000);
	struct list_of list = {.count = 0};
	size_t room;

	(void)state;
	(void)record_reader_space(reader, &room);
	assert_int_equal(room, 1000);
	feed(reader, TEXT("abc"));
	assert_int_equal(drain(reader, &list), OK);
	feed(reader, TEXT("d"));
	assert_int_equal(drain(reader, &list), OK);
	assert_int_equal(list.count, 2);
	assert_true(bytes_equal(list_get(&list, 0), TEXT("abc")));
	record_reader_free(reader);
	list_fini(&list);
}

/* A batch is as large as what is here: thousands of small ones may be under way at once. */
static void test_batches_are_small(void **state)
{
	static const enum framing kinds[] = {FRAMING_LINES, FRAMING_RAW};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct record_reader *reader = record_reader_new(kinds[k], LARGE);
		struct blob *batch;
		uint64_t count;

		feed(reader, TEXT("hello\n"));
		assert_int_equal(record_reader_batch(reader, &batch, &count), OK);
		assert_non_null(batch);
		assert_true(batch->capacity < 200);
		blob_drop(batch);
		record_reader_free(reader);
	}
}

/* A read of many lines becomes batches of about 64 KiB, none of them much larger. */
static void test_batches_are_full(void **state)
{
	struct record_reader *reader = record_reader_new(FRAMING_LINES, LARGE);
	uint64_t records = 0;
	size_t room, fed;

	(void)state;
	memset(record_reader_space(reader, &room), '\n', 100000);
	fed = 100000;
	record_reader_filled(reader, fed);
	for (int batches = 0; batches < 2; batches++) {
		struct blob *batch;
		uint64_t count;

		assert_int_equal(record_reader_batch(reader, &batch, &count), OK);
		assert_non_null(batch);
		assert_true(blob_size(batch) <= 72 * 1024);
		records += count;
		blob_drop(batch);
	}
	assert_int_equal(records, fed);
	record_reader_free(reader);
}

static void test_most(void **state)
{
	static const struct {
		enum framing framing;
		struct bytes two;
	} rows[] = {
		{FRAMING_LINES, {(const uint8_t *)"a\nbc\n", 5}},
		{FRAMING_NULL, {(const uint8_t *)"a\0bc\0", 5}},
		{FRAMING_U32, {(const uint8_t *)"\0\0\0\1a\0\0\0\2bc", 11}},
		{FRAMING_RAW, {(const uint8_t *)"abc", 3}},
		{FRAMING_CBOR, {(const uint8_t *)"\x41" "a\x42" "bc", 5}},
	};
	struct list_of list = {.count = 0};
	struct blob *message;

	(void)state;
	list_add(&list, TEXT("a"));
	list_add(&list, TEXT("bc"));
	list_add(&list, TEXT("def"));
	message = message_of(&list);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buffer text = {0};

		assert_int_equal(write_message(rows[i].framing, message, NULL, 2, &text), OK);
		assert_true(bytes_equal(buffer_bytes(&text), rows[i].two));
		buffer_clear(&text);
		assert_int_equal(write_message(rows[i].framing, message, NULL, 0, &text), OK);
		assert_int_equal(text.size, 0);
		buffer_fini(&text);
	}
	blob_drop(message);
	list_fini(&list);
}

static void test_null_refuses_nul(void **state)
{
	struct list_of list = {.count = 0};
	struct buffer text = {0};
	struct blob *message;

	(void)state;
	list_add(&list, TEXT("fine"));
	list_add(&list, TEXT("a\0b"));
	message = message_of(&list);
	assert_int_equal(write_message(FRAMING_NULL, message, NULL, UINT64_MAX, &text), ERROR_BAD_TEXT);
	assert_true(bytes_equal(buffer_bytes(&text), TEXT("fine\0")));
	blob_drop(message);
	buffer_fini(&text);
	list_fini(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_identity_of_sizes),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_identity_of_bytes),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_json_in),
		cmocka_unit_test(test_json_out),
		cmocka_unit_test(test_json_long),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_record_max),
		cmocka_unit_test(test_record_max_sized),
		cmocka_unit_test(test_record_max_json),
		cmocka_unit_test(test_raw_chunks),
		cmocka_unit_test(test_batches_are_small),
		cmocka_unit_test(test_batches_are_full),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_null_refuses_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
