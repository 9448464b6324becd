/*
 * node_internal.h - what node.c, wiring.c and dial.c share.
 */
#ifndef NODE_NODE_INTERNAL_H
#define NODE_NODE_INTERNAL_H

#include "base/rng.h"
#include "node/node.h"

/* What a consumer believes of a producer. */
struct told_producer {
	uint64_t start;                /* of the incarnation it was told of */
	msec until;                    /* wall clock: its tickets are good so long, as last judged; MSEC_NEVER */
	bool doubted;                  /* hidden as crashed since then: known, so that its return is no new producer */
};

/* A consumer and what the catalog has told it. */
struct node_consumer {
	struct consumer *consumer;
	struct id stream;
	struct peer_rule rule;         /* whom it wants */
	struct id_table told;          /* peer -> struct told_producer *: producers it was told of */
	msec due;                      /* a ticket becomes valid or expires: its rule is to be judged again; MSEC_NEVER */
	struct node_consumer *next;
};

/* A machine that a link belongs to. */
struct port {
	const struct machine_ops *ops;
	void *self;
};

struct node_client {
	struct client *client;
	struct node_client *next;
};

/* A producer that does not take everybody. */
struct node_producer {
	struct producer *producer;
	struct node_producer *next;
};

/* Facts of other machines than streams wait here; as many as links and dials can fail in one turn. */
struct node_facts {
	struct node_fact *fact;
	size_t first;
	size_t count;
	size_t capacity;
};

struct node {
	struct node_options options;
	struct catalog catalog;
	struct announce *announce;
	struct exchange *exchange;
	struct streams *streams;
	struct groups *groups;
	struct node_client *clients;
	struct number_table client_links;   /* links of clients until their last word -> struct client *, or nobody */
	char nobody;
	uint64_t group_seed;
	msec now;                      /* of the last event; verbs of clients are not told */
	msec judged_ahead;             /* the wall clock less `now` that rules are judged by */
	struct outbox outbox;
	struct id_table observed;      /* peer -> struct address *: where it was met; for peers of the catalog only */
	struct node_consumer *consumers;
	struct node_producer *producers;
	struct node_facts facts;
	size_t asks;                   /* guests: questions under way, */
	link_id asks_from;             /* on links with this id or a later one: earlier questions are answered */
	link_id answered_on;           /* the link that may be kept, and be asked on again; 0: none */
	struct version rival;          /* of our own entry, by another process that is being dialled on rival_link */
	struct address rival_address;
	link_id rival_link;            /* 0: none */
	bool rival_told;               /* our owner knows of it */
	bool gives_way;                /* to an older process with our key */
	bool departed;                 /* nothing of ours is presented any more */
};

/* wiring.c: carries facts from machine to machine until none is left. Called at the end of every event. */
void node_settle(struct node *node, msec now);
/* Tells a consumer of every producer that the catalog already lists. */
void node_introduce(struct node *node, msec now, struct node_consumer *consumer);
/* Tickets begin or end with time; also after the wall clock was set, which moves them all. */
void node_judge_tickets(struct node *node, msec now);
msec node_tickets_deadline(const struct node *node);
void node_judge_all(struct node *node, msec now);
/* A link to it is open, so its round trip is known now: is it still one that our consumers want? */
void node_judge_producer(struct node *node, msec now, const struct id *peer);
void node_fact_put(struct node *node, const struct node_fact *fact);
void node_consumer_free(struct node_consumer *consumer);

/* groups.c */
struct port node_groups_port(const struct node *node, link_id link);
void node_tick_clients(struct node *node, msec now);
msec node_clients_deadline(const struct node *node);
void node_check_clients(const struct node *node);
void node_free_groups(struct node *node);
bool node_next_group_fact(struct node *node, struct node_fact *fact);
bool node_next_client_fact(struct node *node, struct node_fact *fact);
void node_tell_groups(struct node *node, msec now, const struct card *card, bool departed);
void node_introduce_groups(struct node *node, msec now);    /* after events were lost: the whole catalog again */
void node_quit_all_groups(struct node *node, msec now);

/* node.c: an id that stands for something of ours leaves the entry, and its text unless it stands for something else. */
void node_card_remove(struct node *node, msec now, struct id_set *set, const struct id *id);

/* dial.c: the addresses to try for dial->peer, best first. */
void node_fill_dial(const struct node *node, struct dial *dial);

#endif
