/*
 * udp_internal.h - the socket, shared by opening (udp.c), receiving and sending.
 */
#ifndef NET_UDP_INTERNAL_H
#define NET_UDP_INTERNAL_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/udp.h"

#define UDP_BATCH 8                       /* messages a recvmmsg: with GRO each holds up to 64 KiB of packets */
#define UDP_BUFFER_SIZE 65536
#define UDP_RECEIVE_CONTROL 256
#define UDP_ARENA_SIZE (256 * 1024)
#define UDP_BURSTS_MAX 64
#define UDP_ECN_USUAL 2                   /* ECT(0): what packets are marked with unless they say otherwise */

/* Packets for one sendmsg: all `segment` bytes long but the last, which may be shorter. */
struct udp_burst {
	struct udp_target target;
	uint8_t *data;
	size_t size;
	size_t segment;
	unsigned count;
	bool split;                       /* the kernel refused it whole: packet by packet */
};

struct udp {
	int fd;
	sa_family_t family;
	bool gso;
	const struct udp_ops *ops;
	void *self;
	struct address local;

	/* out: bursts [sent, count) wait; used bytes of the arena are taken */
	uint8_t *arena;
	size_t used;
	struct udp_burst burst[UDP_BURSTS_MAX];
	unsigned count, sent;
	bool blocked;

	/* in */
	uint8_t *buffer;                  /* UDP_BATCH of UDP_BUFFER_SIZE */
	struct mmsghdr message[UDP_BATCH];
	struct iovec vector[UDP_BATCH];
	struct sockaddr_storage from[UDP_BATCH];
	_Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][UDP_RECEIVE_CONTROL];
};

#endif
