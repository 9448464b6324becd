/*
 * sim.h - a world of whole nodes in simulated time: one process, one thread, one seed.
 *
 *     events by (time, sequence) --> one node --> its turn: tick, effects, facts --> new events
 *                                                              |
 *                                    links, dials: sim_net.c   +--> oracle, workload: sim_streams.c
 *
 * Nothing here reads a clock or real randomness, so a seed repeats to the last bit; sim_hash() says whether it did.
 * Network, workload and faults draw from streams of random numbers of their own: taking one fault out of a run does not
 * change the latencies of the others.
 *
 * A PLACE is a host with one address, on which one node at most runs at a time. Places are numbered from 0.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdio.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/rng.h"
#include "base/table.h"
#include "node/node.h"
#include "tests/sim/sim_pack.h"

#define SIM_WALL_ZERO 1700000000000   /* wall clock, msec, of a host without skew when a world begins */

struct sim;
struct sim_link;
struct sim_flow;

/* Something that happens at a time. Embedded in what it happens to. */
struct sim_event {
	struct heap_node place;
	void (*happen)(struct sim *sim, void *subject);
	void *subject;
};

struct sim_options {
	uint64_t seed;
	size_t places;
	msec latency_min, latency_max;    /* one way */
	unsigned loss_percent;            /* of packets; each costs a retransmission */
	msec idle;                        /* silence until a connection is given up */
	msec handshake;                   /* until a dial without an answer fails */
	size_t window;                    /* bytes a link may have under way and unread */
	uint64_t events_max;              /* more are a storm, and a failed assertion; 0: any number */
	uint64_t check_every;             /* node_check after every so many events of a node; 0: never */
	FILE *log;                        /* log lines of every node; NULL: silent */
	enum log_level log_level;
};

extern const struct sim_options sim_defaults;   /* 10-40 ms, no loss, 30 s idle, 4 MiB windows */

struct sim_node {
	struct sim *sim;
	size_t place;
	struct node *node;                /* NULL: nobody runs here */
	uint64_t life;                    /* counts the nodes that ran here */
	struct keypair identity;
	struct log log;
	struct buffer hello;
	struct number_table links;        /* link id -> struct sim_link */
	struct list connections;          /* sides of connections that end here */
	link_id next_link;                /* for links that others open: odd */
	msec skew;                        /* of the wall clock */
	msec slow;                        /* msec until it looks at what has arrived */
	msec paused_until;
	bool departing;
	bool host_off;                    /* nobody answers, not even "refused" */
	uint64_t events;
	struct sim_event wake;
	struct sim_event leave;
	struct sim_flow *flow;            /* its part in the workload; NULL: none */
};

/* What streams are like in this world. Zeroed: small records, everybody has a place and reads everything, block. */
struct sim_streams {
	size_t record_size;               /* at least SIM_RECORD_SIZE; 0: that */
	enum slow_policy on_slow;
	uint64_t buffer;                  /* records */
	size_t subscribers_max, waiting_max;
	unsigned filter_percent;          /* of readers that ask for a third of the records */
};

struct sim_counters {
	uint64_t events, turns, checks;
	uint64_t messages[PROTOCOL_COUNT], bytes[PROTOCOL_COUNT];
	uint64_t dials, dials_failed, links, deaths;
	uint64_t records, gaps, ends;     /* of the workload */
	uint64_t missed, queued, filtered;   /* records in gaps; readers that stood in line; records that were picked */
	uint64_t dropped, too_slow;       /* records left out for slow readers; readers put out */
	uint64_t watched[PROTOCOL_COUNT]; /* messages that contained sim.watch */
};

struct sim {
	struct sim_options options;
	msec now;
	uint64_t sequence;
	uint64_t connections;             /* so far */
	struct heap events;
	struct rng network, workload, faults, identities;
	struct id id;                     /* the network of its nodes */
	struct entry_pool *pool;          /* of all nodes: one copy of an entry in memory, decoded once */
	struct sim_ids ids;               /* of all nodes that ever ran */
	struct sim_node *node;            /* [places] */
	bool *cut;                        /* [from * places + to]: nothing gets through */
	size_t cuts;
	struct sim_streams streams;
	struct sim_counters count;
	uint64_t hash;
	struct bytes watch;               /* borrowed; messages that contain it are counted */
	/* NULL: nobody looks. What a fact holds is borrowed. */
	void (*fact)(struct sim *sim, struct sim_node *node, const struct node_fact *fact);
	void *observer;                   /* for `fact` */
};

struct sim *sim_new(const struct sim_options *options);
void sim_free(struct sim *sim);

/* Events until `until`, which is the time afterwards. */
void sim_run_until(struct sim *sim, msec until);
/* Runs until every node lists exactly those that run, or `until`. Looks every `step`. false: they do not. */
bool sim_run_until_agreed(struct sim *sim, msec until, msec step);
uint64_t sim_hash(const struct sim *sim);

/* At the same time, in the order of the calls. A set event is moved. */
void sim_at(struct sim *sim, struct sim_event *event, msec at);
void sim_cancel(struct sim *sim, struct sim_event *event);
void sim_mix(struct sim *sim, uint64_t number);   /* into the trace hash */

/* ---- nodes ---- */

/* A node starts here; with the identity of its predecessor, or a new one. */
void sim_start(struct sim *sim, size_t place, bool same_identity);
void sim_bootstrap(struct sim *sim, size_t place, size_t other);   /* told of another by address alone */
void sim_depart(struct sim *sim, size_t place);   /* says goodbye, is gone a second later */
/* Gone at once. host_off: its host, too; else the kernel says "refused" for it. */
void sim_crash(struct sim *sim, size_t place, bool host_off);
void sim_pause(struct sim *sim, size_t place, msec span);
/* Whatever was handed to the node by a call of node.h: carries out what follows. */
void sim_turn(struct sim *sim, struct sim_node *node);
size_t sim_up(const struct sim *sim);
size_t sim_place_of(const struct sim *sim, const struct id *peer);   /* options.places: nobody's */
/* How many of those that run `node` does not list; *wrong: how many it lists that do not run. */
size_t sim_missing(const struct sim *sim, const struct sim_node *node, size_t *wrong);
bool sim_agreed(const struct sim *sim);

struct address sim_address(size_t place);
extern const struct crypto sim_crypto;   /* quick; signatures break when a byte changes, but anybody can forge them */

/* ---- network: sim_net.c ---- */

void sim_carry_out(struct sim *sim, struct sim_node *node, struct effect *effect);   /* taken */
void sim_cut(struct sim *sim, size_t from, size_t to, bool cut);   /* one way */
void sim_heal(struct sim *sim);          /* every cut */
void sim_net_crashed(struct sim *sim, struct sim_node *node, enum error reason);   /* its connections end */
msec sim_latency(struct sim *sim);

/* ---- workload and its oracle: sim_streams.c ---- */

/* Writes `records` numbered records in batches, about one every `pace`, and then ends. 0: for ever. */
void sim_produce(struct sim *sim, size_t place, const char *stream, uint64_t records, msec pace);
void sim_produce_end(struct sim *sim, size_t place);   /* now */
/* Reads; each batch takes it up to `pace`. */
void sim_consume(struct sim *sim, size_t place, const char *stream, msec pace);
void sim_streams_fact(struct sim *sim, struct sim_node *node, const struct streams_fact *fact);
void sim_flow_free(struct sim *sim, struct sim_node *node);
uint64_t sim_records_read(const struct sim_node *node);
uint64_t sim_records_written(const struct sim_node *node);
size_t sim_ends_verified(const struct sim_node *node);

#endif
