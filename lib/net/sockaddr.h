/*
 * sockaddr.h - between struct address and what the system calls take.
 */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.h"

/* For a socket of this family: AF_INET6 takes every address, AF_INET only mapped ones. Returns the size used. */
socklen_t sockaddr_from_address(const struct address *address, sa_family_t family, struct sockaddr_storage *out);

/* Families other than AF_INET and AF_INET6 give the wildcard with port 0. */
void sockaddr_to_address(const struct sockaddr_storage *from, struct address *out);

/* ngtcp2 compares paths by bytes: always this one form, without flow label and scope. */
struct sockaddr_in6 sockaddr_plain(const struct address *address);
struct address sockaddr_plain_address(const struct sockaddr *plain);

/* a.b.c.d as ::ffff:a.b.c.d */
void sockaddr_map_ipv4(const struct in_addr *ipv4, uint8_t out[16]);

#endif
