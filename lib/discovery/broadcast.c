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

/* A neighbour, as the tree sees it. */
struct branch {
	bool is_lazy;
	struct announce_have have[ANNOUNCE_HAVE_MAX];   /* IHAVEs that wait */
	size_t have_count;
	msec flush_at;
};

/* A name without news. */
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

static void missing_remove(struct broadcast *broadcast, size_t at)
{
	ASSERT(at < broadcast->missing_count);
	broadcast->missing_count--;
	memmove(broadcast->missing + at, broadcast->missing + at + 1,
		(broadcast->missing_count - at) * sizeof(*broadcast->missing));
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
	for (size_t i = broadcast->missing_count; i-- > 0;)
		if (is_answered_by(&broadcast->missing[i].id, &news->id))
			missing_remove(broadcast, i);
}

void broadcast_named(struct broadcast *broadcast, msec now, const struct announce_have *have, const struct id *from)
{
	struct missing *missing = NULL;

	for (size_t i = 0; i < broadcast->missing_count && missing == NULL; i++)
		if (message_id_equal(&broadcast->missing[i].id, &have->id))
			missing = &broadcast->missing[i];
	if (missing == NULL) {
		if (broadcast->missing_count >= BROADCAST_MISSING_MAX)
			return;
		broadcast->missing = memory_grow(broadcast->missing, &broadcast->missing_capacity,
			broadcast->missing_count + 1, sizeof(*broadcast->missing));
		missing = &broadcast->missing[broadcast->missing_count++];
		*missing = (struct missing){.id = have->id, .due = now + BROADCAST_MISSING_FIRST};
	}
	for (size_t i = 0; i < missing->source_count; i++)
		if (id_equal(&missing->source[i].peer, from))
			return;
	if (missing->source_count < BROADCAST_SOURCES_MAX)
		missing->source[missing->source_count++] = (struct missing_source){*from, have->round};
}

/* Algorithm 2: the first who named it is asked for it; now and then it is on our tree from now on. */
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

/* --- what is sent --- */

static void flush(struct broadcast *broadcast, const struct id *peer, struct branch *branch)
{
	struct broadcast_action *action = put_action(broadcast, BROADCAST_IHAVE, peer);

	memcpy(action->have, branch->have, branch->have_count * sizeof(branch->have[0]));
	action->have_count = branch->have_count;
	branch->have_count = 0;
}

static void push_lazily(struct broadcast *broadcast, msec now, const struct id *peer, const struct announce_have *news)
{
	struct branch *branch = id_table_get(&broadcast->branches, peer);
	msec due = now + (news->is_refresh ? BROADCAST_REFRESH_DELAY : BROADCAST_LAZY_DELAY);

	ASSERT(branch != NULL);
	if (branch->have_count == ANNOUNCE_HAVE_MAX)
		flush(broadcast, peer, branch);
	if (branch->have_count == 0 || due < branch->flush_at)
		branch->flush_at = due;
	branch->have[branch->have_count++] = *news;
}

static void remember(struct broadcast *broadcast, const struct message_id *id, const struct id *from, bool is_beside)
{
	struct broadcast_recent *recent = &broadcast->recent[broadcast->recent_next];

	*recent = (struct broadcast_recent){.id = *id, .is_beside = is_beside};
	if (from != NULL)
		recent->from = *from;
	broadcast->recent_next = (broadcast->recent_next + 1) % BROADCAST_RECENT_MAX;
	if (broadcast->recent_count < BROADCAST_RECENT_MAX)
		broadcast->recent_count++;
}

/*
 * Most news is that somebody is still there, and can wait for anti-entropy. Its name goes to one lazy branch, another one each
 * time: enough to graft a branch that broke, and a sixth of the bytes.
 */
static size_t whose_turn(const struct broadcast *broadcast)
{
	size_t lazy = 0;

	for (size_t i = 0; i < broadcast->branches.count; i++)
		lazy += ((const struct branch *)broadcast->branches.slot[i].value)->is_lazy;
	return lazy > 0 ? broadcast->recent_next % lazy : 0;
}

void broadcast_news(struct broadcast *broadcast, msec now, const struct announce_have *news, const struct id *from)
{
	struct announce_have next = *news;
	bool is_beside = news->round == 0;

	missing_answered(broadcast, news);
	remember(broadcast, &news->id, from, is_beside);
	if (next.round < ANNOUNCE_ROUND_MAX)
		next.round++;
	for (size_t i = 0, lazy = 0, turn = whose_turn(broadcast); i < broadcast->branches.count; i++) {
		const struct id *peer = &broadcast->branches.slot[i].key;
		const struct branch *branch = broadcast->branches.slot[i].value;
		struct broadcast_action *action;

		/* Neither to whom it came from, nor to whom it is about. */
		if ((from != NULL && id_equal(peer, from)) || id_equal(peer, &news->id.peer))
			continue;
		if (branch->is_lazy) {
			if (!next.is_refresh || lazy++ == turn)
				push_lazily(broadcast, now, peer, &next);
			continue;
		}
		action = put_action(broadcast, BROADCAST_GOSSIP, peer);
		action->id = next.id;
		action->round = next.round;
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
	for (size_t i = 0; i < broadcast->recent_count; i++) {
		struct broadcast_recent *recent = &broadcast->recent[i];

		if (!message_id_equal(&recent->id, id))
			continue;
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
	return false;
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

void broadcast_peer_down(struct broadcast *broadcast, const struct id *peer)
{
	struct branch *branch = id_table_remove(&broadcast->branches, peer);

	ASSERT(branch != NULL);
	memory_free(branch);
	for (size_t i = broadcast->missing_count; i-- > 0;) {
		struct missing *missing = &broadcast->missing[i];

		for (size_t j = missing->source_count; j-- > 0;)
			if (id_equal(&missing->source[j].peer, peer))
				source_remove(missing, j);
	}
}

/* --- time --- */

void broadcast_tick(struct broadcast *broadcast, msec now)
{
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		struct branch *branch = broadcast->branches.slot[i].value;

		if (branch->have_count > 0 && branch->flush_at <= now)
			flush(broadcast, &broadcast->branches.slot[i].key, branch);
	}
	for (size_t i = broadcast->missing_count; i-- > 0;) {
		struct missing *missing = &broadcast->missing[i];

		if (missing->due > now)
			continue;
		/* Everybody was asked: it is left to anti-entropy. */
		if (missing->source_count == 0)
			missing_remove(broadcast, i);
		else
			ask(broadcast, now, missing);
	}
}

msec broadcast_deadline(const struct broadcast *broadcast)
{
	msec due = MSEC_NEVER;

	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct branch *branch = broadcast->branches.slot[i].value;

		if (branch->have_count > 0)
			due = msec_min(due, branch->flush_at);
	}
	for (size_t i = 0; i < broadcast->missing_count; i++)
		due = msec_min(due, broadcast->missing[i].due);
	return due;
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
	for (size_t i = 0; i < broadcast->branches.count; i++)
		memory_free(broadcast->branches.slot[i].value);
	id_table_fini(&broadcast->branches);
	memory_free(broadcast->missing);
	memory_free(broadcast->action);
	memset(broadcast, 0, sizeof(*broadcast));
}

void broadcast_check(const struct broadcast *broadcast)
{
	ASSERT(broadcast->missing_count <= BROADCAST_MISSING_MAX);
	ASSERT(broadcast->recent_count <= BROADCAST_RECENT_MAX && broadcast->recent_next < BROADCAST_RECENT_MAX);
	ASSERT(broadcast->action_first <= broadcast->action_count);
	for (size_t i = 0; i < broadcast->branches.count; i++) {
		const struct branch *branch = broadcast->branches.slot[i].value;

		ASSERT(branch->have_count <= ANNOUNCE_HAVE_MAX);
	}
	for (size_t i = 0; i < broadcast->missing_count; i++) {
		const struct missing *missing = &broadcast->missing[i];

		ASSERT(missing->source_count <= BROADCAST_SOURCES_MAX);
		for (size_t j = 0; j < missing->source_count; j++)
			ASSERT(id_table_get(&broadcast->branches, &missing->source[j].peer) != NULL);
	}
}
