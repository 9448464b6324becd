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

__attribute__((format(printf, 3, 0)))
static void tell(const char *slug, const char *const *hints, const char *format, va_list arguments)
{
	options_tell_clear();
	fprintf(stderr, "%s: error[%s]: ", speaker_name(), slug);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
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
	fprintf(stderr, "%s: warning: ", speaker_name());
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void usage_error(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: error[usage]: ", speaker_name());
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\ntry: %s -h\n", speaker_name());
	exit(EXIT_USAGE);
}
