/*
 * feed.c - see feed.h.
 */
#include "cmd/common/feed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cmd/common/options.h"
#include "node/node.h"
#include "runtime/stdio.h"

struct feed {
	struct record_reader *reader;
	struct input *input;             /* NULL once it has ended */
	struct blob *batch;              /* of which `rest` is not given out yet */
	struct bytes rest;
	bool readable;
};

static void on_input(void *self)
{
	struct feed *feed = self;

	feed->readable = true;
}

struct feed *feed_open(struct uv_loop_s *loop, enum framing framing, size_t record_max)
{
	struct feed *feed = memory_new(sizeof *feed);

	feed->reader = record_reader_new(framing, record_max);
	feed->input = input_open(loop, STDIN_FILENO, on_input, feed);
	feed->readable = true;
	return feed;
}

void feed_close(struct feed *feed)
{
	if (!feed)
		return;
	input_close(feed->input);
	record_reader_free(feed->reader);
	blob_drop(feed->batch);
	memory_free(feed);
}

static void input_over(struct feed *feed)
{
	input_close(feed->input);
	feed->input = NULL;
	record_reader_end(feed->reader);
}

/* One read(2). FEED_RECORD: look again. */
static enum feed_status fill(struct feed *feed)
{
	size_t room, size;
	uint8_t *space;

	if (!feed->input)
		return FEED_END;
	if (!feed->readable)
		return FEED_WAIT;
	space = record_reader_space(feed->reader, &room);
	switch (input_read(feed->input, space, room, &size)) {
	case STDIO_OK:
		record_reader_filled(feed->reader, size);
		return FEED_RECORD;
	case STDIO_AGAIN:
		feed->readable = false;
		return FEED_WAIT;
	case STDIO_END:
		input_over(feed);
		return FEED_RECORD;
	case STDIO_FAILED:
		break;
	}
	report("stdin", NULL, "cannot read stdin: %s", strerror(errno));
	return FEED_FAILED;
}

static enum feed_status next_batch(struct feed *feed)
{
	uint64_t count;
	enum feed_status status;

	blob_drop(feed->batch);
	feed->batch = NULL;
	for (;;) {
		if (record_reader_batch(feed->reader, &feed->batch, &count) != OK) {
			report("framing", NULL, "%s", record_reader_where(feed->reader));
			return FEED_BAD;
		}
		if (feed->batch) {
			feed->rest = blob_bytes(feed->batch);
			return FEED_RECORD;
		}
		status = fill(feed);
		if (status != FEED_RECORD)
			return status;
	}
}

enum feed_status feed_next(struct feed *feed, struct bytes *record)
{
	if (!feed->batch || !records_next(&feed->rest, record)) {
		enum feed_status status = next_batch(feed);

		if (status != FEED_RECORD)
			return status;
		(void)records_next(&feed->rest, record);   /* a batch has one record at least */
	}
	return FEED_RECORD;
}
