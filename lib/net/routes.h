/*
 * routes.h - connection ids, and stateless reset tokens, to connections.
 *
 * Open addressing with a keyed hash: clients choose the first id of a connection, and must not be able to choose one
 * that collides.
 */
#ifndef NET_ROUTES_H
#define NET_ROUTES_H

#include "base/bytes.h"

#define ROUTE_KEY_MAX 20   /* RFC 9000 section 17.2 */

struct route {
	void *value;       /* NULL: free place */
	uint8_t key_size;
	uint8_t key[ROUTE_KEY_MAX];
};

struct routes {
	struct route *route;   /* capacity places, a power of two, at most half of them taken */
	size_t count;
	size_t capacity;
	uint64_t secret;
};

void routes_init(struct routes *routes, uint64_t secret);
void routes_fini(struct routes *routes);
void *routes_get(const struct routes *routes, struct bytes key);   /* NULL: unknown */
void routes_put(struct routes *routes, struct bytes key, void *value);   /* replaces */
/* Removes the route only if it leads to `value`: a peer may have announced the same token on two connections. */
void routes_remove(struct routes *routes, struct bytes key, const void *value);

#endif
