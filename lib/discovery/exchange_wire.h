/*
 * exchange_wire.h - the messages of catalog-sync (exchange.h has the format), encoded and taken apart.
 */
#ifndef DISCOVERY_EXCHANGE_WIRE_H
#define DISCOVERY_EXCHANGE_WIRE_H

#include "base/blob.h"
#include "discovery/catalog.h"

enum exchange_kind {
	EXCHANGE_DIGEST = 1,
	EXCHANGE_EQUAL,
	EXCHANGE_LIST,
	EXCHANGE_WANT,
	EXCHANGE_GIVE,
	EXCHANGE_ASK_ALL,
	EXCHANGE_ALL,
	EXCHANGE_SUMS,
	EXCHANGE_DIFFER
};

/* A part of all ids: those whose first `bits` bits are the number of an open bucket. bits 0: all of them. */
#define EXCHANGE_BITS_MIN 3
#define EXCHANGE_BITS_MAX 10
struct exchange_scope {
	unsigned bits;
	uint8_t open[(1u << EXCHANGE_BITS_MAX) / 8];   /* a bit each, the lowest first */
};
bool exchange_scope_has(const struct exchange_scope *scope, const struct id *id);

/* One element of a list; which fields are set depends on the message. */
struct exchange_item {
	struct id id;                  /* LIST, WANT */
	struct version version;        /* LIST */
	bool is_goodbye;               /* LIST */
	struct bytes signed_bytes;     /* GIVE, ALL; borrowed from the message */
	uint64_t age;                  /* GIVE, ALL: msec */
	uint64_t rtt_us;               /* ALL */
};

struct exchange_message {
	enum exchange_kind kind;
	uint64_t cut;                  /* DIGEST; see catalog_digest */
	struct catalog_digest digest;  /* DIGEST */
	uint64_t count;                /* DIGEST: entries */
	struct bytes sums;             /* SUMS: 8 bytes each, big-endian, 1 << scope.bits of them; borrowed */
	struct exchange_scope scope;   /* SUMS: bits alone; DIFFER */
	struct exchange_item *item;    /* LIST and WANT: ids ascend */
	size_t item_count;
	bool more;                     /* LIST, GIVE, ALL; then there is at least one item */
};

/* ERROR_MALFORMED, ERROR_FRAME_TOO_LARGE. On OK the caller calls exchange_wire_fini. */
MUST_CHECK enum error exchange_wire_decode(struct bytes data, struct exchange_message *out);
void exchange_wire_fini(struct exchange_message *message);

struct blob *exchange_wire_digest(uint64_t cut, const struct catalog_digest *digest, uint64_t count);
struct blob *exchange_wire_sums(unsigned bits, const uint64_t *sum);
struct blob *exchange_wire_differ(const struct exchange_scope *scope);
struct blob *exchange_wire_plain(enum exchange_kind kind);   /* EQUAL, ASK_ALL */

/* A list under construction. Zero-initialised but for its kind it is empty; exchange_wire_close ends it. */
struct exchange_frame {
	enum exchange_kind kind;
	struct buffer items;
	size_t count;
};

/* false: an item of this encoded size (at most) belongs into the next frame. An empty frame has room for any item. */
bool exchange_wire_has_room(const struct exchange_frame *frame, size_t size);
#define EXCHANGE_HEAD_SIZE_MAX 56    /* what exchange_wire_put_head adds at most */
#define EXCHANGE_ENTRY_EXTRA_MAX 24  /* what exchange_wire_put_entry adds to the signed bytes at most */
void exchange_wire_put_head(struct exchange_frame *frame, const struct entry_label *head);    /* LIST */
void exchange_wire_put_id(struct exchange_frame *frame, const struct id *id);                /* WANT */
void exchange_wire_put_entry(struct exchange_frame *frame, struct bytes signed_bytes, uint64_t age, uint64_t rtt_us);
struct blob *exchange_wire_close(struct exchange_frame *frame, bool more);   /* more is not sent with WANT */

#endif
