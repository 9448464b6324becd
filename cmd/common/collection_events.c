/*
 * collection_events.c - see collection_events.h.
 */
#include "cmd/common/collection_events.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/list.h"
#include "base/memory.h"
#include "cmd/common/command.h"
#include "cmd/common/exit.h"
#include "cmd/common/options.h"
#include "runtime/stdio.h"

#define PRINT_AHEAD (256u * 1024)    /* bytes of text that stdout has not taken yet */
#define STOP_WITHIN 1000             /* msec for a CMD to end when we do */

struct event {
	struct list place;
	uint64_t version;
	struct buffer change;        /* empty: a reset */
};

struct collection_events {
	struct collection_events_options options;
	struct list queue;
	size_t bytes;
	uint64_t told;
	struct output *output;       /* NULL: there is a CMD */
	struct child *child;         /* NULL: none runs */
	struct buffer text;
};

static void on_output(void *self)
{
	(void)self;   /* a turn follows */
}

struct collection_events *events_new(const struct collection_events_options *options)
{
	struct collection_events *events = memory_new(sizeof *events);

	*events = (struct collection_events){.options = *options};
	list_init(&events->queue);
	if (!options->command) {
		events->output = output_open(runtime_loop(options->runtime), STDOUT_FILENO, on_output, events);
		runtime_mind_reader(options->runtime);
	}
	return events;
}

static void drop_first(struct collection_events *events)
{
	struct event *event = LIST_OF(events->queue.next, struct event, place);

	list_remove(&event->place);
	events->bytes -= event->change.size + sizeof *event;
	buffer_fini(&event->change);
	memory_free(event);
}

void events_free(struct collection_events *events)
{
	if (!events)
		return;
	if (events->child) {
		child_stop(events->child, STOP_WITHIN);
		child_free(events->child);
	}
	while (!list_is_empty(&events->queue))
		drop_first(events);
	output_close(events->output);
	buffer_fini(&events->text);
	memory_free(events);
}

enum error events_add(struct collection_events *events, uint64_t version, struct bytes change)
{
	struct change decoded;
	struct event *event;

	if (change.size > 0 && (change_decode(change, &decoded) != OK || !change_text_is_sound(&events->options.shape, &decoded)))
		return ERROR_MALFORMED;
	event = memory_new(sizeof *event);
	*event = (struct event){.version = version};
	buffer_append(&event->change, change);
	events->bytes += event->change.size + sizeof *event;
	list_append(&events->queue, &event->place);
	return OK;
}

size_t events_bytes(const struct collection_events *events)
{
	return events->bytes;
}

static bool all_told(const struct collection_events *events)
{
	return events->options.most > 0 && events->told == events->options.most;
}

/* The first one that waits; it stays there. */
static struct change_told first_of(const struct collection_events *events, struct change *change)
{
	const struct event *event = LIST_OF(events->queue.next, struct event, place);
	struct change_told told = {.version = event->version};

	if (event->change.size > 0 && change_decode(buffer_bytes(&event->change), change) == OK)
		told.change = change;
	return told;
}

/* ---- stdout ---- */

static bool flush(struct collection_events *events, int *status)
{
	switch (output_flush(events->output)) {
	case STDIO_OK:
		*status = EXIT_YES;
		return !all_told(events);
	case STDIO_AGAIN:
		return true;
	case STDIO_END:
		*status = 128 + SIGPIPE;
		return false;
	case STDIO_FAILED:
		break;
	}
	report("stdout", NULL, "cannot write to stdout: %s", strerror(errno));
	*status = EXIT_IO;
	return false;
}

static bool print(struct collection_events *events, int *status)
{
	struct change change;

	do {
		while (!list_is_empty(&events->queue) && !all_told(events) && output_pending(events->output) < PRINT_AHEAD) {
			struct change_told told = first_of(events, &change);

			buffer_clear(&events->text);
			change_text_put(&events->options.shape, &events->options.form, &told, &events->text);
			output_put(events->output, buffer_bytes(&events->text));
			drop_first(events);
			events->told++;
		}
		if (!flush(events, status))
			return false;
	} while (!list_is_empty(&events->queue) && output_pending(events->output) == 0);
	return true;
}

/* ---- CMD ---- */

/* CMD's own status changes nothing: a handler that fails once is no reason to miss the next change. */
static void reap(struct collection_events *events)
{
	int status;

	if (!events->child || !child_has_ended(events->child, &status))
		return;
	child_free(events->child);
	events->child = NULL;
	if (status != 0)
		warn("'%s' ended with status %d", events->options.command[0], status);
}

static bool run(struct collection_events *events, int *status)
{
	struct change change;

	reap(events);
	while (!events->child && !list_is_empty(&events->queue) && !all_told(events)) {
		struct change_told told = first_of(events, &change);
		struct bytes value;

		buffer_clear(&events->text);
		change_text_environment(&events->options.shape, &told, &events->text);
		value = buffer_bytes(&events->text);
		events->child = command_start(events->options.runtime, events->options.command, &value, status);
		if (!events->child)
			return false;
		drop_first(events);
		events->told++;
	}
	*status = EXIT_YES;
	return events->child || !all_told(events);
}

bool events_tell(struct collection_events *events, int *status)
{
	return events->options.command ? run(events, status) : print(events, status);
}
