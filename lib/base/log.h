/*
 * log.h - one line an event, written to a sink that is handed in.
 *
 * There is no global logger: a thousand simulated nodes log at once. A line is
 *     <seconds.millis> <node> <protocol>: <event> key=value ...
 * and trace lines are deterministic: tests compare them with text.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "base/time.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

struct log {
	enum log_level level;                 /* lines above it are not made */
	char node[ID_SHORT_SIZE];             /* short peer id of the speaker */
	/* NULL: silent. The line has no line feed and no other control character; at most 1023 bytes. */
	void (*write)(void *context, enum log_level level, const char *line, size_t size);
	void *context;
};

bool log_wants(const struct log *log, enum log_level level);   /* log may be NULL */

__attribute__((format(printf, 5, 6)))
void log_event(const struct log *log, enum log_level level, msec now, const char *protocol, const char *format, ...);

#endif
