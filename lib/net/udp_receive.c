/*
 * udp_receive.c - batches in.
 *
 * One recvmmsg fills up to eight buffers; with GRO each holds a train of packets of one flow, all of the same size
 * but the last. A control message tells that size, another the address of ours that was used, another the ECN bits.
 */
#include "net/udp.h"

#include "base/check.h"
#include "net/sockaddr.h"
#include "net/udp_internal.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/udp.h>
#include <string.h>

#define ERRORS_A_CALL_MAX 256   /* a flood of ICMP must not hold up the packets */

struct arrival {
	struct address to;
	size_t segment;
	uint8_t ecn;
};

static void read_control(const struct cmsghdr *head, struct arrival *out)
{
	const uint8_t *data = CMSG_DATA(head);

	if (head->cmsg_level == IPPROTO_UDP && head->cmsg_type == UDP_GRO) {
		int segment;
		memcpy(&segment, data, sizeof segment);
		if (segment > 0)
			out->segment = (size_t)segment;
	} else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo info;
		memcpy(&info, data, sizeof info);
		memcpy(out->to.ip, &info.ipi6_addr, sizeof out->to.ip);
	} else if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo info;
		memcpy(&info, data, sizeof info);
		sockaddr_map_ipv4(&info.ipi_addr, out->to.ip);
	} else if ((head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_TCLASS) ||
		   (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_TOS)) {
		out->ecn = *data & 3;   /* an int for one family, a byte for the other: little endian starts alike */
	}
}

static void take_message(struct udp *udp, struct msghdr *message, size_t size)
{
	struct arrival arrival = {.to = udp->local, .segment = size};
	struct udp_packet packet = {0};

	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head))
		read_control(head, &arrival);
	packet.to = arrival.to;
	packet.ecn = arrival.ecn;
	sockaddr_to_address(message->msg_name, &packet.from);

	const uint8_t *at = message->msg_iov->iov_base;
	while (size > 0) {
		size_t segment = arrival.segment < size ? arrival.segment : size;
		packet.data = bytes_of(at, segment);
		udp->ops->packet(udp->self, &packet);
		at += segment;
		size -= segment;
	}
}

bool udp_receive(struct udp *udp)
{
	for (size_t i = 0; i < UDP_BATCH; i++)
		udp->message[i].msg_hdr = (struct msghdr){
			.msg_name = &udp->from[i],
			.msg_namelen = sizeof udp->from[i],
			.msg_iov = &udp->vector[i],
			.msg_iovlen = 1,
			.msg_control = udp->control[i],
			.msg_controllen = sizeof udp->control[i],
		};
	int count = recvmmsg(udp->fd, udp->message, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0)
		/* An ICMP error that waits is reported here once; it is read from the error queue, the packets stay. */
		return errno != EAGAIN && errno != EBADF;
	for (int i = 0; i < count; i++)
		take_message(udp, &udp->message[i].msg_hdr, udp->message[i].msg_len);
	return count == UDP_BATCH;
}

/* What an ICMP error means to a connection; OK: nothing (a packet that was too large, a message that is lost). */
static enum error unreachable_reason(const struct sock_extended_err *error)
{
	if (error->ee_origin != SO_EE_ORIGIN_ICMP && error->ee_origin != SO_EE_ORIGIN_ICMP6)
		return OK;
	if (error->ee_errno == ECONNREFUSED)
		return ERROR_REFUSED;
	if (error->ee_errno == EHOSTUNREACH || error->ee_errno == ENETUNREACH)
		return ERROR_UNREACHABLE;
	return OK;
}

void udp_receive_errors(struct udp *udp)
{
	for (int i = 0; i < ERRORS_A_CALL_MAX; i++) {
		struct sockaddr_storage name = {0};
		uint8_t quoted[256];
		struct iovec vector = {quoted, sizeof quoted};
		_Alignas(struct cmsghdr) uint8_t control[512];
		struct msghdr message = {
			.msg_name = &name,
			.msg_namelen = sizeof name,
			.msg_iov = &vector,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control,
		};
		ssize_t size = recvmsg(udp->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
		if (size < 0)
			return;
		for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
			struct sock_extended_err error;
			struct address to;
			bool ours = (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR) ||
				    (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_RECVERR);
			if (!ours)
				continue;
			memcpy(&error, CMSG_DATA(head), sizeof error);
			enum error reason = unreachable_reason(&error);
			sockaddr_to_address(&name, &to);
			if (reason != OK)
				udp->ops->unreachable(udp->self, &to, reason, bytes_of(quoted, (size_t)size));
		}
	}
}
