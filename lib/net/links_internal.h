/*
 * links_internal.h - connections, links and attempts, shared by the links*.c files.
 *
 *      links.c             the public calls; life of the whole
 *      links_events.c      news from inside ngtcp2, told outside of it, in order
 *      links_dial.c        attempts: addresses in turn until one connection is proven
 *      links_connection.c  hello and proof, preference, idleness, the end
 *      links_link.c        framing, credit, close
 *
 * Lifetimes: a link is freed when its UNLINKED event was told, a connection when its GONE event was; both events are
 * the last about their subject, so events may point at them. `ended` is set when that last event is queued.
 */
#ifndef NET_LINKS_INTERNAL_H
#define NET_LINKS_INTERNAL_H

#include "base/list.h"
#include "base/table.h"
#include "net/hello.h"
#include "net/links.h"
#include "net/quic.h"
#include "wire/frame.h"
#include "wire/limits.h"

/* What tests set smaller; links_open uses links_tuning_default. */
struct links_tuning {
	msec handshake_max;          /* TLS and hello */
	msec next_address_after;
	msec idle_max;               /* a connection without links lives so long; its acceptor waits half as long again */
	msec idle_unwanted_max;      /* the same, when new links prefer another */
	size_t retry_above;
	size_t half_open_max;
	size_t connections_max;
	bool plain_udp;              /* without GSO and GRO */
};
extern const struct links_tuning links_tuning_default;
MUST_CHECK enum error links_open_tuned(const struct links_options *options, const struct links_tuning *tuning,
	struct links **out);

enum event_kind {
	EVENT_READY,             /* connection: TLS is through */
	EVENT_HELLO,             /* connection, message */
	EVENT_FAULT,             /* connection, reason: the peer broke the rules */
	EVENT_ROOM,              /* connection: more streams may be opened */
	EVENT_GONE,              /* connection: its last */
	EVENT_LINKED,            /* link */
	EVENT_RECEIVED,          /* link, message */
	EVENT_PEER_FINISHED,     /* link: the peer sends no more */
	EVENT_STOPPED,           /* link, reason: the peer gave it up */
	EVENT_FINISHED,          /* link: both directions are through */
	EVENT_UNLINKED           /* link, reason: its last */
};

struct event {
	enum event_kind kind;
	enum error reason;
	union {
		struct connection *connection;
		struct net_link *link;
	};
	struct blob *message;
};

struct links {
	struct links_options options;
	struct links_tuning tuning;
	struct links_counters counters;
	struct quic *quic;
	struct id proof_key;
	struct buffer hello;         /* the entry that we present */
	struct number_table table;   /* link_id -> struct net_link, those that have not ended */
	link_id next_odd;
	struct list connections;     /* those that have not ended */
	struct list attempts;
	struct list acked;           /* links with something to tell by sent() */
	struct event *event;         /* event[first_event .. event_count) wait */
	size_t first_event, event_count, event_capacity;
	bool delivering, flushing, shut;
};

/* A stream and what is made of it. Also the stream of the hellos, which is no link to the world. */
struct net_link {
	struct links *links;
	struct connection *connection;   /* NULL: waits for one */
	struct attempt *attempt;         /* that it waits for */
	struct quic_stream *stream;      /* NULL: not open yet, or gone */
	link_id id;
	enum protocol protocol;
	bool is_hello;
	bool closed;                     /* by links_close, reason OK: nothing more is sent */
	bool muted;                      /* by links_close, another reason: nothing more is heard */
	bool peer_finished;              /* the peer's FIN came, behind a whole message */
	bool heard;                      /* the peer sent something */
	bool ended;
	struct list node;                /* in connection->open, connection->queued or attempt->waiting */
	struct list acked_node;
	size_t acked;                    /* body bytes, not yet told */
	struct blob **early;             /* sent before there was a stream */
	size_t early_count, early_capacity;

	/* credit: see links_link.c */
	struct frame_reader reader;
	size_t frame_bytes;              /* of the frame under way, prefix included */
	size_t frame_prepaid;            /* of these, credited already */
	uint64_t held;                   /* body bytes that the reader has and did not consume */
	uint64_t owed;                   /* credit for them, prefixes included, prepaid ones not */
};

struct connection {
	struct links *links;
	struct quic_connection *quic;    /* NULL: gone */
	struct attempt *attempt;         /* ours, while not proven */
	enum protocol protocol;
	struct id peer;                  /* zero until TLS is through, unless dialled by id */
	struct id binding;               /* of its links, once it is proven */
	bool dialled, ready, proven, ended;
	bool faulted;                    /* nothing that it still says counts */
	struct list node;
	struct list attempt_node;
	struct list open;                /* links with a stream */
	struct list queued;              /* links that wait for the peer to allow another stream */
	struct net_link hello;
	struct alarm idle;
};

struct attempt {
	struct links *links;
	enum protocol protocol;
	struct dial dial;
	size_t next;                     /* index of the address to try next */
	struct list node;
	struct list connections;         /* under way */
	struct list waiting;             /* links */
	struct alarm alarm;              /* for the next address */
	enum error reason;               /* the most telling failure so far */
};

/* links_events.c */
extern const struct quic_ops links_quic_ops;
void links_push(struct links *links, const struct event *event);
bool links_has_news(const struct links *links);
bool links_deliver(struct links *links);   /* calls the user's operations; false: there was nothing to tell */

/* links_connection.c */
struct connection *links_connection_new(struct links *links, enum protocol protocol);
void links_connection_ready(struct connection *connection);
void links_connection_hello(struct connection *connection, struct blob *message);
/* Ends it and its links. Tells the peer, if it is still there, by the reason's close code. */
void links_connection_end(struct connection *connection, enum error reason);
void links_connection_check_idle(struct connection *connection);
/* The connection that a new link takes; NULL: none is proven. */
struct connection *links_connection_preferred(const struct links *links, enum protocol protocol, const struct id *peer);

/* links_dial.c */
void links_dial_join(struct net_link *link, const struct dial *dial);   /* the link waits for an attempt */
void links_dial_leave(struct net_link *link);
void links_dial_proven(struct connection *connection);                  /* whoever waited for such a one takes it */
void links_dial_failed(struct connection *connection, enum error reason);
void links_dial_abandon(struct attempt *attempt, enum error reason);    /* its links end */

/* links_link.c */
struct net_link *links_link_new(struct links *links, enum protocol protocol, link_id id);
void links_link_init_hello(struct connection *connection);
void links_link_attach(struct net_link *link, struct connection *connection);
void links_link_attach_queued(struct connection *connection);
void links_link_accept(struct connection *connection, struct quic_stream *stream);
void links_link_take(struct net_link *link, struct bytes data, bool last);      /* inside ngtcp2 */
void links_link_consumed(struct net_link *link, size_t bytes);
void links_link_finish(struct net_link *link);           /* in good order, after what was sent; at once if nothing was */
void links_link_peer_finished(struct net_link *link);
bool links_link_is_through(const struct net_link *link);   /* all was said and heard, but for the last acknowledgement */
void links_link_end(struct net_link *link, enum error reason);
void links_link_free(struct net_link *link);
void links_link_reset(struct net_link *link, enum error reason);                /* tells the peer, then ends it */

/* links.c */
#define LINKS_LOG(links, level, ...) \
	log_event((links)->options.log, level, links_now(links), "net", __VA_ARGS__)
msec links_now(const struct links *links);

#endif
