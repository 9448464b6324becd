/*
 * streams_internal.h - what the parts of the streams machine share.
 *
 *      streams --- links (by link id) ---> stream_link --+--> subscription --> producer     (they opened the link)
 *         |                                              +--> source --------> consumer     (we opened it)
 *         +--- producers (by stream id)                  +--> nothing: a guest, or closed
 *         +--- consumers (as they were made)
 *         +--- timers (earliest first)
 *         +--- facts (in order)
 *
 * A stream_link lives from the first word about a link (outbox_connect, linked) to the last (unlinked). Its
 * subscription or source may let go of it earlier: then it is LINK_CLOSED, and whatever still arrives is ignored.
 */
#ifndef STREAMS_STREAMS_INTERNAL_H
#define STREAMS_STREAMS_INTERNAL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/table.h"
#include "streams/picking.h"
#include "streams/stream_tally.h"
#include "streams/stream_wire.h"
#include "streams/streams.h"

/* ---- timers ---- */

enum stream_timer_kind { TIMER_LINK, TIMER_SUBSCRIPTION, TIMER_SOURCE };

struct stream_timer {
	struct heap_node node;
	enum stream_timer_kind kind;
};

void stream_timer_set(struct streams *streams, struct stream_timer *timer, msec due);   /* MSEC_NEVER stops it */
bool stream_timer_is_set(const struct stream_timer *timer);
msec stream_timer_after(msec now, msec span);   /* now + span; MSEC_NEVER when that is too far */

/* ---- links ---- */

enum link_role {
	LINK_GUEST,                /* opened by a peer that has not said SUBSCRIBE yet */
	LINK_WAITING,              /* a peer waits for a place at one of our producers */
	LINK_SUBSCRIBER,           /* a peer reads from one of our producers */
	LINK_REFUSED,              /* a peer is being told why it cannot be any of these; then the link is closed */
	LINK_SOURCE,               /* one of our consumers reads from a peer */
	LINK_CLOSED                /* closed by us: only unlinked() is still to come */
};

struct stream_link {
	link_id id;
	struct id peer;
	enum link_role role;
	struct stream_timer timer;             /* GUEST: has to speak; REFUSED: has to hear; WAITING, SUBSCRIBER: allowed */
	struct producer *waits_for;            /* WAITING */
	struct list place;                     /* WAITING: in waits_for->waiting */
	struct criteria *criteria;             /* WAITING: what it wants, NULL: everything */
	size_t early;                          /* bytes sent while WAITING, REFUSED and not acknowledged: no subscription's */
	struct subscription *subscription;     /* SUBSCRIBER */
	struct source *source;                 /* SOURCE */
	size_t uncredited;                     /* SOURCE: bytes of batches that the reader is not done with */
};

/* ---- facts: a queue whose memory is used again ---- */

struct facts {
	struct streams_fact *fact;             /* fact[first .. count) are waiting */
	size_t first;
	size_t count;
	size_t capacity;
};

/* Zeroed but for its kind; valid until the next one is put. */
struct streams_fact *facts_put(struct facts *facts, enum streams_fact_kind kind);
bool facts_next(struct facts *facts, struct streams_fact *fact);
/* Drops what waits about a producer or a consumer (the other is NULL). */
void facts_forget(struct facts *facts, const struct producer *producer, const struct consumer *consumer);
void facts_fini(struct facts *facts);

/* ---- the machine ---- */

struct streams {
	const struct log *log;
	const struct catalog *catalog;
	struct rng rng;
	struct number_table links;             /* struct stream_link */
	struct id_table producers;             /* struct producer, by stream */
	struct list consumers;
	struct heap timers;                    /* struct stream_timer */
	struct facts facts;
};

struct stream_link *streams_add_link(struct streams *streams, link_id id, const struct id *peer, enum link_role role);
/* Our last word about a link; its owner has let go of it. */
void streams_close_link(struct streams *streams, struct stream_link *link, enum error reason, struct outbox *out);
/* The same, with ERROR_NOT_ALLOWED, after the peer was told what it lacks. */
void streams_refuse_link(struct streams *streams, msec now, struct stream_link *link, const struct ticket_lack *lack,
	struct outbox *out);
/* "event stream=... peer=... records=... reason=...", the last two left out when they are 0 and OK. */
struct streams_event {
	const char *event;
	const struct id *stream;
	const struct id *peer;
	enum error reason;
	uint64_t records;
};
void streams_log(const struct streams *streams, enum log_level level, msec now, const struct streams_event *event);
void streams_check(const void *self);

/* ---- producing ---- */

struct producer {
	struct streams *streams;
	struct producer_options options;
	struct number_table subscriptions;     /* struct subscription, by link */
	struct list waiting;                   /* struct stream_link, longest first */
	size_t waiting_count;
	uint64_t next;                         /* sequence of the next record */
	size_t full;                           /* subscriptions without room */
	size_t filtering;                      /* subscriptions with criteria */
	struct picking picking;                /* of the batch and subscription at hand */
	struct buffer delivered;               /* tell_undelivered: bits of the batch at hand */
	bool choked;                           /* room was lost, and PRODUCER_ROOM not yet given */
	bool ended;
};

struct subscription {
	struct producer *producer;
	struct stream_link *link;
	struct stream_tally tally;
	struct criteria *criteria;             /* NULL: everything */
	uint64_t skipped;                      /* records up to `producer->next` that it did not ask for */
	uint64_t dropped;
	struct subscription_queue {            /* item[first .. count) wait for the link; without SLOW_BLOCK only */
		struct queued {
			struct blob *message;
			uint64_t records;
		} *item;
		size_t first;
		size_t count;
		size_t capacity;
		uint64_t records;
		size_t bytes;
	} queue;
	size_t outstanding;                    /* of everything sent on the link */
	msec since;
	msec quiet_since;                      /* the last progress that a timer has seen */
	bool progressed;                       /* acknowledgements came since then: sent() is not told the time */
	bool ended;
	struct stream_timer timer;
};

/* SUBSCRIBE came on a guest link, with criteria (taken) or NULL: it becomes a subscription, waits, or is closed. */
void producer_accept(struct producer *producer, msec now, struct stream_link *link, struct criteria *criteria,
	struct outbox *out);
/* The time is over for which a link in line or with a subscription was allowed. */
void producer_judge_link(struct stream_link *link, msec now, struct outbox *out);
/* A place may have become free. */
void producer_admit(struct producer *producer, msec now, struct outbox *out);
/* A link leaves the line; its owner closes it, or it is gone. */
void producer_unqueue(struct stream_link *link);
/* Forgets a subscription (its link is gone, or about to be closed by the caller) and says so. */
struct departure {
	enum error reason;
	const struct peer_verdict *verdict;    /* NOT_ALLOWED: what the rule says of it; else NULL */
	bool acknowledged;
	bool verified;
};
void producer_depart(struct producer *producer, msec now, struct subscription *subscription, struct departure how);
/* A subscription gained or lost room. */
void producer_note_full(struct producer *producer, bool was_full, bool is_full);
void producer_drop(struct producer *producer);   /* frees it and its subscriptions; the links are left */

/* criteria: taken. */
struct subscription *subscription_new(struct producer *producer, msec now, struct stream_link *link,
	struct criteria *criteria);
void subscription_drop(struct subscription *subscription);
bool subscription_is_full(const struct subscription *subscription);
/* message: taken. */
void subscription_send(struct subscription *subscription, msec now, struct blob *message, struct outbox *out);
/* A message with records for it, kept: sent, queued, or left out. false: left out, the subscriber is too slow. */
struct offer {
	struct blob *message;
	struct checksum digest;                /* of its records part */
	size_t bytes;                          /* of its records part */
	uint64_t records;
};
bool subscription_offer(struct subscription *subscription, msec now, const struct offer *offer, struct outbox *out);
void subscription_end(struct subscription *subscription, msec now, struct outbox *out);
void subscription_sent(struct subscription *subscription, size_t bytes, struct outbox *out);
void subscription_tick(struct subscription *subscription, msec now, struct outbox *out);
enum error subscription_receive(struct subscription *subscription, msec now, const struct stream_message *message,
	struct outbox *out);

/* ---- consuming ---- */

struct consumer {
	struct streams *streams;
	struct consumer_options options;
	struct id_table sources;               /* struct source, by peer */
	struct list absent;                    /* sources in SOURCE_ABSENT, longest first */
	size_t absent_count;
	struct list place;                     /* in streams.consumers */
};

enum source_state {
	SOURCE_CONNECTING,         /* link asked for */
	SOURCE_SUBSCRIBING,        /* SUBSCRIBE sent */
	SOURCE_QUEUED,             /* in line at the producer: STARTED comes when there is a place */
	SOURCE_RUNNING,            /* STARTED came */
	SOURCE_ENDING,             /* END came; our reader has not acknowledged it */
	SOURCE_ENDED,              /* nothing more is expected; the link may still be closing */
	SOURCE_WAITING,            /* for the next attempt */
	SOURCE_ABSENT              /* not listed: only `next` or its end is remembered, in case it comes back */
};

struct source {
	struct consumer *consumer;
	struct id peer;
	enum source_state state;
	struct stream_link *link;              /* NULL: none */
	struct stream_timer timer;             /* SUBSCRIBING: the answer; WAITING: the next attempt */
	struct stream_tally tally;
	msec retry;                            /* span of the next wait, before jitter */
	msec started;                          /* RUNNING: since */
	uint64_t missed;                       /* records in gaps, over all links */
	bool knows_next;
	uint64_t next;                         /* sequence of the record that must come next */
	struct blob *refusal;                  /* REFUSED came on this link; NULL */
	struct ticket_lack lack;               /* what it says */
	bool failed;                           /* an attempt failed since it last ran */
	bool verified;                         /* ENDING: END matched */
	bool renewed;                          /* a newer incarnation showed while a link to an older one may live */
	bool unlisted;                         /* RUNNING, ENDING, ENDED: gone from the catalog; forgotten with the link */
	bool doubted;                          /* ENDING, ENDED, unlisted: its end is worth remembering */
	bool end_seen;                         /* ABSENT: it had ended, and has not started anew as far as we know */
	struct list absent;                    /* in consumer.absent */
};

struct source *source_new(struct consumer *consumer, const struct id *peer);
void source_drop(struct source *source);       /* frees it; its link is left */
void source_connect(struct source *source, msec now, struct outbox *out);
void source_found(struct source *source, msec now, struct outbox *out);    /* listed, once more */
void source_forgotten(struct source *source);  /* an end that is remembered of it no longer stands */
void source_again(struct source *source, msec now, struct outbox *out);    /* the peer has a newer incarnation */
void source_doubt(struct source *source, msec now, struct outbox *out);    /* perhaps it is not there any more */
void source_leave(struct source *source, msec now, struct outbox *out);    /* the peer is no longer listed */
void source_linked(struct source *source, msec now, struct outbox *out);
void source_unlinked(struct source *source, msec now, enum error reason);
void source_tick(struct source *source, msec now, struct outbox *out);
void source_acknowledge(struct source *source, struct outbox *out);
struct arrival {
	struct blob *blob;                     /* borrowed */
	const struct stream_message *message;  /* decoded from it */
};
enum error source_receive(struct source *source, msec now, const struct arrival *arrival, struct outbox *out);
void consumer_drop(struct consumer *consumer);   /* frees it and its sources; the links are left */

#endif
