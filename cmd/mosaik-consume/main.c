/*
 * mosaik-consume - streams become stdout.
 *
 * Batches are pulled from the node only while little is waiting for stdout, and credit goes back to the producer as they
 * are pulled: a reader that stops, stops the producer. An end record is acknowledged when everything before it was
 * written. With a command, records go to it instead, and one batch is in hand until its last command was started.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/table.h"
#include "cmd/common/framing.h"
#include "cmd/common/rules.h"
#include "cmd/common/session.h"
#include "cmd/common/stats.h"
#include "cmd/mosaik-consume/runner.h"
#include "cmd/mosaik-consume/settings.h"
#include "runtime/stdio.h"

#define PENDING_MAX (512 * 1024)   /* bytes waiting for stdout above which nothing more is pulled */
#define HINT_SIZE 512
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
	struct runner *runner;           /* NULL: records go to stdout */
	struct rule rule;
	struct buffer criteria;
	struct progress progress;
	struct number_table active;      /* link -> struct source *: subscriptions under way */
	struct number_table ended;       /* link -> struct source *: verified, not yet acknowledged */
	bool writable;                   /* no STDIO_AGAIN is pending */
	uint64_t records;
	uint64_t bytes;
	uint64_t gaps;                   /* records missed */
	unsigned ends;                   /* end records seen */
	struct id_table lost;            /* peer -> struct source *: went without an end, and is not back */
	struct id_table refusals;        /* peer -> struct row of words[]: why it gives us nothing, as was told */
	bool not_allowed;                /* by somebody, ever */
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
	progress_end(&consume->progress);
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

static const char *state_name(enum channel_state state)
{
	static const char *const names[] = {[CHANNEL_CONNECTING] = "connecting", [CHANNEL_QUEUED] = "queued",
		[CHANNEL_RUNNING] = "running", [CHANNEL_ENDED] = "ended", [CHANNEL_WAITING] = "waiting"};

	return names[state];
}

static void add_channel(struct stats *stats, const struct source *source, const struct channel_stats *channel, msec now)
{
	stats_channel(stats, &channel->peer);
	stats_word(stats, "stream", source->name);
	stats_word(stats, "state", state_name(channel->state));
	stats_number(stats, "records", channel->records);
	stats_number(stats, "bytes", channel->bytes);
	stats_number(stats, "missed", channel->missed);
	stats_number(stats, "lag", channel->held);
	stats_seconds(stats, "seconds", channel->state == CHANNEL_RUNNING ? now - channel->since : 0);
}

static void print_stats(const struct consume *consume, msec now)
{
	struct stats stats = stats_begin("mosaik-consume", consume->settings.common.json);
	struct channel_stats channel;

	stats_number(&stats, "records", consume->records);
	stats_number(&stats, "bytes", consume->bytes);
	stats_number(&stats, "producers", consume->active.count);
	stats_number(&stats, "missed", consume->gaps);
	stats_seconds(&stats, "seconds", now - consume->session.started_at);
	for (size_t i = 0; i < consume->source_count; i++)
		for (size_t n = 0; consumer_channel(consume->source[i].consumer, n, &channel); n++)
			add_channel(&stats, &consume->source[i], &channel, now);
	stats_print(&stats);
}

/* ---- facts ---- */

static struct source *source_of(struct consume *consume, const struct consumer *consumer)
{
	for (size_t i = 0; i < consume->source_count; i++)
		if (consume->source[i].consumer == consumer)
			return &consume->source[i];
	return NULL;
}

static void write_batch(struct consume *consume, const struct streams_fact *fact, const char *stream, uint64_t most)
{
	struct record_origin origin = {.stream = stream, .from = fact->peer, .sequence = fact->sequence,
		.picked = fact->picked, .wall = runtime_wall(consume->session.runtime)};
	enum error error = record_write(consume->settings.common.framing, consume->output,
		&(struct record_batch){fact->message, fact->records, most}, &origin);

	blob_drop(fact->message);
	if (error == OK)
		return;
	report("framing", NULL, "a record contains a NUL byte: it cannot be written with framing null");
	enough(consume, EXIT_DATA);
}

static void on_batch(struct consume *consume, const struct streams_fact *fact)
{
	const struct settings *settings = &consume->settings;
	uint64_t left = settings->count > 0 ? settings->count - consume->records : UINT64_MAX;
	const struct source *source = source_of(consume, fact->consumer);
	const char *stream = source ? source->name : "";

	consume->records += fact->count < left ? fact->count : left;
	consume->bytes += fact->records.size;
	consume->last_record_at = runtime_now(consume->session.runtime);
	node_consumed(node_of(consume), fact->link, blob_size(fact->message));
	if (consume->runner)
		runner_give(consume->runner, &(struct runner_job){.stream = stream, .producer = fact->peer,
			.sequence = fact->sequence, .picked = fact->picked, .message = fact->message, .records = fact->records,
			.most = left});
	else
		write_batch(consume, fact, stream, left);
	if (settings->count > 0 && consume->records >= settings->count)
		enough(consume, EXIT_YES);
}

/* Ends with what the ends of all streams, or the first mishap with --strict, come to. Warnings may have been turned off. */
static void conclude(struct consume *consume, int status)
{
	if (consume->done)
		return;
	if (status == EXIT_DATA)
		report("missed", NULL, "not all is here: %llu records were missed%s", (unsigned long long)consume->gaps,
			consume->gaps > 0 ? "" : ", but what came does not match its end record");
	if (status == EXIT_IO)
		report("vanished", NULL, "%zu producers went without an end, and did not come back", consume->lost.count);
	enough(consume, status);
}

static void on_gap(struct consume *consume, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];

	id_format_short(&fact->peer, peer);
	consume->gaps += fact->count;
	consume->data_error = true;
	warn("%llu records of producer %s were missed", (unsigned long long)fact->count, peer);
	if (consume->settings.strict)
		conclude(consume, EXIT_DATA);
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
		conclude(consume, EXIT_DATA);
}

static void on_subscribed(struct consume *consume, const struct streams_fact *fact)
{
	number_table_put(&consume->active, fact->link, source_of(consume, fact->consumer));
	id_table_remove(&consume->lost, &fact->peer);
	id_table_remove(&consume->refusals, &fact->peer);
}

static void on_queued(struct consume *consume, const struct streams_fact *fact)
{
	char peer[ID_SHORT_SIZE];

	(void)consume;
	id_format_short(&fact->peer, peer);
	warn("producer %s has no free place: waiting in line for one", peer);
}

/* The peer is gone, or its connection is: not a word about this stream. */
static bool is_departure(enum error reason)
{
	return reason == ERROR_GRACEFUL || reason == ERROR_CANCELLED || reason == ERROR_REFUSED || reason == ERROR_IDLE ||
		reason == ERROR_UNEXPECTED_CLOSE;
}

/* What a producer says about us, to the one who started us; the close code is for looking it up. */
static struct word {
	enum error reason;
	const char *text;
} words[] = {
	{ERROR_NOT_ALLOWED, "does not accept us"},
	{ERROR_STREAM_NOT_FOUND, "does not have that stream any more"},
	{ERROR_NO_CAPACITY, "has no place for another consumer"},
	{ERROR_TOO_SLOW, "found us too slow and went on without us: what it writes until we are back is missed"},
	{ERROR_FRAME_TOO_LARGE, "sends records above --max-record"},
};

static struct word *word_of(enum error reason)
{
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (words[i].reason == reason)
			return &words[i];
	return NULL;
}

/* It is asked again and again; that is told once, until it answers otherwise. */
static void tell_refusal(struct consume *consume, const struct streams_fact *fact, struct word *word, const char *text)
{
	bool again = id_table_get(&consume->refusals, &fact->peer) == word;
	char peer[ID_SHORT_SIZE];

	id_format_short(&fact->peer, peer);
	id_table_put(&consume->refusals, &fact->peer, word);
	consume->not_allowed |= fact->reason == ERROR_NOT_ALLOWED;
	if (!again)
		warn("producer %s %s (%llu): it is asked again later", peer, text, (unsigned long long)error_close_code(fact->reason));
}

/* It said which ticket it wants. Each fault is an answer of its own. */
static void tell_lack(struct consume *consume, const struct streams_fact *fact)
{
	static struct word lacks[JWT_FINE];
	char lack[RULE_WORDS_SIZE], text[RULE_WORDS_SIZE + 32];

	rule_ticket_words(&fact->lack, lack);
	snprintf(text, sizeof text, "does not accept us: %s", lack);
	tell_refusal(consume, fact, &lacks[fact->lack.fault], text);
}

/* A subscription that ran: it went, or we left it because it is no longer one that was asked for. */
static void tell_loss(struct consume *consume, const struct streams_fact *fact)
{
	const struct catalog *catalog = node_catalog(node_of(consume));
	struct peer_rule rule = rule_of(&consume->rule);
	struct peer_verdict verdict = peer_rule_judge(&rule, runtime_now(consume->session.runtime), catalog, &fact->peer);
	char peer[ID_SHORT_SIZE], lack[RULE_WORDS_SIZE];

	id_format_short(&fact->peer, peer);
	if (fact->reason == ERROR_CANCELLED && !verdict.allowed && catalog_find(catalog, &fact->peer)) {
		rule_words(&verdict, lack);
		warn("producer %s is no longer read: %s", peer, lack);
	} else {
		warn("producer %s: %s", peer, error_text(fact->reason));
	}
}

static void on_lost(struct consume *consume, const struct streams_fact *fact)
{
	bool was_active = number_table_remove(&consume->active, fact->link) != NULL;
	struct word *word = word_of(fact->reason);

	/* A producer that never answered may be an old entry in the catalog, and one that refuses us is still there. */
	if (was_active || (fact->was_there && is_departure(fact->reason)))
		id_table_put(&consume->lost, &fact->peer, source_of(consume, fact->consumer));
	if (fact->message)
		tell_lack(consume, fact);
	else if (word)
		tell_refusal(consume, fact, word, word->text);
	else if (was_active)
		tell_loss(consume, fact);
	blob_drop(fact->message);
}

static void on_stream_fact(struct consume *consume, struct streams_fact *fact)
{
	switch (fact->kind) {
	case CONSUMER_SUBSCRIBED:
		on_subscribed(consume, fact);
		break;
	case CONSUMER_QUEUED:
		on_queued(consume, fact);
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
		break;
	}
}

/* False: everything was taken. True: there may be more, once what was taken is written. */
static bool pull(struct consume *consume)
{
	struct node_fact fact;

	for (int i = 0; i < TURN_BATCHES && output_pending(consume->output) < PENDING_MAX; i++) {
		if (consume->runner && runner_has_job(consume->runner))
			return false;   /* a turn follows the end of a command */
		if (consume->done || !node_next_fact(node_of(consume), &fact))
			return false;
		if (session_hear(&consume->session, &fact))
			enough(consume, EXIT_REFUSED);
		if (fact.kind == NODE_STREAM)
			on_stream_fact(consume, &fact.stream);
	}
	return true;
}

/* ---- stdout ---- */

/* With a command: everything that was taken has been through it. */
static bool is_used_up(const struct consume *consume)
{
	return !consume->runner || runner_is_idle(consume->runner);
}

static void acknowledge_ends(struct consume *consume)
{
	while (consume->ended.count > 0 && is_used_up(consume)) {
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

/* Producers that are there, but not those that were asked for; lack: why the last of them is not. */
static size_t count_unwanted(struct consume *consume, char lack[RULE_WORDS_SIZE])
{
	const struct catalog *catalog = node_catalog(node_of(consume));
	struct id stream = options_id("stream", consume->source[0].name);
	struct peer_rule rule = rule_of(&consume->rule);
	const struct catalog_peer *peer;
	size_t at = 0, count = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL) {
		const struct card *card = &peer->entry->card;
		struct peer_verdict verdict = peer_rule_judge(&rule, runtime_now(consume->session.runtime), catalog, &card->peer);

		if (!id_set_has(&card->streams, &stream) || verdict.allowed)
			continue;
		rule_words(&verdict, lack);
		count++;
	}
	return count;
}

static void no_producer(struct consume *consume)
{
	const char *network = consume->settings.common.network_text, *name = consume->source[0].name;
	const char *others = consume->source_count > 1 ? " and others" : "";
	char start[HINT_SIZE], near[HINT_SIZE], lack[RULE_WORDS_SIZE];
	const char *const hints[] = {start, near, NULL};
	size_t listed = 0, unwanted = count_unwanted(consume, lack);

	for (size_t i = 0; i < consume->source_count; i++)
		listed += node_producers_listed(node_of(consume), consume->source[i].consumer);
	snprintf(start, sizeof start, "to start one: mosaik-produce -n %s %s", network, name);
	snprintf(near, sizeof near, "what is named like it: mosaik-catalog -n %s explain stream %s", network, name);
	if (consume->not_allowed)
		report("refused", NULL, "no producer of stream '%s'%s on network '%s' accepts us", name, others, network);
	else if (listed > 0)
		report("no-producer", NULL, "none of %zu producers of stream '%s'%s on network '%s' served us within the wait", listed, name,
			others, network);
	else if (unwanted > 0)
		report("no-producer", NULL, "%zu producers of stream '%s' on network '%s' are there, but none that is wanted: of the last of them, %s",
			unwanted, name, network, lack);
	else
		report("no-producer", hints, "no producer of stream '%s'%s on network '%s' within the wait", name, others, network);
	enough(consume, consume->not_allowed ? EXIT_REFUSED : EXIT_UNAVAILABLE);
}

/* What has not been started stays unstarted, what runs hears of it. */
static void stop_commands(struct consume *consume, int signal_number)
{
	if (!consume->runner)
		return;
	runner_drop_job(consume->runner);
	runner_signal(consume->runner, signal_number);
}

static void look_at_clock(struct consume *consume, msec now)
{
	const struct settings *settings = &consume->settings;
	const struct common *common = &settings->common;
	bool subscribed = consume->active.count > 0 || consume->records > 0 || consume->ends > 0;

	if (session_is_late(&consume->session, now)) {
		if (!consume->done)
			report("deadline", NULL, "not done within the timeout");
		stop_commands(consume, SIGKILL);
		enough(consume, EXIT_DEADLINE);
	} else if (is_given(settings->idle) && now - consume->last_record_at >= settings->idle) {
		enough(consume, consume->records > 0 ? EXIT_YES : EXIT_NO);
	} else if (is_given(settings->run_for) && now - consume->session.started_at >= settings->run_for) {
		enough(consume, consume->records > 0 ? EXIT_YES : EXIT_NO);
	} else if (!subscribed && common->has_wait && common->wait != MSEC_NEVER && now - consume->session.started_at >= common->wait) {
		no_producer(consume);
	}
}

static void strict_failure(struct consume *consume)
{
	if (!consume->done)
		report("command", NULL, "a command failed (--strict)");
	enough(consume, EXIT_DATA);
}

/*
 * Commands that fail are told of; only with --strict is that the end. True: a batch was used up, and there may be more.
 */
static bool run_commands(struct consume *consume)
{
	bool had_job = runner_has_job(consume->runner);
	size_t failed;
	int status = runner_turn(consume->runner, &failed);

	if (status != 0)
		enough(consume, status);
	else if (failed > 0 && consume->settings.strict)
		strict_failure(consume);
	return had_job && !runner_has_job(consume->runner);
}

static void turn(void *self, msec now)
{
	struct consume *consume = self;
	bool more = pull(consume);

	if (consume->runner)
		more |= run_commands(consume);
	if (session_stats_due(&consume->session, now))
		print_stats(consume, now);
	progress_show(&consume->progress, now,
		&(struct progress_now){consume->records, consume->bytes, consume->active.count, "producers"});
	if (!flush(consume))
		return;   /* stdout is full, or gone */
	if (more)
		runtime_again(consume->session.runtime);   /* nothing else may happen that would wake us */
	look_at_clock(consume, now);
	if (consume->settings.end && all_ended(consume))
		conclude(consume, end_status(consume));
	if (consume->done && is_used_up(consume))
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
	return msec_min(due, consume->progress.due);
}

static void on_signal(void *self, int number)
{
	struct consume *consume = self;

	if (number == SIGUSR1) {
		print_stats(consume, runtime_now(consume->session.runtime));
		return;
	}
	consume->session.died_of = number;
	consume->session.deadline = msec_min(consume->session.deadline, runtime_now(consume->session.runtime) + INTERRUPT_WITHIN);
	stop_commands(consume, number);
	enough(consume, 128 + number);
	if (!flush(consume) && is_used_up(consume))
		leave(consume, 128 + number);   /* stdout takes nothing now; what is pending cannot be waited for */
}

static const struct program program = {turn, deadline, on_signal};

/* argv: of the command; NULL: none */
static void start(struct consume *consume, int count, char **stream, char **argv)
{
	const struct settings *settings = &consume->settings;
	struct consumer_options options = {.record_max = settings->max_record};

	settings_criteria(settings, &consume->criteria);
	rule_add_peers(&consume->rule, &settings->producers);
	rule_add_tags(&consume->rule, &settings->producer_tags);
	rule_add_rtt(&consume->rule, settings->max_rtt);
	rule_add_tickets(&consume->rule, &settings->tickets);
	options.producers = rule_of(&consume->rule);
	options.criteria = buffer_bytes(&consume->criteria);
	session_open(&consume->session, &(struct session_options){.common = &settings->common, .program = &program,
		.self = consume, .record_max = settings->max_record});
	consume->last_record_at = consume->session.started_at;
	consume->output = output_open(runtime_loop(consume->session.runtime), STDOUT_FILENO, on_output, consume);
	consume->writable = true;
	if (!argv)
		runtime_mind_reader(consume->session.runtime);
	else
		consume->runner = runner_new(consume->session.runtime, argv, settings->parallel);
	consume->progress = progress_begin(!settings->common.quiet && settings->common.stats == MSEC_NEVER && !argv, STDOUT_FILENO,
		consume->session.started_at);
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
	int last = argc - consume.settings.common.behind;
	int status;

	if (first == last)
		usage_error("which stream?");
	for (int i = first; i < last; i++)
		options_id("stream", argv[i]);
	start(&consume, last - first, argv + first, last < argc ? argv + last : NULL);
	status = session_run(&consume.session);
	number_table_fini(&consume.active);
	number_table_fini(&consume.ended);
	id_table_fini(&consume.lost);
	id_table_fini(&consume.refusals);
	buffer_fini(&consume.criteria);
	rule_free(&consume.rule);
	runner_free(consume.runner);
	memory_free(consume.source);
	options_free(&command, &consume.settings);
	return status;
}
