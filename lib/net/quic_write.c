/*
 * quic_write.c - packets out: from streams into the UDP arena, without a copy between.
 */
#include "net/quic.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/quic_internal.h"
#include "net/sockaddr.h"

#include <string.h>

/*
 * Pieces of one STREAM frame: the rest of a message, a length, the start of the next. 0.12.1 allocates frames of more
 * pieces in another way, and leaks them when after a loss it cuts one or joins two (mended in 1.x).
 */
#define VECTORS 3
#define QUANTA_A_TURN 4   /* then others, and acknowledgements on their way in, have a turn */
#define CLOSE_PACKET_MAX 1200
#define FRAME_ROOM 256    /* a frame that is not cut into pieces fits */
#define GRANULARITY NSEC_PER_MSEC   /* of timers (RFC 9002 section 6.1.2) */

struct packet_out {
	ngtcp2_path_storage path;
	ngtcp2_pkt_info info;
	uint8_t *at;
	size_t room;
};

/*
 * Whose turn it is; NULL: nobody's. ngtcp2 has no callback for "the connection's window is open again", so streams
 * are simply not offered while it is closed; what costs no window (an empty frame, a FIN) always may go.
 */
static struct quic_stream *next_stream(struct quic_connection *connection)
{
	bool open = ngtcp2_conn_get_max_data_left(connection->conn) > 0;

	LIST_EACH(node, &connection->sending) {
		struct quic_stream *stream = LIST_OF(node, struct quic_stream, sending_node);
		if (open || stream->queue.waiting == 0)
			return stream;
	}
	return NULL;
}

/* `took` bytes, and perhaps the FIN, of a stream went into the packet under way; full: the packet is complete. */
static void account(struct quic_stream *stream, size_t took, bool fin, bool full)
{
	struct quic_connection *connection = stream->connection;

	stream->hollow = took == 0 && !fin && (stream->hollow || !stream->announced);
	stream->announced = true;
	if (fin)
		stream->finished = true;
	send_queue_advance(&stream->queue, took);
	if (!quic_stream_wants(stream)) {
		list_remove(&stream->sending_node);
	} else if (full) {
		list_remove(&stream->sending_node);   /* a packet each, in turn */
		list_append(&connection->sending, &stream->sending_node);
	}
}

/* With `total` bytes of this stream, nothing of any is left that could share the packet. */
static bool is_last(const struct quic_stream *stream, size_t total)
{
	const struct list *sending = &stream->connection->sending;

	return sending->next == sending->prev && total == stream->queue.waiting;
}

/* One packet; its size, 0 if nothing may leave now, or an ngtcp2 error. */
static ngtcp2_ssize write_packet(struct quic_connection *connection, struct packet_out *out)
{
	for (;;) {
		struct quic_stream *stream = next_stream(connection);
		ngtcp2_vec vector[VECTORS];
		size_t count = 0, total = 0;
		ngtcp2_ssize took = -1;
		uint32_t flags = 0;
		bool fin = false;

		if (stream) {
			count = send_queue_gather(&stream->queue, vector, VECTORS, &total);
			fin = stream->finish && total == stream->queue.waiting;
			flags = (is_last(stream, total) ? 0 : NGTCP2_WRITE_STREAM_FLAG_MORE) |
				(fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
		}
		ngtcp2_ssize size = ngtcp2_conn_writev_stream(connection->conn, &out->path.path, &out->info, out->at,
			out->room, &took, flags, stream ? stream->id : -1, vector, count, connection->quic->now);
		if (stream && took >= 0)
			account(stream, (size_t)took, fin && (size_t)took == total, size != NGTCP2_ERR_WRITE_MORE);
		if (size >= 0)
			return size;
		if (size == NGTCP2_ERR_WRITE_MORE)
			continue;
		if (!stream || (size != NGTCP2_ERR_STREAM_DATA_BLOCKED && size != NGTCP2_ERR_STREAM_SHUT_WR &&
				       size != NGTCP2_ERR_STREAM_NOT_FOUND))
			return size;
		/* Blocked: back when the peer extends the window. Shut or gone: the peer wants no more of it. */
		list_remove(&stream->sending_node);
		stream->parked = true;
	}
}

static struct udp_target target_of(const struct packet_out *out)
{
	return (struct udp_target){
		.to = sockaddr_plain_address(out->path.path.remote.addr),
		.from = sockaddr_plain_address(out->path.path.local.addr),
		.ecn = (uint8_t)out->info.ecn,
	};
}

/*
 * When ngtcp2 has to be called again, after packets were written or not.
 *
 * Pacing is for who has more to send than may leave. What fits into the window at once, an answer or a request, is paced by
 * its application; ngtcp2 would hold it back by a rate that it has seen only small things leave at. So it is told that those
 * packets left long ago; and likewise of a connection within the host, where no queue but the receiver's socket can overflow,
 * and a timer for a burst costs more than the burst. Nor is it woken an eighth of a round trip later to acknowledge what came
 * in: on a short way that is before the answer is there that the acknowledgement could ride on.
 */
static nsec next_call(struct quic_connection *connection)
{
	ngtcp2_conn *conn = connection->conn;
	nsec now = connection->quic->now, due;

	/*
	 * Before a round trip was measured pacing works with a guess, and would hold the second packet of a handshake
	 * back for milliseconds. Ten packets need no pacing.
	 */
	if (!connection->complete)
		return ngtcp2_conn_get_expiry(conn);
	if (!list_is_empty(&connection->sending) && !connection->unpaced) {
		ngtcp2_conn_update_pkt_tx_time(conn, now);
		return ngtcp2_conn_get_expiry(conn);
	}
	due = ngtcp2_conn_get_expiry(conn);
	ngtcp2_conn_update_pkt_tx_time(conn, 0);
	return due > now + GRANULARITY ? due : now + GRANULARITY;
}

/*
 * Nothing is left to write, without asking ngtcp2 for a packet in vain: whatever it had to say had room in the last one. But
 * in a handshake there are packets of other levels, and after a timer two are better than one (RFC 9002 section 6.2.4).
 */
static bool is_all(const struct quic_connection *connection, size_t last)
{
	return connection->complete && !connection->expired && list_is_empty(&connection->sending) &&
	       last + FRAME_ROOM <= ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->conn);
}

void quic_write(struct quic_connection *connection)
{
	struct quic *quic = connection->quic;
	struct packet_out out = {.room = ngtcp2_conn_get_max_tx_udp_payload_size(connection->conn)};
	size_t budget = QUANTA_A_TURN * ngtcp2_conn_get_send_quantum(connection->conn);

	/* Also what paced packets that none stood behind. A failure comes again when the alarm, then due, finds it. */
	if (ngtcp2_conn_get_expiry(connection->conn) <= quic->now &&
			ngtcp2_conn_handle_expiry(connection->conn, quic->now) != 0) {
		timers_set(quic->timers, &connection->expiry, quic->now);
		return;
	}
	connection->unanswered = 0;
	connection->hurry = false;
	ngtcp2_path_storage_zero(&out.path);
	for (;;) {
		out.at = udp_room(quic->udp, out.room);
		if (!out.at) {
			quic_mark_dirty(connection);   /* the socket is blocked: when it is writable again */
			break;
		}
		ngtcp2_ssize size = write_packet(connection, &out);
		if (size < 0) {
			quic_connection_fail(connection, (int)size);
			return;
		}
		if (size == 0)
			break;
		struct udp_target target = target_of(&out);
		udp_commit(quic->udp, &target, (size_t)size);
		quic->options.counters->packets_sent++;
		quic->options.counters->bytes_sent += (uint64_t)size;
		if ((size_t)size >= budget) {
			quic_mark_dirty(connection);
			break;
		}
		if (is_all(connection, (size_t)size))
			break;
		budget -= (size_t)size;
	}
	connection->expired = false;
	timers_set(quic->timers, &connection->expiry, next_call(connection));
}

void quic_write_close(struct quic_connection *connection)
{
	struct quic *quic = connection->quic;
	uint8_t packet[CLOSE_PACKET_MAX];
	struct packet_out out = {.at = packet, .room = sizeof packet};

	ASSERT(connection->state == QUIC_CLOSE_WANTED);
	connection->state = QUIC_CLOSING;
	ngtcp2_path_storage_zero(&out.path);
	ngtcp2_ssize size = ngtcp2_conn_write_connection_close(connection->conn, &out.path.path, &out.info, out.at,
		out.room, &connection->close_error, quic->now);
	if (size > 0) {
		connection->close_packet = memory_copy(packet, (size_t)size);
		connection->close_packet_size = (size_t)size;
		connection->close_target = target_of(&out);
		quic_send_now(quic, &connection->close_target, bytes_of(packet, (size_t)size));
	}
	timers_set(quic->timers, &connection->expiry, quic->now + 3 * ngtcp2_conn_get_pto(connection->conn));
}

/* RFC 9000 section 10.2.1: answer packets that still come, but ever more rarely. */
void quic_repeat_close(struct quic_connection *connection)
{
	connection->close_heard++;
	if (connection->close_packet && (connection->close_heard & (connection->close_heard - 1)) == 0)
		quic_send_now(connection->quic, &connection->close_target,
			bytes_of(connection->close_packet, connection->close_packet_size));
}
