/*
 * settings.h - what the command line and the environment of mosaik-catalog say.
 */
#ifndef CATALOG_SETTINGS_H
#define CATALOG_SETTINGS_H

#include "cmd/common/options.h"

#define TIMEOUT_DEFAULT 5000   /* msec: of the whole question, unless -W says otherwise */

struct settings {
	struct common common;
	struct texts tags;             /* filters of `peers`, conditions of `wait`; `announce`: what to advertise */
	const char *stream;
	const char *group;
	uint64_t peers;                /* wait: at least so many; 0: not asked for */
	uint64_t count;                /* ping */
	bool initial;                  /* watch: those that are there already, too */
	bool dot;                      /* graph */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
