/*
 * announce_wire.c - see announce_wire.h. One function writes, one reads, kind by kind in the same order, so that the two
 * can be held against each other line by line.
 */
#include "discovery/announce_wire.h"

#include "base/check.h"
#include "wire/cbor.h"
#include "wire/limits.h"

bool message_id_equal(const struct message_id *a, const struct message_id *b)
{
	return a->is_goodbye == b->is_goodbye && version_compare(&a->version, &b->version) == 0 &&
	       id_equal(&a->peer, &b->peer);
}

/* --- writing --- */

static void put_ids(struct buffer *out, const struct id *id, size_t count)
{
	cbor_put_array(out, count);
	for (size_t i = 0; i < count; i++)
		cbor_put_id(out, &id[i]);
}

static void put_version(struct buffer *out, const struct message_id *id)
{
	cbor_put_id(out, &id->peer);
	cbor_put_uint(out, id->version.start);
	cbor_put_uint(out, id->version.update);
}

static void put_haves(struct buffer *out, const struct announce_message *message)
{
	ASSERT(message->have_count <= ANNOUNCE_HAVE_MAX);
	cbor_put_array(out, message->have_count);
	for (size_t i = 0; i < message->have_count; i++) {
		cbor_put_array(out, 5);
		put_version(out, &message->have[i].id);
		cbor_put_bool(out, message->have[i].id.is_goodbye);
		cbor_put_uint(out, message->have[i].round);
	}
}

static void put_whole(struct buffer *out, const struct announce_message *message)
{
	ASSERT(message->whole_count > 0 && message->whole_count <= ANNOUNCE_GOSSIP_MAX);
	for (size_t i = 0; i < message->whole_count; i++) {
		cbor_put_uint(out, message->whole[i].round);
		cbor_put_bytes(out, message->whole[i].signed_bytes);
	}
}

static size_t items_of(const struct announce_message *message)
{
	switch (message->kind) {
	case ANNOUNCE_GOSSIP:
		return 1 + 2 * message->whole_count;
	case ANNOUNCE_JOIN:
	case ANNOUNCE_PRUNE:
	case ANNOUNCE_PING:
		return 1;
	case ANNOUNCE_NEIGHBOR:
	case ANNOUNCE_IHAVE:
	case ANNOUNCE_PROBE:
		return 2;
	case ANNOUNCE_FORWARD_JOIN:
	case ANNOUNCE_SHUFFLE:
	case ANNOUNCE_SHUFFLE_REPLY:
	case ANNOUNCE_PROBED:
		return 3;
	case ANNOUNCE_SUSPECT:
		return 4;
	case ANNOUNCE_WANT:
		return 5;
	case ANNOUNCE_GRAFT:
		return 6;
	}
	return 0;
}

static void put_rest(struct buffer *out, const struct announce_message *message)
{
	switch (message->kind) {
	case ANNOUNCE_GOSSIP:
		put_whole(out, message);
		break;
	case ANNOUNCE_FORWARD_JOIN:
		cbor_put_uint(out, message->round);
		cbor_put_id(out, &message->id.peer);
		break;
	case ANNOUNCE_NEIGHBOR:
		cbor_put_bool(out, message->flag);
		break;
	case ANNOUNCE_SHUFFLE:
	case ANNOUNCE_SHUFFLE_REPLY:
		put_ids(out, message->way, message->way_count);
		put_ids(out, message->sample, message->sample_count);
		break;
	case ANNOUNCE_IHAVE:
		put_haves(out, message);
		break;
	case ANNOUNCE_GRAFT:
		cbor_put_bool(out, message->flag);
		put_version(out, &message->id);
		cbor_put_bool(out, message->id.is_goodbye);
		break;
	case ANNOUNCE_PROBE:
		cbor_put_id(out, &message->id.peer);
		break;
	case ANNOUNCE_PROBED:
		cbor_put_id(out, &message->id.peer);
		cbor_put_bool(out, message->flag);
		break;
	case ANNOUNCE_SUSPECT:
		put_version(out, &message->id);
		break;
	case ANNOUNCE_WANT:
		put_version(out, &message->id);
		cbor_put_bool(out, message->id.is_goodbye);
		break;
	case ANNOUNCE_JOIN:
	case ANNOUNCE_PRUNE:
	case ANNOUNCE_PING:
		break;
	}
}

struct blob *announce_wire_put(const struct announce_message *message)
{
	struct buffer out = {0};
	struct blob *blob;

	ASSERT(message->way_count <= ANNOUNCE_WAY_MAX && message->sample_count <= ANNOUNCE_SAMPLE_MAX);
	cbor_put_array(&out, items_of(message));
	cbor_put_uint(&out, message->kind);
	put_rest(&out, message);
	blob = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	ASSERT(blob_size(blob) <= FRAME_ANNOUNCE_MAX);
	return blob;
}

/* --- reading --- */

static size_t get_ids(struct cbor *in, struct id *id, size_t most)
{
	size_t count = cbor_array(in, most);

	for (size_t i = 0; i < count; i++)
		id[i] = cbor_id(in);
	return count;
}

static void get_version(struct cbor *in, struct message_id *id)
{
	id->peer = cbor_id(in);
	id->version.start = cbor_uint(in);
	id->version.update = cbor_uint(in);
}

/* A hop count only steers the shape of the tree: a lie about it is cut, not punished. */
static unsigned get_round(struct cbor *in)
{
	uint64_t round = cbor_uint(in);

	return round > ANNOUNCE_ROUND_MAX ? ANNOUNCE_ROUND_MAX : (unsigned)round;
}

static void get_whole(struct cbor *in, struct announce_message *out)
{
	for (size_t i = 0; i < out->whole_count; i++) {
		out->whole[i].round = get_round(in);
		out->whole[i].signed_bytes = cbor_bytes(in);
	}
}

static void get_haves(struct cbor *in, struct announce_message *out)
{
	out->have_count = cbor_array(in, ANNOUNCE_HAVE_MAX);
	for (size_t i = 0; i < out->have_count; i++) {
		cbor_array_of(in, 5);
		get_version(in, &out->have[i].id);
		out->have[i].id.is_goodbye = cbor_bool(in);
		out->have[i].round = get_round(in);
	}
}

static void get_rest(struct cbor *in, struct announce_message *out)
{
	switch (out->kind) {
	case ANNOUNCE_GOSSIP:
		get_whole(in, out);
		break;
	case ANNOUNCE_FORWARD_JOIN:
		out->round = get_round(in);
		out->id.peer = cbor_id(in);
		break;
	case ANNOUNCE_NEIGHBOR:
		out->flag = cbor_bool(in);
		break;
	case ANNOUNCE_SHUFFLE:
	case ANNOUNCE_SHUFFLE_REPLY:
		out->way_count = get_ids(in, out->way, ANNOUNCE_WAY_MAX);
		out->sample_count = get_ids(in, out->sample, ANNOUNCE_SAMPLE_MAX);
		break;
	case ANNOUNCE_IHAVE:
		get_haves(in, out);
		break;
	case ANNOUNCE_GRAFT:
		out->flag = cbor_bool(in);
		get_version(in, &out->id);
		out->id.is_goodbye = cbor_bool(in);
		break;
	case ANNOUNCE_PROBE:
		out->id.peer = cbor_id(in);
		break;
	case ANNOUNCE_PROBED:
		out->id.peer = cbor_id(in);
		out->flag = cbor_bool(in);
		break;
	case ANNOUNCE_SUSPECT:
		get_version(in, &out->id);
		break;
	case ANNOUNCE_WANT:
		get_version(in, &out->id);
		out->id.is_goodbye = cbor_bool(in);
		break;
	case ANNOUNCE_JOIN:
	case ANNOUNCE_PRUNE:
	case ANNOUNCE_PING:
		break;
	}
}

enum error announce_wire_get(struct bytes data, struct announce_message *out)
{
	struct announce_message message = {0};
	struct cbor in;
	size_t items;
	uint64_t kind;

	cbor_init(&in, data);
	items = cbor_array(&in, 1 + 2 * ANNOUNCE_GOSSIP_MAX);
	kind = cbor_uint(&in);
	if (kind < ANNOUNCE_GOSSIP || kind > ANNOUNCE_WANT)
		return ERROR_MALFORMED;
	message.kind = (enum announce_kind)kind;
	message.whole_count = kind == ANNOUNCE_GOSSIP ? items / 2 : 0;
	if (items != items_of(&message) || (kind == ANNOUNCE_GOSSIP && message.whole_count == 0))
		return ERROR_MALFORMED;
	get_rest(&in, &message);
	if (cbor_end(&in) != OK)
		return ERROR_MALFORMED;
	*out = message;
	return OK;
}
