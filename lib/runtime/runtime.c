/*
 * runtime.c - see runtime.h.
 *
 * Everything happens between two polls of libuv. Links call back with events, which go straight into the node; what the
 * node wants done waits in its outbox until on_turn, the one place where effects are carried out. So no machine is ever
 * entered while it runs, and no packet leaves before everything that arrived was looked at.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "net/identity.h"
#include "net/links.h"
#include "runtime/bearer.h"
#include "runtime/host.h"
#include "runtime/local.h"
#include "runtime/resolve.h"
#include "runtime/spin.h"
#include "runtime/stdio.h"
#include "wire/limits.h"

#define ROUNDS_A_TURN 8          /* of effects and what follows from them, before others get their turn */
#define HOUSEKEEPING 1000        /* msec between looks at round trips, tickets and the rendezvous */
#define GIVE_BACK 10000          /* msec between returns of unused memory */
#define HINTS_MAX 3              /* local nodes dialled at the start; gossip finds the others */
#define ASK_AT_ONCE 3            /* members that a guest asks */
#define SIGNALS 4                /* that are listened to */

struct runtime {
	struct runtime_options options;
	struct log log;
	uv_loop_t loop;
	uv_prepare_t prepare;
	uv_idle_t idle;
	uv_timer_t timer;
	uv_signal_t signal[SIGNALS];
	struct reader_watch *reader; /* of stdout; NULL: nobody minds, or it has none */
	struct node *node;
	struct links *links;
	struct local *local;
	struct resolver **resolver;
	size_t resolver_count;
	bool *unresolved;            /* by peer of the options: its name was looked up, in vain so far */
	struct dial member[ASK_AT_ONCE];   /* guests: of -p, as they become known */
	size_t member_count;
	struct dial token;
	struct buffer hello;         /* as last given to links */
	struct spin spin;
	uint64_t traffic;            /* bytes in and out when the last turn began */
	uint64_t events;             /* from links; tells a turn that more came in */
	msec housekeeping_due;
	msec give_back_due;
	uint64_t handshakes[2];      /* at the last return, and at the one before */
	msec leave_by;
	unsigned signals;
	bool asking;                 /* guests: runtime_ask was called */
	size_t asked;                /* so many by it, the last time */
	bool again;
	bool leaving;
	bool shut;
};

msec runtime_now(struct runtime *runtime)
{
	return (msec)uv_now(&runtime->loop);
}

msec runtime_wall(struct runtime *runtime)
{
	struct timespec wall;

	(void)runtime;
	clock_gettime(CLOCK_REALTIME, &wall);
	return (msec)wall.tv_sec * 1000 + wall.tv_nsec / 1000000;
}

static void write_log(void *context, enum log_level level, const char *line, size_t size)
{
	const struct runtime *runtime = context;

	(void)level;
	fprintf(stderr, "%s: %.*s\n", runtime->options.program_name, (int)size, line);
}

/* ---- events from links ---- */

static void on_met(void *self, const struct id *peer, const struct address *from, struct bytes hello)
{
	struct runtime *runtime = self;

	runtime->events++;
	node_met(runtime->node, runtime_now(runtime), peer, from, hello);
	node_set_rtt(runtime->node, peer, links_rtt_us(runtime->links, peer));
}

static void on_linked(void *self, enum protocol protocol, const struct link *link)
{
	struct runtime *runtime = self;

	runtime->events++;
	node_linked(runtime->node, runtime_now(runtime), protocol, link);
}

static void on_unlinked(void *self, enum protocol protocol, link_id link, enum error reason)
{
	struct runtime *runtime = self;

	runtime->events++;
	node_unlinked(runtime->node, runtime_now(runtime), protocol, link, reason);
}

static enum error on_received(void *self, enum protocol protocol, link_id link, struct blob *message)
{
	struct runtime *runtime = self;

	runtime->events++;
	return node_received(runtime->node, runtime_now(runtime), protocol, link, message);
}

static void on_sent(void *self, enum protocol protocol, link_id link, size_t bytes)
{
	struct runtime *runtime = self;

	runtime->events++;
	node_sent(runtime->node, runtime_now(runtime), protocol, link, bytes);
}

static bool credit_at_once(void *self, enum protocol protocol)
{
	(void)self;
	return node_credit_at_once(protocol);
}

static const struct links_ops links_ops = {on_met, on_linked, on_unlinked, on_received, on_sent};

/* ---- the turn ---- */

static bool carry_out(struct runtime *runtime)
{
	struct effect effect;
	bool any = false;

	while (node_next_effect(runtime->node, &effect)) {
		any = true;
		switch (effect.kind) {
		case EFFECT_CONNECT:
			links_connect(runtime->links, effect.protocol, effect.link, effect.dial);
			memory_free(effect.dial);
			break;
		case EFFECT_SEND:
			links_send(runtime->links, effect.link, effect.payload);
			break;
		case EFFECT_CONSUMED:
			links_consumed(runtime->links, effect.link, effect.bytes);
			break;
		case EFFECT_CLOSE:
			links_close(runtime->links, effect.link, effect.reason);
			break;
		}
	}
	return any;
}

/* New connections present the newest entry. */
static void refresh_hello(struct runtime *runtime, msec now)
{
	struct bytes hello = node_hello(runtime->node, now);

	if (bytes_equal(hello, buffer_bytes(&runtime->hello)))
		return;
	buffer_clear(&runtime->hello);
	buffer_append(&runtime->hello, hello);
	links_set_hello(runtime->links, hello);
}

static void refresh_round_trips(struct runtime *runtime)
{
	const struct catalog *catalog = node_catalog(runtime->node);
	const struct catalog_peer *peer;
	size_t at = 0;

	while ((peer = catalog_next(catalog, &at)) != NULL) {
		uint64_t rtt_us = links_rtt_us(runtime->links, &peer->entry->card.peer);

		if (rtt_us > 0)
			node_set_rtt(runtime->node, &peer->entry->card.peer, rtt_us);
	}
}

static void hint_local(struct runtime *runtime, msec now)
{
	struct dial found[HINTS_MAX];
	size_t count = local_find(&runtime->options.network, &runtime->options.identity->public_key, found, HINTS_MAX);

	for (size_t i = 0; i < count; i++)
		node_add_hint(runtime->node, now, &found[i]);
}

/* Hundreds of connections may come and go while a network starts. glibc keeps their memory, in pieces, unless asked. */
static void give_back(struct runtime *runtime, msec now)
{
	uint64_t handshakes = links_count(runtime->links)->handshakes;

	if (now < runtime->give_back_due)
		return;
	runtime->give_back_due = now + GIVE_BACK;
	/* The one before: what was opened late in the last interval has closed in this one. */
	if (handshakes != runtime->handshakes[1])
		malloc_trim(0);
	runtime->handshakes[1] = runtime->handshakes[0];
	runtime->handshakes[0] = handshakes;
}

static void keep_house(struct runtime *runtime, msec now)
{
	if (now < runtime->housekeeping_due || runtime->options.guest)
		return;
	runtime->housekeeping_due = now + HOUSEKEEPING;
	refresh_round_trips(runtime);
	if (runtime->options.bearer)
		bearer_refresh(runtime->options.bearer, runtime->node, now, &runtime->log);
	give_back(runtime, now);
	if (runtime->options.local && node_neighbours(runtime->node) == 0)
		hint_local(runtime, now);
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;   /* the turn that follows looks at every deadline */
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void arm(struct runtime *runtime, msec now)
{
	const struct program *program = runtime->options.program;
	msec due = node_deadline(runtime->node);

	if (!runtime->options.guest)
		due = msec_min(due, runtime->housekeeping_due);
	if (runtime->leaving)
		due = msec_min(due, runtime->leave_by);
	else if (program->deadline)
		due = msec_min(due, program->deadline(runtime->options.self));
	if (due == MSEC_NEVER)
		uv_timer_stop(&runtime->timer);
	else
		uv_timer_start(&runtime->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
	if (runtime->again)
		uv_idle_start(&runtime->idle, on_idle);
	else
		uv_idle_stop(&runtime->idle);
}

/* One step of leaving: first everything is flushed, then every connection is closed, then the loop ends. */
static void leave_step(struct runtime *runtime, msec now)
{
	if (!runtime->shut && (!links_busy(runtime->links) || now >= runtime->leave_by)) {
		links_shut(runtime->links);
		links_flush(runtime->links);
		runtime->shut = true;
		runtime->leave_by = MSEC_NEVER;
	}
	if (runtime->shut && links_closed(runtime->links))
		uv_stop(&runtime->loop);
}

static void wake(struct runtime *runtime)
{
	const struct links_counters *counters = links_count(runtime->links);
	uint64_t traffic = counters->bytes_received + counters->bytes_sent;

	spin_wake(&runtime->spin, uv_hrtime(), (size_t)(traffic - runtime->traffic));
	runtime->traffic = traffic;
}

/* Before the loop sleeps; whoever else has something to do meanwhile has the processor. */
static void rest(struct runtime *runtime)
{
	struct pollfd loop = {.fd = uv_backend_fd(&runtime->loop), .events = POLLIN};

	if (spin_rest(&runtime->spin, uv_hrtime()) == 0 || uv_backend_timeout(&runtime->loop) == 0)
		return;
	while (spin_looks(&runtime->spin, uv_hrtime()) && poll(&loop, 1, 0) == 0)
		sched_yield();
}

static void on_turn(uv_prepare_t *prepare)
{
	struct runtime *runtime = prepare->data;
	msec now = runtime_now(runtime);
	bool moved = true;

	wake(runtime);
	runtime->again = false;
	node_set_wall(runtime->node, now, runtime_wall(runtime));
	keep_house(runtime, now);
	for (int round = 0; round < ROUNDS_A_TURN && moved && !runtime->shut; round++) {
		uint64_t events = runtime->events;

		if (node_deadline(runtime->node) <= now)
			node_tick(runtime->node, now);
		if (!runtime->leaving)
			runtime->options.program->turn(runtime->options.self, now);
		refresh_hello(runtime, now);
		moved = carry_out(runtime);
		links_flush(runtime->links);
		moved = moved || runtime->events != events;
	}
	runtime->again = runtime->again || moved;
	if (runtime->leaving)
		leave_step(runtime, now);
	arm(runtime, now);
	rest(runtime);
}

/* ---- signals ---- */

static void on_signal(uv_signal_t *handle, int number)
{
	struct runtime *runtime = handle->data;

	if (number != SIGUSR1 && ++runtime->signals > 1)
		runtime_die_of(number);
	if (!runtime->leaving && runtime->options.program->signal)
		runtime->options.program->signal(runtime->options.self, number);
}

void runtime_die_of(int signal_number)
{
	sigset_t set;

	signal(signal_number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal_number);
	_exit(128 + signal_number);
}

/* ---- opening ---- */

static void on_resolved(void *self, const struct dial *dial)
{
	struct runtime *runtime = self;

	if (!runtime->options.guest) {
		node_add_bootstrap(runtime->node, runtime_now(runtime), dial);
		return;
	}
	if (runtime->member_count < ASK_AT_ONCE)
		runtime->member[runtime->member_count++] = *dial;
	if (runtime->asking)
		node_ask(runtime->node, runtime_now(runtime), dial);
}

static void on_unresolved(void *self, const char *peer, const char *reason)
{
	struct runtime *runtime = self;

	for (size_t i = 0; i < runtime->options.peer_count; i++)
		runtime->unresolved[i] |= strcmp(runtime->options.peer[i], peer) == 0;
	runtime_again(runtime);
	log_event(&runtime->log, LOG_WARN, runtime_now(runtime), "resolve", "failed peer=%s reason=\"%s\"", peer, reason);
}

static const struct resolve_ops resolve_ops = {on_resolved, on_unresolved};

static bool is_ignored(int signal_number)
{
	struct sigaction action;

	return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void open_loop(struct runtime *runtime)
{
	static const int number[SIGNALS] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};
	int status = uv_loop_init(&runtime->loop);

	ASSERT(status == 0);
	uv_prepare_init(&runtime->loop, &runtime->prepare);
	uv_idle_init(&runtime->loop, &runtime->idle);
	uv_timer_init(&runtime->loop, &runtime->timer);
	runtime->prepare.data = runtime;
	uv_prepare_start(&runtime->prepare, on_turn);
	for (int i = 0; i < SIGNALS; i++) {
		uv_signal_init(&runtime->loop, &runtime->signal[i]);
		runtime->signal[i].data = runtime;
		if (number[i] != SIGHUP || !is_ignored(SIGHUP))
			uv_signal_start(&runtime->signal[i], on_signal, number[i]);
	}
	signal(SIGPIPE, SIG_IGN);   /* EPIPE is an answer; whoever must die of it does so by runtime_die_of */
}

static void open_node(struct runtime *runtime)
{
	struct node_options options = {.network = runtime->options.network, .identity = runtime->options.identity,
		.crypto = &crypto_ed25519, .log = &runtime->log, .guest = runtime->options.guest, .no_names = runtime->options.no_names,
		.purge_after = runtime->options.purge_after};

	identity_entropy(&options.seed, sizeof options.seed);
	runtime->node = node_new(&options, runtime_now(runtime), runtime_wall(runtime));
	for (size_t i = 0; i < runtime->options.tag_count; i++)
		node_add_tag(runtime->node, runtime_now(runtime), runtime->options.tag[i]);
	if (runtime->options.bearer && !runtime->options.guest)
		bearer_refresh(runtime->options.bearer, runtime->node, runtime_now(runtime), &runtime->log);
}

static enum error open_links(struct runtime *runtime, const char **what)
{
	struct links_options options = {.loop = &runtime->loop, .ops = &links_ops, .self = runtime,
		.identity = runtime->options.identity, .network = runtime->options.network, .log = &runtime->log,
		.credit_at_once = credit_at_once};
	const char *bind = runtime->options.bind;

	*what = bind ? bind : "[::]:0";
	if (runtime->options.record_max > RECORD_MAX)
		options.stream_frame_max = runtime->options.record_max + BATCH_OVERHEAD_MAX;
	if (bind && host_parse_bind(bind, &options.bind) != OK)
		return ERROR_BAD_TEXT;
	return links_open(&options, &runtime->links);
}

static enum error open_addresses(struct runtime *runtime, const char **what)
{
	struct dial *token = &runtime->token;
	struct address bound = links_address(runtime->links);
	struct dial advertised = {0};

	token->peer = runtime->options.identity->public_key;
	if (runtime->options.advertise) {
		*what = runtime->options.advertise;
		if (local_parse_token(runtime->options.advertise, &advertised) != OK)
			return ERROR_BAD_TEXT;
		token->address[token->count++] = advertised.address[0];
	}
	token->count += host_addresses(&bound, token->address + token->count, DIAL_ADDRESSES_MAX - token->count);
	node_set_addresses(runtime->node, runtime_now(runtime), token->address, token->count);
	return OK;
}

static enum error open_peers(struct runtime *runtime, const char **what)
{
	runtime->resolver = memory_new((runtime->options.peer_count + 1) * sizeof(struct resolver *));
	runtime->unresolved = memory_new((runtime->options.peer_count + 1) * sizeof(bool));
	for (size_t i = 0; i < runtime->options.peer_count; i++) {
		struct resolver *resolver;

		*what = runtime->options.peer[i];
		if (resolve_peer(&runtime->loop, *what, &resolve_ops, runtime, &resolver) != OK)
			return ERROR_BAD_TEXT;
		if (resolver)
			runtime->resolver[runtime->resolver_count++] = resolver;
	}
	return OK;
}

/* The same addresses, but those that are best on this very host first. */
static struct dial local_token(const struct runtime *runtime)
{
	struct dial token = {.peer = runtime->token.peer};

	for (int loopback = 1; loopback >= 0; loopback--)
		for (size_t i = 0; i < runtime->token.count; i++)
			if (address_is_loopback(&runtime->token.address[i]) == (loopback == 1))
				token.address[token.count++] = runtime->token.address[i];
	return token;
}

/* Our file first, then a look at the others: of two nodes that start together, one at least sees the other. */
static void open_local(struct runtime *runtime)
{
	struct dial token = local_token(runtime);
	enum error error;

	if (!runtime->options.local || runtime->options.guest)
		return;
	error = local_publish(&runtime->options.network, &token, &runtime->local);
	if (error != OK)
		log_event(&runtime->log, LOG_WARN, runtime_now(runtime), "local", "no rendezvous reason=\"%s\"",
			error == ERROR_SYSTEM ? strerror(errno) : "the folder is not safely ours");
	hint_local(runtime, runtime_now(runtime));
}

enum error runtime_open(const struct runtime_options *options, struct runtime **out, const char **what)
{
	struct runtime *runtime = memory_new(sizeof *runtime);
	enum error error;

	/* 64 KiB blobs come and go at a high rate: without this, glibc gives their pages back and faults them in again. */
	mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 16 * 1024 * 1024);
	runtime->options = *options;
	runtime->log.level = options->log_level;
	runtime->log.write = write_log;
	runtime->log.context = runtime;
	id_format_short(&options->identity->public_key, runtime->log.node);
	open_loop(runtime);
	open_node(runtime);
	error = open_links(runtime, what);
	if (error == OK)
		error = open_addresses(runtime, what);
	if (error == OK)
		error = open_peers(runtime, what);
	if (error != OK) {
		int saved = errno;

		runtime_close(runtime);
		errno = saved;
		return error;
	}
	open_local(runtime);
	runtime->housekeeping_due = runtime_now(runtime) + HOUSEKEEPING;
	runtime->give_back_due = runtime_now(runtime) + GIVE_BACK;
	*out = runtime;
	return OK;
}

/* ---- running and closing ---- */

void runtime_run(struct runtime *runtime)
{
	uv_run(&runtime->loop, UV_RUN_DEFAULT);
}

void runtime_close(struct runtime *runtime)
{
	int left;

	if (!runtime)
		return;
	local_withdraw(runtime->local);
	reader_watch_close(runtime->reader);
	if (runtime->links && !runtime->shut)
		links_shut(runtime->links);
	uv_prepare_stop(&runtime->prepare);
	while (runtime->links && !links_closed(runtime->links))
		uv_run(&runtime->loop, UV_RUN_ONCE);
	links_free(runtime->links);
	for (size_t i = 0; i < runtime->resolver_count; i++)
		resolve_cancel(runtime->resolver[i]);
	memory_free(runtime->resolver);
	memory_free(runtime->unresolved);
	uv_close((uv_handle_t *)&runtime->prepare, NULL);
	uv_close((uv_handle_t *)&runtime->idle, NULL);
	uv_close((uv_handle_t *)&runtime->timer, NULL);
	for (int i = 0; i < SIGNALS; i++)
		uv_close((uv_handle_t *)&runtime->signal[i], NULL);
	uv_run(&runtime->loop, UV_RUN_DEFAULT);
	left = uv_loop_close(&runtime->loop);
	ASSERT(left == 0);
	node_free(runtime->node);
	bearer_close(runtime->options.bearer);
	buffer_fini(&runtime->hello);
	memory_free(runtime);
}

struct node *runtime_node(struct runtime *runtime)
{
	return runtime->node;
}

struct uv_loop_s *runtime_loop(struct runtime *runtime)
{
	return &runtime->loop;
}

void runtime_again(struct runtime *runtime)
{
	runtime->again = true;
}

void runtime_leave(struct runtime *runtime, msec within)
{
	msec now = runtime_now(runtime);

	if (runtime->leaving)
		return;
	runtime->leaving = true;
	runtime->leave_by = now + within;
	local_withdraw(runtime->local);
	runtime->local = NULL;
	if (!runtime->options.guest)
		node_depart(runtime->node, now);
	runtime_again(runtime);
}

static void on_reader_gone(void *self)
{
	struct runtime *runtime = self;

	if (!runtime->leaving && runtime->options.program->signal)
		runtime->options.program->signal(runtime->options.self, SIGPIPE);
}

void runtime_mind_reader(struct runtime *runtime)
{
	if (!runtime->reader)
		runtime->reader = reader_watch_open(&runtime->loop, STDOUT_FILENO, on_reader_gone, runtime);
}

struct dial runtime_token(const struct runtime *runtime)
{
	return runtime->token;
}

struct runtime_traffic runtime_traffic(const struct runtime *runtime)
{
	const struct links_counters *counters = links_count(runtime->links);

	return (struct runtime_traffic){.bytes_received = counters->bytes_received, .bytes_sent = counters->bytes_sent,
		.packets_received = counters->packets_received, .packets_sent = counters->packets_sent};
}

size_t runtime_ask(struct runtime *runtime)
{
	struct dial member[ASK_AT_ONCE];
	size_t count = 0;

	while (count < ASK_AT_ONCE && count < runtime->member_count) {
		member[count] = runtime->member[count];
		count++;
	}
	if (runtime->options.local)
		count += local_find(&runtime->options.network, NULL, member + count, ASK_AT_ONCE - count);
	for (size_t i = 0; i < count; i++)
		node_ask(runtime->node, runtime_now(runtime), &member[i]);
	runtime->asking = true;
	runtime->asked = count;
	runtime_again(runtime);
	return count + (runtime->member_count == 0 ? runtime->resolver_count : 0);
}

bool runtime_is_asking_in_vain(const struct runtime *runtime)
{
	size_t unresolved = 0;

	if (!runtime->asking || runtime->asked > 0 || runtime->member_count > 0)
		return false;
	for (size_t i = 0; i < runtime->options.peer_count; i++)
		unresolved += runtime->unresolved[i];
	return unresolved == runtime->resolver_count;
}
