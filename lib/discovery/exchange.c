/*
 * exchange.c - see exchange.h: links, neighbours and time. What is said on a link is exchange_round.c.
 *
 *     neighbour up ---> soon: our link to it, a round; the smaller id of the two is first
 *     every 1-2 s ----> one random neighbour, if it has no round under way
 *     old news -------> every neighbour, soon
 *     exchange_with --> a link of its own, closed after its round
 *
 * Most rounds end with their first answer, because the digests are equal. Each round runs by itself: a peer that
 * stalls one costs nothing but its own link, after EXCHANGE_STALL.
 */
#include "discovery/exchange.h"

#include "base/check.h"
#include "base/memory.h"
#include "discovery/exchange_internal.h"
#include "wire/limits.h"
#include "wire/protocol.h"

#define FACTS_MAX 16384   /* one message brings at most 8192 entries; the owner pulls after each */

static const char protocol[] = "exchange";

static void advance(struct exchange *exchange, msec now)
{
	if (now > exchange->now)
		exchange->now = now;
}

static msec next_round(struct exchange *exchange)
{
	uint64_t spread = EXCHANGE_INTERVAL_MAX - EXCHANGE_INTERVAL_MIN + 1;

	/* Drawn anew each time, or nodes that started together would ask together for ever. */
	return exchange->now + EXCHANGE_INTERVAL_MIN + (msec)rng_below(&exchange->rng, spread);
}

void exchange_put_fact(struct exchange *exchange, const struct exchange_fact *fact)
{
	ASSERT(exchange->fact_count < FACTS_MAX);
	exchange->fact = memory_grow(exchange->fact, &exchange->fact_capacity, exchange->fact_count + 1,
		sizeof(*exchange->fact));
	exchange->fact[exchange->fact_count++] = *fact;
}

/* --- sessions --- */

static struct session *session_new(struct exchange *exchange, link_id id, enum session_state state)
{
	struct session *session = memory_new(sizeof(*session));

	ASSERT(number_table_get(&exchange->sessions, id) == NULL);
	session->link.id = id;
	session->state = state;
	session->progress_at = exchange->now;
	number_table_put(&exchange->sessions, id, session);
	return session;
}

static void session_free(struct session *session)
{
	exchange_round_give_nothing(session);
	memory_free(session);
}

static struct session *session_open(struct exchange *exchange, const struct dial *dial, struct outbox *out)
{
	struct session *session = session_new(exchange, outbox_connect(out, dial), SESSION_CONNECTING);

	session->link.peer = dial->peer;
	return session;
}

/* Questions that waited for our own round with this peer. */
static void resume_postponed(struct exchange *exchange, const struct id *peer, bool is_equal, struct outbox *out)
{
	for (size_t i = 0; i < exchange->sessions.count; i++) {
		struct session *session = exchange->sessions.slot[i].value;

		if (session->state == SESSION_POSTPONED && id_equal(&session->link.peer, peer))
			exchange_round_resume(exchange, session, is_equal, out);
	}
}

static void forget_neighbour_session(struct exchange *exchange, struct session *session)
{
	struct exchange_neighbour *neighbour;

	if (!session->is_neighbour)
		return;
	session->is_neighbour = false;
	neighbour = id_table_get(&exchange->neighbours, &session->link.peer);
	ASSERT(neighbour != NULL && neighbour->session == session);
	neighbour->session = NULL;
}

/* The end of a session, by us or by the line: whoever waited for its round is told. */
static void session_ended(struct exchange *exchange, struct session *session, enum error reason, struct outbox *out)
{
	bool was_under_way = exchange_round_is_under_way(session);

	session->state = SESSION_CLOSING;
	forget_neighbour_session(exchange, session);
	if (exchange->kept == session)
		exchange->kept = NULL;
	if (session->is_asked)
		exchange_put_fact(exchange, &(struct exchange_fact){.kind = EXCHANGE_FAILED, .link = session->link.id,
			.peer = session->link.peer, .reason = reason});
	session->is_asked = false;
	if (was_under_way && session_is_ours(session))
		resume_postponed(exchange, &session->link.peer, false, out);
}

static void session_close(struct exchange *exchange, struct session *session, enum error reason, struct outbox *out)
{
	ASSERT(session->state != SESSION_CLOSING && session->state != SESSION_CONNECTING);
	outbox_close(out, session->link.id, reason);
	session_ended(exchange, session, reason, out);
}

void exchange_round_over(struct exchange *exchange, struct session *session, struct outbox *out)
{
	ASSERT(session_is_ours(session) && session->state == SESSION_IDLE);
	if (session->has_differed)
		exchange->round_at = msec_min(exchange->round_at, exchange->now +
			rng_jitter(&exchange->rng, EXCHANGE_AGAIN, EXCHANGE_AGAIN_JITTER));
	exchange_put_fact(exchange, &(struct exchange_fact){.kind = EXCHANGE_DONE, .link = session->link.id,
		.peer = session->link.peer});
	session->is_asked = false;
	/* Both catalogs are the same now, as of the last entry on its way; who asked meanwhile need not compare. */
	resume_postponed(exchange, &session->link.peer, true, out);
	if (exchange->keeps && exchange->kept == NULL)
		exchange->kept = session;
	if (!session->is_neighbour && session != exchange->kept)
		session_close(exchange, session, OK, out);
}

/* Somebody else's links cost us a session each, and a catalog's worth of ids while they ask. */
static bool has_room_for(const struct exchange *exchange, const struct id *peer)
{
	size_t accepted = 0;
	size_t of_peer = 0;

	for (size_t i = 0; i < exchange->sessions.count; i++) {
		const struct session *session = exchange->sessions.slot[i].value;

		if (session_is_ours(session))
			continue;
		accepted++;
		of_peer += id_equal(&session->link.peer, peer);
	}
	return accepted < EXCHANGE_ACCEPTED_MAX && of_peer < EXCHANGE_ACCEPTED_PEER_MAX;
}

static void accept(struct exchange *exchange, const struct link *link, struct outbox *out)
{
	bool has_room = has_room_for(exchange, &link->peer);
	struct session *session = session_new(exchange, link->id, SESSION_IDLE);

	session->link.peer = link->peer;
	/* A guest has nothing to tell; and two of our own links would only compare us with ourselves. */
	if (exchange->options.guest || id_equal(&link->peer, &exchange->catalog->self))
		session_close(exchange, session, ERROR_NOT_ALLOWED, out);
	else if (!has_room)
		session_close(exchange, session, ERROR_NO_CAPACITY, out);
}

/* --- rounds with neighbours --- */

/* A round that this peer began does for both of us. */
static bool is_asked_by(const struct exchange *exchange, const struct id *peer)
{
	for (size_t i = 0; i < exchange->sessions.count; i++) {
		const struct session *session = exchange->sessions.slot[i].value;

		if (!session_is_ours(session) && exchange_round_is_compared(session) &&
			id_equal(&session->link.peer, peer))
			return true;
	}
	return false;
}

static bool may_begin(const struct exchange *exchange, const struct exchange_neighbour *neighbour, const struct id *peer)
{
	if (neighbour->session == NULL)
		return true;
	return neighbour->session->state == SESSION_IDLE && !is_asked_by(exchange, peer);
}

static void set_due(struct exchange *exchange, struct exchange_neighbour *neighbour, msec at)
{
	neighbour->due_at = msec_min(neighbour->due_at, at);
	exchange->due_at = msec_min(exchange->due_at, at);
}

static void visit(struct exchange *exchange, const struct id *peer, struct outbox *out)
{
	struct exchange_neighbour *neighbour = id_table_get(&exchange->neighbours, peer);

	ASSERT(neighbour != NULL);
	if (may_begin(exchange, neighbour, peer))
		neighbour->due_at = MSEC_NEVER;
	if (neighbour->session == NULL) {
		neighbour->session = session_open(exchange, &(struct dial){.peer = *peer}, out);
		neighbour->session->is_neighbour = true;
	} else if (may_begin(exchange, neighbour, peer)) {
		exchange_round_begin(exchange, neighbour->session, out);
	}
}

/* With whom a round is under way, one is begun after it: what came since its list was made is not in it. */
static void visit_all_due(struct exchange *exchange, struct outbox *out)
{
	exchange->due_at = MSEC_NEVER;
	for (size_t i = 0; i < exchange->neighbours.count; i++) {
		struct exchange_neighbour *neighbour = exchange->neighbours.slot[i].value;
		struct id peer = exchange->neighbours.slot[i].key;

		if (neighbour->due_at <= exchange->now) {
			visit(exchange, &peer, out);
			if (neighbour->due_at <= exchange->now)
				neighbour->due_at = exchange->now + EXCHANGE_HURRY;
		}
		exchange->due_at = msec_min(exchange->due_at, neighbour->due_at);
	}
}

static bool is_stalled(const struct exchange *exchange, const struct session *session)
{
	return exchange_round_is_under_way(session) && exchange->now - session->progress_at >= EXCHANGE_STALL;
}

static void give_up_stalled(struct exchange *exchange, struct outbox *out)
{
	for (size_t i = 0; i < exchange->sessions.count; i++) {
		struct session *session = exchange->sessions.slot[i].value;
		char text[ID_SHORT_SIZE];

		if (!is_stalled(exchange, session))
			continue;
		id_format_short(&session->link.peer, text);
		log_event(exchange->options.log, LOG_DEBUG, exchange->now, protocol, "stalled peer=%s", text);
		session_close(exchange, session, ERROR_CANCELLED, out);
	}
}

/* --- the machine --- */

static void on_linked(void *self, msec now, const struct link *link, struct outbox *out)
{
	struct exchange *exchange = self;
	struct session *session = number_table_get(&exchange->sessions, link->id);

	advance(exchange, now);
	if (session == NULL) {
		ASSERT(link->id % 2 == 1);
		accept(exchange, link, out);
		return;
	}
	ASSERT(session->state == SESSION_CONNECTING);
	ASSERT(id_is_zero(&session->link.peer) || id_equal(&session->link.peer, &link->peer));
	session->link.peer = link->peer;
	session->state = SESSION_IDLE;
	if (!session->is_asked && !session->is_neighbour)
		session_close(exchange, session, ERROR_CANCELLED, out);   /* the neighbour went down meanwhile */
	else if (session->is_asked || !is_asked_by(exchange, &link->peer))
		exchange_round_begin(exchange, session, out);
}

static void on_unlinked(void *self, msec now, link_id id, enum error reason, struct outbox *out)
{
	struct exchange *exchange = self;
	struct session *session = number_table_remove(&exchange->sessions, id);

	advance(exchange, now);
	ASSERT(session != NULL);
	if (session->state != SESSION_CLOSING)
		session_ended(exchange, session, reason, out);
	session_free(session);
}

static enum error on_receive(void *self, msec now, link_id id, struct blob *message, struct outbox *out)
{
	struct exchange *exchange = self;
	struct session *session = number_table_get(&exchange->sessions, id);

	ASSERT(session != NULL && session->state != SESSION_CONNECTING);
	advance(exchange, now);
	exchange->counters.messages_received++;
	exchange->counters.bytes_received += blob_size(message);
	if (session->state == SESSION_CLOSING)
		return OK;
	return exchange_round_receive(exchange, session, blob_bytes(message), out);
}

static void on_sent(void *self, link_id id, size_t bytes, struct outbox *out)
{
	struct exchange *exchange = self;
	struct session *session = number_table_get(&exchange->sessions, id);

	ASSERT(session != NULL);
	session->outstanding -= bytes < session->outstanding ? bytes : session->outstanding;
	session->progress_at = exchange->now;
	exchange_round_pump(exchange, session, out);
}

static void on_tick(void *self, msec now, struct outbox *out)
{
	struct exchange *exchange = self;

	advance(exchange, now);
	give_up_stalled(exchange, out);
	if (exchange->due_at <= exchange->now)
		visit_all_due(exchange, out);
	if (exchange->now < exchange->round_at)
		return;
	exchange->round_at = next_round(exchange);
	if (exchange->neighbours.count > 0) {
		size_t at = (size_t)rng_below(&exchange->rng, exchange->neighbours.count);
		struct id peer = exchange->neighbours.slot[at].key;

		visit(exchange, &peer, out);
	}
}

static msec on_deadline(const void *self)
{
	const struct exchange *exchange = self;
	msec due = exchange->neighbours.count > 0 ? msec_min(exchange->round_at, exchange->due_at) : MSEC_NEVER;

	for (size_t i = 0; i < exchange->sessions.count; i++) {
		const struct session *session = exchange->sessions.slot[i].value;

		if (exchange_round_is_under_way(session))
			due = msec_min(due, session->progress_at + EXCHANGE_STALL);
	}
	return due;
}

static void on_check(const void *self)
{
	const struct exchange *exchange = self;

	ASSERT(exchange->fact_first <= exchange->fact_count && exchange->fact_count <= FACTS_MAX);
	ASSERT(exchange->fact_first < exchange->fact_count || exchange->fact == NULL);
	ASSERT(!exchange->options.guest || exchange->neighbours.count == 0);
	ASSERT(exchange->options.guest || !exchange->keeps);
	ASSERT(exchange->kept == NULL || session_is_ours(exchange->kept));
	for (size_t i = 0; i < exchange->sessions.count; i++) {
		const struct session *session = exchange->sessions.slot[i].value;
		const struct exchange_neighbour *neighbour = id_table_get(&exchange->neighbours, &session->link.peer);

		ASSERT(session->link.id == exchange->sessions.slot[i].key);
		ASSERT(!session->is_asked || session_is_ours(session));
		if (session->is_neighbour)
			ASSERT(neighbour != NULL && neighbour->session == session && session->state != SESSION_CLOSING);
		exchange_round_check(session);
	}
	for (size_t i = 0; i < exchange->neighbours.count; i++) {
		const struct exchange_neighbour *neighbour = exchange->neighbours.slot[i].value;

		if (neighbour->session != NULL)
			ASSERT(number_table_get(&exchange->sessions, neighbour->session->link.id) ==
				neighbour->session);
	}
}

const struct machine_ops exchange_ops = {
	.protocol = PROTOCOL_CATALOG_SYNC,
	.credit_at_once = true,
	.linked = on_linked,
	.unlinked = on_unlinked,
	.receive = on_receive,
	.sent = on_sent,
	.tick = on_tick,
	.deadline = on_deadline,
	.check = on_check,
};

/* --- for its owner --- */

struct exchange *exchange_new(const struct exchange_options *options, msec now)
{
	struct exchange *exchange = memory_new(sizeof(*exchange));

	ASSERT(now >= 0);
	exchange->options = *options;
	exchange->catalog = options->catalog;
	exchange->now = now;
	rng_init(&exchange->rng, options->seed);
	exchange->round_at = next_round(exchange);
	exchange->due_at = MSEC_NEVER;
	return exchange;
}

void exchange_free(struct exchange *exchange)
{
	struct exchange_fact fact;

	if (exchange == NULL)
		return;
	while (exchange_next_fact(exchange, &fact))
		entry_drop(fact.news);
	memory_free(exchange->fact);
	for (size_t i = 0; i < exchange->sessions.count; i++)
		session_free(exchange->sessions.slot[i].value);
	number_table_fini(&exchange->sessions);
	for (size_t i = 0; i < exchange->neighbours.count; i++)
		memory_free(exchange->neighbours.slot[i].value);
	id_table_fini(&exchange->neighbours);
	memory_free(exchange);
}

void exchange_neighbour_up(struct exchange *exchange, msec now, const struct id *peer)
{
	struct exchange_neighbour *neighbour;
	bool we_are_smaller = id_compare(&exchange->catalog->self, peer) < 0;

	advance(exchange, now);
	if (exchange->options.guest || id_table_get(&exchange->neighbours, peer) != NULL)
		return;
	neighbour = memory_new(sizeof(*neighbour));
	neighbour->due_at = MSEC_NEVER;
	id_table_put(&exchange->neighbours, peer, neighbour);
	set_due(exchange, neighbour, exchange->now + (we_are_smaller ? EXCHANGE_FIRST : EXCHANGE_SECOND));
}

void exchange_neighbour_down(struct exchange *exchange, const struct id *peer, struct outbox *out)
{
	struct exchange_neighbour *neighbour = id_table_get(&exchange->neighbours, peer);
	struct id gone = *peer;
	struct session *session;

	if (neighbour == NULL)
		return;
	session = neighbour->session;
	if (session != NULL) {
		forget_neighbour_session(exchange, session);
		/* A round under way may still bring something; it ends, or stalls, by itself. */
		if (session->state == SESSION_IDLE)
			session_close(exchange, session, OK, out);
	}
	memory_free(id_table_remove(&exchange->neighbours, &gone));
}

void exchange_hurry(struct exchange *exchange, msec now)
{
	advance(exchange, now);
	for (size_t i = 0; i < exchange->neighbours.count; i++)
		set_due(exchange, exchange->neighbours.slot[i].value, exchange->now + EXCHANGE_HURRY);
}

link_id exchange_with(struct exchange *exchange, msec now, const struct dial *dial, struct outbox *out)
{
	struct session *session;

	advance(exchange, now);
	session = session_open(exchange, dial, out);
	session->is_asked = true;
	return session->link.id;
}

void exchange_keep(struct exchange *exchange)
{
	ASSERT(exchange->options.guest);
	exchange->keeps = true;
}

bool exchange_again(struct exchange *exchange, msec now, struct outbox *out)
{
	struct session *session = exchange->kept;

	advance(exchange, now);
	if (session == NULL || session->state != SESSION_IDLE)
		return false;
	session->is_asked = true;
	exchange_round_begin(exchange, session, out);
	return true;
}

bool exchange_next_fact(struct exchange *exchange, struct exchange_fact *fact)
{
	if (exchange->fact_first == exchange->fact_count)
		return false;
	*fact = exchange->fact[exchange->fact_first++];
	if (exchange->fact_first == exchange->fact_count) {
		/* One message may have brought a whole catalog; most bring nothing. */
		memory_free(exchange->fact);
		exchange->fact = NULL;
		exchange->fact_first = exchange->fact_count = exchange->fact_capacity = 0;
	}
	return true;
}

struct exchange_counters exchange_count(const struct exchange *exchange)
{
	return exchange->counters;
}
