/*
 * nats - a small client of nats-server over TLS, as fast as its protocol allows, for measurements.
 *
 *   nats pub PORT SUBJECT                   each line of stdin is a message; done when the server has read all of them
 *   nats sub PORT SUBJECT READY [TOTAL]     messages to stdout, a line each; writes a line to the file READY when subscribed;
 *                                           ends after TOTAL bytes, or never
 *   nats ping PORT RESULT COUNT             round trips of 100 bytes through the subjects ping and pong: see pingpong.c
 *   nats pong PORT READY                    the other end of that
 *
 * The server says INFO in clear text, then TLS begins. Writes are batched: what one read(2) brought leaves at once, as
 * many messages as it held; what one TLS record or several that are here brought goes to stdout at once, and before anything is waited for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/latency.h"

enum {
	BLOCK = 65536,
	LINE_MAX_SIZE = 4096,
	ROOM = 4 * BLOCK,
	TRIP = 99   /* and a line end, where there are lines */
};

static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":true,\"echo\":false}\r\n";
static const char priority[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM";

/* The protocol is text, and this one server keeps to it: whatever else comes ends the program. */
static struct {
	int fd;
	gnutls_session_t session;
	char in[ROOM];
	size_t start, end;
	char out[ROOM];
	size_t out_size;
	char lines[BLOCK];   /* for stdout */
	size_t lines_size;
	bool ponged;
} client;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "nats: %s: %s\n", what, errno ? strerror(errno) : "failed");
	exit(1);
}

static void flush(void)
{
	size_t done = 0;

	while (done < client.out_size) {
		ssize_t sent = gnutls_record_send(client.session, client.out + done, client.out_size - done);

		if (sent == GNUTLS_E_INTERRUPTED || sent == GNUTLS_E_AGAIN)
			continue;
		if (sent < 0)
			fail(gnutls_strerror((int)sent));
		done += (size_t)sent;
	}
	client.out_size = 0;
}

static void say(const char *data, size_t size)
{
	if (sizeof client.out - client.out_size < size)
		flush();
	memcpy(client.out + client.out_size, data, size);
	client.out_size += size;
}

static void put_lines(void)
{
	size_t done = 0;

	while (done < client.lines_size) {
		ssize_t wrote = write(STDOUT_FILENO, client.lines + done, client.lines_size - done);

		if (wrote < 0)
			fail("stdout");
		done += (size_t)wrote;
	}
	client.lines_size = 0;
}

/* What is here, at least one byte. Behind a message there may be but a PING: nothing that was read stays here meanwhile. */
static void listen_more(void)
{
	ssize_t got;

	if (gnutls_record_check_pending(client.session) == 0)
		put_lines();
	if (client.start > 0) {
		memmove(client.in, client.in + client.start, client.end - client.start);
		client.end -= client.start;
		client.start = 0;
	}
	if (client.end == sizeof client.in)
		fail("a message is too long");
	do {
		got = gnutls_record_recv(client.session, client.in + client.end, sizeof client.in - client.end);
	} while (got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_AGAIN);
	if (got <= 0)
		fail(got == 0 ? "the server closed" : gnutls_strerror((int)got));
	client.end += (size_t)got;
}

/* The next message, valid until the next call. */
static const char *message(size_t *size)
{
	for (;;) {
		char *line = client.in + client.start, *end = memchr(line, '\n', client.end - client.start), *number;
		size_t head = end ? (size_t)(end - line) + 1 : 0, body;

		if (!end) {
			listen_more();
		} else if (strncmp(line, "MSG ", 4) == 0) {
			for (number = end - 1; number[-1] != ' '; number--)
				;
			body = strtoul(number, NULL, 10);
			if (client.end - client.start < head + body + 2) {
				listen_more();
				continue;
			}
			client.start += head + body + 2;
			*size = body;
			return line + head;
		} else {
			if (strncmp(line, "PING", 4) == 0) {
				say("PONG\r\n", 6);
				flush();
			} else if (strncmp(line, "PONG", 4) == 0) {
				client.ponged = true;
			} else if (strncmp(line, "-ERR", 4) == 0) {
				*end = '\0';
				errno = 0;
				fail(line);
			}
			client.start += head;
			if (client.ponged)
				return NULL;
		}
	}
}

/* The server has read everything so far. */
static void synchronize(void)
{
	size_t size;

	client.ponged = false;
	say("PING\r\n", 6);
	flush();
	while (message(&size))
		;
	client.ponged = false;
}

static void connect_to(const char *port)
{
	static gnutls_certificate_credentials_t credentials;   /* of nobody, and anybody's are taken: this is loopback */
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char info[LINE_MAX_SIZE];
	int one = 1, status;
	size_t size = 0;

	client.fd = socket(AF_INET, SOCK_STREAM, 0);
	if (client.fd < 0 || connect(client.fd, (struct sockaddr *)&address, sizeof address) != 0)
		fail("connect");
	setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	do {   /* byte by byte: what follows the line belongs to TLS */
		if (size == sizeof info || read(client.fd, info + size, 1) != 1)
			fail("no greeting");
	} while (info[size++] != '\n');
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_init(&client.session, GNUTLS_CLIENT);
	gnutls_priority_set_direct(client.session, priority, NULL);
	gnutls_credentials_set(client.session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(client.session, client.fd);
	do {
		status = gnutls_handshake(client.session);
	} while (status < 0 && !gnutls_error_is_fatal(status));
	if (status < 0)
		fail(gnutls_strerror(status));
	say(hello, sizeof hello - 1);
	synchronize();
}

static void subscribe(const char *subject, const char *ready)
{
	char text[LINE_MAX_SIZE];
	FILE *file;

	say(text, (size_t)snprintf(text, sizeof text, "SUB %s 1\r\n", subject));
	synchronize();
	if (!ready)
		return;
	file = fopen(ready, "w");
	if (!file || fputs("ready\n", file) == EOF || fclose(file) != 0)
		fail(ready);
}

static void publish(const char *subject, const char *data, size_t size)
{
	char head[LINE_MAX_SIZE];

	say(head, (size_t)snprintf(head, sizeof head, "PUB %s %zu\r\n", subject, size));
	say(data, size);
	say("\r\n", 2);
}

static int pub(const char *subject)
{
	static char block[2 * BLOCK];
	size_t end = 0;
	ssize_t got;

	while ((got = read(STDIN_FILENO, block + end, sizeof block - end)) > 0) {
		char *at = block, *line;

		end += (size_t)got;
		while ((line = memchr(at, '\n', end - (size_t)(at - block)))) {
			publish(subject, at, (size_t)(line - at));
			at = line + 1;
		}
		flush();
		end -= (size_t)(at - block);
		memmove(block, at, end);
		errno = 0;
		if (end == sizeof block)
			fail("a line is too long");
	}
	synchronize();
	return 0;
}

static int sub(uint64_t total)
{
	uint64_t done = 0;

	while (done < total) {
		size_t size;
		const char *data = message(&size);

		if (sizeof client.lines - client.lines_size < size + 1)
			put_lines();
		memcpy(client.lines + client.lines_size, data, size);
		client.lines[client.lines_size + size] = '\n';
		client.lines_size += size + 1;
		done += size + 1;
	}
	put_lines();
	return 0;
}

static int ping(const char *result, size_t count)
{
	struct latencies all = {0};
	char text[TRIP];
	size_t size;

	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < count; i++) {
		uint64_t began = latency_now();

		publish("ping", text, sizeof text);
		flush();
		if (!message(&size) || size != sizeof text)
			fail("another answer");
		if (i >= count / 10)
			latency_note(&all, began, latency_now());
	}
	if (!freopen(result, "w", stdout))
		fail(result);
	latency_print(&all);
	memory_free(all.ns);
	return 0;
}

static _Noreturn void pong(void)
{
	for (;;) {
		size_t size;
		const char *data = message(&size);

		publish("pong", data, size);
		flush();
	}
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fputs("usage: nats pub PORT SUBJECT | sub PORT SUBJECT READY [TOTAL] | ping PORT RESULT COUNT | pong PORT READY\n", stderr);
		return 64;
	}
	connect_to(argv[2]);
	if (strcmp(argv[1], "pub") == 0)
		return pub(argv[3]);
	if (strcmp(argv[1], "sub") == 0 && argc > 4) {
		subscribe(argv[3], argv[4]);
		return sub(argc > 5 ? strtoull(argv[5], NULL, 10) : UINT64_MAX);
	}
	if (strcmp(argv[1], "ping") == 0 && argc > 4) {
		subscribe("pong", NULL);
		return ping(argv[3], strtoul(argv[4], NULL, 10));
	}
	subscribe("ping", argv[3]);
	pong();
}
