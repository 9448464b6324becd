/*
 * quic_accept.c - packets that belong to no connection.
 *
 * Everything here answers with less than it received and keeps no state for a stranger until the limits were looked
 * at: few half-open connections are taken at once, a few more after the stranger has shown, by Retry, that its
 * address is its own (RFC 9000 section 8.1.2), the rest is dropped.
 */
#include "net/quic.h"

#include "base/check.h"
#include "net/quic_internal.h"
#include "net/sockaddr.h"

#include <string.h>
#include <time.h>

#define INITIAL_SIZE_MIN 1200        /* RFC 9000 section 14.1: a client's first datagram is no smaller */
#define RETRY_TOKEN_LIFE (10 * NGTCP2_SECONDS)
#define RESET_SIZE_MIN 43            /* smaller packets get no reset: answers must shrink, or two hosts would ping-pong */
#define RESET_RANDOM_SIZE 24
#define ANSWER_MAX 512

/* Tokens may outlive a restart, so they are dated by the wall clock. */
static ngtcp2_tstamp wall_clock(void)
{
	struct timespec at;

	clock_gettime(CLOCK_REALTIME, &at);
	return (ngtcp2_tstamp)at.tv_sec * NGTCP2_SECONDS + (ngtcp2_tstamp)at.tv_nsec;
}

static void answer(struct quic *quic, const struct udp_packet *packet, const uint8_t *data, ngtcp2_ssize size)
{
	struct udp_target target = {.to = packet->from, .from = packet->to};

	if (size > 0)
		quic_send_now(quic, &target, bytes_of(data, (size_t)size));
}

void quic_send_version_negotiation(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids)
{
	static const uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
	uint8_t out[ANSWER_MAX], random;

	if (packet->data.size < INITIAL_SIZE_MIN)
		return;
	quic_random(&random, sizeof random);
	answer(quic, packet, out,
		ngtcp2_pkt_write_version_negotiation(
			out, sizeof out, random, ids->scid, ids->scidlen, ids->dcid, ids->dcidlen, versions, 1));
}

/*
 * "I know nothing of that connection": after a crash and a restart this ends the peer's half at once. The token is
 * derived from our seed, so that the next life of this node can still issue it.
 */
void quic_send_reset(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids)
{
	uint8_t out[ANSWER_MAX], token[NGTCP2_STATELESS_RESET_TOKENLEN], random[RESET_RANDOM_SIZE];
	ngtcp2_cid cid;

	if (packet->data.size < RESET_SIZE_MIN)
		return;
	/* One byte shorter than what caused it, at the most. */
	size_t spare = packet->data.size - NGTCP2_STATELESS_RESET_TOKENLEN - 1;
	ngtcp2_cid_init(&cid, ids->dcid, ids->dcidlen);
	if (ngtcp2_crypto_generate_stateless_reset_token(token, quic->token_secret.byte, ID_SIZE, &cid) != 0)
		return;
	quic_random(random, sizeof random);
	answer(quic, packet, out,
		ngtcp2_pkt_write_stateless_reset(
			out, sizeof out, token, random, spare < sizeof random ? spare : sizeof random));
}

void quic_send_retry(struct quic *quic, const struct udp_packet *packet, const ngtcp2_pkt_hd *header)
{
	uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN], out[ANSWER_MAX];
	struct sockaddr_in6 remote = sockaddr_plain(&packet->from);
	ngtcp2_cid cid = {.datalen = QUIC_CID_SIZE};

	quic_random(cid.data, cid.datalen);
	ngtcp2_ssize size = ngtcp2_crypto_generate_retry_token(token, quic->token_secret.byte, ID_SIZE, header->version,
		(const ngtcp2_sockaddr *)&remote, sizeof remote, &cid, &header->dcid, wall_clock());
	if (size < 0)
		return;
	quic->options.counters->retries_sent++;
	answer(quic, packet, out,
		ngtcp2_crypto_write_retry(out, sizeof out, header->version, &header->scid, &cid, &header->dcid, token,
			(size_t)size));
}

static void refuse(struct quic *quic, const struct udp_packet *packet, const ngtcp2_pkt_hd *header, uint64_t code)
{
	uint8_t out[ANSWER_MAX];

	answer(quic, packet, out,
		ngtcp2_crypto_write_connection_close(
			out, sizeof out, header->version, &header->scid, &header->dcid, code, NULL, 0));
}

/* What to do with a stranger's first packet. */
enum verdict { DROP, TAKE, TAKE_RETRIED };

/* original: the id before our Retry, set for TAKE_RETRIED. */
static enum verdict judge(struct quic *quic, const struct udp_packet *packet, const ngtcp2_pkt_hd *header,
	ngtcp2_cid *original)
{
	struct sockaddr_in6 remote = sockaddr_plain(&packet->from);
	size_t token_size;
	const uint8_t *token = compat_token(header, &token_size);

	if (quic->half_open_count >= quic->options.half_open_max)
		return DROP;
	if (token_size > 0 && token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
		if (ngtcp2_crypto_verify_retry_token(original, token, token_size, quic->token_secret.byte, ID_SIZE,
			    header->version, (const ngtcp2_sockaddr *)&remote, sizeof remote, &header->dcid,
			    RETRY_TOKEN_LIFE, wall_clock()) == 0)
			return TAKE_RETRIED;
		refuse(quic, packet, header, NGTCP2_INVALID_TOKEN);
		return DROP;
	}
	if (quic->half_open_count >= quic->options.retry_above) {
		quic_send_retry(quic, packet, header);
		return DROP;
	}
	return TAKE;
}

struct quic_connection *quic_accept(struct quic *quic, const struct udp_packet *packet, const ngtcp2_version_cid *ids)
{
	struct quic_connection *connection;
	ngtcp2_pkt_hd header;
	ngtcp2_cid original;

	(void)ids;
	/* 0.12 answers early data with "Retry": it is not wanted, so it is dropped like all else that is no Initial. */
	if (ngtcp2_accept(&header, packet->data.data, packet->data.size) != 0)
		return NULL;
	if (quic->connection_count >= quic->options.connections_max) {
		refuse(quic, packet, &header, NGTCP2_CONNECTION_REFUSED);
		return NULL;
	}
	enum verdict verdict = judge(quic, packet, &header, &original);
	if (verdict == DROP)
		return NULL;
	struct quic_birth birth = {
		.local = packet->to,
		.remote = packet->from,
		.initial = &header,
		.initial_size = packet->data.size,
		.retried = verdict == TAKE_RETRIED ? &original : NULL,
	};
	return quic_connection_new(quic, &birth, &connection) == OK ? connection : NULL;
}
