/*
 * mosaik-produce - stdin becomes a stream.
 *
 *     waiting    until --min-consumers are attached; stdin is not read, as opening a FIFO waits
 *     running    read, frame, write, as long as every consumer has room; without any consumer it waits again
 *     ending     everything was read: the end record is out, consumers acknowledge
 *     leaving    goodbye
 *
 * Nothing is buffered here but one batch under way: what a consumer cannot take stays in the pipe.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/framing.h"
#include "cmd/common/session.h"
#include "cmd/mosaik-produce/settings.h"
#include "runtime/stdio.h"

#define TURN_BYTES (1024 * 1024)   /* read in one turn, before the network gets its share */

enum phase { WAITING, RUNNING, ENDING };

struct produce {
	struct settings settings;
	struct session session;
	struct producer *producer;
	struct record_reader *reader;
	struct input *input;         /* NULL with -m, and once it has ended */
	enum phase phase;
	bool input_ended;
	bool reading;                /* no STDIO_AGAIN is pending */
	msec waiting_since;
	uint64_t records;
	uint64_t bytes;
	unsigned acknowledged;
	unsigned missed;             /* consumers that got less than everything */
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
	session_leave(&produce->session, status);
}

static void print_stats(const struct produce *produce, msec now)
{
	double seconds = (double)(now - produce->session.started_at) / 1000;

	fprintf(stderr, "mosaik-produce: stats records=%llu bytes=%llu consumers=%zu seconds=%.3f\n",
		(unsigned long long)produce->records, (unsigned long long)produce->bytes,
		produce->producer ? producer_subscribers(produce->producer) : 0, seconds);
}

/* ---- consumers come and go ---- */

static void on_unsubscribed(struct produce *produce, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];

	id_format_short(&fact->peer, peer);
	if (fact->acknowledged && fact->verified) {
		produce->acknowledged++;
	} else if (fact->acknowledged) {
		produce->missed++;
		warn("consumer %s received something else than what was sent", peer);
	} else if (fact->reason == ERROR_TOO_SLOW) {
		produce->missed++;
		warn("consumer %s was too slow and is disconnected: it missed data", peer);
	} else if (fact->reason != OK && fact->reason != ERROR_GRACEFUL && fact->reason != ERROR_CANCELLED) {
		produce->vanished += produce->phase == ENDING;
		warn("consumer %s is gone: %s", peer, error_text(fact->reason));
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
		if (fact.kind == NODE_STREAM && fact.stream.kind == PRODUCER_UNSUBSCRIBED)
			on_unsubscribed(produce, &fact.stream);
	}
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

	if (!produce->input || !produce->reading)
		return produce->input_ended;
	space = record_reader_space(produce->reader, &room);
	switch (input_read(produce->input, space, room, &size)) {
	case STDIO_OK:
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

/* Sends what is framed. False: an error, or the end. */
static bool send_batches(struct produce *produce, size_t *moved)
{
	struct blob *batch;
	uint64_t count;
	enum error error;

	while (producer_has_room(produce->producer)) {
		error = record_reader_batch(produce->reader, &batch, &count);
		if (error != OK) {
			framing_failed(produce);
			return false;
		}
		if (!batch)
			break;
		produce->records += count;
		produce->bytes += blob_size(batch);
		*moved += blob_size(batch);
		node_write(node_of(produce), runtime_now(produce->session.runtime), produce->producer, batch, count);
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

static bool enough_consumers(const struct produce *produce)
{
	size_t consumers = producer_subscribers(produce->producer);

	/* At the start as many as asked for; later one is enough: the others were told to us as gone. */
	return consumers >= produce->settings.min_consumers || (produce->phase == RUNNING && consumers > 0);
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
		report("no-consumer", NULL, "%zu of %llu consumers of this stream came within the wait",
			producer_subscribers(produce->producer), (unsigned long long)produce->settings.min_consumers);
		leave(produce, EXIT_UNAVAILABLE);
	}
}

static void finish(struct produce *produce)
{
	if (producer_subscribers(produce->producer) > 0)
		return;
	if (produce->missed > 0)
		leave(produce, EXIT_DATA);
	else if (produce->acknowledged == 0 && produce->vanished > 0)
		leave(produce, EXIT_UNAVAILABLE);
	else
		leave(produce, EXIT_YES);
}

static void turn(void *self, msec now)
{
	struct produce *produce = self;

	pull_facts(produce);
	if (produce->session.leaving)
		return;
	if (session_stats_due(&produce->session, now))
		print_stats(produce, now);
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

static msec deadline(void *self)
{
	const struct produce *produce = self;
	msec due = session_deadline(&produce->session);

	if (produce->phase == WAITING && produce->session.common->has_wait && produce->session.common->wait != MSEC_NEVER)
		due = msec_min(due, produce->waiting_since + produce->session.common->wait);
	return due;
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

static void start(struct produce *produce, const char *stream)
{
	const struct settings *settings = &produce->settings;
	struct producer_options options = {.subscribers_max = settings->max_consumers, .max_stall = settings->max_stall,
		.linger = settings->linger};

	session_open(&produce->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = produce, .record_max = settings->max_record});
	produce->waiting_since = produce->session.started_at;
	produce->producer = node_produce(node_of(produce), produce->session.started_at, stream, &options);
	produce->reader = record_reader_new(settings->message ? FRAMING_WHOLE : settings->common.framing, settings->max_record);
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
	start(&produce, argv[first]);
	status = session_run(&produce.session);
	record_reader_free(produce.reader);
	options_free(&command, &produce.settings);
	return status;
}
