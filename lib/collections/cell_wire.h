/*
 * cell_wire.h - commands and queries of a cell, ready to be proposed or asked. Each appends one to a buffer; answers are
 * results (result.h). Keys and values are in their stored form (type.h).
 */
#ifndef COLLECTIONS_CELL_WIRE_H
#define COLLECTIONS_CELL_WIRE_H

#include "base/bytes.h"

/* Commands. */
void cell_set(struct buffer *out, struct bytes value);           /* DONE. count: 1 if empty before; else the value is the old one */
void cell_clear(struct buffer *out);                             /* DONE, or NOTHING: it was empty */

struct cell_swap {
	bool has_expected;               /* else: the cell must be empty */
	bool has_replacement;            /* else: the cell is cleared */
	struct bytes expected;
	struct bytes replacement;
};
/* DONE: it was as expected; count: 1 unless it was empty and stays so. MISMATCH with the value that is there, if any. */
void cell_cas(struct buffer *out, const struct cell_swap *swap);

/* Queries. */
void cell_get(struct buffer *out);                               /* DONE with the value, or NOTHING */

#endif
