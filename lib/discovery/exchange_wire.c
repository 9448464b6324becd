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

#define FRAME_OVERHEAD 16                        /* array, kind, head of the list, more? */
#define HEADS_TARGET (FRAME_CATALOG_MAX - FRAME_OVERHEAD)
#define ENTRIES_TARGET (64u * KIB - FRAME_OVERHEAD)
/* A head is at least 38 bytes, so no honest frame has more items; it bounds what a hostile one makes us allocate. */
#define ITEMS_MAX 8192

_Static_assert(FRAME_CATALOG_MAX / 38 < ITEMS_MAX, "as many heads as fit a frame");
_Static_assert(ENTRY_SIZE_MAX + EXCHANGE_ENTRY_EXTRA_MAX <= ENTRIES_TARGET, "the largest entry fits a frame");
_Static_assert(ITEMS_MAX * 5 < CBOR_ITEMS_MAX, "a full list of heads is not too many items");

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

static void get_message(struct cbor *in, struct exchange_message *message)
{
	size_t fields = cbor_array(in, 3);
	uint64_t kind = cbor_uint(in);
	/* Number of fields after the kind, by kind. */
	static const size_t fields_of[] = {[EXCHANGE_DIGEST] = 2, [EXCHANGE_EQUAL] = 0, [EXCHANGE_LIST] = 2,
		[EXCHANGE_WANT] = 1, [EXCHANGE_GIVE] = 2, [EXCHANGE_ASK_ALL] = 0, [EXCHANGE_ALL] = 2};

	if (kind < EXCHANGE_DIGEST || kind > EXCHANGE_ALL || fields != fields_of[kind] + 1) {
		cbor_fail(in);
		return;
	}
	message->kind = (enum exchange_kind)kind;
	if (kind == EXCHANGE_DIGEST) {
		message->digest = cbor_id(in);
		message->count = cbor_uint(in);
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

struct blob *exchange_wire_digest(const struct id *digest, uint64_t count)
{
	struct buffer out = {0};

	cbor_put_array(&out, 3);
	cbor_put_uint(&out, EXCHANGE_DIGEST);
	cbor_put_id(&out, digest);
	cbor_put_uint(&out, count);
	return finish(&out);
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
