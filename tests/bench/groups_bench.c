/*
 * groups_bench.c - commands a second through a group in memory, without a network: what the machines themselves cost.
 *
 *      replica      entries of 64 commands into a replica
 *      one          one member, 64 commands proposed at a time
 *      one by one   one member, each command answered before the next
 *      three        three members in one process, 64 commands at a time
 */
#include <stdio.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "groups/group.h"
#include "groups/replica.h"
#include "wire/cbor.h"

#define COMMANDS 1000000
#define BATCH 64
#define MEMBERS_MAX 3

/* ---- the least that a state can be ---- */

static void signature(const void *self, struct buffer *out)
{
	(void)self;
	buffer_append(out, bytes_of_text("bench"));
}

static void apply(void *self, const struct state_moment *moment, struct bytes command, struct buffer *result,
	struct buffer *changes)
{
	(void)moment;
	(void)result;
	(void)changes;
	*(uint64_t *)self += command.size;
}

static enum error query(const void *self, struct bytes bytes, struct buffer *answer)
{
	(void)bytes;
	cbor_put_uint(answer, *(const uint64_t *)self);
	return OK;
}

static void *freeze(const void *self)
{
	return memory_copy(self, sizeof(uint64_t));
}

static bool items(void *frozen, uint64_t *cursor, size_t enough, struct buffer *out)
{
	(void)frozen;
	(void)cursor;
	(void)enough;
	(void)out;
	return false;
}

static void clear(void *self)
{
	*(uint64_t *)self = 0;
}

static enum error restore(void *self, struct bytes item)
{
	(void)self;
	(void)item;
	return ERROR_MALFORMED;
}

static struct id hash(const void *self)
{
	return id_hash(bytes_of(self, sizeof(uint64_t)));
}

static const struct state_ops ops = {.signature = signature, .apply = apply, .query = query, .freeze = freeze, .items = items,
	.thaw = memory_free, .clear = clear, .restore = restore, .hash = hash, .free = memory_free};

static struct state state_new(void)
{
	return (struct state){&ops, memory_new(sizeof(uint64_t))};
}

/* ---- measuring ---- */

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void report(const char *what, double since, uint64_t commands)
{
	double span = seconds() - since;

	printf("%-12s %9.0f commands/s  %7.0f ns a command\n", what, (double)commands / span, span * 1e9 / (double)commands);
}

static void bench_replica(void)
{
	static const char text[100];
	struct state state = state_new();
	struct replica replica;
	struct buffer commands = {0}, payload = {0};
	struct session_command command = {.session = 1, .count = BATCH};
	struct log_entry entry = {.head = {.index = 1, .term = 1, .kind = ENTRY_SESSION_OPEN}, .payload = blob_new(0, 0)};
	struct applied applied;
	double start;

	replica_init(&replica, &state);
	replica_apply(&replica, &entry, NULL, &applied);
	blob_drop(entry.payload);
	for (int i = 0; i < BATCH; i++)
		cbor_put_bytes(&commands, bytes_of(text, sizeof text));
	command.commands = buffer_bytes(&commands);
	start = seconds();
	for (uint64_t done = 0; done < COMMANDS; done += BATCH) {
		buffer_clear(&payload);
		command.sequence++;
		command.floor = command.sequence - 1;
		session_command_encode(&command, &payload);
		entry.head = (struct entry_head){.index = replica.index + 1, .term = 1, .kind = ENTRY_COMMANDS, .commands = BATCH,
			.position = done};
		entry.payload = blob_copy(buffer_bytes(&payload));
		replica_apply(&replica, &entry, NULL, &applied);
		ASSERT(applied.verdict == SESSION_NEW);
		blob_drop(entry.payload);
	}
	report("replica", start, COMMANDS);
	buffer_fini(&commands);
	buffer_fini(&payload);
	replica_fini(&replica);
}

struct world {
	struct group *member[MEMBERS_MAX];
	size_t count;
	msec now;
	uint64_t answered;
};

static struct id id_of(size_t n)
{
	struct id id = {{(uint8_t)(n + 1)}};

	return id;
}

static bool settle_one(struct world *world, size_t n)
{
	struct group_effect effect;
	struct group_fact fact;
	bool moved = false;
	struct id id = id_of(n);

	while (group_next_effect(world->member[n], &effect)) {
		enum error error = group_receive(world->member[effect.peer.byte[0] - 1], world->now, &id, effect.lane,
			blob_bytes(effect.payload));

		ASSERT(error == OK);
		blob_drop(effect.payload);
		moved = true;
	}
	while (group_next_fact(world->member[n], &fact)) {
		world->answered += fact.kind == GROUP_RESULT && fact.reason == OK;
		blob_drop(fact.bytes);
	}
	return moved;
}

static void settle(struct world *world)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t n = 0; n < world->count; n++)
			moved = settle_one(world, n) || moved;
	}
}

static void greet(struct world *world)
{
	for (size_t a = 0; a < world->count; a++) {
		for (size_t b = 0; b < world->count; b++) {
			struct group_hello hello;
			struct id id = id_of(b);

			group_hello(world->member[b], &hello);
			if (a != b)
				group_peer_up(world->member[a], world->now, &id, &hello);
		}
	}
}

static size_t leader(const struct world *world)
{
	for (size_t n = 0; n < world->count; n++) {
		struct group_status status;

		group_status(world->member[n], &status);
		if (status.role == RAFT_IS_LEADER && status.online && status.voters == world->count)
			return n;
	}
	return world->count;
}

static void bench_group(const char *what, size_t members, uint64_t commands, uint64_t batch)
{
	static const char text[100];
	struct world world = {.count = members, .now = 1};
	uint64_t ticket = 0;
	double start;
	size_t at;

	for (size_t n = 0; n < members; n++) {
		struct group_options options = {.terms = {.timing = raft_timing_lan, .voters_cap = 5, .voters_min = 1},
			.peer = id_of(n), .incarnation = n + 1, .state = state_new(), .seed = n};

		ASSERT(group_new(&options, NULL, world.now, &world.member[n]) == OK);
	}
	for (int i = 0; leader(&world) == members && i < 10000; i++) {
		world.now += 10;
		greet(&world);
		for (size_t n = 0; n < members; n++)
			group_tick(world.member[n], world.now);
		settle(&world);
	}
	at = leader(&world);
	ASSERT(at < members);
	start = seconds();
	while (ticket < commands) {
		for (uint64_t i = 0; i < batch; i++)
			group_propose(world.member[at], world.now, ++ticket, bytes_of(text, sizeof text));
		settle(&world);
	}
	ASSERT(world.answered == commands);
	report(what, start, commands);
	for (size_t n = 0; n < members; n++)
		group_free(world.member[n]);
}

int main(void)
{
	bench_replica();
	bench_group("one", 1, BATCH * (COMMANDS / BATCH), BATCH);
	bench_group("one by one", 1, COMMANDS / 4, 1);
	bench_group("three", 3, BATCH * (COMMANDS / BATCH), BATCH);
	return 0;
}
