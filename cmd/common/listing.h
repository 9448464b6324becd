/*
 * listing.h - a list of things, in the one form that its reader needs.
 *
 *                table (a terminal)     tsv (a pipe or file)      json (-j)
 *   header       yes                    no                        member names
 *   rows         aligned                columns between TABs      one object a line
 *   an id        first 10 digits        64 digits                 64 digits
 *   a name       the name, or           the name, or 64 digits    the same
 *                # and 10 digits
 *   a list       joined by commas       joined by commas          an array
 *   absent       -                      nothing                   null
 *
 * Text may come from other peers: control characters are escaped in every form, so that no name can steer a
 * terminal or fake a row. json is the stable form; columns may be added to it, never renamed.
 */
#ifndef CMD_LISTING_H
#define CMD_LISTING_H

#include <stdio.h>

#include "base/id.h"

enum listing_form { LISTING_TABLE, LISTING_TSV, LISTING_JSON };

enum column_kind {
	COLUMN_TEXT,
	COLUMN_NUMBER,       /* listing_number or listing_real; right-aligned in a table */
	COLUMN_ID,
	COLUMN_NAME,         /* an id whose text is perhaps known */
	COLUMN_TEXTS,        /* any number of texts */
	COLUMN_NAMES         /* any number of names */
};

struct column {
	const char *name;    /* NULL ends a table of columns */
	enum column_kind kind;
};

struct listing;
struct common;   /* options.h */

/* json if -j was given, else what suits the descriptor behind `file`. */
enum listing_form listing_form_for(FILE *file, bool json);

/*
 * wanted: names of columns separated by commas (-o), in the order to print; NULL: all. If there is no such column, the
 * result is NULL and *unknown the name (borrowed from wanted, ends at a comma or NUL).
 */
struct listing *listing_new(FILE *file, enum listing_form form, const struct column *columns, const char *wanted,
	const char **unknown);
void listing_free(struct listing *listing);

/* On stdout, in the form and with the columns that the common options say. */
struct listing *listing_open(const struct common *common, const struct column *columns);
/* No such column as -o names: exit 64. To be asked before the network is. */
void listing_check(const struct common *common, const struct column *columns);

/*
 * Cells of the row under way; `column` is an index into the table given to listing_new. Columns of many values take
 * several. Cells not given are absent. What is not printed costs nothing.
 */
void listing_text(struct listing *listing, size_t column, struct bytes text);
void listing_number(struct listing *listing, size_t column, uint64_t value);
void listing_real(struct listing *listing, size_t column, double value);   /* up to 3 decimals */
void listing_id(struct listing *listing, size_t column, const struct id *id);
/* An empty name: not known. */
void listing_name(struct listing *listing, size_t column, const struct id *id, struct bytes name);
void listing_end_row(struct listing *listing);

/* Prints what is still here and flushes. ERROR_SYSTEM: it could not all be written, errno says why. */
MUST_CHECK enum error listing_finish(struct listing *listing, size_t *rows);

#endif
