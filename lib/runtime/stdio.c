/*
 * stdio.c - see stdio.h.
 *
 * Both directions watch a descriptor with uv_poll only while somebody waits for it: polling a pipe that nobody
 * wants to read would wake the loop for ever. What epoll refuses (regular files, /dev/null) is ready at all times.
 */
#include "runtime/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uv.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"

#define PIPE_SIZE_WANTED (1024 * 1024)   /* fewer, larger reads and writes; refused quietly where a limit is lower */
#define COPY_SIZE (128 * 1024)           /* of one buffer for small pieces */
#define PIECES_AT_ONCE 64

/* A descriptor that may be watched. */
struct watch {
	uv_poll_t *poll;          /* NULL: cannot be polled, always ready */
	int fd;
	bool reopened;            /* fd is ours to close */
	bool unblocked;           /* O_NONBLOCK is ours to take back */
	bool active;
	bool told;                /* that it is ready, and was not waited for since */
	stdio_ready *ready;
	void *self;
};

struct input {
	struct watch watch;
};

/* Either a copy that still grows, or a slice of a blob. */
struct piece {
	struct list place;
	struct blob *blob;
	size_t at;                /* first byte not written yet, as an index into blob->data */
	size_t end;
	bool grows;               /* ours alone: output_put may append to it */
};

struct output {
	struct watch watch;
	struct list pieces;
	size_t pending;
	struct blob *spare;       /* one recycled copy buffer */
};

static void free_handle(uv_handle_t *handle)
{
	memory_free(handle);
}

/*
 * A reader mostly takes all there is and waits again: the watching goes on until it is told a second time in vain, which
 * spares three system calls a record. A writer waits rarely, and the descriptor stays ready when it is through.
 */
static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	bool again = watch->told;

	/* An error shows in the read or write that follows; libuv has stopped watching then. */
	if (status < 0 || events != UV_READABLE || again) {
		uv_poll_stop(poll);
		watch->active = false;
	}
	watch->told = true;
	if (!again)
		watch->ready(watch->self);
}

/* A file description of our own, where the kernel gives one, so that O_NONBLOCK is nobody else's surprise. */
static void watch_unblock(struct watch *watch, int fd, int access)
{
	int flags = fcntl(fd, F_GETFL);
	char path[32];
	struct stat about;
	int own = -1;

	watch->fd = fd;
	if (fstat(fd, &about) != 0 || S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
		return;
	/* libuv sets it on what it polls; only that is taken back, for stdin and stdout may be one socket. */
	watch->unblocked = flags >= 0 && !(flags & O_NONBLOCK);
	/* Open for the other direction only: reopening would grant what the parent did not. */
	if (flags < 0 || ((flags & O_ACCMODE) != access && (flags & O_ACCMODE) != O_RDWR))
		return;
	if (S_ISFIFO(about.st_mode) || S_ISCHR(about.st_mode)) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		own = open(path, access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	}
	if (own >= 0) {
		watch->fd = own;
		watch->reopened = true;
	} else {
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	}
	if (S_ISFIFO(about.st_mode))
		(void)fcntl(watch->fd, F_SETPIPE_SZ, PIPE_SIZE_WANTED);
}

static void watch_open(struct watch *watch, uv_loop_t *loop, int fd, int access)
{
	watch_unblock(watch, fd, access);
	watch->poll = memory_new(sizeof *watch->poll);
	if (uv_poll_init(loop, watch->poll, watch->fd) != 0) {
		memory_free(watch->poll);
		watch->poll = NULL;
		return;
	}
	watch->poll->data = watch;
}

static void watch_close(struct watch *watch)
{
	if (watch->poll)
		uv_close((uv_handle_t *)watch->poll, free_handle);
	if (watch->reopened)
		close(watch->fd);
	else if (watch->unblocked)
		(void)fcntl(watch->fd, F_SETFL, fcntl(watch->fd, F_GETFL) & ~O_NONBLOCK);
}

static void watch_wait(struct watch *watch, int events)
{
	ASSERT(watch->poll);
	watch->told = false;
	if (!watch->active && uv_poll_start(watch->poll, events, on_poll) == 0)
		watch->active = true;
}

struct input *input_open(uv_loop_t *loop, int fd, stdio_ready *ready, void *self)
{
	struct input *input = memory_new(sizeof *input);

	input->watch.ready = ready;
	input->watch.self = self;
	watch_open(&input->watch, loop, fd, O_RDONLY);
	return input;
}

void input_close(struct input *input)
{
	if (!input)
		return;
	watch_close(&input->watch);
	memory_free(input);
}

enum stdio_status input_read(struct input *input, uint8_t *at, size_t room, size_t *size)
{
	ssize_t got;

	ASSERT(room > 0);
	do {
		got = read(input->watch.fd, at, room);
	} while (got < 0 && errno == EINTR);
	if (got > 0) {
		*size = (size_t)got;
		return STDIO_OK;
	}
	if (got == 0)
		return STDIO_END;
	if (errno != EAGAIN || !input->watch.poll)
		return STDIO_FAILED;
	watch_wait(&input->watch, UV_READABLE);
	return STDIO_AGAIN;
}

struct output *output_open(uv_loop_t *loop, int fd, stdio_ready *ready, void *self)
{
	struct output *output = memory_new(sizeof *output);

	output->watch.ready = ready;
	output->watch.self = self;
	list_init(&output->pieces);
	watch_open(&output->watch, loop, fd, O_WRONLY);
	return output;
}

static void piece_free(struct output *output, struct piece *piece)
{
	list_remove(&piece->place);
	if (piece->grows && !output->spare) {
		output->spare = piece->blob;
		output->spare->end = 0;
	} else {
		blob_drop(piece->blob);
	}
	memory_free(piece);
}

void output_close(struct output *output)
{
	if (!output)
		return;
	LIST_EACH_SAFE(place, after, &output->pieces)
		piece_free(output, LIST_OF(place, struct piece, place));
	blob_drop(output->spare);
	watch_close(&output->watch);
	memory_free(output);
}

static struct piece *piece_append(struct output *output, struct blob *blob, size_t at, size_t end)
{
	struct piece *piece = memory_new(sizeof *piece);

	piece->blob = blob;
	piece->at = at;
	piece->end = end;
	list_append(&output->pieces, &piece->place);
	return piece;
}

static struct piece *piece_last(struct output *output)
{
	return list_is_empty(&output->pieces) ? NULL : LIST_OF(output->pieces.prev, struct piece, place);
}

uint8_t *output_room(struct output *output, size_t size)
{
	struct piece *last = piece_last(output);

	if (!last || !last->grows || last->blob->capacity - last->end < size) {
		struct blob *blob = output->spare;

		output->spare = NULL;
		if (!blob || blob->capacity < size) {
			blob_drop(blob);
			blob = blob_new(0, size > COPY_SIZE ? size : COPY_SIZE);
		}
		last = piece_append(output, blob, 0, 0);
		last->grows = true;
	}
	return last->blob->data + last->end;
}

void output_wrote(struct output *output, size_t size)
{
	struct piece *last = piece_last(output);

	ASSERT(last && last->grows && size <= last->blob->capacity - last->end);
	last->end += size;
	output->pending += size;
}

void output_put(struct output *output, struct bytes data)
{
	if (data.size == 0)
		return;
	memcpy(output_room(output, data.size), data.data, data.size);
	output_wrote(output, data.size);
}

void output_put_blob(struct output *output, struct blob *blob, struct bytes data)
{
	if (data.size == 0)
		return;
	ASSERT(data.data >= blob->data && data.data + data.size <= blob->data + blob->capacity);
	piece_append(output, blob_keep(blob), (size_t)(data.data - blob->data), (size_t)(data.data - blob->data) + data.size);
	output->pending += data.size;
}

size_t output_pending(const struct output *output)
{
	return output->pending;
}

/* Forgets `size` bytes from the front, and every piece that is empty then. */
static void output_written(struct output *output, size_t size)
{
	output->pending -= size;
	while (!list_is_empty(&output->pieces)) {
		struct piece *piece = LIST_OF(output->pieces.next, struct piece, place);
		size_t left = piece->end - piece->at;
		size_t part = left < size ? left : size;

		piece->at += part;
		size -= part;
		if (piece->at < piece->end)
			break;
		piece_free(output, piece);
	}
	ASSERT(size == 0);
}

enum stdio_status output_flush(struct output *output)
{
	while (output->pending > 0) {
		struct iovec vector[PIECES_AT_ONCE];
		int count = 0;
		ssize_t put;

		LIST_EACH(place, &output->pieces) {
			struct piece *piece = LIST_OF(place, struct piece, place);

			if (count == PIECES_AT_ONCE)
				break;
			vector[count++] = (struct iovec){piece->blob->data + piece->at, piece->end - piece->at};
		}
		put = writev(output->watch.fd, vector, count);
		if (put >= 0) {
			output_written(output, (size_t)put);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE || errno == ECONNRESET)
			return STDIO_END;
		if (errno != EAGAIN || !output->watch.poll)
			return STDIO_FAILED;
		watch_wait(&output->watch, UV_WRITABLE);
		return STDIO_AGAIN;
	}
	return STDIO_OK;
}

/* ---- whether anybody reads ---- */

/*
 * An epoll of its own, which is asked for nothing and so tells only of errors and hang-ups; libuv watches that one, and sets
 * O_NONBLOCK on it instead of on what others share.
 */
struct reader_watch {
	uv_poll_t *poll;
	int epoll;
	stdio_ready *gone;
	void *self;
};

static void on_gone(uv_poll_t *poll, int status, int events)
{
	struct reader_watch *watch = poll->data;

	(void)status;
	(void)events;
	uv_poll_stop(poll);
	watch->gone(watch->self);
}

static bool has_reader_end(int fd)
{
	struct stat about;

	return fstat(fd, &about) == 0 && (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
}

struct reader_watch *reader_watch_open(uv_loop_t *loop, int fd, stdio_ready *gone, void *self)
{
	struct reader_watch *watch;
	int epoll = has_reader_end(fd) ? epoll_create1(EPOLL_CLOEXEC) : -1;

	if (epoll < 0)
		return NULL;
	watch = memory_new(sizeof *watch);
	*watch = (struct reader_watch){.poll = memory_new(sizeof *watch->poll), .epoll = epoll, .gone = gone, .self = self};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){.events = 0}) != 0 || uv_poll_init(loop, watch->poll, epoll) != 0) {
		close(epoll);
		memory_free(watch->poll);
		memory_free(watch);
		return NULL;
	}
	watch->poll->data = watch;
	(void)uv_poll_start(watch->poll, UV_READABLE, on_gone);
	return watch;
}

void reader_watch_close(struct reader_watch *watch)
{
	if (!watch)
		return;
	uv_close((uv_handle_t *)watch->poll, free_handle);
	close(watch->epoll);
	memory_free(watch);
}
