/*
 * settings.h - what the command line and the environment of mosaik-produce say.
 */
#ifndef PRODUCE_SETTINGS_H
#define PRODUCE_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;
	const char *message;           /* -m: the one record; NULL: stdin */
	uint64_t min_consumers;        /* stdin is not read before so many are attached */
	uint64_t max_consumers;        /* 0: no limit of ours */
	msec max_stall;
	msec linger;
	uint64_t max_record;
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
