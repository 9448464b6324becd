/*
 * timers.c - one timerfd for all connections.
 *
 * The kernel is told only when the earliest deadline moves forward: waking too early is harmless and happens once,
 * a system call a packet is not.
 */
#include "net/timers.h"

#include "base/check.h"
#include "base/memory.h"

#include <sys/timerfd.h>
#include <unistd.h>

#define NEVER UINT64_MAX

struct timers {
	int fd;
	uv_poll_t poll;
	struct heap heap;
	nsec armed;                  /* what the kernel was told; NEVER: nothing */
	void (*fired)(void *self);
	void *self;
	bool shut, closed;
};

static void fire_due(struct timers *timers)
{
	nsec now = uv_hrtime();
	struct heap_node *first;

	/* What becomes due while alarms fire waits for the next round: `now` is read once. */
	while (!timers->shut && (first = heap_first(&timers->heap)) && first->key <= now) {
		struct alarm *alarm = ALARM_OF(first, struct alarm, node);
		heap_remove(&timers->heap, first);
		alarm->fire(alarm, now);
	}
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct timers *timers = poll->data;
	uint64_t expirations;

	(void)status;
	(void)events;
	/* Until it is read or armed anew the descriptor stays readable. */
	(void)!read(timers->fd, &expirations, sizeof expirations);
	timers->armed = NEVER;
	fire_due(timers);
	if (!timers->shut)
		timers->fired(timers->self);
}

static void on_closed(uv_handle_t *handle)
{
	struct timers *timers = handle->data;
	timers->closed = true;
}

struct timers *timers_new(uv_loop_t *loop, void (*fired)(void *self), void *self)
{
	struct timers *timers = memory_new(sizeof *timers);

	*timers = (struct timers){.armed = NEVER, .fired = fired, .self = self};
	timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	ASSERT(timers->fd >= 0);
	int failed = uv_poll_init(loop, &timers->poll, timers->fd);
	ASSERT(!failed);
	timers->poll.data = timers;
	failed = uv_poll_start(&timers->poll, UV_READABLE, on_readable);
	ASSERT(!failed);
	return timers;
}

void timers_set(struct timers *timers, struct alarm *alarm, nsec at)
{
	ASSERT(alarm->fire);
	if (at == NEVER)
		heap_remove(&timers->heap, &alarm->node);
	else
		heap_set(&timers->heap, &alarm->node, at);
}

void timers_cancel(struct timers *timers, struct alarm *alarm)
{
	heap_remove(&timers->heap, &alarm->node);
}

void timers_arm(struct timers *timers)
{
	const struct heap_node *first = heap_first(&timers->heap);

	if (timers->shut || !first || first->key >= timers->armed)
		return;
	timers->armed = first->key;
	nsec at = first->key ? first->key : 1;   /* zero would disarm */
	struct itimerspec when = {.it_value = {(time_t)(at / NSEC_PER_SEC), (long)(at % NSEC_PER_SEC)}};
	int failed = timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &when, NULL);
	ASSERT(!failed);
}

void timers_shut(struct timers *timers)
{
	ASSERT(!timers->shut);
	timers->shut = true;
	uv_close((uv_handle_t *)&timers->poll, on_closed);
}

bool timers_closed(const struct timers *timers)
{
	return timers->closed;
}

void timers_free(struct timers *timers)
{
	ASSERT(timers->closed && !heap_first(&timers->heap));
	close(timers->fd);
	heap_fini(&timers->heap);
	memory_free(timers);
}
