/*
 * picking.h - of a batch, the records that somebody wants: as bits, and as a records part of their own.
 */
#ifndef STREAMS_PICKING_H
#define STREAMS_PICKING_H

#include "streams/criteria.h"

/* Zero-initialised is empty and valid. Its memory is used again from batch to batch. */
struct picking {
	struct buffer bits;        /* bit i, the lowest first: record i is wanted; of the whole batch */
	struct buffer records;     /* the wanted ones, encoded as they were */
	uint64_t count;
};

void picking_fini(struct picking *picking);

/* records: the records part of a batch, `span` of them. */
void picking_by_criteria(struct picking *picking, const struct criteria *criteria, struct bytes records, uint64_t span);

/* Those whose bit is not set in `taken`, which has a bit for each. */
void picking_the_rest(struct picking *picking, struct bytes taken, struct bytes records, uint64_t span);

static inline bool picking_bit(struct bytes bits, uint64_t n)
{
	return n / 8 < bits.size && (bits.data[n / 8] >> n % 8 & 1) != 0;
}

#endif
