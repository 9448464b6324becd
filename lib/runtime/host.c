/*
 * host.c - see host.h.
 */
#include "runtime/host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static enum error parse_port(const char *text, uint16_t *out)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return ERROR_BAD_TEXT;
	port = strtoul(text, &end, 10);
	if (*end != '\0' || port > 65535)
		return ERROR_BAD_TEXT;
	*out = (uint16_t)port;
	return OK;
}

enum error host_parse_bind(const char *text, struct address *out)
{
	struct address any = {0};
	const char *port = text;

	if (strncmp(text, "*:", 2) == 0)
		port += 2;
	else if (*text == ':')
		port++;
	else if (strchr(text, ':'))
		return address_parse(text, out);
	if (parse_port(port, &any.port) != OK)
		return ERROR_BAD_TEXT;
	*out = any;
	return OK;
}

/* IPv6 link-local addresses need a scope that means nothing to others. */
static bool address_of(const struct ifaddrs *one, struct address *out)
{
	if (!one->ifa_addr || !(one->ifa_flags & IFF_UP))
		return false;
	if (one->ifa_addr->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, one->ifa_addr, sizeof in);
		address_set_ipv4(out, &in.sin_addr);
		return true;
	}
	if (one->ifa_addr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;

		memcpy(&in6, one->ifa_addr, sizeof in6);
		memcpy(out->ip, &in6.sin6_addr, sizeof out->ip);
		return !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr);
	}
	return false;
}

static size_t collect(const struct ifaddrs *all, const struct address *bound, bool loopback, struct address *out, size_t most)
{
	bool ipv4_only = address_is_ipv4(bound);
	size_t count = 0;

	for (const struct ifaddrs *one = all; one && count < most; one = one->ifa_next) {
		struct address address = {.port = bound->port};

		if (address_of(one, &address) && address_is_loopback(&address) == loopback && (!ipv4_only || address_is_ipv4(&address)))
			out[count++] = address;
	}
	return count;
}

size_t host_addresses(const struct address *bound, struct address *out, size_t most)
{
	struct ifaddrs *all = NULL;
	size_t count;

	if (most == 0)
		return 0;
	if (!address_is_wildcard(bound)) {
		out[0] = *bound;
		return 1;
	}
	if (getifaddrs(&all) != 0)
		return 0;
	/* Two places are kept for loopback: without them, nodes of one host could not meet. */
	count = collect(all, bound, false, out, most > 2 ? most - 2 : 0);
	count += collect(all, bound, true, out + count, most - count);
	freeifaddrs(all);
	return count;
}
