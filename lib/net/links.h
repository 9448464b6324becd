/*
 * links.h - links over QUIC: (protocol, peer) -> ordered messages, over one UDP socket.
 *
 * Between two nodes there is one connection a protocol (RFC 9000), shared by all their links of that protocol in both
 * directions. The dialer opens stream 0 and sends a HELLO {proof, entry}; the acceptor checks the proof and answers
 * with its own. Nothing else is sent, and no link exists, before both are through:
 *
 *     proof = BLAKE3-keyed(key = derive(network id, "proof"), exporter || role || peer id)
 *
 * where exporter is 32 bytes bound to this TLS session (RFC 8446 section 7.5), role one byte (0 dialer, 1 acceptor)
 * and peer id the id of the prover. Every further stream is a link and carries frames (wire/frame.h). Either side
 * opens links. When two nodes dial each other at once both connections live, and new links prefer the one that the
 * smaller id dialled; a connection that is idle and not preferred closes with 200.
 *
 * Back-pressure is flow control only: a link's receive window is extended when the reader is done
 * (links_consumed), and what was sent is held, by reference, until the peer acknowledges it (ops->sent).
 *
 * One thread, one libuv loop. Callbacks come from links_flush and from the loop; inside one, every links_* call but
 * links_free is allowed.
 */
#ifndef NET_LINKS_H
#define NET_LINKS_H

#include <uv.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/machine.h"
#include "wire/protocol.h"

struct links;

struct links_ops {
	/* A connection was proven; hello: the entry that the peer presented, empty for a guest. Before its first linked(). */
	void (*met)(void *self, const struct id *peer, const struct address *from, struct bytes hello);
	/* A link is open: ours after links_connect, or one that the peer opened (odd id). */
	void (*linked)(void *self, enum protocol protocol, const struct link *link);
	/* The last word about a link, whoever ended it; payloads still held were dropped. */
	void (*unlinked)(void *self, enum protocol protocol, link_id link, enum error reason);
	/* Borrowed. An error closes the whole connection with its close code. */
	enum error (*received)(void *self, enum protocol protocol, link_id link, struct blob *message);
	void (*sent)(void *self, enum protocol protocol, link_id link, size_t bytes);
};

struct links_options {
	uv_loop_t *loop;                    /* borrowed until links_free */
	const struct links_ops *ops;
	void *self;                         /* first argument of every callback */
	const struct keypair *identity;     /* borrowed */
	struct id network;
	struct address bind;                /* wildcard and port 0 are fine; a wildcard is dual stack where the host has IPv6 */
	const struct log *log;              /* borrowed; NULL: silent */
	size_t stream_frame_max;            /* 0: FRAME_STREAMS_MAX */
	bool (*credit_at_once)(void *self, enum protocol protocol);   /* window extended when received() returns */
};

/* ERROR_SYSTEM (errno says why: address in use, not available) or ERROR_BAD_KEY. */
MUST_CHECK enum error links_open(const struct links_options *options, struct links **out);

/* What to present in hellos from now on; copied. Empty until first set: a guest. */
void links_set_hello(struct links *links, struct bytes entry);

/* The label of the exporter behind link.binding. */
#define LINKS_BINDING_EXPORTER "EXPORTER-mosaik-binding"

/* The socket's own address; a wildcard stays a wildcard. */
struct address links_address(const struct links *links);

/*
 * Opens link `id` (even, never used before) to dial->peer, over the connection that exists or a new one. Addresses are
 * tried in order, the next one 250 ms after the last or at its failure; the first proven connection wins. Answered by
 * linked() or unlinked(), never from inside this call.
 */
void links_connect(struct links *links, enum protocol protocol, link_id id, const struct dial *dial);
void links_send(struct links *links, link_id link, struct blob *message);   /* taken; an unknown link drops it */
void links_consumed(struct links *links, link_id link, size_t bytes);
/* reason OK: ends our side after all that was sent; else resets the link with the close code. */
void links_close(struct links *links, link_id link, enum error reason);

/* Closes every connection to a peer with this code, at once (CONNECTION_CLOSE). */
void links_expel(struct links *links, const struct id *peer, enum error reason);

/* Writes every packet that may leave now. The runtime calls it once a turn, just before the loop would block. */
void links_flush(struct links *links);

/* Smoothed round trip to a peer over any live connection, in microseconds; 0: none. */
uint64_t links_rtt_us(const struct links *links, const struct id *peer);

struct links_counters {
	uint64_t bytes_received, bytes_sent, packets_received, packets_sent;
	uint64_t handshakes, retries_sent, proofs_refused;
};
const struct links_counters *links_count(const struct links *links);

/* True while anything sent is not yet acknowledged by a peer that is alive: what a graceful exit waits for. */
bool links_busy(const struct links *links);

/*
 * Closes every connection: code 204 GracefulShutdown, or 200 for a guest. The caller has waited for !links_busy as long as it cared to. Then the
 * loop must run until links_closed(); no callback comes any more. links_free asserts links_closed().
 */
void links_shut(struct links *links);
bool links_closed(const struct links *links);
void links_free(struct links *links);   /* NULL is fine */

#endif
