/*
 * criteria.h - which records of a stream a subscriber wants. Written by the consumer into its SUBSCRIBE, read and applied
 * by the producer, so that what is not wanted never travels.
 *
 *     [[1, prefix], [2, path, value], ...]      all of them have to hold
 */
#ifndef STREAMS_CRITERIA_H
#define STREAMS_CRITERIA_H

#include "base/bytes.h"
#include "base/error.h"

#define CRITERIA_MAX 8             /* conditions */
#define CRITERIA_SIZE_MAX 4096     /* bytes of all together, encoded */

enum criterion_kind {
	CRITERION_PREFIX = 1,      /* the record begins with `value` */
	CRITERION_FIELD = 2        /* json_field_equals(record, path, value); neither is empty */
};

struct criterion {
	enum criterion_kind kind;
	struct bytes path;
	struct bytes value;
};

/* At most CRITERIA_MAX, at least one. ERROR_FULL: more than CRITERIA_SIZE_MAX bytes. */
MUST_CHECK enum error criteria_encode(const struct criterion *criterion, size_t count, struct buffer *out);

struct criteria;

/* encoded: copied, not empty. ERROR_MALFORMED: it is not of that form, or of a kind that is not known here. */
MUST_CHECK enum error criteria_new(struct bytes encoded, struct criteria **out);
void criteria_free(struct criteria *criteria);   /* NULL is fine */

bool criteria_match(const struct criteria *criteria, struct bytes record);

#endif
