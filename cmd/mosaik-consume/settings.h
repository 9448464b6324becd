/*
 * settings.h - what the command line and the environment of mosaik-consume say.
 */
#ifndef CONSUME_SETTINGS_H
#define CONSUME_SETTINGS_H

#include "cmd/common/options.h"
#include "node/node.h"

struct settings {
	struct common common;
	uint64_t count;                /* -c: stop after so many records; 0: no limit */
	bool end;                      /* -e */
	msec idle;                     /* MSEC_NEVER: however long nothing comes */
	msec run_for;                  /* --for; MSEC_NEVER: no limit */
	uint64_t min_producers;
	struct texts producers;        /* one of these; none: any */
	struct texts producer_tags;    /* all of these */
	struct texts tickets;          /* --require-ticket, all of these */
	msec max_rtt;                  /* MSEC_NEVER: any */
	const char *prefix;            /* NULL: any */
	struct texts where;            /* FIELD=VALUE, all of them */
	uint64_t parallel;             /* commands at a time */
	uint64_t max_record;
	bool strict;
};

extern const struct settings settings_defaults;
extern const struct command command;

/* --prefix and --where as the producer reads them; nothing is appended when there are none. Exit 64 when they are wrong. */
void settings_criteria(const struct settings *settings, struct buffer *out);

#endif
