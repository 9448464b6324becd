/*
 * exchange_round.c - what is said on one link.
 *
 *       asker                                                answerer
 *       IDLE --[1 digest]-->                                 IDLE
 *       ASKED                    <--[2 equal]--              IDLE
 *       ASKED                    <--[8 sums]--               NARROWING
 *       NARROWING                --[9 buckets]-->            IDLE
 *       ASKED or NARROWING       <--[3 list, more?]--        SWAPPING: awaits want, takes
 *       SWAPPING: gives, takes   --[4 want]-->               gives, takes
 *                                --[5 entries]--> <--[5 entries]--
 *       ASKED if more, else IDLE                             the next list if more, else IDLE
 *
 * A list is held against our catalog as two sorted sequences are merged, so one frame of it settles one range of ids,
 * and is forgotten before the next one comes. What a link has to give are references: 8 bytes an entry, not an id, of which
 * every node holds thousands while a network of thousands begins.
 * Entries go out while less than WINDOW is unacknowledged.
 */
#include "base/check.h"
#include "base/memory.h"
#include "discovery/exchange_internal.h"
#include "discovery/exchange_wire.h"
#include "wire/limits.h"

#include <inttypes.h>
#include <string.h>

#define WINDOW MIB
#define FEW 16          /* entries that are listed at once */
#define MANY_TIMES 8    /* the same, if we know so many times as much as whoever asks */
/* Only who lets us answer again and again without acknowledging anything gets there. */
#define OUTSTANDING_ABUSE (LINK_OUTSTANDING_MAX / 2)

static const char protocol[] = "exchange";

_Static_assert(WINDOW + 2 * FRAME_CATALOG_MAX < OUTSTANDING_ABUSE, "a list and a want fit on top of a full window");

bool exchange_round_is_under_way(const struct session *session)
{
	return session->state == SESSION_ASKED || session->state == SESSION_SERVING || exchange_round_is_compared(session);
}

bool exchange_round_is_compared(const struct session *session)
{
	return session->state == SESSION_NARROWING || session->state == SESSION_SWAPPING;
}

static void send(struct exchange *exchange, struct session *session, struct blob *message, struct outbox *out)
{
	ASSERT(session->state != SESSION_CONNECTING && session->state != SESSION_CLOSING);
	session->outstanding += blob_size(message);
	session->progress_at = exchange->now;
	exchange->counters.messages_sent++;
	exchange->counters.bytes_sent += blob_size(message);
	ASSERT(session->outstanding <= LINK_OUTSTANDING_MAX);
	outbox_send(out, session->link.id, message);
}

/* --- what to give --- */

static msec age_of(const struct exchange *exchange, const struct catalog_peer *peer)
{
	msec age = exchange->now - peer->heard_at;

	return age < 0 || id_equal(&peer->entry->card.peer, &exchange->catalog->self) ? 0 : age;
}

/*
 * Who is about to be purged is no news: between two catalogs that heard of it at slightly different times it would
 * come back for a moment. Living peers are never that old (they announce every 15 s).
 */
static bool is_fading(const struct exchange *exchange, uint64_t age)
{
	return age > (uint64_t)(exchange->catalog->purge_after - exchange->catalog->purge_after / 10);
}

static bool may_be_given(const struct exchange *exchange, const struct catalog_peer *peer)
{
	return peer != NULL && peer->entry->signed_bytes != NULL &&
		!is_fading(exchange, (uint64_t)age_of(exchange, peer));
}

static void give_later(struct session *session, struct entry *entry)
{
	session->give =
		memory_grow(session->give, &session->give_capacity, session->give_count + 1, sizeof(*session->give));
	session->give[session->give_count++] = entry_keep(entry);
}

void exchange_round_give_nothing(struct session *session)
{
	for (; session->give_at < session->give_count; session->give_at++)
		entry_drop(session->give[session->give_at]);
	/* It may have been as large as a catalog; between rounds a link costs nothing. */
	memory_free(session->give);
	session->give = NULL;
	session->give_count = session->give_capacity = session->give_at = 0;
}

static bool put_entry(const struct exchange *exchange, struct exchange_frame *frame, const struct catalog_peer *peer)
{
	struct bytes signed_bytes = blob_bytes(peer->entry->signed_bytes);

	if (!exchange_wire_has_room(frame, signed_bytes.size + EXCHANGE_ENTRY_EXTRA_MAX))
		return false;
	exchange_wire_put_entry(frame, signed_bytes, (uint64_t)age_of(exchange, peer), peer->rtt_us);
	return true;
}

static void send_entries(struct exchange *exchange, struct session *session, struct outbox *out)
{
	struct exchange_frame frame = {.kind = EXCHANGE_GIVE};

	ASSERT(session->state == SESSION_SWAPPING && session->giving);
	for (; session->give_at < session->give_count; session->give_at++) {
		/* What was purged since is not given, and what is newer by now is given as it is now. */
		struct entry *entry = session->give[session->give_at];
		const struct catalog_peer *peer = peer_table_get(&exchange->catalog->peers, &entry->card.peer);

		if (may_be_given(exchange, peer) && !put_entry(exchange, &frame, peer))
			break;
		entry_drop(entry);
	}
	session->giving = session->give_at < session->give_count;
	if (!session->giving)
		exchange_round_give_nothing(session);
	send(exchange, session, exchange_wire_close(&frame, session->giving), out);
}

/* The next place from `at` on that is in scope. */
static size_t in_scope(const struct exchange *exchange, const struct session *session, size_t at)
{
	const struct peer_table *peers = &exchange->catalog->peers;

	while (at < peers->count && !exchange_scope_has(&session->scope, peer_table_id(peers, at)))
		at++;
	return at;
}

/* The first place in the catalog that this session has not dealt with. */
static size_t first_after(const struct exchange *exchange, const struct session *session)
{
	const struct peer_table *peers = &exchange->catalog->peers;
	size_t at;

	if (!session->has_after)
		return in_scope(exchange, session, 0);
	at = peer_table_lower(peers, &session->after);
	at += at < peers->count && id_equal(peer_table_id(peers, at), &session->after);
	return in_scope(exchange, session, at);
}

static void done_up_to(struct session *session, const struct id *id)
{
	ASSERT(!session->has_after || id_compare(&session->after, id) < 0);
	session->has_after = true;
	session->after = *id;
}

static void serve_entries(struct exchange *exchange, struct session *session, struct outbox *out)
{
	const struct peer_table *peers = &exchange->catalog->peers;
	struct exchange_frame frame = {.kind = EXCHANGE_ALL};
	size_t at = first_after(exchange, session);

	ASSERT(session->state == SESSION_SERVING);
	/* By id, not by place: the catalog may change while a slow guest is served. */
	for (; at < peers->count; at++) {
		const struct catalog_peer *peer = peer_table_at(peers, at);

		if (!peer->entry->is_goodbye && !peer->is_suspected && peer->entry->signed_bytes != NULL &&
			!put_entry(exchange, &frame, peer))
			break;
		done_up_to(session, peer_table_id(peers, at));
	}
	if (at == peers->count)
		session->state = SESSION_IDLE;
	send(exchange, session, exchange_wire_close(&frame, at < peers->count), out);
}

static void send_list(struct exchange *exchange, struct session *session, struct outbox *out)
{
	const struct peer_table *peers = &exchange->catalog->peers;
	struct exchange_frame frame = {.kind = EXCHANGE_LIST};
	size_t at = first_after(exchange, session);

	ASSERT(!session_is_ours(session) && session->give_count == 0);
	for (; at < peers->count && exchange_wire_has_room(&frame, EXCHANGE_HEAD_SIZE_MAX);
		at = in_scope(exchange, session, at + 1)) {
		struct entry_label head = {.peer = *peer_table_id(peers, at)};

		if (catalog_version(exchange->catalog, &head.peer, &head.version, &head.is_goodbye))
			exchange_wire_put_head(&frame, &head);
		done_up_to(session, &head.peer);
	}
	session->list_more = at < peers->count;   /* only a full frame ends the walk before its end */
	session->state = SESSION_SWAPPING;
	session->want_awaited = session->taking = true;
	session->giving = false;
	send(exchange, session, exchange_wire_close(&frame, session->list_more), out);
}

/* --- the state of a round --- */

static void start_over(struct session *session)
{
	exchange_round_give_nothing(session);
	session->scope = (struct exchange_scope){0};
	session->has_after = session->list_more = session->has_differed = false;
	session->want_awaited = session->taking = session->giving = false;
}

static void advance(struct exchange *exchange, struct session *session, struct outbox *out)
{
	if (session->state != SESSION_SWAPPING || session->giving || session->taking || session->want_awaited)
		return;
	if (session_is_ours(session)) {
		session->state = session->list_more ? SESSION_ASKED : SESSION_IDLE;
		if (!session->list_more)
			exchange_round_over(exchange, session, out);
	} else if (session->list_more) {
		send_list(exchange, session, out);
	} else {
		session->state = SESSION_IDLE;
	}
}

void exchange_round_pump(struct exchange *exchange, struct session *session, struct outbox *out)
{
	while (session->state == SESSION_SERVING && session->outstanding < WINDOW)
		serve_entries(exchange, session, out);
	while (session->state == SESSION_SWAPPING && session->giving && session->outstanding < WINDOW)
		send_entries(exchange, session, out);
	advance(exchange, session, out);
}

void exchange_round_begin(struct exchange *exchange, struct session *session, struct outbox *out)
{
	struct catalog_digest digest;

	ASSERT(session_is_ours(session) && session->state == SESSION_IDLE);
	start_over(session);
	session->state = SESSION_ASKED;
	exchange->counters.rounds++;
	if (exchange->options.guest && !session->is_listed) {
		send(exchange, session, exchange_wire_plain(EXCHANGE_ASK_ALL), out);
		return;
	}
	session->cut = catalog_cut(exchange->catalog, exchange->now);
	digest = catalog_digest(exchange->catalog, session->cut);
	send(exchange, session, exchange_wire_digest(session->cut, &digest, exchange->catalog->peers.count), out);
}

/*
 * As many buckets as make the sums about as large as the lists of one or two buckets (8 bytes << bits, 48 bytes an entry >> bits).
 * 0: the list of all is as small, or whoever asks knows so little that all of it is due.
 */
static unsigned bits_for(size_t ours, uint64_t theirs)
{
	unsigned bits = EXCHANGE_BITS_MIN;

	if (ours <= FEW || theirs < ours / MANY_TIMES)
		return 0;
	while (bits < EXCHANGE_BITS_MAX && (size_t)1 << 2 * bits < 8 * ours)
		bits++;
	return bits;
}

static void send_sums(struct exchange *exchange, struct session *session, unsigned bits, struct outbox *out)
{
	uint64_t sum[1u << EXCHANGE_BITS_MAX];

	catalog_sums(exchange->catalog, session->cut, bits, sum);
	session->scope.bits = bits;
	session->state = SESSION_NARROWING;
	send(exchange, session, exchange_wire_sums(bits, sum), out);
}

/* What the asker has: the same as we do, or so many entries. */
static void answer(struct exchange *exchange, struct session *session, bool is_equal, uint64_t count, struct outbox *out)
{
	unsigned bits = bits_for(exchange->catalog->peers.count, count);

	ASSERT(!session_is_ours(session));
	start_over(session);
	session->state = SESSION_IDLE;
	if (is_equal)
		send(exchange, session, exchange_wire_plain(EXCHANGE_EQUAL), out);
	else if (bits > 0)
		send_sums(exchange, session, bits, out);
	else
		send_list(exchange, session, out);
}

void exchange_round_resume(struct exchange *exchange, struct session *session, bool is_equal, struct outbox *out)
{
	ASSERT(session->state == SESSION_POSTPONED);
	answer(exchange, session, is_equal, session->their_count, out);
}

/*
 * Two nodes ask each other at the same time whenever a link between them comes up, and would send everything twice. A
 * round of ours that was answered goes first; of two that were not, the smaller id's does. So nobody waits in a circle.
 */
static bool must_wait(const struct exchange *exchange, const struct session *session)
{
	bool we_are_smaller = id_compare(&exchange->catalog->self, &session->link.peer) < 0;

	for (size_t i = 0; i < exchange->sessions.count; i++) {
		const struct session *other = exchange->sessions.slot[i].value;

		if (!session_is_ours(other) || !id_equal(&other->link.peer, &session->link.peer))
			continue;
		if (exchange_round_is_compared(other) || (other->state == SESSION_ASKED && we_are_smaller))
			return true;
	}
	return false;
}

static enum error on_digest(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	struct catalog_digest digest;

	if (session_is_ours(session) || session->state != SESSION_IDLE)
		return ERROR_MALFORMED;
	exchange_put_fact(exchange, &(struct exchange_fact){.kind = EXCHANGE_ASKED, .link = session->link.id,
		.peer = session->link.peer});
	session->cut = message->cut;
	session->their_count = message->count;
	if (must_wait(exchange, session)) {
		session->state = SESSION_POSTPONED;
		return OK;
	}
	digest = catalog_digest(exchange->catalog, message->cut);
	answer(exchange, session, catalog_digest_equal(&digest, &message->digest), message->count, out);
	return OK;
}

/* A guest's first question on a link has one answer: everything. */
static bool awaits_listing(const struct exchange *exchange, const struct session *session)
{
	return exchange->options.guest && !session->is_listed;
}

static enum error on_equal(struct exchange *exchange, struct session *session, struct outbox *out)
{
	/* After a list the answer to come is a list. */
	if (!session_is_ours(session) || session->state != SESSION_ASKED || session->has_after ||
		awaits_listing(exchange, session))
		return ERROR_MALFORMED;
	session->state = SESSION_IDLE;
	exchange_round_over(exchange, session, out);
	return OK;
}

/* --- narrowing --- */

static enum error on_sums(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	struct exchange_scope *scope = &session->scope;
	uint64_t ours[1u << EXCHANGE_BITS_MAX];
	bool any = false;

	if (!session_is_ours(session) || session->state != SESSION_ASKED || session->has_after ||
		awaits_listing(exchange, session))
		return ERROR_MALFORMED;
	scope->bits = message->scope.bits;
	catalog_sums(exchange->catalog, session->cut, scope->bits, ours);
	for (size_t i = 0; i < (size_t)1 << scope->bits; i++) {
		if (bytes_get_be64(message->sums.data + 8 * i) == ours[i])
			continue;
		scope->open[i / 8] |= (uint8_t)(1u << i % 8);
		any = true;
	}
	send(exchange, session, exchange_wire_differ(scope), out);
	session->state = any ? SESSION_NARROWING : SESSION_IDLE;
	/* What was missing has come meanwhile. */
	if (!any)
		exchange_round_over(exchange, session, out);
	return OK;
}

static enum error on_differ(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	static const struct exchange_scope nothing;

	if (session_is_ours(session) || session->state != SESSION_NARROWING ||
		message->scope.bits != session->scope.bits)
		return ERROR_MALFORMED;
	session->state = SESSION_IDLE;
	session->scope = message->scope;
	if (memcmp(session->scope.open, nothing.open, sizeof(nothing.open)) != 0)
		send_list(exchange, session, out);
	return OK;
}

/* --- comparing --- */

static bool is_news(enum catalog_result result)
{
	return result == CATALOG_NEW || result == CATALOG_UPDATED || result == CATALOG_LEFT;
}

/* What they have under our own name: an old entry of ours gets the new one; a newer one is somebody else's. */
static enum catalog_result judge_self(const struct catalog *catalog, const struct entry_label *head)
{
	struct version version;
	bool is_goodbye;

	if (!catalog_version(catalog, &catalog->self, &version, &is_goodbye))
		return CATALOG_REFUSED;
	if (version_compare(&head->version, &version) > 0)   /* to be fetched once, so that it is seen and named */
		return version_compare(&head->version, &catalog->rival) > 0 ? CATALOG_UPDATED : CATALOG_REFUSED;
	if (version_compare(&head->version, &version) < 0 || (is_goodbye && !head->is_goodbye))
		return CATALOG_OLDER;
	return CATALOG_KNOWN;
}

/*
 * A goodbye matters only to those who have an entry that it ends: whoever never heard of the peer would fetch and
 * verify the goodbyes of all who left in the last minutes. Should an old entry reach it later, the digests differ, and
 * the goodbye follows.
 */
static bool knows(const struct catalog *catalog, const struct id *peer)
{
	return peer_table_get(&catalog->peers, peer) != NULL;
}

static void give_unless_goodbye(struct session *session, const struct catalog_peer *peer)
{
	if (!peer->entry->is_goodbye)
		give_later(session, peer->entry);
}

static void compare(const struct exchange *exchange, struct session *session, const struct exchange_item *item,
	struct exchange_frame *want)
{
	struct catalog *catalog = exchange->catalog;
	struct entry_label head = {.is_goodbye = item->is_goodbye, .network = catalog->network, .peer = item->id,
		.version = item->version};
	enum catalog_result result = id_equal(&item->id, &catalog->self) ? judge_self(catalog, &head)
		: catalog_judge(catalog, &head, true);

	if (is_news(result) && (!item->is_goodbye || knows(catalog, &item->id)))
		exchange_wire_put_id(want, &item->id);
	else if (result == CATALOG_OLDER && !exchange->options.guest)
		give_later(session, peer_table_get(&catalog->peers, &item->id)->entry);
}

/*
 * The peer at `at` is not in their list. Between members that means that they lack it; a guest has all from others, so
 * it is gone. Returns the place of the next one.
 */
static size_t pass_over(const struct exchange *exchange, struct session *session, size_t at)
{
	const struct catalog_peer *peer = peer_table_at(&exchange->catalog->peers, at);

	if (!exchange->options.guest) {
		give_unless_goodbye(session, peer);
		return at + 1;
	}
	catalog_forget(exchange->catalog, exchange->now, &peer->entry->card.peer);
	return at;
}

/* Merges the range of ids that the list covers: past the last one, up to its own last id, or to the end. */
static void merge(struct exchange *exchange, struct session *session, const struct exchange_message *list,
	struct exchange_frame *want)
{
	const struct peer_table *peers = &exchange->catalog->peers;
	size_t at = first_after(exchange, session);

	for (size_t i = 0; i < list->item_count; i++) {
		const struct id *theirs = &list->item[i].id;

		/* What they pass over they do not have. */
		while (at < peers->count && id_compare(peer_table_id(peers, at), theirs) < 0)
			at = in_scope(exchange, session, pass_over(exchange, session, at));
		if (at < peers->count && id_equal(peer_table_id(peers, at), theirs))
			at = in_scope(exchange, session, at + 1);
		compare(exchange, session, &list->item[i], want);
		done_up_to(session, theirs);
	}
	while (!list->more && at < peers->count)
		at = in_scope(exchange, session, pass_over(exchange, session, at));
}

static enum error on_list(struct exchange *exchange, struct session *session, const struct exchange_message *list,
	struct outbox *out)
{
	struct exchange_frame want = {.kind = EXCHANGE_WANT};

	bool is_due = session->state == SESSION_ASKED || session->state == SESSION_NARROWING;

	if (!session_is_ours(session) || !is_due || awaits_listing(exchange, session))
		return ERROR_MALFORMED;
	if (session->has_after && list->item_count > 0 && id_compare(&session->after, &list->item[0].id) >= 0)
		return ERROR_MALFORMED;
	exchange->counters.syncs += !session->has_after;   /* the first list of the round */
	session->has_differed = true;
	merge(exchange, session, list, &want);
	log_event(exchange->options.log, LOG_TRACE, exchange->now, protocol,
		"compared theirs=%zu want=%zu give=%zu more=%d", list->item_count, want.count, session->give_count,
		list->more);
	session->list_more = list->more;
	session->state = SESSION_SWAPPING;
	session->taking = session->giving = true;
	send(exchange, session, exchange_wire_close(&want, false), out);
	exchange_round_pump(exchange, session, out);
	return OK;
}

static enum error on_want(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	if (session->state != SESSION_SWAPPING || !session->want_awaited)
		return ERROR_MALFORMED;
	ASSERT(!session_is_ours(session) && session->give_count == 0);
	for (size_t i = 0; i < message->item_count; i++) {
		const struct catalog_peer *peer = peer_table_get(&exchange->catalog->peers, &message->item[i].id);

		if (peer != NULL)
			give_later(session, peer->entry);
	}
	session->want_awaited = false;
	session->giving = true;
	exchange_round_pump(exchange, session, out);
	return OK;
}

/* --- taking --- */

static void take(struct exchange *exchange, const struct session *session, const struct exchange_item *item)
{
	struct catalog *catalog = exchange->catalog;
	enum catalog_result result;
	struct entry *news = NULL;

	if (item->age >= (uint64_t)catalog->purge_after || (!exchange->options.guest && is_fading(exchange, item->age)))
		return;
	/* What is bad is counted by the catalog, and stays behind alone. */
	if (catalog_put_signed(catalog, exchange->now - (msec)item->age, item->signed_bytes, &result, &news) != OK)
		return;
	if (news == NULL)
		return;
	if (item->rtt_us > 0)
		catalog_set_rtt(catalog, &news->card.peer, item->rtt_us);
	exchange_put_fact(exchange, &(struct exchange_fact){.kind = EXCHANGE_NEWS, .news = entry_keep(news),
		.link = session->link.id, .peer = session->link.peer});
}

static enum error on_entries(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	bool is_listing = message->kind == EXCHANGE_ALL;

	if (is_listing && !(awaits_listing(exchange, session) && session->state == SESSION_ASKED))
		return ERROR_MALFORMED;
	if (!is_listing && !(session->state == SESSION_SWAPPING && session->taking))
		return ERROR_MALFORMED;
	for (size_t i = 0; i < message->item_count; i++)
		take(exchange, session, &message->item[i]);
	if (message->more)
		return OK;
	if (is_listing) {
		session->state = SESSION_IDLE;
		session->is_listed = true;
		exchange_round_over(exchange, session, out);
		return OK;
	}
	session->taking = false;
	advance(exchange, session, out);
	return OK;
}

static enum error on_ask_all(struct exchange *exchange, struct session *session, struct outbox *out)
{
	if (session_is_ours(session) || session->state != SESSION_IDLE)
		return ERROR_MALFORMED;
	start_over(session);
	session->state = SESSION_SERVING;
	exchange_round_pump(exchange, session, out);
	return OK;
}

static enum error dispatch(struct exchange *exchange, struct session *session, const struct exchange_message *message,
	struct outbox *out)
{
	switch (message->kind) {
	case EXCHANGE_DIGEST:
		return on_digest(exchange, session, message, out);
	case EXCHANGE_SUMS:
		return on_sums(exchange, session, message, out);
	case EXCHANGE_DIFFER:
		return on_differ(exchange, session, message, out);
	case EXCHANGE_EQUAL:
		return on_equal(exchange, session, out);
	case EXCHANGE_LIST:
		return on_list(exchange, session, message, out);
	case EXCHANGE_WANT:
		return on_want(exchange, session, message, out);
	case EXCHANGE_GIVE:
	case EXCHANGE_ALL:
		return on_entries(exchange, session, message, out);
	case EXCHANGE_ASK_ALL:
		return on_ask_all(exchange, session, out);
	}
	return ERROR_MALFORMED;
}

enum error exchange_round_receive(struct exchange *exchange, struct session *session, struct bytes data,
	struct outbox *out)
{
	struct exchange_message message;
	enum error error;

	if (session->outstanding >= OUTSTANDING_ABUSE)
		return ERROR_TOO_SLOW;
	error = exchange_wire_decode(data, &message);
	if (error != OK)
		return error;
	session->progress_at = exchange->now;
	error = dispatch(exchange, session, &message, out);
	exchange_wire_fini(&message);
	return error;
}

void exchange_round_check(const struct session *session)
{
	bool is_ours = session_is_ours(session);

	ASSERT(session->outstanding <= LINK_OUTSTANDING_MAX);
	ASSERT(session->give_at <= session->give_count && session->give_count <= session->give_capacity);
	ASSERT(session->give_count <= CATALOG_PEERS_MAX + 1);
	if (session->state == SESSION_CONNECTING || session->state == SESSION_ASKED)
		ASSERT(is_ours);
	if (session->state == SESSION_SERVING || session->state == SESSION_POSTPONED)
		ASSERT(!is_ours);
	/* A round that is swapping waits for something, or it would be over. */
	if (session->state == SESSION_SWAPPING)
		ASSERT(session->taking || session->giving || session->want_awaited);
	if (session->want_awaited)
		ASSERT(!is_ours);
}
