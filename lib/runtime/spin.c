/*
 * spin.c - see spin.h.
 */
#include "runtime/spin.h"

#define NEAR_MOST (2 * SPIN_EARNED)   /* one turn that somebody else held up does not end it */
#define MISSED 4                      /* near turns that make up for one that was not: of five looks one is in vain */

void spin_wake(struct spin *spin, nsec now, size_t bytes)
{
	nsec gap = now - spin->rested_at;
	bool light = bytes <= SPIN_LIGHT;

	spin->not_far = light && gap <= SPIN_FAR ? spin->not_far + 1 : 0;
	if (!light)
		spin->near = 0;
	else if (gap > SPIN_NEAR)
		spin->near = spin->near > MISSED ? spin->near - MISSED : 0;
	else if (spin->near < NEAR_MOST)
		spin->near++;
}

static nsec patience(const struct spin *spin, nsec now)
{
	if (now < spin->not_before)
		return 0;
	if (spin->near >= SPIN_EARNED)
		return SPIN_NEAR;
	return spin->not_far >= SPIN_EARNED && now % SPIN_PERIOD < SPIN_TRIAL ? SPIN_FAR : 0;
}

nsec spin_rest(struct spin *spin, nsec now)
{
	nsec span = patience(spin, now);

	spin->rested_at = spin->looked_at = now;
	spin->until = now + span;
	return span;
}

bool spin_looks(struct spin *spin, nsec now)
{
	if (now - spin->looked_at > SPIN_FAR) {
		spin->not_before = now + SPIN_CROWDED;
		return false;
	}
	spin->looked_at = now;
	return now < spin->until;
}
