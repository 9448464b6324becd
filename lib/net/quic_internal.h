/*
 * quic_internal.h - the endpoint, its connections and streams, shared by the quic_*.c files.
 *
 *      quic.c              sockets and handles, packets to connections, the order of a flush
 *      quic_accept.c       packets of no connection: accept, Retry, version negotiation, stateless reset
 *      quic_connection.c   life and death of a connection
 *      quic_birth.c        what a new connection is told
 *      quic_callbacks.c    what ngtcp2 tells
 *      quic_write.c        packets out
 *      quic_stream.c       streams
 */
#ifndef NET_QUIC_INTERNAL_H
#define NET_QUIC_INTERNAL_H

#include "base/list.h"
#include "net/quic.h"
#include "net/routes.h"
#include "net/send_queue.h"
#include "net/tls.h"
#include "net/udp.h"

#define QUIC_CID_SIZE 10                /* of ours: 80 random bits */
#define QUIC_TOKEN_SECRET_SIZE 32
#define QUIC_RESET_TOKENS_MAX 4         /* of the peer's ids that are in use; the id limit is 2 */

struct quic {
	struct quic_options options;
	struct tls *tls;
	struct udp *udp;
	struct timers *timers;
	uv_poll_t poll;
	uv_idle_t idle;                 /* active while work is left over: keeps the loop from blocking */
	int poll_events;
	unsigned handles_closed;
	bool shut;
	nsec now;                       /* the only clock ngtcp2 sees: 1.x aborts if it goes back */
	struct id token_secret;
	struct routes routes;
	struct list connections;
	struct list dirty;              /* connections that may have something to write */
	size_t connection_count;
	size_t half_open_count;         /* accepted, not proven */
	bool jumbo;                     /* the loopback device takes large packets */
};

enum quic_state {
	QUIC_LIVE,
	QUIC_CLOSE_WANTED,              /* CONNECTION_CLOSE leaves at the next flush */
	QUIC_CLOSING,                   /* it left: repeated now and then to a peer that goes on sending */
	QUIC_DRAINING                   /* the peer closed: we are silent */
};

struct quic_connection {
	struct tls_session tls;
	ngtcp2_conn *conn;
	struct quic *quic;
	void *owner;
	enum quic_state state;
	bool dialled;
	bool complete;                  /* handshake done, peer known */
	bool proven;
	bool unpaced;                   /* large packets within the host: whatever the windows allow leaves at once */
	bool half_open;                 /* counted in quic->half_open_count */
	struct id peer;
	struct list node;
	struct list dirty_node;
	struct alarm expiry;            /* ngtcp2's; after the end: when to free */
	struct alarm deadline;          /* for the proof */
	struct list streams;
	struct list sending;            /* streams with something to send, in turn */
	uint64_t credit;                /* connection credit that is held back for a while */
	size_t unanswered;              /* bytes that came since we last wrote */
	nsec answer_by;                 /* since the first of them */
	bool expired;                   /* an alarm of ngtcp2's went off since we last wrote */
	bool hurry;                     /* one of them ends a stream: its sender may wait for the answer to leave */
	ngtcp2_cid first_dcid;          /* the client's: late duplicates of its first packet must find us */
	ngtcp2_cid reset_token[QUIC_RESET_TOKENS_MAX];
	size_t reset_token_count;
	ngtcp2_ccerr close_error;
	uint8_t *close_packet;
	size_t close_packet_size;
	struct udp_target close_target;
	uint64_t close_heard;           /* packets that came after it */
};

struct quic_stream {
	struct quic_connection *connection;
	void *owner;
	int64_t id;
	uint64_t credit;                /* held back for a while, as that of the connection */
	struct list node;
	struct list sending_node;
	struct send_queue queue;
	bool announced;                 /* the peer knows of it */
	bool hollow;                    /* by an empty frame, and nothing was sent since */
	bool parked;                    /* the peer's stream window is full */
	bool finish, finished;          /* FIN wanted; FIN in a packet */
	bool reset;
};

static inline struct bytes quic_cid_bytes(const ngtcp2_cid *cid)
{
	return (struct bytes){cid->data, cid->datalen};
}

/* quic.c */
nsec quic_tick(struct quic *quic);                              /* reads the clock into quic->now */
void quic_mark_dirty(struct quic_connection *connection);
void quic_send_now(struct quic *quic, const struct udp_target *target, struct bytes packet);   /* copied; dropped when blocked */

/* quic_accept.c: NULL: no connection, whatever had to be answered was. */
struct quic_connection *quic_accept(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids);
void quic_send_version_negotiation(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids);
void quic_send_reset(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids);
void quic_send_retry(struct quic *quic, const struct udp_packet *packet, const ngtcp2_pkt_hd *header);

/* quic_connection.c */
struct quic_birth {
	struct address local;
	struct address remote;
	const struct quic_dial *dial;           /* NULL: accepted */
	const ngtcp2_pkt_hd *initial;           /* of an accepted connection: its first packet's header */
	size_t initial_size;
	const ngtcp2_cid *retried;              /* the id before our Retry, whose token is valid; NULL: no Retry */
};
/* quic_birth.c: makes connection->conn; 0 or an ngtcp2 error. source: our first id. */
int quic_birth_conn(struct quic_connection *connection, const struct quic_birth *birth, const ngtcp2_cid *source);

enum error quic_connection_new(struct quic *quic, const struct quic_birth *birth, struct quic_connection **out);
void quic_connection_free(struct quic_connection *connection);   /* without a word to owner or peer */
void quic_connection_read(struct quic_connection *connection, const struct udp_packet *packet);
void quic_connection_fail(struct quic_connection *connection, int failure);   /* an ngtcp2 error: closes */
void quic_connection_lost(struct quic_connection *connection, enum error reason);   /* nobody to talk to: frees */
void quic_connection_leave_half_open(struct quic_connection *connection);
struct sockaddr_in6;
ngtcp2_path quic_path(struct sockaddr_in6 *local, struct sockaddr_in6 *remote);

/* quic_callbacks.c */
extern const ngtcp2_callbacks quic_callbacks;
void quic_random(void *out, size_t size);

/* quic_write.c */
void quic_write(struct quic_connection *connection);
void quic_write_close(struct quic_connection *connection);
void quic_repeat_close(struct quic_connection *connection);

/* quic_stream.c */
struct quic_stream *quic_stream_new(struct quic_connection *connection, int64_t id, bool announced);
void quic_stream_free(struct quic_stream *stream);
void quic_stream_unpark(struct quic_stream *stream);
bool quic_stream_wants(const struct quic_stream *stream);       /* something to put into a packet */

#endif
