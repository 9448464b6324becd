/*
 * address.h - a UDP address: an IPv6 address, or an IPv4 one as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), and a port.
 */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/id.h"

#define ADDRESS_TEXT_SIZE 56   /* "[" 45 characters "]:" 5 digits NUL, rounded up */

struct address {
	uint8_t ip[16];
	uint16_t port;   /* host byte order */
};

/* "1.2.3.4:567" or "[::1]:567"; numeric only. ERROR_BAD_TEXT. */
enum error address_parse(const char *text, struct address *out);
void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE]);

void address_set_ipv4(struct address *address, const void *ip);   /* four bytes, network order; the port stays */
bool address_equal(const struct address *a, const struct address *b);
int address_compare(const struct address *a, const struct address *b);
bool address_is_ipv4(const struct address *address);       /* v4-mapped */
bool address_is_loopback(const struct address *address);   /* 127.0.0.0/8 or ::1 */
bool address_is_wildcard(const struct address *address);   /* 0.0.0.0 or :: */

/* What to dial: a peer, or whoever answers, at some addresses in order of preference. */
#define DIAL_ADDRESSES_MAX 16
struct dial {
	struct id peer;               /* zero: whoever answers (a bare HOST:PORT) */
	size_t count;                 /* 0: the driver looks the peer's addresses up */
	struct address address[DIAL_ADDRESSES_MAX];
};

#endif
