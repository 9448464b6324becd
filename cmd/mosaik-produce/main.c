/*
 * mosaik-produce - stdin becomes a stream.
 *
 *     waiting    until --min-consumers are attached; stdin is not read, as opening a FIFO waits
 *     running    read, frame, write, as long as every consumer has room; without any consumer it waits again
 *     ending     everything was read: the end record is out, consumers acknowledge
 *     leaving    goodbye
 *
 * Nothing is buffered here but one batch under way: what a consumer cannot take stays in the pipe. Two sidings leave the
 * line: --tee, which the reading waits for, and --undelivered.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/framing.h"
#include "cmd/common/rules.h"
#include "cmd/common/session.h"
#include "cmd/common/stats.h"
#include "cmd/mosaik-produce/aside.h"
#include "cmd/mosaik-produce/pace.h"
#include "cmd/mosaik-produce/settings.h"
#include "runtime/stdio.h"

#define TURN_BYTES (1024 * 1024)   /* read in one turn, before the network gets its share */
#define HINT_SIZE 512

enum phase { WAITING, RUNNING, ENDING };

struct produce {
	struct settings settings;
	struct session session;
	const char *stream;
	struct producer *producer;
	struct rule accept;
	struct rule counted;         /* --consumer-tag */
	struct record_reader *reader;
	struct pace pace;
	bool is_held;                /* by the rate */
	struct aside tee;
	struct aside undelivered;
	struct progress progress;
	struct input *input;         /* NULL with -m, and once it has ended */
	enum phase phase;
	bool input_ended;
	bool reading;                /* no STDIO_AGAIN is pending */
	msec waiting_since;
	uint64_t records;
	uint64_t bytes;
	unsigned acknowledged;
	uint64_t undelivered_records;
	unsigned missed;             /* consumers that got less than everything */
	unsigned refused;
	unsigned vanished;           /* consumers lost without a word after the end was sent */
};

static void on_input(void *self)
{
	struct produce *produce = self;

	produce->reading = true;
}

static struct node *node_of(struct produce *produce)
{
	return runtime_node(produce->session.runtime);
}

static void leave(struct produce *produce, int status)
{
	node_stop_producing(node_of(produce), runtime_now(produce->session.runtime), produce->producer);
	produce->producer = NULL;
	input_close(produce->input);
	produce->input = NULL;
	aside_close(&produce->tee);
	aside_close(&produce->undelivered);
	progress_end(&produce->progress);
	session_leave(&produce->session, status);
}

static const char *state_of(const struct subscription_stats *channel)
{
	return channel->ended ? "ended" : channel->queued > 0 ? "behind" : "running";
}

static void print_stats(const struct produce *produce, msec now)
{
	struct stats stats = stats_begin("mosaik-produce", produce->settings.common.json);
	struct subscription_stats channel;

	stats_number(&stats, "records", produce->records);
	stats_number(&stats, "bytes", produce->bytes);
	stats_number(&stats, "consumers", produce->producer ? producer_subscribers(produce->producer) : 0);
	stats_number(&stats, "waiting", produce->producer ? producer_waiting(produce->producer) : 0);
	stats_number(&stats, "refused", produce->refused);
	stats_number(&stats, "undelivered", produce->undelivered_records);
	stats_seconds(&stats, "seconds", now - produce->session.started_at);
	for (size_t n = 0; produce->producer && producer_subscription(produce->producer, n, &channel); n++) {
		stats_channel(&stats, &channel.peer);
		stats_word(&stats, "state", state_of(&channel));
		stats_number(&stats, "records", channel.records);
		stats_number(&stats, "bytes", channel.bytes);
		stats_number(&stats, "lag", channel.outstanding);
		stats_number(&stats, "queued", channel.queued);
		stats_number(&stats, "dropped", channel.dropped);
		stats_seconds(&stats, "seconds", now - channel.since);
	}
	stats_print(&stats);
}

/* ---- consumers come and go ---- */

static void on_unsubscribed(struct produce *produce, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE], words[RULE_WORDS_SIZE];

	id_format_short(&fact->peer, peer);
	if (fact->missed > 0) {
		warn("consumer %s was too slow: %llu records were left out", peer, (unsigned long long)fact->missed);
		produce->missed++;
	}
	if (fact->acknowledged && fact->verified) {
		produce->acknowledged++;
	} else if (fact->acknowledged) {
		produce->missed++;
		warn("consumer %s received something else than what was sent", peer);
	} else if (fact->reason == ERROR_TOO_SLOW) {
		produce->missed++;
		warn("consumer %s was too slow and is disconnected: it missed data (10413)", peer);
	} else if (fact->reason == ERROR_NOT_ALLOWED) {
		rule_words(&fact->verdict, words);
		warn("consumer %s is no longer accepted, and is disconnected: %s (10403)", peer, words);
	} else if (fact->reason != OK && fact->reason != ERROR_GRACEFUL && fact->reason != ERROR_CANCELLED) {
		produce->vanished += produce->phase == ENDING;
		warn("consumer %s is gone: %s", peer, error_text(fact->reason));
	}
}

static void on_refused(struct produce *produce, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE], words[RULE_WORDS_SIZE];

	id_format_short(&fact->peer, peer);
	rule_words(&fact->verdict, words);
	/* It comes again and again; who wants to hear of it every time says so. */
	if (produce->refused++ == 0 || produce->session.common->verbose > 0)
		warn("consumer %s is refused: %s (%llu)", peer, fact->reason == ERROR_NO_CAPACITY ?
			"all places are taken, and the line for them is full" : words,
			(unsigned long long)error_close_code(fact->reason));
}

static void on_undelivered(struct produce *produce, const struct streams_fact *fact)
{
	struct record_origin origin = {.stream = produce->stream, .from = produce->session.identity.public_key,
		.sequence = fact->sequence, .wall = runtime_wall(produce->session.runtime)};

	enum error error = record_write(produce->settings.common.framing, produce->undelivered.output,
		&(struct record_batch){fact->message, fact->records, UINT64_MAX}, &origin);

	if (error != OK)   /* -m, or json, can say what -0 cannot */
		warn("an undelivered record contains a NUL byte: it cannot be written with this framing");
	produce->undelivered_records += fact->count;
	blob_drop(fact->message);
}

static void on_stream_fact(struct produce *produce, const struct streams_fact *fact)
{
	switch (fact->kind) {
	case PRODUCER_UNSUBSCRIBED:
		on_unsubscribed(produce, fact);
		break;
	case PRODUCER_REFUSED:
		on_refused(produce, fact);
		break;
	case PRODUCER_UNDELIVERED:
		on_undelivered(produce, fact);
		break;
	case PRODUCER_SUBSCRIBED:
	case PRODUCER_QUEUED:
	case PRODUCER_ROOM:
	case CONSUMER_SUBSCRIBED:
	case CONSUMER_QUEUED:
	case CONSUMER_BATCH:
	case CONSUMER_GAP:
	case CONSUMER_ENDED:
	case CONSUMER_LOST:
		break;
	}
}

static void pull_facts(struct produce *produce)
{
	struct node_fact fact;

	while (node_next_fact(node_of(produce), &fact)) {
		if (session_hear(&produce->session, &fact)) {
			leave(produce, EXIT_REFUSED);
			return;
		}
		if (fact.kind == NODE_BOOTSTRAP_FAILED && produce->phase == WAITING && produce->session.common->verbose > 0)
			warn("a bootstrap peer cannot be reached: %s", error_text(fact.reason));
		if (fact.kind == NODE_STREAM)
			on_stream_fact(produce, &fact.stream);
	}
}

/* False: it left. */
static bool flush_aside(struct produce *produce, struct aside *aside)
{
	switch (aside_flush(aside)) {
	case STDIO_OK:
	case STDIO_AGAIN:
		return true;
	case STDIO_END:
		produce->session.died_of = SIGPIPE;
		leave(produce, 128 + SIGPIPE);
		return false;
	case STDIO_FAILED:
		break;
	}
	report("output", NULL, "cannot write to %s: %s", aside->what, strerror(errno));
	leave(produce, EXIT_IO);
	return false;
}

static bool flush_asides(struct produce *produce)
{
	return flush_aside(produce, &produce->tee) && flush_aside(produce, &produce->undelivered);
}

/* ---- records ---- */

static void input_failed(struct produce *produce)
{
	report("stdin", NULL, "cannot read stdin: %s", strerror(errno));
	leave(produce, EXIT_IO);
}

static void framing_failed(struct produce *produce)
{
	report("framing", NULL, "%s", record_reader_where(produce->reader));
	leave(produce, EXIT_DATA);
}

static void input_is_over(struct produce *produce)
{
	input_close(produce->input);
	produce->input = NULL;
	produce->input_ended = true;
	record_reader_end(produce->reader);
}

/* One read(2). False: nothing more can be read in this turn. */
static bool fill(struct produce *produce)
{
	size_t room, size;
	uint8_t *space;

	if (!produce->input || !produce->reading || aside_is_full(&produce->tee))
		return produce->input_ended;
	space = record_reader_space(produce->reader, &room);
	switch (input_read(produce->input, space, room, &size)) {
	case STDIO_OK:
		if (produce->tee.output)
			output_put(produce->tee.output, bytes_of(space, size));
		record_reader_filled(produce->reader, size);
		return true;
	case STDIO_AGAIN:
		produce->reading = false;
		return false;
	case STDIO_END:
		input_is_over(produce);
		return true;
	case STDIO_FAILED:
		break;
	}
	input_failed(produce);
	return false;
}

static void end_stream(struct produce *produce)
{
	produce->phase = ENDING;
	node_end(node_of(produce), runtime_now(produce->session.runtime), produce->producer);
}

/* Sends what is framed. False: an error, the end, or more than the rate allows. */
static bool send_batches(struct produce *produce, size_t *moved)
{
	struct blob *batch;
	uint64_t count;
	enum error error;

	while (producer_has_room(produce->producer)) {
		msec now = runtime_now(produce->session.runtime);
		uint64_t most = pace_allows(&produce->pace, now);

		produce->is_held = most == 0;
		if (most == 0)
			return false;
		record_reader_limit(produce->reader, most);
		error = record_reader_batch(produce->reader, &batch, &count);
		if (error != OK) {
			framing_failed(produce);
			return false;
		}
		if (!batch)
			break;
		pace_spend(&produce->pace, count);
		produce->records += count;
		produce->bytes += blob_size(batch);
		*moved += blob_size(batch);
		node_write(node_of(produce), now, produce->producer, batch, count);
	}
	if (produce->input_ended && producer_has_room(produce->producer)) {
		end_stream(produce);
		return false;
	}
	return true;
}

static void run(struct produce *produce)
{
	size_t moved = 0;

	while (moved < TURN_BYTES) {
		if (!send_batches(produce, &moved) || !producer_has_room(produce->producer))
			return;
		if (!fill(produce))
			return;
	}
	runtime_again(produce->session.runtime);
}

static size_t counted_consumers(const struct produce *produce)
{
	struct peer_rule rule = rule_of(&produce->counted);

	return rule.count == 0 ? producer_subscribers(produce->producer) : producer_subscribers_of(produce->producer, runtime_now(produce->session.runtime), &rule);
}

static bool enough_consumers(const struct produce *produce)
{
	size_t consumers = counted_consumers(produce);

	/* At the start as many as asked for; later one is enough: the others were told to us as gone. */
	return consumers >= produce->settings.min_consumers || (produce->phase == RUNNING && consumers > 0);
}

static void no_consumer(const struct produce *produce)
{
	const char *network = produce->settings.common.network_text;
	char start[HINT_SIZE];

	snprintf(start, sizeof start, "to start one: mosaik-consume -n %s %s", network, produce->stream);
	report("no-consumer", (const char *const[]){start, "--min-consumers 0 waits for nobody", NULL},
		"%zu of %llu consumers of stream '%s' on network '%s' came within the wait", counted_consumers(produce),
		(unsigned long long)produce->settings.min_consumers, produce->stream, network);
}

static void wait_for_consumers(struct produce *produce, msec now)
{
	if (produce->phase == RUNNING) {
		produce->phase = WAITING;
		produce->waiting_since = now;
		warn("no consumer is left: waiting for one");
	}
	if (produce->session.common->has_wait && produce->session.common->wait != MSEC_NEVER &&
			now - produce->waiting_since >= produce->session.common->wait) {
		no_consumer(produce);
		leave(produce, EXIT_UNAVAILABLE);
	}
}

static void finish(struct produce *produce)
{
	if (producer_subscribers(produce->producer) > 0 || !aside_is_empty(&produce->tee))
		return;
	if (produce->missed > 0) {
		report("missed", NULL, "%u consumers did not get everything", produce->missed);
		leave(produce, EXIT_DATA);
	} else if (produce->acknowledged == 0 && produce->vanished > 0) {
		report("no-consumer", NULL, "no consumer was left to acknowledge the end");
		leave(produce, EXIT_UNAVAILABLE);
	} else {
		leave(produce, EXIT_YES);
	}
}

static void move(struct produce *produce, msec now)
{
	if (session_is_late(&produce->session, now)) {
		if (produce->session.died_of == 0)
			report("deadline", NULL, "not done within the timeout");
		leave(produce, EXIT_DEADLINE);
	} else if (produce->phase == ENDING) {
		finish(produce);
	} else if (enough_consumers(produce)) {
		produce->phase = RUNNING;
		run(produce);
	} else {
		wait_for_consumers(produce, now);
	}
}

static void turn(void *self, msec now)
{
	struct produce *produce = self;

	pull_facts(produce);
	if (produce->session.leaving || !flush_asides(produce))
		return;
	if (session_stats_due(&produce->session, now))
		print_stats(produce, now);
	progress_show(&produce->progress, now, &(struct progress_now){produce->records, produce->bytes,
		producer_subscribers(produce->producer), "consumers"});
	move(produce, now);
	/* What was just written may be nobody's, and what was just read is to go on. */
	if (!produce->session.leaving) {
		pull_facts(produce);
		if (!produce->session.leaving)
			flush_asides(produce);
	}
}

static msec deadline(void *self)
{
	const struct produce *produce = self;
	msec due = session_deadline(&produce->session);

	if (produce->phase == WAITING && produce->session.common->has_wait && produce->session.common->wait != MSEC_NEVER)
		due = msec_min(due, produce->waiting_since + produce->session.common->wait);
	if (produce->is_held)
		due = msec_min(due, pace_due(&produce->pace));
	return msec_min(due, produce->progress.due);
}

static void on_signal(void *self, int number)
{
	struct produce *produce = self;
	msec now = runtime_now(produce->session.runtime);

	if (number == SIGUSR1) {
		print_stats(produce, now);
		return;
	}
	/* What was accepted still goes out, with an end record, for a bounded time. */
	produce->session.died_of = number;
	produce->session.deadline = msec_min(produce->session.deadline, now + INTERRUPT_WITHIN);
	if (produce->phase == RUNNING && produce->input)
		input_is_over(produce);
	else if (produce->phase == WAITING)
		leave(produce, 128 + number);
}

static const struct program program = {turn, deadline, on_signal};

static void take_message(struct produce *produce, const char *message)
{
	size_t left = strlen(message);

	while (left > 0) {
		size_t room;
		uint8_t *space = record_reader_space(produce->reader, &room);
		size_t part = left < room ? left : room;

		memcpy(space, message, part);
		record_reader_filled(produce->reader, part);
		message += part;
		left -= part;
	}
	record_reader_end(produce->reader);
	produce->input_ended = true;
}

static void open_asides(struct produce *produce)
{
	struct uv_loop_s *loop = runtime_loop(produce->session.runtime);

	if (produce->settings.tee && aside_open(&produce->tee, loop, NULL) && produce->settings.message)
		output_put(produce->tee.output, bytes_of_text(produce->settings.message));
	if (produce->settings.undelivered && !aside_open(&produce->undelivered, loop, produce->settings.undelivered))
		fail(EXIT_IO, "undelivered", NULL, "cannot open '%s': %s", produce->settings.undelivered, strerror(errno));
}

static void open_producer(struct produce *produce)
{
	const struct settings *settings = &produce->settings;
	struct producer_options options = {.subscribers_max = settings->max_consumers, .waiting_max = settings->max_waiting,
		.on_slow = settings->on_slow, .buffer = settings->buffer, .tell_undelivered = settings->undelivered != NULL,
		.max_stall = settings->max_stall, .linger = settings->linger};

	rule_add_tags(&produce->accept, &settings->accept_tags);
	rule_add_rtt(&produce->accept, settings->max_rtt);
	rule_add_tickets(&produce->accept, &settings->tickets);
	rule_add_tags(&produce->counted, &settings->consumer_tags);
	options.accept = rule_of(&produce->accept);
	produce->producer = node_produce(node_of(produce), produce->session.started_at, produce->stream, &options);
}

static void start(struct produce *produce)
{
	const struct settings *settings = &produce->settings;
	enum framing framing = settings->message ? FRAMING_WHOLE : settings->common.framing;

	session_open(&produce->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = produce, .record_max = settings->max_record});
	produce->waiting_since = produce->session.started_at;
	produce->pace = pace_new(settings->rate, produce->session.started_at);
	produce->progress = progress_begin(!settings->common.quiet && settings->common.stats == MSEC_NEVER && !settings->message,
		STDIN_FILENO, produce->session.started_at);
	open_asides(produce);
	open_producer(produce);
	produce->reader = record_reader_new(framing, settings->max_record);
	if (settings->message) {
		take_message(produce, settings->message);
	} else {
		produce->input = input_open(runtime_loop(produce->session.runtime), STDIN_FILENO, on_input, produce);
		produce->reading = true;
	}
	session_ready(&produce->session);
}

int main(int argc, char **argv)
{
	struct produce produce = {.settings = settings_defaults};
	int first = options_parse(&command, argc, argv, &produce.settings);
	int status;

	if (first != argc - 1)
		usage_error(first == argc ? "which stream?" : "one stream only: '%s' is one too many", argv[argc - 1]);
	options_id("stream", argv[first]);
	settings_read(&produce.settings);
	produce.stream = argv[first];
	start(&produce);
	status = session_run(&produce.session);
	rule_free(&produce.accept);
	record_reader_free(produce.reader);
	options_free(&command, &produce.settings);
	return status;
}
