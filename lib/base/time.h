/*
 * time.h - instants and spans in milliseconds.
 *
 * `now` is handed to every machine: a monotonic clock whose zero means nothing. Wall-clock milliseconds (since
 * 1970, for versions of peer entries) are always called `wall`.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdint.h>

typedef int64_t msec;
#define MSEC_NEVER INT64_MAX

static inline msec msec_min(msec a, msec b)
{
	return a < b ? a : b;
}

static inline msec msec_max(msec a, msec b)
{
	return a > b ? a : b;
}

#endif
