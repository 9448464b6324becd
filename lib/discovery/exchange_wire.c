/*
 * exchange_wire.c - see exchange_wire.h.
 *
 * Frames are filled to a target, not to the bound: a receiver verifies every signature of a frame at one go, and should
 * be back at its other work soon. A list of heads costs it next to nothing and may be as large as a frame can be.
 */
#include "discovery/exchange_wire.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/cbor.h"
#include "wire/limits.h"

#include <string.h>

#define NUMBER_SIZE 8
#define DIGEST_SIZE (2 * NUMBER_SIZE)
#define FRAME_OVERHEAD 16                        /* array, kind, head of the list, more? */
#define HEADS_TARGET (FRAME_CATALOG_MAX - FRAME_OVERHEAD)
#define ENTRIES_TARGET (64u * KIB - FRAME_OVERHEAD)
/* A head is at least 38 bytes, so no honest frame has more items; it bounds what a hostile one makes us allocate. */
#define ITEMS_MAX 8192

_Static_assert(FRAME_CATALOG_MAX / 38 < ITEMS_MAX, "as many heads as fit a frame");
_Static_assert(ENTRY_SIZE_MAX + EXCHANGE_ENTRY_EXTRA_MAX <= ENTRIES_TARGET, "the largest entry fits a frame");
_Static_assert(ITEMS_MAX * 5 < CBOR_ITEMS_MAX, "a full list of heads is not too many items");

bool exchange_scope_has(const struct exchange_scope *scope, const struct id *id)
{
	uint32_t bucket;

	if (scope->bits == 0)
		return true;
	bucket = bytes_get_be32(id->byte) >> (32 - scope->bits);
	return (scope->open[bucket / 8] >> bucket % 8 & 1) != 0;
}

/* --- reading --- */

static void get_head(struct cbor *in, struct exchange_item *item)
{
	cbor_array_of(in, 4);
	item->id = cbor_id(in);
	item->version.start = cbor_uint(in);
	item->version.update = cbor_uint(in);
	item->is_goodbye = cbor_bool(in);
}

static void get_entry(struct cbor *in, struct exchange_item *item, bool has_rtt)
{
	cbor_array_of(in, has_rtt ? 3 : 2);
	item->signed_bytes = cbor_bytes(in);
	item->age = cbor_uint(in);
	item->rtt_us = has_rtt ? cbor_uint(in) : 0;
}

static void get_item(struct cbor *in, enum exchange_kind kind, struct exchange_item *item)
{
	if (kind == EXCHANGE_LIST)
		get_head(in, item);
	else if (kind == EXCHANGE_WANT)
		item->id = cbor_id(in);
	else
		get_entry(in, item, kind == EXCHANGE_ALL);
}

static void get_items(struct cbor *in, struct exchange_message *message)
{
	bool has_ids = message->kind == EXCHANGE_LIST || message->kind == EXCHANGE_WANT;
	size_t count = cbor_array(in, ITEMS_MAX);

	if (count > 0)
		message->item = memory_new(count * sizeof(*message->item));
	message->item_count = count;
	for (size_t i = 0; i < count; i++) {
		get_item(in, message->kind, &message->item[i]);
		if (has_ids && i > 0 && id_compare(&message->item[i - 1].id, &message->item[i].id) >= 0) {
			cbor_fail(in);
			return;
		}
	}
}

static void get_digest(struct cbor *in, struct exchange_message *message)
{
	struct bytes digest;

	message->cut = cbor_uint(in);
	digest = cbor_bytes(in);
	message->count = cbor_uint(in);
	if (digest.size != DIGEST_SIZE) {
		cbor_fail(in);
		return;
	}
	message->digest.part[0] = bytes_get_be64(digest.data);
	message->digest.part[1] = bytes_get_be64(digest.data + NUMBER_SIZE);
}

static void get_buckets(struct cbor *in, struct exchange_message *message)
{
	unsigned bits = (unsigned)cbor_uint_up_to(in, EXCHANGE_BITS_MAX);
	struct bytes bytes = cbor_bytes(in);
	bool has_sums = message->kind == EXCHANGE_SUMS;

	if (bits < EXCHANGE_BITS_MIN || bytes.size != (has_sums ? (size_t)NUMBER_SIZE << bits : (size_t)1 << bits >> 3)) {
		cbor_fail(in);
		return;
	}
	message->scope.bits = bits;
	if (has_sums)
		message->sums = bytes;
	else
		memcpy(message->scope.open, bytes.data, bytes.size);
}

static void get_message(struct cbor *in, struct exchange_message *message)
{
	size_t fields = cbor_array(in, 4);
	uint64_t kind = cbor_uint(in);
	/* Number of fields after the kind, by kind. */
	static const size_t fields_of[] = {[EXCHANGE_DIGEST] = 3, [EXCHANGE_EQUAL] = 0, [EXCHANGE_LIST] = 2,
		[EXCHANGE_WANT] = 1, [EXCHANGE_GIVE] = 2, [EXCHANGE_ASK_ALL] = 0, [EXCHANGE_ALL] = 2,
		[EXCHANGE_SUMS] = 2, [EXCHANGE_DIFFER] = 2};

	if (kind < EXCHANGE_DIGEST || kind > EXCHANGE_DIFFER || fields != fields_of[kind] + 1) {
		cbor_fail(in);
		return;
	}
	message->kind = (enum exchange_kind)kind;
	if (kind == EXCHANGE_DIGEST) {
		get_digest(in, message);
		return;
	}
	if (kind == EXCHANGE_SUMS || kind == EXCHANGE_DIFFER) {
		get_buckets(in, message);
		return;
	}
	if (fields > 1)
		get_items(in, message);
	if (fields > 2)
		message->more = cbor_bool(in);
	/* A frame that promises more without bringing anything could go on for ever. */
	if (message->more && message->item_count == 0)
		cbor_fail(in);
}

enum error exchange_wire_decode(struct bytes data, struct exchange_message *out)
{
	struct exchange_message message = {.kind = EXCHANGE_EQUAL};
	struct cbor in;

	if (data.size > FRAME_CATALOG_MAX)
		return ERROR_FRAME_TOO_LARGE;
	cbor_init(&in, data);
	get_message(&in, &message);
	if (cbor_end(&in) != OK) {
		exchange_wire_fini(&message);
		return ERROR_MALFORMED;
	}
	*out = message;
	return OK;
}

void exchange_wire_fini(struct exchange_message *message)
{
	memory_free(message->item);
	message->item = NULL;
	message->item_count = 0;
}

/* --- writing --- */

static struct blob *finish(struct buffer *out)
{
	struct blob *blob = blob_copy(buffer_bytes(out));

	ASSERT(out->size <= FRAME_CATALOG_MAX);
	buffer_fini(out);
	return blob;
}

struct blob *exchange_wire_digest(uint64_t cut, const struct catalog_digest *digest, uint64_t count)
{
	struct buffer out = {0};
	uint8_t bytes[DIGEST_SIZE];

	bytes_put_be64(bytes, digest->part[0]);
	bytes_put_be64(bytes + NUMBER_SIZE, digest->part[1]);
	cbor_put_array(&out, 4);
	cbor_put_uint(&out, EXCHANGE_DIGEST);
	cbor_put_uint(&out, cut);
	cbor_put_bytes(&out, bytes_of(bytes, sizeof(bytes)));
	cbor_put_uint(&out, count);
	return finish(&out);
}

static struct blob *put_buckets(enum exchange_kind kind, unsigned bits, struct bytes bytes)
{
	struct buffer out = {0};

	ASSERT(bits >= EXCHANGE_BITS_MIN && bits <= EXCHANGE_BITS_MAX);
	cbor_put_array(&out, 3);
	cbor_put_uint(&out, kind);
	cbor_put_uint(&out, bits);
	cbor_put_bytes(&out, bytes);
	return finish(&out);
}

struct blob *exchange_wire_sums(unsigned bits, const uint64_t *sum)
{
	uint8_t bytes[NUMBER_SIZE << EXCHANGE_BITS_MAX];

	for (size_t i = 0; i < (size_t)1 << bits; i++)
		bytes_put_be64(bytes + i * NUMBER_SIZE, sum[i]);
	return put_buckets(EXCHANGE_SUMS, bits, bytes_of(bytes, (size_t)NUMBER_SIZE << bits));
}

struct blob *exchange_wire_differ(const struct exchange_scope *scope)
{
	return put_buckets(EXCHANGE_DIFFER, scope->bits, bytes_of(scope->open, (size_t)1 << scope->bits >> 3));
}

struct blob *exchange_wire_plain(enum exchange_kind kind)
{
	struct buffer out = {0};

	ASSERT(kind == EXCHANGE_EQUAL || kind == EXCHANGE_ASK_ALL);
	cbor_put_array(&out, 1);
	cbor_put_uint(&out, kind);
	return finish(&out);
}

bool exchange_wire_has_room(const struct exchange_frame *frame, size_t size)
{
	bool has_entries = frame->kind == EXCHANGE_GIVE || frame->kind == EXCHANGE_ALL;

	ASSERT(size <= ENTRIES_TARGET);
	return frame->items.size + size <= (has_entries ? ENTRIES_TARGET : HEADS_TARGET) && frame->count < ITEMS_MAX;
}

void exchange_wire_put_head(struct exchange_frame *frame, const struct entry_label *head)
{
	ASSERT(frame->kind == EXCHANGE_LIST && exchange_wire_has_room(frame, EXCHANGE_HEAD_SIZE_MAX));
	cbor_put_array(&frame->items, 4);
	cbor_put_id(&frame->items, &head->peer);
	cbor_put_uint(&frame->items, head->version.start);
	cbor_put_uint(&frame->items, head->version.update);
	cbor_put_bool(&frame->items, head->is_goodbye);
	frame->count++;
}

void exchange_wire_put_id(struct exchange_frame *frame, const struct id *id)
{
	ASSERT(frame->kind == EXCHANGE_WANT && exchange_wire_has_room(frame, ID_SIZE + 2));
	cbor_put_id(&frame->items, id);
	frame->count++;
}

void exchange_wire_put_entry(struct exchange_frame *frame, struct bytes signed_bytes, uint64_t age, uint64_t rtt_us)
{
	size_t before = frame->items.size;

	ASSERT(frame->kind == EXCHANGE_GIVE || frame->kind == EXCHANGE_ALL);
	cbor_put_array(&frame->items, frame->kind == EXCHANGE_ALL ? 3 : 2);
	cbor_put_bytes(&frame->items, signed_bytes);
	cbor_put_uint(&frame->items, age);
	if (frame->kind == EXCHANGE_ALL)
		cbor_put_uint(&frame->items, rtt_us);
	frame->count++;
	ASSERT(frame->items.size - before <= signed_bytes.size + EXCHANGE_ENTRY_EXTRA_MAX);
}

struct blob *exchange_wire_close(struct exchange_frame *frame, bool more)
{
	bool has_more = frame->kind != EXCHANGE_WANT;
	struct buffer out = {0};

	ASSERT(!more || (has_more && frame->count > 0));
	cbor_put_array(&out, has_more ? 3 : 2);
	cbor_put_uint(&out, frame->kind);
	cbor_put_array(&out, frame->count);
	buffer_append(&out, buffer_bytes(&frame->items));
	if (has_more)
		cbor_put_bool(&out, more);
	buffer_fini(&frame->items);
	frame->count = 0;
	return finish(&out);
}
