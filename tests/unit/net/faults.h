/*
 * faults.h - a sendmmsg in front of libc's that fails as it is told: what a loaded or odd kernel does.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int reason;            /* errno to fail with; 0: do not */
	unsigned period;       /* every so many calls; 1: always */
	unsigned left;         /* failures until it works again */
	unsigned most;         /* messages a call at most; 0: all */
	unsigned calls, failed;
} faults;

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	faults.calls++;
	if (faults.reason && faults.left > 0 && faults.calls % faults.period == 0) {
		faults.left--;
		faults.failed++;
		errno = faults.reason;
		return -1;
	}
	if (faults.most > 0 && count > faults.most)
		count = faults.most;
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

#endif
