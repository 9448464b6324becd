/*
 * result.h - what a command did, and what a query found: one form for all collections.
 *
 *      [outcome, count, [value, ...]]        the values as in their stored form (type.h); [null]: left out, too long
 */
#ifndef COLLECTIONS_RESULT_H
#define COLLECTIONS_RESULT_H

#include "base/bytes.h"
#include "base/error.h"

enum outcome {
	OUTCOME_DONE,            /* yes: done, found, swapped, won */
	OUTCOME_NOTHING,         /* no: absent, empty, out of range, or there already; nothing was changed */
	OUTCOME_MISMATCH,        /* a compare-and-swap that found something else, a `once` that was set before */
	OUTCOME_TYPE,            /* refused: a key or value is not of the collection's type */
	OUTCOME_RANGE,           /* refused: an insertion beyond the end */
	OUTCOME_FULL,            /* refused: the queue is full, of what is not lower */
	OUTCOME_LARGE,           /* refused: an entry beyond COLLECTION_ENTRY_MAX, or a taken one beyond what a result may hold */
	OUTCOME_MALFORMED,       /* not a command of this collection */
	OUTCOMES
};

const char *outcome_name(enum outcome outcome);          /* "mismatch" */
bool outcome_is_refusal(enum outcome outcome);           /* neither yes nor no */

#define RESULT_VALUES_MAX 3

struct result {
	enum outcome outcome;
	uint64_t count;                                  /* see the command or the query */
	struct bytes value[RESULT_VALUES_MAX];           /* borrowed */
	size_t values;
	bool left_out;                                   /* there were values, too long for a result; values is 0 */
};

/* Leaves the values out where they would make it longer than `most`. */
void result_put(struct buffer *out, const struct result *result, size_t most);
bool result_fits(const struct result *result, size_t most);
MUST_CHECK enum error result_decode(struct bytes encoded, struct result *out);     /* ERROR_MALFORMED */

#endif
