/*
 * producer.c - one stream of this node: numbers the records, hashes and encodes each batch once, hands it to every
 * subscriber.
 *
 * Room is counted, not searched: `full` is the number of subscriptions that reached LINK_OUTSTANDING_MAX, so asking
 * costs the same with one subscriber and with a thousand. One slow subscriber stops the stream for all (policy block)
 * until it moves, leaves, or has stalled for max_stall.
 *
 * Invariants: `full` equals the number of full subscriptions; `choked` is true whenever `full` > 0, and stays true
 * until PRODUCER_ROOM was put for its owner; the tally of a subscription counts batches written since it started.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/memory.h"
#include "wire/limits.h"

static struct subscription *subscription_at(const struct producer *producer, size_t n)
{
	ASSERT(n < producer->subscriptions.count);
	return producer->subscriptions.slot[n].value;
}

static void log_peer(const struct producer *producer, msec now, const char *event, const struct stream_link *link,
	enum error reason)
{
	streams_log(producer->streams, LOG_INFO, now,
		&(struct streams_event){event, &producer->options.stream, &link->peer, reason, 0});
}

static struct streams_fact *put_fact(struct producer *producer, enum streams_fact_kind kind,
	const struct stream_link *link)
{
	struct streams_fact *fact = facts_put(&producer->streams->facts, kind);

	fact->producer = producer;
	if (link != NULL) {
		fact->peer = link->peer;
		fact->link = link->id;
	}
	return fact;
}

struct producer *producer_new(struct streams *streams, msec now, const struct producer_options *options)
{
	struct producer *producer = memory_new(sizeof(*producer));

	ASSERT(now >= 0);
	ASSERT(options->max_stall >= 0 && options->linger >= 0);
	ASSERT(id_table_get(&streams->producers, &options->stream) == NULL);
	producer->streams = streams;
	producer->options = *options;
	if (options->subscribers_max == 0 || options->subscribers_max > STREAM_SUBSCRIBERS_MAX)
		producer->options.subscribers_max = STREAM_SUBSCRIBERS_MAX;
	id_table_put(&streams->producers, &options->stream, producer);
	return producer;
}

void producer_free(struct streams *streams, struct producer *producer, struct outbox *out)
{
	if (producer == NULL)
		return;
	ASSERT(producer->streams == streams);
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		streams_close_link(streams, subscription_at(producer, i)->link, ERROR_GRACEFUL, out);
	facts_forget(&streams->facts, producer, NULL);
	id_table_remove(&streams->producers, &producer->options.stream);
	producer_drop(producer);
}

void producer_drop(struct producer *producer)
{
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		subscription_drop(subscription_at(producer, i));
	number_table_fini(&producer->subscriptions);
	memory_free(producer);
}

struct id producer_stream(const struct producer *producer)
{
	return producer->options.stream;
}

size_t producer_subscribers(const struct producer *producer)
{
	return producer->subscriptions.count;
}

bool producer_has_room(const struct producer *producer)
{
	return producer->full == 0;
}

void producer_write(struct streams *streams, msec now, struct producer *producer, struct batch batch,
	struct outbox *out)
{
	size_t bytes = blob_size(batch.blob);
	struct id digest;

	ASSERT(producer->streams == streams && !producer->ended && producer_has_room(producer));
	ASSERT(batch.blob->start >= BATCH_HEADROOM && batch.blob->references == 1);
	ASSERT(batch.count > 0 && bytes >= batch.count && bytes <= FRAME_MAX);
	ASSERT(producer->next <= UINT64_MAX - batch.count);
	/* Hashing is most of the work: once a batch, and not at all when nobody reads. */
	if (producer->subscriptions.count > 0) {
		digest = id_hash(blob_bytes(batch.blob));
		stream_wire_batch(batch.blob, producer->next, batch.count);
	}
	for (size_t i = 0; i < producer->subscriptions.count; i++) {
		struct subscription *subscription = subscription_at(producer, i);

		stream_tally_add(&subscription->tally, &digest, bytes, batch.count);
		subscription_send(subscription, now, blob_keep(batch.blob), out);
	}
	blob_drop(batch.blob);
	producer->next += batch.count;
}

void producer_end(struct streams *streams, msec now, struct producer *producer, struct outbox *out)
{
	ASSERT(producer->streams == streams);
	if (producer->ended)
		return;
	/* Also without room: one small message more, and a subscriber that is slow must hear of the end some day. */
	producer->ended = true;
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		subscription_end(subscription_at(producer, i), now, out);
}

bool producer_subscription(const struct producer *producer, size_t n, struct subscription_stats *stats)
{
	const struct subscription *subscription;

	if (n >= producer->subscriptions.count)
		return false;
	subscription = subscription_at(producer, n);
	*stats = (struct subscription_stats){
		.peer = subscription->link->peer,
		.link = subscription->link->id,
		.records = subscription->tally.count,
		.bytes = subscription->tally.bytes,
		.outstanding = subscription->outstanding,
		.since = subscription->since,
		.ended = subscription->ended,
	};
	return true;
}

void producer_accept(struct producer *producer, msec now, struct stream_link *link, struct outbox *out)
{
	struct subscription *subscription;

	if (producer->subscriptions.count >= producer->options.subscribers_max) {
		log_peer(producer, now, "subscriber-refused", link, ERROR_NO_CAPACITY);
		streams_close_link(producer->streams, link, ERROR_NO_CAPACITY, out);
		return;
	}
	subscription = subscription_new(producer, now, link);
	number_table_put(&producer->subscriptions, link->id, subscription);
	log_peer(producer, now, "subscriber-started", link, OK);
	/* Data starts with the next write, so STARTED is always ahead of it on the link. */
	put_fact(producer, PRODUCER_SUBSCRIBED, link)->sequence = producer->next;
	subscription_send(subscription, now, stream_wire_started(producer->next), out);
	if (producer->ended)
		subscription_end(subscription, now, out);
}

void producer_depart(struct producer *producer, msec now, struct subscription *subscription, struct departure how)
{
	struct stream_link *link = subscription->link;
	struct streams_fact *fact;
	void *removed = number_table_remove(&producer->subscriptions, link->id);

	ASSERT(removed == subscription);
	log_peer(producer, now, how.acknowledged ? "subscriber-done" : "subscriber-lost", link, how.reason);
	fact = put_fact(producer, PRODUCER_UNSUBSCRIBED, link);
	fact->reason = how.reason;
	fact->acknowledged = how.acknowledged;
	fact->verified = how.verified;
	fact->count = subscription->tally.count;
	producer_note_full(producer, subscription_is_full(subscription), false);
	subscription_drop(subscription);
}

void producer_note_full(struct producer *producer, bool was_full, bool is_full)
{
	if (was_full == is_full)
		return;
	/* The owner hears of room only after it was without; the last full one to move or leave gives it back. */
	ASSERT(is_full || producer->full > 0);
	producer->full = is_full ? producer->full + 1 : producer->full - 1;
	if (producer->full > 0) {
		producer->choked = true;
	} else if (producer->choked) {
		producer->choked = false;
		put_fact(producer, PRODUCER_ROOM, NULL);
	}
}
