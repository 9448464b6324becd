/*
 * sim_net.h - what the two parts of the simulated network share: links and connections (sim_net.c), dials (sim_dial.c).
 */
#ifndef TESTS_SIM_SIM_NET_H
#define TESTS_SIM_SIM_NET_H

#include "tests/sim/sim.h"
#include "tests/sim/sim_pack.h"

enum item_kind {
	ITEM_LINKED,      /* local: our link is open */
	ITEM_OPEN,        /* the peer opened a link */
	ITEM_MESSAGE,
	ITEM_ACK,         /* bytes; credit: and the reader is done with them */
	ITEM_CREDIT,      /* bytes */
	ITEM_FIN,
	ITEM_FIN_ACK,
	ITEM_RESET,       /* reason */
	ITEM_ENDED        /* local: we ended it; reason */
};

/* Something on its way to an end. */
struct item {
	struct list place;
	msec at;
	enum item_kind kind;
	enum error reason;
	bool credit;
	size_t bytes;
	struct blob *blob;               /* MESSAGE: this, */
	struct sim_pack *pack;           /* or this */
};

/* One of the two nodes of a connection. */
struct sim_side {
	struct list place;               /* in sim_node.connections */
	struct sim_connection *connection;
	struct sim_node *node;
	bool proven;                     /* links may be opened from here */
	bool over;
	bool doomed;                     /* `death` is set, for doom_at, with this reason */
	msec doom_at;
	enum error reason;
	msec ready_at;                   /* nothing arrives here before: the hello */
	struct sim_event death;
};

struct sim_connection {
	enum protocol protocol;
	struct list links;
	unsigned held;                   /* not freed meanwhile */
	struct id binding;               /* no other has the same */
	struct sim_side side[2];         /* 0: the dialer */
};

enum sim_end_state { END_NEW, END_OPEN, END_OVER };

/* One of the two ends of a link. */
struct sim_end {
	struct sim_link *link;
	struct sim_node *node;
	struct sim_side *side;           /* NULL while dialling */
	link_id id;                      /* plus 1; 0: none yet */
	enum sim_end_state state;
	struct list inbox;               /* items on their way here */
	msec last_at;                    /* when the last of them arrives */
	bool stalled;
	struct list waiting;             /* items that the window of the reader does not let out yet */
	size_t under_way;
	bool fin_sent, fin_acked, peer_finished;
	struct sim_event arrive;
};

struct sim_link {
	struct list place;               /* in sim_connection.links */
	struct sim_connection *connection;   /* NULL while dialling */
	enum protocol protocol;
	struct sim_end end[2];           /* 0: who opened it */
	struct dial dial;
	size_t next;                     /* address that is tried */
	msec tried_at;
	enum dial_step { DIAL_TRY, DIAL_ARRIVE, DIAL_FAIL, DIAL_PROVEN } step;
	enum error reason;               /* DIAL_FAIL */
	struct sim_side *proving;        /* DIAL_PROVEN: our side; its connection is held */
	struct sim_event dialling;
};

void sim_dial_begin(struct sim *sim, struct sim_link *link);
void sim_dial_drop(struct sim *sim, struct sim_link *link);   /* nobody waits for it any more */

struct sim_connection *sim_connection_new(struct sim *sim, enum protocol protocol, struct sim_node *dialer,
	struct sim_node *acceptor);
void sim_connection_abandon(struct sim *sim, struct sim_connection *connection);   /* by its dialer; held once less */
void sim_link_attach(struct sim *sim, struct sim_link *link, struct sim_side *side);
bool sim_link_try_attach(struct sim *sim, struct sim_link *link);   /* to a connection that is there */
void sim_link_failed(struct sim *sim, struct sim_link *link, enum error reason);

#endif
