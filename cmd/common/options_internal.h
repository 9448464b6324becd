/*
 * options_internal.h - shared by options*.c only: the rows of one command in one array, and who reads what.
 */
#ifndef CMD_OPTIONS_INTERNAL_H
#define CMD_OPTIONS_INTERNAL_H

#include "cmd/common/options.h"

#define OPTIONS_ROWS_MAX 64
#define OPTIONS_STATS_PERIOD 1000   /* msec; --stats without a value */
#define OPTIONS_HELP_LINES_MAX 24   /* -h fits the smallest terminal */

/* A command's own rows, then the common ones that it takes. */
struct option_rows {
	const struct option_row *row[OPTIONS_ROWS_MAX];
	size_t own;
	size_t count;
};

void options_rows(const struct command *command, struct option_rows *rows);

/* Reads `text` into the row's place. `source` names where it came from ("--wait", "MOSAIK_WAIT") for the error line. */
void options_assign(const struct option_row *row, void *settings, const char *source, const char *text);
/* The same for a flag that was named on the command line, or an optional value that was left out. */
void options_assign_bare(const struct option_row *row, void *settings);
/* The same for a variable: a flag is 1/true/yes/on or 0/false/no/off, a count is a number, a list is separated. */
void options_assign_variable(const struct option_row *row, void *settings, const char *source, const char *text);

void options_print_help(const struct command *command, const struct option_rows *rows);
void options_print_list(const struct command *command, const struct option_rows *rows);

/* Who speaks on stderr from now on, and how much. */
void options_tell_as(const char *name, bool quiet, bool verbose);

#endif
