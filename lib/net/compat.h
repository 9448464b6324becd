/*
 * compat.h - names that moved between ngtcp2 0.12 (Debian 12) and 1.x, spelled the 1.x way.
 *
 * Only what lib/net uses. Where a function or a callback changed its parameters, a compat_ name stands for both.
 */
#ifndef NET_COMPAT_H
#define NET_COMPAT_H

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#if NGTCP2_VERSION_NUM < 0x010000

typedef ngtcp2_connection_close_error ngtcp2_ccerr;
#define ngtcp2_ccerr_default ngtcp2_connection_close_error_default
#define ngtcp2_ccerr_set_liberr ngtcp2_connection_close_error_set_transport_error_liberr
#define ngtcp2_ccerr_set_tls_alert ngtcp2_connection_close_error_set_transport_error_tls_alert
#define ngtcp2_ccerr_set_application_error ngtcp2_connection_close_error_set_application_error
#define NGTCP2_CCERR_TYPE_APPLICATION NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION

typedef int compat_cid_status;

static inline ngtcp2_ccerr compat_close_reason(ngtcp2_conn *conn)
{
	ngtcp2_ccerr reason;
	ngtcp2_conn_get_connection_close_error(conn, &reason);
	return reason;
}

static inline int compat_shutdown_stream(ngtcp2_conn *conn, int64_t stream, uint64_t code)
{
	return ngtcp2_conn_shutdown_stream(conn, stream, code);
}

static inline size_t compat_source_cids(ngtcp2_conn *conn)
{
	return ngtcp2_conn_get_num_scid(conn);
}

static inline void compat_set_token(ngtcp2_settings *settings, const ngtcp2_pkt_hd *header)
{
	settings->token = header->token;
}

static inline const uint8_t *compat_token(const ngtcp2_pkt_hd *header, size_t *size)
{
	*size = header->token.len;
	return header->token.base;
}

static inline void compat_set_original_dcid(ngtcp2_transport_params *params, const ngtcp2_cid *cid)
{
	params->original_dcid = *cid;
}

static inline ngtcp2_duration compat_smoothed_rtt(ngtcp2_conn *conn)
{
	ngtcp2_conn_stat stat;
	ngtcp2_conn_get_conn_stat(conn, &stat);
	return stat.smoothed_rtt;
}

#else

typedef ngtcp2_connection_id_status_type compat_cid_status;

static inline ngtcp2_ccerr compat_close_reason(ngtcp2_conn *conn)
{
	return *ngtcp2_conn_get_ccerr(conn);
}

static inline int compat_shutdown_stream(ngtcp2_conn *conn, int64_t stream, uint64_t code)
{
	return ngtcp2_conn_shutdown_stream(conn, 0, stream, code);
}

static inline size_t compat_source_cids(ngtcp2_conn *conn)
{
	return ngtcp2_conn_get_scid(conn, NULL);
}

static inline void compat_set_token(ngtcp2_settings *settings, const ngtcp2_pkt_hd *header)
{
	settings->token = header->token;
	settings->tokenlen = header->tokenlen;
}

static inline const uint8_t *compat_token(const ngtcp2_pkt_hd *header, size_t *size)
{
	*size = header->tokenlen;
	return header->token;
}

static inline void compat_set_original_dcid(ngtcp2_transport_params *params, const ngtcp2_cid *cid)
{
	params->original_dcid = *cid;
	params->original_dcid_present = 1;   /* a server that leaves it out fails an assertion in 1.x */
}

static inline ngtcp2_duration compat_smoothed_rtt(ngtcp2_conn *conn)
{
	ngtcp2_conn_info info;
	ngtcp2_conn_get_conn_info(conn, &info);
	return info.smoothed_rtt;
}

#endif

#endif
