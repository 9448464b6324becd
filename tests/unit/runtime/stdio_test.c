/*
 * stdio_test.c - descriptors of every kind that stdin and stdout may be: nothing blocks, order is kept, and what others
 * share is left as it was. Memory is watched by the sanitizers; that blobs are given back is asserted.
 */
#include "runtime/stdio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/memory.h"

#define SMALL_PIPE 4096
#define MUCH (1024 * 1024)                    /* more than any pipe here holds */

struct ear {
	uv_loop_t loop;
	unsigned ready;
};

static void on_ready(void *self)
{
	struct ear *ear = self;

	ear->ready++;
}

static int set_up(void **state)
{
	static struct ear ear;

	ear.ready = 0;
	*state = &ear;
	signal(SIGPIPE, SIG_IGN);
	return uv_loop_init(&ear.loop);
}

static int tear_down(void **state)
{
	struct ear *ear = *state;

	uv_run(&ear->loop, UV_RUN_DEFAULT);   /* closed handles go */
	return uv_loop_close(&ear->loop);
}

static void turn(struct ear *ear)
{
	uv_run(&ear->loop, UV_RUN_NOWAIT);
}

static void make_pipe(int end[2])
{
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
}

static void close_both(const int end[2])
{
	close(end[0]);
	close(end[1]);
}

static bool is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	assert_true(flags >= 0);
	return flags & O_NONBLOCK;
}

static int temporary_file(const char *content)
{
	char path[] = "/tmp/mosaik-stdio-test.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* ---- input ---- */

static void expect_input(struct input *input, const char *expected)
{
	uint8_t room[64];
	size_t size = 0;

	assert_int_equal(input_read(input, room, sizeof room, &size), STDIO_OK);
	assert_int_equal(size, strlen(expected));
	assert_memory_equal(room, expected, size);
}

static enum stdio_status read_status(struct input *input)
{
	uint8_t room[64];
	size_t size;

	return input_read(input, room, sizeof room, &size);
}

static void an_empty_pipe_is_waited_for(void **state)
{
	struct ear *ear = *state;
	struct input *input;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_AGAIN);
	assert_int_equal(read_status(input), STDIO_AGAIN);   /* asking twice is fine */
	turn(ear);
	assert_int_equal(ear->ready, 0);
	assert_int_equal(write(end[1], "hello", 5), 5);
	turn(ear);
	assert_int_equal(ear->ready, 1);
	turn(ear);
	assert_int_equal(ear->ready, 1);   /* told once, though it was not read */
	expect_input(input, "hello");
	assert_int_equal(read_status(input), STDIO_AGAIN);
	close(end[1]);
	turn(ear);
	assert_int_equal(ear->ready, 2);
	assert_int_equal(read_status(input), STDIO_END);
	input_close(input);
	close(end[0]);
}

static void what_nobody_reads_stops_waking_the_loop(void **state)
{
	struct ear *ear = *state;
	struct input *input;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_AGAIN);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(write(end[1], "x", 1), 1);
		turn(ear);
		assert_int_equal(ear->ready, i);
		expect_input(input, "x");
		assert_int_equal(read_status(input), STDIO_AGAIN);
	}
	assert_true(uv_loop_alive(&ear->loop));
	assert_int_equal(write(end[1], "y", 1), 1);
	turn(ear);
	turn(ear);
	assert_false(uv_loop_alive(&ear->loop));
	expect_input(input, "y");
	assert_int_equal(read_status(input), STDIO_AGAIN);
	assert_int_equal(write(end[1], "z", 1), 1);
	turn(ear);
	assert_int_equal(ear->ready, 5);
	input_close(input);
	close_both(end);
}

static void no_more_is_read_than_there_is_room(void **state)
{
	struct ear *ear = *state;
	struct input *input;
	uint8_t room[4];
	size_t size = 0;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(write(end[1], "abcdef", 6), 6);
	assert_int_equal(input_read(input, room, 4, &size), STDIO_OK);
	assert_int_equal(size, 4);
	assert_int_equal(input_read(input, room, 4, &size), STDIO_OK);
	assert_int_equal(size, 2);
	input_close(input);
	close_both(end);
}

static void input_may_be_closed_while_it_waits(void **state)
{
	struct ear *ear = *state;
	struct input *input;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_AGAIN);
	input_close(input);
	assert_int_equal(write(end[1], "x", 1), 1);
	turn(ear);
	assert_int_equal(ear->ready, 0);
	close_both(end);
	input_close(NULL);
}

static void a_regular_file_is_always_ready(void **state)
{
	struct ear *ear = *state;
	int fd = temporary_file("content");
	struct input *input = input_open(&ear->loop, fd, on_ready, ear);

	expect_input(input, "content");
	assert_int_equal(read_status(input), STDIO_END);
	input_close(input);
	close(fd);
}

static void nothing_can_be_read_from_dev_null(void **state)
{
	struct ear *ear = *state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct input *input = input_open(&ear->loop, fd, on_ready, ear);

	assert_int_equal(read_status(input), STDIO_END);
	input_close(input);
	close(fd);
}

static void what_cannot_be_read_has_failed(void **state)
{
	struct ear *ear = *state;
	int fd = open("/", O_RDONLY | O_CLOEXEC);
	struct input *input = input_open(&ear->loop, fd, on_ready, ear);

	assert_int_equal(read_status(input), STDIO_FAILED);
	assert_int_equal(errno, EISDIR);
	input_close(input);
	close(fd);
	input = input_open(&ear->loop, fd, on_ready, ear);   /* as a program whose stdin is closed */
	assert_int_equal(read_status(input), STDIO_FAILED);
	assert_int_equal(errno, EBADF);
	input_close(input);
}

/* ---- output ---- */

static void put_text(struct output *output, const char *text)
{
	output_put(output, bytes_of_text(text));
}

static void expect_in_pipe(int fd, const char *expected)
{
	char text[256] = "";
	ssize_t size = read(fd, text, sizeof text - 1);

	assert_int_equal(size, strlen(expected));
	assert_string_equal(text, expected);
}

static void nothing_is_written_before_it_is_flushed(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	assert_int_equal(output_flush(output), STDIO_OK);
	put_text(output, "one ");
	put_text(output, "");
	put_text(output, "two");
	assert_int_equal(output_pending(output), 7);
	assert_int_equal(output_flush(output), STDIO_OK);
	assert_int_equal(output_pending(output), 0);
	expect_in_pipe(end[0], "one two");
	output_close(output);
	close_both(end);
}

static void copies_and_blobs_keep_their_order(void **state)
{
	struct ear *ear = *state;
	struct blob *blob = blob_copy(bytes_of_text("0123456789"));
	struct output *output;
	uint8_t *room;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	put_text(output, "a");
	output_put_blob(output, blob, bytes_of(blob->data + 2, 3));
	put_text(output, "b");
	room = output_room(output, 10);
	memcpy(room, "cd", 2);
	output_wrote(output, 2);
	output_put_blob(output, blob, bytes_of(blob->data, 0));
	output_put_blob(output, blob, bytes_of(blob->data + 9, 1));
	assert_int_equal(blob->references, 3);
	put_text(output, "e");
	assert_int_equal(output_flush(output), STDIO_OK);
	expect_in_pipe(end[0], "a234bcd9e");
	assert_int_equal(blob->references, 1);
	put_text(output, "again");   /* in the recycled buffer */
	assert_int_equal(output_flush(output), STDIO_OK);
	expect_in_pipe(end[0], "again");
	output_close(output);
	blob_drop(blob);
	close_both(end);
}

static void closing_drops_what_is_pending(void **state)
{
	struct ear *ear = *state;
	struct blob *blob = blob_copy(bytes_of_text("blob"));
	struct output *output;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	put_text(output, "text");
	output_put_blob(output, blob, blob_bytes(blob));
	put_text(output, "text");
	output_close(output);
	assert_int_equal(blob->references, 1);
	blob_drop(blob);
	close(end[1]);
	expect_in_pipe(end[0], "");
	close(end[0]);
	output_close(NULL);
}

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 31 + at / 251);
}

/* Queues bytes [from, to) of the pattern, now as a copy, now as a slice of a blob, in pieces of odd sizes. */
static void put_pattern(struct output *output, size_t from, size_t to)
{
	static const size_t sizes[] = {1, 997, 70000, 13, 4096, 130000, 5};

	for (size_t n = 0; from < to; n++) {
		size_t wanted = sizes[n % (sizeof sizes / sizeof *sizes)], size = wanted < to - from ? wanted : to - from;
		struct blob *blob = blob_new(3, size);

		for (size_t i = 0; i < size; i++)
			blob->data[blob->end++] = byte_at(from + i);
		if (n % 3 == 1)
			output_put_blob(output, blob, blob_bytes(blob));
		else
			output_put(output, blob_bytes(blob));
		blob_drop(blob);
		from += size;
	}
}

/* Reads what is there and holds it against the pattern; returns how far it is now. */
static size_t check_pattern(int fd, size_t at)
{
	uint8_t room[1777];
	ssize_t size = read(fd, room, sizeof room);

	assert_true(size > 0);
	for (size_t i = 0; i < (size_t)size; i++)
		assert_int_equal(room[i], byte_at(at + i));
	return at + (size_t)size;
}

static void a_full_pipe_is_waited_for_and_nothing_is_lost(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	size_t at = 0;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	assert_true(fcntl(end[1], F_SETPIPE_SZ, SMALL_PIPE) >= SMALL_PIPE);
	put_pattern(output, 0, MUCH / 2);
	assert_int_equal(output_flush(output), STDIO_AGAIN);
	assert_int_equal(output_pending(output), MUCH / 2 - SMALL_PIPE);
	turn(ear);
	assert_int_equal(ear->ready, 0);
	put_pattern(output, MUCH / 2, MUCH);   /* behind what is partly written */
	while (at < MUCH) {
		enum stdio_status status;
		size_t pending = output_pending(output);

		at = check_pattern(end[0], at);
		turn(ear);
		status = output_flush(output);
		assert_true(status == STDIO_OK || status == STDIO_AGAIN);
		assert_int_equal(status == STDIO_OK, output_pending(output) == 0);
		assert_true(output_pending(output) <= pending);
	}
	assert_true(ear->ready > 0);
	assert_int_equal(output_pending(output), 0);
	output_close(output);
	close_both(end);
}

static void a_reader_that_is_gone_is_the_end(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	close(end[0]);
	put_text(output, "text");
	assert_int_equal(output_flush(output), STDIO_END);
	output_close(output);
	/* Gone before we came: such a pipe cannot be reopened. */
	output = output_open(&ear->loop, end[1], on_ready, ear);
	put_text(output, "text");
	assert_int_equal(output_flush(output), STDIO_END);
	output_close(output);
	assert_false(is_nonblocking(end[1]));
	close(end[1]);
}

static void a_waiting_writer_hears_that_the_reader_is_gone(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	fcntl(end[1], F_SETPIPE_SZ, SMALL_PIPE);
	put_pattern(output, 0, MUCH);
	assert_int_equal(output_flush(output), STDIO_AGAIN);
	close(end[0]);
	turn(ear);
	assert_int_equal(ear->ready, 1);
	assert_int_equal(output_flush(output), STDIO_END);
	output_close(output);
	close(end[1]);
}

static void a_full_device_has_failed(void **state)
{
	struct ear *ear = *state;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct output *output = output_open(&ear->loop, fd, on_ready, ear);

	put_text(output, "text");
	assert_int_equal(output_flush(output), STDIO_FAILED);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(output_pending(output), 4);
	output_close(output);
	close(fd);
}

static void files_and_dev_null_take_everything_at_once(void **state)
{
	struct ear *ear = *state;
	int file = temporary_file(""), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct output *output = output_open(&ear->loop, file, on_ready, ear);
	size_t at = 0;

	put_pattern(output, 0, MUCH);
	assert_int_equal(output_flush(output), STDIO_OK);
	output_close(output);
	assert_int_equal(lseek(file, 0, SEEK_END), MUCH);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	while (at < MUCH)
		at = check_pattern(file, at);
	output = output_open(&ear->loop, null, on_ready, ear);
	put_pattern(output, 0, MUCH);
	assert_int_equal(output_flush(output), STDIO_OK);
	output_close(output);
	close(file);
	close(null);
}

/* ---- what others share ---- */

static void a_shared_pipe_stays_blocking_while_we_use_it(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	struct input *input;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	output = output_open(&ear->loop, end[1], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_AGAIN);
	assert_false(is_nonblocking(end[0]));
	assert_false(is_nonblocking(end[1]));
	put_text(output, "through");
	assert_int_equal(output_flush(output), STDIO_OK);
	expect_input(input, "through");
	input_close(input);
	output_close(output);
	assert_false(is_nonblocking(end[0]));
	assert_false(is_nonblocking(end[1]));
	close_both(end);
}

/* Sockets cannot be reopened: the flag is set, and taken back, whichever of the two is closed first. */
static void a_socket_for_both_is_given_back_as_it_was(void **state)
{
	struct ear *ear = *state;

	for (int first = 0; first < 2; first++) {
		struct output *output;
		struct input *input;
		int end[2], copy;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end), 0);
		input = input_open(&ear->loop, end[0], on_ready, ear);
		copy = dup(end[0]);
		output = output_open(&ear->loop, copy, on_ready, ear);
		assert_int_equal(read_status(input), STDIO_AGAIN);
		put_text(output, "out");
		assert_int_equal(output_flush(output), STDIO_OK);
		expect_in_pipe(end[1], "out");
		if (first == 0)
			input_close(input);
		output_close(output);
		if (first == 1)
			input_close(input);
		assert_false(is_nonblocking(end[0]));
		assert_false(is_nonblocking(end[1]));
		close_both(end);
		close(copy);
	}
}

/* A shell may hand us the wrong end; what we cannot use we do not change either. */
static void the_wrong_end_of_a_pipe_has_failed_and_stays_as_it_was(void **state)
{
	struct ear *ear = *state;
	struct output *output;
	struct input *input;
	int end[2];

	make_pipe(end);
	input = input_open(&ear->loop, end[1], on_ready, ear);
	output = output_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_FAILED);
	put_text(output, "text");
	assert_int_equal(output_flush(output), STDIO_FAILED);
	input_close(input);
	output_close(output);
	assert_false(is_nonblocking(end[0]));
	assert_false(is_nonblocking(end[1]));
	close_both(end);
}

static void a_flag_that_was_set_before_stays(void **state)
{
	struct ear *ear = *state;
	struct input *input;
	int end[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, end), 0);
	input = input_open(&ear->loop, end[0], on_ready, ear);
	assert_int_equal(read_status(input), STDIO_AGAIN);
	input_close(input);
	assert_true(is_nonblocking(end[0]));
	close_both(end);
}

/* ---- whether anybody reads ---- */

static void who_writes_nothing_hears_that_the_reader_is_gone(void **state)
{
	struct ear *ear = *state;
	struct reader_watch *watch;
	struct output *output;
	int end[2];

	make_pipe(end);
	output = output_open(&ear->loop, end[1], on_ready, NULL);
	watch = reader_watch_open(&ear->loop, end[1], on_ready, ear);
	assert_non_null(watch);
	put_text(output, "text");
	assert_int_equal(output_flush(output), STDIO_OK);
	turn(ear);
	assert_int_equal(ear->ready, 0);
	assert_false(is_nonblocking(end[1]));
	close(end[0]);
	turn(ear);
	turn(ear);
	assert_int_equal(ear->ready, 1);     /* once */
	reader_watch_close(watch);
	output_close(output);
	close(end[1]);
}

/* The peer of a socket that will send nothing more still reads. */
static void a_socket_that_was_shut_one_way_still_has_a_reader(void **state)
{
	struct ear *ear = *state;
	struct reader_watch *watch;
	int end[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end), 0);
	watch = reader_watch_open(&ear->loop, end[1], on_ready, ear);
	assert_int_equal(shutdown(end[0], SHUT_WR), 0);
	turn(ear);
	assert_int_equal(ear->ready, 0);
	close(end[0]);
	turn(ear);
	assert_int_equal(ear->ready, 1);
	assert_false(is_nonblocking(end[1]));
	reader_watch_close(watch);
	close(end[1]);
}

static void a_file_has_no_reader_to_lose(void **state)
{
	struct ear *ear = *state;
	int fd = temporary_file("");

	assert_null(reader_watch_open(&ear->loop, fd, on_ready, ear));
	reader_watch_close(NULL);
	close(fd);
}

#define STDIO_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STDIO_TEST(an_empty_pipe_is_waited_for),
		STDIO_TEST(what_nobody_reads_stops_waking_the_loop),
		STDIO_TEST(no_more_is_read_than_there_is_room),
		STDIO_TEST(input_may_be_closed_while_it_waits),
		STDIO_TEST(a_regular_file_is_always_ready),
		STDIO_TEST(nothing_can_be_read_from_dev_null),
		STDIO_TEST(what_cannot_be_read_has_failed),
		STDIO_TEST(nothing_is_written_before_it_is_flushed),
		STDIO_TEST(copies_and_blobs_keep_their_order),
		STDIO_TEST(closing_drops_what_is_pending),
		STDIO_TEST(a_full_pipe_is_waited_for_and_nothing_is_lost),
		STDIO_TEST(a_reader_that_is_gone_is_the_end),
		STDIO_TEST(a_waiting_writer_hears_that_the_reader_is_gone),
		STDIO_TEST(a_full_device_has_failed),
		STDIO_TEST(files_and_dev_null_take_everything_at_once),
		STDIO_TEST(a_shared_pipe_stays_blocking_while_we_use_it),
		STDIO_TEST(a_socket_for_both_is_given_back_as_it_was),
		STDIO_TEST(the_wrong_end_of_a_pipe_has_failed_and_stays_as_it_was),
		STDIO_TEST(a_flag_that_was_set_before_stays),
		STDIO_TEST(who_writes_nothing_hears_that_the_reader_is_gone),
		STDIO_TEST(a_socket_that_was_shut_one_way_still_has_a_reader),
		STDIO_TEST(a_file_has_no_reader_to_lose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
