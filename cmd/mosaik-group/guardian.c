/*
 * guardian.c - see guardian.h.
 *
 *     we  --orders-->  guardian  --fork, exec-->  command (its own process group)
 *         <--report--
 *
 * An order is one struct: a lease, or a signal to pass on. The report is one struct, when the command has ended. Both go
 * through pipes, in one write each, which is atomic for so few bytes.
 */
#include "cmd/mosaik-group/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/command.h"
#include "cmd/common/exit.h"
#include "runtime/stdio.h"

#define REAP_AGAIN 50    /* msec between looks whether the last of the command's group is gone */

struct order {
	msec lease_until;        /* of the guardian's clock; 0: no word about it */
	int signal;              /* 0: none */
};

struct guardian {
	pid_t pid;
	int orders;
	int reports;
	struct input *input;
	struct guardian_end end;
	bool readable;
	bool ended;
};

/* ---- the guardian's side ---- */

struct guard {
	pid_t command;
	msec lease_until;
	msec kill_at;            /* MSEC_NEVER: not before the lease is over */
	msec grace;
	bool lease_was_over;
	bool killed;
};

/* Goes on while the machine sleeps. */
static msec clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (msec)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

_Noreturn static void become_command(const struct guardian_options *options, bool terminal)
{
	sigset_t none;

	setpgid(0, 0);
	if (terminal) {
		signal(SIGTTOU, SIG_IGN);
		(void)tcsetpgrp(STDIN_FILENO, getpid());
	}
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("MOSAIK_LOCK_TOKEN", options->token, 1);
	execvp(options->argv[0], options->argv);
	_exit(command_failed(options->argv[0]));
}

static void lease_is_over(struct guard *guard, msec now)
{
	if (guard->lease_was_over)
		return;
	guard->lease_was_over = true;
	guard->kill_at = now + guard->grace;
	(void)kill(-guard->command, SIGTERM);
	(void)kill(-guard->command, SIGCONT);
}

/* False: nobody gives orders any more. */
static bool take_order(struct guard *guard, int from, msec now)
{
	struct order order;
	ssize_t size = read(from, &order, sizeof order);

	if (size < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (size != (ssize_t)sizeof order)
		return false;
	if (order.lease_until != 0 && now < guard->lease_until)
		guard->lease_until = order.lease_until;   /* one that comes too late revives nothing */
	if (order.signal != 0)
		(void)kill(-guard->command, order.signal);
	return true;
}

static int wait_time(const struct guard *guard, msec now)
{
	msec due = guard->lease_was_over ? guard->kill_at : guard->lease_until;

	return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

/* Until the command has ended. Whatever of its group is still there then is killed: the lock goes to somebody else. */
static int guard_command(struct guard *guard, int orders, int children)
{
	struct pollfd wait[2] = {{.fd = orders, .events = POLLIN}, {.fd = children, .events = POLLIN}};
	int status;

	for (;;) {
		msec now = clock_now();

		if (waitpid(guard->command, &status, WNOHANG) == guard->command)
			break;
		if (now >= guard->lease_until)
			lease_is_over(guard, now);
		if (now >= guard->kill_at && !guard->killed) {
			guard->killed = true;
			guard->kill_at = MSEC_NEVER;
			(void)kill(-guard->command, SIGKILL);
		}
		(void)poll(wait, 2, wait_time(guard, now));
		if (wait[1].revents != 0) {
			struct signalfd_siginfo info;

			(void)!read(children, &info, sizeof info);
		}
		if (wait[0].fd >= 0 && wait[0].revents != 0 && !take_order(guard, orders, clock_now())) {
			wait[0].fd = -1;
			lease_is_over(guard, clock_now());
		}
	}
	for (int i = 0; i < 200 && kill(-guard->command, SIGKILL) == 0; i++)
		(void)poll(NULL, 0, REAP_AGAIN);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

_Noreturn static void be_guardian(const struct guardian_options *options, msec lease_until, int orders, int reports)
{
	struct guard guard = {.lease_until = lease_until, .kill_at = MSEC_NEVER, .grace = options->grace};
	bool terminal = isatty(STDIN_FILENO) && tcgetpgrp(STDIN_FILENO) == getpgrp();
	pid_t terminal_of = getpgrp();
	struct guardian_end end = {0};
	sigset_t all, children;
	int fd;

	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	fd = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	guard.command = fork();
	if (guard.command == 0)
		become_command(options, terminal);
	if (guard.command < 0 || fd < 0)
		_exit(EXIT_WRAPPER);
	setpgid(guard.command, guard.command);   /* whoever is first: a signal to the group must find it */
	end.status = guard_command(&guard, orders, fd);
	end.lease_was_over = guard.lease_was_over;
	if (terminal)
		(void)tcsetpgrp(STDIN_FILENO, terminal_of);
	(void)!write(reports, &end, sizeof end);
	_exit(0);
}

/* ---- our side ---- */

static void on_report(void *self)
{
	struct guardian *guardian = self;

	guardian->readable = true;
}

enum error guardian_start(struct uv_loop_s *loop, const struct guardian_options *options, struct guardian **out)
{
	struct guardian *guardian;
	int orders[2], reports[2];
	sigset_t all, before;
	msec lease_until = clock_now() + options->lease;
	pid_t pid;

	if (pipe2(orders, O_CLOEXEC) != 0)
		return ERROR_SYSTEM;
	if (pipe2(reports, O_CLOEXEC) != 0) {
		close(orders[0]);
		close(orders[1]);
		return ERROR_SYSTEM;
	}
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);   /* handlers of the loop would write into pipes that it shares with us */
	pid = fork();
	if (pid == 0) {
		close(orders[1]);
		close(reports[0]);
		be_guardian(options, lease_until, orders[0], reports[1]);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(orders[0]);
	close(reports[1]);
	if (pid < 0) {
		close(orders[1]);
		close(reports[0]);
		return ERROR_SYSTEM;
	}
	guardian = memory_new(sizeof *guardian);
	guardian->pid = pid;
	guardian->orders = orders[1];
	guardian->reports = reports[0];
	guardian->readable = true;
	guardian->input = input_open(loop, guardian->reports, on_report, guardian);
	*out = guardian;
	return OK;
}

static void give_order(struct guardian *guardian, const struct order *order)
{
	/* It may be gone by now: its report is on the way. */
	if (!guardian->ended)
		(void)!write(guardian->orders, order, sizeof *order);
}

void guardian_renew(struct guardian *guardian, msec lease)
{
	give_order(guardian, &(struct order){.lease_until = clock_now() + lease});
}

void guardian_signal(struct guardian *guardian, int signal_number)
{
	give_order(guardian, &(struct order){.signal = signal_number});
}

bool guardian_has_ended(struct guardian *guardian, struct guardian_end *out)
{
	size_t size = 0;

	if (!guardian->ended && guardian->readable) {
		struct guardian_end end;

		switch (input_read(guardian->input, (uint8_t *)&end, sizeof end, &size)) {
		case STDIO_OK:
			guardian->ended = true;
			guardian->end = end;
			guardian->end.unknown = size != sizeof end;
			break;
		case STDIO_AGAIN:
			guardian->readable = false;
			break;
		case STDIO_END:
		case STDIO_FAILED:
			guardian->ended = true;
			guardian->end = (struct guardian_end){.status = EXIT_WRAPPER, .unknown = true};
			break;
		}
	}
	if (guardian->ended)
		*out = guardian->end;
	return guardian->ended;
}

void guardian_free(struct guardian *guardian)
{
	if (!guardian)
		return;
	ASSERT(guardian->ended);
	input_close(guardian->input);
	close(guardian->orders);
	close(guardian->reports);
	while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	memory_free(guardian);
}
