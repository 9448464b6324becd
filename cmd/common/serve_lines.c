/*
 * serve_lines.c - see serve_lines.h.
 */
#include "cmd/common/serve_lines.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/collection_line.h"
#include "cmd/common/feed.h"
#include "runtime/stdio.h"

#define PENDING_MAX (1024 * 1024)      /* bytes that stdout has not taken, above which lines wait */
#define UNDER_WAY_MAX 512              /* lines */

struct line {
	struct list place;                 /* in the order of stdin */
	uint64_t number;                   /* of stdin, from 1 */
	uint64_t ticket;                   /* of the request that is under way */
	struct collection_line text;
	struct verb_call call;
	struct buffer shown;
	bool is_done;
};

struct serve_lines {
	struct serve_lines_options options;
	struct feed *feed;                 /* NULL: stdin has ended */
	struct output *output;             /* NULL: stdout is gone */
	struct list lines;                 /* under way */
	size_t count;
	struct line *next;                 /* read, and not begun yet; NULL */
	uint64_t number;
	uint64_t ticket;
};

struct serve_lines *serve_lines_open(const struct serve_lines_options *options)
{
	struct serve_lines *lines = memory_new(sizeof *lines);

	lines->options = *options;
	lines->ticket = options->ticket;
	list_init(&lines->lines);
	lines->output = output_open(options->loop, STDOUT_FILENO, options->woken, options->self);
	lines->feed = feed_open(options->loop, FRAMING_LINES, GROUP_COMMAND_MAX);
	return lines;
}

static void line_free(struct line *line)
{
	verb_fini(&line->call);
	collection_line_fini(&line->text);
	buffer_fini(&line->shown);
	memory_free(line);
}

static void close_feed(struct serve_lines *lines)
{
	feed_close(lines->feed);
	lines->feed = NULL;
}

void serve_lines_close(struct serve_lines *lines)
{
	if (!lines)
		return;
	LIST_EACH_SAFE(place, after, &lines->lines)
		line_free(LIST_OF(place, struct line, place));
	if (lines->next)
		line_free(lines->next);
	close_feed(lines);
	output_close(lines->output);
	memory_free(lines);
}

static void complain(const struct line *line, const char *problem)
{
	report("line", NULL, "line %" PRIu64 " of stdin: %s", line->number, problem);
}

/* Those at the front that are done are printed, and gone. */
static void settle(struct serve_lines *lines)
{
	while (!list_is_empty(&lines->lines)) {
		struct line *line = LIST_OF(lines->lines.next, struct line, place);

		if (!line->is_done)
			return;
		if (lines->output)
			output_put(lines->output, buffer_bytes(&line->shown));
		list_remove(&line->place);
		lines->count--;
		line_free(line);
	}
}

static void put_next(struct serve_lines *lines, struct line *line, struct group *group, msec now)
{
	struct buffer request = {0};

	if (!verb_next(&line->call, &request)) {
		if (line->call.problem[0] != '\0')
			complain(line, line->call.problem);
		line->is_done = true;
	} else if (line->text.verb->writes) {
		line->ticket = ++lines->ticket;
		group_propose(group, now, line->ticket, buffer_bytes(&request));
	} else {
		struct group_query query;

		line->ticket = ++lines->ticket;
		query = collection_query(lines->options.invocation->settings, line->ticket, buffer_bytes(&request));
		group_query(group, now, &query);
	}
	buffer_fini(&request);
}

/* What the record says becomes `next`, unless it says nothing that can be carried out. */
static void read_line(struct serve_lines *lines, struct bytes record)
{
	struct line *line = memory_new(sizeof *line);
	const char *problem;

	line->number = ++lines->number;
	if (!collection_line_read(lines->options.shape.kind, record, &line->text, &problem)) {
		complain(line, problem);
		line_free(line);
		return;
	}
	line->text.options.form = collection_verb_options(lines->options.invocation->settings).form;
	line->call = (struct verb_call){.shape = &lines->options.shape, .verb = line->text.verb, .options = &line->text.options,
		.operand = line->text.operand, .count = line->text.count};
	lines->next = line;
}

static bool may_begin(const struct serve_lines *lines, const struct group *group)
{
	const struct line *first;

	if (lines->count == UNDER_WAY_MAX || !group_has_room(group)
		|| (lines->output && output_pending(lines->output) >= PENDING_MAX))
		return false;
	if (!lines->next || list_is_empty(&lines->lines))
		return true;
	first = LIST_OF(lines->lines.next, struct line, place);
	return first->text.verb->writes == lines->next->text.verb->writes;
}

int serve_lines_begin(struct serve_lines *lines, struct group *group, msec now)
{
	struct bytes record;

	while ((lines->feed || lines->next) && may_begin(lines, group)) {
		if (lines->next) {
			struct line *line = lines->next;

			lines->next = NULL;
			list_append(&lines->lines, &line->place);
			lines->count++;
			put_next(lines, line, group, now);
			settle(lines);
			continue;
		}
		switch (feed_next(lines->feed, &record)) {
		case FEED_RECORD:
			read_line(lines, record);
			break;
		case FEED_WAIT:
			return EXIT_YES;
		case FEED_END:
			close_feed(lines);
			break;
		case FEED_BAD:
			return EXIT_DATA;
		case FEED_FAILED:
			return EXIT_IO;
		}
	}
	return EXIT_YES;
}

static struct line *line_of(struct serve_lines *lines, uint64_t ticket)
{
	LIST_EACH(place, &lines->lines) {
		struct line *line = LIST_OF(place, struct line, place);

		if (line->ticket == ticket && !line->is_done)
			return line;
	}
	return NULL;
}

void serve_lines_answer(struct serve_lines *lines, struct group *group, msec now, const struct group_fact *fact)
{
	struct line *line = line_of(lines, fact->ticket);
	int status = EXIT_NO;

	if (!line)
		return;
	if (fact->reason == OK)
		status = verb_answer(&line->call, fact->bytes ? blob_bytes(fact->bytes) : bytes_of(NULL, 0), &line->shown);
	if (fact->reason != OK || (status != EXIT_YES && status != EXIT_NO)) {
		complain(line, fact->reason != OK ? error_text(fact->reason) : line->call.problem);
		line->is_done = true;
	} else if (group) {
		put_next(lines, line, group, now);
	}
	settle(lines);
}

int serve_lines_flush(struct serve_lines *lines)
{
	int status = EXIT_YES;

	if (!lines->output)
		return EXIT_YES;
	switch (output_flush(lines->output)) {
	case STDIO_OK:
	case STDIO_AGAIN:
		return EXIT_YES;
	case STDIO_END:
		status = 128 + SIGPIPE;
		break;
	case STDIO_FAILED:
		report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
		status = EXIT_IO;
		break;
	}
	output_close(lines->output);
	lines->output = NULL;
	return status;
}
