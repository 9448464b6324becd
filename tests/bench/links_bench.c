/*
 * links_bench.c - how fast messages pass between two processes over lib/net, on the loopback device.
 *
 *     links_bench [MEGABYTES [ADDRESS]]      both ends here
 *     links_bench serve ADDRESS              one end, for ever
 *     links_bench to ADDRESS MEGABYTES       the other, perhaps on another host
 *
 * Prints one line a test: bulk in 64 KiB and 1 MiB messages, small messages, and an echo's round trip. The child
 * answers echoes and counts; the parent keeps LINK_OUTSTANDING_MAX bytes under way, as a protocol would.
 */
#include "base/memory.h"
#include "net/links.h"
#include "wire/limits.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench {
	uv_loop_t loop;
	uv_prepare_t prepare;
	struct links *links;
	struct keypair keys;
	link_id link;
	bool linked, ended, echo;
	size_t outstanding;
	uint64_t received, received_bytes;
};

static void on_met(void *self, const struct id *peer, const struct address *from, struct bytes hello)
{
	(void)self;
	(void)peer;
	(void)from;
	(void)hello;
}

static void on_linked(void *self, enum protocol protocol, const struct link *link)
{
	struct bench *bench = self;

	bench->linked = true;
	bench->link = link->id;
	bench->echo = protocol == PROTOCOL_GROUPS;
}

static void on_unlinked(void *self, enum protocol protocol, link_id link, enum error reason)
{
	struct bench *bench = self;

	(void)protocol;
	(void)link;
	bench->ended = true;
	if (reason != OK)
		fprintf(stderr, "unlinked: %s\n", error_name(reason));
}

static enum error on_received(void *self, enum protocol protocol, link_id link, struct blob *message)
{
	struct bench *bench = self;

	(void)protocol;
	bench->received++;
	bench->received_bytes += blob_size(message);
	if (bench->echo && link % 2 == 1)
		links_send(bench->links, link, blob_keep(message));
	links_consumed(bench->links, link, blob_size(message));
	return OK;
}

static void on_sent(void *self, enum protocol protocol, link_id link, size_t bytes)
{
	struct bench *bench = self;

	(void)protocol;
	(void)link;
	bench->outstanding -= bytes;
}

static const struct links_ops ops = {
	.met = on_met,
	.linked = on_linked,
	.unlinked = on_unlinked,
	.received = on_received,
	.sent = on_sent,
};

static void on_prepare(uv_prepare_t *prepare)
{
	struct bench *bench = prepare->data;
	links_flush(bench->links);
}

static void open_bench(struct bench *bench, const char *seed, const char *address)
{
	struct id id = id_hash(bytes_of_text(seed));
	struct links_options options = {.loop = &bench->loop, .ops = &ops, .self = bench, .identity = &bench->keys};

	memcpy(bench->keys.seed, id.byte, SEED_SIZE);
	crypto_ed25519.derive(&bench->keys);
	options.network = id_hash(bytes_of_text("bench"));
	if (address_parse(address, &options.bind) != OK) {
		fprintf(stderr, "links_bench: %s is no address\n", address);
		exit(2);
	}
	uv_loop_init(&bench->loop);
	uv_prepare_init(&bench->loop, &bench->prepare);
	bench->prepare.data = bench;
	uv_prepare_start(&bench->prepare, on_prepare);
	if (links_open(&options, &bench->links) != OK) {
		perror("links_bench");
		exit(1);
	}
}

static void serve(const char *address, int port_out)
{
	struct bench bench = {0};

	open_bench(&bench, "server", address);
	struct address at = links_address(bench.links);
	if (write(port_out, &at, sizeof at) != (ssize_t)sizeof at)
		exit(1);
	for (;;)
		uv_run(&bench.loop, UV_RUN_ONCE);
}

static double seconds(void)
{
	return (double)uv_hrtime() / 1e9;
}

static void start_link(struct bench *bench, enum protocol protocol, const struct address *to)
{
	static link_id next = 2;
	struct dial dial = {.count = 1, .address = {*to}};

	bench->linked = bench->ended = false;
	bench->received = 0;
	links_connect(bench->links, protocol, next, &dial);
	next += 2;
	while (!bench->linked && !bench->ended)
		uv_run(&bench->loop, UV_RUN_ONCE);
	bench->echo = false;
}

static void end_link(struct bench *bench)
{
	links_close(bench->links, bench->link, OK);
	while (!bench->ended)
		uv_run(&bench->loop, UV_RUN_ONCE);
}

static void bulk(struct bench *bench, const struct address *to, size_t size, uint64_t total)
{
	struct blob *message = blob_new(0, size);
	uint64_t sent = 0;

	message->end = size;
	memset(message->data, 7, size);
	start_link(bench, PROTOCOL_STREAMS, to);
	double start = seconds();
	while (sent < total || bench->outstanding > 0) {
		while (sent < total && bench->outstanding < LINK_OUTSTANDING_MAX) {
			links_send(bench->links, bench->link, blob_keep(message));
			bench->outstanding += size;
			sent += size;
		}
		uv_run(&bench->loop, UV_RUN_ONCE);
	}
	double spent = seconds() - start;
	printf("bulk %7zu B messages: %8.0f MB/s %10.0f messages/s\n", size, (double)sent / 1e6 / spent,
		(double)sent / (double)size / spent);
	fflush(stdout);
	end_link(bench);
	blob_drop(message);
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void echo(struct bench *bench, const struct address *to, size_t count)
{
	double *spent = memory_new(count * sizeof *spent);

	start_link(bench, PROTOCOL_GROUPS, to);
	for (size_t i = 0; i < count; i++) {
		struct blob *message = blob_new(0, 100);
		message->end = 100;
		double start = seconds();
		bench->outstanding += 100;
		links_send(bench->links, bench->link, message);
		while (bench->received <= i)
			uv_run(&bench->loop, UV_RUN_ONCE);
		spent[i] = (seconds() - start) * 1e6;
	}
	qsort(spent, count, sizeof *spent, by_value);
	printf("echo 100 B: p50 %.1f us, p99 %.1f us\n", spent[count / 2], spent[count * 99 / 100]);
	end_link(bench);
	memory_free(spent);
}

static void measure(const char *bind, const struct address *to, uint64_t total)
{
	struct bench bench = {0};

	open_bench(&bench, "client", bind);
	bulk(&bench, to, 65536, total);
	bulk(&bench, to, 1048576, total);
	bulk(&bench, to, 1000, total / 4);
	bulk(&bench, to, 100, total / 10);
	echo(&bench, to, 10000);
	links_shut(bench.links);
	while (!links_closed(bench.links))
		uv_run(&bench.loop, UV_RUN_ONCE);
	links_free(bench.links);
	uv_close((uv_handle_t *)&bench.prepare, NULL);
	uv_run(&bench.loop, UV_RUN_DEFAULT);
	uv_loop_close(&bench.loop);
}

static int both(uint64_t total, const char *address)
{
	struct address to;
	int ports[2];

	if (pipe(ports) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0)
		serve(address, ports[1]);
	if (child < 0 || read(ports[0], &to, sizeof to) != (ssize_t)sizeof to)
		return 1;
	measure(address, &to, total);
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	return 0;
}

int main(int argc, char **argv)
{
	struct address to;

	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2], STDERR_FILENO);
	if (argc == 4 && strcmp(argv[1], "to") == 0 && address_parse(argv[2], &to) == OK) {
		measure("0.0.0.0:0", &to, strtoull(argv[3], NULL, 10) * 1000000);
		return 0;
	}
	return both((argc > 1 ? strtoull(argv[1], NULL, 10) : 512) * 1000000, argc > 2 ? argv[2] : "127.0.0.1:0");
}
