/*
 * settings.h - what the command line of mosaik-key says.
 */
#ifndef KEY_SETTINGS_H
#define KEY_SETTINGS_H

#include "cmd/common/options.h"

struct settings {
	struct common common;      /* none of them is taken */
	msec expires;              /* of a ticket, from now */
	const char *issuer;        /* its "iss"; NULL: none */
	struct texts audiences;    /* its "aud" */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
