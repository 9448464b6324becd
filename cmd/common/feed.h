/*
 * feed.h - stdin, one record at a time.
 */
#ifndef CMD_FEED_H
#define CMD_FEED_H

#include "cmd/common/framing.h"

struct uv_loop_s;
struct feed;

struct feed *feed_open(struct uv_loop_s *loop, enum framing framing, size_t record_max);
void feed_close(struct feed *feed);      /* the loop must run once more; NULL is fine */

enum feed_status {
	FEED_RECORD,                     /* *record: borrowed until the next call */
	FEED_WAIT,                       /* nothing now: a turn follows when there may be */
	FEED_END,
	FEED_BAD,                        /* a bad record, told on stderr */
	FEED_FAILED                      /* stdin cannot be read; told on stderr */
};

enum feed_status feed_next(struct feed *feed, struct bytes *record);

#endif
