/*
 * limits.h - every maximum, with its reason. Nothing that a peer controls is stored before it was held against one.
 */
#ifndef WIRE_LIMITS_H
#define WIRE_LIMITS_H

#define KIB 1024u
#define MIB (1024u * KIB)

/* CBOR: deep nesting and many items are the two ways to make a small message expensive. */
#define CBOR_DEPTH_MAX 8
#define CBOR_ITEMS_MAX 65536

/* Frames. A hello carries one peer entry; an announcement too; a catalog is split over many frames. */
#define FRAME_HELLO_MAX (64u * KIB)
#define FRAME_ANNOUNCE_MAX (64u * KIB)
#define FRAME_CATALOG_MAX (256u * KIB)
#define FRAME_GROUPS_MAX (4u * MIB)
#define FRAME_HANDSHAKE_MAX (2u * KIB)      /* first on a link of groups: nobody has shown a proof yet */
#define RECORD_MAX (16u * MIB)              /* one record, unless --max-record says otherwise */
#define BATCH_OVERHEAD_MAX 64u              /* CBOR around the records of a batch */
#define FRAME_STREAMS_MAX (RECORD_MAX + BATCH_OVERHEAD_MAX)
#define FRAME_MAX (1024u * MIB + BATCH_OVERHEAD_MAX)   /* the largest of a stream that --max-record can ask for */

/* Peer entries: generous for people, small enough that a whole entry fits one announcement. */
#define ENTRY_ADDRESSES_MAX 16
#define ENTRY_SET_MAX 256                   /* tags, streams, groups: each */
#define ENTRY_NAME_MAX 256                  /* bytes of a name behind an id */
#define ENTRY_TICKET_MAX (8u * KIB)
#define ENTRY_SIZE_MAX (60u * KIB)          /* signed and encoded */

/* Catalog: 65,536 peers of typical size are about 40 MB. */
#define CATALOG_PEERS_MAX 65536
#define CATALOG_EVENTS_MAX 100              /* backlog of an event reader; it is told how many it lost */

/* Links. */
#define LINKS_PER_CONNECTION_MAX 64         /* streams a peer may have open in one connection, after its proof */
#define LINK_OUTSTANDING_MAX (4u * MIB)     /* what a machine may have sent and not yet been told of by sent() */
#define CONNECTIONS_MAX 4096                /* of one node; further ones are refused */
#define CONNECTIONS_HALF_OPEN_RETRY 32      /* above it, strangers prove their address by Retry (RFC 9000 8.1.2) */
#define CONNECTIONS_HALF_OPEN_MAX 256       /* above it, Initials are dropped */

/*
 * Flow control, in bytes a peer may send before the reader drains. A link's window is what a pipe can have under way: with
 * less than a few MiB, sender and reader on one host wait for each other in turn.
 */
#define WINDOW_LINK (4u * MIB)
#define WINDOW_UNPROVEN (64u * KIB)         /* whole connection, before the peer's network proof */
#define WINDOW_CONNECTION (16u * MIB)

/* Collections: an entry with its key fits an answer, as it fits a command (GROUP_COMMAND_MAX), with what stands around it. */
#define COLLECTION_ANSWER_MAX (1u * MIB)
#define COLLECTION_ENTRY_MAX (COLLECTION_ANSWER_MAX - 64u)

/* Streams. */
#define STREAM_SUBSCRIBERS_MAX 1024
#define STREAM_WAITING_MAX 1024             /* in line for a place at one producer; each is a link and little more */
#define STREAM_QUEUE_BYTES_MAX (4u * MIB)   /* kept for one slow subscriber, whatever --buffer says in records */

#endif
