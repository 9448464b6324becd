/*
 * announce_wire.h - the messages of /mosaik/announce, each a CBOR array that begins with its kind.
 *
 *     gossip         [1, round, signed bytes, ...]            entries and goodbyes, whole (eager push): one, or a bundle
 *     join           [2]                                      the first word of a newcomer on the link it opened
 *     forward-join   [3, hops left, peer]                     a random walk that finds the newcomer a neighbour
 *     neighbor       [4, urgent?]                             the first word of everybody else on a link it opened
 *     shuffle        [5, [peer on the way...], [peer...]]     a random walk; the way back is in it
 *     shuffle-reply  [6, [peer on the way...], [peer...]]     goes that way back
 *     ihave          [7, [[peer, start, update, goodbye?, round]...]]   (lazy push)
 *     graft          [8, wanted?, peer, start, update, goodbye?]
 *     prune          [9]
 *     ping           [10]                                     its acknowledgement by the transport is the answer
 *     probe          [11, peer]                               is it there for you?
 *     probed         [12, peer, alive?]
 *     suspect        [13, peer, start, update]                this life of the peer is thought to be over
 *     want           [14, peer, start, update, goodbye?]      send it; the tree stays as it is
 *
 * An id of a message is (peer, version, kind): what an entry says never differs between two with the same id.
 */
#ifndef DISCOVERY_ANNOUNCE_WIRE_H
#define DISCOVERY_ANNOUNCE_WIRE_H

#include "base/blob.h"
#include "base/error.h"
#include "discovery/card.h"

#define ANNOUNCE_WAY_MAX 6       /* hops of a random walk: ARWL */
#define ANNOUNCE_SAMPLE_MAX 8    /* peers in a shuffle: ourselves, 3 active, 4 passive */
#define ANNOUNCE_HAVE_MAX 64     /* ids in one ihave */
#define ANNOUNCE_GOSSIP_MAX 256  /* entries in one gossip */
#define ANNOUNCE_ROUND_MAX 255   /* hops a gossip has made; more are counted as this many */

struct message_id {
	struct id peer;
	struct version version;
	bool is_goodbye;
};

bool message_id_equal(const struct message_id *a, const struct message_id *b);

enum announce_kind {
	ANNOUNCE_GOSSIP = 1, ANNOUNCE_JOIN, ANNOUNCE_FORWARD_JOIN, ANNOUNCE_NEIGHBOR, ANNOUNCE_SHUFFLE,
	ANNOUNCE_SHUFFLE_REPLY, ANNOUNCE_IHAVE, ANNOUNCE_GRAFT, ANNOUNCE_PRUNE, ANNOUNCE_PING, ANNOUNCE_PROBE,
	ANNOUNCE_PROBED, ANNOUNCE_SUSPECT, ANNOUNCE_WANT
};

struct announce_have {
	struct message_id id;
	unsigned round;
	bool is_refresh;         /* says what the last one said; not on the wire */
};

/* An entry or a goodbye, and the hops it has made. */
struct announce_whole {
	unsigned round;
	struct bytes signed_bytes;       /* borrowed */
};

/* What a kind does not carry is zero. */
struct announce_message {
	enum announce_kind kind;
	bool flag;                       /* urgent?, wanted?, alive? */
	unsigned round;                  /* FORWARD_JOIN: hops left */
	struct announce_whole whole[ANNOUNCE_GOSSIP_MAX];   /* GOSSIP: at least one */
	size_t whole_count;
	struct message_id id;            /* GRAFT, WANT; FORWARD_JOIN, PROBE, PROBED: its peer; SUSPECT: peer and version */
	struct id way[ANNOUNCE_WAY_MAX];
	size_t way_count;
	struct id sample[ANNOUNCE_SAMPLE_MAX];
	size_t sample_count;
	struct announce_have have[ANNOUNCE_HAVE_MAX];
	size_t have_count;
};

struct blob *announce_wire_put(const struct announce_message *message);
MUST_CHECK enum error announce_wire_get(struct bytes data, struct announce_message *out);   /* ERROR_MALFORMED */

#endif
