/*
 * links_link.c - one stream as a sequence of messages.
 *
 * Credit. The peer may send WINDOW_LINK bytes beyond what we credited. Credit is given when the reader is done with
 * a message, so that memory is bounded by the slowest reader. Two things complicate it:
 *
 *   - Credit counts stream bytes, readers count body bytes. For what the reader holds we keep both sums, `held`
 *     bodies and `owed` credit, and give for a part of the one the same part of the other.
 *   - A message larger than the window could never arrive whole. From half a window on its bytes are credited while
 *     they are collected ("prepaid"), and are not owed later. Memory then is bounded by the largest frame.
 */
#include "net/links.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/links_internal.h"

#define PREPAY_ABOVE (WINDOW_LINK / 2)

static size_t frame_max(const struct links *links, enum protocol protocol)
{
	if (protocol == PROTOCOL_STREAMS && links->options.stream_frame_max > 0)
		return links->options.stream_frame_max;
	return protocol_frame_max(protocol);
}

static size_t first_max(const struct links *links, enum protocol protocol)
{
	size_t most = protocol_first_max(protocol);

	return most < protocol_frame_max(protocol) ? most : frame_max(links, protocol);
}

struct net_link *links_link_new(struct links *links, enum protocol protocol, link_id id)
{
	struct net_link *link = memory_new(sizeof *link);

	*link = (struct net_link){.links = links, .protocol = protocol, .id = id};
	list_init(&link->node);
	list_init(&link->acked_node);
	frame_reader_init(&link->reader, first_max(links, protocol));
	number_table_put(&links->table, id, link);
	return link;
}

void links_link_init_hello(struct connection *connection)
{
	struct net_link *link = &connection->hello;

	*link = (struct net_link){
		.links = connection->links,
		.connection = connection,
		.protocol = connection->protocol,
		.is_hello = true,
	};
	list_init(&link->node);
	list_init(&link->acked_node);
	frame_reader_init(&link->reader, FRAME_HELLO_MAX);
}

static void adopt(struct net_link *link, struct quic_stream *stream)
{
	link->stream = stream;
	quic_stream_set_owner(stream, link);
	list_append(&link->connection->open, &link->node);
	timers_cancel(quic_timers(link->links->quic), &link->connection->idle);
	links_push(link->links, &(struct event){.kind = EVENT_LINKED, .link = link});
}

static bool open_stream(struct net_link *link)
{
	struct quic_stream *stream = quic_stream_open(link->connection->quic);

	if (!stream)
		return false;
	list_remove(&link->node);
	adopt(link, stream);
	for (size_t i = 0; i < link->early_count; i++)
		quic_stream_send(stream, link->early[i]);
	link->early_count = 0;
	if (link->closed)
		quic_stream_finish(stream);
	return true;
}

void links_link_attach(struct net_link *link, struct connection *connection)
{
	ASSERT(connection->proven && !connection->ended && !link->stream && !link->ended);
	list_remove(&link->node);
	link->attempt = NULL;
	link->connection = connection;
	list_append(&connection->queued, &link->node);
	links_link_attach_queued(connection);
}

void links_link_attach_queued(struct connection *connection)
{
	while (!list_is_empty(&connection->queued))
		if (!open_stream(LIST_OF(connection->queued.next, struct net_link, node)))
			return;
}

static void fault(struct connection *connection, enum error reason)
{
	connection->faulted = true;
	links_push(connection->links,
		&(struct event){.kind = EVENT_FAULT, .connection = connection, .reason = reason});
}

void links_link_accept(struct connection *connection, struct quic_stream *stream)
{
	struct links *links = connection->links;

	if (!connection->proven) {
		/* The first of a dialer is its hello; ngtcp2 already holds the peer to that limit. */
		if (connection->dialled || connection->hello.stream) {
			fault(connection, ERROR_MALFORMED);
			return;
		}
		connection->hello.stream = stream;
		quic_stream_set_owner(stream, &connection->hello);
		return;
	}
	struct net_link *link = links_link_new(links, connection->protocol, links->next_odd);
	links->next_odd += 2;
	link->connection = connection;
	adopt(link, stream);
}

static void credit(struct net_link *link, uint64_t bytes)
{
	if (link->stream && bytes > 0)
		quic_stream_credit(link->stream, bytes);
}

/* A whole body is here. */
static void complete(struct net_link *link, struct blob *body)
{
	struct connection *connection = link->connection;

	link->held += blob_size(body);
	link->owed += link->frame_bytes - link->frame_prepaid;
	link->frame_bytes = link->frame_prepaid = 0;
	if (link->is_hello) {
		links_push(link->links,
			&(struct event){.kind = EVENT_HELLO, .connection = connection, .message = body});
		return;
	}
	link->reader.body_max = frame_max(link->links, link->protocol);
	links_push(link->links, &(struct event){.kind = EVENT_RECEIVED, .link = link, .message = body});
}

void links_link_take(struct net_link *link, struct bytes data, bool last)
{
	struct connection *connection = link->connection;

	link->heard = link->heard || data.size > 0;
	while (data.size > 0 && !connection->faulted) {
		struct blob *body;
		size_t before = data.size;
		/* One hello a side: whatever follows it on its stream is no message of this protocol. */
		if (link->is_hello && link->held > 0) {
			fault(connection, ERROR_MALFORMED);
			return;
		}
		enum error error = frame_reader_take(&link->reader, &data, &body);
		if (error != OK) {
			fault(connection, error);
			return;
		}
		link->frame_bytes += before - data.size;
		if (body) {
			complete(link, body);
		} else if (link->reader.body_size > PREPAY_ABOVE && !frame_reader_is_idle(&link->reader)) {
			credit(link, link->frame_bytes - link->frame_prepaid);
			link->frame_prepaid = link->frame_bytes;
		}
	}
	if (!last || connection->faulted)
		return;
	if (!frame_reader_is_idle(&link->reader) || (link->is_hello && link->held == 0))
		fault(connection, ERROR_MALFORMED);
	else if (!link->is_hello)
		links_push(link->links, &(struct event){.kind = EVENT_PEER_FINISHED, .link = link});
}

void links_link_consumed(struct net_link *link, size_t bytes)
{
	ASSERT(bytes <= link->held);
	if (bytes == 0)
		return;
	/* Both are below the sum of a window and a largest frame: the product fits. */
	uint64_t part = bytes == link->held ? link->owed : link->owed * bytes / link->held;
	link->held -= bytes;
	link->owed -= part;
	credit(link, part);
}

void links_link_finish(struct net_link *link)
{
	if (link->stream && quic_stream_is_hollow(link->stream))
		links_link_reset(link, OK);
	else if (link->stream)
		quic_stream_finish(link->stream);
}

void links_link_peer_finished(struct net_link *link)
{
	link->peer_finished = true;
	links_link_finish(link);
}

bool links_link_is_through(const struct net_link *link)
{
	return link->peer_finished && link->stream && quic_stream_is_finishing(link->stream) &&
	       !quic_stream_is_busy(link->stream);
}

void links_link_end(struct net_link *link, enum error reason)
{
	struct connection *connection = link->connection;

	ASSERT(!link->is_hello);
	if (link->ended)
		return;
	link->ended = true;
	link->stream = NULL;
	list_remove(&link->node);
	number_table_remove(&link->links->table, link->id);
	/* What this link took of the connection's window, others may use now. */
	if (connection && connection->quic) {
		quic_credit(connection->quic, link->owed + link->frame_bytes - link->frame_prepaid);
		links_connection_check_idle(connection);
	}
	links_push(link->links, &(struct event){.kind = EVENT_UNLINKED, .link = link, .reason = reason});
}

void links_link_free(struct net_link *link)
{
	list_remove(&link->node);
	list_remove(&link->acked_node);
	frame_reader_fini(&link->reader);
	for (size_t i = 0; i < link->early_count; i++)
		blob_drop(link->early[i]);
	memory_free(link->early);
	memory_free(link);
}

void links_link_reset(struct net_link *link, enum error reason)
{
	if (link->stream)
		quic_stream_reset(link->stream, error_close_code(reason));
	links_link_end(link, reason);
}
