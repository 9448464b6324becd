/*
 * host.h - this host's own addresses, and what a person wrote for an address.
 */
#ifndef RUNTIME_HOST_H
#define RUNTIME_HOST_H

#include "base/address.h"

/*
 * "HOST:PORT" with a numeric host, "[v6]:PORT", ":PORT" or "PORT" (any host), "*:PORT". ERROR_BAD_TEXT.
 */
MUST_CHECK enum error host_parse_bind(const char *text, struct address *out);

/*
 * What others can dial when `bound` is our socket's address: itself, or for a wildcard every address of an interface that
 * is up (link-local ones left out), loopback last, with the port. Returns how many of `most` were filled in.
 */
size_t host_addresses(const struct address *bound, struct address *out, size_t most);

#endif
