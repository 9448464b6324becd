/*
 * group_sim.h - a group in simulated time: members (the machines of groups/group.h, as they are), their disks, the
 * network between them, clients, and an oracle that sees everything.
 *
 *      group_swarm.c     what goes wrong, and what must be true in the end
 *      group_clients.c   commands and queries of many handles; what they saw becomes a history
 *      group_oracle.c    what must be true after every step
 *      group_sim.c       events in the order of (time, sequence); lives and turns of members; their clocks
 *      group_disk.c      storage: whole requests, in order, late, failing; what a crash leaves
 *      group_net.c       bonds between members, and what cuts and losses do to them
 *
 * All chance comes from one seed, through generators that do not disturb each other: one fault more leaves the latencies of
 * the rest as they were.
 */
#ifndef TESTS_SIM_GROUP_SIM_H
#define TESTS_SIM_GROUP_SIM_H

#include <stdio.h>

#include "base/rng.h"
#include "groups/group.h"
#include "tests/sim/linear.h"
#include "tests/sim/workload.h"

typedef int64_t usec;

#define GROUP_PLACES_MAX 14
#define GROUP_CLIENTS_MAX 20

/* Rare things that a large run must have seen; a zero means that the simulator looks elsewhere. */
enum group_event {
	SAW_ELECTION, SAW_LEADER_CRASH, SAW_LEADER_CRASH_JOINT, SAW_TRUNCATION, SAW_TRUNCATED_CONFIGURATION, SAW_JOINT,
	SAW_VOTER_REPLACED, SAW_SNAPSHOT_TAKEN, SAW_SNAPSHOT_INSTALLED, SAW_INSTALL_WHILE_JOINT, SAW_CRASH_INSIDE_PERSIST,
	SAW_PERSIST_KEPT, SAW_PERSIST_LOST, SAW_DISK_FAILURE, SAW_POWER_LOSS, SAW_WIPE, SAW_MEMORY_RESTART, SAW_SPLIT,
	SAW_ONE_WAY, SAW_PAUSE, SAW_LEAVE, SAW_LEADER_LEAVE, SAW_TRANSFER, SAW_REPLAY, SAW_DUPLICATE, SAW_DROP, SAW_RESTLESS,
	SAW_INDETERMINATE, SAW_LATE_RESULT, SAW_REFUSED, SAW_STRONG_READ, SAW_FOLLOWER_READ, SAW_READ_FAILED, SAW_LOCAL_READ,
	SAW_COMMAND_ON_FOLLOWER, SAW_TWO_LINEAGES, SAW_DISSOLVED, SAW_OBSERVER, SAW_SEVEN_VOTERS,
	SAW_RESTART_WITH_LOG, SAW_STEPPED_DOWN, SAW_DEAD_FOR_EVER, SAW_DECLARED_DEAD, SAW_INSTALL_FROM_SEVERAL,
	SAW_REMOVED_LEADER, SAW_STRANDED_LEADER, SAW_FREEZE, SAW_THAW, SAW_CRASH_WHILE_BOUND, SAW_RESTART_BOUND,
	SAW_FEWER_EXPECTED, SAW_EVENTS
};
extern const char *const group_event_name[SAW_EVENTS];

struct world_options {
	uint64_t seed;
	size_t places;
	enum preference preference[GROUP_PLACES_MAX];
	bool durable[GROUP_PLACES_MAX];
	struct group_terms terms;
	uint8_t expect;
	bool external;                        /* results come from a state that the owner of each member keeps besides */
	bool scattered;                       /* they begin apart, and each part may give birth */
	/* Raft's messages as datagrams: lost, doubled, replayed much later, in any order. Off: bonds are reliable and ordered. */
	bool harsh;
	unsigned drop, duplicate, replay;     /* of a thousand, when harsh */
	bool deaf_successors;                 /* when harsh: who is told to take over at once never hears it */
	unsigned restless;                    /* of a thousand APPENDs, when harsh: another one besides */
	usec latency_min, latency_mean;       /* one way; exponential above the least */
	usec idle;                            /* silence after which a bond is given up */
	usec disk_mean;
	unsigned disk_stall;                  /* of a thousand requests: takes seconds */
	size_t clients, keys;
	usec think;                           /* of a client, on average */
	size_t padding, ballast;
	uint32_t compact_entries;
	uint64_t history_max;                 /* operations recorded; clients stop then */
	const char *state;                    /* "map", ..; "cells"; NULL: the seed draws it */
	FILE *log;
	bool messages;                        /* every message is logged, too */
};

/* ---- storage ---- */

struct disk_request {
	struct persist *persist;
	usec done_at;
};

#define DISK_STAGED_MAX 4

struct disk_staged {
	uint64_t index;                       /* 0: free */
	struct blob **chunk;
	uint32_t chunks;
};

struct disk {
	struct hard_state hard;
	bool has_hard;
	struct snapshot_meta meta;
	struct blob **chunk;
	struct disk_staged staged[DISK_STAGED_MAX];   /* chunks that wait for their meta */
	struct log_entry *entry;
	size_t count, capacity;
	struct disk_request *request;         /* under way, oldest first */
	size_t requests, requests_capacity;
	bool failing;                         /* the next request fails */
};

/* ---- members ---- */

struct shadow_entry {                         /* what the oracle remembers of a log */
	uint64_t term;
	struct chain chain;
	bool is_configuration;
};

struct shadow {
	uint64_t base;                        /* the entry before the first held; 0: the log is whole */
	struct chain base_chain;
	bool knows_base;                      /* whether base_chain is known */
	struct shadow_entry *entry;           /* of base + 1, ... */
	size_t count, capacity;
	uint64_t commit, term, applied;
	uint64_t reported;                    /* last position told by GROUP_APPLIED, 0 none */
	bool was_leader, led_before;          /* after the last step, and the one before it */
	uint64_t incarnation;
	struct id lineage;
	size_t history;                       /* number of that lineage; SIZE_MAX: none */
};

struct bond_side {                            /* how one member sees another */
	bool up;
	uint32_t epoch;                       /* of the bond it is up by */
	uint64_t told;                        /* version of our hello that was sent last */
	usec last[LANES];                     /* when the last message of each lane arrives there */
};

struct place {
	struct id peer;
	struct group *group;                  /* NULL: down */
	uint32_t life;
	uint64_t incarnation;                 /* of this life, or the one on disk */
	uint64_t former;                      /* the one before it in this same life of the process, */
	bool spoke_anew;                      /* which is silent once the new one spoke */
	bool dead;                            /* for ever */
	bool gone;                            /* left; may come again as somebody new */
	bool leaving;
	bool expect_halt;                     /* its disk failed */
	bool has_lived;                       /* an incarnation was given */
	uint64_t rate;                        /* millionths of the clock's pace */
	int64_t skew;                         /* usec */
	usec paused_until;
	usec slow;                            /* time that one event takes */
	usec tick_at;                         /* earliest tick in the queue; INT64_MAX none */
	uint64_t hello_version;
	uint64_t asked;                       /* commands handed to this life */
	uint32_t fed_by;                      /* a bit for each place that sent a chunk of a snapshot since the last one */
	struct state external;                /* in external worlds, of this life */
	struct disk disk;
	struct shadow shadow;
	struct bond_side side[GROUP_PLACES_MAX];
};

/* ---- the world ---- */

enum event_kind { EVENT_MESSAGE, EVENT_HELLO, EVENT_TICK, EVENT_UP, EVENT_DOWN, EVENT_DIAL, EVENT_SILENT, EVENT_DISK,
	EVENT_CLIENT, EVENT_FAULT };

struct world_event {
	usec at;
	uint64_t sequence;
	uint8_t kind;
	uint8_t place;                        /* whom it reaches */
	uint8_t from;
	uint8_t lane;                         /* of DOWN: closed */
	bool raw;                             /* MESSAGE: a datagram, whatever the bond's epoch */
	uint32_t life;                        /* of place, when it was made; of from, for datagrams */
	uint32_t epoch;
	union {
		struct blob *payload;         /* MESSAGE */
		struct group_hello *hello;    /* HELLO, UP */
		uint64_t token;               /* DISK; CLIENT: which operation timed out, 0: think of the next */
	};
};

struct pair {
	bool connected;
	bool dial_waits;
	uint32_t epoch;
	struct world_event *held[2];          /* what a cut holds back: to the higher place, to the lower */
	size_t held_count[2], held_capacity[2];
};

struct oracle;
struct clients;

struct world {
	struct world_options options;
	struct rng network, disks, work, faults, names;
	usec now;
	uint64_t sequence, events;
	uint64_t hash;
	struct world_event *heap;
	size_t heap_count, heap_capacity;
	struct place place[GROUP_PLACES_MAX];
	struct pair pair[GROUP_PLACES_MAX][GROUP_PLACES_MAX];   /* [lower][higher] */
	bool cut[GROUP_PLACES_MAX][GROUP_PLACES_MAX];           /* from, to */
	bool calm;                            /* after the heal: nothing is lost, latencies are small, disks are quick */
	uint64_t saw[SAW_EVENTS];
	struct oracle *oracle;
	struct clients *clients;
	size_t starters;                      /* incarnations that were given at a start, of members that may begin a lineage */
	struct workload *workload;            /* NULL: the cells of states.h */
	uint64_t handed_over;                 /* leaders that told somebody to take over */
	bool joint;                           /* somebody just wrote a joint configuration: a moment for faults */
	bool removing;                        /* or a leader one without itself */
	bool binding;                         /* or said that it is ready for a beginning */
	bool freezing;                        /* or, leading a history that is to give way, that it gives way */
	bool failed;
	char failure[512];
	struct log log[GROUP_PLACES_MAX];
};

struct world *world_new(const struct world_options *options);
void world_free(struct world *world);
/*
 * Until then, or until something is wrong (world->failed) or is worth a fault (world->joint, removing, binding, freezing). At
 * most `events` events.
 */
void world_run_until(struct world *world, usec until, uint64_t events);
__attribute__((format(printf, 2, 3)))
void world_fail(struct world *world, const char *format, ...);      /* the first one is kept */
__attribute__((format(printf, 2, 3)))
void world_say(struct world *world, const char *format, ...);
size_t world_place_of(const struct world *world, const struct id *peer);   /* places: nobody's */

void world_push(struct world *world, struct world_event event);     /* .sequence is given here */
void world_mix(struct world *world, uint64_t value);                /* into the hash of everything that happened */
msec world_clock(const struct world *world, size_t place);
usec world_exponential(struct rng *rng, usec mean);

/* Lives. A start uses what is on the disk; without storage, or with an empty one, it is a new incarnation. */
void world_start(struct world *world, size_t place);
void world_crash(struct world *world, size_t place, bool host_too);
void world_wipe(struct world *world, size_t place);                 /* of one that is down */
void world_leave(struct world *world, size_t place);
void world_turn(struct world *world, size_t place);                 /* after a verb was called */
/* What this place promised is remembered by nobody if it is destroyed now: would a majority of some voters be left? */
bool world_may_destroy(const struct world *world, size_t place);
/* The same for one configuration. */
bool world_survives(const struct world *world, const struct configuration *configuration, size_t place);
size_t world_leader(const struct world *world);                     /* with the highest term; places: none */

/* group_disk.c */
void disk_accept(struct world *world, size_t place, struct persist *persist);
void disk_done(struct world *world, size_t place, uint64_t token);
void disk_crash(struct world *world, size_t place);                 /* what was under way is kept or lost */
void disk_wipe(struct disk *disk);
void disk_fini(struct disk *disk);
bool disk_image(const struct disk *disk, struct image *out);        /* false: nothing there */
struct id disk_promise(const struct disk *disk);                    /* the lineage to whose beginning it binds; zero: none */
bool disk_is_bound(const struct disk *disk);
/* Term and chain of an entry that is on this disk; also of the last one of its snapshot. */
bool disk_entry(const struct disk *disk, uint64_t index, struct entry_head *out);

/* group_net.c */
void net_send(struct world *world, size_t from, const struct group_effect *effect);   /* takes its payload */
void net_tell_hello(struct world *world, size_t from);
void net_event(struct world *world, struct world_event *event);     /* MESSAGE, HELLO, UP, DOWN, DIAL, SILENT */
void net_ended(struct world *world, size_t place, bool host_too);   /* its life is over */
void net_began(struct world *world, size_t place);
void net_cut(struct world *world, size_t from, size_t to, bool cut);
void net_heal(struct world *world);
void net_drop_event(struct world_event *event);
void net_free(struct world *world);

/* group_oracle.c */
struct oracle *oracle_new(struct world *world);
void oracle_free(struct oracle *oracle);
void oracle_began(struct oracle *oracle, size_t place, const struct image *image);
void oracle_before_send(struct oracle *oracle, size_t place, const struct group_effect *effect);
void oracle_fact(struct oracle *oracle, size_t place, const struct group_fact *fact);
void oracle_look(struct oracle *oracle, size_t place);              /* after a turn */
void oracle_wrote(struct oracle *oracle, size_t place, const struct persist *persist);   /* it is durable now */
/* The number of a lineage, as in shadow.history; SIZE_MAX: none that is known. `history` below is such a number. */
size_t oracle_history(const struct oracle *oracle, const struct id *lineage);
/* The state of a cell when `position` commands were applied. */
struct linear_state oracle_cell(const struct oracle *oracle, size_t history, uint64_t position, uint64_t key);
/* Which operation stands at a position, and what its cell held before; 0: none known. */
uint64_t oracle_applied(const struct oracle *oracle, size_t history, uint64_t position, struct linear_state *before);
/* Highest position that somebody was told of before now; and tell. */
uint64_t oracle_acknowledged(const struct oracle *oracle, size_t history);
void oracle_acknowledge(struct oracle *oracle, size_t history, uint64_t position);
size_t oracle_lineages(const struct oracle *oracle);
/* Latest committed of a lineage that somebody runs in. false: not born. */
bool oracle_configuration(const struct oracle *oracle, struct configuration *out);
void oracle_left(struct oracle *oracle);                            /* somebody wants out: the group may get smaller */
void oracle_finish(struct oracle *oracle);                          /* what must be true in the end */

/* group_clients.c */
struct clients *clients_new(struct world *world);
void clients_free(struct clients *clients);
void clients_event(struct clients *clients, const struct world_event *event);
bool clients_fact(struct clients *clients, size_t place, const struct group_fact *fact);   /* false: not theirs */
void clients_settle(struct clients *clients);                       /* after a turn: results are held against the oracle */
void clients_life_ended(struct clients *clients, size_t place);
void clients_stop(struct clients *clients);                         /* no new operations */
void clients_hold(struct clients *clients, bool held);              /* none for a while */
/* One write on every running member; then whether all were carried out, one after another. */
void clients_probe(struct clients *clients);
size_t clients_unprobed(const struct clients *clients);             /* a member that could not yet; places: none */
const struct linear_history *clients_history(const struct clients *clients);   /* once, at the end */
uint64_t clients_asked(const struct clients *clients);              /* operations so far */
/* An operation is applied for the first time anywhere (by its name). false, and a failure is told: it must not be. */
bool clients_applied(struct clients *clients, uint64_t name, uint64_t position);
uint64_t clients_acknowledged(const struct clients *clients);

#endif
