/*
 * settings.h - what the command line and the environment of mosaik-consume say.
 */
#ifndef CONSUME_SETTINGS_H
#define CONSUME_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;
	uint64_t count;                /* -c: stop after so many records; 0: no limit */
	bool end;                      /* -e */
	msec idle;                     /* MSEC_NEVER: however long nothing comes */
	msec run_for;                  /* --for; MSEC_NEVER: no limit */
	uint64_t min_producers;
	uint64_t max_record;
	bool strict;
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
