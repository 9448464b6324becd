/*
 * streams.c - the machine: finds out whose link a word is about and passes it on.
 *
 *      linked, unlinked, receive, sent  ->  by link id  ->  subscription | source
 *      tick                             ->  by deadline ->  guest | subscription | source | what a peer is allowed
 *
 * A link that a peer opened is a guest until its first message says what it wants. Everything that a stranger can do
 * wrong before that ends here: no SUBSCRIBE in time, another message, an unknown stream, criteria that we cannot
 * apply (sending everything instead would be wrong in silence).
 *
 * Credit. Control messages are small and used up at once, so they are credited here; a batch is credited when its
 * reader is done with it (consumer_consumed). Hence credit_at_once = false.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/protocol.h"

#include <stdio.h>
#include <string.h>

#define NAME "streams"

/* ---- timers ---- */

void stream_timer_set(struct streams *streams, struct stream_timer *timer, msec due)
{
	ASSERT(due >= 0);
	if (due == MSEC_NEVER)
		heap_remove(&streams->timers, &timer->node);
	else
		heap_set(&streams->timers, &timer->node, (uint64_t)due);
}

bool stream_timer_is_set(const struct stream_timer *timer)
{
	return timer->node.place != 0;
}

msec stream_timer_after(msec now, msec span)
{
	ASSERT(now >= 0 && span >= 0);
	return span >= MSEC_NEVER - now ? MSEC_NEVER : now + span;
}

/* ---- links ---- */

struct stream_link *streams_add_link(struct streams *streams, link_id id, const struct id *peer, enum link_role role)
{
	struct stream_link *link = memory_new(sizeof(*link));

	ASSERT(number_table_get(&streams->links, id) == NULL);
	link->id = id;
	link->peer = *peer;
	link->role = role;
	link->timer.kind = TIMER_LINK;
	list_init(&link->place);
	number_table_put(&streams->links, id, link);
	return link;
}

void streams_close_link(struct streams *streams, struct stream_link *link, enum error reason, struct outbox *out)
{
	ASSERT(link->role != LINK_CLOSED);
	stream_timer_set(streams, &link->timer, MSEC_NEVER);
	link->role = LINK_CLOSED;
	outbox_close(out, link->id, reason);
}

void streams_refuse_link(struct streams *streams, msec now, struct stream_link *link, const struct ticket_lack *lack,
	struct outbox *out)
{
	struct blob *refused = stream_wire_refused(lack);

	/* Closing with a reason overtakes what was sent, so it waits until that is acknowledged. */
	link->role = LINK_REFUSED;
	link->early += blob_size(refused);
	stream_timer_set(streams, &link->timer, stream_timer_after(now, STREAM_REFUSAL_MAX));
	outbox_send(out, link->id, refused);
}

void streams_log(const struct streams *streams, enum log_level level, msec now, const struct streams_event *event)
{
	char stream[ID_SHORT_SIZE], peer[ID_SHORT_SIZE], records[32] = "";

	if (!log_wants(streams->log, level))
		return;
	id_format_short(event->stream, stream);
	id_format_short(event->peer, peer);
	if (event->records > 0)
		snprintf(records, sizeof(records), " records=%ju", (uintmax_t)event->records);
	log_event(streams->log, level, now, NAME, "%s stream=%s peer=%s%s%s%s", event->event, stream, peer, records,
		event->reason == OK ? "" : " reason=", event->reason == OK ? "" : error_name(event->reason));
}

static struct stream_link *link_of(const struct streams *streams, link_id id)
{
	struct stream_link *link = number_table_get(&streams->links, id);

	ASSERT(link != NULL);   /* the driver speaks of a link between its first word and its last */
	return link;
}

static void refuse(struct streams *streams, msec now, struct stream_link *link,
	const struct streams_event *event, struct outbox *out)
{
	streams_log(streams, LOG_DEBUG, now, event);
	streams_close_link(streams, link, event->reason, out);
}

static enum error receive_from_guest(struct streams *streams, msec now, struct stream_link *link,
	const struct stream_message *message, struct outbox *out)
{
	struct producer *producer = id_table_get(&streams->producers, &message->stream);
	struct streams_event refusal = {"guest-refused", &message->stream, &link->peer, OK, 0};
	struct criteria *criteria = NULL;

	if (message->kind != STREAM_SUBSCRIBE)
		return ERROR_MALFORMED;
	stream_timer_set(streams, &link->timer, MSEC_NEVER);
	if (producer == NULL)
		refusal.reason = ERROR_STREAM_NOT_FOUND;
	else if (message->criteria.size > 0 && criteria_new(message->criteria, &criteria) != OK)
		refusal.reason = ERROR_NOT_ALLOWED;
	if (refusal.reason != OK)
		refuse(streams, now, link, &refusal, out);
	else
		producer_accept(producer, now, link, criteria, out);
	return OK;
}

/* ---- the machine's doors ---- */

static void linked(void *self, msec now, const struct link *opened, struct outbox *out)
{
	struct streams *streams = self;
	struct stream_link *link = number_table_get(&streams->links, opened->id);

	if (link == NULL) {
		ASSERT(opened->id % 2 == 1);
		link = streams_add_link(streams, opened->id, &opened->peer, LINK_GUEST);
		stream_timer_set(streams, &link->timer, stream_timer_after(now, STREAM_HANDSHAKE_MAX));
	} else if (link->role != LINK_CLOSED) {   /* else the consumer changed its mind while it was dialled */
		ASSERT(link->role == LINK_SOURCE && id_equal(&link->peer, &opened->peer));
		source_linked(link->source, now, out);
	}
}

static void unlinked(void *self, msec now, link_id id, enum error reason, struct outbox *out)
{
	struct streams *streams = self;
	struct stream_link *link = link_of(streams, id);

	/* A good end comes only after an acknowledged END, and then the link is ours to close. */
	if (reason == OK)
		reason = ERROR_UNEXPECTED_CLOSE;
	if (link->role == LINK_SUBSCRIBER) {
		struct producer *producer = link->subscription->producer;

		producer_depart(producer, now, link->subscription, (struct departure){.reason = reason});
		producer_admit(producer, now, out);
	} else if (link->role == LINK_WAITING) {
		producer_unqueue(link);
	} else if (link->role == LINK_SOURCE) {
		source_unlinked(link->source, now, reason);
	}
	ASSERT(link->subscription == NULL && link->source == NULL);
	stream_timer_set(streams, &link->timer, MSEC_NEVER);
	number_table_remove(&streams->links, id);
	memory_free(link);
}

static enum error receive(void *self, msec now, link_id id, struct blob *blob, struct outbox *out)
{
	struct streams *streams = self;
	struct stream_link *link = link_of(streams, id);
	struct stream_message message;

	if (link->role == LINK_CLOSED || link->role == LINK_REFUSED)
		return OK;   /* it crossed our close */
	if (stream_wire_decode(blob_bytes(blob), &message) != OK)
		return ERROR_MALFORMED;
	/* Before the link may be closed by what it says: nothing is asked of a driver about a closed link. */
	if (message.kind != STREAM_BATCH && message.kind != STREAM_PICKED)
		outbox_consumed(out, id, blob_size(blob));
	if (link->role == LINK_WAITING)
		return ERROR_MALFORMED;
	if (link->role == LINK_SUBSCRIBER)
		return subscription_receive(link->subscription, now, &message, out);
	if (link->role == LINK_SOURCE)
		return source_receive(link->source, now, &(struct arrival){blob, &message}, out);
	return receive_from_guest(streams, now, link, &message, out);
}

static void sent(void *self, link_id id, size_t bytes, struct outbox *out)
{
	struct streams *streams = self;
	struct stream_link *link = link_of(streams, id);
	size_t early = bytes < link->early ? bytes : link->early;

	/* In order, so what was sent before there was a subscription comes first. */
	link->early -= early;
	if (link->role == LINK_SUBSCRIBER && bytes > early)
		subscription_sent(link->subscription, bytes - early, out);
	else if (link->role == LINK_REFUSED && link->early == 0)
		streams_close_link(streams, link, ERROR_NOT_ALLOWED, out);
}

static void tick_one(struct streams *streams, msec now, struct stream_timer *timer, struct outbox *out)
{
	struct stream_link *link;

	switch (timer->kind) {
	case TIMER_LINK:
		link = LIST_OF(timer, struct stream_link, timer);
		if (link->role == LINK_GUEST)
			streams_close_link(streams, link, ERROR_TOO_SLOW, out);
		else if (link->role == LINK_REFUSED)
			streams_close_link(streams, link, ERROR_NOT_ALLOWED, out);
		else
			producer_judge_link(link, now, out);
		break;
	case TIMER_SUBSCRIPTION:
		subscription_tick(LIST_OF(timer, struct subscription, timer), now, out);
		break;
	case TIMER_SOURCE:
		source_tick(LIST_OF(timer, struct source, timer), now, out);
		break;
	}
}

static void tick(void *self, msec now, struct outbox *out)
{
	struct streams *streams = self;
	struct heap_node *first;

	/* Whoever is ticked sets its timer to later or stops it, so this ends. */
	while ((first = heap_first(&streams->timers)) != NULL && first->key <= (uint64_t)now)
		tick_one(streams, now, LIST_OF(first, struct stream_timer, node), out);
}

static msec deadline(const void *self)
{
	const struct heap_node *first = heap_first(&((const struct streams *)self)->timers);

	return first == NULL ? MSEC_NEVER : (msec)first->key;
}

const struct machine_ops streams_ops = {
	.protocol = PROTOCOL_STREAMS,
	.credit_at_once = false,
	.linked = linked,
	.unlinked = unlinked,
	.receive = receive,
	.sent = sent,
	.tick = tick,
	.deadline = deadline,
	.check = streams_check,
};

/* ---- the owner's doors ---- */

struct streams *streams_new(const struct streams_options *options, msec now)
{
	struct streams *streams = memory_new(sizeof(*streams));
	uint64_t own;

	ASSERT(now >= 0);
	streams->log = options->log;
	streams->catalog = options->catalog;
	/* Nodes that were given one seed must not come back to a producer in step. */
	memcpy(&own, options->self.byte, sizeof(own));
	rng_init(&streams->rng, options->seed ^ own);
	list_init(&streams->consumers);
	return streams;
}

void streams_free(struct streams *streams)
{
	if (streams == NULL)
		return;
	/* Owners of links first: they let go of them. */
	for (size_t i = 0; i < streams->producers.count; i++)
		producer_drop(streams->producers.slot[i].value);
	while (!list_is_empty(&streams->consumers))
		consumer_drop(LIST_OF(streams->consumers.next, struct consumer, place));
	heap_fini(&streams->timers);   /* before the guests whose timers are in it */
	for (size_t i = 0; i < streams->links.count; i++)
		memory_free(streams->links.slot[i].value);
	facts_fini(&streams->facts);
	id_table_fini(&streams->producers);
	number_table_fini(&streams->links);
	memory_free(streams);
}

bool streams_next_fact(struct streams *streams, struct streams_fact *fact)
{
	return facts_next(&streams->facts, fact);
}
