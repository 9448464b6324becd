/*
 * spin.h - whether to go on looking for a while before sleeping, and for how long.
 *
 * Where messages go to and fro as fast as they can, most of a hop is that somebody sleeps and is woken: an idle processor has
 * to be interrupted, and what runs on it needs its caches back. Who looks again instead, and lets others run in between, hears
 * at once. But a processor that looks does nothing else; so it is done only where it pays:
 *
 *   - turns are light: who moves much is not waited for by anybody,
 *   - and follow each other within SPIN_NEAR: then looking costs hardly more than falling asleep and waking up does.
 *
 * Turns a little further apart may come nearer once everybody on the way looks. That is tried, and by all processes of a host
 * at the same time: at the beginning of every SPIN_PERIOD of the clock that they share. A steady stream, which comes no
 * sooner for being looked for, costs that trial and no more; what is idle, nothing.
 *
 * Where others want the processors all the time, whoever yields to them waits long for its turn: there nobody looks.
 *
 * A machine: time comes from outside.
 */
#ifndef RUNTIME_SPIN_H
#define RUNTIME_SPIN_H

#include <stdbool.h>
#include <stddef.h>

#include "net/timers.h"

#define SPIN_NEAR (75 * (NSEC_PER_MSEC / 1000))      /* from one turn to the next */
#define SPIN_FAR (200 * (NSEC_PER_MSEC / 1000))      /* the same, of those for whom it is tried */
#define SPIN_PERIOD (20 * NSEC_PER_MSEC)
#define SPIN_TRIAL NSEC_PER_MSEC
#define SPIN_LIGHT 4096                     /* bytes in and out of a turn that is light */
#define SPIN_CROWDED (50 * NSEC_PER_MSEC)   /* so long nobody looks after somebody else had the processor for SPIN_FAR */
#define SPIN_EARNED 8                       /* turns in a row that were near, or not far */

struct spin {             /* all zero at first */
	nsec rested_at;   /* when the last turn was through */
	unsigned near;    /* turns that were, less what was missed */
	unsigned not_far; /* in a row */
	nsec looked_at;   /* in this rest */
	nsec until;       /* of this rest */
	nsec not_before;
};

/* A turn begins; so many bytes went in and out since the one before began. */
void spin_wake(struct spin *spin, nsec now, size_t bytes);
/* A turn is through: how long to look before sleeping; 0: not at all. */
nsec spin_rest(struct spin *spin, nsec now);
/* Whether to look now, or once more after others had the processor. */
bool spin_looks(struct spin *spin, nsec now);

#endif
