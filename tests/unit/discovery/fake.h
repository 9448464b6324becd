/*
 * fake.h - cheap identities and short ways to make cards and entries, for the tests of discovery.
 *
 * The fake crypto signs with a keyed hash under the *public* key: anybody could forge it, but it breaks when a byte
 * changes, and it is fast enough for thousands of peers.
 */
#ifndef TESTS_DISCOVERY_FAKE_H
#define TESTS_DISCOVERY_FAKE_H

#include "base/memory.h"
#include "discovery/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static inline void fake_derive(struct keypair *pair)
{
	pair->public_key = id_hash(bytes_of(pair->seed, SEED_SIZE));
}

static inline void fake_sign(const struct keypair *pair, struct bytes message, struct signature *out)
{
	struct id half = id_keyed(&pair->public_key, message);

	memcpy(out->byte, half.byte, ID_SIZE);
	memcpy(out->byte + ID_SIZE, half.byte, ID_SIZE);
}

static inline bool fake_verify(const struct id *public_key, struct bytes message, const struct signature *signature)
{
	struct id half = id_keyed(public_key, message);

	return memcmp(signature->byte, half.byte, ID_SIZE) == 0 &&
	       memcmp(signature->byte + ID_SIZE, half.byte, ID_SIZE) == 0;
}

static const struct crypto fake_crypto = {.derive = fake_derive, .sign = fake_sign, .verify = fake_verify};

static inline struct keypair fake_pair(unsigned number)
{
	struct keypair pair = {0};

	bytes_put_be32(pair.seed, number + 1);
	fake_crypto.derive(&pair);
	return pair;
}

static inline struct id fake_id(const char *text)
{
	return id_hash(bytes_of_text(text));
}

static inline struct id fake_network(void)
{
	return fake_id("network");
}

/* The card of peer `number`; empty but for its version. */
static inline struct card fake_card(unsigned number, uint64_t start, uint64_t update)
{
	struct card card = {.network = fake_network(), .version = {.start = start, .update = update}};
	struct keypair pair = fake_pair(number);

	card.peer = pair.public_key;
	return card;
}

static inline struct entry *fake_entry(unsigned number, uint64_t start, uint64_t update)
{
	struct keypair pair = fake_pair(number);
	struct card card = fake_card(number, start, update);

	return entry_sign(&card, &pair, &fake_crypto);
}

static inline struct entry *fake_goodbye(unsigned number, uint64_t start, uint64_t update)
{
	struct keypair pair = fake_pair(number);
	struct card card = fake_card(number, start, update);

	return entry_sign_goodbye(&card, &pair, &fake_crypto);
}

#endif
