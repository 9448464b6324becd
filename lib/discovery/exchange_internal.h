/*
 * exchange_internal.h - what the parts of exchange share.
 *
 *     exchange.c         links, neighbours, time
 *     exchange_round.c   what is said on one link
 *     exchange_wire.c    how it is said
 */
#ifndef DISCOVERY_EXCHANGE_INTERNAL_H
#define DISCOVERY_EXCHANGE_INTERNAL_H

#include "discovery/exchange.h"
#include "discovery/exchange_wire.h"

enum session_state {
	SESSION_CONNECTING,
	SESSION_IDLE,        /* no round */
	SESSION_ASKED,       /* ours: an answer is due, or the next list; a guest: asked for all */
	SESSION_NARROWING,   /* sums are compared: ours, a list is due; theirs, which buckets differ */
	SESSION_SWAPPING,    /* a list is here or there, and both sides send what the other lacks */
	SESSION_SERVING,     /* theirs: a guest gets everything */
	SESSION_POSTPONED,   /* theirs: asked while our own round with this peer is under way, answered at its end */
	SESSION_CLOSING
};

/* One link. Who opened it asks, the other answers. */
struct session {
	struct link link;              /* peer: zero while connecting to whoever answers */
	enum session_state state;
	bool is_asked;                 /* by exchange_with; until its fact is out */
	bool is_neighbour;             /* ours, to be kept between rounds */
	bool is_listed;                /* ours, a guest's: everything is here, from now on it is compared */

	bool has_differed;             /* ours: a list came in this round, or the last one */
	bool list_more;                /* another list follows this one */
	bool want_awaited;             /* theirs: what the asker wants is not here yet */
	bool taking;                   /* entries are still to come */
	bool giving;                   /* entries are still to go */
	uint64_t cut;                  /* of the round */
	uint64_t their_count;          /* theirs: of entries, when they asked */
	struct exchange_scope scope;   /* lists are about these ids */
	bool has_after;
	struct id after;               /* lists and serving: everything up to this id is done with */
	struct entry **give;           /* entries to go, kept: give[give_at .. give_count) */
	size_t give_count;
	size_t give_capacity;
	size_t give_at;

	size_t outstanding;            /* bytes sent and not acknowledged */
	msec progress_at;
};

struct exchange_neighbour {
	struct session *session;       /* our link to it; NULL: none */
	msec due_at;                   /* a round, sooner than the draw would bring one; MSEC_NEVER: none */
};

struct exchange {
	struct exchange_options options;
	struct catalog *catalog;
	struct rng rng;
	msec now;
	msec round_at;                 /* the next one with a random neighbour */
	msec due_at;                   /* the first of the neighbours' */
	bool keeps;                    /* guests: the next link whose round ends is to be kept */
	struct session *kept;          /* that link; NULL: none */
	struct number_table sessions;  /* link id -> struct session */
	struct id_table neighbours;    /* peer -> struct exchange_neighbour */
	struct exchange_fact *fact;    /* fact[fact_first .. fact_count) are waiting */
	size_t fact_first;
	size_t fact_count;
	size_t fact_capacity;
	struct exchange_counters counters;
};

static inline bool session_is_ours(const struct session *session)
{
	return session->link.id % 2 == 0;
}

/* exchange.c */
void exchange_put_fact(struct exchange *exchange, const struct exchange_fact *fact);
void exchange_round_over(struct exchange *exchange, struct session *session, struct outbox *out); /* a round of ours */

/* exchange_round.c */
bool exchange_round_is_under_way(const struct session *session);
bool exchange_round_is_compared(const struct session *session);   /* it was answered: there are differences */
void exchange_round_begin(struct exchange *exchange, struct session *session, struct outbox *out);
enum error exchange_round_receive(struct exchange *exchange, struct session *session, struct bytes message,
	struct outbox *out);
/* Sends as much as the link may hold of what is to go. */
void exchange_round_pump(struct exchange *exchange, struct session *session, struct outbox *out);
/* Answers a postponed question; is_equal: our own round has just made both catalogs equal. */
void exchange_round_resume(struct exchange *exchange, struct session *session, bool is_equal, struct outbox *out);
void exchange_round_give_nothing(struct session *session);   /* lets go of what was to be given */
void exchange_round_check(const struct session *session);

#endif
