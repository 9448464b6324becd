/*
 * quic.h - a QUIC endpoint (RFC 9000): one UDP socket, many connections, both roles, on a libuv loop.
 *
 *      links            what a stream carries, who is let in, when to dial
 *        |  ^
 *        v  | quic_ops
 *      quic             connections, streams, packets, timers
 *
 * It knows keys and ALPN names but no network, proof or frame. A connection starts UNPROVEN: the peer may open one
 * stream (if it dialled) and send WINDOW_UNPROVEN bytes, and must be proven within the handshake deadline.
 *
 * Most of quic_ops runs INSIDE ngtcp2, where nothing may be written or freed: such an operation notes what happened
 * and calls only functions marked (inside too). `turn` follows, outside, after every batch.
 */
#ifndef NET_QUIC_H
#define NET_QUIC_H

#include "net/links.h"
#include "net/timers.h"

struct quic;
struct quic_connection;
struct quic_stream;

/* How a connection ended. */
struct quic_end {
	enum error reason;
	bool by_peer;         /* it said so, by CONNECTION_CLOSE; else we did, or a timer, or ICMP */
	bool application;     /* code is an application's, else a transport error of RFC 9000 section 20.1 */
	uint64_t code;
};

struct quic_ops {
	/* Inside. The handshake is complete, peer and ALPN are known. The owner of an accepted connection is set here. */
	void (*ready)(void *self, struct quic_connection *connection);
	/* Inside. The peer opened a stream. */
	void (*opened)(void *self, struct quic_connection *connection, struct quic_stream *stream);
	/* Inside. In order, without gaps. */
	void (*data)(void *self, struct quic_stream *stream, struct bytes data, bool last);
	/* Inside. Messages with so many body bytes were acknowledged and dropped. */
	void (*acked)(void *self, struct quic_stream *stream, size_t bytes);
	/* Inside. The peer gave the stream up, in one direction at least. */
	void (*stopped)(void *self, struct quic_stream *stream, uint64_t code);
	/* Inside. Both directions are through and acknowledged; the stream is freed after the call. */
	void (*finished)(void *self, struct quic_stream *stream);
	/* Inside. The peer lets us open more streams. */
	void (*roomier)(void *self, struct quic_connection *connection);
	/* Outside. Connection and streams are freed after the call. Not called for a connection without an owner. */
	void (*closed)(void *self, struct quic_connection *connection, const struct quic_end *end);
	/* Outside, after a batch of packets or timers. */
	void (*turn)(void *self);
};

struct quic_options {
	uv_loop_t *loop;
	const struct quic_ops *ops;
	void *self;
	const struct keypair *identity;   /* NULL: a client without a key, for tests of refusal */
	struct address bind;
	struct links_counters *counters;  /* borrowed; added to */
	bool plain_udp;                   /* no GSO, no GRO */
	nsec handshake_max;               /* from the first packet to quic_prove */
	size_t retry_above;               /* half-open connections; above it strangers prove their address first */
	size_t half_open_max;
	size_t connections_max;
};

/* ERROR_SYSTEM or ERROR_BAD_KEY. */
MUST_CHECK enum error quic_open(const struct quic_options *options, struct quic **out);
struct address quic_address(const struct quic *quic);
struct timers *quic_timers(struct quic *quic);   /* for alarms of the layer above */

/* Writes what may leave now, then arms the timers. `more`: the layer above has work left, the loop must not block. */
void quic_flush(struct quic *quic, bool more);

/* Drops every connection without a word, closes the handles; the loop must run until quic_closed(). */
void quic_shut(struct quic *quic);
bool quic_closed(const struct quic *quic);
void quic_free(struct quic *quic);

struct quic_dial {
	const char *alpn;
	struct id peer;                   /* zero: whoever answers */
	struct address address;
	bool bulk;                        /* much will be sent: packets as large as the path takes */
	void *owner;
};

/* ERROR_UNREACHABLE, ERROR_FULL, ERROR_HANDSHAKE (a key that GnuTLS does not take). */
MUST_CHECK enum error quic_connect(struct quic *quic, const struct quic_dial *dial, struct quic_connection **out);

void quic_set_owner(struct quic_connection *connection, void *owner);      /* inside too */
void *quic_owner(const struct quic_connection *connection);
const struct id *quic_peer(const struct quic_connection *connection);      /* from ready() on */
struct bytes quic_alpn(const struct quic_connection *connection);          /* from ready() on */
struct address quic_remote(const struct quic_connection *connection);
uint64_t quic_rtt_us(const struct quic_connection *connection);
bool quic_export(const struct quic_connection *connection, const char *label, uint8_t out[32]);   /* see tls_export */

/* The peer belongs here: full windows, LINKS_PER_CONNECTION_MAX streams, keep-alive, no deadline. */
void quic_prove(struct quic_connection *connection, nsec keep_alive);
/* CONNECTION_CLOSE with this application code at the next flush; the owner hears no more of it and its streams. */
void quic_close(struct quic_connection *connection, uint64_t code);
/* So many bytes of streams that are gone may be sent again on others (inside too). */
void quic_credit(struct quic_connection *connection, uint64_t bytes);

/* NULL: not now, the peer's limit is reached; roomier() follows. The peer hears of it at once, even without data. */
struct quic_stream *quic_stream_open(struct quic_connection *connection);
void quic_stream_set_owner(struct quic_stream *stream, void *owner);       /* inside too */
void *quic_stream_owner(const struct quic_stream *stream);
void quic_stream_send(struct quic_stream *stream, struct blob *message);   /* taken */
/*
 * Nothing was sent on it but the empty frame that announced it. Such a stream is reset, never finished: an empty FIN would
 * stand at the same place, and when both are lost, ngtcp2 0.12.1 finds the place taken as it puts the second one back, and an
 * assertion ends the process (mended in 1.x).
 */
bool quic_stream_is_hollow(const struct quic_stream *stream);
void quic_stream_finish(struct quic_stream *stream);                       /* FIN after what is queued; not if hollow */
bool quic_stream_is_finishing(const struct quic_stream *stream);           /* the FIN is in a packet: too late to send */
bool quic_stream_is_busy(const struct quic_stream *stream);                /* something is not acknowledged */
/* Reader is done with so many bytes, prefixes included (inside too). Connection credit comes along. */
void quic_stream_credit(struct quic_stream *stream, uint64_t bytes);
/* RESET_STREAM and STOP_SENDING; the owner hears no more of it. */
void quic_stream_reset(struct quic_stream *stream, uint64_t code);

/* For tests of refusal: bytes that are no message. */
void quic_stream_send_raw(struct quic_stream *stream, struct bytes data);

#endif
