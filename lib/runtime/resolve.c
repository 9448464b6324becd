/*
 * resolve.c - see resolve.h.
 *
 * A resolver looks up the hosts of one peer one after the other. It frees itself when cancelled: its timer's close
 * callback and a lookup under way may come in either order, so the last of the two does it.
 */
#include "runtime/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "base/check.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "base/time.h"
#include "runtime/local.h"

#define RETRY_MIN 1000   /* msec; x 1.5 up to the cap */
#define RETRY_MAX 60000
#define HOST_SIZE 256

struct resolver {
	uv_timer_t timer;
	uv_getaddrinfo_t request;
	uv_loop_t *loop;
	const char *text;
	const char *host;            /* of the text: the one being looked up */
	struct dial dial;
	const struct resolve_ops *ops;
	void *self;
	msec retry;
	bool asking;
	bool cancelled;
	bool timer_closed;
};

static void ask(struct resolver *resolver);

static void free_when_quiet(struct resolver *resolver)
{
	if (resolver->cancelled && resolver->timer_closed && !resolver->asking)
		memory_free(resolver);
}

/* "host:port" up to a comma or the end. */
static bool split_host(const char *text, char host[HOST_SIZE], char port[8])
{
	size_t size = strcspn(text, ",");
	const char *colon = memrchr(text, ':', size);
	size_t host_size, port_size;

	if (!colon)
		return false;
	host_size = (size_t)(colon - text);
	port_size = size - host_size - 1;
	if (port_size == 0 || port_size > 5 || strspn(colon + 1, "0123456789") < port_size ||
			strtoul(colon + 1, NULL, 10) > UINT16_MAX)
		return false;   /* getaddrinfo would take a port modulo 65536 */
	if (host_size >= 2 && text[0] == '[' && text[host_size - 1] == ']') {
		text++;
		host_size -= 2;
	} else if (text[0] == '[' || memchr(text, ':', host_size)) {
		return false;
	}
	if (host_size == 0 || host_size >= HOST_SIZE || !bytes_are_utf8(bytes_of(text, host_size)))
		return false;
	memcpy(host, text, host_size);
	host[host_size] = '\0';
	memcpy(port, colon + 1, port_size);
	port[port_size] = '\0';
	return true;
}

static void take_addresses(struct resolver *resolver, const struct addrinfo *found)
{
	struct dial *dial = &resolver->dial;

	for (; found && dial->count < DIAL_ADDRESSES_MAX; found = found->ai_next) {
		struct address *address = &dial->address[dial->count];

		if (found->ai_family == AF_INET) {
			struct sockaddr_in in;

			memcpy(&in, found->ai_addr, sizeof in);
			address_set_ipv4(address, &in.sin_addr);
			address->port = ntohs(in.sin_port);
			dial->count++;
		} else if (found->ai_family == AF_INET6) {
			struct sockaddr_in6 in6;

			memcpy(&in6, found->ai_addr, sizeof in6);
			memcpy(address->ip, &in6.sin6_addr, 16);
			address->port = ntohs(in6.sin6_port);
			dial->count++;
		}
	}
}

static void on_retry(uv_timer_t *timer)
{
	ask(timer->data);
}

/* The next host of the text, or the answer. */
static void go_on(struct resolver *resolver, int status)
{
	resolver->host += strcspn(resolver->host, ",");
	if (*resolver->host == ',') {
		resolver->host++;
		ask(resolver);
	} else if (resolver->dial.count > 0) {
		resolver->ops->resolved(resolver->self, &resolver->dial);
	} else {
		resolver->ops->failed(resolver->self, resolver->text, uv_strerror(status));
		resolver->host = strchr(resolver->text, '@') ? strchr(resolver->text, '@') + 1 : resolver->text;
		uv_timer_start(&resolver->timer, on_retry, (uint64_t)resolver->retry, 0);
		resolver->retry = msec_min(resolver->retry * 3 / 2, RETRY_MAX);
	}
}

static void on_answer(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct resolver *resolver = request->data;

	resolver->asking = false;
	if (resolver->cancelled) {
		uv_freeaddrinfo(found);
		free_when_quiet(resolver);
		return;
	}
	if (status == 0)
		take_addresses(resolver, found);
	uv_freeaddrinfo(found);
	go_on(resolver, status);
}

static void ask(struct resolver *resolver)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	char host[HOST_SIZE], port[8];
	bool whole = split_host(resolver->host, host, port);
	int status;

	ASSERT(whole);   /* checked by resolve_peer */
	status = uv_getaddrinfo(resolver->loop, &resolver->request, on_answer, host, port, &hints);
	resolver->asking = status == 0;
	if (status != 0)
		go_on(resolver, status);   /* refused unasked: it cannot be the name of a host */
}

static enum error check_hosts(const char *text)
{
	char host[HOST_SIZE], port[8];

	for (;; text++) {
		if (!split_host(text, host, port))
			return ERROR_BAD_TEXT;
		text += strcspn(text, ",");
		if (*text == '\0')
			return OK;
	}
}

enum error resolve_peer(uv_loop_t *loop, const char *text, const struct resolve_ops *ops, void *self, struct resolver **out)
{
	const char *at = strchr(text, '@');
	struct resolver *resolver;
	struct dial dial = {0};

	*out = NULL;
	if (local_parse_token(text, &dial) == OK) {
		ops->resolved(self, &dial);
		return OK;
	}
	if (at) {
		char hex[ID_TEXT_SIZE] = "";

		if (at - text != ID_TEXT_SIZE - 1)
			return ERROR_BAD_TEXT;
		memcpy(hex, text, ID_TEXT_SIZE - 1);
		if (id_from_hex(hex, &dial.peer) != OK || !crypto_key_is_usable(&dial.peer))
			return ERROR_BAD_TEXT;
	}
	if (check_hosts(at ? at + 1 : text) != OK)
		return ERROR_BAD_TEXT;
	resolver = memory_new(sizeof *resolver);
	*resolver = (struct resolver){.loop = loop, .text = text, .host = at ? at + 1 : text, .dial = dial, .ops = ops,
		.self = self, .retry = RETRY_MIN};
	resolver->request.data = resolver;
	uv_timer_init(loop, &resolver->timer);
	resolver->timer.data = resolver;
	ask(resolver);
	*out = resolver;
	return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct resolver *resolver = handle->data;

	resolver->timer_closed = true;
	free_when_quiet(resolver);
}

void resolve_cancel(struct resolver *resolver)
{
	if (!resolver)
		return;
	resolver->cancelled = true;
	if (resolver->asking)
		(void)uv_cancel((uv_req_t *)&resolver->request);
	uv_close((uv_handle_t *)&resolver->timer, on_timer_closed);
}
