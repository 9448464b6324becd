/*
 * cbor.c - deterministic CBOR over libcbor's stateless coder.
 *
 * libcbor takes one head apart (and hands a string out in place); this file keeps what it does not: the shape of
 * the message and the rules of determinism.
 *
 *      data   [ 82 | 01 | a1 | 18 2a | 43 .. .. .. ]         level[0]  array, 0 left
 *                                      ^ at                  level[1]  map, 1 left (a value), last_key 18 2a
 *
 * A level is one open array or map. It is closed as soon as nothing is left to come in it, so an empty one is never
 * opened, and "depth 0 with an item read" means that the message is whole. There is no recursion and no
 * allocation; cbor_load() is not used because it allocates whatever a hostile head declares.
 */
#include "wire/cbor.h"

#include "base/check.h"

#include <cbor/encoding.h>
#include <cbor/streaming.h>

#include <string.h>

#define COMMON_KINDS (1u << CBOR_UINT | 1u << CBOR_BYTES | 1u << CBOR_ARRAY)   /* kinds are major types */

enum {
	MAJOR_UINT = 0,        /* major types 0, 2 and 4, RFC 8949 section 3.1 */
	MAJOR_BYTES = 0x40,
	MAJOR_ARRAY = 0x80,
	INFO_MASK = 0x1F,
	INFO_1 = 24,           /* the argument follows in 1, 2, 4 or 8 bytes */
	INFO_2 = 25,
	INFO_4 = 26,
	INFO_8 = 27,
	SIMPLE_FALSE = 0xF4,
	SIMPLE_TRUE = 0xF5,
	SIMPLE_NULL = 0xF6,
};

/* Size of the shortest head with this argument. */
static size_t head_size(uint64_t argument)
{
	if (argument < INFO_1)
		return 1;
	if (argument <= UINT8_MAX)
		return 2;
	if (argument <= UINT16_MAX)
		return 3;
	return argument <= UINT32_MAX ? 5 : CBOR_HEAD_MAX;
}

/* --- writer --- */

/* By hand, because it runs once an item, where a call into a library would be most of the work. */
static size_t write_head(uint8_t out[CBOR_HEAD_MAX], uint8_t major, uint64_t argument)
{
	if (argument < INFO_1) {
		out[0] = (uint8_t)(major | argument);
		return 1;
	}
	if (argument <= UINT8_MAX) {
		out[0] = major | INFO_1;
		out[1] = (uint8_t)argument;
		return 2;
	}
	if (argument <= UINT16_MAX) {
		out[0] = major | INFO_2;
		out[1] = (uint8_t)(argument >> 8);
		out[2] = (uint8_t)argument;
		return 3;
	}
	if (argument <= UINT32_MAX) {
		out[0] = major | INFO_4;
		bytes_put_be32(out + 1, (uint32_t)argument);
		return 5;
	}
	out[0] = major | INFO_8;
	bytes_put_be64(out + 1, argument);
	return CBOR_HEAD_MAX;
}

static void put_head(struct buffer *out, const uint8_t *head, size_t size)
{
	ASSERT(size > 0 && size <= CBOR_HEAD_MAX);
	buffer_append(out, bytes_of(head, size));
}

void cbor_put_uint(struct buffer *out, uint64_t value)
{
	uint8_t head[CBOR_HEAD_MAX];

	put_head(out, head, write_head(head, MAJOR_UINT, value));
}

void cbor_put_int(struct buffer *out, int64_t value)
{
	uint8_t head[CBOR_HEAD_MAX];

	if (value >= 0)
		cbor_put_uint(out, (uint64_t)value);
	else   /* -1 - value, which in two's complement is ~value and cannot overflow */
		put_head(out, head, cbor_encode_negint(~(uint64_t)value, head, sizeof(head)));
}

void cbor_put_bool(struct buffer *out, bool value)
{
	uint8_t head[CBOR_HEAD_MAX];

	put_head(out, head, cbor_encode_bool(value, head, sizeof(head)));
}

void cbor_put_null(struct buffer *out)
{
	uint8_t head[CBOR_HEAD_MAX];

	put_head(out, head, cbor_encode_null(head, sizeof(head)));
}

void cbor_put_bytes(struct buffer *out, struct bytes value)
{
	uint8_t head[CBOR_HEAD_MAX];

	put_head(out, head, cbor_bytes_head(head, value.size));
	buffer_append(out, value);
}

void cbor_put_id(struct buffer *out, const struct id *id)
{
	cbor_put_bytes(out, bytes_of(id->byte, ID_SIZE));
}

void cbor_put_text(struct buffer *out, struct bytes utf8)
{
	uint8_t head[CBOR_HEAD_MAX];

	ASSERT(bytes_are_utf8(utf8));   /* every reader would refuse the whole message */
	put_head(out, head, cbor_encode_string_start(utf8.size, head, sizeof(head)));
	buffer_append(out, utf8);
}

void cbor_put_array(struct buffer *out, size_t count)
{
	uint8_t head[CBOR_HEAD_MAX];

	put_head(out, head, write_head(head, MAJOR_ARRAY, count));
}

void cbor_put_map(struct buffer *out, size_t pairs)
{
	uint8_t head[CBOR_HEAD_MAX];

	ASSERT(pairs <= SIZE_MAX / 2);   /* a reader counts items, two a pair */
	put_head(out, head, cbor_encode_map_start(pairs, head, sizeof(head)));
}

size_t cbor_bytes_head(uint8_t out[CBOR_HEAD_MAX], size_t length)
{
	return write_head(out, MAJOR_BYTES, length);
}

/* The argument of a head of whatever major type. Returns the bytes of the head, 0 if it is cut off or not the shortest. */
static size_t read_head(struct bytes data, uint64_t *argument)
{
	unsigned info = data.data[0] & INFO_MASK;
	uint64_t value = 0;
	size_t size;

	if (info < INFO_1) {
		*argument = info;
		return 1;
	}
	if (info > INFO_8)
		return 0;
	size = 1 + ((size_t)1 << (info - INFO_1));
	if (data.size < size)
		return 0;
	for (size_t i = 1; i < size; i++)
		value = value << 8 | data.data[i];
	*argument = value;
	return head_size(value) == size ? size : 0;
}

size_t cbor_bytes_head_read(struct bytes data, size_t *length)
{
	uint64_t argument;
	size_t size;

	if (data.size == 0 || (data.data[0] & ~INFO_MASK) != MAJOR_BYTES)
		return 0;
	size = read_head(data, &argument);
	if (size == 0 || argument > SIZE_MAX)
		return 0;
	*length = (size_t)argument;
	return size;
}

/* --- one item, through libcbor --- */

struct item {
	enum cbor_kind kind;
	uint64_t argument;     /* the value, length or count in the head; 0 or 1 for a bool */
	struct bytes string;   /* BYTES and TEXT */
};

static void set(void *item, enum cbor_kind kind, uint64_t argument)
{
	ASSERT(((struct item *)item)->kind == CBOR_NOTHING);   /* one call of the decoder is one item */
	*(struct item *)item = (struct item){.kind = kind, .argument = argument};
}

static void on_uint8(void *item, uint8_t value)
{
	set(item, CBOR_UINT, value);
}

static void on_uint16(void *item, uint16_t value)
{
	set(item, CBOR_UINT, value);
}

static void on_uint32(void *item, uint32_t value)
{
	set(item, CBOR_UINT, value);
}

static void on_uint64(void *item, uint64_t value)
{
	set(item, CBOR_UINT, value);
}

static void on_negative8(void *item, uint8_t value)
{
	set(item, CBOR_NEGATIVE, value);
}

static void on_negative16(void *item, uint16_t value)
{
	set(item, CBOR_NEGATIVE, value);
}

static void on_negative32(void *item, uint32_t value)
{
	set(item, CBOR_NEGATIVE, value);
}

static void on_negative64(void *item, uint64_t value)
{
	set(item, CBOR_NEGATIVE, value);
}

static void on_bytes(void *item, cbor_data data, size_t size)
{
	*(struct item *)item = (struct item){.kind = CBOR_BYTES, .argument = size, .string = {data, size}};
}

static void on_text(void *item, cbor_data data, size_t size)
{
	*(struct item *)item = (struct item){.kind = CBOR_TEXT, .argument = size, .string = {data, size}};
}

static void on_array(void *item, size_t count)
{
	set(item, CBOR_ARRAY, count);
}

static void on_map(void *item, size_t pairs)
{
	set(item, CBOR_MAP, pairs);
}

static void on_bool(void *item, bool value)
{
	set(item, CBOR_BOOL, value);
}

static void on_null(void *item)
{
	set(item, CBOR_NULL, 0);
}

/* What is refused has libcbor's empty callbacks: the item stays CBOR_NOTHING. */
static const struct cbor_callbacks callbacks = {
	.uint8 = on_uint8,
	.uint16 = on_uint16,
	.uint32 = on_uint32,
	.uint64 = on_uint64,
	.negint8 = on_negative8,
	.negint16 = on_negative16,
	.negint32 = on_negative32,
	.negint64 = on_negative64,
	.byte_string = on_bytes,
	.string = on_text,
	.array_start = on_array,
	.map_start = on_map,
	.boolean = on_bool,
	.null = on_null,
	.byte_string_start = cbor_null_byte_string_start_callback,
	.string_start = cbor_null_string_start_callback,
	.indef_array_start = cbor_null_indef_array_start_callback,
	.indef_map_start = cbor_null_indef_map_start_callback,
	.tag = cbor_null_tag_callback,
	.float2 = cbor_null_float2_callback,
	.float4 = cbor_null_float4_callback,
	.float8 = cbor_null_float8_callback,
	.undefined = cbor_null_undefined_callback,
	.indef_break = cbor_null_indef_break_callback,
};

/* Numbers, bytes and arrays by hand: nearly every item is one, and the way through libcbor was most of the work of reading it. */
static size_t decode_common(struct bytes data, struct item *item)
{
	uint64_t argument = 0;
	size_t head = read_head(data, &argument);

	*item = (struct item){.kind = (enum cbor_kind)(data.data[0] >> 5), .argument = argument};
	if (head == 0 || item->kind != CBOR_BYTES)
		return head;
	if (argument > data.size - head)
		return 0;
	item->string = bytes_of(data.data + head, (size_t)argument);
	return head + (size_t)argument;
}

/* Takes one item apart. Returns the bytes of its head and string, 0 for what is refused whatever stands around it. */
static size_t decode(struct bytes data, struct item *item)
{
	struct cbor_decoder_result result;
	size_t head;

	if (1u << (data.data[0] >> 5) & COMMON_KINDS)
		return decode_common(data, item);
	*item = (struct item){.kind = CBOR_NOTHING};
	result = cbor_stream_decode(data.data, data.size, &callbacks, item);
	if (result.status != CBOR_DECODER_FINISHED || item->kind == CBOR_NOTHING)
		return 0;
	ASSERT(result.read > item->string.size && result.read <= data.size);
	head = result.read - item->string.size;
	/* Other versions of libcbor may know the two-byte form of a simple value; it is never the shortest. */
	if (item->kind == CBOR_BOOL || item->kind == CBOR_NULL)
		return head == 1 ? 1 : 0;
	if (head != head_size(item->argument))
		return 0;
	if (item->kind == CBOR_TEXT && !bytes_are_utf8(item->string))
		return 0;
	return result.read;
}

/* --- the shape around the items --- */

static struct cbor_level *top(struct cbor *in)
{
	return in->depth > 0 ? &in->level[in->depth - 1] : NULL;
}

static bool is_container(const struct item *item)
{
	return item->kind == CBOR_ARRAY || item->kind == CBOR_MAP;
}

/* Keys ascend bytewise in their encoded form (RFC 8949 section 4.2.1), which also keeps them unique. */
static bool key_fits(struct cbor_level *level, const struct item *item, struct bytes encoded)
{
	/* No message of ours has a container for a key; refusing them keeps a key in one piece. */
	if (is_container(item) || bytes_compare(encoded, level->last_key) <= 0)
		return false;
	level->last_key = encoded;
	return true;
}

/* Opens a level for a container that has something in it. */
static bool open_level(struct cbor *in, const struct item *item)
{
	bool is_map = item->kind == CBOR_MAP;
	uint64_t remaining = in->data.size - in->at;

	ASSERT(in->at <= in->data.size);
	ASSERT(in->depth <= CBOR_DEPTH_MAX);
	/* Every item takes at least one byte: this is what makes loops over a count safe. */
	if (item->argument > (is_map ? remaining / 2 : remaining))
		return false;
	if (item->argument == 0)
		return true;
	if (in->depth == CBOR_DEPTH_MAX)
		return false;
	in->level[in->depth++] = (struct cbor_level){
		.left = is_map ? 2 * item->argument : item->argument,
		.is_map = is_map,
		.at_key = is_map,
	};
	return true;
}

/* Accounts for one item in the level it stands in, and for the level that it opens. */
static bool take(struct cbor *in, const struct item *item, struct bytes encoded)
{
	struct cbor_level *level = top(in);

	if (++in->items > CBOR_ITEMS_MAX)
		return false;
	if (level != NULL) {
		ASSERT(level->left > 0);         /* a level without items to come is closed already */
		ASSERT(level->is_map || !level->at_key);
		if (level->at_key && !key_fits(level, item, encoded))
			return false;
		level->at_key = level->is_map && !level->at_key;
		level->left--;
	}
	ASSERT(encoded.size > 0 && encoded.size <= in->data.size - in->at);
	in->at += encoded.size;
	if (is_container(item) && !open_level(in, item))
		return false;
	while (in->depth > 0 && in->level[in->depth - 1].left == 0)
		in->depth--;
	return true;
}

/* True when no item may follow: the message is one item, and it was read. */
static bool is_complete(const struct cbor *in)
{
	ASSERT(in->depth == 0 || in->level[in->depth - 1].left > 0);
	return in->depth == 0 && in->items > 0;
}

/* False: at the end, or what comes next is refused. */
static bool try_next(struct cbor *in, struct item *item)
{
	struct bytes rest;
	size_t size;

	ASSERT(in->at <= in->data.size);
	if (in->failed || is_complete(in) || in->at == in->data.size)
		return false;
	rest = bytes_of(in->data.data + in->at, in->data.size - in->at);
	size = decode(rest, item);
	return size > 0 && take(in, item, bytes_of(rest.data, size));
}

/* The next item; from the first error on CBOR_NOTHING with zeroes. */
static struct item next(struct cbor *in)
{
	struct item item;

	if (try_next(in, &item))
		return item;
	in->failed = true;
	return (struct item){.kind = CBOR_NOTHING};
}

static struct item next_of(struct cbor *in, enum cbor_kind kind)
{
	struct item item = next(in);

	ASSERT(item.kind != CBOR_NOTHING || in->failed);
	if (item.kind == kind)
		return item;
	in->failed = true;
	return (struct item){.kind = CBOR_NOTHING};
}

/* --- reader --- */

void cbor_init(struct cbor *in, struct bytes data)
{
	ASSERT(data.data != NULL || data.size == 0);
	/* The levels are written when they are opened; clearing all of them would cost more than a small message. */
	in->data = data;
	in->at = 0;
	in->failed = false;
	in->depth = 0;
	in->items = 0;
}

enum cbor_kind cbor_peek(const struct cbor *in)
{
	uint8_t first;

	if (in->failed || is_complete(in) || in->at == in->data.size)
		return CBOR_NOTHING;
	first = in->data.data[in->at];
	if (first >> 5 <= CBOR_MAP)
		return (enum cbor_kind)(first >> 5);   /* the first six kinds stand in the order of the major types */
	if (first == SIMPLE_NULL)
		return CBOR_NULL;
	return first == SIMPLE_FALSE || first == SIMPLE_TRUE ? CBOR_BOOL : CBOR_NOTHING;
}

uint64_t cbor_uint(struct cbor *in)
{
	return next_of(in, CBOR_UINT).argument;
}

uint64_t cbor_uint_up_to(struct cbor *in, uint64_t most)
{
	uint64_t value = cbor_uint(in);

	if (value <= most)
		return value;
	cbor_fail(in);
	return 0;
}

int64_t cbor_int(struct cbor *in)
{
	struct item item = next(in);

	if ((item.kind == CBOR_UINT || item.kind == CBOR_NEGATIVE) && item.argument <= INT64_MAX)
		return item.kind == CBOR_UINT ? (int64_t)item.argument : -1 - (int64_t)item.argument;
	in->failed = true;
	return 0;
}

bool cbor_bool(struct cbor *in)
{
	return next_of(in, CBOR_BOOL).argument != 0;
}

void cbor_null(struct cbor *in)
{
	next_of(in, CBOR_NULL);
}

struct bytes cbor_bytes(struct cbor *in)
{
	return next_of(in, CBOR_BYTES).string;
}

struct bytes cbor_text(struct cbor *in)
{
	return next_of(in, CBOR_TEXT).string;
}

struct id cbor_id(struct cbor *in)
{
	struct bytes string = cbor_bytes(in);
	struct id id = {{0}};

	if (string.size == ID_SIZE)
		memcpy(id.byte, string.data, ID_SIZE);
	else
		in->failed = true;
	return id;
}

static size_t count_of(struct cbor *in, enum cbor_kind kind, size_t most)
{
	struct item item = next_of(in, kind);

	if (item.argument <= most)
		return (size_t)item.argument;
	in->failed = true;
	return 0;
}

size_t cbor_array(struct cbor *in, size_t most)
{
	return count_of(in, CBOR_ARRAY, most);
}

void cbor_array_of(struct cbor *in, size_t exactly)
{
	if (cbor_array(in, exactly) != exactly)
		in->failed = true;
}

size_t cbor_map(struct cbor *in, size_t most)
{
	return count_of(in, CBOR_MAP, most);
}

void cbor_skip(struct cbor *in)
{
	uint8_t depth = in->depth;

	/* Closing the last level of the item may close levels around it too, so the depth can end up below. */
	do   /* every round takes at least one byte or fails */
		next(in);
	while (!in->failed && in->depth > depth);
}

void cbor_fail(struct cbor *in)
{
	in->failed = true;
}

enum error cbor_end(const struct cbor *in)
{
	return !in->failed && is_complete(in) && in->at == in->data.size ? OK : ERROR_MALFORMED;
}
