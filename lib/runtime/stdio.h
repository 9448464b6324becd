/*
 * stdio.h - stdin and stdout without ever blocking the loop: pipes, terminals, sockets, regular files.
 *
 * A pipe's or terminal's file description is shared with other processes, so O_NONBLOCK is not set on it: it is
 * reopened through /proc/self/fd, and only where that fails is the flag set, and taken back at the end. Regular
 * files cannot be polled; they are always ready.
 */
#ifndef RUNTIME_STDIO_H
#define RUNTIME_STDIO_H

#include "base/blob.h"

#include "base/error.h"

struct uv_loop_s;   /* libuv; from runtime_loop */

/* Called from the loop when reading or writing may go on; the owner then calls input_read or output_flush. */
typedef void stdio_ready(void *self);

struct input;

struct input *input_open(struct uv_loop_s *loop, int fd, stdio_ready *ready, void *self);
void input_close(struct input *input);   /* the loop must run once more; NULL is fine */

enum stdio_status {
	STDIO_OK,       /* input: *size bytes were read; output: everything was written */
	STDIO_AGAIN,    /* not now: ready() will be called */
	STDIO_END,      /* input: end of file; output: the reader is gone (EPIPE) */
	STDIO_FAILED    /* errno says why */
};

/* One read(2) of at most room bytes into `at`. After STDIO_AGAIN the descriptor is watched until ready() was called. */
enum stdio_status input_read(struct input *input, uint8_t *at, size_t room, size_t *size);

struct output;

struct output *output_open(struct uv_loop_s *loop, int fd, stdio_ready *ready, void *self);
void output_close(struct output *output);   /* drops what is pending; NULL is fine */

/* Queues bytes in order. put copies; put_blob keeps a reference to the blob that holds them: for large pieces. */
void output_put(struct output *output, struct bytes data);
void output_put_blob(struct output *output, struct blob *blob, struct bytes data);
/* For encoders: room for `size` bytes at the end of the copied part; then output_wrote(how many). */
uint8_t *output_room(struct output *output, size_t size);
void output_wrote(struct output *output, size_t size);
size_t output_pending(const struct output *output);   /* bytes */
enum stdio_status output_flush(struct output *output);   /* as many large writes as go without blocking */

struct reader_watch;

/*
 * Calls gone() once, when nobody reads the pipe or socket `fd` any more: who has nothing to write would not notice. NULL for
 * what has no such end: a file, a terminal. The descriptor is left as it is, and may be an output's at the same time.
 */
struct reader_watch *reader_watch_open(struct uv_loop_s *loop, int fd, stdio_ready *gone, void *self);
void reader_watch_close(struct reader_watch *watch);     /* the loop must run once more; NULL is fine */

#endif
