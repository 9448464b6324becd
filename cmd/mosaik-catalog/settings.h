/*
 * settings.h - what the command line and the environment of mosaik-catalog say.
 */
#ifndef CATALOG_SETTINGS_H
#define CATALOG_SETTINGS_H

#include "cmd/common/options.h"

#define TIMEOUT_DEFAULT 5000   /* msec: of the whole question, unless -W says otherwise */

struct settings {
	struct common common;
	const char *tag;               /* filters of `peers`; NULL: any */
	const char *stream;
	const char *group;
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
