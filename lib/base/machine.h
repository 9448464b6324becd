/*
 * machine.h - the one shape of every protocol.
 *
 *      link opened, message, sent, closed, now          (in, one call each)
 *                        |
 *                        v
 *                    machine  --- facts, pulled by its owner --->  the floor above
 *                        |
 *                        v
 *      connect, send, consumed, close                   (out, through the outbox; carried out after the call)
 *
 * A machine never reads a clock, opens a socket, or calls back. All calls come from one thread. A machine is told
 * of time by `now` and says by deadline() when tick() is due next.
 *
 * A LINK is one ordered, reliable, flow-controlled sequence of messages in both directions with one authenticated
 * peer: a bidirectional QUIC stream. Connections are shared between the links of one protocol and peer, below.
 */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include "base/address.h"
#include "base/blob.h"
#include "base/time.h"

typedef uint64_t link_id;   /* never reused in the life of a node; opened here: even, opened by the peer: odd */

struct link {
	link_id id;
	struct id peer;
	/* Of the encrypted session that carries it: the same at both ends, of no other session, known to nobody else. */
	struct id binding;
};

enum effect_kind {
	EFFECT_CONNECT,    /* open a link: answered by linked() or unlinked() */
	EFFECT_SEND,       /* payload is one message */
	EFFECT_CONSUMED,   /* the reader is done with this many bytes: the peer may send as many more */
	/* reason OK: after everything sent was delivered; else at once. Answered by unlinked() unless it came first */
	EFFECT_CLOSE,
};

struct effect {
	enum effect_kind kind;
	uint8_t protocol;              /* enum protocol of wire/protocol.h */
	enum error reason;             /* CLOSE */
	link_id link;
	union {
		struct dial *dial;         /* CONNECT: taken, memory_free */
		struct blob *payload;      /* SEND: taken, blob_drop */
		size_t bytes;              /* CONSUMED */
	};
};

/* FIFO of effects. Zero-initialised is empty and valid. */
struct outbox {
	struct effect *effect;         /* effect[first .. count) are waiting */
	size_t first;
	size_t count;
	size_t capacity;
	link_id next_link;
	uint8_t protocol;              /* stamped on effects; the owner sets it before it calls a machine */
};

void outbox_fini(struct outbox *out);                        /* drops what is waiting */
link_id outbox_connect(struct outbox *out, const struct dial *dial);   /* copied */
void outbox_send(struct outbox *out, link_id link, struct blob *payload);   /* taken */
void outbox_consumed(struct outbox *out, link_id link, size_t bytes);
void outbox_close(struct outbox *out, link_id link, enum error reason);
bool outbox_next(struct outbox *out, struct effect *effect);   /* false: empty. The caller now owns dial or payload */
void effect_drop(struct effect *effect);

struct machine_ops {
	uint8_t protocol;
	/* The driver gives flow-control credit for a message when receive() returns; false: only by EFFECT_CONSUMED. */
	bool credit_at_once;
	void (*linked)(void *self, msec now, const struct link *link, struct outbox *out);
	/* The last word about a link, also about one whose connect failed. */
	void (*unlinked)(void *self, msec now, link_id link, enum error reason, struct outbox *out);
	/*
	 * One message; borrowed, blob_keep to hold on. The only door for foreign bytes: decodes, bounds, and returns an
	 * error for which the driver closes the connection with its close code.
	 */
	enum error (*receive)(void *self, msec now, link_id link, struct blob *message, struct outbox *out);
	/* NULL is fine. `bytes` more of what was sent on the link were acknowledged by the peer: their payloads are released. */
	void (*sent)(void *self, link_id link, size_t bytes, struct outbox *out);
	void (*tick)(void *self, msec now, struct outbox *out);      /* early is harmless */
	msec (*deadline)(const void *self);                          /* when tick is due; MSEC_NEVER */
	void (*check)(const void *self);                             /* asserts every invariant */
};

#endif
