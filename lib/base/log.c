/*
 * log.c - makes one line of text and hands it to the sink.
 *
 * A line is built on the stack and cut at LINE_MAX_SIZE: whatever a peer calls itself, one event costs one bounded
 * line. Control characters become '?', because a name that brings its own line feed could forge an event.
 */
#include "base/log.h"

#include "base/check.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#define LINE_MAX_SIZE 1024

static void blank_control_characters(char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
			line[i] = '?';
	}
}

bool log_wants(const struct log *log, enum log_level level)
{
	return log != NULL && log->write != NULL && level <= log->level;
}

void log_event(const struct log *log, enum log_level level, msec now, const char *protocol, const char *format, ...)
{
	char line[LINE_MAX_SIZE];
	va_list arguments;
	size_t size;
	int n;

	if (!log_wants(log, level))
		return;
	ASSERT(now >= 0);
	ASSERT(protocol != NULL);
	n = snprintf(line, sizeof(line), "%jd.%03d %s %s: ", (intmax_t)(now / 1000), (int)(now % 1000), log->node,
		protocol);
	ASSERT(n > 0 && (size_t)n < sizeof(line) / 2);
	size = (size_t)n;
	va_start(arguments, format);
	n = vsnprintf(line + size, sizeof(line) - size, format, arguments);
	va_end(arguments);
	ASSERT(n >= 0);
	size += (size_t)n;
	if (size > sizeof(line) - 1)
		size = sizeof(line) - 1;
	blank_control_characters(line, size);
	log->write(log->context, level, line, size);
}
