/*
 * pace.c - see pace.h. What is not used is saved for a tenth of a second and not longer, so that a pause is not followed by
 * a burst; in whole numbers, so that nothing drifts.
 */
#include "cmd/mosaik-produce/pace.h"

#include "base/check.h"

#define SAVED_FOR 100    /* msec */

struct pace pace_new(struct rate rate, msec now)
{
	return (struct pace){.rate = rate, .saved = (uint64_t)rate.span, .last = now};
}

uint64_t pace_allows(struct pace *pace, msec now)
{
	uint64_t most = pace->rate.records * SAVED_FOR, span = (uint64_t)pace->rate.span;
	msec past = now - pace->last;

	if (pace->rate.records == 0)
		return UINT64_MAX;
	ASSERT(past >= 0);
	if (most < span)
		most = span;
	/* After a span everything is saved that can be; so the product stays small. */
	past = msec_min(past, pace->rate.span);
	pace->saved += (uint64_t)past * pace->rate.records;
	if (pace->saved > most)
		pace->saved = most;
	pace->last = now;
	return pace->saved / span;
}

void pace_spend(struct pace *pace, uint64_t records)
{
	if (pace->rate.records == 0)
		return;
	ASSERT(records <= pace->saved / (uint64_t)pace->rate.span);
	pace->saved -= records * (uint64_t)pace->rate.span;
}

msec pace_due(const struct pace *pace)
{
	uint64_t missing = (uint64_t)pace->rate.span;

	if (pace->rate.records == 0)
		return MSEC_NEVER;
	missing -= pace->saved < missing ? pace->saved : missing;
	return pace->last + (msec)((missing + pace->rate.records - 1) / pace->rate.records);
}
