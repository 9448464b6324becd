/*
 * quic_callbacks.c - what ngtcp2 tells while it reads or writes a packet.
 *
 * The rule of this file: nothing here may write a packet, free a connection, or let the layers above do so. A
 * callback updates our tables and passes the news on to operations that keep the same rule (quic.h, "inside").
 */
#include "net/quic.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/quic_internal.h"

#include <gnutls/crypto.h>
#include <string.h>

void quic_random(void *out, size_t size)
{
	int failed = gnutls_rnd(GNUTLS_RND_NONCE, out, size);
	ASSERT(!failed);   /* a system without randomness cannot run any of this */
}

static void on_random(uint8_t *out, size_t size, const ngtcp2_rand_ctx *context)
{
	(void)context;
	quic_random(out, size);
}

static int on_new_cid(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t size, void *self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;

	(void)conn;
	cid->datalen = size;
	quic_random(cid->data, size);
	if (ngtcp2_crypto_generate_stateless_reset_token(token, quic->token_secret.byte, ID_SIZE, cid) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	routes_put(&quic->routes, quic_cid_bytes(cid), connection);
	return 0;
}

static int on_remove_cid(ngtcp2_conn *conn, const ngtcp2_cid *cid, void *self)
{
	struct quic_connection *connection = self;

	(void)conn;
	routes_remove(&connection->quic->routes, quic_cid_bytes(cid), connection);
	return 0;
}

/*
 * The peer's ids come with tokens. A stateless reset has a random id, so no route finds its connection: only the
 * token in its last 16 bytes does. Tokens therefore are routes as well.
 */
static int on_peer_cid(ngtcp2_conn *conn, compat_cid_status status, uint64_t sequence, const ngtcp2_cid *cid,
	const uint8_t *token, void *self)
{
	struct quic_connection *connection = self;
	struct routes *routes = &connection->quic->routes;
	ngtcp2_cid key;

	(void)conn;
	(void)sequence;
	(void)cid;
	if (!token)
		return 0;   /* the id that a client chose for its first packet has none */
	ngtcp2_cid_init(&key, token, NGTCP2_STATELESS_RESET_TOKENLEN);
	if (status == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE) {
		if (connection->reset_token_count < QUIC_RESET_TOKENS_MAX) {
			connection->reset_token[connection->reset_token_count++] = key;
			routes_put(routes, quic_cid_bytes(&key), connection);
		}
		return 0;
	}
	for (size_t i = 0; i < connection->reset_token_count; i++) {
		if (ngtcp2_cid_eq(&connection->reset_token[i], &key)) {
			routes_remove(routes, quic_cid_bytes(&key), connection);
			connection->reset_token[i] = connection->reset_token[--connection->reset_token_count];
			break;
		}
	}
	return 0;
}

static int on_handshake_completed(ngtcp2_conn *conn, void *self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;

	(void)conn;
	/* The verify function saw this key; asked again, because nothing must depend on GnuTLS having called it. */
	if (tls_peer(&connection->tls, &connection->peer) != OK || tls_alpn(&connection->tls).size == 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	connection->complete = true;
	quic->options.counters->handshakes++;
	quic->options.ops->ready(quic->options.self, connection);
	return 0;
}

static int on_stream_open(ngtcp2_conn *conn, int64_t id, void *self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;
	struct quic_stream *stream = quic_stream_new(connection, id, true);

	ngtcp2_conn_set_stream_user_data(conn, id, stream);
	quic->options.ops->opened(quic->options.self, connection, stream);
	return 0;
}

static int on_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data,
	size_t size, void *self, void *stream_self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;
	struct quic_stream *stream = stream_self;

	(void)conn;
	(void)id;
	(void)offset;
	if (!stream || !stream->owner) {
		quic_credit(connection, size);
		return 0;
	}
	bool last = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
	connection->hurry |= last;
	quic->options.ops->data(quic->options.self, stream, bytes_of(data, size), last);
	return 0;
}

static int on_acked(ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t size, void *self, void *stream_self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;
	struct quic_stream *stream = stream_self;

	(void)conn;
	(void)id;
	(void)offset;
	if (!stream)
		return 0;
	size_t released = send_queue_acknowledge(&stream->queue, size);
	if (released > 0 && stream->owner)
		quic->options.ops->acked(quic->options.self, stream, released);
	return 0;
}

static int stopped(struct quic_connection *connection, struct quic_stream *stream, uint64_t code)
{
	struct quic *quic = connection->quic;

	if (stream && stream->owner)
		quic->options.ops->stopped(quic->options.self, stream, code);
	return 0;
}

static int on_stream_reset(ngtcp2_conn *conn, int64_t id, uint64_t final_size, uint64_t code, void *self,
	void *stream_self)
{
	(void)conn;
	(void)id;
	(void)final_size;
	return stopped(self, stream_self, code);
}

static int on_stop_sending(ngtcp2_conn *conn, int64_t id, uint64_t code, void *self, void *stream_self)
{
	(void)conn;
	(void)id;
	return stopped(self, stream_self, code);
}

static int on_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *self, void *stream_self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;
	struct quic_stream *stream = stream_self;

	(void)flags;
	(void)code;
	/* Limits are not replenished by themselves. Stream 0 carried the hello and was not counted among the links. */
	if (!ngtcp2_conn_is_local_stream(conn, id) && id != 0)
		ngtcp2_conn_extend_max_streams_bidi(conn, 1);
	if (!stream)
		return 0;
	if (stream->owner)
		quic->options.ops->finished(quic->options.self, stream);
	quic_stream_free(stream);
	return 0;
}

static int on_stream_window(ngtcp2_conn *conn, int64_t id, uint64_t window, void *self, void *stream_self)
{
	(void)conn;
	(void)id;
	(void)window;
	(void)self;
	if (stream_self)
		quic_stream_unpark(stream_self);
	return 0;
}

static int on_more_streams(ngtcp2_conn *conn, uint64_t limit, void *self)
{
	struct quic_connection *connection = self;
	struct quic *quic = connection->quic;

	(void)conn;
	(void)limit;
	if (connection->owner)
		quic->options.ops->roomier(quic->options.self, connection);
	return 0;
}

const ngtcp2_callbacks quic_callbacks = {
	.client_initial = ngtcp2_crypto_client_initial_cb,
	.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
	.recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
	.recv_retry = ngtcp2_crypto_recv_retry_cb,
	.encrypt = ngtcp2_crypto_encrypt_cb,
	.decrypt = ngtcp2_crypto_decrypt_cb,
	.hp_mask = ngtcp2_crypto_hp_mask_cb,
	.update_key = ngtcp2_crypto_update_key_cb,
	.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
	.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
	.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
	.version_negotiation = ngtcp2_crypto_version_negotiation_cb,
	.rand = on_random,
	.get_new_connection_id = on_new_cid,
	.remove_connection_id = on_remove_cid,
	.dcid_status = on_peer_cid,
	.handshake_completed = on_handshake_completed,
	.stream_open = on_stream_open,
	.recv_stream_data = on_stream_data,
	.acked_stream_data_offset = on_acked,
	.stream_reset = on_stream_reset,
	.stream_stop_sending = on_stop_sending,
	.stream_close = on_stream_close,
	.extend_max_stream_data = on_stream_window,
	.extend_max_local_streams_bidi = on_more_streams,
};
