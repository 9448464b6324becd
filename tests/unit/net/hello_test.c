/*
 * hello_test.c - the hello's bytes, and what its proof is bound to.
 */
#include "net/hello.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void what_is_encoded_is_decoded(void **state)
{
	struct hello hello = {.proof = id_hash(bytes_of_text("p")), .entry = bytes_of_text("a card")}, back;
	struct blob *blob = hello_encode(&hello);

	(void)state;
	assert_int_equal(hello_decode(blob_bytes(blob), &back), OK);
	assert_true(id_equal(&hello.proof, &back.proof));
	assert_true(bytes_equal(hello.entry, back.entry));
	blob_drop(blob);
	hello.entry = bytes_of(NULL, 0);
	blob = hello_encode(&hello);
	assert_int_equal(hello_decode(blob_bytes(blob), &back), OK);
	assert_int_equal(back.entry.size, 0);
	blob_drop(blob);
}

static void anything_else_is_malformed(void **state)
{
	struct hello hello = {.entry = bytes_of_text("x")}, back;
	struct blob *blob = hello_encode(&hello);
	struct bytes whole = blob_bytes(blob);
	uint8_t wrong[64];

	(void)state;
	for (size_t size = 0; size < whole.size; size++)
		assert_int_equal(hello_decode(bytes_of(whole.data, size), &back), ERROR_MALFORMED);
	memcpy(wrong, whole.data, whole.size);
	wrong[1] = 2;   /* another version */
	assert_int_equal(hello_decode(bytes_of(wrong, whole.size), &back), ERROR_MALFORMED);
	wrong[1] = 1;
	wrong[whole.size] = 0;   /* something behind it */
	assert_int_equal(hello_decode(bytes_of(wrong, whole.size + 1), &back), ERROR_MALFORMED);
	wrong[0] = 0x84;
	assert_int_equal(hello_decode(bytes_of(wrong, whole.size + 1), &back), ERROR_MALFORMED);
	blob_drop(blob);
}

static void a_proof_is_bound_to_all_it_should_be(void **state)
{
	struct id net = id_hash(bytes_of_text("net")), other = id_hash(bytes_of_text("other"));
	struct id peer = id_hash(bytes_of_text("peer"));
	struct id key = hello_proof_key(&net), other_key = hello_proof_key(&other);
	uint8_t session[HELLO_EXPORTER_SIZE] = {1}, replay[HELLO_EXPORTER_SIZE] = {2};
	struct id proof = hello_proof(&key, session, HELLO_DIALER, &peer);
	struct id wrong[] = {
		hello_proof(&other_key, session, HELLO_DIALER, &peer),
		hello_proof(&key, replay, HELLO_DIALER, &peer),
		hello_proof(&key, session, HELLO_ACCEPTOR, &peer),
		hello_proof(&key, session, HELLO_DIALER, &other),
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_false(id_equal(&proof, &wrong[i]));
	struct id again = hello_proof(&key, session, HELLO_DIALER, &peer);
	assert_true(id_equal(&proof, &again));
	/* The network id itself is no key: who sees proofs learns nothing that opens another session. */
	assert_false(id_equal(&key, &net));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_encoded_is_decoded),
		cmocka_unit_test(anything_else_is_malformed),
		cmocka_unit_test(a_proof_is_bound_to_all_it_should_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
