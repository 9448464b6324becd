/*
 * entry_wire.h - the encoding of entries and goodbyes (entry.h has the format), without their signatures' meaning.
 */
#ifndef DISCOVERY_ENTRY_WIRE_H
#define DISCOVERY_ENTRY_WIRE_H

#include "discovery/entry.h"

/* [kind, body, signature] taken apart; body is borrowed. */
struct entry_wire {
	bool is_goodbye;
	struct bytes body;
	struct signature signature;
};

MUST_CHECK enum error entry_wire_open(struct bytes signed_bytes, struct entry_wire *out);
struct blob *entry_wire_close(const struct entry_wire *wire);

/* Appends what is signed: "mosaik card" || kind byte || body. */
void entry_wire_message(const struct entry_wire *wire, struct buffer *out);

void entry_wire_put_body(const struct card *card, bool is_goodbye, struct buffer *out);
/* *out is an empty card, to be released with card_fini whatever this returns. */
MUST_CHECK enum error entry_wire_get_body(const struct entry_wire *wire, struct card *out);
MUST_CHECK enum error entry_wire_get_head(const struct entry_wire *wire, struct entry_label *out);

#endif
