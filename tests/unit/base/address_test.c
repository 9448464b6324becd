/*
 * address_test.c - text to address and back, and the three kinds that matter.
 */
#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static struct address parsed(const char *text)
{
	struct address address;

	if (address_parse(text, &address) != OK)
		fail_msg("%s was refused", text);
	return address;
}

static void assert_formats(const char *text, const char *expected)
{
	struct address address = parsed(text);
	char out[ADDRESS_TEXT_SIZE];

	address_format(&address, out);
	assert_string_equal(out, expected);
}

static void text_round_trips(void **state)
{
	(void)state;
	assert_formats("1.2.3.4:567", "1.2.3.4:567");
	assert_formats("255.255.255.255:65535", "255.255.255.255:65535");
	assert_formats("0.0.0.0:0", "0.0.0.0:0");
	assert_formats("[::1]:567", "[::1]:567");
	assert_formats("[::]:1", "[::]:1");
	assert_formats("[2001:DB8:0:0:0:0:0:1]:4433", "[2001:db8::1]:4433");
	assert_formats("[::ffff:1.2.3.4]:5", "1.2.3.4:5");
	assert_formats("[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
		"[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void other_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "1.2.3.4", "1.2.3.4:", ":80", "1.2.3:80", "1.2.3.4.5:80", "1.2.3.256:80", "host:80",
		"1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 1", "1.2.3.4:1 ", "1.2.3.4:0x1",
		"1.2.3.4:000080", " 1.2.3.4:80", "::1:80", "[::1]", "[::1]80", "[::1]:", "[::1:80", "[]:80",
		"[1.2.3.4]:80",
		"[::1%lo]:80", "[::1]x:80", "[1111:2222:3333:4444:5555:6666:7777:8888:9999]:1",
		"[0000000000000000000000000000000000000000000000000000000000000001]:1",
	};
	struct address address = {.port = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (address_parse(bad[i], &address) != ERROR_BAD_TEXT)
			fail_msg("\"%s\" was taken", bad[i]);
	}
	assert_int_equal(address.port, 7);   /* untouched on failure */
}

static void kinds_are_told_apart(void **state)
{
	struct address v4 = parsed("10.0.0.1:1"), v4_loop = parsed("127.1.2.3:1"), v4_any = parsed("0.0.0.0:1");
	struct address v6 = parsed("[2001:db8::1]:1"), v6_loop = parsed("[::1]:1"), v6_any = parsed("[::]:1");

	(void)state;
	assert_true(address_is_ipv4(&v4) && address_is_ipv4(&v4_loop) && address_is_ipv4(&v4_any));
	assert_false(address_is_ipv4(&v6) || address_is_ipv4(&v6_loop) || address_is_ipv4(&v6_any));
	assert_true(address_is_loopback(&v4_loop) && address_is_loopback(&v6_loop));
	assert_false(address_is_loopback(&v4) || address_is_loopback(&v6) || address_is_loopback(&v4_any));
	assert_true(address_is_wildcard(&v4_any) && address_is_wildcard(&v6_any));
	assert_false(address_is_wildcard(&v4) || address_is_wildcard(&v6) || address_is_wildcard(&v6_loop));
}

static void order_is_ip_then_port(void **state)
{
	struct address a = parsed("1.2.3.4:9"), b = parsed("1.2.3.4:10"), c = parsed("1.2.3.5:1");

	(void)state;
	assert_true(address_compare(&a, &b) < 0);
	assert_true(address_compare(&c, &b) > 0);
	assert_false(address_equal(&a, &b));
	b.port = 9;
	assert_true(address_equal(&a, &b));
}

static void ipv4_is_mapped(void **state)
{
	struct address wanted, address = {.port = 567};

	(void)state;
	memset(address.ip, 0x55, sizeof address.ip);
	address_set_ipv4(&address, (const uint8_t[]){1, 2, 3, 4});
	assert_int_equal(address_parse("1.2.3.4:567", &wanted), OK);
	assert_true(address_equal(&address, &wanted));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_is_mapped),
		cmocka_unit_test(text_round_trips),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(order_is_ip_then_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
