/*
 * settings.h - what the command line and the environment of mosaik-bootstrap say.
 */
#ifndef BOOTSTRAP_SETTINGS_H
#define BOOTSTRAP_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;
	const char *seed;              /* -s; NULL: not given */
	const char *advertise;         /* HOST:PORT; NULL: what we listen on */
	msec purge_after;
	const char *write_addr;        /* file for the address token; NULL: none */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
