/*
 * wiring.c - a fact from here is a verb there.
 *
 *     announce   neighbour up or down      ->  exchange: a round with it, or no more rounds
 *     exchange   news                      ->  announce: pass it on to the neighbours; what is too old for that: exchange,
 *                                              rounds with all of them
 *     catalog    peer appeared, changed    ->  consumers: a producer was found, or is gone;
 *                                              producers: is it still one that they accept?
 *     wall clock set, a ticket's time      ->  consumers, producers: as if everybody had changed
 *     catalog    peer departed             ->  consumers, and what we remember of its address; without a goodbye: announce,
 *                                              which goes on looking for it; a peer that is only
 *                                              thought to have crashed keeps the subscriptions that run
 *     catalog    peer in or out of a group ->  groups: a bond is worth trying, or no more
 *     announce   our entry was signed      ->  as if a peer had changed: who produces may also consume
 *     catalog    our entry, by another     ->  it is dialled, so that both processes see each other; then ours is made newer
 *     announce, exchange                   ->  our owner
 *
 * A verb may make new facts, so everything is drained until nothing moves. Each round needs news that the catalog took,
 * and it takes each version of a peer once: the loop ends.
 */
#include "base/check.h"
#include "base/memory.h"
#include "node/node_internal.h"

void node_fact_put(struct node *node, const struct node_fact *fact)
{
	struct node_facts *facts = &node->facts;

	if (facts->first == facts->count)
		facts->first = facts->count = 0;
	facts->fact = memory_grow(facts->fact, &facts->capacity, facts->count + 1, sizeof *facts->fact);
	facts->fact[facts->count++] = *fact;
}

void node_consumer_free(struct node_consumer *consumer)
{
	for (size_t i = 0; i < consumer->told.count; i++)
		memory_free(consumer->told.slot[i].value);
	id_table_fini(&consumer->told);
	memory_free(consumer);
}

static bool has_said_goodbye(const struct node *node, const struct id *peer)
{
	struct version version;
	bool is_goodbye;

	return catalog_version(&node->catalog, peer, &version, &is_goodbye) && is_goodbye;
}

/* Hidden as crashed, without a goodbye: it may only be slow, or cut off from others than us. */
static bool is_doubted(const struct node *node, const struct id *peer)
{
	struct version version;
	bool is_goodbye;

	return !catalog_find(&node->catalog, peer) && catalog_version(&node->catalog, peer, &version, &is_goodbye) && !is_goodbye;
}

static void producer_gone(struct node *node, msec now, struct node_consumer *consumer, const struct id *peer)
{
	memory_free(id_table_remove(&consumer->told, peer));
	consumer_producer_gone(node->streams, now, consumer->consumer, peer, &node->outbox);
}

/* Doubts end when the peer is seen again, or is forgotten by the catalog, or says goodbye: of these there is no event. */
static void forget_doubted(struct node *node, struct node_consumer *consumer)
{
	for (size_t i = consumer->told.count; i-- > 0;) {
		const struct told_producer *told = consumer->told.slot[i].value;
		struct id peer = consumer->told.slot[i].key;

		if (!told->doubted || is_doubted(node, &peer))
			continue;
		memory_free(id_table_remove(&consumer->told, &peer));
		consumer_producer_forgotten(node->streams, consumer->consumer, &peer);
	}
}

static void producer_left(struct node *node, msec now, struct node_consumer *consumer, const struct id *peer)
{
	struct told_producer *told = id_table_get(&consumer->told, peer);

	if (!told)
		return;
	if (is_doubted(node, peer)) {
		told->doubted = true;
		consumer_producer_doubted(node->streams, now, consumer->consumer, peer, &node->outbox);
	} else {
		producer_gone(node, now, consumer, peer);
	}
	forget_doubted(node, consumer);
}

static void producer_found(struct node *node, msec now, struct node_consumer *consumer, const struct card *card)
{
	struct told_producer *told = id_table_get(&consumer->told, &card->peer);
	bool is_known = told != NULL;

	if (!told) {
		told = memory_new(sizeof *told);
		id_table_put(&consumer->told, &card->peer, told);
	} else if (told->start == card->version.start && !told->doubted) {
		return;
	}
	/* Back from a doubt it is the same producer, and an end that was seen of it stands. */
	if (is_known && told->start != card->version.start)
		consumer_producer_renewed(node->streams, now, consumer->consumer, &card->peer, &node->outbox);
	else
		consumer_producer_found(node->streams, now, consumer->consumer, &card->peer, &node->outbox);
	told->start = card->version.start;
	told->doubted = false;
}

/* Remembered as the wall clock's, which may be set meanwhile. */
static msec wall_of(const struct node *node, msec now, msec at)
{
	return at == MSEC_NEVER ? MSEC_NEVER : catalog_wall(&node->catalog, now) + (at - now);
}

static struct peer_verdict judge_producer(const struct node *node, msec now, struct node_consumer *consumer, const struct id *peer)
{
	struct peer_verdict verdict = peer_rule_judge(&consumer->rule, now, &node->catalog, peer);

	consumer->due = msec_min(consumer->due, verdict.until);
	return verdict;
}

/* Hidden as crashed, it cannot be judged, and its subscription may run on; but not for longer than its tickets said. */
static bool has_time_left(const struct node *node, msec now, struct node_consumer *consumer, const struct told_producer *told)
{
	msec wall = catalog_wall(&node->catalog, now);

	if (told->until == MSEC_NEVER)
		return true;
	if (told->until <= wall)
		return false;
	consumer->due = msec_min(consumer->due, now + (told->until - wall));
	return true;
}

static void tell_consumer(struct node *node, msec now, struct node_consumer *consumer, const struct card *card, bool departed)
{
	struct peer_verdict verdict = {.allowed = false};
	struct told_producer *told;

	if (!departed && id_set_has(&card->streams, &consumer->stream))
		verdict = judge_producer(node, now, consumer, &card->peer);
	if (!verdict.allowed) {
		producer_left(node, now, consumer, &card->peer);
		return;
	}
	producer_found(node, now, consumer, card);
	told = id_table_get(&consumer->told, &card->peer);
	told->until = wall_of(node, now, verdict.until);
}

/* Whoever says something else of itself, or is gone, may have been let in for what it was. */
static void judge(struct node *node, msec now, const struct id *peer)
{
	for (struct node_producer *one = node->producers; one; one = one->next)
		producer_judge(node->streams, now, one->producer, peer, &node->outbox);
}

void node_judge_producer(struct node *node, msec now, const struct id *peer)
{
	for (struct node_consumer *consumer = node->consumers; consumer; consumer = consumer->next)
		if (id_table_get(&consumer->told, peer) && !judge_producer(node, now, consumer, peer).allowed)
			producer_left(node, now, consumer, peer);
}

void node_introduce(struct node *node, msec now, struct node_consumer *consumer)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	node->outbox.protocol = PROTOCOL_STREAMS;
	while ((peer = catalog_next(&node->catalog, &at)) != NULL)
		tell_consumer(node, now, consumer, &peer->entry->card, false);
}

static bool settle_catalog(struct node *node, msec now)
{
	struct catalog_event event;

	if (!catalog_next_event(&node->catalog, &event))
		return false;
	node->outbox.protocol = PROTOCOL_STREAMS;
	for (struct node_consumer *consumer = node->consumers; consumer; consumer = consumer->next)
		tell_consumer(node, now, consumer, &event.entry->card, event.kind == PEER_DEPARTED);
	node_tell_groups(node, now, &event.entry->card, event.kind == PEER_DEPARTED);
	/* Also of one that was thought dead: its subscriptions went on, and it may be another now. */
	if (event.kind != PEER_DEPARTED)
		judge(node, now, &event.entry->card.peer);
	if (event.kind == PEER_DEPARTED) {
		memory_free(id_table_remove(&node->observed, &event.entry->card.peer));
		if (!has_said_goodbye(node, &event.entry->card.peer))
			announce_lost(node->announce, now, event.entry);
	}
	entry_drop(event.entry);
	return true;
}

static void forget_observed(struct node *node)
{
	for (size_t i = node->observed.count; i-- > 0;) {
		struct id peer = node->observed.slot[i].key;

		if (!catalog_find(&node->catalog, &peer))
			memory_free(id_table_remove(&node->observed, &peer));
	}
}

static void judge_all(struct node *node, msec now)
{
	const struct catalog_peer *peer;
	size_t at = 0;

	while (node->producers && (peer = catalog_next(&node->catalog, &at)) != NULL)
		judge(node, now, &peer->entry->card.peer);
}

/* The whole catalog, because it is not kept whose time it is. Tickets count in seconds, so this happens once a second at most. */
static void introduce_again(struct node *node, msec now, struct node_consumer *consumer)
{
	consumer->due = MSEC_NEVER;
	node_introduce(node, now, consumer);
	for (size_t i = consumer->told.count; i-- > 0;) {
		const struct told_producer *told = consumer->told.slot[i].value;
		struct id peer = consumer->told.slot[i].key;

		if (told->doubted && !has_time_left(node, now, consumer, told))
			producer_gone(node, now, consumer, &peer);
		else if (!told->doubted && !catalog_find(&node->catalog, &peer))
			producer_left(node, now, consumer, &peer);
	}
}

void node_judge_tickets(struct node *node, msec now)
{
	for (struct node_consumer *consumer = node->consumers; consumer; consumer = consumer->next)
		if (consumer->due <= now)
			introduce_again(node, now, consumer);
}

msec node_tickets_deadline(const struct node *node)
{
	msec due = MSEC_NEVER;

	for (const struct node_consumer *consumer = node->consumers; consumer; consumer = consumer->next)
		due = msec_min(due, consumer->due);
	return due;
}

void node_judge_all(struct node *node, msec now)
{
	node->outbox.protocol = PROTOCOL_STREAMS;
	for (struct node_consumer *consumer = node->consumers; consumer; consumer = consumer->next)
		introduce_again(node, now, consumer);
	judge_all(node, now);
}

/* The ring of events overflowed inside one call (a large sync or purge): everybody looks at the whole catalog again. */
static void settle_lost_events(struct node *node, msec now)
{
	if (node->catalog.events_lost == 0)
		return;
	node->catalog.events_lost = 0;
	forget_observed(node);
	node_introduce_groups(node, now);
	node_judge_all(node, now);
}

/* Nobody discovers himself, so of our own entry there is no event; but what we produce, we may also want to read. */
static void meet_ourselves(struct node *node, msec now)
{
	const struct catalog_peer *own = catalog_find(&node->catalog, &node->catalog.self);

	node->outbox.protocol = PROTOCOL_STREAMS;
	for (struct node_consumer *consumer = node->consumers; own && consumer; consumer = consumer->next)
		tell_consumer(node, now, consumer, &own->entry->card, false);
	judge(node, now, &node->catalog.self);
}

static bool settle_announce(struct node *node, msec now)
{
	struct announce_fact fact;
	struct node_fact told = {0};

	if (!announce_next_fact(node->announce, &fact))
		return false;
	node->outbox.protocol = PROTOCOL_CATALOG_SYNC;
	told.peer = fact.peer;
	told.reason = fact.reason;
	switch (fact.kind) {
	case ANNOUNCE_NEIGHBOUR_UP:
		exchange_neighbour_up(node->exchange, now, &fact.peer);
		told.kind = NODE_NEIGHBOUR_UP;
		break;
	case ANNOUNCE_NEIGHBOUR_DOWN:
		if (!fact.bootstrap)
			exchange_neighbour_down(node->exchange, &fact.peer, &node->outbox);
		told.kind = fact.bootstrap ? NODE_BOOTSTRAP_FAILED : NODE_NEIGHBOUR_DOWN;
		break;
	case ANNOUNCE_ENTRY_SIGNED:
		meet_ourselves(node, now);
		return true;   /* the driver asks for node_hello once a turn */
	}
	node_fact_put(node, &told);
	return true;
}

/*
 * Two processes with one key, or an entry of ours from before our clock was set back. Whoever is there is met on the way
 * (meet_double in node.c), and the newer one leaves.
 */
static bool settle_rival(struct node *node, msec now)
{
	struct entry *rival = catalog_take_rival(&node->catalog);
	struct dial dial = {.peer = node->catalog.self};

	if (!rival)
		return false;
	for (size_t i = 0; i < rival->card.address_count && dial.count < DIAL_ADDRESSES_MAX; i++)
		dial.address[dial.count++] = rival->card.address[i];
	node->rival = rival->card.version;
	node->rival_address = dial.address[0];
	node->rival_told = false;
	node->outbox.protocol = PROTOCOL_CATALOG_SYNC;
	if (node->rival_link == 0 && !node->departed && !node->gives_way)
		node->rival_link = exchange_with(node->exchange, now, &dial, &node->outbox);
	entry_drop(rival);
	return true;
}

/* It may have seen us and left before we saw it: then its address is the one that it announced. */
static void rival_was_dialled(struct node *node, msec now, enum error reason)
{
	bool was_there = reason != ERROR_REFUSED && reason != ERROR_NO_ANSWER && reason != ERROR_UNREACHABLE;

	node->rival_link = 0;
	if (node->gives_way)
		return;
	if (was_there && !node->rival_told)
		node_fact_put(node, &(struct node_fact){.kind = NODE_DUPLICATE, .peer = node->catalog.self,
			.address = node->rival_address});
	node->rival_told = true;
	announce_outdo(node->announce, now, &node->rival);
}

static bool settle_exchange(struct node *node, msec now)
{
	struct exchange_fact fact;
	struct node_fact told = {0};

	if (!exchange_next_fact(node->exchange, &fact))
		return false;
	if (fact.link == node->rival_link && node->rival_link != 0)
		rival_was_dialled(node, now, fact.reason);
	if (fact.kind == EXCHANGE_NEWS) {
		node->outbox.protocol = PROTOCOL_ANNOUNCE;
		if (!announce_spread_from(node->announce, &fact.peer, fact.news, &node->outbox))
			exchange_hurry(node->exchange, now);
		entry_drop(fact.news);
		return true;
	}
	if (fact.kind != EXCHANGE_FAILED) {
		node->outbox.protocol = PROTOCOL_ANNOUNCE;
		announce_heard(node->announce, now, &fact.peer, &node->outbox);
	}
	if (fact.kind == EXCHANGE_ASKED)
		return true;
	if (node->asks == 0 || (fact.link < node->asks_from && fact.link != node->answered_on))
		return true;   /* a round between members, or what came of a question after its answer */
	node->asks--;
	if (fact.kind == EXCHANGE_FAILED && node->asks > 0)
		return true;
	node->asks = 0;
	node->asks_from = node->outbox.next_link;
	node->answered_on = fact.kind == EXCHANGE_DONE ? fact.link : 0;
	told.kind = fact.kind == EXCHANGE_DONE ? NODE_LISTED : NODE_LIST_FAILED;
	told.peer = fact.peer;
	told.reason = fact.reason;
	node_fact_put(node, &told);
	return true;
}

void node_settle(struct node *node, msec now)
{
	node->now = now;
	while (settle_announce(node, now) || settle_exchange(node, now) || settle_rival(node, now) || settle_catalog(node, now))
		;
	settle_lost_events(node, now);
}
