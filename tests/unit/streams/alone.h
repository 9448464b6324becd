/*
 * alone.h - a consumer alone with its outbox: a test plays the producer byte by byte.
 */
#ifndef TESTS_STREAMS_ALONE_H
#define TESTS_STREAMS_ALONE_H

#include "mesh.h"

#include "streams/stream_wire.h"

struct alone {
	struct streams *streams;
	struct outbox out;
	struct consumer *consumer;
	struct id peer;
	msec now;
};

static inline struct alone alone_new(void)
{
	struct alone a = {.peer = mesh_id(7), .now = 1000};

	a.streams = streams_new(&(struct streams_options){.self = mesh_id(1), .seed = 5}, a.now);
	a.consumer = consumer_new(a.streams, a.now,
		&(struct consumer_options){.stream = id_hash(bytes_of_text("logs")), .record_max = 1000});
	return a;
}

static inline void alone_free(struct alone *a)
{
	streams_ops.check(a->streams);
	streams_free(a->streams);
	outbox_fini(&a->out);
}

static inline enum error give(struct alone *a, link_id link, struct blob *message)
{
	enum error error = streams_ops.receive(a->streams, a->now, link, message, &a->out);

	streams_ops.check(a->streams);
	blob_drop(message);
	return error;
}

static inline void found(struct alone *a, bool again)
{
	if (again)
		consumer_producer_renewed(a->streams, a->now, a->consumer, &a->peer, &a->out);
	else
		consumer_producer_found(a->streams, a->now, a->consumer, &a->peer, &a->out);
	streams_ops.check(a->streams);
}

static inline void gone(struct alone *a)
{
	consumer_producer_gone(a->streams, a->now, a->consumer, &a->peer, &a->out);
	streams_ops.check(a->streams);
}

static inline void lose(struct alone *a, link_id link, enum error reason)
{
	streams_ops.unlinked(a->streams, a->now, link, reason, &a->out);
	streams_ops.check(a->streams);
}

/* The next effect that is no credit. */
static inline struct effect next_effect(struct alone *a, enum effect_kind kind)
{
	struct effect effect;

	do
		assert_true(outbox_next(&a->out, &effect));
	while (effect.kind == EFFECT_CONSUMED && kind != EFFECT_CONSUMED);
	assert_int_equal(effect.kind, kind);
	return effect;
}

static inline bool has_effect(struct alone *a)
{
	return a->out.count > a->out.first;
}

static inline void discard_effects(struct alone *a)
{
	struct effect effect;

	while (outbox_next(&a->out, &effect))
		effect_drop(&effect);
}

static inline link_id next_connect(struct alone *a)
{
	struct effect effect = next_effect(a, EFFECT_CONNECT);
	link_id link = effect.link;

	assert_true(id_equal(&effect.dial->peer, &a->peer));
	assert_int_equal(effect.dial->count, 0);
	effect_drop(&effect);
	return link;
}

/* Links and takes the SUBSCRIBE. */
static inline void accept_link(struct alone *a, link_id link)
{
	struct stream_message message;
	struct effect effect;

	streams_ops.linked(a->streams, a->now, &(struct link){.id = link, .peer = a->peer}, &a->out);
	effect = next_effect(a, EFFECT_SEND);
	assert_int_equal(stream_wire_decode(blob_bytes(effect.payload), &message), OK);
	assert_int_equal(message.kind, STREAM_SUBSCRIBE);
	assert_int_equal(message.criteria.size, 0);
	effect_drop(&effect);
}

static inline struct streams_fact next_fact(struct alone *a, enum streams_fact_kind kind)
{
	struct streams_fact fact;

	assert_true(streams_next_fact(a->streams, &fact));
	assert_int_equal(fact.kind, kind);
	assert_ptr_equal(fact.consumer, a->consumer);
	return fact;
}

static inline void no_fact(struct alone *a)
{
	struct streams_fact fact;

	assert_false(streams_next_fact(a->streams, &fact));
}

/* A running subscription whose next sequence is `next`. */
static inline link_id run_at(struct alone *a, uint64_t next)
{
	link_id link = next_connect(a);

	accept_link(a, link);
	assert_int_equal(give(a, link, stream_wire_started(next)), OK);
	assert_true(next_fact(a, CONSUMER_SUBSCRIBED).sequence == next);
	return link;
}

static inline struct blob *batch(uint64_t sequence, uint64_t count, size_t size)
{
	struct blob *blob = mesh_batch(sequence, count, size);

	stream_wire_batch(blob, sequence, count);
	return blob;
}

static inline void expect_batch(struct alone *a, uint64_t sequence, uint64_t count)
{
	struct streams_fact fact = next_fact(a, CONSUMER_BATCH);

	assert_true(fact.sequence == sequence && fact.count == count);
	mesh_check_content(&fact);
	consumer_consumed(a->streams, fact.link, blob_size(fact.message), &a->out);
	blob_drop(fact.message);
}

/* Ticks at the next deadline, which is a retry, and tells how long it took. */
static inline msec until_retry(struct alone *a)
{
	msec before = a->now;

	while (has_effect(a))
		next_effect(a, EFFECT_CONSUMED);   /* only credit */
	a->now = streams_ops.deadline(a->streams);
	assert_true(a->now != MSEC_NEVER && a->now > before);
	streams_ops.tick(a->streams, a->now - 1, &a->out);
	assert_false(has_effect(a));   /* early is harmless */
	streams_ops.tick(a->streams, a->now, &a->out);
	assert_true(has_effect(a));
	return a->now - before;
}

static inline struct stream_sum empty_sum(void)
{
	return (struct stream_sum){0, 0, id_hash(bytes_of(NULL, 0))};
}

#endif
