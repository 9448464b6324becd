/*
 * raft_autopilot.c - the leader chooses the voters, as few as bear the most crashes, never on suspicion alone.
 *
 *      V    the voters now; always left through a joint configuration (dissertation 4.3)
 *      gone     of V: asked to leave, now an observer, or declared dead
 *      ended    of V: its peer lives on as another member
 *      silent   of V: said nothing for dead_after
 *      ready    standbys that are up and hardly lag
 *
 *      T = V - gone; each ended one, then each silent one is replaced by a ready one, if there is one; then it grows by ready ones to the largest odd size up to
 *      the cap. An even T loses one, except that two are kept if two copies are wanted.
 *
 * What keeps it from doing harm (B22): T is committed by majorities of V and of T; nobody goes for silence without a
 * replacement; a group that had three voters stays at three, unless somebody left or was declared dead; a majority of T is
 * alive; at most a minority of V goes for silence; after a change that was not urgent, time passes before the next.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

#define AUTOPILOT_PERIOD 1000

struct plan {
	struct voters before;
	struct member target[VOTERS_MAX];
	size_t count;
	size_t lowering;             /* gone by will or word, so that the group may become smaller */
	size_t ended;
	size_t silent_replaced;
	struct peer *ready[VOTERS_MAX];      /* best first */
	size_t ready_count;
	size_t ready_used;
};

bool raft_autopilot_wants_out(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	if (raft_is_self(raft, member))
		return raft->leaving || raft->options.preference == PREFER_OBSERVER;
	peer = raft_find(raft, member);
	return peer && (peer->leaving || peer->preference == PREFER_OBSERVER);
}

static bool is_declared(const struct raft *raft, const struct member *member)
{
	for (size_t i = 0; i < raft->declared_count; i++)
		if (member_equal(&raft->declared[i], member))
			return true;
	return false;
}

static msec silence(const struct raft *raft, const struct member *member)
{
	const struct peer *peer;

	if (raft_is_self(raft, member))
		return 0;
	peer = raft_find(raft, member);
	return raft->now - (peer ? peer->heard_at : raft->leader_since);
}

static bool is_live(const struct raft *raft, const struct member *member)
{
	const struct peer *peer = raft_find(raft, member);

	return raft_is_self(raft, member) ||
		(peer && peer->up && silence(raft, member) < raft->options.timing.election_timeout);
}

static size_t live_of(const struct raft *raft, const struct member *member, size_t count)
{
	size_t live = 0;

	for (size_t i = 0; i < count; i++)
		live += is_live(raft, &member[i]);
	return live;
}

/* ---- candidates ---- */

static bool is_better(const struct peer *a, const struct peer *b)
{
	if (a->preference != b->preference)
		return a->preference < b->preference;
	if (a->durable != b->durable)
		return a->durable;
	return a->ready_since < b->ready_since;   /* then by id, which is the order in which they come */
}

static void add_ready(struct plan *plan, struct peer *peer)
{
	size_t place = plan->ready_count;

	if (place == VOTERS_MAX) {
		if (!is_better(peer, plan->ready[place - 1]))
			return;
		place--;
	} else {
		plan->ready_count++;
	}
	for (; place > 0 && is_better(peer, plan->ready[place - 1]); place--)
		plan->ready[place] = plan->ready[place - 1];
	plan->ready[place] = peer;
}

/* C1: every added member is a connected standby that lags at most by 250 entries, known by answers of this term. */
static void find_ready(const struct raft *raft, struct plan *plan, msec stable)
{
	for (size_t i = 0; i < raft->peers.count; i++) {
		struct peer *peer = raft_peer_at(raft, i);

		if (peer->ready_since != MSEC_NEVER && raft->now - peer->ready_since >= stable &&
			is_live(raft, &peer->member) && !voters_have(&plan->before, &peer->member) &&
			!raft_autopilot_wants_out(raft, &peer->member) && !raft_is_dead(raft, &peer->member))
			add_ready(plan, peer);
	}
}

/* ---- the target ---- */

static bool is_silent(const struct raft *raft, const struct member *member)
{
	return silence(raft, member) >= raft->options.timing.dead_after;
}

static void keep_voters(const struct raft *raft, struct plan *plan)
{
	for (size_t i = 0; i < plan->before.count; i++) {
		const struct member *member = &plan->before.member[i];

		if (raft_autopilot_wants_out(raft, member) || is_declared(raft, member)) {
			plan->lowering++;
		} else {
			plan->ended += raft_is_dead(raft, member);
			plan->target[plan->count++] = *member;
		}
	}
}

static void add_next(struct plan *plan)
{
	ASSERT(plan->ready_used < plan->ready_count && plan->count < VOTERS_MAX);
	plan->target[plan->count++] = plan->ready[plan->ready_used++]->member;
}

static void replace_ended(const struct raft *raft, struct plan *plan)
{
	for (size_t i = 0; i < plan->count && plan->ready_used < plan->ready_count; i++)
		if (raft_is_dead(raft, &plan->target[i]))
			plan->target[i] = plan->ready[plan->ready_used++]->member;
}

static void replace_silent(const struct raft *raft, struct plan *plan)
{
	for (size_t i = 0; i < plan->count && plan->ready_used < plan->ready_count; i++) {
		if (!is_silent(raft, &plan->target[i]))
			continue;
		plan->target[i] = plan->ready[plan->ready_used++]->member;
		plan->silent_replaced++;
	}
}

static void grow(const struct raft *raft, struct plan *plan)
{
	size_t cap = raft->options.voters_cap;

	while (plan->count < cap && plan->ready_used < plan->ready_count) {
		bool one = plan->count % 2 == 0 || (plan->count == 1 && raft->options.copies_min >= 2);

		if (!one && (plan->ready_count - plan->ready_used < 2 || plan->count + 2 > cap))
			return;
		add_next(plan);
		if (!one)
			add_next(plan);
	}
}

/* Who goes when the number is even: the ended, the silent, the dead connections, the reluctant, the one with the last id; not we. */
static unsigned expendable(const struct raft *raft, const struct member *member)
{
	const struct peer *peer = raft_find(raft, member);

	if (raft_is_self(raft, member))
		return 0;
	if (raft_is_dead(raft, member))
		return 5;
	if (is_silent(raft, member))
		return 4;
	if (!is_live(raft, member))
		return 3;
	return peer && peer->preference == PREFER_RELUCTANT ? 2 : 1;
}

static void make_odd(const struct raft *raft, struct plan *plan)
{
	size_t worst = 0;

	if (plan->count % 2 != 0 || plan->count == 0 || (plan->count == 2 && raft->options.copies_min >= 2))
		return;
	for (size_t i = 1; i < plan->count; i++)
		if (expendable(raft, &plan->target[i]) >= expendable(raft, &plan->target[worst]))
			worst = i;
	plan->target[worst] = plan->target[--plan->count];
}

/* Only a voter that has been silent for shrink_after goes without a replacement, and only down to the floor. */
static void shrink(const struct raft *raft, struct plan *plan)
{
	size_t floor = raft->options.voters_min;

	for (size_t i = plan->count; i-- > 0 && plan->count > floor;) {
		if (silence(raft, &plan->target[i]) < raft->options.timing.shrink_after)
			continue;
		plan->target[i] = plan->target[--plan->count];
		plan->lowering++;
	}
}

static struct voters sorted(const struct plan *plan)
{
	struct voters voters = {0};

	for (size_t i = 0; i < plan->count; i++) {
		size_t place = voters.count++;

		for (; place > 0 && member_compare(&voters.member[place - 1], &plan->target[i]) > 0; place--)
			voters.member[place] = voters.member[place - 1];
		voters.member[place] = plan->target[i];
	}
	return voters;
}

static bool is_allowed(const struct raft *raft, const struct plan *plan)
{
	const struct voters *before = &plan->before;

	if (plan->count == 0 || live_of(raft, plan->target, plan->count) < plan->count / 2 + 1)
		return false;
	if (plan->silent_replaced > (before->count - 1u) / 2)
		return false;
	/* B22: fewer than before only if somebody left or was declared dead; a rebooting voter comes back. */
	if (plan->count < before->count && plan->lowering == 0 && before->count % 2 != 0)
		return false;
	return plan->lowering > 0 || !raft->hard.had_three || plan->count >= raft->options.voters_min ||
		plan->count >= before->count;
}

static void consider(struct raft *raft)
{
	const struct raft_timing *timing = &raft->options.timing;
	struct plan plan = {.before = raft_config_effective(raft)->incoming};
	struct configuration joint = {.outgoing = plan.before};
	msec stable = timing->stabilise;

	keep_voters(raft, &plan);
	if (plan.lowering > 0 || plan.ended > 0)
		stable = 0;
	else if (plan.before.count < 3)
		stable = timing->grow_stabilise;
	else if (raft->changed_at != 0 && raft->now - raft->changed_at < 2 * timing->stabilise)
		return;
	find_ready(raft, &plan, stable);
	replace_ended(raft, &plan);
	replace_silent(raft, &plan);
	grow(raft, &plan);
	if (timing->shrink_after != MSEC_NEVER)
		shrink(raft, &plan);
	make_odd(raft, &plan);
	joint.incoming = sorted(&plan);
	if (!voters_equal(&joint.incoming, &joint.outgoing) && is_allowed(raft, &plan))
		raft_leader_configure(raft, &joint);   /* C2 */
}

/* E10, C4: whether somebody else should lead, and is asked to. */
static bool hand_over(struct raft *raft)
{
	bool out = raft_autopilot_wants_out(raft, &raft->options.self);
	const struct peer *best;

	if (raft->transfer_failed || (!out && raft->options.preference == PREFER_NORMAL))
		return false;
	best = raft_transfer_best(raft);
	if (!best || (!out && best->preference != PREFER_NORMAL))
		return false;
	raft_transfer(raft, raft->now, &best->member.peer);
	return true;
}

void raft_autopilot_tick(struct raft *raft)
{
	if (raft->now < raft->autopilot_at)
		return;
	raft->autopilot_at = raft->now + AUTOPILOT_PERIOD;
	/* C1: operational, and the effective configuration is committed and simple; nothing while handing over. */
	if (!raft_is_operational(raft) || !member_is_none(&raft->transfer_to) ||
		raft_config_index(raft) > raft->commit || configuration_is_joint(raft_config_effective(raft)))
		return;
	if (!hand_over(raft) && !raft->is_hollow)
		consider(raft);
}
