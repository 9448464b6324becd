/*
 * serve_follow.c - clients that follow: each walks the group's history at its own pace.
 *
 *      group --- APPLIED, CHANGED ---> history   [ . . . . . . . . . ]
 *                                                    ^ follow      ^ follow
 *
 * A follow is only a number in the history, so a slow one costs nothing: it is sent FOLLOW_AHEAD_MAX bytes beyond what it
 * has acknowledged, and when what it would need next is gone, it is told to begin with the state (RESET). A plain log is
 * its own state: there the records that are gone from the history come from the state, and nothing is missed but what a base
 * stands for (log_base.h).
 */
#include "groups/groups_internal.h"

#include "base/check.h"
#include "groups/log_state.h"
#include "wire/cbor.h"

#define STATUS_EVERY 100   /* msec */
#define KEPT_AT_ONCE 256   /* records read from a state */

/* ---- the history ---- */

static void add(struct hosted *hosted, enum client_event kind, const struct group_fact *fact)
{
	struct history_event event = {.kind = kind, .position = fact->position, .term = fact->term,
		.bytes = fact->bytes ? blob_keep(fact->bytes) : NULL};

	history_add(&hosted->history, &event);
}

/* Nothing up to `floor` was told to anybody: the state was replaced by another. */
static void begin_anew(struct hosted *hosted, uint64_t floor)
{
	history_clear(&hosted->history, floor);
	LIST_EACH(place, &hosted->clients) {
		struct served *served = LIST_OF(place, struct served, place);

		for (size_t i = 0; i < served->follow_count; i++) {
			served->follow[i].lost = true;
			served->follow[i].is_anew = served->follow[i].is_anew || floor == 0;
		}
	}
}

void follow_note(struct hosted *hosted, const struct group_fact *fact)
{
	switch (fact->kind) {
	case GROUP_APPLIED:
		add(hosted, EVENT_RECORD, fact);
		break;
	case GROUP_CHANGED:
		add(hosted, EVENT_CHANGE, fact);
		break;
	case GROUP_RESTORED:
		begin_anew(hosted, fact->position);
		break;
	case GROUP_DISSOLVED:
	case GROUP_DIVERGED:
		begin_anew(hosted, 0);
		hosted->status_changed = true;
		break;
	case GROUP_LEADER:
	case GROUP_ONLINE:
	case GROUP_OFFLINE:
	case GROUP_VOTERS:
	case GROUP_SPLIT:
	case GROUP_LEFT:
	case GROUP_HALTED:
		hosted->status_changed = true;
		break;
	case GROUP_RESULT:
	case GROUP_ANSWER:
	case GROUP_QUESTION:
	case GROUP_ROOM:
	case GROUP_ARCHIVE:
		break;
	}
}

/* ---- one that follows ---- */

bool follow_begin(struct served *served, msec now, const struct client_request *request, struct outbox *out)
{
	const struct history *history = &served->hosted->history;
	struct follow *follow;

	if (served->follow_count == FOLLOWS_MAX)
		return false;
	follow = &served->follow[served->follow_count++];
	*follow = (struct follow){.ticket = request->ticket, .what = request->what, .filter = blob_copy(request->bytes),
		.next = history->next, .changed = true};
	served->hosted->status_followers += follow->what == FOLLOW_STATUS;
	if (request->position > 0) {
		follow->next = history_find(history, request->position);
		follow->lost = request->position <= history->floor;
		follow->position = request->position;
	}
	follow_pump(served, now, out);
	return true;
}

/*
 * A change is an array whose second item is the key, as bytes or as text. One without a key, like that of a clear, is about
 * every key.
 */
static bool passes(const struct follow *follow, const struct history_event *event)
{
	struct bytes filter = blob_bytes(follow->filter), key;
	struct cbor in;

	if (filter.size == 0 || !event->bytes)
		return filter.size == 0;
	cbor_init(&in, blob_bytes(event->bytes));
	cbor_array(&in, SIZE_MAX);
	cbor_skip(&in);
	if (cbor_peek(&in) == CBOR_BYTES)
		key = cbor_bytes(&in);
	else if (cbor_peek(&in) == CBOR_TEXT)
		key = cbor_text(&in);
	else
		return true;
	return key.size >= filter.size && bytes_equal(bytes_of(key.data, filter.size), filter);
}

static void tell(struct served *served, const struct client_reply *event, struct outbox *out)
{
	groups_send(served->link, client_wire_reply(event), out);
}

/* Nothing up to `position` can be told. */
static void tell_gap(struct served *served, struct follow *follow, uint64_t position, struct outbox *out)
{
	follow->position = position + 1;
	tell(served, &(struct client_reply){.kind = REPLY_EVENT, .ticket = follow->ticket, .event = EVENT_RESET,
		.position = position}, out);
}

static void tell_reset(struct served *served, struct follow *follow, struct outbox *out)
{
	const struct history *history = &served->hosted->history;

	follow->lost = follow->is_anew = false;
	follow->next = history->first;
	/* Half a position is none: what is left of the changes of `floor` would be taken for all of them. */
	while (follow->next < history->next && history_at(history, follow->next)->position <= history->floor)
		follow->next++;
	tell_gap(served, follow, history->floor, out);
}

static void tell_event(struct served *served, const struct follow *follow, const struct history_event *event, struct outbox *out)
{
	bool wanted = follow->what == FOLLOW_LOG ? event->kind == EVENT_RECORD : event->kind == EVENT_CHANGE;

	if (!wanted || (event->kind == EVENT_CHANGE && !passes(follow, event)))
		return;
	tell(served, &(struct client_reply){.kind = REPLY_EVENT, .ticket = follow->ticket, .event = (enum client_event)event->kind,
		.position = event->position, .term = event->term,
		.bytes = event->bytes ? blob_bytes(event->bytes) : bytes_of(NULL, 0)}, out);
}

/* What the history no longer holds, the state of a plain log still does. true: that is where the next record comes from. */
static bool tell_kept(struct served *served, struct follow *follow, struct outbox *out)
{
	const struct state *state = group_state(served->hosted->group);
	uint64_t floor = served->hosted->history.floor, base;
	struct history_event event = {.kind = EVENT_RECORD};
	struct buffer query = {0}, records = {0};
	struct log_record record;
	struct bytes rest;
	bool kept = false;

	if (follow->what != FOLLOW_LOG || follow->is_anew || follow->position == 0 || !log_state_is(state) ||
			follow->position > floor)
		return false;
	base = log_state_base(state)->position;
	if (follow->position <= base) {
		tell_gap(served, follow, base < floor ? base : floor, out);
		return true;
	}
	log_state_query(follow->position, KEPT_AT_ONCE, &query);
	if (state->ops->query(state->self, buffer_bytes(&query), &records) != OK)
		records.size = 0;
	rest = buffer_bytes(&records);
	while (log_record_next(&rest, &record) && record.position <= floor) {
		event.position = record.position;
		event.term = record.term;
		event.bytes = blob_copy(record.command);
		tell_event(served, follow, &event, out);
		blob_drop(event.bytes);
		follow->position = record.position + 1;
		kept = true;
	}
	buffer_fini(&query);
	buffer_fini(&records);
	return kept;
}

/* Behind what the state told, the history goes on. */
static void tell_lost(struct served *served, struct follow *follow, struct outbox *out)
{
	const struct history *history = &served->hosted->history;

	if (tell_kept(served, follow, out))
		return;
	if (follow->is_anew || follow->position <= history->floor) {
		tell_reset(served, follow, out);
		return;
	}
	follow->lost = false;
	follow->next = history_find(history, follow->position);
}

static bool has_room(const struct served *served)
{
	return !served->drowned && served->link->outstanding < FOLLOW_AHEAD_MAX;
}

static void pump_events(struct served *served, struct follow *follow, struct outbox *out)
{
	const struct history *history = &served->hosted->history;

	if (follow->next < history->first)
		follow->lost = true;
	while (has_room(served) && (follow->lost || follow->next < history->next)) {
		if (follow->lost) {
			tell_lost(served, follow, out);
		} else {
			const struct history_event *event = history_at(history, follow->next++);

			tell_event(served, follow, event, out);
			follow->position = event->position + (event->kind == EVENT_RECORD);
		}
	}
}

static void pump_status(struct served *served, msec now, struct follow *follow, struct outbox *out)
{
	struct buffer status = {0};

	if (!follow->changed || !has_room(served))
		return;
	follow->changed = false;
	client_wire_status(served->hosted->group, now, &served->hosted->groups->options.self, &status);
	tell(served, &(struct client_reply){.kind = REPLY_EVENT, .ticket = follow->ticket, .event = EVENT_STATUS,
		.bytes = buffer_bytes(&status)}, out);
	buffer_fini(&status);
}

void follow_pump(struct served *served, msec now, struct outbox *out)
{
	for (size_t i = 0; i < served->follow_count; i++) {
		struct follow *follow = &served->follow[i];

		if (follow->what == FOLLOW_STATUS)
			pump_status(served, now, follow, out);
		else
			pump_events(served, follow, out);
	}
}

static size_t members_up(const struct group *group, msec now)
{
	struct group_member member;
	size_t up = 0;

	for (size_t n = 0; group_member_at(group, now, n, &member); n++)
		up += member.up;
	return up;
}

/* Also when only the position moved, or a member came or went; at most so often. */
static bool status_is_due(struct hosted *hosted, msec now)
{
	struct group_status status;
	size_t up;

	if (hosted->status_followers == 0)
		return false;
	group_status(hosted->group, &status);
	up = members_up(hosted->group, now);
	if (status.position != hosted->status_position || up != hosted->status_up)
		hosted->status_changed = true;
	if (!hosted->status_changed || now < hosted->status_after)
		return false;
	hosted->status_changed = false;
	hosted->status_position = status.position;
	hosted->status_up = up;
	hosted->status_after = now + STATUS_EVERY;
	return true;
}

msec follow_deadline(const struct hosted *hosted)
{
	return hosted->status_followers > 0 && hosted->status_changed ? hosted->status_after : MSEC_NEVER;
}

void follow_pump_all(struct hosted *hosted, msec now, struct outbox *out)
{
	bool changed = status_is_due(hosted, now);

	LIST_EACH(place, &hosted->clients) {
		struct served *served = LIST_OF(place, struct served, place);

		for (size_t i = 0; i < served->follow_count; i++)
			served->follow[i].changed |= changed;
		follow_pump(served, now, out);
	}
}
