/* group_swarm.c - see group_swarm.h. */
#include "tests/sim/group_swarm.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define SETTLE_WITHIN 60000000      /* usec after the heal */
#define SAFETY_MAX 900000000        /* usec: where few members and slow clients do little in a second */
#define HISTORY_MEMORY (1u << 20)

enum fault { FAULT_SPLIT, FAULT_ISOLATE, FAULT_ISOLATE_LEADER, FAULT_ONE_WAY, FAULT_RING, FAULT_MEND, FAULT_CRASH,
	FAULT_CRASH_LEADER, FAULT_POWER_LOSS, FAULT_RESTART, FAULT_PAUSE, FAULT_SLOW, FAULT_DISK, FAULT_WIPE, FAULT_LEAVE,
	FAULT_TRANSFER, FAULT_DEATH, FAULT_COUNT };

static const char *const fault_name[FAULT_COUNT] = {"split", "isolate", "isolate the leader", "one-way", "ring", "mend",
	"crash", "crash the leader", "power loss", "restart", "pause", "slow", "disk", "wipe", "leave", "transfer", "death"};

struct swarm {
	struct world *world;
	struct group_result *result;
	uint64_t seed;
	bool on[FAULT_COUNT];
	usec destroyed_at;
	bool stormy;
	usec fault_mean;
};

static uint64_t draw(struct swarm *swarm, uint64_t below)
{
	return rng_below(&swarm->world->faults, below);
}

/* ---- the world of a seed ---- */

static void open_world(struct swarm *swarm, const struct group_how *how)
{
	struct world_options options = {.seed = swarm->seed, .log = how->log, .messages = how->log && how->messages,
		.state = how->state};
	struct rng shape;
	bool clocks;

	rng_init(&shape, swarm->seed ^ 0x6709);
	group_draw(&shape, swarm->seed, &options);
	for (int i = 0; i < FAULT_COUNT; i++)
		swarm->on[i] = group_chance(&shape, 45);
	swarm->on[FAULT_MEND] = swarm->on[FAULT_RESTART] = true;
	/* Who promises something in one of two histories is not judged here: nobody forgets. */
	if (options.scattered)
		swarm->on[FAULT_DISK] = swarm->on[FAULT_WIPE] = swarm->on[FAULT_LEAVE] = swarm->on[FAULT_DEATH] = false;
	swarm->on[FAULT_LEAVE] |= options.harsh && options.deaf_successors && !options.scattered;
	swarm->fault_mean = 100000 + (usec)rng_below(&shape, 3000000);
	clocks = group_chance(&shape, 40);
	/* Leaders that come and go before anything is settled: what is in the logs differs, and gets written over. */
	if (group_chance(&shape, 25)) {
		swarm->on[FAULT_ISOLATE_LEADER] = swarm->on[FAULT_CRASH_LEADER] = swarm->on[FAULT_SPLIT] = true;
		swarm->fault_mean = options.terms.timing.election_timeout * 1000 * (1 + (usec)rng_below(&shape, 8)) / 4;
		swarm->stormy = true;
	}
	swarm->world = world_new(&options);
	for (size_t i = 0; i < options.places; i++) {
		swarm->world->saw[SAW_OBSERVER] += options.preference[i] == PREFER_OBSERVER;
		swarm->world->saw[SAW_FEWER_EXPECTED] += i == 0 && options.scattered && options.expect > 1;
		if (clocks)
			swarm->world->place[i].rate = 900000 + rng_below(&shape, 200001);
	}
}

/* ---- faults ---- */

static size_t places(const struct swarm *swarm)
{
	return swarm->world->options.places;
}

static void cut_group(struct swarm *swarm, uint64_t members, bool one_way)
{
	bool outwards = draw(swarm, 2) == 0;

	for (size_t a = 0; a < places(swarm); a++)
		for (size_t b = 0; b < places(swarm); b++) {
			bool leaves = (members >> a & 1) == 1 && (members >> b & 1) == 0;
			bool enters = (members >> a & 1) == 0 && (members >> b & 1) == 1;

			if ((leaves && (!one_way || outwards)) || (enters && (!one_way || !outwards)))
				net_cut(swarm->world, a, b, true);
		}
	swarm->world->saw[one_way ? SAW_ONE_WAY : SAW_SPLIT]++;
}

/* Everybody hears only two others; with a bridge between two halves, for even seeds. */
static void cut_ring(struct swarm *swarm)
{
	size_t count = places(swarm), bridge = (size_t)draw(swarm, count);

	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++) {
			size_t apart = a > b ? a - b : b - a;
			bool hears = swarm->seed % 2 == 0 ? a == bridge || b == bridge || (a < count / 2) == (b < count / 2)
				: apart <= 1 || apart == count - 1;

			if (!hears)
				net_cut(swarm->world, a, b, true);
		}
	swarm->world->saw[SAW_SPLIT]++;
}

/* Whether what this member promised may be forgotten now; the others must have had time to notice the last one. */
static bool may_destroy(const struct swarm *swarm, size_t place)
{
	return swarm->world->now > swarm->destroyed_at + swarm->world->options.idle + 3000000
		&& world_may_destroy(swarm->world, place);
}

static bool crash(struct swarm *swarm, size_t place)
{
	struct world *world = swarm->world;

	if (!world->place[place].group)
		return false;
	if (!world->options.durable[place] || world->place[place].leaving || !world->place[place].disk.has_hard) {
		if (!may_destroy(swarm, place))
			return false;
		swarm->destroyed_at = world->now;
	}
	world_crash(world, place, draw(swarm, 2) == 0);
	return true;
}

static void power_loss(struct swarm *swarm)
{
	struct world *world = swarm->world;

	for (size_t i = 0; i < places(swarm); i++)
		if (!world->options.durable[i] || world->place[i].leaving || !world->place[i].disk.has_hard)
			return;
	for (size_t i = 0; i < places(swarm); i++)
		world_crash(world, i, true);
	world->saw[SAW_POWER_LOSS]++;
}

static void restart(struct swarm *swarm, size_t place)
{
	struct place *member = &swarm->world->place[place];

	if (member->dead || (member->group && !crash(swarm, place)))
		return;
	world_start(swarm->world, place);
}

/* An operator says so to a member that runs. */
static void declare_dead(struct swarm *swarm, size_t place)
{
	struct world *world = swarm->world;
	size_t leader = world_leader(world);

	if (leader == places(swarm))
		return;
	world->saw[SAW_DECLARED_DEAD]++;
	oracle_left(world->oracle);
	group_declare_dead(world->place[leader].group, world_clock(world, leader), &world->place[place].peer);
	world_turn(world, leader);
}

static void destroy(struct swarm *swarm, enum fault fault, size_t place)
{
	struct world *world = swarm->world;
	struct place *member = &world->place[place];

	if ((!member->group && fault != FAULT_WIPE) || !may_destroy(swarm, place))
		return;
	if (fault == FAULT_DISK && !world->options.durable[place])
		return;
	swarm->destroyed_at = world->now;
	if (fault == FAULT_DISK) {
		member->disk.failing = true;
		return;
	}
	if (fault == FAULT_LEAVE) {
		world_leave(world, place);
		return;
	}
	world_crash(world, place, draw(swarm, 2) == 0);
	world_wipe(world, place);
	world->saw[SAW_WIPE]++;
	if (fault == FAULT_DEATH) {
		member->dead = true;
		world->saw[SAW_DEAD_FOR_EVER]++;
		if (draw(swarm, 2) == 0)
			declare_dead(swarm, place);
	}
}

static void transfer(struct swarm *swarm, size_t place)
{
	struct place *member = &swarm->world->place[place];

	if (!member->group)
		return;
	swarm->world->saw[SAW_TRANSFER]++;
	group_transfer(member->group, world_clock(swarm->world, place));
	world_turn(swarm->world, place);
}

/* Never ended early: what waits for its end would be overtaken. */
static void pause_place(struct swarm *swarm, size_t place)
{
	struct place *member = &swarm->world->place[place];
	usec until = swarm->world->now + 50000 + (usec)draw(swarm, draw(swarm, 4) == 0 ? 20000000 : 3000000);

	member->paused_until = until > member->paused_until ? until : member->paused_until;
	swarm->world->saw[SAW_PAUSE]++;
}

static void inflict_on(struct swarm *swarm, enum fault fault, size_t place)
{
	struct world *world = swarm->world;
	size_t leader = world_leader(world);

	switch (fault) {
	case FAULT_SPLIT:
	case FAULT_ONE_WAY:
		cut_group(swarm, draw(swarm, UINT64_C(1) << places(swarm)), fault == FAULT_ONE_WAY);
		break;
	case FAULT_ISOLATE:
		cut_group(swarm, UINT64_C(1) << place, draw(swarm, 3) == 0);
		break;
	case FAULT_ISOLATE_LEADER:
		cut_group(swarm, UINT64_C(1) << (leader < places(swarm) ? leader : place), draw(swarm, 3) == 0);
		break;
	case FAULT_RING:
		cut_ring(swarm);
		break;
	case FAULT_MEND:
		net_heal(world);
		break;
	case FAULT_CRASH:
		crash(swarm, place);
		break;
	case FAULT_CRASH_LEADER:
		crash(swarm, leader < places(swarm) ? leader : place);
		break;
	case FAULT_POWER_LOSS:
		power_loss(swarm);
		break;
	case FAULT_RESTART:
		restart(swarm, place);
		break;
	case FAULT_PAUSE:
		pause_place(swarm, place);
		break;
	case FAULT_SLOW:
		world->place[place].slow = draw(swarm, 2) == 0 ? 0 : (usec)draw(swarm, 3000);
		break;
	case FAULT_LEAVE:
		/* Nobody takes over: it has to change the voters itself, and leads a group that it is no part of. */
		destroy(swarm, fault, world->options.deaf_successors && leader < places(swarm) ? leader : place);
		break;
	case FAULT_DISK:
	case FAULT_WIPE:
	case FAULT_DEATH:
		destroy(swarm, fault, place);
		break;
	case FAULT_TRANSFER:
		transfer(swarm, leader < places(swarm) ? leader : place);
		break;
	case FAULT_COUNT:
		break;
	}
}

static void inflict(struct swarm *swarm)
{
	enum fault fault = (enum fault)draw(swarm, FAULT_COUNT);
	size_t place = (size_t)draw(swarm, places(swarm));

	/* Power comes back, cuts are mended, and more often than all else. */
	if (draw(swarm, swarm->stormy ? 2 : 4) == 0)
		fault = draw(swarm, 2) == 0 ? FAULT_MEND : FAULT_RESTART;
	else if (swarm->stormy && draw(swarm, 2) == 0)
		fault = draw(swarm, 2) == 0 ? FAULT_ISOLATE_LEADER : FAULT_CRASH_LEADER;
	if (fault == FAULT_RESTART && swarm->world->place[place].group && draw(swarm, 4) > 0)
		return;
	if (!swarm->on[fault])
		return;
	world_say(swarm->world, "%s (%zu)", fault_name[fault], place);
	swarm->result->faults++;
	inflict_on(swarm, fault, place);
}

/* The voters are being changed: now or a moment later is when a fault tells most. */
static void disturb_change(struct swarm *swarm)
{
	static const enum fault faults[] = {FAULT_CRASH_LEADER, FAULT_ISOLATE_LEADER, FAULT_SPLIT, FAULT_CRASH, FAULT_RESTART,
		FAULT_ONE_WAY};
	enum fault fault = faults[draw(swarm, 6)];

	if (draw(swarm, 3) > 0 || !swarm->on[fault])
		return;
	if (draw(swarm, 2) == 0)
		world_run_until(swarm->world, swarm->world->now + (usec)draw(swarm, 20000), UINT64_MAX);
	if (swarm->world->failed)
		return;
	world_say(swarm->world, "%s, while voters change", fault_name[fault]);
	swarm->result->faults++;
	inflict_on(swarm, fault, (size_t)draw(swarm, places(swarm)));
}

/*
 * A leader has just written a configuration without itself, and nobody else has it: now it comes back from a crash, and another
 * one of its voters never does. Its log is the longest, so only itself can lead (B9).
 */
static void strand(struct swarm *swarm)
{
	struct world *world = swarm->world;
	size_t leader = world_leader(world), victim = (size_t)draw(swarm, places(swarm));
	usec until;

	if (leader == places(swarm) || !world->options.durable[leader] || draw(swarm, 4) == 0)
		return;
	for (size_t place = 0; place < places(swarm); place++)
		cut_group(swarm, UINT64_C(1) << place, false);
	world_run_until(world, world->now + (usec)draw(swarm, 300000), UINT64_MAX);
	/* That it leaves was the last thing to be destroyed; now it stays after all. */
	if (world->failed || !world->place[leader].group || !world_may_destroy(world, leader))
		return;
	world_crash(world, leader, draw(swarm, 2) == 0);
	world_start(world, leader);
	until = swarm->destroyed_at + world->options.idle + 3000001;
	while (!world->failed && world->now < until)
		world_run_until(world, until, UINT64_MAX);
	if (world->failed || victim == leader)
		return;
	world->saw[SAW_STRANDED_LEADER] += may_destroy(swarm, victim);
	destroy(swarm, FAULT_DEATH, victim);
}

/* Changes sides: whom it heard it hears no more, and the other way round. */
static void move(struct swarm *swarm, size_t place)
{
	struct world *world = swarm->world;

	for (size_t other = 0; other < places(swarm); other++) {
		bool is_cut = !world->cut[place][other];

		if (other == place)
			continue;
		net_cut(world, place, other, is_cut);
		net_cut(world, other, place, is_cut);
	}
}

/*
 * Somebody promised to take part in a beginning. One that did crashes, or one that did not is heard of no more, and turns up where
 * others are about to begin, too.
 */
static void disturb_birth(struct swarm *swarm)
{
	struct world *world = swarm->world;
	bool thrifty = world->options.scattered && world->options.expect > 1, crashed = false;
	size_t who = (size_t)draw(swarm, places(swarm));

	if (draw(swarm, thrifty ? 2 : 8) > 0)
		return;
	if (draw(swarm, 2) == 0)
		world_run_until(world, world->now + (usec)draw(swarm, 20000), UINT64_MAX);
	if (world->failed)
		return;
	world_say(world, "a beginning is disturbed (%zu)", who);
	swarm->result->faults++;
	if (!thrifty || draw(swarm, 2) == 0)
		crashed = crash(swarm, who);
	if (thrifty && draw(swarm, 4) > 0)
		move(swarm, who);
	if (crashed && draw(swarm, 4) > 0)
		world_start(world, who);
}

/* A history is about to give way to another: it hears nothing of that one any more, and has to go on by itself. */
static void part_histories(struct swarm *swarm)
{
	struct world *world = swarm->world;

	if (draw(swarm, 2) == 0)
		return;
	world_run_until(world, world->now + (usec)draw(swarm, 20000), UINT64_MAX);
	if (world->failed)
		return;
	world_say(world, "histories part");
	swarm->result->faults++;
	for (size_t a = 0; a < places(swarm); a++)
		for (size_t b = 0; b < places(swarm); b++)
			if (world->place[a].shadow.history != world->place[b].shadow.history)
				net_cut(world, a, b, true);
}

/* ---- the phases ---- */

/* Until then; births are disturbed on the way. */
static void begin_until(struct swarm *swarm, usec until, uint64_t events)
{
	struct world *world = swarm->world;

	while (!world->failed && world->now < until && world->events < events) {
		world_run_until(world, until, events);
		if (!world->failed && world->binding)
			disturb_birth(swarm);
	}
}

/*
 * Two histories that meet when they have hardly begun: little is applied, and a lot is under way. In some worlds nothing is
 * even asked for before they meet.
 */
static void meet_early(struct swarm *swarm)
{
	struct world *world = swarm->world;
	static const uint64_t later[] = {50000, 500000, 3000000};
	bool hold = draw(swarm, 3) == 0;
	usec until = world->now + 20000000;

	clients_hold(world->clients, hold);
	while (!world->failed && oracle_lineages(world->oracle) < 2 && world->now < until)
		begin_until(swarm, world->now + 10000, UINT64_MAX);
	world_run_until(world, world->now + (usec)draw(swarm, later[draw(swarm, 3)]), UINT64_MAX);
	world_say(world, "they meet");
	net_heal(world);
	if (hold)
		world_run_until(world, world->now + (usec)draw(swarm, 400000), UINT64_MAX);
	clients_hold(world->clients, false);
}

static void safety(struct swarm *swarm, uint64_t events)
{
	struct world *world = swarm->world;
	bool slowly = draw(swarm, 3) == 0;

	if (world->options.scattered)
		cut_group(swarm, 1 + draw(swarm, (UINT64_C(1) << places(swarm)) - 2), false);
	for (size_t i = 0; i < places(swarm); i++) {
		world_start(world, i);
		begin_until(swarm, world->now + (usec)draw(swarm, slowly ? 2000000 : 20000), events);
	}
	if (world->options.scattered && draw(swarm, 4) > 0)
		meet_early(swarm);
	while (!world->failed && world->now < SAFETY_MAX && world->events < events) {
		world_run_until(world, world->now + 10000 + world_exponential(&world->faults, swarm->fault_mean), events);
		if (!world->failed && world->removing)
			strand(swarm);
		else if (!world->failed && world->joint)
			disturb_change(swarm);
		else if (!world->failed && world->binding)
			disturb_birth(swarm);
		else if (!world->failed && world->freezing)
			part_histories(swarm);
		else if (!world->failed)
			inflict(swarm);
	}
}

static void heal(struct swarm *swarm)
{
	struct world *world = swarm->world;

	world_say(world, "heal");
	world->calm = true;
	net_heal(world);
	for (size_t i = 0; i < places(swarm); i++) {
		struct place *member = &world->place[i];

		member->slow = 0;
		member->disk.failing = false;
	}
	for (size_t i = 0; i < places(swarm) && !world->failed; i++)
		if (!world->place[i].group && !world->place[i].dead)
			world_start(world, i);
	clients_stop(world->clients);
}

/* NULL: all is as it should be; else why not, and *who it is. */
static const char *unsettled(struct swarm *swarm, size_t *who)
{
	struct world *world = swarm->world;
	struct group_status first = {0}, status;
	bool any = false;

	*who = clients_unprobed(world->clients);
	if (*who < places(swarm))
		return "cannot write";
	for (size_t i = 0; i < places(swarm); i++) {
		if (!world->place[i].group)
			continue;
		*who = i;
		group_status(world->place[i].group, &status);
		if (!any)
			first = status;
		any = true;
		if (!status.online)
			return "is not online";
		if (status.joint)
			return "keeps a joint configuration";
		if (!id_equal(&status.lineage, &first.lineage) || status.position != first.position
			|| !id_equal(&status.leader, &first.leader))
			return "differs";
		if (!id_equal(&status.state_hash, &first.state_hash))
			return "has another state";
	}
	return NULL;
}

/* As many as the cap allows, and nobody in vain; NULL: so it is. */
static const char *wrong_voters(const struct swarm *swarm)
{
	struct world *world = swarm->world;
	struct configuration configuration;
	size_t able = 0, live = 0, cap = world->options.terms.voters_cap;

	if (!oracle_configuration(world->oracle, &configuration))
		return "was not born";
	for (size_t i = 0; i < places(swarm); i++)
		able += world->place[i].group && world->options.preference[i] != PREFER_OBSERVER;
	for (size_t i = 0; i < configuration.incoming.count; i++) {
		size_t place = world_place_of(world, &configuration.incoming.member[i].peer);

		live += world->place[place].group && world->place[place].incarnation == configuration.incoming.member[i].incarnation;
	}
	able = able < cap ? able : cap;
	if (able % 2 == 0 && !(world->options.terms.copies_min == 2 && able == 2))
		able--;
	return live < able ? "has too few voters" : NULL;
}

static void describe(struct swarm *swarm)
{
	struct world *world = swarm->world;
	struct group_status status;

	for (size_t i = 0; i < places(swarm) && world->options.log; i++) {
		const struct place *member = &world->place[i];
		char bonds[GROUP_PLACES_MAX + 1] = "";

		for (size_t other = 0; other < places(swarm); other++)
			bonds[other] = !member->side[other].up ? '-' : member->side[other].epoch
				== world->pair[i < other ? i : other][i < other ? other : i].epoch ? '+' : 'x';

		if (!member->group) {
			world_say(world, "%zu: %s", i, member->dead ? "dead" : member->gone ? "gone" : "down");
			continue;
		}
		group_status(member->group, &status);
		world_say(world, "%zu: %s role %d term %" PRIu64 " commit %" PRIu64 " log %" PRIu64 "-%" PRIu64 " position %" PRIu64
			" leader %zu lineage %02x%02x bonds %s%s%s", i, status.online ? "online" : "offline", status.role, status.term, status.commit,
			status.log_first, status.log_last, status.position, world_place_of(world, &status.leader),
			status.lineage.byte[0], status.lineage.byte[1], bonds,
			status.joint ? " joint" : "", status.frozen ? " frozen" : "");
	}
}

static void liveness(struct swarm *swarm)
{
	struct world *world = swarm->world;
	usec healed = world->now, until = healed + SETTLE_WITHIN;
	const char *why = "did nothing";
	size_t who = 0;

	while (!world->failed && why && world->now < until) {
		clients_probe(world->clients);
		world_run_until(world, world->now + 300000, UINT64_MAX);
		why = unsettled(swarm, &who);
		if (!why)
			why = wrong_voters(swarm);
	}
	if (why)
		describe(swarm);
	if (why)
		world_fail(world, "liveness: member %zu %s, %" PRId64 " s after the heal", who, why,
			(world->now - healed) / 1000000);
	swarm->result->settled_after = world->now - healed;
	if (!world->failed)
		oracle_finish(world->oracle);
}

/* Who was paused, or waited for a disk, has been awake for long enough to say all that it had to say. */
static void rest(struct swarm *swarm)
{
	struct world *world = swarm->world;
	usec until = world->now;

	for (size_t i = 0; i < places(swarm); i++) {
		const struct disk *disk = &world->place[i].disk;
		usec written = disk->requests > 0 ? disk->request[disk->requests - 1].done_at : 0;

		until = world->place[i].paused_until > until ? world->place[i].paused_until : until;
		until = written > until ? written : until;
	}
	world_run_until(world, until + 12 * world->options.terms.timing.election_timeout * 1000, UINT64_MAX);
}

/* One follower stops hearing the leader, and only that: it must not disturb the rest (stickiness, dissertation 4.2.3). */
static void deafness(struct swarm *swarm)
{
	struct world *world = swarm->world;
	struct configuration configuration;
	size_t leader, deaf;
	uint64_t term, handed_over;

	rest(swarm);
	handed_over = world->handed_over;
	leader = world_leader(world);
	if (world->failed || leader == places(swarm) || !oracle_configuration(world->oracle, &configuration))
		return;
	deaf = (leader + 1) % places(swarm);
	if (!world_survives(world, &configuration, deaf))
		return;   /* the leader cannot do without it */
	term = raft_term(group_raft(world->place[leader].group));
	net_cut(world, leader, deaf, true);
	world_run_until(world, world->now + 8 * world->options.terms.timing.election_timeout * 1000, UINT64_MAX);
	/* Unless the leader itself wanted another: a voter that it prefers has just come back. */
	if (!world->failed && world->handed_over == handed_over && (world_leader(world) != leader || raft_term(group_raft(world->place[leader].group)) != term))
		world_fail(world, "liveness: member %zu, which is deaf, ends the term of leader %zu", deaf, leader);
}

static void judge_history(struct swarm *swarm)
{
	const struct linear_history *history;
	struct linear_report report;

	if (swarm->world->failed || swarm->seed % 10 != 0 || oracle_lineages(swarm->world->oracle) > 1)
		return;
	history = clients_history(swarm->world->clients);
	linear_check(history->op, history->count, HISTORY_MEMORY, &report);
	swarm->result->checked++;
	swarm->result->undecided += report.verdict == LINEAR_UNDECIDED;
	if (report.verdict == LINEAR_VIOLATED)
		world_fail(swarm->world, "I15: operation %zu on key %" PRIu64 " fits nowhere", report.op + 1, report.key);
}

void group_swarm_run(uint64_t seed, uint64_t events, const struct group_how *how, struct group_result *out)
{
	struct swarm swarm = {.result = out, .seed = seed};

	*out = (struct group_result){0};
	open_world(&swarm, how);
	safety(&swarm, events);
	if (!swarm.world->failed)
		heal(&swarm);
	if (!swarm.world->failed)
		liveness(&swarm);
	deafness(&swarm);
	judge_history(&swarm);
	out->failed = swarm.world->failed;
	memcpy(out->why, swarm.world->failure, sizeof(out->why));
	out->hash = swarm.world->hash;
	out->events = swarm.world->events;
	out->simulated = swarm.world->now;
	out->operations = clients_asked(swarm.world->clients);
	out->acknowledged = clients_acknowledged(swarm.world->clients);
	out->state = workload_name(swarm.world->workload);
	memcpy(out->saw, swarm.world->saw, sizeof(out->saw));
	world_free(swarm.world);
}
