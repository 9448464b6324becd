/*
 * quic_stream.c - streams as their owner sees them: a queue out, credit in.
 *
 * A stream outlives its owner's interest: after a reset ngtcp2 still holds pointers into what was sent, so the queue
 * stays until ngtcp2 reports the stream closed, or the connection dies.
 */
#include "net/quic.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/quic_internal.h"
#include "wire/limits.h"

#define CREDIT_BATCH (WINDOW_LINK / 16)   /* as that of a connection: a sixteenth held back stalls nobody */

bool quic_stream_wants(const struct quic_stream *stream)
{
	return !stream->reset &&
	       (stream->queue.waiting > 0 || !stream->announced || (stream->finish && !stream->finished));
}

/* Puts the stream in the connection's round, unless the peer's window forbids. */
static void schedule(struct quic_stream *stream)
{
	if (!stream->parked && !list_is_linked(&stream->sending_node) && quic_stream_wants(stream))
		list_append(&stream->connection->sending, &stream->sending_node);
	quic_mark_dirty(stream->connection);
}

struct quic_stream *quic_stream_new(struct quic_connection *connection, int64_t id, bool announced)
{
	struct quic_stream *stream = memory_new(sizeof *stream);

	*stream = (struct quic_stream){.connection = connection, .id = id, .announced = announced};
	list_append(&connection->streams, &stream->node);
	list_init(&stream->sending_node);
	return stream;
}

void quic_stream_free(struct quic_stream *stream)
{
	list_remove(&stream->node);
	list_remove(&stream->sending_node);
	send_queue_fini(&stream->queue);
	memory_free(stream);
}

void quic_stream_unpark(struct quic_stream *stream)
{
	stream->parked = false;
	schedule(stream);
}

struct quic_stream *quic_stream_open(struct quic_connection *connection)
{
	int64_t id;

	ASSERT(connection->state == QUIC_LIVE && connection->complete);
	if (ngtcp2_conn_open_bidi_stream(connection->conn, &id, NULL) != 0)
		return NULL;
	struct quic_stream *stream = quic_stream_new(connection, id, false);
	ngtcp2_conn_set_stream_user_data(connection->conn, id, stream);
	schedule(stream);
	return stream;
}

void quic_stream_set_owner(struct quic_stream *stream, void *owner)
{
	stream->owner = owner;
}

void *quic_stream_owner(const struct quic_stream *stream)
{
	return stream->owner;
}

void quic_stream_send(struct quic_stream *stream, struct blob *message)
{
	ASSERT(!stream->finished && !stream->reset);
	send_queue_push(&stream->queue, message);
	schedule(stream);
}

void quic_stream_send_raw(struct quic_stream *stream, struct bytes data)
{
	ASSERT(!stream->finished && !stream->reset);
	send_queue_push_raw(&stream->queue, blob_copy(data));
	schedule(stream);
}

bool quic_stream_is_hollow(const struct quic_stream *stream)
{
	return stream->hollow && stream->queue.waiting == 0;
}

void quic_stream_finish(struct quic_stream *stream)
{
	ASSERT(!quic_stream_is_hollow(stream));
	stream->finish = true;
	schedule(stream);
}

bool quic_stream_is_finishing(const struct quic_stream *stream)
{
	return stream->finished;
}

bool quic_stream_is_busy(const struct quic_stream *stream)
{
	return stream->queue.waiting > 0 || stream->queue.flying > 0;
}

void quic_stream_credit(struct quic_stream *stream, uint64_t bytes)
{
	quic_credit(stream->connection, bytes);
	stream->credit += bytes;
	if (stream->credit < CREDIT_BATCH)
		return;
	ngtcp2_conn_extend_max_stream_offset(stream->connection->conn, stream->id, stream->credit);
	stream->credit = 0;
	quic_mark_dirty(stream->connection);
}

void quic_stream_reset(struct quic_stream *stream, uint64_t code)
{
	struct quic_connection *connection = stream->connection;

	stream->owner = NULL;
	stream->reset = true;
	list_remove(&stream->sending_node);
	send_queue_forget_waiting(&stream->queue);
	compat_shutdown_stream(connection->conn, stream->id, code);
	quic_mark_dirty(connection);
}
