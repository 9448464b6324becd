/*
 * tls.h - TLS 1.3 with raw Ed25519 public keys on both sides (RFC 7250, RFC 8446), for QUIC.
 *
 * A peer's id is its key, so there is nothing to look up and nobody to trust: the handshake proves that the peer
 * owns the key, and the one who dials a known peer refuses every other. Tickets and early data are off: data must
 * not arrive before the identity is checked.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <gnutls/gnutls.h>

#include "base/crypto.h"
#include "net/compat.h"

#define TLS_EXPORTER_SIZE 32

struct tls;                              /* key and preferences of one endpoint */

/* identity NULL: a client without a key, which every honest peer refuses. ERROR_BAD_KEY. */
MUST_CHECK enum error tls_open(const struct keypair *identity, struct tls **out);
void tls_close(struct tls *tls);

struct tls_session {                     /* stays where it is from tls_start to tls_end */
	ngtcp2_crypto_conn_ref reference;    /* first: GnuTLS hands it to ngtcp2, and to our verify function */
	ngtcp2_conn *conn;
	gnutls_session_t session;
	struct id expected;              /* zero: any usable key */
	enum error refused;              /* why our verify function said no; OK: it did not */
};

/* alpn: what a dialer offers, exactly one; NULL: an acceptor, which takes any of the protocols (wire/protocol.h). */
MUST_CHECK enum error tls_start(struct tls *tls, ngtcp2_conn *conn, const char *alpn, struct tls_session *out);
void tls_end(struct tls_session *session);   /* zero-initialised or ended is fine */

/* The peer's key, as usable as crypto_key_is_usable and as expected. ERROR_BAD_KEY, ERROR_WRONG_PEER. */
MUST_CHECK enum error tls_peer(const struct tls_session *session, struct id *out);
/* The protocol both agreed on; empty: none yet. */
struct bytes tls_alpn(const struct tls_session *session);
/*
 * The same bytes at both ends of this session and nowhere else (RFC 8446 section 7.5), others for each label. False before
 * the handshake.
 */
bool tls_export(const struct tls_session *session, const char *label, uint8_t out[TLS_EXPORTER_SIZE]);

#endif
