/*
 * machine.c - the outbox: what a machine wants done, in order.
 *
 *      effect  [ taken | taken | waiting | waiting | free | free ]
 *                              ^ first             ^ count         ^ capacity
 *
 * A machine puts in during one call and the driver takes out after it, so the array is empty again and again and
 * starts over at its front; after the first few calls nothing is allocated. A driver that leaves effects waiting
 * makes the taken part pile up at the front: it is moved away when it is at least half of a full array, so that
 * every move is paid for by as many effects taken before.
 */
#include "base/machine.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

static void make_room(struct outbox *out)
{
	ASSERT(out->first <= out->count && out->count <= out->capacity);
	if (out->count < out->capacity)
		return;
	if (out->first > 0 && out->first >= out->capacity / 2) {
		ASSERT(out->effect != NULL);
		out->count -= out->first;
		memmove(out->effect, out->effect + out->first, out->count * sizeof(*out->effect));
		out->first = 0;
		return;
	}
	out->effect = memory_grow(out->effect, &out->capacity, out->count + 1, sizeof(*out->effect));
}

static struct effect *put(struct outbox *out, enum effect_kind kind, link_id link)
{
	struct effect *effect;

	ASSERT(link != 0);
	make_room(out);
	ASSERT(out->effect != NULL && out->count < out->capacity);
	effect = &out->effect[out->count++];
	*effect = (struct effect){.kind = kind, .protocol = out->protocol, .link = link};
	return effect;
}

void outbox_fini(struct outbox *out)
{
	struct effect effect;

	while (outbox_next(out, &effect))
		effect_drop(&effect);
	memory_free(out->effect);
	*out = (struct outbox){0};
}

link_id outbox_connect(struct outbox *out, const struct dial *dial)
{
	link_id link;

	ASSERT(dial->count <= DIAL_ADDRESSES_MAX);
	/* Who neither names a peer nor an address dials nobody. */
	ASSERT(dial->count > 0 || !id_is_zero(&dial->peer));
	if (out->next_link == 0)
		out->next_link = 2;
	link = out->next_link;
	ASSERT(link % 2 == 0);
	out->next_link += 2;
	put(out, EFFECT_CONNECT, link)->dial = memory_copy(dial, sizeof(*dial));
	return link;
}

void outbox_send(struct outbox *out, link_id link, struct blob *payload)
{
	ASSERT(blob_size(payload) > 0);   /* the frame reader at the other end refuses empty messages */
	put(out, EFFECT_SEND, link)->payload = payload;
}

void outbox_consumed(struct outbox *out, link_id link, size_t bytes)
{
	struct effect *last = out->count > out->first ? &out->effect[out->count - 1] : NULL;

	if (bytes == 0)
		return;
	/* A reader reports record by record; the driver should hear once. */
	if (last != NULL && last->kind == EFFECT_CONSUMED && last->link == link && last->protocol == out->protocol) {
		ASSERT(bytes <= SIZE_MAX - last->bytes);
		last->bytes += bytes;
		return;
	}
	put(out, EFFECT_CONSUMED, link)->bytes = bytes;
}

void outbox_close(struct outbox *out, link_id link, enum error reason)
{
	put(out, EFFECT_CLOSE, link)->reason = reason;
}

bool outbox_next(struct outbox *out, struct effect *effect)
{
	ASSERT(out->first <= out->count);
	if (out->first == out->count) {
		out->first = out->count = 0;
		return false;
	}
	*effect = out->effect[out->first++];
	return true;
}

void effect_drop(struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_CONNECT:
		memory_free(effect->dial);
		effect->dial = NULL;
		break;
	case EFFECT_SEND:
		blob_drop(effect->payload);
		effect->payload = NULL;
		break;
	case EFFECT_CONSUMED:
	case EFFECT_CLOSE:
		break;
	}
}
