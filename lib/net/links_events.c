/*
 * links_events.c - news from inside ngtcp2, told outside of it.
 *
 * Inside ngtcp2 nothing may be written or freed, but whoever hears of a message wants to answer it. So what happens
 * inside is put in one queue, in order, and told when ngtcp2 has returned. A link's queue of events ends with
 * UNLINKED, a connection's with GONE: then, and only then, they are freed.
 */
#include "net/links.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/links_internal.h"

void links_push(struct links *links, const struct event *event)
{
	if (links->first_event == links->event_count)
		links->first_event = links->event_count = 0;
	links->event = memory_grow(links->event, &links->event_capacity, links->event_count + 1, sizeof *event);
	links->event[links->event_count++] = *event;
}

/* Inside ngtcp2. */
static void on_ready(void *self, struct quic_connection *quic)
{
	struct links *links = self;
	struct connection *connection = quic_owner(quic);

	if (!connection) {
		enum protocol protocol;
		bool known = protocol_from_alpn(quic_alpn(quic), &protocol);
		ASSERT(known);   /* TLS agreed on nothing but what we offered */
		connection = links_connection_new(links, protocol);
		connection->quic = quic;
		quic_set_owner(quic, connection);
	}
	connection->peer = *quic_peer(quic);
	connection->ready = true;
	links_push(links, &(struct event){.kind = EVENT_READY, .connection = connection});
}

static void on_opened(void *self, struct quic_connection *quic, struct quic_stream *stream)
{
	struct connection *connection = quic_owner(quic);

	(void)self;
	ASSERT(connection);   /* set when the handshake was complete; no stream comes before */
	if (!connection->faulted)
		links_link_accept(connection, stream);
}

static void on_data(void *self, struct quic_stream *stream, struct bytes data, bool last)
{
	(void)self;
	links_link_take(quic_stream_owner(stream), data, last);
}

static void on_acked(void *self, struct quic_stream *stream, size_t bytes)
{
	struct links *links = self;
	struct net_link *link = quic_stream_owner(stream);

	if (link->is_hello)
		return;
	link->acked += bytes;
	if (!list_is_linked(&link->acked_node))
		list_append(&links->acked, &link->acked_node);
}

static void on_stopped(void *self, struct quic_stream *stream, uint64_t code)
{
	struct links *links = self;
	struct net_link *link = quic_stream_owner(stream);
	enum error reason = error_from_close_code(code);

	if (link->is_hello) {
		links_push(links, &(struct event){
			.kind = EVENT_FAULT, .connection = link->connection, .reason = ERROR_MALFORMED});
		return;
	}
	/* "Success" is the code of a FIN, not of a reset: something may be missing, unless there never was anything. */
	links_push(links, &(struct event){
		.kind = EVENT_STOPPED, .link = link, .reason = reason == OK && link->heard ? ERROR_CANCELLED : reason});
}

static void on_finished(void *self, struct quic_stream *stream)
{
	struct links *links = self;
	struct net_link *link = quic_stream_owner(stream);

	link->stream = NULL;
	if (!link->is_hello)
		links_push(links, &(struct event){.kind = EVENT_FINISHED, .link = link});
}

static void on_roomier(void *self, struct quic_connection *quic)
{
	links_push(self, &(struct event){.kind = EVENT_ROOM, .connection = quic_owner(quic)});
}

/* Outside again. */
static void on_closed(void *self, struct quic_connection *quic, const struct quic_end *end)
{
	struct connection *connection = quic_owner(quic);

	(void)self;
	connection->quic = NULL;
	links_connection_end(connection, end->reason);
}

static void on_turn(void *self)
{
	links_deliver(self);
}

const struct quic_ops links_quic_ops = {
	.ready = on_ready,
	.opened = on_opened,
	.data = on_data,
	.acked = on_acked,
	.stopped = on_stopped,
	.finished = on_finished,
	.roomier = on_roomier,
	.closed = on_closed,
	.turn = on_turn,
};

static void tell_linked(struct net_link *link)
{
	const struct links_options *options = &link->links->options;
	struct link opened = {.id = link->id, .peer = link->connection->peer, .binding = link->connection->binding};

	if (!link->muted && !link->links->shut)
		options->ops->linked(options->self, link->protocol, &opened);
}

static void tell_received(struct net_link *link, struct blob *message)
{
	struct links *links = link->links;
	const struct links_options *options = &links->options;
	struct connection *connection = link->connection;
	size_t size = blob_size(message);

	/* A link that has ended meanwhile still delivers what came before its end, unless we wanted no more of it. */
	if (!link->muted && !connection->faulted && !links->shut) {
		enum error error = options->ops->received(options->self, link->protocol, link->id, message);
		if (error != OK) {
			connection->faulted = true;
			links_connection_end(connection, error);
		} else if (!link->ended && options->credit_at_once &&
			   options->credit_at_once(options->self, link->protocol)) {
			links_link_consumed(link, size);
		}
	}
	blob_drop(message);
}

static void tell_unlinked(struct net_link *link, enum error reason)
{
	const struct links_options *options = &link->links->options;

	if (!link->links->shut)
		options->ops->unlinked(options->self, link->protocol, link->id, reason);
	links_link_free(link);
}

static void tell_hello(struct connection *connection, struct blob *message)
{
	if (!connection->ended && !connection->faulted)
		links_connection_hello(connection, message);
	blob_drop(message);
}

static void gone(struct connection *connection)
{
	frame_reader_fini(&connection->hello.reader);
	memory_free(connection);
}

static void tell_connection(const struct event *event)
{
	struct connection *connection = event->connection;

	if (event->kind == EVENT_HELLO)
		tell_hello(connection, event->message);
	else if (event->kind == EVENT_GONE)
		gone(connection);
	else if (connection->ended)
		return;
	else if (event->kind == EVENT_READY)
		links_connection_ready(connection);
	else if (event->kind == EVENT_ROOM)
		links_link_attach_queued(connection);
	else if (event->kind == EVENT_FAULT)
		links_connection_end(connection, event->reason);
}

static void tell_link(const struct event *event)
{
	struct net_link *link = event->link;

	if (event->kind == EVENT_LINKED)
		tell_linked(link);
	else if (event->kind == EVENT_RECEIVED)
		tell_received(link, event->message);
	else if (event->kind == EVENT_UNLINKED)
		tell_unlinked(link, event->reason);
	else if (link->ended)
		return;
	else if (event->kind == EVENT_PEER_FINISHED)
		links_link_peer_finished(link);
	else if (event->kind == EVENT_STOPPED)
		links_link_reset(link, event->reason);
	else if (event->kind == EVENT_FINISHED)
		links_link_end(link, OK);
}

static void tell_acked(struct links *links)
{
	const struct links_options *options = &links->options;

	while (!list_is_empty(&links->acked)) {
		struct net_link *link = LIST_OF(links->acked.next, struct net_link, acked_node);
		size_t bytes = link->acked;
		link->acked = 0;
		list_remove(&link->acked_node);
		if (!link->muted && !link->ended && !links->shut)
			options->ops->sent(options->self, link->protocol, link->id, bytes);
	}
}

bool links_has_news(const struct links *links)
{
	return links->first_event < links->event_count || !list_is_empty(&links->acked);
}

bool links_deliver(struct links *links)
{
	bool any = links_has_news(links);

	if (links->delivering)
		return false;
	links->delivering = true;
	tell_acked(links);
	while (links->first_event < links->event_count) {
		struct event event = links->event[links->first_event++];
		if (event.kind <= EVENT_GONE)
			tell_connection(&event);
		else
			tell_link(&event);
	}
	links->delivering = false;
	return any;
}
