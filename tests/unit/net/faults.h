/*
 * faults.h - a sendmmsg in front of libc's that fails as it is told: what a loaded or odd kernel, or a cut wire, does.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int reason;            /* errno to fail with; 0: do not */
	unsigned period;       /* every so many calls; 1: always */
	unsigned left;         /* failures until it works again */
	unsigned most;         /* messages a call at most; 0: all */
	unsigned calls, failed;
	size_t control;        /* bytes of control messages with the first message of the last call */
	bool loses;            /* everything goes out, and nothing arrives */
} faults;

static int lose(struct mmsghdr *messages, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		messages[i].msg_len = 0;
		for (size_t n = 0; n < messages[i].msg_hdr.msg_iovlen; n++)
			messages[i].msg_len += (unsigned)messages[i].msg_hdr.msg_iov[n].iov_len;
	}
	return (int)count;
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	faults.calls++;
	faults.control = messages[0].msg_hdr.msg_controllen;
	if (faults.reason && faults.left > 0 && faults.calls % faults.period == 0) {
		faults.left--;
		faults.failed++;
		errno = faults.reason;
		return -1;
	}
	if (faults.loses)
		return lose(messages, count);
	if (faults.most > 0 && count > faults.most)
		count = faults.most;
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

#endif
