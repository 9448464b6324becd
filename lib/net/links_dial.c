/*
 * links_dial.c - attempts: the addresses of a peer, one after the other, until one connection is proven.
 *
 * All links that want the same protocol of the same peer wait for one attempt. The next address is tried a moment
 * after the last (happy eyeballs, RFC 8305) or as soon as one failed; connections under way are not given up for it.
 * An inbound connection that is proven meanwhile serves the waiting links, but the attempt's own connections go on:
 * were both sides to cancel theirs in favour of the other's, none would be left.
 */
#include "net/links.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/links_internal.h"

#include <string.h>

static void attempt_free(struct attempt *attempt)
{
	ASSERT(list_is_empty(&attempt->waiting) && list_is_empty(&attempt->connections));
	timers_cancel(quic_timers(attempt->links->quic), &attempt->alarm);
	list_remove(&attempt->node);
	memory_free(attempt);
}

/* How much a failure tells: that a peer answered and said no beats silence, silence beats "no route". */
static int weight(enum error reason)
{
	if (reason == OK)
		return 0;
	if (reason == ERROR_UNREACHABLE)
		return 1;
	if (reason == ERROR_NO_ANSWER)
		return 2;
	return reason == ERROR_REFUSED ? 3 : 4;
}

static void note_failure(struct attempt *attempt, enum error reason)
{
	if (weight(reason) > weight(attempt->reason))
		attempt->reason = reason;
}

static void end_waiting(struct attempt *attempt, enum error reason)
{
	while (!list_is_empty(&attempt->waiting)) {
		struct net_link *link = LIST_OF(attempt->waiting.next, struct net_link, node);
		link->attempt = NULL;
		links_link_end(link, reason);
	}
}

static enum error dial_one(struct attempt *attempt, const struct address *address)
{
	struct connection *connection = links_connection_new(attempt->links, attempt->protocol);
	struct quic_dial dial = {
		.alpn = protocol_alpn(attempt->protocol),
		.peer = attempt->dial.peer,
		.address = *address,
		.bulk = attempt->protocol == PROTOCOL_STREAMS || attempt->protocol == PROTOCOL_GROUPS,
		.owner = connection,
	};

	connection->dialled = true;
	connection->peer = attempt->dial.peer;
	enum error error = quic_connect(attempt->links->quic, &dial, &connection->quic);
	if (error != OK) {
		connection->quic = NULL;
		links_connection_end(connection, error);
		return error;
	}
	connection->attempt = attempt;
	list_append(&attempt->connections, &connection->attempt_node);
	return OK;
}

/* Dials the next address that can be dialled. With none left and nothing under way the attempt has failed. */
static void dial_next(struct attempt *attempt)
{
	struct links *links = attempt->links;
	bool dialled = false;

	while (!dialled && attempt->next < attempt->dial.count) {
		enum error error = dial_one(attempt, &attempt->dial.address[attempt->next++]);
		note_failure(attempt, error);
		dialled = error == OK;
	}
	if (attempt->next < attempt->dial.count) {
		nsec at = uv_hrtime() + (nsec)links->tuning.next_address_after * NSEC_PER_MSEC;
		timers_set(quic_timers(links->quic), &attempt->alarm, at);
	}
	if (!list_is_empty(&attempt->connections))
		return;
	end_waiting(attempt, attempt->reason == OK ? ERROR_UNREACHABLE : attempt->reason);
	attempt_free(attempt);
}

static void on_next_address(struct alarm *alarm, nsec now)
{
	struct attempt *attempt = ALARM_OF(alarm, struct attempt, alarm);

	(void)now;
	if (!list_is_empty(&attempt->waiting))
		dial_next(attempt);
}

static struct attempt *find(const struct links *links, enum protocol protocol, const struct id *peer)
{
	LIST_EACH(node, &links->attempts) {
		struct attempt *attempt = LIST_OF(node, struct attempt, node);
		if (attempt->protocol == protocol && id_equal(&attempt->dial.peer, peer))
			return attempt;
	}
	return NULL;
}

/* Addresses that the attempt does not know yet come after its own. */
static void merge(struct attempt *attempt, const struct dial *dial)
{
	struct dial *known = &attempt->dial;

	for (size_t i = 0; i < dial->count && known->count < DIAL_ADDRESSES_MAX; i++) {
		bool is_new = true;
		for (size_t j = 0; j < known->count; j++)
			is_new = is_new && !address_equal(&known->address[j], &dial->address[i]);
		if (is_new)
			known->address[known->count++] = dial->address[i];
	}
}

static void wait_for(struct net_link *link, struct attempt *attempt)
{
	link->attempt = attempt;
	list_append(&attempt->waiting, &link->node);
}

void links_dial_join(struct net_link *link, const struct dial *dial)
{
	struct links *links = link->links;
	/* Who answers at a bare address is not known: such dials are never shared. */
	struct attempt *attempt = id_is_zero(&dial->peer) ? NULL : find(links, link->protocol, &dial->peer);

	ASSERT(dial->count <= DIAL_ADDRESSES_MAX);
	if (attempt) {
		merge(attempt, dial);
		wait_for(link, attempt);
		return;
	}
	attempt = memory_new(sizeof *attempt);
	attempt->links = links;
	attempt->protocol = link->protocol;
	list_append(&links->attempts, &attempt->node);
	list_init(&attempt->connections);
	list_init(&attempt->waiting);
	attempt->alarm.fire = on_next_address;
	attempt->dial.peer = dial->peer;
	merge(attempt, dial);
	wait_for(link, attempt);
	dial_next(attempt);
}

/* Gives up connections that the other side cannot have seen proven; the others are left to become idle. */
static void drop_young(struct attempt *attempt)
{
	LIST_EACH_SAFE(node, after, &attempt->connections) {
		struct connection *connection = LIST_OF(node, struct connection, attempt_node);
		list_remove(&connection->attempt_node);
		connection->attempt = NULL;
		if (!connection->ready)
			links_connection_end(connection, ERROR_CANCELLED);
	}
}

void links_dial_abandon(struct attempt *attempt, enum error reason)
{
	end_waiting(attempt, reason);
	drop_young(attempt);
	attempt_free(attempt);
}

void links_dial_leave(struct net_link *link)
{
	struct attempt *attempt = link->attempt;

	link->attempt = NULL;
	list_remove(&link->node);
	if (attempt && list_is_empty(&attempt->waiting))
		links_dial_abandon(attempt, ERROR_CANCELLED);
}

static void serve(struct attempt *attempt, struct connection *connection)
{
	while (!list_is_empty(&attempt->waiting))
		links_link_attach(LIST_OF(attempt->waiting.next, struct net_link, node), connection);
}

void links_dial_proven(struct connection *connection)
{
	struct links *links = connection->links;
	struct attempt *own = connection->attempt;
	struct connection *preferred = links_connection_preferred(links, connection->protocol, &connection->peer);

	ASSERT(preferred);
	if (own) {
		connection->attempt = NULL;
		list_remove(&connection->attempt_node);
		serve(own, preferred);
		drop_young(own);
		attempt_free(own);
	}
	struct attempt *other = find(links, connection->protocol, &connection->peer);
	if (other)
		serve(other, preferred);
}

void links_dial_failed(struct connection *connection, enum error reason)
{
	struct attempt *attempt = connection->attempt;

	connection->attempt = NULL;
	list_remove(&connection->attempt_node);
	note_failure(attempt, reason);
	if (!list_is_empty(&attempt->waiting))
		dial_next(attempt);
	else if (list_is_empty(&attempt->connections))
		attempt_free(attempt);
}
