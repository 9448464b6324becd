/*
 * links_connection.c - from a TLS session to a proven connection, and to its end.
 *
 *      dialer                                    acceptor
 *        |  stream 0: HELLO {proof, entry}, FIN     |
 *        | ---------------------------------------> | checks; wrong: CONNECTION_CLOSE 101
 *        |                HELLO {proof, entry}, FIN |
 *        | <--------------------------------------- | proven here: links may be opened
 *   proven here
 */
#include "net/links.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/links_internal.h"

#include <string.h>

/* Records flow all the time or not at all: there a dead peer on this host shows, by ICMP, within a second. */
#define KEEP_ALIVE_STREAMS (1 * NSEC_PER_SEC)
#define KEEP_ALIVE_GROUPS (600 * NSEC_PER_MSEC)   /* after a heartbeat that did not come: a dead leader's host says so */
#define KEEP_ALIVE_OTHERS (20 * NSEC_PER_SEC)   /* below what address translators forget after; discovery asks by itself */

static void on_idle(struct alarm *alarm, nsec now)
{
	struct connection *connection = ALARM_OF(alarm, struct connection, idle);

	(void)now;
	if (list_is_empty(&connection->open) && list_is_empty(&connection->queued))
		links_connection_end(connection, OK);
}

struct connection *links_connection_new(struct links *links, enum protocol protocol)
{
	struct connection *connection = memory_new(sizeof *connection);

	*connection = (struct connection){.links = links, .protocol = protocol};
	connection->idle.fire = on_idle;
	list_append(&links->connections, &connection->node);
	list_init(&connection->attempt_node);
	list_init(&connection->open);
	list_init(&connection->queued);
	links_link_init_hello(connection);
	return connection;
}

/* The one that the smaller id dialled is the one that both sides prefer when they dialled each other at once. */
static bool is_preferred(const struct connection *connection)
{
	const struct id *own = &connection->links->options.identity->public_key;
	bool own_is_smaller = id_compare(own, &connection->peer) < 0;

	return connection->dialled == own_is_smaller;
}

struct connection *links_connection_preferred(const struct links *links, enum protocol protocol, const struct id *peer)
{
	struct connection *found = NULL;

	LIST_EACH(node, &links->connections) {
		struct connection *connection = LIST_OF(node, struct connection, node);
		if (!connection->proven || connection->faulted || connection->protocol != protocol ||
			!id_equal(&connection->peer, peer))
			continue;
		if (is_preferred(connection))
			return connection;
		found = connection;
	}
	return found;
}

void links_connection_check_idle(struct connection *connection)
{
	struct links *links = connection->links;
	struct timers *timers = quic_timers(links->quic);

	if (!connection->proven || connection->ended || !list_is_empty(&connection->open) ||
		!list_is_empty(&connection->queued))
		return;
	bool wanted = links_connection_preferred(links, connection->protocol, &connection->peer) == connection;
	msec wait = wanted ? links->tuning.idle_max : links->tuning.idle_unwanted_max;
	/* The dialer goes first: were both to count alike, one would open a link just as the other closes. */
	if (!connection->dialled)
		wait += wait / 2;
	timers_set(timers, &connection->idle, uv_hrtime() + (nsec)wait * NSEC_PER_MSEC);
}

static void send_hello(struct connection *connection)
{
	struct links *links = connection->links;
	uint8_t exporter[HELLO_EXPORTER_SIZE];

	bool exported = quic_export(connection->quic, HELLO_EXPORTER, exporter);
	ASSERT(exported);
	struct hello hello = {.entry = buffer_bytes(&links->hello)};
	hello.proof = hello_proof(&links->proof_key, exporter, connection->dialled ? HELLO_DIALER : HELLO_ACCEPTOR,
		&links->options.identity->public_key);
	quic_stream_send(connection->hello.stream, hello_encode(&hello));
	quic_stream_finish(connection->hello.stream);
}

static bool proof_is_right(const struct connection *connection, const struct hello *hello)
{
	const struct links *links = connection->links;
	uint8_t exporter[HELLO_EXPORTER_SIZE];

	if (!quic_export(connection->quic, HELLO_EXPORTER, exporter))
		return false;
	struct id right = hello_proof(&links->proof_key, exporter, connection->dialled ? HELLO_ACCEPTOR : HELLO_DIALER,
		&connection->peer);
	return id_equal_secret(&right, &hello->proof);
}

void links_connection_ready(struct connection *connection)
{
	if (!connection->dialled)
		return;
	struct quic_stream *stream = quic_stream_open(connection->quic);
	if (!stream) {
		/* An acceptor that lets us open no stream at all is none of ours. */
		links_connection_end(connection, ERROR_MALFORMED);
		return;
	}
	connection->hello.stream = stream;
	quic_stream_set_owner(stream, &connection->hello);
	send_hello(connection);
}

static void prove(struct connection *connection, struct bytes entry)
{
	struct links *links = connection->links;
	char peer[ID_SHORT_SIZE], from[ADDRESS_TEXT_SIZE];
	struct address remote = quic_remote(connection->quic);
	nsec keep_alive = connection->protocol == PROTOCOL_STREAMS ? KEEP_ALIVE_STREAMS :
		connection->protocol == PROTOCOL_GROUPS ? KEEP_ALIVE_GROUPS : KEEP_ALIVE_OTHERS;

	bool exported = quic_export(connection->quic, LINKS_BINDING_EXPORTER, connection->binding.byte);
	ASSERT(exported);
	connection->proven = true;
	if (!connection->dialled)
		send_hello(connection);
	quic_prove(connection->quic, keep_alive);
	id_format_short(&connection->peer, peer);
	address_format(&remote, from);
	LINKS_LOG(links, LOG_DEBUG, "proven peer=%s address=%s alpn=%s dialled=%d", peer, from,
		protocol_alpn(connection->protocol), connection->dialled);
	links->options.ops->met(links->options.self, &connection->peer, &remote, entry);
}

/* One connection more to this peer may make others unwanted, or this one. */
static void review_idle(const struct connection *newcomer)
{
	LIST_EACH_SAFE(node, after, &newcomer->links->connections) {
		struct connection *connection = LIST_OF(node, struct connection, node);
		if (connection->protocol == newcomer->protocol && id_equal(&connection->peer, &newcomer->peer))
			links_connection_check_idle(connection);
	}
}

static void refuse(struct connection *connection, enum error reason)
{
	struct links *links = connection->links;
	struct address remote = quic_remote(connection->quic);
	char peer[ID_SHORT_SIZE], from[ADDRESS_TEXT_SIZE];

	id_format_short(&connection->peer, peer);
	address_format(&remote, from);
	LINKS_LOG(links, LOG_INFO, "refused peer=%s address=%s alpn=%s reason=%s", peer, from,
		protocol_alpn(connection->protocol), error_name(reason));
	links_connection_end(connection, reason);
}

void links_connection_hello(struct connection *connection, struct blob *message)
{
	struct links *links = connection->links;
	struct hello hello;

	ASSERT(!connection->proven && connection->ready);
	if (hello_decode(blob_bytes(message), &hello) != OK) {
		refuse(connection, ERROR_MALFORMED);
		return;
	}
	if (!proof_is_right(connection, &hello)) {
		links->counters.proofs_refused++;
		refuse(connection, ERROR_DIFFERENT_NETWORK);
		return;
	}
	quic_credit(connection->quic, connection->hello.owed);
	prove(connection, hello.entry);
	if (connection->ended || links->shut)
		return;   /* `met` may have expelled the peer */
	links_dial_proven(connection);
	review_idle(connection);
}

static void log_end(const struct connection *connection, enum error reason)
{
	char peer[ID_SHORT_SIZE];

	id_format_short(&connection->peer, peer);
	LINKS_LOG(connection->links, LOG_DEBUG, "ended peer=%s alpn=%s reason=%s proven=%d", peer,
		protocol_alpn(connection->protocol), error_name(reason), connection->proven);
}

void links_connection_end(struct connection *connection, enum error reason)
{
	struct links *links = connection->links;
	struct quic_connection *quic = connection->quic;

	if (connection->ended)
		return;
	connection->ended = true;
	log_end(connection, reason);
	timers_cancel(quic_timers(links->quic), &connection->idle);
	list_remove(&connection->node);
	connection->quic = NULL;
	connection->hello.stream = NULL;
	while (!list_is_empty(&connection->open)) {
		struct net_link *link = LIST_OF(connection->open.next, struct net_link, node);
		/* A peer that leaves in good order waited for us, but not for the acknowledgement of our FIN. */
		links_link_end(link, reason == ERROR_GRACEFUL && links_link_is_through(link) ? OK : reason);
	}
	while (!list_is_empty(&connection->queued))
		links_link_end(LIST_OF(connection->queued.next, struct net_link, node), reason);
	if (quic)
		quic_close(quic, error_close_code(reason));   /* last: it frees the streams that the links above looked at */
	if (connection->attempt)
		links_dial_failed(connection, reason);
	links_push(links, &(struct event){.kind = EVENT_GONE, .connection = connection});
}
