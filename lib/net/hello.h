/*
 * hello.h - the first message on a connection, in both directions: [1, proof, entry].
 *
 *     proof = BLAKE3-keyed(key = derive(network id, "proof"), exporter || role || peer id of the prover)
 *
 * It shows that the sender knows the network id without revealing it. The exporter binds it to this TLS session, so
 * a recorded or relayed one is worth nothing; role and peer id make a reflected one fail.
 */
#ifndef NET_HELLO_H
#define NET_HELLO_H

#include "base/blob.h"
#include "base/id.h"

#define HELLO_VERSION 1
#define HELLO_EXPORTER "EXPORTER-mosaik-proof"
#define HELLO_EXPORTER_SIZE 32

enum hello_role { HELLO_DIALER, HELLO_ACCEPTOR };   /* as the byte in the proof */

struct hello {
	struct id proof;
	struct bytes entry;   /* empty: a guest. Borrowed from the message */
};

struct id hello_proof_key(const struct id *network);
struct id hello_proof(const struct id *key, const uint8_t exporter[HELLO_EXPORTER_SIZE], enum hello_role role,
	const struct id *prover);

struct blob *hello_encode(const struct hello *hello);
/* ERROR_MALFORMED. */
MUST_CHECK enum error hello_decode(struct bytes message, struct hello *out);

#endif
