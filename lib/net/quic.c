/*
 * quic.c - the endpoint: what arrives finds its connection, what is dirty gets written.
 *
 * A turn of the loop: the socket is readable -> batches of packets, each to its connection, which becomes dirty;
 * timers -> likewise; then the layer above hears of it (`turn`). Just before the loop blocks, quic_flush lets every
 * dirty connection write into the UDP arena and hands the arena to the kernel. No packet is written at any other
 * time, so acknowledgements, window updates and data share packets.
 */
#include "net/quic.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/quic_internal.h"

#include <string.h>

#define BATCHES_A_TURN 4     /* of packets in, before the loop goes on */
#define ROUNDS_A_FLUSH 4     /* of writing by every dirty connection, before the loop goes on */
#define JUMBO_MTU_MIN 32784  /* PAYLOAD_JUMBO with its headers */
#define RESET_PACKET_MIN 21  /* RFC 9000 section 10.3 */

nsec quic_tick(struct quic *quic)
{
	quic->now = uv_hrtime();
	return quic->now;
}

void quic_mark_dirty(struct quic_connection *connection)
{
	if (!list_is_linked(&connection->dirty_node))
		list_append(&connection->quic->dirty, &connection->dirty_node);
}

void quic_send_now(struct quic *quic, const struct udp_target *target, struct bytes packet)
{
	uint8_t *at = udp_room(quic->udp, packet.size);

	if (!at)
		return;
	memcpy(at, packet.data, packet.size);
	udp_commit(quic->udp, target, packet.size);
	quic->options.counters->packets_sent++;
	quic->options.counters->bytes_sent += packet.size;
}

/* A short header of no known id: perhaps a stateless reset of a connection of ours, found by its last 16 bytes. */
static struct quic_connection *find_by_token(const struct quic *quic, struct bytes data)
{
	if (data.size < RESET_PACKET_MIN)
		return NULL;
	const uint8_t *token = data.data + data.size - NGTCP2_STATELESS_RESET_TOKENLEN;
	return routes_get(&quic->routes, bytes_of(token, NGTCP2_STATELESS_RESET_TOKENLEN));
}

static void on_packet(void *self, const struct udp_packet *packet)
{
	struct quic *quic = self;
	struct bytes data = packet->data;
	ngtcp2_version_cid ids;

	quic->options.counters->packets_received++;
	quic->options.counters->bytes_received += data.size;
	int result = ngtcp2_pkt_decode_version_cid(&ids, data.data, data.size, QUIC_CID_SIZE);
	if (result == NGTCP2_ERR_VERSION_NEGOTIATION)
		quic_send_version_negotiation(quic, packet, &ids);
	if (result != 0)
		return;
	struct quic_connection *connection = routes_get(&quic->routes, bytes_of(ids.dcid, ids.dcidlen));
	bool long_header = (data.data[0] & 0x80) != 0;
	if (!connection && long_header)
		connection = quic_accept(quic, packet, &ids);
	else if (!connection)
		connection = find_by_token(quic, data);
	if (connection)
		quic_connection_read(connection, packet);
	else if (!long_header)
		quic_send_reset(quic, packet, &ids);
}

/* Whether a packet that ICMP quotes went out on this connection: nobody off the path knows its destination id. */
static bool quotes(struct quic_connection *connection, struct bytes quoted)
{
	const ngtcp2_cid *cid = ngtcp2_conn_get_dcid(connection->conn);
	size_t at = quoted.size > 0 && (quoted.data[0] & 0x80) ? 6 : 1;

	return quoted.size >= at + cid->datalen && memcmp(quoted.data + at, cid->data, cid->datalen) == 0;
}

/*
 * An ICMP error can be forged, and would end connections. In a handshake there is little to lose and a quick "refused"
 * to win; after it the error must quote one of our own packets, and only "nobody listens" counts: routes come and go.
 */
static void on_unreachable(void *self, const struct address *to, enum error reason, struct bytes quoted)
{
	struct quic *quic = self;

	LIST_EACH_SAFE(node, after, &quic->connections) {
		struct quic_connection *connection = LIST_OF(node, struct quic_connection, node);
		struct address remote = quic_remote(connection);
		if (connection->state != QUIC_LIVE || !address_equal(&remote, to))
			continue;
		if (connection->complete ? reason == ERROR_REFUSED && quotes(connection, quoted) : connection->dialled)
			quic_connection_lost(connection, reason);
	}
}

static const struct udp_ops udp_ops = {.packet = on_packet, .unreachable = on_unreachable};

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct quic *quic, int events)
{
	if (quic->poll_events == events)
		return;
	quic->poll_events = events;
	int failed = uv_poll_start(&quic->poll, events, on_poll);
	ASSERT(!failed);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct quic *quic = poll->data;

	quic_tick(quic);
	if (status < 0) {
		/* libuv stops a handle whose descriptor has an error; ours means that the error queue has something. */
		int again = quic->poll_events;
		udp_receive_errors(quic->udp);
		quic->poll_events = 0;
		watch(quic, again);
		events |= UV_READABLE;
	}
	if ((events & UV_WRITABLE) && udp_flush(quic->udp))
		watch(quic, UV_READABLE);
	if (!(events & UV_READABLE))
		return;
	for (int i = 0; i < BATCHES_A_TURN; i++) {
		bool more = udp_receive(quic->udp);
		quic->options.ops->turn(quic->options.self);
		if (quic->shut || !more)
			return;
		quic_tick(quic);
	}
}

static void on_timers(void *self)
{
	struct quic *quic = self;
	quic->options.ops->turn(quic->options.self);
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;   /* being active is all it does: the loop does not block */
}

static void on_closed(uv_handle_t *handle)
{
	struct quic *quic = handle->data;
	quic->handles_closed++;
}

static void make_secrets(struct quic *quic)
{
	static const char label[] = "mosaik token secret";
	uint64_t secret;

	quic_random(&secret, sizeof secret);
	routes_init(&quic->routes, secret);
	/* From the seed where there is one: a restarted node can then still reset the connections of its former life. */
	struct id seed;
	quic_random(seed.byte, sizeof seed.byte);
	if (quic->options.identity)
		memcpy(seed.byte, quic->options.identity->seed, sizeof seed.byte);
	quic->token_secret = id_keyed(&seed, bytes_of_text(label));
	memory_wipe(&seed, sizeof seed);
}

enum error quic_open(const struct quic_options *options, struct quic **out)
{
	struct quic *quic = memory_new(sizeof *quic);
	struct udp_options udp = {.bind = options->bind, .plain = options->plain_udp};

	quic->options = *options;
	enum error error = tls_open(options->identity, &quic->tls);
	if (error == OK)
		error = udp_open(&udp, &udp_ops, quic, &quic->udp);
	if (error != OK) {
		tls_close(quic->tls);
		memory_free(quic);
		return error;
	}
	make_secrets(quic);
	list_init(&quic->connections);
	list_init(&quic->dirty);
	quic_tick(quic);
	quic->jumbo = udp_loopback_mtu(quic->udp) >= JUMBO_MTU_MIN;
	quic->timers = timers_new(options->loop, on_timers, quic);
	uv_idle_init(options->loop, &quic->idle);
	int failed = uv_poll_init(options->loop, &quic->poll, udp_descriptor(quic->udp));
	ASSERT(!failed);
	quic->poll.data = quic->idle.data = quic;
	watch(quic, UV_READABLE);
	*out = quic;
	return OK;
}

struct address quic_address(const struct quic *quic)
{
	return udp_address(quic->udp);
}

struct timers *quic_timers(struct quic *quic)
{
	return quic->timers;
}

/* False: the socket is blocked. */
static bool write_round(struct quic *quic)
{
	struct list round;

	/* Those that are marked again while they write come in the next round. */
	list_init(&round);
	while (!list_is_empty(&quic->dirty)) {
		struct list *node = quic->dirty.next;
		list_remove(node);
		list_append(&round, node);
	}
	while (!list_is_empty(&round)) {
		struct quic_connection *connection = LIST_OF(round.next, struct quic_connection, dirty_node);
		list_remove(&connection->dirty_node);
		if (connection->state == QUIC_LIVE)
			quic_write(connection);
		if (connection->state == QUIC_CLOSE_WANTED)
			quic_write_close(connection);
	}
	return udp_flush(quic->udp);
}

void quic_flush(struct quic *quic, bool more)
{
	bool open = true;

	if (quic->shut)
		return;
	quic_tick(quic);
	/* At least once: answers to strangers wait in the arena although no connection is dirty. */
	for (int i = 0; i < ROUNDS_A_FLUSH && open && (i == 0 || !list_is_empty(&quic->dirty)); i++)
		open = write_round(quic);
	watch(quic, open ? UV_READABLE : UV_READABLE | UV_WRITABLE);
	if (more || (open && !list_is_empty(&quic->dirty)))
		uv_idle_start(&quic->idle, on_idle);
	else
		uv_idle_stop(&quic->idle);
	timers_arm(quic->timers);
}

void quic_shut(struct quic *quic)
{
	ASSERT(!quic->shut);
	quic->shut = true;
	while (!list_is_empty(&quic->connections))
		quic_connection_free(LIST_OF(quic->connections.next, struct quic_connection, node));
	uv_close((uv_handle_t *)&quic->poll, on_closed);
	uv_close((uv_handle_t *)&quic->idle, on_closed);
	timers_shut(quic->timers);
}

bool quic_closed(const struct quic *quic)
{
	return quic->handles_closed == 2 && timers_closed(quic->timers);
}

void quic_free(struct quic *quic)
{
	ASSERT(quic_closed(quic));
	timers_free(quic->timers);
	udp_close(quic->udp);
	tls_close(quic->tls);
	routes_fini(&quic->routes);
	memory_wipe(&quic->token_secret, sizeof quic->token_secret);
	memory_free(quic);
}
