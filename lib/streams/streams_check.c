/*
 * streams_check.c - every invariant of the machine, as an executable text. Simulators and fuzzers call it after each
 * step.
 */
#include "streams/streams_internal.h"

#include "base/check.h"

/* A link and who uses it point at each other, or neither does. */
static void check_link(const struct stream_link *link, link_id key)
{
	ASSERT(link->id == key);
	ASSERT((link->role == LINK_SUBSCRIBER) == (link->subscription != NULL));
	ASSERT((link->role == LINK_SOURCE) == (link->source != NULL));
	ASSERT((link->role == LINK_WAITING) == (link->waits_for != NULL));
	ASSERT(link->criteria == NULL || link->role == LINK_WAITING);
	ASSERT((link->role != LINK_GUEST && link->role != LINK_REFUSED) || stream_timer_is_set(&link->timer));
	ASSERT((link->role != LINK_SOURCE && link->role != LINK_CLOSED) || !stream_timer_is_set(&link->timer));
	ASSERT(link->subscription == NULL || link->subscription->link == link);
	ASSERT(link->source == NULL || link->source->link == link);
	if (link->role == LINK_SUBSCRIBER || link->role == LINK_SOURCE)
		ASSERT((link->id % 2 == 1) == (link->role == LINK_SUBSCRIBER));
}

static void check_queue(const struct subscription *subscription)
{
	const struct subscription_queue *queue = &subscription->queue;
	uint64_t records = 0;
	size_t bytes = 0;

	ASSERT(queue->first <= queue->count && queue->count <= queue->capacity);
	for (size_t i = queue->first; i < queue->count; i++) {
		records += queue->item[i].records;
		bytes += blob_size(queue->item[i].message);
	}
	ASSERT(queue->records == records && queue->bytes == bytes);
	/* Nothing waits without a reason, and with block there is none. */
	ASSERT(queue->first == queue->count || subscription_is_full(subscription));
	ASSERT(queue->count == 0 || subscription->producer->options.on_slow != SLOW_BLOCK);
}

static void check_line(const struct producer *producer)
{
	size_t waiting = 0;

	LIST_EACH(node, &producer->waiting) {
		const struct stream_link *link = LIST_OF(node, struct stream_link, place);

		ASSERT(link->role == LINK_WAITING && link->waits_for == producer);
		waiting++;
	}
	ASSERT(waiting == producer->waiting_count && waiting <= producer->options.waiting_max);
	ASSERT(waiting == 0 || producer->subscriptions.count == producer->options.subscribers_max);
	ASSERT(waiting == 0 || !producer->ended);
}

static void check_subscription(const struct subscription *subscription, const struct producer *producer)
{
	const struct producer_options *options = &producer->options;

	ASSERT(subscription->producer == producer);
	ASSERT(subscription->link->subscription == subscription);
	ASSERT(subscription->tally.count <= producer->next);
	ASSERT(subscription->tally.bytes >= subscription->tally.count);
	check_queue(subscription);
	ASSERT(subscription->ended == producer->ended);
	/* Nobody waits without a limit but those that may. */
	if (subscription->outstanding > 0 && options->max_stall != MSEC_NEVER)
		ASSERT(stream_timer_is_set(&subscription->timer));
	if (subscription->outstanding == 0 && subscription->ended && options->linger != MSEC_NEVER)
		ASSERT(stream_timer_is_set(&subscription->timer));
}

static void check_producer(const struct producer *producer, const struct id *key)
{
	size_t full = 0, filtering = 0;

	ASSERT(id_equal(&producer->options.stream, key));
	ASSERT(producer->subscriptions.count <= producer->options.subscribers_max);
	for (size_t i = 0; i < producer->subscriptions.count; i++) {
		const struct subscription *subscription = producer->subscriptions.slot[i].value;

		ASSERT(subscription->link->id == producer->subscriptions.slot[i].key);
		check_subscription(subscription, producer);
		full += subscription_is_full(subscription);
		filtering += subscription->criteria != NULL;
	}
	/* What producer_has_room answers from must be what a search would find. */
	ASSERT(producer->full == full);
	ASSERT(producer->choked == (full > 0));
	ASSERT(producer->filtering == filtering);
	check_line(producer);
}

static void check_source(const struct source *source, const struct consumer *consumer)
{
	bool has_timer = source->state == SOURCE_SUBSCRIBING || source->state == SOURCE_WAITING;
	bool must_have_link = source->state == SOURCE_CONNECTING || source->state == SOURCE_SUBSCRIBING ||
		source->state == SOURCE_QUEUED || source->state == SOURCE_RUNNING || source->state == SOURCE_ENDING;
	bool may_have_link = must_have_link || source->state == SOURCE_ENDED;

	ASSERT(source->consumer == consumer);
	ASSERT(stream_timer_is_set(&source->timer) == has_timer);
	ASSERT(!must_have_link || source->link != NULL);
	ASSERT(may_have_link || source->link == NULL);
	ASSERT(source->link == NULL || source->link->source == source);
	ASSERT(source->refusal == NULL || source->state == SOURCE_SUBSCRIBING || source->state == SOURCE_QUEUED);
	ASSERT(source->retry >= CONSUMER_RETRY_MIN && source->retry <= CONSUMER_RETRY_MAX);
	ASSERT(list_is_linked(&source->absent) == (source->state == SOURCE_ABSENT));
	ASSERT(source->state != SOURCE_RUNNING || source->knows_next);
	ASSERT(source->state != SOURCE_ABSENT || source->knows_next != source->end_seen);
	ASSERT(!source->end_seen || source->state == SOURCE_ABSENT);
	ASSERT(!source->doubted || source->unlisted);
	ASSERT(!source->unlisted || source->state == SOURCE_RUNNING || source->state == SOURCE_ENDING ||
		source->state == SOURCE_ENDED);
	ASSERT(!source->unlisted || source->link != NULL);
}

static void check_consumer(const struct consumer *consumer)
{
	size_t absent = 0;

	for (size_t i = 0; i < consumer->sources.count; i++) {
		const struct source *source = consumer->sources.slot[i].value;

		ASSERT(id_equal(&source->peer, &consumer->sources.slot[i].key));
		check_source(source, consumer);
		absent += source->state == SOURCE_ABSENT;
	}
	ASSERT(absent == consumer->absent_count);
}

static void check_facts(const struct facts *facts)
{
	ASSERT(facts->first <= facts->count && facts->count <= facts->capacity);
	for (size_t i = facts->first; i < facts->count; i++) {
		const struct streams_fact *fact = &facts->fact[i];

		ASSERT((fact->producer == NULL) != (fact->consumer == NULL));
		if (fact->kind != CONSUMER_LOST || fact->reason != ERROR_NOT_ALLOWED)
			ASSERT((fact->kind == CONSUMER_BATCH || fact->kind == PRODUCER_UNDELIVERED) == (fact->message != NULL));
		ASSERT(fact->message == NULL || fact->message->references > 0);
	}
}

void streams_check(const void *self)
{
	const struct streams *streams = self;

	for (size_t i = 0; i < streams->links.count; i++)
		check_link(streams->links.slot[i].value, streams->links.slot[i].key);
	for (size_t i = 0; i < streams->producers.count; i++)
		check_producer(streams->producers.slot[i].value, &streams->producers.slot[i].key);
	LIST_EACH(node, &streams->consumers)
		check_consumer(LIST_OF(node, struct consumer, place));
	check_facts(&streams->facts);
}
