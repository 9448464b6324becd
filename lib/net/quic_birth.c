/*
 * quic_birth.c - what a new connection is told: its packet sizes, its windows, what it grants before the proof.
 *
 * A stranger gets little: one stream, 64 KiB, no unidirectional streams, no early data, no datagrams, no second
 * address. 0.12.1 lacks later hardening against floods of ids and frames; small limits stand in for it.
 */
#include "net/quic.h"

#include "base/check.h"
#include "net/quic_internal.h"
#include "net/sockaddr.h"
#include "wire/limits.h"

#include <string.h>

#define IDLE_MAX (60 * NGTCP2_SECONDS)
/*
 * 333 ms, the standard's first guess, makes a lost handshake packet cost a second; 30 ms costs one spurious packet
 * on a slow path.
 */
#define INITIAL_RTT (30 * NGTCP2_MILLISECONDS)
#define PAYLOAD_SMALL NGTCP2_MAX_UDP_PAYLOAD_SIZE   /* 1200: every path takes it */
#define PAYLOAD_MAX 1452             /* path MTU discovery climbs from 1200 up to this */
#define PAYLOAD_JUMBO 32736          /* within one host: two fill a segmented message; larger ones gain nothing */
#define FIRST_DCID_SIZE 18

/* Both ends on this host: their packets never see a wire. */
static bool within_host(const struct quic_birth *birth)
{
	return address_is_loopback(&birth->remote) ||
	       memcmp(birth->local.ip, birth->remote.ip, sizeof birth->local.ip) == 0;
}

/*
 * What the connection is for is known to its dialer. The acceptor learns it within one host only, where a dialer that may
 * send large packets fills the first one up; else it probes for the path's largest in vain now and then.
 */
static bool is_small(const struct quic_birth *birth)
{
	if (birth->dial)
		return !birth->dial->bulk;
	return within_host(birth) && birth->initial_size <= PAYLOAD_SMALL;
}

static void fill_settings(const struct quic *quic, const struct quic_birth *birth, ngtcp2_settings *out)
{
	ngtcp2_settings_default(out);
	out->cc_algo = NGTCP2_CC_ALGO_BBR;   /* as fast as others without loss, thirty times faster at one percent */
	out->initial_ts = quic->now;
	out->initial_rtt = INITIAL_RTT;
	out->max_tx_udp_payload_size = PAYLOAD_MAX;
	/* Small messages need no probes for the largest packet, and no buffers for it. */
	if (is_small(birth)) {
		out->max_tx_udp_payload_size = PAYLOAD_SMALL;
		out->no_pmtud = 1;
	} else if (quic->jumbo && within_host(birth)) {
		out->max_tx_udp_payload_size = PAYLOAD_JUMBO;
		out->no_tx_udp_payload_size_shaping = 1;
		out->no_pmtud = 1;
	}
	/* To a server a token here means "validated". */
	if (birth->retried)
		compat_set_token(out, birth->initial);
}

static void fill_params(const struct quic *quic, const struct quic_birth *birth, const ngtcp2_cid *source,
	ngtcp2_transport_params *out)
{
	ngtcp2_transport_params_default(out);
	out->initial_max_data = WINDOW_UNPROVEN;
	out->initial_max_stream_data_bidi_local = WINDOW_LINK;
	out->initial_max_stream_data_bidi_remote = WINDOW_LINK;
	/* One stream for the dialer's hello; all others wait for the proofs. */
	out->initial_max_streams_bidi = birth->dial ? 0 : 1;
	out->initial_max_streams_uni = 0;
	out->active_connection_id_limit = 2;
	out->disable_active_migration = 1;
	out->max_idle_timeout = IDLE_MAX;
	if (birth->dial)
		return;
	compat_set_original_dcid(out, birth->retried ? birth->retried : &birth->initial->dcid);
	if (birth->retried) {
		out->retry_scid = birth->initial->dcid;
		out->retry_scid_present = 1;
	}
	out->stateless_reset_token_present =
		ngtcp2_crypto_generate_stateless_reset_token(
			out->stateless_reset_token, quic->token_secret.byte, ID_SIZE, source) == 0;
}

int quic_birth_conn(struct quic_connection *connection, const struct quic_birth *birth, const ngtcp2_cid *source)
{
	struct sockaddr_in6 local = sockaddr_plain(&birth->local), remote = sockaddr_plain(&birth->remote);
	ngtcp2_path path = quic_path(&local, &remote);
	ngtcp2_settings settings;
	ngtcp2_transport_params params;
	const ngtcp2_pkt_hd *initial = birth->initial;

	fill_settings(connection->quic, birth, &settings);
	fill_params(connection->quic, birth, source, &params);
	connection->unpaced = settings.max_tx_udp_payload_size == PAYLOAD_JUMBO;
	if (initial)
		return ngtcp2_conn_server_new(&connection->conn, &initial->scid, source, &path, initial->version,
			&quic_callbacks, &settings, &params, NULL, connection);
	ngtcp2_cid destination = {.datalen = FIRST_DCID_SIZE};
	quic_random(destination.data, destination.datalen);
	return ngtcp2_conn_client_new(&connection->conn, &destination, source, &path, NGTCP2_PROTO_VER_V1,
		&quic_callbacks, &settings, &params, NULL, connection);
}
