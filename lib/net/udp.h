/*
 * udp.h - one UDP socket for everything: batches in (recvmmsg, GRO), batches out (GSO, sendmmsg).
 *
 * A socket bound to a wildcard is dual stack where the host has IPv6. Packets say to which of our addresses they
 * came and leave from the address they are told to (PKTINFO), so that a host with several addresses answers from
 * the one that was asked. What the kernel refuses (GRO, GSO) is done without.
 *
 * Nothing is copied on the way out: the caller writes each packet into the arena (udp_room), then says where it goes
 * (udp_commit). Packets of one size between the same two addresses that follow each other leave as one segmented
 * message.
 */
#ifndef NET_UDP_H
#define NET_UDP_H

#include "base/address.h"

#define UDP_PAYLOAD_MAX 65507   /* of one message; RFC 768 length field less IPv4 and UDP headers */

struct udp;

struct udp_options {
	struct address bind;
	bool plain;              /* no GSO, no GRO: what an old kernel offers */
};

struct udp_packet {              /* one datagram, borrowed */
	struct address from;
	struct address to;       /* ours; the port is the socket's */
	struct bytes data;
	uint8_t ecn;             /* RFC 3168, two bits */
};

struct udp_target {
	struct address to;
	struct address from;     /* wildcard: the kernel's choice */
	uint8_t ecn;
};

struct udp_ops {
	void (*packet)(void *self, const struct udp_packet *packet);
	/* ICMP said that `to` cannot be reached; quoted: as much of our packet as came back, perhaps nothing. */
	void (*unreachable)(void *self, const struct address *to, enum error reason, struct bytes quoted);
};

/* ERROR_SYSTEM, errno says why. */
MUST_CHECK enum error udp_open(const struct udp_options *options, const struct udp_ops *ops, void *self, struct udp **out);
void udp_close(struct udp *udp);   /* NULL is fine */

int udp_descriptor(const struct udp *udp);
struct address udp_address(const struct udp *udp);   /* a wildcard stays a wildcard */

/* Which of our addresses packets to `to` leave from. ERROR_UNREACHABLE. */
MUST_CHECK enum error udp_source(const struct udp *udp, const struct address *to, struct address *out);

/* The largest packet that the loopback device takes, headers included; 0: unknown. */
size_t udp_loopback_mtu(const struct udp *udp);

/* Reads one batch. True: more may be waiting. */
bool udp_receive(struct udp *udp);
/* Empties the error queue: the socket stays "readable with an error" until that is done. */
void udp_receive_errors(struct udp *udp);

/* Room for one packet, valid until the next udp call; NULL while the socket is blocked. */
uint8_t *udp_room(struct udp *udp, size_t size);
void udp_commit(struct udp *udp, const struct udp_target *target, size_t size);
/* Hands everything to the kernel. False: blocked until the descriptor is writable, then call it again. */
bool udp_flush(struct udp *udp);

#endif
