/*
 * settings.h - what the command line and the environment of mosaik-group say.
 */
#ifndef GROUP_SETTINGS_H
#define GROUP_SETTINGS_H

#include "cmd/common/options.h"

#define TIMEOUT_DEFAULT 5000   /* msec: of a whole question, unless -W says otherwise */

struct settings {
	struct common common;
	const char *key_path;
	const char *data;
	const char *machine;           /* --sm-id: what the co-process is; NULL */
	uint64_t expect;
	uint64_t snapshot_every;       /* join: commands after which CMD is asked for one; 0: never */
	uint64_t from;                 /* log: first index; 0: the oldest there is */
	uint64_t count;                /* log: at most so many; 0: all */
	uint64_t members;              /* wait */
	uint64_t committed;            /* wait */
	msec grace;                    /* lock */
	bool observer;
	bool reluctant;
	bool join_only;
	bool lan;
	bool follow;
	bool strong;
	bool local;
	bool feed;
	bool from_survivors;           /* recover */
	bool leader;                   /* wait */
	bool try;                      /* lock */
};

extern const struct settings settings_defaults;
extern const struct command command;

#endif
