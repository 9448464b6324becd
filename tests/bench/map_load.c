/*
 * map_load.c - many clients of a map at once: operations a second, and how long one takes.
 *
 *     map_load -n NETWORK [-p PEER]... [--clients 64] [--for 5s] [--warm 1s] [--ops N] [--keys 10000] [--size 100] [--get]
 *              [--follower] [--resident] STORE
 *
 * Prints `RATE P50 P99`: operations a second, and microseconds. One link to the leader (--follower: to a member that does
 * not lead) carries what CLIENTS ask, each of them one thing after the other: puts of SIZE bytes, or strong reads. The first
 * KEYS operations take one key after the other, those that follow any of them. What begins within --warm does not count. It
 * ends after --for, or after N operations. --resident: a second line, the MiB that this process took at the most, but for
 * the times that it keeps. The map has keys of str; whoever reads should have written them before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/ask.h"
#include "cmd/common/group_key.h"
#include "collections/map_wire.h"
#include "collections/result.h"
#include "tests/bench/latency.h"
#include "tests/bench/load.h"

#define CLIENTS_MAX 4096
#define SIZE_MAX_BYTES 65536
#define LOOK_AGAIN 50            /* msec */
#define TICKET_STATUS UINT64_MAX

struct settings {
	struct common common;
	uint64_t clients, keys, size, ops;
	msec duration, warm;
	bool get, follower, resident;
};

struct load {
	struct ask ask;
	const struct settings *settings;
	const char *store;
	struct id group;
	struct id member;            /* that we are linked with, or dial */
	struct client *client;
	bool is_running;
	uint64_t began[CLIENTS_MAX + 1];   /* by ticket; 0: idle */
	uint64_t open, random, begun;
	uint64_t counts_from, until;
	struct latencies latencies;
	struct buffer request;
	uint8_t value[SIZE_MAX_BYTES];
	int status;
};

static struct node *node_of(struct load *load)
{
	return runtime_node(load->ask.session.runtime);
}

static void leave(struct load *load, const char *why)
{
	if (why)
		fprintf(stderr, "map_load: %s\n", why);
	load->is_running = false;
	session_leave(&load->ask.session, why ? EXIT_UNAVAILABLE : EXIT_YES);
}

/* ---- operations ---- */

static void begin(struct load *load, uint64_t ticket, uint64_t now)
{
	uint64_t number = load->begun < load->settings->keys ? load->begun : load_draw(&load->random, load->settings->keys);
	char key[24];
	struct bytes stored = bytes_of(key, (size_t)snprintf(key, sizeof key, "key-%08" PRIu64, number));
	enum error error;

	buffer_clear(&load->request);
	if (load->settings->get)
		map_get(&load->request, stored);
	else
		map_put(&load->request, stored, bytes_of(load->value, load->settings->size));
	load->began[ticket] = now;
	load->open++;
	load->begun++;
	if (load->settings->get)
		error = node_client_query(node_of(load), load->client, &(struct group_query){.ticket = ticket, .level = QUERY_STRONG,
			.deadline = MSEC_NEVER, .query = buffer_bytes(&load->request)});
	else
		error = node_client_propose(node_of(load), load->client, ticket, buffer_bytes(&load->request));
	ASSERT(error == OK);   /* fewer are open than a client may have */
}

static void ended(struct load *load, const struct client_fact *fact)
{
	uint64_t now = latency_now(), began = load->began[fact->ticket];
	struct result result;

	if (fact->reason != OK || result_decode(fact->bytes, &result) != OK || result.outcome != OUTCOME_DONE) {
		leave(load, fact->reason != OK ? error_text(fact->reason) : "a result that is not expected: were the keys written?");
		return;
	}
	load->open--;
	if (began >= load->counts_from)
		latency_note(&load->latencies, began, now);
	if (now < load->until && load->begun < load->settings->ops)
		begin(load, fact->ticket, now);
	else if (load->open == 0)
		leave(load, NULL);
}

static void start(struct load *load)
{
	uint64_t now = latency_now();

	load->counts_from = now + (uint64_t)load->settings->warm * 1000000;
	load->until = load->counts_from + (uint64_t)load->settings->duration * 1000000;
	load->is_running = true;
	for (uint64_t ticket = 1; ticket <= load->settings->clients; ticket++)
		begin(load, ticket, now);
}

/* ---- which member ---- */

static void dial(struct load *load, msec now)
{
	struct client_options options = {.self = load->ask.session.identity.public_key, .group = load->group,
		.key = group_key(&load->settings->common, "map", load->store, NULL)};

	if (load->client)
		node_client_free(node_of(load), load->client);
	load->client = node_client(node_of(load), now, &options, &(struct dial){.peer = load->member});
}

static void judge_member(struct load *load, msec now, const struct client_fact *fact)
{
	struct client_status status;
	struct id wanted;

	if (fact->reason != OK || client_status_decode(fact->bytes, &status) != OK) {
		leave(load, "no status");
		return;
	}
	wanted = status.status.leader;
	if (load->settings->follower)
		for (size_t i = 0; i < status.member_count; i++)
			if (status.member[i].voter && !status.member[i].leader)
				wanted = status.member[i].member.peer;
	client_status_fini(&status);
	if (id_equal(&wanted, &load->member)) {
		start(load);
	} else if (id_is_zero(&wanted)) {
		leave(load, "there is no leader");
	} else {
		load->member = wanted;
		dial(load, now);
	}
}

static void on_fact(struct ask *ask, msec now, const struct node_fact *fact)
{
	struct load *load = ask->self;
	const struct client_fact *told = &fact->client_fact;

	if (fact->kind != NODE_CLIENT)
		return;
	if (fact->client == load->client && !ask->session.leaving) {
		if (told->kind == CLIENT_UP)
			node_client_status(node_of(load), load->client, TICKET_STATUS);
		else if (told->kind == CLIENT_DOWN)
			leave(load, error_text(told->reason));
		else if (told->kind == CLIENT_RESULT && told->ticket == TICKET_STATUS)
			judge_member(load, now, told);
		else if (told->kind == CLIENT_RESULT)
			ended(load, told);
	}
	blob_drop(told->message);
}

static void answered(struct ask *ask, msec now)
{
	struct load *load = ask->self;
	const struct catalog_peer *one;
	size_t at = 0;

	while ((one = catalog_next(ask_catalog(ask), &at)) != NULL) {
		if (!load_is_member(&one->entry->card, "map", load->store, &load->group))
			continue;
		load->member = one->entry->card.peer;
		dial(load, now);
		return;
	}
	ask_again(ask, now + LOOK_AGAIN);
}

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{0, "clients", OPTION_NUMBER, FIELD(clients, uint64_t), "N", NULL, "at once"},
	{0, "for", OPTION_DURATION, FIELD(duration, msec), "DUR", NULL, "measures so long,"},
	{0, "ops", OPTION_NUMBER, FIELD(ops, uint64_t), "N", NULL, "ends after so many"},
	{0, "warm", OPTION_DURATION, FIELD(warm, msec), "DUR", NULL, "after this"},
	{0, "keys", OPTION_NUMBER, FIELD(keys, uint64_t), "N", NULL, "that are drawn from"},
	{0, "size", OPTION_NUMBER, FIELD(size, uint64_t), "N", NULL, "bytes of a value"},
	{0, "get", OPTION_FLAG, FIELD(get, bool), NULL, NULL, "strong reads instead of puts"},
	{0, "follower", OPTION_FLAG, FIELD(follower, bool), NULL, NULL, "asks a member that does not lead"},
	{0, "resident", OPTION_FLAG, FIELD(resident, bool), NULL, NULL, "tells its memory"},
	{.name = NULL}
};

static const struct command command = {.name = "map_load", .usage = "-n NETWORK [options] STORE", .options = rows,
	.examples = (const char *const[]){"map_load -n test --clients 64 m", NULL},
	.common = "network peer no-local bind timeout quiet verbose"};

int main(int argc, char **argv)
{
	static struct load load;
	struct settings settings = {.common = COMMON_DEFAULTS(MSEC_NEVER), .clients = 64, .keys = 10000, .size = 100, .ops = UINT64_MAX,
		.duration = 5000, .warm = 1000};
	int first = options_parse(&command, argc, argv, &settings), status;
	struct rusage usage;

	if (argc - first != 1 || settings.clients == 0 || settings.clients > CLIENTS_MAX || settings.keys == 0 ||
		settings.size > sizeof load.value)
		usage_error("one STORE; at most %d clients, values of at most %d bytes", CLIENTS_MAX, SIZE_MAX_BYTES);
	load.settings = &settings;
	load.store = argv[first];
	load.random = 0x9e3779b97f4a7c15u;
	memset(load.value, 'v', sizeof load.value);
	load.ask = (struct ask){.common = settings.common, .patient = true, .answered = answered, .fact = on_fact, .self = &load};
	status = ask_run(&load.ask);
	getrusage(RUSAGE_SELF, &usage);
	if (status == EXIT_YES)
		latency_print(&load.latencies);
	if (settings.resident)
		printf("%ld\n", (usage.ru_maxrss >> 10) - (long)(load.latencies.capacity * sizeof *load.latencies.ns >> 20));
	memory_free(load.latencies.ns);
	buffer_fini(&load.request);
	options_free(&command, &settings);
	return status;
}
