/*
 * stats.h - what a pipe has done so far, on stderr: a line of text for all and one a channel, or one JSON object.
 *
 *     mosaik-produce: stats records=12 bytes=340 consumers=1 seconds=2.001
 *     mosaik-produce: channel peer=0b1f... state=running records=12 bytes=340 lag=0
 *
 *     {"program":"mosaik-produce","records":12,...,"channels":[{"peer":"0b1f...",...}]}
 */
#ifndef CMD_STATS_H
#define CMD_STATS_H

#include "base/bytes.h"
#include "base/id.h"
#include "base/time.h"

struct stats {
	struct buffer text;
	const char *program;
	bool is_json;
	bool in_channels;
	bool has_field;              /* of what is being written now */
};

struct stats stats_begin(const char *program, bool is_json);
/* Fields of the whole, until the first channel; then of the last channel begun. */
void stats_number(struct stats *stats, const char *name, uint64_t value);
void stats_word(struct stats *stats, const char *name, const char *value);
void stats_seconds(struct stats *stats, const char *name, msec span);
void stats_channel(struct stats *stats, const struct id *peer);
/* Writes it in one piece, and releases it. */
void stats_print(struct stats *stats);

/*
 * One line on a terminal that is written over and over: "1234 records, 5.2 MiB, 3.1 MiB/s, 2 consumers". It shows where
 * stderr is a terminal and the data is not in its way.
 */
struct progress {
	msec due;                    /* MSEC_NEVER: not at all */
	msec last;
	uint64_t last_bytes;
};

struct progress_now {
	uint64_t records;
	uint64_t bytes;
	size_t peers;
	const char *peers_are;       /* "consumers" */
};

/* wanted: false turns it off. data_fd: where the records go, or come from. */
struct progress progress_begin(bool wanted, int data_fd, msec now);
void progress_show(struct progress *progress, msec now, const struct progress_now *is);
void progress_end(struct progress *progress);

#endif
