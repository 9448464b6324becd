/*
 * sockaddr.c - one form of address inside, three outside.
 *
 * Inside, an IPv4 address is always ::ffff:a.b.c.d. A dual-stack socket speaks that form itself; only on a host
 * without IPv6, where the socket is AF_INET, addresses are turned at the edge.
 */
#include "net/sockaddr.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <string.h>

void sockaddr_map_ipv4(const struct in_addr *ipv4, uint8_t out[16])
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, ipv4, 4);
}

struct sockaddr_in6 sockaddr_plain(const struct address *address)
{
	struct sockaddr_in6 plain = {.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
	memcpy(&plain.sin6_addr, address->ip, sizeof address->ip);
	return plain;
}

struct address sockaddr_plain_address(const struct sockaddr *plain)
{
	struct sockaddr_in6 in6;
	struct address address;

	ASSERT(plain->sa_family == AF_INET6);
	memcpy(&in6, plain, sizeof in6);
	memcpy(address.ip, &in6.sin6_addr, sizeof address.ip);
	address.port = ntohs(in6.sin6_port);
	return address;
}

socklen_t sockaddr_from_address(const struct address *address, sa_family_t family, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof *out);
	if (family == AF_INET6) {
		struct sockaddr_in6 in6 = sockaddr_plain(address);
		memcpy(out, &in6, sizeof in6);
		return sizeof in6;
	}
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(address->port)};
	/* The IPv6 wildcard on a host without IPv6 means all of IPv4: its last four bytes are 0.0.0.0. */
	memcpy(&in.sin_addr, address->ip + 12, 4);
	memcpy(out, &in, sizeof in);
	return sizeof in;
}

void sockaddr_to_address(const struct sockaddr_storage *from, struct address *out)
{
	memset(out, 0, sizeof *out);
	if (from->ss_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, from, sizeof in6);
		memcpy(out->ip, &in6.sin6_addr, sizeof out->ip);
		out->port = ntohs(in6.sin6_port);
	} else if (from->ss_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, from, sizeof in);
		sockaddr_map_ipv4(&in.sin_addr, out->ip);
		out->port = ntohs(in.sin_port);
	}
}
