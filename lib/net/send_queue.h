/*
 * send_queue.h - what one stream has to send: messages by reference, each behind its 4-byte length.
 *
 *      acked            next             end        item numbers, counting up for ever
 *        |  in packets   |   waiting      |
 *        [ ][ ][ ][ ][ ] [ ][ ][ ][ ]
 *
 * ngtcp2 keeps pointers into what it was given until it is acknowledged: items never move, and blobs are dropped only
 * when the acknowledgement covers them.
 */
#ifndef NET_SEND_QUEUE_H
#define NET_SEND_QUEUE_H

#include "base/blob.h"
#include "net/compat.h"

struct send_block;

struct send_queue {                  /* zero-initialised is empty and valid; may be moved by assignment */
	struct send_block *first;    /* holds item `acked` */
	struct send_block *cursor;   /* holds item `next` */
	struct send_block *last;
	uint64_t acked, next, end;
	size_t acked_part;           /* bytes of item `acked` that are acknowledged */
	size_t next_part;            /* bytes of item `next` that are in packets */
	uint64_t waiting;            /* bytes not yet in a packet, prefixes included */
	uint64_t flying;             /* bytes in packets, not acknowledged */
};

void send_queue_fini(struct send_queue *queue);   /* drops everything; leaves it empty and valid */
void send_queue_push(struct send_queue *queue, struct blob *message);   /* taken */
void send_queue_push_raw(struct send_queue *queue, struct blob *bytes);  /* the same without a length in front */
/* Up to `most` vectors of what waits, in order; *total: their bytes. */
size_t send_queue_gather(const struct send_queue *queue, ngtcp2_vec *out, size_t most, size_t *total);
void send_queue_advance(struct send_queue *queue, size_t bytes);     /* so many of the waiting bytes went into packets */
/* So many more bytes are acknowledged. Returns the body bytes of the messages that were released by it. */
size_t send_queue_acknowledge(struct send_queue *queue, uint64_t bytes);
void send_queue_forget_waiting(struct send_queue *queue);            /* drops what never went into a packet */

#endif
