/*
 * aside.h - where records go besides the stream: stdout (--tee), and a file for those that nobody was there for.
 */
#ifndef PRODUCE_ASIDE_H
#define PRODUCE_ASIDE_H

#include "base/bytes.h"
#include "runtime/stdio.h"

struct aside {
	const char *what;            /* "stdout", or the file's name, for error lines */
	int fd;
	struct output *output;       /* NULL: not wanted */
	bool is_blocked;
	bool owns_fd;
};

/* path: NULL, stdout. false: it cannot be opened, errno says why. */
bool aside_open(struct aside *aside, struct uv_loop_s *loop, const char *path);
void aside_close(struct aside *aside);   /* nothing when it was not opened */

/* Too much waits for it: nothing more should be read. */
bool aside_is_full(const struct aside *aside);
bool aside_is_empty(const struct aside *aside);
/* STDIO_OK also when not everything is out; STDIO_END, STDIO_FAILED as output_flush. */
enum stdio_status aside_flush(struct aside *aside);

#endif
