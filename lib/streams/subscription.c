/*
 * subscription.c - one subscriber of one producer.
 *
 *      new: STARTED --> batches ... --> END --> END_ACK: departed, acknowledged
 *           \_____________\___________\______ link lost, or nothing acknowledged for too long: departed
 *
 * Patience. While something is outstanding the subscriber has max_stall from one acknowledgement of the transport to
 * the next; when everything is acknowledged and END was sent, it has linger to say END_ACK. Acknowledgements come
 * without a time (machine.h: sent), so they are only marked, and a timer that fires every quarter of the patience puts
 * the time to the mark. A stall is therefore never seen early and at most a quarter late.
 *
 * Queue. Where a slow subscriber must not hold up the others (policies disconnect and drop), messages for a full link wait
 * here, and go on as the link is acknowledged. It is bounded in records and in bytes; only an END and what belongs to it
 * is always taken, and one batch when the queue is empty, or a batch larger than the bound could never pass.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/limits.h"

#include <string.h>

#define PATIENCE_SLICES 4

static msec patience(const struct subscription *subscription)
{
	const struct producer_options *options = &subscription->producer->options;

	if (subscription->outstanding > 0)
		return options->max_stall;
	return subscription->ended ? options->linger : MSEC_NEVER;
}

static void arm(struct subscription *subscription, msec now)
{
	msec limit = patience(subscription);
	msec due = MSEC_NEVER;

	if (limit != MSEC_NEVER) {
		msec slice = limit / PATIENCE_SLICES > 0 ? limit / PATIENCE_SLICES : 1;

		due = msec_min(stream_timer_after(now, slice), stream_timer_after(subscription->quiet_since, limit));
	}
	stream_timer_set(subscription->producer->streams, &subscription->timer, due);
}

struct subscription *subscription_new(struct producer *producer, msec now, struct stream_link *link,
	struct criteria *criteria)
{
	struct subscription *subscription = memory_new(sizeof(*subscription));

	ASSERT((link->role == LINK_GUEST || link->role == LINK_WAITING) && link->subscription == NULL);
	ASSERT(link->waits_for == NULL);
	subscription->criteria = criteria;
	subscription->producer = producer;
	subscription->link = link;
	subscription->since = subscription->quiet_since = now;
	subscription->timer.kind = TIMER_SUBSCRIPTION;
	stream_tally_init(&subscription->tally);
	link->role = LINK_SUBSCRIBER;
	link->subscription = subscription;
	return subscription;
}

void subscription_drop(struct subscription *subscription)
{
	struct subscription_queue *queue = &subscription->queue;

	ASSERT(subscription->link->subscription == subscription);
	subscription->link->subscription = NULL;
	stream_timer_set(subscription->producer->streams, &subscription->timer, MSEC_NEVER);
	for (size_t i = queue->first; i < queue->count; i++)
		blob_drop(queue->item[i].message);
	memory_free(queue->item);
	criteria_free(subscription->criteria);
	memory_free(subscription);
}

bool subscription_is_full(const struct subscription *subscription)
{
	return subscription->outstanding >= LINK_OUTSTANDING_MAX;
}

void subscription_send(struct subscription *subscription, msec now, struct blob *message, struct outbox *out)
{
	bool was_full = subscription_is_full(subscription);
	bool was_quiet = subscription->outstanding == 0;

	ASSERT(subscription->link->role == LINK_SUBSCRIBER);
	ASSERT(!subscription->ended);
	subscription->outstanding += blob_size(message);
	outbox_send(out, subscription->link->id, message);
	producer_note_full(subscription->producer, was_full, subscription_is_full(subscription));
	if (was_quiet) {
		subscription->quiet_since = now;   /* idle time is no stall */
		subscription->progressed = false;
		arm(subscription, now);
	}
}

/* ---- the queue ---- */

static void enqueue(struct subscription *subscription, struct blob *message, uint64_t records)
{
	struct subscription_queue *queue = &subscription->queue;

	/* What was sent is in front; it is squeezed out when it is the larger part. */
	if (queue->first > 0 && queue->first >= queue->count / 2) {
		queue->count -= queue->first;
		memmove(queue->item, queue->item + queue->first, queue->count * sizeof(*queue->item));
		queue->first = 0;
	}
	queue->item = memory_grow(queue->item, &queue->capacity, queue->count + 1, sizeof(*queue->item));
	queue->item[queue->count++] = (struct queued){message, records};
	queue->records += records;
	queue->bytes += blob_size(message);
}

static bool queue_is_empty(const struct subscription *subscription)
{
	return subscription->queue.first == subscription->queue.count;
}

static bool queue_takes(const struct subscription *subscription, const struct offer *offer)
{
	const struct subscription_queue *queue = &subscription->queue;

	if (queue_is_empty(subscription))
		return true;
	return queue->records + offer->records <= subscription->producer->options.buffer &&
		queue->bytes + blob_size(offer->message) <= STREAM_QUEUE_BYTES_MAX;
}

/* The link took some: as much of the queue follows as it has room for. The patience timer is running. */
static void drain(struct subscription *subscription, struct outbox *out)
{
	struct subscription_queue *queue = &subscription->queue;

	while (!queue_is_empty(subscription) && !subscription_is_full(subscription)) {
		struct queued next = queue->item[queue->first++];

		queue->records -= next.records;
		queue->bytes -= blob_size(next.message);
		subscription->outstanding += blob_size(next.message);
		outbox_send(out, subscription->link->id, next.message);
	}
}

/* In order: behind what waits already. message: taken. */
static void pass(struct subscription *subscription, msec now, struct blob *message, struct outbox *out)
{
	if (queue_is_empty(subscription))
		subscription_send(subscription, now, message, out);
	else
		enqueue(subscription, message, 0);
}

bool subscription_offer(struct subscription *subscription, msec now, const struct offer *offer, struct outbox *out)
{
	bool waits = subscription_is_full(subscription) || !queue_is_empty(subscription);

	ASSERT(!waits || subscription->producer->options.on_slow != SLOW_BLOCK);
	if (waits && !queue_takes(subscription, offer)) {
		subscription->dropped += offer->records;
		return false;
	}
	stream_tally_add(&subscription->tally, &offer->digest, offer->bytes, offer->records);
	if (waits)
		enqueue(subscription, blob_keep(offer->message), offer->records);
	else
		subscription_send(subscription, now, blob_keep(offer->message), out);
	return true;
}

void subscription_end(struct subscription *subscription, msec now, struct outbox *out)
{
	struct stream_sum sum = stream_tally_sum(&subscription->tally);

	/* Without a record behind them nobody would see that the last ones were left out. */
	if (subscription->dropped > 0)
		pass(subscription, now, stream_wire_next(subscription->producer->next, subscription->skipped), out);
	pass(subscription, now, stream_wire_end(&sum), out);
	subscription->ended = true;
}

void subscription_sent(struct subscription *subscription, size_t bytes, struct outbox *out)
{
	bool was_full = subscription_is_full(subscription);

	ASSERT(bytes <= subscription->outstanding);
	subscription->outstanding -= bytes;
	subscription->progressed = true;
	drain(subscription, out);
	producer_note_full(subscription->producer, was_full, subscription_is_full(subscription));
	/* From here on another patience counts, and the timer may be far away: it has to look at the clock now. */
	if (subscription->outstanding == 0 && subscription->ended)
		stream_timer_set(subscription->producer->streams, &subscription->timer, 0);
}

void subscription_tick(struct subscription *subscription, msec now, struct outbox *out)
{
	struct producer *producer = subscription->producer;
	struct stream_link *link = subscription->link;
	msec limit = patience(subscription);

	if (subscription->progressed) {
		subscription->progressed = false;
		subscription->quiet_since = now;
	}
	ASSERT(now >= subscription->quiet_since);
	if (limit == MSEC_NEVER || now - subscription->quiet_since < limit) {
		arm(subscription, now);
		return;
	}
	producer_depart(producer, now, subscription, (struct departure){.reason = ERROR_TOO_SLOW});
	streams_close_link(producer->streams, link, ERROR_TOO_SLOW, out);
	producer_admit(producer, now, out);
}

enum error subscription_receive(struct subscription *subscription, msec now, const struct stream_message *message,
	struct outbox *out)
{
	struct producer *producer = subscription->producer;
	struct stream_link *link = subscription->link;

	if (message->kind != STREAM_END_ACK || !subscription->ended)
		return ERROR_MALFORMED;
	producer_depart(producer, now, subscription,
		(struct departure){.reason = OK, .acknowledged = true, .verified = message->verified});
	streams_close_link(producer->streams, link, OK, out);
	producer_admit(producer, now, out);
	return OK;
}
