/*
 * source.c - one producer peer of one consumer.
 *
 *                       linked                STARTED              END                acknowledged
 *      CONNECTING --------------> SUBSCRIBING -------> RUNNING ----------> ENDING ------------------> ENDED
 *          ^  \                        |                  |    204 Graceful   \                         ^
 *          |   \___ unlinked __________|__________________|____________________\_ unlinked _____________|
 *          |              v
 *          +--- due --- WAITING                  any of them but ENDING and ENDED, not listed: ABSENT or forgotten
 *
 * A producer without a place answers SUBSCRIBE with QUEUED: the source waits in line, without a limit of its own, until
 * STARTED comes or the link goes.
 *
 * Sequence. `next` is the number of the record that must come next; what we did not ask for counts as come. A larger one is a gap and is reported; it is
 * remembered over a lost link and over an absence from the catalog, because records that were written meanwhile are
 * missed whoever's fault it is. A smaller one within a link would be a duplicate, which no honest producer sends; a
 * smaller one in STARTED is a producer that was started anew and counts from zero.
 *
 * Back-off. The span grows with every attempt, and is set back only when a subscription outlived it: a producer that
 * accepts and drops at once is tried as rarely as one that refuses.
 */
#include "streams/streams_internal.h"

#include "base/check.h"
#include "base/checksum.h"
#include "base/memory.h"

#define RETRY_JITTER 20          /* percent */
#define ABSENT_MAX 256           /* producers that crash and never come back must not add up */

static struct streams *streams_of(const struct source *source)
{
	return source->consumer->streams;
}

static void log_event_of(const struct source *source, msec now, const char *event, uint64_t records,
	enum error reason)
{
	streams_log(streams_of(source), LOG_INFO, now,
		&(struct streams_event){event, &source->consumer->options.stream, &source->peer, reason, records});
}

static struct streams_fact *put_fact(struct source *source, enum streams_fact_kind kind)
{
	struct streams_fact *fact = facts_put(&streams_of(source)->facts, kind);

	ASSERT(source->link != NULL);
	fact->consumer = source->consumer;
	fact->peer = source->peer;
	fact->link = source->link->id;
	return fact;
}

static void put_gap(struct source *source, msec now, uint64_t sequence)
{
	struct streams_fact *fact;

	ASSERT(sequence > source->next);
	source->missed += sequence - source->next;
	log_event_of(source, now, "gap", sequence - source->next, OK);
	fact = put_fact(source, CONSUMER_GAP);
	fact->sequence = source->next;
	fact->count = sequence - source->next;
}

/* The two know nothing of each other any more: the link is gone, or its owner closes it now. */
static void let_go(struct source *source)
{
	if (source->link != NULL) {
		ASSERT(source->link->source == source);
		source->link->source = NULL;
		source->link = NULL;
	}
	blob_drop(source->refusal);
	source->refusal = NULL;
	stream_timer_set(streams_of(source), &source->timer, MSEC_NEVER);
}

static void close_link(struct source *source, enum error reason, struct outbox *out)
{
	struct stream_link *link = source->link;

	let_go(source);
	if (link != NULL)
		streams_close_link(streams_of(source), link, reason, out);
}

/* These will not go away in a moment, and asking again soon would only cost the producer. */
static bool is_refusal(enum error reason)
{
	return reason == ERROR_NOT_ALLOWED || reason == ERROR_NO_CAPACITY || reason == ERROR_MALFORMED ||
		reason == ERROR_FRAME_TOO_LARGE;
}

static void wait_for_retry(struct source *source, msec now, enum error reason)
{
	struct streams *streams = streams_of(source);

	if (is_refusal(reason) && source->retry < CONSUMER_RETRY_REFUSED)
		source->retry = CONSUMER_RETRY_REFUSED;
	source->state = SOURCE_WAITING;
	stream_timer_set(streams, &source->timer, now + rng_jitter(&streams->rng, source->retry, RETRY_JITTER));
	source->retry = msec_min(source->retry + source->retry / 2, CONSUMER_RETRY_MAX);
}

/* A link that did not see its end; still attached, so that the fact can name it. */
static void put_lost(struct source *source, msec now, enum error reason)
{
	struct streams_fact *fact = put_fact(source, CONSUMER_LOST);

	fact->reason = reason;
	fact->was_there = source->state != SOURCE_CONNECTING;
	if (reason == ERROR_NOT_ALLOWED && source->refusal != NULL) {
		fact->message = blob_keep(source->refusal);
		fact->lack = source->lack;
	}
	fact->retry_failed = source->failed = source->state != SOURCE_RUNNING;
	log_event_of(source, now, source->state == SOURCE_RUNNING ? "source-lost" : "source-failed", 0, reason);
}

/* What follows when a link is lost and the peer is still listed. */
static void recover(struct source *source, msec now, bool was_running, enum error reason)
{
	ASSERT(source->link == NULL);
	if (was_running && now - source->started >= source->retry)
		source->retry = CONSUMER_RETRY_MIN;
	if (reason == ERROR_GRACEFUL && !source->renewed) {
		/* It said that it leaves; a reconnect would only find nobody until the catalog knows too. */
		source->state = SOURCE_ENDED;
		source->knows_next = false;
	} else {
		wait_for_retry(source, now, reason);
	}
}

static void become_absent(struct source *source)
{
	struct consumer *consumer = source->consumer;

	let_go(source);
	source->state = SOURCE_ABSENT;
	list_append(&consumer->absent, &source->absent);
	if (++consumer->absent_count > ABSENT_MAX)
		source_drop(LIST_OF(consumer->absent.next, struct source, absent));
}

/* Not listed any more: all that is kept is which record would come next. */
static void forget(struct source *source)
{
	source->unlisted = source->doubted = false;
	if (source->knows_next)
		become_absent(source);
	else
		source_drop(source);
}

/* It has ended, and is thought to have crashed: if it comes back, it still has ended. */
static void remember_end(struct source *source)
{
	source->unlisted = source->doubted = source->knows_next = false;
	source->end_seen = true;
	become_absent(source);
}

static void after_loss(struct source *source, msec now, bool was_running, enum error reason)
{
	if (source->unlisted)
		forget(source);
	else
		recover(source, now, was_running, reason);
}

/* We end the link because of what the peer did on it (or did not). */
static void give_up(struct source *source, msec now, enum error reason, struct outbox *out)
{
	bool was_running = source->state == SOURCE_RUNNING;

	put_lost(source, now, reason);
	close_link(source, reason, out);
	after_loss(source, now, was_running, reason);
}

struct source *source_new(struct consumer *consumer, const struct id *peer)
{
	struct source *source = memory_new(sizeof(*source));

	source->consumer = consumer;
	source->peer = *peer;
	source->state = SOURCE_WAITING;
	source->timer.kind = TIMER_SOURCE;
	source->retry = CONSUMER_RETRY_MIN;
	list_init(&source->absent);
	id_table_put(&consumer->sources, peer, source);
	return source;
}

void source_drop(struct source *source)
{
	void *removed = id_table_remove(&source->consumer->sources, &source->peer);

	ASSERT(removed == source);
	if (source->state == SOURCE_ABSENT)
		source->consumer->absent_count--;
	list_remove(&source->absent);
	let_go(source);
	memory_free(source);
}

void source_connect(struct source *source, msec now, struct outbox *out)
{
	struct dial dial = {.peer = source->peer, .count = 0};   /* the driver knows the addresses */
	struct streams *streams = streams_of(source);

	ASSERT(now >= 0);
	ASSERT(source->link == NULL);
	if (source->state == SOURCE_ABSENT)
		source->consumer->absent_count--;
	list_remove(&source->absent);
	stream_timer_set(streams, &source->timer, MSEC_NEVER);
	source->renewed = false;
	source->state = SOURCE_CONNECTING;
	source->link = streams_add_link(streams, outbox_connect(out, &dial), &source->peer, LINK_SOURCE);
	source->link->source = source;
}

void source_again(struct source *source, msec now, struct outbox *out)
{
	ASSERT(source->state != SOURCE_ABSENT);   /* that one is found, not found again */
	switch (source->state) {
	case SOURCE_CONNECTING:
	case SOURCE_SUBSCRIBING:
	case SOURCE_QUEUED:
	case SOURCE_RUNNING:
		source->unlisted = source->doubted = false;
		source->renewed = true;
		break;   /* to the new incarnation already, or the link to the old one is about to be lost */
	case SOURCE_ENDING:
	case SOURCE_ENDED:
		close_link(source, ERROR_CANCELLED, out);
		source->unlisted = source->doubted = false;
		source->retry = CONSUMER_RETRY_MIN;
		source_connect(source, now, out);
		break;
	case SOURCE_WAITING:
		/*
		 * `next` stays: the news may be late, and the number already the new incarnation's. A false gap is
		 * better than a silent one.
		 */
		source->retry = CONSUMER_RETRY_MIN;
		source_connect(source, now, out);
		break;
	case SOURCE_ABSENT:
		break;
	}
}

void source_found(struct source *source, msec now, struct outbox *out)
{
	bool unlisted = source->unlisted, doubted = source->doubted;

	source->unlisted = source->doubted = false;
	if (source->state != SOURCE_ABSENT) {
		/* It was doubted, or left: what is listed now may be another life of it. An end that was only doubted stands. */
		if (unlisted && !(doubted && (source->state == SOURCE_ENDING || source->state == SOURCE_ENDED)))
			source_again(source, now, out);
		return;
	}
	if (!source->end_seen) {
		source_connect(source, now, out);
		return;
	}
	source->consumer->absent_count--;
	list_remove(&source->absent);
	source->end_seen = false;
	source->state = SOURCE_ENDED;
}

void source_forgotten(struct source *source)
{
	if (source->end_seen)
		source_drop(source);
	else
		source->doubted = false;
}

void source_leave(struct source *source, msec now, struct outbox *out)
{
	if (source->state == SOURCE_ABSENT) {
		source_forgotten(source);
		return;
	}
	if (source->link != NULL && (source->state == SOURCE_ENDING || source->state == SOURCE_ENDED)) {
		source->unlisted = true;   /* the acknowledgement still has to get through; unlinked() forgets it */
		source->doubted = false;
		return;
	}
	if (source->state == SOURCE_RUNNING || source->state == SOURCE_SUBSCRIBING || source->state == SOURCE_QUEUED)
		put_lost(source, now, ERROR_CANCELLED);
	close_link(source, ERROR_CANCELLED, out);
	forget(source);
}

void source_doubt(struct source *source, msec now, struct outbox *out)
{
	/* Its link knows better than any rumour: while data comes, or may come after a pause, nothing is given up. */
	bool has_ended = source->state == SOURCE_ENDING || source->state == SOURCE_ENDED;

	if (has_ended && source->link == NULL)
		remember_end(source);
	else if (has_ended || source->state == SOURCE_RUNNING)
		source->unlisted = source->doubted = true;
	else
		source_leave(source, now, out);
}

void source_linked(struct source *source, msec now, struct outbox *out)
{
	ASSERT(source->state == SOURCE_CONNECTING);
	source->state = SOURCE_SUBSCRIBING;
	outbox_send(out, source->link->id,
		stream_wire_subscribe(&source->consumer->options.stream, source->consumer->options.criteria));
	stream_timer_set(streams_of(source), &source->timer, stream_timer_after(now, STREAM_HANDSHAKE_MAX));
}

void source_unlinked(struct source *source, msec now, enum error reason)
{
	bool was_running = source->state == SOURCE_RUNNING;

	/* However the link ends after its END: everything was received, and that was said. */
	if (source->state == SOURCE_ENDING || source->state == SOURCE_ENDED) {
		let_go(source);
		source->state = SOURCE_ENDED;
		if (source->doubted)
			remember_end(source);
		else if (source->unlisted)
			source_drop(source);
		return;
	}
	put_lost(source, now, reason);
	let_go(source);
	after_loss(source, now, was_running, reason);
}

void source_tick(struct source *source, msec now, struct outbox *out)
{
	ASSERT(source->state == SOURCE_WAITING || source->state == SOURCE_SUBSCRIBING);
	if (source->state == SOURCE_WAITING)
		source_connect(source, now, out);
	else
		give_up(source, now, ERROR_NO_ANSWER, out);
}

void source_acknowledge(struct source *source, struct outbox *out)
{
	ASSERT(source->state == SOURCE_ENDING || source->state == SOURCE_ENDED);
	if (source->state == SOURCE_ENDED)
		return;
	outbox_send(out, source->link->id, stream_wire_end_ack(source->verified));
	source->state = SOURCE_ENDED;
}

static enum error take_queued(struct source *source, msec now)
{
	if (source->state != SOURCE_SUBSCRIBING)
		return ERROR_MALFORMED;
	stream_timer_set(streams_of(source), &source->timer, MSEC_NEVER);
	source->state = SOURCE_QUEUED;
	log_event_of(source, now, "source-queued", 0, OK);
	put_fact(source, CONSUMER_QUEUED);
	return OK;
}

/* The producer closes the link; until then this is only a word about why. */
static enum error take_refused(struct source *source, const struct arrival *arrival)
{
	if ((source->state != SOURCE_SUBSCRIBING && source->state != SOURCE_QUEUED) || source->refusal != NULL)
		return ERROR_MALFORMED;
	source->refusal = blob_keep(arrival->blob);
	source->lack = arrival->message->lack;
	return OK;
}

static enum error take_started(struct source *source, msec now, const struct stream_message *message)
{
	struct streams_fact *fact;

	if ((source->state != SOURCE_SUBSCRIBING && source->state != SOURCE_QUEUED) || source->refusal != NULL)
		return ERROR_MALFORMED;
	stream_timer_set(streams_of(source), &source->timer, MSEC_NEVER);
	/* A new subscription, a new sum; `next` alone spans them. */
	source->state = SOURCE_RUNNING;
	source->failed = false;
	source->started = now;
	stream_tally_init(&source->tally);
	log_event_of(source, now, "source-started", 0, OK);
	fact = put_fact(source, CONSUMER_SUBSCRIBED);
	fact->sequence = message->sequence;
	if (source->knows_next && message->sequence > source->next)
		put_gap(source, now, message->sequence);
	source->knows_next = true;
	source->next = message->sequence;
	return OK;
}

/* The producer speaks of everything from `sequence` on, and of `skipped` before it. false: of some of it twice. */
static bool reach(struct source *source, msec now, const struct stream_message *message)
{
	uint64_t from = message->sequence - message->skipped;

	if (from < source->next)
		return false;
	if (from > source->next)
		put_gap(source, now, from);
	return true;
}

/* Filtered where nobody asked for it, or not filtered where somebody did: another stream than the one subscribed. */
static bool is_as_asked(const struct source *source, const struct stream_message *message)
{
	return (message->kind == STREAM_PICKED) == (source->consumer->options.criteria.size > 0);
}

static enum error take_next(struct source *source, msec now, const struct stream_message *message)
{
	if (source->state != SOURCE_RUNNING || !reach(source, now, message))
		return ERROR_MALFORMED;
	source->next = message->sequence;
	return OK;
}

static enum error take_batch(struct source *source, msec now, const struct arrival *arrival, struct outbox *out)
{
	const struct stream_message *message = arrival->message;
	struct streams_fact *fact;
	struct checksum digest;

	if (source->state != SOURCE_RUNNING || !is_as_asked(source, message))
		return ERROR_MALFORMED;
	if (!records_check(message->records, message->count, source->consumer->options.record_max)) {
		if (!records_check(message->records, message->count, SIZE_MAX))
			return ERROR_MALFORMED;
		/* Honest, but more than this reader wants: other links of the connection have no part in it. */
		give_up(source, now, ERROR_FRAME_TOO_LARGE, out);
		return OK;
	}
	if (!reach(source, now, message))
		return ERROR_MALFORMED;
	/* Hashed as it comes, so that END costs nothing and the bytes are still in the cache. */
	digest = checksum_of(message->records);
	stream_tally_add(&source->tally, &digest, message->records.size, message->count);
	source->next = message->sequence + message->span;
	source->link->uncredited += blob_size(arrival->blob);
	fact = put_fact(source, CONSUMER_BATCH);
	fact->sequence = message->sequence;
	fact->count = message->count;
	fact->picked = message->picked;
	fact->message = blob_keep(arrival->blob);
	fact->records = message->records;
	return OK;
}

static enum error take_end(struct source *source, msec now, const struct stream_message *message)
{
	struct streams_fact *fact;

	if (source->state != SOURCE_RUNNING)
		return ERROR_MALFORMED;
	source->state = SOURCE_ENDING;
	source->knows_next = false;   /* what follows, if ever, is another count */
	source->verified = stream_tally_matches(&source->tally, &message->sum);
	log_event_of(source, now, source->verified ? "source-ended" : "source-ended-unverified",
		source->tally.count, OK);
	fact = put_fact(source, CONSUMER_ENDED);
	fact->verified = source->verified;
	fact->count = source->tally.count;
	return OK;
}

enum error source_receive(struct source *source, msec now, const struct arrival *arrival, struct outbox *out)
{
	switch (arrival->message->kind) {
	case STREAM_STARTED:
		return take_started(source, now, arrival->message);
	case STREAM_QUEUED:
		return take_queued(source, now);
	case STREAM_REFUSED:
		return take_refused(source, arrival);
	case STREAM_NEXT:
		return take_next(source, now, arrival->message);
	case STREAM_BATCH:
	case STREAM_PICKED:
		return take_batch(source, now, arrival, out);
	case STREAM_END:
		return take_end(source, now, arrival->message);
	case STREAM_SUBSCRIBE:
	case STREAM_END_ACK:
		break;
	}
	return ERROR_MALFORMED;
}
