/*
 * serve_lines.h - the lines of stdin that `serve STORE -` takes for verbs, which the member itself carries out.
 *
 *      stdin -> line -> under way: [put][put][put] -> answers -> stdout, in the order of the lines
 *                             then: [get][get]
 *
 * Lines that write are under way together, and so are lines that read; between the two, one kind waits for the other. So
 * what comes out is what one line after the other would have printed, without a round trip for each.
 */
#ifndef CMD_SERVE_LINES_H
#define CMD_SERVE_LINES_H

#include "cmd/common/collection_command.h"

struct serve_lines;
struct uv_loop_s;

/* Tickets above `ticket` are used. woken: stdout takes more again; a turn is due. */
struct serve_lines_options {
	const struct collection_invocation *invocation;
	struct collection_shape shape;
	struct uv_loop_s *loop;
	uint64_t ticket;
	void (*woken)(void *self);
	void *self;
};
struct serve_lines *serve_lines_open(const struct serve_lines_options *options);
void serve_lines_close(struct serve_lines *lines);                   /* NULL is fine */

/* Begins as many lines as may be under way. EXIT_YES, or the status that the program has to end with. */
int serve_lines_begin(struct serve_lines *lines, struct group *group, msec now);
/* A GROUP_RESULT or GROUP_ANSWER, of ours or not. */
void serve_lines_answer(struct serve_lines *lines, struct group *group, msec now, const struct group_fact *fact);
/* Writes what there is. EXIT_YES, EXIT_IO, or 128 + SIGPIPE. */
int serve_lines_flush(struct serve_lines *lines);

#endif
