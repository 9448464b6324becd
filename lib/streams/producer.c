/*
 * producer.c - one stream of this node: numbers the records, hashes and encodes each batch once, hands it to every
 * subscriber.
 *
 * Room is counted, not searched: `full` is the number of subscriptions that reached LINK_OUTSTANDING_MAX, so asking
 * costs the same with one subscriber and with a thousand. One slow subscriber stops the stream for all (policy block)
 * until it moves, leaves, or has stalled for max_stall. Subscribers with criteria get messages of their own; without any,
 * a batch costs nothing of that.
 *
 * Invariants: `full` equals the number of full subscriptions; `choked` is true whenever `full` > 0, and stays true
 * until PRODUCER_ROOM was put for its owner; nobody is in line while there is a place; the tally of a subscription counts batches written since it started.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"
#include "wire/limits.h"

#include <string.h>

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
	list_init(&producer->waiting);
	if (options->waiting_max > STREAM_WAITING_MAX)
		producer->options.waiting_max = STREAM_WAITING_MAX;
	if (options->subscribers_max == 0 || options->subscribers_max > STREAM_SUBSCRIBERS_MAX)
		producer->options.subscribers_max = STREAM_SUBSCRIBERS_MAX;
	id_table_put(&streams->producers, &options->stream, producer);
	return producer;
}

/* Why somebody is turned away. verdict: of the rule; NULL: it is not about the rule. */
struct refusal {
	enum error reason;
	const struct peer_verdict *verdict;
};

static void refuse(struct producer *producer, msec now, struct stream_link *link, struct refusal why, struct outbox *out)
{
	struct streams_fact *fact;
	struct ticket_lack lack;

	log_peer(producer, now, "subscriber-refused", link, why.reason);
	fact = put_fact(producer, PRODUCER_REFUSED, link);
	fact->reason = why.reason;
	if (why.verdict != NULL)
		fact->verdict = *why.verdict;
	if (why.verdict != NULL && why.verdict->lacks->kind == PEER_HAS_TICKET) {
		lack = ticket_lack_of(why.verdict);
		streams_refuse_link(producer->streams, now, link, &lack, out);
	} else {
		streams_close_link(producer->streams, link, why.reason, out);
	}
}

/* ---- the line of those for whom there is no place ---- */

static struct stream_link *first_in_line(const struct producer *producer)
{
	ASSERT(!list_is_empty(&producer->waiting));
	return LIST_OF(producer->waiting.next, struct stream_link, place);
}

void producer_unqueue(struct stream_link *link)
{
	ASSERT(link->role == LINK_WAITING && link->waits_for->waiting_count > 0);
	list_remove(&link->place);
	link->waits_for->waiting_count--;
	link->waits_for = NULL;
	criteria_free(link->criteria);
	link->criteria = NULL;
}

static void dismiss_line(struct producer *producer, enum error reason, struct outbox *out)
{
	while (producer->waiting_count > 0) {
		struct stream_link *link = first_in_line(producer);

		producer_unqueue(link);
		streams_close_link(producer->streams, link, reason, out);
	}
}

static void enqueue(struct producer *producer, msec now, struct stream_link *link, struct criteria *criteria,
	struct outbox *out)
{
	struct blob *queued;

	link->role = LINK_WAITING;
	link->waits_for = producer;
	link->criteria = criteria;
	list_append(&producer->waiting, &link->place);
	producer->waiting_count++;
	log_peer(producer, now, "subscriber-queued", link, OK);
	put_fact(producer, PRODUCER_QUEUED, link);
	queued = stream_wire_queued();
	link->early = blob_size(queued);
	outbox_send(out, link->id, queued);
}

static void start(struct producer *producer, msec now, struct stream_link *link, struct criteria *criteria,
	struct outbox *out)
{
	struct subscription *subscription = subscription_new(producer, now, link, criteria);

	number_table_put(&producer->subscriptions, link->id, subscription);
	producer->filtering += criteria != NULL;
	log_peer(producer, now, "subscriber-started", link, OK);
	/* Data starts with the next write, so STARTED is always ahead of it on the link. */
	put_fact(producer, PRODUCER_SUBSCRIBED, link)->sequence = producer->next;
	subscription_send(subscription, now, stream_wire_started(producer->next), out);
	if (producer->ended)
		subscription_end(subscription, now, out);
}

void producer_admit(struct producer *producer, msec now, struct outbox *out)
{
	while (producer->waiting_count > 0 && producer->subscriptions.count < producer->options.subscribers_max) {
		struct stream_link *link = first_in_line(producer);
		struct criteria *criteria = link->criteria;

		link->criteria = NULL;
		producer_unqueue(link);
		start(producer, now, link, criteria, out);
	}
}

void producer_free(struct streams *streams, struct producer *producer, struct outbox *out)
{
	if (producer == NULL)
		return;
	ASSERT(producer->streams == streams);
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		streams_close_link(streams, subscription_at(producer, i)->link, ERROR_GRACEFUL, out);
	dismiss_line(producer, ERROR_GRACEFUL, out);
	facts_forget(&streams->facts, producer, NULL);
	id_table_remove(&streams->producers, &producer->options.stream);
	producer_drop(producer);
}

void producer_drop(struct producer *producer)
{
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		subscription_drop(subscription_at(producer, i));
	while (producer->waiting_count > 0)
		producer_unqueue(first_in_line(producer));
	number_table_fini(&producer->subscriptions);
	picking_fini(&producer->picking);
	buffer_fini(&producer->delivered);
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

size_t producer_waiting(const struct producer *producer)
{
	return producer->waiting_count;
}

size_t producer_subscribers_of(const struct producer *producer, msec now, const struct peer_rule *rule)
{
	size_t count = 0;

	for (size_t i = 0; i < producer->subscriptions.count; i++)
		count += peer_rule_judge(rule, now, producer->streams->catalog, &subscription_at(producer, i)->link->peer).allowed;
	return count;
}

bool producer_has_room(const struct producer *producer)
{
	return producer->full == 0 || producer->options.on_slow != SLOW_BLOCK;
}

/* ---- writing ---- */

/* Policy disconnect: what it missed is the end of it. */
static void disconnect(struct producer *producer, msec now, struct subscription *subscription, struct outbox *out)
{
	struct stream_link *link = subscription->link;

	producer_depart(producer, now, subscription, (struct departure){.reason = ERROR_TOO_SLOW});
	streams_close_link(producer->streams, link, ERROR_TOO_SLOW, out);
}

/* What is written at once. */
struct writing {
	struct offer offer;            /* for those who take everything */
	struct bytes records;
	uint64_t count;
	bool whole_delivered;          /* one of them took it */
};

/* Digest, message and tally are of its own, because so is what it gets. false: too slow for it. */
static bool write_picked(struct subscription *subscription, msec now, const struct writing *writing, struct outbox *out)
{
	struct producer *producer = subscription->producer;
	struct picking *picking = &producer->picking;
	struct stream_message message = {.sequence = producer->next, .span = writing->count, .skipped = subscription->skipped};
	struct offer offer;
	bool taken;

	picking_by_criteria(picking, subscription->criteria, writing->records, writing->count);
	if (picking->count == 0) {
		subscription->skipped += writing->count;
		return true;
	}
	message.picked = buffer_bytes(&picking->bits);
	message.records = buffer_bytes(&picking->records);
	offer = (struct offer){stream_wire_picked(&message), checksum_of(message.records), message.records.size, picking->count};
	taken = subscription_offer(subscription, now, &offer, out);
	blob_drop(offer.message);
	subscription->skipped = 0;
	for (size_t i = 0; taken && i < producer->delivered.size; i++)
		producer->delivered.data[i] |= message.picked.data[i];
	return taken;
}

static void write_to_all(struct producer *producer, msec now, struct writing *writing, struct outbox *out)
{
	size_t i = 0;

	while (i < producer->subscriptions.count) {
		struct subscription *subscription = subscription_at(producer, i);
		bool taken;

		if (subscription->criteria != NULL) {
			taken = write_picked(subscription, now, writing, out);
		} else {
			taken = subscription_offer(subscription, now, &writing->offer, out);
			writing->whole_delivered |= taken;
		}
		if (!taken && producer->options.on_slow == SLOW_DISCONNECT)
			disconnect(producer, now, subscription, out);   /* the next one has moved to i */
		else
			i++;
	}
}

static void put_undelivered(struct producer *producer, const struct writing *writing)
{
	struct picking *picking = &producer->picking;
	struct streams_fact *fact;

	if (writing->whole_delivered)
		return;
	picking_the_rest(picking, buffer_bytes(&producer->delivered), writing->records, writing->count);
	if (picking->count == 0)
		return;
	fact = put_fact(producer, PRODUCER_UNDELIVERED, NULL);
	fact->sequence = producer->next;
	fact->count = picking->count;
	fact->message = blob_copy(buffer_bytes(&picking->records));
	fact->records = blob_bytes(fact->message);
}

void producer_write(struct streams *streams, msec now, struct producer *producer, struct batch batch,
	struct outbox *out)
{
	struct writing writing = {.records = blob_bytes(batch.blob), .count = batch.count};
	size_t bytes = writing.records.size;

	ASSERT(producer->streams == streams && !producer->ended && producer_has_room(producer));
	ASSERT(batch.blob->start >= BATCH_HEADROOM && batch.blob->references == 1);
	ASSERT(batch.count > 0 && bytes >= batch.count && bytes <= FRAME_MAX);
	ASSERT(producer->next <= UINT64_MAX - batch.count);
	if (producer->options.tell_undelivered) {
		buffer_clear(&producer->delivered);
		memset(buffer_extend(&producer->delivered, (size_t)((batch.count + 7) / 8)), 0, (size_t)((batch.count + 7) / 8));
	}
	/* Once a batch, and not at all when nobody reads all of it. */
	if (producer->subscriptions.count > producer->filtering) {
		writing.offer = (struct offer){batch.blob, checksum_of(writing.records), bytes, batch.count};
		stream_wire_batch(batch.blob, producer->next, batch.count);
	}
	write_to_all(producer, now, &writing, out);
	if (producer->options.tell_undelivered)
		put_undelivered(producer, &writing);
	blob_drop(batch.blob);
	producer->next += batch.count;
	producer_admit(producer, now, out);
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
	/* Nothing would come any more for those in line. */
	dismiss_line(producer, ERROR_NO_CAPACITY, out);
}

static void judge_link(struct producer *producer, msec now, struct stream_link *link, const struct peer_verdict *verdict,
	struct outbox *out)
{
	ASSERT(link->role == LINK_WAITING || link->role == LINK_SUBSCRIBER);
	if (verdict->allowed) {
		stream_timer_set(producer->streams, &link->timer, verdict->until);
	} else if (link->role == LINK_WAITING) {
		producer_unqueue(link);
		refuse(producer, now, link, (struct refusal){ERROR_NOT_ALLOWED, verdict}, out);
	} else {
		producer_depart(producer, now, link->subscription, (struct departure){.reason = ERROR_NOT_ALLOWED, .verdict = verdict});
		streams_close_link(producer->streams, link, ERROR_NOT_ALLOWED, out);
	}
}

static bool has_links_of(const struct producer *producer, const struct id *peer)
{
	LIST_EACH(node, &producer->waiting)
		if (id_equal(&LIST_OF(node, struct stream_link, place)->peer, peer))
			return true;
	for (size_t i = 0; i < producer->subscriptions.count; i++)
		if (id_equal(&subscription_at(producer, i)->link->peer, peer))
			return true;
	return false;
}

void producer_judge(struct streams *streams, msec now, struct producer *producer, const struct id *peer,
	struct outbox *out)
{
	struct peer_verdict verdict;

	/* First of all: whoever wants nothing of us does not make us verify its tickets. */
	if (!has_links_of(producer, peer))
		return;
	verdict = peer_rule_judge(&producer->options.accept, now, streams->catalog, peer);
	LIST_EACH_SAFE(node, after, &producer->waiting) {
		struct stream_link *link = LIST_OF(node, struct stream_link, place);

		if (id_equal(&link->peer, peer))
			judge_link(producer, now, link, &verdict, out);
	}
	/* From the back, where removing moves nobody that is still to be looked at. */
	for (size_t i = producer->subscriptions.count; i-- > 0;) {
		struct stream_link *link = subscription_at(producer, i)->link;

		if (id_equal(&link->peer, peer))
			judge_link(producer, now, link, &verdict, out);
	}
	producer_admit(producer, now, out);
}

void producer_judge_link(struct stream_link *link, msec now, struct outbox *out)
{
	struct producer *producer = link->role == LINK_WAITING ? link->waits_for : link->subscription->producer;

	producer_judge(producer->streams, now, producer, &link->peer, out);
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
		.queued = subscription->queue.records,
		.dropped = subscription->dropped,
		.outstanding = subscription->outstanding,
		.since = subscription->since,
		.filtered = subscription->criteria != NULL,
		.ended = subscription->ended,
	};
	return true;
}

void producer_accept(struct producer *producer, msec now, struct stream_link *link, struct criteria *criteria,
	struct outbox *out)
{
	struct peer_verdict verdict = peer_rule_judge(&producer->options.accept, now, producer->streams->catalog, &link->peer);
	enum error refusal = OK;

	ASSERT(link->role == LINK_GUEST);
	if (!verdict.allowed)
		refusal = ERROR_NOT_ALLOWED;
	else if (producer->subscriptions.count < producer->options.subscribers_max)
		start(producer, now, link, criteria, out);
	else if (producer->ended || producer->waiting_count >= producer->options.waiting_max)
		refusal = ERROR_NO_CAPACITY;
	else
		enqueue(producer, now, link, criteria, out);
	if (refusal == OK) {
		stream_timer_set(producer->streams, &link->timer, verdict.until);
		return;
	}
	criteria_free(criteria);
	refuse(producer, now, link, (struct refusal){refusal, verdict.allowed ? NULL : &verdict}, out);
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
	fact->missed = subscription->dropped;
	if (how.verdict != NULL)
		fact->verdict = *how.verdict;
	producer->filtering -= subscription->criteria != NULL;
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
