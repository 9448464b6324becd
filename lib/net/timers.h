/*
 * timers.h - alarms in nanoseconds on a libuv loop: one timerfd, one heap, armed lazily.
 *
 * libuv's own timers count milliseconds; QUIC paces packets by less than that.
 */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include <uv.h>

#include "base/heap.h"

typedef uint64_t nsec;               /* CLOCK_MONOTONIC, as uv_hrtime() */
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_SEC UINT64_C(1000000000)

struct alarm {                       /* embedded; zero-initialised is "not set" */
	struct heap_node node;
	void (*fire)(struct alarm *alarm, nsec now);   /* may set and cancel any alarm, and free this one */
};

#define ALARM_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

struct timers;

struct timers *timers_new(uv_loop_t *loop, void (*fired)(void *self), void *self);   /* fired: after a round of alarms */
void timers_set(struct timers *timers, struct alarm *alarm, nsec at);   /* sets, or moves */
void timers_cancel(struct timers *timers, struct alarm *alarm);         /* nothing if not set */
/* Tells the kernel when to wake us. Called once, after all changes of a turn. */
void timers_arm(struct timers *timers);

/* Closes the handles; the loop must run until timers_closed(). */
void timers_shut(struct timers *timers);
bool timers_closed(const struct timers *timers);
void timers_free(struct timers *timers);

#endif
