/*
 * hostile.c - a peer that breaks one rule, and says what it got for it.
 *
 *     hostile ATTACK [--protocol NAME] [--count N] [--timeout SECONDS] PEERID@HOST:PORT NETWORK
 *
 * It speaks through lib/net's own QUIC layer, but writes hellos, frames and streams by hand. One line comes out:
 *
 *     closed: application 413        CONNECTION_CLOSE with an application's code
 *     closed: transport 0x178        CONNECTION_CLOSE with a transport code; 0x100 and above are TLS alerts
 *     reset: 10404                   the peer gave up the stream
 *     alert 0x12a                    our own TLS refused the peer
 *     lost: refused                  nobody there
 *     timeout                        nothing of all this
 *
 * and the exit status is 0, whatever happened; 64 for a wrong call.
 */
#include "base/memory.h"
#include "net/hello.h"
#include "net/identity.h"
#include "net/links_internal.h"
#include "net/quic_internal.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE 64
#define DEADLINE_S 8           /* above the 5 s that a handshake may take */
#define DEADLINE_QUIET_S 1     /* of attacks that hear nothing */
#define GARBAGE_MAX 1400
#define SLOW_MS 1000
#define STREAMS_MAX 256

struct hostile;

struct attack {
	const char *name;
	const char *alpn;                               /* NULL: of the chosen protocol */
	bool no_key;
	bool mute;                                      /* writes, never reads */
	void (*ready)(struct hostile *hostile);         /* instead of an honest hello */
	void (*proven)(struct hostile *hostile);        /* after one */
	void (*second)(struct hostile *hostile);        /* every second */
};

struct hostile {
	const struct attack *attack;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_timer_t deadline, clock;
	struct quic *quic;
	struct quic_connection *connection;
	struct quic_stream *hello;
	struct links_counters counters;
	struct keypair keys;
	struct id peer, network;
	struct address address;
	enum protocol protocol;
	size_t count;
	uint64_t timeout_s;
	bool is_ready, told_ready, is_proven, told_proven, done;
	struct blob *slow;
	char verdict[80];
};

static void finish(struct hostile *hostile)
{
	hostile->done = true;
	uv_stop(&hostile->loop);
}

/* ---- what the attacks send ---- */

static struct blob *hello_for(struct hostile *hostile, const struct id *network)
{
	uint8_t exporter[HELLO_EXPORTER_SIZE];
	struct id key = hello_proof_key(network);
	struct hello hello = {0};

	if (quic_export(hostile->connection, HELLO_EXPORTER, exporter))
		hello.proof = hello_proof(&key, exporter, HELLO_DIALER, &hostile->keys.public_key);
	return hello_encode(&hello);
}

static void send_hello(struct hostile *hostile, struct blob *message)
{
	hostile->hello = quic_stream_open(hostile->connection);
	quic_stream_set_owner(hostile->hello, hostile);
	quic_stream_send(hostile->hello, message);
	quic_stream_finish(hostile->hello);
}

static void honest(struct hostile *hostile)
{
	send_hello(hostile, hello_for(hostile, &hostile->network));
}

static void wrong_network(struct hostile *hostile)
{
	struct id other = id_derive(&hostile->network, bytes_of_text("other"));
	send_hello(hostile, hello_for(hostile, &other));
}

static void zero_proof(struct hostile *hostile)
{
	struct hello hello = {0};
	send_hello(hostile, hello_encode(&hello));
}

static void truncated_hello(struct hostile *hostile)
{
	static const uint8_t half[] = {0, 0, 0, 100, 0x83, 1, 0x58, 0x20, 1, 2, 3};

	hostile->hello = quic_stream_open(hostile->connection);
	quic_stream_set_owner(hostile->hello, hostile);
	quic_stream_send_raw(hostile->hello, bytes_of(half, sizeof half));
	quic_stream_finish(hostile->hello);
}

static void slow_start(struct hostile *hostile)
{
	struct blob *message = hello_for(hostile, &hostile->network);

	/* With its length in front: a byte a second of what would be right. */
	hostile->slow = blob_new(0, FRAME_PREFIX_SIZE + blob_size(message));
	bytes_put_be32(hostile->slow->data, (uint32_t)blob_size(message));
	memcpy(hostile->slow->data + FRAME_PREFIX_SIZE, message->data + message->start, blob_size(message));
	hostile->slow->end = FRAME_PREFIX_SIZE + blob_size(message);
	blob_drop(message);
	hostile->hello = quic_stream_open(hostile->connection);
	quic_stream_set_owner(hostile->hello, hostile);
}

static void slow_byte(struct hostile *hostile)
{
	struct blob *rest = hostile->slow;
	uint8_t byte = 0;

	if (!rest || blob_size(rest) == 0)
		return;
	byte = rest->data[rest->start++];
	quic_stream_send_raw(hostile->hello, bytes_of(&byte, 1));
}

static void say_nothing(struct hostile *hostile)
{
	(void)hostile;
}

static struct quic_stream *new_stream(struct hostile *hostile)
{
	struct quic_stream *stream = quic_stream_open(hostile->connection);

	if (stream)
		quic_stream_set_owner(stream, hostile);
	return stream;
}

static void oversized_frame(struct hostile *hostile)
{
	static const uint8_t frame[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4};
	struct quic_stream *stream = new_stream(hostile);

	if (stream)
		quic_stream_send_raw(stream, bytes_of(frame, sizeof frame));
}

static void malformed_cbor(struct hostile *hostile)
{
	/* An array that claims 2^62 items, an indefinite string, and an end that never comes. */
	static const uint8_t body[] = {0x9b, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x5f, 0xff, 0xff, 0xff};
	struct quic_stream *stream = new_stream(hostile);

	if (stream)
		quic_stream_send(stream, blob_copy(bytes_of(body, sizeof body)));
}

/* As many streams as the peer allows, each with a frame that never ends. */
static void many_streams(struct hostile *hostile)
{
	static const uint8_t start[] = {0, 0, 4, 0, 1};

	for (int i = 0; i < STREAMS_MAX; i++) {
		struct quic_stream *stream = new_stream(hostile);
		if (!stream) {
			fprintf(stderr, "hostile: %d streams\n", i);
			return;
		}
		quic_stream_send_raw(stream, bytes_of(start, sizeof start));
	}
}

static const struct attack attacks[] = {
	{.name = "wrong-network", .ready = wrong_network},
	{.name = "zero-proof", .ready = zero_proof},
	{.name = "truncated-hello", .ready = truncated_hello},
	{.name = "no-hello", .ready = say_nothing},
	{.name = "slow", .ready = slow_start, .second = slow_byte},
	{.name = "unknown-alpn", .alpn = "/mosaik/unknown", .ready = honest},
	{.name = "no-client-key", .no_key = true, .ready = honest},
	{.name = "oversized-frame", .ready = honest, .proven = oversized_frame},
	{.name = "malformed-cbor", .ready = honest, .proven = malformed_cbor},
	{.name = "many-streams", .ready = honest, .proven = many_streams},
	{.name = "half-open", .mute = true},
	{.name = "garbage", .mute = true},
};

/* ---- what the peer does ---- */

static void on_ready(void *self, struct quic_connection *connection)
{
	struct hostile *hostile = self;

	(void)connection;
	hostile->is_ready = true;
}

static void on_opened(void *self, struct quic_connection *connection, struct quic_stream *stream)
{
	(void)self;
	(void)connection;
	(void)stream;
}

static void on_data(void *self, struct quic_stream *stream, struct bytes data, bool last)
{
	struct hostile *hostile = self;

	(void)data;
	(void)last;
	if (stream == hostile->hello)
		hostile->is_proven = true;   /* whatever it answers, it let us in */
}

static void on_acked(void *self, struct quic_stream *stream, size_t bytes)
{
	(void)self;
	(void)stream;
	(void)bytes;
}

static void on_stopped(void *self, struct quic_stream *stream, uint64_t code)
{
	struct hostile *hostile = self;

	(void)stream;
	snprintf(hostile->verdict, sizeof hostile->verdict, "reset: %llu", (unsigned long long)code);
	finish(hostile);
}

static void on_finished(void *self, struct quic_stream *stream)
{
	struct hostile *hostile = self;

	if (stream == hostile->hello)
		hostile->hello = NULL;
}

static void on_roomier(void *self, struct quic_connection *connection)
{
	(void)self;
	(void)connection;
}

static void on_closed(void *self, struct quic_connection *connection, const struct quic_end *end)
{
	struct hostile *hostile = self;
	unsigned long long code = (unsigned long long)end->code;

	(void)connection;
	hostile->connection = NULL;
	if (end->by_peer && end->application)
		snprintf(hostile->verdict, sizeof hostile->verdict, "closed: application %llu", code);
	else if (end->by_peer)
		snprintf(hostile->verdict, sizeof hostile->verdict, "closed: transport 0x%llx", code);
	else if (code)
		snprintf(hostile->verdict, sizeof hostile->verdict, "alert 0x%llx", code);
	else
		snprintf(hostile->verdict, sizeof hostile->verdict, "lost: %s", error_name(end->reason));
	finish(hostile);
}

static void on_turn(void *self)
{
	struct hostile *hostile = self;

	if (hostile->is_ready && !hostile->told_ready && hostile->connection) {
		hostile->told_ready = true;
		hostile->attack->ready(hostile);
	}
	if (hostile->is_proven && !hostile->told_proven && hostile->connection && hostile->attack->proven) {
		hostile->told_proven = true;
		hostile->attack->proven(hostile);
	}
}

static const struct quic_ops ops = {
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

/* ---- the run ---- */

static void on_prepare(uv_prepare_t *prepare)
{
	struct hostile *hostile = prepare->data;
	quic_flush(hostile->quic, false);
}

static void on_deadline(uv_timer_t *timer)
{
	finish(timer->data);
}

static void on_second(uv_timer_t *timer)
{
	struct hostile *hostile = timer->data;

	if (hostile->told_ready && hostile->connection && hostile->attack->second)
		hostile->attack->second(hostile);
}

static void open_endpoint(struct hostile *hostile)
{
	struct quic_options options = {
		.loop = &hostile->loop,
		.ops = &ops,
		.self = hostile,
		.identity = hostile->attack->no_key ? NULL : &hostile->keys,
		.counters = &hostile->counters,
		.handshake_max = 3600 * NSEC_PER_SEC,   /* it is the victim's deadline that we want to see */
		.retry_above = 1,
		.half_open_max = 1,
		.connections_max = 100000,
	};

	if (quic_open(&options, &hostile->quic) != OK) {
		perror("hostile");
		exit(1);
	}
}

static void dial(struct hostile *hostile)
{
	struct quic_dial to = {
		.alpn = hostile->attack->alpn ? hostile->attack->alpn : protocol_alpn(hostile->protocol),
		.peer = hostile->peer,
		.address = hostile->address,
		.owner = hostile,
	};
	enum error error = quic_connect(hostile->quic, &to, &hostile->connection);

	if (error != OK)
		snprintf(hostile->verdict, sizeof hostile->verdict, "lost: %s", error_name(error));
}

static void ignore_packet(void *self, const struct udp_packet *packet)
{
	(void)self;
	(void)packet;
}

static void ignore_unreachable(void *self, const struct address *to, enum error reason, struct bytes quoted)
{
	(void)self;
	(void)to;
	(void)reason;
	(void)quoted;
}

/* Random datagrams; every second one with the first byte of a long header, so that more of the parser is reached. */
static void throw_garbage(const struct hostile *hostile)
{
	static const struct udp_ops deaf = {.packet = ignore_packet, .unreachable = ignore_unreachable};
	struct udp_options options = {.plain = true};
	struct udp_target target = {.to = hostile->address};
	struct udp *udp;

	if (udp_open(&options, &deaf, NULL, &udp) != OK) {
		perror("hostile");
		exit(1);
	}
	for (size_t i = 0; i < hostile->count; i++) {
		uint8_t *at = udp_room(udp, GARBAGE_MAX);
		uint16_t size;
		if (!at) {
			udp_flush(udp);
			continue;
		}
		quic_random(&size, sizeof size);
		size = (uint16_t)(1 + size % GARBAGE_MAX);
		quic_random(at, size);
		if (i % 2)
			at[0] |= 0xc0;
		if (i % 4 == 1 && size > 5)
			memcpy(at + 1, "\0\0\0\1", 4);   /* QUIC version 1 */
		udp_commit(udp, &target, size);
	}
	udp_flush(udp);
	udp_close(udp);
}

static void run(struct hostile *hostile)
{
	bool garbage = strcmp(hostile->attack->name, "garbage") == 0;

	if (garbage)
		throw_garbage(hostile);
	for (size_t i = 0; i < hostile->count && !garbage; i++)
		dial(hostile);
	quic_flush(hostile->quic, false);
	if (hostile->attack->mute) {
		quic_shut(hostile->quic);   /* without a word: the victim is left with what it has */
	} else {
		uv_prepare_start(&hostile->prepare, on_prepare);
		uv_timer_start(&hostile->clock, on_second, 0, SLOW_MS);
	}
	uv_timer_start(&hostile->deadline, on_deadline, hostile->timeout_s * 1000, 0);
	while (!hostile->done)
		uv_run(&hostile->loop, UV_RUN_ONCE);
}

static void clean_up(struct hostile *hostile)
{
	if (!hostile->attack->mute)
		quic_shut(hostile->quic);
	uv_close((uv_handle_t *)&hostile->prepare, NULL);
	uv_close((uv_handle_t *)&hostile->deadline, NULL);
	uv_close((uv_handle_t *)&hostile->clock, NULL);
	uv_run(&hostile->loop, UV_RUN_DEFAULT);
	quic_free(hostile->quic);
	blob_drop(hostile->slow);
	uv_loop_close(&hostile->loop);
}

static bool parse_protocol(const char *name, enum protocol *out)
{
	for (int i = 0; i < PROTOCOL_COUNT; i++) {
		const char *alpn = protocol_alpn((enum protocol)i) + strlen("/mosaik/");
		if (strncmp(alpn, name, strlen(name)) == 0) {
			*out = (enum protocol)i;
			return true;
		}
	}
	return false;
}

static bool parse_target(const char *text, struct hostile *hostile)
{
	char id[ID_TEXT_SIZE] = {0};
	const char *at = strchr(text, '@');

	if (!at || at - text != ID_TEXT_SIZE - 1)
		return false;
	memcpy(id, text, ID_TEXT_SIZE - 1);
	return id_from_hex(id, &hostile->peer) == OK && address_parse(at + 1, &hostile->address) == OK;
}

static bool parse(int argc, char **argv, struct hostile *hostile)
{
	static const struct option options[] = {
		{"protocol", required_argument, NULL, 'p'},
		{"count", required_argument, NULL, 'c'},
		{"timeout", required_argument, NULL, 't'},
		{0},
	};
	int option;

	hostile->count = 1;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			hostile->count = strtoull(optarg, NULL, 10);
		else if (option == 't')
			hostile->timeout_s = strtoull(optarg, NULL, 10);
		else if (option != 'p' || !parse_protocol(optarg, &hostile->protocol))
			return false;
	}
	if (argc - optind != 3)
		return false;
	for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
		if (strcmp(attacks[i].name, argv[optind]) == 0)
			hostile->attack = &attacks[i];
	if (!hostile->attack)
		return false;
	if (hostile->timeout_s == 0)
		hostile->timeout_s = hostile->attack->mute ? DEADLINE_QUIET_S : DEADLINE_S;
	return parse_target(argv[optind + 1], hostile) && id_from_text(argv[optind + 2], &hostile->network) == OK;
}

int main(int argc, char **argv)
{
	static struct hostile hostile = {.verdict = "timeout"};

	if (!parse(argc, argv, &hostile)) {
		fputs("usage: hostile ATTACK [--protocol NAME] [--count N] [--timeout SECONDS] PEERID@HOST:PORT NETWORK\n", stderr);
		return EXIT_USAGE;
	}
	identity_random(&hostile.keys);
	uv_loop_init(&hostile.loop);
	uv_prepare_init(&hostile.loop, &hostile.prepare);
	uv_timer_init(&hostile.loop, &hostile.deadline);
	uv_timer_init(&hostile.loop, &hostile.clock);
	hostile.prepare.data = hostile.deadline.data = hostile.clock.data = &hostile;
	open_endpoint(&hostile);
	run(&hostile);
	clean_up(&hostile);
	puts(hostile.verdict);
	return 0;
}
