/*
 * consumer.c - one reader of a stream: a table of sources (source.c), one a producer peer, in the order of their ids.
 *
 * The sources live their own lives; what stands here is the owner's door to them. The owner speaks of peers when it
 * repeats the catalog and of links when it speaks of data, because the data of a link may outlive the link.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/memory.h"

static struct source *source_at(const struct consumer *consumer, size_t n)
{
	ASSERT(n < consumer->sources.count);
	return consumer->sources.slot[n].value;
}

struct consumer *consumer_new(struct streams *streams, msec now, const struct consumer_options *options)
{
	struct consumer *consumer = memory_new(sizeof(*consumer));

	ASSERT(now >= 0);
	ASSERT(options->record_max > 0);
	consumer->streams = streams;
	consumer->options = *options;
	list_init(&consumer->absent);
	list_append(&streams->consumers, &consumer->place);
	return consumer;
}

void consumer_free(struct streams *streams, struct consumer *consumer, struct outbox *out)
{
	if (consumer == NULL)
		return;
	ASSERT(consumer->streams == streams);
	for (size_t i = 0; i < consumer->sources.count; i++) {
		const struct source *source = source_at(consumer, i);

		/* An acknowledgement on its way must still arrive; a reset would overtake it. */
		if (source->link != NULL)
			streams_close_link(streams, source->link, source->state == SOURCE_ENDED ? OK : ERROR_CANCELLED, out);
	}
	facts_forget(&streams->facts, NULL, consumer);
	consumer_drop(consumer);
}

void consumer_drop(struct consumer *consumer)
{
	/* From the back, where removing moves nothing. */
	while (consumer->sources.count > 0)
		source_drop(source_at(consumer, consumer->sources.count - 1));
	ASSERT(list_is_empty(&consumer->absent) && consumer->absent_count == 0);
	id_table_fini(&consumer->sources);
	list_remove(&consumer->place);
	memory_free(consumer);
}

void consumer_producer_found(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out)
{
	struct source *source = id_table_get(&consumer->sources, peer);

	ASSERT(consumer->streams == streams);
	if (source == NULL)
		source_connect(source_new(consumer, peer), now, out);
	else
		source_found(source, now, out);
}

void consumer_producer_renewed(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out)
{
	struct source *source = id_table_get(&consumer->sources, peer);

	if (source != NULL)
		source_forgotten(source);   /* the end of an older incarnation */
	source = id_table_get(&consumer->sources, peer);
	if (source == NULL || source->state == SOURCE_ABSENT)
		consumer_producer_found(streams, now, consumer, peer, out);
	else
		source_again(source, now, out);
}

void consumer_producer_doubted(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out)
{
	struct source *source = id_table_get(&consumer->sources, peer);

	ASSERT(consumer->streams == streams);
	if (source != NULL)
		source_doubt(source, now, out);
}

void consumer_producer_forgotten(struct streams *streams, struct consumer *consumer, const struct id *peer)
{
	struct source *source = id_table_get(&consumer->sources, peer);

	ASSERT(consumer->streams == streams);
	if (source != NULL)
		source_forgotten(source);
}

void consumer_producer_gone(struct streams *streams, msec now, struct consumer *consumer, const struct id *peer,
	struct outbox *out)
{
	struct source *source = id_table_get(&consumer->sources, peer);

	ASSERT(consumer->streams == streams);
	if (source != NULL)
		source_leave(source, now, out);
}

size_t consumer_producers(const struct consumer *consumer)
{
	size_t running = 0;

	for (size_t i = 0; i < consumer->sources.count; i++)
		running += source_at(consumer, i)->state == SOURCE_RUNNING;
	return running;
}

static enum channel_state channel_state(enum source_state state)
{
	static const enum channel_state states[] = {
		[SOURCE_CONNECTING] = CHANNEL_CONNECTING,
		[SOURCE_SUBSCRIBING] = CHANNEL_CONNECTING,
		[SOURCE_QUEUED] = CHANNEL_QUEUED,
		[SOURCE_RUNNING] = CHANNEL_RUNNING,
		[SOURCE_ENDING] = CHANNEL_RUNNING,
		[SOURCE_ENDED] = CHANNEL_ENDED,
		[SOURCE_WAITING] = CHANNEL_WAITING,
	};

	ASSERT(state != SOURCE_ABSENT);
	return states[state];
}

bool consumer_channel(const struct consumer *consumer, size_t n, struct channel_stats *stats)
{
	for (size_t i = 0; i < consumer->sources.count; i++) {
		const struct source *source = source_at(consumer, i);

		if (source->state == SOURCE_ABSENT || n-- > 0)
			continue;
		*stats = (struct channel_stats){
			.peer = source->peer,
			.state = channel_state(source->state),
			.records = source->tally.count,
			.bytes = source->tally.bytes,
			.missed = source->missed,
			.held = source->link != NULL ? source->link->uncredited : 0,
			.since = source->started,
		};
		return true;
	}
	return false;
}

size_t consumer_unsettled(const struct consumer *consumer)
{
	size_t unsettled = 0;

	for (size_t i = 0; i < consumer->sources.count; i++) {
		const struct source *source = source_at(consumer, i);

		if (source->state == SOURCE_RUNNING || source->state == SOURCE_ENDING)
			unsettled++;
		else if (source->state != SOURCE_ENDED && source->state != SOURCE_ABSENT && !source->failed)
			unsettled++;
	}
	return unsettled;
}

void consumer_consumed(struct streams *streams, link_id id, size_t message_bytes, struct outbox *out)
{
	struct stream_link *link = number_table_get(&streams->links, id);

	/* The data of a link is read long after the link is gone, so both are ordinary. */
	if (link == NULL || link->role == LINK_CLOSED)
		return;
	ASSERT(link->role == LINK_SOURCE);
	ASSERT(message_bytes <= link->uncredited);
	link->uncredited -= message_bytes;
	outbox_consumed(out, id, message_bytes);
}

void consumer_acknowledge(struct streams *streams, link_id id, struct outbox *out)
{
	struct stream_link *link = number_table_get(&streams->links, id);

	if (link == NULL || link->role == LINK_CLOSED)
		return;
	ASSERT(link->role == LINK_SOURCE);
	source_acknowledge(link->source, out);
}
