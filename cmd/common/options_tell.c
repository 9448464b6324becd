/*
 * options_tell.c - what a program says on stderr besides its log.
 *
 * An error says what happened, where it looked, and what to type next: one line for machines and people, then hints
 * for people only (a terminal, or -v), so that a log file does not fill with advice.
 */
#include "cmd/common/options_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/common/exit.h"

#define HINTS_MAX 4
#define LINE_SIZE 4096

/* A process is one program and has one stderr: the one place where a global says what is so. */
static struct {
	const char *name;
	bool quiet;
	bool verbose;
	bool is_over;          /* a line of progress stands there */
} speaker;

static const char *speaker_name(void)
{
	return speaker.name ? speaker.name : program_invocation_short_name;
}

void options_tell_as(const char *name, bool quiet, bool verbose)
{
	speaker.name = name;
	speaker.quiet = quiet;
	speaker.verbose = verbose;
}

void options_tell_over(bool is_open)
{
	speaker.is_over = is_open;
}

void options_tell_clear(void)
{
	if (speaker.is_over)
		fputs("\r\033[K", stderr);
	speaker.is_over = false;
}

/* A line in one write: other programs have the same stderr. */
__attribute__((format(printf, 2, 0)))
static void say(const char *kind, const char *format, va_list arguments)
{
	char text[LINE_SIZE];

	vsnprintf(text, sizeof text, format, arguments);
	dprintf(STDERR_FILENO, "%s: %s: %s\n", speaker_name(), kind, text);
}

__attribute__((format(printf, 3, 0)))
static void tell(const char *slug, const char *const *hints, const char *format, va_list arguments)
{
	char kind[64];

	options_tell_clear();
	snprintf(kind, sizeof kind, "error[%s]", slug);
	say(kind, format, arguments);
	if (hints && (speaker.verbose || isatty(STDERR_FILENO)))
		for (size_t i = 0; i < HINTS_MAX && hints[i]; i++)
			fprintf(stderr, "  %s\n", hints[i]);
}

void fail(int status, const char *slug, const char *const *hints, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(slug, hints, format, arguments);
	va_end(arguments);
	exit(status);
}

void report(const char *slug, const char *const *hints, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tell(slug, hints, format, arguments);
	va_end(arguments);
}

void warn(const char *format, ...)
{
	va_list arguments;

	if (speaker.quiet)
		return;
	options_tell_clear();
	va_start(arguments, format);
	say("warning", format, arguments);
	va_end(arguments);
}

void usage_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("error[usage]", format, arguments);
	va_end(arguments);
	fprintf(stderr, "try: %s -h\n", speaker_name());
	exit(EXIT_USAGE);
}
