/*
 * entry.h - the signed card of a peer: what a node says about itself, and the goodbye that takes it back.
 *
 * Both are immutable once made, counted, and carry their signed encoding, so that they are passed on byte for byte.
 * Wire: a CBOR array [kind, body, signature]; body is canonical CBOR in a byte string, kind 1 an entry, 2 a goodbye;
 * the signature is Ed25519 over "mosaik card" || kind byte || body, by the peer id inside the body. A body of an entry
 * is a map {0: wire version, 1: network, 2: peer, 3: [start, update], 4: [[ip, port]...], 5: [tag...], 6: [stream...],
 * 7: [group...], 8: {ticket id: bytes}, 9: {id: name}}; unknown keys above 9 are skipped, so that a newer node can
 * say more. A goodbye's body is {1: network, 2: peer, 3: [start, update]}.
 */
#ifndef DISCOVERY_ENTRY_H
#define DISCOVERY_ENTRY_H

#include "base/crypto.h"
#include "discovery/card.h"

#define ENTRY_WIRE_VERSION 1

/* 128 bits of BLAKE3: what is summed up when catalogs are compared. */
struct entry_mark {
	uint64_t part[2];
};
struct entry_mark entry_mark(const struct id *peer, const struct version *version);

struct entry {
	uint32_t references;
	bool is_goodbye;               /* card then has network, peer and version only */
	struct card card;
	struct blob *signed_bytes;     /* NULL for an unsigned entry: local only, never passed on */
	struct entry_mark mark;        /* of its peer and version, if it is signed */
};

/* The card is copied; card->peer is pair->public_key. Names beyond ENTRY_SIZE_MAX are left out, the last ids first. */
struct entry *entry_sign(const struct card *card, const struct keypair *pair, const struct crypto *crypto);
struct entry *entry_sign_goodbye(const struct card *card, const struct keypair *pair, const struct crypto *crypto);
struct entry *entry_unsigned(const struct card *card);

/* Decodes and verifies. ERROR_MALFORMED, ERROR_BAD_SIGNATURE, ERROR_BAD_KEY. The caller owns *out. */
MUST_CHECK enum error entry_decode(struct bytes signed_bytes, const struct crypto *crypto, struct entry **out);

/* Who speaks, and how new it is: enough to see that it is no news before a signature is verified. */
struct entry_label {
	bool is_goodbye;
	struct id network;
	struct id peer;
	struct version version;
};

/* Reads the head and nothing behind it; allocates nothing, verifies nothing. ERROR_MALFORMED. */
MUST_CHECK enum error entry_peek(struct bytes signed_bytes, struct entry_label *out);

struct entry *entry_keep(struct entry *entry);
void entry_drop(struct entry *entry);                      /* NULL is fine */

#endif
