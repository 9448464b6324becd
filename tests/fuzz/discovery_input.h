/*
 * discovery_input.h - what the fuzz targets of discovery share: an input that is cut into calls and messages, and a
 * crypto that finds every signature good, so that the fuzzer gets behind it.
 */
#ifndef TESTS_FUZZ_DISCOVERY_INPUT_H
#define TESTS_FUZZ_DISCOVERY_INPUT_H

#include "base/check.h"
#include "discovery/catalog.h"

#include <string.h>

#define INPUT_WALL 1700000000000

struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t input_byte(struct input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->data++;
}

/* Two bytes of length, then as many, or what is left. */
static inline struct blob *input_message(struct input *input)
{
	size_t high = input_byte(input);
	size_t size = high << 8 | input_byte(input);
	struct blob *blob;

	if (size > input->size)
		size = input->size;
	blob = blob_copy(bytes_of(input->data, size));
	input->data += size;
	input->size -= size;
	return blob;
}

static inline void trusting_derive(struct keypair *pair)
{
	pair->public_key = id_hash(bytes_of(pair->seed, SEED_SIZE));
}

static inline void trusting_sign(const struct keypair *pair, struct bytes message, struct signature *out)
{
	(void)pair;
	(void)message;
	memset(out, 0, sizeof(*out));
}

static inline bool trusting_verify(const struct id *public_key, struct bytes message, const struct signature *signature)
{
	(void)public_key;
	(void)message;
	return signature->byte[0] != 0xFF;   /* one bad kind is enough */
}

static const struct crypto trusting_crypto = {
	.derive = trusting_derive, .sign = trusting_sign, .verify = trusting_verify};

static inline struct keypair input_pair(unsigned number)
{
	struct keypair pair = {0};

	bytes_put_be32(pair.seed, number);
	trusting_crypto.derive(&pair);
	return pair;
}

static inline struct id input_network(void)
{
	return id_hash(bytes_of_text("network"));
}

static inline struct entry *input_entry(unsigned number, uint64_t update)
{
	struct keypair pair = input_pair(number);
	struct card card = {.network = input_network(), .peer = pair.public_key, .version = {INPUT_WALL, update}};

	return entry_sign(&card, &pair, &trusting_crypto);
}

/* The catalog of peer 0, with a few entries and a goodbye of peers 1 to 5. */
static inline void input_catalog(struct catalog *catalog, const struct log *log)
{
	struct id network = input_network();
	struct keypair self = input_pair(0);
	struct entry *goodbye;

	catalog_init(catalog, &network, &self.public_key, &trusting_crypto, log);
	for (unsigned i = 1; i <= 5; i++) {
		struct entry *entry = input_entry(i, INPUT_WALL + i);

		ASSERT(catalog_put(catalog, 0, entry) == CATALOG_NEW);
		if (i == 5) {
			goodbye = entry_sign_goodbye(&entry->card, &(struct keypair){.public_key = entry->card.peer},
				&trusting_crypto);
			ASSERT(catalog_put(catalog, 0, goodbye) == CATALOG_LEFT);
			entry_drop(goodbye);
		}
		entry_drop(entry);
	}
}

#endif
