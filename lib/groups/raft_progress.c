/*
 * raft_progress.c - one follower or learner, as its leader sees it.
 *
 *      PROBE: one message at a time, until a point is found where both logs agree
 *        |  ^
 *     OK |  | NO
 *        v  |
 *      REPLICATE: pipelined within the window              next <= base: SNAPSHOT: told that it lags, until it has
 *                                                          something that we can go on from
 *
 *      match .............. next - 1 ........ last
 *            in flight               to send
 *
 * match never falls within a term; next may.
 */
#include "groups/raft_internal.h"

#include "base/check.h"

static void clear_flight(struct peer *peer)
{
	peer->flight_first = peer->flight_count = 0;
	peer->flight_bytes = 0;
}

static void probe_at(struct peer *peer, uint64_t next)
{
	peer->progress = PROGRESS_PROBE;
	peer->paused = false;
	peer->stalled_since = MSEC_NEVER;
	peer->next = next;
	clear_flight(peer);
}

void raft_progress_reset(struct raft *raft, struct peer *peer)
{
	probe_at(peer, raft_log_last(&raft->log) + 1);
	peer->match = 0;
	peer->commit_told = peer->waits_for = 0;
	peer->round = 0;
	peer->heard_at = raft->now;   /* silence is counted from here */
	peer->ready_since = MSEC_NEVER;
}

void raft_wants_commit(struct raft *raft, const struct id *id, uint64_t index)
{
	struct peer *peer = id_table_get(&raft->peers, id);

	if (peer && index > peer->waits_for)
		peer->waits_for = index;
}

void raft_progress_meet(struct raft *raft, struct peer *peer)
{
	probe_at(peer, peer->match > 0 ? peer->match + 1 : raft_log_last(&raft->log) + 1);
	peer->commit_told = 0;
}

/* ---- sending ---- */

/* How many entries from `next` on go into one message; *bytes: of their payloads. */
static uint32_t fit(const struct raft *raft, uint64_t next, size_t *bytes)
{
	uint64_t last = raft_log_last(&raft->log);
	uint32_t count = 0;

	*bytes = 0;
	for (uint64_t index = next; index <= last && count < RAFT_APPEND_ENTRIES_MAX; index++) {
		size_t size = blob_size(raft_log_entry(&raft->log, index)->payload);

		if (count > 0 && *bytes + size > RAFT_APPEND_MAX)
			break;
		*bytes += size;
		count++;
	}
	return count;
}

static void send_append(struct raft *raft, struct peer *peer, uint32_t count)
{
	uint64_t prev = peer->next - 1;
	const struct entry_head *head = raft_log_head(&raft->log, prev);
	uint64_t told = prev + count < raft->commit ? prev + count : raft->commit;

	raft_send(raft, &peer->member, LANE_APPEND, &(struct raft_message){
		.kind = RAFT_APPEND,
		.prev_index = prev,
		.prev_term = head->term,
		.prev_chain = head->chain,
		.commit = raft->commit,
		.count = count,
		.entry = count > 0 ? raft_log_entry(&raft->log, peer->next) : NULL,
	});
	if (told > peer->commit_told)
		peer->commit_told = told;
}

static bool has_window(const struct peer *peer)
{
	return peer->flight_count < RAFT_WINDOW_MESSAGES && peer->flight_bytes < RAFT_WINDOW_BYTES;
}

static void replicate(struct raft *raft, struct peer *peer)
{
	/* B17: each send that is not empty begins right behind what was sent, so it offers what the follower lacks. */
	while (peer->next <= raft_log_last(&raft->log) && has_window(peer)) {
		size_t bytes;
		uint32_t count = fit(raft, peer->next, &bytes);
		uint32_t place = (peer->flight_first + peer->flight_count) % RAFT_WINDOW_MESSAGES;

		send_append(raft, peer, count);
		peer->next += count;
		peer->flight[place] = (struct raft_flight){peer->next - 1, (uint32_t)bytes};
		peer->flight_count++;
		peer->flight_bytes += bytes;
	}
}

/*
 * Where one command follows the other, the next entries carry the commit sooner than a message of its own would be read, which would
 * cost every follower a second turn for each command. So it is told at once to who waits for it, and of all entries but commands,
 * after which little may follow; else soon.
 */
static bool may_tell_later(const struct raft *raft, const struct peer *peer, uint64_t told)
{
	return peer->commit_told >= peer->waits_for && (peer->commit_told >= raft->urgent || told < raft->urgent)
		&& raft->now < raft->tell_at;
}

static void tell_commit(struct raft *raft, struct peer *peer)
{
	uint64_t told = peer->match < raft->commit ? peer->match : raft->commit;

	if (told <= peer->commit_told)
		return;
	if (may_tell_later(raft, peer, told)) {
		if (raft->tell_at == MSEC_NEVER)
			raft->tell_at = raft->now + RAFT_TELL_WITHIN;
		raft->is_untold = true;
		return;
	}
	peer->commit_told = told;
	raft_send(raft, &peer->member, LANE_CONTROL, &(struct raft_message){.kind = RAFT_COMMIT, .commit = told});
}

static void tell_lagging(struct raft *raft, struct peer *peer)
{
	if (peer->progress != PROGRESS_SNAPSHOT) {
		probe_at(peer, peer->next);
		peer->progress = PROGRESS_SNAPSHOT;
	}
	if (peer->paused)
		return;
	peer->paused = true;
	raft_send(raft, &peer->member, LANE_CONTROL, &(struct raft_message){
		.kind = RAFT_LAGGING, .index = raft->log.base.index + 1});
}

void raft_progress_feed(struct raft *raft, struct peer *peer)
{
	if (!peer->up)
		return;
	if (peer->next <= raft->log.base.index) {
		tell_lagging(raft, peer);
		return;
	}
	if (peer->progress == PROGRESS_REPLICATE) {
		replicate(raft, peer);
	} else if (!peer->paused) {
		size_t bytes;

		send_append(raft, peer, fit(raft, peer->next, &bytes));
		peer->paused = true;
	}
	tell_commit(raft, peer);
}

/* ---- answers; each is of this term and of this life ---- */

static void update_ready(struct raft *raft, struct peer *peer)
{
	bool ready = peer->up && peer->match > 0 && peer->match + RAFT_TRAILING_MAX >= raft_log_last(&raft->log);

	if (!ready) {
		peer->ready_since = MSEC_NEVER;
	} else if (peer->ready_since == MSEC_NEVER) {
		peer->ready_since = raft->now;
		raft->autopilot_at = raft->now;
	}
}

void raft_progress_ok(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	peer->stalled_since = MSEC_NEVER;
	if (message->match > peer->match)
		peer->match = message->match;
	while (peer->flight_count > 0 && peer->flight[peer->flight_first].last <= peer->match) {
		peer->flight_bytes -= peer->flight[peer->flight_first].bytes;
		peer->flight_first = (peer->flight_first + 1) % RAFT_WINDOW_MESSAGES;
		peer->flight_count--;
	}
	/* What it verified equals ours, durable or not: go on from there. */
	if (peer->progress != PROGRESS_REPLICATE && message->index >= raft->log.base.index) {
		probe_at(peer, (message->index > peer->match ? message->index : peer->match) + 1);
		peer->progress = PROGRESS_REPLICATE;
	} else if (message->index >= peer->next) {
		peer->next = message->index + 1;
	}
	update_ready(raft, peer);
}

/* The largest index at which our log can agree with a follower that has `term` at `index`. Less than base: none is held. */
static uint64_t agreement(const struct raft *raft, uint64_t index, uint64_t term)
{
	uint64_t base = raft->log.base.index;
	uint64_t found;

	if (index < base)
		return index;
	found = raft_log_not_after(&raft->log, index, term);
	return found == base && raft->log.base.term > term ? base - 1 : found;
}

static bool is_stale_no(const struct peer *peer, const struct raft_message *message)
{
	if (peer->progress == PROGRESS_SNAPSHOT)
		return false;
	if (peer->progress == PROGRESS_PROBE)
		return message->match != peer->next - 1;
	return message->match <= peer->match || message->match >= peer->next;
}

void raft_progress_no(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	uint64_t hint = message->index;
	uint64_t last = raft_log_last(&raft->log);
	uint64_t next;

	if (is_stale_no(peer, message))
		return;
	if (hint > message->match || peer->progress == PROGRESS_SNAPSHOT) {
		/* It has a snapshot beyond: go on behind it, if it is part of our history. */
		if (hint < raft->log.base.index || hint > last || raft_log_term(&raft->log, hint) != message->index_term)
			return;
		next = hint + 1;
	} else {
		uint64_t agreed = agreement(raft, hint, message->index_term);

		/* B17: after a refusal next = max(match + 1, hint). */
		next = (agreed > peer->match ? agreed : peer->match) + 1;
	}
	if (next == peer->next && peer->progress == PROGRESS_PROBE)
		return;   /* nothing new to try: the next heartbeat's answer tries again */
	probe_at(peer, next);
}

/*
 * Nothing was acknowledged for a heartbeat's time although something is under way, or it says less than it acknowledged:
 * lost on the way, or with a restart. An empty message behind all that was sent shows which.
 */
static void look_for_losses(struct raft *raft, struct peer *peer, uint64_t match)
{
	if (match >= peer->match && peer->match == peer->next - 1) {
		peer->stalled_since = MSEC_NEVER;
	} else if (peer->stalled_since == MSEC_NEVER) {
		peer->stalled_since = raft->now;
	} else if (raft->now - peer->stalled_since >= raft->options.timing.heartbeat / 2) {
		peer->stalled_since = raft->now;
		send_append(raft, peer, 0);
	}
}

void raft_progress_alive(struct raft *raft, struct peer *peer, const struct raft_message *message)
{
	uint64_t last = raft_log_last(&raft->log);

	switch (peer->progress) {
	case PROGRESS_PROBE:
		peer->paused = false;
		break;
	case PROGRESS_SNAPSHOT:
		peer->paused = false;
		if (message->index >= raft->log.base.index)
			probe_at(peer, (message->index < last ? message->index : last) + 1);
		break;
	case PROGRESS_REPLICATE:
		look_for_losses(raft, peer, message->match);
		break;
	}
	update_ready(raft, peer);
}
