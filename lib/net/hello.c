/*
 * hello.c - the hello's bytes and its proof.
 */
#include "net/hello.h"

#include "base/check.h"
#include "wire/cbor.h"

#include <string.h>

#define HELLO_ITEMS 3

struct id hello_proof_key(const struct id *network)
{
	return id_derive(network, bytes_of_text("proof"));
}

struct id hello_proof(const struct id *key, const uint8_t exporter[HELLO_EXPORTER_SIZE], enum hello_role role,
	const struct id *prover)
{
	uint8_t data[HELLO_EXPORTER_SIZE + 1 + ID_SIZE];

	memcpy(data, exporter, HELLO_EXPORTER_SIZE);
	data[HELLO_EXPORTER_SIZE] = (uint8_t)role;
	memcpy(data + HELLO_EXPORTER_SIZE + 1, prover->byte, ID_SIZE);
	return id_keyed(key, bytes_of(data, sizeof data));
}

struct blob *hello_encode(const struct hello *hello)
{
	struct buffer out = {0};

	cbor_put_array(&out, HELLO_ITEMS);
	cbor_put_uint(&out, HELLO_VERSION);
	cbor_put_id(&out, &hello->proof);
	cbor_put_bytes(&out, hello->entry);
	ASSERT(out.size <= FRAME_HELLO_MAX);
	struct blob *blob = blob_copy(buffer_bytes(&out));
	buffer_fini(&out);
	return blob;
}

enum error hello_decode(struct bytes message, struct hello *out)
{
	struct hello hello;
	struct cbor in;

	cbor_init(&in, message);
	cbor_array_of(&in, HELLO_ITEMS);
	if (cbor_uint(&in) != HELLO_VERSION)
		cbor_fail(&in);
	hello.proof = cbor_id(&in);
	hello.entry = cbor_bytes(&in);
	enum error error = cbor_end(&in);
	if (error == OK)
		*out = hello;
	return error;
}
