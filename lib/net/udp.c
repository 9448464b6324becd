/*
 * udp.c - opening the socket.
 *
 * AF_INET6 with V6ONLY off carries both families, IPv4 as ::ffff:a.b.c.d; only a host without IPv6 gets an AF_INET
 * socket. Every option that may be missing on some kernel is optional here: what fails is simply not used.
 */
#include "net/udp.h"

#include "base/check.h"
#include "base/memory.h"
#include "net/sockaddr.h"
#include "net/udp_internal.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 * 1024 * 1024)   /* some milliseconds at full speed; the kernel cuts it to its own limit */

static void set_option(int fd, int level, int name, int value)
{
	/* Refused on an old kernel or for the other family: the feature behind it is optional. */
	(void)setsockopt(fd, level, name, &value, sizeof value);
}

/* Each control message costs time with every packet: of a socket with one address nobody need say which it was. */
static void set_options(int fd, sa_family_t family, bool wildcard)
{
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
	if (wildcard)   /* that of IPv6 tells of mapped addresses as well */
		set_option(fd, family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP, family == AF_INET6 ? IPV6_RECVPKTINFO : IP_PKTINFO, 1);
	/* A dual-stack socket needs the IPv4 options too: they govern its mapped traffic. */
	set_option(fd, IPPROTO_IP, IP_TOS, UDP_ECN_USUAL);
	set_option(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set_option(fd, IPPROTO_IP, IP_RECVERR, 1);
	set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);   /* DF: QUIC finds its own packet size */
	if (family != AF_INET6)
		return;
	set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, UDP_ECN_USUAL);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
	set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

static int open_family(const struct address *at, sa_family_t family)
{
	struct sockaddr_storage address;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	set_options(fd, family, address_is_wildcard(at));
	socklen_t size = sockaddr_from_address(at, family, &address);
	if (bind(fd, (struct sockaddr *)&address, size) != 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool may_be_ipv4(const struct address *address)
{
	return address_is_ipv4(address) || address_is_wildcard(address);
}

/*
 * The IPv4 wildcard is bound as the IPv6 one: "everything this host has". No IPv6 at all shows as EAFNOSUPPORT from
 * socket(), switched off by sysctl as EADDRNOTAVAIL from bind().
 */
static int open_any(const struct address *bind_to, sa_family_t *family)
{
	struct address at = *bind_to;

	if (address_is_wildcard(&at))
		memset(at.ip, 0, sizeof at.ip);
	*family = AF_INET6;
	int fd = open_family(&at, AF_INET6);
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) && may_be_ipv4(bind_to)) {
		*family = AF_INET;
		fd = open_family(bind_to, AF_INET);
	}
	return fd;
}

static bool local_address(int fd, struct address *out)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof address;

	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return false;
	sockaddr_to_address(&address, out);
	return true;
}

enum error udp_open(const struct udp_options *options, const struct udp_ops *ops, void *self, struct udp **out)
{
	sa_family_t family;
	int fd = open_any(&options->bind, &family);

	if (fd < 0)
		return ERROR_SYSTEM;
	struct udp *udp = memory_new(sizeof *udp);
	*udp = (struct udp){.fd = fd, .family = family, .gso = !options->plain, .ops = ops, .self = self};
	if (!local_address(fd, &udp->local)) {
		int saved = errno;
		close(fd);
		memory_free(udp);
		errno = saved;
		return ERROR_SYSTEM;
	}
	if (!options->plain)
		set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
	udp->arena = memory_new(UDP_ARENA_SIZE);
	udp->buffer = memory_new((size_t)UDP_BATCH * UDP_BUFFER_SIZE);
	for (size_t i = 0; i < UDP_BATCH; i++)
		udp->vector[i] = (struct iovec){udp->buffer + i * UDP_BUFFER_SIZE, UDP_BUFFER_SIZE};
	*out = udp;
	return OK;
}

void udp_close(struct udp *udp)
{
	if (!udp)
		return;
	close(udp->fd);
	memory_free(udp->arena);
	memory_free(udp->buffer);
	memory_free(udp);
}

int udp_descriptor(const struct udp *udp)
{
	return udp->fd;
}

struct address udp_address(const struct udp *udp)
{
	return udp->local;
}

/* A connected socket of the same kind learns the source address that routing picks; nothing is sent. */
enum error udp_source(const struct udp *udp, const struct address *to, struct address *out)
{
	struct sockaddr_storage address;

	if (!address_is_wildcard(&udp->local)) {
		*out = udp->local;
		return address_is_ipv4(to) == address_is_ipv4(&udp->local) ? OK : ERROR_UNREACHABLE;
	}
	if (udp->family == AF_INET && !address_is_ipv4(to))
		return ERROR_UNREACHABLE;
	int fd = socket(udp->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERROR_UNREACHABLE;
	if (udp->family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	socklen_t size = sockaddr_from_address(to, udp->family, &address);
	bool found = connect(fd, (struct sockaddr *)&address, size) == 0 && local_address(fd, out);
	close(fd);
	out->port = udp->local.port;
	return found ? OK : ERROR_UNREACHABLE;
}

size_t udp_loopback_mtu(const struct udp *udp)
{
	struct ifreq request = {.ifr_name = "lo"};

	return ioctl(udp->fd, SIOCGIFMTU, &request) == 0 && request.ifr_mtu > 0 ? (size_t)request.ifr_mtu : 0;
}
