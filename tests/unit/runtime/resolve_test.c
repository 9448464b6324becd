/*
 * resolve_test.c - peers as a person names them: numeric ones at once, names by lookup. The only name that is looked up
 * is "localhost", which needs no network.
 */
#include "runtime/resolve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <netdb.h>
#include <uv.h>

#include "base/crypto.h"

/* What was told. */
struct ear {
	uv_loop_t loop;
	unsigned resolved;
	unsigned failed;
	struct dial dial;
};

static void on_resolved(void *self, const struct dial *dial)
{
	struct ear *ear = self;

	ear->resolved++;
	ear->dial = *dial;
}

static void on_failed(void *self, const char *peer, const char *reason)
{
	struct ear *ear = self;

	assert_true(*peer != '\0' && *reason != '\0');
	ear->failed++;
	uv_stop(&ear->loop);
}

static const struct resolve_ops ops = {on_resolved, on_failed};

static int set_up(void **state)
{
	static struct ear ear;

	memset(&ear, 0, sizeof ear);
	*state = &ear;
	return uv_loop_init(&ear.loop);
}

/* Everything that was started has ended: the loop has nothing left. */
static int tear_down(void **state)
{
	struct ear *ear = *state;

	uv_run(&ear->loop, UV_RUN_DEFAULT);
	return uv_loop_close(&ear->loop);
}

static struct resolver *start(struct ear *ear, const char *text)
{
	struct resolver *resolver = NULL;
	enum error error = resolve_peer(&ear->loop, text, &ops, ear, &resolver);

	assert_int_equal(error, OK);
	return resolver;
}

static void peer_hex(char hex[ID_TEXT_SIZE])
{
	struct keypair pair = {.seed = {1}};

	crypto_ed25519.derive(&pair);
	id_format(&pair.public_key, hex);
}

static void a_numeric_peer_is_answered_at_once(void **state)
{
	struct ear *ear = *state;
	char hex[ID_TEXT_SIZE], text[256], back[ID_TEXT_SIZE];

	assert_null(start(ear, "127.0.0.1:5,[::1]:6"));
	assert_int_equal(ear->resolved, 1);
	assert_true(id_is_zero(&ear->dial.peer));
	assert_int_equal(ear->dial.count, 2);
	peer_hex(hex);
	snprintf(text, sizeof text, "%s@127.0.0.1:5", hex);
	assert_null(start(ear, text));
	assert_int_equal(ear->resolved, 2);
	id_format(&ear->dial.peer, back);
	assert_string_equal(back, hex);
	assert_int_equal(ear->dial.count, 1);
	resolve_cancel(NULL);
}

static void what_is_no_peer_is_refused_and_nothing_is_started(void **state)
{
	static const char *const bad[] = {"", ":", "host", "host:", ":5", "host:x", "host:5x", "host:123456", "host:65536",
		"host:-1", "127.0.0.1:65536", "host:5,", ",host:5", "host:5,,host:6", "a:b:5", "::1:5", "[]:5", "[:5", "@host:5",
		"abc@host:5", "\xff\xfe:5", "host:5,\xc0\x80:6"};
	struct ear *ear = *state;
	char hex[ID_TEXT_SIZE], text[512];
	struct resolver *resolver = NULL;
	enum error error;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		error = resolve_peer(&ear->loop, bad[i], &ops, ear, &resolver);
		if (error != ERROR_BAD_TEXT)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_null(resolver);
	}
	peer_hex(hex);
	hex[3] = 'x';
	snprintf(text, sizeof text, "%s@localhost:5", hex);
	error = resolve_peer(&ear->loop, text, &ops, ear, &resolver);
	assert_int_equal(error, ERROR_BAD_TEXT);
	snprintf(text, sizeof text, "01%062d@localhost:5", 0);   /* a key that verifies anything */
	error = resolve_peer(&ear->loop, text, &ops, ear, &resolver);
	assert_int_equal(error, ERROR_BAD_TEXT);
	memset(text, 'a', 300);   /* longer than any name */
	memcpy(text + 300, ":5", 3);
	error = resolve_peer(&ear->loop, text, &ops, ear, &resolver);
	assert_int_equal(error, ERROR_BAD_TEXT);
	assert_int_equal(ear->resolved + ear->failed, 0);
	assert_false(uv_loop_alive(&ear->loop));
}

/* A bare root folder has no /etc/hosts, and a DNS server need not know that name. */
static void need_localhost(void)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo("localhost", NULL, NULL, &found) != 0)
		skip();
	freeaddrinfo(found);
}

static void a_name_is_looked_up_from_the_loop(void **state)
{
	struct ear *ear = *state;
	char hex[ID_TEXT_SIZE], text[256], back[ID_TEXT_SIZE];
	struct resolver *resolver;

	need_localhost();
	peer_hex(hex);
	snprintf(text, sizeof text, "%s@localhost:4321", hex);
	resolver = start(ear, text);
	assert_non_null(resolver);
	assert_int_equal(ear->resolved, 0);
	uv_run(&ear->loop, UV_RUN_DEFAULT);
	assert_int_equal(ear->resolved, 1);
	assert_int_equal(ear->failed, 0);
	assert_true(ear->dial.count > 0);
	for (size_t i = 0; i < ear->dial.count; i++) {
		assert_true(address_is_loopback(&ear->dial.address[i]));
		assert_int_equal(ear->dial.address[i].port, 4321);
	}
	id_format(&ear->dial.peer, back);
	assert_string_equal(back, hex);
	resolve_cancel(resolver);
}

static void every_host_of_a_peer_is_looked_up_in_order(void **state)
{
	struct ear *ear = *state;
	struct resolver *resolver;
	size_t count;

	need_localhost();
	resolver = start(ear, "192.0.2.1:1,localhost:2,[2001:db8::1]:3");
	uv_run(&ear->loop, UV_RUN_DEFAULT);
	assert_int_equal(ear->resolved, 1);
	count = ear->dial.count;
	assert_in_range(count, 3, DIAL_ADDRESSES_MAX);
	assert_int_equal(ear->dial.address[0].port, 1);
	assert_true(address_is_ipv4(&ear->dial.address[0]));
	for (size_t i = 1; i + 1 < count; i++)
		assert_int_equal(ear->dial.address[i].port, 2);
	assert_int_equal(ear->dial.address[count - 1].port, 3);
	assert_false(address_is_ipv4(&ear->dial.address[count - 1]));
	resolve_cancel(resolver);
}

static void more_hosts_than_a_dial_holds_are_cut_off(void **state)
{
	struct ear *ear = *state;
	char text[512];
	struct resolver *resolver;
	size_t size = (size_t)snprintf(text, sizeof text, "localhost:9");

	for (int i = 0; i < DIAL_ADDRESSES_MAX; i++)
		size += (size_t)snprintf(text + size, sizeof text - size, ",127.0.0.1:9");
	resolver = start(ear, text);
	uv_run(&ear->loop, UV_RUN_DEFAULT);
	assert_int_equal(ear->resolved, 1);
	assert_int_equal(ear->dial.count, DIAL_ADDRESSES_MAX);
	resolve_cancel(resolver);
}

/* One host that does not exist is not in the way of the others. An empty label is never asked of anybody. */
static void a_host_that_fails_is_passed_over(void **state)
{
	struct ear *ear = *state;
	struct resolver *resolver = start(ear, "bad..name:1,127.0.0.1:2");

	uv_run(&ear->loop, UV_RUN_DEFAULT);
	assert_int_equal(ear->resolved, 1);
	assert_int_equal(ear->dial.count, 1);
	assert_int_equal(ear->dial.address[0].port, 2);
	resolve_cancel(resolver);
}

static void a_failed_lookup_is_told_and_waits_for_its_retry(void **state)
{
	struct ear *ear = *state;
	struct resolver *resolver = start(ear, "bad..name:1");

	uv_run(&ear->loop, UV_RUN_DEFAULT);   /* until on_failed stops it */
	assert_int_equal(ear->failed, 1);
	assert_int_equal(ear->resolved, 0);
	assert_true(uv_loop_alive(&ear->loop));   /* the timer */
	resolve_cancel(resolver);
}

static void a_lookup_under_way_can_be_cancelled(void **state)
{
	struct ear *ear = *state;
	struct resolver *resolver = start(ear, "localhost:1");

	resolve_cancel(resolver);
	uv_run(&ear->loop, UV_RUN_DEFAULT);
	assert_int_equal(ear->resolved + ear->failed, 0);
}

#define RESOLVE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RESOLVE_TEST(a_numeric_peer_is_answered_at_once),
		RESOLVE_TEST(what_is_no_peer_is_refused_and_nothing_is_started),
		RESOLVE_TEST(a_name_is_looked_up_from_the_loop),
		RESOLVE_TEST(every_host_of_a_peer_is_looked_up_in_order),
		RESOLVE_TEST(more_hosts_than_a_dial_holds_are_cut_off),
		RESOLVE_TEST(a_host_that_fails_is_passed_over),
		RESOLVE_TEST(a_failed_lookup_is_told_and_waits_for_its_retry),
		RESOLVE_TEST(a_lookup_under_way_can_be_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
