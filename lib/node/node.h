/*
 * node.h - a whole node without the world: it owns the machines, routes links to them by protocol, and wires what one
 * reports to what another should do (wiring.c). Pure: a driver (lib/runtime, or a simulator) hands in events and time,
 * carries out effects, and pulls facts.
 *
 * Order of a turn: events in, node_tick if node_deadline has come, then node_next_effect until it is false. Facts may be
 * pulled at any time; new effects may follow from the verbs called then.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include "discovery/announce.h"
#include "discovery/catalog.h"
#include "discovery/exchange.h"
#include "groups/client.h"
#include "groups/groups.h"
#include "streams/streams.h"
#include "wire/protocol.h"

struct node;

struct node_options {
	struct id network;
	const struct keypair *identity;    /* borrowed */
	const struct crypto *crypto;       /* borrowed */
	const struct log *log;             /* borrowed; NULL: silent */
	uint64_t seed;
	bool guest;                        /* asks, and leaves no trace: no entry, no gossip, no streams of its own */
	msec purge_after;                  /* without news a peer is dropped; 0: CATALOG_PURGE_AFTER */
	bool no_names;                     /* keep the texts behind ids out of the entry */
	struct entry_pool *pool;           /* borrowed; shared with other nodes of this process, NULL: alone */
};

struct node *node_new(const struct node_options *options, msec now, msec wall);
void node_free(struct node *node);     /* everything in it; NULL is fine */

/* ---- events, from the driver ---- */

void node_set_wall(struct node *node, msec now, msec wall);
/* A connection was proven; hello is the entry that the peer presented (empty: a guest), from the address it is reached at. */
void node_met(struct node *node, msec now, const struct id *peer, const struct address *from, struct bytes hello);
void node_linked(struct node *node, msec now, enum protocol protocol, const struct link *link);
void node_unlinked(struct node *node, msec now, enum protocol protocol, link_id link, enum error reason);
MUST_CHECK enum error node_received(struct node *node, msec now, enum protocol protocol, link_id link, struct blob *message);
void node_sent(struct node *node, msec now, enum protocol protocol, link_id link, size_t bytes);
void node_set_rtt(struct node *node, const struct id *peer, uint64_t rtt_us);
void node_tick(struct node *node, msec now);
msec node_deadline(const struct node *node);
bool node_credit_at_once(enum protocol protocol);

/* Oldest effect; CONNECTs have their addresses filled in from the catalog. false: none. */
bool node_next_effect(struct node *node, struct effect *effect);

/* What to present in hellos: the newest own entry; empty for a guest and once departed. Borrowed until the next call. */
struct bytes node_hello(struct node *node, msec now);

/* ---- what we say about ourselves ---- */

void node_set_addresses(struct node *node, msec now, const struct address *address, size_t count);
/* kind "tag", "stream" or "group" texts become ids by id_from_text (the caller has checked them). */
void node_add_tag(struct node *node, msec now, const char *tag);
void node_remove_tag(struct node *node, msec now, const char *tag);
/* A JWT of ours (ticket.h), for rules of others. false: too large, or CARD_TICKETS_MAX are there. */
MUST_CHECK bool node_add_ticket(struct node *node, msec now, struct bytes token);
void node_remove_ticket(struct node *node, msec now, struct bytes token);

/* ---- finding others ---- */

/* Dialled for ever while it is no neighbour. */
void node_add_bootstrap(struct node *node, msec now, const struct dial *dial);
/* Dialled once: a peer that is probably there, such as one on the same host. */
void node_add_hint(struct node *node, msec now, const struct dial *dial);
/*
 * Guests: asks a member for everything it knows. Several may be asked at once: NODE_LISTED follows the first answer,
 * NODE_LIST_FAILED the last failure.
 */
void node_ask(struct node *node, msec now, const struct dial *dial);
/*
 * Guests: the link of the next answer is kept, and node_ask_again asks on it again, which costs one small message each way
 * when nothing changed. Facts as for node_ask. false: no such link (any more), or its answer is still due.
 */
void node_stay(struct node *node);
bool node_ask_again(struct node *node, msec now);

const struct catalog *node_catalog(const struct node *node);
size_t node_neighbours(const struct node *node);

/* Since the start. */
struct node_counters {
	struct announce_counters announce;
	struct exchange_counters exchange;
	uint64_t entries_refused;          /* malformed, badly signed or of another network */
};
struct node_counters node_count(const struct node *node);

/* We are the newer of two processes with one key: the other one goes on, so no goodbye may be said in its name. */
void node_give_way(struct node *node);

/* Signed goodbye to everybody; streams are closed in good order. */
void node_depart(struct node *node, msec now);

/* ---- streams ---- */

/* The stream appears in our entry at once. NULL: this node produces it already. */
struct producer *node_produce(struct node *node, msec now, const char *stream, const struct producer_options *options);
/* Dropped when nobody is subscribed. See producer_write. */
void node_write(struct node *node, msec now, struct producer *producer, struct blob *batch, uint64_t count);
void node_end(struct node *node, msec now, struct producer *producer);
void node_stop_producing(struct node *node, msec now, struct producer *producer);

struct consumer *node_consume(struct node *node, msec now, const char *stream, const struct consumer_options *options);
void node_consumed(struct node *node, link_id link, size_t message_bytes);
void node_acknowledge(struct node *node, link_id link);
void node_stop_consuming(struct node *node, msec now, struct consumer *consumer);

/* Producers of the stream that the catalog lists now, and that the consumer wants. */
size_t node_producers_listed(const struct node *node, const struct consumer *consumer);

/* ---- groups ---- */

struct node_group {
	const char *name;                      /* shown in our entry; NULL: none */
	const struct group_options *options;   /* peer and log are ours, whatever it says; state: taken */
	const struct image *image;             /* what the store held; NULL: nothing */
};

/*
 * *out is borrowed until node_group_quit. The group appears in our entry at once. ERROR_STALE: this node is in it already.
 * Else as group_new.
 */
MUST_CHECK enum error node_group_join(struct node *node, msec now, const struct node_group *join, struct group **out);
/* After any verb of group.h was called. */
void node_group_turn(struct node *node, msec now);
/* After GROUP_LEFT, or at once; node_depart does it for every group. */
void node_group_quit(struct node *node, msec now, struct group *group);
void node_group_persisted(struct node *node, msec now, const struct id *group, uint64_t token, enum error status);

/* A client of a group somewhere else; self and log are ours. Guests may have them, too. */
struct client *node_client(struct node *node, msec now, const struct client_options *options, const struct dial *dial);
/* Again, after CLIENT_DOWN. */
void node_client_dial(struct node *node, msec now, struct client *client, const struct dial *dial);
/* See client.h. */
MUST_CHECK enum error node_client_propose(struct node *node, struct client *client, uint64_t ticket, struct bytes command);
MUST_CHECK enum error node_client_feed(struct node *node, struct client *client, uint64_t ticket, struct bytes command);
MUST_CHECK enum error node_client_query(struct node *node, struct client *client, const struct group_query *query);
void node_client_status(struct node *node, struct client *client, uint64_t ticket);
void node_client_leave(struct node *node, struct client *client, uint64_t ticket);
void node_client_admin(struct node *node, struct client *client, const struct client_order *order);
void node_client_follow(struct node *node, struct client *client, const struct client_follow *follow);
void node_client_free(struct node *node, struct client *client);   /* no facts follow */

/* ---- facts ---- */

struct node_fact {
	enum {
		NODE_STREAM,               /* stream: see streams.h */
		NODE_NEIGHBOUR_UP,         /* peer */
		NODE_NEIGHBOUR_DOWN,       /* peer, reason */
		NODE_BOOTSTRAP_FAILED,     /* peer (zero: unknown), reason: it is tried again */
		NODE_LISTED,               /* peer: node_ask is answered, the catalog is filled */
		NODE_LIST_FAILED,          /* reason */
		NODE_GROUP,                /* group, group_fact: see group.h; its bytes are taken by the reader */
		NODE_GROUP_PERSIST,        /* group, persist: taken; answered by node_group_persisted */
		NODE_CLIENT,               /* client, client_fact: see client.h; its message is taken by the reader */
		NODE_DUPLICATE             /* address: where another live process with our key is; is_newer: we are the newer */
	} kind;
	struct streams_fact stream;
	struct id group;
	struct group_fact group_fact;
	struct persist *persist;
	struct client *client;
	struct client_fact client_fact;
	struct id peer;
	struct address address;
	bool is_newer;
	enum error reason;
};

bool node_next_fact(struct node *node, struct node_fact *fact);   /* false: none */

void node_check(const struct node *node);

#endif
