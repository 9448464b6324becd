/*
 * udp_send.c - batches out.
 *
 * The arena fills from the front; each packet joins the last burst when it continues it (same addresses, same ECN,
 * same size, one shorter packet may end it), else it begins the next, in place. udp_flush turns bursts into
 * segmented messages (UDP_SEGMENT) and sends up to 64 of them by one sendmmsg. The arena is free again only when all
 * of it was sent: while the socket is blocked nothing new is taken.
 */
#include "net/udp.h"

#include "base/check.h"
#include "net/sockaddr.h"
#include "net/udp_internal.h"

#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define SEGMENTS_MAX 64          /* kernel limit of UDP_SEGMENT until 6.9 */
#define MESSAGES_MAX 64          /* of one sendmmsg */
#define SEND_CONTROL 128

struct letter {                  /* one message of a sendmmsg, with what its header points at */
	struct udp_burst *burst;
	struct sockaddr_storage to;
	struct iovec vector;
	_Alignas(struct cmsghdr) uint8_t control[SEND_CONTROL];
};

uint8_t *udp_room(struct udp *udp, size_t size)
{
	ASSERT(size > 0 && size <= UDP_PAYLOAD_MAX);
	if (udp->blocked)
		return NULL;
	if ((UDP_ARENA_SIZE - udp->used < size || udp->count == UDP_BURSTS_MAX) && !udp_flush(udp))
		return NULL;
	return udp->arena + udp->used;
}

static bool continues(const struct udp_burst *burst, const struct udp_target *target, size_t size)
{
	return burst->size == burst->count * burst->segment && size <= burst->segment && burst->count < SEGMENTS_MAX &&
	       burst->size + size <= UDP_PAYLOAD_MAX && burst->target.ecn == target->ecn &&
	       address_equal(&burst->target.to, &target->to) && address_equal(&burst->target.from, &target->from);
}

void udp_commit(struct udp *udp, const struct udp_target *target, size_t size)
{
	struct udp_burst *last = udp->count > udp->sent ? &udp->burst[udp->count - 1] : NULL;

	ASSERT(!udp->blocked && size > 0 && udp->used + size <= UDP_ARENA_SIZE);
	if (last && continues(last, target, size)) {
		last->size += size;
		last->count++;
	} else {
		ASSERT(udp->count < UDP_BURSTS_MAX);
		udp->burst[udp->count++] = (struct udp_burst){
			.target = *target,
			.data = udp->arena + udp->used,
			.size = size,
			.segment = size,
			.count = 1,
		};
	}
	udp->used += size;
}

static void put_control(struct msghdr *message, int level, int type, const void *data, size_t size)
{
	struct cmsghdr *head = (struct cmsghdr *)(void *)((uint8_t *)message->msg_control + message->msg_controllen);

	ASSERT(message->msg_controllen + CMSG_SPACE(size) <= SEND_CONTROL);
	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(head), data, size);
	message->msg_controllen += CMSG_SPACE(size);
}

static void put_source(const struct udp *udp, struct msghdr *message, const struct address *from)
{
	if (address_is_wildcard(from) || !address_is_wildcard(&udp->local))
		return;
	if (udp->family == AF_INET6) {
		struct in6_pktinfo info = {0};
		memcpy(&info.ipi6_addr, from->ip, sizeof from->ip);
		put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
	} else {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, from->ip + 12, 4);
		put_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
	}
}

static void fill(const struct udp *udp, struct letter *letter, struct msghdr *message, size_t at, size_t size)
{
	const struct udp_burst *burst = letter->burst;
	const struct address *to = &burst->target.to;
	int ecn = burst->target.ecn;

	letter->vector = (struct iovec){burst->data + at, size};
	memset(letter->control, 0, sizeof letter->control);
	*message = (struct msghdr){
		.msg_name = &letter->to,
		.msg_namelen = sockaddr_from_address(to, udp->family, &letter->to),
		.msg_iov = &letter->vector,
		.msg_iovlen = 1,
		.msg_control = letter->control,
	};
	if (ecn != UDP_ECN_USUAL && address_is_ipv4(to))
		put_control(message, IPPROTO_IP, IP_TOS, &ecn, sizeof ecn);
	else if (ecn != UDP_ECN_USUAL)
		put_control(message, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof ecn);
	put_source(udp, message, &burst->target.from);
	if (size > burst->segment) {
		uint16_t segment = (uint16_t)burst->segment;
		put_control(message, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
	}
}

/* The next messages of what waits: whole bursts, or single packets where segmentation does not work. */
static unsigned compose(struct udp *udp, struct letter *letter, struct mmsghdr *message)
{
	unsigned count = 0;

	for (unsigned i = udp->sent; i < udp->count && count < MESSAGES_MAX; i++) {
		struct udp_burst *burst = &udp->burst[i];
		size_t step = udp->gso && !burst->split ? burst->size : burst->segment;
		for (size_t at = 0; at < burst->size && count < MESSAGES_MAX; at += step, count++) {
			size_t size = burst->size - at < step ? burst->size - at : step;
			letter[count].burst = burst;
			fill(udp, &letter[count], &message[count].msg_hdr, at, size);
		}
	}
	return count;
}

static void strike(struct udp *udp, const struct letter *letter, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct udp_burst *burst = letter[i].burst;
		size_t size = letter[i].vector.iov_len;
		burst->data += size;
		burst->size -= size;
		if (burst->size == 0)
			udp->sent++;
	}
}

/* How many messages to give up after an error of sendmmsg; 0: try again. Errors belong to the first message. */
static unsigned after_error(struct udp *udp, const struct letter *first, int reason)
{
	switch (reason) {
	case EINTR:
	case ECONNREFUSED:   /* somebody else's ICMP error, reported here because it came first: now cleared */
		return 0;
	case EIO:            /* no checksum offload on that device: the kernel cannot segment */
		if (!udp->gso)
			return 1;
		udp->gso = false;
		return 0;
	case EINVAL:         /* among others: a segment larger than the path now takes */
		if (!udp->gso || first->burst->split || first->burst->count == 1)
			return 1;
		first->burst->split = true;
		return 0;
	default:
		return 1;    /* EMSGSIZE, EPERM, ENETUNREACH...: lost, as any packet may be */
	}
}

bool udp_flush(struct udp *udp)
{
	struct letter letter[MESSAGES_MAX];
	struct mmsghdr message[MESSAGES_MAX];
	int refusals = 0;

	udp->blocked = false;
	while (udp->sent < udp->count) {
		unsigned count = compose(udp, letter, message);
		ASSERT(count > 0);   /* a burst that waits has bytes left */
		int done = sendmmsg(udp->fd, message, count, 0);
		if (done < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
			udp->blocked = true;
			return false;
		}
		unsigned struck = done >= 0 ? (unsigned)done : after_error(udp, &letter[0], errno);
		/* Each ICMP error costs one call; a flood of them must not keep us here. */
		if (struck == 0 && ++refusals > MESSAGES_MAX)
			struck = 1;
		strike(udp, letter, struck);
	}
	udp->count = udp->sent = 0;
	udp->used = 0;
	return true;
}
