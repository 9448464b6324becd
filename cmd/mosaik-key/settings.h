/*
 * settings.h - what the command line of mosaik-key says.
 */
#ifndef KEY_SETTINGS_H
#define KEY_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;   /* none of them is taken */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
