/*
 * host_test.c - what people write for an address to bind to, and what others can dial then.
 */
#include "runtime/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define PLENTY 64

static void assert_parsed(const char *text, const char *expected)
{
	struct address address;
	char written[ADDRESS_TEXT_SIZE];
	enum error error = host_parse_bind(text, &address);

	assert_int_equal(error, OK);
	address_format(&address, written);
	assert_string_equal(written, expected);
}

static void an_address_is_taken_as_it_is(void **state)
{
	(void)state;
	assert_parsed("127.0.0.1:6677", "127.0.0.1:6677");
	assert_parsed("0.0.0.0:0", "0.0.0.0:0");
	assert_parsed("[::1]:65535", "[::1]:65535");
	assert_parsed("[::]:0", "[::]:0");
}

static void a_port_alone_is_for_any_host(void **state)
{
	(void)state;
	assert_parsed("6677", "[::]:6677");
	assert_parsed(":6677", "[::]:6677");
	assert_parsed("*:6677", "[::]:6677");
	assert_parsed("0", "[::]:0");
	assert_parsed("65535", "[::]:65535");
}

static void anything_else_is_refused(void **state)
{
	static const char *const bad[] = {"", ":", "*", "*:", "*5", "**:5", "*::5", "::", "::1", "::5", "65536", ":65536",
		"*:99999999999999999999", "-1", "+1", " 1", "1 ", ":1x", "0x10", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536",
		"1.2.3:4", "256.0.0.1:4", "localhost:5", "[::1]", "[::1]:", "[::1:5", "[127.0.0.1]:5", "1:2:3"};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct address address = {.port = 77};
		enum error error = host_parse_bind(bad[i], &address);

		if (error != ERROR_BAD_TEXT)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(address.port, 77);   /* untouched */
	}
}

static struct address parsed(const char *text)
{
	struct address address = {0};
	enum error error = address_parse(text, &address);

	assert_int_equal(error, OK);
	return address;
}

static void a_specific_address_is_the_only_one(void **state)
{
	struct address bound = parsed("192.0.2.1:5"), out[PLENTY];

	(void)state;
	assert_int_equal(host_addresses(&bound, out, PLENTY), 1);
	assert_true(address_equal(&out[0], &bound));
	assert_int_equal(host_addresses(&bound, out, 1), 1);
	assert_int_equal(host_addresses(&bound, out, 0), 0);
}

static bool is_link_local(const struct address *address)
{
	return address->ip[0] == 0xfe && (address->ip[1] & 0xc0) == 0x80;
}

/* Addresses of interfaces, so that a host without any is not expected to have some. */
static size_t interface_addresses(int family)
{
	struct ifaddrs *all = NULL;
	size_t count = 0;

	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *one = all; one; one = one->ifa_next)
		count += one->ifa_addr && one->ifa_addr->sa_family == family;
	freeifaddrs(all);
	return count;
}

static void a_wildcard_is_every_address_with_loopback_last(void **state)
{
	struct address bound = parsed("[::]:6677"), out[PLENTY];
	size_t count = host_addresses(&bound, out, PLENTY);
	bool loopback = false;

	(void)state;
	assert_in_range(count, 0, PLENTY);
	if (interface_addresses(AF_INET) > 0)
		assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(out[i].port, 6677);
		assert_false(address_is_wildcard(&out[i]));
		assert_false(is_link_local(&out[i]));
		assert_true(!loopback || address_is_loopback(&out[i]));
		loopback = loopback || address_is_loopback(&out[i]);
	}
}

static void a_wildcard_of_ipv4_has_ipv4_addresses_only(void **state)
{
	struct address bound = parsed("0.0.0.0:6677"), out[PLENTY];
	size_t count = host_addresses(&bound, out, PLENTY);

	(void)state;
	for (size_t i = 0; i < count; i++)
		assert_true(address_is_ipv4(&out[i]));
}

/* However little room there is, two nodes of one host can meet. */
static void there_is_always_room_for_loopback(void **state)
{
	struct address bound = parsed("[::]:6677"), all[PLENTY], out[2];
	size_t count = host_addresses(&bound, all, PLENTY);
	bool has_loopback = count > 0 && address_is_loopback(&all[count - 1]);

	(void)state;
	for (size_t most = 0; most <= 2; most++) {
		size_t some = host_addresses(&bound, out, most);

		assert_in_range(some, 0, most);
		if (has_loopback && most > 0)
			assert_true(some > 0 && address_is_loopback(&out[some - 1]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_taken_as_it_is),
		cmocka_unit_test(a_port_alone_is_for_any_host),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_specific_address_is_the_only_one),
		cmocka_unit_test(a_wildcard_is_every_address_with_loopback_last),
		cmocka_unit_test(a_wildcard_of_ipv4_has_ipv4_addresses_only),
		cmocka_unit_test(there_is_always_room_for_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
