/*
 * collection_settings.h - what the command line and the environment of mosaik-map, -vec, -set, -cell, -once and -pqueue say.
 * One table of options for all six; each program names the rows it takes.
 */
#ifndef CMD_COLLECTION_SETTINGS_H
#define CMD_COLLECTION_SETTINGS_H

#include "cmd/common/change_text.h"
#include "cmd/common/options.h"
#include "cmd/common/verbs.h"

#define COLLECTION_TIMEOUT 5000   /* msec: of a whole one-shot, unless -W says otherwise */
#define COLLECTION_ROWS_MAX 40

struct collection_settings {
	struct common common;
	struct columns columns;        /* what -o of common comes to: enum verb_column, of watch enum change_column */
	const char *key_path;          /* -k; NULL */
	const char *types;             /* -T; NULL: bytes when serving, else as the store is listed */
	/* serve */
	const char *data;              /* NULL: in memory */
	uint64_t expect;
	uint64_t capacity;             /* pqueue; 0: no bound */
	bool reader;
	bool lan;
	bool from_survivors;           /* recover */
	/* reads and writes */
	bool local;                    /* -L */
	uint64_t min_version;          /* 0: any; also what `wait` waits for */
	bool print_version;
	const char *prefix;            /* NULL: all */
	/* cas, wait, watch */
	const char *from;              /* cas: a value; watch: the first version wanted. NULL: not given */
	const char *to;                /* cas; NULL: not given */
	bool absent;
	bool delete;
	const char *value;             /* wait; NULL: not given */
	bool initial;
	bool follow;
	uint64_t count;                /* -c; 0: all */
	/* pqueue */
	bool highest;                  /* --max */
	bool descending;               /* --desc */
};

extern const struct collection_settings collection_settings_defaults;
extern const struct scope collection_settings_scopes[];     /* which verb takes which option */

/*
 * Copies the rows whose long names stand in `words` ("types data expect") to out[COLLECTION_ROWS_MAX], in the order of the
 * shared table, and ends them.
 */
void collection_settings_rows(const char *words, struct option_row *out);
/* What contradicts what; for struct command. */
void collection_settings_check(const void *settings);

#endif
