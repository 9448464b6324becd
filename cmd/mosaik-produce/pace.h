/*
 * pace.h - not more than so many records in so long: --rate.
 */
#ifndef PRODUCE_PACE_H
#define PRODUCE_PACE_H

#include "cmd/mosaik-produce/settings.h"

struct pace {
	struct rate rate;
	uint64_t saved;      /* records that may go, times rate.span */
	msec last;
};

/* The first record may go at once. */
struct pace pace_new(struct rate rate, msec now);
uint64_t pace_allows(struct pace *pace, msec now);   /* records; UINT64_MAX without a rate */
void pace_spend(struct pace *pace, uint64_t records);
msec pace_due(const struct pace *pace);              /* when the next record may go; MSEC_NEVER without a rate */

#endif
