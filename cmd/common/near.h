/*
 * near.h - "did you mean": the candidate that is fewest slips of the finger away from what was typed.
 */
#ifndef CMD_NEAR_H
#define CMD_NEAR_H

#include <stddef.h>

struct near {
	const char *word;       /* what was typed; borrowed */
	const char *best;       /* NULL: nothing close enough so far; borrowed from near_offer */
	size_t distance;
};

struct near near_to(const char *word);
void near_offer(struct near *near, const char *candidate);

#endif
