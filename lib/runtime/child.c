/*
 * child.c - see child.h.
 *
 *     parent   blocks signals, forks, unblocks, reads the pipe: EOF = exec succeeded, a number = errno of what failed
 *     child    group, terminal, stdin, default signals, exec; the pipe closes itself on success (O_CLOEXEC)
 *
 * Signals stay blocked over the fork because the handlers of libuv, inherited by the child until exec, would write into a
 * pipe that belongs to the parent's loop.
 */
#include "runtime/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uv.h>

#include "base/check.h"
#include "base/memory.h"

#define STOP_STEP 5    /* msec between looks */

struct child {
	uv_signal_t watcher;
	pid_t pid;
	int status;
	bool has_ended;
	bool has_terminal;     /* it was made the foreground group, which ends with it */
};

/* What the command reads and writes instead of our stdin and stdout; -1: nothing else. */
struct ends {
	int input;
	int output;
};

static bool own_terminal(void)
{
	return isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Whoever is not in the foreground is stopped for this call, unless it ignores SIGTTOU. */
static void give_terminal(pid_t group)
{
	void (*before)(int) = signal(SIGTTOU, SIG_IGN);

	(void)tcsetpgrp(STDIN_FILENO, group);
	signal(SIGTTOU, before);
}

static void reap(struct child *child, int options)
{
	int status;

	if (child->has_ended || waitpid(child->pid, &status, options) != child->pid)
		return;
	child->has_ended = true;
	child->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (child->has_terminal)
		give_terminal(getpgrp());
}

static void on_sigchld(uv_signal_t *watcher, int number)
{
	(void)number;
	reap(watcher->data, WNOHANG);
}

/* A file in memory rather than a pipe: a command that never reads its input blocks nobody. */
static int input_of(const struct bytes *input)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd >= 0 && (write(fd, input->data, input->size) != (ssize_t)input->size || lseek(fd, 0, SEEK_SET) != 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

_Noreturn static void become(const struct child_options *options, pid_t parent, struct ends ends, int failure)
{
	static const int number[] = {SIGINT, SIGTERM, SIGUSR1, SIGPIPE, SIGCHLD, SIGHUP};
	sigset_t none;
	int saved;

	setpgid(0, 0);
	if (ends.input < 0 && own_terminal())
		give_terminal(getpid());
	for (size_t i = 0; i < sizeof number / sizeof number[0]; i++)
		signal(number[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(128 + SIGTERM);   /* it died before we asked to be told */
	if ((ends.input < 0 || dup2(ends.input, STDIN_FILENO) >= 0) && (ends.output < 0 || dup2(ends.output, STDOUT_FILENO) >= 0))
		execvp(options->argv[0], options->argv);
	saved = errno;
	(void)!write(failure, &saved, sizeof saved);
	_exit(127);
}

/* errno of what went wrong in the child before its exec; 0: it runs. */
static int failure_of(int from)
{
	int failure = 0;
	ssize_t size;

	do
		size = read(from, &failure, sizeof failure);
	while (size < 0 && errno == EINTR);
	return size == (ssize_t)sizeof failure ? failure : 0;
}

static pid_t spawn(const struct child_options *options, struct ends ends)
{
	sigset_t all, before;
	pid_t parent = getpid(), pid;
	int failure[2], error;

	if (pipe2(failure, O_CLOEXEC) != 0)
		return -1;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(options, parent, ends, failure[1]);
	error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(failure[1]);
	if (pid > 0)
		error = failure_of(failure[0]);
	close(failure[0]);
	if (pid > 0 && error != 0) {
		(void)waitpid(pid, NULL, 0);
		pid = -1;
	}
	errno = error;
	return pid;
}

static void on_closed(uv_handle_t *handle)
{
	memory_free(handle->data);
}

static void close_end(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The command's ends, and ours in options->pipes. False: errno says why. */
static bool open_ends(const struct child_options *options, struct ends *ends)
{
	int in[2], out[2];

	*ends = (struct ends){-1, -1};
	if (options->input)
		return (ends->input = input_of(options->input)) >= 0;
	if (!options->pipes)
		return true;
	if (pipe2(in, O_CLOEXEC) != 0)
		return false;
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return false;
	}
	*ends = (struct ends){in[0], out[1]};
	options->pipes[0] = in[1];
	options->pipes[1] = out[0];
	return true;
}

enum error child_start(struct uv_loop_s *loop, const struct child_options *options, struct child **out)
{
	struct child *child;
	struct ends ends;
	bool has_terminal = !options->input && !options->pipes && own_terminal();

	ASSERT(options->argv[0]);
	if (!open_ends(options, &ends))
		return ERROR_SYSTEM;
	child = memory_new(sizeof *child);
	child->watcher.data = child;
	child->has_terminal = has_terminal;
	uv_signal_init(loop, &child->watcher);
	uv_signal_start(&child->watcher, on_sigchld, SIGCHLD);   /* before the fork: it may end at once */
	child->pid = spawn(options, ends);
	close_end(ends.input);
	close_end(ends.output);
	if (child->pid < 0) {
		int saved = errno;

		if (options->pipes) {
			close(options->pipes[0]);
			close(options->pipes[1]);
		}
		if (has_terminal)
			give_terminal(getpgrp());
		uv_close((uv_handle_t *)&child->watcher, on_closed);
		errno = saved;
		return ERROR_SYSTEM;
	}
	*out = child;
	return OK;
}

bool child_has_ended(const struct child *child, int *status)
{
	if (child->has_ended)
		*status = child->status;
	return child->has_ended;
}

void child_signal(struct child *child, int signal_number)
{
	if (!child->has_ended)
		(void)kill(-child->pid, signal_number);
}

void child_stop(struct child *child, int within)
{
	child_signal(child, SIGTERM);
	for (int waited = 0; !child->has_ended && waited < within; waited += STOP_STEP) {
		(void)poll(NULL, 0, STOP_STEP);
		reap(child, WNOHANG);
	}
	child_signal(child, SIGKILL);
	while (!child->has_ended)
		reap(child, 0);
}

void child_free(struct child *child)
{
	if (!child)
		return;
	ASSERT(child->has_ended);
	uv_close((uv_handle_t *)&child->watcher, on_closed);
}
