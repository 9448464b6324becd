/*
 * node.c - see node.h. Every event is routed to the machine of its protocol, and then settled (wiring.c).
 */
#include "node/node.h"

#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "node/node_internal.h"

#define WALL_STEP 250   /* msec that the wall clock may drift from ours before times are worked out anew */

/* Whose link it is. link 0: the machine itself; only clients of groups have links under another machine's protocol. */
static struct port port_of(const struct node *node, enum protocol protocol, link_id link)
{
	switch (protocol) {
	case PROTOCOL_ANNOUNCE:
		return (struct port){&announce_ops, node->announce};
	case PROTOCOL_CATALOG_SYNC:
		return (struct port){&exchange_ops, node->exchange};
	case PROTOCOL_STREAMS:
		return (struct port){&streams_ops, node->streams};
	case PROTOCOL_GROUPS:
		return node_groups_port(node, link);
	case PROTOCOL_COUNT:
		break;
	}
	ASSERT(false);
	return (struct port){0};
}

struct node *node_new(const struct node_options *options, msec now, msec wall)
{
	struct node *node = memory_new(sizeof *node);
	struct rng rng;

	rng_init(&rng, options->seed);
	node->options = *options;
	node->now = now;
	catalog_init(&node->catalog, &options->network, &options->identity->public_key, options->crypto, options->log);
	node->catalog.pool = options->pool;
	catalog_set_wall(&node->catalog, now, wall);
	node->judged_ahead = node->catalog.wall_ahead;
	if (options->purge_after > 0)
		node->catalog.purge_after = options->purge_after;
	node->announce = announce_new(&(struct announce_options){.catalog = &node->catalog, .identity = options->identity,
		.crypto = options->crypto, .log = options->log, .seed = rng_next(&rng), .guest = options->guest}, now, wall);
	node->exchange = exchange_new(&(struct exchange_options){.catalog = &node->catalog, .log = options->log,
		.seed = rng_next(&rng), .guest = options->guest}, now);
	node->streams = streams_new(&(struct streams_options){.self = options->identity->public_key, .log = options->log,
		.catalog = &node->catalog, .seed = rng_next(&rng)}, now);
	node->groups = groups_new(&(struct groups_options){.self = options->identity->public_key, .log = options->log,
		.seed = rng_next(&rng)}, now);
	node->group_seed = rng_next(&rng);
	return node;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	node_free_groups(node);
	streams_free(node->streams);
	exchange_free(node->exchange);
	announce_free(node->announce);
	catalog_fini(&node->catalog);
	for (struct node_producer *one = node->producers, *next; one; one = next) {
		next = one->next;
		memory_free(one);
	}
	for (struct node_consumer *consumer = node->consumers, *next; consumer; consumer = next) {
		next = consumer->next;
		node_consumer_free(consumer);
	}
	for (size_t i = 0; i < node->observed.count; i++)
		memory_free(node->observed.slot[i].value);
	id_table_fini(&node->observed);
	memory_free(node->facts.fact);
	outbox_fini(&node->outbox);
	memory_free(node);
}

void node_set_wall(struct node *node, msec now, msec wall)
{
	node->now = now;
	announce_set_wall(node->announce, now, wall);
	catalog_set_wall(&node->catalog, now, wall);
	/* Set, or slept through: the times that were worked out from it are wrong. */
	if (node->catalog.wall_ahead - node->judged_ahead > WALL_STEP || node->judged_ahead - node->catalog.wall_ahead > WALL_STEP) {
		node->judged_ahead = node->catalog.wall_ahead;
		node_judge_all(node, now);
	}
}

static void observe(struct node *node, const struct id *peer, const struct address *from)
{
	struct address *known = id_table_get(&node->observed, peer);

	if (!known) {
		known = memory_new(sizeof *known);
		id_table_put(&node->observed, peer, known);
	}
	*known = *from;
}

/* Whoever proved our own key and presents another life of it than ours is another process. */
static void meet_double(struct node *node, msec now, const struct address *at, struct bytes hello)
{
	const struct entry *own = announce_entry(node->announce, now);
	struct node_fact fact = {.kind = NODE_DUPLICATE, .peer = node->catalog.self, .address = *at};
	struct entry_label head;

	if (!own || entry_peek(hello, &head) != OK || !id_equal(&head.peer, &node->catalog.self) ||
		head.version.start == own->card.version.start)
		return;
	fact.is_newer = head.version.start < own->card.version.start;
	node->rival_told = !fact.is_newer;
	if (!node->departed && !node->gives_way)
		node_fact_put(node, &fact);
}

void node_met(struct node *node, msec now, const struct id *peer, const struct address *from, struct bytes hello)
{
	enum catalog_result result;
	struct entry *entry = NULL;

	if (hello.size == 0)
		return;   /* a guest */
	if (id_equal(peer, &node->catalog.self))
		meet_double(node, now, from, hello);
	if (catalog_put_signed(&node->catalog, now, hello, &result, &entry) != OK)
		return;   /* counted by the catalog; a connection without an entry is a guest's */
	if (catalog_find(&node->catalog, peer))
		observe(node, peer, from);
	if (result == CATALOG_NEW || result == CATALOG_UPDATED) {
		node->outbox.protocol = PROTOCOL_ANNOUNCE;
		announce_spread(node->announce, entry, &node->outbox);
	}
	node_settle(node, now);
}

void node_linked(struct node *node, msec now, enum protocol protocol, const struct link *link)
{
	struct port port = port_of(node, protocol, link->id);

	node->outbox.protocol = (uint8_t)protocol;
	if (port.ops)
		port.ops->linked(port.self, now, link, &node->outbox);
	if (protocol == PROTOCOL_STREAMS)
		node_judge_producer(node, now, &link->peer);
	node_settle(node, now);
}

void node_unlinked(struct node *node, msec now, enum protocol protocol, link_id link, enum error reason)
{
	struct port port = port_of(node, protocol, link);

	node->outbox.protocol = (uint8_t)protocol;
	if (port.ops)
		port.ops->unlinked(port.self, now, link, reason, &node->outbox);
	number_table_remove(&node->client_links, link);
	node_settle(node, now);
}

enum error node_received(struct node *node, msec now, enum protocol protocol, link_id link, struct blob *message)
{
	struct port port = port_of(node, protocol, link);
	enum error error = OK;

	node->outbox.protocol = (uint8_t)protocol;
	if (port.ops)
		error = port.ops->receive(port.self, now, link, message, &node->outbox);
	node_settle(node, now);
	return error;
}

void node_sent(struct node *node, msec now, enum protocol protocol, link_id link, size_t bytes)
{
	struct port port = port_of(node, protocol, link);

	node->outbox.protocol = (uint8_t)protocol;
	if (port.ops && port.ops->sent)
		port.ops->sent(port.self, link, bytes, &node->outbox);
	node_settle(node, now);
}

void node_set_rtt(struct node *node, const struct id *peer, uint64_t rtt_us)
{
	catalog_set_rtt(&node->catalog, peer, rtt_us);
}

void node_tick(struct node *node, msec now)
{
	for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		struct port port = port_of(node, protocol, 0);

		node->outbox.protocol = (uint8_t)protocol;
		if (port.ops->deadline(port.self) <= now)
			port.ops->tick(port.self, now, &node->outbox);
	}
	node->outbox.protocol = PROTOCOL_STREAMS;
	node_judge_tickets(node, now);
	node_tick_clients(node, now);
	if (catalog_deadline(&node->catalog) <= now)
		catalog_purge(&node->catalog, now);
	node_settle(node, now);
}

msec node_deadline(const struct node *node)
{
	msec due = msec_min(catalog_deadline(&node->catalog), node_clients_deadline(node));

	due = msec_min(due, node_tickets_deadline(node));
	for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		struct port port = port_of(node, protocol, 0);

		due = msec_min(due, port.ops->deadline(port.self));
	}
	return due;
}

bool node_credit_at_once(enum protocol protocol)
{
	return protocol == PROTOCOL_ANNOUNCE || protocol == PROTOCOL_CATALOG_SYNC;
}

bool node_next_effect(struct node *node, struct effect *effect)
{
	if (!outbox_next(&node->outbox, effect))
		return false;
	if (effect->kind == EFFECT_CONNECT && effect->dial->count == 0)
		node_fill_dial(node, effect->dial);
	return true;
}

struct bytes node_hello(struct node *node, msec now)
{
	const struct entry *entry = announce_entry(node->announce, now);

	/* Whoever meets us while we leave has missed the goodbye: shown the entry, it would list us until the purge. */
	if (node->departed)
		return (struct bytes){NULL, 0};
	return entry ? blob_bytes(entry->signed_bytes) : (struct bytes){NULL, 0};
}

/* ---- what we say about ourselves ---- */

void node_set_addresses(struct node *node, msec now, const struct address *address, size_t count)
{
	struct card *card = announce_card(node->announce);

	ASSERT(count <= DIAL_ADDRESSES_MAX);
	memory_free(card->address);
	card->address = memory_copy(address, count * sizeof *address);
	card->address_count = count;
	announce_changed(node->announce, now);
}

static struct id id_of_checked(const char *text)
{
	struct id id;
	enum error error = id_from_text(text, &id);

	ASSERT(error == OK);
	return id;
}

static struct id card_insert(struct node *node, msec now, struct id_set *set, const char *text)
{
	struct id id = id_of_checked(text);

	if (id_set_add(set, &id)) {
		if (!node->options.no_names)
			card_set_name(announce_card(node->announce), &id, text);
		announce_changed(node->announce, now);
	}
	return id;
}

/* A text is told for as long as an id stands for it: one may be a tag and a stream at once. */
void node_card_remove(struct node *node, msec now, struct id_set *set, const struct id *id)
{
	struct card *card = announce_card(node->announce);

	if (!id_set_remove(set, id))
		return;
	if (!id_set_has(&card->tags, id) && !id_set_has(&card->streams, id) && !id_set_has(&card->groups, id))
		card_set_name(card, id, NULL);
	announce_changed(node->announce, now);
}

void node_add_tag(struct node *node, msec now, const char *tag)
{
	card_insert(node, now, &announce_card(node->announce)->tags, tag);
}

bool node_add_ticket(struct node *node, msec now, struct bytes token)
{
	bool added = ticket_add(announce_card(node->announce), token);

	announce_changed(node->announce, now);
	return added;
}

void node_remove_ticket(struct node *node, msec now, struct bytes token)
{
	ticket_remove(announce_card(node->announce), token);
	announce_changed(node->announce, now);
}

void node_remove_tag(struct node *node, msec now, const char *tag)
{
	struct id id = id_of_checked(tag);

	node_card_remove(node, now, &announce_card(node->announce)->tags, &id);
}

/* ---- finding others ---- */

void node_add_bootstrap(struct node *node, msec now, const struct dial *dial)
{
	announce_add_bootstrap(node->announce, now, dial);
}

void node_add_hint(struct node *node, msec now, const struct dial *dial)
{
	node->outbox.protocol = PROTOCOL_ANNOUNCE;
	announce_add_hint(node->announce, now, dial, &node->outbox);
}

void node_ask(struct node *node, msec now, const struct dial *dial)
{
	ASSERT(node->options.guest);
	node->outbox.protocol = PROTOCOL_CATALOG_SYNC;
	node->asks++;
	exchange_with(node->exchange, now, dial, &node->outbox);
	node_settle(node, now);
}

void node_stay(struct node *node)
{
	exchange_keep(node->exchange);
}

bool node_ask_again(struct node *node, msec now)
{
	ASSERT(node->options.guest);
	node->outbox.protocol = PROTOCOL_CATALOG_SYNC;
	if (!exchange_again(node->exchange, now, &node->outbox))
		return false;
	node->asks++;
	node_settle(node, now);
	return true;
}

const struct catalog *node_catalog(const struct node *node)
{
	return &node->catalog;
}

size_t node_neighbours(const struct node *node)
{
	return announce_neighbours(node->announce);
}

struct node_counters node_count(const struct node *node)
{
	return (struct node_counters){.announce = announce_count(node->announce), .exchange = exchange_count(node->exchange),
		.entries_refused = node->catalog.entries_refused};
}

void node_give_way(struct node *node)
{
	node->gives_way = true;
}

void node_depart(struct node *node, msec now)
{
	node_quit_all_groups(node, now);
	node->departed = true;
	if (node->gives_way)
		return;
	node->outbox.protocol = PROTOCOL_ANNOUNCE;
	announce_depart(node->announce, now, &node->outbox);
	node_settle(node, now);
}

/* ---- streams ---- */

struct producer *node_produce(struct node *node, msec now, const char *stream, const struct producer_options *options)
{
	struct card *card = announce_card(node->announce);
	struct producer_options own = *options;
	struct producer *producer;
	struct id id = id_of_checked(stream);

	if (id_set_has(&card->streams, &id))
		return NULL;
	own.stream = card_insert(node, now, &card->streams, stream);
	producer = producer_new(node->streams, now, &own);
	if (own.accept.count > 0) {
		struct node_producer *one = memory_new(sizeof *one);

		*one = (struct node_producer){producer, node->producers};
		node->producers = one;
	}
	return producer;
}

void node_write(struct node *node, msec now, struct producer *producer, struct blob *batch, uint64_t count)
{
	node->outbox.protocol = PROTOCOL_STREAMS;
	producer_write(node->streams, now, producer, (struct batch){batch, count}, &node->outbox);
}

void node_end(struct node *node, msec now, struct producer *producer)
{
	node->outbox.protocol = PROTOCOL_STREAMS;
	producer_end(node->streams, now, producer, &node->outbox);
}

static void forget_producer(struct node *node, const struct producer *producer)
{
	struct node_producer **place = &node->producers, *gone;

	while (*place && (*place)->producer != producer)
		place = &(*place)->next;
	gone = *place;
	if (gone)
		*place = gone->next;
	memory_free(gone);
}

void node_stop_producing(struct node *node, msec now, struct producer *producer)
{
	struct id stream = producer_stream(producer);

	forget_producer(node, producer);
	node->outbox.protocol = PROTOCOL_STREAMS;
	producer_free(node->streams, producer, &node->outbox);
	node_card_remove(node, now, &announce_card(node->announce)->streams, &stream);
}

struct consumer *node_consume(struct node *node, msec now, const char *stream, const struct consumer_options *options)
{
	struct node_consumer *consumer = memory_new(sizeof *consumer);
	struct consumer_options own = *options;

	own.stream = consumer->stream = id_of_checked(stream);
	consumer->rule = own.producers;
	consumer->due = MSEC_NEVER;
	consumer->consumer = consumer_new(node->streams, now, &own);
	consumer->next = node->consumers;
	node->consumers = consumer;
	node_introduce(node, now, consumer);
	return consumer->consumer;
}

void node_consumed(struct node *node, link_id link, size_t message_bytes)
{
	node->outbox.protocol = PROTOCOL_STREAMS;
	consumer_consumed(node->streams, link, message_bytes, &node->outbox);
}

void node_acknowledge(struct node *node, link_id link)
{
	node->outbox.protocol = PROTOCOL_STREAMS;
	consumer_acknowledge(node->streams, link, &node->outbox);
}

static struct node_consumer **place_of(struct node *node, const struct consumer *consumer)
{
	struct node_consumer **place = &node->consumers;

	while (*place && (*place)->consumer != consumer)
		place = &(*place)->next;
	ASSERT(*place);
	return place;
}

void node_stop_consuming(struct node *node, msec now, struct consumer *consumer)
{
	struct node_consumer **place = place_of(node, consumer);
	struct node_consumer *gone = *place;

	(void)now;
	*place = gone->next;
	node->outbox.protocol = PROTOCOL_STREAMS;
	consumer_free(node->streams, consumer, &node->outbox);
	node_consumer_free(gone);
}

size_t node_producers_listed(const struct node *node, const struct consumer *consumer)
{
	const struct node_consumer *one = node->consumers;
	size_t listed = 0;

	while (one && one->consumer != consumer)
		one = one->next;
	for (size_t i = 0; one && i < one->told.count; i++)
		listed += !((const struct told_producer *)one->told.slot[i].value)->doubted;
	return listed;
}

/* ---- facts ---- */

bool node_next_fact(struct node *node, struct node_fact *fact)
{
	if (node->facts.first < node->facts.count) {
		*fact = node->facts.fact[node->facts.first++];
		return true;
	}
	memset(fact, 0, sizeof *fact);
	if (node_next_group_fact(node, fact) || node_next_client_fact(node, fact))
		return true;
	fact->kind = NODE_STREAM;
	return streams_next_fact(node->streams, &fact->stream);
}

void node_check(const struct node *node)
{
	catalog_check(&node->catalog);
	for (enum protocol protocol = 0; protocol < PROTOCOL_COUNT; protocol++) {
		struct port port = port_of(node, protocol, 0);

		if (port.ops->check)
			port.ops->check(port.self);
	}
	node_check_clients(node);
}
