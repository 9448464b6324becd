/*
 * settings.h - what the command line of mosaik says before the name of the command.
 */
#ifndef MOSAIK_SETTINGS_H
#define MOSAIK_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;   /* none of them is taken: they belong to the command */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
