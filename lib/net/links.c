/*
 * links.c - the public calls.
 *
 * Calls come from outside, or from inside a callback; in both cases they only change tables and queues. Packets are
 * written by links_flush, callbacks are made by it and by the loop, and no call here makes one: so a caller is never
 * surprised by news in the middle of what it does.
 */
#include "net/links.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/links_internal.h"

#define HELLO_OVERHEAD 64        /* CBOR around the entry */
#define ROUNDS_A_FLUSH 4         /* telling and writing in turn, before the loop goes on */

const struct links_tuning links_tuning_default = {
	.handshake_max = 5000,
	.next_address_after = 250,
	.idle_max = 5000,
	.idle_unwanted_max = 2000,
	.retry_above = CONNECTIONS_HALF_OPEN_RETRY,
	.half_open_max = CONNECTIONS_HALF_OPEN_MAX,
	.connections_max = CONNECTIONS_MAX,
};

msec links_now(const struct links *links)
{
	(void)links;
	return (msec)(uv_hrtime() / NSEC_PER_MSEC);
}

enum error links_open_tuned(const struct links_options *options, const struct links_tuning *tuning, struct links **out)
{
	struct links *links = memory_new(sizeof *links);
	struct quic_options quic = {
		.loop = options->loop,
		.ops = &links_quic_ops,
		.self = links,
		.identity = options->identity,
		.bind = options->bind,
		.counters = &links->counters,
		.plain_udp = tuning->plain_udp,
		.handshake_max = (nsec)tuning->handshake_max * NSEC_PER_MSEC,
		.retry_above = tuning->retry_above,
		.half_open_max = tuning->half_open_max,
		.connections_max = tuning->connections_max,
	};

	ASSERT(options->loop && options->ops && options->identity);
	links->options = *options;
	links->tuning = *tuning;
	links->proof_key = hello_proof_key(&options->network);
	links->next_odd = 1;
	list_init(&links->connections);
	list_init(&links->attempts);
	list_init(&links->acked);
	enum error error = quic_open(&quic, &links->quic);
	if (error != OK) {
		memory_free(links);
		return error;
	}
	*out = links;
	return OK;
}

enum error links_open(const struct links_options *options, struct links **out)
{
	return links_open_tuned(options, &links_tuning_default, out);
}

void links_set_hello(struct links *links, struct bytes entry)
{
	ASSERT(entry.size + HELLO_OVERHEAD <= FRAME_HELLO_MAX);
	buffer_clear(&links->hello);
	buffer_append(&links->hello, entry);
}

struct address links_address(const struct links *links)
{
	return quic_address(links->quic);
}

void links_connect(struct links *links, enum protocol protocol, link_id id, const struct dial *dial)
{
	struct connection *connection = NULL;

	ASSERT(id % 2 == 0 && !number_table_get(&links->table, id));
	if (links->shut)
		return;
	struct net_link *link = links_link_new(links, protocol, id);
	/* Who answers at a bare address is not known before it does. */
	if (!id_is_zero(&dial->peer))
		connection = links_connection_preferred(links, protocol, &dial->peer);
	if (connection)
		links_link_attach(link, connection);
	else
		links_dial_join(link, dial);
}

static void keep_early(struct net_link *link, struct blob *message)
{
	link->early = memory_grow(link->early, &link->early_capacity, link->early_count + 1, sizeof *link->early);
	link->early[link->early_count++] = message;
}

void links_send(struct links *links, link_id id, struct blob *message)
{
	struct net_link *link = number_table_get(&links->table, id);

	ASSERT(blob_size(message) > 0);
	if (!link || link->closed || (link->stream && quic_stream_is_finishing(link->stream)))
		blob_drop(message);
	else if (link->stream)
		quic_stream_send(link->stream, message);
	else
		keep_early(link, message);
}

void links_consumed(struct links *links, link_id id, size_t bytes)
{
	struct net_link *link = number_table_get(&links->table, id);

	if (link)
		links_link_consumed(link, bytes);
}

void links_close(struct links *links, link_id id, enum error reason)
{
	struct net_link *link = number_table_get(&links->table, id);

	if (!link)
		return;
	/* Nothing sent and no stream yet: there is nothing to end in good order, the dial is just given up. */
	if (reason == OK && (link->stream || link->early_count > 0)) {
		link->closed = true;
		links_link_finish(link);
		return;
	}
	link->muted = true;
	if (link->attempt)
		links_dial_leave(link);
	links_link_reset(link, reason);
}

void links_expel(struct links *links, const struct id *peer, enum error reason)
{
	LIST_EACH_SAFE(node, after, &links->attempts) {
		struct attempt *attempt = LIST_OF(node, struct attempt, node);
		if (id_equal(&attempt->dial.peer, peer))
			links_dial_abandon(attempt, reason);
	}
	LIST_EACH_SAFE(node, after, &links->connections) {
		struct connection *connection = LIST_OF(node, struct connection, node);
		if (id_equal(&connection->peer, peer)) {
			/* What it said before, and was not told yet, does not count either. */
			connection->faulted = true;
			links_connection_end(connection, reason);
		}
	}
}

void links_flush(struct links *links)
{
	bool told = false;

	/* From inside a callback: what the caller did is written when the loop comes round. */
	if (links->flushing || links->delivering || links->shut)
		return;
	links->flushing = true;
	for (int i = 0; i < ROUNDS_A_FLUSH && !links->shut && (i == 0 || links_has_news(links)); i++) {
		told |= links_deliver(links);
		/* Who was told something here may act on it after this call: the loop must come round once more. */
		quic_flush(links->quic, told);
	}
	links->flushing = false;
}

uint64_t links_rtt_us(const struct links *links, const struct id *peer)
{
	LIST_EACH(node, &links->connections) {
		const struct connection *connection = LIST_OF(node, struct connection, node);
		if (connection->proven && id_equal(&connection->peer, peer))
			return quic_rtt_us(connection->quic);
	}
	return 0;
}

const struct links_counters *links_count(const struct links *links)
{
	return &links->counters;
}

bool links_busy(const struct links *links)
{
	LIST_EACH(node, &links->connections) {
		const struct connection *connection = LIST_OF(node, struct connection, node);
		LIST_EACH(place, &connection->open) {
			const struct net_link *link = LIST_OF(place, struct net_link, node);
			if (link->stream && quic_stream_is_busy(link->stream))
				return true;
		}
	}
	return false;
}

void links_shut(struct links *links)
{
	enum error reason = links->hello.size > 0 ? ERROR_GRACEFUL : OK;

	ASSERT(!links->shut);
	links->shut = true;   /* first: from here on nobody is told anything */
	while (!list_is_empty(&links->attempts))
		links_dial_abandon(LIST_OF(links->attempts.next, struct attempt, node), reason);
	while (!list_is_empty(&links->connections))
		links_connection_end(LIST_OF(links->connections.next, struct connection, node), reason);
	quic_flush(links->quic, false);
	quic_shut(links->quic);
	links_deliver(links);   /* to nobody: events are released */
}

bool links_closed(const struct links *links)
{
	return links->shut && quic_closed(links->quic);
}

void links_free(struct links *links)
{
	if (!links)
		return;
	ASSERT(links_closed(links) && links->table.count == 0 && links->first_event == links->event_count);
	quic_free(links->quic);
	number_table_fini(&links->table);
	buffer_fini(&links->hello);
	memory_free(links->event);
	memory_free(links);
}
