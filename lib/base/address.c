/*
 * address.c - addresses as text, and what kind they are.
 *
 * One shape for both families: an IPv4 address is stored as ::ffff:a.b.c.d and written as a.b.c.d, so that tables,
 * signatures and comparisons know one kind of address only. inet_pton and inet_ntop touch nothing but their arguments.
 */
#include "base/address.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t ipv4_prefix[12] = {[10] = 0xFF, [11] = 0xFF};

/* Digits only, 0 to 65535: strtoul would take blanks, signs and hex. */
static bool parse_port(const char *text, uint16_t *out)
{
	uint32_t value = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 5 || strspn(text, "0123456789") != length)
		return false;
	for (size_t i = 0; i < length; i++)
		value = value * 10 + (uint32_t)(text[i] - '0');
	if (value > UINT16_MAX)
		return false;
	*out = (uint16_t)value;
	return true;
}

static bool parse_host(const char *text, size_t length, bool is_ipv6, uint8_t ip[16])
{
	char host[INET6_ADDRSTRLEN];   /* nothing longer is an address, so a long text is not even copied */

	if (length >= sizeof(host))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (is_ipv6)
		return inet_pton(AF_INET6, host, ip) == 1;
	memcpy(ip, ipv4_prefix, sizeof(ipv4_prefix));
	return inet_pton(AF_INET, host, ip + sizeof(ipv4_prefix)) == 1;
}

enum error address_parse(const char *text, struct address *out)
{
	bool is_ipv6 = text[0] == '[';
	const char *host = is_ipv6 ? text + 1 : text;
	const char *end = strchr(host, is_ipv6 ? ']' : ':');
	struct address address;

	if (end == NULL || (is_ipv6 && end[1] != ':'))
		return ERROR_BAD_TEXT;
	if (!parse_host(host, (size_t)(end - host), is_ipv6, address.ip))
		return ERROR_BAD_TEXT;
	if (!parse_port(end + (is_ipv6 ? 2 : 1), &address.port))
		return ERROR_BAD_TEXT;
	*out = address;
	return OK;
}

void address_format(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	bool is_ipv4 = address_is_ipv4(address);
	char host[INET6_ADDRSTRLEN];
	const char *text;
	int n;

	text = is_ipv4 ? inet_ntop(AF_INET, address->ip + sizeof(ipv4_prefix), host, sizeof(host))
		       : inet_ntop(AF_INET6, address->ip, host, sizeof(host));
	ASSERT(text != NULL);
	n = snprintf(out, ADDRESS_TEXT_SIZE, is_ipv4 ? "%s:%u" : "[%s]:%u", host, (unsigned)address->port);
	ASSERT(n > 0 && n < ADDRESS_TEXT_SIZE);
}

void address_set_ipv4(struct address *address, const void *ip)
{
	memset(address->ip, 0, 10);
	memset(address->ip + 10, 0xff, 2);
	memcpy(address->ip + 12, ip, 4);
}

bool address_equal(const struct address *a, const struct address *b)
{
	return address_compare(a, b) == 0;
}

int address_compare(const struct address *a, const struct address *b)
{
	int order = memcmp(a->ip, b->ip, sizeof(a->ip));

	return order != 0 ? order : (a->port > b->port) - (a->port < b->port);
}

bool address_is_ipv4(const struct address *address)
{
	return memcmp(address->ip, ipv4_prefix, sizeof(ipv4_prefix)) == 0;
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t loopback[16] = {[15] = 1};

	if (address_is_ipv4(address))
		return address->ip[12] == 127;
	return memcmp(address->ip, loopback, sizeof(loopback)) == 0;
}

bool address_is_wildcard(const struct address *address)
{
	static const uint8_t zero[16];

	if (address_is_ipv4(address))
		return memcmp(address->ip + sizeof(ipv4_prefix), zero, 4) == 0;
	return memcmp(address->ip, zero, sizeof(zero)) == 0;
}
