/*
 * settings.h - what the command line and the environment of mosaik-produce say.
 */
#ifndef PRODUCE_SETTINGS_H
#define PRODUCE_SETTINGS_H

#include "cmd/common/options.h"
#include "node/node.h"

/* So many records in so long. */
struct rate {
	uint64_t records;              /* 0: as fast as it goes */
	msec span;
};

struct settings {
	struct common common;
	const char *message;           /* -m: the one record; NULL: stdin */
	uint64_t min_consumers;        /* stdin is not read before so many are attached, */
	struct texts consumer_tags;    /* of those that have all of these */
	uint64_t max_consumers;        /* 0: no limit of ours */
	uint64_t max_waiting;          /* in line for a place */
	struct texts accept_tags;
	struct texts tickets;          /* --require-ticket, all of these */
	msec max_rtt;                  /* MSEC_NEVER: any */
	const char *on_slow_text;
	enum slow_policy on_slow;      /* from it */
	uint64_t buffer;               /* records */
	msec max_stall;
	const char *undelivered;       /* file name; NULL: nowhere */
	const char *rate_text;         /* NULL: none */
	struct rate rate;              /* from it */
	bool tee;
	msec linger;
	uint64_t max_record;
};

extern const struct settings settings_defaults;
extern const struct command command;

/* After the options: what their texts say. Exit 64 when they say nothing. */
void settings_read(struct settings *settings);

#endif
