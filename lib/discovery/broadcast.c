/*
 * broadcast.c - see broadcast.h.
 *
 * Actions are what the owner has to send, in order. They are made by one call and pulled after it, so their number is
 * bounded by the neighbours and the names of one message.
 */
#include "discovery/broadcast.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* What waits for its time. */
struct bundle {
	struct announce_have *have;      /* have[0 .. count); NULL: nothing */
	size_t count;
	size_t capacity;
	msec due;
};

/* A neighbour, as the tree sees it. */
struct branch {
	bool is_lazy;
	struct bundle named;       /* the next IHAVE */
	struct bundle whole;       /* the next GOSSIP; due: not before, also when it is empty */
};

/* A name without news: the newest of its peer. */
struct missing {
	struct message_id id;
	msec due;                        /* of the next GRAFT */
	struct missing_source {
		struct id peer;
		unsigned round;
	} source[BROADCAST_SOURCES_MAX]; /* who named it and was not asked yet, the first one first */
	size_t source_count;
};

static struct broadcast_action *put_action(
	struct broadcast *broadcast, enum broadcast_kind kind, const struct id *to)
{
	struct broadcast_action *action;

	if (broadcast->action_first == broadcast->action_count)
		broadcast->action_first = broadcast->action_count = 0;
	broadcast->action = memory_grow(broadcast->action, &broadcast->action_capacity, broadcast->action_count + 1,
		sizeof(*broadcast->action));
	action = &broadcast->action[broadcast->action_count++];
	memset(action, 0, sizeof(*action));
	action->kind = kind;
	action->to = *to;
	return action;
}

/* --- what is missing --- */

static void missing_remove(struct broadcast *broadcast, const struct id *peer)
{
	struct id id = *peer;   /* it may be part of what goes */

	memory_free(id_table_remove(&broadcast->missing, &id));
}

static void source_remove(struct missing *missing, size_t at)
{
	ASSERT(at < missing->source_count);
	missing->source_count--;
	memmove(missing->source + at, missing->source + at + 1,
		(missing->source_count - at) * sizeof(*missing->source));
}

/* Is `id` no news any more when `news` is known? */
static bool is_answered_by(const struct message_id *id, const struct message_id *news)
{
	int order = version_compare(&id->version, &news->version);

	return id_equal(&id->peer, &news->peer) && (order < 0 || (order == 0 && id->is_goodbye <= news->is_goodbye));
}

static void set_lazy(struct broadcast *broadcast, const struct id *peer, bool is_lazy)
{
	struct branch *branch = id_table_get(&broadcast->branches, peer);

	if (branch != NULL)
		branch->is_lazy = is_lazy;
}

static void missing_answered(struct broadcast *broadcast, const struct announce_have *news)
{
	struct missing *missing = id_table_get(&broadcast->missing, &news->id.peer);

	if (missing != NULL && is_answered_by(&missing->id, &news->id))
		missing_remove(broadcast, &news->id.peer);
}

static struct missing *missing_new(struct broadcast *broadcast, msec now, const struct message_id *id)
{
	struct missing *missing = memory_new(sizeof(*missing));

	*missing = (struct missing){.id = *id, .due = now + BROADCAST_MISSING_FIRST};
	broadcast->missing_due =
		broadcast->missing.count > 0 ? msec_min(broadcast->missing_due, missing->due) : missing->due;
	id_table_put(&broadcast->missing, &id->peer, missing);
	return missing;
}

void broadcast_named(struct broadcast *broadcast, msec now, const struct announce_have *have, const struct id *from)
{
	struct missing *missing = id_table_get(&broadcast->missing, &have->id.peer);

	if (missing == NULL) {
		if (broadcast->missing.count >= BROADCAST_MISSING_MAX)
			return;
		missing = missing_new(broadcast, now, &have->id);
	} else if (!is_answered_by(&have->id, &missing->id)) {
		/* Something newer still: whoever named the older one may not have it. */
		missing->id = have->id;
		missing->source_count = 0;
	} else if (!message_id_equal(&have->id, &missing->id)) {
		return;
	}
	for (size_t i = 0; i < missing->source_count; i++)
		if (id_equal(&missing->source[i].peer, from))
			return;
	if (missing->source_count < BROADCAST_SOURCES_MAX)
		missing->source[missing->source_count++] = (struct missing_source){*from, have->round};
}

/* Tree repair: the first who named it is asked for it; now and then it is on our tree from now on. */
static void ask(struct broadcast *broadcast, msec now, struct missing *missing)
{
	bool is_graft = broadcast->asked++ % BROADCAST_GRAFT_EVERY == 0;
	const struct id source = missing->source[0].peer;
	struct broadcast_action *action;

	ASSERT(missing->source_count > 0);
	action = put_action(broadcast, is_graft ? BROADCAST_GRAFT : BROADCAST_WANT, &source);
	action->id = missing->id;
	action->wanted = true;
	if (is_graft)
		set_lazy(broadcast, &source, false);
	source_remove(missing, 0);
	missing->due = now + BROADCAST_MISSING_NEXT;
}

static void ask_for_missing(struct broadcast *broadcast, msec now)
{
	broadcast->missing_due = MSEC_NEVER;
	for (size_t i = broadcast->missing.count; i-- > 0;) {
		struct missing *missing = broadcast->missing.slot[i].value;

		/* Everybody was asked: it is left to anti-entropy. */
		if (missing->due <= now && missing->source_count == 0) {
			missing_remove(broadcast, &missing->id.peer);
			continue;
		}
		if (missing->due <= now)
			ask(broadcast, now, missing);
		broadcast->missing_due = msec_min(broadcast->missing_due, missing->due);
	}
}

/* --- what is sent --- */

static void bundle_put(struct bundle *bundle, const struct announce_have *have)
{
	bundle->have = memory_grow(bundle->have, &bundle->capacity, bundle->count + 1, sizeof(*bundle->have));
	bundle->have[bundle->count++] = *have;
}

static void bundle_send(
	struct broadcast *broadcast, enum broadcast_kind kind, const struct id *peer, struct bundle *bundle)
{
	struct broadcast_action *action = put_action(broadcast, kind, peer);

	action->have = bundle->have;
	action->have_count = bundle->count;
	*bundle = (struct bundle){.due = bundle->due};
}

static void push_whole(struct broadcast *broadcast, msec now, const struct id *peer, const struct announce_have *news)
{
	struct branch *branch = id_table_get(&broadcast->branches, peer);

	ASSERT(branch != NULL);
	bundle_put(&branch->whole, news);
	if (branch->whole.count < ANNOUNCE_GOSSIP_MAX)
		return;
	branch->whole.due = now + BROADCAST_BUNDLE_DELAY;
	bundle_send(broadcast, BROADCAST_GOSSIP, peer, &branch->whole);
}

static void push_lazily(struct broadcast *broadcast, msec now, const struct id *peer, const struct announce_have *news)
{
	struct branch *branch = id_table_get(&broadcast->branches, peer);
	msec due = now + (news->is_refresh ? BROADCAST_REFRESH_DELAY : BROADCAST_LAZY_DELAY);

	ASSERT(branch != NULL);
	if (branch->named.count == ANNOUNCE_HAVE_MAX)
		bundle_send(broadcast, BROADCAST_IHAVE, peer, &branch->named);
	if (branch->named.count == 0 || due < branch->named.due)
		branch->named.due = due;
	bundle_put(&branch->named, news);
}

static size_t place_of(const struct id *peer)
{
	return bytes_get_be32(peer->byte) % BROADCAST_RECENT_MAX;
}

static void remember(struct broadcast *broadcast, const struct message_id *id, const struct id *from, bool is_beside)
{
	struct broadcast_recent *recent = &broadcast->recent[place_of(&id->peer)];

	*recent = (struct broadcast_recent){.id = *id, .is_beside = is_beside};
	if (from != NULL)
		recent->from = *from;
	broadcast->spread++;
}

/*
 * Most news is that somebody is still there, and can wait for anti-entropy. Its name goes to one lazy branch, another one
 * every other time: enough to graft a branch that broke, a sixth of the bytes, and half of those packets.
 */
static size_t whose_turn(const struct broadcast *broadcast)
{
	size_t lazy = 0;

	for (size_t i = 0; i < broadcast->branches.count; i++)
		lazy += ((const struct branch *)broadcast->branches.slot[i].value)->is_lazy;
	return lazy > 0 ? broadcast->spread / BROADCAST_REFRESH_COMPANY % lazy : 0;
}

void broadcast_news(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from)
{
	struct announce_have next = *news;
	bool is_beside = news->round == 0;
	size_t lazy = 0, turn = whose_turn(broadcast);

	missing_answered(broadcast, news);
	remember(broadcast, &news->id, from, is_beside);
	if (next.round < ANNOUNCE_ROUND_MAX)
		next.round++;
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct id *peer = &broadcast->branches.slot[i].key;
		const struct branch *branch = broadcast->branches.slot[i].value;

		/* Neither to whom it came from, nor to whom it is about. */
		if ((from != NULL && id_equal(peer, from)) || id_equal(peer, &news->id.peer))
			continue;
		if (branch->is_lazy) {
			if (!next.is_refresh || lazy++ == turn)
				push_lazily(broadcast, now, peer, &next);
			continue;
		}
		push_whole(broadcast, now, peer, &next);
	}
}

void broadcast_offer(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from)
{
	missing_answered(broadcast, news);
	remember(broadcast, &news->id, NULL, true);
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct id *peer = &broadcast->branches.slot[i].key;

		if (!id_equal(peer, from) && !id_equal(peer, &news->id.peer))
			push_lazily(broadcast, now, peer, news);
	}
}

bool broadcast_duplicate(struct broadcast *broadcast, msec now, const struct message_id *id, unsigned round, const struct id *from)
{
	struct broadcast_recent *recent = &broadcast->recent[place_of(&id->peer)];

	if (!message_id_equal(&recent->id, id))
		return false;
	if (id_equal(&recent->from, from))
		return false;   /* a graft that was answered twice */
	if (round == 0)
		return true;    /* an answer that came too late, or a greeting */
	if (recent->is_beside) {
		/* The tree brought it, only later: this is its branch. */
		recent->from = *from;
		recent->is_beside = false;
		return true;
	}
	if (now >= broadcast->cut_at) {
		/* As good as random, and other nodes cut at other times. */
		broadcast->cut_at = now + BROADCAST_CUT_INTERVAL / 2 + from->byte[0] * BROADCAST_CUT_INTERVAL / 256;
		broadcast->calm_until = now + BROADCAST_CALM;
		set_lazy(broadcast, from, true);
		put_action(broadcast, BROADCAST_PRUNE, from);
	}
	return true;
}

void broadcast_grafted(struct broadcast *broadcast, const struct id *by)
{
	set_lazy(broadcast, by, false);
}

void broadcast_pruned(struct broadcast *broadcast, msec now, const struct id *by)
{
	if (!broadcast_is_eager(broadcast, by))
		return;   /* both cut it at once */
	if (now < broadcast->calm_until) {
		put_action(broadcast, BROADCAST_GRAFT, by);
		return;
	}
	broadcast->calm_until = now + BROADCAST_CALM;
	set_lazy(broadcast, by, true);
}

/* --- neighbours --- */

void broadcast_peer_up(struct broadcast *broadcast, const struct id *peer)
{
	ASSERT(id_table_get(&broadcast->branches, peer) == NULL);
	id_table_put(&broadcast->branches, peer, memory_new(sizeof(struct branch)));
}

static void branch_free(struct branch *branch)
{
	memory_free(branch->named.have);
	memory_free(branch->whole.have);
	memory_free(branch);
}

void broadcast_peer_down(struct broadcast *broadcast, const struct id *peer)
{
	struct branch *branch = id_table_remove(&broadcast->branches, peer);

	ASSERT(branch != NULL);
	branch_free(branch);
	for (size_t i = 0; i < broadcast->missing.count; i++) {
		struct missing *missing = broadcast->missing.slot[i].value;

		for (size_t j = missing->source_count; j-- > 0;)
			if (id_equal(&missing->source[j].peer, peer))
				source_remove(missing, j);
	}
}

/* --- time --- */

void broadcast_flush(struct broadcast *broadcast, msec now)
{
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		struct branch *branch = broadcast->branches.slot[i].value;

		if (branch->whole.count == 0 || branch->whole.due > now)
			continue;
		branch->whole.due = now + BROADCAST_BUNDLE_DELAY;
		bundle_send(broadcast, BROADCAST_GOSSIP, &broadcast->branches.slot[i].key, &branch->whole);
	}
}

void broadcast_tick(struct broadcast *broadcast, msec now)
{
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		struct branch *branch = broadcast->branches.slot[i].value;

		if (branch->named.count > 0 && branch->named.due <= now)
			bundle_send(broadcast, BROADCAST_IHAVE, &broadcast->branches.slot[i].key, &branch->named);
	}
	if (broadcast->missing.count > 0 && broadcast->missing_due <= now)
		ask_for_missing(broadcast, now);
	broadcast_flush(broadcast, now);
}

msec broadcast_deadline(const struct broadcast *broadcast)
{
	msec due = MSEC_NEVER;

	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct branch *branch = broadcast->branches.slot[i].value;

		if (branch->named.count > 0)
			due = msec_min(due, branch->named.due);
		if (branch->whole.count > 0)
			due = msec_min(due, branch->whole.due);
	}
	return broadcast->missing.count > 0 ? msec_min(due, broadcast->missing_due) : due;
}

bool broadcast_next_action(struct broadcast *broadcast, struct broadcast_action *action)
{
	if (broadcast->action_first == broadcast->action_count)
		return false;
	*action = broadcast->action[broadcast->action_first++];
	return true;
}

bool broadcast_is_eager(const struct broadcast *broadcast, const struct id *peer)
{
	const struct branch *branch = id_table_get(&broadcast->branches, peer);

	return branch != NULL && !branch->is_lazy;
}

void broadcast_fini(struct broadcast *broadcast)
{
	struct broadcast_action action;

	while (broadcast_next_action(broadcast, &action))
		memory_free(action.have);
	for (size_t i = 0; i < broadcast->branches.count; i++)
		branch_free(broadcast->branches.slot[i].value);
	id_table_fini(&broadcast->branches);
	for (size_t i = 0; i < broadcast->missing.count; i++)
		memory_free(broadcast->missing.slot[i].value);
	id_table_fini(&broadcast->missing);
	memory_free(broadcast->action);
	memset(broadcast, 0, sizeof(*broadcast));
}

void broadcast_check(const struct broadcast *broadcast)
{
	ASSERT(broadcast->missing.count <= BROADCAST_MISSING_MAX);
	ASSERT(broadcast->action_first <= broadcast->action_count);
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct branch *branch = broadcast->branches.slot[i].value;

		ASSERT(branch->named.count <= ANNOUNCE_HAVE_MAX && branch->whole.count < ANNOUNCE_GOSSIP_MAX);
	}
	for (size_t i = 0; i < broadcast->missing.count; i++) {
		const struct missing *missing = broadcast->missing.slot[i].value;

		ASSERT(id_equal(&missing->id.peer, &broadcast->missing.slot[i].key));
		ASSERT(missing->source_count <= BROADCAST_SOURCES_MAX && missing->due >= broadcast->missing_due);
		for (size_t j = 0; j < missing->source_count; j++)
			ASSERT(id_table_get(&broadcast->branches, &missing->source[j].peer) != NULL);
	}
}
