/* group_sim.c - events, lives, turns, clocks; see group_sim.h. */
#include "tests/sim/group_sim.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/states.h"

#define CHECK_EVERY 8          /* events: then a member asserts all that it knows of itself, which takes long */
#define EFFECTS_MAX 100000     /* of one turn: more is a machine that never comes to rest */

const char *const group_event_name[SAW_EVENTS] = {
	"election", "leader-crash", "leader-crash-joint", "truncation", "truncated-configuration", "joint",
	"voter-replaced", "snapshot-taken", "snapshot-installed", "install-while-joint", "crash-inside-persist",
	"persist-kept", "persist-lost", "disk-failure", "power-loss", "wipe", "memory-restart", "split",
	"one-way", "pause", "leave", "leader-leave", "transfer", "replay", "duplicate", "drop", "restless",
	"indeterminate", "late-result", "refused", "strong-read", "follower-read", "read-failed", "local-read",
	"command-on-follower", "two-lineages", "dissolved", "observer", "seven-voters",
	"restart-with-log", "stepped-down", "dead-for-ever", "declared-dead", "install-from-several",
	"removed-leader", "stranded-leader", "freeze", "thaw", "crash-while-bound", "restart-bound", "fewer-expected"};

/* ---- words ---- */

void world_fail(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (world->failed)
		return;
	world->failed = true;
	va_start(arguments, format);
	vsnprintf(world->failure, sizeof(world->failure), format, arguments);
	va_end(arguments);
	world_say(world, "FAILED: %s", world->failure);
}

void world_say(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (!world->options.log)
		return;
	fprintf(world->options.log, "%" PRId64 ".%06d *** ", world->now / 1000000, (int)(world->now % 1000000));
	va_start(arguments, format);
	vfprintf(world->options.log, format, arguments);
	va_end(arguments);
	fputc('\n', world->options.log);
}

static void write_line(void *context, enum log_level level, const char *line, size_t size)
{
	struct world *world = context;

	(void)level;
	fprintf(world->options.log, "%" PRId64 ".%06d %.*s\n", world->now / 1000000, (int)(world->now % 1000000), (int)size,
		line);
}

void world_mix(struct world *world, uint64_t value)
{
	world->hash = linear_chain(world->hash, value);
}

/* ---- the queue: a binary heap by (time, sequence) ---- */

static bool before(const struct world_event *a, const struct world_event *b)
{
	return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

static void push(struct world *world, struct world_event event)
{
	size_t at = world->heap_count++;

	world->heap = memory_grow(world->heap, &world->heap_capacity, world->heap_count, sizeof(event));
	while (at > 0 && before(&event, &world->heap[(at - 1) / 2])) {
		world->heap[at] = world->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	world->heap[at] = event;
}

static struct world_event pop(struct world *world)
{
	struct world_event first = world->heap[0], last = world->heap[--world->heap_count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < world->heap_count) {
		if (child + 1 < world->heap_count && before(&world->heap[child + 1], &world->heap[child]))
			child++;
		if (!before(&world->heap[child], &last))
			break;
		world->heap[at] = world->heap[child];
		at = child;
	}
	world->heap[at] = last;
	return first;
}

void world_push(struct world *world, struct world_event event)
{
	if (event.sequence == 0)
		event.sequence = ++world->sequence;
	push(world, event);
}

/* ---- time ---- */

static usec clock_of(const struct world *world, size_t place)
{
	const struct place *member = &world->place[place];

	return member->skew + world->now / 1000 * (int64_t)member->rate / 1000
		+ world->now % 1000 * (int64_t)member->rate / 1000000;
}

msec world_clock(const struct world *world, size_t place)
{
	return clock_of(world, place) / 1000;
}

/* A moment at which the member's clock shows at least `deadline`. */
static usec when(const struct world *world, size_t place, msec deadline)
{
	usec left = deadline * 1000 - clock_of(world, place);

	if (left <= 0)
		return world->now;
	return world->now + left / (int64_t)world->place[place].rate * 1000000
		+ left % (int64_t)world->place[place].rate * 1000000 / (int64_t)world->place[place].rate + 2;
}

usec world_exponential(struct rng *rng, usec mean)
{
	double chance = (double)(rng_next(rng) >> 11) / 9007199254740992.0;

	return (usec)(-log(1.0 - chance) * (double)mean);
}

/* ---- owners of external groups: a state of their own, fed by what is applied ---- */

static void drop_external(struct place *member)
{
	if (member->external.ops)
		member->external.ops->free(member->external.self);
	member->external = (struct state){0};
}

/* As an owner would read it from what a snapshot left: the content at that position, whatever was applied since. */
static void restore_external(struct world *world, size_t place, uint64_t position)
{
	struct place *member = &world->place[place];

	drop_external(member);
	if (world->workload) {
		member->external = workload_state_at(world->workload, member->shadow.history, position);
		return;
	}
	member->external = states_new(0);
	for (uint64_t key = 0; key < world->options.keys; key++)
		states_set(&member->external, key, oracle_cell(world->oracle, member->shadow.history, position, key));
}

static void own(struct world *world, size_t place, const struct group_fact *fact)
{
	struct place *member = &world->place[place];
	const struct state *state = &member->external;
	struct state_moment moment = {fact->position, fact->term};
	struct buffer answer = {0};
	enum error outcome = OK;

	if (fact->kind == GROUP_APPLIED)
		state->ops->apply(state->self, &moment, blob_bytes(fact->bytes), &answer, NULL);
	else if (fact->kind == GROUP_QUESTION)
		outcome = state->ops->query(state->self, blob_bytes(fact->bytes), &answer);
	else if (fact->kind == GROUP_RESTORED || fact->kind == GROUP_DISSOLVED || fact->kind == GROUP_DIVERGED)
		restore_external(world, place, fact->kind == GROUP_RESTORED ? fact->position : 0);
	if (fact->ticket != 0 && (fact->kind == GROUP_APPLIED || fact->kind == GROUP_QUESTION))
		group_answer(member->group, world_clock(world, place), fact->ticket, outcome, buffer_bytes(&answer));
	buffer_fini(&answer);
}

/* ---- lives ---- */

size_t world_place_of(const struct world *world, const struct id *peer)
{
	size_t place = 0;

	while (place < world->options.places && !id_equal(&world->place[place].peer, peer))
		place++;
	return place;
}

static void expect_each_other(struct world *world, size_t place, bool expected)
{
	for (size_t other = 0; other < world->options.places; other++) {
		struct place *member = &world->place[other];

		if (other == place || !member->group)
			continue;
		group_peer_expected(member->group, world_clock(world, other), &world->place[place].peer, expected);
		if (expected && world->place[place].group)
			group_peer_expected(world->place[place].group, world_clock(world, place), &member->peer, true);
	}
}

void world_start(struct world *world, size_t place)
{
	struct place *member = &world->place[place];
	struct image image = {0};
	bool has_image = world->options.durable[place] && disk_image(&member->disk, &image);
	struct group_options options = {.terms = world->options.terms, .peer = member->peer,
		.state = world->workload ? workload_state(world->workload) : states_new(world->options.ballast),
		.preference = world->options.preference[place],
		.external = world->options.external, .expect = world->options.expect, .durable = world->options.durable[place], .tell_applied = true,
		.compact_entries = world->options.compact_entries,
		.log = world->options.log ? &world->log[place] : NULL, .seed = rng_next(&world->names)};

	ASSERT(!member->group && !member->dead);
	member->incarnation = options.incarnation = has_image ? image.hard.incarnation : rng_next(&world->names) | 1;
	member->skew = (int64_t)rng_below(&world->names, 1000000000000);
	member->life++;
	member->has_lived = true;
	world->starters += !has_image && world->options.preference[place] != PREFER_OBSERVER;
	member->gone = member->leaving = member->expect_halt = false;
	member->asked = member->former = 0;
	member->paused_until = 0;
	member->tick_at = INT64_MAX;
	oracle_began(world->oracle, place, has_image ? &image : NULL);
	if (has_image && image.count > 0)
		world->saw[id_is_zero(&image.hard.lineage) ? SAW_RESTART_BOUND : SAW_RESTART_WITH_LOG]++;
	if (group_new(&options, has_image ? &image : NULL, world_clock(world, place), &member->group) != OK) {
		world_fail(world, "member %zu refuses what it wrote itself", place);
		return;
	}
	world_say(world, "start %zu, life %" PRIu32 ", incarnation %016" PRIx64 "%s", place, member->life,
		member->incarnation, has_image ? ", with its storage" : "");
	if (has_image)
		image_fini(&image);
	if (world->options.external)
		restore_external(world, place, has_image ? member->shadow.reported : 0);
	member->hello_version = group_hello_version(member->group);
	net_began(world, place);
	expect_each_other(world, place, true);
	for (size_t other = 0; other < world->options.places && !world->failed; other++)
		if (world->place[other].group)
			world_turn(world, other);
}

static void end_life(struct world *world, size_t place, bool host_too)
{
	struct place *member = &world->place[place];

	clients_life_ended(world->clients, place);
	group_free(member->group);
	member->group = NULL;
	drop_external(member);
	net_ended(world, place, host_too);
}

void world_crash(struct world *world, size_t place, bool host_too)
{
	struct place *member = &world->place[place];

	if (!member->group)
		return;
	if (raft_role(group_raft(member->group)) == RAFT_IS_LEADER) {
		const struct raft *raft = group_raft(member->group);
		uint64_t written;

		world->saw[SAW_LEADER_CRASH]++;
		world->saw[SAW_LEADER_CRASH_JOINT] += configuration_is_joint(raft_configuration(raft, raft_last(raft), &written));
	}
	world->saw[SAW_CRASH_WHILE_BOUND] += world->options.durable[place] && disk_is_bound(&member->disk);
	world_say(world, "crash %zu%s", place, host_too ? " with its host" : "");
	end_life(world, place, host_too);
	if (world->options.durable[place])
		disk_crash(world, place);
	else
		world->saw[SAW_MEMORY_RESTART]++;
}

void world_wipe(struct world *world, size_t place)
{
	ASSERT(!world->place[place].group);
	world_say(world, "wipe %zu", place);
	disk_wipe(&world->place[place].disk);
}

void world_leave(struct world *world, size_t place)
{
	struct place *member = &world->place[place];

	if (!member->group || member->leaving)
		return;
	world_say(world, "leave %zu", place);
	world->saw[SAW_LEAVE]++;
	world->saw[SAW_LEADER_LEAVE] += raft_role(group_raft(member->group)) == RAFT_IS_LEADER;
	member->leaving = true;
	oracle_left(world->oracle);
	group_leave(member->group, world_clock(world, place));
	world_turn(world, place);
}

static void has_left(struct world *world, size_t place)
{
	struct place *member = &world->place[place];

	world_say(world, "left %zu", place);
	end_life(world, place, false);
	expect_each_other(world, place, false);
	member->gone = true;
	member->leaving = false;
	disk_wipe(&member->disk);
}

/* ---- who is needed ---- */

static size_t intact(const struct world *world, const struct voters *voters, size_t but)
{
	size_t count = 0;

	for (size_t i = 0; i < voters->count; i++) {
		size_t place = world_place_of(world, &voters->member[i].peer);
		const struct place *member;

		if (place == but || place == world->options.places)
			continue;
		member = &world->place[place];
		count += !member->dead && !member->gone && !member->leaving && member->has_lived && !member->disk.failing
			&& !member->expect_halt
			&& (member->group || (world->options.durable[place] && member->disk.has_hard))
			&& member->incarnation == voters->member[i].incarnation;
	}
	return count;
}

bool world_survives(const struct world *world, const struct configuration *configuration, size_t place)
{
	const struct voters *of[2] = {&configuration->outgoing, &configuration->incoming};

	for (int i = 0; i < 2; i++)
		if (of[i]->count > 0 && intact(world, of[i], place) < voters_majority(of[i]))
			return false;
	return true;
}

static bool disk_survives(const struct world *world, const struct disk *disk, size_t place)
{
	struct configuration configuration;

	if (disk->meta.index > 0 && !world_survives(world, &disk->meta.configuration, place))
		return false;
	for (size_t i = 0; i < disk->count && !id_is_zero(&disk->hard.lineage); i++)
		if ((disk->entry[i].head.kind == ENTRY_CONFIGURATION || disk->entry[i].head.kind == ENTRY_GENESIS)
			&& i + 100 >= disk->count && configuration_decode(blob_bytes(disk->entry[i].payload), &configuration) == OK
			&& !world_survives(world, &configuration, place))
			return false;
	return true;
}

bool world_may_destroy(const struct world *world, size_t place)
{
	struct configuration committed;

	if (!oracle_configuration(world->oracle, &committed) || !world_survives(world, &committed, place))
		return false;
	for (size_t other = 0; other < world->options.places; other++) {
		const struct place *member = &world->place[other];

		if (member->group && raft_last(group_raft(member->group)) > 0) {
			const struct raft *raft = group_raft(member->group);
			uint64_t written;

			if (!world_survives(world, raft_configuration(raft, raft_last(raft), &written), place))
				return false;
		} else if (!member->group && world->options.durable[other] && !disk_survives(world, &member->disk, place)) {
			return false;
		}
	}
	return true;
}

size_t world_leader(const struct world *world)
{
	size_t leader = world->options.places;
	uint64_t term = 0;

	for (size_t place = 0; place < world->options.places; place++) {
		const struct place *member = &world->place[place];

		if (!member->group || raft_role(group_raft(member->group)) != RAFT_IS_LEADER
			|| raft_term(group_raft(member->group)) < term)
			continue;
		leader = place;
		term = raft_term(group_raft(member->group));
	}
	return leader;
}

/* ---- turns ---- */

/* A group whose history lost to another, or that was found to have forgotten, lives on as somebody new. */
static void refresh_incarnation(struct place *member)
{
	struct group_hello hello;

	group_hello(member->group, &hello);
	if (hello.incarnation == member->incarnation)
		return;
	member->former = member->incarnation;
	member->spoke_anew = false;
	member->incarnation = hello.incarnation;
}

static void effects(struct world *world, size_t place)
{
	struct place *member = &world->place[place];
	struct group_effect effect;

	refresh_incarnation(member);
	for (size_t i = 0; group_next_effect(member->group, &effect); i++) {
		if (i >= EFFECTS_MAX) {
			world_fail(world, "member %zu never comes to rest", place);
			return;
		}
		if (effect.kind == GROUP_PERSIST) {
			disk_accept(world, place, effect.persist);
			continue;
		}
		oracle_before_send(world->oracle, place, &effect);
		net_send(world, place, &effect);
	}
}

static bool take_fact(struct world *world, size_t place, const struct group_fact *fact)   /* true: it has left */
{
	struct place *member = &world->place[place];

	world_mix(world, (uint64_t)fact->kind << 8 | place);
	world_mix(world, fact->position ^ fact->ticket << 32);
	oracle_fact(world->oracle, place, fact);
	if (world->options.external)
		own(world, place, fact);
	if (clients_fact(world->clients, place, fact))
		return false;
	switch ((int)fact->kind) {
	case GROUP_HALTED:
		if (!member->expect_halt)
			world_fail(world, "member %zu halts (%s), and its disk is well", place, error_name(fact->reason));
		break;
	case GROUP_DIVERGED:
		world_fail(world, "member %zu says that it diverged at %" PRIu64, place, fact->position);
		break;
	case GROUP_SPLIT:
		world->saw[SAW_TWO_LINEAGES]++;
		break;
	case GROUP_DISSOLVED:
		world->saw[SAW_DISSOLVED]++;
		break;
	case GROUP_LEFT:
		return true;
	default:
		break;
	}
	return false;
}

static void arm(struct world *world, size_t place)
{
	struct place *member = &world->place[place];
	msec deadline = group_deadline(member->group);
	usec at;

	if (deadline == MSEC_NEVER)
		return;
	at = when(world, place, deadline);
	if (at <= world->now)
		at = world->now + 1000;
	if (at >= member->tick_at)
		return;
	member->tick_at = at;
	world_push(world, (struct world_event){.at = at, .kind = EVENT_TICK, .place = (uint8_t)place, .life = member->life});
}

void world_turn(struct world *world, size_t place)
{
	struct place *member = &world->place[place];
	struct group_fact fact;
	bool left = false, halted = false;

	if (!member->group)
		return;
	effects(world, place);
	while (group_next_fact(member->group, &fact)) {
		left |= take_fact(world, place, &fact);
		halted |= fact.kind == GROUP_HALTED;
		blob_drop(fact.bytes);
		effects(world, place);
	}
	if (group_hello_version(member->group) != member->hello_version) {
		member->hello_version = group_hello_version(member->group);
		net_tell_hello(world, place);
	}
	oracle_look(world->oracle, place);
	clients_settle(world->clients);
	if (world->events % CHECK_EVERY == 0)
		group_check(member->group);
	if (left) {
		has_left(world, place);
	} else if (halted) {
		end_life(world, place, false);
		disk_wipe(&member->disk);
	} else {
		arm(world, place);
	}
}

static void tick(struct world *world, size_t place)
{
	struct place *member = &world->place[place];

	member->tick_at = INT64_MAX;
	if (group_deadline(member->group) <= world_clock(world, place))
		group_tick(member->group, world_clock(world, place));
	world_turn(world, place);
}

/* ---- events ---- */

static bool reaches_a_member(const struct world_event *event)
{
	return event->kind != EVENT_DIAL && event->kind != EVENT_SILENT && event->kind != EVENT_CLIENT;
}

static void carry_out(struct world *world, struct world_event *event)
{
	struct place *member = &world->place[event->place];

	if (reaches_a_member(event) && member->group && (event->raw || event->life == member->life)) {
		if (world->now < member->paused_until) {
			event->at = member->paused_until;   /* and its old sequence: nobody overtakes it */
			push(world, *event);
			return;
		}
		if (member->slow > 0)
			member->paused_until = world->now + member->slow;
	}
	world->events++;
	world_mix(world, (uint64_t)world->now << 8 | event->kind);
	world_mix(world, (uint64_t)event->place << 8 | event->from);
	switch ((enum event_kind)event->kind) {
	case EVENT_TICK:
		if (member->group && event->life == member->life && event->at >= member->tick_at)
			tick(world, event->place);
		break;
	case EVENT_DISK:
		if (member->group && event->life == member->life)
			disk_done(world, event->place, event->token);
		break;
	case EVENT_CLIENT:
		clients_event(world->clients, event);
		break;
	case EVENT_MESSAGE:
	case EVENT_HELLO:
	case EVENT_UP:
	case EVENT_DOWN:
	case EVENT_DIAL:
	case EVENT_SILENT:
		net_event(world, event);
		break;
	case EVENT_FAULT:
		break;
	}
}

static bool is_worth_a_fault(const struct world *world)
{
	return world->joint || world->removing || world->binding || world->freezing;
}

void world_run_until(struct world *world, usec until, uint64_t events)
{
	world->joint = world->removing = world->binding = world->freezing = false;
	while (!world->failed && !is_worth_a_fault(world) && world->heap_count > 0 && world->heap[0].at <= until
		&& world->events < events) {
		struct world_event event = pop(world);

		ASSERT(event.at >= world->now);
		world->now = event.at;
		carry_out(world, &event);
	}
	if (!world->failed && !is_worth_a_fault(world) && world->events < events && world->now < until)
		world->now = until;
}

/* ---- the whole ---- */

struct world *world_new(const struct world_options *options)
{
	struct world *world = memory_new(sizeof(*world));

	ASSERT(options->places <= GROUP_PLACES_MAX && options->clients <= GROUP_CLIENTS_MAX);
	world->options = *options;
	rng_init(&world->network, options->seed * 5 + 1);
	rng_init(&world->disks, options->seed * 5 + 2);
	rng_init(&world->work, options->seed * 5 + 3);
	rng_init(&world->faults, options->seed * 5 + 4);
	rng_init(&world->names, options->seed * 5 + 5);
	for (size_t i = 0; i < options->places; i++) {
		struct place *member = &world->place[i];

		for (size_t n = 0; n < ID_SIZE; n++)
			member->peer.byte[n] = (uint8_t)rng_next(&world->names);
		member->rate = 1000000;
		member->gone = true;
		world->log[i] = (struct log){.level = LOG_TRACE, .write = write_line, .context = world};
		snprintf(world->log[i].node, sizeof(world->log[i].node), "%u", (unsigned)i % 100);
	}
	world->workload = workload_draw(options->seed, options->state, options->ballast);
	world->oracle = oracle_new(world);
	world->clients = clients_new(world);
	return world;
}

void world_free(struct world *world)
{
	for (size_t i = 0; i < world->options.places; i++) {
		group_free(world->place[i].group);
		drop_external(&world->place[i]);
		disk_fini(&world->place[i].disk);
	}
	for (size_t i = 0; i < world->heap_count; i++)
		net_drop_event(&world->heap[i]);
	net_free(world);
	clients_free(world->clients);
	oracle_free(world->oracle);
	workload_free(world->workload);
	memory_free(world->heap);
	memory_free(world);
}
