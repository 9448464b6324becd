/*
 * group_load.c - many clients at every member of a group at once, and what each of them saw, as a history that
 * tests/sim/linearizable judges. The members run group_registers; with --map they are replicas of a map of bytes.
 *
 *     group_load -n NETWORK [-p PEER]... [--members 3] [--workers 4] [--ops N] [--for DUR] [--rate N] [--keys N]
 *                [--seed N] [--local] [--map] GROUP >history
 *
 * A worker asks one member, one thing after another. What has no answer within a second is left open and recorded when the
 * answer comes, or as pending; the worker goes on as another client. What certainly did nothing is not recorded. A member
 * that goes away is dialled again and again. One clock for all: ours. A client's number modulo 16 is its member, counted in
 * the order of ids.
 *
 * The last line on stderr: `ops=N acknowledged=N pending=N refused=N writes=A,B,C reads=A,B,C`, the lists by member in the
 * order of their ids. --local asks for local reads, which are not linearizable: so the judge can be seen to notice.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "cmd/common/ask.h"
#include "cmd/common/group_key.h"
#include "collections/map_wire.h"
#include "collections/result.h"
#include "tests/bench/load.h"

#define MEMBERS_MAX 9
#define WORKERS_MAX 256
#define OPEN_MAX 65536           /* a power of two */
#define PATIENCE 1000            /* msec until a worker goes on without its answer */
#define DIAL_AGAIN 100
#define TICK 10
#define CLIENTS_BY_MEMBER 16

struct settings {
	struct common common;
	uint64_t members, workers, ops, rate, keys, seed;
	msec duration;
	bool local;
	bool map;
};

struct operation {
	uint64_t ticket;             /* 0: none here */
	uint64_t client;
	char kind;                   /* r w s c, as group_registers has them */
	uint64_t key;
	char expected[24], value[24];
	int64_t invoked;
	size_t member;
	size_t worker;
};

struct worker {
	size_t member;
	uint64_t client;
	uint64_t ticket;             /* 0: idle */
	msec began;
	char seen[24];               /* the last value that it read or wrote: what it expects to swap */
};

struct asked {
	struct id peer;
	struct client *client;
	bool is_up;
	msec dial_at;
	uint64_t writes, reads;
};

struct load {
	struct ask ask;
	const struct settings *settings;
	const char *group;
	struct id group_id;
	size_t members;
	struct asked member[MEMBERS_MAX];
	size_t workers;
	struct worker worker[WORKERS_MAX];
	struct operation open[OPEN_MAX];
	uint64_t clients, tickets;
	uint64_t begun, acknowledged, pending, refused;
	uint64_t random;
	msec started, until;
	bool is_running;
};

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct node *node_of(struct load *load)
{
	return runtime_node(load->ask.session.runtime);
}

static const char *kind_of(const struct load *load)
{
	return load->settings->map ? "map" : "group";
}

static uint64_t next_client(struct load *load, size_t member)
{
	return ++load->clients * CLIENTS_BY_MEMBER + member;
}

/* ---- the history ---- */

static void record(const struct operation *operation, int64_t returned, const char *result, uint64_t position)
{
	const char *kind = operation->kind == 'r' ? "read" : operation->kind == 'w' ? "write" : operation->kind == 's' ? "swap" : "cas";
	char value[64] = "-", place[32] = "", end[24] = "-";

	if (operation->kind == 'c')
		snprintf(value, sizeof value, "%s,%s", operation->expected, operation->value);
	else if (operation->kind != 'r')
		snprintf(value, sizeof value, "%s", operation->value);
	if (position > 0)
		snprintf(place, sizeof place, " @%" PRIu64, position);
	if (returned > 0)
		snprintf(end, sizeof end, "%" PRId64, returned);
	printf("%" PRIu64 " %" PRId64 " %s %s %" PRIu64 " %s %s%s\n", operation->client, operation->invoked, end, kind, operation->key,
		value, result, place);
}

/* ---- workers ---- */

static void draw_operation(struct load *load, struct worker *worker, struct operation *operation)
{
	*operation = (struct operation){.ticket = load->tickets, .client = worker->client, .kind = "rrrwwcs"[load_draw(&load->random, 7)],
		.key = load_draw(&load->random, load->settings->keys), .member = worker->member, .worker = (size_t)(worker - load->worker)};
	snprintf(operation->value, sizeof operation->value, "%" PRIu64, load->tickets);
	snprintf(operation->expected, sizeof operation->expected, "%s", worker->seen);
}

/* What group_registers understands. */
static void put_order(const struct operation *operation, struct buffer *out)
{
	char text[96];

	if (operation->kind == 'r')
		snprintf(text, sizeof text, "r k%" PRIu64, operation->key);
	else if (operation->kind == 'c')
		snprintf(text, sizeof text, "c k%" PRIu64 " %s %s", operation->key, operation->expected, operation->value);
	else
		snprintf(text, sizeof text, "%c k%" PRIu64 " %s", operation->kind, operation->key, operation->value);
	buffer_append(out, bytes_of_text(text));
}

/* The same for a map: every write tells what it replaced, so it is a swap. */
static void put_map_order(const struct operation *operation, struct buffer *out)
{
	char text[24];
	bool has_expected = strcmp(operation->expected, "-") != 0;
	struct bytes key;

	snprintf(text, sizeof text, "k%" PRIu64, operation->key);
	key = bytes_of_text(text);
	if (operation->kind == 'r')
		map_get(out, key);
	else if (operation->kind == 'c')
		map_cas(out, &(struct map_swap){key, has_expected, true, bytes_of_text(operation->expected), bytes_of_text(operation->value)});
	else
		map_put(out, key, bytes_of_text(operation->value));
}

static bool put(struct load *load, struct operation *operation)
{
	struct client *client = load->member[operation->member].client;
	struct buffer order = {0};
	enum error error;

	if (load->settings->map && operation->kind == 'w')
		operation->kind = 's';
	(load->settings->map ? put_map_order : put_order)(operation, &order);
	if (operation->kind == 'r') {
		struct group_query query = {.ticket = operation->ticket, .level = load->settings->local ? QUERY_LOCAL : QUERY_STRONG,
			.deadline = MSEC_NEVER, .query = buffer_bytes(&order)};

		error = node_client_query(node_of(load), client, &query);
	} else {
		error = node_client_propose(node_of(load), client, operation->ticket, buffer_bytes(&order));
	}
	buffer_fini(&order);
	return error == OK;
}

static bool may_begin(const struct load *load, msec now)
{
	uint64_t rate = load->settings->rate;

	return load->is_running && load->begun < load->settings->ops && now < load->until &&
		(rate == 0 || load->begun * 1000 <= rate * (uint64_t)(now - load->started));
}

static void begin(struct load *load, msec now, struct worker *worker)
{
	struct operation *operation;

	do
		operation = &load->open[++load->tickets % OPEN_MAX];
	while (operation->ticket != 0);
	draw_operation(load, worker, operation);
	operation->invoked = clock_now();
	if (!put(load, operation)) {
		operation->ticket = 0;
		return;
	}
	worker->ticket = operation->ticket;
	worker->began = now;
	load->begun++;
}

static void turn_worker(struct load *load, msec now, struct worker *worker)
{
	if (worker->ticket != 0 && now - worker->began >= PATIENCE) {
		worker->ticket = 0;
		worker->client = next_client(load, worker->member);
		load->pending++;
	}
	if (worker->ticket == 0 && load->member[worker->member].is_up && load->pending < OPEN_MAX / 2 && may_begin(load, now))
		begin(load, now, worker);
}

/* Nothing happened for sure. */
static bool is_refusal(enum error reason)
{
	return reason != ERROR_TIMEOUT && reason != ERROR_INDETERMINATE;
}

#define RESULT_SIZE 24

/* What a map said, in the words of group_registers. */
static void map_result(const struct operation *operation, struct bytes answer, char *out)
{
	struct result result;
	enum error error = result_decode(answer, &result);

	ASSERT(error == OK && !outcome_is_refusal(result.outcome) && !result.left_out);
	if (operation->kind == 'c')
		snprintf(out, RESULT_SIZE, "%s", result.outcome == OUTCOME_DONE ? "ok" : "fail");
	else if (result.values > 0)
		snprintf(out, RESULT_SIZE, "%.*s", (int)result.value[0].size, (const char *)result.value[0].data);
	else
		snprintf(out, RESULT_SIZE, "-");
}

/* What the machine said; "?" where it was too slow. */
static void read_result(const struct load *load, const struct operation *operation, const struct client_fact *fact, char *out)
{
	if (load->settings->map && fact->reason == OK) {
		map_result(operation, fact->bytes, out);
		return;
	}
	ASSERT(fact->bytes.size < RESULT_SIZE);
	snprintf(out, RESULT_SIZE, "%.*s", (int)fact->bytes.size, (const char *)fact->bytes.data);
	if (fact->reason == OK && fact->bytes.size == 0)
		snprintf(out, RESULT_SIZE, "%s", operation->kind == 'w' ? "ok" : "?");
}

static void on_result(struct load *load, const struct client_fact *fact)
{
	struct operation *operation = &load->open[fact->ticket % OPEN_MAX];
	struct worker *worker = &load->worker[operation->worker];
	int64_t returned = clock_now();
	bool is_open = worker->ticket == operation->ticket;
	char result[RESULT_SIZE];

	ASSERT(operation->ticket == fact->ticket);
	read_result(load, operation, fact, result);
	if (is_open)
		worker->ticket = 0;
	else
		load->pending--;
	if (fact->reason == OK) {
		record(operation, returned, result, fact->position);
		load->acknowledged++;
		*(operation->kind == 'r' ? &load->member[operation->member].reads : &load->member[operation->member].writes) += 1;
		if (is_open)
			snprintf(worker->seen, sizeof worker->seen, "%s", operation->kind == 'r' && result[0] != '?' ? result : operation->value);
	} else if (operation->kind == 'r' || is_refusal(fact->reason)) {
		load->refused++;
	} else {
		record(operation, 0, "-", 0);
		if (is_open)
			worker->client = next_client(load, worker->member);
	}
	operation->ticket = 0;
}

/* ---- members ---- */

static void turn_member(struct load *load, msec now, struct asked *member)
{
	struct client_options options = {.self = load->ask.session.identity.public_key, .group = load->group_id};

	if (member->client || now < member->dial_at)
		return;
	options.key = group_key(&load->settings->common, kind_of(load), load->group, NULL);
	member->client = node_client(node_of(load), now, &options, &(struct dial){.peer = member->peer});
}

static void on_fact(struct ask *ask, msec now, const struct node_fact *fact)
{
	struct load *load = ask->self;
	struct asked *member = load->member;

	if (fact->kind != NODE_CLIENT)
		return;
	while (member < load->member + load->members && member->client != fact->client)
		member++;
	if (member < load->member + load->members) {
		switch ((int)fact->client_fact.kind) {
		case CLIENT_UP:
			member->is_up = true;
			break;
		case CLIENT_DOWN:
			node_client_free(node_of(load), member->client);
			member->client = NULL;
			member->is_up = false;
			member->dial_at = now + DIAL_AGAIN;
			break;
		case CLIENT_RESULT:
			on_result(load, &fact->client_fact);
			break;
		default:
			break;
		}
	}
	blob_drop(fact->client_fact.message);
}

static void answered(struct ask *ask, msec now)
{
	struct load *load = ask->self;
	const struct catalog_peer *one;
	size_t at = 0;

	load->members = 0;
	while (load->members < MEMBERS_MAX && (one = catalog_next(ask_catalog(ask), &at)) != NULL)
		if (load_is_member(&one->entry->card, kind_of(load), load->group, &load->group_id))
			load->member[load->members++].peer = one->entry->card.peer;
	if (load->members < load->settings->members) {
		ask_again(ask, now + DIAL_AGAIN);
		return;
	}
	for (load->workers = 0; load->workers < load->settings->workers * load->members; load->workers++)
		load->worker[load->workers] = (struct worker){.member = load->workers % load->members, .client = next_client(load, load->workers % load->members), .seen = "-"};
	load->is_running = true;
	load->started = now;
	load->until = load->settings->duration == MSEC_NEVER ? MSEC_NEVER : now + load->settings->duration;
	fprintf(stderr, "running\n");
}

static void end(struct load *load, int status)
{
	uint64_t never = 0;

	for (size_t i = 0; i < OPEN_MAX; i++) {
		if (load->open[i].ticket == 0 || load->open[i].kind == 'r')
			continue;
		record(&load->open[i], 0, "-", 0);
		never++;
	}
	fprintf(stderr, "ops=%" PRIu64 " acknowledged=%" PRIu64 " pending=%" PRIu64 " refused=%" PRIu64 " writes=", load->begun,
		load->acknowledged, never, load->refused);
	for (size_t i = 0; i < load->members; i++)
		fprintf(stderr, "%s%" PRIu64, i > 0 ? "," : "", load->member[i].writes);
	fprintf(stderr, " reads=");
	for (size_t i = 0; i < load->members; i++)
		fprintf(stderr, "%s%" PRIu64, i > 0 ? "," : "", load->member[i].reads);
	fprintf(stderr, "\n");
	load->is_running = false;
	for (size_t i = 0; i < load->members; i++)
		if (load->member[i].client)
			node_client_free(node_of(load), load->member[i].client);
	session_leave(&load->ask.session, fflush(stdout) == 0 ? status : EXIT_IO);
}

static void turn(struct ask *ask, msec now)
{
	struct load *load = ask->self;
	size_t busy = 0;

	(void)session_stats_due(&ask->session, now);
	if (!load->is_running)
		return;
	for (size_t i = 0; i < load->members; i++)
		turn_member(load, now, &load->member[i]);
	for (size_t i = 0; i < load->workers; i++) {
		turn_worker(load, now, &load->worker[i]);
		busy += load->worker[i].ticket != 0;
	}
	if (busy == 0 && (now >= load->until || load->begun >= load->settings->ops))
		end(load, EXIT_YES);
}

static void stopped(struct ask *ask, int status)
{
	end(ask->self, status);
}

#define FIELD(member, type) OPTION_FIELD(struct settings, member, type)

static const struct option_row rows[] = {
	{0, "members", OPTION_NUMBER, FIELD(members, uint64_t), "N", NULL, "begin when so many are listed"},
	{0, "workers", OPTION_NUMBER, FIELD(workers, uint64_t), "N", NULL, "at each member"},
	{0, "ops", OPTION_NUMBER, FIELD(ops, uint64_t), "N", NULL, "end after so many"},
	{0, "for", OPTION_DURATION, FIELD(duration, msec), "DUR", NULL, "end after so long"},
	{0, "rate", OPTION_NUMBER, FIELD(rate, uint64_t), "N", NULL, "not more in a second"},
	{0, "keys", OPTION_NUMBER, FIELD(keys, uint64_t), "N", NULL, "registers"},
	{0, "seed", OPTION_NUMBER, FIELD(seed, uint64_t), "N", NULL, "of what is asked"},
	{0, "local", OPTION_FLAG, FIELD(local, bool), NULL, NULL, "local reads"},
	{0, "map", OPTION_FLAG, FIELD(map, bool), NULL, NULL, "GROUP is a map"},
	{.name = NULL}
};

static const struct command command = {.name = "group_load", .usage = "-n NETWORK [options] GROUP", .options = rows,
	.examples = (const char *const[]){"group_load -n test --ops 100000 g >history", NULL},
	.common = "network peer no-local bind timeout quiet verbose"};

int main(int argc, char **argv)
{
	static struct load load;
	struct settings settings = {.common = COMMON_DEFAULTS(MSEC_NEVER), .members = 3, .workers = 4, .ops = UINT64_MAX,
		.duration = MSEC_NEVER, .keys = 50, .seed = 1};
	int first = options_parse(&command, argc, argv, &settings), status;

	if (argc - first != 1 || settings.members > MEMBERS_MAX || settings.workers * MEMBERS_MAX > WORKERS_MAX || settings.keys == 0)
		usage_error("one GROUP; at most %d members and %d workers each", MEMBERS_MAX, WORKERS_MAX / MEMBERS_MAX);
	settings.common.stats = TICK;
	load.settings = &settings;
	load.group = argv[first];
	load.random = settings.seed * 0x9e3779b97f4a7c15u + 1;
	load.ask = (struct ask){.common = settings.common, .patient = true, .answered = answered, .turn = turn, .stopped = stopped,
		.fact = on_fact, .self = &load};
	status = ask_run(&load.ask);
	options_free(&command, &settings);
	return status;
}
