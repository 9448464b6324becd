/*
 * mosaik-consume - streams become stdout.
 *
 * Batches are pulled from the node only while little is waiting for stdout, and credit goes back to the producer as they
 * are pulled: a reader that stops, stops the producer. An end record is acknowledged when everything before it was
 * written.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/table.h"
#include "cmd/common/framing.h"
#include "cmd/common/session.h"
#include "cmd/mosaik-consume/settings.h"
#include "runtime/stdio.h"

#define PENDING_MAX (512 * 1024)   /* bytes waiting for stdout above which nothing more is pulled */
#define TURN_BATCHES 64            /* pulled in one turn, before the network gets its share */

/* One STREAM of the command line. */
struct source {
	const char *name;
	struct consumer *consumer;
};

struct consume {
	struct settings settings;
	struct session session;
	struct source *source;
	size_t source_count;
	struct output *output;
	struct number_table active;      /* link -> struct source *: subscriptions under way */
	struct number_table ended;       /* link -> struct source *: verified, not yet acknowledged */
	bool writable;                   /* no STDIO_AGAIN is pending */
	uint64_t records;
	uint64_t bytes;
	uint64_t gaps;                   /* records missed */
	unsigned ends;                   /* end records seen */
	struct id_table lost;            /* peer -> struct source *: went without an end, and is not back */
	bool data_error;
	bool done;                       /* enough: only flush what is pending, then leave with `status` */
	int status;
	msec last_record_at;
};

static void on_output(void *self)
{
	struct consume *consume = self;

	consume->writable = true;
}

static struct node *node_of(struct consume *consume)
{
	return runtime_node(consume->session.runtime);
}

static void leave(struct consume *consume, int status)
{
	for (size_t i = 0; i < consume->source_count; i++)
		node_stop_consuming(node_of(consume), runtime_now(consume->session.runtime), consume->source[i].consumer);
	consume->source_count = 0;
	output_close(consume->output);
	consume->output = NULL;
	session_leave(&consume->session, status);
}

/* Nothing more is taken; what is pending is still written. */
static void enough(struct consume *consume, int status)
{
	if (consume->done)
		return;
	consume->done = true;
	consume->status = status;
}

static void print_stats(const struct consume *consume, msec now)
{
	double seconds = (double)(now - consume->session.started_at) / 1000;

	fprintf(stderr, "mosaik-consume: stats records=%llu bytes=%llu producers=%zu missed=%llu seconds=%.3f\n",
		(unsigned long long)consume->records, (unsigned long long)consume->bytes, consume->active.count,
		(unsigned long long)consume->gaps, seconds);
}

/* ---- facts ---- */

static struct source *source_of(struct consume *consume, const struct consumer *consumer)
{
	for (size_t i = 0; i < consume->source_count; i++)
		if (consume->source[i].consumer == consumer)
			return &consume->source[i];
	return NULL;
}

static void on_batch(struct consume *consume, struct streams_fact *fact)
{
	const struct settings *settings = &consume->settings;
	uint64_t left = settings->count > 0 ? settings->count - consume->records : UINT64_MAX;
	const struct source *source = source_of(consume, fact->consumer);
	struct record_origin origin = {.stream = source ? source->name : "", .from = fact->peer,
		.sequence = fact->sequence, .wall = runtime_wall(consume->session.runtime)};
	enum error error = record_write(settings->common.framing, consume->output,
		&(struct record_batch){fact->message, fact->records, left}, &origin);

	consume->records += fact->count < left ? fact->count : left;
	consume->bytes += fact->records.size;
	consume->last_record_at = runtime_now(consume->session.runtime);
	node_consumed(node_of(consume), fact->link, blob_size(fact->message));
	blob_drop(fact->message);
	if (error != OK) {
		report("framing", NULL, "a record contains a NUL byte: it cannot be written with framing null");
		enough(consume, EXIT_DATA);
	} else if (settings->count > 0 && consume->records >= settings->count) {
		enough(consume, EXIT_YES);
	}
}

static void on_gap(struct consume *consume, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];

	id_format_short(&fact->peer, peer);
	consume->gaps += fact->count;
	consume->data_error = true;
	warn("%llu records of producer %s were missed", (unsigned long long)fact->count, peer);
	if (consume->settings.strict)
		enough(consume, EXIT_DATA);
}

static void on_ended(struct consume *consume, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];

	number_table_remove(&consume->active, fact->link);
	number_table_put(&consume->ended, fact->link, source_of(consume, fact->consumer));
	consume->ends++;
	if (fact->verified)
		return;
	id_format_short(&fact->peer, peer);
	consume->data_error = true;
	warn("what producer %s sent does not match its end record", peer);
	if (consume->settings.strict)
		enough(consume, EXIT_DATA);
}

static void on_subscribed(struct consume *consume, const struct streams_fact *fact)
{
	number_table_put(&consume->active, fact->link, source_of(consume, fact->consumer));
	id_table_remove(&consume->lost, &fact->peer);
}

/* The peer is gone, or its connection is: not a word about this stream. */
static bool is_departure(enum error reason)
{
	return reason == ERROR_GRACEFUL || reason == ERROR_CANCELLED || reason == ERROR_REFUSED || reason == ERROR_IDLE ||
		reason == ERROR_UNEXPECTED_CLOSE;
}

static void on_lost(struct consume *consume, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];
	bool was_active = number_table_remove(&consume->active, fact->link) != NULL;

	id_format_short(&fact->peer, peer);
	/* A producer that never answered may be an old entry in the catalog, and one that refuses us is still there. */
	if (was_active || (fact->was_there && is_departure(fact->reason)))
		id_table_put(&consume->lost, &fact->peer, source_of(consume, fact->consumer));
	if (was_active || fact->reason == ERROR_NOT_ALLOWED || fact->reason == ERROR_FRAME_TOO_LARGE)
		warn("producer %s: %s", peer, error_text(fact->reason));
}

static void on_stream_fact(struct consume *consume, struct streams_fact *fact)
{
	switch (fact->kind) {
	case CONSUMER_SUBSCRIBED:
		on_subscribed(consume, fact);
		break;
	case CONSUMER_BATCH:
		on_batch(consume, fact);
		break;
	case CONSUMER_GAP:
		on_gap(consume, fact);
		break;
	case CONSUMER_ENDED:
		on_ended(consume, fact);
		break;
	case CONSUMER_LOST:
		on_lost(consume, fact);
		break;
	case PRODUCER_SUBSCRIBED:
	case PRODUCER_UNSUBSCRIBED:
	case PRODUCER_ROOM:
	case PRODUCER_QUEUED:
	case PRODUCER_REFUSED:
	case PRODUCER_UNDELIVERED:
	case CONSUMER_QUEUED:
		break;
	}
}

/* False: everything was taken. True: there may be more, once what was taken is written. */
static bool pull(struct consume *consume)
{
	struct node_fact fact;

	for (int i = 0; i < TURN_BATCHES && output_pending(consume->output) < PENDING_MAX; i++) {
		if (consume->done || !node_next_fact(node_of(consume), &fact))
			return false;
		if (fact.kind == NODE_STREAM)
			on_stream_fact(consume, &fact.stream);
	}
	return true;
}

/* ---- stdout ---- */

static void acknowledge_ends(struct consume *consume)
{
	while (consume->ended.count > 0) {
		link_id link = consume->ended.slot[0].key;

		number_table_remove(&consume->ended, link);
		node_acknowledge(node_of(consume), link);
	}
}

/* True: everything is written. */
static bool flush(struct consume *consume)
{
	if (!consume->writable)
		return false;
	switch (output_flush(consume->output)) {
	case STDIO_OK:
		acknowledge_ends(consume);
		return true;
	case STDIO_AGAIN:
		consume->writable = false;
		return false;
	case STDIO_END:
		consume->session.died_of = SIGPIPE;
		leave(consume, 128 + SIGPIPE);
		return false;
	case STDIO_FAILED:
		break;
	}
	report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
	leave(consume, EXIT_IO);
	return false;
}

/* ---- when it is over ---- */

/* Every producer seen has ended, or went and did not come back when called; and none is being called now. */
static bool all_ended(const struct consume *consume)
{
	unsigned least = consume->settings.min_producers > 0 ? (unsigned)consume->settings.min_producers : 1;

	if (consume->active.count > 0 || consume->ended.count > 0 || consume->ends + consume->lost.count < least)
		return false;
	for (size_t i = 0; i < consume->source_count; i++)
		if (consumer_unsettled(consume->source[i].consumer) > 0)
			return false;
	return true;
}

static int end_status(const struct consume *consume)
{
	if (consume->data_error)
		return EXIT_DATA;
	return consume->lost.count > 0 ? EXIT_IO : EXIT_YES;
}

static bool is_given(msec span)
{
	return span != MSEC_NEVER && span > 0;
}

static void look_at_clock(struct consume *consume, msec now)
{
	const struct settings *settings = &consume->settings;
	const struct common *common = &settings->common;
	bool subscribed = consume->active.count > 0 || consume->records > 0 || consume->ends > 0;

	if (session_is_late(&consume->session, now)) {
		report("deadline", NULL, "not done within the timeout");
		enough(consume, EXIT_DEADLINE);
	} else if (is_given(settings->idle) && now - consume->last_record_at >= settings->idle) {
		enough(consume, consume->records > 0 ? EXIT_YES : EXIT_NO);
	} else if (is_given(settings->run_for) && now - consume->session.started_at >= settings->run_for) {
		enough(consume, consume->records > 0 ? EXIT_YES : EXIT_NO);
	} else if (!subscribed && common->has_wait && common->wait != MSEC_NEVER && now - consume->session.started_at >= common->wait) {
		report("no-producer", NULL, "no producer of this stream on network '%s' within the wait", common->network_text);
		enough(consume, EXIT_UNAVAILABLE);
	}
}

static void turn(void *self, msec now)
{
	struct consume *consume = self;
	bool more = pull(consume);

	if (session_stats_due(&consume->session, now))
		print_stats(consume, now);
	if (!flush(consume))
		return;   /* stdout is full, or gone */
	if (more)
		runtime_again(consume->session.runtime);   /* nothing else may happen that would wake us */
	look_at_clock(consume, now);
	if (!consume->done && consume->settings.end && all_ended(consume))
		enough(consume, end_status(consume));
	if (consume->done)
		leave(consume, consume->status);
}

static msec deadline(void *self)
{
	const struct consume *consume = self;
	const struct settings *settings = &consume->settings;
	msec due = session_deadline(&consume->session);

	if (is_given(settings->idle))
		due = msec_min(due, consume->last_record_at + settings->idle);
	if (is_given(settings->run_for))
		due = msec_min(due, consume->session.started_at + settings->run_for);
	if (settings->common.has_wait && settings->common.wait != MSEC_NEVER && consume->records == 0)
		due = msec_min(due, consume->session.started_at + settings->common.wait);
	return due;
}

static void on_signal(void *self, int number)
{
	struct consume *consume = self;

	if (number == SIGUSR1) {
		print_stats(consume, runtime_now(consume->session.runtime));
		return;
	}
	consume->session.died_of = number;
	enough(consume, 128 + number);
	if (!flush(consume))
		leave(consume, 128 + number);   /* stdout takes nothing now; what is pending cannot be waited for */
}

static const struct program program = {turn, deadline, on_signal};

static void start(struct consume *consume, int count, char **stream)
{
	const struct settings *settings = &consume->settings;
	struct consumer_options options = {.record_max = settings->max_record};

	session_open(&consume->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = consume, .record_max = settings->max_record});
	consume->last_record_at = consume->session.started_at;
	consume->output = output_open(runtime_loop(consume->session.runtime), STDOUT_FILENO, on_output, consume);
	consume->writable = true;
	consume->source_count = (size_t)count;
	consume->source = memory_new((size_t)count * sizeof *consume->source);
	for (int i = 0; i < count; i++) {
		consume->source[i].name = stream[i];
		consume->source[i].consumer = node_consume(node_of(consume), consume->session.started_at, stream[i], &options);
	}
	session_ready(&consume->session);
}

int main(int argc, char **argv)
{
	struct consume consume = {.settings = settings_defaults};
	int first = options_parse(&command, argc, argv, &consume.settings);
	int status;

	if (first == argc)
		usage_error("which stream?");
	for (int i = first; i < argc; i++)
		options_id("stream", argv[i]);
	start(&consume, argc - first, argv + first);
	status = session_run(&consume.session);
	number_table_fini(&consume.active);
	number_table_fini(&consume.ended);
	id_table_fini(&consume.lost);
	memory_free(consume.source);
	options_free(&command, &consume.settings);
	return status;
}
