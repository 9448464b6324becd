/*
 * quic_connection.c - life and death of a connection.
 *
 *      LIVE -----> CLOSE_WANTED --flush--> CLOSING --3 PTO--> freed
 *        | peer closed                                          ^
 *        +--------------------> DRAINING --------3 PTO----------+
 *        +--- idle, deadline, ICMP: nobody there ---------------+
 *
 * Its owner hears `closed` once, when it leaves LIVE, unless the owner itself closed it.
 */
#include "net/quic.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/quic_internal.h"
#include "net/sockaddr.h"
#include "wire/limits.h"

#include <string.h>

#define CREDIT_BATCH (WINDOW_CONNECTION / 16)   /* one MAX_DATA for so much */
#define ANSWER_BYTES 4096
#define ANSWER_LATE NSEC_PER_MSEC
#define TLS_ALERT_FIRST 0x100        /* RFC 9001 section 4.8: alerts as transport codes */
#define TLS_ALERT_LAST 0x1ff
#define TLS_NO_APPLICATION_PROTOCOL 0x178

ngtcp2_path quic_path(struct sockaddr_in6 *local, struct sockaddr_in6 *remote)
{
	return (ngtcp2_path){
		.local = {(ngtcp2_sockaddr *)local, sizeof *local},
		.remote = {(ngtcp2_sockaddr *)remote, sizeof *remote},
	};
}

void quic_connection_leave_half_open(struct quic_connection *connection)
{
	if (connection->half_open)
		connection->quic->half_open_count--;
	connection->half_open = false;
}

static void forget_routes(struct quic_connection *connection)
{
	struct routes *routes = &connection->quic->routes;
	size_t count = compat_source_cids(connection->conn);
	ngtcp2_cid *cids = memory_new((count + 1) * sizeof *cids);

	ngtcp2_conn_get_scid(connection->conn, cids);
	for (size_t i = 0; i < count; i++)
		routes_remove(routes, quic_cid_bytes(&cids[i]), connection);
	memory_free(cids);
	if (!connection->dialled)
		routes_remove(routes, quic_cid_bytes(&connection->first_dcid), connection);
	for (size_t i = 0; i < connection->reset_token_count; i++)
		routes_remove(routes, quic_cid_bytes(&connection->reset_token[i]), connection);
}

static void drop_streams(struct quic_connection *connection)
{
	while (!list_is_empty(&connection->streams))
		quic_stream_free(LIST_OF(connection->streams.next, struct quic_stream, node));
}

void quic_connection_free(struct quic_connection *connection)
{
	struct quic *quic = connection->quic;

	forget_routes(connection);
	quic_connection_leave_half_open(connection);
	timers_cancel(quic->timers, &connection->expiry);
	timers_cancel(quic->timers, &connection->deadline);
	list_remove(&connection->dirty_node);
	list_remove(&connection->node);
	quic->connection_count--;
	/* ngtcp2 first: until it is gone it holds pointers into the streams' queues. */
	ngtcp2_conn_del(connection->conn);
	tls_end(&connection->tls);
	drop_streams(connection);
	memory_free(connection->close_packet);
	memory_free(connection);
}

/* Leaves LIVE: tells the owner, once. */
static void end(struct quic_connection *connection, const struct quic_end *why)
{
	struct quic *quic = connection->quic;

	ASSERT(connection->state == QUIC_LIVE);
	timers_cancel(quic->timers, &connection->deadline);
	timers_cancel(quic->timers, &connection->expiry);   /* from here on it means "free" */
	quic_connection_leave_half_open(connection);
	if (connection->owner)
		quic->options.ops->closed(quic->options.self, connection, why);
	connection->owner = NULL;
	drop_streams(connection);
}

void quic_connection_lost(struct quic_connection *connection, enum error reason)
{
	end(connection, &(struct quic_end){.reason = reason});
	quic_connection_free(connection);
}

void quic_connection_fail(struct quic_connection *connection, int failure)
{
	ngtcp2_ccerr *error = &connection->close_error;
	struct quic_end why = {.reason = connection->complete ? ERROR_MALFORMED : ERROR_HANDSHAKE};

	if (failure == NGTCP2_ERR_CRYPTO) {
		ngtcp2_ccerr_set_tls_alert(error, ngtcp2_conn_get_tls_alert(connection->conn), NULL, 0);
		why.reason = connection->tls.refused == ERROR_WRONG_PEER ? ERROR_WRONG_PEER : ERROR_HANDSHAKE;
	} else {
		ngtcp2_ccerr_set_liberr(error, failure, NULL, 0);
	}
	why.code = error->error_code;
	end(connection, &why);
	connection->state = QUIC_CLOSE_WANTED;
	quic_mark_dirty(connection);
}

/* ngtcp2's timer, or the end of the time in which a dead connection still answers. */
static void on_expiry(struct alarm *alarm, nsec now)
{
	struct quic_connection *connection = ALARM_OF(alarm, struct quic_connection, expiry);

	(void)now;   /* an alarm before this one may have read the clock again: it must not go back */
	if (connection->state != QUIC_LIVE) {
		quic_connection_free(connection);
		return;
	}
	connection->expired = true;
	int failed = ngtcp2_conn_handle_expiry(connection->conn, quic_tick(connection->quic));
	if (failed == NGTCP2_ERR_IDLE_CLOSE)
		quic_connection_lost(connection, ERROR_IDLE);
	else if (failed)
		quic_connection_fail(connection, failed);
	else
		quic_mark_dirty(connection);
}

static void on_deadline(struct alarm *alarm, nsec now)
{
	struct quic_connection *connection = ALARM_OF(alarm, struct quic_connection, deadline);
	struct quic_end why = {.reason = ERROR_NO_ANSWER, .application = true};

	(void)now;
	if (!connection->complete) {
		quic_connection_lost(connection, ERROR_NO_ANSWER);
		return;
	}
	/* A handshake, then silence: the peer is there and is told. */
	why.code = error_close_code(ERROR_NO_ANSWER);
	end(connection, &why);
	quic_close(connection, why.code);
}

static void enrol(struct quic_connection *connection, const struct quic_birth *birth, const ngtcp2_cid *source)
{
	struct quic *quic = connection->quic;

	routes_put(&quic->routes, quic_cid_bytes(source), connection);
	if (birth->initial) {
		connection->first_dcid = birth->initial->dcid;
		routes_put(&quic->routes, quic_cid_bytes(&connection->first_dcid), connection);
		connection->half_open = true;
		quic->half_open_count++;
	}
	list_append(&quic->connections, &connection->node);
	quic->connection_count++;
	connection->expiry.fire = on_expiry;
	connection->deadline.fire = on_deadline;
	timers_set(quic->timers, &connection->deadline, quic->now + quic->options.handshake_max);
}

enum error quic_connection_new(struct quic *quic, const struct quic_birth *birth, struct quic_connection **out)
{
	struct quic_connection *connection = memory_new(sizeof *connection);
	ngtcp2_cid source = {.datalen = QUIC_CID_SIZE};

	connection->quic = quic;
	connection->dialled = birth->dial != NULL;
	list_init(&connection->streams);
	list_init(&connection->sending);
	list_init(&connection->dirty_node);
	ngtcp2_ccerr_default(&connection->close_error);
	quic_random(source.data, source.datalen);
	if (quic_birth_conn(connection, birth, &source) != 0) {
		memory_free(connection);
		return ERROR_HANDSHAKE;
	}
	if (birth->dial) {
		connection->owner = birth->dial->owner;
		connection->tls.expected = birth->dial->peer;
	}
	const char *alpn = birth->dial ? birth->dial->alpn : NULL;
	if (tls_start(quic->tls, connection->conn, alpn, &connection->tls) != OK) {
		ngtcp2_conn_del(connection->conn);
		memory_free(connection);
		return ERROR_HANDSHAKE;
	}
	enrol(connection, birth, &source);
	*out = connection;
	return OK;
}

static enum error transport_reason(uint64_t code, bool complete)
{
	if (code == TLS_NO_APPLICATION_PROTOCOL)
		return ERROR_INVALID_ALPN;
	if (code >= TLS_ALERT_FIRST && code <= TLS_ALERT_LAST)
		return ERROR_HANDSHAKE;
	if (code == NGTCP2_CONNECTION_REFUSED)
		return ERROR_NO_CAPACITY;
	return complete ? ERROR_UNEXPECTED_CLOSE : ERROR_HANDSHAKE;
}

/* The peer sent CONNECTION_CLOSE, or a stateless reset (which looks like transport code 0). */
static void drain(struct quic_connection *connection)
{
	struct quic *quic = connection->quic;
	ngtcp2_ccerr error = compat_close_reason(connection->conn);
	struct quic_end why = {
		.by_peer = true,
		.application = error.type == NGTCP2_CCERR_TYPE_APPLICATION,
		.code = error.error_code,
	};

	if (why.application)
		why.reason = error_from_close_code(why.code);
	else
		why.reason = transport_reason(why.code, connection->complete);
	/* Success as a reason would claim that every link came to its end: the peer is just gone, in good order. */
	if (why.reason == OK)
		why.reason = ERROR_GRACEFUL;
	end(connection, &why);
	connection->state = QUIC_DRAINING;
	list_remove(&connection->dirty_node);
	timers_set(quic->timers, &connection->expiry, quic->now + 3 * ngtcp2_conn_get_pto(connection->conn));
}

/*
 * A packet was read. An acknowledgement of every small one would wake its sender for every one: while nothing waits to be
 * sent they wait for ANSWER_LATE, and go along with whatever is sent before (RFC 9000 section 13.2.1 leaves that open, and
 * the peer counts with a max_ack_delay of 25 ms). Not where more than ANSWER_BYTES came, for a sender whose window is only a
 * few packets would stand still, nor with the end of a stream.
 */
static void answer(struct quic_connection *connection, size_t size)
{
	struct quic *quic = connection->quic;
	nsec due;

	if (connection->unanswered == 0)
		connection->answer_by = quic->now + ANSWER_LATE;
	connection->unanswered += size;
	if (!connection->proven || connection->hurry || connection->unanswered >= ANSWER_BYTES || quic->now >= connection->answer_by ||
			!list_is_empty(&connection->sending)) {
		quic_mark_dirty(connection);
		return;
	}
	due = ngtcp2_conn_get_expiry(connection->conn);
	timers_set(quic->timers, &connection->expiry, due > connection->answer_by ? due : connection->answer_by);
}

void quic_connection_read(struct quic_connection *connection, const struct udp_packet *packet)
{
	struct quic *quic = connection->quic;
	struct sockaddr_in6 local = sockaddr_plain(&packet->to), remote = sockaddr_plain(&packet->from);
	ngtcp2_path path = quic_path(&local, &remote);
	ngtcp2_pkt_info info = {.ecn = packet->ecn};
	ngtcp2_pkt_hd header;

	if (connection->state != QUIC_LIVE) {
		if (connection->state == QUIC_CLOSING)
			quic_repeat_close(connection);
		return;
	}
	int result = ngtcp2_conn_read_pkt(connection->conn, &path, &info, packet->data.data, packet->data.size, quic->now);
	switch (result) {
	case 0:
		answer(connection, packet->data.size);
		break;
	case NGTCP2_ERR_DRAINING:
		drain(connection);
		break;
	case NGTCP2_ERR_RETRY:
		if (ngtcp2_accept(&header, packet->data.data, packet->data.size) == 0)
			quic_send_retry(quic, packet, &header);
		quic_connection_lost(connection, ERROR_HANDSHAKE);
		break;
	case NGTCP2_ERR_DROP_CONN:
		quic_connection_lost(connection, ERROR_HANDSHAKE);
		break;
	default:
		quic_connection_fail(connection, result);
	}
}

enum error quic_connect(struct quic *quic, const struct quic_dial *dial, struct quic_connection **out)
{
	struct quic_birth birth = {.remote = dial->address, .dial = dial};

	ASSERT(!quic->shut && dial->alpn);
	if (quic->connection_count >= quic->options.connections_max)
		return ERROR_FULL;
	if (dial->address.port == 0 || address_is_wildcard(&dial->address))
		return ERROR_UNREACHABLE;
	quic_tick(quic);
	/* ngtcp2 must know the address that packets will come in on, else the first answer looks like a migration. */
	enum error error = udp_source(quic->udp, &dial->address, &birth.local);
	if (error == OK)
		error = quic_connection_new(quic, &birth, out);
	if (error == OK)
		quic_mark_dirty(*out);
	return error;
}

void quic_set_owner(struct quic_connection *connection, void *owner)
{
	connection->owner = owner;
}

void *quic_owner(const struct quic_connection *connection)
{
	return connection->owner;
}

const struct id *quic_peer(const struct quic_connection *connection)
{
	ASSERT(connection->complete);
	return &connection->peer;
}

struct bytes quic_alpn(const struct quic_connection *connection)
{
	return tls_alpn(&connection->tls);
}

struct address quic_remote(const struct quic_connection *connection)
{
	return sockaddr_plain_address(ngtcp2_conn_get_path(connection->conn)->remote.addr);
}

uint64_t quic_rtt_us(const struct quic_connection *connection)
{
	return compat_smoothed_rtt(connection->conn) / NGTCP2_MICROSECONDS;
}

bool quic_export(const struct quic_connection *connection, const char *label, uint8_t out[TLS_EXPORTER_SIZE])
{
	return tls_export(&connection->tls, label, out);
}

void quic_prove(struct quic_connection *connection, nsec keep_alive)
{
	ASSERT(connection->state == QUIC_LIVE && connection->complete && !connection->proven);
	connection->proven = true;
	timers_cancel(connection->quic->timers, &connection->deadline);
	quic_connection_leave_half_open(connection);
	ngtcp2_conn_extend_max_offset(connection->conn, WINDOW_CONNECTION - WINDOW_UNPROVEN);
	ngtcp2_conn_extend_max_streams_bidi(connection->conn, LINKS_PER_CONNECTION_MAX);
	ngtcp2_conn_set_keep_alive_timeout(connection->conn, keep_alive);
	quic_mark_dirty(connection);
}

void quic_close(struct quic_connection *connection, uint64_t code)
{
	if (connection->state != QUIC_LIVE)
		return;
	connection->owner = NULL;
	end(connection, &(struct quic_end){.reason = OK});
	ngtcp2_ccerr_set_application_error(&connection->close_error, code, NULL, 0);
	connection->state = QUIC_CLOSE_WANTED;
	quic_mark_dirty(connection);
}

void quic_credit(struct quic_connection *connection, uint64_t bytes)
{
	connection->credit += bytes;
	if (connection->credit < CREDIT_BATCH)
		return;   /* a sixteenth of the window, held back for less traffic, stalls nobody */
	ngtcp2_conn_extend_max_offset(connection->conn, connection->credit);
	connection->credit = 0;
	quic_mark_dirty(connection);
}
