/*
 * stats.c - see stats.h. A report is put together first and written once, so that two programs on one terminal do not
 * mix theirs.
 */
#include "cmd/common/stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "cmd/common/jsontext.h"
#include "cmd/common/options.h"

#define PROGRESS_EVERY 500    /* msec */
#define MIB_SIZE (1024.0 * 1024.0)

__attribute__((format(printf, 2, 3)))
static void add(struct stats *stats, const char *format, ...)
{
	char text[256];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	ASSERT(size >= 0 && (size_t)size < sizeof text);
	buffer_append(&stats->text, bytes_of(text, (size_t)size));
}

struct stats stats_begin(const char *program, bool is_json)
{
	struct stats stats = {.program = program, .is_json = is_json, .has_field = is_json};

	if (is_json)
		add(&stats, "{\"program\":\"%s\"", program);
	else
		add(&stats, "%s: stats", program);
	return stats;
}

/* Name and everything around it, in front of a value. */
static void name_field(struct stats *stats, const char *name)
{
	if (stats->is_json)
		add(stats, "%s\"%s\":", stats->has_field ? "," : "", name);
	else
		add(stats, " %s=", name);
	stats->has_field = true;
}

void stats_number(struct stats *stats, const char *name, uint64_t value)
{
	name_field(stats, name);
	add(stats, "%" PRIu64, value);
}

void stats_word(struct stats *stats, const char *name, const char *value)
{
	name_field(stats, name);
	if (stats->is_json)
		jsontext_quote(&stats->text, bytes_of_text(value));
	else
		buffer_append(&stats->text, bytes_of_text(value));
}

void stats_seconds(struct stats *stats, const char *name, msec span)
{
	name_field(stats, name);
	add(stats, "%.3f", (double)span / 1000);
}

void stats_channel(struct stats *stats, const struct id *peer)
{
	char text[ID_TEXT_SIZE];

	id_format(peer, text);
	if (stats->is_json)
		add(stats, "%s", stats->in_channels ? "},{" : ",\"channels\":[{");
	else
		add(stats, "\n%s: channel", stats->program);
	stats->in_channels = true;
	stats->has_field = false;
	stats_word(stats, "peer", text);
}

void stats_print(struct stats *stats)
{
	if (stats->is_json)
		add(stats, "%s", stats->in_channels ? "}]}" : ",\"channels\":[]}");
	add(stats, "\n");
	options_tell_clear();
	fwrite(stats->text.data, 1, stats->text.size, stderr);
	buffer_fini(&stats->text);
}

/* ---- progress ---- */

struct progress progress_begin(bool wanted, int data_fd, msec now)
{
	bool shows = wanted && isatty(STDERR_FILENO) && !isatty(data_fd);

	return (struct progress){.due = shows ? now + PROGRESS_EVERY : MSEC_NEVER, .last = now};
}

void progress_show(struct progress *progress, msec now, const struct progress_now *is)
{
	double seconds = (double)(now - progress->last) / 1000;
	double speed = seconds > 0 ? (double)(is->bytes - progress->last_bytes) / MIB_SIZE / seconds : 0;

	if (now < progress->due)
		return;
	options_tell_clear();
	fprintf(stderr, "%" PRIu64 " records, %.1f MiB, %.1f MiB/s, %zu %s", is->records, (double)is->bytes / MIB_SIZE,
		speed, is->peers, is->peers_are);
	options_tell_over(true);
	progress->last = now;
	progress->last_bytes = is->bytes;
	progress->due = now + PROGRESS_EVERY;
}

void progress_end(struct progress *progress)
{
	progress->due = MSEC_NEVER;
	options_tell_clear();
}
