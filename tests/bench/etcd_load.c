/*
 * etcd_load.c - many clients of etcd at once, as map_load measures ours.
 *
 *     etcd_load --to HOST:PORT [--clients 64] [--for 5] [--warm 1] [--keys 10000] [--size 100] [--get]
 *
 * Prints `RATE P50 P99`: operations a second, and microseconds. etcd's own load generator is in no package, and its JSON
 * gateway would cost the server a second request for each one. So this speaks what etcd's clients speak, gRPC: requests of
 * etcdserverpb.KV as protobuf, one HTTP/2 stream each, all in one connection with TLS 1.3 and AES-128-GCM. Put, or Range
 * of one key, which is linearizable unless it says otherwise. Of HTTP/2 there is only what this needs: headers are sent as
 * literals, and of answers nobody looks at more than frames, and whether there was a message. Keys are taken as map_load takes them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#include "base/bytes.h"
#include "base/check.h"
#include "tests/bench/latency.h"
#include "tests/bench/load.h"

#define CLIENTS_MAX 4096
#define SIZE_MAX_BYTES 65536
#define FRAME_HEAD 9
#define WINDOW 0x7fffffffu                /* what the server may send us */
#define WINDOW_FIRST 65535u
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };

struct request {
	uint32_t stream;             /* 0: none is open */
	uint64_t began;
	bool has_message;
};

struct load {
	const char *host;
	uint16_t port;
	bool get;
	uint64_t clients, keys, size, seconds, warm;
	int fd;
	gnutls_session_t session;
	struct buffer in, out, headers, message;
	struct request request[CLIENTS_MAX];
	uint32_t next_stream;
	int64_t window;              /* bytes of DATA that the server still takes */
	uint64_t received;           /* of DATA, since it was last given more room */
	size_t open;
	uint64_t random, begun, counts_from, until;
	struct latencies latencies;
	uint8_t value[SIZE_MAX_BYTES];
};

_Noreturn static void die(const char *what, const char *why)
{
	fprintf(stderr, "etcd_load: %s: %s\n", what, why);
	exit(1);
}

static void put_byte(struct buffer *out, unsigned byte)
{
	uint8_t one = (uint8_t)byte;

	buffer_append(out, bytes_of(&one, 1));
}

static void put_be(struct buffer *out, uint64_t value, unsigned bytes)
{
	while (bytes-- > 0)
		put_byte(out, (unsigned)(value >> 8 * bytes) & 0xff);
}

/* ---- HTTP/2 ---- */

static void put_frame(struct load *load, unsigned type, unsigned flags, uint32_t stream, struct bytes payload)
{
	put_be(&load->out, payload.size, 3);
	put_byte(&load->out, type);
	put_byte(&load->out, flags);
	put_be(&load->out, stream, 4);
	buffer_append(&load->out, payload);
}

/* A literal that is not indexed (RFC 7541 6.2.2); name: in the static table, 0: spelled out. */
static void put_header(struct buffer *out, unsigned index, const char *name, const char *value)
{
	if (index < 15) {
		put_byte(out, index);
	} else {
		put_byte(out, 15);
		put_byte(out, index - 15);
	}
	if (index == 0) {
		put_byte(out, (unsigned)strlen(name));
		buffer_append(out, bytes_of_text(name));
	}
	put_byte(out, (unsigned)strlen(value));
	buffer_append(out, bytes_of_text(value));
}

static void make_headers(struct load *load)
{
	put_byte(&load->headers, 0x80 | 3);   /* :method POST */
	put_byte(&load->headers, 0x80 | 7);   /* :scheme https */
	put_header(&load->headers, 4, NULL, load->get ? "/etcdserverpb.KV/Range" : "/etcdserverpb.KV/Put");
	put_header(&load->headers, 1, NULL, "localhost");
	put_header(&load->headers, 31, NULL, "application/grpc");
	put_header(&load->headers, 0, "te", "trailers");
}

/* ---- requests ---- */

static void put_field(struct buffer *out, unsigned number, struct bytes value)
{
	size_t rest = value.size;

	put_byte(out, number << 3 | 2);
	for (; rest > 127; rest >>= 7)
		put_byte(out, (unsigned)(rest & 127) | 128);
	put_byte(out, (unsigned)rest);
	buffer_append(out, value);
}

static void begin(struct load *load, size_t client, uint64_t now)
{
	struct request *request = &load->request[client];
	uint64_t number = load->begun < load->keys ? load->begun : load_draw(&load->random, load->keys);
	char key[24];
	int size = snprintf(key, sizeof key, "key-%08" PRIu64, number);

	buffer_clear(&load->message);
	put_be(&load->message, 0, 5);
	put_field(&load->message, 1, bytes_of(key, (size_t)size));
	if (!load->get)
		put_field(&load->message, 2, bytes_of(load->value, load->size));
	for (unsigned i = 0; i < 4; i++)
		load->message.data[1 + i] = (uint8_t)((load->message.size - 5) >> 8 * (3 - i));
	*request = (struct request){.stream = load->next_stream, .began = now};
	load->next_stream += 2;
	load->window -= (int64_t)load->message.size;
	load->open++;
	load->begun++;
	put_frame(load, HEADERS, END_HEADERS, request->stream, buffer_bytes(&load->headers));
	put_frame(load, DATA, END_STREAM, request->stream, buffer_bytes(&load->message));
}

/* A full window holds back who is next in turn. */
static void begin_all(struct load *load)
{
	uint64_t now = latency_now();

	for (size_t i = 0; i < load->clients && now < load->until && load->window > SIZE_MAX_BYTES / 2; i++)
		if (load->request[i].stream == 0)
			begin(load, i, now);
}

static struct request *find(struct load *load, uint32_t stream)
{
	for (size_t i = 0; i < load->clients; i++)
		if (load->request[i].stream == stream)
			return &load->request[i];
	die("answer", "to nothing that was asked");
}

static void ended(struct load *load, struct request *request)
{
	if (!request->has_message)
		die("answer", "an error");
	request->stream = 0;
	load->open--;
	if (request->began >= load->counts_from)
		latency_note(&load->latencies, request->began, latency_now());
}

/* ---- answers ---- */

static void take_data(struct load *load, struct request *request, size_t size)
{
	uint8_t more[4];

	request->has_message |= size > (load->get ? load->size : 5);
	load->received += size;
	if (load->received < WINDOW / 2)
		return;
	for (unsigned i = 0; i < 4; i++)
		more[i] = (uint8_t)(load->received >> 8 * (3 - i));
	put_frame(load, WINDOW_UPDATE, 0, 0, bytes_of(more, sizeof more));
	load->received = 0;
}

static void take_frame(struct load *load, const uint8_t *head, struct bytes payload)
{
	unsigned type = head[3], flags = head[4];
	uint32_t stream = bytes_get_be32(head + 5) & 0x7fffffff;

	if (type == DATA)
		take_data(load, find(load, stream), payload.size);
	if ((type == DATA || type == HEADERS) && (flags & END_STREAM))
		ended(load, find(load, stream));
	if (type == WINDOW_UPDATE && stream == 0)
		load->window += bytes_get_be32(payload.data);
	if (type == SETTINGS && !(flags & ACK))
		put_frame(load, SETTINGS, ACK, 0, bytes_of(NULL, 0));
	if (type == PING && !(flags & ACK))
		put_frame(load, PING, ACK, 0, payload);
	if (type == RST_STREAM || type == GOAWAY)
		die("answer", "the server refuses");
}

static void take_frames(struct load *load)
{
	size_t at = 0;

	while (load->in.size - at >= FRAME_HEAD) {
		const uint8_t *head = load->in.data + at;
		size_t size = bytes_get_be32(head) >> 8;

		if (load->in.size - at - FRAME_HEAD < size)
			break;
		take_frame(load, head, bytes_of(head + FRAME_HEAD, size));
		at += FRAME_HEAD + size;
	}
	memmove(load->in.data, load->in.data + at, load->in.size - at);
	load->in.size -= at;
}

/* ---- the connection ---- */

static void check(const char *what, int status)
{
	if (status < 0)
		die(what, gnutls_strerror(status));
}

static void open_connection(struct load *load)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(load->port)};
	gnutls_datum_t protocol = {(unsigned char[]){'h', '2'}, 2};
	gnutls_certificate_credentials_t credentials;
	int yes = 1, status;

	if (inet_pton(AF_INET, load->host, &to.sin_addr) != 1)
		die(load->host, "not an IPv4 address");
	load->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (load->fd < 0 || connect(load->fd, (struct sockaddr *)&to, sizeof to) != 0)
		die(load->host, strerror(errno));
	setsockopt(load->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	check("tls", gnutls_certificate_allocate_credentials(&credentials));
	check("tls", gnutls_init(&load->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK));
	check("tls", gnutls_priority_set_direct(load->session, PRIORITY, NULL));
	check("tls", gnutls_credentials_set(load->session, GNUTLS_CRD_CERTIFICATE, credentials));
	check("tls", gnutls_alpn_set_protocols(load->session, &protocol, 1, GNUTLS_ALPN_MANDATORY));
	gnutls_transport_set_int(load->session, load->fd);
	do
		status = gnutls_handshake(load->session);
	while (status < 0 && !gnutls_error_is_fatal(status));
	check("handshake", status);
}

static void flush(struct load *load)
{
	size_t at = 0;

	while (at < load->out.size) {
		ssize_t sent = gnutls_record_send(load->session, load->out.data + at, load->out.size - at);

		if (sent < 0 && gnutls_error_is_fatal((int)sent))
			check("send", (int)sent);
		at += sent > 0 ? (size_t)sent : 0;
	}
	buffer_clear(&load->out);
}

static void receive(struct load *load)
{
	struct pollfd poll_for = {.fd = load->fd, .events = POLLIN};
	uint8_t piece[16384];
	ssize_t size;

	if (gnutls_record_check_pending(load->session) == 0)
		poll(&poll_for, 1, -1);
	do {
		size = gnutls_record_recv(load->session, piece, sizeof piece);
		if (size > 0)
			buffer_append(&load->in, bytes_of(piece, (size_t)size));
	} while (size > 0 && gnutls_record_check_pending(load->session) > 0);
	if (size == 0)
		die("receive", "the server closed the connection");
	if (size < 0 && gnutls_error_is_fatal((int)size))
		check("receive", (int)size);
}

static void greet(struct load *load)
{
	uint8_t settings[] = {0, 4, 0x7f, 0xff, 0xff, 0xff};   /* INITIAL_WINDOW_SIZE */
	uint8_t more[] = {0x7f, 0xff, 0, 0};

	buffer_append(&load->out, bytes_of(PREFACE, sizeof PREFACE - 1));
	put_frame(load, SETTINGS, 0, 0, bytes_of(settings, sizeof settings));
	put_frame(load, WINDOW_UPDATE, 0, 0, bytes_of(more, sizeof more));
	load->window = WINDOW_FIRST;
	load->next_stream = 1;
}

static void run(struct load *load)
{
	uint64_t now = latency_now();

	load->counts_from = now + load->warm * 1000000000;
	load->until = load->counts_from + load->seconds * 1000000000;
	do {
		begin_all(load);
		flush(load);
		receive(load);
		take_frames(load);
	} while (load->open > 0 || latency_now() < load->until);
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (end == text || *end != '\0')
		die(text, "not a number");
	return value;
}

static void read_options(struct load *load, int argc, char **argv)
{
	static const struct option options[] = {{"to", 1, NULL, 't'}, {"clients", 1, NULL, 'c'}, {"for", 1, NULL, 'f'},
		{"warm", 1, NULL, 'w'}, {"keys", 1, NULL, 'k'}, {"size", 1, NULL, 's'}, {"get", 0, NULL, 'g'}, {NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		char *colon = option == 't' ? strrchr(optarg, ':') : NULL;

		if (option == 't' && colon) {
			*colon = '\0';
			load->host = optarg;
			load->port = (uint16_t)number(colon + 1);
		} else if (option == 'g') {
			load->get = true;
		} else if (strchr("cfwks", option)) {
			*(option == 'c' ? &load->clients : option == 'f' ? &load->seconds : option == 'w' ? &load->warm :
				option == 'k' ? &load->keys : &load->size) = number(optarg);
		}
	}
	if (!load->host || load->clients == 0 || load->clients > CLIENTS_MAX || load->keys == 0 ||
		load->size > SIZE_MAX_BYTES / 4)
		die("usage", "--to HOST:PORT [--clients N] [--for S] [--warm S] [--keys N] [--size N] [--get]");
}

int main(int argc, char **argv)
{
	static struct load load = {.clients = 64, .seconds = 5, .warm = 1, .keys = 10000, .size = 100,
		.random = 0x9e3779b97f4a7c15u};

	memset(load.value, 'v', sizeof load.value);
	read_options(&load, argc, argv);
	make_headers(&load);
	open_connection(&load);
	greet(&load);
	run(&load);
	latency_print(&load.latencies);
	gnutls_deinit(load.session);
	close(load.fd);
	return 0;
}
