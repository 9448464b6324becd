/*
 * records.h - the records part of a batch: a CBOR sequence (RFC 8742) of byte strings, one a record.
 *
 * Both functions run once a record on both sides of a stream: no allocation, no copy.
 */
#ifndef STREAMS_RECORDS_H
#define STREAMS_RECORDS_H

#include "base/bytes.h"

/*
 * Iterates over a records part that records_check accepted: *rest loses one record, *record borrows its bytes.
 * false: at the end.
 */
bool records_next(struct bytes *rest, struct bytes *record);

/* Whole byte strings with heads in shortest form, exactly `count` of them, none larger than record_max? */
bool records_check(struct bytes records, uint64_t count, size_t record_max);

#endif
