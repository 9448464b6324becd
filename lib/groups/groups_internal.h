/*
 * groups_internal.h - what the parts of the groups machine share.
 *
 *      groups --- links (by link id) ---> groups_link --+--> bond (of a peer in a group), one of its lanes
 *         |                                             +--> served (a client of a group)
 *         |                                             +--> nothing: a guest, or closed
 *         +--- hosted (by group id) ---> group, bonds (by peer), clients, history
 *         +--- requests (by our ticket): what clients asked of groups
 *         +--- timers (earliest first), facts (in order)
 *
 * A groups_link lives from the first word about a link (outbox_connect, linked) to the last (unlinked). Its bond or client
 * may let go of it earlier: then it is LINK_CLOSED, and whatever still arrives is ignored.
 *
 *      groups.c       the doors, the links, what groups want and say
 *      bond.c         handshakes and lanes
 *      bond_accept.c  a bond that a peer opens, and which of two stands
 *      serve.c        clients and what they ask
 *      serve_follow.c clients that follow, and the history they resume from
 */
#ifndef GROUPS_GROUPS_INTERNAL_H
#define GROUPS_GROUPS_INTERNAL_H

#include "base/heap.h"
#include "base/list.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/table.h"
#include "groups/bond_wire.h"
#include "groups/client_wire.h"
#include "groups/groups.h"
#include "groups/history.h"
#include "groups/request_table.h"

/* ---- timers ---- */

enum groups_timer_kind { TIMER_LINK, TIMER_BOND, TIMER_GROUP };

struct groups_timer {
	struct heap_node node;
	enum groups_timer_kind kind;
};

void groups_timer_set(struct groups *groups, struct groups_timer *timer, msec due);   /* MSEC_NEVER stops it */

/* ---- links ---- */

enum groups_link_role {
	LINK_GUEST,                /* opened by a peer that has not shown a proof yet; its timer runs */
	LINK_BOND,
	LINK_SERVED,
	LINK_CLOSED                /* closed by us: only unlinked() is still to come */
};

struct groups_link {
	struct link link;                    /* peer and binding: zero while dialling */
	enum groups_link_role role;
	bool linked;
	struct groups_timer timer;           /* GUEST */
	struct bond *bond;                   /* BOND, */
	enum raft_lane lane;                 /* and which of its lanes */
	struct served *served;               /* SERVED */
	size_t outstanding;                  /* bytes sent and not acknowledged */
};

/* Our last word about a link; its owner has let go of it. */
void groups_close_link(struct groups *groups, struct groups_link *link, enum error reason, struct outbox *out);
void groups_send(struct groups_link *link, struct blob *message, struct outbox *out);   /* taken */

/* ---- the machine ---- */

struct groups_facts {
	struct groups_fact *fact;            /* fact[first .. count) are waiting */
	size_t first;
	size_t count;
	size_t capacity;
};

struct groups {
	struct groups_options options;
	struct rng rng;
	struct number_table links;           /* struct groups_link */
	struct id_table hosted;              /* struct hosted */
	struct request_table requests;       /* struct request, by our ticket */
	uint64_t next_ticket;
	struct id decoy;                     /* the key of groups that we are not in */
	struct heap timers;                  /* struct groups_timer */
	struct groups_facts facts;
	msec now;                            /* of the last call that was told: sent() is not */
};

/* One group of this node. */
struct hosted {
	struct groups *groups;
	struct group *group;
	struct id id;
	struct id proof_key;
	uint64_t hello_version;              /* that the bonds were told, */
	bool hello_due;                      /* but perhaps not those that came up since */
	struct id_table bonds;               /* struct bond, by peer */
	struct list clients;                 /* struct served */
	struct history history;
	bool status_changed;                 /* who follows the status should be told, */
	msec status_after;                   /* but not before this */
	uint64_t status_position;            /* that they were told */
	size_t status_up;                    /* members that were */
	size_t status_followers;
	bool touched;                        /* something may follow from it: groups_settle */
	struct groups_timer timer;
};

/* Zeroed but for kind and group; valid until the next one is put. */
struct groups_fact *groups_put_fact(struct hosted *hosted, unsigned kind);

/* Whatever the group wants and says after an input. */
void groups_settle(struct hosted *hosted, msec now, struct outbox *out);
void groups_touch(struct hosted *hosted);    /* it is settled at the end of this call of ours */

/* ---- bonds ---- */

enum bond_state {
	BOND_IDLE,                 /* no link; the timer says when it is dialled */
	BOND_OPENING,              /* three links, no lane open; the timer ends it */
	BOND_UP                    /* a lane is open; the timer ends it unless all are, or it answers a ping */
};

struct bond_lane {
	struct groups_link *link;            /* NULL: not there yet */
	bool open;                           /* both proofs held */
	struct blob **early;                 /* sent before that */
	size_t early_count, early_capacity;
	size_t early_bytes;
};

/* A peer of the group that we know of: bonded, or worth a bond. */
struct bond {
	struct hosted *hosted;
	struct id peer;
	bool listed;                         /* in this group by its entry */
	bool told;                           /* in this group by the group's log */
	enum bond_state state;
	bool ours;                           /* we opened it */
	bool pinged;
	uint64_t number;
	uint64_t hello_version;              /* of the first hello that it was told */
	struct bond_lane lane[LANES];
	msec since;                          /* UP */
	msec retry;
	struct groups_timer timer;
};

struct bond *bond_find_or_new(struct hosted *hosted, const struct id *peer);
/* After listed or told has changed: it is dialled soon, or forgotten when nobody wants it. */
void bond_review(struct bond *bond, msec now);
void bond_linked(struct bond *bond, struct groups_link *link, struct outbox *out);       /* one that we opened */
MUST_CHECK enum error bond_receive(struct bond *bond, msec now, struct groups_link *link, struct bytes message,
	struct outbox *out);
void bond_tick(struct bond *bond, msec now, struct outbox *out);
/* Over, for this reason; its links are closed with it. The bond may be freed. */
void bond_end(struct bond *bond, msec now, enum error reason, struct outbox *out);
void bond_send(struct bond *bond, enum raft_lane lane, struct blob *message, struct outbox *out);   /* taken; may be dropped */
void bond_tell_hello(struct bond *bond, struct outbox *out);                            /* unless it was told it already */
void bond_ping(struct bond *bond, msec now, struct outbox *out);
void bond_free(struct bond *bond);                                                       /* links are left */
void bond_detach(struct bond *bond, enum error reason, struct outbox *out);             /* its links are closed, it has none */
bool bond_is_through(const struct bond *bond);                                           /* all lanes are open */

/* bond_accept.c: a guest's handshake as a member, whose proof held. */
void bond_accept(struct hosted *hosted, msec now, struct groups_link *link, const struct handshake *handshake,
	struct outbox *out);
void bond_prove(const struct hosted *hosted, const struct groups_link *link, struct handshake *handshake, enum bond_side side);
bool bond_proof_holds(const struct id *key, const struct groups_link *link, const struct handshake *handshake,
	enum bond_side side);

/* ---- clients ---- */

#define SERVED_MAX 1024                      /* clients of one group */
#define SERVED_REQUESTS_MAX 4096             /* of one client: asked and not answered */
#define SERVED_WAITING_MAX (8u << 20)        /* bytes of its commands that wait for room */
#define SERVED_OUTSTANDING_MAX (16u << 20)   /* bytes of answers that it has not read: then it is dropped */
#define FOLLOWS_MAX 16                       /* of one client */
#define FOLLOW_AHEAD_MAX (1u << 20)          /* bytes of events on their way to it */

struct follow {
	uint64_t ticket;
	enum follow_what what;
	struct blob *filter;
	uint64_t next;                       /* number in the history of the event to look at next */
	uint64_t position;                   /* LOG: of the record that comes next; 0: not known yet */
	bool lost;                           /* something that it needed is not in the history: RESET is due */
	bool is_anew;                        /* RESET is due since the group has another history */
	bool changed;                        /* STATUS: tell it again */
};

struct served {
	struct hosted *hosted;
	struct groups_link *link;
	struct list place;
	struct list requests;
	size_t request_count;
	struct list waiting;                 /* requests PROPOSE whose commands wait for room */
	size_t waiting_bytes;
	struct follow follow[FOLLOWS_MAX];
	size_t follow_count;
	bool drowned;                        /* it does not read: to be dropped */
};

/* Asked of the group under a ticket of ours; outlives its client until the group has answered. */
struct request {
	struct served *served;               /* NULL: gone */
	struct list place;                   /* in served->requests */
	struct list waiting_place;
	struct hosted *hosted;
	struct request_node node;            /* our ticket; 0: none yet */
	uint64_t theirs;
	enum client_request_kind kind;
	bool feed;                           /* PROPOSE: answered when the group has it */
	struct blob *message;                /* waits: holds the command */
	struct bytes command;
};

void served_accept(struct hosted *hosted, struct groups_link *link, const struct handshake *handshake, struct outbox *out);
MUST_CHECK enum error served_receive(struct served *served, msec now, struct blob *message, struct outbox *out);
void served_drop(struct served *served);                    /* its link is gone, or is being closed */
/* A result or an answer with a ticket of ours. */
void served_answer(struct groups *groups, const struct group_fact *fact, struct outbox *out);
void served_left(struct hosted *hosted, struct outbox *out);       /* GROUP_LEFT: who asked for it is told */
void served_feed(struct hosted *hosted, msec now, struct outbox *out);             /* there may be room for commands that wait */
void served_sweep(struct hosted *hosted, struct outbox *out);      /* drops those that do not read */
void served_forget(struct hosted *hosted);                  /* requests of a group that is being removed */

/* serve_follow.c */
bool follow_begin(struct served *served, msec now, const struct client_request *request, struct outbox *out);   /* false: too many */
void follow_pump(struct served *served, msec now, struct outbox *out);   /* events that it may be sent now */
void follow_pump_all(struct hosted *hosted, msec now, struct outbox *out);
msec follow_deadline(const struct hosted *hosted);
void follow_note(struct hosted *hosted, const struct group_fact *fact);

void groups_check(const void *self);

#endif
